/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/shim-protocol.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/tests.h"
#include "runtime/detach-keys.h"
#include "runtime/oci-error.h"

TEST(round_trip) {
        ShimMessage m = { .type = SHIM_ATTACH,
                          .version = 3,
                          .id = 7,
                          .flags = 5,
                          .value1 = -1,
                          .value2 = 2,
                          .pid = 99,
                          .time_nsec = UINT64_MAX,
                          .text = "ctrl-p",
                          .data = "abc",
                          .data_size = 3 },
                    d;
        _cleanup_free_ void *p = NULL;
        size_t n;

        ASSERT_OK(shim_message_encode(&m, &p, &n));
        ASSERT_OK(shim_message_decode(p, n, &d));
        ASSERT_EQ(d.type, SHIM_ATTACH);
        ASSERT_EQ(d.value1, -1);
        ASSERT_EQ(d.pid, 99);
        ASSERT_TRUE(d.time_nsec == UINT64_MAX);
        ASSERT_STREQ(d.text, "ctrl-p");
        ASSERT_TRUE(d.data_size == 3 && memcmp(d.data, "abc", 3) == 0);
        /* Every shorter one is malformed. */
        for (size_t i = 0; i < n; i++)
                ASSERT_FAIL(shim_message_decode(p, i, &d));
}

TEST(empty_and_absent_text) {
        ShimMessage m = { .type = SHIM_HELLO, .text = "" }, d;
        _cleanup_free_ void *p = NULL, *q = NULL;
        size_t n;

        ASSERT_OK(shim_message_encode(&m, &p, &n));
        ASSERT_OK(shim_message_decode(p, n, &d));
        ASSERT_STREQ(d.text, "");
        m.text = NULL;
        ASSERT_OK(shim_message_encode(&m, &q, &n));
        ASSERT_OK(shim_message_decode(q, n, &d));
        ASSERT_NULL(d.text);
}

/* Headers of other versions: longer ones are cut, shorter ones are filled with zeros. */
TEST(versions) {
        ShimMessage m = { .type = SHIM_EXITED, .value1 = 3, .text = "x" }, d;
        _cleanup_free_ uint8_t *p = NULL, *longer = NULL;
        uint16_t size;
        size_t n;

        ASSERT_OK(shim_message_encode(&m, (void **) &p, &n));
        memcpy(&size, p + 4, 2);
        longer = new0(uint8_t, n + 8);
        memcpy(longer, p, size);
        memcpy(longer + size + 8, p + size, n - size);
        size += 8;
        memcpy(longer + 4, &size, 2);
        ASSERT_OK(shim_message_decode(longer, n + 8, &d));
        ASSERT_EQ(d.value1, 3);
        ASSERT_STREQ(d.text, "x");

        size = 16;
        memmove(p + 16, p + n - 2, 2);
        memcpy(p + 4, &size, 2);
        ASSERT_OK(shim_message_decode(p, 18, &d));
        ASSERT_EQ(d.value1, 0);
        ASSERT_STREQ(d.text, "x");
}

TEST(over_a_socket) {
        _cleanup_close_pair_ int pair[2] = EBADF_PAIR;
        _cleanup_close_ int fd = -EBADF, sent = ASSERT_OK(open("/dev/null", O_RDONLY|O_CLOEXEC));
        _cleanup_free_ void *buffer = NULL;
        size_t size = 0;
        ShimMessage d;

        ASSERT_OK(socketpair(AF_UNIX, SOCK_SEQPACKET|SOCK_NONBLOCK|SOCK_CLOEXEC, 0, pair));
        ASSERT_EQ(shim_message_receive(pair[1], &buffer, &size, &d, &fd), -EAGAIN);
        ASSERT_OK(shim_message_send(pair[0], &(ShimMessage) { .type = SHIM_START }, sent));
        ASSERT_EQ(shim_message_receive(pair[1], &buffer, &size, &d, &fd), 1);
        ASSERT_EQ(d.type, SHIM_START);
        ASSERT_TRUE(fd >= 0);
        ASSERT_EQ(send(pair[0], "junk", 4, 0), 4);
        ASSERT_EQ(shim_message_receive(pair[1], &buffer, &size, &d, &fd), -EBADMSG);
        pair[0] = safe_close(pair[0]);
        ASSERT_EQ(shim_message_receive(pair[1], &buffer, &size, &d, &fd), 0);
}

TEST(exit_record) {
        char dir[] = "/tmp/test-exit-XXXXXX";
        _cleanup_close_ int fd = -EBADF;
        ExitRecord r;

        ASSERT_NOT_NULL(mkdtemp(dir));
        fd = ASSERT_OK(open(dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC));
        ASSERT_EQ(exit_record_read(fd, &r), -ENOENT);
        ASSERT_OK(exit_record_write(
                        fd, &(ExitRecord){ .code = 137, .oom = true, .stopped = true, .time_nsec = 12345 }));
        ASSERT_OK(exit_record_read(fd, &r));
        ASSERT_TRUE(r.code == 137 && r.oom && r.stopped && r.time_nsec == 12345);
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
}

static void filter(DetachKeys *d, const char *in, const char *out, bool detached) {
        char buffer[256];
        bool detach;
        size_t n;

        n = detach_keys_filter(d, in, strlen(in), buffer, &detach);
        buffer[n] = 0;
        ASSERT_STREQ(buffer, out);
        ASSERT_EQ(detach, detached);
}

TEST(detach_keys) {
        DetachKeys d;

        ASSERT_OK(detach_keys_parse(NULL, &d, NULL));
        filter(&d, "abc", "abc", false);
        filter(&d, "a\x10", "a", false);
        filter(&d, "b", "\x10" "b", false);
        filter(&d, "a\x10\x11z", "a", true);
        filter(&d, "\x10", "", false);
        filter(&d, "\x11", "", true);

        ASSERT_OK(detach_keys_parse("ctrl-a,x,ctrl-@,ctrl-_", &d, NULL));
        ASSERT_EQ(d.n_keys, 4);
        ASSERT_EQ(d.keys[0], 1);
        ASSERT_EQ(d.keys[1], 'x');
        ASSERT_EQ(d.keys[2], 0);
        ASSERT_EQ(d.keys[3], 31);
}

TEST(bad_detach_keys) {
        static const char *const bad[] = { ",",      "a,",     ",a",      "ab",     "ctrl-",
                                           "ctrl-A", "ctrl-1", "ctrl-ab", "Ctrl-a", "a,,b" };
        _cleanup_error_ Error error = ERROR_NULL;
        DetachKeys d;

        FOREACH_ELEMENT(b, bad)
                ASSERT_FAIL(detach_keys_parse(*b, &d, &error));
        ASSERT_STREQ(error.message, "Invalid detach keys (a,,b) provided");
}

TEST(oci_errors) {
        _cleanup_error_ Error error = ERROR_NULL;

        ASSERT_EQ(oci_error_exit_code("exec: \"x\": executable file not found in $PATH"), 127);
        ASSERT_EQ(oci_error_exit_code("exec /etc: permission denied"), 126);
        ASSERT_EQ(oci_error_exit_code("something else"), 128);
        ASSERT_EQ(oci_error_exit_code(NULL), 128);
        ASSERT_FAIL(oci_error_set(&error,
                                  "runc run failed: unable to start container process: exec: \"nosuch\": "
                                  "executable file not found in $PATH"));
        ASSERT_STREQ(error.message,
                     "failed to create task for container: failed to create shim task: OCI runtime create "
                     "failed: runc create failed: unable to start container process: exec: \"nosuch\": "
                     "executable file not found in $PATH: unknown");
        ASSERT_EQ(error.kind, ERROR_INVALID);
}

DEFINE_TEST_MAIN()
