/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event-hub.h"

#include <json-c/json.h>

#include "basic/tests.h"
#include "json/json-text.h"

static void count(const Event *e, void *userdata) {
        (*(size_t *) userdata)++;
}

static void publish(EventHub *h, const char *action) {
        StringMap attributes = {};

        ASSERT_OK(string_map_set(&attributes, "name", "web"));
        ASSERT_OK(string_map_set(&attributes, "image", "busybox:latest"));
        event_hub_publish(h, &(EventDraft) { "container", action, "0123abcd", NULL, &attributes });
        string_map_done(&attributes);
}

TEST(ring_and_subscribers) {
        _cleanup_(event_hub_freep) EventHub *h = ASSERT_NOT_NULL(event_hub_new());
        size_t n = 0, replayed = 0;
        EventSubscriber s = { count, &n };

        ASSERT_OK(event_hub_subscribe(h, &s));
        for (size_t i = 0; i < EVENT_RING_SIZE + 10; i++)
                publish(h, "start");
        ASSERT_EQ(n, EVENT_RING_SIZE + 10);
        event_hub_replay(h, 0, 0, count, &replayed);
        ASSERT_EQ(replayed, EVENT_RING_SIZE);
        event_hub_unsubscribe(h, &s);
        publish(h, "stop");
        ASSERT_EQ(n, EVENT_RING_SIZE + 10);
}

typedef struct Holder {
        Filters f;
} Holder;

static const JsonField holder_fields[] = { JSON_FILTERS(Holder, f, "filters", JSON_IN_QUERY) };
static const JsonType type = { "Holder", sizeof(Holder), holder_fields, 1 };

static void check_filters(const Event *e, void *userdata) {
        static const struct {
                const char *text;
                bool matches;
        } cases[] = {
                { "{\"type\":[\"container\"]}", true },
                { "{\"type\":[\"image\"]}", false },
                { "{\"event\":[\"start\",\"stop\"]}", true },
                { "{\"container\":[\"web\"]}", true },
                { "{\"container\":[\"0123\"]}", true },
                { "{\"container\":[\"we\"]}", false },
                { "{\"image\":[\"busybox\"]}", true },
                { "{\"image\":[\"busy\"]}", false },
                { "{\"label\":[\"name=web\"]}", true },
                { "{\"label\":[\"name=web\",\"x\"]}", false },
                { "{\"network\":[\"web\"]}", false },
                { "{\"plugin\":[\"web\"]}", false },
                { "{\"service\":[\"web\"]}", false },
                { "{\"node\":[\"0123\"]}", false },
                { "{\"secret\":[\"web\"]}", false },
                { "{\"config\":[\"web\"]}", false },
                { "{\"nosuch\":[\"web\"]}", true },
        };

        FOREACH_ELEMENT(c, cases) {
                Filters f = {};

                ASSERT_EQ(json_set_from_text(&type, &f, JSON_IN_QUERY, "filters", c->text, NULL), 1);
                if (event_matches(e, &f) != c->matches)
                        test_fail("%s", c->text);
                json_done(&type, &f);
        }

        _cleanup_json_ json_object *o = event_to_json(e, 51);
        ASSERT_NOT_NULL(strstr(json_text(o),
                               "\"status\":\"start\",\"id\":\"0123abcd\",\"from\":\"busybox:latest\""));
        ASSERT_NOT_NULL(strstr(json_text(o),
                               "\"Actor\":{\"ID\":\"0123abcd\",\"Attributes\":{\"name\":\"web\""));
        *(bool *) userdata = true;
}

TEST(filters) {
        _cleanup_(event_hub_freep) EventHub *h = ASSERT_NOT_NULL(event_hub_new());
        bool seen = false;
        EventSubscriber s = { check_filters, &seen };

        ASSERT_OK(event_hub_subscribe(h, &s));
        publish(h, "start");
        ASSERT_TRUE(seen);
        event_hub_unsubscribe(h, &s);
}

DEFINE_TEST_MAIN();
