/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json-type.h"

#include "basic/tests.h"

typedef struct Port {
        char *ip;
        int port;
} Port;

typedef struct PortEntry {
        char *key;
        struct {
                Port *items;
                size_t n_items;
        } value;
} PortEntry;

typedef struct Common {
        int64_t memory;
        Tristate oom;
        OptionalInt pids;
} Common;

typedef struct Thing {
        char *id;
        char *name;
        char **cmd;
        char **volumes;
        StringMap labels;
        Common common;
        Port *extra;
        struct {
                Port *items;
                size_t n_items;
        } list;
        struct {
                PortEntry *items;
                size_t n_items;
        } ports;
        double cpus;
        nsec_t created;
        struct json_object *raw;
        char *password;
        bool all;
        Filters filters;
} Thing;

JSON_TYPE_DECLARE(Port);
JSON_TYPE_DECLARE(Common);
JSON_TYPE_DECLARE(Thing);

static const JsonField port_fields[] = {
        JSON_STRING(Port, ip, "HostIp", 0),
        JSON_INT(Port, port, "HostPort", JSON_OMITEMPTY),
};
JSON_TYPE(Port, port_fields);

static const JsonField common_fields[] = {
        JSON_INT64(Common, memory, "Memory", 0),
        JSON_TRISTATE(Common, oom, "OomKillDisable", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT(Common, pids, "PidsLimit", 0, .since = 40),
};
JSON_TYPE(Common, common_fields);

static const JsonField thing_fields[] = {
        JSON_STRING(Thing, id, "id", JSON_IN_PATH | JSON_OMITEMPTY),
        JSON_STRING(Thing, name, "Name", JSON_REQUIRED),
        JSON_STRV(Thing, cmd, "Cmd", JSON_STRING_OR_LIST),
        JSON_SET(Thing, volumes, "Volumes", JSON_OMITEMPTY),
        JSON_STRING_MAP(Thing, labels, "Labels", JSON_NONNULL),
        JSON_INLINE(Thing, common, Common, 0),
        JSON_OBJECT(Thing, extra, Port, "Extra", 0),
        JSON_ARRAY(Thing, list, Port, "List", JSON_OMITEMPTY),
        JSON_MAP_ARRAY(Thing, ports, PortEntry, Port, "Ports", JSON_OMITEMPTY),
        JSON_REAL(Thing, cpus, "Cpus", JSON_OMITEMPTY),
        JSON_TIME(Thing, created, "Created", 0),
        JSON_RAW(Thing, raw, "Raw", JSON_OMITEMPTY),
        JSON_STRING(Thing, password, "Password", JSON_SECRET | JSON_OMITEMPTY),
        JSON_BOOL(Thing, all, "all", JSON_IN_QUERY | JSON_OMITEMPTY),
        JSON_FILTERS(Thing, filters, "filters", JSON_IN_QUERY | JSON_OMITEMPTY),
};
JSON_TYPE(Thing, thing_fields);
DEFINE_JSON_CLEANUP(Thing);

#define FULL                                                                                                \
        "{\"Name\":\"a/b\",\"Cmd\":[\"x\",\"y\"],\"Volumes\":{\"/v\":{}},\"Labels\":{\"k\":\"v\"}," \
        "\"Memory\":5,\"OomKillDisable\":false,\"PidsLimit\":null,"                                        \
        "\"Extra\":{\"HostIp\":\"\",\"HostPort\":1},\"List\":[{\"HostIp\":\"1\"}],"                      \
        "\"Ports\":{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":8}],\"81/tcp\":null},\"Cpus\":0.1,"        \
        "\"Created\":\"2026-01-02T03:04:05.5Z\",\"Raw\":{\"any\":[1]},\"Password\":\"geheim\"}"

TEST(round_trip) {
        _cleanup_(Thing_donep) Thing t = {}, copy = {};
        _cleanup_free_ char *s = NULL, *c = NULL, *redacted = NULL;

        ASSERT_OK(json_decode_text(&Thing_json, FULL, strlen(FULL), 0, &t, NULL));
        s = json_encode_text(&Thing_json, &t, 0);
        ASSERT_STREQ(s, FULL);
        ASSERT_OK(json_copy(&Thing_json, &t, &copy));
        c = json_encode_text(&Thing_json, &copy, 0);
        ASSERT_STREQ(c, FULL);
        redacted = json_redacted_text(&Thing_json, &t);
        ASSERT_NULL(strstr(redacted, "geheim"));
}

TEST(versions) {
        _cleanup_(Thing_donep) Thing t = {};
        _cleanup_free_ char *s = NULL;

        ASSERT_OK(json_decode_text(&Thing_json, "{\"Name\":\"n\",\"PidsLimit\":3}", 26, 39, &t, NULL));
        ASSERT_FALSE(t.common.pids.set);
        s = json_encode_text(&Thing_json, &t, 39);
        ASSERT_NULL(strstr(s, "Pids"));
}

TEST(go_rules) {
        static const char text[] = "{\"NAME\":\"n\",\"cmd\":\"one\",\"unknown\":1,\"memory\":null}";
        _cleanup_(Thing_donep) Thing t = {};

        ASSERT_OK(json_decode_text(&Thing_json, text, strlen(text), 0, &t, NULL));
        ASSERT_STREQ(t.name, "n");
        ASSERT_STREQ(t.cmd[0], "one");
        ASSERT_NULL(t.cmd[1]);
}

static void check_error(const char *text, const char *message) {
        _cleanup_(Thing_donep) Thing t = {};
        _cleanup_error_ Error e = ERROR_NULL;

        ASSERT_FAIL(json_decode_text(&Thing_json, text, strlen(text), 0, &t, &e));
        ASSERT_STREQ(error_message(&e), message);
}

TEST(errors) {
        check_error("{}", "invalid JSON: Name: the value is required");
        check_error("{\"Name\":5}", "invalid JSON: Name: expected a string, got an integer");
        check_error("{\"Name\":\"n\",\"List\":[{},{\"HostPort\":\"x\"}]}",
                    "invalid JSON: List[1].HostPort: expected an integer, got a string");
        check_error("{\"Name\":\"n\",\"Memory\":99999999999999999999999}",
                    "invalid JSON: Memory: the number is out of range");
        check_error("{\"Name\":\"n\",\"Extra\":{\"HostPort\":4294967296}}",
                    "invalid JSON: Extra.HostPort: the number is out of range");
        check_error("{\"Name\":\"a\\u0000b\"}", "invalid JSON: Name: the string holds a NUL character");
        check_error("", "invalid JSON: got EOF while reading request body");
        check_error("{\"Name\":\"n\"} x", "unexpected content after JSON");
        check_error("[]", "invalid JSON: expected an object, got an array");
}

TEST(foreign_bytes) {
        static const char name[] = "a\xff\xc3(\xc3\xa9";
        _cleanup_(Thing_donep) Thing t = { .name = strdup(name) }, raw = {}, repaired = {};
        _cleanup_free_ char *text = json_encode_text(&Thing_json, &t, 0);
        _cleanup_free_ char *raw_text = json_encode_raw_text(&Thing_json, &t);

        ASSERT_OK(json_decode_text(&Thing_json, text, strlen(text), 0, &repaired, NULL));
        ASSERT_STREQ(repaired.name, "a\xef\xbf\xbd\xef\xbf\xbd(\xc3\xa9");
        ASSERT_OK(json_decode_raw_text(&Thing_json, raw_text, strlen(raw_text), &raw, NULL));
        ASSERT_STREQ(raw.name, name);
        ASSERT_FAIL(json_decode_text(&Thing_json, raw_text, strlen(raw_text), 0, &raw, NULL));
}

TEST(depth) {
        char text[300];
        _cleanup_error_ Error e = ERROR_NULL;
        _cleanup_(Thing_donep) Thing t = {};

        memset(text, '[', sizeof(text));
        ASSERT_FAIL(json_decode_text(&Thing_json, text, sizeof(text), 0, &t, &e));
        ASSERT_STREQ(error_message(&e), "invalid JSON: exceeded max depth");
}

TEST(query) {
        _cleanup_(Thing_donep) Thing t = {};
        _cleanup_error_ Error e = ERROR_NULL;
        static const char *const allowed[] = { "label", NULL };

        ASSERT_EQ(json_set_from_text(&Thing_json, &t, JSON_IN_PATH, "id", "abc", NULL), 1);
        ASSERT_STREQ(t.id, "abc");
        ASSERT_EQ(json_set_from_text(&Thing_json, &t, JSON_IN_QUERY, "id", "x", NULL), 0);
        ASSERT_EQ(json_set_from_text(&Thing_json, &t, JSON_IN_QUERY, "all", "1", NULL), 1);
        ASSERT_TRUE(t.all);
        ASSERT_OK(json_set_from_text(&Thing_json, &t, JSON_IN_QUERY, "filters",
                                     "{\"label\":{\"a\":true,\"b\":false}}", NULL));
        ASSERT_EQ(strv_length(filters_get(&t.filters, "label")), 1);
        ASSERT_OK(filters_check_keys(&t.filters, allowed, NULL));
        ASSERT_OK(json_set_from_text(&Thing_json, &t, JSON_IN_QUERY, "filters", "{\"nosuch\":[\"a\"]}",
                                     NULL));
        ASSERT_FAIL(filters_check_keys(&t.filters, allowed, &e));
        ASSERT_STREQ(error_message(&e), "invalid filter 'nosuch'");
        ASSERT_FAIL(json_set_from_text(&Thing_json, &t, JSON_IN_QUERY, "filters", "[", &e));
        ASSERT_STREQ(error_message(&e), "invalid filter");
        ASSERT_TRUE(json_type_has_body(&Thing_json));
}

/* What a path or a query names cannot be renamed by the body. */
TEST(body) {
        static const char text[] =
                "{\"Name\":\"n\",\"id\":\"evil\",\"ID\":\"evil\",\"All\":true,"
                "\"filters\":{\"label\":[\"a\"]},\"Memory\":7}";
        _cleanup_(Thing_donep) Thing t = {}, whole = {};

        ASSERT_OK(json_decode_body_text(&Thing_json, text, strlen(text), 0, &t, NULL));
        ASSERT_STREQ(t.name, "n");
        ASSERT_EQ(t.common.memory, 7);
        ASSERT_TRUE(t.id == NULL);
        ASSERT_FALSE(t.all);
        ASSERT_EQ(t.filters.n_items, 0);

        ASSERT_OK(json_decode_text(&Thing_json, text, strlen(text), 0, &whole, NULL));
        ASSERT_STREQ(whole.id, "evil");
}

static int decode_repeated(const char *begin, const char *piece, size_t n, const char *end, Error *reterr) {
        _cleanup_(Thing_donep) Thing t = {};
        _cleanup_buffer_ Buffer b = {};

        ASSERT_OK(buffer_append_str(&b, begin));
        for (size_t i = 0; i < n; i++)
                ASSERT_OK(buffer_appendf(&b, piece, (unsigned) i));
        ASSERT_OK(buffer_append_str(&b, end));
        return json_decode_body_text(&Thing_json, b.data, b.size, 0, &t, reterr);
}

TEST(bombs) {
        _cleanup_error_ Error e = ERROR_NULL;

        ASSERT_FAIL(decode_repeated("{\"Name\":\"n\",\"X\":[", "{},", 300000, "1]}", &e));
        ASSERT_STREQ(error_message(&e), "invalid JSON: too many values");
        ASSERT_FAIL(decode_repeated("{\"Name\":\"n\",\"X\":[", "1,", 300001, "1]}", &e));
        ASSERT_STREQ(error_message(&e), "invalid JSON: too many values");
        ASSERT_FAIL(decode_repeated("{", "\"k%u\":1,", 2000, "\"Name\":\"n\"}", &e));
        ASSERT_STREQ(error_message(&e), "invalid JSON: too many members");
        /* Text is no structure, and maps may be big. */
        ASSERT_OK(decode_repeated("{\"Name\":\"\\\"", "{,\\\\[", 100000, "\"}", NULL));
        ASSERT_OK(decode_repeated("{\"Name\":\"n\",\"Labels\":{", "\"k%u\":\"v\",", 5000, "\"k\":\"v\"}}",
                                  NULL));
}

static int get_flag(const char *filters, Tristate *ret, Error *reterr) {
        _cleanup_(Thing_donep) Thing t = {};

        ASSERT_OK(json_set_from_text(&Thing_json, &t, JSON_IN_QUERY, "filters", filters, NULL));
        return filters_get_tristate(&t.filters, "dangling", ret, reterr);
}

TEST(filter_values) {
        static const char *const words[] = { "one", "two", NULL };
        _cleanup_(Thing_donep) Thing t = {};
        _cleanup_error_ Error e = ERROR_NULL;
        Tristate flag;

        ASSERT_OK(get_flag("{}", &flag, NULL));
        ASSERT_EQ(flag, TRISTATE_UNSET);
        ASSERT_OK(get_flag("{\"dangling\":[\"1\",\"true\"]}", &flag, NULL));
        ASSERT_EQ(flag, TRISTATE_TRUE);
        ASSERT_OK(get_flag("{\"dangling\":[\"0\"]}", &flag, NULL));
        ASSERT_EQ(flag, TRISTATE_FALSE);
        ASSERT_FAIL(get_flag("{\"dangling\":[\"true\",\"0\"]}", &flag, NULL));
        ASSERT_FAIL(get_flag("{\"dangling\":[]}", &flag, NULL));
        ASSERT_FAIL(get_flag("{\"dangling\":[\"yes\"]}", &flag, &e));
        ASSERT_STREQ(error_message(&e), "invalid filter 'dangling=[yes]'");

        ASSERT_OK(json_set_from_text(&Thing_json, &t, JSON_IN_QUERY, "filters",
                                     "{\"a\":[\"two\",\"x\"]}", NULL));
        ASSERT_OK(filters_check_values(&t.filters, "b", "word", words, NULL));
        ASSERT_FAIL(filters_check_values(&t.filters, "a", "word", words, &e));
        ASSERT_STREQ(error_message(&e),
                     "invalid filter 'a=x': invalid value for word (x): must be one of one, two");
}

/* What is older than a bound: how many days before now, "" for no bound. */
TEST(filters_until) {
        static const struct {
                const char *text, *error;
                bool old, fresh;        /* matches something of 1970, of now */
        } rows[] = {
                { "{}",                                     NULL, true,  true  },
                { "{\"until\":[\"1h\"]}",                   NULL, true,  false },
                { "{\"until\":[\"-1h\"]}",                  NULL, true,  true  },
                { "{\"until\":[\"2006-01-02\"]}",           NULL, true,  false },
                { "{\"until\":[\"0\"]}",                    NULL, false, false },
                { "{\"until\":[\"1000000h\"]}",             NULL, false, false },
                { "{\"until\":[\"1969-12-31T00:00:00Z\"]}", NULL, false, false },
                { "{\"until\":[\"junk\"]}", "failed to parse value as time or duration: \"junk\"", 0, 0 },
                { "{\"until\":[\"\"]}",     "failed to parse value as time or duration: \"\"",     0, 0 },
                { "{\"until\":[\"1h\",\"2h\"]}", "more than one until filter specified",       0, 0 },
        };

        FOREACH_ELEMENT(row, rows) {
                _cleanup_(Thing_donep) Thing t = {};
                _cleanup_error_ Error e = ERROR_NULL;
                nsec_t until;
                int r;

                ASSERT_OK(json_set_from_text(&Thing_json, &t, JSON_IN_QUERY, "filters", row->text, NULL));
                r = filters_get_prune_until(&t.filters, &until, &e);
                if (row->error) {
                        ASSERT_FAIL(r);
                        ASSERT_STREQ(error_message(&e), row->error);
                        continue;
                }
                ASSERT_OK(r);
                if (row->old != (1 < until) || row->fresh != (now_nsec() < until))
                        test_fail("%s", row->text);
        }
}

DEFINE_TEST_MAIN();
