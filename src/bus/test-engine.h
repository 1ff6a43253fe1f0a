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

/* Images: a new one with a tag; a tag moves to the one that gets it last. No tag: one more without an
 * event. */
void test_engine_add_image(Engine *e, const char *id, const char *tag);
void test_engine_remove_image(Engine *e, const char *id);

/* Pulls that are on their way: a line of progress for each; the end of each, failed where there is a
 * message. */
void test_engine_progress(Engine *e, const char *line);
void test_engine_finish_pulls(Engine *e, const char *message);
unsigned test_engine_n_pulls(Engine *e);
