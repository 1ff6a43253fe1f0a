/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves the user string of a container (`-u`) against /etc/passwd and /etc/group of its root file system.
 * The files are an image's, so they are hostile: opened inside the root (openat2), read up to a bound,
 * parsed without NSS. */
#pragma once

#include "basic/error.h"
#include "basic/strv.h"

typedef struct ResolvedUser {
        uint32_t uid, gid;
        uint32_t *groups;               /* supplementary, gid first, none twice; owned */
        size_t n_groups;
        char *home;                     /* "/" where the user has no entry; owned */
} ResolvedUser;

void resolved_user_done(ResolvedUser *u);
DEFINE_CLEANUP_DONE(ResolvedUser, resolved_user_done);

/* spec: "", "name", "uid", "uid:gid", "name:group", ... as Docker takes them; group_add: names or numbers of
 * --group-add. Errors are Docker's: "unable to find user nosuch: no matching entries in passwd file". */
int user_resolve(int root_fd, const char *spec, char *const *group_add, ResolvedUser *ret, Error *reterr);

/* The same from file contents; for tests and fuzzing. NULL = no such file. */
int user_resolve_from(const char *passwd, const char *group, const char *spec, char *const *group_add,
                      ResolvedUser *ret, Error *reterr);
