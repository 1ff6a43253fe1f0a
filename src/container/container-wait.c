/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-wait.h"

#include "basic/string-table.h"

struct ContainerWaiter {
        WaitCondition condition;
        ContainerWaitDone done;
        void *userdata;
        LIST_FIELDS(ContainerWaiter, waiters);
};

static const char *const wait_condition_table[_WAIT_CONDITION_MAX] = {
        [WAIT_NOT_RUNNING] = "not-running",
        [WAIT_NEXT_EXIT]   = "next-exit",
        [WAIT_REMOVED]     = "removed",
};

int wait_condition_parse(const char *s, WaitCondition *ret, Error *reterr) {
        if (isempty(s)) {
                *ret = WAIT_NOT_RUNNING;
                return 0;
        }
        for (int i = 0; i < _WAIT_CONDITION_MAX; i++)
                if (streq(wait_condition_table[i], s)) {
                        *ret = i;
                        return 0;
                }
        return error_setf(reterr, ERROR_INVALID, "invalid condition: \"%s\"", s);
}

int container_wait(Container *c, WaitCondition condition, ContainerWaitDone done, void *userdata,
                   int64_t *ret_exit_code) {
        ContainerWaiter *w;

        if (condition == WAIT_NOT_RUNNING && !container_is_running(c) && c->state != CONTAINER_RESTARTING &&
            !c->start) {
                *ret_exit_code = c->doc.exit_code;
                return 1;
        }
        w = new(ContainerWaiter, 1);
        if (!w)
                return -ENOMEM;
        *w = (ContainerWaiter) { .condition = condition, .done = done, .userdata = userdata };
        LIST_APPEND(waiters, c->waiters, w);
        return 0;
}

bool container_wait_departed(const ContainerManager *m, const char *id, int64_t *ret_exit_code) {
        uint64_t now = now_usec(CLOCK_MONOTONIC);

        if (!id || hashmap_get(m->by_id, id))
                return false;           /* its removal failed: it may have been started since */
        FOREACH_ELEMENT(d, m->departed)
                if (streq_ptr(d->id, id) && now - d->usec <= DEPARTED_USEC) {
                        *ret_exit_code = d->exit_code;
                        return true;
                }
        return false;
}

void container_wait_remember(Container *c) {
        ContainerManager *m = c->manager;
        DepartedContainer *d = &m->departed[m->next_departed];

        free(d->id);
        *d = (DepartedContainer) {
                .id = strdup(c->doc.id),
                .exit_code = c->doc.exit_code,
                .usec = now_usec(CLOCK_MONOTONIC),
        };
        m->next_departed = (m->next_departed + 1) % DEPARTED_MAX;
}

void container_wait_forget(Container *c, void *userdata) {
        LIST_FOREACH(waiters, w, c->waiters)
                if (w->userdata == userdata) {
                        LIST_REMOVE(waiters, c->waiters, w);
                        free(w);
                }
}

static ContainerWaiter *take_waiter(Container *c, bool removed) {
        LIST_FOREACH(waiters, w, c->waiters)
                if (removed || w->condition != WAIT_REMOVED) {
                        LIST_REMOVE(waiters, c->waiters, w);
                        return w;
                }
        return NULL;
}

void container_wait_notify(Container *c, bool removed, const char *error) {
        ContainerWaiter *w;

        container_ref(c);
        while ((w = take_waiter(c, removed))) {
                w->done(c, c->doc.exit_code, error, w->userdata);
                free(w);
        }
        container_unref(c);
}

void container_wait_drop_all(Container *c) {
        LIST_FOREACH(waiters, w, c->waiters)
                free(w);
        c->waiters = NULL;
}
