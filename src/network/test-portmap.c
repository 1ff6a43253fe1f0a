/* SPDX-License-Identifier: Apache-2.0 */
#include "network/portmap.h"

#include "basic/fd-util.h"
#include "basic/tests.h"

static NetAddr addr(const char *s) {
        NetAddr a;

        ASSERT_OK(net_addr_parse(s, &a));
        return a;
}

/* A port nobody has, held by the returned socket. */
static int listen_any(uint16_t *ret_port) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(in);
        int fd;

        fd = ASSERT_OK(socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0));
        ASSERT_OK(bind(fd, (struct sockaddr *) &in, sizeof(in)));
        ASSERT_OK(listen(fd, 1));
        ASSERT_OK(getsockname(fd, (struct sockaddr *) &in, &size));
        *ret_port = ntohs(in.sin_port);
        return fd;
}

TEST(reserve) {
        _cleanup_(portmap_freep) Portmap *m = NULL;
        NetAddr any = addr("0.0.0.0"), lo = addr("127.0.0.1"), other = addr("127.0.0.2"), six = addr("::1"),
                any6 = addr("::");
        _cleanup_error_ Error error = ERROR_NULL;

        ASSERT_OK(portmap_new(&m));
        ASSERT_OK(portmap_reserve(m, PORT_TCP, &lo, 80, &error));
        ASSERT_FAIL(portmap_reserve(m, PORT_TCP, &any, 80, &error));
        ASSERT_STREQ(error_message(&error), "Bind for 0.0.0.0:80 failed: port is already allocated");
        ASSERT_OK(portmap_reserve(m, PORT_TCP, &other, 80, NULL));
        ASSERT_OK(portmap_reserve(m, PORT_UDP, &any, 80, NULL));
        ASSERT_OK(portmap_reserve(m, PORT_TCP, &six, 80, NULL));
        ASSERT_FAIL(portmap_reserve(m, PORT_TCP, &any6, 80, &error));
        ASSERT_STREQ(error_message(&error), "Bind for [::]:80 failed: port is already allocated");

        portmap_release(m, PORT_TCP, &any, 80);
        ASSERT_FAIL(portmap_reserve(m, PORT_TCP, &lo, 80, NULL));
        portmap_release(m, PORT_TCP, &lo, 80);
        portmap_release(m, PORT_TCP, &lo, 80);
        ASSERT_OK(portmap_reserve(m, PORT_TCP, &lo, 80, NULL));
        ASSERT_OK(portmap_reserve(m, PORT_TCP, &any, 81, NULL));
        ASSERT_FAIL(portmap_reserve(m, PORT_TCP, &lo, 81, NULL));
}

TEST(allocate) {
        _cleanup_(portmap_freep) Portmap *m = NULL;
        _cleanup_error_ Error error = ERROR_NULL;
        _cleanup_close_ int fd = -EBADF;
        NetAddr lo = addr("127.0.0.1"), strange = addr("192.0.2.77");
        char text[100];
        uint16_t busy, port, again;

        ASSERT_OK(portmap_new(&m));

        /* Taken by another program. */
        fd = listen_any(&busy);
        ASSERT_FAIL(portmap_allocate(m, PORT_TCP, &lo, busy, busy, &port, &error));
        (void) snprintf(text, sizeof(text),
                        "failed to bind host port 127.0.0.1:%u/tcp: address already in use", busy);
        ASSERT_STREQ(error_message(&error), text);
        /* The next of a range does. */
        if (busy < UINT16_MAX - 50) {
                ASSERT_OK(portmap_allocate(m, PORT_TCP, &lo, busy, busy + 50, &port, NULL));
                ASSERT_TRUE(port > busy);
                portmap_release(m, PORT_TCP, &lo, port);
        }
        fd = safe_close(fd);

        /* Ours now, also for the kernel; until it is released. */
        ASSERT_OK(portmap_allocate(m, PORT_TCP, &lo, busy, busy, &port, NULL));
        ASSERT_EQ(port, busy);
        ASSERT_FAIL(portmap_allocate(m, PORT_TCP, &lo, busy, busy, &port, &error));
        (void) snprintf(text, sizeof(text), "Bind for 127.0.0.1:%u failed: port is already allocated", busy);
        ASSERT_STREQ(error_message(&error), text);
        portmap_release(m, PORT_TCP, &lo, busy);
        ASSERT_OK(portmap_allocate(m, PORT_TCP, &lo, busy, busy, &port, NULL));

        ASSERT_FAIL(portmap_allocate(m, PORT_UDP, &strange, 5000, 5000, &port, &error));
        ASSERT_STREQ(error_message(&error),
                     "failed to bind host port 192.0.2.77:5000/udp: cannot assign requested address");

        ASSERT_OK(portmap_allocate(m, PORT_TCP, &lo, 0, 0, &port, NULL));
        ASSERT_OK(portmap_allocate(m, PORT_TCP, &lo, 0, 0, &again, NULL));
        ASSERT_TRUE(port != again && port >= 1024 && again >= 1024);
        /* Not the one just given back: a client may still talk to it. */
        portmap_release(m, PORT_TCP, &lo, again);
        ASSERT_OK(portmap_allocate(m, PORT_TCP, &lo, 0, 0, &port, NULL));
        ASSERT_TRUE(port != again);
}

TEST(exhausted) {
        _cleanup_(portmap_freep) Portmap *m = NULL;
        _cleanup_error_ Error error = ERROR_NULL;
        NetAddr lo = addr("127.0.0.9");
        uint16_t port;

        ASSERT_OK(portmap_new(&m));
        for (unsigned i = 0; i < 4; i++)
                ASSERT_OK(portmap_allocate(m, PORT_UDP, &lo, 42000, 42003, &port, &error));
        ASSERT_FAIL(portmap_allocate(m, PORT_UDP, &lo, 42000, 42003, &port, &error));
        ASSERT_STREQ(error_message(&error), "all ports are allocated");
}

DEFINE_TEST_MAIN()
