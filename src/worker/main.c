/* SPDX-License-Identifier: Apache-2.0 */
/* dockerd-worker VERB: reads its parameters, locks itself in, does the one thing, answers, ends.
 * worker-protocol.h says how it talks. */

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "basic/parse-util.h"
#include "basic/string-util.h"
#include "config.h"
#include "worker/worker.h"

typedef struct WorkerError {
        int kind;
        char *message;
} WorkerError;

static const JsonField worker_error_fields[] = {
        JSON_INT(WorkerError, kind, "Kind", 0),
        JSON_STRING(WorkerError, message, "Message", 0),
};
static const JsonType worker_error_type = {
        .name = "WorkerError", .size = sizeof(WorkerError), .fields = worker_error_fields,
        .n_fields = ELEMENTSOF(worker_error_fields),
};

static int write_line(const char *member, const JsonType *type, const void *value) {
        _cleanup_free_ char *text = NULL, *line = NULL;
        int r;

        text = json_encode_text(type, value, 0);
        if (!text)
                return -ENOMEM;
        r = asprintf_safe(&line, "{\"%s\":%s}\n", member, text);
        return r < 0 ? r : write_full(WORKER_FD_OUTPUT, line, strlen(line));
}

int worker_progress(const JsonType *type, const void *progress, Error *reterr) {
        int r = write_line("Progress", type, progress);

        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to report progress") : 0;
}

int worker_result(const JsonType *type, const void *result, Error *reterr) {
        int r = write_line("Result", type, result);

        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to report the result") : 0;
}

static void report_error(const Error *e) {
        const WorkerError reply = { .kind = e->kind, .message = (char *) error_message(e) };

        (void) write_line("Error", &worker_error_type, &reply);
}

static const WorkerVerb *find_verb(const char *name) {
        for (size_t i = 0; i < n_worker_verbs; i++)
                if (streq(worker_verbs[i].name, name))
                        return worker_verbs + i;
        return NULL;
}

static int read_params(const WorkerVerb *verb, void **ret, Error *reterr) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        void *params;
        int r;

        *ret = NULL;
        if (!verb->params)
                return 0;
        r = read_to_end(WORKER_FD_PARAMS, WORKER_PARAMS_MAX, &text, &size);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to read the parameters");
        params = json_new(verb->params);
        if (!params)
                return error_fill(reterr, -ENOMEM);
        r = json_decode_raw_text(verb->params, text, size, params, reterr);
        explicit_zero(text, size);
        if (r < 0) {
                json_free(verb->params, params);
                return r;
        }
        *ret = params;
        return 0;
}

#if CRASH_POINTS
/* False: the verb is to be run. Parameters are only read where the sandbox depends on them. */
static bool run_hostile(const WorkerVerb *verb, const int *fds, Error *reterr, int *ret) {
        const char *first = getenv("DOCKERD_WORKER_HOSTILE");
        void *params = NULL;
        uint64_t n;

        if (!first || parse_uint64(first, &n) < 0)
                return false;
        *ret = verb->prepare ? read_params(verb, &params, reterr) : 0;
        if (*ret >= 0 && verb->prepare)
                *ret = verb->prepare(params, fds, reterr);
        if (*ret >= 0 && !getenv("DOCKERD_WORKER_OPEN"))
                *ret = sandbox_enter(verb, fds, reterr);
        if (*ret >= 0)
                *ret = hostile_run(verb, fds, (unsigned) n, reterr);
        return true;
}
#else
#define run_hostile(verb, fds, reterr, ret) false
#endif

static int run(const WorkerVerb *verb, Error *reterr) {
        int fds[WORKER_FDS_MAX];
        void *params;
        int r;

        for (unsigned i = 0; i < WORKER_FDS_MAX; i++)
                fds[i] = WORKER_FD_FIRST + i;
        for (unsigned i = 0; i < verb->n_fds; i++)
                if (fcntl(fds[i], F_GETFD) < 0)
                        return error_setf(reterr, ERROR_INVALID, "%s needs %u descriptors", verb->name,
                                          verb->n_fds);

        if (run_hostile(verb, fds, reterr, &r))
                return r;
        r = read_params(verb, &params, reterr);
        if (r >= 0 && verb->prepare)
                r = verb->prepare(params, fds, reterr);
        if (r >= 0)
                r = sandbox_enter(verb, fds, reterr);
        if (r >= 0)
                r = verb->run(params, fds, reterr);
        if (verb->params)
                json_free(verb->params, params);
        return r;
}

static int usage(FILE *f, int status) {
        fprintf(f, "dockerd-worker VERB\n\nStarted by dockerd, for one job each. Verbs:");
        for (size_t i = 0; i < n_worker_verbs; i++)
                fprintf(f, " %s", worker_verbs[i].name);
        fputc('\n', f);
        return status;
}

int main(int argc, char *argv[]) {
        _cleanup_error_ Error error = ERROR_NULL;
        const WorkerVerb *verb;
        int r;

        if (argc == 2 && (streq(argv[1], "--help") || streq(argv[1], "-h")))
                return usage(stdout, EXIT_SUCCESS);
        if (argc == 2 && streq(argv[1], "--version")) {
                puts("dockerd-worker " PROJECT_VERSION);
                return EXIT_SUCCESS;
        }
        verb = argc == 2 ? find_verb(argv[1]) : NULL;
        if (!verb)
                return usage(stderr, 2);

        /* Parameters hold passwords: no core dump, no debugger, from here on. */
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        /* Who reads what we write may go away: an error to us. */
        (void) signal(SIGPIPE, SIG_IGN);
        /* Names in pax headers are UTF-8; without it libarchive would have to replace what is not ASCII. */
        (void) setlocale(LC_CTYPE, "C.UTF-8");
        /* The time zone is read now: later it would be a container's. */
        tzset();
        r = run(verb, &error);
        if (r < 0) {
                error_fill(&error, r);
                report_error(&error);
        }
        /* No exit handlers: leak checkers of sanitizers need system calls that are closed now. */
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
