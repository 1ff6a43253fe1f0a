/* SPDX-License-Identifier: Apache-2.0 */
#include "main/config-reload.h"

#include "basic/strv.h"
#include "main/option.h"

void config_change_done(ConfigChange *c) {
        c->changed = strv_free(c->changed);
        c->pending = strv_free(c->pending);
}

static bool is_setting(const Option *o) {
        return !(o->flags & OPTION_VERB);
}

int config_compare(const Config *current, const Config *fresh, ConfigChange *ret) {
        _cleanup_(config_change_donep) ConfigChange c = {};

        FOREACH_OPTION(o) {
                if (!is_setting(o) || option_equal(o, current, fresh))
                        continue;
                if (strv_extend(o->flags & OPTION_RELOADABLE ? &c.changed : &c.pending, option_key(o)) < 0)
                        return -ENOMEM;
        }
        *ret = TAKE_STRUCT(c);
        return 0;
}

void config_swap_reloadable(Config *current, Config *fresh) {
        FOREACH_OPTION(o)
                if (o->flags & OPTION_RELOADABLE)
                        option_swap(o, current, fresh);
}

int config_reload_attributes(const Config *c, StringMap *ret) {
        int r = 0;

        FOREACH_OPTION(o) {
                _cleanup_free_ char *value = NULL;

                if (!(o->flags & OPTION_RELOADABLE))
                        continue;
                value = option_format(o, c);
                r = value ? string_map_set(ret, option_key(o), value) : -ENOMEM;
                if (r < 0)
                        return r;
        }
        return 0;
}
