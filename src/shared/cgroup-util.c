/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/cgroup-util.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/parse-util.h"
#include "basic/path-util.h"

#define PROC_FILE_MAX (4U * 1024U * 1024U)
#define KILL_ROUNDS 8U

int cgroup_version(void) {
        struct statfs fs;

        if (statfs(CGROUP_ROOT, &fs) < 0)
                return -errno;
        return fs.f_type == CGROUP2_SUPER_MAGIC ? 2 : 1;
}

static int read_lines(const char *path, char ***ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = read_file_at(AT_FDCWD, path, PROC_FILE_MAX, &text, NULL);
        if (r < 0)
                return r;
        return strv_split(text, "\n", ret);
}

static const char *const v1_names[] = {
        "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "pids",
};

/* A v1 hierarchy is mounted, or linked to, by the name of each of its controllers. */
static int v1_mount(const char *controller, char **ret) {
        _cleanup_free_ char *path = path_join(CGROUP_ROOT, controller);
        struct statfs fs;

        if (!path)
                return -ENOMEM;
        if (statfs(path, &fs) < 0)
                return -errno;
        if (fs.f_type != CGROUP_SUPER_MAGIC)
                return -ENOENT;
        *ret = TAKE_PTR(path);
        return 0;
}

static int v1_controllers(char ***ret) {
        _cleanup_strv_free_ char **found = strv_new_empty();

        if (!found)
                return -ENOMEM;
        FOREACH_ELEMENT(name, v1_names) {
                _cleanup_free_ char *path = NULL;
                int r;

                r = v1_mount(*name, &path);
                if (r == -ENOENT)
                        continue;
                if (r >= 0)
                        r = strv_extend(&found, *name);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(found);
        return 0;
}

int cgroup_controllers(char ***ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (cgroup_version() != 2)
                return v1_controllers(ret);

        r = read_line_file(CGROUP_ROOT "/cgroup.controllers", &text);
        if (r < 0)
                return r;
        return strv_split(text, " ", ret);
}

/* Paths come from clients (--cgroup-parent): ".." leads nowhere else. */
static char *join_below(const char *root, const char *path) {
        _cleanup_free_ char *absolute = strjoin("/", path), *clean = NULL;

        if (!absolute || path_clean(absolute, &clean) < 0)
                return NULL;
        return path_join(root, clean);
}

int cgroup_directory(const char *controller, const char *path, char **ret) {
        _cleanup_free_ char *root = NULL;
        char *joined;
        int r;

        if (cgroup_version() == 2)
                joined = join_below(CGROUP_ROOT, path);
        else {
                r = v1_mount(controller, &root);
                if (r < 0)
                        return r;
                joined = join_below(root, path);
        }
        if (!joined)
                return -ENOMEM;
        *ret = joined;
        return 0;
}

int cgroup_own_path(char **ret) {
        _cleanup_strv_free_ char **lines = NULL;
        int r;

        r = read_lines("/proc/self/cgroup", &lines);
        if (r < 0)
                return r;
        STRV_FOREACH(l, lines) {
                const char *path = startswith(*l, "0::");

                if (path)
                        return asprintf_safe(ret, "%s", path);
        }
        return -ENOENT;
}

/* cgroup2's mount point on a v1 host is where systemd's hybrid mode has it. */
static const char *v2_mount(void) {
        return cgroup_version() == 2 ? CGROUP_ROOT : CGROUP_ROOT "/unified";
}

int cgroup_enter_child(const char *name) {
        _cleanup_free_ char *own = NULL, *directory = NULL, *procs = NULL;
        int r;

        r = cgroup_own_path(&own);
        if (r < 0)
                return r;
        r = asprintf_safe(&directory, "%s%s/%s", v2_mount(), streq(own, "/") ? "" : own, name);
        if (r < 0)
                return r;
        if (mkdir(directory, 0755) < 0 && errno != EEXIST)
                return -errno;
        procs = path_join(directory, "cgroup.procs");
        if (!procs)
                return -ENOMEM;
        return write_string_file(procs, "0");
}

int cgroup_oom_file(const char *path, char **ret) {
        _cleanup_free_ char *directory = NULL;
        int r;

        r = cgroup_directory("memory", path, &directory);
        if (r < 0)
                return r;
        *ret = path_join(directory, cgroup_version() == 2 ? "memory.events" : "memory.oom_control");
        return *ret ? 0 : -ENOMEM;
}

int cgroup_read_oom_kills(const char *oom_file, uint64_t *ret) {
        _cleanup_strv_free_ char **lines = NULL;
        int r;

        r = read_lines(oom_file, &lines);
        if (r < 0)
                return r;
        STRV_FOREACH(l, lines) {
                const char *n = startswith(*l, "oom_kill ");

                if (n)
                        return parse_uint64(n, ret);
        }
        return -ENODATA;
}

static int freezer_file(const char *path, const char *v1, const char *v2, char **ret) {
        _cleanup_free_ char *directory = NULL;
        int r;

        r = cgroup_directory("freezer", path, &directory);
        if (r < 0)
                return r;
        *ret = path_join(directory, cgroup_version() == 2 ? v2 : v1);
        return *ret ? 0 : -ENOMEM;
}

static int check_not_in(const char *path) {
        _cleanup_free_ char *file = NULL;
        _cleanup_strv_free_ char **pids = NULL;
        char own[16];
        int r;

        r = freezer_file(path, "cgroup.procs", "cgroup.procs", &file);
        if (r >= 0)
                r = read_lines(file, &pids);
        if (r < 0)
                return r;
        snprintf(own, sizeof(own), "%d", getpid());
        return strv_contains(pids, own) ? -EBUSY : 0;
}

int cgroup_freeze(const char *path, bool frozen) {
        _cleanup_free_ char *file = NULL;
        bool v2 = cgroup_version() == 2;
        int r;

        r = frozen ? check_not_in(path) : 0;
        if (r >= 0)
                r = freezer_file(path, "freezer.state", "cgroup.freeze", &file);
        if (r < 0)
                return r;
        return write_string_file(file, v2 ? (frozen ? "1" : "0") : frozen ? "FROZEN" : "THAWED");
}

int cgroup_is_frozen(const char *path) {
        _cleanup_free_ char *file = NULL;
        _cleanup_strv_free_ char **lines = NULL;
        int r;

        r = freezer_file(path, "freezer.state", "cgroup.events", &file);
        if (r >= 0)
                r = read_lines(file, &lines);
        return r < 0 ? r : strv_contains(lines, "frozen 1") || strv_contains(lines, "FROZEN");
}

/* "+cpu", "+io", ... of what the directory has; one that cannot be passed on is left out. */
static void enable_controllers(const char *directory) {
        _cleanup_free_ char *list = NULL, *text = NULL, *control = NULL;
        _cleanup_strv_free_ char **names = NULL;

        list = path_join(directory, "cgroup.controllers");
        control = path_join(directory, "cgroup.subtree_control");
        if (!list || !control || read_line_file(list, &text) < 0 || strv_split(text, " ", &names) < 0)
                return;
        STRV_FOREACH(n, names) {
                char word[64];

                snprintf(word, sizeof(word), "+%s", *n);
                (void) write_string_file(control, word);
        }
}

int cgroup_create(const char *path) {
        _cleanup_strv_free_ char **parts = NULL;
        _cleanup_free_ char *directory = strdup(v2_mount()), *clean = join_below("/", path);
        int r;

        r = clean ? strv_split(clean, "/", &parts) : -ENOMEM;
        if (r < 0 || !directory)
                return -ENOMEM;

        STRV_FOREACH(p, parts) {
                char *next;

                enable_controllers(directory);
                next = path_join(directory, *p);
                if (!next)
                        return -ENOMEM;
                free_and_replace(directory, next);
                if (mkdir(directory, 0755) < 0 && errno != EEXIST)
                        return -errno;
        }
        return 0;
}

int cgroup_open(const char *path) {
        _cleanup_free_ char *directory = join_below(v2_mount(), path);

        if (!directory)
                return -ENOMEM;
        return RET_NERRNO(open(directory, O_RDONLY|O_DIRECTORY|O_CLOEXEC));
}

/* --- ending --- */

typedef int (*DirectoryFunction)(const char *directory);

static int for_each_child(const char *directory, DirectoryFunction f) {
        DIR *d;
        int r = 0;

        d = opendir(directory);
        if (!d)
                return errno == ENOENT ? 0 : -errno;
        for (struct dirent *e; (e = readdir(d));) {
                _cleanup_free_ char *child = NULL;

                if (e->d_type != DT_DIR || e->d_name[0] == '.')
                        continue;
                child = path_join(directory, e->d_name);
                RET_GATHER(r, child ? f(child) : -ENOMEM);
        }
        closedir(d);
        return r;
}

static int call_below(const char *mount, const char *path, DirectoryFunction f) {
        _cleanup_free_ char *directory = join_below(mount, path);

        return directory ? f(directory) : -ENOMEM;
}

/* Calls for the directory of the path in every hierarchy there is: named ones have no controller. */
static int for_each_hierarchy(const char *path, DirectoryFunction f) {
        struct statfs fs;
        int r = 0;
        DIR *d;

        if (cgroup_version() == 2)
                return call_below(CGROUP_ROOT, path, f);
        d = opendir(CGROUP_ROOT);
        if (!d)
                return -errno;
        for (struct dirent *e; (e = readdir(d));) {
                _cleanup_free_ char *mount = NULL;

                /* Links are of several controllers in one hierarchy. */
                if (e->d_type != DT_DIR || e->d_name[0] == '.')
                        continue;
                mount = path_join(CGROUP_ROOT, e->d_name);
                if (!mount)
                        RET_GATHER(r, -ENOMEM);
                else if (statfs(mount, &fs) >= 0 &&
                         IN_SET(fs.f_type, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC))
                        RET_GATHER(r, call_below(mount, path, f));
        }
        closedir(d);
        return r;
}

/* 0 = nothing was left. */
static int kill_processes(const char *directory) {
        _cleanup_free_ char *procs = NULL;
        _cleanup_strv_free_ char **pids = NULL;
        int r;

        procs = path_join(directory, "cgroup.procs");
        if (!procs)
                return -ENOMEM;
        r = read_lines(procs, &pids);
        if (r < 0)
                return IN_SET(r, -ENOENT, -ENODEV) ? 0 : r;
        STRV_FOREACH(p, pids) {
                int pid;

                if (parse_int(*p, &pid) >= 0 && pid > 1 && pid != getpid())
                        (void) kill(pid, SIGKILL);
        }
        return strv_isempty(pids) ? 0 : 1;
}

static int kill_directory(const char *directory) {
        _cleanup_free_ char *file = NULL;
        int r;

        file = path_join(directory, "cgroup.kill");
        if (!file)
                return -ENOMEM;
        if (write_string_file(file, "1") >= 0)
                return 0;

        /* A group below may be frozen by itself. */
        free(file);
        file = path_join(directory, "freezer.state");
        if (!file)
                return -ENOMEM;
        (void) write_string_file(file, "THAWED");

        /* Before Linux 5.14, and on v1. Processes may fork meanwhile, hence the rounds. */
        for (unsigned i = 0; i < KILL_ROUNDS; i++) {
                r = kill_processes(directory);
                if (r <= 0)
                        break;
        }
        return for_each_child(directory, kill_directory);
}

static int remove_directory(const char *directory) {
        int r;

        r = for_each_child(directory, remove_directory);
        if (rmdir(directory) < 0 && errno != ENOENT)
                RET_GATHER(r, -errno);
        return r;
}

int cgroup_kill(const char *path) {
        /* Before the other hierarchies: on v1 what is frozen does not even die. */
        if (cgroup_version() != 2)
                (void) cgroup_freeze(path, false);
        return for_each_hierarchy(path, kill_directory);
}

int cgroup_remove(const char *path) {
        return for_each_hierarchy(path, remove_directory);
}

/* The process's group: cgroup2's line, or on v1 that of the hierarchy with the pids or memory controller. */
static int group_of(pid_t pid, char **ret_directory) {
        static const char *const controllers[] = { "pids", "memory" };
        _cleanup_free_ char *file = NULL;
        _cleanup_strv_free_ char **lines = NULL;
        int r;

        r = asprintf_safe(&file, "/proc/%d/cgroup", pid);
        if (r >= 0)
                r = read_lines(file, &lines);
        if (r < 0)
                return r;
        if (cgroup_version() == 2) {
                STRV_FOREACH(l, lines)
                        if (startswith(*l, "0::"))
                                return cgroup_directory("", *l + strlen("0::"), ret_directory);
                return -ENODATA;
        }
        for (size_t i = 0; i < ELEMENTSOF(controllers); i++)
                STRV_FOREACH(l, lines) {
                        const char *names = strchr(*l, ':'), *path = names ? strchr(names + 1, ':') : NULL;
                        size_t n = strlen(controllers[i]);

                        if (path && (size_t) (path - names - 1) == n &&
                            strncmp(names + 1, controllers[i], n) == 0)
                                return cgroup_directory(controllers[i], path + 1, ret_directory);
                }
        return -ENODATA;
}

int cgroup_pids_of(pid_t pid, char ***ret) {
        _cleanup_free_ char *directory = NULL, *file = NULL;
        int r;

        r = group_of(pid, &directory);
        if (r < 0)
                return r;
        file = path_join(directory, "cgroup.procs");
        if (!file)
                return -ENOMEM;
        return read_lines(file, ret);
}
