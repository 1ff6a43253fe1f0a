/* SPDX-License-Identifier: Apache-2.0 */
/* org.dockerd1.Operation: a call that takes long, as an object with its progress. The method that began it
 * is answered with the path once the call is authorised and on its way; from then on the object is the face
 * of the call. It goes on when its client leaves, and is shown for a while after its end. */
#include <stdio.h>

#include "api/image.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"
#include "json/json-text.h"

#define TIMER_ACCURACY_USEC (10U * USEC_PER_MSEC)

/* --- properties --- */

static const char *const state_table[] = {
        [BUS_OPERATION_RUNNING] = "running",
        [BUS_OPERATION_DONE] = "done",
        [BUS_OPERATION_FAILED] = "failed",
        [BUS_OPERATION_CANCELLED] = "cancelled",
};

static int get_type(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const BusOperation *o = userdata;

        return sd_bus_message_append(reply, "s", o->row->operation);
}

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const BusOperation *o = userdata;

        return sd_bus_message_append(reply, "s", state_table[o->state]);
}

static int get_steps(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const BusOperation *o = userdata;
        int r;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(sstt)");
        if (r < 0)
                return r;

        for (size_t i = 0; i < o->n_steps; i++) {
                const BusStep *s = o->steps + i;

                r = sd_bus_message_append(reply, "(sstt)", s->id, s->status, s->current, s->total);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(reply);
}

static int cancel_handler(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable operation_extra[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Cancel", "", "", cancel_handler, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Type", "s", get_type, 0, CONST),
        SD_BUS_PROPERTY("Reference", "s", NULL, offsetof(BusOperation, reference), CONST),
        SD_BUS_PROPERTY("State", "s", get_state, 0, CHANGES),
        SD_BUS_PROPERTY("Error", "s", NULL, offsetof(BusOperation, error), CHANGES),
        SD_BUS_PROPERTY("ErrorName", "s", NULL, offsetof(BusOperation, error_name), CHANGES),
        SD_BUS_PROPERTY("Current", "t", NULL, offsetof(BusOperation, current), CHANGES),
        SD_BUS_PROPERTY("Total", "t", NULL, offsetof(BusOperation, total), CHANGES),
        SD_BUS_PROPERTY("Progress", "d", NULL, offsetof(BusOperation, progress), CHANGES),
        SD_BUS_PROPERTY("Steps", "a(sstt)", get_steps, 0, CHANGES),
        SD_BUS_PROPERTY("Status", "s", NULL, offsetof(BusOperation, status), CHANGES),
        SD_BUS_PROPERTY("Result", "s", NULL, offsetof(BusOperation, result), CHANGES),
        SD_BUS_SIGNAL_WITH_NAMES("Message", "s", SD_BUS_PARAM(json), 0),
        SD_BUS_SIGNAL_WITH_NAMES("Finished", "ss", SD_BUS_PARAM(state) SD_BUS_PARAM(error), 0),
        SD_BUS_VTABLE_END,
};

const BusInterface bus_operation_interface = {
        .name = BUS_OPERATION_INTERFACE,
        .extra = operation_extra,
        .read_call = &engine_call_image_list,
};

/* Bits of BusOperation.changed. */
typedef enum Changed {
        CHANGED_STATE = 1 << 0,
        CHANGED_ERROR = 1 << 1,
        CHANGED_PROGRESS = 1 << 2,
        CHANGED_STEPS = 1 << 3,
        CHANGED_STATUS = 1 << 4,
        CHANGED_RESULT = 1 << 5,
} Changed;

static const BusChange changed_table[] = {
        { CHANGED_STATE,    "State"     },
        { CHANGED_ERROR,    "Error"     },
        { CHANGED_ERROR,    "ErrorName" },
        { CHANGED_PROGRESS, "Current"   },
        { CHANGED_PROGRESS, "Total"     },
        { CHANGED_PROGRESS, "Progress"  },
        { CHANGED_STEPS,    "Steps"     },
        { CHANGED_STATUS,   "Status"    },
        { CHANGED_RESULT,   "Result"    },
};

/* --- signals --- */

static void emit_changes(BusOperation *o) {
        bus_target_emit_changes(&o->target, changed_table, ELEMENTSOF(changed_table), o->changed);
        o->changed = 0;
        o->signalled = now_usec(CLOCK_MONOTONIC);
}

static void operation_remove(BusOperation *o) {
        bus_target_emit_removed(&o->target);
        bus_operation_free(o);
}

/* While the call runs: the next signal. After its end: the end of the object. */
static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        BusOperation *o = ASSERT_PTR(userdata);

        if (o->call)
                emit_changes(o);
        else
                operation_remove(o);
        return 0;
}

static void set_timer(BusOperation *o, usec_t usec) {
        (void) sd_event_source_set_time(o->timer, usec);
        (void) sd_event_source_set_enabled(o->timer, SD_EVENT_ONESHOT);
}

/* The first change is told at once, later ones together. */
static void note_changes(BusOperation *o, unsigned changed) {
        if (o->changed == 0 && changed != 0)
                set_timer(o, o->signalled + BUS_OPERATION_SIGNAL_USEC);
        o->changed |= changed;
}

static void emit_strings(const BusOperation *o, const char *signal, const char *a, const char *b) {
        sd_bus *bus = bus_face_ready(o->target.face);

        if (bus)
                (void) sd_bus_emit_signal(bus, o->target.path, BUS_OPERATION_INTERFACE, signal,
                                          b ? "ss" : "s", a, b);
}

/* --- progress --- */

/* Words after which nothing of a layer is left to send or receive. */
static const char *const complete_table[] = {
        "Already exists", "Download complete", "Pull complete", "Layer already exists", "Pushed",
        "Mounted from ",
};

static bool is_complete(const char *status) {
        for (size_t i = 0; i < ELEMENTSOF(complete_table); i++)
                if (startswith(status, complete_table[i]))
                        return true;
        return false;
}

static BusStep *get_step(BusOperation *o, const char *id) {
        BusStep *steps;

        for (size_t i = 0; i < o->n_steps; i++)
                if (streq(o->steps[i].id, id))
                        return o->steps + i;

        if (o->n_steps >= BUS_OPERATION_STEPS_MAX)
                return NULL;
        steps = reallocarray(o->steps, o->n_steps + 1, sizeof(BusStep));
        if (!steps)
                return NULL;
        o->steps = steps;
        steps[o->n_steps] = (BusStep) { .id = strdup(id), .status = strdup("") };
        if (!steps[o->n_steps].id || !steps[o->n_steps].status) {
                free(steps[o->n_steps].id);
                free(steps[o->n_steps].status);
                return NULL;
        }
        return steps + o->n_steps++;
}

/* A layer is unpacked after it came: its bytes count once. */
static void update_step(BusStep *s, const char *status, const ProgressDetail *d) {
        (void) free_and_strdup(&s->status, status);
        if (d->total > 0) {
                s->total = (uint64_t) d->total;
                if (d->current > 0 && (uint64_t) d->current > s->current)
                        s->current = (uint64_t) d->current;
        }
        s->complete = s->complete || is_complete(status);
        if (s->complete || s->current > s->total)
                s->current = s->total;
}

/* A layer whose size is not known yet counts as much as those whose size is. */
static void sum_up(BusOperation *o) {
        uint64_t current = 0, total = 0;
        double done = 0, all = 0, mean;
        size_t n_known = 0;

        for (size_t i = 0; i < o->n_steps; i++) {
                current += o->steps[i].current;
                total += o->steps[i].total;
                n_known += o->steps[i].total > 0;
        }
        mean = n_known > 0 ? (double) total / (double) n_known : 1;
        for (size_t i = 0; i < o->n_steps; i++) {
                const BusStep *s = o->steps + i;
                double weight = s->total > 0 ? (double) s->total : mean;

                all += weight;
                done += s->complete ? weight : (double) s->current;
        }

        o->current = current;
        o->total = total;
        if (all > 0 && done / all > o->progress)
                o->progress = done / all;       /* never back */
}

/* As the docker CLI prints it. */
static void set_status(BusOperation *o, const ProgressMessage *m) {
        _cleanup_free_ char *text = isempty(m->id) ? strdup(m->status) : strjoin(m->id, ": ", m->status);

        if (!text)
                return;
        free(o->status);
        o->status = TAKE_PTR(text);
        note_changes(o, CHANGED_STATUS);
}

static void set_result(BusOperation *o, const ProgressMessage *m) {
        const char *digest = m->aux ? m->aux->digest : m->status ? startswith(m->status, "Digest: ") : NULL;

        if (!isempty(digest) && free_and_strdup(&o->result, digest) >= 0)
                note_changes(o, CHANGED_RESULT);
}

static void take_message(BusOperation *o, const ProgressMessage *m) {
        set_result(o, m);
        if (isempty(m->status))
                return;

        set_status(o, m);
        /* "latest: Pulling from ..." has an id, too, but is of no layer. */
        if (!isempty(m->id) && m->progress_detail) {
                BusStep *s = get_step(o, m->id);

                if (!s)
                        return;
                update_step(s, m->status, m->progress_detail);
                sum_up(o);
                note_changes(o, CHANGED_STEPS | CHANGED_PROGRESS);
        }
}

static void take_line(BusOperation *o, const char *line, size_t size) {
        _cleanup_(ProgressMessage_donep) ProgressMessage m = {};
        _cleanup_free_ char *text = NULL;

        while (size > 0 && IN_SET(line[size - 1], '\r', '\n'))
                size--;
        if (size == 0)
                return;
        text = memdup_suffix0(line, size);
        if (!text)
                return;

        emit_strings(o, "Message", text, NULL);
        if (json_decode_text(&ProgressMessage_json, text, size, API_VERSION_MAX, &m, NULL) >= 0)
                take_message(o, &m);
}

void bus_operation_feed(BusOperation *o, const void *data, size_t size) {
        const char *end;

        if (o->lines.size + size > BUS_COLLECT_MAX || buffer_append(&o->lines, data, size) < 0) {
                buffer_done(&o->lines);
                return;
        }

        while (o->lines.size > 0 && (end = memchr(o->lines.data, '\n', o->lines.size))) {
                size_t n = (size_t) (end - o->lines.data) + 1;

                take_line(o, o->lines.data, n);
                buffer_consume(&o->lines, n);
        }
}

/* --- the end --- */

static void drop_call(BusOperation *o) {
        if (!o->call)
                return;

        o->call->face_data = NULL;
        o->call = call_unref(o->call);
}

static void operation_end(BusOperation *o, BusOperationState state, const char *name, const char *reason) {
        drop_call(o);
        o->state = state;
        if (free_and_strdup(&o->error, reason) < 0 || free_and_strdup(&o->error_name, name) < 0)
                log_oom();
        if (state == BUS_OPERATION_DONE)
                o->progress = 1;
        o->changed |= CHANGED_STATE | CHANGED_ERROR | CHANGED_PROGRESS;
        emit_changes(o);
        emit_strings(o, "Finished", state_table[state], reason);

        set_timer(o, o->signalled + o->target.face->operation_keep);
}

void bus_operation_end(BusOperation *o, const Error *error) {
        sd_bus_error e = SD_BUS_ERROR_NULL;

        if (error_is_set(error)) {
                (void) bus_error_set(&e, error);
                operation_end(o, BUS_OPERATION_FAILED, e.name, error_message(error));
                sd_bus_error_free(&e);
        } else
                operation_end(o, BUS_OPERATION_DONE, "", "");
}

void bus_operation_cancel(BusOperation *o, const char *reason) {
        if (!o->call)
                return;

        call_abandon(o->call);
        operation_end(o, BUS_OPERATION_CANCELLED, "", reason);
}

static void on_cancel_allowed(BusGuard *g) {
        BusOperation *o = hashmap_get(g->face->operations, sd_bus_message_get_path(g->message));
        _cleanup_error_ Error error = ERROR_NULL;

        if (!o)
                (void) error_setf(&error, ERROR_NOT_FOUND, "there is no such operation any more");
        else if (!o->call)
                (void) error_setf(&error, ERROR_NOT_MODIFIED, "the operation has ended already");

        if (error_is_set(&error))
                (void) bus_reply_error(g->message, &error);
        else {
                bus_operation_cancel(o, "cancelled on request");
                (void) sd_bus_reply_method_return(g->message, "");
        }
        bus_guard_free(g);
}

static int cancel_handler(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        BusOperation *o = ASSERT_PTR(userdata);

        return bus_guard_message(o->target.face, m, o->row->call->action, o->uid, on_cancel_allowed,
                                 ret_error);
}

void bus_operations_forget_client(BusClient *c) {
        BusOperation *o;

        HASHMAP_FOREACH(o, c->face->operations) {
                if (o->client != c)
                        continue;
                o->client = NULL;
                if (o->cancel_on_disconnect)
                        bus_operation_cancel(o, "the client has left the bus");
        }
}

/* --- the face of the call --- */

static void face_reply(Call *call, const void *reply) {
        bus_operation_end(ASSERT_PTR(call->face_data), NULL);
}

static void face_fail(Call *call, const Error *error) {
        bus_operation_end(ASSERT_PTR(call->face_data), error);
}

static void face_promise(Call *call) {
        /* The method was answered already. */
}

static int face_stream_open(Call *call, CallStreamKind kind) {
        return kind == CALL_STREAM_JSON ? 0 : -EOPNOTSUPP;
}

static int face_stream_write(Call *call, const void *data, size_t size) {
        bus_operation_feed(ASSERT_PTR(call->face_data), data, size);
        return 0;
}

static int face_hijack(Call *call, const CallHijackInfo *info) {
        return -EOPNOTSUPP;
}

static void face_hijack_end(Call *call) {
        bus_operation_end(ASSERT_PTR(call->face_data), &call->error);
}

static int face_take_input(Call *call) {
        return -ENODATA;
}

static const CallFace operation_face = {
        .name = "bus-operation",
        .reply = face_reply,
        .fail = face_fail,
        .promise = face_promise,
        .stream_open = face_stream_open,
        .stream_write = face_stream_write,
        .stream_close = face_fail,
        .hijack = face_hijack,
        .hijack_end = face_hijack_end,
        .take_input = face_take_input,
};

/* --- birth --- */

/* Of whom operations are counted. */
typedef enum Scope {
        SCOPE_CLIENT,
        SCOPE_USER,
        SCOPE_ALL,
        _SCOPE_MAX,
} Scope;

static const struct {
        unsigned max;
        const char *whose;
} limit_table[] = {
        [SCOPE_CLIENT] = { BUS_CLIENT_OPERATIONS_MAX, " of one client" },
        [SCOPE_USER] = { BUS_USER_OPERATIONS_MAX, " of one user" },
        [SCOPE_ALL] = { BUS_OPERATIONS_MAX, "" },
};

static bool in_scope(const BusOperation *o, const BusClient *c, Scope scope) {
        return scope == SCOPE_ALL || (scope == SCOPE_USER ? o->uid == c->sender.uid : o->client == c);
}

/* One more takes the place of the oldest that has ended, where there are too many. */
static int check_scope(BusClient *c, Scope scope, bool make_room, Error *reterr) {
        BusOperation *o, *oldest = NULL;
        unsigned n = 0;

        HASHMAP_FOREACH(o, c->face->operations) {
                if (!in_scope(o, c, scope))
                        continue;
                n++;
                if (!o->call && (!oldest || o->number < oldest->number))
                        oldest = o;
        }

        if (n < limit_table[scope].max)
                return 0;
        if (!oldest)
                return error_setf(reterr, ERROR_UNAVAILABLE, "more than %u operations%s are in progress",
                                  limit_table[scope].max, limit_table[scope].whose);
        if (make_room)
                operation_remove(oldest);
        return 0;
}

static int check_limits(BusClient *c, bool make_room, Error *reterr) {
        int r = 0;

        for (Scope scope = 0; scope < _SCOPE_MAX && r >= 0; scope++)
                r = check_scope(c, scope, make_room, reterr);
        return r;
}

int bus_operation_check_limits(BusClient *c, Error *reterr) {
        return check_limits(c, /* make_room= */ false, reterr);
}

/* The first argument of the method, with the tag where that is one of its own. */
static int make_reference(const BusRow *row, const void *params, char **ret) {
        char name[BUS_WORD_MAX], field[BUS_WORD_MAX];
        _cleanup_(json_value_unrefp) JsonValue *object = NULL;
        const char *names = row->in_names, *reference, *tag;
        const JsonValue *v;
        char *s;

        object = json_encode(row->call->params, params, API_VERSION_MAX);
        if (!object)
                return -ENOMEM;

        bus_names_next(&names, name, field);
        v = json_value_get(object, field);
        reference = strempty(v ? json_value_string(v) : NULL);
        v = json_value_get(object, "tag");
        tag = strempty(v ? json_value_string(v) : NULL);
        s = isempty(tag) ? strdup(reference) : strjoin(reference, strchr(tag, ':') ? "@" : ":", tag);
        if (!s)
                return -ENOMEM;

        *ret = s;
        return 0;
}

static int operation_fill(BusOperation *o, const BusCall *bc) {
        BusFace *f = o->target.face;
        int r;

        o->error = strdup("");
        o->error_name = strdup("");
        o->status = strdup("");
        o->result = strdup("");
        if (!o->error || !o->error_name || !o->status || !o->result)
                return -ENOMEM;
        r = make_reference(bc->row, bc->call->params, &o->reference);
        if (r < 0)
                return r;

        o->number = ++f->last_operation;
        r = asprintf_safe(&o->target.path, BUS_OPERATION_PREFIX "/%" PRIu64, o->number);
        if (r < 0)
                return r;
        r = sd_event_add_time(engine_event(f->engine), &o->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC,
                              on_timer, o);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(o->timer, "bus-operation");
        r = sd_event_source_set_enabled(o->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        return hashmap_put(f->operations, o->target.path, o);
}

int bus_operation_new_consume(BusCall *bc, BusOperation **ret, Error *reterr) {
        BusOperation *o;
        int r;

        r = check_limits(bc->client, /* make_room= */ true, reterr);
        if (r < 0)
                return r;

        o = new(BusOperation, 1);
        if (!o)
                return error_fill(reterr, -ENOMEM);
        *o = (BusOperation) {
                .target = { .face = bc->face, .interface = &bus_operation_interface },
                .client = bc->client,
                .uid = bc->client->sender.uid,
                .row = bc->row,
                .cancel_on_disconnect = bc->cancel_on_disconnect,
        };
        r = operation_fill(o, bc);
        if (r < 0) {
                bus_operation_free(o);
                return error_fill(reterr, r);
        }

        o->call = TAKE_PTR(bc->call);
        o->call->face = &operation_face;
        o->call->face_data = o;
        bus_target_emit_added(&o->target);
        *ret = o;
        return 0;
}

BusOperation *bus_operation_free(BusOperation *o) {
        if (!o)
                return NULL;

        if (o->target.path && hashmap_get(o->target.face->operations, o->target.path) == o)
                (void) hashmap_remove(o->target.face->operations, o->target.path);
        if (o->call)
                call_abandon(o->call);
        drop_call(o);

        sd_event_source_disable_unref(o->timer);
        for (size_t i = 0; i < o->n_steps; i++) {
                free(o->steps[i].id);
                free(o->steps[i].status);
        }
        free(o->steps);
        buffer_done(&o->lines);
        free(o->reference);
        free(o->error);
        free(o->error_name);
        free(o->status);
        free(o->result);
        bus_target_done(&o->target);
        return mfree(o);
}

int bus_operation_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret,
                       sd_bus_error *ret_error) {
        BusFace *f = ASSERT_PTR(userdata);

        *ret = hashmap_get(f->operations, path);
        return *ret != NULL;
}

int bus_operation_enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
                            sd_bus_error *ret_error) {
        BusFace *f = ASSERT_PTR(userdata);

        return bus_targets_enumerate(f->operations, ret);
}
