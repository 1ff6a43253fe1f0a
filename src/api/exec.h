/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters and replies of the exec calls: commands that are run in a running container. */
#pragma once

#include "api/container.h"

/* Rows and columns, in this order; empty = not given. */
typedef struct ConsoleSize {
        int64_t *items;
        size_t n_items;
} ConsoleSize;

/* The body of POST /containers/{id}/exec, which is also what is recorded of it. */
typedef struct ExecConfig {
        char *user;                     /* "" = the container's */
        bool privileged;
        bool tty;
        ConsoleSize console_size;
        bool attach_stdin, attach_stdout, attach_stderr;
        char *detach_keys;
        char **env;                     /* on top of the container's */
        char *working_dir;              /* "" = the container's */
        char **cmd;
} ExecConfig;
JSON_TYPE_DECLARE(ExecConfig);
DEFINE_JSON_CLEANUP(ExecConfig)

/* POST /containers/{id}/exec */
typedef struct ExecCreateParams {
        char *id;                       /* of the container */
        ExecConfig config;
} ExecCreateParams;
JSON_TYPE_DECLARE(ExecCreateParams);

typedef struct ExecCreateReply {
        char *id;
} ExecCreateReply;
JSON_TYPE_DECLARE(ExecCreateReply);

/* POST /exec/{id}/start */
typedef struct ExecStartParams {
        char *id;
        bool detach;
        bool tty;                       /* the stream is raw; else it is multiplexed */
        ConsoleSize console_size;
} ExecStartParams;
JSON_TYPE_DECLARE(ExecStartParams);

/* GET /exec/{id}/json */
typedef struct ExecInspectParams {
        char *id;
} ExecInspectParams;
JSON_TYPE_DECLARE(ExecInspectParams);

typedef struct ExecProcessConfig {
        bool tty;
        char *entrypoint;
        char **arguments;
        bool privileged;
        char *user;
} ExecProcessConfig;
JSON_TYPE_DECLARE(ExecProcessConfig);

typedef struct ExecInspect {
        char *id;
        bool running;
        OptionalInt exit_code;          /* null until it has ended */
        ExecProcessConfig process_config;
        bool open_stdin, open_stderr, open_stdout;
        bool can_remove;
        char *container_id;
        char *detach_keys;              /* their bytes, in base64 */
        int64_t pid;                    /* on the host; 0 = none yet */
} ExecInspect;
JSON_TYPE_DECLARE(ExecInspect);
DEFINE_JSON_CLEANUP(ExecInspect)
