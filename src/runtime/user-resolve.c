/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/user-resolve.h"

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/parse-util.h"
#include "basic/path-util.h"

/* Of one file; larger ones are no account databases (CVE-2026-47262). */
#define DATABASE_MAX (4U * 1024U * 1024U)
#define GROUPS_MAX 1024U
/* The largest id Docker takes: 2^31 - 1. */
#define ID_MAX INT32_MAX

void resolved_user_done(ResolvedUser *u) {
        free(u->groups);
        free(u->home);
        *u = (ResolvedUser) {};
}

/* Digits only, so that "-1", "+1" and "0x1" are names. */
static bool is_number(const char *s) {
        return s[0] && s[strspn(s, "0123456789")] == 0;
}

/* One that nobody can have; as a name it is looked up first. */
static bool is_negative_number(const char *s) {
        return s[0] == '-' && is_number(s + 1);
}

static int parse_id(const char *s, uint32_t *ret, Error *reterr) {
        uint64_t v;

        if (parse_uint64(s, &v) < 0 || v > ID_MAX)
                return error_setf(reterr, ERROR_INVALID, "uids and gids must be in range 0-%d", ID_MAX);
        *ret = (uint32_t) v;
        return 0;
}

/* --- lines of passwd and group --- */

typedef struct Entry {
        const char *fields[7];          /* borrowed from the text; not terminated */
        size_t sizes[7];
        size_t n;
} Entry;

/* Splits the line at p; returns the next one, NULL at the end. */
static const char *next_entry(const char *p, Entry *ret) {
        const char *end = p + strcspn(p, "\n");

        *ret = (Entry) {};
        for (const char *f = p; f <= end && ret->n < ELEMENTSOF(ret->fields); ret->n++) {
                size_t k = 0;

                while (f + k < end && f[k] != ':')
                        k++;
                ret->fields[ret->n] = f;
                ret->sizes[ret->n] = k;
                f += k + 1;
        }
        return *end ? end + 1 : NULL;
}

static bool field_equals(const Entry *e, size_t i, const char *s) {
        return i < e->n && strlen(s) == e->sizes[i] && memcmp(e->fields[i], s, e->sizes[i]) == 0;
}

static bool field_id(const Entry *e, size_t i, uint32_t *ret) {
        char text[16];
        uint64_t v;

        if (i >= e->n || e->sizes[i] == 0 || e->sizes[i] >= sizeof(text))
                return false;
        memcpy(text, e->fields[i], e->sizes[i]);
        text[e->sizes[i]] = 0;
        if (!is_number(text) || parse_uint64(text, &v) < 0 || v > UINT32_MAX - 1)
                return false;
        *ret = (uint32_t) v;
        return true;
}

/* By name, or by number where number is not NULL. A name wins over a number, as in Docker: a user may be
 * called "1000". */
static bool find_entry(const char *text, const char *name, const uint32_t *number, Entry *ret) {
        Entry e, by_number = {};
        uint32_t id;

        for (const char *p = text; p && *p;) {
                p = next_entry(p, &e);
                if (e.n < 3 || e.sizes[0] == 0 || e.fields[0][0] == '#')
                        continue;
                if (field_equals(&e, 0, name)) {
                        *ret = e;
                        return true;
                }
                if (number && by_number.n == 0 && field_id(&e, 2, &id) && id == *number)
                        by_number = e;
        }
        *ret = by_number;
        return by_number.n > 0;
}

/* --- the parts of the string --- */

/* Fills uid, gid and home; *ret_name is the account's name for supplementary groups, "" where there is none.
 * */
static int resolve_account(const char *passwd, const char *user, ResolvedUser *u, char **ret_name,
                           Error *reterr) {
        uint32_t number = 0;
        bool numeric;
        Entry e;
        int r;

        numeric = isempty(user) || is_number(user);
        if (numeric && !isempty(user)) {
                /* A name of digits that is no valid number still may be a name. */
                r = parse_id(user, &number, NULL);
                if (r < 0 && !find_entry(strempty(passwd), user, NULL, &e))
                        return parse_id(user, &number, reterr);
        }

        if (!find_entry(strempty(passwd), user, numeric ? &number : NULL, &e)) {
                if (is_negative_number(strempty(user)))
                        return parse_id(user, &number, reterr);
                if (!numeric)
                        return error_setf(reterr, ERROR_INVALID,
                                          "unable to find user %s: no matching entries in passwd file",
                                          user);
                u->uid = number;
                u->gid = 0;
                u->home = strdup("/");
                *ret_name = strdup("");
                return u->home && *ret_name ? 0 : error_fill(reterr, -ENOMEM);
        }

        if (!field_id(&e, 2, &u->uid) || !field_id(&e, 3, &u->gid) || u->uid > ID_MAX || u->gid > ID_MAX)
                return error_setf(reterr, ERROR_INVALID,
                                  "unable to find user %s: invalid entry in passwd file", user);
        u->home = e.n > 5 && e.sizes[5] > 0 ? strndup(e.fields[5], e.sizes[5]) : strdup("/");
        *ret_name = strndup(e.fields[0], e.sizes[0]);
        return u->home && *ret_name ? 0 : error_fill(reterr, -ENOMEM);
}

static int resolve_group(const char *group, const char *name, uint32_t *ret, Error *reterr) {
        uint32_t number = 0;
        Entry e;
        int r;

        if (is_number(name)) {
                r = parse_id(name, &number, NULL);
                if (find_entry(strempty(group), name, NULL, &e) && field_id(&e, 2, ret) && *ret <= ID_MAX)
                        return 0;
                if (r < 0)
                        return parse_id(name, &number, reterr);
                *ret = number;
                return 0;
        }
        if (!find_entry(strempty(group), name, NULL, &e))
                return is_negative_number(name) ?
                                       parse_id(name, &number, reterr) :
                                       error_setf(reterr, ERROR_INVALID,
                                                  "unable to find group %s: no matching entries in group file",
                                                  name);
        if (!field_id(&e, 2, ret) || *ret > ID_MAX)
                return error_setf(reterr, ERROR_INVALID,
                                  "unable to find group %s: invalid entry in group file", name);
        return 0;
}

static int add_group(ResolvedUser *u, uint32_t gid) {
        uint32_t *p;

        for (size_t i = 0; i < u->n_groups; i++)
                if (u->groups[i] == gid)
                        return 0;
        if (u->n_groups >= GROUPS_MAX)
                return 0;
        p = reallocarray(u->groups, u->n_groups + 1, sizeof(uint32_t));
        if (!p)
                return -ENOMEM;
        p[u->n_groups++] = gid;
        u->groups = p;
        return 0;
}

static bool is_member(const Entry *e, const char *name) {
        size_t n = strlen(name);

        if (e->n < 4)
                return false;
        for (size_t i = 0; i <= e->sizes[3];) {
                const char *m = e->fields[3] + i;
                size_t k = 0;

                while (i + k < e->sizes[3] && m[k] != ',')
                        k++;
                if (k == n && memcmp(m, name, n) == 0)
                        return true;
                i += k + 1;
        }
        return false;
}

/* Groups the account is a member of. With an explicit group there are none, as in Docker. */
static int add_memberships(const char *group, const char *name, ResolvedUser *u) {
        uint32_t gid;
        Entry e;
        int r;

        if (isempty(name))
                return 0;
        for (const char *p = group; p && *p;) {
                p = next_entry(p, &e);
                if (!field_id(&e, 2, &gid) || gid > ID_MAX || !is_member(&e, name))
                        continue;
                r = add_group(u, gid);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_given_groups(const char *group, char *const *names, ResolvedUser *u, Error *reterr) {
        uint32_t gid;
        int r;

        STRV_FOREACH(n, names) {
                r = resolve_group(group, *n, &gid, reterr);
                if (r < 0)
                        return r;
                r = add_group(u, gid);
                if (r < 0)
                        return error_fill(reterr, r);
        }
        return 0;
}

int user_resolve_from(const char *passwd, const char *group, const char *spec, char *const *group_add,
                      ResolvedUser *ret, Error *reterr) {
        _cleanup_(resolved_user_donep) ResolvedUser u = {};
        _cleanup_free_ char *user = strdup(strempty(spec)), *name = NULL;
        char *colon;
        int r;

        if (!user)
                return error_fill(reterr, -ENOMEM);
        colon = strchr(user, ':');
        if (colon)
                *colon++ = 0;

        r = resolve_account(passwd, user, &u, &name, reterr);
        if (r >= 0 && !isempty(colon))
                r = resolve_group(group, colon, &u.gid, reterr);
        if (r < 0)
                return r;

        /* Its own group is one of them: changing the group must not leave it (CVE-2022-36109). */
        r = add_group(&u, u.gid);
        if (r >= 0 && isempty(colon))
                r = add_memberships(strempty(group), name, &u);
        if (r < 0)
                return error_fill(reterr, r);
        r = add_given_groups(group, group_add, &u, reterr);
        if (r < 0)
                return r;

        *ret = TAKE_STRUCT(u);
        return 0;
}

/* A missing file is no error, neither is one that is no regular file: it is as if it were not there. */
static int read_database(int root_fd, const char *path, char **ret, Error *reterr) {
        _cleanup_close_ int fd = open_file_in_root(root_fd, path);
        size_t size;
        int r;

        if (IN_SET(fd, -ENOENT, -ENOTDIR, -ELOOP, -EXDEV, -ENXIO)) {
                *ret = NULL;
                return 0;
        }
        if (fd < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, fd, "failed to open %s of the container",
                                        path);
        r = read_to_end(fd, DATABASE_MAX, ret, &size);
        if (r == -E2BIG)
                return error_setf(reterr, ERROR_INVALID, "%s of the container is larger than %u bytes", path,
                                  DATABASE_MAX);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to read %s of the container",
                                        path);
        return 0;
}

int user_resolve(int root_fd, const char *spec, char *const *group_add, ResolvedUser *ret, Error *reterr) {
        _cleanup_free_ char *passwd = NULL, *group = NULL;
        int r;

        r = read_database(root_fd, "/etc/passwd", &passwd, reterr);
        if (r < 0)
                return r;
        r = read_database(root_fd, "/etc/group", &group, reterr);
        if (r < 0)
                return r;
        return user_resolve_from(passwd, group, spec, group_add, ret, reterr);
}
