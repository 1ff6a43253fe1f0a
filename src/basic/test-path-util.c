/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/path-util.h"

#include <sys/inotify.h>
#include <sys/resource.h>

#include "basic/fileio.h"
#include "basic/tests.h"

static void check_clean(const char *in, const char *out) {
        _cleanup_free_ char *s = NULL;

        ASSERT_OK(path_clean(in, &s));
        ASSERT_STREQ(s, out);
}

TEST(clean) {
        check_clean("", ".");
        check_clean("/", "/");
        check_clean("//a///b/", "/a/b");
        check_clean("/a/../../b", "/b");
        check_clean("a/../../b", "../b");
        check_clean("./a/./b/..", "a");
        check_clean("../..", "../..");
        check_clean("/..", "/");
        check_clean("/..a/...", "/..a/...");
}

TEST(join) {
        _cleanup_free_ char *a = path_join("/a/", "/b"), *b = path_join("/", "b"), *c = path_join("/a", "");

        ASSERT_STREQ(a, "/a/b");
        ASSERT_STREQ(b, "/b");
        ASSERT_STREQ(c, "/a");
}

TEST(in_root) {
        char dir[] = "/tmp/test-path-XXXXXX";
        _cleanup_close_ int root = -EBADF;
        int fd;

        ASSERT_NOT_NULL(mkdtemp(dir));
        root = ASSERT_OK(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_OK(mkdir_p_at(root, "x/y/z", 0755));
        ASSERT_OK(symlinkat("/x", root, "link"));
        ASSERT_OK(symlinkat("../../../../etc/passwd", root, "out"));

        fd = ASSERT_OK(open_in_root(root, "/link/y", O_RDONLY | O_DIRECTORY, 0));
        safe_close(fd);
        fd = ASSERT_OK(open_in_root(root, "link/y/z", O_PATH | O_DIRECTORY, 0));
        safe_close(fd);
        ASSERT_EQ(open_in_root(root, "/out", O_RDONLY, 0), -ENOENT);
        ASSERT_FAIL(open_beneath(root, "link/y", O_RDONLY, 0));
        ASSERT_FAIL(open_beneath(root, "../x", O_RDONLY, 0));
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
        ASSERT_FAIL(access(dir, F_OK));
}

TEST(make_in_root) {
        char dir[] = "/tmp/test-path-XXXXXX";
        _cleanup_close_ int root = -EBADF;
        struct stat made, seen;
        int fd;

        ASSERT_NOT_NULL(mkdtemp(dir));
        root = ASSERT_OK(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_OK(mkdirat(root, "x", 0700));
        ASSERT_OK(symlinkat("/../../x", root, "link"));
        ASSERT_OK(symlinkat("/nowhere", root, "dangling"));
        ASSERT_OK(write_file_atomic_at(root, "file", "x", 1, 0644, 0));

        ASSERT_OK(mkdir_p_in_root(root, "/link//a/./b", 0755, &fd));
        ASSERT_OK(fstat(fd, &made));
        safe_close(fd);
        ASSERT_OK(fstatat(root, "x/a/b", &seen, AT_SYMLINK_NOFOLLOW));
        ASSERT_EQ(made.st_ino, seen.st_ino);
        ASSERT_OK(mkdir_p_in_root(root, "/", 0755, &fd));
        ASSERT_OK(fstat(fd, &made));
        safe_close(fd);
        ASSERT_OK(fstat(root, &seen));
        ASSERT_EQ(made.st_ino, seen.st_ino);
        ASSERT_EQ(mkdir_p_in_root(root, "dangling/a", 0755, &fd), -ENOTDIR);
        ASSERT_EQ(mkdir_p_in_root(root, "file/a", 0755, &fd), -ENOTDIR);
        ASSERT_FAIL(access("/nowhere", F_OK));
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
}

/* What is no regular file is not even opened: a FIFO's writer, or a watchdog, would notice. */
TEST(file_in_root) {
        char dir[] = "/tmp/test-path-XXXXXX", event[4096];
        _cleanup_close_ int root = -EBADF, watch = -EBADF, fd = -EBADF;

        ASSERT_NOT_NULL(mkdtemp(dir));
        root = ASSERT_OK(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_OK(mkfifoat(root, "fifo", 0644));
        ASSERT_OK(symlinkat("/fifo", root, "link"));
        ASSERT_OK(write_file_atomic_at(root, "file", "x", 1, 0644, 0));
        watch = ASSERT_OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
        ASSERT_OK(inotify_add_watch(watch, dir, IN_OPEN));

        ASSERT_EQ(open_file_in_root(root, "fifo"), -ENXIO);
        ASSERT_EQ(open_file_in_root(root, "link"), -ENXIO);
        ASSERT_EQ(open_file_in_root(root, "."), -ENXIO);
        ASSERT_EQ(open_file_in_root(root, "../../nothing"), -ENOENT);
        ASSERT_FAIL(read(watch, event, sizeof(event)));
        fd = ASSERT_OK(open_file_in_root(root, "../file"));
        ASSERT_OK(read(watch, event, sizeof(event)));
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
}

/* Deeper than any path, and than there are descriptors. */
TEST(remove_deep) {
        char dir[] = "/tmp/test-path-XXXXXX";
        struct rlimit limit, few;
        int fd, next;

        ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
        ASSERT_NOT_NULL(mkdtemp(dir));
        fd = ASSERT_OK(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        for (unsigned i = 0; i < 3000; i++) {
                ASSERT_OK(mkdirat(fd, "d", 0755));
                ASSERT_OK(symlinkat("..", fd, "link"));
                next = ASSERT_OK(openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
                safe_close(fd);
                fd = next;
        }
        safe_close(fd);

        few = (struct rlimit) { 300, limit.rlim_max };
        ASSERT_OK(setrlimit(RLIMIT_NOFILE, &few));
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
        ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
        ASSERT_FAIL(access(dir, F_OK));
}

DEFINE_TEST_MAIN();
