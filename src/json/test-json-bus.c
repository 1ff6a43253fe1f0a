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
        ASSERT_STREQ(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), text);
        ASSERT_EQ(json_bus_read(m, &v), -ENXIO);
        json_object_put(v);
        sd_bus_message_unref(m);
}

TEST(read) {
        sd_bus *bus = bus_new();
        sd_bus_message *m;

        m = message_new(bus);
        ASSERT_OK(sd_bus_message_append(m, "a{sv}", 3, "a", "s", "x/y", "b", "t", UINT64_MAX, "c", "as", 2, "1", "2"));
        assert_read(m, "{\"a\":\"x/y\",\"b\":18446744073709551615,\"c\":[\"1\",\"2\"]}");

        m = message_new(bus);
        ASSERT_OK(sd_bus_message_append(m, "a{sv}", 2, "a", "v", "v", "i", -5, "m", "a{sv}", 1, "n", "b", 1));
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

        assert_round_trip(bus, "a{sv}", "{\"a\":1,\"b\":null,\"c\":[],\"d\":[\"x\"],\"e\":[1,\"x\",null],\"f\":{\"g\":1.5}}",
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

DEFINE_TEST_MAIN();
