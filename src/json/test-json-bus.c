/* SPDX-License-Identifier: Apache-2.0 */
/* Tests the mapping between JSON and bus messages, without a bus. */
#include "json/json-bus.h"

#include <json-c/json.h>
#include <sys/socket.h>
#include <unistd.h>

#include "basic/tests.h"

static sd_bus *bus_new(void) {
        sd_bus *bus;
        int fds[2];

        ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
        ASSERT_OK(sd_bus_new(&bus));
        ASSERT_OK(sd_bus_set_fd(bus, fds[0], fds[0]));
        ASSERT_OK(sd_bus_start(bus));
        ASSERT_OK(close(fds[1]));
        return bus;
}

static sd_bus_message *message_new(sd_bus *bus) {
        sd_bus_message *m;

        ASSERT_OK(sd_bus_message_new_signal(bus, &m, "/a", "a.b", "C"));
        return m;
}

static void assert_read(sd_bus_message *m, const char *text) {
        json_object *v = NULL;

        ASSERT_OK(sd_bus_message_seal(m, 1, 0));
        ASSERT_OK(json_bus_read(m, &v));
        ASSERT_STREQ(json_object_to_json_string_ext(v,
                                                    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                     text);
        ASSERT_EQ(json_bus_read(m, &v), -ENXIO);
        json_object_put(v);
        sd_bus_message_unref(m);
}

TEST(read) {
        sd_bus *bus = bus_new();
        sd_bus_message *m;

        m = message_new(bus);
        ASSERT_OK(sd_bus_message_append(m, "a{sv}", 3, "a", "s", "x/y", "b", "t", UINT64_MAX, "c", "as", 2,
                                        "1", "2"));
        assert_read(m, "{\"a\":\"x/y\",\"b\":18446744073709551615,\"c\":[\"1\",\"2\"]}");

        m = message_new(bus);
        ASSERT_OK(sd_bus_message_append(m, "a{sv}", 2, "a", "v", "v", "i", -5, "m", "a{sv}", 1, "n", "b",
                                        1));
        assert_read(m, "{\"a\":-5,\"m\":{\"n\":true}}");

        m = message_new(bus);
        ASSERT_OK(sd_bus_message_append(m, "a(osyqud)", 1, "/x", "s", 255, 65535, UINT32_MAX, 0.5));
        assert_read(m, "[[\"/x\",\"s\",255,65535,4294967295,0.5]]");

        m = message_new(bus);
        ASSERT_OK(sd_bus_message_append(m, "ay", 3, 1, 2, 3));
        assert_read(m, "\"AQID\"");

        m = message_new(bus);
        ASSERT_OK(sd_bus_message_append(m, "a{ss}", 0));
        assert_read(m, "{}");

        sd_bus_unref(bus);
}

TEST(read_refuses) {
        sd_bus *bus = bus_new();
        sd_bus_message *m;
        json_object *v = NULL;

        m = message_new(bus);
        ASSERT_OK(sd_bus_message_append(m, "a{us}", 1, 1, "x"));
        ASSERT_OK(sd_bus_message_seal(m, 1, 0));
        ASSERT_EQ(json_bus_read(m, &v), -EBADMSG);
        sd_bus_message_unref(m);

        m = message_new(bus);
        ASSERT_OK(sd_bus_message_append(m, "a{sv}", 1, "fd", "h", 0));
        ASSERT_OK(sd_bus_message_seal(m, 1, 0));
        ASSERT_EQ(json_bus_read(m, &v), -EBADMSG);
        ASSERT_NULL(v);
        sd_bus_message_unref(m);
        sd_bus_unref(bus);
}

static void assert_round_trip(sd_bus *bus, const char *signature, const char *in, const char *out) {
        json_object *v = ASSERT_NOT_NULL(json_tokener_parse(in));
        sd_bus_message *m = message_new(bus);

        ASSERT_OK(json_bus_append(m, signature, v));
        json_object_put(v);
        assert_read(m, out);
}

static void assert_refused(sd_bus *bus, const char *signature, const char *in) {
        json_object *v = json_tokener_parse(in);
        sd_bus_message *m = message_new(bus);

        ASSERT_EQ(json_bus_append(m, signature, v), -EBADMSG);
        json_object_put(v);
        sd_bus_message_unref(m);
}

TEST(append) {
        sd_bus *bus = bus_new();

        assert_round_trip(
                        bus, "a{sv}",
                        "{\"a\":1,\"b\":null,\"c\":[],\"d\":[\"x\"],\"e\":[1,\"x\",null],\"f\":{\"g\":1.5}}",
                        "{\"a\":1,\"c\":[],\"d\":[\"x\"],\"e\":[1,\"x\"],\"f\":{\"g\":1.5}}");
        assert_round_trip(bus, "v", "18446744073709551615", "18446744073709551615");
        assert_round_trip(bus, "t", "7", "7");
        assert_round_trip(bus, "i", "-7", "-7");
        assert_round_trip(bus, "aa{sv}", "[{\"a\":\"b\"},{}]", "[{\"a\":\"b\"},{}]");
        assert_round_trip(bus, "aas", "[[\"a\"],[]]", "[[\"a\"],[]]");
        assert_round_trip(bus, "a{ss}", "{\"k\":\"v\"}", "{\"k\":\"v\"}");
        assert_round_trip(bus, "o", "\"/a/b\"", "\"/a/b\"");
        assert_round_trip(bus, "b", "true", "true");

        assert_refused(bus, "s", "1");
        assert_refused(bus, "t", "-1");
        assert_refused(bus, "u", "4294967296");
        assert_refused(bus, "x", "18446744073709551615");
        assert_refused(bus, "as", "[\"a\",1]");
        assert_refused(bus, "a{sv}", "[]");
        assert_refused(bus, "a{ss}", "{\"a\":1}");
        assert_refused(bus, "(s)", "[\"a\"]");
        assert_refused(bus, "s", "null");
        sd_bus_unref(bus);
}

TEST(append_odd_strings) {
        sd_bus *bus = bus_new();
        sd_bus_message *m;
        json_object *v;

        v = json_object_new_string_len("a\0b\xff\xc3\xa4\xe2\x82", 8);
        m = message_new(bus);
        ASSERT_OK(json_bus_append(m, "s", v));
        json_object_put(v);
        assert_read(m, "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\"");

        v = json_object_new_string("");
        m = message_new(bus);
        ASSERT_OK(json_bus_append(m, "s", v));
        json_object_put(v);
        assert_read(m, "\"\"");
        sd_bus_unref(bus);
}

typedef struct Inner {
        char *name;
        int64_t number;
} Inner;

static const JsonField inner_fields[] = {
        JSON_STRING(Inner, name, "Name", 0),
        JSON_INT64(Inner, number, "Number", 0),
};
static JSON_TYPE(Inner, inner_fields);

typedef struct InnerEntry {
        char *key;
        Inner value;
} InnerEntry;

typedef struct Outer {
        Inner inlined;
        Inner *pointer;
        uint64_t size;
        double share;
        char **list;
        struct {
                Inner *items;
                size_t n_items;
        } array;
        struct {
                InnerEntry *items;
                size_t n_items;
        } map;
        struct {
                char ***items;
                size_t n_items;
        } rows;
        struct {
                int64_t *items;
                size_t n_items;
        } sizes;
        StringMap labels;
        char **ports;
} Outer;

static const JsonField outer_fields[] = {
        JSON_INLINE(Outer, inlined, Inner, 0),
        JSON_OBJECT(Outer, pointer, Inner, "Pointer", 0),
        JSON_UINT64(Outer, size, "Size", 0),
        JSON_REAL(Outer, share, "Share", 0),
        JSON_STRV(Outer, list, "List", JSON_NONNULL),
        JSON_ARRAY(Outer, array, Inner, "Array", JSON_NONNULL),
        JSON_MAP(Outer, map, InnerEntry, Inner, "Map", JSON_NONNULL),
        JSON_STRV_ARRAY(Outer, rows, "Rows", JSON_NONNULL),
        JSON_INT64_ARRAY(Outer, sizes, "Sizes", JSON_NONNULL),
        JSON_STRING_MAP(Outer, labels, "Labels", JSON_NONNULL),
        JSON_SET(Outer, ports, "Ports", JSON_OMITEMPTY),
};
static JSON_TYPE(Outer, outer_fields);

/* The signatures of the variants, in order, whatever is inside. */
static void assert_signatures(sd_bus_message *m, const char *const *expected) {
        const char *contents;
        char type;

        ASSERT_OK(sd_bus_message_seal(m, 1, 0));
        ASSERT_OK(sd_bus_message_enter_container(m, 'a', "{sv}"));
        for (; *expected; expected++) {
                ASSERT_EQ(sd_bus_message_enter_container(m, 'e', "sv"), 1);
                ASSERT_OK(sd_bus_message_skip(m, "s"));
                ASSERT_OK(sd_bus_message_peek_type(m, &type, &contents));
                ASSERT_STREQ(contents, *expected);
                ASSERT_OK(sd_bus_message_skip(m, "v"));
                ASSERT_OK(sd_bus_message_exit_container(m));
        }
        ASSERT_EQ(sd_bus_message_at_end(m, false), 1);
        sd_bus_message_unref(m);
}

TEST(structs) {
        static const char text[] =
                "{\"Name\":\"n\",\"Number\":1,\"Pointer\":{\"Name\":\"p\",\"Number\":2},\"Size\":3,"
                "\"Share\":0.5,\"List\":[\"a\"],\"Array\":[{\"Name\":\"x\",\"Number\":4}],"
                "\"Map\":{\"k\":{\"Name\":\"y\",\"Number\":5}},"
                "\"Rows\":[[\"a\",\"b\"],[]],\"Sizes\":[6,7],"
                "\"Labels\":{\"l\":\"v\"},\"Ports\":{\"80/tcp\":{}}}";
        sd_bus *bus = bus_new();
        sd_bus_message *m;
        Outer o = {};

        /* Empty lists and maps have the types of full ones; what is null is left out. */
        m = message_new(bus);
        ASSERT_OK(json_bus_append_struct(m, &Outer_json, &o, 0));
        assert_signatures(m, (const char *const[]){ "s", "x", "t", "d", "as", "aa{sv}", "a{sv}", "aas",
                                                    "ax", "a{ss}", NULL });

        ASSERT_OK(json_decode_text(&Outer_json, text, strlen(text), 0, &o, NULL));
        m = message_new(bus);
        ASSERT_OK(json_bus_append_struct(m, &Outer_json, &o, 0));
        assert_read(m, text);

        m = message_new(bus);
        ASSERT_OK(json_bus_append_list(m, &Inner_json, &o.inlined, 1, 0));
        assert_read(m, "[{\"Name\":\"n\",\"Number\":1}]");

        json_done(&Outer_json, &o);
        sd_bus_unref(bus);
}

TEST(objects) {
        JsonValue *a = ASSERT_NOT_NULL(json_bus_object_new()),
                  *b = json_tokener_parse("{\"ID\":\"b\",\"x\":1}");

        ASSERT_OK(json_bus_object_set_string(a, "id", "a"));
        ASSERT_OK(json_bus_object_merge(a, b, /* keep= */ true));
        ASSERT_STREQ(json_object_to_json_string_ext(a, JSON_C_TO_STRING_PLAIN), "{\"id\":\"a\",\"x\":1}");
        ASSERT_OK(json_bus_object_merge(a, b, /* keep= */ false));
        ASSERT_OK(json_bus_object_set_string(a, "id", "c"));
        ASSERT_STREQ(json_object_to_json_string_ext(a, JSON_C_TO_STRING_PLAIN),
                     "{\"id\":\"c\",\"x\":1,\"ID\":\"b\"}");
        json_object_put(a);
        json_object_put(b);
}

DEFINE_TEST_MAIN();
