/* SPDX-License-Identifier: Apache-2.0 */
/* The 8-byte frame header of attach and logs streams: type, three zero bytes, length in network byte order.
 * */
#pragma once

#include "basic/macro.h"

#define MULTIPLEX_HEADER_SIZE 8U

typedef enum MultiplexType {
        MULTIPLEX_STDIN,
        MULTIPLEX_STDOUT,
        MULTIPLEX_STDERR,
        MULTIPLEX_SYSTEMERR,    /* an error of the engine, in-band */
        _MULTIPLEX_TYPE_MAX,
} MultiplexType;

void multiplex_header(uint8_t header[static MULTIPLEX_HEADER_SIZE], MultiplexType type, uint32_t size);
/* -EBADMSG for anything that is no header. */
int multiplex_parse(const uint8_t header[static MULTIPLEX_HEADER_SIZE], MultiplexType *ret_type,
                    uint32_t *ret_size);
