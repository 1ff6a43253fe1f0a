/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of the tests: rows for every call, of which a few do something. */
#include "bus/test-engine.h"

#include <stdio.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "basic/string-util.h"
#include "engine/calls.h"

typedef struct TestContainer {
        char *id;
        char *name;
        bool running;
        StringMap labels;
        Call *waiter;
        LIST_FIELDS(struct TestContainer, containers);
} TestContainer;

typedef struct TestImage {
        char *id;
        char **tags;
        LIST_FIELDS(struct TestImage, images);
} TestImage;

typedef struct TestPull {
        Call *call;
        LIST_FIELDS(struct TestPull, pulls);
} TestPull;

struct Engine {
        sd_event *event;
        sd_bus *bus;
        EventHub *hub;
        EngineConfig config;
        TestContainer *containers;
        TestImage *images;
        TestPull *pulls;
        unsigned n_containers, n_gone, next_id;
        uid_t last_uid;
        char *last_input;
};

typedef struct TestParams {
        char *id;
        char *name;
        char *image;
        char *signal;
        char *repo, *tag;
        char *from_image;
        char *h, *w;
        bool force, follow, is_stdout;
        int64_t t;
        StringMap labels;
} TestParams;

static const JsonField test_params_fields[] = {
        JSON_STRING(TestParams, id, "id", JSON_IN_PATH),
        JSON_STRING(TestParams, name, "name", JSON_IN_QUERY),
        JSON_STRING(TestParams, image, "Image", 0),
        JSON_STRING(TestParams, signal, "signal", JSON_IN_QUERY),
        JSON_STRING(TestParams, repo, "repo", JSON_IN_QUERY),
        JSON_STRING(TestParams, tag, "tag", JSON_IN_QUERY),
        JSON_STRING(TestParams, from_image, "fromImage", JSON_IN_QUERY),
        JSON_STRING(TestParams, h, "h", JSON_IN_QUERY),
        JSON_STRING(TestParams, w, "w", JSON_IN_QUERY),
        JSON_BOOL(TestParams, force, "force", JSON_IN_QUERY),
        JSON_BOOL(TestParams, follow, "follow", JSON_IN_QUERY),
        JSON_BOOL(TestParams, is_stdout, "stdout", JSON_IN_QUERY),
        JSON_INT64(TestParams, t, "t", JSON_IN_QUERY),
        JSON_STRING_MAP(TestParams, labels, "Labels", 0),
};
static JSON_TYPE(TestParams, test_params_fields);

typedef struct TestReply {
        char *id;
        char **warnings;
        int64_t status_code;
        uint64_t size;
        StringMap labels;
} TestReply;

static const JsonField test_reply_fields[] = {
        JSON_STRING(TestReply, id, "Id", 0),
        JSON_STRV(TestReply, warnings, "Warnings", 0),
        JSON_INT64(TestReply, status_code, "StatusCode", 0),
        JSON_UINT64(TestReply, size, "Size", 0),
        JSON_STRING_MAP(TestReply, labels, "Labels", JSON_NONNULL),
};
static JSON_TYPE(TestReply, test_reply_fields);

static TestContainer *find_container(Engine *e, const char *id) {
        LIST_FOREACH(containers, c, e->containers)
                if (id && (streq(c->id, id) || streq(c->name, id)))
                        return c;

        return NULL;
}

static int lookup(Engine *e, Call *call, TestContainer **ret) {
        TestParams *p = call->params;

        e->last_uid = call->caller.uid;
        *ret = find_container(e, p->id);
        if (!*ret)
                return error_setf(&call->error, ERROR_NOT_FOUND, "No such container: %s", strempty(p->id));
        return 0;
}

static void publish(Engine *e, TestContainer *c, const char *action) {
        StringMap attributes = {};

        assert(string_map_set(&attributes, "name", c->name) >= 0);
        event_hub_publish(e->hub, &(const EventDraft) {
                .type = "container",
                .action = action,
                .id = c->id,
                .attributes = &attributes,
        });
        string_map_done(&attributes);
}

static void container_free(TestContainer *c) {
        call_unref(c->waiter);
        free(c->id);
        free(c->name);
        string_map_done(&c->labels);
        free(c);
}

static int create_call(Engine *e, Call *call) {
        char *warnings[] = { (char *) "no limits here", NULL };
        TestParams *p = call->params;
        TestContainer *c;

        if (isempty(p->image))
                return error_setf(&call->error, ERROR_INVALID, "no command specified");
        if (find_container(e, p->name))
                return error_setf(&call->error, ERROR_CONFLICT, "Conflict. The name \"/%s\" is in use",
                                  p->name);

        c = new0(TestContainer, 1);
        assert(c);
        assert(asprintf_safe(&c->id, "%064u", ++e->next_id) >= 0);
        c->name = strdup(strempty(p->name));
        assert(c->name && string_map_copy(&c->labels, &p->labels) >= 0);
        LIST_APPEND(containers, e->containers, c);
        e->n_containers++;
        publish(e, c, "create");

        call_reply(call, &(const TestReply) { .id = c->id, .warnings = warnings });
        return 1;
}

static int start_call(Engine *e, Call *call) {
        TestContainer *c;
        int r;

        r = lookup(e, call, &c);
        if (r < 0)
                return r;
        if (c->running)
                return error_setf(&call->error, ERROR_NOT_MODIFIED, "already started");

        c->running = true;
        publish(e, c, "start");
        call_reply(call, NULL);
        return 1;
}

static int stop_call(Engine *e, Call *call) {
        TestContainer *c;
        int r;

        r = lookup(e, call, &c);
        if (r < 0)
                return r;

        c->running = false;
        publish(e, c, "die");
        if (c->waiter) {
                call_reply(c->waiter, &(const TestReply) { .status_code = 137 });
                c->waiter = call_unref(c->waiter);
        }
        call_reply(call, NULL);
        return 1;
}

static int kill_call(Engine *e, Call *call) {
        TestParams *p = call->params;
        TestContainer *c;
        int r;

        r = lookup(e, call, &c);
        if (r < 0)
                return r;
        if (!c->running)
                return error_setf(&call->error, ERROR_CONFLICT, "cannot kill container: %s: not running",
                                  strempty(p->signal));
        return stop_call(e, call);
}

static void on_gone(Call *call) {
        Engine *e = call->engine;

        e->n_gone++;
        LIST_FOREACH(containers, c, e->containers)
                if (c->waiter == call)
                        c->waiter = call_unref(c->waiter);
}

static int wait_call(Engine *e, Call *call) {
        TestContainer *c;
        int r;

        r = lookup(e, call, &c);
        if (r < 0)
                return r;

        call->on_gone = on_gone;
        call_unref(c->waiter);
        c->waiter = call_ref(call);
        call_promise(call);
        return 0;
}

static int remove_call(Engine *e, Call *call) {
        TestContainer *c;
        int r;

        r = lookup(e, call, &c);
        if (r < 0)
                return r;

        LIST_REMOVE(containers, e->containers, c);
        e->n_containers--;
        publish(e, c, "destroy");
        container_free(c);
        call_reply(call, NULL);
        return 1;
}

static int inspect_call(Engine *e, Call *call) {
        TestContainer *c;
        int r;

        r = lookup(e, call, &c);
        if (r < 0)
                return r;

        call_reply(call, &(const TestReply) { .id = c->id, .size = 1, .labels = c->labels });
        return 1;
}

static int list_call(Engine *e, Call *call) {
        TestReply items[16] = {};
        size_t n = 0;

        LIST_FOREACH(containers, c, e->containers)
                if (n < ELEMENTSOF(items))
                        items[n++] = (TestReply) { .id = c->id, .labels = c->labels };

        call_reply(call, &(const CallList) { .items = items, .n_items = n });
        return 1;
}

/* 4 MB of numbered lines, as fast as the client takes them; "follow" goes on for ever. */
#define TEST_LOG_LINES 250000U

static void log_go_on(Call *call) {
        TestParams *p = call->params;
        unsigned *next = call->data;

        for (;;) {
                char line[17];
                int r;

                if (*next >= TEST_LOG_LINES && !p->follow) {
                        call->on_drain = NULL;
                        call_stream_close(call, NULL);
                        call_unref(call);
                        return;
                }

                snprintf(line, sizeof(line), "%015u\n", (*next)++);
                r = call_stream_write(call, line, 16);
                if (r != 0)
                        return;
        }
}

static void log_on_gone(Call *call) {
        call->engine->n_gone++;
        call_unref(call);
}

static int logs_call(Engine *e, Call *call) {
        TestParams *p = call->params;
        TestContainer *c;
        int r;

        r = lookup(e, call, &c);
        if (r < 0)
                return r;
        if (!p->is_stdout)
                return error_setf(&call->error, ERROR_INVALID, "you must choose at least one stream");

        call->data = new0(unsigned, 1);
        assert(call->data);
        call->data_free = free;
        r = call_stream_open(call, CALL_STREAM_RAW);
        if (r < 0)
                return r;
        call->on_drain = log_go_on;
        call->on_gone = log_on_gone;
        call_ref(call);
        log_go_on(call);
        return 0;
}

static int on_echo(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Call *call = userdata;
        char buffer[4096];
        ssize_t n;

        n = read(fd, buffer, sizeof(buffer));
        if (n > 0) {
                assert(write_full(fd, buffer, (size_t) n) >= 0);
                return 0;
        }
        if (n < 0 && errno == EAGAIN)
                return 0;

        sd_event_source_disable_unref(s);
        call_hijack_end(call);
        call_unref(call);
        close(fd);
        return 0;
}

static void attach_on_hijack(Call *call, int fd, const void *early, size_t n_early) {
        sd_event_source *s;

        assert(fd >= 0);
        assert(sd_event_add_io(call->engine->event, &s, fd, 1 /* EPOLLIN */, on_echo, call) >= 0);
}

static int attach_call(Engine *e, Call *call) {
        TestContainer *c;
        int r;

        r = lookup(e, call, &c);
        if (r < 0)
                return r;

        return call_hijack(call, CALL_STREAM_MULTIPLEXED, attach_on_hijack, on_gone, &call->error);
}

static int load_call(Engine *e, Call *call) {
        static const char lines[] = "{\"status\":\"Loading\"}\r\n{\"stream\":\"Loaded image: x\"}\r\n";
        _cleanup_close_ int fd = call_take_input(call);
        _cleanup_error_ Error error = ERROR_NULL;

        if (fd < 0)
                return error_setf(&call->error, ERROR_INVALID, "no archive");

        e->last_input = mfree(e->last_input);
        assert(read_to_end(fd, 4096, &e->last_input, NULL) >= 0);
        assert(call_stream_open(call, CALL_STREAM_JSON) >= 0);
        assert(call_stream_write(call, lines, strlen(lines)) == 0);
        if (streq(e->last_input, "bad"))
                (void) error_setf(&error, ERROR_INTERNAL, "archive is damaged");
        call_stream_close(call, error_is_set(&error) ? &error : NULL);
        return 1;
}

static int tag_call(Engine *e, Call *call) {
        TestParams *p = call->params;

        if (!streq(p->name, "a") || !streq(p->repo, "b") || !streq(p->tag, "c"))
                return error_setf(&call->error, ERROR_INVALID, "%s %s %s", p->name, p->repo, p->tag);
        call_reply(call, NULL);
        return 1;
}

static int resize_call(Engine *e, Call *call) {
        TestParams *p = call->params;

        return error_setf(&call->error, ERROR_INVALID, "%s x %s", p->w, p->h);
}

/* --- images --- */

static const StringMap test_image_labels = {
        .items = &(StringPair) { (char *) "l", (char *) "v" },
        .n_items = 1,
};

static TestImage *find_image(Engine *e, const char *name) {
        LIST_FOREACH(images, i, e->images)
                if (name && (streq(i->id, name) || streq(i->id + strlen("sha256:"), name) ||
                             strv_contains(i->tags, name)))
                        return i;

        return NULL;
}

static void publish_image(Engine *e, const char *id, const char *action) {
        event_hub_publish(e->hub, &(const EventDraft) { .type = "image", .action = action, .id = id });
}

void test_engine_add_image(Engine *e, const char *id, const char *tag) {
        TestImage *i = find_image(e, id);

        LIST_FOREACH(images, other, e->images)
                if (tag)
                        strv_remove(other->tags, tag);
        if (!i) {
                i = new0(TestImage, 1);
                assert(i);
                i->id = strdup(id);
                i->tags = strv_new_empty();
                assert(i->id && i->tags);
                LIST_PREPEND(images, e->images, i);
        }
        if (!tag)
                return;
        assert(strv_extend(&i->tags, tag) >= 0);
        publish_image(e, id, "tag");
}

static void image_free(Engine *e, TestImage *i) {
        LIST_REMOVE(images, e->images, i);
        free(i->id);
        strv_free(i->tags);
        free(i);
}

void test_engine_remove_image(Engine *e, const char *id) {
        TestImage *i = find_image(e, id);

        assert(i);
        publish_image(e, id, "delete");
        image_free(e, i);
}

static int inspect_image_call(Engine *e, Call *call) {
        TestParams *p = call->params;
        TestImage *i = find_image(e, p->name);

        if (!i)
                return error_setf(&call->error, ERROR_NOT_FOUND, "No such image: %s", p->name);
        call_reply(call, &(const TestReply) { .id = i->id });
        return 1;
}

bool engine_image_view(Engine *e, const char *id, EngineImageView *ret) {
        TestImage *i = find_image(e, id);

        if (!i)
                return false;
        *ret = (EngineImageView) {
                .id = i->id,
                .architecture = "amd64",
                .os = "linux",
                .size = 77,
                .created = 1700000000 * NSEC_PER_SEC,
                .labels = &test_image_labels,
        };
        return true;
}

int engine_image_names(Engine *e, const char *id, char ***ret_tags, char ***ret_digests) {
        TestImage *i = find_image(e, id);

        if (!i)
                return -ENOENT;
        *ret_tags = strv_copy(i->tags);
        if (ret_digests)
                *ret_digests = strv_new_empty();
        return 0;
}

int engine_image_ids(Engine *e, char ***ret) {
        char **l = strv_new_empty();

        LIST_FOREACH(images, i, e->images)
                assert(strv_extend(&l, i->id) >= 0);
        *ret = l;
        return 0;
}

/* --- pull and push: they end when the test says so --- */

static void pull_end(Engine *e, TestPull *pull, const Error *error) {
        Call *call = pull->call;

        LIST_REMOVE(pulls, e->pulls, pull);
        free(pull);
        call->data = NULL;
        call->on_gone = NULL;
        if (call->state == CALL_STREAMING)
                call_stream_close(call, error);
        else if (error)
                call_fail(call, error);
        else {
                assert(call_stream_open(call, CALL_STREAM_JSON) >= 0);
                call_stream_close(call, NULL);
        }
        call_unref(call);
}

static void pull_progress(Call *call, const char *line) {
        if (call->state != CALL_STREAMING)
                assert(call_stream_open(call, CALL_STREAM_JSON) >= 0);
        assert(call_stream_write(call, line, strlen(line)) == 0);
        assert(call_stream_write(call, "\r\n", 2) == 0);
}

void test_engine_progress(Engine *e, const char *line) {
        LIST_FOREACH(pulls, pull, e->pulls)
                pull_progress(pull->call, line);
}

void test_engine_finish_pulls(Engine *e, const char *message) {
        _cleanup_error_ Error error = ERROR_NULL;

        if (message)
                (void) error_setf(&error, ERROR_NOT_FOUND, "%s", message);
        while (e->pulls)
                pull_end(e, e->pulls, message ? &error : NULL);
}

unsigned test_engine_n_pulls(Engine *e) {
        unsigned n = 0;

        LIST_FOREACH(pulls, pull, e->pulls)
                n++;
        return n;
}

static void pull_on_gone(Call *call) {
        TestPull *pull = call->data;
        Engine *e = call->engine;

        e->n_gone++;
        LIST_REMOVE(pulls, e->pulls, pull);
        call->data = mfree(pull);
        call_unref(call);
}

/* By name: "bad" is refused, "early" has progress and "now" has ended before the function returns. */
static int transfer_call(Engine *e, Call *call) {
        TestParams *p = call->params;
        const char *name = p->from_image ?: p->name;
        TestPull *pull;

        e->last_uid = call->caller.uid;
        if (streq(name, "bad"))
                return error_setf(&call->error, ERROR_INVALID, "invalid reference format");
        if (streq(name, "early") || streq(name, "now"))
                pull_progress(call,
                              "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":4},"
                              "\"id\":\"aaa\"}");
        if (streq(name, "now")) {
                call_stream_close(call, NULL);
                return 1;
        }

        pull = new0(TestPull, 1);
        assert(pull);
        pull->call = call_ref(call);
        call->data = pull;
        call->on_gone = pull_on_gone;
        LIST_PREPEND(pulls, e->pulls, pull);
        return 0;
}

static int ping_call(Engine *e, Call *call) {
        e->last_uid = call->caller.uid;
        call_reply(call, &(const TestReply) {});
        return 1;
}

static int refuse_call(Engine *e, Call *call) {
        return error_setf(&call->error, ERROR_NOT_IMPLEMENTED, "%s is not implemented", call->row->name);
}

#define ROW(symbol, row_action, row_flags, row_function, ...)                                           \
        const EngineCall engine_call_##symbol = {                                                       \
                .name = #symbol, .params = &TestParams_json, .action = row_action, .flags = row_flags,  \
                .function = row_function, .doc = "A test.", ##__VA_ARGS__                               \
        }

ROW(system_ping, NULL, CALL_PUBLIC, ping_call, .reply = &TestReply_json);
ROW(system_version, "system-version", 0, refuse_call);
ROW(system_info, "system-info", 0, refuse_call);
ROW(system_disk_usage, "system-disk-usage", 0, refuse_call);
ROW(system_events, "system-events", CALL_STREAM, refuse_call);
ROW(container_list, "container-list", 0, list_call, .reply = &TestReply_json, .reply_is_list = true);
ROW(container_create, "container-create", CALL_MUTATES, create_call, .reply = &TestReply_json);
ROW(container_inspect, "container-inspect", 0, inspect_call, .reply = &TestReply_json);
ROW(container_top, "container-top", 0, refuse_call);
ROW(container_logs, "container-logs", CALL_STREAM, logs_call);
ROW(container_resize, "container-resize", CALL_MUTATES, resize_call);
ROW(container_start, "container-start", CALL_MUTATES, start_call);
ROW(container_stop, "container-stop", CALL_MUTATES, stop_call);
ROW(container_restart, "container-restart", CALL_MUTATES, refuse_call);
ROW(container_kill, "container-kill", CALL_MUTATES, kill_call);
ROW(container_stats, "container-stats", CALL_STREAM, refuse_call);
ROW(container_update, "container-update", CALL_MUTATES, refuse_call, .reply = &TestReply_json);
ROW(container_pause, "container-pause", CALL_MUTATES, refuse_call);
ROW(container_unpause, "container-pause", CALL_MUTATES, refuse_call);
ROW(container_rename, "container-rename", CALL_MUTATES, refuse_call);
ROW(container_attach, "container-attach", CALL_HIJACK, attach_call);
ROW(container_wait, "container-wait", 0, wait_call, .reply = &TestReply_json);
ROW(volume_create, "volume-create", CALL_MUTATES, refuse_call, .reply = &TestReply_json);
ROW(volume_inspect, "volume-inspect", 0, refuse_call, .reply = &TestReply_json);
ROW(volume_remove, "volume-remove", CALL_MUTATES, refuse_call);
ROW(volume_prune, "volume-prune", CALL_MUTATES, refuse_call, .reply = &TestReply_json);
ROW(network_create, "network-create", CALL_MUTATES, refuse_call, .reply = &TestReply_json);
ROW(network_remove, "network-remove", CALL_MUTATES, refuse_call);
ROW(network_connect, "network-connect", CALL_MUTATES, refuse_call);
ROW(network_disconnect, "network-disconnect", CALL_MUTATES, refuse_call);
ROW(network_prune, "network-prune", CALL_MUTATES, refuse_call, .reply = &TestReply_json);
ROW(build_prune, "build-prune", CALL_MUTATES, refuse_call, .reply = &TestReply_json);
ROW(container_stat_path, "container-stat-path", 0, refuse_call, .reply = &TestReply_json);
ROW(container_archive, "container-archive", CALL_STREAM, refuse_call);
ROW(container_extract, "container-extract", CALL_MUTATES | CALL_INPUT, refuse_call);
ROW(exec_create, "exec-create", CALL_MUTATES, refuse_call, .reply = &TestReply_json);
ROW(exec_start, "exec-start", CALL_MUTATES | CALL_HIJACK, refuse_call);
ROW(exec_resize, "exec-resize", CALL_MUTATES, refuse_call);
ROW(exec_inspect, "exec-inspect", 0, refuse_call, .reply = &TestReply_json);
ROW(container_remove, "container-remove", CALL_MUTATES, remove_call);
ROW(container_prune, "container-prune", CALL_MUTATES, refuse_call);
ROW(container_export, "container-export", CALL_STREAM, refuse_call);
ROW(container_changes, "container-changes", CALL_STREAM, refuse_call);
ROW(container_commit, "container-commit", CALL_MUTATES, refuse_call, .reply = &TestReply_json);
ROW(image_list, "image-list", 0, refuse_call);
ROW(image_inspect, "image-inspect", 0, inspect_image_call, .reply = &TestReply_json);
ROW(image_history, "image-history", 0, refuse_call);
ROW(image_create, "image-create", CALL_MUTATES | CALL_STREAM, transfer_call);
ROW(image_load, "image-load", CALL_MUTATES | CALL_INPUT | CALL_STREAM, load_call);
ROW(image_save, "image-save", CALL_STREAM, refuse_call);
ROW(image_push, "image-push", CALL_MUTATES | CALL_STREAM, transfer_call);
ROW(image_tag, "image-tag", CALL_MUTATES, tag_call);
ROW(image_remove, "image-remove", CALL_MUTATES, refuse_call);
ROW(image_prune, "image-prune", CALL_MUTATES, refuse_call, .reply = &TestReply_json);
ROW(registry_login, "registry-login", 0, refuse_call);
ROW(registry_inspect, "registry-inspect", 0, refuse_call);
ROW(registry_search, "registry-search", 0, refuse_call);
ROW(network_list, "network-list", 0, refuse_call);
ROW(network_inspect, "network-inspect", 0, refuse_call);
ROW(volume_list, "volume-list", 0, refuse_call);

const EngineCall *const engine_calls[] = {
        &engine_call_system_ping,
        &engine_call_system_version,
        &engine_call_system_info,
        &engine_call_system_disk_usage,
        &engine_call_system_events,
        &engine_call_container_list,
        &engine_call_container_create,
        &engine_call_container_inspect,
        &engine_call_container_top,
        &engine_call_container_logs,
        &engine_call_container_resize,
        &engine_call_container_stat_path,
        &engine_call_container_archive,
        &engine_call_container_extract,
        &engine_call_exec_create,
        &engine_call_build_prune,
        &engine_call_network_create,
        &engine_call_network_remove,
        &engine_call_network_connect,
        &engine_call_network_disconnect,
        &engine_call_network_prune,
        &engine_call_volume_create,
        &engine_call_volume_inspect,
        &engine_call_volume_remove,
        &engine_call_volume_prune,
        &engine_call_exec_start,
        &engine_call_exec_resize,
        &engine_call_exec_inspect,
        &engine_call_container_stats,
        &engine_call_container_update,
        &engine_call_container_pause,
        &engine_call_container_unpause,
        &engine_call_container_start,
        &engine_call_container_stop,
        &engine_call_container_restart,
        &engine_call_container_kill,
        &engine_call_container_rename,
        &engine_call_container_attach,
        &engine_call_container_wait,
        &engine_call_container_remove,
        &engine_call_container_prune,
        &engine_call_container_export,
        &engine_call_container_changes,
        &engine_call_container_commit,
        &engine_call_image_list,
        &engine_call_image_inspect,
        &engine_call_image_history,
        &engine_call_image_create,
        &engine_call_image_load,
        &engine_call_image_save,
        &engine_call_image_push,
        &engine_call_image_tag,
        &engine_call_image_remove,
        &engine_call_image_prune,
        &engine_call_registry_login,
        &engine_call_registry_inspect,
        &engine_call_registry_search,
        &engine_call_network_list,
        &engine_call_network_inspect,
        &engine_call_volume_list,
        NULL,
};

Engine *test_engine_new(sd_event *event) {
        Engine *e = new0(Engine, 1);

        assert(e);
        e->event = event;
        e->hub = event_hub_new();
        assert(e->hub);
        e->config.data_root = (char *) "/data";
        e->config.exec_root = (char *) "/exec";
        e->config.min_api_version = (char *) "1.24";
        return e;
}

Engine *engine_free(Engine *e) {
        while (e->containers) {
                TestContainer *c = e->containers;

                LIST_REMOVE(containers, e->containers, c);
                container_free(c);
        }
        while (e->images)
                image_free(e, e->images);
        event_hub_free(e->hub);
        free(e->last_input);
        return mfree(e);
}

sd_event *engine_event(Engine *e) {
        return e->event;
}

const EngineConfig *engine_config(Engine *e) {
        return &e->config;
}

EventHub *engine_events(Engine *e) {
        return e->hub;
}

void engine_set_bus(Engine *e, sd_bus *bus) {
        e->bus = bus;
}

sd_bus *engine_bus(Engine *e) {
        return e->bus;
}

const StartupPhase *engine_phases(Engine *e, size_t *ret_n) {
        static const StartupPhase phases[] = {
                { "config", (char *) "done", 1500 },
                { "cluster", (char *) "no cluster configured", 3 },
        };

        *ret_n = ELEMENTSOF(phases);
        return phases;
}

void engine_counts(Engine *e, EngineCounts *ret) {
        *ret = (EngineCounts) { .containers = e->n_containers };
        LIST_FOREACH(images, i, e->images)
                ret->images++;
        LIST_FOREACH(containers, c, e->containers)
                if (c->running)
                        ret->running++;
                else
                        ret->stopped++;
}

bool engine_container_view(Engine *e, const char *id, EngineContainerView *ret) {
        TestContainer *c = find_container(e, id);

        if (!c)
                return false;

        *ret = (EngineContainerView) {
                .id = c->id,
                .name = c->name,
                .image = "busybox",
                .state = c->running ? "running" : "exited",
                .health = c->running ? "starting" : "",
                .pid = c->running ? 42 : 0,
                .exit_code = c->running ? 0 : 137,
                .created = 1700000000 * NSEC_PER_SEC,
                .labels = &c->labels,
        };
        return true;
}

int engine_container_ids(Engine *e, char ***ret) {
        char **l = strv_new_empty();

        LIST_FOREACH(containers, c, e->containers)
                assert(strv_extend(&l, c->id) >= 0);
        *ret = l;
        return 0;
}

unsigned test_engine_n_gone(Engine *e) {
        return e->n_gone;
}

uid_t test_engine_last_uid(Engine *e) {
        return e->last_uid;
}

const char *test_engine_last_input(Engine *e) {
        return e->last_input;
}

size_t test_engine_n_containers(Engine *e) {
        return e->n_containers;
}
