/* SPDX-License-Identifier: Apache-2.0 */
/* The body of any URL: `docker import` from the web. */
#include "config.h"

#include "basic/fd-util.h"
#include "registry/http-client.h"
#include "registry/registry-client.h"
#include "registry/registry-error.h"
#include "registry/url-text.h"

/* As Go's client. */
#define REDIRECTS_MAX 10U

typedef struct UrlFetch {
        const UrlFetchParams *params;
        int fd;
        UrlProgressFunction progress;
        HttpTransfer transfer;
        char *shown;                    /* the URL of the transfer, for messages */
        bool too_large;
        usec_t reported;                /* CLOCK_MONOTONIC */
} UrlFetch;

static void report(UrlFetch *f) {
        uint64_t total = f->transfer.content_length;
        usec_t now = now_usec(CLOCK_MONOTONIC);

        if (f->reported != 0 && now - f->reported < REGISTRY_PROGRESS_USEC)
                return;
        f->reported = now;
        f->progress(&(UrlProgress) { f->transfer.received, total == UINT64_MAX ? 0 : total });
}

static int take_bytes(const void *data, size_t size, void *userdata) {
        UrlFetch *f = userdata;
        int r;

        f->too_large = f->transfer.received > f->params->size_max;
        if (f->too_large)
                return -EFBIG;
        r = write_full(f->fd, data, size);
        if (r >= 0)
                report(f);
        return r;
}

static bool is_redirect(unsigned status) {
        return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

/* --- errors, in the words of Docker's client of URLs --- */

static int transport_error(const UrlFetch *f, Error *reterr) {
        const char *reason = f->transfer.error;

        return error_setf(reterr, strstr(reason, "no such host") ? ERROR_NOT_FOUND : ERROR_INTERNAL,
                          "Get \"%s\": %s", f->shown, reason);
}

static int sink_error(const UrlFetch *f, Error *reterr) {
        if (f->too_large)
                return error_setf(reterr, ERROR_TOO_LARGE, "%s has more than %" PRIu64 " bytes",
                                  f->shown, f->params->size_max);
        if (f->transfer.sink_result == -EPIPE)
                return error_setf(reterr, ERROR_CANCELLED, "what reads %s has ended", f->shown);
        return error_set_errnof(reterr, ERROR_INTERNAL, f->transfer.sink_result, "cannot pass on %s",
                                f->shown);
}

static ErrorKind kind_of_status(unsigned status) {
        switch (status) {
        case 400:
                return ERROR_INVALID;
        case 401:
                return ERROR_UNAUTHORIZED;
        case 403:
                return ERROR_FORBIDDEN;
        case 404:
                return ERROR_NOT_FOUND;
        default:
                return ERROR_INTERNAL;
        }
}

/* Bytes of a stranger on their way to a terminal. */
static void make_printable(char *text) {
        for (char *c = text; *c; c++)
                if ((unsigned char) *c < ' ' || *c == 0x7f)
                        *c = ' ';
}

static int status_error(const UrlFetch *f, Error *reterr) {
        const HttpTransfer *t = &f->transfer;
        _cleanup_free_ char *body = memdup_suffix0(strempty(t->text.data), t->text.size), *number = NULL;

        if (!body || asprintf_safe(&number, "%u", t->status) < 0)
                return error_fill(reterr, -ENOMEM);
        make_printable(body);
        return error_setf(reterr, kind_of_status(t->status), "failed to GET %s with status %s: %s", f->shown,
                          http_status_text(t->status) ?: number, strstrip(body));
}

/* --- */

/* 1: there is another place to ask. */
static int follow(UrlFetch *f, Error *reterr) {
        HttpTransfer *t = &f->transfer;
        char *next;

        if (!is_redirect(t->status) || isempty(t->location))
                return 0;
        next = http_url_join(t->url, t->location);
        if (!next)
                return error_setf(reterr, ERROR_INTERNAL, "Get \"%s\": unsupported protocol scheme or "
                                  "invalid URL in a redirect", f->shown);
        free(t->url);
        t->url = next;
        return 1;
}

static int ask(UrlFetch *f, HttpClient *c, Error *reterr) {
        HttpTransfer *t = &f->transfer;
        int r;

        free(f->shown);
        f->shown = url_redact(t->url);
        r = f->shown ? http_transfer_start(c, t, &(HttpTls) {}) : -ENOMEM;
        if (r >= 0)
                r = http_transfer_wait(c, t);
        if (r < 0)
                return error_fill(reterr, r);
        if (t->sink_result < 0)
                return sink_error(f, reterr);
        return t->error ? transport_error(f, reterr) : 0;
}

static int get(UrlFetch *f, HttpClient *c, Error *reterr) {
        int r = 1;

        for (unsigned n = 0; r > 0 && n <= REDIRECTS_MAX; n++) {
                r = ask(f, c, reterr);
                if (r >= 0)
                        r = follow(f, reterr);
        }
        if (r > 0)
                return error_setf(reterr, ERROR_INTERNAL, "Get \"%s\": stopped after %u redirects", f->shown,
                                  REDIRECTS_MAX);
        if (r < 0)
                return r;
        return http_transfer_succeeded(&f->transfer) ? 0 : status_error(f, reterr);
}

int url_fetch(const UrlFetchParams *p, int fd, UrlProgressFunction progress, UrlFetchReply *ret,
              Error *reterr) {
        const ProxyRules proxies = { p->proxies.http, p->proxies.https, p->proxies.no_proxy };
        _cleanup_(http_client_freep) HttpClient *c = NULL;
        UrlFetch f = {
                .params = p,
                .fd = fd,
                .progress = progress,
                .transfer = {
                        .url = strdup(p->url),
                        .body_fd = -EBADF,
                        .sink = take_bytes,
                        .userdata = &f,
                        .text_max = REGISTRY_ERROR_BODY_MAX,
                },
        };
        int r;

        r = f.transfer.url ? http_client_new(&proxies, "dockerd/" PROJECT_VERSION, &c) : -ENOMEM;
        r = r < 0 ? error_fill(reterr, r) : get(&f, c, reterr);
        ret->size = f.transfer.received;
        http_transfer_done(&f.transfer);
        free(f.shown);
        return r;
}
