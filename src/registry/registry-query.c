/* SPDX-License-Identifier: Apache-2.0 */
/* Small questions: the tags of a repository, whether credentials are good, a search. */
#include "basic/strv.h"
#include "registry/reference.h"
#include "registry/registry-client.h"
#include "registry/registry-session.h"

#define QUERY_SECONDS 60U
#define TAGS_PAGE_MAX (8U * 1024U * 1024U)
#define TAGS_PAGES_MAX 4096U
#define SEARCH_REPLY_MAX (4U * 1024U * 1024U)

/* --- tags --- */

typedef struct TagsPage {
        char **tags;
} TagsPage;

static const JsonField tags_page_fields[] = {
        JSON_STRV(TagsPage, tags, "tags", 0),
};
static const JsonType TagsPage_json = {
        .name = "TagsPage", .size = sizeof(TagsPage), .fields = tags_page_fields,
        .n_fields = ELEMENTSOF(tags_page_fields),
};
DEFINE_JSON_CLEANUP(TagsPage);

/* The target of `<...>; rel="next"` (RFC 8288), or NULL. */
static char *next_link(const char *link) {
        for (const char *p = link; p && (p = strchr(p, '<'));) {
                const char *end = strchr(p, '>');
                size_t n;

                if (!end)
                        return NULL;
                n = strcspn(end, ",");
                for (const char *rel = end; (rel = strstr(rel, "rel=")) && rel < end + n; rel++)
                        if (startswith(rel, "rel=\"next\"") || startswith(rel, "rel=next"))
                                return strndup_safe(p + 1, (size_t) (end - p - 1));
                p = end + n;
        }
        return NULL;
}

static int take_tags(RegistrySession *s, const HttpTransfer *t, RegistryTagsReply *reply) {
        _cleanup_(TagsPage_donep) TagsPage page = {};
        _cleanup_error_ Error e = ERROR_NULL;

        if (json_decode_text(&TagsPage_json, strempty(t->text.data), t->text.size, 0, &page, &e) < 0)
                return registry_fail_error(s, REGISTRY_FAILURE_CONTENT, &e);
        if (strv_length(reply->tags) + strv_length(page.tags) > REGISTRY_TAGS_MAX)
                return registry_fail(s, REGISTRY_FAILURE_CONTENT, "the repository has more than %u tags",
                                     REGISTRY_TAGS_MAX);
        STRV_FOREACH(tag, page.tags)
                if (!reference_tag_is_valid(*tag))
                        return registry_fail(s, REGISTRY_FAILURE_CONTENT, "invalid tag format");
        return strv_extend_strv(&reply->tags, page.tags) < 0 ?
                               registry_fail_errno(s, -ENOMEM, "cannot keep the tags") :
                               0;
}

/* Moves on to the next page; 0: that was the last. */
static int next_page(RegistrySession *s, RegistryRequest *q) {
        _cleanup_(http_origin_donep) HttpOrigin o = {};
        _cleanup_free_ char *link = next_link(q->http.link), *url = NULL;

        if (!link)
                return 0;
        url = http_url_join(q->http.url, link);
        if (!url || http_origin_parse(url, &o) < 0 || !http_origin_equal(&o, &s->origin))
                return registry_fail(s, REGISTRY_FAILURE_CONTENT, "the list of tags goes on somewhere else");
        free(q->path);
        q->path = TAKE_PTR(url);
        return 1;
}

static int tags_at(RegistrySession *s, void *userdata) {
        RegistryTagsReply *reply = userdata;
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        int r;

        reply->tags = strv_free(reply->tags);
        if (asprintf_safe(&q.path, "/v2/%s/tags/list", s->access->repository) < 0)
                return registry_fail_errno(s, -ENOMEM, "cannot start a request");
        q.http.seconds = QUERY_SECONDS;
        q.http.text_max = TAGS_PAGE_MAX;
        for (unsigned page = 0; page < TAGS_PAGES_MAX; page++) {
                r = registry_request_run(s, &q);
                if (r >= 0)
                        r = take_tags(s, &q.http, reply);
                if (r >= 0)
                        r = next_page(s, &q);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
        }
        reply->endpoint = s->endpoint;
        return free_and_strdup(&reply->token, registry_session_token(s)) < 0 ?
                registry_fail_errno(s, -ENOMEM, "cannot keep the token") : 0;
}

int registry_tags(const RegistryAccess *access, RegistryTagsReply *ret, Error *reterr) {
        _cleanup_(registry_session_donep) RegistrySession s = {};
        int r;

        r = registry_session_init(&s, access, "pull");
        if (r < 0)
                return error_fill(reterr, r);
        r = registry_each_endpoint(&s, true, tags_at, ret);
        return r < 0 ? registry_pull_error(&s, access->familiar, reterr) : 0;
}

/* --- login --- */

static int login_at(RegistrySession *s, void *userdata) {
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        const char *text;
        int r;

        q.path = strdup("/v2/");
        if (!q.path)
                return registry_fail_errno(s, -ENOMEM, "cannot start a request");
        q.http.seconds = QUERY_SECONDS;
        q.http.text_max = REGISTRY_ERROR_BODY_MAX;
        r = registry_request_run(s, &q);
        /* With the URL before it the failure is the token server's or the network's, and stays. */
        if (r >= 0 || s->failure.bare > 0 || s->failure.kind == REGISTRY_FAILURE_LOCAL)
                return r;
        text = http_status_text(q.http.status);
        return text ? registry_fail(s, REGISTRY_FAILURE_STATUS, "login attempt to %s failed with status: %s",
                                    q.http.url, text)
                    : registry_fail(s, REGISTRY_FAILURE_STATUS, "login attempt to %s failed with status: %u",
                                    q.http.url, q.http.status);
}

int registry_login(const RegistryAccess *access, RegistryLoginReply *ret, Error *reterr) {
        _cleanup_(registry_session_donep) RegistrySession s = {};
        int r;

        r = registry_session_init(&s, access, NULL);
        if (r < 0)
                return error_fill(reterr, r);
        s.offline = true;
        r = registry_each_endpoint(&s, true, login_at, NULL);
        if (r < 0)
                return registry_plain_error(&s, reterr);
        ret->status = strdup("Login Succeeded");
        ret->identity_token = strdup(strempty(s.identity_token ?: access->auth.identity_token));
        return ret->status && ret->identity_token ? 0 : error_fill(reterr, -ENOMEM);
}

/* --- search --- */

typedef struct Search {
        const RegistrySearchParams *params;
        RegistrySearchReply *reply;
} Search;

static int search_at(RegistrySession *s, void *userdata) {
        Search *v = userdata;
        _cleanup_(registry_request_donep) RegistryRequest q = REGISTRY_REQUEST_NULL;
        _cleanup_free_ char *term = http_escape(v->params->term);
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        if (!term || asprintf_safe(&q.path, "/v1/search?q=%s&n=%" PRIu64, term, v->params->limit) < 0)
                return registry_fail_errno(s, -ENOMEM, "cannot start a request");
        q.http.seconds = QUERY_SECONDS;
        q.http.text_max = SEARCH_REPLY_MAX;
        r = registry_request_run(s, &q);
        if (r < 0 && q.http.status > 0 && s->failure.bare == 0)
                return registry_fail(s, REGISTRY_FAILURE_STATUS, "unexpected status code %u", q.http.status);
        if (r < 0)
                return r;
        r = json_decode_text(&RegistrySearchReply_json, strempty(q.http.text.data), q.http.text.size, 0,
                             v->reply, &e);
        return r < 0 ? registry_fail(s, REGISTRY_FAILURE_STATUS,
                                     "error decoding registry search results: %s", error_message(&e)) :
                       0;
}

int registry_search(const RegistrySearchParams *p, RegistrySearchReply *ret, Error *reterr) {
        _cleanup_(registry_session_donep) RegistrySession s = {};
        bool by_token = !isempty(p->access.auth.identity_token) && !isempty(p->access.auth.username);
        Search v = { p, ret };
        int r;

        r = registry_session_init(&s, &p->access, NULL);
        if (r >= 0)
                r = registry_session_add_scope(&s, "registry:catalog:search");
        if (r < 0)
                return error_fill(reterr, r);
        s.always_basic = !by_token;
        r = registry_each_endpoint(&s, by_token, search_at, &v);
        return r < 0 ? registry_plain_error(&s, reterr) : 0;
}
