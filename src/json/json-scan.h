/* SPDX-License-Identifier: Apache-2.0 */
/* Says why a text is no JSON, in the words of the original engine's decoder, which clients compare. Pure. */
#pragma once

#include <stddef.h>

/* Of the first value in the text. *ret is NULL when there is nothing to find fault with, or it is nested
 * deeper than JSON_DEPTH_MAX. */
int json_scan_fault(const char *text, size_t size, char **ret);
