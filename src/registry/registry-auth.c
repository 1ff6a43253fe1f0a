/* SPDX-License-Identifier: Apache-2.0 */
/* Authorisation of a session: Basic, or a bearer token from the token server that the registry names
 * (distribution-spec "Token Authentication", RFC 6749 section 6 for identity tokens). */
#include "basic/hexdecoct.h"
#include "basic/strv.h"
#include "json/json-type.h"
#include "registry/registry-session.h"

#define TOKEN_SECONDS 15U
#define CLIENT_ID "docker"

typedef struct TokenReply {
        char *token, *access_token, *refresh_token;
} TokenReply;

static const JsonField token_reply_fields[] = {
        JSON_STRING(TokenReply, token, "token", JSON_SECRET),
        JSON_STRING(TokenReply, access_token, "access_token", JSON_SECRET),
        JSON_STRING(TokenReply, refresh_token, "refresh_token", JSON_SECRET),
};
static const JsonType TokenReply_json = {
        .name = "TokenReply", .size = sizeof(TokenReply), .fields = token_reply_fields,
        .n_fields = ELEMENTSOF(token_reply_fields),
};
DEFINE_JSON_CLEANUP(TokenReply);

/* A mirror gets nobody's credentials. */
static const RegistryAuth *session_auth(const RegistrySession *s) {
        static const RegistryAuth none = {};

        return s->access->endpoints.items[s->endpoint].mirror ? &none : &s->access->auth;
}

static bool has_password(const RegistryAuth *a) {
        return !isempty(a->username) && !isempty(a->password);
}

static int basic_header(const RegistryAuth *a, char **ret) {
        _cleanup_free_ char *pair = strjoin(a->username, ":", a->password), *text = NULL;

        text = pair ? base64mem(pair, strlen(pair)) : NULL;
        *ret = text ? strjoin("Basic ", text) : NULL;
        if (pair)
                explicit_zero(pair, strlen(pair));
        if (text)
                explicit_zero(text, strlen(text));
        return *ret ? 0 : -ENOMEM;
}

static int add_field(Buffer *b, const char *name, const char *value) {
        _cleanup_free_ char *escaped = NULL;
        char last = b->size > 0 ? b->data[b->size - 1] : '?';

        if (isempty(value))
                return 0;
        escaped = http_escape(value);
        if (!escaped)
                return -ENOMEM;
        return buffer_appendf(b, "%s%s=%s", b->size == 0 || strchr("?&", last) ? "" : "&", name, escaped);
}

/* The identity token speaks for the user: OAuth2's refresh. */
static int build_form(RegistrySession *s, const AuthChallenge *c, const RegistryAuth *a, Buffer *form) {
        _cleanup_free_ char *scopes = strv_join(s->scopes, " ");
        int r;

        r = add_field(form, "grant_type", "refresh_token");
        if (r >= 0)
                r = add_field(form, "service", c->service);
        if (r >= 0)
                r = add_field(form, "client_id", CLIENT_ID);
        if (r >= 0)
                r = add_field(form, "scope", scopes);
        if (r >= 0)
                r = add_field(form, "refresh_token", a->identity_token);
        return r;
}

static int build_query(RegistrySession *s, const AuthChallenge *c, const RegistryAuth *a, Buffer *url) {
        int r;

        r = buffer_append_str(url, c->realm);
        if (r >= 0 && !strchr(c->realm, '?'))
                r = buffer_append_str(url, "?");
        if (r >= 0)
                r = add_field(url, "service", c->service);
        STRV_FOREACH(scope, s->scopes)
                if (r >= 0)
                        r = add_field(url, "scope", *scope);
        if (r >= 0 && s->offline)
                r = add_field(url, "offline_token", "true");
        if (r >= 0 && s->offline)
                r = add_field(url, "client_id", CLIENT_ID);
        if (r >= 0 && has_password(a))
                r = add_field(url, "account", a->username);
        return r;
}

static int take_token(RegistrySession *s, const HttpTransfer *t) {
        _cleanup_(TokenReply_donep) TokenReply reply = {};
        _cleanup_error_ Error e = ERROR_NULL;
        const char *token;
        int r;

        r = json_decode_text(&TokenReply_json, strempty(t->text.data), t->text.size, 0, &reply, &e);
        if (r < 0)
                return registry_fail(s, REGISTRY_FAILURE_STATUS, "unable to decode token response: %s",
                                     error_message(&e));
        token = isempty(reply.token) ? reply.access_token : reply.token;
        if (isempty(token) || strpbrk(token, "\r\n"))
                return registry_fail(s, REGISTRY_FAILURE_STATUS,
                                     "authorization server did not include a token in the response");
        if (free_and_strdup(&s->token, token) < 0 ||
            (!isempty(reply.refresh_token) && free_and_strdup(&s->identity_token, reply.refresh_token) < 0))
                return registry_fail_errno(s, -ENOMEM, "cannot keep the token");
        return 0;
}

/* The token server's words, or that it could not be reached. */
static int token_failure(RegistrySession *s, const RegistryRequest *q) {
        const HttpTransfer *t = &q->http;
        RegistryFailure f;

        if (t->error)
                return registry_fail(s, REGISTRY_FAILURE_TRANSPORT, "%s \"%.*s\": %s",
                                     t->method ? "Post" : "Get", (int) strcspn(t->url, "?"), t->url,
                                     t->error);
        if (registry_failure_from_response(t->status, t->text.data, t->text.size, &t->challenges, &f) < 0)
                return registry_fail_errno(s, -ENOMEM, "cannot read the token server's answer");
        registry_failure_done(&s->failure);
        s->failure = f;
        return -EREMOTEIO;
}

/* Not where the registry's own connection is protected and this one would not be. */
static int check_realm(RegistrySession *s, const AuthChallenge *c, bool secret) {
        _cleanup_(http_origin_donep) HttpOrigin o = {};

        if (isempty(c->realm))
                return registry_fail(s, REGISTRY_FAILURE_STATUS,
                                     "no realm specified for token auth challenge");
        if (http_origin_parse(c->realm, &o) < 0)
                return registry_fail(s, REGISTRY_FAILURE_STATUS,
                                     "invalid token auth challenge realm: %.256s", c->realm);
        if (secret && streq(o.scheme, "http") && streq(s->origin.scheme, "https") &&
            !s->insecure)
                return registry_fail(s, REGISTRY_FAILURE_STATUS,
                                     "credentials are not sent to the token server %s in plain text",
                                     o.host);
        return 0;
}

static int fetch_token(RegistrySession *s, const AuthChallenge *c) {
        const RegistryEndpoint *e = s->access->endpoints.items + s->endpoint;
        const RegistryAuth *a = session_auth(s);
        const HttpTls tls = { .insecure = s->insecure, .ca = e->ca };
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        bool refresh = !isempty(a->identity_token);
        _cleanup_buffer_ Buffer url = {}, form = {};
        int r;

        r = check_realm(s, c, refresh || has_password(a));
        if (r < 0)
                return r;
        r = refresh ? buffer_append_str(&url, c->realm) : build_query(s, c, a, &url);
        if (r >= 0 && refresh)
                r = build_form(s, c, a, &form);
        if (r >= 0 && !refresh && has_password(a))
                r = basic_header(a, &q.http.authorization);
        q.http.url = r < 0 ? NULL : buffer_steal(&url);
        if (!q.http.url)
                return registry_fail_errno(s, -ENOMEM, "cannot ask for a token");
        q.http.seconds = TOKEN_SECONDS;
        q.http.text_max = REGISTRY_TOKEN_MAX;
        if (refresh) {
                q.http.method = "POST";
                q.http.content_type = "application/x-www-form-urlencoded";
                q.http.body = form.data;
                q.http.body_size = form.size;
        }
        r = http_transfer_start(s->http, &q.http, &tls);
        if (r >= 0)
                r = http_transfer_wait(s->http, &q.http);
        if (form.data)
                explicit_zero(form.data, form.size);
        if (r < 0)
                return registry_fail_errno(s, r, "cannot ask for a token");
        r = http_transfer_succeeded(&q.http) ? take_token(s, &q.http) : token_failure(s, &q);
        if (q.http.text.data)
                explicit_zero(q.http.text.data, q.http.text.size);
        return r;
}

int registry_authorization(RegistrySession *s, char **ret) {
        const RegistryAuth *a = session_auth(s);
        const AuthChallenge *bearer = auth_challenges_find(&s->challenges, "bearer");
        const AuthChallenge *basic = auth_challenges_find(&s->challenges, "basic");
        int r = 0;

        *ret = NULL;
        if (!isempty(a->registry_token) && (bearer || basic)) {
                *ret = strjoin("Bearer ", a->registry_token);
                return *ret ? 0 : registry_fail_errno(s, -ENOMEM, "cannot authorise a request");
        }
        if (bearer && !s->token)
                r = fetch_token(s, bearer);
        if (r < 0)
                return r;
        if (s->token)
                *ret = strjoin("Bearer ", s->token);
        else if ((basic || s->always_basic || s->wants_basic) && has_password(a))
                (void) basic_header(a, ret);
        else if (basic)
                return registry_fail(s, REGISTRY_FAILURE_STATUS, "no basic auth credentials");
        else
                return 0;
        return *ret ? 0 : registry_fail_errno(s, -ENOMEM, "cannot authorise a request");
}

const char *registry_session_token(const RegistrySession *s) {
        if (s->token)
                return s->token;
        return has_password(session_auth(s)) &&
               (s->wants_basic || auth_challenges_find(&s->challenges, "basic")) ? REGISTRY_TOKEN_BASIC : "";
}

int registry_reauthorise(RegistrySession *s, HttpTransfer *t) {
        /* The server has seen all there is. */
        if (t->challenges.n_items == 0 || (t->authorization && !s->token))
                return 0;
        if (s->token)
                explicit_zero(s->token, strlen(s->token));
        s->token = mfree(s->token);
        auth_challenges_done(&s->challenges);
        s->challenges = TAKE_STRUCT(t->challenges);
        return 1;
}
