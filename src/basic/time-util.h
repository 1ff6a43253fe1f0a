/* SPDX-License-Identifier: Apache-2.0 */
/* Times: usec_t for intervals and clocks, nsec_t for Docker's wall-clock stamps (nanoseconds since 1970). */
#pragma once

#include <inttypes.h>
#include <time.h>

#include "basic/macro.h"

typedef uint64_t usec_t;
typedef uint64_t nsec_t;

#define USEC_PER_MSEC ((usec_t) 1000)
#define USEC_PER_SEC ((usec_t) 1000000)
#define USEC_INFINITY UINT64_MAX
#define NSEC_PER_USEC ((nsec_t) 1000)
#define NSEC_PER_SEC ((nsec_t) 1000000000)

/* "2006-01-02T15:04:05.999999999Z" */
#define TIME_RFC3339_MAX 36U
/* Go's zero time, which Docker prints for "never". */
#define TIME_ZERO_TEXT "0001-01-01T00:00:00Z"

usec_t now_usec(clockid_t clock);
nsec_t now_nsec(void);

/* RFC 3339 in UTC, without trailing zeros in the fraction (Go's RFC3339Nano); 0 gives TIME_ZERO_TEXT. */
const char *format_rfc3339(char buf[static TIME_RFC3339_MAX], nsec_t t);
/* Go's fixed-width variant with nine digits, as in log files and `docker logs -t`. */
const char *format_rfc3339_fixed(char buf[static TIME_RFC3339_MAX], nsec_t t);
/* Any offset; up to nine digits. Years before 1970 give 0. */
int parse_rfc3339(const char *s, nsec_t *ret);

/* The `since`/`until` parameters: seconds[.fraction] since 1970, RFC 3339, or the first parts of a stamp
 * ("2006-01-02", "2006-01-02T15:04"); without a zone it is in the host's. */
int parse_timestamp(const char *s, nsec_t *ret);
/* Go durations: "1h2m3.5s", "300ms"; no sign. */
int parse_go_duration(const char *s, nsec_t *ret);
/* As Go prints them: "1h0m3.5s", "300ms", "0s". */
#define GO_DURATION_MAX 32U
const char *format_go_duration(char buf[static GO_DURATION_MAX], nsec_t d);
