/* SPDX-License-Identifier: Apache-2.0 */
/* Logging: structured entries to the journal (native protocol), or text/JSON lines on stderr.
 * Libraries (L0 to L4) log at debug only; each failure is logged once, at the top. */
#pragma once

#include <stdarg.h>
#include <syslog.h>

#include "basic/macro.h"

typedef enum LogTarget {
        LOG_TARGET_STDERR,
        LOG_TARGET_JOURNAL,
        LOG_TARGET_AUTO,        /* the journal if stderr leads there (JOURNAL_STREAM=), else stderr */
} LogTarget;

typedef enum LogFormat {
        LOG_FORMAT_TEXT,        /* time="..." level=info msg="..." as the upstream engine prints */
        LOG_FORMAT_JSON,
} LogFormat;

void log_set_target(LogTarget target);
void log_set_format(LogFormat format);
/* Fields of every entry in the journal, NULL-terminated "KEY=value"; borrowed, and NULL = none. */
void log_set_fields(const char *const *fields);
void log_set_max_level(int level);      /* syslog level, default LOG_INFO */
int log_get_max_level(void);

/* fields: NULL, or a NULL-terminated array of "KEY=value" (upper-case keys). err: 0 or negative errno, which
 * %m of the format shows and which goes into ERRNO=. Returns err. */
int log_full(int level, int err, const char *file, int line, const char *const *fields,
             const char *format, ...) _printf_(6, 7);

#define log_with(level, err, fields, ...)                                               \
        ({                                                                              \
                int _log_err = (err);                                                   \
                if ((level) <= log_get_max_level())                                     \
                        log_full((level), _log_err, __FILE__, __LINE__, (fields), __VA_ARGS__); \
                _log_err;                                                               \
        })

#define log_debug(...) ((void) log_with(LOG_DEBUG, 0, NULL, __VA_ARGS__))
#define log_info(...) ((void) log_with(LOG_INFO, 0, NULL, __VA_ARGS__))
#define log_notice(...) ((void) log_with(LOG_NOTICE, 0, NULL, __VA_ARGS__))
#define log_warning(...) ((void) log_with(LOG_WARNING, 0, NULL, __VA_ARGS__))
#define log_error(...) ((void) log_with(LOG_ERR, 0, NULL, __VA_ARGS__))

#define log_debug_errno(err, ...) log_with(LOG_DEBUG, err, NULL, __VA_ARGS__)
#define log_info_errno(err, ...) log_with(LOG_INFO, err, NULL, __VA_ARGS__)
#define log_warning_errno(err, ...) log_with(LOG_WARNING, err, NULL, __VA_ARGS__)
#define log_error_errno(err, ...) log_with(LOG_ERR, err, NULL, __VA_ARGS__)
#define log_oom() log_error_errno(-ENOMEM, "Out of memory")

/* Fields of one entry: log_struct(LOG_INFO, LOG_FIELDS("MESSAGE_ID=" X, "A=b"), "text %s", x) */
#define LOG_FIELDS(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define log_struct(level, fields, ...) ((void) log_with(level, 0, fields, __VA_ARGS__))
#define log_struct_errno(level, err, fields, ...) log_with(level, err, fields, __VA_ARGS__)
