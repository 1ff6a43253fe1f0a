/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon and dockerd-worker agree on. `dockerd-worker VERB` gets its parameters as one JSON
 * document in descriptor 3 (read to its end), the objects it works on from descriptor 4 on in the verb's
 * order, and answers on descriptor 1 with JSON lines, each with one member:
 *
 *     {"Progress": {...}}      any number; the verb's progress type
 *     {"Result": {...}}        once, last, on success; the exit status is 0
 *     {"Error": {"Kind": 1, "Message": "..."}}      instead; the exit status is 1
 *
 * Both sides come from one build, so there is no version. Nothing from a worker is trusted beyond its
 * type. */
#pragma once

#define WORKER_FD_OUTPUT 1
#define WORKER_FD_PARAMS 3
#define WORKER_FD_FIRST 4

#define WORKER_FDS_MAX 8U
#define WORKER_PARAMS_MAX (16U * 1024U * 1024U)
/* Longest line; the result of unpacking an archive lists everything that was in it. */
#define WORKER_LINE_MAX (32U * 1024U * 1024U)
