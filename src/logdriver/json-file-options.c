/* SPDX-License-Identifier: Apache-2.0 */
#include "logdriver/json-file-options.h"

#include "basic/parse-util.h"

typedef int (*OptionParser)(JsonFileOptions *o, const char *value, Error *reterr);

static int parse_max_size(JsonFileOptions *o, const char *value, Error *reterr) {
        /* "-1" is how Docker writes "no limit". */
        if (streq(value, "-1")) {
                o->max_size = 0;
                return 0;
        }
        if (parse_bytes(value, &o->max_size) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid size: '%s'", value);
        if (o->max_size == 0)
                return error_setf(reterr, ERROR_INVALID, "max-size must be a positive number");
        return 0;
}

static int parse_max_file(JsonFileOptions *o, const char *value, Error *reterr) {
        uint32_t n;

        if (parse_uint32(value, &n) < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid value for max-file: %s", value);
        if (n < 1)
                return error_setf(reterr, ERROR_INVALID, "max-file cannot be less than 1");
        if (n > JSON_FILE_MAX_FILES)
                return error_setf(reterr, ERROR_INVALID, "max-file cannot be more than %u",
                                  JSON_FILE_MAX_FILES);
        o->max_files = n;
        return 0;
}

static int parse_compress(JsonFileOptions *o, const char *value, Error *reterr) {
        int b = parse_go_bool(value);

        if (b < 0)
                return error_setf(reterr, ERROR_INVALID, "invalid value for compress: %s", value);
        if (b > 0)
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "log opt compress=true is not implemented");
        return 0;
}

/* mode and max-buffer-size belong to the engine around the driver: blocking is the only mode here. */
static int parse_mode(JsonFileOptions *o, const char *value, Error *reterr) {
        if (streq(value, "blocking") || streq(value, ""))
                return 0;
        if (streq(value, "non-blocking"))
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "logger: mode=non-blocking is not implemented");
        return error_setf(reterr, ERROR_INVALID, "logger: logging mode not supported: %s", value);
}

/* A buffer is that of the mode which is refused by itself. */
static int parse_max_buffer_size(JsonFileOptions *o, const char *value, Error *reterr) {
        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                          "logger: max-buffer-size (mode=non-blocking) is not implemented");
}

static int parse_cache(JsonFileOptions *o, const char *value, Error *reterr) {
        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                          "log opts cache-compress, cache-disabled, cache-max-file and cache-max-size are "
                          "not implemented");
}

static int parse_not_implemented(JsonFileOptions *o, const char *value, Error *reterr) {
        return error_setf(reterr, ERROR_NOT_IMPLEMENTED, "attributes in log entries are not implemented");
}

static const struct {
        const char *name;
        OptionParser parse;
} option_table[] = {
        { "cache-compress",  parse_cache           },
        { "cache-disabled",  parse_cache           },
        { "cache-max-file",  parse_cache           },
        { "cache-max-size",  parse_cache           },
        { "compress",        parse_compress        },
        { "env",             parse_not_implemented },
        { "env-regex",       parse_not_implemented },
        { "labels",          parse_not_implemented },
        { "labels-regex",    parse_not_implemented },
        { "max-buffer-size", parse_max_buffer_size },
        { "max-file",        parse_max_file        },
        { "max-size",        parse_max_size        },
        { "mode",            parse_mode            },
        { "tag",             parse_not_implemented },
};

static int parse_one(const char *option, JsonFileOptions *o, Error *reterr) {
        const char *equals = strchr(option, '=');
        size_t n = equals ? (size_t) (equals - option) : strlen(option);

        FOREACH_ELEMENT(i, option_table)
                if (strlen(i->name) == n && memcmp(i->name, option, n) == 0)
                        return i->parse(o, equals ? equals + 1 : "", reterr);

        return error_setf(reterr, ERROR_INVALID, "unknown log opt '%.*s' for json-file log driver", (int) n,
                          option);
}

int json_file_options_parse(char *const *options, JsonFileOptions *ret, Error *reterr) {
        JsonFileOptions o = { .max_files = 1 };
        int r;

        STRV_FOREACH(s, options) {
                r = parse_one(*s, &o, reterr);
                if (r < 0)
                        return r;
        }

        *ret = o;
        return 0;
}

int json_file_name(const char *path, unsigned n, char **ret) {
        return n == 0 ? asprintf_safe(ret, "%s", path) : asprintf_safe(ret, "%s.%u", path, n);
}
