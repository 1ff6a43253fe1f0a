/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry-session.h"

#include <ctype.h>
#include <stdarg.h>

#include "basic/parse-util.h"
#include "basic/strv.h"

#define PING_SECONDS 15U
#define BACKOFF_FIRST (250U * USEC_PER_MSEC)
#define BACKOFF_MAX (8U * USEC_PER_SEC)

int registry_session_init(RegistrySession *s, const RegistryAccess *access, const char *actions) {
        int r;

        *s = (RegistrySession) {
                .access = access,
                .endpoint = SIZE_MAX,
                .proxies = { access->proxies.http, access->proxies.https, access->proxies.no_proxy },
        };
        s->reached = new0(bool, access->endpoints.n_items + 1);
        if (!s->reached)
                return -ENOMEM;
        r = http_client_new(&s->proxies, access->user_agent, &s->http);
        if (r >= 0 && actions)
                r = strv_extendf(&s->scopes, "repository:%s:%s", access->repository, actions);
        return r;
}

static char *erase(char *secret) {
        if (secret)
                explicit_zero(secret, strlen(secret));
        return mfree(secret);
}

void registry_session_done(RegistrySession *s) {
        http_client_free(s->http);
        strv_free(s->scopes);
        http_origin_done(&s->origin);
        auth_challenges_done(&s->challenges);
        erase(s->token);
        erase(s->identity_token);
        free(s->reached);
        registry_failure_done(&s->failure);
        *s = (RegistrySession) {};
}

int registry_session_add_scope(RegistrySession *s, const char *scope) {
        return strv_contains(s->scopes, scope) ? 0 : strv_extend(&s->scopes, scope);
}

/* --- failures --- */

int registry_fail(RegistrySession *s, RegistryFailureKind kind, const char *format, ...) {
        char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        registry_failure_done(&s->failure);
        s->failure = (RegistryFailure) { .kind = kind, .text = text };
        return -EREMOTEIO;
}

int registry_fail_error(RegistrySession *s, RegistryFailureKind kind, const Error *e) {
        return registry_fail(s, e->kind == ERROR_INTERNAL ? REGISTRY_FAILURE_LOCAL : kind, "%s",
                             error_message(e));
}

int registry_fail_errno(RegistrySession *s, int r, const char *what) {
        return registry_fail(s, REGISTRY_FAILURE_LOCAL, "%s: %s", what, strerror(-r));
}

static const RegistryEndpoint *endpoint(const RegistrySession *s) {
        return s->access->endpoints.items + s->endpoint;
}

unsigned registry_attempts(const RegistrySession *s) {
        uint64_t n = s->access->attempts;

        if (n == 0 || n > UINT32_MAX)
                n = REGISTRY_ATTEMPTS_DEFAULT;
        /* Behind a mirror there is the registry itself. */
        return (unsigned) (endpoint(s)->mirror ? min_u64(n, REGISTRY_ATTEMPTS_MIRROR) : n);
}

/* "Get", "Head", "Put" */
static const char *request_label(const RegistryRequest *q, char buf[static 8]) {
        size_t n;

        if (q->label)
                return q->label;
        n = min_size(strlen(q->http.method ?: "GET"), 7);
        for (size_t i = 0; i < n; i++)
                buf[i] = (char) (i == 0 ? (q->http.method ?: "GET")[i]
                                        : tolower((unsigned char) (q->http.method ?: "GET")[i]));
        buf[n] = 0;
        return buf;
}

/* A URL that a server made may be signed: its query stays here. */
static int fail_request(RegistrySession *s, const RegistryRequest *q, RegistryFailureKind kind,
                        const char *text) {
        bool strange = q->redirected || strstr(q->path, "://");
        int n = (int) (strange ? strcspn(q->http.url, "?") : strlen(q->http.url));
        RegistryFailure f = { .kind = kind };
        char label[8];

        if (kind == REGISTRY_FAILURE_CODE) {
                f.code = s->failure.code;
                f.status = s->failure.status;
        }
        if (asprintf_safe(&f.text, "%s \"%.*s\": %s", request_label(q, label), n, q->http.url, text) < 0)
                return registry_fail_errno(s, -ENOMEM, "cannot report a failure");
        f.bare = strlen(f.text) - strlen(text);
        registry_failure_done(&s->failure);
        s->failure = f;
        return -EREMOTEIO;
}

int registry_fail_prefix(RegistrySession *s, int r, const char *what) {
        char *text = strjoin(what, ": ", strempty(s->failure.text));

        if (!text)
                return -ENOMEM;
        free(s->failure.text);
        s->failure.text = text;
        s->failure.code = REGISTRY_CODE_OTHER;
        s->failure.bare = 0;
        return r;
}

/* --- one request --- */

void registry_request_done(RegistryRequest *q) {
        http_transfer_done(&q->http);
        free(q->path);
        *q = REGISTRY_REQUEST_NULL;
}

static int start(RegistrySession *s, RegistryRequest *q) {
        _cleanup_(http_origin_donep) HttpOrigin o = {};
        const RegistryEndpoint *e = endpoint(s);
        bool own;
        HttpTls tls = { .insecure = s->insecure, .ca = e->ca };
        int r;

        q->http.authorization = erase(q->http.authorization);
        own = http_origin_parse(q->http.url, &o) >= 0 && http_origin_equal(&o, &s->origin);
        if (own)
                tls.clients = &e->clients;
        if (own && !q->anonymous) {
                r = registry_authorization(s, &q->http.authorization);
                if (r < 0)
                        return s->failure.kind == REGISTRY_FAILURE_LOCAL ?
                               r : fail_request(s, q, s->failure.kind, s->failure.text);
        }
        r = http_transfer_start(s->http, &q->http, &tls);
        return r < 0 ? registry_fail_errno(s, r, "cannot start a request") : 0;
}

int registry_request_start(RegistrySession *s, RegistryRequest *q) {
        q->redirects = 0;
        q->reauthorised = q->redirected = false;
        free(q->http.url);
        q->http.url = strstr(q->path, "://") ? strdup(q->path) : strjoin(endpoint(s)->url, q->path);
        if (!q->http.url)
                return registry_fail_errno(s, -ENOMEM, "cannot start a request");
        return start(s, q);
}

static bool is_redirect(const HttpTransfer *t) {
        return IN_SET(t->status, 301U, 302U, 303U, 307U, 308U) && t->location &&
               (!t->method || streq(t->method, "HEAD") || streq(t->method, "GET"));
}

static int follow(RegistrySession *s, RegistryRequest *q) {
        char *target = http_url_join(q->http.url, q->http.location);

        if (!target)
                return fail_request(s, q, REGISTRY_FAILURE_STATUS, "invalid redirect");
        if (++q->redirects > REGISTRY_REDIRECTS_MAX) {
                free(target);
                return fail_request(s, q, REGISTRY_FAILURE_STATUS, "stopped after 10 redirects");
        }
        if (startswith(q->http.url, "https:") && startswith(target, "http:") && !q->content_addressed &&
            !s->insecure) {
                free(target);
                return fail_request(s, q, REGISTRY_FAILURE_STATUS,
                                    "redirected from https to http, which is not followed");
        }
        q->redirected = true;
        free(q->http.url);
        q->http.url = target;
        return start(s, q);
}

static int judge_failure(RegistrySession *s, RegistryRequest *q) {
        const HttpTransfer *t = &q->http;
        RegistryFailure f;
        int r;

        /* The sink has said why. */
        if (t->sink_result == -EREMOTEIO)
                return t->sink_result;
        if (t->sink_result < 0)
                return registry_fail_errno(s, t->sink_result, "cannot store what comes");
        if (t->error)
                return fail_request(s, q,
                                    t->too_large ? REGISTRY_FAILURE_CONTENT : REGISTRY_FAILURE_TRANSPORT,
                                    t->error);
        r = registry_failure_from_response(t->status, t->text.data, t->text.size, &t->challenges, &f);
        if (r < 0)
                return registry_fail_errno(s, r, "cannot read an answer");
        registry_failure_done(&s->failure);
        s->failure = f;
        return -EREMOTEIO;
}

int registry_request_step(RegistrySession *s, RegistryRequest *q) {
        HttpTransfer *t = &q->http;
        int r;

        assert(t->done);
        if (t->verified_transport && !q->redirected)
                s->reached[s->endpoint] = true;
        if (http_transfer_succeeded(t))
                return 1;
        if (!t->error && is_redirect(t))
                return follow(s, q);
        if (!t->error && t->status == 401 && !q->redirected && !q->reauthorised && !q->anonymous) {
                r = registry_reauthorise(s, t);
                if (r < 0)
                        return fail_request(s, q, s->failure.kind, s->failure.text);
                q->reauthorised = true;
                if (r > 0)
                        return start(s, q);
        }
        return judge_failure(s, q);
}

/* --- again --- */

static unsigned retry_after(const HttpTransfer *t) {
        uint32_t seconds;
        time_t at;

        if (!t->retry_after)
                return 0;
        if (parse_uint32(t->retry_after, &seconds) >= 0)
                return seconds;
        at = curl_getdate(t->retry_after, NULL);
        return at > time(NULL) ? (unsigned) min_u64((uint64_t) (at - time(NULL)), UINT32_MAX) : 0;
}

/* An endpoint that has never been reached is not waited for: the user wants to know, or another one
 * follows. */
static bool was_reached(const RegistrySession *s) {
        return s->reached[s->endpoint] || (s->endpoint == s->access->first && !isempty(s->access->token));
}

bool registry_failure_is_temporary(const RegistrySession *s, const RegistryRequest *q, unsigned *ret_wait) {
        unsigned wait = retry_after(&q->http);

        *ret_wait = wait;
        if (wait > REGISTRY_RETRY_AFTER_MAX)
                return false;
        if (s->failure.kind == REGISTRY_FAILURE_TRANSPORT)
                return true;
        if (s->failure.kind == REGISTRY_FAILURE_STATUS)
                return s->failure.status >= 500;
        return s->failure.status == 429 && wait > 0;
}

static void pause_for(usec_t t) {
        const struct timespec ts = { (time_t) (t / USEC_PER_SEC), (long) (t % USEC_PER_SEC * 1000) };

        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

int registry_request_run_once(RegistrySession *s, RegistryRequest *q) {
        int r = registry_request_start(s, q);

        while (r >= 0) {
                r = http_transfer_wait(s->http, &q->http);
                if (r < 0)
                        return registry_fail_errno(s, r, "cannot go on with a request");
                r = registry_request_step(s, q);
                if (r != 0)
                        return r;
        }
        return r;
}

int registry_request_run(RegistrySession *s, RegistryRequest *q) {
        usec_t backoff = BACKOFF_FIRST;
        unsigned wait;
        int r;

        for (unsigned i = 1;; i++) {
                r = registry_request_run_once(s, q);
                if (r >= 0)
                        return 0;
                if (i >= registry_attempts(s) || !registry_failure_is_temporary(s, q, &wait) ||
                    !was_reached(s))
                        return r;
                pause_for(wait > 0 ? wait * USEC_PER_SEC : backoff);
                backoff = min_u64(backoff * 2, BACKOFF_MAX);
        }
}

/* --- endpoints --- */

/* 1: usable; 0: to be left out. */
static int decide_security(RegistrySession *s, size_t i) {
        const RegistryEndpoint *e = s->access->endpoints.items + i;
        int r;

        s->insecure = e->insecure;
        if (!e->by_address)
                return 1;
        r = http_client_resolves_into(s->http, s->origin.host, s->origin.port, s->access->insecure_prefixes);
        if (r < 0)
                return registry_fail_errno(s, r, "cannot look up the registry");
        s->insecure = r > 0;
        return r > 0 || streq(s->origin.scheme, "https");
}

static int select_endpoint(RegistrySession *s, size_t i) {
        s->endpoint = i;
        http_origin_done(&s->origin);
        auth_challenges_done(&s->challenges);
        s->token = erase(s->token);
        if (http_origin_parse(endpoint(s)->url, &s->origin) < 0)
                return registry_fail(s, REGISTRY_FAILURE_TRANSPORT, "invalid registry endpoint %s",
                                     endpoint(s)->url);
        /* It was given for that one. */
        s->wants_basic = i == s->access->first && streq_ptr(s->access->token, REGISTRY_TOKEN_BASIC);
        if (i == s->access->first && !isempty(s->access->token) && !s->wants_basic) {
                s->token = strdup(s->access->token);
                if (!s->token)
                        return registry_fail_errno(s, -ENOMEM, "cannot keep the token");
        }
        return decide_security(s, i);
}

/* No authorisation: an answer of 401 is what we are after. Not repeated: the user waits for "connection
 * refused". */
static int ping(RegistrySession *s) {
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        int r;

        q.path = strdup("/v2/");
        if (!q.path)
                return registry_fail_errno(s, -ENOMEM, "cannot start a request");
        q.anonymous = true;
        q.http.seconds = PING_SECONDS;
        q.http.text_max = REGISTRY_ERROR_BODY_MAX;
        r = registry_request_run_once(s, &q);
        if (r < 0 && s->failure.kind == REGISTRY_FAILURE_TRANSPORT)
                return r;
        auth_challenges_done(&s->challenges);
        if (q.http.status == 401)
                s->challenges = TAKE_STRUCT(q.http.challenges);
        return 0;
}

/* The plain twin of an endpoint that speaks TLS is never asked. */
static bool has_tls_twin(const RegistrySession *s, size_t i) {
        const char *host = startswith(s->access->endpoints.items[i].url, "http://");

        if (!host)
                return false;
        for (size_t k = 0; k < s->access->endpoints.n_items; k++) {
                const char *other = startswith(s->access->endpoints.items[k].url, "https://");

                if (other && streq(other, host) && s->reached[k])
                        return true;
        }
        return false;
}

static bool may_continue(const RegistrySession *s) {
        if (s->failure.kind == REGISTRY_FAILURE_LOCAL)
                return false;
        if (endpoint(s)->mirror)
                return true;
        return IN_SET(s->failure.kind, REGISTRY_FAILURE_TRANSPORT, REGISTRY_FAILURE_STATUS,
                      REGISTRY_FAILURE_RESPONSE);
}

int registry_each_endpoint(RegistrySession *s, bool with_ping, RegistryFunction f, void *userdata) {
        const RegistryAccess *a = s->access;
        int r = -EREMOTEIO;

        if (a->first >= a->endpoints.n_items)
                return registry_fail(s, REGISTRY_FAILURE_TRANSPORT, "no endpoints found for %s",
                                     strempty(a->familiar));
        for (size_t i = (size_t) a->first; i < a->endpoints.n_items; i++) {
                if (has_tls_twin(s, i))
                        continue;
                r = select_endpoint(s, i);
                if (r == 0) {
                        r = -EREMOTEIO;
                        continue;
                }
                if (r >= 0 && with_ping)
                        r = ping(s);
                if (r >= 0)
                        r = f(s, userdata);
                if (r >= 0 || !may_continue(s))
                        return r;
        }
        return r;
}

/* --- errors of the verbs --- */

static const struct {
        RegistryCode code;
        ErrorKind kind;
        /* Of a pull: around the name, or the reference where `whole`; NULL = the text as it is. */
        const char *before, *behind;
        bool whole;
} code_errors[] = {
        { REGISTRY_CODE_UNAUTHORIZED, ERROR_UNAUTHORIZED, NULL, NULL, false },
        { REGISTRY_CODE_DENIED, ERROR_FORBIDDEN, "pull access denied for ",
          ", repository does not exist or may require 'docker login'", false },
        { REGISTRY_CODE_NAME_UNKNOWN, ERROR_NOT_FOUND, "repository ", " not found", false },
        { REGISTRY_CODE_MANIFEST_UNKNOWN, ERROR_NOT_FOUND, "manifest for ", " not found", true },
        { REGISTRY_CODE_BLOB_UNKNOWN, ERROR_NOT_FOUND, NULL, NULL, false },
        { REGISTRY_CODE_NO_PLATFORM, ERROR_NOT_FOUND, NULL, NULL, false },
};

static size_t find_code_error(const RegistryFailure *f) {
        size_t i = 0;

        while (i < ELEMENTSOF(code_errors) &&
               (f->kind != REGISTRY_FAILURE_CODE || code_errors[i].code != f->code))
                i++;
        return i;
}

static ErrorKind default_kind(const RegistryFailure *f) {
        return f->kind == REGISTRY_FAILURE_CONTENT ? ERROR_INVALID : ERROR_INTERNAL;
}

int registry_plain_error(const RegistrySession *s, Error *reterr) {
        size_t i = find_code_error(&s->failure);

        return error_setf(reterr,
                          i < ELEMENTSOF(code_errors) ? code_errors[i].kind : default_kind(&s->failure),
                          "%s", strempty(s->failure.text));
}

int registry_pull_error(const RegistrySession *s, const char *reference, Error *reterr) {
        const RegistryFailure *f = &s->failure;
        size_t i = find_code_error(f);

        if (i < ELEMENTSOF(code_errors) && code_errors[i].before)
                return error_setf(reterr, ERROR_NOT_FOUND, "%s%s%s: %s", code_errors[i].before,
                                  strempty(code_errors[i].whole ? reference : s->access->familiar),
                                  code_errors[i].behind, strempty(f->text) + f->bare);
        return error_setf(reterr, f->code == REGISTRY_CODE_NO_PLATFORM ? ERROR_NOT_FOUND : default_kind(f),
                          "%s", strempty(f->text));
}
