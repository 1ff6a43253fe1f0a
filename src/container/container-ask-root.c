/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-ask-root.h"

#include "basic/fd-util.h"

struct RootQuestion {
        Container *container;           /* back-pointer, the owner of the list */
        uint32_t id;                    /* to the shim */
        RootAnswer answer;
        void *userdata;
        LIST_FIELDS(RootQuestion, questions);
};

RootQuestion *root_question_free(RootQuestion *q) {
        if (!q)
                return NULL;
        LIST_REMOVE(questions, q->container->root_questions, q);
        return mfree(q);
}

int container_ask_root(Container *c, RootAnswer answer, void *userdata, RootQuestion **ret, Error *reterr) {
        RootQuestion *q = new(RootQuestion, 1);
        int r;

        if (!q)
                return error_fill(reterr, -ENOMEM);
        *q = (RootQuestion) { .container = c, .answer = answer, .userdata = userdata };
        r = c->shim ? shim_client_root_fd(c->shim, &q->id) : -ENOTCONN;
        if (r < 0) {
                free(q);
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot talk to the shim of container %s",
                                        c->doc.name);
        }
        LIST_PREPEND(questions, c->root_questions, q);
        *ret = q;
        return 0;
}

static void answer_question(RootQuestion *q, int r, int fd) {
        RootAnswer answer = q->answer;
        void *userdata = q->userdata;

        root_question_free(q);
        answer(r, fd, userdata);
}

void container_root_answer(Container *c, uint32_t id, int r, int fd) {
        LIST_FOREACH(questions, q, c->root_questions)
                if (q->id == id) {
                        answer_question(q, r, fd);
                        return;
                }
        safe_close(fd);
}

/* An answer may drop other questions. */
void container_root_lost(Container *c) {
        while (c->root_questions)
                answer_question(c->root_questions, -ESRCH, -EBADF);
}
