/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event-hub.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "basic/log.h"

struct EventHub {
        Event ring[EVENT_RING_SIZE];
        size_t next;            /* slot the next event takes; the ring is full once it holds an event */
        EventSubscriber *subscribers;
        size_t n_subscribers;
        EventSubscriber *iterating;     /* next one to be told, so that handlers may unsubscribe anybody */
};

static void event_done(Event *e) {
        free(e->status);
        free(e->id);
        free(e->from);
        free(e->type);
        free(e->action);
        free(e->actor.id);
        free(e->scope);
        string_map_done(&e->actor.attributes);
        *e = (Event) {};
}

EventHub *event_hub_new(void) {
        return new0(EventHub, 1);
}

EventHub *event_hub_free(EventHub *h) {
        if (!h)
                return NULL;
        for (size_t i = 0; i < EVENT_RING_SIZE; i++)
                event_done(h->ring + i);
        free(h);
        return NULL;
}

/* The legacy fields exist for containers and images only (status, id; from = the image). */
static int fill_event(Event *e, const EventDraft *d) {
        bool legacy = streq(d->type, "container") || streq(d->type, "image");
        const char *image = d->attributes ? string_map_get(d->attributes, "image") : NULL;

        *e = (Event) {
                .type = strdup(d->type),
                .action = strdup(d->action),
                .actor.id = strdup(strempty(d->id)),
                .scope = strdup("local"),
                .time = now_nsec(),
        };
        if (!e->type || !e->action || !e->actor.id || !e->scope)
                return -ENOMEM;
        if (d->attributes && string_map_copy(&e->actor.attributes, d->attributes) < 0)
                return -ENOMEM;
        if (!legacy)
                return 0;
        e->status = strdup(d->action);
        e->id = strdup(strempty(d->id));
        if (!e->status || !e->id)
                return -ENOMEM;
        if (image && streq(d->type, "container")) {
                e->from = strdup(image);
                if (!e->from)
                        return -ENOMEM;
        }
        return 0;
}

static const struct {
        const char *type;
        const char *id_field, *name_field;
} journal_ids[] = {
        { "container", "CONTAINER_ID", "CONTAINER_NAME" },
        { "image",     "IMAGE_ID",     "IMAGE"          },
        { "network",   "NETWORK_ID",   "NETWORK_NAME"   },
        { "volume",    "VOLUME_NAME",  "VOLUME_NAME"    },
        { "daemon",    "DAEMON_ID",    "DAEMON_NAME"    },
};

/* Attributes of containers that are fields, of which event (NULL = any; of another one it is a label, which
 * says what an image likes), and the words before them in the message (NULL = not there). */
static const struct {
        const char *attribute, *action, *field, *words;
} journal_attributes[] = {
        { "image",    NULL,   "IMAGE",     NULL           },
        { "signal",   "kill", "SIGNAL",    ", signal "    },
        { "exitCode", "die",  "EXIT_CODE", ", exit code " },
        { "exitCode", "exec_die", "EXIT_CODE", ", exit code " },
        { "execID",   "exec_die", "EXEC_ID",   NULL           },
};

static int add_ids(const Event *e, char ***fields) {
        const char *name = string_map_get(&e->actor.attributes, "name");
        int r = 0;

        FOREACH_ELEMENT(i, journal_ids)
                if (streq(i->type, e->type)) {
                        r = strv_extendf(fields, "%s=%s", i->id_field, e->actor.id);
                        if (r >= 0 && name)
                                r = strv_extendf(fields, "%s=%s", i->name_field, name);
                }
        return r;
}

static int add_container_fields(const Event *e, char ***fields, Buffer *text) {
        int r;

        /* For "journalctl -u" and "systemctl status" of the container's unit. */
        r = strv_extendf(fields, "OBJECT_SYSTEMD_UNIT=docker-%s.service", e->actor.id);
        FOREACH_ELEMENT(a, journal_attributes) {
                const char *value = string_map_get(&e->actor.attributes, a->attribute);

                if (!value || (a->action && !streq(a->action, e->action)))
                        continue;
                if (r >= 0)
                        r = strv_extendf(fields, "%s=%s", a->field, value);
                if (r >= 0 && a->words)
                        r = buffer_appendf(text, "%s%s", a->words, value);
        }
        return r;
}

/* One structured entry: CONTAINER_ID=, CONTAINER_NAME=, IMAGE=, EXIT_CODE=, ... */
static int journal_entry(const Event *e, const char *message_id) {
        _cleanup_strv_free_ char **fields = NULL;
        _cleanup_buffer_ Buffer text = {};
        const char *name = string_map_get(&e->actor.attributes, "name");
        int r;

        r = strv_extendf(&fields, "MESSAGE_ID=%s", message_id);
        if (r >= 0)
                r = add_ids(e, &fields);
        if (r >= 0 && streq(e->type, "container"))
                r = add_container_fields(e, &fields, &text);
        if (r >= 0)
                r = strv_extendf(&fields, "EVENT=%s", e->action);
        if (r < 0)
                return r;
        log_struct(LOG_INFO, (const char *const *) fields, "%s %s: %s%s", e->type, name ?: e->actor.id,
                   e->action, strempty(text.data));
        return 0;
}

void event_hub_publish(EventHub *h, const EventDraft *draft) {
        Event *e = h->ring + h->next;

        event_done(e);
        if (fill_event(e, draft) < 0) {
                event_done(e);
                log_oom();
                return;
        }
        h->next = (h->next + 1) % EVENT_RING_SIZE;
        if (draft->message_id && journal_entry(e, draft->message_id) < 0)
                log_oom();

        for (EventSubscriber *s = h->subscribers; s; s = h->iterating) {
                h->iterating = s->subscribers_next;
                s->on_event(e, s->userdata);
        }
        h->iterating = NULL;
}

void event_hub_publish_prune(EventHub *h, const char *type, int64_t reclaimed) {
        StringMap attributes = {};
        char text[24];

        (void) snprintf(text, sizeof(text), "%" PRIi64, reclaimed);
        if (string_map_set(&attributes, "reclaimed", text) < 0)
                log_oom();
        else
                event_hub_publish(h, &(EventDraft) { type, "prune", "", NULL, &attributes });
        string_map_done(&attributes);
}

int event_hub_subscribe(EventHub *h, EventSubscriber *s) {
        if (h->n_subscribers >= EVENT_SUBSCRIBERS_MAX)
                return -ENOBUFS;
        LIST_PREPEND(subscribers, h->subscribers, s);
        h->n_subscribers++;
        return 0;
}

void event_hub_unsubscribe(EventHub *h, EventSubscriber *s) {
        if (h->iterating == s)
                h->iterating = s->subscribers_next;
        LIST_REMOVE(subscribers, h->subscribers, s);
        h->n_subscribers--;
}

size_t event_hub_n_subscribers(const EventHub *h) {
        return h->n_subscribers;
}

void event_hub_replay(EventHub *h, nsec_t since, nsec_t until,
                      void (*on_event)(const Event *event, void *userdata), void *userdata) {
        for (size_t i = 0; i < EVENT_RING_SIZE; i++) {
                const Event *e = h->ring + (h->next + i) % EVENT_RING_SIZE;

                if (e->type && e->time >= since && (until == 0 || e->time <= until))
                        on_event(e, userdata);
        }
}

/* -- filters -- */

static bool match_type(const Event *e, const char *value) {
        return streq(e->type, value);
}

static bool match_event(const Event *e, const char *value) {
        /* "exec_start: cmd" is found by "exec_start", "health_status: healthy" by both forms */
        const char *rest = startswith(e->action, value);

        return rest && (*rest == 0 || *rest == ':');
}

static bool match_object(const Event *e, const char *type, const char *value) {
        const char *name = string_map_get(&e->actor.attributes, "name");

        if (!streq(e->type, type))
                return false;
        return startswith(e->actor.id, value) || (name && streq(name, value[0] == '/' ? value + 1 : value));
}

/* An image event by id or name with or without tag, or any container event of the image. */
static bool match_image(const Event *e, const char *value) {
        const char *name = string_map_get(&e->actor.attributes, streq(e->type, "image") ? "name" : "image");
        const char *rest;

        if (streq(e->type, "image") && streq(e->actor.id, value))
                return true;
        if (!name || !(rest = startswith(name, value)))
                return false;
        return *rest == 0 || *rest == ':' || *rest == '@';
}

static bool match_label(const Event *e, const char *value) {
        _cleanup_free_ char *key = memdup_suffix0(value, strcspn(value, "="));
        const char *wanted = strchr(value, '='), *is;

        if (!key)
                return false;
        is = string_map_get(&e->actor.attributes, key);
        return is && (!wanted || streq(is, wanted + 1));
}

static bool match_scope(const Event *e, const char *value) {
        return streq(e->scope, value);
}

/* A filter without a function is a type of objects: it takes the id or the name of one. Some types have no
 * events yet, and so nothing matches. Other keys change nothing, as upstream. */
static const struct {
        const char *key;
        bool (*matches)(const Event *e, const char *value);
} event_filters[] = {
        { "type",      match_type  },
        { "event",     match_event },
        { "image",     match_image },
        { "label",     match_label },
        { "scope",     match_scope },
        { "container", NULL        },
        { "network",   NULL        },
        { "volume",    NULL        },
        { "daemon",    NULL        },
        { "plugin",    NULL        },
        { "service",   NULL        },
        { "node",      NULL        },
        { "secret",    NULL        },
        { "config",    NULL        },
};

bool event_matches(const Event *e, const Filters *filters) {
        FOREACH_ELEMENT(f, event_filters) {
                char **values = filters_get(filters, f->key);
                bool all = streq(f->key, "label"), any = false;

                if (strv_isempty(values))
                        continue;
                STRV_FOREACH(v, values) {
                        if (f->matches ? f->matches(e, *v) : match_object(e, f->key, *v))
                                any = true;
                        else if (all)
                                return false;
                }
                if (!any)
                        return false;
        }
        return true;
}

static const JsonField actor_fields[] = {
        JSON_STRING(Event, actor.id, "ID", 0),
        JSON_STRING_MAP(Event, actor.attributes, "Attributes", JSON_NONNULL),
};
static const JsonType actor_json = {
        .name = "Actor", .size = sizeof(Event), .fields = actor_fields, .n_fields = 2
};

static const JsonField event_head_fields[] = {
        JSON_STRING(Event, status, "status", JSON_OMITEMPTY, .until = 51),
        JSON_STRING(Event, id, "id", JSON_OMITEMPTY, .until = 51),
        JSON_STRING(Event, from, "from", JSON_OMITEMPTY, .until = 51),
        JSON_STRING(Event, type, "Type", 0),
        JSON_STRING(Event, action, "Action", 0),
};
static const JsonType event_head_json = {
        .name = "Event",
        .size = sizeof(Event),
        .fields = event_head_fields,
        .n_fields = ELEMENTSOF(event_head_fields),
};

json_object *event_to_json(const Event *e, unsigned version) {
        json_object *o = json_encode(&event_head_json, e, version);

        if (!o || json_object_object_add(o, "Actor", json_encode(&actor_json, e, version)) < 0 ||
            json_object_object_add(o, "scope", json_object_new_string(e->scope)) < 0 ||
            json_object_object_add(o, "time", json_object_new_int64((int64_t) (e->time / NSEC_PER_SEC))) <
                            0 ||
            json_object_object_add(o, "timeNano", json_object_new_int64((int64_t) e->time)) < 0) {
                json_object_put(o);
                return NULL;
        }
        return o;
}
