/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text to and from json-c trees, with the limits and messages of a request body. */
#pragma once

#include "basic/error.h"

struct json_object;

/* One document of at most depth levels, nothing behind it but white space; valid UTF-8. *ret may be NULL for
 * `null`. */
int json_parse(const char *text, size_t size, unsigned depth, struct json_object **ret, Error *reterr);

/* Compact, "/" not escaped, no newline; the text belongs to the object. */
const char *json_text(struct json_object *o);

void json_object_putp(struct json_object **o);
#define _cleanup_json_ _cleanup_(json_object_putp)
