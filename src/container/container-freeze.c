/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-freeze.h"

struct ContainerFreeze {
        Container *container;           /* referenced */
        void (*done)(ContainerFreeze *f, int r, void *userdata);        /* NULL: it was called */
        void *userdata;
        LIST_FIELDS(ContainerFreeze, freezes);
};

ContainerFreeze *container_freeze_free(ContainerFreeze *f) {
        Container *c;

        if (!f)
                return NULL;
        c = f->container;
        LIST_REMOVE(freezes, c->freezes, f);
        if (!c->freezes && c->freezing != FREEZE_NONE) {
                c->freezing = FREEZE_NONE;
                if (c->shim)
                        (void) shim_client_thaw(c->shim);
        }
        container_unref(c);
        return mfree(f);
}

int container_freeze(Container *c, void (*done)(ContainerFreeze *f, int r, void *userdata), void *userdata,
                     ContainerFreeze **ret) {
        ContainerFreeze *f;
        int r;

        if (c->freezing == FREEZE_NONE && c->shim && container_is_running(c)) {
                r = shim_client_freeze(c->shim, &c->freeze_id);
                if (r < 0)
                        return r;
                c->freezing = FREEZE_ASKED;
                c->n_freezings++;
        }
        f = new(ContainerFreeze, 1);
        if (!f)
                return -ENOMEM;
        *f = (ContainerFreeze) {
                .container = container_ref(c),
                .done = c->freezing == FREEZE_ASKED ? done : NULL,
                .userdata = userdata,
        };
        LIST_PREPEND(freezes, c->freezes, f);
        *ret = f;
        return f->done ? 1 : 0;
}

static ContainerFreeze *next_waiting(Container *c) {
        LIST_FOREACH(freezes, f, c->freezes)
                if (f->done)
                        return f;
        return NULL;
}

/* A callback may free any of them. */
static void tell(Container *c, int r) {
        _cleanup_(container_unrefp) Container *hold = container_ref(c);
        ContainerFreeze *f;

        while ((f = next_waiting(c))) {
                void (*done)(ContainerFreeze *f, int r, void *userdata) = f->done;

                f->done = NULL;
                done(f, r, f->userdata);
        }
}

void container_freeze_answer(Container *c, uint32_t id, int r) {
        if (c->freezing != FREEZE_ASKED || id != c->freeze_id)
                return;
        c->freezing = r < 0 ? FREEZE_NONE : FREEZE_DONE;
        tell(c, r);
}

void container_freeze_lost(Container *c) {
        c->freezing = FREEZE_NONE;
        tell(c, -ESRCH);
}
