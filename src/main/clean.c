/* SPDX-License-Identifier: Apache-2.0 */
/* `dockerd --clean` and `dockerd --clean-data`, without a daemon. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "basic/errno-util.h"
#include "basic/log.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "main/daemon.h"
#include "network/network-clean.h"
#include "runtime/supervisor.h"
#include "shared/mount-util.h"

/* What the daemon makes below its roots. The directory itself goes if nothing else is in it: who gave "/run"
 * as a root loses nothing. A name that ends in "*" stands for all that begin so. */
static const char *const exec_root_names[] = {
        "containers", "netns", "runtime", FORWARDING_MARK, "state-*", "lock",
};
static const char *const data_root_names[] = {
        "containers", "content", "layers", "l", "volumes", "tmp", "trash", "empty", "state.db*", "lock",
};

static bool matches(const char *const *names, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++) {
                size_t length = strlen(names[i]);

                if (endswith(names[i], "*") ? strncmp(name, names[i], length - 1) == 0 :
                                              streq(name, names[i]))
                        return true;
        }
        return false;
}

static int remove_root(const char *path, const char *const *names, size_t n, Error *reterr) {
        int r = 0;
        DIR *d;

        d = opendir(path);
        if (!d)
                return 0;
        for (struct dirent *e = readdir(d); e; e = readdir(d))
                if (matches(names, n, e->d_name))
                        RET_GATHER(r, rm_rf_at(dirfd(d), e->d_name));
        (void) closedir(d);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to remove what is in %s", path);
        if (rmdir(path) >= 0)
                printf("removed %s\n", path);
        else if (IN_SET(errno, ENOTEMPTY, EEXIST, EBUSY))
                printf("removed what was ours in %s\n", path);
        else
                return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "failed to remove %s", path);
        return 0;
}

/* A shim is a container that runs, whoever started it. */
static int check_nothing_runs(const char *exec_root, Error *reterr) {
        _cleanup_free_ char *directory = path_join(exec_root, "containers"), *found = NULL;
        unsigned n = 0;
        DIR *d;

        d = directory ? opendir(directory) : NULL;
        for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
                _cleanup_free_ char *run = e->d_name[0] == '.' ? NULL : path_join(directory, e->d_name);

                if (!run || !supervisor_shim_lives(run))
                        continue;
                n++;
                (void) free_and_strdup(&found, e->d_name);
        }
        if (d)
                (void) closedir(d);
        return n == 0 ? 0 :
                        error_setf(reterr, ERROR_CONFLICT,
                                   "%u containers run, one is %.12s: nothing is removed before they are stopped",
                                   n, strempty(found));
}

static int clean(Daemon *d, Error *reterr) {
        const EngineConfig *c = &d->config->engine;
        int r;

        r = root_lock_existing(d, reterr);
        if (r >= 0)
                r = check_nothing_runs(c->exec_root, reterr);
        if (r < 0)
                return r;
        r = network_clean(c->exec_root, stdout, reterr);
        if (r < 0)
                return r;
        /* The lock's file is on it. */
        d->exec_lock_fd = safe_close(d->exec_lock_fd);
        (void) mount_remove_own(c->exec_root);
        r = remove_root(c->exec_root, exec_root_names, ELEMENTSOF(exec_root_names), reterr);
        if (r >= 0 && d->config->clean_data)
                r = remove_root(c->data_root, data_root_names, ELEMENTSOF(data_root_names), reterr);
        return r;
}

int clean_run(Daemon *d) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        log_set_max_level(LOG_WARNING);
        r = clean(d, &e);
        root_close(d);
        if (r < 0)
                fprintf(stderr, "%s\n", error_message(&e));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
