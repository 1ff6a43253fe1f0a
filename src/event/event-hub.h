/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that happened: one place to publish, a ring of recent events for `since`, subscribers.
 * Publishing also writes the structured journal entry of the event. */
#pragma once

#include "basic/list.h"
#include "json/json-type.h"

#define EVENT_RING_SIZE 256U            /* recent events kept, as the upstream engine does */
#define EVENT_SUBSCRIBERS_MAX 1024U

typedef struct EventHub EventHub;

/* API v1.51, EventMessage. The legacy fields (status, id, from) are filled for the versions that have
 * them. */
typedef struct Event {
        char *status, *id, *from;
        char *type;                     /* "container", "image", "network", "daemon" */
        char *action;                   /* "start", "die", ... */
        struct {
                char *id;
                StringMap attributes;
        } actor;
        char *scope;                    /* "local" */
        nsec_t time;
} Event;

/* Borrowed strings; attributes is copied. message_id: MESSAGE_..._STR or NULL for no journal entry. */
typedef struct EventDraft {
        const char *type;
        const char *action;
        const char *id;
        const char *message_id;
        const StringMap *attributes;    /* NULL = none */
} EventDraft;

typedef struct EventSubscriber {
        void (*on_event)(const Event *event, void *userdata);   /* the event is borrowed; may unsubscribe */
        void *userdata;
        LIST_FIELDS(struct EventSubscriber, subscribers);
} EventSubscriber;

EventHub *event_hub_new(void);
EventHub *event_hub_free(EventHub *h);
DEFINE_TRIVIAL_CLEANUP_FUNC(EventHub *, event_hub_free);

void event_hub_publish(EventHub *h, const EventDraft *draft);
/* The event "prune" of a type: bytes that were freed. */
void event_hub_publish_prune(EventHub *h, const char *type, int64_t reclaimed);
/* The subscriber struct is the caller's and must stay until unsubscribed. -ENOBUFS over the limit. */
int event_hub_subscribe(EventHub *h, EventSubscriber *s);
void event_hub_unsubscribe(EventHub *h, EventSubscriber *s);
size_t event_hub_n_subscribers(const EventHub *h);

/* Recent events from `since` on, oldest first. */
void event_hub_replay(EventHub *h, nsec_t since, nsec_t until,
                      void (*on_event)(const Event *event, void *userdata), void *userdata);

/* Docker's event filters: type, event (action), container, image, label, network, ... as far as kinds
 * exist. */
bool event_matches(const Event *event, const Filters *filters);
/* One JSON line without the end, for an API version. */
struct json_object *event_to_json(const Event *event, unsigned version);
