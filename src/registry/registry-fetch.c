/* SPDX-License-Identifier: Apache-2.0 */
/* One blob into a file: resumed, in ranges beside each other where the line is slow, repeated where that may
 * help, verified while it comes, and passed on to a pipe in order.
 *
 * The file is cut into segments that lie side by side from the first missing byte to the end; each has a
 * request of its own. Bytes are hashed as they come where they come in order, else read back from the file
 * (the page cache) once the gap before them is closed. */
#include <sys/stat.h>

#include "basic/digest.h"
#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/parse-util.h"
#include "registry/registry-client.h"
#include "registry/registry-session.h"

#define SEGMENTS_MAX 4U
/* A segment is not cut into pieces smaller than this. */
#define SEGMENT_MIN (8U * 1024U * 1024U)
/* Where segments begin, and what is thrown away before a hole of an interrupted download: more than the
 * block of any file system. */
#define SEGMENT_ALIGN (1024U * 1024U)
/* More connections only where one would go on longer than this. */
#define SPLIT_AFTER USEC_PER_SEC
#define SPLIT_REMAINING (2U * USEC_PER_SEC)
#define READ_BACK (256U * 1024U)
#define PIPE_SIZE (1024 * 1024)
#define BACKOFF_FIRST USEC_PER_SEC
#define BACKOFF_MAX (15U * USEC_PER_SEC)

typedef struct Fetch Fetch;

typedef struct Segment {
        Fetch *fetch;
        RegistryRequest request;
        uint64_t at, end;               /* next missing byte, end (exclusive) */
        uint64_t skip;                  /* bytes of the answer before `at`: the server knows no ranges */
        bool active, checked;
        unsigned failures;              /* since something came */
        usec_t retry_at;
} Segment;

struct Fetch {
        RegistrySession *session;
        const RegistryFetchParams *params;
        int fd, tee_fd;
        RegistryProgressFunction progress;

        Segment *segments[SEGMENTS_MAX];        /* in the order of the file */
        size_t n_segments;
        bool no_ranges;
        int verdict;                    /* of the bytes themselves: < 0 = the session's failure is final */
        bool reader_gone;               /* of the pipe */

        DigestContext *hash;
        uint64_t hashed, teed;
        uint64_t prefix;                /* that was there before us */
        uint64_t transferred;
        usec_t progressed, split_at;
        uint64_t split_transferred;     /* at split_at */
};

/* --- the file --- */

static uint64_t frontier(const Fetch *f) {
        for (size_t i = 0; i < f->n_segments; i++)
                if (f->segments[i]->at < f->segments[i]->end)
                        return f->segments[i]->at;
        return f->params->size;
}

static uint64_t bytes_there(const Fetch *f) {
        uint64_t missing = 0;

        for (size_t i = 0; i < f->n_segments; i++)
                missing += f->segments[i]->end - f->segments[i]->at;
        return f->params->size - missing;
}

/* What an earlier download left: up to its first hole, since segments behind it may be there already. */
static int find_prefix(Fetch *f) {
        struct stat st;
        off_t hole;

        if (fstat(f->fd, &st) < 0)
                return -errno;
        f->prefix = (uint64_t) st.st_size;
        if (st.st_size > 0) {
                hole = lseek(f->fd, 0, SEEK_HOLE);
                if (hole >= 0 && hole < st.st_size)
                        f->prefix = hole > 0 ? (uint64_t) (hole - 1) / SEGMENT_ALIGN * SEGMENT_ALIGN : 0;
        }
        if (f->prefix > f->params->size)
                f->prefix = 0;
        return ftruncate(f->fd, (off_t) f->prefix) < 0 ? -errno : 0;
}

static int hash_from_file(Fetch *f, uint64_t until) {
        static char buffer[READ_BACK];

        while (f->hashed < until) {
                ssize_t n = pread(f->fd, buffer, (size_t) min_u64(sizeof(buffer), until - f->hashed),
                                  (off_t) f->hashed);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                digest_context_update(f->hash, buffer, (size_t) n);
                f->hashed += (uint64_t) n;
        }
        return 0;
}

/* 1: the pipe takes no more now. */
static int feed_pipe(Fetch *f, uint64_t until) {
        while (f->tee_fd >= 0 && f->teed < until) {
                loff_t offset = (loff_t) f->teed;
                ssize_t n = splice(f->fd, &offset, f->tee_fd, NULL,
                                   (size_t) min_u64(until - f->teed, PIPE_SIZE), SPLICE_F_NONBLOCK);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return 1;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                f->teed += (uint64_t) n;
        }
        return 0;
}

static int write_at(Fetch *f, const char *data, size_t size, uint64_t at) {
        while (size > 0) {
                ssize_t n = pwrite(f->fd, data, size, (off_t) at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                size -= (size_t) n;
                at += (uint64_t) n;
        }
        return 0;
}

/* --- answers --- */

static int wrong_length(Fetch *f, uint64_t n) {
        f->verdict = registry_fail(f->session, REGISTRY_FAILURE_CONTENT,
                                   "blob %s has %" PRIu64 " bytes, but the "
                                   "manifest says %" PRIu64,
                                   f->params->digest, n, f->params->size);
        return f->verdict;
}

static int too_long(Fetch *f) {
        f->verdict = registry_fail(f->session, REGISTRY_FAILURE_CONTENT, "blob %s has more than the %" PRIu64
                                   " bytes that the manifest says", f->params->digest, f->params->size);
        return f->verdict;
}

/* "bytes 100-199/200" */
static bool parse_content_range(const char *s, uint64_t *ret_from, uint64_t *ret_size) {
        _cleanup_free_ char *copy = s && startswith(s, "bytes ") ? strdup(s + 6) : NULL;
        char *dash, *slash;

        if (!copy)
                return false;
        dash = strchr(copy, '-');
        slash = strchr(copy, '/');
        if (!dash || !slash || slash < dash)
                return false;
        *dash = *slash = 0;
        if (parse_uint64(copy, ret_from) < 0)
                return false;
        *ret_size = UINT64_MAX;
        return streq(slash + 1, "*") || parse_uint64(slash + 1, ret_size) >= 0;
}

/* Before the first byte of an answer is taken. */
static int check_answer(Segment *s) {
        Fetch *f = s->fetch;
        HttpTransfer *t = &s->request.http;
        uint64_t from, size;

        s->checked = true;
        s->skip = 0;
        if (t->status != 206) {
                f->no_ranges = f->no_ranges || t->range;
                s->skip = s->at;
                if (t->content_length != UINT64_MAX && t->content_length != f->params->size)
                        return wrong_length(f, t->content_length);
                return 0;
        }
        if (!t->range || !parse_content_range(t->content_range, &from, &size) || from != s->at) {
                f->no_ranges = true;
                return -EAGAIN;
        }
        return size != UINT64_MAX && size != f->params->size ? wrong_length(f, size) : 0;
}

/* HttpSink. An error at the end of a segment that was shortened meanwhile is the way to end its request. */
static int on_data(const void *data, size_t size, void *userdata) {
        Segment *s = userdata;
        Fetch *f = s->fetch;
        const char *p = data;
        size_t n;
        int r;

        f->transferred += size;
        if (!s->checked) {
                r = check_answer(s);
                if (r < 0)
                        return r;
        }
        n = (size_t) min_u64(size, s->skip);
        s->skip -= n;
        p += n;
        size -= n;
        if (size > s->end - s->at && s->end == f->params->size)
                return too_long(f);
        n = (size_t) min_u64(size, s->end - s->at);
        r = write_at(f, p, n, s->at);
        if (r < 0)
                return r;
        if (f->hashed == s->at) {
                digest_context_update(f->hash, p, n);
                f->hashed += n;
        }
        s->at += n;
        s->failures = n > 0 ? 0 : s->failures;
        return s->at == s->end && s->end < f->params->size ? -ECANCELED : 0;
}

/* --- segments --- */

static Segment *segment_free(RegistrySession *session, Segment *s) {
        if (!s)
                return NULL;
        http_transfer_stop(session->http, &s->request.http);
        registry_request_done(&s->request);
        return mfree(s);
}

static int add_segment(Fetch *f, size_t at, uint64_t from, uint64_t to) {
        Segment *s = new(Segment, 1);

        if (!s)
                return -ENOMEM;
        *s = (Segment) { .fetch = f, .request = REGISTRY_REQUEST_NULL, .at = from, .end = to };
        if (asprintf_safe(&s->request.path, "/v2/%s/blobs/%s", f->session->access->repository,
                          f->params->digest) < 0) {
                free(s);
                return -ENOMEM;
        }
        s->request.content_addressed = true;
        s->request.http.text_max = REGISTRY_ERROR_BODY_MAX;
        s->request.http.sink = on_data;
        s->request.http.userdata = s;
        memmove(f->segments + at + 1, f->segments + at, (f->n_segments - at) * sizeof(*f->segments));
        f->segments[at] = s;
        f->n_segments++;
        return 0;
}

static void remove_segment(Fetch *f, size_t i) {
        segment_free(f->session, f->segments[i]);
        f->n_segments--;
        memmove(f->segments + i, f->segments + i + 1, (f->n_segments - i) * sizeof(*f->segments));
}

static int start_segment(Segment *s) {
        HttpTransfer *t = &s->request.http;

        s->active = true;
        s->checked = false;
        t->range = s->at > 0 && !s->fetch->no_ranges;
        t->range_from = s->at;
        t->range_to = s->end < s->fetch->params->size ? s->end : 0;
        return registry_request_start(s->fetch->session, &s->request);
}

/* All of them but the first, which takes everything over: the server sends the whole or nothing. */
static void join_segments(Fetch *f) {
        while (f->n_segments > 1)
                remove_segment(f, f->n_segments - 1);
        if (f->n_segments > 0)
                f->segments[0]->end = f->params->size;
}

/* --- failures --- */

static bool may_come_back(const Fetch *f, const Segment *s, unsigned *ret_wait) {
        const RegistryFailure *failure = &f->session->failure;

        if (registry_failure_is_temporary(f->session, &s->request, ret_wait))
                return true;
        return failure->status == 429 && *ret_wait <= REGISTRY_RETRY_AFTER_MAX;
}

static int retry_later(Fetch *f, Segment *s) {
        usec_t backoff;
        unsigned wait;

        if (!may_come_back(f, s, &wait) || ++s->failures >= registry_attempts(f->session))
                return -EREMOTEIO;
        backoff = min_u64(BACKOFF_FIRST << min_u64(s->failures - 1, 10), BACKOFF_MAX);
        s->retry_at = now_usec(CLOCK_MONOTONIC) + (wait > 0 ? wait * USEC_PER_SEC : backoff);
        return 0;
}

/* At once, in another way. */
static int ask_again(Fetch *f, Segment *s) {
        s->retry_at = 0;
        return ++s->failures >= registry_attempts(f->session) ? -EREMOTEIO : 0;
}

static int segment_failed(Fetch *f, Segment *s) {
        const HttpTransfer *t = &s->request.http;

        if (f->verdict < 0)
                return f->verdict;
        /* The sink's own reasons: it has enough, or the range was not the one it asked for. */
        if (t->sink_result == -ECANCELED)
                return 0;
        if (t->sink_result == -EAGAIN)
                return ask_again(f, s);
        if (t->status == 416 && !f->no_ranges) {
                f->no_ranges = true;
                return ask_again(f, s);
        }
        if (t->status == 404 && !t->error) {
                (void) registry_fail(f->session, REGISTRY_FAILURE_CODE, "unknown blob");
                f->session->failure.code = REGISTRY_CODE_BLOB_UNKNOWN;
                return -EREMOTEIO;
        }
        return retry_later(f, s);
}

static int segment_ended(Fetch *f, Segment *s) {
        int r;

        r = registry_request_step(f->session, &s->request);
        if (r == 0) {
                s->checked = false;
                return 0;
        }
        s->active = false;
        if (r < 0)
                return segment_failed(f, s);
        if (!s->checked && check_answer(s) < 0 && f->verdict < 0)
                return f->verdict;
        if (s->at == s->end)
                return 0;
        (void) registry_fail(f->session, REGISTRY_FAILURE_TRANSPORT, "unexpected EOF");
        return retry_later(f, s);
}

/* --- more connections --- */

static bool wants_split(Fetch *f, usec_t now) {
        uint64_t came = f->transferred - f->split_transferred;
        usec_t spent = now - f->split_at;

        if (f->no_ranges || f->n_segments >= SEGMENTS_MAX || spent < SPLIT_AFTER)
                return false;
        f->split_at = now;
        f->split_transferred = f->transferred;
        /* Nothing came: the server has other troubles. */
        return came > 0 && (f->params->size - bytes_there(f)) / came * spent > SPLIT_REMAINING;
}

/* The longest one is cut in half. */
static int split(Fetch *f) {
        size_t longest = 0;
        Segment *s;
        uint64_t middle;

        for (size_t i = 1; i < f->n_segments; i++)
                if (f->segments[i]->end - f->segments[i]->at >
                    f->segments[longest]->end - f->segments[longest]->at)
                        longest = i;
        s = f->segments[longest];
        if (!s->active || s->end - s->at < 2 * SEGMENT_MIN)
                return 0;
        middle = (s->at + (s->end - s->at) / 2) / SEGMENT_ALIGN * SEGMENT_ALIGN;
        if (add_segment(f, longest + 1, middle, s->end) < 0)
                return -ENOMEM;
        s->end = middle;
        return 0;
}

/* --- the loop --- */

/* When the next request starts, if none is under way; else 0. */
static usec_t next_start(const Fetch *f) {
        usec_t first = 0;

        for (size_t i = 0; i < f->n_segments; i++) {
                const Segment *s = f->segments[i];

                if (s->active)
                        return 0;
                if (first == 0 || s->retry_at < first)
                        first = s->retry_at;
        }
        return first;
}

static void report(Fetch *f, bool always) {
        usec_t now = now_usec(CLOCK_MONOTONIC), next = next_start(f);
        RegistryProgress p = { .current = bytes_there(f) };

        if (!f->progress || (!always && now - f->progressed < REGISTRY_PROGRESS_USEC))
                return;
        if (next > now) {
                p.retry = f->session->failure.text;
                p.seconds = (next - now + USEC_PER_SEC - 1) / USEC_PER_SEC;
        }
        f->progressed = now;
        f->progress(&p);
}

static int start_due(Fetch *f, usec_t now) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < f->n_segments; i++) {
                Segment *s = f->segments[i];

                if (s->active || s->at == s->end || s->retry_at > now)
                        continue;
                r = start_segment(s);
                /* No token, say: may pass as well. */
                if (r < 0) {
                        s->active = false;
                        r = f->session->failure.kind == REGISTRY_FAILURE_LOCAL ? r : retry_later(f, s);
                }
        }
        return r;
}

static int collect_ended(Fetch *f) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < f->n_segments; i++)
                if (f->segments[i]->active && f->segments[i]->request.http.done)
                        r = segment_ended(f, f->segments[i]);
        if (r < 0)
                return r;
        for (size_t i = f->n_segments; i > 0; i--)
                if (f->segments[i - 1]->at == f->segments[i - 1]->end)
                        remove_segment(f, i - 1);
        if (f->no_ranges)
                join_segments(f);
        return 0;
}

static int pass_on(Fetch *f) {
        uint64_t until = frontier(f);
        int r;

        r = hash_from_file(f, until);
        if (r < 0)
                return registry_fail_errno(f->session, r, "cannot read what was stored");
        r = feed_pipe(f, until);
        f->reader_gone = r == -EPIPE;
        return r < 0 ? registry_fail_errno(f->session, r, "cannot pass on what came") : r;
}

static int loop_once(Fetch *f) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        int blocked, r;

        r = start_due(f, now);
        if (r >= 0 && wants_split(f, now))
                r = split(f) < 0 ? registry_fail_errno(f->session, -ENOMEM, "cannot open a connection") : 0;
        if (r < 0)
                return r;
        blocked = pass_on(f);
        if (blocked < 0)
                return blocked;
        r = http_client_run(f->session->http, REGISTRY_PROGRESS_USEC, blocked > 0 ? f->tee_fd : -EBADF);
        if (r < 0)
                return registry_fail_errno(f->session, r, "cannot go on with the download");
        r = collect_ended(f);
        report(f, false);
        return r;
}

static int prepare_endpoint(Fetch *f) {
        while (f->n_segments > 0)
                remove_segment(f, f->n_segments - 1);
        f->no_ranges = false;
        f->split_at = now_usec(CLOCK_MONOTONIC);
        f->split_transferred = f->transferred;
        if (f->hashed < f->params->size && add_segment(f, 0, f->hashed, f->params->size) < 0)
                return registry_fail_errno(f->session, -ENOMEM, "cannot start the download");
        return 0;
}

static int verify(Fetch *f) {
        Digest computed, wanted;

        if (digest_parse(f->params->digest, &wanted) < 0)
                return registry_fail(f->session, REGISTRY_FAILURE_CONTENT, "invalid digest %s",
                                     f->params->digest);
        digest_context_final(f->hash, &computed);
        if (digest_equal(&computed, &wanted))
                return 0;
        return registry_fail(f->session, REGISTRY_FAILURE_CONTENT,
                             "filesystem layer verification failed for digest %s", f->params->digest);
}

/* Another endpoint goes on where the one before it failed: the digest is the same for all. */
static int fetch_at(RegistrySession *session, void *userdata) {
        Fetch *f = userdata;
        int r;

        f->verdict = 0;
        r = prepare_endpoint(f);
        while (r >= 0 && f->n_segments > 0)
                r = loop_once(f);
        if (r < 0) {
                /* What lies behind a gap is of no use to the next try. */
                uint64_t keep = frontier(f);

                if (hash_from_file(f, keep) < 0 || ftruncate(f->fd, (off_t) keep) < 0)
                        (void) RET_NERRNO(ftruncate(f->fd, (off_t) f->hashed));
                return r;
        }
        report(f, true);
        return 0;
}

static int drain(Fetch *f) {
        int r;

        while ((r = pass_on(f)) > 0) {
                r = http_client_run(f->session->http, USEC_PER_SEC, f->tee_fd);
                if (r < 0)
                        return registry_fail_errno(f->session, r, "cannot pass on what came");
        }
        return r;
}

static int begin(Fetch *f) {
        int r;

        f->hash = digest_context_new();
        if (!f->hash)
                return -ENOMEM;
        /* Larger steps for the reader; where it is not allowed, smaller ones. */
        if (f->tee_fd >= 0)
                (void) fcntl(f->tee_fd, F_SETPIPE_SZ, PIPE_SIZE);
        r = find_prefix(f);
        return r < 0 ? r : hash_from_file(f, f->prefix);
}

static void fetch_done(Fetch *f) {
        while (f->n_segments > 0)
                remove_segment(f, f->n_segments - 1);
        digest_context_free(f->hash);
}
DEFINE_CLEANUP_DONE(Fetch, fetch_done);

static int fetch(Fetch *f) {
        int r;

        r = begin(f);
        if (r < 0)
                return registry_fail_errno(f->session, r, "cannot read what is there of the blob");
        r = registry_each_endpoint(f->session, false, fetch_at, f);
        if (r >= 0)
                r = drain(f);
        if (r >= 0)
                r = verify(f);
        if (r < 0 && f->session->failure.kind == REGISTRY_FAILURE_CONTENT)
                (void) RET_NERRNO(ftruncate(f->fd, 0));
        return r;
}

int registry_fetch_blob(const RegistryFetchParams *p, int fd, int tee_fd, RegistryProgressFunction progress,
                        RegistryFetchReply *ret, Error *reterr) {
        _cleanup_(registry_session_donep) RegistrySession s = {};
        _cleanup_(fetch_donep) Fetch f = {
                .session = &s, .params = p, .fd = fd, .tee_fd = tee_fd, .progress = progress,
        };
        int r;

        r = registry_session_init(&s, &p->access, "pull");
        if (r < 0)
                return error_fill(reterr, r);
        r = fetch(&f);
        if (r < 0 && f.reader_gone)
                return error_setf(reterr, ERROR_CANCELLED, "the reader has gone away");
        if (r < 0)
                return registry_pull_error(&s, p->access.familiar, reterr);
        ret->endpoint = s.endpoint == SIZE_MAX ? p->access.first : s.endpoint;
        ret->transferred = f.transferred;
        ret->token = strdup(registry_session_token(&s));
        return ret->token ? 0 : error_fill(reterr, -ENOMEM);
}
