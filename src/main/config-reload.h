/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration that was read again while the daemon runs: what takes effect in place and what does
 * not. */
#pragma once

#include "json/json-type.h"
#include "main/config.h"

typedef struct ConfigChange {
        char **changed;         /* reloadable options whose value differs */
        char **pending;         /* others, which wait for the next start */
} ConfigChange;

void config_change_done(ConfigChange *c);
DEFINE_CLEANUP_DONE(ConfigChange, config_change_done);

int config_compare(const Config *current, const Config *fresh, ConfigChange *ret);

/* Exchanges the values of the reloadable options. Whoever borrowed from current keeps valid pointers to the
 * struct and to every option that needs a restart. A second call undoes the first. */
void config_swap_reloadable(Config *current, Config *fresh);

/* The reloadable options and their values, as the attributes of Docker's event "daemon reload". */
int config_reload_attributes(const Config *c, StringMap *ret);
