/* SPDX-License-Identifier: Apache-2.0 */
/* org.dockerd1.Image: its rows, its properties, and the objects that come, change and go with the engine's.
 * Only the names of an image change. */
#include "basic/log.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"
#include "json/json-bus.h"

static const BusRow image_rows[] = {
        BUS_CALL("Inspect", "", "", "a{sv}", "details", image_inspect),
        BUS_CALL("History", "", "", "aa{sv}", "layers", image_history),
        BUS_CALL("Tag", "ss", "repository=repo tag", "", "", image_tag),
        BUS_CALL("Remove", "a{sv}", "options", "aa{sv}", "removed", image_remove),
        BUS_CALL("Save", "a{sv}", "options", "hs", "stream format", image_save),
        BUS_CALL("Push", "sa{sv}", "reference=name options", "o", "operation", image_push,
                 .operation = "push", .by_name = true),
};

/* Zeroed where the image went a moment ago and the object is about to. */
static EngineImageView image_view(const BusImage *i) {
        EngineImageView v = {};

        if (!engine_image_view(i->target.face->engine, i->id, &v))
                v = (EngineImageView) {};
        return v;
}

static int get_string(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const EngineImageView v = image_view(userdata);

        return sd_bus_message_append(reply, "s", strempty(streq(property, "Os") ? v.os : v.architecture));
}

static int get_number(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const EngineImageView v = image_view(userdata);
        uint64_t n = streq(property, "Size") ? (uint64_t) v.size : v.created / NSEC_PER_USEC;

        return sd_bus_message_append(reply, "t", n);
}

static int get_labels(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        static const StringMap none = {};
        const EngineImageView v = image_view(userdata);

        return bus_append_string_map(reply, v.labels ?: &none);
}

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable image_extra[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Id", "s", NULL, offsetof(BusImage, id), CONST),
        SD_BUS_PROPERTY("RepoTags", "as", NULL, offsetof(BusImage, tags), CHANGES),
        SD_BUS_PROPERTY("RepoDigests", "as", NULL, offsetof(BusImage, digests), CHANGES),
        SD_BUS_PROPERTY("CreatedUSec", "t", get_number, 0, CONST),
        SD_BUS_PROPERTY("Size", "t", get_number, 0, CONST),
        SD_BUS_PROPERTY("Architecture", "s", get_string, 0, CONST),
        SD_BUS_PROPERTY("Os", "s", get_string, 0, CONST),
        SD_BUS_PROPERTY("Labels", "a{ss}", get_labels, 0, CONST),
        SD_BUS_VTABLE_END,
};

const BusInterface bus_image_interface = {
        .name = BUS_IMAGE_INTERFACE,
        .rows = image_rows,
        .n_rows = ELEMENTSOF(image_rows),
        .extra = image_extra,
        .id_field = "name",
        .read_call = &engine_call_image_list,
};

/* Bits of BusImage.changed. */
typedef enum Changed {
        CHANGED_TAGS = 1 << 0,
        CHANGED_DIGESTS = 1 << 1,
} Changed;

static const BusChange changed_table[] = {
        { CHANGED_TAGS, "RepoTags" },
        { CHANGED_DIGESTS, "RepoDigests" },
};

static const char *hex_of(const char *id) {
        return startswith(id, "sha256:") ?: id;
}

int bus_image_path(const char *id, char **ret) {
        return sd_bus_path_encode(BUS_IMAGE_PREFIX, hex_of(id), ret);
}

int bus_image_set_name(const BusTarget *t, JsonValue *params, Error *reterr) {
        const BusImage *i = (const BusImage *) t;
        const char *field = t->interface->id_field, *name, *tag;
        const JsonValue *v = json_value_get(params, field);
        _cleanup_free_ char *repository = NULL, *copy = NULL;
        _cleanup_strv_free_ char **tags = NULL;
        int r;

        name = v ? json_value_string(v) : NULL;
        r = engine_image_names(t->face->engine, i->id, &tags, /* ret_digests= */ NULL);
        if (r < 0 && r != -ENOENT)
                return error_fill(reterr, r);
        tag = name && strv_contains(tags, name) ? strrchr(name, ':') : NULL;
        if (!tag)
                return error_setf(reterr, ERROR_NOT_FOUND, "%s is not a tag of this image", strempty(name));

        /* Both, so that no option leads elsewhere. The name goes away with its place. */
        repository = memdup_suffix0(name, (size_t) (tag - name));
        copy = strdup(tag + 1);
        if (!repository || !copy)
                return error_fill(reterr, -ENOMEM);
        r = json_bus_object_set_string(params, field, repository);
        if (r >= 0)
                r = json_bus_object_set_string(params, "tag", copy);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* --- the objects --- */

/* The map borrows the strings of the list. */
static void unlink_tags(BusImage *i) {
        Hashmap *m = i->target.face->tags;

        STRV_FOREACH(tag, i->tags)
                if (hashmap_get(m, *tag) == i)
                        (void) hashmap_remove(m, *tag);
}

/* A name leads to one image: where another one had it, that one has changed as well. */
static void link_tags(BusImage *i) {
        BusFace *f = i->target.face;

        STRV_FOREACH(tag, i->tags) {
                void *other = NULL;

                if (hashmap_replace(f->tags, *tag, i, &other) >= 0 && other && other != i)
                        bus_image_schedule_refresh(f, ((BusImage *) other)->id);
        }
}

BusImage *bus_image_free(BusImage *i) {
        if (!i)
                return NULL;

        unlink_tags(i);
        bus_target_done(&i->target);
        free(i->id);
        strv_free(i->tags);
        strv_free(i->digests);
        return mfree(i);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(BusImage *, bus_image_free);

static void update_list(BusImage *i, char ***p, char **l, Changed bit) {
        if (!strv_equal(*p, l))
                i->changed |= bit;
        strv_free(*p);
        *p = l;
}

/* The old names stay when memory is out; the next look at the image tries again. */
static void image_update(BusImage *i) {
        char **tags, **digests;

        if (engine_image_names(i->target.face->engine, i->id, &tags, &digests) < 0)
                return;

        unlink_tags(i);
        update_list(i, &i->tags, tags, CHANGED_TAGS);
        update_list(i, &i->digests, digests, CHANGED_DIGESTS);
        link_tags(i);
}

static int image_new(BusFace *f, const char *id, BusImage **ret) {
        _cleanup_(bus_image_freep) BusImage *i = NULL;
        int r;

        i = new(BusImage, 1);
        if (!i)
                return -ENOMEM;
        *i = (BusImage) {
                .target = { .face = f, .interface = &bus_image_interface, .id = strdup(hex_of(id)) },
                .id = strdup(id),
        };
        if (!i->id || !i->target.id)
                return -ENOMEM;
        r = bus_image_path(id, &i->target.path);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(i);
        return 0;
}

static int image_add(BusFace *f, const char *id) {
        _cleanup_(bus_image_freep) BusImage *i = NULL;
        int r;

        r = image_new(f, id, &i);
        if (r < 0)
                return r;
        r = hashmap_put(f->images, i->id, i);
        if (r < 0)
                return r;

        image_update(i);
        i->changed = 0;
        bus_target_emit_added(&TAKE_PTR(i)->target);
        return 0;
}

static void image_remove(BusFace *f, BusImage *i) {
        bus_target_emit_removed(&i->target);
        (void) hashmap_remove(f->images, i->id);
        bus_image_free(i);
}

static void image_refresh(BusFace *f, const char *id) {
        BusImage *i = hashmap_get(f->images, id);
        EngineImageView v;
        int r;

        if (!engine_image_view(f->engine, id, &v)) {
                if (i)
                        image_remove(f, i);
                return;
        }

        if (!i) {
                r = image_add(f, id);
                if (r < 0)
                        log_debug_errno(r, "Cannot show image %s on the bus: %m", id);
                return;
        }

        image_update(i);
        bus_target_emit_changes(&i->target, changed_table, ELEMENTSOF(changed_table), i->changed);
        i->changed = 0;
}

static void remove_gone(BusFace *f) {
        EngineImageView v;
        BusImage *i;

        HASHMAP_FOREACH(i, f->images)
                if (!engine_image_view(f->engine, i->id, &v))
                        image_remove(f, i);
}

/* Those that no event told of. */
static void refresh_all(BusFace *f) {
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        remove_gone(f);
        r = engine_image_ids(f->engine, &ids);
        if (r < 0)
                log_debug_errno(r, "Cannot list the images for the bus: %m");
        STRV_FOREACH(id, ids)
                if (!hashmap_get(f->images, *id))
                        image_refresh(f, *id);
}

void bus_image_schedule_refresh(BusFace *f, const char *id) {
        if (!strv_contains(f->dirty_images, id))
                (void) strv_extend(&f->dirty_images, id);
        bus_face_schedule_refresh(f, /* id= */ NULL);
}

void bus_images_refresh(BusFace *f) {
        _cleanup_strv_free_ char **dirty = TAKE_PTR(f->dirty_images);
        EngineCounts counts = {};

        STRV_FOREACH(id, dirty)
                image_refresh(f, *id);

        engine_counts(f->engine, &counts);
        if (counts.images != hashmap_size(f->images))
                refresh_all(f);
}

int bus_image_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                   sd_bus_error *ret_error) {
        _cleanup_free_ char *hex = NULL, *id = NULL;
        BusFace *f = ASSERT_PTR(userdata);
        BusImage *i;
        int r;

        r = sd_bus_path_decode(path, BUS_IMAGE_PREFIX, &hex);
        if (r <= 0)
                return r;
        id = strjoin("sha256:", hex);
        if (!id)
                return -ENOMEM;

        i = hashmap_get(f->images, id);
        if (!i) {
                /* Made a moment ago: a client that was told the path may use it before the signal. */
                image_refresh(f, id);
                i = hashmap_get(f->images, id);
                if (!i)
                        return 0;
        }

        /* Who reads after a reply gets what the reply promised, even if the signal is still to come. */
        if (strv_contains(f->dirty_images, id))
                image_update(i);

        *ret = i;
        return 1;
}

int bus_image_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                        sd_bus_error *ret_error) {
        BusFace *f = ASSERT_PTR(userdata);

        return bus_targets_enumerate(f->images, ret);
}
