/* SPDX-License-Identifier: Apache-2.0 */
/* Tar archives (pax, where ustar does not suffice) entry by entry: libarchive's writer with our defaults.
 * The same calls give the same bytes. Blocks: for workers. */
#pragma once

#include "shared/tar-reader.h"

typedef struct TarWriter TarWriter;

typedef enum TarCompression {
        TAR_PLAIN,
        TAR_ZSTD,
} TarCompression;

/* fd is borrowed. */
int tar_writer_new(int fd, TarCompression compression, TarWriter **ret, Error *reterr);
TarWriter *tar_writer_free(TarWriter *w);
DEFINE_TRIVIAL_CLEANUP_FUNC(TarWriter *, tar_writer_free);

/* What the next entry has beside what is in its TarEntry. Without a data range a file is data from end to
 * end; else all that is in no range is a hole. */
void tar_writer_add_xattr(TarWriter *w, const char *name, const void *value, size_t size);
void tar_writer_add_data_range(TarWriter *w, uint64_t offset, uint64_t size);

/* Times have full seconds, as in the layers of other engines. */
int tar_writer_entry(TarWriter *w, const TarEntry *e, Error *reterr);
/* Content of a file; what is missing in the end becomes zeros. Holes are to be written as well: as zeros, of
 * which only the number matters. */
int tar_writer_data(TarWriter *w, const void *data, size_t size, Error *reterr);
/* The end of the archive. */
int tar_writer_finish(TarWriter *w, Error *reterr);
