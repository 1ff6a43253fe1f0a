/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as hexadecimal and base64 text. */
#pragma once

#include "basic/alloc-util.h"

/* Lower case. */
char *hexmem(const void *p, size_t n);
/* Exactly n bytes from 2n digits, either case. */
int unhexmem(const char *s, void *ret, size_t n);
bool is_lower_hex(const char *s, size_t n);

char *base64mem(const void *p, size_t n);
/* Standard and URL-safe alphabet, padding optional, no white space. */
int unbase64mem(const char *s, size_t n, char **ret, size_t *ret_size);
