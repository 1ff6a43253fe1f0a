/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry-error.h"

#include "basic/string-util.h"
#include "json/json-type.h"
#include "json/json-value.h"

/* Errors of one answer that are shown, and bytes of each of their messages. */
#define ERRORS_SHOWN_MAX 8U
#define MESSAGE_SHOWN_MAX 1024U

/* The text is what Docker's clients compare: the code in small letters, then the message or, where there is
 * none, the specification's own. */
static const struct {
        const char *name, *message;
        RegistryCode code;
} codes[] = {
        { "BLOB_UNKNOWN", "blob unknown to registry", REGISTRY_CODE_BLOB_UNKNOWN },
        { "BLOB_UPLOAD_INVALID", "blob upload invalid", REGISTRY_CODE_OTHER },
        { "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", REGISTRY_CODE_OTHER },
        { "DENIED", "requested access to the resource is denied", REGISTRY_CODE_DENIED },
        { "DIGEST_INVALID", "provided digest did not match uploaded content", REGISTRY_CODE_OTHER },
        { "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", REGISTRY_CODE_OTHER },
        { "MANIFEST_INVALID", "manifest invalid", REGISTRY_CODE_OTHER },
        { "MANIFEST_UNKNOWN", "manifest unknown", REGISTRY_CODE_MANIFEST_UNKNOWN },
        { "MANIFEST_UNVERIFIED", "manifest failed signature verification", REGISTRY_CODE_OTHER },
        { "NAME_INVALID", "invalid repository name", REGISTRY_CODE_OTHER },
        { "NAME_UNKNOWN", "repository name not known to registry", REGISTRY_CODE_NAME_UNKNOWN },
        { "PAGINATION_NUMBER_INVALID", "invalid number of results requested", REGISTRY_CODE_OTHER },
        { "RANGE_INVALID", "invalid content range", REGISTRY_CODE_OTHER },
        { "SIZE_INVALID", "provided length did not match content length", REGISTRY_CODE_OTHER },
        { "TAG_INVALID", "manifest tag did not match URI", REGISTRY_CODE_OTHER },
        { "TOOMANYREQUESTS", "too many requests", REGISTRY_CODE_TOO_MANY_REQUESTS },
        { "UNAUTHORIZED", "authentication required", REGISTRY_CODE_UNAUTHORIZED },
        { "UNAVAILABLE", "service unavailable", REGISTRY_CODE_OTHER },
        { "UNKNOWN", "unknown error", REGISTRY_CODE_UNKNOWN },
        { "UNSUPPORTED", "The operation is unsupported.", REGISTRY_CODE_OTHER },
};

static const struct {
        unsigned status;
        const char *text;
} status_texts[] = {
        { 400, "400 Bad Request"                     },
        { 401, "401 Unauthorized"                    },
        { 402, "402 Payment Required"                },
        { 403, "403 Forbidden"                       },
        { 404, "404 Not Found"                       },
        { 405, "405 Method Not Allowed"              },
        { 406, "406 Not Acceptable"                  },
        { 408, "408 Request Timeout"                 },
        { 410, "410 Gone"                            },
        { 416, "416 Requested Range Not Satisfiable" },
        { 429, "429 Too Many Requests"               },
        { 500, "500 Internal Server Error"           },
        { 501, "501 Not Implemented"                 },
        { 502, "502 Bad Gateway"                     },
        { 503, "503 Service Unavailable"             },
        { 504, "504 Gateway Timeout"                 },
};

const char *http_status_text(unsigned status) {
        FOREACH_ELEMENT(s, status_texts)
                if (s->status == status)
                        return s->text;
        return NULL;
}

void registry_failure_done(RegistryFailure *f) {
        free(f->text);
        *f = (RegistryFailure) {};
}

/* Bytes of a stranger on their way to a terminal. */
static void append_clean(Buffer *b, const char *s, size_t max) {
        for (size_t i = 0; s[i] && i < max; i++) {
                bool bad = (unsigned char) s[i] < 0x20 || s[i] == 0x7f;

                (void) buffer_append(b, bad ? "?" : s + i, 1);
        }
}

/* As Go's %q. */
static void append_quoted(Buffer *b, const char *s, size_t n) {
        (void) buffer_append_str(b, "\"");
        for (size_t i = 0; i < min_size(n, MESSAGE_SHOWN_MAX); i++) {
                unsigned char c = (unsigned char) s[i];

                if (c == '"' || c == '\\')
                        (void) buffer_appendf(b, "\\%c", c);
                else if (c == '\n')
                        (void) buffer_append_str(b, "\\n");
                else if (c == '\r')
                        (void) buffer_append_str(b, "\\r");
                else if (c == '\t')
                        (void) buffer_append_str(b, "\\t");
                else if (c < 0x20 || c == 0x7f)
                        (void) buffer_appendf(b, "\\x%02x", c);
                else
                        (void) buffer_append(b, s + i, 1);
        }
        (void) buffer_append_str(b, "\"");
}

static size_t find_code(const char *name) {
        size_t i = 0;

        while (i < ELEMENTSOF(codes) && !streq(codes[i].name, name))
                i++;
        return i;
}

/* "manifest unknown: manifest unknown" */
static RegistryCode append_code(Buffer *b, const char *name, const char *message) {
        size_t i = find_code(strempty(name));

        if (i >= ELEMENTSOF(codes))
                i = find_code("UNKNOWN");
        for (const char *p = codes[i].name; *p; p++)
                (void) buffer_append(b, *p == '_' ? " " : (const char[]) { *p | 0x20 }, 1);
        (void) buffer_append_str(b, ": ");
        append_clean(b, isempty(message) ? codes[i].message : message, MESSAGE_SHOWN_MAX);
        return codes[i].code;
}

static RegistryCode append_errors(Buffer *b, const JsonValue *errors) {
        size_t n = min_size(json_value_length(errors), ERRORS_SHOWN_MAX);
        RegistryCode first = REGISTRY_CODE_UNKNOWN;

        if (n > 1)
                (void) buffer_append_str(b, "errors:\n");
        for (size_t i = 0; i < n; i++) {
                const JsonValue *e = json_value_at(errors, i);
                RegistryCode code;

                code = append_code(b, json_value_string(json_value_get(e, "code")),
                                   json_value_string(json_value_get(e, "message")));
                if (i == 0)
                        first = code;
                if (n > 1)
                        (void) buffer_append_str(b, "\n");
        }
        return first;
}

/* Older token servers: {"details": "..."}. */
static const char *details_code(unsigned status) {
        return status == 401 ? "UNAUTHORIZED" : status == 429 ? "TOOMANYREQUESTS" : "UNKNOWN";
}

/* What the challenge itself complains of goes before the body. */
static const char *challenge_code(const AuthChallengeList *l, const AuthChallenge **ret) {
        *ret = l ? auth_challenges_find(l, "bearer") : NULL;
        if (!*ret || !(*ret)->error)
                return NULL;
        return streq((*ret)->error, "invalid_token")      ? "UNAUTHORIZED" :
               streq((*ret)->error, "insufficient_scope") ? "DENIED"       : NULL;
}

static void read_refusal(RegistryFailure *f, Buffer *b, const char *body, size_t size,
                         const AuthChallengeList *challenges) {
        _cleanup_(json_value_unrefp) JsonValue *v = NULL;
        const AuthChallenge *challenge;
        const char *from_challenge = challenge_code(challenges, &challenge);
        const JsonValue *errors;
        const char *details;

        if (from_challenge) {
                f->code = append_code(b, from_challenge, challenge->error_description);
                return;
        }
        (void) json_value_parse(body, size, JSON_DEPTH_MAX, &v, NULL);
        details = json_value_string(json_value_get(v, "details"));
        errors = json_value_get(v, "errors");
        if (!isempty(details))
                f->code = append_code(b, details_code(f->status), details);
        else if (errors && json_value_type(errors) == JSON_VALUE_ARRAY && json_value_length(errors) > 0)
                f->code = append_errors(b, errors);
        else if (f->status == 401)
                f->code = append_code(b, "UNAUTHORIZED", NULL);
        else if (f->status == 429)
                f->code = append_code(b, "TOOMANYREQUESTS", NULL);
        else {
                f->kind = REGISTRY_FAILURE_RESPONSE;
                (void) buffer_appendf(b, "error parsing HTTP %u response body: %s: ", f->status,
                                      v ? "no error details found in HTTP response body" :
                                          "it is not JSON");
                append_quoted(b, body, size);
        }
}

int registry_failure_from_response(unsigned status, const char *body, size_t size,
                                   const AuthChallengeList *challenges, RegistryFailure *ret) {
        RegistryFailure f = { .kind = REGISTRY_FAILURE_CODE, .status = status };
        _cleanup_buffer_ Buffer b = {};

        if (status >= 400 && status < 500)
                read_refusal(&f, &b, body ?: "", body ? size : 0, challenges);
        else {
                f.kind = REGISTRY_FAILURE_STATUS;
                (void) buffer_append_str(&b, "received unexpected HTTP status: ");
                if (http_status_text(status))
                        (void) buffer_append_str(&b, http_status_text(status));
                else
                        (void) buffer_appendf(&b, "%u", status);
        }
        f.text = buffer_steal(&b);
        if (!f.text)
                return -ENOMEM;
        *ret = f;
        return 0;
}
