/* SPDX-License-Identifier: Apache-2.0 */
/* The json-file driver: writer, reader and the coding of one entry. For this folder only. */
#pragma once

#include "logdriver/json-file-options.h"
#include "logdriver/log-ops.h"

int json_file_writer_open(const char *path, char *const *options, LogWriter **ret, Error *reterr);
int json_file_reader_open(const char *path, const LogReadOptions *options, LogReader **ret, Error *reterr);

/* The inside of a JSON string, as Docker writes it: invalid UTF-8 becomes U+FFFD, control characters, <, >
 * and & are escaped. out must hold 6 * size bytes. Returns the bytes written. */
size_t json_log_escape(char *out, const char *in, size_t size);

/* Decodes one line of the file (without its end) in place: entry->line points into it. -EBADMSG where it is
 * no entry. */
int json_log_decode(char *line, size_t size, LogEntry *ret);
