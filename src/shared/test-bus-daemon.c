/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and stops the private bus of a test. */
#include "shared/test-bus-daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DBUS_DAEMON "/usr/bin/dbus-daemon"

void test_bus_init(TestBus *b) {
        *b = (TestBus) { .config = "bus-private.conf" };

        if (access(DBUS_DAEMON, X_OK) < 0) {
                fprintf(stderr, "skipped: no " DBUS_DAEMON "\n");
                exit(77);
        }

        snprintf(b->directory, sizeof(b->directory), "/tmp/test-bus-XXXXXX");
        assert(mkdtemp(b->directory));
        assert(chmod(b->directory, 0755) == 0);
        snprintf(b->address, sizeof(b->address), "unix:path=%s/bus", b->directory);
}

/* In the child: the bus goes with the test, whatever becomes of it, and does not hold the test's output
 * open. */
static _noreturn_ void exec_daemon(TestBus *b, int address_fd) {
        char config[512], address[160];
        int null = open("/dev/null", O_RDWR);

        snprintf(config, sizeof(config), "--config-file=%s/%s", TEST_DATA_DIR, b->config);
        snprintf(address, sizeof(address), "--address=%s", b->address);

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
            dup2(null, 2) < 0 || dup2(address_fd, 3) < 0 || fcntl(3, F_SETFD, 0) < 0)
                _exit(1);
        (void) execl(DBUS_DAEMON, "dbus-daemon", config, address, "--nofork", "--nopidfile",
                     "--print-address=3", NULL);
        _exit(1);
}

void test_bus_start(TestBus *b) {
        struct pollfd p;
        int fds[2];

        assert(pipe2(fds, O_CLOEXEC) == 0);
        b->pid = fork();
        assert(b->pid >= 0);
        if (b->pid == 0)
                exec_daemon(b, fds[1]);
        close(fds[1]);

        /* The address is printed once the bus listens. */
        p = (struct pollfd) { .fd = fds[0], .events = POLLIN };
        assert(poll(&p, 1, 30 * 1000) == 1 && (p.revents & POLLIN));
        close(fds[0]);
}

void test_bus_stop(TestBus *b) {
        if (b->pid <= 0)
                return;

        assert(kill(b->pid, SIGKILL) == 0);
        assert(waitpid(b->pid, NULL, 0) == b->pid);
        b->pid = 0;
}

void test_bus_done(TestBus *b) {
        char path[80];

        test_bus_stop(b);
        snprintf(path, sizeof(path), "%s/bus", b->directory);
        (void) unlink(path);
        (void) rmdir(b->directory);
}
