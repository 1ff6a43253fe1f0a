/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/user-resolve.h"

#include <sys/stat.h>

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/tests.h"

static const char passwd[] =
        "root:x:0:0:root:/root:/bin/sh\n"
        "# comment:x:77:77::/:\n"
        "daemon:x:1:1::/usr/sbin:/bin/false\n"
        "user:x:1000:1001:A User:/home/user:/bin/sh\n"
        "2000:x:3000:3001::/home/digits:/bin/sh\n"
        "broken\n"
        "huge:x:4294967296:0::/:\n"
        "big:x:4294967294:0::/:\n"
        "negative:x:-1:0::/:\n"
        ":x:5:5::/:\n";
static const char group[] =
        "root:x:0:\n"
        "users:x:100:user,daemon\n"
        "wheel:x:10:root,user\n"
        "own:x:1001:user\n"
        "4000:x:4001:\n"
        "last:x:50:user";

static void check(const char *spec, uint32_t uid, uint32_t gid, size_t n_groups, const char *home) {
        _cleanup_(resolved_user_donep) ResolvedUser u = {};
        _cleanup_error_ Error error = ERROR_NULL;

        if (user_resolve_from(passwd, group, spec, NULL, &u, &error) < 0)
                test_fail("%s: %s", spec, error_message(&error));
        ASSERT_EQ(u.uid, uid);
        ASSERT_EQ(u.gid, gid);
        ASSERT_EQ(u.n_groups, n_groups);
        ASSERT_STREQ(u.home, home);
}

static void fails(const char *spec, const char *text) {
        _cleanup_(resolved_user_donep) ResolvedUser u = {};
        _cleanup_error_ Error error = ERROR_NULL;

        if (user_resolve_from(passwd, group, spec, NULL, &u, &error) >= 0)
                test_fail("%s was resolved to %u:%u", spec, u.uid, u.gid);
        ASSERT_EQ(error.kind, ERROR_INVALID);
        ASSERT_STREQ(error.message, text);
}

TEST(accounts) {
        check("", 0, 0, 2, "/root");
        check("root", 0, 0, 2, "/root");
        check("0", 0, 0, 2, "/root");
        check("user", 1000, 1001, 4, "/home/user");
        check("1000", 1000, 1001, 4, "/home/user");
        check("1000:1000", 1000, 1000, 1, "/home/user");
        check("user:users", 1000, 100, 1, "/home/user");
        check("user:", 1000, 1001, 4, "/home/user");
        check("4711", 4711, 0, 1, "/");
        check("4711:users", 4711, 100, 1, "/");
        check("2147483647", 2147483647, 0, 1, "/");
}

/* A name of digits wins over the number. */
TEST(names_that_look_like_numbers) {
        check("2000", 3000, 3001, 1, "/home/digits");
        check("3000", 3000, 3001, 1, "/home/digits");
        check("0:4000", 0, 4001, 1, "/root");
}

TEST(bounds) {
        static const char range[] = "uids and gids must be in range 0-2147483647";

        fails("2147483648", range);
        fails("4294967295", range);
        fails("4294967296", range);
        fails("99999999999999999999999999", range);
        fails("0:4294967295", range);
        fails("-1", "uids and gids must be in range 0-2147483647");
        fails("0x10", "unable to find user 0x10: no matching entries in passwd file");
        fails("nosuch", "unable to find user nosuch: no matching entries in passwd file");
        fails("root:nosuch", "unable to find group nosuch: no matching entries in group file");
        fails("huge", "unable to find user huge: invalid entry in passwd file");
        fails("big", "unable to find user big: invalid entry in passwd file");
        fails("negative", "unable to find user negative: invalid entry in passwd file");
        fails("broken", "unable to find user broken: no matching entries in passwd file");
        fails("#", "unable to find user #: no matching entries in passwd file");
}

TEST(no_files) {
        _cleanup_(resolved_user_donep) ResolvedUser u = {}, v = {};

        ASSERT_OK(user_resolve_from(NULL, NULL, "", NULL, &u, NULL));
        ASSERT_EQ(u.uid, 0);
        ASSERT_STREQ(u.home, "/");
        ASSERT_OK(user_resolve_from(NULL, NULL, "1:2", NULL, &v, NULL));
        ASSERT_EQ(v.gid, 2);
        ASSERT_FAIL(user_resolve_from(NULL, NULL, "root", NULL, &u, NULL));
}

TEST(group_add) {
        const char *add[] = { "wheel", "555", NULL }, *bad[] = { "nosuch", NULL };
        _cleanup_(resolved_user_donep) ResolvedUser u = {};

        ASSERT_OK(user_resolve_from(passwd, group, "daemon", (char **) add, &u, NULL));
        ASSERT_EQ(u.n_groups, 4);
        ASSERT_EQ(u.groups[0], 1);
        ASSERT_EQ(u.groups[1], 100);
        ASSERT_EQ(u.groups[2], 10);
        ASSERT_EQ(u.groups[3], 555);
        ASSERT_FAIL(user_resolve_from(passwd, group, "daemon", (char **) bad, &u, NULL));
}

/* The files are an image's: links stay inside, other things than files are as if they were not there. */
TEST(hostile_root) {
        char dir[] = "/tmp/test-user-XXXXXX";
        _cleanup_close_ int fd = -EBADF;
        _cleanup_(resolved_user_donep) ResolvedUser u = {}, v = {};
        _cleanup_error_ Error error = ERROR_NULL;

        ASSERT_NOT_NULL(mkdtemp(dir));
        fd = ASSERT_OK(open(dir, O_PATH|O_DIRECTORY|O_CLOEXEC));
        ASSERT_OK(mkdirat(fd, "etc", 0755));
        ASSERT_OK(mkdirat(fd, "real", 0755));
        ASSERT_OK(write_file_atomic_at(fd, "real/passwd", "inside:x:7:8::/:\n", 17, 0644, 0));
        ASSERT_OK(symlinkat("/real/passwd", fd, "etc/passwd"));
        ASSERT_OK(mkfifoat(fd, "etc/group", 0644));
        ASSERT_OK(user_resolve(fd, "inside", NULL, &u, &error));
        ASSERT_EQ(u.uid, 7);

        ASSERT_OK(unlinkat(fd, "etc/passwd", 0));
        ASSERT_OK(symlinkat("../../../../../../etc/passwd", fd, "etc/passwd"));
        ASSERT_FAIL(user_resolve(fd, "root", NULL, &v, &error));

        ASSERT_OK(unlinkat(fd, "etc/passwd", 0));
        ASSERT_OK(symlinkat("/dev/zero", fd, "etc/passwd"));
        ASSERT_OK(user_resolve(fd, "0", NULL, &v, &error));
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
}

DEFINE_TEST_MAIN()
