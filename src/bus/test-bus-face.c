/* SPDX-License-Identifier: Apache-2.0 */
/* Drives the whole face over a private bus with an engine of the test's own: calls, errors, fds, signals,
 * properties, authorization, clients that leave, a bus that goes and comes back. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "bus/test-bus-fixture.h"

/* The object path of a new container; owned by the caller. */
static char *create(Fixture *x, const char *name) {
        sd_bus_message *reply;
        const char *path;
        char *copy;

        reply = MANAGER(x, "CreateContainer", "sa{sv}", name, 2, "Image", "s", "busybox",
                        "Labels", "a{ss}", 1, "a", "b");
        ASSERT_OK(sd_bus_message_read(reply, "o", &path));
        copy = ASSERT_NOT_NULL(strdup(path));
        sd_bus_message_unref(reply);
        return copy;
}

TEST(calls) {
        _cleanup_free_ char *decoded = NULL;
        sd_bus_message *reply;
        const char *path, *id;
        char **warnings = NULL;
        Fixture x;

        fixture_init(&x);
        assert_done(MANAGER(&x, "Ping", ""));
        ASSERT_EQ(test_engine_last_uid(x.engine), getuid());

        reply = MANAGER(&x, "CreateContainer", "sa{sv}", "web", 1, "Image", "s", "busybox");
        ASSERT_OK(sd_bus_message_read(reply, "o", &path));
        ASSERT_OK(sd_bus_message_read_strv(reply, &warnings));
        ASSERT_STREQ(warnings[0], "no limits here");
        ASSERT_EQ(sd_bus_path_decode(path, BUS_CONTAINER_PREFIX, &decoded), 1);
        ASSERT_EQ(strlen(decoded), 64);
        strv_free(warnings);
        sd_bus_message_unref(reply);

        assert_done(MANAGER(&x, "CreateContainerFromJSON", "ss", "db",
                            "{\"Image\":\"b\",\"Labels\":{\"k\":\"v\"}}"));
        ASSERT_EQ(test_engine_n_containers(x.engine), 2);

        reply = MANAGER(&x, "GetContainer", "s", "db");
        ASSERT_OK(sd_bus_message_read(reply, "o", &path));
        sd_bus_message_unref(reply);

        reply = MANAGER(&x, "ListContainers", "a{sv}", 0);
        ASSERT_OK(sd_bus_message_enter_container(reply, 'a', "a{sv}"));
        ASSERT_OK(sd_bus_message_enter_container(reply, 'a', "{sv}"));
        ASSERT_OK(sd_bus_message_enter_container(reply, 'e', "sv"));
        ASSERT_OK(sd_bus_message_read(reply, "sv", &id, "s", &path));
        ASSERT_STREQ(id, "Id");
        ASSERT_STREQ(path, decoded);
        sd_bus_message_unref(reply);

        assert_done(MANAGER(&x, "TagImage", "sss", "a", "b", "c"));
        assert_done(MANAGER(&x, "StartContainer", "sa{sv}", "web", 0));
        fixture_done(&x);
}

TEST(errors) {
        _cleanup_free_ char *path = NULL;
        Fixture x;

        fixture_init(&x);
        assert_error(MANAGER(&x, "StartContainer", "sa{sv}", "nope", 0),
                     "org.dockerd1.Error.NotFound", "No such container: nope");
        assert_error(MANAGER(&x, "CreateContainer", "sa{sv}", "x", 0),
                     "org.dockerd1.Error.InvalidArgument", "no command specified");
        assert_error(MANAGER(&x, "CreateContainer", "sa{sv}", "x", 1, "Image", "t", UINT64_C(5)),
                     "org.dockerd1.Error.InvalidArgument",
                     "invalid arguments: Image: expected a string, got an integer");
        assert_error(MANAGER(&x, "CreateContainerFromJSON", "ss", "x", "{"),
                     "org.dockerd1.Error.InvalidArgument", NULL);
        assert_error(MANAGER(&x, "CreateContainerFromJSON", "ss", "x", "[]"),
                     "org.dockerd1.Error.InvalidArgument", "the JSON argument is not an object");
        assert_error(MANAGER(&x, "PruneContainers", "a{sv}", 0),
                     "org.dockerd1.Error.NotSupported", "container_prune is not implemented");
        assert_error(MANAGER(&x, "Ping", "s", "x"), SD_BUS_ERROR_INVALID_ARGS, NULL);
        assert_error(MANAGER(&x, "Nope", ""), SD_BUS_ERROR_UNKNOWN_METHOD, NULL);

        path = create(&x, "web");
        assert_error(CONTAINER(&x, path, "Kill", "s", "TERM"),
                     "org.dockerd1.Error.Conflict", "cannot kill container: TERM: not running");
        assert_done(CONTAINER(&x, path, "Start", "a{sv}", 0));
        assert_error(CONTAINER(&x, path, "Start", "a{sv}", 0), "org.dockerd1.Error.NotModified", NULL);
        assert_error(CONTAINER(&x, path, "Resize", "uu", 24, 80), "org.dockerd1.Error.InvalidArgument",
                     "80 x 24");

        /* No option names another object. */
        assert_done(CONTAINER(&x, path, "Stop", "a{sv}", 2, "id", "s", "other", "ID", "s", "other"));
        assert_error(CONTAINER(&x, BUS_CONTAINER_PREFIX "/_3999", "Stop", "a{sv}", 0),
                     SD_BUS_ERROR_UNKNOWN_OBJECT, NULL);
        fixture_done(&x);
}

typedef struct Signals {
        unsigned event, changed, added, removed;
        char *last_action, *last_state;
        bool name_changed;
} Signals;

static int on_event_signal(sd_bus_message *m, void *userdata, sd_bus_error *e) {
        Signals *s = userdata;
        const char *type, *action, *id;
        uint64_t usec;

        ASSERT_OK(sd_bus_message_read(m, "ssst", &type, &action, &id, &usec));
        ASSERT_STREQ(type, "container");
        ASSERT_TRUE(usec > UINT64_C(1500000000) * USEC_PER_SEC &&
                    usec < UINT64_C(100000000000) * USEC_PER_SEC);
        ASSERT_OK(free_and_strdup(&s->last_action, action));
        s->event++;
        return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *e) {
        const char *interface, *name, *state;
        Signals *s = userdata;

        ASSERT_OK(sd_bus_message_read(m, "s", &interface));
        if (!streq(interface, BUS_CONTAINER_INTERFACE))
                return 0;

        s->changed++;
        ASSERT_OK(sd_bus_message_enter_container(m, 'a', "{sv}"));
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                ASSERT_OK(sd_bus_message_read(m, "s", &name));
                if (streq(name, "State")) {
                        ASSERT_OK(sd_bus_message_read(m, "v", "s", &state));
                        ASSERT_OK(free_and_strdup(&s->last_state, state));
                } else
                        ASSERT_OK(sd_bus_message_skip(m, "v"));
                if (streq(name, "Name"))
                        s->name_changed = true;
                ASSERT_OK(sd_bus_message_exit_container(m));
        }
        return 0;
}

TEST(signals_and_properties) {
        _cleanup_free_ char *path = NULL;
        sd_bus_message *reply;
        Signals s = {};
        const char *text;
        uint32_t number;
        int32_t code;
        uint64_t usec;
        Fixture x;

        fixture_init(&x);
        match(&x, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, "Event", on_event_signal, &s);
        match(&x, NULL, PROPERTIES, "PropertiesChanged", on_changed, &s);
        match(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "InterfacesAdded", on_count, &s.added);
        match(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "InterfacesRemoved", on_count, &s.removed);

        path = create(&x, "web");
        RUN_UNTIL(&x, s.added == 1 && s.event == 1);
        ASSERT_STREQ(s.last_action, "create");

        assert_done(CONTAINER(&x, path, "Start", "a{sv}", 0));
        /* At once after the reply, whether or not the signal went out. */
        assert_string(&x, path, BUS_CONTAINER_INTERFACE, "State", "running");
        RUN_UNTIL(&x, s.changed == 1);
        ASSERT_STREQ(s.last_state, "running");
        ASSERT_FALSE(s.name_changed);

        get(&x, path, BUS_CONTAINER_INTERFACE, "Pid", "u", &number);
        ASSERT_EQ(number, 42);
        get(&x, path, BUS_CONTAINER_INTERFACE, "CreatedUSec", "t", &usec);
        ASSERT_EQ(usec, UINT64_C(1700000000) * USEC_PER_SEC);
        assert_string(&x, path, BUS_CONTAINER_INTERFACE, "Unit", "");
        get(&x, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, "NContainersRunning", "u", &number);
        ASSERT_EQ(number, 1);
        assert_string(&x, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, "DataRoot", "/data");
        assert_string(&x, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, "ApiVersion", "1.51");
        assert_done(CALL(&x, BUS_ROOT_PATH, PROPERTIES, "GetAll", "s", BUS_MANAGER_INTERFACE));
        assert_done(CALL(&x, path, PROPERTIES, "GetAll", "s", BUS_CONTAINER_INTERFACE));

        reply = CALL(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "GetManagedObjects", "");
        ASSERT_OK(sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}"));
        ASSERT_EQ(sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}"), 1);
        ASSERT_OK(sd_bus_message_read(reply, "o", &text));
        ASSERT_STREQ(text, path);
        sd_bus_message_unref(reply);

        assert_done(CONTAINER(&x, path, "Stop", "a{sv}", 0));
        RUN_UNTIL(&x, s.changed == 2);
        ASSERT_STREQ(s.last_state, "exited");
        get(&x, path, BUS_CONTAINER_INTERFACE, "ExitCode", "i", &code);
        ASSERT_EQ(code, 137);

        assert_done(CONTAINER(&x, path, "Remove", "a{sv}", 1, "force", "b", true));
        RUN_UNTIL(&x, s.removed == 1);
        ASSERT_STREQ(s.last_action, "destroy");
        assert_error(CONTAINER(&x, path, "Remove", "a{sv}", 0), SD_BUS_ERROR_UNKNOWN_OBJECT, NULL);

        free(s.last_action);
        free(s.last_state);
        fixture_done(&x);
}

TEST(wait_and_leave) {
        _cleanup_free_ char *path = NULL;
        sd_bus_message *m, *reply = NULL;
        sd_bus *other;
        const char *error;
        int64_t code;
        Fixture x;

        fixture_init(&x);
        path = create(&x, "web");

        m = method_new(&x, path, BUS_CONTAINER_INTERFACE, "Wait");
        ASSERT_OK(sd_bus_message_append(m, "s", "not-running"));
        ASSERT_OK(sd_bus_call_async(x.client, NULL, m, on_reply, &reply, 60 * USEC_PER_SEC));
        sd_bus_message_unref(m);
        run_for(&x, 50);
        ASSERT_NULL(reply);
        assert_done(CONTAINER(&x, path, "Stop", "a{sv}", 0));
        RUN_UNTIL(&x, reply);
        ASSERT_OK(sd_bus_message_read(reply, "xs", &code, &error));
        ASSERT_EQ(code, 137);
        ASSERT_STREQ(error, "");
        sd_bus_message_unref(reply);

        /* A client that leaves abandons what it waits for. */
        other = client_new(&x);
        ASSERT_OK(sd_bus_call_method_async(other, NULL, BUS_NAME, path, BUS_CONTAINER_INTERFACE, "Wait",
                                           on_reply, &reply, "s", ""));
        run_for(&x, 50);
        ASSERT_EQ(test_engine_n_gone(x.engine), 0);
        sd_bus_close_unref(other);
        RUN_UNTIL(&x, test_engine_n_gone(x.engine) == 1);
        fixture_done(&x);
}

/* Reads from a stream while the loop goes on, up to limit. Returns the bytes. */
static size_t drain(Fixture *x, int fd, size_t limit) {
        char buffer[65536];
        size_t total = 0;

        ASSERT_OK(fd_nonblock(fd, true));
        while (total < limit) {
                ssize_t n = read(fd, buffer, min_size(sizeof(buffer), limit - total));

                if (n == 0)
                        break;
                if (n < 0) {
                        ASSERT_EQ(errno, EAGAIN);
                        ASSERT_OK(sd_event_run(x->event, 10000));
                        continue;
                }
                total += (size_t) n;
        }
        return total;
}

TEST(streams) {
        _cleanup_free_ char *path = NULL;
        sd_bus_message *reply;
        const char *format;
        Fixture x;
        int fd;

        fixture_init(&x);
        path = create(&x, "web");

        reply = CONTAINER(&x, path, "Logs", "a{sv}", 0);
        ASSERT_OK(sd_bus_message_read(reply, "hs", &fd, &format));
        ASSERT_STREQ(format, "raw");
        /* Nobody reads: the producer is stopped by the marks, the rest comes as the client reads. */
        run_for(&x, 50);
        ASSERT_EQ(drain(&x, fd, SIZE_MAX), 4000000);
        sd_bus_message_unref(reply);

        reply = CONTAINER(&x, path, "Logs", "a{sv}", 1, "follow", "b", true);
        ASSERT_OK(sd_bus_message_read(reply, "hs", &fd, &format));
        ASSERT_EQ(drain(&x, fd, 1000000), 1000000);
        sd_bus_message_unref(reply);
        RUN_UNTIL(&x, test_engine_n_gone(x.engine) == 1);

        assert_error(CONTAINER(&x, path, "Logs", "a{sv}", 1, "stdout", "b", false),
                     "org.dockerd1.Error.InvalidArgument", "you must choose at least one stream");
        fixture_done(&x);
}

static void assert_echo(Fixture *x, int fd, const char *text) {
        ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
        ASSERT_EQ(drain(x, fd, strlen(text)), strlen(text));
}

TEST(hijack) {
        _cleanup_free_ char *path = NULL;
        sd_bus_message *reply;
        const char *format;
        Fixture x;
        int fd;

        fixture_init(&x);
        path = create(&x, "web");

        reply = CONTAINER(&x, path, "Attach", "a{sv}", 0);
        ASSERT_OK(sd_bus_message_read(reply, "hs", &fd, &format));
        ASSERT_STREQ(format, "multiplexed");
        assert_echo(&x, fd, "hello");

        /* The session outlives the bus. */
        test_bus_stop(&x.bus);
        run_for(&x, 50);
        assert_echo(&x, fd, "again");
        ASSERT_EQ(test_engine_n_gone(x.engine), 0);

        ASSERT_OK(shutdown(fd, SHUT_WR));
        ASSERT_EQ(drain(&x, fd, SIZE_MAX), 0);
        sd_bus_message_unref(reply);
        fixture_done(&x);
}

static sd_bus_message *load(Fixture *x, const char *content) {
        sd_bus_message *reply;
        int fds[2];

        ASSERT_OK(pipe2(fds, O_CLOEXEC));
        ASSERT_OK(write_full(fds[1], content, strlen(content)));
        close(fds[1]);
        reply = MANAGER(x, "LoadImage", "ha{sv}", fds[0], 0);
        close(fds[0]);
        return reply;
}

TEST(input) {
        sd_bus_message *reply;
        const char *key, *value;
        Fixture x;

        fixture_init(&x);
        reply = load(&x, "archive");
        ASSERT_STREQ(test_engine_last_input(x.engine), "archive");
        ASSERT_OK(sd_bus_message_enter_container(reply, 'a', "a{sv}"));
        ASSERT_OK(sd_bus_message_skip(reply, "a{sv}"));
        ASSERT_OK(sd_bus_message_enter_container(reply, 'a', "{sv}"));
        ASSERT_OK(sd_bus_message_enter_container(reply, 'e', "sv"));
        ASSERT_OK(sd_bus_message_read(reply, "sv", &key, "s", &value));
        ASSERT_STREQ(value, "Loaded image: x");
        sd_bus_message_unref(reply);

        assert_error(load(&x, "bad"), "org.dockerd1.Error.Failed", "archive is damaged");
        fixture_done(&x);
}

TEST(authorization) {
        _cleanup_free_ char *path = NULL;
        FakePolkit polkit = {};
        sd_bus *bus;
        Fixture x;

        if (getuid() != 0) {
                fprintf(stderr, "not root, cannot be somebody else\n");
                return;
        }

        fixture_init(&x);
        path = create(&x, "web");

        /* Without polkit: what needs nobody's leave, and nothing else. */
        ASSERT_EQ(as_nobody(&x, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, "Ping", NULL), ALLOWED);
        ASSERT_EQ(test_engine_last_uid(x.engine), 65534);
        ASSERT_EQ(as_nobody(&x, path, BUS_CONTAINER_INTERFACE, "Inspect", NULL), DENIED);
        ASSERT_EQ(as_nobody(&x, path, PROPERTIES, "GetAll", BUS_CONTAINER_INTERFACE), DENIED);
        ASSERT_EQ(as_nobody(&x, BUS_ROOT_PATH, PROPERTIES, "GetAll", BUS_MANAGER_INTERFACE), DENIED);
        ASSERT_EQ(as_nobody(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "GetManagedObjects", NULL), DENIED);
        ASSERT_EQ(as_nobody(&x, BUS_CONTAINER_PREFIX, INTROSPECTABLE, "Introspect", NULL), DENIED);
        ASSERT_EQ(as_nobody(&x, BUS_ROOT_PATH, INTROSPECTABLE, "Introspect", NULL), ALLOWED);

        bus = polkit_new(&x, &polkit);
        ASSERT_EQ(as_nobody(&x, path, BUS_CONTAINER_INTERFACE, "Inspect", NULL), DENIED);
        ASSERT_STREQ(polkit.action, "org.dockerd1.container-inspect");
        polkit.challenge = true;
        ASSERT_EQ(as_nobody(&x, path, BUS_CONTAINER_INTERFACE, "Inspect", NULL), CHALLENGED);
        ASSERT_EQ(as_nobody(&x, path, PROPERTIES, "GetAll", BUS_CONTAINER_INTERFACE), CHALLENGED);

        polkit.allow = true;
        ASSERT_EQ(as_nobody(&x, path, BUS_CONTAINER_INTERFACE, "Inspect", NULL), ALLOWED);
        ASSERT_EQ(as_nobody(&x, path, PROPERTIES, "GetAll", BUS_CONTAINER_INTERFACE), ALLOWED);
        ASSERT_STREQ(polkit.action, "org.dockerd1.container-inspect");
        ASSERT_EQ(as_nobody(&x, BUS_ROOT_PATH, PROPERTIES, "GetAll", BUS_MANAGER_INTERFACE), ALLOWED);
        ASSERT_STREQ(polkit.action, "org.dockerd1.system-info");
        ASSERT_EQ(as_nobody(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "GetManagedObjects", NULL), ALLOWED);
        ASSERT_STREQ(polkit.action, "org.dockerd1.image-list");
        polkit.only = "org.dockerd1.container-list";
        ASSERT_EQ(as_nobody(&x, BUS_ROOT_PATH, OBJECT_MANAGER, "GetManagedObjects", NULL), CHALLENGED);
        ASSERT_EQ(as_nobody(&x, BUS_IMAGE_PREFIX, INTROSPECTABLE, "Introspect", NULL), CHALLENGED);
        ASSERT_EQ(as_nobody(&x, BUS_CONTAINER_PREFIX, INTROSPECTABLE, "Introspect", NULL), ALLOWED);

        sd_bus_close_unref(bus);
        free(polkit.action);
        fixture_done(&x);
}

static void on_never(int r, const Error *error, void *userdata) {
        test_fail("polkit was asked");
}

/* The caller's transport decides before polkit is asked, and what nobody knows is refused. */
TEST(transports) {
        static const struct {
                Caller caller;
                bool allowed;
        } cases[] = {
                { { .transport = CALLER_INTERNAL }, true },
                { { .transport = CALLER_UNIX, .uid = 1000 }, true },
                { { .transport = CALLER_TCP, .uid = (uid_t) -1 }, true },
                { { .transport = CALLER_TLS, .uid = (uid_t) -1 }, true },
                { { .transport = CALLER_BUS, .uid = 0 }, true },
                { { .transport = CALLER_BUS, .uid = (uid_t) -1, .name = (char *) ":1.5" }, false },
                { { .transport = CALLER_BUS, .uid = 1000 }, false },
                { { .transport = CALLER_BUS, .uid = 1000, .name = (char *) ":1.5" },
                  false }, /* no bus to ask */
                { { .transport = (CallerTransport) 99, .uid = 0 }, false },
        };
        sd_event *event;
        Engine *e;

        ASSERT_OK(sd_event_new(&event));
        e = test_engine_new(event);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_error_ Error error = ERROR_NULL;
                AuthzCheck *check = NULL;
                int r;

                r = authz_check_action(e, &cases[i].caller, "container-start", on_never, NULL, &check,
                                       &error);
                ASSERT_NULL(check);
                ASSERT_EQ(r, cases[i].allowed ? 1 : -EACCES);
                ASSERT_EQ(error_is_set(&error), !cases[i].allowed);
        }
        engine_free(e);
        sd_event_unref(event);
}

/* In a child with another uid: takes the name, or waits a while for a signal of the engine. */
static _noreturn_ void listen_and_exit(Fixture *x, bool own) {
        sd_bus_error e = SD_BUS_ERROR_NULL;
        unsigned n = 0;
        sd_bus *bus;

        if (setgid(65534) < 0 || setuid(65534) < 0 || sd_bus_new(&bus) < 0 ||
            sd_bus_set_address(bus, x->bus.address) < 0 || sd_bus_set_bus_client(bus, true) < 0 ||
            sd_bus_start(bus) < 0)
                _exit(99);
        if (own)
                _exit(sd_bus_request_name(bus, BUS_NAME, 0) == -EACCES ? 0 : 98);

        if (sd_bus_match_signal(bus, NULL, NULL, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, NULL, on_count, &n) <
                            0 ||
            sd_bus_call_method(bus, BUS_NAME, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, "Ping", &e, NULL, "") <
                            0)
                _exit(97);
        for (unsigned i = 0; i < 20; i++) {
                if (sd_bus_process(bus, NULL) == 0)
                        (void) sd_bus_wait(bus, 50 * USEC_PER_MSEC);
        }
        _exit(n == 0 ? 0 : 1);
}

TEST(bus_policy) {
        unsigned n = 0;
        Fixture x;

        if (getuid() != 0) {
                fprintf(stderr, "not root, cannot be somebody else\n");
                return;
        }

        fixture_init_with(&x, "bus-system.conf", NULL);
        match(&x, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, "Event", on_count, &n);

        for (int own = 0; own <= 1; own++) {
                unsigned before = n;
                int status;
                pid_t pid = fork();

                ASSERT_TRUE(pid >= 0);
                if (pid == 0)
                        listen_and_exit(&x, own);

                /* Root hears the events that nobody does not. */
                for (unsigned i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
                        _cleanup_free_ char *name = NULL, *path = NULL;

                        if (i % 10 != 5 || i > 100) {
                                ASSERT_OK(sd_event_run(x.event, 10000));
                                continue;
                        }
                        ASSERT_OK(asprintf_safe(&name, "c%d-%u", own, i));
                        path = create(&x, name);
                        RUN_UNTIL(&x, n > before);
                }
                ASSERT_TRUE(WIFEXITED(status));
                ASSERT_EQ(WEXITSTATUS(status), 0);
        }
        fixture_done(&x);
}

/* What one client may have pending. */
TEST(limits) {
        _cleanup_free_ char *path = NULL;
        sd_bus_message *replies[BUS_CLIENT_CALLS_MAX] = {};
        Fixture x;

        fixture_init(&x);
        path = create(&x, "web");
        for (size_t i = 0; i < BUS_CLIENT_CALLS_MAX; i++)
                ASSERT_OK(sd_bus_call_method_async(x.client, NULL, BUS_NAME, path, BUS_CONTAINER_INTERFACE,
                                                   "Wait", on_reply, replies + i, "s", ""));
        assert_error(MANAGER(&x, "ListContainers", "a{sv}", 0), "org.dockerd1.Error.Unavailable",
                     "too many calls of one client are pending");
        for (size_t i = 0; i < BUS_CLIENT_CALLS_MAX; i++)
                sd_bus_message_unref(replies[i]);
        fixture_done(&x);
}

TEST(bus_restart) {
        _cleanup_free_ char *path = NULL;
        sd_bus_message *reply = NULL;
        Fixture x;

        fixture_init(&x);
        path = create(&x, "web");
        ASSERT_OK(sd_bus_call_method_async(x.client, NULL, BUS_NAME, path, BUS_CONTAINER_INTERFACE, "Wait",
                                           on_reply, &reply, "s", ""));
        run_for(&x, 50);

        test_bus_stop(&x.bus);
        RUN_UNTIL(&x, test_engine_n_gone(x.engine) == 1);
        ASSERT_NULL(engine_bus(x.engine));
        sd_bus_message_unref(reply);
        sd_bus_close_unref(x.client);

        test_bus_start(&x.bus);
        RUN_UNTIL(&x, engine_bus(x.engine));
        x.client = client_new(&x);
        wait_for_name(&x);
        assert_done(CONTAINER(&x, path, "Start", "a{sv}", 0));
        fixture_done(&x);
}

TEST(no_bus) {
        BusConnection *connection;
        sd_event *event;
        BusFace *face;
        Engine *e;

        ASSERT_OK(sd_event_new(&event));
        e = test_engine_new(event);
        ASSERT_OK(bus_connection_new(event, "unix:path=/nonexistent/bus", &connection));
        ASSERT_OK(bus_face_new(e, connection, &face));
        ASSERT_OK(bus_connection_start(connection));
        ASSERT_OK(bus_face_serve(face));
        ASSERT_OK(sd_event_run(event, 1000));
        ASSERT_NULL(engine_bus(e));
        bus_face_free(face);
        bus_connection_unref(connection);
        engine_free(e);
        sd_event_unref(event);
}

TEST(introspection) {
        _cleanup_free_ char *manager = NULL, *container = NULL;
        size_t size;
        FILE *f;

        f = ASSERT_NOT_NULL(open_memstream(&manager, &size));
        ASSERT_OK(bus_introspect(BUS_ROOT_PATH, f));
        fclose(f);
        ASSERT_TRUE(strstr(manager, "<method name=\"CreateContainer\">"));
        ASSERT_TRUE(strstr(manager, "<arg type=\"o\" name=\"container\" direction=\"out\"/>"));

        f = ASSERT_NOT_NULL(open_memstream(&container, &size));
        ASSERT_OK(bus_introspect(BUS_CONTAINER_PREFIX "/x", f));
        fclose(f);
        ASSERT_TRUE(strstr(container, "<property name=\"OOMKilled\" type=\"b\" access=\"read\">"));
}

DEFINE_TEST_MAIN();
