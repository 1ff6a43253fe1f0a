/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/fileio.h"
#include "basic/process-util.h"

#include "basic/tests.h"

TEST(spawn_and_wait) {
        _cleanup_close_pair_ int pair[2] = EBADF_PAIR;
        char *argv[] = { (char *) "sh", (char *) "-c", (char *) "echo hi >&3; exit 7", NULL };
        _cleanup_free_ char *s = NULL;
        int status;
        pid_t pid;

        ASSERT_OK(pipe2(pair, O_CLOEXEC));
        int fds[] = { -EBADF, -EBADF, STDERR_FILENO, pair[1] };
        SpawnRequest q = { .path = "sh", .argv = argv, .fds = fds, .n_fds = 4, .new_session = true };
        ASSERT_OK(process_spawn(&q, &pid, NULL));
        pair[1] = safe_close(pair[1]);
        ASSERT_OK(read_to_end(pair[0], 100, &s, NULL));
        ASSERT_STREQ(s, "hi\n");
        ASSERT_OK(process_wait(pid, &status));
        ASSERT_EQ(status, 7);
}

TEST(swapped_fds) {
        _cleanup_close_pair_ int a[2] = EBADF_PAIR;
        char *argv[] = { (char *) "sh", (char *) "-c", (char *) "cat <&4 >&3", NULL };
        _cleanup_close_pair_ int b[2] = EBADF_PAIR;
        _cleanup_free_ char *s = NULL;
        int status;
        pid_t pid;

        ASSERT_OK(pipe2(a, O_CLOEXEC));
        ASSERT_OK(pipe2(b, O_CLOEXEC));
        int fds[] = { -EBADF, -EBADF, STDERR_FILENO, b[1], a[0] };
        SpawnRequest q = { .path = "/bin/sh", .argv = argv, .fds = fds, .n_fds = 5 };
        ASSERT_OK(write_full(a[1], "through", 7));
        ASSERT_OK(process_spawn(&q, &pid, NULL));
        a[1] = safe_close(a[1]);
        b[1] = safe_close(b[1]);
        ASSERT_OK(read_to_end(b[0], 100, &s, NULL));
        ASSERT_STREQ(s, "through");
        ASSERT_OK(process_wait(pid, &status));
        ASSERT_EQ(status, 0);
}

TEST(missing_program) {
        char *argv[] = { (char *) "x", NULL };
        SpawnRequest q = { .path = "/nonexistent/program", .argv = argv };
        pid_t pid;

        ASSERT_EQ(process_spawn(&q, &pid, NULL), -ENOENT);
}

TEST(signals) {
        ASSERT_EQ(signal_from_string("SIGTERM"), SIGTERM);
        ASSERT_EQ(signal_from_string("kill"), SIGKILL);
        ASSERT_EQ(signal_from_string("9"), 9);
        ASSERT_EQ(signal_from_string("SIGRTMIN+3"), SIGRTMIN + 3);
        ASSERT_EQ(signal_from_string("RTMAX"), SIGRTMAX);
        ASSERT_EQ(signal_from_string("sigrtmax-1"), SIGRTMAX - 1);
        ASSERT_FAIL(signal_from_string("RTM"));
        ASSERT_FAIL(signal_from_string("0"));
        ASSERT_FAIL(signal_from_string("FOO"));
        ASSERT_FAIL(signal_from_string("-1"));
        ASSERT_STREQ(signal_to_string(SIGHUP), "HUP");
}

TEST(start_time) {
        uint64_t t;

        ASSERT_OK(process_start_time(getpid(), &t));
        ASSERT_TRUE(t > 0);
        ASSERT_EQ(process_start_time(0x7ffffff0, &t), -ESRCH);
}

static long resident_pages(void) {
        _cleanup_free_ char *text = NULL;
        long size, resident;

        ASSERT_OK(read_file_at(AT_FDCWD, "/proc/self/statm", 256, &text, NULL));
        ASSERT_EQ(sscanf(text, "%ld %ld", &size, &resident), 2);
        return resident;
}

TEST(trim_memory) {
        long before = resident_pages();

        process_trim_memory();
        ASSERT_TRUE(resident_pages() < before);
        process_trim_memory();
}

DEFINE_TEST_MAIN();
