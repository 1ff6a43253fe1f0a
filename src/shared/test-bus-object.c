/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that a table of objects is introspected as it was written. */
#include "shared/bus-object.h"

#include "basic/tests.h"

static int on_method(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Count", "t", NULL, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_METHOD_WITH_NAMES("Do", "s", SD_BUS_PARAM(what), "o", SD_BUS_PARAM(path), on_method,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                sd_bus_error *e) {
        *ret = userdata;
        return 1;
}

static const BusObject objects[] = {
        { .path = "/a", .interface = "a.Manager", .vtable = vtable, .object_manager = true },
        { .path = "/a/b", .interface = "a.Thing", .vtable = vtable, .find = find },
};

static char *introspect(const char *path) {
        char *text = NULL;
        size_t size;
        FILE *f = ASSERT_NOT_NULL(open_memstream(&text, &size));
        uint64_t count = 0;

        ASSERT_OK(bus_objects_introspect(objects, ELEMENTSOF(objects), &count, path, f));
        fclose(f);
        return text;
}

TEST(introspect) {
        _cleanup_free_ char *manager = introspect("/a"), *thing = introspect("/a/b/x");

        ASSERT_TRUE(strstr(manager, "<interface name=\"a.Manager\">"));
        ASSERT_TRUE(strstr(manager, "org.freedesktop.DBus.ObjectManager"));
        ASSERT_TRUE(strstr(manager, "<arg type=\"s\" name=\"what\" direction=\"in\"/>"));
        ASSERT_FALSE(strstr(manager, "a.Thing"));
        ASSERT_TRUE(strstr(thing, "<interface name=\"a.Thing\">"));
        ASSERT_TRUE(strstr(thing, "<property name=\"Count\" type=\"t\" access=\"read\">"));
}

DEFINE_TEST_MAIN();
