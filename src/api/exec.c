/* SPDX-License-Identifier: Apache-2.0 */
#include "api/exec.h"

static const JsonField exec_config_fields[] = {
        JSON_STRING(ExecConfig, user, "User", 0),
        JSON_BOOL(ExecConfig, privileged, "Privileged", 0),
        JSON_BOOL(ExecConfig, tty, "Tty", 0),
        JSON_INT64_ARRAY(ExecConfig, console_size, "ConsoleSize", JSON_OMITEMPTY, .since = 42),
        JSON_BOOL(ExecConfig, attach_stdin, "AttachStdin", 0),
        JSON_BOOL(ExecConfig, attach_stderr, "AttachStderr", 0),
        JSON_BOOL(ExecConfig, attach_stdout, "AttachStdout", 0),
        JSON_STRING(ExecConfig, detach_keys, "DetachKeys", 0),
        JSON_STRV(ExecConfig, env, "Env", 0),
        JSON_STRING(ExecConfig, working_dir, "WorkingDir", 0),
        JSON_STRV(ExecConfig, cmd, "Cmd", 0),
};
JSON_TYPE(ExecConfig, exec_config_fields);

static const JsonField exec_create_params_fields[] = {
        JSON_STRING(ExecCreateParams, id, "id", JSON_IN_PATH),
        JSON_INLINE(ExecCreateParams, config, ExecConfig, 0),
};
JSON_TYPE(ExecCreateParams, exec_create_params_fields);

static const JsonField exec_create_reply_fields[] = {
        JSON_STRING(ExecCreateReply, id, "Id", 0),
};
JSON_TYPE(ExecCreateReply, exec_create_reply_fields);

static const JsonField exec_start_params_fields[] = {
        JSON_STRING(ExecStartParams, id, "id", JSON_IN_PATH),
        JSON_BOOL(ExecStartParams, detach, "Detach", 0),
        JSON_BOOL(ExecStartParams, tty, "Tty", 0),
        JSON_INT64_ARRAY(ExecStartParams, console_size, "ConsoleSize", 0, .since = 42),
};
JSON_TYPE(ExecStartParams, exec_start_params_fields);

static const JsonField exec_inspect_params_fields[] = {
        JSON_STRING(ExecInspectParams, id, "id", JSON_IN_PATH),
};
JSON_TYPE(ExecInspectParams, exec_inspect_params_fields);

static const JsonField exec_process_config_fields[] = {
        JSON_BOOL(ExecProcessConfig, tty, "tty", 0),
        JSON_STRING(ExecProcessConfig, entrypoint, "entrypoint", 0),
        JSON_STRV(ExecProcessConfig, arguments, "arguments", JSON_NONNULL),
        JSON_BOOL(ExecProcessConfig, privileged, "privileged", 0),
        JSON_STRING(ExecProcessConfig, user, "user", JSON_OMITEMPTY),
};
JSON_TYPE(ExecProcessConfig, exec_process_config_fields);

static const JsonField exec_inspect_fields[] = {
        JSON_STRING(ExecInspect, id, "ID", 0),
        JSON_BOOL(ExecInspect, running, "Running", 0),
        JSON_OPTIONAL_INT(ExecInspect, exit_code, "ExitCode", 0),
        JSON_STRUCT(ExecInspect, process_config, ExecProcessConfig, "ProcessConfig", 0),
        JSON_BOOL(ExecInspect, open_stdin, "OpenStdin", 0),
        JSON_BOOL(ExecInspect, open_stderr, "OpenStderr", 0),
        JSON_BOOL(ExecInspect, open_stdout, "OpenStdout", 0),
        JSON_BOOL(ExecInspect, can_remove, "CanRemove", 0),
        JSON_STRING(ExecInspect, container_id, "ContainerID", 0),
        JSON_STRING(ExecInspect, detach_keys, "DetachKeys", 0),
        JSON_INT64(ExecInspect, pid, "Pid", 0),
};
JSON_TYPE(ExecInspect, exec_inspect_fields);
