/* SPDX-License-Identifier: Apache-2.0 */
/* Detach keys: the API's string ("ctrl-p,ctrl-q") as bytes, and the filter that finds them in what a client
 * types. */
#pragma once

#include "basic/error.h"

#define DETACH_KEYS_MAX 64U

typedef struct DetachKeys {
        uint8_t keys[DETACH_KEYS_MAX];
        size_t n_keys;                  /* 0 = nothing detaches */
        size_t n_matched;               /* keys that came and are held back */
} DetachKeys;

/* NULL or "" is the default. ERROR_INVALID: "Invalid detach keys (x) provided". */
int detach_keys_parse(const char *s, DetachKeys *ret, Error *reterr);

/* Filters a piece of input into out, which must hold size + DETACH_KEYS_MAX bytes, and returns its size.
 * *ret_detach: the keys were complete; what comes behind them is dropped. Keys that may be the beginning are
 * held back until the next one shows; like in Docker's filter, the key that breaks a sequence does not begin
 * one. */
size_t detach_keys_filter(DetachKeys *d, const void *data, size_t size, void *out, bool *ret_detach);
