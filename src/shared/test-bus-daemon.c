/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and stops the private bus of a test. */
#include "shared/test-bus-daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DBUS_DAEMON "/usr/bin/dbus-daemon"

extern char **environ;

void test_bus_init(TestBus *b) {
        *b = (TestBus) {};

        if (access(DBUS_DAEMON, X_OK) < 0) {
                fprintf(stderr, "skipped: no " DBUS_DAEMON "\n");
                exit(77);
        }

        snprintf(b->directory, sizeof(b->directory), "/tmp/test-bus-XXXXXX");
        assert(mkdtemp(b->directory));
        assert(chmod(b->directory, 0755) == 0);
        snprintf(b->address, sizeof(b->address), "unix:path=%s/bus", b->directory);
}

void test_bus_start(TestBus *b) {
        char config[512], address[160];
        char *argv[] = { (char *) "dbus-daemon", config, address,
                         (char *) "--nofork", (char *) "--nopidfile", (char *) "--print-address=3", NULL };
        posix_spawn_file_actions_t actions;
        struct pollfd p;
        int fds[2];

        snprintf(config, sizeof(config), "--config-file=%s/bus-private.conf", TEST_DATA_DIR);
        snprintf(address, sizeof(address), "--address=%s", b->address);

        assert(pipe2(fds, O_CLOEXEC) == 0);
        assert(posix_spawn_file_actions_init(&actions) == 0);
        assert(posix_spawn_file_actions_adddup2(&actions, fds[1], 3) == 0);
        assert(posix_spawn(&b->pid, DBUS_DAEMON, &actions, NULL, argv, environ) == 0);
        posix_spawn_file_actions_destroy(&actions);
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
