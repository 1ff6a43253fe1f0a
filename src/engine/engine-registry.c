/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that ask a registry something and keep nothing: login, distribution, search. Each is one worker. */
#include "engine/calls.h"
#include "engine/engine-internal.h"

#include "api/registry.h"
#include "basic/parse-util.h"
#include "registry/registry-config.h"

#define SEARCH_LIMIT_DEFAULT 25
#define SEARCH_LIMIT_MAX 100

static void cancel_worker(void *p) {
        worker_cancel(p);
}

typedef int (*ReplyFunction)(Call *call, struct json_object *result);

/* The end of every verb: its row's reply, or its error. */
static void finish(Call *c, int r, struct json_object *result, const Error *error, ReplyFunction reply) {
        _cleanup_call_unref_ Call *call = call_work_end(c);

        if (r >= 0) {
                r = reply(call, result);
                error = &call->error;
        }
        if (r < 0)
                call_fail(call, error);
}

typedef void (*DoneFunction)(Worker *w, int r, struct json_object *result, const Error *error,
                             void *userdata);

static int start_verb(Engine *e, Call *call, const char *verb, const JsonType *type, const void *params,
                      DoneFunction done) {
        Worker *w;
        int r;

        r = worker_start(e->workers, &(WorkerRequest) {
                .verb = verb, .pace = WORKER_PACE_NETWORK, .params_type = type, .params = params,
                .done = done, .userdata = call,
        }, &w, &call->error);
        if (r < 0)
                return r;
        call_work_begin(call, w, cancel_worker);
        return 0;
}

/* As upstream: what cannot be read counts as none. */
static void decode_auth(const char *header, RegistryAuth *ret) {
        (void) registry_auth_decode(header, ret, NULL);
}

/* --- login --- */

static int reply_login(Call *call, struct json_object *result) {
        _cleanup_(RegistryLoginReply_donep) RegistryLoginReply reply = {};
        int r = json_decode(&RegistryLoginReply_json, result, 0, &reply, &call->error);

        if (r >= 0)
                call_reply(call, &reply);
        return r;
}

static void on_login(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        finish(userdata, r, result, error, reply_login);
}

static int login_call(Engine *e, Call *call) {
        _cleanup_(RegistryAccess_donep) RegistryAccess access = {};
        int r;

        r = registry_access_for_login(&e->config->registry, call->params, &access, &call->error);
        return r < 0 ? r : start_verb(e, call, "registry-login", &RegistryAccess_json, &access, on_login);
}

/* --- distribution --- */

static int reply_inspect(Call *call, struct json_object *result) {
        _cleanup_(RegistryInspectReply_donep) RegistryInspectReply reply = {};
        int r = json_decode(&RegistryInspectReply_json, result, 0, &reply, &call->error);

        if (r >= 0)
                call_reply(call, &reply);
        return r;
}

static void on_inspected(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        finish(userdata, r, result, error, reply_inspect);
}

static int distribution_call(Engine *e, Call *call) {
        const DistributionParams *p = call->params;
        _cleanup_(RegistryInspectParams_donep) RegistryInspectParams params = {};
        _cleanup_(RegistryAuth_donep) RegistryAuth auth = {};
        _cleanup_reference_ Reference ref = {};
        int r;

        decode_auth(p->registry_auth, &auth);
        r = reference_parse(p->name, &ref, &call->error);
        if (r >= 0)
                r = reference_add_default_tag(&ref) < 0 ? error_fill(&call->error, -ENOMEM) : 0;
        if (r >= 0)
                r = registry_access_for(&e->config->registry, &ref, REGISTRY_PULL, &auth, &params.access,
                                        &call->error);
        if (r < 0)
                return r;
        params.tag = TAKE_PTR(ref.tag);
        params.digest = TAKE_PTR(ref.digest);
        return start_verb(e, call, "registry-inspect", &RegistryInspectParams_json, &params, on_inspected);
}

/* --- search --- */

typedef struct SearchFilter {
        Tristate official;
        int64_t stars;                  /* at least */
        bool automated;                 /* nothing is, any more */
} SearchFilter;

static int bad_filter(const char *key, char *const *values, Error *reterr) {
        _cleanup_free_ char *all = strv_join(values, " ");

        return error_setf(reterr, ERROR_INVALID, "invalid filter '%s=[%s]'", key, strempty(all));
}

static int read_bool(const Filters *f, const char *key, Tristate *ret, Error *reterr) {
        char **values = filters_get(f, key);
        bool yes = strv_contains(values, "1") || strv_contains(values, "true");
        bool no = strv_contains(values, "0") || strv_contains(values, "false");

        if (!values)
                return 0;
        if (yes == no)
                return bad_filter(key, values, reterr);
        *ret = yes ? TRISTATE_TRUE : TRISTATE_FALSE;
        return 0;
}

static int read_filters(const Filters *f, SearchFilter *ret, Error *reterr) {
        static const char *const keys[] = { "is-automated", "is-official", "stars", NULL };
        Tristate automated = TRISTATE_UNSET;
        int64_t n;
        int r;

        r = filters_check_keys(f, keys, reterr);
        if (r >= 0)
                r = read_bool(f, "is-automated", &automated, reterr);
        if (r >= 0)
                r = read_bool(f, "is-official", &ret->official, reterr);
        if (r < 0)
                return r;
        ret->automated = automated == TRISTATE_TRUE;
        STRV_FOREACH(stars, filters_get(f, "stars")) {
                if (parse_int64(*stars, &n) < 0)
                        return error_setf(reterr, ERROR_INVALID, "invalid filter 'stars=%s'", *stars);
                ret->stars = n > ret->stars ? n : ret->stars;
        }
        return 0;
}

static bool item_matches(const RegistrySearchItem *i, const SearchFilter *f) {
        if (f->automated || i->star_count < f->stars)
                return false;
        return f->official == TRISTATE_UNSET || (f->official == TRISTATE_TRUE) == i->is_official;
}

/* Moves those that match to the front; returns how many. */
static size_t filter_items(RegistrySearchItem *items, size_t n, const SearchFilter *f) {
        size_t kept = 0;

        for (size_t i = 0; i < n; i++) {
                const RegistrySearchItem item = items[i];

                if (!item_matches(&item, f))
                        continue;
                items[i] = items[kept];
                items[kept] = item;
                items[kept++].is_automated = false;
        }
        return kept;
}

static int reply_search(Call *call, struct json_object *result) {
        const ImageSearchParams *p = call->params;
        _cleanup_(RegistrySearchReply_donep) RegistrySearchReply reply = {};
        SearchFilter filter = {};
        size_t n;
        int r;

        r = read_filters(&p->filters, &filter, &call->error);
        if (r >= 0)
                r = json_decode(&RegistrySearchReply_json, result, 0, &reply, &call->error);
        if (r < 0)
                return r;
        n = filter_items(reply.results.items, reply.results.n_items, &filter);
        call_reply(call, &(CallList) { reply.results.items, n });
        return 0;
}

static void on_searched(Worker *w, int r, struct json_object *result, const Error *error, void *userdata) {
        finish(userdata, r, result, error, reply_search);
}

static int search_call(Engine *e, Call *call) {
        const ImageSearchParams *p = call->params;
        int limit = p->limit == 0 ? SEARCH_LIMIT_DEFAULT : p->limit;
        _cleanup_(RegistrySearchParams_donep) RegistrySearchParams params = { .limit = (uint64_t) limit };
        _cleanup_(RegistryAuth_donep) RegistryAuth auth = {};
        SearchFilter filter = {};
        int r;

        r = read_filters(&p->filters, &filter, &call->error);
        if (r < 0)
                return r;
        if (limit < 1 || limit > SEARCH_LIMIT_MAX)
                return error_setf(&call->error, ERROR_INVALID, "limit %d is outside the range of [1, %d]",
                                  limit, SEARCH_LIMIT_MAX);
        decode_auth(p->registry_auth, &auth);
        r = registry_access_for_search(&e->config->registry, strempty(p->term), &auth, &params.access,
                                       &params.term, &call->error);
        return r < 0 ? r :
                       start_verb(e, call, "registry-search", &RegistrySearchParams_json, &params,
                                  on_searched);
}

const EngineCall engine_call_registry_login = {
        "RegistryLogin", &RegistryAuth_json, &RegistryLoginReply_json, "registry-login", 0, login_call,
        "Checks credentials with a registry; returns an identity token where it gives one.",
};
const EngineCall engine_call_registry_inspect = {
        "RegistryInspect", &DistributionParams_json, &RegistryInspectReply_json, "registry-inspect", 0,
        distribution_call, "Tells what a registry has under a name: its digest and its platforms.",
};
const EngineCall engine_call_registry_search = {
        "RegistrySearch",
        &ImageSearchParams_json,
        &RegistrySearchItem_json,
        "registry-search",
        0,
        search_call,
        "Searches a registry's index for repositories.",
        .reply_is_list = true,
};
