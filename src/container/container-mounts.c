/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-mounts.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include "basic/path-util.h"
#include "container/container-config.h"
#include "shared/mount-util.h"

#define BIND_SOURCE_MODE 0755
/* What Docker shows of a volume whose mode the request leaves open; it does nothing without SELinux. */
#define VOLUME_MODE "z"

static const char *const propagations[] = {
        "rprivate", "private", "rshared", "shared", "rslave", "slave", NULL,
};

/* Words of a bind's mode, one of each kind. SELinux labels do nothing without SELinux, consistency is of
 * other platforms. */
typedef enum ModeKind {
        MODE_ACCESS,
        MODE_LABEL,
        MODE_PROPAGATION,
        MODE_COPY,
        MODE_CONSISTENCY,
        _MODE_KIND_MAX,
} ModeKind;

static const struct {
        const char *word;
        ModeKind kind;
} mode_words[] = {
        { "rw",         MODE_ACCESS      }, { "ro",        MODE_ACCESS      },
        { "z",          MODE_LABEL       }, { "Z",         MODE_LABEL       },
        { "rprivate",   MODE_PROPAGATION }, { "private",   MODE_PROPAGATION },
        { "rshared",    MODE_PROPAGATION }, { "shared",    MODE_PROPAGATION },
        { "rslave",     MODE_PROPAGATION }, { "slave",     MODE_PROPAGATION },
        { "nocopy",     MODE_COPY        },
        { "consistent", MODE_CONSISTENCY }, { "cached",    MODE_CONSISTENCY },
        { "delegated",  MODE_CONSISTENCY }, { "default",   MODE_CONSISTENCY },
};

MountPoint *container_mount_point_add(MountPointList *l) {
        MountPoint *items = reallocarray(l->items, l->n_items + 1, sizeof(*items));

        if (!items)
                return NULL;
        l->items = items;
        items[l->n_items] = (MountPoint) {};
        return items + l->n_items++;
}

static int check_duplicate(const MountPointList *l, const char *destination, Error *reterr) {
        for (size_t i = 0; i + 1 < l->n_items; i++)
                if (streq(strempty(l->items[i].destination), destination))
                        return error_setf(reterr, ERROR_INVALID, "Duplicate mount point: %s", destination);
        return 0;
}

/* Docker's words; context is what comes before them. */
static int set_destination(MountPointList *l, MountPoint *m, const char *destination, const char *context,
                           Error *reterr) {
        if (destination[0] != '/')
                return error_setf(reterr, ERROR_INVALID,
                                  "%sinvalid mount path: '%s' mount path must be absolute", context,
                                  destination);
        if (path_clean(destination, &m->destination) < 0)
                return error_fill(reterr, -ENOMEM);
        if (streq(m->destination, "/"))
                return error_setf(reterr, ERROR_INVALID,
                                  "%sinvalid specification: destination can't be '/'", context);
        return check_duplicate(l, m->destination, reterr);
}

/* The kind of the word; each may come once. */
static int mode_word_kind(const char *word, bool seen[static _MODE_KIND_MAX]) {
        FOREACH_ELEMENT(w, mode_words)
                if (streq(w->word, word) && !seen[w->kind]) {
                        seen[w->kind] = true;
                        return (int) w->kind;
                }
        return -EINVAL;
}

/* What a word means depends on what is mounted: propagation is of directories of the host, the copy of
 * volumes. */
static int parse_mode(MountPoint *m, const char *mode, Error *reterr) {
        ModeKind foreign = streq(m->type, "bind") ? MODE_COPY : MODE_PROPAGATION;
        _cleanup_strv_free_ char **words = NULL;
        bool seen[_MODE_KIND_MAX] = {};

        m->rw = true;
        m->mode = strdup(mode[0] || streq(m->type, "bind") ? mode : VOLUME_MODE);
        if (!streq(m->type, "bind"))
                m->propagation = strdup("");
        if (!m->mode || (!m->propagation && !streq(m->type, "bind")) || strv_split(mode, ",", &words) < 0)
                return error_fill(reterr, -ENOMEM);
        STRV_FOREACH(w, words) {
                int kind = mode_word_kind(*w, seen);

                if (kind < 0 || kind == (int) foreign)
                        return error_setf(reterr, ERROR_INVALID, "invalid mode: %s", mode);
                if (kind == MODE_ACCESS)
                        m->rw = streq(*w, "rw");
                if (kind == MODE_PROPAGATION && free_and_strdup(&m->propagation, *w) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        return 0;
}

/* An absolute path of the host, or the name of a volume. */
static int set_source(MountPoint *m, const char *source, Error *reterr) {
        bool is_path = source[0] == '/';
        int r;

        m->type = strdup(is_path ? "bind" : "volume");
        if (!m->type)
                return error_fill(reterr, -ENOMEM);
        if (!is_path) {
                r = volume_name_check(source, reterr);
                if (r < 0)
                        return r;
                m->name = strdup(source);
        } else
                (void) path_clean(source, &m->source);
        return m->name || m->source ? 0 : error_fill(reterr, -ENOMEM);
}

/* "SOURCE:DESTINATION[:MODE]" */
static int parse_bind(MountPointList *l, const char *spec, Error *reterr) {
        _cleanup_free_ char *source = NULL, *destination = NULL, *context = NULL;
        const char *first = strchr(spec, ':'), *second;
        MountPoint *m;
        int r;

        if (!first || first == spec || !first[1])
                return error_setf(reterr, ERROR_INVALID, "invalid volume specification: '%s'", spec);
        second = strchr(first + 1, ':');
        if (second && strchr(second + 1, ':'))
                return error_setf(reterr, ERROR_INVALID, "invalid volume specification: '%s'", spec);
        source = memdup_suffix0(spec, first - spec);
        destination = second ? memdup_suffix0(first + 1, second - first - 1) : strdup(first + 1);
        if (!source || !destination)
                return error_fill(reterr, -ENOMEM);
        m = container_mount_point_add(l);
        if (!m)
                return error_fill(reterr, -ENOMEM);
        r = set_source(m, source, reterr);
        if (r < 0)
                return r;
        if (asprintf_safe(&context, "invalid volume specification: '%s': invalid mount config for type "
                          "\"%s\": ", spec, m->type) < 0)
                return error_fill(reterr, -ENOMEM);
        r = parse_mode(m, second ? second + 1 : "", reterr);
        return r < 0 ? r : set_destination(l, m, destination, context, reterr);
}

static int invalid_mount(Error *reterr, const char *type, const char *why, const char *what) {
        return error_setf(reterr, ERROR_INVALID, "invalid mount config for type \"%s\": %s%s", type, why,
                          what);
}

/* Options of another type than the mount's. */
static int check_foreign_options(const MountSpec *s, Error *reterr) {
        if (s->bind_options && !streq(s->type, "bind"))
                return invalid_mount(reterr, s->type, "field BindOptions must not be specified", "");
        if (s->tmpfs_options && !streq(s->type, "tmpfs"))
                return invalid_mount(reterr, s->type, "field TmpfsOptions must not be specified", "");
        if (s->volume_options && !streq(s->type, "volume"))
                return invalid_mount(reterr, s->type, "field VolumeOptions must not be specified", "");
        if (s->image_options)
                return invalid_mount(reterr, s->type, "field ImageOptions must not be specified", "");
        return 0;
}

/* A list of [NAME] or [NAME, VALUE]; Docker knows two names, none of which has a value. */
static int check_tmpfs_options(const MountSpec *s, Error *reterr) {
        const TmpfsOptions *o = s->tmpfs_options;

        for (size_t i = 0; o && i < o->options.n_items; i++) {
                char **words = o->options.items[i];
                size_t n = strv_length(words);

                if (n != 1 && n != 2)
                        return invalid_mount(reterr, s->type, "invalid option array length", "");
                if (n == 2 || (!streq(words[0], "exec") && !streq(words[0], "noexec")))
                        return invalid_mount(reterr, s->type, "invalid option: ", words[0]);
        }
        return 0;
}

static int check_read_only(const MountSpec *s, Error *reterr) {
        const BindOptions *o = s->bind_options;

        if (!o || (!o->read_only_non_recursive && !o->read_only_force_recursive))
                return 0;
        if (!s->read_only)
                return invalid_mount(reterr, s->type,
                                     "mount is read-write, but the options for read-only mounts are set",
                                     "");
        if (o->read_only_non_recursive && o->read_only_force_recursive)
                return invalid_mount(reterr, s->type,
                                     "ReadOnlyNonRecursive and ReadOnlyForceRecursive are both set", "");
        return 0;
}

static int parse_mount_bind(MountPoint *m, const MountSpec *s, Error *reterr) {
        const BindOptions *o = s->bind_options;
        struct stat st;

        if (isempty(s->source))
                return invalid_mount(reterr, s->type, "field Source must not be empty", "");
        if (s->source[0] != '/')
                return invalid_mount(reterr, s->type,
                                     "invalid mount path: mount path must be absolute: ", s->source);
        if (o && !isempty(o->propagation) && !strv_contains((char *const *) propagations, o->propagation))
                return invalid_mount(reterr, s->type, "invalid propagation mode: ", o->propagation);
        if (stat(s->source, &st) < 0 && !(o && o->create_mountpoint))
                return invalid_mount(reterr, s->type, "bind source path does not exist: ", s->source);
        if (o && !isempty(o->propagation) && free_and_strdup(&m->propagation, o->propagation) < 0)
                return error_fill(reterr, -ENOMEM);
        if (path_clean(s->source, &m->source) < 0)
                return error_fill(reterr, -ENOMEM);
        return check_read_only(s, reterr);
}

static int parse_mount_volume(MountPoint *m, const MountSpec *s, Error *reterr) {
        const VolumeOptions *o = s->volume_options;
        int r;

        if (o && !isempty(o->subpath))
                return error_setf(
                                reterr, ERROR_NOT_IMPLEMENTED,
                                "mounting a directory of a volume (volume-subpath) is not supported by this "
                                "engine yet");
        m->propagation = strdup("");
        if (!m->propagation || free_and_strdup(&m->mode, VOLUME_MODE) < 0)
                return error_fill(reterr, -ENOMEM);
        if (isempty(s->source))
                return 0;
        r = volume_name_check(s->source, reterr);
        if (r < 0)
                return r;
        m->name = strdup(s->source);
        return m->name ? 0 : error_fill(reterr, -ENOMEM);
}

static int parse_mount_source(MountPoint *m, const MountSpec *s, Error *reterr) {
        if (streq(m->type, "bind"))
                return parse_mount_bind(m, s, reterr);
        if (streq(m->type, "volume"))
                return parse_mount_volume(m, s, reterr);
        return isempty(s->source) ? 0 :
                                    invalid_mount(reterr, m->type, "field Source must not be specified", "");
}

static int parse_mount(MountPointList *l, const MountSpec *s, Error *reterr) {
        _cleanup_free_ char *context = NULL;
        const char *type = strempty(s->type);
        MountPoint *m;
        int r;

        if (!streq(type, "bind") && !streq(type, "tmpfs") && !streq(type, "volume")) {
                if (streq(type, "image") || streq(type, "cluster"))
                        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                          "mounts of type \"%s\" are not supported by this engine yet",
                                          type);
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid mount config for type \"%s\": mount type unknown", type);
        }
        r = check_foreign_options(s, reterr);
        if (r >= 0)
                r = check_tmpfs_options(s, reterr);
        if (r < 0)
                return r;
        if (isempty(s->target))
                return invalid_mount(reterr, type, "field Target must not be empty", "");
        m = container_mount_point_add(l);
        if (!m)
                return error_fill(reterr, -ENOMEM);
        m->type = strdup(type);
        m->mode = strdup("");
        m->rw = !s->read_only;
        if (!m->type || !m->mode ||
            asprintf_safe(&context, "invalid mount config for type \"%s\": ", type) < 0)
                return error_fill(reterr, -ENOMEM);
        r = set_destination(l, m, s->target, context, reterr);
        return r < 0 ? r : parse_mount_source(m, s, reterr);
}

static bool is_tmpfs_option(const char *word) {
        static const char *const flags[] = {
                "defaults", "ro",       "rw",        "suid",       "nosuid",   "dev",         "nodev",
                "exec",     "noexec",   "sync",      "async",      "dirsync",  "remount",     "mand",
                "nomand",   "atime",    "noatime",   "diratime",   "bind",     "nodiratime",  "rbind",
                "shared",   "rshared",  "unbindable", "private",   "rprivate", "runbindable", "slave",
                "rslave",   "relatime", "norelatime", "strictatime", "nostrictatime", NULL,
        };
        static const char *const values[] = { "size",      "mode",      "uid",  "gid",
                                              "nr_inodes", "nr_blocks", "mpol", NULL };
        _cleanup_free_ char *name = memdup_suffix0(word, strcspn(word, "="));

        return strv_contains((char *const *) flags, word) ||
               (name && strchr(word, '=') && strv_contains((char *const *) values, name));
}

static int check_tmpfs(const MountPointList *l, const char *path, const char *options, Error *reterr) {
        _cleanup_strv_free_ char **words = NULL;
        _cleanup_free_ char *clean = NULL;

        if (path[0] != '/')
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid mount path: '%s' mount path must be absolute", path);
        if (path_clean(path, &clean) < 0 || strv_split(strempty(options), ",", &words) < 0)
                return error_fill(reterr, -ENOMEM);
        if (streq(clean, "/"))
                return error_setf(reterr, ERROR_INVALID, "invalid specification: destination can't be '/'");
        for (size_t i = 0; i < l->n_items; i++)
                if (streq(l->items[i].destination, clean))
                        return error_setf(reterr, ERROR_INVALID, "Duplicate mount point: %s", clean);
        STRV_FOREACH(w, words)
                if (!is_tmpfs_option(*w))
                        return error_setf(reterr, ERROR_INVALID, "invalid tmpfs option \"%s\"", *w);
        return 0;
}

static bool is_below(const char *path, const char *directory) {
        const char *rest = startswith(path, directory);

        return rest && (*rest == 0 || *rest == '/' || streq(directory, "/"));
}

/* A source that contains the data root, or lies in it. */
static bool shows_data_root(const char *source, const char *data_root) {
        return is_below(source, data_root) || is_below(data_root, source);
}

/* The default, where none was asked for. A mount that shows the data root has to let go of what is unmounted
 * there. */
static int settle_propagation(MountPoint *m, const char *data_root, Error *reterr) {
        bool shown;

        if (!streq(m->type, "bind"))
                return 0;
        shown = shows_data_root(m->source, data_root);
        if (!m->propagation) {
                m->propagation = strdup(shown ? "rslave" : "rprivate");
                return m->propagation ? 0 : error_fill(reterr, -ENOMEM);
        }
        if (!shown || streq(m->propagation, "rslave") || streq(m->propagation, "rshared"))
                return 0;
        return error_setf(reterr, ERROR_INVALID,
                          "invalid mount config: must use either propagation mode \"rslave\" or \"rshared\" "
                          "when mount source is within the daemon root, daemon root: \"%s\", bind mount "
                          "source: \"%s\", propagation: \"%s\"", data_root, m->source, m->propagation);
}

int container_mounts_parse(ContainerDocument *d, const char *data_root, Error *reterr) {
        const HostConfig *h = &d->host_config;
        int r = 0;

        if (strv_length(h->binds) + h->mounts.n_items + h->tmpfs.n_items > CONTAINER_MOUNTS_MAX)
                return error_setf(reterr, ERROR_INVALID, "more than %u mounts", CONTAINER_MOUNTS_MAX);
        STRV_FOREACH(s, h->binds) {
                r = parse_bind(&d->mounts, *s, reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < h->mounts.n_items && r >= 0; i++)
                r = parse_mount(&d->mounts, h->mounts.items + i, reterr);
        for (size_t i = 0; i < d->mounts.n_items && r >= 0; i++)
                r = settle_propagation(d->mounts.items + i, data_root, reterr);
        for (size_t i = 0; i < h->tmpfs.n_items && r >= 0; i++)
                r = check_tmpfs(&d->mounts, h->tmpfs.items[i].key, h->tmpfs.items[i].value, reterr);
        return r;
}

/* --- rows of the OCI document --- */

void spec_mount_list_done(SpecMountList *l) {
        for (size_t i = 0; i < l->n_items; i++) {
                free((char *) l->items[i].destination);
                free((char *) l->items[i].source);
                free((char *) l->items[i].type);
                strv_free(l->items[i].options);
        }
        free(l->items);
        *l = (SpecMountList) {};
}

/* options are taken over in every case. */
static int add_mount(SpecMountList *l, const char *destination, const char *source, const char *type,
                     char **options) {
        SpecMount *m;

        if (!options || !GREEDY_REALLOC0(l->items, l->n_allocated, l->n_items + 1)) {
                strv_free(options);
                return -ENOMEM;
        }
        m = l->items + l->n_items++;
        *m = (SpecMount) { strdup(destination), strdup(source), strdup(type), options };
        return m->destination && m->source && m->type ? 0 : -ENOMEM;
}

/* Read-only is what is mounted below, too. */
static char **bind_options(const MountPoint *m, const BindOptions *o) {
        bool recursive = !o || (!o->non_recursive && !o->read_only_non_recursive);
        _cleanup_strv_free_ char **l = strv_new_empty();

        if (!l || strv_extend(&l, o && o->non_recursive ? "bind" : "rbind") < 0 ||
            strv_extend(&l, isempty(m->propagation) ? "rprivate" : m->propagation) < 0 ||
            strv_extend(&l, m->rw ? "rw" : recursive ? "rro" : "ro") < 0)
                return NULL;
        return TAKE_PTR(l);
}

const MountSpec *container_mount_spec(const HostConfig *h, const char *destination) {
        for (size_t i = 0; i < h->mounts.n_items; i++) {
                _cleanup_free_ char *clean = NULL;

                if (path_clean(strempty(h->mounts.items[i].target), &clean) >= 0 &&
                    streq(clean, destination))
                        return h->mounts.items + i;
        }
        return NULL;
}

/* -v makes the missing directory, as Docker does. */
static int make_source(const MountPoint *m, Error *reterr) {
        struct stat st;
        int r;

        if (stat(m->source, &st) >= 0)
                return 0;
        if (errno != ENOENT)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                        "error while creating mount source path '%s'", m->source);
        r = mkdir_p(m->source, BIND_SOURCE_MODE);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r,
                                        "error while creating mount source path '%s'", m->source);
        return 0;
}

/* Mounts can only be passed on where the source's mount does. */
static int check_propagation(const MountPoint *m, const char *data_root, Error *reterr) {
        bool shared = endswith(strempty(m->propagation), "shared");
        _cleanup_free_ char *point = NULL;
        unsigned long flags;
        int r;

        if (!shared && !endswith(strempty(m->propagation), "slave"))
                return 0;
        r = mount_of_path(m->source, &point, &flags);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "could not find source mount of %s",
                                        m->source);
        if (flags & (shared ? MS_SHARED : MS_SHARED|MS_SLAVE))
                return 0;
        /* It was made a slave by us: where the host's mount passes nothing on, nothing is missed. */
        if (!shared && shows_data_root(m->source, data_root))
                return 0;
        return error_setf(reterr, ERROR_INTERNAL, "path %s is mounted on %s but it is not a %s mount",
                          m->source, point, shared ? "shared" : "shared or slave");
}

static int add_bind(Container *c, SpecMountList *l, const MountPoint *m, Error *reterr) {
        const MountSpec *spec = container_mount_spec(&c->doc.host_config, m->destination);
        int r;

        r = make_source(m, reterr);
        if (r >= 0)
                r = check_propagation(m, c->manager->config.data_root, reterr);
        if (r < 0)
                return r;
        r = add_mount(l, m->destination, m->source, "bind",
                      bind_options(m, spec ? spec->bind_options : NULL));
        return r < 0 ? error_fill(reterr, r) : 0;
}

static int find_volume(Container *c, const MountPoint *m, Volume **ret, Error *reterr) {
        struct stat st;
        int r;

        r = volume_find(c->manager->config.volumes, strempty(m->name), ret, reterr);
        if (r < 0)
                return r;
        if (volume_kind(*ret) == VOLUME_DIRECTORY)
                return volume_make_directories(*ret, reterr);
        if (volume_kind(*ret) == VOLUME_BIND && stat(volume_source(*ret), &st) < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno,
                                        "error while mounting volume '%s': failed to mount local volume: "
                                        "mount %s", m->source, volume_source(*ret));
        return 0;
}

static int add_volume(Container *c, SpecMountList *l, const MountPoint *m, Error *reterr) {
        _cleanup_strv_free_ char **options = NULL, **words = NULL;
        Volume *v;
        int r;

        r = find_volume(c, m, &v, reterr);
        if (r < 0)
                return r;
        options = volume_kind(v) == VOLUME_TMPFS ? strv_new_empty() : bind_options(m, NULL);
        if (!options || volume_mount_words(v, &words) < 0 || strv_extend_strv(&options, words) < 0 ||
            (!m->rw && strv_extend(&options, "ro") < 0))
                return error_fill(reterr, -ENOMEM);
        r = add_mount(l, m->destination, volume_kind(v) == VOLUME_TMPFS ? "tmpfs" : volume_source(v),
                      volume_kind(v) == VOLUME_TMPFS ? "tmpfs" : "bind", TAKE_PTR(options));
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* Docker's defaults first; what the user says last wins in the kernel's parser. */
static char **tmpfs_options(const char *words, bool read_only) {
        _cleanup_strv_free_ char **l = NULL, **given = NULL;

        if (strv_split("noexec,nosuid,nodev", ",", &l) < 0 || strv_split(strempty(words), ",", &given) < 0)
                return NULL;
        STRV_FOREACH(s, given) {
                if (streq(*s, "exec"))
                        strv_remove(l, "noexec");
                else if (streq(*s, "suid"))
                        strv_remove(l, "nosuid");
                else if (streq(*s, "dev"))
                        strv_remove(l, "nodev");
        }
        if (strv_extend_strv(&l, given) < 0 || (read_only && strv_extend(&l, "ro") < 0))
                return NULL;
        return TAKE_PTR(l);
}

static char **tmpfs_mount_options(const MountPoint *m, const TmpfsOptions *o) {
        const char *last = NULL;        /* "exec" or "noexec" */
        _cleanup_strv_free_ char **l = NULL;

        for (size_t i = 0; o && i < o->options.n_items; i++)
                last = o->options.items[i][0];
        l = tmpfs_options(last, !m->rw);
        if (!l)
                return NULL;
        if (o && o->size_bytes > 0 && strv_extendf(&l, "size=%lld", (long long) o->size_bytes) < 0)
                return NULL;
        if (o && o->mode > 0 && strv_extendf(&l, "mode=%llo", (unsigned long long) o->mode) < 0)
                return NULL;
        return TAKE_PTR(l);
}

static int add_tmpfs(Container *c, SpecMountList *l) {
        const StringMap *t = &c->doc.host_config.tmpfs;

        for (size_t i = 0; i < t->n_items; i++) {
                int r = add_mount(l, t->items[i].key, "tmpfs", "tmpfs",
                                  tmpfs_options(t->items[i].value, false));

                if (r < 0)
                        return r;
        }
        return 0;
}

/* /etc/hosts and its kin, but where the user mounts something else there. */
static int add_network_files(Container *c, SpecMountList *l) {
        static const char *const names[] = { "resolv.conf", "hostname", "hosts" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_free_ char *source = path_join(c->data_dir, names[i]),
                                    *destination = strjoin("/etc/", names[i]);
                MountPoint m = { .rw = !c->doc.host_config.readonly_rootfs };
                bool taken = false;
                int r;

                if (!source || !destination)
                        return -ENOMEM;
                for (size_t k = 0; k < l->n_items; k++)
                        taken = taken || streq(l->items[k].destination, destination);
                if (taken)
                        continue;
                r = add_mount(l, destination, source, "bind", bind_options(&m, NULL));
                if (r < 0)
                        return r;
        }
        return 0;
}

static size_t path_depth(const char *path) {
        size_t n = 0;

        for (const char *p = path; *p; p++)
                n += *p == '/' && p[1];
        return n;
}

static int compare_depth(const void *a, const void *b) {
        const SpecMount *x = a, *y = b;
        size_t dx = path_depth(x->destination), dy = path_depth(y->destination);

        return dx != dy ? (dx < dy ? -1 : 1) : strcmp(x->destination, y->destination);
}

int container_mounts_build(Container *c, SpecMountList *ret, Error *reterr) {
        _cleanup_(spec_mount_list_donep) SpecMountList l = {};
        int r = 0;

        for (size_t i = 0; i < c->doc.mounts.n_items; i++) {
                const MountPoint *m = c->doc.mounts.items + i;

                if (streq(m->type, "tmpfs")) {
                        const MountSpec *s = container_mount_spec(&c->doc.host_config, m->destination);

                        r = add_mount(&l, m->destination, "tmpfs", "tmpfs",
                                      tmpfs_mount_options(m, s ? s->tmpfs_options : NULL));
                } else
                        r = streq(m->type, "volume") ? add_volume(c, &l, m, reterr) :
                                                       add_bind(c, &l, m, reterr);
                if (r < 0)
                        return error_fill(reterr, r);
        }
        r = add_tmpfs(c, &l);
        if (r >= 0)
                r = add_network_files(c, &l);
        if (r < 0)
                return error_fill(reterr, r);
        if (l.n_items > 1)
                qsort(l.items, l.n_items, sizeof(*l.items), compare_depth);
        *ret = TAKE_STRUCT(l);
        return 0;
}

const char *container_mounts_propagation(const Container *c) {
        const char *found = NULL;

        for (size_t i = 0; i < c->doc.mounts.n_items; i++) {
                const char *p = strempty(c->doc.mounts.items[i].propagation);

                if (endswith(p, "shared"))
                        return "shared";
                if (endswith(p, "slave"))
                        found = "rslave";
        }
        return found;
}
