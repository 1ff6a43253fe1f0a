/* SPDX-License-Identifier: Apache-2.0 */
#include "basic/time-util.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "basic/parse-util.h"
#include "basic/string-util.h"

usec_t now_usec(clockid_t clock) {
        struct timespec ts;

        assert(clock_gettime(clock, &ts) >= 0);
        return (usec_t) ts.tv_sec * USEC_PER_SEC + (usec_t) ts.tv_nsec / NSEC_PER_USEC;
}

nsec_t now_nsec(void) {
        struct timespec ts;

        assert(clock_gettime(CLOCK_REALTIME, &ts) >= 0);
        return (nsec_t) ts.tv_sec * NSEC_PER_SEC + (nsec_t) ts.tv_nsec;
}

static int format_seconds(char buf[static TIME_RFC3339_MAX], nsec_t t) {
        time_t s = t / NSEC_PER_SEC;
        struct tm tm;

        assert(gmtime_r(&s, &tm));
        return snprintf(buf, TIME_RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", (tm.tm_year + 1900) % 10000,
                        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

const char *format_rfc3339(char buf[static TIME_RFC3339_MAX], nsec_t t) {
        char *e;

        if (t == 0) {
                stpcpy(buf, TIME_ZERO_TEXT);
                return buf;
        }

        format_rfc3339_fixed(buf, t);
        for (e = buf + strlen(buf) - 2; *e == '0'; e--)
                ;
        if (*e != '.')
                e++;
        e[0] = 'Z';
        e[1] = 0;
        return buf;
}

const char *format_rfc3339_fixed(char buf[static TIME_RFC3339_MAX], nsec_t t) {
        int n = format_seconds(buf, t);

        snprintf(buf + n, TIME_RFC3339_MAX - n, ".%09" PRIu64 "Z", t % NSEC_PER_SEC);
        return buf;
}

/* Reads exactly n digits. */
static int digits(const char **s, size_t n, int min, int max, int *ret) {
        int v = 0;

        for (size_t i = 0; i < n; i++) {
                if (!isdigit((unsigned char) (*s)[i]))
                        return -EINVAL;
                v = v * 10 + ((*s)[i] - '0');
        }
        if (v < min || v > max)
                return -EINVAL;
        *s += n;
        *ret = v;
        return 0;
}

static int expect(const char **s, char c) {
        if (**s != c)
                return -EINVAL;
        (*s)++;
        return 0;
}

/* ".5" and the like, up to nine digits, as nanoseconds; more digits are cut. */
static int parse_fraction(const char **s, nsec_t *ret) {
        nsec_t v = 0, scale = NSEC_PER_SEC / 10;

        *ret = 0;
        if (**s != '.')
                return 0;
        (*s)++;
        if (!isdigit((unsigned char) **s))
                return -EINVAL;
        for (; isdigit((unsigned char) **s); (*s)++) {
                v += (nsec_t) (**s - '0') * scale;
                scale /= 10;
        }
        *ret = v;
        return 0;
}

static int parse_zone(const char **s, int *ret_offset) {
        int h, m, sign;

        *ret_offset = 0;
        if (**s == 'Z' || **s == 'z') {
                (*s)++;
                return 0;
        }
        if (**s != '+' && **s != '-')
                return -EINVAL;
        sign = **s == '-' ? -1 : 1;
        (*s)++;
        if (digits(s, 2, 0, 23, &h) < 0 || expect(s, ':') < 0 || digits(s, 2, 0, 59, &m) < 0)
                return -EINVAL;
        *ret_offset = sign * (h * 3600 + m * 60);
        return 0;
}

/* The time of day. Loose: the stamp may end before it, or after any part of it. */
static int parse_clock(const char **s, bool loose, struct tm *tm, nsec_t *ret_fraction) {
        *ret_fraction = 0;
        if (loose && !**s)
                return 0;
        if (**s != 'T' && **s != 't' && **s != ' ')
                return -EINVAL;
        (*s)++;
        if (digits(s, 2, 0, 23, &tm->tm_hour) < 0)
                return -EINVAL;
        if (loose && **s != ':')
                return 0;
        if (expect(s, ':') < 0 || digits(s, 2, 0, 59, &tm->tm_min) < 0)
                return -EINVAL;
        if (loose && **s != ':')
                return 0;
        if (expect(s, ':') < 0 || digits(s, 2, 0, 60, &tm->tm_sec) < 0)
                return -EINVAL;
        return parse_fraction(s, ret_fraction);
}

static int parse_stamp(const char *s, bool loose, nsec_t *ret) {
        struct tm tm = { .tm_isdst = -1 };
        nsec_t fraction;
        int offset = 0;
        bool local;
        time_t t;

        if (digits(&s, 4, 0, 9999, &tm.tm_year) < 0 || expect(&s, '-') < 0 ||
            digits(&s, 2, 1, 12, &tm.tm_mon) < 0 || expect(&s, '-') < 0 ||
            digits(&s, 2, 1, 31, &tm.tm_mday) < 0 || parse_clock(&s, loose, &tm, &fraction) < 0)
                return -EINVAL;
        local = loose && !*s;           /* without a zone it is in the host's */
        if (!local && (parse_zone(&s, &offset) < 0 || *s))
                return -EINVAL;

        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        t = local ? mktime(&tm) : timegm(&tm);
        if (t - offset <= 0) {
                *ret = 0;
                return 0;
        }
        if ((uint64_t) (t - offset) > UINT64_MAX / NSEC_PER_SEC - 1)
                return -ERANGE;
        *ret = (nsec_t) (t - offset) * NSEC_PER_SEC + fraction;
        return 0;
}

int parse_rfc3339(const char *s, nsec_t *ret) {
        return parse_stamp(s, false, ret);
}

int parse_timestamp(const char *s, nsec_t *ret) {
        nsec_t fraction;
        uint64_t sec = 0;
        const char *p = s;

        if (strchr(s, 'T') || strchr(s, '-'))
                return parse_stamp(s, true, ret);

        if (!isdigit((unsigned char) *p))
                return -EINVAL;
        for (; isdigit((unsigned char) *p); p++) {
                sec = sec * 10 + (uint64_t) (*p - '0');
                if (sec > UINT64_MAX / NSEC_PER_SEC / 2)
                        return -ERANGE;
        }
        if (parse_fraction(&p, &fraction) < 0 || *p)
                return -EINVAL;
        *ret = sec * NSEC_PER_SEC + fraction;
        return 0;
}

static const struct {
        const char *suffix;
        nsec_t nsec;
} duration_units[] = {
        { "ns", 1 },
        { "us", NSEC_PER_USEC },
        { "ms", 1000 * NSEC_PER_USEC },
        { "s",  NSEC_PER_SEC },
        { "m",  60 * NSEC_PER_SEC },
        { "h",  3600 * NSEC_PER_SEC },
};

static nsec_t duration_unit(const char *s, size_t n) {
        FOREACH_ELEMENT(u, duration_units)
                if (strlen(u->suffix) == n && strncmp(u->suffix, s, n) == 0)
                        return u->nsec;
        return 0;
}

int parse_go_duration(const char *s, nsec_t *ret) {
        nsec_t total = 0;

        if (streq(s, "0")) {
                *ret = 0;
                return 0;
        }
        if (!*s)
                return -EINVAL;
        while (*s) {
                char *e;
                double v;
                size_t n;
                nsec_t unit;

                if (!isdigit((unsigned char) *s) && *s != '.')
                        return -EINVAL;
                v = strtod(s, &e);
                if (e == s || strpbrk(s, "xXpP"))
                        return -EINVAL;
                n = strspn(e, "nusmh");
                /* "1h2m": letters of one unit only, units are separated by digits */
                unit = duration_unit(e, n);
                if (unit == 0 || v * (double) unit > 9e18 - (double) total)
                        return -EINVAL;
                total += (nsec_t) (v * (double) unit + 0.5);
                s = e + n;
        }
        *ret = total;
        return 0;
}

/* A number of units with a fraction of up to nine digits, without zeros at its end. */
static void format_fraction(char *p, size_t size, nsec_t d, nsec_t unit, const char *name) {
        int digits = unit == NSEC_PER_SEC ? 9 : unit == NSEC_PER_SEC / 1000 ? 6 : 3;
        nsec_t rest = d % unit;

        while (rest > 0 && rest % 10 == 0) {
                rest /= 10;
                digits--;
        }
        if (rest > 0)
                snprintf(p, size, "%" PRIu64 ".%0*" PRIu64 "%s", d / unit, digits, rest, name);
        else
                snprintf(p, size, "%" PRIu64 "%s", d / unit, name);
}

const char *format_go_duration(char buf[static GO_DURATION_MAX], nsec_t d) {
        const nsec_t minute = 60 * NSEC_PER_SEC, hour = 60 * minute, msec = NSEC_PER_SEC / 1000;
        int n = 0;

        if (d > 0 && d < NSEC_PER_USEC)
                snprintf(buf, GO_DURATION_MAX, "%" PRIu64 "ns", d);
        else if (d > 0 && d < msec)
                format_fraction(buf, GO_DURATION_MAX, d, NSEC_PER_USEC, "\xc2\xb5s");
        else if (d > 0 && d < NSEC_PER_SEC)
                format_fraction(buf, GO_DURATION_MAX, d, msec, "ms");
        else {
                if (d >= hour)
                        n = snprintf(buf, GO_DURATION_MAX, "%" PRIu64 "h", d / hour);
                if (d >= minute)
                        n += snprintf(buf + n, GO_DURATION_MAX - (size_t) n, "%" PRIu64 "m",
                                      d % hour / minute);
                format_fraction(buf + n, GO_DURATION_MAX - (size_t) n, d % minute, NSEC_PER_SEC, "s");
        }
        return buf;
}
