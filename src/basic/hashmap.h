/* SPDX-License-Identifier: Apache-2.0 */
/* Hash map with string keys. Keys are borrowed: they live in the values (an object's id) as long as the
 * entry does. */
#pragma once

#include "basic/alloc-util.h"

typedef struct Hashmap Hashmap;

typedef struct HashmapIterator {
        size_t position;                /* slots looked at */
        size_t start;                   /* an empty slot */
} HashmapIterator;

Hashmap *hashmap_new(void);
/* Frees the map, not the values. NULL-safe. */
Hashmap *hashmap_free(Hashmap *m);
DEFINE_TRIVIAL_CLEANUP_FUNC(Hashmap *, hashmap_free);
#define _cleanup_hashmap_free_ _cleanup_(hashmap_freep)

/* -EEXIST if the key is taken. */
int hashmap_put(Hashmap *m, const char *key, void *value);
/* Puts, or replaces key and value; returns the old value in ret_old (may be NULL). */
int hashmap_replace(Hashmap *m, const char *key, void *value, void **ret_old);
void *hashmap_get(const Hashmap *m, const char *key);
void *hashmap_remove(Hashmap *m, const char *key);
size_t hashmap_size(const Hashmap *m);

/* Order is unspecified. During iteration the current entry may be removed, nothing may be added. */
bool hashmap_iterate(const Hashmap *m, HashmapIterator *i, const char **ret_key, void **ret_value);
#define HASHMAP_FOREACH(value, m)                                               \
        for (HashmapIterator UNIQUE_I_##value = {}, *_i_##value = &UNIQUE_I_##value; \
             hashmap_iterate((m), _i_##value, NULL, (void **) &(value)); )
#define HASHMAP_FOREACH_KEY(key, value, m)                                      \
        for (HashmapIterator UNIQUE_I_##value = {}, *_i_##value = &UNIQUE_I_##value; \
             hashmap_iterate((m), _i_##value, &(key), (void **) &(value)); )

/* The value whose key starts with the prefix: 0 and NULL if none, 1 and the value if just one, -ENOTUNIQ if
 * several. Walks the whole map. */
int hashmap_find_prefix(const Hashmap *m, const char *prefix, void **ret);
