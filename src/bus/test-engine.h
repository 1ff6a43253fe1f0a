/* SPDX-License-Identifier: Apache-2.0 */
/* A small engine for tests of the bus face: containers in a list, calls that answer at once, later, by a
 * stream, by a hijacked connection, or not at all. Tests only. */
#pragma once

#include "engine/engine.h"

Engine *test_engine_new(sd_event *event);

/* What the engine has seen. */
unsigned test_engine_n_gone(Engine *e);
uid_t test_engine_last_uid(Engine *e);
const char *test_engine_last_input(Engine *e);
size_t test_engine_n_containers(Engine *e);
