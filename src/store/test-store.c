/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/strv.h"
#include "basic/tests.h"

static char *make_dir(void) {
        static char dir[64];

        stpcpy(dir, "/tmp/test-store-XXXXXX");
        ASSERT_NOT_NULL(mkdtemp(dir));
        return dir;
}

static int collect(const char *key, const char *json, void *userdata) {
        if (streq(json, "bad"))
                return -EINVAL;
        return strv_extend(userdata, key);
}

TEST(put_get_delete) {
        char *dir = make_dir();
        _cleanup_strv_free_ char **keys = NULL;
        _cleanup_free_ char *doc = NULL, *none = NULL;
        Store *s;
        bool damaged;

        ASSERT_OK(store_open(dir, &s, &damaged, NULL));
        ASSERT_FALSE(damaged);
        ASSERT_OK(store_put(s, STORE_CONTAINER, "a", "{}", STORE_SYNC_FULL, NULL));
        ASSERT_OK(store_put(s, STORE_CONTAINER, "b", "bad", STORE_SYNC_LAZY, NULL));
        ASSERT_OK(store_put(s, STORE_CONTAINER, "a", "{\"x\":1}", STORE_SYNC_LAZY, NULL));
        store_close(s);

        ASSERT_OK(store_open(dir, &s, &damaged, NULL));
        ASSERT_EQ(store_get(s, STORE_CONTAINER, "a", &doc, NULL), 1);
        ASSERT_STREQ(doc, "{\"x\":1}");
        ASSERT_EQ(store_foreach(s, STORE_CONTAINER, collect, &keys, NULL), 1);
        ASSERT_EQ(strv_length(keys), 1);
        ASSERT_EQ(store_get(s, STORE_CONTAINER, "b", &none, NULL), 0);
        ASSERT_EQ(store_foreach(s, STORE_CONTAINER, collect, &keys, NULL), 0);

        ASSERT_OK(store_begin(s, NULL));
        ASSERT_OK(store_delete(s, STORE_CONTAINER, "a", STORE_SYNC_FULL, NULL));
        store_rollback(s);
        ASSERT_EQ(store_get(s, STORE_CONTAINER, "a", &none, NULL), 1);
        ASSERT_OK(store_delete(s, STORE_CONTAINER, "nosuch", STORE_SYNC_FULL, NULL));
        store_close(s);
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
}

TEST(damaged_database) {
        char *dir = make_dir();
        _cleanup_free_ char *path = path_join(dir, "state.db");
        Store *s;
        bool damaged;

        ASSERT_OK(write_file_atomic_at(AT_FDCWD, path, "this is not a database, but long enough to be read",
                                       50, 0600, 0));
        ASSERT_OK(store_open(dir, &s, &damaged, NULL));
        ASSERT_TRUE(damaged);
        ASSERT_OK(store_put(s, STORE_META, "k", "1", STORE_SYNC_FULL, NULL));
        store_close(s);
        ASSERT_OK(rm_rf_at(AT_FDCWD, dir));
}

TEST(open_existing_makes_nothing) {
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_free_ char *doc = NULL;
        char *root = make_dir();
        bool damaged;

        ASSERT_EQ(store_open_existing(root, &s, NULL), -ENOENT);
        ASSERT_OK(store_open(root, &s, &damaged, NULL));
        ASSERT_OK(store_put(s, STORE_IMAGE, "sha256:1", "{}", STORE_SYNC_LAZY, NULL));
        s = store_close(s);
        ASSERT_OK(store_open_existing(root, &s, NULL));
        ASSERT_OK(store_set_aside(s, STORE_IMAGE, "sha256:1", NULL));
        ASSERT_OK(store_set_aside(s, STORE_IMAGE, "sha256:1", NULL));
        ASSERT_EQ(store_get(s, STORE_IMAGE, "sha256:1", &doc, NULL), 0);
}

DEFINE_TEST_MAIN();
