/* SPDX-License-Identifier: Apache-2.0 */
/* `dockerd --check` and `dockerd --repair`, without a daemon. */
#include <inttypes.h>
#include <stdio.h>

#include "basic/log.h"
#include "image/store-check.h"
#include "main/daemon.h"

enum {
        EXIT_SOUND = 0,
        EXIT_DAMAGED = 1,
        EXIT_NOT_CHECKED = 2,
};

/* A damaged database is set aside by a repair; then nothing is known any more. */
static int open_store(const Config *c, Store **ret, StoreCheckResult *result, Error *reterr) {
        bool damaged;
        int r;

        r = store_open_existing(c->engine.data_root, ret, reterr);
        if (r != -EUCLEAN)
                return r;
        result->n_found++;
        if (!c->repair) {
                result->n_left++;
                printf("state.db: the database is damaged\n");
                return r;
        }
        error_done(reterr);
        r = store_open(c->engine.data_root, ret, &damaged, reterr);
        if (r >= 0)
                printf("state.db: the database is damaged: set aside, nothing that it recorded is known any "
                       "more\n");
        return r;
}

/* What the storage needs to make layers again, and nothing else of an engine. */
static int rebuild(const Config *c, Store *store, StoreCheckResult *result, Error *reterr) {
        _cleanup_(image_manager_freep) ImageManager *images = NULL;
        _cleanup_(worker_pool_freep) WorkerPool *workers = NULL;
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_free_ char *program = NULL;
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = worker_find_program("dockerd-worker", &program);
        if (r >= 0)
                r = worker_pool_new(event, program, &workers);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "cannot start dockerd-worker");
        r = image_manager_new(&(ImageManagerConfig) {
                .data_root = c->engine.data_root,
                .storage_driver = c->engine.storage.driver,
                .store = store,
                .event = event,
                .workers = workers,
        }, &images, reterr);
        return r < 0 ? r : store_rebuild(images, stdout, result, reterr);
}

static int check_store(const Config *c, StoreCheckResult *result, Error *reterr) {
        _cleanup_(store_closep) Store *store = NULL;
        int r;

        r = open_store(c, &store, result, reterr);
        if (r < 0)
                return r == -EUCLEAN && !c->repair ? 0 : r;
        r = store_check(&(StoreCheckParams) {
                .data_root = c->engine.data_root,
                .store = store,
                .repair = c->repair,
                .output = stdout,
        }, result, reterr);
        return r >= 0 && c->repair && result->n_to_rebuild > 0 ? rebuild(c, store, result, reterr) : r;
}

static void print_summary(const StoreCheckResult *r) {
        printf("%zu images with %zu names, %zu layers and %zu blobs of %" PRIu64 " bytes were looked at: ",
               r->n_images, r->n_names, r->n_layers, r->n_blobs, r->bytes);
        if (r->n_found == 0)
                printf("all is sound\n");
        else if (r->n_left == 0)
                printf("%zu damages, all repaired\n", r->n_found);
        else
                printf("%zu damages, %zu repaired\n", r->n_found, r->n_found - r->n_left);
}

int check_run(Daemon *d) {
        _cleanup_error_ Error e = ERROR_NULL;
        StoreCheckResult result = {};
        int r;

        log_set_max_level(LOG_WARNING);
        r = root_lock(d, &e);
        if (r >= 0)
                r = check_store(d->config, &result, &e);
        root_close(d);
        if (r < 0) {
                fprintf(stderr, "%s\n", error_message(&e));
                return EXIT_NOT_CHECKED;
        }
        print_summary(&result);
        return result.n_left > 0 ? EXIT_DAMAGED : EXIT_SOUND;
}
