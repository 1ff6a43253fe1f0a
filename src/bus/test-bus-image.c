/* SPDX-License-Identifier: Apache-2.0 */
/* Images and operations on the bus: objects, signals, progress, limits, rights, clients that leave. */
#include "bus/test-bus-fixture.h"

/* --- images --- */

#define IMAGE_A "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define IMAGE_B "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define IMAGE(x, path, member, ...) CALL(x, path, BUS_IMAGE_INTERFACE, member, __VA_ARGS__)

/* Owned by the caller. */
static char *image_path(Fixture *x, const char *name) {
        sd_bus_message *reply = MANAGER(x, "GetImage", "s", name);
        const char *path;
        char *copy;

        ASSERT_OK(sd_bus_message_read(reply, "o", &path));
        copy = ASSERT_NOT_NULL(strdup(path));
        sd_bus_message_unref(reply);
        return copy;
}

static void assert_tags(Fixture *x, const char *path, const char *first) {
        sd_bus_message *reply = CALL(x, path, PROPERTIES, "Get", "ss", BUS_IMAGE_INTERFACE, "RepoTags");
        _cleanup_strv_free_ char **tags = NULL;

        ASSERT_OK(sd_bus_message_enter_container(reply, 'v', "as"));
        ASSERT_OK(sd_bus_message_read_strv(reply, &tags));
        ASSERT_STREQ(tags ? tags[0] : NULL, first);
        sd_bus_message_unref(reply);
}

TEST(images) {
        _cleanup_free_ char *a = NULL, *b = NULL;
        unsigned added = 0, removed = 0, changed_a = 0, changed_b = 0;
        sd_bus_message *reply;
        uint64_t number;
        Fixture x;

        fixture_init(&x);
        match(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "InterfacesAdded", on_count, &added);
        match(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "InterfacesRemoved", on_count, &removed);
        run_for(&x, 20);
        test_engine_add_image(x.engine, IMAGE_A, "a:1");
        RUN_UNTIL(&x, added == 1);

        a = image_path(&x, "a:1");
        ASSERT_STREQ(a, BUS_IMAGE_PREFIX "/_3111111111111111111111111111111111111111111111111111111111111111"
                        "1");
        match(&x, a, PROPERTIES, "PropertiesChanged", on_count, &changed_a);
        assert_string(&x, a, BUS_IMAGE_INTERFACE, "Id", IMAGE_A);
        assert_string(&x, a, BUS_IMAGE_INTERFACE, "Architecture", "amd64");
        assert_string(&x, a, BUS_IMAGE_INTERFACE, "Os", "linux");
        get(&x, a, BUS_IMAGE_INTERFACE, "Size", "t", &number);
        ASSERT_EQ(number, 77);
        get(&x, a, BUS_IMAGE_INTERFACE, "CreatedUSec", "t", &number);
        ASSERT_EQ(number, UINT64_C(1700000000) * USEC_PER_SEC);
        assert_tags(&x, a, "a:1");
        assert_done(CALL(&x, a, PROPERTIES, "GetAll", "s", BUS_IMAGE_INTERFACE));
        reply = IMAGE(&x, a, "Inspect", "");
        ASSERT_FALSE(sd_bus_message_is_method_error(reply, NULL));
        sd_bus_message_unref(reply);

        /* A new image takes the tag: both have changed, though the event is about one. */
        test_engine_add_image(x.engine, IMAGE_B, "b:1");
        RUN_UNTIL(&x, added == 2);
        b = image_path(&x, "b:1");
        match(&x, b, PROPERTIES, "PropertiesChanged", on_count, &changed_b);
        run_for(&x, 20);
        test_engine_add_image(x.engine, IMAGE_B, "a:1");
        RUN_UNTIL(&x, changed_a == 1 && changed_b == 1);
        assert_tags(&x, a, NULL);

        test_engine_remove_image(x.engine, IMAGE_A);
        RUN_UNTIL(&x, removed == 1);
        assert_error(IMAGE(&x, a, "Inspect", ""), SD_BUS_ERROR_UNKNOWN_OBJECT, NULL);

        /* One that no event tells of is found with the next event. */
        test_engine_add_image(x.engine, IMAGE_A, NULL);
        assert_done(IMAGE(&x, a, "Inspect", ""));
        test_engine_add_image(x.engine, IMAGE_B, "c:1");
        RUN_UNTIL(&x, added == 3);

        assert_error(MANAGER(&x, "GetImage", "s", "nosuch"), "org.dockerd1.Error.NotFound",
                     "No such image: nosuch");
        assert_error(IMAGE(&x, b, "Push", "sa{sv}", "x:1", 0), "org.dockerd1.Error.NotFound",
                     "x:1 is not a tag of this image");
        assert_error(IMAGE(&x, b, "Push", "sa{sv}", "", 0), "org.dockerd1.Error.NotFound", NULL);
        fixture_done(&x);
}

/* Images that were there before the face. */
TEST(images_loaded) {
        sd_bus_message *reply;
        const char *text;
        Fixture x;

        fixture_init_with(&x, NULL, IMAGE_A);
        reply = CALL(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "GetManagedObjects", "");
        ASSERT_OK(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}"));
        ASSERT_EQ(sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}"), 1);
        ASSERT_OK(sd_bus_message_read(reply, "o", &text));
        ASSERT_TRUE(startswith(text, BUS_IMAGE_PREFIX "/_31111"));
        sd_bus_message_unref(reply);
        fixture_done(&x);
}

/* --- operations --- */

#define OPERATION(x, path, member, ...) CALL(x, path, BUS_OPERATION_INTERFACE, member, __VA_ARGS__)

/* Owned by the caller. */
static char *pull(Fixture *x, const char *reference) {
        sd_bus_message *reply = MANAGER(x, "PullImage", "sa{sv}", reference, 1, "tag", "s", "1");
        const char *path;
        char *copy;

        if (sd_bus_message_is_method_error(reply, NULL))
                test_fail("PullImage: %s", sd_bus_message_get_error(reply)->message);
        ASSERT_OK(sd_bus_message_read(reply, "o", &path));
        copy = ASSERT_NOT_NULL(strdup(path));
        sd_bus_message_unref(reply);
        return copy;
}

static void assert_state(Fixture *x, const char *path, const char *state) {
        assert_string(x, path, BUS_OPERATION_INTERFACE, "State", state);
}

static void assert_number(Fixture *x, const char *path, const char *name, uint64_t value) {
        uint64_t number;

        get(x, path, BUS_OPERATION_INTERFACE, name, "t", &number);
        ASSERT_EQ(number, value);
}

static double progress_of(Fixture *x, const char *path) {
        double d;

        get(x, path, BUS_OPERATION_INTERFACE, "Progress", "d", &d);
        return d;
}

static int on_finished(sd_bus_message *m, void *userdata, sd_bus_error *e) {
        const char *state, *error;

        ASSERT_OK(sd_bus_message_read(m, "ss", &state, &error));
        ASSERT_OK(free_and_strdup((char **) userdata, state));
        return 0;
}

#define LINE(id, status, current, total) \
        "{\"status\":\"" status "\",\"progressDetail\":{\"current\":" current ",\"total\":" total "}," \
        "\"id\":\"" id "\"}"

TEST(operation) {
        _cleanup_free_ char *path = NULL, *finished = NULL;
        unsigned added = 0, removed = 0, messages = 0;
        const char *id, *status;
        sd_bus_message *reply;
        uint64_t current, total;
        Fixture x;

        fixture_init(&x);
        x.face->operation_keep = 100 * USEC_PER_MSEC;
        match(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "InterfacesAdded", on_count, &added);
        match(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "InterfacesRemoved", on_count, &removed);
        match(&x, NULL, BUS_OPERATION_INTERFACE, "Message", on_count, &messages);
        match(&x, NULL, BUS_OPERATION_INTERFACE, "Finished", on_finished, &finished);

        path = pull(&x, "busybox");
        RUN_UNTIL(&x, added == 1);
        ASSERT_STREQ(path, BUS_OPERATION_PREFIX "/1");
        ASSERT_EQ(test_engine_last_uid(x.engine), getuid());
        assert_string(&x, path, BUS_OPERATION_INTERFACE, "Type", "pull");
        assert_string(&x, path, BUS_OPERATION_INTERFACE, "Reference", "busybox:1");
        assert_state(&x, path, "running");
        ASSERT_TRUE(progress_of(&x, path) <= 0);

        test_engine_progress(x.engine, "{\"status\":\"Pulling from library/busybox\",\"id\":\"1\"}");
        test_engine_progress(x.engine, LINE("aaa", "Pulling fs layer", "0", "0"));
        test_engine_progress(x.engine, LINE("bbb", "Already exists", "0", "0"));
        test_engine_progress(x.engine, LINE("aaa", "Downloading", "30", "100"));
        RUN_UNTIL(&x, messages == 4);
        assert_number(&x, path, "Current", 30);
        assert_number(&x, path, "Total", 100);
        /* The other layer counts as much: (30 + 100) of 200. */
        ASSERT_TRUE(progress_of(&x, path) > 0.64 && progress_of(&x, path) < 0.66);
        assert_string(&x, path, BUS_OPERATION_INTERFACE, "Status", "aaa: Downloading");

        /* It does not go back, and what is unpacked has come already. */
        test_engine_progress(x.engine, LINE("aaa", "Download complete", "0", "0"));
        test_engine_progress(x.engine, LINE("aaa", "Extracting", "50", "100"));
        RUN_UNTIL(&x, messages == 6);
        assert_number(&x, path, "Current", 100);
        ASSERT_TRUE(progress_of(&x, path) > 0.99);
        reply = CALL(&x, path, PROPERTIES, "Get", "ss", BUS_OPERATION_INTERFACE, "Steps");
        ASSERT_OK(sd_bus_message_enter_container(reply, 'v', "a(sstt)"));
        ASSERT_OK(sd_bus_message_enter_container(reply, 'a', "(sstt)"));
        ASSERT_OK(sd_bus_message_read(reply, "(sstt)", &id, &status, &current, &total));
        ASSERT_STREQ(id, "aaa");
        ASSERT_STREQ(status, "Extracting");
        ASSERT_EQ(total, 100);
        ASSERT_OK(sd_bus_message_read(reply, "(sstt)", &id, &status, &current, &total));
        ASSERT_STREQ(status, "Already exists");
        ASSERT_EQ(sd_bus_message_at_end(reply, false), 1);
        sd_bus_message_unref(reply);

        test_engine_progress(x.engine, "{\"status\":\"Digest: sha256:5\"}");
        test_engine_progress(x.engine, "not JSON");
        test_engine_finish_pulls(x.engine, NULL);
        RUN_UNTIL(&x, finished);
        ASSERT_STREQ(finished, "done");
        ASSERT_EQ(messages, 8);
        assert_state(&x, path, "done");
        assert_string(&x, path, BUS_OPERATION_INTERFACE, "Result", "sha256:5");
        assert_string(&x, path, BUS_OPERATION_INTERFACE, "Error", "");
        assert_error(OPERATION(&x, path, "Cancel", ""), "org.dockerd1.Error.NotModified", NULL);

        RUN_UNTIL(&x, removed == 1);
        assert_error(OPERATION(&x, path, "Cancel", ""), SD_BUS_ERROR_UNKNOWN_OBJECT, NULL);
        fixture_done(&x);
}

TEST(operation_ends) {
        _cleanup_free_ char *failed = NULL, *cancelled = NULL, *early = NULL, *now = NULL, *finished = NULL;
        _cleanup_free_ char *pushed = NULL, *image = NULL;
        sd_bus_message *reply;
        const char *path;
        Fixture x;

        fixture_init(&x);
        match(&x, NULL, BUS_OPERATION_INTERFACE, "Finished", on_finished, &finished);

        /* What is wrong at once is the method's error, and there is no operation. */
        assert_error(MANAGER(&x, "PullImage", "sa{sv}", "bad", 0), "org.dockerd1.Error.InvalidArgument",
                     "invalid reference format");
        assert_error(MANAGER(&x, "PullImage", "sa{sv}", "x", 1, "cancel-on-disconnect", "s", "perhaps"),
                     "org.dockerd1.Error.InvalidArgument", NULL);
        assert_error(MANAGER(&x, "PullImage", "sa{sv}", "x", 1, "bogus", "b", true),
                     "org.dockerd1.Error.InvalidArgument", "PullImage has no option \"bogus\"");
        ASSERT_EQ(hashmap_size(x.face->operations), 0);

        failed = pull(&x, "busybox");
        test_engine_finish_pulls(x.engine, "manifest unknown");
        RUN_UNTIL(&x, finished);
        ASSERT_STREQ(finished, "failed");
        assert_state(&x, failed, "failed");
        assert_string(&x, failed, BUS_OPERATION_INTERFACE, "Error", "manifest unknown");
        assert_string(&x, failed, BUS_OPERATION_INTERFACE, "ErrorName", "org.dockerd1.Error.NotFound");

        cancelled = pull(&x, "busybox");
        assert_done(OPERATION(&x, cancelled, "Cancel", ""));
        ASSERT_EQ(test_engine_n_gone(x.engine), 1);
        ASSERT_EQ(test_engine_n_pulls(x.engine), 0);
        assert_state(&x, cancelled, "cancelled");
        assert_string(&x, cancelled, BUS_OPERATION_INTERFACE, "Error", "cancelled on request");

        /* Progress before the answer is not lost. */
        early = pull(&x, "early");
        assert_number(&x, early, "Total", 4);
        assert_state(&x, early, "running");
        now = pull(&x, "now");
        assert_number(&x, now, "Total", 4);
        assert_state(&x, now, "done");

        /* A push by the image's object. No option leads to another tag. */
        test_engine_add_image(x.engine, IMAGE_A, "host:5/a:7");
        image = image_path(&x, "host:5/a:7");
        reply = IMAGE(&x, image, "Push", "sa{sv}", "host:5/a:7", 2, "tag", "s", "9", "TAG", "s", "9");
        ASSERT_OK(sd_bus_message_read(reply, "o", &path));
        pushed = ASSERT_NOT_NULL(strdup(path));
        sd_bus_message_unref(reply);
        assert_string(&x, pushed, BUS_OPERATION_INTERFACE, "Type", "push");
        assert_string(&x, pushed, BUS_OPERATION_INTERFACE, "Reference", "host:5/a:7");
        test_engine_progress(x.engine,
                             "{\"progressDetail\":{},\"aux\":{\"Tag\":\"7\",\"Digest\":\"sha256:8\","
                             "\"Size\":5}}");
        test_engine_finish_pulls(x.engine, NULL);
        assert_string(&x, pushed, BUS_OPERATION_INTERFACE, "Result", "sha256:8");
        fixture_done(&x);
}

/* Many lines, few signals; and the last values are told. */
TEST(operation_signals) {
        _cleanup_free_ char *path = NULL;
        uint64_t begin, spent;
        unsigned changed = 0, before;
        Fixture x;

        fixture_init(&x);
        path = pull(&x, "busybox");
        match(&x, path, PROPERTIES, "PropertiesChanged", on_count, &changed);
        run_for(&x, 20);
        begin = now_usec(CLOCK_MONOTONIC);
        for (unsigned i = 0; i < 500; i++) {
                char line[200];

                (void) snprintf(line, sizeof(line), LINE("aaa", "Downloading", "%u", "500"), i);
                test_engine_progress(x.engine, line);
                if (i % 2 == 0)
                        ASSERT_OK(sd_event_run(x.event, 1000));
        }
        run_for(&x, 150);
        spent = now_usec(CLOCK_MONOTONIC) - begin;
        ASSERT_TRUE(changed >= 2);
        ASSERT_TRUE(changed <= spent / BUS_OPERATION_SIGNAL_USEC + 2);

        before = changed;
        test_engine_finish_pulls(x.engine, NULL);
        RUN_UNTIL(&x, changed == before + 1);
        run_for(&x, 150);
        ASSERT_EQ(changed, before + 1);
        fixture_done(&x);
}

TEST(operation_clients) {
        _cleanup_free_ char *kept = NULL, *left = NULL;
        sd_bus_message *reply = NULL;
        const char *path;
        sd_bus *other;
        Fixture x;

        fixture_init(&x);
        other = client_new(&x);
        ASSERT_OK(sd_bus_call_method_async(other, NULL, BUS_NAME, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE,
                                           "PullImage", on_reply, &reply, "sa{sv}", "kept", 0));
        RUN_UNTIL(&x, reply);
        ASSERT_OK(sd_bus_message_read(reply, "o", &path));
        kept = ASSERT_NOT_NULL(strdup(path));
        reply = sd_bus_message_unref(reply);
        ASSERT_OK(sd_bus_call_method_async(other, NULL, BUS_NAME, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE,
                                           "PullImage", on_reply, &reply, "sa{sv}", "left", 1,
                                           "cancel-on-disconnect", "b", true));
        RUN_UNTIL(&x, reply);
        ASSERT_OK(sd_bus_message_read(reply, "o", &path));
        left = ASSERT_NOT_NULL(strdup(path));
        sd_bus_message_unref(reply);
        ASSERT_EQ(test_engine_n_pulls(x.engine), 2);

        sd_bus_close_unref(other);
        RUN_UNTIL(&x, test_engine_n_pulls(x.engine) == 1);
        assert_state(&x, kept, "running");
        assert_state(&x, left, "cancelled");
        assert_string(&x, left, BUS_OPERATION_INTERFACE, "Error", "the client has left the bus");

        /* It outlives the bus, too. */
        test_bus_stop(&x.bus);
        RUN_UNTIL(&x, !engine_bus(x.engine));
        sd_bus_close_unref(x.client);
        test_bus_start(&x.bus);
        RUN_UNTIL(&x, engine_bus(x.engine));
        x.client = client_new(&x);
        wait_for_name(&x);
        ASSERT_EQ(test_engine_n_pulls(x.engine), 1);
        test_engine_finish_pulls(x.engine, NULL);
        assert_state(&x, kept, "done");
        fixture_done(&x);
}

TEST(operation_limits) {
        _cleanup_free_ char *first = NULL, *more = NULL;
        Fixture x;

        fixture_init(&x);
        first = pull(&x, "now");
        for (size_t i = 1; i < BUS_CLIENT_OPERATIONS_MAX; i++)
                free(pull(&x, "busybox"));
        ASSERT_EQ(hashmap_size(x.face->operations), BUS_CLIENT_OPERATIONS_MAX);

        /* The one that has ended gives way, and then there is none. */
        assert_state(&x, first, "done");
        more = pull(&x, "busybox");
        assert_error(OPERATION(&x, first, "Cancel", ""), SD_BUS_ERROR_UNKNOWN_OBJECT, NULL);
        assert_error(MANAGER(&x, "PullImage", "sa{sv}", "busybox", 0), "org.dockerd1.Error.Unavailable",
                     "more than 128 operations of one client are in progress");
        ASSERT_EQ(test_engine_n_pulls(x.engine), BUS_CLIENT_OPERATIONS_MAX);
        ASSERT_EQ(hashmap_size(x.face->operations), BUS_CLIENT_OPERATIONS_MAX);

        /* As many of other clients of the same user. */
        for (size_t i = 0; i < BUS_USER_OPERATIONS_MAX - BUS_CLIENT_OPERATIONS_MAX; i += 64) {
                sd_bus *was = x.client;

                x.client = client_new(&x);
                for (size_t k = 0; k < 64; k++)
                        free(pull(&x, "busybox"));
                sd_bus_close_unref(x.client);
                x.client = was;
        }
        run_for(&x, 50);
        ASSERT_EQ(test_engine_n_pulls(x.engine), BUS_USER_OPERATIONS_MAX);
        assert_done(OPERATION(&x, more, "Cancel", ""));
        free(pull(&x, "busybox"));
        assert_error(MANAGER(&x, "PullImage", "sa{sv}", "busybox", 0), "org.dockerd1.Error.Unavailable",
                     NULL);
        ASSERT_EQ(test_engine_n_pulls(x.engine), BUS_USER_OPERATIONS_MAX);

        /* At exit all of them end. */
        fixture_done(&x);
}

/* Steps of a hostile registry. */
TEST(operation_steps) {
        _cleanup_free_ char *path = NULL, *big = NULL;
        Fixture x;

        fixture_init(&x);
        path = pull(&x, "busybox");
        for (unsigned i = 0; i < BUS_OPERATION_STEPS_MAX + 10; i++) {
                char line[200];

                (void) snprintf(line, sizeof(line), LINE("%u", "Downloading", "-5", "9223372036854775807"),
                                i);
                test_engine_progress(x.engine, line);
        }
        assert_done(CALL(&x, path, PROPERTIES, "GetAll", "s", BUS_OPERATION_INTERFACE));
        ASSERT_TRUE(progress_of(&x, path) <= 0);

        big = malloc(BUS_COLLECT_MAX + 2);
        ASSERT_NOT_NULL(big);
        memset(big, 'x', BUS_COLLECT_MAX + 1);
        big[BUS_COLLECT_MAX + 1] = 0;
        test_engine_progress(x.engine, big);
        test_engine_progress(x.engine, "{\"status\":\"still here\"}");
        assert_string(&x, path, BUS_OPERATION_INTERFACE, "Status", "still here");
        fixture_done(&x);
}

TEST(operation_rights) {
        _cleanup_free_ char *path = NULL;
        FakePolkit polkit = {};
        sd_bus *bus;
        Fixture x;

        if (getuid() != 0) {
                fprintf(stderr, "not root, cannot be somebody else\n");
                return;
        }

        fixture_init(&x);
        path = pull(&x, "busybox");
        ASSERT_EQ(as_nobody(&x, path, BUS_OPERATION_INTERFACE, "Cancel", NULL), DENIED);
        ASSERT_EQ(as_nobody(&x, path, PROPERTIES, "GetAll", BUS_OPERATION_INTERFACE), DENIED);
        ASSERT_EQ(as_nobody(&x, BUS_OPERATION_PREFIX, INTROSPECTABLE, "Introspect", NULL), DENIED);
        ASSERT_EQ(test_engine_n_pulls(x.engine), 1);

        bus = polkit_new(&x, &polkit);
        ASSERT_EQ(as_nobody(&x, path, BUS_OPERATION_INTERFACE, "Cancel", NULL), DENIED);
        ASSERT_STREQ(polkit.action, "org.dockerd1.image-create");
        ASSERT_EQ(as_nobody(&x, path, PROPERTIES, "GetAll", BUS_OPERATION_INTERFACE), DENIED);
        ASSERT_STREQ(polkit.action, "org.dockerd1.image-list");
        ASSERT_EQ(test_engine_n_pulls(x.engine), 1);
        polkit.allow = true;
        ASSERT_EQ(as_nobody(&x, path, PROPERTIES, "GetAll", BUS_OPERATION_INTERFACE), ALLOWED);

        /* Its own user needs no polkit. */
        polkit.allow = false;
        ((BusOperation *) hashmap_get(x.face->operations, path))->uid = 65534;
        polkit.action = mfree(polkit.action);
        ASSERT_EQ(as_nobody(&x, path, PROPERTIES, "GetAll", BUS_OPERATION_INTERFACE), ALLOWED);
        ASSERT_EQ(as_nobody(&x, path, BUS_OPERATION_INTERFACE, "Cancel", NULL), ALLOWED);
        ASSERT_NULL(polkit.action);
        ASSERT_EQ(test_engine_n_pulls(x.engine), 0);

        sd_bus_close_unref(bus);
        free(polkit.action);
        fixture_done(&x);
}

DEFINE_TEST_MAIN();
