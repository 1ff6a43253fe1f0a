/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/hashmap.h"

#include "basic/id.h"
#include "basic/tests.h"

TEST(put_get_remove) {
        _cleanup_hashmap_free_ Hashmap *m = ASSERT_NOT_NULL(hashmap_new());

        ASSERT_OK(hashmap_put(m, "a", (void *) 1));
        ASSERT_EQ(hashmap_put(m, "a", (void *) 2), -EEXIST);
        ASSERT_EQ((uintptr_t) hashmap_get(m, "a"), 1);
        ASSERT_NULL(hashmap_get(m, "b"));
        ASSERT_EQ((uintptr_t) hashmap_remove(m, "a"), 1);
        ASSERT_NULL(hashmap_remove(m, "a"));
        ASSERT_EQ(hashmap_size(m), 0);
}

TEST(many) {
        enum { N = 5000 };
        static char ids[N][ID_LENGTH + 1];
        _cleanup_hashmap_free_ Hashmap *m = ASSERT_NOT_NULL(hashmap_new());
        size_t seen = 0;
        char *v;

        for (size_t i = 0; i < N; i++) {
                ASSERT_OK(id_generate(ids[i]));
                ASSERT_OK(hashmap_put(m, ids[i], ids[i]));
        }
        for (size_t i = 0; i < N; i += 2)
                ASSERT_TRUE(hashmap_remove(m, ids[i]) == ids[i]);
        for (size_t i = 0; i < N; i++)
                ASSERT_TRUE(hashmap_get(m, ids[i]) == (i % 2 ? ids[i] : NULL));
        HASHMAP_FOREACH(v, m)
                seen++;
        ASSERT_EQ(seen, N / 2);
        HASHMAP_FOREACH(v, m)
                ASSERT_NOT_NULL(hashmap_remove(m, v));
        ASSERT_EQ(hashmap_size(m), 0);
}

/* Small maps are full of runs that go around the end of the table. */
TEST(remove_while_iterating) {
        static const char *const keys[] = { "a", "b", "c", "d", "e", "f" };

        for (unsigned round = 0; round < 2000; round++) {
                _cleanup_hashmap_free_ Hashmap *m = ASSERT_NOT_NULL(hashmap_new());
                size_t n = round % ELEMENTSOF(keys) + 1, seen = 0;
                char *v;

                for (size_t i = 0; i < n; i++)
                        ASSERT_OK(hashmap_put(m, keys[i], (void *) keys[i]));
                HASHMAP_FOREACH(v, m) {
                        seen++;
                        ASSERT_TRUE(hashmap_remove(m, v) == v);
                }
                ASSERT_EQ(seen, n);
                ASSERT_EQ(hashmap_size(m), 0);
        }
}

TEST(prefix) {
        _cleanup_hashmap_free_ Hashmap *m = ASSERT_NOT_NULL(hashmap_new());
        void *v;

        ASSERT_OK(hashmap_put(m, "abc", (void *) 1));
        ASSERT_OK(hashmap_put(m, "abd", (void *) 2));
        ASSERT_EQ(hashmap_find_prefix(m, "abc", &v), 1);
        ASSERT_EQ(hashmap_find_prefix(m, "x", &v), 0);
        ASSERT_EQ(hashmap_find_prefix(m, "ab", &v), -ENOTUNIQ);
}

DEFINE_TEST_MAIN();
