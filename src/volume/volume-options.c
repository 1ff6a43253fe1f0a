/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a volume of the driver "local": what is mounted instead of a directory of its own. */
#include "volume/volume-internal.h"

#include "basic/strv.h"

/* In the order Docker complains about them. */
static const char *const known_options[] = { "type", "o", "device", "size" };

/* What the OCI runtime takes as a flag of a bind mount. */
static const char *const bind_words[] = {
        "bind", "rbind", "ro", "rw", "noatime", "nodiratime", "relatime", "nodev", "noexec", "nosuid",
        "private", "rprivate", "shared", "rshared", "slave", "rslave",
};

static const char *option(const StringMap *options, const char *key) {
        return strempty(string_map_get(options, key));
}

static int check_keys(const StringMap *options, Error *reterr) {
        for (size_t i = 0; i < options->n_items; i++) {
                bool known = false;

                FOREACH_ELEMENT(k, known_options)
                        known = known || streq(*k, options->items[i].key);
                if (!known)
                        return error_setf(reterr, ERROR_INVALID, "invalid option: \"%s\"",
                                          options->items[i].key);
        }
        return 0;
}

static VolumeKind kind_of(const StringMap *options) {
        _cleanup_strv_free_ char **words = NULL;

        if (streq(option(options, "type"), "tmpfs"))
                return VOLUME_TMPFS;
        if (strv_split(option(options, "o"), ",", &words) >= 0 &&
            (strv_contains(words, "bind") || strv_contains(words, "rbind")))
                return VOLUME_BIND;
        return VOLUME_DIRECTORY;
}

static int check_bind(const StringMap *options, Error *reterr) {
        const char *device = option(options, "device");
        _cleanup_strv_free_ char **words = NULL;

        if (device[0] != '/')
                return error_setf(reterr, ERROR_INVALID, "the device of a bind must be an absolute path: %s",
                                  device);
        if (strv_split(option(options, "o"), ",", &words) < 0)
                return error_fill(reterr, -ENOMEM);
        STRV_FOREACH(w, words) {
                bool known = false;

                FOREACH_ELEMENT(k, bind_words)
                        known = known || streq(*k, *w);
                if (!known)
                        return error_setf(reterr, ERROR_INVALID, "invalid mount option \"%s\"", *w);
        }
        return 0;
}

int volume_options_check(const StringMap *options, Error *reterr) {
        const char *type = option(options, "type"), *device = option(options, "device");
        int r;

        r = check_keys(options, reterr);
        if (r < 0)
                return r;
        if (option(options, "size")[0])
                return error_setf(reterr, ERROR_INVALID, "quota size requested but no quota support");
        if (!type[0] && !device[0] && !option(options, "o")[0])
                return 0;
        if (!device[0])
                return error_setf(reterr, ERROR_INVALID, "missing required option: \"device\"");
        switch (kind_of(options)) {
        case VOLUME_TMPFS:
                return 0;
        case VOLUME_BIND:
                return check_bind(options, reterr);
        default:
                if (!type[0])
                        return error_setf(reterr, ERROR_INVALID, "missing required option: \"type\"");
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "volumes of type \"%s\" are not supported by this engine yet", type);
        }
}

VolumeKind volume_kind(const Volume *v) {
        return kind_of(&v->record.options);
}

const char *volume_source(const Volume *v) {
        return volume_kind(v) == VOLUME_BIND ? option(&v->record.options, "device") : v->mountpoint;
}

int volume_mount_words(const Volume *v, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        int r;

        r = strv_split(option(&v->record.options, "o"), ",", &l);
        if (r < 0)
                return r;
        strv_remove(l, "bind");
        strv_remove(l, "rbind");
        *ret = TAKE_PTR(l);
        return 0;
}
