/* SPDX-License-Identifier: Apache-2.0 */
/* What a health check says and what follows from its results: no process, no clock, no container. */
#pragma once

#include "api/container.h"
#include "basic/error.h"
#include "basic/time-util.h"

#define HEALTH_STARTING "starting"
#define HEALTH_HEALTHY "healthy"
#define HEALTH_UNHEALTHY "unhealthy"

#define HEALTH_LOG_MAX 5U               /* results that are kept */
#define HEALTH_OUTPUT_MAX 4096U         /* bytes of a check's output that are kept */
#define HEALTH_TIME_MIN ((int64_t) 1000000)     /* nanoseconds: the shortest time that can be asked for */

/* Docker's checks of a request, and their texts. */
int health_config_check(const HealthConfig *config, Error *reterr);
/* A kind of test that nobody knows: Docker takes it, and checks nothing. */
bool health_config_is_foreign(const HealthConfig *config);
/* What is open in the request's config is taken from the image's. */
int health_config_merge(HealthConfig **config, const HealthConfig *image);

/* A config with Docker's defaults. An image's may be out of all bounds: that is brought into them. */
typedef struct HealthPlan {
        bool shell;
        char *const *command;           /* borrowed from the config */
        nsec_t interval, start_interval, start_period, timeout;
        int64_t retries;
} HealthPlan;

/* False: nothing is to be checked. */
bool health_plan_make(const HealthConfig *config, HealthPlan *ret);
/* From now to the next check. */
nsec_t health_plan_delay(const HealthPlan *p, const Health *h, nsec_t started, nsec_t now);

/* A run begins: "starting". Results of earlier runs stay. */
int health_begin(Health **h);
/* Takes the result. 1: the status is another one now. */
int health_record(Health *h, const HealthPlan *p, nsec_t started, HealthResult *result);
int health_set_status(Health *h, const char *status);

/* What a check has written, up to the bound. */
typedef struct HealthOutput {
        uint8_t data[HEALTH_OUTPUT_MAX];
        size_t n;
        bool cut;
} HealthOutput;

void health_output_add(HealthOutput *o, const void *data, size_t n);
/* exceeded: the timeout that was too short for it, 0 = it was not. */
int health_output_text(const HealthOutput *o, nsec_t exceeded, char **ret);
