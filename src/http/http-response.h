/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a known size: JSON documents, Docker's errors, text. Streams are in http-stream.h. */
#pragma once

#include <microhttpd.h>

#include "basic/error.h"
#include "json/json-type.h"

/* Owns body (malloc()ed, may be NULL with size 0). NULL when memory is out. content_type may be NULL. */
struct MHD_Response *http_response_new(const char *content_type, char *body, size_t size);

/* The document and a newline. */
struct MHD_Response *http_response_new_json(const JsonType *type, const void *document,
                                            unsigned api_version);

/* {"message": ...}; the status of the error's kind in *ret_status. 304 has no body. */
struct MHD_Response *http_response_new_error(const Error *e, unsigned *ret_status);
/* The same as text and as the last answer on its connection. */
struct MHD_Response *http_response_new_plain_error(const Error *e, const char *content_type,
                                                   unsigned *ret_status);

int http_response_set(struct MHD_Response *response, const char *name, const char *value);

/* X-Docker-Container-Path-Stat; document is its JSON. */
int http_response_set_path_stat(struct MHD_Response *response, const char *document);

/* One line of a JSON stream that failed after its start, CRLF at the end. */
/* The body of http_response_new_error(). */
char *http_error_document(const Error *e);
char *http_error_line(const Error *e);
