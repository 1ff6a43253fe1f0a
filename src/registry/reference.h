/* SPDX-License-Identifier: Apache-2.0 */
/* Image references: parsing, normalisation to docker.io/library and back to the familiar short form. Names
 * only; what a name stands for is the image manager's business. Grammar: distribution/reference. */
#pragma once

#include "basic/error.h"

#define REFERENCE_DEFAULT_DOMAIN "docker.io"
#define REFERENCE_DEFAULT_TAG "latest"
#define REFERENCE_NAME_MAX 255
#define REFERENCE_TAG_MAX 128

typedef struct Reference {
        char *domain;           /* "docker.io", "localhost:5000"; never NULL once parsed */
        char *path;             /* "library/busybox" */
        char *tag;              /* NULL = not given */
        char *digest;           /* "sha256:HEX"; NULL = not given */
} Reference;

/* Accepts the familiar form ("busybox", "user/app:1", "host:5000/a@sha256:…") and normalises it. A bare
 * string of 64 hexadecimal digits is an image id, not a name, and refused. */
int reference_parse(const char *s, Reference *ret, Error *reterr);

/* Adds the tag "latest" where neither tag nor digest is given. */
int reference_add_default_tag(Reference *r);

/* Replaces the tag; checks it. */
int reference_set_tag(Reference *r, const char *tag, Error *reterr);

int reference_copy(const Reference *r, Reference *ret);
void reference_done(Reference *r);
DEFINE_CLEANUP_DONE(Reference, reference_done);
#define _cleanup_reference_ _cleanup_(reference_donep)

/* All of these return a new string or NULL when memory is out. */
char *reference_name(const Reference *r);               /* "docker.io/library/busybox" */
char *reference_to_string(const Reference *r);          /* name, tag and digest in full */
char *reference_familiar_name(const Reference *r);      /* "busybox" */
char *reference_familiar_string(const Reference *r);    /* "busybox:latest" */

bool reference_same_repository(const Reference *a, const Reference *b);

bool reference_tag_is_valid(const char *tag);
/* Registered algorithms with their exact length, lower case. */
bool reference_digest_is_valid(const char *digest);

/* The `reference` filter of `docker images`: a shell pattern (* ? [] \, a star does not cross a slash)
 * against the familiar name, or the familiar name with its tag or digest. */
bool reference_familiar_match(const char *pattern, const Reference *r);
