/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes and booleans from text. The whole string must match; no leading white space or '+'. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

int parse_uint64(const char *s, uint64_t *ret);
int parse_int64(const char *s, int64_t *ret);
int parse_uint32(const char *s, uint32_t *ret);
int parse_int(const char *s, int *ret);

/* Go's strconv.ParseBool: 1 t T TRUE true True, 0 f F FALSE false False. Returns 0/1 or -EINVAL. */
int parse_go_bool(const char *s);
/* Docker's query booleans: "", 0, no, false, none are false, everything else is true. */
bool query_bool(const char *s);

/* "64m", "1.5GiB", "512": bytes, binary multiples (Docker's RAMInBytes). */
int parse_bytes(const char *s, uint64_t *ret);
