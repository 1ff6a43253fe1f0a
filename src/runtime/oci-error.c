/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/oci-error.h"

#include "basic/string-util.h"

/* In the order they are looked for, anywhere in the text, without regard to case. */
static const struct {
        const char *text;
        int code;
        const char *addition;           /* what Docker appends */
} start_error_table[] = {
        { "permission denied", 126, "" },
        { "is a directory", 126, ": permission denied" },
        { "exec format error", 126, "" },
        { "not a directory", 127,
          ": Are you trying to mount a directory onto a file (or vice-versa)? "
          "Check if the specified host path exists and is the expected type" },
        { "executable file not found", 127, "" },
        { "no such file or directory", 127, "" },
        { "system cannot find the file specified", 127, "" },
};

#define DOCKER_PREFIX \
        "failed to create task for container: failed to create shim task: OCI runtime create failed: "

int oci_error_exit_code(const char *text) {
        FOREACH_ELEMENT(i, start_error_table)
                if (strcasestr(strempty(text), i->text))
                        return i->code;
        return 128;
}

static const char *addition(const char *text) {
        FOREACH_ELEMENT(i, start_error_table)
                if (strcasestr(text, i->text))
                        return i->addition;
        return "";
}

int oci_error_set(Error *reterr, const char *text) {
        const char *t = strempty(text), *rest;

        /* The shim runs the container in one step; clients know the words of the first of two. */
        rest = startswith(t, "runc run failed: ");
        return error_setf(reterr, oci_error_exit_code(t) == 128 ? ERROR_INTERNAL : ERROR_INVALID,
                          DOCKER_PREFIX "%s%s: unknown%s", rest ? "runc create failed: " : "", rest ?: t,
                          addition(t));
}

int oci_error_set_exec(Error *reterr, const char *text) {
        const char *t = strempty(text);

        return error_setf(reterr, oci_error_exit_code(t) == 128 ? ERROR_INTERNAL : ERROR_INVALID,
                          "OCI runtime exec failed: %s: unknown", t);
}
