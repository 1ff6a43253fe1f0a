/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing; removal shifts followers back, so there are no tombstones. */
#include "basic/hashmap.h"

#include <sys/random.h>

#define HASHMAP_MIN_SLOTS 8U

typedef struct Slot {
        const char *key;        /* borrowed; NULL = empty */
        void *value;
        uint64_t hash;
} Slot;

struct Hashmap {
        Slot *slots;
        size_t n_slots;         /* power of two, or 0 */
        size_t n_entries;
        uint64_t seed;
};

/* FNV-1a over the seed: keys may come from clients, so the start value is random. */
static uint64_t hash_key(const Hashmap *m, const char *key) {
        uint64_t h = 0xcbf29ce484222325ULL ^ m->seed;

        for (const unsigned char *p = (const unsigned char *) key; *p; p++)
                h = (h ^ *p) * 0x100000001b3ULL;
        h ^= h >> 33;
        h *= 0xff51afd7ed558ccdULL;
        return h ^ (h >> 33);
}

Hashmap *hashmap_new(void) {
        Hashmap *m = new0(Hashmap, 1);

        if (m && getrandom(&m->seed, sizeof(m->seed), GRND_NONBLOCK) < 0)
                m->seed = (uint64_t) (uintptr_t) m;
        return m;
}

Hashmap *hashmap_free(Hashmap *m) {
        if (m)
                free(m->slots);
        free(m);
        return NULL;
}

static Slot *find_slot(const Hashmap *m, const char *key, uint64_t hash) {
        size_t mask = m->n_slots - 1;

        for (size_t i = hash & mask;; i = (i + 1) & mask) {
                Slot *s = m->slots + i;

                if (!s->key || (s->hash == hash && strcmp(s->key, key) == 0))
                        return s;
        }
}

static int grow(Hashmap *m) {
        size_t n_old = m->n_slots, n = n_old == 0 ? HASHMAP_MIN_SLOTS : n_old * 2;
        Slot *old = m->slots, *slots;

        /* At most 3/4 full. */
        if (m->n_entries + 1 <= n_old / 4 * 3)
                return 0;

        slots = new0(Slot, n);
        if (!slots)
                return -ENOMEM;
        m->slots = slots;
        m->n_slots = n;
        for (size_t i = 0; i < n_old; i++)
                if (old[i].key)
                        *find_slot(m, old[i].key, old[i].hash) = old[i];
        free(old);
        return 0;
}

int hashmap_replace(Hashmap *m, const char *key, void *value, void **ret_old) {
        uint64_t hash = hash_key(m, key);
        Slot *s;
        int r;

        assert(value);

        r = grow(m);
        if (r < 0)
                return r;

        s = find_slot(m, key, hash);
        if (ret_old)
                *ret_old = s->value;
        if (!s->key)
                m->n_entries++;
        *s = (Slot) { key, value, hash };
        return 0;
}

int hashmap_put(Hashmap *m, const char *key, void *value) {
        if (hashmap_get(m, key))
                return -EEXIST;
        return hashmap_replace(m, key, value, NULL);
}

void *hashmap_get(const Hashmap *m, const char *key) {
        if (!m || m->n_slots == 0 || !key)
                return NULL;
        return find_slot(m, key, hash_key(m, key))->value;
}

void *hashmap_remove(Hashmap *m, const char *key) {
        size_t mask, hole, i;
        void *value;
        Slot *s;

        if (!m || m->n_slots == 0 || !key)
                return NULL;
        s = find_slot(m, key, hash_key(m, key));
        if (!s->key)
                return NULL;

        value = s->value;
        mask = m->n_slots - 1;
        hole = i = s - m->slots;
        for (;;) {
                i = (i + 1) & mask;
                if (!m->slots[i].key)
                        break;
                /* Moves back only what probing from its home would still find. */
                if (((i - (m->slots[i].hash & mask)) & mask) >= ((i - hole) & mask)) {
                        m->slots[hole] = m->slots[i];
                        hole = i;
                }
        }
        m->slots[hole] = (Slot) {};
        m->n_entries--;
        return value;
}

size_t hashmap_size(const Hashmap *m) {
        return m ? m->n_entries : 0;
}

static size_t find_empty_slot(const Hashmap *m) {
        for (size_t i = 0; i < m->n_slots; i++)
                if (!m->slots[i].key)
                        return i;
        return 0;
}

bool hashmap_iterate(const Hashmap *m, HashmapIterator *i, const char **ret_key, void **ret_value) {
        if (!m)
                return false;
        /* Walks downwards: a removal moves only entries of higher positions of the run, which were seen
         * already, into the hole. From an empty slot, so that no run goes around the end of the walk. */
        if (i->position == 0)
                i->start = find_empty_slot(m);
        while (i->position < m->n_slots) {
                Slot *s = m->slots + ((i->start + m->n_slots - 1 - i->position++) & (m->n_slots - 1));

                if (!s->key)
                        continue;
                if (ret_key)
                        *ret_key = s->key;
                *ret_value = s->value;
                return true;
        }
        return false;
}

int hashmap_find_prefix(const Hashmap *m, const char *prefix, void **ret) {
        HashmapIterator i = {};
        size_t n = strlen(prefix);
        const char *key;
        void *value, *found = NULL;

        while (hashmap_iterate(m, &i, &key, &value))
                if (strncmp(key, prefix, n) == 0) {
                        if (found && found != value)
                                return -ENOTUNIQ;
                        found = value;
                }
        *ret = found;
        return found ? 1 : 0;
}
