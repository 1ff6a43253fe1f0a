/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/shim-config.h"

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "runtime/shim-protocol.h"

static const JsonField shim_config_fields[] = {
        JSON_STRING (ShimConfig, id,           "id",           JSON_REQUIRED|JSON_NOT_EMPTY),
        JSON_STRING (ShimConfig, runtime,      "runtime",      JSON_REQUIRED|JSON_NOT_EMPTY),
        JSON_STRING (ShimConfig, process,      "process",      JSON_OMITEMPTY),
        JSON_STRV   (ShimConfig, runtime_args, "runtimeArgs",  JSON_OMITEMPTY),
        JSON_STRING (ShimConfig, runtime_root, "runtimeRoot",  JSON_REQUIRED|JSON_NOT_EMPTY),
        JSON_STRING (ShimConfig, cgroup_path,  "cgroupPath",   JSON_OMITEMPTY),
        JSON_BOOL   (ShimConfig, tty,          "tty",          JSON_OMITEMPTY),
        JSON_BOOL   (ShimConfig, open_stdin,   "openStdin",    JSON_OMITEMPTY),
        JSON_BOOL   (ShimConfig, stdin_once,   "stdinOnce",    JSON_OMITEMPTY),
        JSON_INT64  (ShimConfig, stop_signal,  "stopSignal",   JSON_OMITEMPTY),
        JSON_INT64  (ShimConfig, stop_timeout, "stopTimeout",  0),
        JSON_INT64  (ShimConfig, start_timeout, "startTimeout", JSON_OMITEMPTY),
        JSON_BOOL   (ShimConfig, delegated,    "delegated",    JSON_OMITEMPTY),
        JSON_STRING (ShimConfig, log_driver,   "logDriver",    JSON_OMITEMPTY),
        JSON_STRING (ShimConfig, log_path,     "logPath",      JSON_OMITEMPTY),
        JSON_STRV   (ShimConfig, log_options,  "logOptions",   JSON_OMITEMPTY),
};
JSON_TYPE(ShimConfig, shim_config_fields);

#define SHIM_CONFIG_SIZE_MAX (256U * 1024U)

int shim_config_save(const ShimConfig *c, const char *run_dir, Error *reterr) {
        _cleanup_free_ char *text = NULL, *path = NULL;
        int r;

        text = json_encode_text(&ShimConfig_json, c, 0);
        path = path_join(run_dir, SHIM_CONFIG_NAME);
        if (!text || !path)
                return error_fill(reterr, -ENOMEM);

        r = write_file_atomic_at(AT_FDCWD, path, text, strlen(text), 0600, 0);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to write %s", path);
        return 0;
}

int shim_config_load(int run_dir_fd, ShimConfig *ret, Error *reterr) {
        _cleanup_(ShimConfig_donep) ShimConfig c = {};
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_file_at(run_dir_fd, SHIM_CONFIG_NAME, SHIM_CONFIG_SIZE_MAX, &text, &size);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to read " SHIM_CONFIG_NAME);

        r = json_decode_text(&ShimConfig_json, text, size, 0, &c, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, SHIM_CONFIG_NAME);

        *ret = TAKE_STRUCT(c);
        return 0;
}

bool shim_runtime_keeps_files_only(const char *runtime) {
        const char *base = strrchr(runtime, '/');

        base = base ? base + 1 : runtime;
        return streq(base, "runc") || streq(base, "crun");
}
