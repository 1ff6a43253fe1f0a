/* SPDX-License-Identifier: Apache-2.0 */
/* config.json "process": what runs, as whom, with which rights. */
#include <strings.h>

#include "runtime/spec-internal.h"

#define INIT_PATH "/sbin/docker-init"

/* Behind an init the program is its argument. */
static int process_args(const SpecInput *in, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        int r = 0;

        if (in->init_path) {
                r = strv_extend(&l, INIT_PATH);
                if (r >= 0)
                        r = strv_extend(&l, "--");
        }
        if (r >= 0)
                r = strv_extend_strv(&l, in->args);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

int spec_step_process(const SpecInput *in, OciSpec *o, Error *reterr) {
        OciProcess *p = &o->process;
        int r;

        if (strv_isempty(in->args))
                return error_setf(reterr, ERROR_INVALID, "no command specified");

        r = process_args(in, &p->args);
        if (r < 0)
                return r;
        p->env = strv_copy(in->env);
        p->cwd = strdup(in->cwd ?: "/");
        if ((in->env && !p->env) || !p->cwd)
                return -ENOMEM;
        p->terminal = in->tty;
        p->no_new_privileges = in->no_new_privileges;
        p->oom_score_adj = (OptionalInt) { .set = true, .value = in->oom_score_adj };

        if (in->tty && in->tty_rows > 0 && in->tty_columns > 0) {
                p->console_size = json_new(&OciBox_json);
                if (!p->console_size)
                        return -ENOMEM;
                *p->console_size = (OciBox) { .height = in->tty_rows, .width = in->tty_columns };
        }
        return 0;
}

int spec_step_user(const SpecInput *in, OciSpec *o, Error *reterr) {
        OciUser *u = &o->process.user;

        u->uid = in->uid;
        u->gid = in->gid;
        for (size_t i = 0; i < in->n_groups; i++) {
                int64_t *g = OCI_APPEND(u->additional_gids);

                if (!g)
                        return -ENOMEM;
                *g = in->groups[i];
        }
        return 0;
}

/* Other users get them in the bounding set only, as execve() would leave it; nobody gets inheritable ones.
 * */
int spec_step_capabilities(const SpecInput *in, OciSpec *o, Error *reterr) {
        OciCapabilities *c = &o->process.capabilities;
        int r;

        r = spec_capabilities(in, &c->bounding, reterr);
        if (r < 0)
                return r;
        if (in->uid != 0)
                return 0;
        c->effective = strv_copy(c->bounding);
        c->permitted = strv_copy(c->bounding);
        return c->effective && c->permitted ? 0 : -ENOMEM;
}

static const char *const rlimit_names[] = {
        "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
        "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
};

int spec_step_rlimits(const SpecInput *in, OciSpec *o, Error *reterr) {
        for (size_t i = 0; i < in->n_ulimits; i++) {
                const SpecUlimit *u = in->ulimits + i;
                bool known = false;
                OciRlimit *l;

                FOREACH_ELEMENT(n, rlimit_names)
                        known = known || streq(*n, u->name);
                if (!known)
                        return error_setf(reterr, ERROR_INVALID, "invalid ulimit type: %s", u->name);

                l = OCI_APPEND(o->process.rlimits);
                if (!l || asprintf_safe(&l->type, "RLIMIT_%s", u->name) < 0)
                        return -ENOMEM;
                for (char *p = l->type; *p; p++)
                        if (*p >= 'a' && *p <= 'z')
                                *p -= 'a' - 'A';
                l->hard = u->hard < 0 ? UINT64_MAX : (uint64_t) u->hard;
                l->soft = u->soft < 0 ? UINT64_MAX : (uint64_t) u->soft;
        }
        return 0;
}
