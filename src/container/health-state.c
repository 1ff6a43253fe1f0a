/* SPDX-License-Identifier: Apache-2.0 */
#include "container/health-state.h"

#include "basic/alloc-util.h"
#include "basic/string-util.h"
#include "basic/strv.h"

#define INTERVAL_DEFAULT (30 * NSEC_PER_SEC)
#define START_INTERVAL_DEFAULT (5 * NSEC_PER_SEC)
#define TIMEOUT_DEFAULT (30 * NSEC_PER_SEC)
#define RETRIES_DEFAULT 3

/* --- the config --- */

static const struct {
        const char *name;
        size_t offset;
} health_times[] = {
        { "Interval",      offsetof(HealthConfig, interval)       },
        { "Timeout",       offsetof(HealthConfig, timeout)        },
        { "StartPeriod",   offsetof(HealthConfig, start_period)   },
        { "StartInterval", offsetof(HealthConfig, start_interval) },
};

static int64_t *health_time(const HealthConfig *config, size_t offset) {
        return (int64_t *) ((uint8_t *) config + offset);
}

int health_config_check(const HealthConfig *config, Error *reterr) {
        if (!config)
                return 0;
        FOREACH_ELEMENT(t, health_times) {
                int64_t time = *health_time(config, t->offset);

                if (time != 0 && time < HEALTH_TIME_MIN)
                        return error_setf(reterr, ERROR_INVALID,
                                          "%s in Healthcheck cannot be less than 1ms", t->name);
        }
        if (config->retries < 0)
                return error_setf(reterr, ERROR_INVALID, "Retries in Healthcheck cannot be negative");
        if (strv_length(config->test) == 1 && streq(config->test[0], "CMD"))
                return error_setf(reterr, ERROR_INVALID, "Test in Healthcheck has no command after CMD");
        return 0;
}

bool health_config_is_foreign(const HealthConfig *config) {
        static const char *const known[] = { "NONE", "CMD", "CMD-SHELL", NULL };

        return config && !strv_isempty(config->test) &&
                !strv_contains((char *const *) known, config->test[0]);
}

int health_config_merge(HealthConfig **config, const HealthConfig *image) {
        HealthConfig *c = *config;

        if (!image)
                return 0;
        if (!c) {
                *config = json_new(&HealthConfig_json);
                return *config ? json_copy(&HealthConfig_json, image, *config) : -ENOMEM;
        }
        FOREACH_ELEMENT(t, health_times)
                if (*health_time(c, t->offset) == 0)
                        *health_time(c, t->offset) = *health_time(image, t->offset);
        if (c->retries == 0)
                c->retries = image->retries;
        if (!strv_isempty(c->test) || strv_isempty(image->test))
                return 0;
        strv_free(c->test);
        c->test = strv_copy(image->test);
        return c->test ? 0 : -ENOMEM;
}

/* --- the plan --- */

static nsec_t bounded(int64_t time, nsec_t otherwise) {
        return time <= 0 ? otherwise : (nsec_t) MAX(time, HEALTH_TIME_MIN);
}

bool health_plan_make(const HealthConfig *config, HealthPlan *ret) {
        bool shell;

        if (!config || strv_isempty(config->test) || health_config_is_foreign(config) ||
            streq(config->test[0], "NONE"))
                return false;
        shell = streq(config->test[0], "CMD-SHELL");
        if (!shell && strv_length(config->test) < 2)
                return false;
        *ret = (HealthPlan) {
                .shell = shell,
                .command = config->test + 1,
                .interval = bounded(config->interval, INTERVAL_DEFAULT),
                .start_interval = bounded(config->start_interval, START_INTERVAL_DEFAULT),
                .start_period = bounded(config->start_period, 0),
                .timeout = bounded(config->timeout, TIMEOUT_DEFAULT),
                .retries = config->retries > 0 ? config->retries : RETRIES_DEFAULT,
        };
        return true;
}

static bool in_start_period(const HealthPlan *p, nsec_t started, nsec_t now) {
        return now < started || now - started < p->start_period;
}

static bool is_starting(const Health *h) {
        return streq_ptr(h->status, HEALTH_STARTING);
}

nsec_t health_plan_delay(const HealthPlan *p, const Health *h, nsec_t started, nsec_t now) {
        return is_starting(h) && in_start_period(p, started, now) ? p->start_interval : p->interval;
}

/* --- the results --- */

int health_set_status(Health *h, const char *status) {
        return free_and_strdup(&h->status, status);
}

int health_begin(Health **h) {
        if (!*h)
                *h = json_new(&Health_json);
        if (!*h)
                return -ENOMEM;
        (*h)->failing_streak = 0;
        return health_set_status(*h, HEALTH_STARTING);
}

/* The oldest go. */
static int append_result(Health *h, HealthResult *result) {
        HealthResult *items;

        while (h->log.n_items >= HEALTH_LOG_MAX) {
                json_done(&HealthResult_json, h->log.items);
                memmove(h->log.items, h->log.items + 1, --h->log.n_items * sizeof(*h->log.items));
        }
        items = reallocarray(h->log.items, h->log.n_items + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        h->log.items = items;
        items[h->log.n_items++] = TAKE_STRUCT(*result);
        return 0;
}

/* While it starts, a failure within the start period is none. */
static bool counts(const Health *h, const HealthPlan *p, nsec_t started, nsec_t when) {
        return !is_starting(h) || !in_start_period(p, started, when);
}

int health_record(Health *h, const HealthPlan *p, nsec_t started, HealthResult *result) {
        bool failed = result->exit_code != 0, counted = counts(h, p, started, result->start);
        const char *status = h->status;
        int r;

        r = append_result(h, result);
        if (r < 0)
                return r;
        if (!failed)
                h->failing_streak = 0;
        else if (counted)
                h->failing_streak++;
        if (!failed)
                status = HEALTH_HEALTHY;
        else if (counted && h->failing_streak >= p->retries)
                status = HEALTH_UNHEALTHY;
        if (streq_ptr(status, h->status))
                return 0;
        r = health_set_status(h, status);
        return r < 0 ? r : 1;
}

/* --- the output --- */

void health_output_add(HealthOutput *o, const void *data, size_t n) {
        size_t keep = MIN(n, sizeof(o->data) - o->n);

        if (keep > 0)
                memcpy(o->data + o->n, data, keep);
        o->n += keep;
        o->cut = o->cut || keep < n;
}

int health_output_text(const HealthOutput *o, nsec_t exceeded, char **ret) {
        _cleanup_free_ char *text = NULL;
        char duration[GO_DURATION_MAX];
        int r;

        r = utf8_repair(o->data, o->n, &text);
        if (r < 0)
                return r;
        if (exceeded == 0)
                return asprintf_safe(ret, "%s%s", text, o->cut ? "..." : "");
        return asprintf_safe(ret, "Health check exceeded timeout (%s)%s%s%s",
                             format_go_duration(duration, exceeded), o->n > 0 ? ": " : "", text,
                             o->cut ? "..." : "");
}
