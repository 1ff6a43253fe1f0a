/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/path-util.h"

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

DEFINE_TEST_MAIN();
