/* SPDX-License-Identifier: Apache-2.0 */
/* The `platform` parameter of calls on local images: each is of one platform, and must be of that one. */
#pragma once

#include "image/image-manager.h"
#include "registry/platform.h"

/* Docker's JSON form {"os": ..., "architecture": ..., "variant": ...}, or "os[/architecture[/variant]]". */
int image_platform_parse(const char *text, PlatformBuffer *ret, Error *reterr);

Platform image_platform(const Image *image, PlatformBuffer *buf);
/* Exactly that one; a variant only where one is asked for. */
bool image_is_of_platform(const Image *image, const Platform *wanted);

/* Whether the image can stand in for the wanted platform (386 for amd64). text: NULL or "" = any. reference:
 * what the client called the image, for the error. */
int image_check_platform(const Image *image, const char *reference, const char *text, Error *reterr);
/* What to tell who makes a container of it without asking for a platform; *ret stays where the host can run
 * it. */
int image_host_warning(const Image *image, char **ret);
