/* SPDX-License-Identifier: Apache-2.0 */
#include "container/health-state.h"

#include "basic/strv.h"
#include "basic/tests.h"

#define SECOND NSEC_PER_SEC

static char *const shell_test[] = { (char *) "CMD-SHELL", (char *) "true", NULL };

static void free_health(Health **h) {
        json_free(&Health_json, *h);
}

static HealthPlan plan(HealthConfig c) {
        HealthPlan p;

        c.test = (char **) shell_test;
        ASSERT_TRUE(health_plan_make(&c, &p));
        return p;
}

/* Of a container that was started at second 100. */
static int result(Health *h, const HealthPlan *p, nsec_t second, int64_t exit_code) {
        return health_record(h, p, 100 * SECOND, &(HealthResult) {
                .start = second * SECOND, .end = second * SECOND + 1, .exit_code = exit_code });
}

TEST(defaults) {
        HealthPlan p = plan((HealthConfig) {});

        ASSERT_TRUE(p.shell);
        ASSERT_STREQ(p.command[0], "true");
        ASSERT_EQ(p.interval, 30 * SECOND);
        ASSERT_EQ(p.timeout, 30 * SECOND);
        ASSERT_EQ(p.start_interval, 5 * SECOND);
        ASSERT_EQ(p.start_period, 0);
        ASSERT_EQ(p.retries, 3);
}

TEST(out_of_bounds) {
        HealthPlan p = plan(
                        (HealthConfig){ .interval = 1, .timeout = -5, .retries = -1, .start_period = -1 });

        ASSERT_EQ(p.interval, (nsec_t) HEALTH_TIME_MIN);
        ASSERT_EQ(p.timeout, 30 * SECOND);
        ASSERT_EQ(p.retries, 3);
        ASSERT_EQ(p.start_period, 0);
}

static bool is_planned(const char *const *test) {
        HealthPlan p;

        return health_plan_make(&(HealthConfig) { .test = (char **) test }, &p);
}

TEST(nothing_to_check) {
        HealthPlan p;

        ASSERT_FALSE(health_plan_make(NULL, &p));
        ASSERT_FALSE(is_planned(NULL));
        ASSERT_FALSE(is_planned((const char *const[]) { "NONE", NULL }));
        ASSERT_FALSE(is_planned((const char *const[]) { "CMD", NULL }));
        ASSERT_FALSE(is_planned((const char *const[]) { "FOO", "true", NULL }));
        ASSERT_TRUE(is_planned((const char *const[]) { "CMD", "true", NULL }));
}

TEST(streak) {
        _cleanup_(free_health) Health *h = NULL;
        HealthPlan p = plan((HealthConfig) { .retries = 2 });

        ASSERT_OK(health_begin(&h));
        ASSERT_STREQ(h->status, "starting");
        ASSERT_EQ(result(h, &p, 101, 1), 0);
        ASSERT_STREQ(h->status, "starting");
        ASSERT_EQ(result(h, &p, 102, -1), 1);
        ASSERT_STREQ(h->status, "unhealthy");
        ASSERT_EQ(result(h, &p, 103, 1), 0);
        ASSERT_EQ(h->failing_streak, 3);
        ASSERT_EQ(result(h, &p, 104, 0), 1);
        ASSERT_STREQ(h->status, "healthy");
        ASSERT_EQ(h->failing_streak, 0);
        ASSERT_EQ(result(h, &p, 105, 7), 0);
        ASSERT_STREQ(h->status, "healthy");
        ASSERT_EQ(h->failing_streak, 1);
        ASSERT_EQ(result(h, &p, 106, 0), 0);
        ASSERT_EQ(h->failing_streak, 0);
        ASSERT_EQ(h->log.n_items, HEALTH_LOG_MAX);
        ASSERT_EQ(h->log.items[0].start, 102 * SECOND);
        ASSERT_EQ(h->log.items[4].start, 106 * SECOND);

        ASSERT_OK(health_begin(&h));
        ASSERT_STREQ(h->status, "starting");
        ASSERT_EQ(h->log.n_items, HEALTH_LOG_MAX);
}

TEST(start_period) {
        _cleanup_(free_health) Health *h = NULL;
        HealthPlan p = plan((HealthConfig) {
                .retries = 1, .start_period = 10 * (int64_t) SECOND, .start_interval = (int64_t) SECOND });

        ASSERT_OK(health_begin(&h));
        ASSERT_EQ(health_plan_delay(&p, h, 100 * SECOND, 103 * SECOND), SECOND);
        ASSERT_EQ(health_plan_delay(&p, h, 100 * SECOND, 110 * SECOND), 30 * SECOND);
        ASSERT_EQ(result(h, &p, 103, 1), 0);
        ASSERT_EQ(h->failing_streak, 0);
        ASSERT_STREQ(h->status, "starting");
        ASSERT_EQ(result(h, &p, 104, 0), 1);
        ASSERT_STREQ(h->status, "healthy");
        ASSERT_EQ(health_plan_delay(&p, h, 100 * SECOND, 105 * SECOND), 30 * SECOND);
        /* the first success has ended it */
        ASSERT_EQ(result(h, &p, 105, 1), 1);
        ASSERT_STREQ(h->status, "unhealthy");

        ASSERT_OK(health_begin(&h));
        ASSERT_EQ(result(h, &p, 110, 1), 1);
        ASSERT_STREQ(h->status, "unhealthy");
}

static void check_text(const char *data, size_t n, nsec_t exceeded, const char *wanted) {
        _cleanup_free_ char *s = NULL;
        HealthOutput o = {};

        health_output_add(&o, data, n);
        ASSERT_OK(health_output_text(&o, exceeded, &s));
        ASSERT_STREQ(s, wanted);
}

TEST(output) {
        _cleanup_free_ char *s = NULL;
        HealthOutput o = {};

        check_text("", 0, 0, "");
        check_text("fine\n", 5, 0, "fine\n");
        check_text("a\0\xff", 3, 0, "a\xef\xbf\xbd\xef\xbf\xbd");
        check_text("", 0, 3 * SECOND, "Health check exceeded timeout (3s)");
        check_text("slow", 4, SECOND / 20, "Health check exceeded timeout (50ms): slow");

        for (size_t i = 0; i < HEALTH_OUTPUT_MAX; i++)
                health_output_add(&o, "x", 1);
        ASSERT_FALSE(o.cut);
        health_output_add(&o, "yz", 2);
        ASSERT_OK(health_output_text(&o, 0, &s));
        ASSERT_EQ(strlen(s), HEALTH_OUTPUT_MAX + 3);
        ASSERT_STREQ(s + HEALTH_OUTPUT_MAX - 1, "x...");
}

static void check_refused(HealthConfig c, const char *text) {
        _cleanup_error_ Error e = ERROR_NULL;

        ASSERT_FAIL(health_config_check(&c, &e));
        ASSERT_STREQ(error_message(&e), text);
}

TEST(checks) {
        ASSERT_OK(health_config_check(NULL, NULL));
        ASSERT_OK(health_config_check(&(HealthConfig) { .interval = HEALTH_TIME_MIN, .retries = 7 }, NULL));
        check_refused((HealthConfig){ .interval = 999999 },
                      "Interval in Healthcheck cannot be less than 1ms");
        check_refused((HealthConfig) { .timeout = -1 }, "Timeout in Healthcheck cannot be less than 1ms");
        check_refused((HealthConfig){ .start_period = 1 },
                      "StartPeriod in Healthcheck cannot be less than 1ms");
        check_refused((HealthConfig) { .start_interval = 1 },
                      "StartInterval in Healthcheck cannot be less than 1ms");
        check_refused((HealthConfig) { .retries = -1 }, "Retries in Healthcheck cannot be negative");
        check_refused((HealthConfig) { .test = (char *[]) { (char *) "CMD", NULL } },
                      "Test in Healthcheck has no command after CMD");
}

TEST(merge) {
        HealthConfig image = { .test = (char **) shell_test, .interval = 7, .retries = 5 };
        HealthConfig *c = NULL;

        ASSERT_OK(health_config_merge(&c, NULL));
        ASSERT_TRUE(!c);
        ASSERT_OK(health_config_merge(&c, &image));
        ASSERT_STREQ(c->test[1], "true");
        ASSERT_EQ(c->interval, 7);

        c->retries = 0;
        c->interval = 9;
        c->test = strv_free(c->test);
        ASSERT_OK(health_config_merge(&c, &image));
        ASSERT_STREQ(c->test[0], "CMD-SHELL");
        ASSERT_EQ(c->interval, 9);
        ASSERT_EQ(c->retries, 5);
        json_free(&HealthConfig_json, c);
}

DEFINE_TEST_MAIN();
