/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/platform.h"

#include <stdio.h>

#include <ctype.h>
#include <sys/utsname.h>

#include "basic/parse-util.h"
#include "basic/string-util.h"
#include "basic/strv.h"

static const struct {
        const char *alias, *architecture, *variant;     /* variant NULL: as given */
} architectures[] = {
        { "x86_64",  "amd64",   NULL },
        { "x86-64",  "amd64",   NULL },
        { "i386",    "386",     ""   },
        { "i686",    "386",     ""   },
        { "aarch64", "arm64",   NULL },
        { "armhf",   "arm",     "v7" },
        { "armel",   "arm",     "v6" },
        { "armv7l",  "arm",     "v7" },
        { "armv6l",  "arm",     "v6" },
};

static const char *const known_oses[] = {
        "aix",     "android", "darwin",  "dragonfly", "freebsd", "hurd", "illumos", "ios", "js",
        "linux",   "nacl",    "netbsd",  "openbsd",   "plan9",   "solaris", "windows", "zos",
};
static const char *const known_architectures[] = {
        "386",      "amd64",  "amd64p32", "arm",   "armbe", "arm64",   "arm64be", "ppc64",  "ppc64le",
        "loong64",  "mips",   "mipsle",   "mips64", "mips64le", "mips64p32", "mips64p32le", "ppc",
        "riscv",    "riscv64", "s390",    "s390x", "sparc", "sparc64", "wasm",
};

static bool is_listed(const char *const *list, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (streq(list[i], s))
                        return true;
        return false;
}

static void copy_part(char dest[static 32], const char *s) {
        size_t n = min_size(strlen(strempty(s)), 31);

        memcpy(dest, strempty(s), n);
        dest[n] = 0;
        ascii_strlower(dest);
}

/* Of the CPU we run on: levels of the x86-64 psABI, which Go calls v1 to v4. */
static const char *host_amd64_variant(void) {
#if defined(__x86_64__)
        __builtin_cpu_init();
        if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt"))
                return "";
        if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") ||
            !__builtin_cpu_supports("fma"))
                return "v2";
        if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
            !__builtin_cpu_supports("avx512vl"))
                return "v3";
        return "v4";
#else
        return "";
#endif
}

static void normalise(PlatformBuffer *b) {
        if (streq(b->os, "macos"))
                copy_part(b->os, "darwin");
        FOREACH_ELEMENT(a, architectures)
                if (streq(b->architecture, a->alias)) {
                        copy_part(b->architecture, a->architecture);
                        if (a->variant && (b->variant[0] == 0 || a->variant[0] == 0))
                                copy_part(b->variant, a->variant);
                        break;
                }
        if (streq(b->architecture, "amd64") && streq(b->variant, "v1"))
                b->variant[0] = 0;
        if (streq(b->architecture, "arm64") && (streq(b->variant, "8") || streq(b->variant, "v8")))
                b->variant[0] = 0;
        if (streq(b->architecture, "arm")) {
                if (b->variant[0] == 0)
                        copy_part(b->variant, "v7");
                if (isdigit((unsigned char) b->variant[0])) {
                        memmove(b->variant + 1, b->variant, sizeof(b->variant) - 2);
                        b->variant[0] = 'v';
                }
        }
}

Platform platform_normalise(const Platform *p, PlatformBuffer *buf) {
        struct utsname u;

        copy_part(buf->os, isempty(p->os) ? "linux" : p->os);
        copy_part(buf->architecture, p->architecture);
        copy_part(buf->variant, p->variant);
        if (isempty(p->architecture) && uname(&u) >= 0) {
                copy_part(buf->architecture, u.machine);
                if (streq(buf->architecture, "x86_64"))
                        copy_part(buf->variant, host_amd64_variant());
        }
        normalise(buf);
        return platform_of(buf);
}

static bool component_is_valid(const char *s) {
        if (!*s || strlen(s) > 31)
                return false;
        for (; *s; s++)
                if (!isalnum((unsigned char) *s) && !strchr("_-.", *s))
                        return false;
        return true;
}

/* One word is an operating system or an architecture. */
static int parse_word(const char *word, PlatformBuffer *ret, Error *reterr) {
        PlatformBuffer b = {};

        copy_part(b.os, word);
        normalise(&b);
        if (is_listed(known_oses, ELEMENTSOF(known_oses), b.os)) {
                (void) platform_normalise(&(Platform) { .os = b.os }, ret);
                return 0;
        }
        copy_part(b.architecture, word);
        copy_part(b.os, "linux");
        normalise(&b);
        if (is_listed(known_architectures, ELEMENTSOF(known_architectures), b.architecture)) {
                *ret = b;
                return 0;
        }
        return error_setf(reterr, ERROR_INVALID, "\"%s\": unknown operating system or architecture: "
                          "invalid argument", word);
}

int platform_parse(const char *s, PlatformBuffer *ret, Error *reterr) {
        _cleanup_strv_free_ char **parts = NULL;
        PlatformBuffer b = {};
        int r;

        r = strv_split(s, "/", &parts);
        if (r < 0)
                return error_fill(reterr, r);
        STRV_FOREACH(p, parts)
                if (!component_is_valid(*p))
                        return error_setf(reterr, ERROR_INVALID, "\"%s\" is an invalid component of \"%s\": "
                                          "platform specifier component must match \"^[A-Za-z0-9_-]+$\": "
                                          "invalid argument", *p, s);
        if (strv_length(parts) == 1)
                return parse_word(parts[0], ret, reterr);
        if (strv_length(parts) < 1 || strv_length(parts) > 3)
                return error_setf(reterr, ERROR_INVALID,
                                  "\"%s\": cannot parse platform specifier: invalid argument", s);
        copy_part(b.os, parts[0]);
        copy_part(b.architecture, parts[1]);
        copy_part(b.variant, strv_length(parts) > 2 ? parts[2] : "");
        normalise(&b);
        *ret = b;
        return 0;
}

const char *platform_format(char buf[static PLATFORM_TEXT_MAX], const Platform *p) {
        bool variant = !isempty(p->variant);

        snprintf(buf, PLATFORM_TEXT_MAX, "%s/%s%s%s", isempty(p->os) ? "unknown" : p->os,
                 isempty(p->architecture) ? "unknown" : p->architecture, variant ? "/" : "",
                 variant ? p->variant : "");
        return buf;
}

/* "v7" -> 7; without a variant: the given number. */
static int variant_level(const char *variant, int unset) {
        uint32_t n;

        if (isempty(variant))
                return unset;
        return variant[0] == 'v' && parse_uint32(variant + 1, &n) >= 0 && n < 100 ? (int) n : -1;
}

#define RANK_OTHER_ARCHITECTURE 100

static int rank_levels(const char *wanted, const char *candidate, int unset) {
        int w = variant_level(wanted, unset), c = variant_level(candidate, unset);

        if (w < 0 || c < 0)
                return streq(strempty(wanted), strempty(candidate)) ? 0 : -1;
        return c <= w ? w - c : -1;
}

int platform_rank(const Platform *wanted, const Platform *candidate) {
        PlatformBuffer buf;
        int r;

        if (isempty(candidate->os) || isempty(candidate->architecture))
                return -1;
        const Platform c = platform_normalise(candidate, &buf);

        if (!streq(wanted->os, c.os))
                return -1;
        if (streq(wanted->architecture, c.architecture)) {
                if (streq(c.architecture, "amd64"))
                        return rank_levels(wanted->variant, c.variant, 1);
                if (streq(c.architecture, "arm64"))
                        return rank_levels(wanted->variant, c.variant, 8);
                if (streq(c.architecture, "arm"))
                        return rank_levels(wanted->variant, c.variant, 7);
                return streq(strempty(wanted->variant), strempty(c.variant)) ? 0 : -1;
        }
        if (streq(wanted->architecture, "amd64") && streq(c.architecture, "386"))
                return RANK_OTHER_ARCHITECTURE;
        if (!streq(wanted->architecture, "arm64") || !streq(c.architecture, "arm"))
                return -1;
        r = rank_levels("v8", c.variant, 7);
        return r < 0 ? r : RANK_OTHER_ARCHITECTURE + r;
}
