/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) is a datagram of KEY=value lines, or
 * KEY, a little-endian 64-bit length and raw bytes where a value has line breaks. Spoken here so that the
 * shim needs no libsystemd. */
#include "basic/log.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "basic/string-util.h"
#include "basic/time-util.h"

#define LOG_MESSAGE_MAX 4096U
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct {
        LogTarget target;
        LogFormat format;
        int max_level;
        int journal_fd;
        const char *const *fields;      /* of every entry in the journal; borrowed */
} log_state = {
        .target = LOG_TARGET_STDERR,
        .max_level = LOG_INFO,
        .journal_fd = -EBADF,
};

static const char *const level_names[] = {
        [LOG_EMERG] = "panic",
        [LOG_ALERT] = "fatal",
        [LOG_CRIT] = "fatal",
        [LOG_ERR] = "error",
        [LOG_WARNING] = "warning",
        [LOG_NOTICE] = "info",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
};

/* systemd sets JOURNAL_STREAM=device:inode of the stream it connected; a redirected stderr has another
 * inode. */
static bool stderr_is_journal(void) {
        const char *e = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (!e || sscanf(e, "%llu:%llu", &device, &inode) != 2 || fstat(STDERR_FILENO, &st) < 0)
                return false;
        return st.st_dev == device && st.st_ino == inode;
}

static int journal_open(void) {
        static const struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
        int fd;

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) &sa, sizeof(sa)) < 0) {
                int r = -errno;

                safe_close(fd);
                return r;
        }
        return fd;
}

void log_set_target(LogTarget target) {
        if (target == LOG_TARGET_AUTO)
                target = stderr_is_journal() ? LOG_TARGET_JOURNAL : LOG_TARGET_STDERR;
        log_state.journal_fd = safe_close(log_state.journal_fd);
        if (target == LOG_TARGET_JOURNAL) {
                log_state.journal_fd = journal_open();
                if (log_state.journal_fd < 0)
                        target = LOG_TARGET_STDERR;
        }
        log_state.target = target;
}

void log_set_fields(const char *const *fields) {
        log_state.fields = fields;
}

void log_set_format(LogFormat format) {
        log_state.format = format;
}

void log_set_max_level(int level) {
        log_state.max_level = level;
}

int log_get_max_level(void) {
        return log_state.max_level;
}

static int append_journal_field(Buffer *b, const char *key, size_t n_key, const char *value) {
        uint64_t size = htole64(strlen(value));

        if (!strchr(value, '\n'))
                return buffer_appendf(b, "%.*s=%s\n", (int) n_key, key, value);
        if (buffer_append(b, key, n_key) < 0 || buffer_append(b, "\n", 1) < 0 ||
            buffer_append(b, &size, sizeof(size)) < 0 || buffer_append_str(b, value) < 0)
                return -ENOMEM;
        return buffer_append(b, "\n", 1);
}

static int append_journal_fields(Buffer *b, const char *const *fields) {
        for (const char *const *f = fields; f && *f; f++) {
                size_t n = strcspn(*f, "=");

                if ((*f)[n] == '=' && append_journal_field(b, *f, n, *f + n + 1) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int log_to_journal(int level, int err, const char *file, int line, const char *const *fields,
                          const char *message) {
        _cleanup_buffer_ Buffer b = {};

        if (append_journal_field(&b, "MESSAGE", strlen("MESSAGE"), message) < 0 ||
            buffer_appendf(&b,
                           "PRIORITY=%d\nSYSLOG_FACILITY=%d\nCODE_FILE=%s\nCODE_LINE=%d\nSYSLOG_IDENTIFIER=%s\n",
                           level, LOG_DAEMON >> 3, file, line, program_invocation_short_name) < 0)
                return -ENOMEM;
        if (err < 0 && buffer_appendf(&b, "ERRNO=%d\n", -err) < 0)
                return -ENOMEM;
        if (append_journal_fields(&b, log_state.fields) < 0 || append_journal_fields(&b, fields) < 0)
                return -ENOMEM;
        return send_with_fds(log_state.journal_fd, b.data, b.size, NULL, 0);
}

/* Quotes as Go's %q and JSON both accept. */
static int append_quoted(Buffer *b, const char *s) {
        if (buffer_append(b, "\"", 1) < 0)
                return -ENOMEM;
        for (; *s; s++) {
                unsigned char c = *s;
                int r;

                if (c == '"' || c == '\\')
                        r = buffer_appendf(b, "\\%c", c);
                else if (c == '\n')
                        r = buffer_append(b, "\\n", 2);
                else if (c < 32)
                        r = buffer_appendf(b, "\\u%04x", c);
                else
                        r = buffer_append(b, s, 1);
                if (r < 0)
                        return r;
        }
        return buffer_append(b, "\"", 1);
}

/* Fields other than the ids of the journal follow the message as key=value. */
static int append_text_fields(Buffer *b, const char *const *fields) {
        bool json = log_state.format == LOG_FORMAT_JSON;

        for (const char *const *f = fields; f && *f; f++) {
                _cleanup_free_ char *key = NULL;
                size_t n = strcspn(*f, "=");

                if ((*f)[n] != '=' || startswith(*f, "MESSAGE_ID="))
                        continue;
                key = memdup_suffix0(*f, n);
                if (!key)
                        return -ENOMEM;
                ascii_strlower(key);
                if (buffer_appendf(b, json ? ",\"%s\":" : " %s=", key) < 0 ||
                    append_quoted(b, *f + n + 1) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int log_to_stderr(int level, const char *const *fields, const char *message) {
        bool json = log_state.format == LOG_FORMAT_JSON;
        char stamp[TIME_RFC3339_MAX];
        _cleanup_buffer_ Buffer b = {};

        format_rfc3339_fixed(stamp, now_nsec());
        if (buffer_appendf(&b,
                           json ? "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":" : "time=\"%s\" level=%s msg=",
                           stamp, level_names[level]) < 0 ||
            append_quoted(&b, message) < 0 || append_text_fields(&b, fields) < 0 ||
            buffer_append_str(&b, json ? "}\n" : "\n") < 0)
                return -ENOMEM;
        return write_full(STDERR_FILENO, b.data, b.size);
}

int log_full(int level, int err, const char *file, int line, const char *const *fields,
             const char *format, ...) {
        char message[LOG_MESSAGE_MAX];
        int saved = errno;
        va_list ap;
        int r = -EBADF;

        assert(level >= 0 && (size_t) level < ELEMENTSOF(level_names));

        if (level > log_state.max_level)
                return err;

        errno = err < 0 ? -err : 0;
        va_start(ap, format);
        (void) vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);

        if (log_state.target == LOG_TARGET_JOURNAL)
                r = log_to_journal(level, err, file, line, fields, message);
        if (r < 0)
                (void) log_to_stderr(level, fields, message);
        errno = saved;
        return err;
}
