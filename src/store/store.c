/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "basic/crash-point.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "basic/time-util.h"

#define STORE_FILE "state.db"
#define STORE_FORMAT 1          /* PRAGMA user_version */
/* Space that a full disk still has for removing things: the journal of a deletion needs some before the
 * deletion can free any. */
#define RESERVE_SUFFIX ".reserve"
#define RESERVE_SIZE (1024 * 1024)

static const char *const table_names[_STORE_KIND_MAX] = {
        [STORE_CONTAINER] = "containers",
        [STORE_IMAGE]     = "images",
        [STORE_REFERENCE] = "refs",
        [STORE_LAYER]     = "layers",
        [STORE_NETWORK]   = "networks",
        [STORE_LEASE]     = "leases",
        [STORE_VOLUME]    = "volumes",
        [STORE_META]      = "meta",
};

typedef enum Statement {
        STATEMENT_PUT,
        STATEMENT_DELETE,
        STATEMENT_GET,
        _STATEMENT_MAX,
} Statement;

static const char *const statement_texts[_STATEMENT_MAX] = {
        [STATEMENT_PUT] = "INSERT INTO %s(key, doc) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET doc = ?2",
        [STATEMENT_DELETE] = "DELETE FROM %s WHERE key = ?1",
        [STATEMENT_GET] = "SELECT doc FROM %s WHERE key = ?1",
};

struct Store {
        sqlite3 *db;
        char *reserve_path;
        bool has_reserve;
        sqlite3_stmt *statements[_STORE_KIND_MAX][_STATEMENT_MAX];      /* prepared on first use */
        bool in_transaction;
        StoreSync sync;         /* of the PRAGMA synchronous in force */
};

static int errno_from_sqlite(int code) {
        switch (code & 0xff) {
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EUCLEAN;
        default:
                return -EIO;
        }
}

static int store_fail(Store *s, const char *what, Error *reterr) {
        int r = errno_from_sqlite(sqlite3_extended_errcode(s->db));

        error_setf(reterr, ERROR_INTERNAL, "cannot %s the state database: %s", what, sqlite3_errmsg(s->db));
        if (reterr)
                reterr->err = r;
        return r;
}

static int store_exec(Store *s, const char *sql, Error *reterr) {
        if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
                return store_fail(s, "write", reterr);
        return 0;
}

/* WAL commits reach the disk only with synchronous=FULL. It cannot change inside a transaction. */
static int store_set_sync(Store *s, StoreSync sync, Error *reterr) {
        int r;

        if (s->sync == sync)
                return 0;
        r = store_exec(s, sync == STORE_SYNC_FULL ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
                       reterr);
        if (r >= 0)
                s->sync = sync;
        return r;
}

static int open_database(Store *s, const char *path, Error *reterr) {
        static const char setup[] =
                        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-256; PRAGMA temp_store=MEMORY;";

        if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                            SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
                return store_fail(s, "open", reterr);
        (void) sqlite3_extended_result_codes(s->db, 1);
        s->sync = STORE_SYNC_FULL;
        return store_exec(s, setup, reterr);
}

static int check_result(void *userdata, int n, char **values, char **names) {
        bool *ok = userdata;

        if (n < 1 || !values[0] || !streq(values[0], "ok"))
                *ok = false;
        return 0;
}

static int check_integrity(Store *s, Error *reterr) {
        bool ok = true;

        if (sqlite3_exec(s->db, "PRAGMA quick_check(1)", check_result, &ok, NULL) != SQLITE_OK)
                return store_fail(s, "check", reterr);
        if (!ok) {
                error_setf(reterr, ERROR_INTERNAL, "the state database is damaged");
                return -EUCLEAN;
        }
        return 0;
}

static int make_tables(Store *s, Error *reterr) {
        _cleanup_buffer_ Buffer b = {};

        if (buffer_append_str(&b,
                              "BEGIN; CREATE TABLE IF NOT EXISTS damaged"
                              "(kind TEXT NOT NULL, key TEXT NOT NULL, doc TEXT, PRIMARY KEY(kind, key));") <
            0)
                return error_fill(reterr, -ENOMEM);
        for (size_t i = 0; i < _STORE_KIND_MAX; i++)
                if (buffer_appendf(&b, "CREATE TABLE IF NOT EXISTS %s(seq INTEGER PRIMARY KEY, "
                                       "key TEXT NOT NULL UNIQUE, doc TEXT NOT NULL);", table_names[i]) < 0)
                        return error_fill(reterr, -ENOMEM);
        if (buffer_appendf(&b, "PRAGMA user_version=%d; COMMIT;", STORE_FORMAT) < 0)
                return error_fill(reterr, -ENOMEM);
        return store_exec(s, b.data, reterr);
}

static int read_format(void *userdata, int n, char **values, char **names) {
        *(int *) userdata = n > 0 && values[0] ? (int) strtol(values[0], NULL, 10) : 0;
        return 0;
}

/* A database of a newer engine is refused, not changed. */
static int check_format(Store *s, Error *reterr) {
        int format = 0;

        if (sqlite3_exec(s->db, "PRAGMA user_version", read_format, &format, NULL) != SQLITE_OK)
                return store_fail(s, "read", reterr);
        if (format > STORE_FORMAT)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "the state database has format %d, this engine knows up to %d: "
                                  "it was written by a newer engine",
                                  format, STORE_FORMAT);
        return 0;
}

static void reserve_make(Store *s) {
        _cleanup_close_ int fd = -EBADF;

        if (s->has_reserve)
                return;
        fd = open(s->reserve_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        s->has_reserve = fd >= 0 && posix_fallocate(fd, 0, RESERVE_SIZE) == 0;
        if (fd >= 0 && !s->has_reserve)
                (void) unlink(s->reserve_path);
}

/* Whether there was something to give back. */
static bool reserve_use(Store *s) {
        bool had = s->has_reserve && unlink(s->reserve_path) >= 0;

        s->has_reserve = false;
        return had;
}

static int open_once(const char *path, Store **ret, Error *reterr) {
        _cleanup_(store_closep) Store *s = new0(Store, 1);
        int r;

        if (!s || !(s->reserve_path = strjoin(path, RESERVE_SUFFIX)))
                return error_fill(reterr, -ENOMEM);
        r = open_database(s, path, reterr);
        if (r >= 0)
                r = check_integrity(s, reterr);
        if (r >= 0)
                r = check_format(s, reterr);
        if (r >= 0)
                r = make_tables(s, reterr);
        if (r < 0)
                return IN_SET(r, -ENOSPC, -EIO) && unlink(s->reserve_path) >= 0 ? -EAGAIN : r;
        reserve_make(s);
        *ret = TAKE_PTR(s);
        return 0;
}

/* SQLite needs space even to look at a database (the index of its log, whose lack it calls an I/O error),
 * and whoever wants to remove things from a full disk needs the daemon. */
static int store_try_open(const char *path, Store **ret, Error *reterr) {
        int r;

        r = open_once(path, ret, reterr);
        if (r != -EAGAIN)
                return r;
        error_done(reterr);
        return open_once(path, ret, reterr);
}

static int set_aside(const char *path, Error *reterr) {
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        usec_t now = now_usec(CLOCK_REALTIME);

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                _cleanup_free_ char *from = strjoin(path, suffixes[i]), *to = NULL;

                if (!from || asprintf_safe(&to, "%s.damaged-%" PRIu64 "%s", path, now, suffixes[i]) < 0)
                        return error_fill(reterr, -ENOMEM);
                if (rename(from, to) < 0 && errno != ENOENT)
                        return error_set_errnof(reterr, ERROR_INTERNAL, -errno, "cannot set aside %s", from);
        }
        return 0;
}

int store_open(const char *data_root, Store **ret, bool *ret_damaged, Error *reterr) {
        _cleanup_free_ char *path = path_join(data_root, STORE_FILE);
        mode_t saved;
        int r;

        if (!path)
                return error_fill(reterr, -ENOMEM);

        saved = umask(0077);
        r = store_try_open(path, ret, reterr);
        *ret_damaged = r == -EUCLEAN;
        if (r == -EUCLEAN) {
                error_done(reterr);
                r = set_aside(path, reterr);
                if (r >= 0)
                        r = store_try_open(path, ret, reterr);
        }
        umask(saved);
        return r;
}

int store_open_existing(const char *data_root, Store **ret, Error *reterr) {
        _cleanup_free_ char *path = path_join(data_root, STORE_FILE);

        if (!path)
                return error_fill(reterr, -ENOMEM);
        if (access(path, F_OK) < 0)
                return error_set_errnof(reterr, ERROR_NOT_FOUND, -errno, "cannot open %s", path);
        return store_try_open(path, ret, reterr);
}

Store *store_close(Store *s) {
        if (!s)
                return NULL;
        for (size_t k = 0; k < _STORE_KIND_MAX; k++)
                for (size_t i = 0; i < _STATEMENT_MAX; i++)
                        sqlite3_finalize(s->statements[k][i]);
        (void) sqlite3_close(s->db);
        free(s->reserve_path);
        free(s);
        return NULL;
}

static int prepare(Store *s, StoreKind kind, Statement which, sqlite3_stmt **ret, Error *reterr) {
        sqlite3_stmt **p = &s->statements[kind][which];
        _cleanup_free_ char *sql = NULL;

        assert(kind >= 0 && kind < _STORE_KIND_MAX);

        if (!*p) {
                if (asprintf_safe(&sql, statement_texts[which], table_names[kind]) < 0)
                        return error_fill(reterr, -ENOMEM);
                if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, p, NULL) != SQLITE_OK)
                        return store_fail(s, "read", reterr);
        }
        *ret = *p;
        return 0;
}

/* Runs a statement that returns no rows, with one or two bound texts. */
static int run_statement(Store *s, StoreKind kind, Statement which, const char *key, const char *doc,
                         Error *reterr) {
        sqlite3_stmt *st;
        int r;

        r = prepare(s, kind, which, &st, reterr);
        if (r < 0)
                return r;
        if (sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC) != SQLITE_OK ||
            (doc && sqlite3_bind_text(st, 2, doc, -1, SQLITE_STATIC) != SQLITE_OK) ||
            sqlite3_step(st) != SQLITE_DONE)
                r = store_fail(s, "write", reterr);
        (void) sqlite3_reset(st);
        (void) sqlite3_clear_bindings(st);
        return r;
}

static int write_record(Store *s, StoreKind kind, Statement which, const char *key, const char *doc,
                        StoreSync sync, Error *reterr) {
        int r;

        if (!s->in_transaction) {
                r = store_set_sync(s, sync, reterr);
                if (r < 0)
                        return r;
        }
        crash_point("store:before-write");
        r = run_statement(s, kind, which, key, doc, reterr);
        crash_point("store:after-write");
        return r;
}

int store_put(Store *s, StoreKind kind, const char *key, const char *json, StoreSync sync, Error *reterr) {
        return write_record(s, kind, STATEMENT_PUT, key, json, sync, reterr);
}

int store_delete(Store *s, StoreKind kind, const char *key, StoreSync sync, Error *reterr) {
        int r;

        r = write_record(s, kind, STATEMENT_DELETE, key, NULL, sync, reterr);
        if (r == -ENOSPC && !s->in_transaction && reserve_use(s)) {
                error_done(reterr);
                r = write_record(s, kind, STATEMENT_DELETE, key, NULL, sync, reterr);
        } else if (r >= 0)
                reserve_make(s);
        return r;
}

int store_get(Store *s, StoreKind kind, const char *key, char **ret_json, Error *reterr) {
        sqlite3_stmt *st;
        char *doc = NULL;
        int r, step;

        r = prepare(s, kind, STATEMENT_GET, &st, reterr);
        if (r < 0)
                return r;
        if (sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC) != SQLITE_OK)
                return store_fail(s, "read", reterr);
        step = sqlite3_step(st);
        if (step == SQLITE_ROW) {
                doc = strdup((const char *) sqlite3_column_text(st, 0) ?: "");
                if (!doc)
                        r = error_fill(reterr, -ENOMEM);
        } else if (step != SQLITE_DONE)
                r = store_fail(s, "read", reterr);
        (void) sqlite3_reset(st);
        if (r < 0)
                return r;
        *ret_json = doc;
        return doc ? 1 : 0;
}

int store_set_aside(Store *s, StoreKind kind, const char *key, Error *reterr) {
        sqlite3_stmt *st = NULL;
        _cleanup_free_ char *sql = NULL;
        int r = 0;

        if (asprintf_safe(&sql,
                          "INSERT OR REPLACE INTO damaged SELECT '%s', key, doc FROM %s WHERE key = ?1",
                          table_names[kind], table_names[kind]) < 0)
                return error_fill(reterr, -ENOMEM);
        if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK ||
            sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(st) != SQLITE_DONE)
                r = store_fail(s, "write", reterr);
        sqlite3_finalize(st);
        return r < 0 ? r : store_delete(s, kind, key, STORE_SYNC_LAZY, reterr);
}

int store_foreach(Store *s, StoreKind kind, StoreCallback callback, void *userdata, Error *reterr) {
        _cleanup_free_ char *sql = NULL;
        sqlite3_stmt *st = NULL;
        char **bad = NULL;
        int r = 0, step, n = 0;

        if (asprintf_safe(&sql, "SELECT key, doc FROM %s ORDER BY seq", table_names[kind]) < 0)
                return error_fill(reterr, -ENOMEM);
        if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
                return store_fail(s, "read", reterr);
        while ((step = sqlite3_step(st)) == SQLITE_ROW) {
                const char *key = (const char *) sqlite3_column_text(st, 0);
                const char *doc = (const char *) sqlite3_column_text(st, 1);

                if (key && doc && callback(key, doc, userdata) >= 0)
                        continue;
                char **q = reallocarray(bad, n + 1, sizeof(char *));
                if (!q || !(q[n] = strdup(key ?: ""))) {
                        bad = q ?: bad;
                        r = error_fill(reterr, -ENOMEM);
                        break;
                }
                bad = q;
                n++;
        }
        if (r >= 0 && step != SQLITE_DONE)
                r = store_fail(s, "read", reterr);
        sqlite3_finalize(st);

        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = store_set_aside(s, kind, bad[i], reterr);
                free(bad[i]);
        }
        free(bad);
        return r < 0 ? r : n;
}

int store_begin(Store *s, Error *reterr) {
        int r;

        assert(!s->in_transaction);
        r = store_set_sync(s, STORE_SYNC_FULL, reterr);
        if (r >= 0)
                r = store_exec(s, "BEGIN", reterr);
        if (r >= 0)
                s->in_transaction = true;
        return r;
}

int store_commit(Store *s, StoreSync sync, Error *reterr) {
        int r;

        assert(s->in_transaction);
        crash_point("store:before-commit");
        r = store_exec(s, "COMMIT", reterr);
        crash_point("store:after-commit");
        if (r < 0) {
                store_rollback(s);
                return r;
        }
        s->in_transaction = false;
        return 0;
}

void store_rollback(Store *s) {
        if (!s->in_transaction)
                return;
        (void) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        s->in_transaction = false;
}
