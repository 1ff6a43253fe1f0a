/* SPDX-License-Identifier: Apache-2.0 */
#include "logdriver/json-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/tests.h"
#include "basic/time-util.h"

#define SECOND NSEC_PER_SEC
#define BASE (1700000000 * NSEC_PER_SEC)

static char directory[64], *path;

static void begin(void) {
        snprintf(directory, sizeof(directory), "/tmp/test-json-file-XXXXXX");
        ASSERT_NOT_NULL(mkdtemp(directory));
        ASSERT_OK(asprintf_safe(&path, "%s/log", directory));
}

static void end(void) {
        ASSERT_OK(rm_rf_at(AT_FDCWD, directory));
        path = mfree(path);
}

static LogWriter *writer(const char *option, const char *other) {
        const char *options[] = { option, option ? other : NULL, NULL };
        LogWriter *w;

        ASSERT_OK(json_file_writer_open(path, (char **) options, &w, NULL));
        return w;
}

static void put(LogWriter *w, LogStream stream, const char *text, uint64_t time) {
        ASSERT_OK(log_writer_write(w, stream, text, strlen(text), time));
}

static char *content(void) {
        char *s;

        ASSERT_OK(read_file_at(AT_FDCWD, path, 1U << 20, &s, NULL));
        return s;
}

static int next(LogReader *r, LogEntry *e) {
        int k;

        while ((k = log_reader_step(r, e)) == -EINPROGRESS)
                ;
        return k;
}

/* All lines there are, joined. */
static char *read_log(LogReadOptions options) {
        _cleanup_(log_reader_freep) LogReader *r = NULL;
        _cleanup_buffer_ Buffer b = {};
        LogEntry e;
        int k;

        ASSERT_OK(json_file_reader_open(path, &options, &r, NULL));
        while ((k = next(r, &e)) > 0)
                ASSERT_OK(buffer_append(&b, e.line, e.size));
        ASSERT_EQ(k, 0);
        ASSERT_OK(buffer_append(&b, "", 0));
        return b.data ? buffer_steal(&b) : strdup("");
}

static void expect(LogReadOptions options, const char *text) {
        _cleanup_free_ char *s = read_log(options);

        ASSERT_STREQ(s, text);
}

TEST(format) {
        _cleanup_(log_writer_freep) LogWriter *w = NULL;
        _cleanup_free_ char *s = NULL;

        begin();
        w = writer(NULL, NULL);
        put(w, LOG_STDOUT, "a \"b\" <c>\t\x01\\\xff\xe2\x80\xa8\xc3\xa4\n", BASE + 120000000);
        put(w, LOG_STDERR, "e\r\n", BASE);
        s = content();
        ASSERT_STREQ(s,
                     "{\"log\":\"a \\\"b\\\" \\u003cc\\u003e\\u0009\\u0001\\\\\\ufffd\\u2028\xc3\xa4\\n\","
                     "\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20.12Z\"}\n"
                     "{\"log\":\"e\\r\\n\",\"stream\":\"stderr\",\"time\":\"2023-11-14T22:13:20Z\"}\n");
        expect((LogReadOptions){ .tail = -1 }, "a \"b\" <c>\t\x01\\\xef\xbf\xbd\xe2\x80\xa8\xc3\xa4\ne\r\n");
        end();
}

TEST(pieces_of_lines) {
        _cleanup_(log_writer_freep) LogWriter *w = NULL;
        _cleanup_free_ char *s = NULL, *big = NULL;

        begin();
        w = writer(NULL, NULL);
        put(w, LOG_STDOUT, "one", BASE);
        put(w, LOG_STDERR, "other\n", BASE + SECOND);
        put(w, LOG_STDOUT, " line\nnext", BASE + 2 * SECOND);
        expect((LogReadOptions) { .tail = -1 }, "other\none line\n");
        ASSERT_OK(log_writer_flush(w, LOG_STDOUT, BASE + 3 * SECOND));
        expect((LogReadOptions) { .tail = -1 }, "other\none line\nnext");

        /* The time is the one of the first piece. */
        s = content();
        ASSERT_NOT_NULL(strstr(s,
                               "\"one line\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20Z\""));
        big = malloc(40001);
        memset(big, 'x', 40000);
        big[40000] = 0;
        put(w, LOG_STDOUT, big, BASE);
        put(w, LOG_STDOUT, "\n", BASE);
        s = mfree(s);
        s = read_log((LogReadOptions) { .tail = 3 });
        ASSERT_EQ(strlen(s), 40001);
        end();
}

TEST(selection) {
        _cleanup_(log_writer_freep) LogWriter *w = NULL;

        begin();
        w = writer(NULL, NULL);
        for (unsigned i = 0; i < 10; i++) {
                char line[] = { (char) ('0' + i), '\n', 0 };

                put(w, i % 2 ? LOG_STDERR : LOG_STDOUT, line, BASE + i * SECOND);
        }
        expect((LogReadOptions) { .tail = 0 }, "");
        expect((LogReadOptions) { .tail = 2 }, "8\n9\n");
        expect((LogReadOptions) { .tail = 100 }, "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
        expect((LogReadOptions) { .tail = -1, .no_stdout = true }, "1\n3\n5\n7\n9\n");
        expect((LogReadOptions) { .tail = 3, .no_stderr = true }, "8\n");
        expect((LogReadOptions) { .tail = -1, .since_nsec = BASE + 8 * SECOND }, "8\n9\n");
        expect((LogReadOptions) { .tail = -1, .until_nsec = BASE + SECOND }, "0\n1\n");
        end();
}

TEST(rotation) {
        _cleanup_(log_writer_freep) LogWriter *w = NULL;
        _cleanup_free_ char *s = NULL;

        begin();
        w = writer("max-size=300", "max-file=3");
        for (unsigned i = 0; i < 20; i++) {
                char line[16];

                snprintf(line, sizeof(line), "line %02u\n", i);
                put(w, LOG_STDOUT, line, BASE + i);
        }
        s = read_log((LogReadOptions) { .tail = -1 });
        ASSERT_TRUE(endswith(s, "line 18\nline 19\n"));
        ASSERT_TRUE(startswith(s, "line 08\n") || startswith(s, "line 09\n") || startswith(s, "line 10\n") ||
                    startswith(s, "line 11\n") || startswith(s, "line 12\n"));
        expect((LogReadOptions) { .tail = 6 }, "line 14\nline 15\nline 16\nline 17\nline 18\nline 19\n");
        end();
}

/* A reader that follows sees every line once, whatever the writer does meanwhile. */
static void follow(const char *option, const char *other, bool slow_reader) {
        _cleanup_(log_writer_freep) LogWriter *w = NULL;
        _cleanup_(log_reader_freep) LogReader *r = NULL;
        unsigned expected = 0;
        LogEntry e;
        int k;

        begin();
        w = writer(option, other);
        ASSERT_OK(json_file_reader_open(path, &(LogReadOptions) { .tail = -1, .follow = true }, &r, NULL));
        ASSERT_EQ(next(r, &e), -EAGAIN);
        for (unsigned i = 0; i < 200; i++) {
                char line[16];

                snprintf(line, sizeof(line), "%u\n", i);
                put(w, LOG_STDOUT, line, BASE + i);
                if (slow_reader && i % 3 != 0)
                        continue;
                while ((k = next(r, &e)) > 0)
                        ASSERT_EQ(strtoul(e.line, NULL, 10), expected++);
                ASSERT_EQ(k, -EAGAIN);
        }
        log_reader_finish(r);
        while ((k = next(r, &e)) > 0)
                ASSERT_EQ(strtoul(e.line, NULL, 10), expected++);
        ASSERT_EQ(k, 0);
        ASSERT_EQ(expected, 200);
        end();
}

TEST(following) {
        follow(NULL, NULL, false);
        follow("max-size=200", "max-file=5", false);
        follow("max-size=200", "max-file=5", true);
}

TEST(follow_of_a_log_that_is_not_there_yet) {
        _cleanup_(log_writer_freep) LogWriter *w = NULL;
        _cleanup_(log_reader_freep) LogReader *r = NULL;
        LogEntry e;

        begin();
        ASSERT_OK(json_file_reader_open(path, &(LogReadOptions) { .tail = -1, .follow = true }, &r, NULL));
        ASSERT_EQ(next(r, &e), -EAGAIN);
        w = writer(NULL, NULL);
        put(w, LOG_STDOUT, "x\n", BASE);
        ASSERT_EQ(next(r, &e), 1);
        end();
}

/* What a power cut leaves: half a line, zeros. */
TEST(damage) {
        static const char text[] =
                        "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20Z\"}\n"
                        "{\"log\":\"b\n"
                        "\0\0\0\0\n"
                        "{\"time\":\"2023-11-14T22:13:20Z\",\"attrs\":{\"a\":[1,null,{\"b\":\"\\u00e4\"}]},"
                        "\"log\":\"\\ud83d\\ude00\\ud800\\/\"}\n"
                        "{\"log\":\"unfinished";

        begin();
        ASSERT_OK(write_file_atomic_at(AT_FDCWD, path, text, sizeof(text) - 1, 0600, 0));
        expect((LogReadOptions) { .tail = -1 }, "a\n\xf0\x9f\x98\x80\xef\xbf\xbd/");
        end();
}

TEST(no_log) {
        begin();
        expect((LogReadOptions) { .tail = -1 }, "");
        expect((LogReadOptions) { .tail = 5 }, "");
        end();
}

TEST(options) {
        static const struct {
                const char *option, *text;
                ErrorKind kind;
        } bad[] = {
                { "nosuch=1", "unknown log opt 'nosuch' for json-file log driver", ERROR_INVALID },
                { "max-size=x", "invalid size: 'x'", ERROR_INVALID },
                { "max-file=0", "max-file cannot be less than 1", ERROR_INVALID },
                { "max-buffer-size=1m", "logger: max-buffer-size (mode=non-blocking) is not implemented",
                  ERROR_NOT_IMPLEMENTED },
                { "cache-disabled=true",
                  "log opts cache-compress, cache-disabled, cache-max-file and cache-max-size are not "
                  "implemented", ERROR_NOT_IMPLEMENTED },
                { "compress=true", "log opt compress=true is not implemented", ERROR_NOT_IMPLEMENTED },
        };
        const char *good[] = { "max-size=10m", "max-file=3", "compress=false", "mode=blocking", NULL };
        const char *without_size[] = { "max-file=3", NULL };

        ASSERT_OK(log_options_validate("json-file", (char **) good, NULL));
        ASSERT_OK(log_options_validate("json-file", (char **) without_size, NULL));
        ASSERT_OK(log_options_validate("none", NULL, NULL));
        FOREACH_ELEMENT(b, bad) {
                const char *l[] = { b->option, NULL };
                _cleanup_error_ Error error = ERROR_NULL;

                ASSERT_FAIL(log_options_validate("json-file", (char **) l, &error));
                ASSERT_STREQ(error.message, b->text);
                ASSERT_EQ(error.kind, b->kind);
        }
}

TEST(drivers) {
        _cleanup_error_ Error error = ERROR_NULL;
        const LogDriver *d;

        ASSERT_OK(log_driver_find("json-file", &d, NULL));
        ASSERT_FAIL(log_driver_find("syslog", &d, &error));
        ASSERT_EQ(error.kind, ERROR_NOT_IMPLEMENTED);
        ASSERT_FAIL(log_driver_find("nosuch", &d, &error));
        ASSERT_STREQ(error.message, "logger: no log driver named 'nosuch' is registered");
}

DEFINE_TEST_MAIN()
