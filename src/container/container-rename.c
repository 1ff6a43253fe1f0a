/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-rename.h"

#include "basic/crash-point.h"
#include "basic/messages.h"
#include "basic/parse-util.h"
#include "container/names.h"

static int take_name(Container *c, const char *name, Error *reterr) {
        ContainerManager *m = c->manager;
        _cleanup_free_ char *old = c->doc.name, *copy = strdup(name);
        int r;

        if (!copy) {
                TAKE_PTR(old);
                return error_fill(reterr, -ENOMEM);
        }
        hashmap_remove(m->by_name, old);
        c->doc.name = TAKE_PTR(copy);
        r = hashmap_put(m->by_name, c->doc.name, c);
        if (r >= 0)
                r = container_save(c, STORE_SYNC_FULL, reterr);
        crash_point("container-rename:recorded");
        if (r >= 0)
                return 0;
        hashmap_remove(m->by_name, c->doc.name);
        free(c->doc.name);
        c->doc.name = TAKE_PTR(old);
        (void) hashmap_put(m->by_name, c->doc.name, c);
        return error_fill(reterr, r);
}

int container_rename(Container *c, const char *name, Error *reterr) {
        _cleanup_free_ char *old = strdup(c->doc.name);
        Container *other;
        int r;

        if (isempty(name))
                return error_setf(reterr, ERROR_INVALID, "Neither old nor new names may be empty");
        name += name[0] == '/';
        r = container_name_validate(name, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "Error when allocating new name");
        if (streq(name, c->doc.name))
                return error_setf(reterr, ERROR_INVALID,
                                  "Renaming a container with the same name as its current name");
        other = hashmap_get(c->manager->by_name, name);
        if (other)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "Error when allocating new name: Conflict. The container name \"/%s\" is "
                                  "already in use by container \"%s\". You have to remove (or rename) that "
                                  "container to be able to reuse that name.",
                                  name, other->doc.id);
        r = take_name(c, name, reterr);
        if (r < 0)
                return r;
        (void) sandbox_rename(c->manager->config.networks, c->doc.id, c->doc.name, NULL);
        if (c->supervised)
                (void) supervisor_rename(c->manager->supervisor, c->doc.id, c->doc.name);
        container_event(c, "rename", MESSAGE_CONTAINER_RENAME_STR, "oldName", strempty(old), NULL);
        return 0;
}

/* A whole number, be it negative or as long as it likes. */
static bool is_number(const char *s) {
        s += *s == '-' || *s == '+';
        return *s && s[strspn(s, "0123456789")] == 0;
}

static int parse_side(const char *s, const char *what, uint32_t *ret, Error *reterr) {
        s = strempty(s);
        if (parse_uint32(s, ret) >= 0)
                return 0;
        return error_setf(reterr, ERROR_INVALID, "invalid resize %s \"%s\": %s", what, s,
                          is_number(s) ? "value out of range" : "invalid syntax");
}

int container_parse_size(const char *h, const char *w, uint32_t *ret_rows, uint32_t *ret_columns,
                         Error *reterr) {
        int r;

        r = parse_side(h, "height", ret_rows, reterr);
        return r < 0 ? r : parse_side(w, "width", ret_columns, reterr);
}

int container_resize(Container *c, const char *h, const char *w, Error *reterr) {
        uint32_t rows, columns;
        int r;

        r = container_parse_size(h, w, &rows, &columns, reterr);
        if (r < 0)
                return r;
        if (!container_is_running(c))
                return error_setf(reterr, ERROR_CONFLICT, "container %s is not running", c->doc.id);
        r = c->shim ? shim_client_resize(c->shim, rows, columns) : -ENOTCONN;
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "cannot resize the terminal of container %s", c->doc.name);
        container_event(c, "resize", MESSAGE_CONTAINER_RESIZE_STR, "height", h, "width", w, NULL);
        return 0;
}
