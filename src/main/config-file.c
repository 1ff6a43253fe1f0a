/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.json: text to values, unknown keys, keys that are flags as well. */
#include "basic/strv.h"
#include "main/option.h"

#define JSON_DEPTH_MAX 32U

typedef struct FileContext {
        Config *config;
        const Config *flags; /* borrowed; NULL = no conflicts to look for */
        const char *section;
        char **unknown;
        char **conflicts;
} FileContext;

static void append_utf8(char **p, uint32_t c) {
        if (c < 0x80)
                *(*p)++ = (char) c;
        else if (c < 0x800) {
                *(*p)++ = (char) (0xc0 | c >> 6);
                *(*p)++ = (char) (0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
                *(*p)++ = (char) (0xe0 | c >> 12);
                *(*p)++ = (char) (0x80 | (c >> 6 & 0x3f));
                *(*p)++ = (char) (0x80 | (c & 0x3f));
        } else {
                *(*p)++ = (char) (0xf0 | c >> 18);
                *(*p)++ = (char) (0x80 | (c >> 12 & 0x3f));
                *(*p)++ = (char) (0x80 | (c >> 6 & 0x3f));
                *(*p)++ = (char) (0x80 | (c & 0x3f));
        }
}

/* Returns 0, or -EINVAL with the offset of the bad unit. A unit of two bytes becomes at most three. */
static int utf16_to_utf8(const uint8_t *data, size_t size, bool big, char *out, size_t *ret_size,
                         size_t *ret_offset) {
        char *p = out;

        for (size_t i = 0; i < size; i += 2) {
                uint32_t c, low;

                *ret_offset = i;
                if (i + 1 >= size)
                        return -EINVAL;
                c = big ? (uint32_t) data[i] << 8 | data[i + 1] : (uint32_t) data[i + 1] << 8 | data[i];
                if (c >= 0xdc00 && c < 0xe000)
                        return -EINVAL;
                if (c >= 0xd800 && c < 0xdc00) {
                        if (i + 3 >= size)
                                return -EINVAL;
                        i += 2;
                        low = big ? (uint32_t) data[i] << 8 | data[i + 1] :
                                    (uint32_t) data[i + 1] << 8 | data[i];
                        if (low < 0xdc00 || low >= 0xe000)
                                return -EINVAL;
                        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                }
                append_utf8(&p, c);
        }
        *p = 0;
        *ret_size = (size_t) (p - out);
        return 0;
}

int config_decode_text(const char *data, size_t size, char **ret, size_t *ret_size, Error *reterr) {
        _cleanup_free_ char *text = NULL;
        size_t n, offset = 0;

        if (size >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0)) {
                text = new (char, size * 2);
                if (!text)
                        return error_fill(reterr, -ENOMEM);
                if (utf16_to_utf8((const uint8_t *) data + 2, size - 2, data[0] == '\xfe', text, &n,
                                  &offset) < 0)
                        return error_setf(reterr, ERROR_INVALID,
                                          "failed to decode configuration JSON at offset %zu", offset + 2);
        } else {
                if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
                        offset = 3;
                n = size - offset;
                text = memdup_suffix0(data + offset, n);
                if (!text)
                        return error_fill(reterr, -ENOMEM);
                if (!utf8_is_valid(text, n))
                        return error_setf(reterr, ERROR_INVALID,
                                          "failed to decode configuration JSON: not UTF-8");
        }
        if (memchr(text, 0, n))
                return error_setf(reterr, ERROR_INVALID,
                                  "failed to decode configuration JSON: it holds a NUL");
        *ret = TAKE_PTR(text);
        *ret_size = n;
        return 0;
}

/* A value as upstream shows it in the message about a conflict: Go's %v of the decoded JSON. */
static int format_json_member(const char *key, const JsonValue *v, void *userdata, Error *reterr);

static void format_json(const JsonValue *v, Buffer *b) {
        _cleanup_free_ char *text = NULL;

        if (json_value_type(v) == JSON_VALUE_ARRAY) {
                (void) buffer_append_str(b, "[");
                for (size_t i = 0; i < json_value_length(v); i++) {
                        (void) buffer_append_str(b, i > 0 ? " " : "");
                        format_json(json_value_at(v, i), b);
                }
                (void) buffer_append_str(b, "]");
        } else if (json_value_type(v) == JSON_VALUE_OBJECT) {
                (void) buffer_append_str(b, "map[");
                (void) json_value_foreach(v, format_json_member, b, NULL);
                (void) buffer_append_str(b, "]");
        } else {
                text = json_value_text(v);
                (void) buffer_append_str(b, strempty(text));
        }
}

static int format_json_member(const char *key, const JsonValue *v, void *userdata, Error *reterr) {
        Buffer *b = ASSERT_PTR((Buffer *) userdata);

        (void) buffer_appendf(b, "%s%s:", b->size > 0 && b->data[b->size - 1] != '[' ? " " : "", key);
        format_json(v, b);
        return 0;
}

static int add_conflict(FileContext *f, const Option *o, const JsonValue *v, Error *reterr) {
        _cleanup_free_ char *from_flag = NULL, *from_file = NULL;
        _cleanup_buffer_ Buffer b = {};
        int r;

        format_json(v, &b);
        from_flag = option_format(o, f->flags);
        from_file = o->flags & OPTION_SECRET ? mask_url_credentials(strempty(b.data)) :
                                               strdup(strempty(b.data));
        if (!from_flag || !from_file)
                return error_fill(reterr, -ENOMEM);
        r = strv_extendf(&f->conflicts, "%s: (from flag: %s, from file: %s)", option_key(o), from_flag,
                         from_file);
        return r < 0 ? error_fill(reterr, r) : 0;
}

/* Keys that upstream removed and still lets pass. */
static bool key_is_ignored(const char *key) {
        return streq(key, "deprecated-key-path") || streq(key, "allow-nondistributable-artifacts");
}

static int apply_member(const char *key, const JsonValue *v, void *userdata, Error *reterr) {
        FileContext *f = ASSERT_PTR((FileContext *) userdata);
        const Option *o;
        int r;

        if (!f->section && streq(key, "proxies")) {
                if (json_value_type(v) != JSON_VALUE_OBJECT)
                        return error_setf(reterr, ERROR_INVALID,
                                          "invalid value of \"proxies\": expected an object, got %s",
                                          json_value_type_name(v));
                f->section = key;
                r = json_value_foreach(v, apply_member, f, reterr);
                f->section = NULL;
                return r;
        }
        o = option_by_key(f->section, key);
        if (!o && !f->section && key_is_ignored(key)) {
                r = strv_extendf(&f->config->warnings,
                                 "The \"%s\" directive of the configuration file is ignored: it was removed",
                                 key);
                return r < 0 ? error_fill(reterr, r) : 0;
        }
        if (!o) {
                r = strv_extend(&f->unknown, key);
                return r < 0 ? error_fill(reterr, r) : 0;
        }
        if (f->flags && f->flags->source[option_index(o)] == CONFIG_SOURCE_FLAG && !(o->flags & OPTION_BOTH))
                return add_conflict(f, o, v, reterr);
        if (json_value_type(v) == JSON_VALUE_NULL) /* as Go: leaves what is there */
                return 0;
        r = option_set_json(o, f->config, v, reterr);
        return r < 0 ? error_prefixf(reterr, r, "invalid value of \"%s\"", key) : 0;
}

static int report_names(char *const *names, const char *text, Error *reterr) {
        _cleanup_free_ char *joined = strv_join(names, ", ");

        return error_setf(reterr, ERROR_INVALID, "%s: %s", text, strnull(joined));
}

int config_apply_file(Config *c, const char *data, size_t size, const Config *flags, Error *reterr) {
        _cleanup_(json_value_unrefp) JsonValue *v = NULL;
        _cleanup_strv_free_ char **unknown = NULL, **conflicts = NULL;
        FileContext f = { .config = c, .flags = flags };
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r;

        assert(c);

        r = config_decode_text(data, size, &text, &n, reterr);
        if (r < 0)
                return r;
        if (text[strspn(text, " \t\r\n")] == 0)
                return 0;
        r = json_value_parse(text, n, JSON_DEPTH_MAX, &v, reterr);
        if (r < 0)
                return r;
        if (json_value_type(v) != JSON_VALUE_OBJECT)
                return error_setf(reterr, ERROR_INVALID, "the configuration is not a JSON object but %s",
                                  json_value_type_name(v));

        r = json_value_foreach(v, apply_member, &f, reterr);
        unknown = f.unknown;
        conflicts = f.conflicts;
        /* Unknown keys are told before wrong values. */
        if (!strv_isempty(unknown))
                return report_names(unknown, "the following directives don't match any configuration option",
                                    reterr);
        if (r < 0)
                return r;
        if (!strv_isempty(conflicts))
                return report_names(conflicts,
                                    "the following directives are specified both as a flag and in the "
                                    "configuration file",
                                    reterr);
        return 0;
}
