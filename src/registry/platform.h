/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms "os[/architecture[/variant]]" as `--platform` gives them and manifests name them: normal form,
 * and which of several an image is best taken from. */
#pragma once

#include "basic/error.h"

#define PLATFORM_TEXT_MAX 128U

/* Borrowed strings; NULL or "" = not given. */
typedef struct Platform {
        const char *os, *architecture, *variant;
} Platform;

/* Room for what platform_parse() and platform_normalise() return pointers into. */
typedef struct PlatformBuffer {
        char os[32], architecture[32], variant[32];
} PlatformBuffer;

/* The value of `--platform`, in normal form; containerd's messages. */
int platform_parse(const char *s, PlatformBuffer *ret, Error *reterr);
/* What was not given becomes the host's, uname names become Go's ("x86_64" -> "amd64"). Over-long parts are
 * cut. */
Platform platform_normalise(const Platform *p, PlatformBuffer *buf);
static inline Platform platform_of(const PlatformBuffer *b) {
        return (Platform) { b->os, b->architecture, b->variant };
}

/* "linux/arm/v7" */
const char *platform_format(char buf[static PLATFORM_TEXT_MAX], const Platform *p);

/* How well the host or the wanted platform (normalised) can run the candidate: 0 best, more is worse,
 * negative = not at all. An amd64 takes 386 too, an arm64 arm, an arm/v7 arm/v6. */
int platform_rank(const Platform *wanted, const Platform *candidate);
