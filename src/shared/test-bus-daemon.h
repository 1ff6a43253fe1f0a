/* SPDX-License-Identifier: Apache-2.0 */
/* A private message bus for tests: a dbus-daemon in a temporary directory, that can be stopped and
 * started again at the same address. Tests only. */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

typedef struct TestBus {
        const char *config;     /* in tests/data; set before the start for another than bus-private.conf */
        char directory[64];
        char address[128];
        pid_t pid;              /* 0 = not running */
} TestBus;

/* Ends the test program with 77 (skipped) where there is no dbus-daemon. The bus is not started. */
void test_bus_init(TestBus *b);
void test_bus_start(TestBus *b);
void test_bus_stop(TestBus *b);
void test_bus_done(TestBus *b);
