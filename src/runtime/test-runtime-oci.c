/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/runtime-oci.h"

#include <stdio.h>
#include <sys/stat.h>

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/tests.h"

static char directory[] = "/tmp/test-runtime-oci-XXXXXX";

typedef struct Fixture {
        sd_event *event;
        char *good, *bad, *missing;
        OciRuntimes runtimes;
} Fixture;

static char *script(const char *name, const char *body) {
        char *path = path_join(directory, name);

        ASSERT_NOT_NULL(path);
        if (body) {
                ASSERT_OK(write_file_atomic_at(AT_FDCWD, path, body, strlen(body), 0755, 0));
                ASSERT_OK(chmod(path, 0755));
        }
        return path;
}

static void fixture_init(Fixture *f, const char *default_name) {
        *f = (Fixture) {
                .good = script("good", "#!/bin/sh\n[ $1 = --version ] || exit 1\n"
                                       "printf 'good version 9.1+x\\ncommit: abc\\n'\n"),
                .bad = script("bad", "#!/bin/sh\nexit 3\n"),
                .missing = script("missing", NULL),
        };
        const OciRuntimeConfig configured[] = {
                { .name = "bad",     .path = f->bad     },
                { .name = "good",    .path = f->good    },
                { .name = "missing", .path = f->missing },
                { .name = "shim",    .type = "io.x.v1"  },
        };
        ASSERT_OK(sd_event_new(&f->event));
        ASSERT_OK(oci_runtimes_init(&f->runtimes, f->event, configured, ELEMENTSOF(configured), default_name,
                                    NULL));
}

static void fixture_done(Fixture *f) {
        oci_runtimes_done(&f->runtimes);
        sd_event_unref(f->event);
        free(f->good);
        free(f->bad);
        free(f->missing);
}

static void check_answers(Fixture *f) {
        static const struct {
                const char *name, *why_not;
        } table[] = {
                { "bad",     "--version failed"   },
                { "missing", "No such file"       },
                { "shim",    "containerd shims"   },
        };
        const OciRuntime *rt;

        ASSERT_OK(oci_runtimes_find(&f->runtimes, "good", &rt, NULL));
        ASSERT_STREQ(rt->version, "9.1+x");
        ASSERT_STREQ(rt->commit, "abc");
        ASSERT_NULL(rt->features);
        FOREACH_ELEMENT(i, table) {
                _cleanup_error_ Error error = ERROR_NULL;

                ASSERT_FAIL(oci_runtimes_find(&f->runtimes, i->name, &rt, &error));
                ASSERT_EQ(error.kind, ERROR_UNAVAILABLE);
                ASSERT_NOT_NULL(strstr(error_message(&error), i->why_not));
        }
}

TEST(settled_by_the_first_who_asks) {
        Fixture f;

        fixture_init(&f, "good");
        ASSERT_FALSE(f.runtimes.settled);
        ASSERT_STREQ(oci_runtimes_default(&f.runtimes)->name, "good");
        check_answers(&f);
        fixture_done(&f);
}

TEST(settled_by_the_loop) {
        Fixture f;

        fixture_init(&f, "good");
        while (!f.runtimes.settled)
                ASSERT_TRUE(sd_event_run(f.event, 5 * USEC_PER_SEC) > 0);
        check_answers(&f);
        fixture_done(&f);
}

TEST(freed_while_it_asks) {
        Fixture f;

        fixture_init(&f, NULL);
        ASSERT_TRUE(sd_event_run(f.event, 5 * USEC_PER_SEC) > 0);
        fixture_done(&f);
}

TEST(unknown_default) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_error_ Error error = ERROR_NULL;
        OciRuntimes l;

        ASSERT_OK(sd_event_new(&event));
        ASSERT_FAIL(oci_runtimes_init(&l, event, NULL, 0, "nope", &error));
        ASSERT_EQ(error.kind, ERROR_INVALID);
}

int main(int argc, char *argv[]) {
        int r;

        ASSERT_NOT_NULL(mkdtemp(directory));
        r = test_run_all(argc, argv);
        ASSERT_OK(rm_rf_at(AT_FDCWD, directory));
        return r;
}
