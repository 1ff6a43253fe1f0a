/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "basic/crash-point.h"
#include "basic/id.h"
#include "basic/log.h"
#include "basic/messages.h"
#include "basic/path-util.h"
#include "basic/time-util.h"
#include "volume/volume-internal.h"

#define ROOT_MODE 0701                  /* containers with a user of their own pass through it */
#define VOLUME_MODE 0701
#define DATA_MODE 0755
#define DATA_NAME "_data"

static const JsonField volume_record_fields[] = {
        JSON_STRING(VolumeRecord, name, "Name", JSON_REQUIRED),
        JSON_STRING(VolumeRecord, driver, "Driver", JSON_REQUIRED),
        JSON_TIME(VolumeRecord, created, "CreatedAt", 0),
        JSON_STRING_MAP(VolumeRecord, labels, "Labels", 0),
        JSON_STRING_MAP(VolumeRecord, options, "Options", 0),
        JSON_BOOL(VolumeRecord, removing, "Removing", JSON_OMITEMPTY),
};
JSON_TYPE(VolumeRecord, volume_record_fields);

static Volume *volume_free(Volume *v) {
        if (!v)
                return NULL;
        operation_unref(v->filling);
        json_done(&VolumeRecord_json, &v->record);
        free(v->directory);
        free(v->mountpoint);
        return mfree(v);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(Volume *, volume_free);

/* Takes the record over. */
static int volume_new(VolumeManager *m, VolumeRecord *record, Volume **ret) {
        _cleanup_(volume_freep) Volume *v = new0(Volume, 1);

        if (!v)
                return -ENOMEM;
        v->record = TAKE_STRUCT(*record);
        v->directory = path_join(m->root, v->record.name);
        v->mountpoint = v->directory ? path_join(v->directory, DATA_NAME) : NULL;
        if (!v->mountpoint)
                return -ENOMEM;
        *ret = TAKE_PTR(v);
        return 0;
}

static int make_directory(const char *path, mode_t mode, Error *reterr) {
        if (mkdir(path, mode) < 0 && errno != EEXIST)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot make %s", path);
        return 0;
}

/* One without a name is its container's: what is recorded of that afterwards brings it to the disk. */
static StoreSync sync_of(const Volume *v) {
        return volume_is_anonymous(v) ? STORE_SYNC_LAZY : STORE_SYNC_FULL;
}

static int volume_save(VolumeManager *m, const Volume *v, Error *reterr) {
        _cleanup_free_ char *text = json_encode_text(&VolumeRecord_json, &v->record, 0);

        if (!text)
                return error_fill(reterr, -ENOMEM);
        return store_put(m->config.store, STORE_VOLUME, v->record.name, text, sync_of(v), reterr);
}

/* Repeatable: what a power cut took of it is made anew when it is needed. */
int volume_make_directories(const Volume *v, Error *reterr) {
        int r;

        r = make_directory(v->directory, VOLUME_MODE, reterr);
        return r < 0 ? r : make_directory(v->mountpoint, DATA_MODE, reterr);
}

static int volume_remove_now(VolumeManager *m, Volume *v, Error *reterr);

/* --- the manager --- */

static int load_record(const char *key, const char *json, void *userdata) {
        VolumeManager *m = ASSERT_PTR(userdata);
        _cleanup_(volume_freep) Volume *v = NULL;
        _cleanup_error_ Error e = ERROR_NULL;
        VolumeRecord record = {};
        int r;

        r = json_decode_text(&VolumeRecord_json, json, strlen(json), 0, &record, &e);
        if (r >= 0)
                r = volume_name_check(record.name, &e);
        if (r >= 0)
                r = volume_new(m, &record, &v);
        if (r >= 0)
                r = hashmap_put(m->by_name, v->record.name, v);
        json_done(&VolumeRecord_json, &record);
        if (r < 0)
                return log_error_errno(r, "The record of volume %s cannot be read and is set aside: %s", key,
                                       error_is_set(&e) ? error_message(&e) : strerror(-r));
        TAKE_PTR(v);
        return 0;
}

/* A removal that was cut off is brought to its end. One that fails leaves the volume as it was: nobody
 * would use it if it went later, at a start of the daemon. */
static int finish_removals(VolumeManager *m, Error *reterr) {
        _cleanup_strv_free_ char **names = NULL;
        Volume *v;
        int r = 0;

        HASHMAP_FOREACH(v, m->by_name)
                if (r >= 0 && v->record.removing)
                        r = strv_extend(&names, v->record.name);
        if (r < 0)
                return error_fill(reterr, r);
        STRV_FOREACH(name, names) {
                _cleanup_error_ Error e = ERROR_NULL;

                if (volume_remove_now(m, volume_get(m, *name), &e) < 0)
                        log_warning("Volume %s is not removed: %s", *name, error_message(&e));
        }
        return 0;
}

/* Directories without a record, such as a damaged database leaves, are volumes still: nobody's data is
 * thrown away because a list of it was lost. */
static int adopt(VolumeManager *m, const char *name, const struct stat *st) {
        _cleanup_(volume_freep) Volume *v = NULL;
        VolumeRecord record = {
                .name = strdup(name),
                .driver = strdup(VOLUME_DRIVER_LOCAL),
                .created = (nsec_t) st->st_mtim.tv_sec * NSEC_PER_SEC,
        };
        int r;

        r = record.name && record.driver ? volume_new(m, &record, &v) : -ENOMEM;
        json_done(&VolumeRecord_json, &record);
        if (r >= 0)
                r = hashmap_put(m->by_name, v->record.name, v);
        if (r < 0)
                return r;
        log_warning("Volume %s is not in the database, but its data is there: it is a volume again", name);
        return volume_save(m, TAKE_PTR(v), NULL);
}

static int adopt_orphans(VolumeManager *m, Error *reterr) {
        _cleanup_closedir_ DIR *d = opendir(m->root);
        struct dirent *e;

        if (!d)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot read %s", m->root);
        while ((e = readdir(d))) {
                _cleanup_free_ char *data = path_join(e->d_name, DATA_NAME);
                struct stat st;

                if (!data)
                        return error_fill(reterr, -ENOMEM);
                if (volume_name_check(e->d_name, NULL) < 0 || volume_get(m, e->d_name) ||
                    hashmap_size(m->by_name) >= VOLUMES_MAX ||
                    fstatat(dirfd(d), data, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
                        continue;
                if (adopt(m, e->d_name, &st) < 0)
                        log_warning("Volume %s cannot be recorded", e->d_name);
        }
        return 0;
}

int volume_manager_new(const VolumeManagerConfig *config, VolumeManager **ret, Error *reterr) {
        _cleanup_(volume_manager_freep) VolumeManager *m = new0(VolumeManager, 1);
        int r;

        if (!m)
                return error_fill(reterr, -ENOMEM);
        m->config = *config;
        m->by_name = hashmap_new();
        m->root = path_join(config->data_root, "volumes");
        if (!m->by_name || !m->root)
                return error_fill(reterr, -ENOMEM);
        r = make_directory(m->root, ROOT_MODE, reterr);
        if (r >= 0)
                r = store_foreach(config->store, STORE_VOLUME, load_record, m, reterr);
        if (r >= 0)
                r = finish_removals(m, reterr);
        if (r >= 0)
                r = adopt_orphans(m, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

VolumeManager *volume_manager_free(VolumeManager *m) {
        Volume *v;

        if (!m)
                return NULL;
        HASHMAP_FOREACH(v, m->by_name)
                volume_free(v);
        hashmap_free(m->by_name);
        free(m->root);
        return mfree(m);
}

Volume *volume_get(VolumeManager *m, const char *name) {
        return hashmap_get(m->by_name, strempty(name));
}

int volume_find(VolumeManager *m, const char *name, Volume **ret, Error *reterr) {
        Volume *v = volume_get(m, name);

        if (!v)
                return error_setf(reterr, ERROR_NOT_FOUND, "get %s: no such volume", strempty(name));
        *ret = v;
        return 0;
}

static void volume_event(VolumeManager *m, const Volume *v, const char *action, const char *message_id) {
        StringMap attributes = {};

        if (string_map_set(&attributes, "driver", v->record.driver) < 0)
                log_oom();
        else
                event_hub_publish(m->config.events, &(EventDraft) {
                        .type = "volume",
                        .action = action,
                        .id = v->record.name,
                        .message_id = message_id,
                        .attributes = &attributes,
                });
        string_map_done(&attributes);
}

/* --- create --- */

int volume_name_check(const char *name, Error *reterr) {
        size_t n = strlen(name);
        bool valid = isalnum((unsigned char) name[0]);

        if (n == 1)
                return error_setf(reterr, ERROR_INVALID,
                                  "create %s: volume name is too short, names should be at least two "
                                  "alphanumeric characters",
                                  name);
        for (const char *p = name; *p; p++)
                valid = valid && (isalnum((unsigned char) *p) || strchr("_.-", *p));
        if (!valid || n > NAME_MAX)
                return error_setf(
                                reterr, ERROR_INVALID,
                                "create %.*s: \"%.*s\" includes invalid characters for a local volume name, "
                                "only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a "
                                "host directory, use absolute path",
                                (int) NAME_MAX, name, (int) NAME_MAX, name);
        return 0;
}

static int check_params(const VolumeCreateParams *p, Error *reterr) {
        const char *driver = strempty(p->driver);
        int r;

        if (p->cluster_volume_spec)
                return error_setf(reterr, ERROR_UNAVAILABLE,
                                  "This node is not a swarm manager. Use \"docker swarm init\" or \"docker "
                                  "swarm join\" to connect this node to swarm and try again.");
        if (!isempty(p->name)) {
                r = volume_name_check(p->name, reterr);
                if (r < 0)
                        return r;
        }
        if (driver[0] && !streq(driver, VOLUME_DRIVER_LOCAL))
                return error_setf(reterr, ERROR_NOT_FOUND,
                                  "create %s: error looking up volume plugin %s: plugin \"%s\" not found",
                                  strempty(p->name), driver, driver);
        r = volume_options_check(&p->driver_opts, reterr);
        return r < 0 ? error_prefixf(reterr, r, "create %s", strempty(p->name)) : 0;
}

static int fill_record(const VolumeCreateParams *p, VolumeRecord *ret) {
        char id[ID_LENGTH + 1];
        int r;

        r = string_map_copy(&ret->labels, &p->labels);
        if (r >= 0)
                r = string_map_copy(&ret->options, &p->driver_opts);
        if (r >= 0 && isempty(p->name)) {
                r = id_generate(id);
                if (r >= 0)
                        r = string_map_set(&ret->labels, VOLUME_ANONYMOUS_LABEL, "");
        }
        if (r < 0)
                return r;
        ret->name = strdup(isempty(p->name) ? id : p->name);
        ret->driver = strdup(VOLUME_DRIVER_LOCAL);
        ret->created = now_nsec() / NSEC_PER_SEC * NSEC_PER_SEC;
        return ret->name && ret->driver ? 0 : -ENOMEM;
}

static int add_volume(VolumeManager *m, const VolumeCreateParams *p, Volume **ret, Error *reterr) {
        _cleanup_(volume_freep) Volume *v = NULL;
        VolumeRecord record = {};
        int r;

        r = fill_record(p, &record);
        if (r >= 0)
                r = volume_new(m, &record, &v);
        json_done(&VolumeRecord_json, &record);
        if (r < 0)
                return error_fill(reterr, r);
        r = volume_save(m, v, reterr);
        crash_point("volume-create:recorded");
        if (r >= 0)
                r = volume_make_directories(v, reterr);
        crash_point("volume-create:directory");
        if (r >= 0 && hashmap_put(m->by_name, v->record.name, v) < 0)
                r = error_fill(reterr, -ENOMEM);
        if (r < 0) {
                (void) store_delete(m->config.store, STORE_VOLUME, v->record.name, STORE_SYNC_LAZY, NULL);
                return r;
        }
        volume_event(m, v, "create", MESSAGE_VOLUME_CREATE_STR);
        *ret = TAKE_PTR(v);
        return 0;
}

int volume_create(VolumeManager *m, const VolumeCreateParams *p, Volume **ret, Error *reterr) {
        Volume *v = isempty(p->name) ? NULL : volume_get(m, p->name);
        int r;

        r = check_params(p, reterr);
        if (r < 0)
                return r;
        if (v) {
                *ret = v;
                return 0;
        }
        if (hashmap_size(m->by_name) >= VOLUMES_MAX)
                return error_setf(reterr, ERROR_UNAVAILABLE, "there are %u volumes, which is the limit",
                                  VOLUMES_MAX);
        return add_volume(m, p, ret, reterr);
}

/* --- remove --- */

int volume_is_used(VolumeManager *m, const Volume *v) {
        _cleanup_strv_free_ char **ids = NULL;
        int r;

        if (v->filling)
                return 1;
        r = m->config.ops->users(m->config.userdata, v->record.name, &ids);
        return r < 0 ? r : !strv_isempty(ids);
}

static int check_unused(VolumeManager *m, const Volume *v, Error *reterr) {
        _cleanup_strv_free_ char **ids = NULL;
        _cleanup_free_ char *list = NULL;
        int r;

        r = m->config.ops->users(m->config.userdata, v->record.name, &ids);
        if (r >= 0 && strv_isempty(ids) && !v->filling)
                return 0;
        list = r < 0 ? NULL : strv_join(ids, ", ");
        if (!list)
                return error_fill(reterr, -ENOMEM);
        return error_setf(reterr, ERROR_CONFLICT, "remove %s: volume is in use - [%s]", v->record.name,
                          list);
}

static int discard(VolumeManager *m, Volume *v, Error *reterr) {
        int r;

        v->record.removing = true;
        r = volume_save(m, v, reterr);
        crash_point("volume-remove:marked");
        if (r >= 0)
                r = m->config.ops->discard(m->config.userdata, v->directory, reterr);
        if (r >= 0)
                return 0;
        /* All of it is there still, and whoever uses it from now on must not lose it at the next start. */
        v->record.removing = false;
        (void) volume_save(m, v, NULL);
        return r;
}

/* Marked first: half of somebody's data is never taken for a volume. */
static int volume_remove_now(VolumeManager *m, Volume *v, Error *reterr) {
        int r;

        r = discard(m, v, reterr);
        crash_point("volume-remove:directory");
        if (r >= 0)
                r = store_delete(m->config.store, STORE_VOLUME, v->record.name, sync_of(v), reterr);
        crash_point("volume-remove:record");
        if (r < 0)
                return r;
        hashmap_remove(m->by_name, v->record.name);
        volume_event(m, v, "destroy", MESSAGE_VOLUME_DESTROY_STR);
        volume_free(v);
        return 0;
}

int volume_remove(VolumeManager *m, const char *name, bool force, Error *reterr) {
        Volume *v = volume_get(m, name);
        int r;

        if (!v && force)
                return 0;
        r = volume_find(m, name, &v, reterr);
        if (r >= 0)
                r = check_unused(m, v, reterr);
        return r < 0 ? r : volume_remove_now(m, v, reterr);
}

bool volume_is_anonymous(const Volume *v) {
        return string_map_get(&v->record.labels, VOLUME_ANONYMOUS_LABEL);
}
