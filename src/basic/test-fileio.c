/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/fileio.h"

#include "basic/path-util.h"
#include "basic/tests.h"

TEST(atomic) {
        char dir[] = "/tmp/test-fileio-XXXXXX";
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *s = NULL;
        struct stat st;
        size_t n;

        ASSERT_NOT_NULL(mkdtemp(dir));
        fd = ASSERT_OK(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_OK(write_file_atomic_at(fd, "f", "one", 3, 0640, WRITE_SYNC));
        ASSERT_OK(write_file_atomic_at(fd, "f", "second", 6, 0600, 0));
        ASSERT_OK(read_file_at(fd, "f", 6, &s, &n));
        ASSERT_STREQ(s, "second");
        ASSERT_EQ(n, 6);
        ASSERT_OK(fstatat(fd, "f", &st, 0));
        ASSERT_EQ(st.st_mode & 07777, 0600);
        ASSERT_EQ(read_file_at(fd, "f", 5, &s, &n), -E2BIG);
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
}

TEST(pass_fds) {
        _cleanup_close_pair_ int pair[2] = EBADF_PAIR;
        int fds[2] = { STDIN_FILENO, STDERR_FILENO }, got[2];
        size_t n = 2;
        char data[8];

        ASSERT_OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
        ASSERT_OK(send_with_fds(pair[0], "hello", 5, fds, 2));
        ASSERT_EQ(receive_with_fds(pair[1], data, sizeof(data), got, &n), 5);
        ASSERT_EQ(n, 2);
        safe_close(got[0]);
        safe_close(got[1]);

        ASSERT_OK(send_with_fds(pair[0], "0123456789", 10, fds, 1));
        n = 1;
        ASSERT_EQ(receive_with_fds(pair[1], data, sizeof(data), got, &n), -EMSGSIZE);
}

DEFINE_TEST_MAIN();
