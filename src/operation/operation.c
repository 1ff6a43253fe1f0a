/* SPDX-License-Identifier: Apache-2.0 */
#include "operation/operation.h"

typedef struct Waiter Waiter;

struct Waiter {
        OperationDone done;
        void *userdata;
        Waiter *next;
};

struct Operation {
        unsigned n_ref;
        bool complete;
        int result;
        Error error;
        Waiter *waiters, **tail;
        size_t n_waiters;
};

Operation *operation_new(void) {
        Operation *o = new0(Operation, 1);

        if (!o)
                return NULL;
        o->n_ref = 1;
        o->tail = &o->waiters;
        return o;
}

static void operation_free(Operation *o) {
        for (Waiter *w; (w = o->waiters); ) {
                o->waiters = w->next;
                free(w);
        }
        error_done(&o->error);
        free(o);
}

DEFINE_REF_UNREF(Operation, operation, operation_free);

bool operation_is_complete(const Operation *o) {
        return o->complete;
}

int operation_wait(Operation *o, OperationDone done, void *userdata) {
        Waiter *w;

        if (o->complete)
                return -EALREADY;
        if (o->n_waiters >= OPERATION_WAITERS_MAX)
                return -ENOBUFS;
        w = new(Waiter, 1);
        if (!w)
                return -ENOMEM;
        *w = (Waiter) { done, userdata, NULL };
        *o->tail = w;
        o->tail = &w->next;
        o->n_waiters++;
        return 0;
}

void operation_forget(Operation *o, void *userdata) {
        for (Waiter **p = &o->waiters; *p; ) {
                Waiter *w = *p;

                if (w->userdata != userdata) {
                        p = &w->next;
                        continue;
                }
                *p = w->next;
                if (!*p)
                        o->tail = p;
                o->n_waiters--;
                free(w);
        }
}

int operation_result(const Operation *o, const Error **ret_error) {
        assert(o->complete);
        if (ret_error)
                *ret_error = &o->error;
        return o->result;
}

void operation_complete(Operation *o, int r, const Error *error) {
        assert(!o->complete);

        operation_ref(o);
        o->complete = true;
        o->result = r;
        if (r < 0) {
                if (error && error_is_set(error))
                        (void) error_copy(&o->error, error);
                else
                        error_fill(&o->error, r);
        }
        for (Waiter *w; (w = o->waiters); ) {
                o->waiters = w->next;
                if (!o->waiters)
                        o->tail = &o->waiters;
                o->n_waiters--;
                w->done(o, r, &o->error, w->userdata);
                free(w);
        }
        operation_unref(o);
}
