/* SPDX-License-Identifier: Apache-2.0 */
/* The `exit` file: how the daemon learns what happened while it was away. Text of "key=value" lines; unknown
 * keys are ignored, so that daemon and shim may be of different versions. */
#include <inttypes.h>

#include "basic/errno-util.h"
#include "basic/fileio.h"
#include "basic/parse-util.h"
#include "basic/strv.h"
#include "runtime/shim-protocol.h"

#define EXIT_FILE_MAX 4096U

int exit_record_write(int run_dir_fd, const ExitRecord *record) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = asprintf_safe(&text, "code=%d\noom=%d\nstopped=%d\ntime=%" PRIu64 "\n", record->code,
                          record->oom, record->stopped, record->time_nsec);
        if (r < 0)
                return r;

        return write_file_atomic_at(run_dir_fd, SHIM_EXIT_NAME, text, strlen(text), 0600, 0);
}

int exit_record_read(int run_dir_fd, ExitRecord *ret) {
        _cleanup_strv_free_ char **lines = NULL;
        _cleanup_free_ char *text = NULL;
        const char *code, *time;
        ExitRecord record = {};
        int r;

        r = read_file_at(run_dir_fd, SHIM_EXIT_NAME, EXIT_FILE_MAX, &text, NULL);
        if (r < 0)
                return r;

        r = strv_split(text, "\n", &lines);
        if (r < 0)
                return r;

        code = strv_env_get(lines, "code");
        time = strv_env_get(lines, "time");
        if (!code || !time || parse_int(code, &record.code) < 0 || parse_uint64(time, &record.time_nsec) < 0)
                return -EBADMSG;
        record.oom = streq(strempty(strv_env_get(lines, "oom")), "1");
        record.stopped = streq(strempty(strv_env_get(lines, "stopped")), "1");

        *ret = record;
        return 0;
}
