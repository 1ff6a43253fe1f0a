/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/multiplex.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void multiplex_header(uint8_t header[static MULTIPLEX_HEADER_SIZE], MultiplexType type, uint32_t size) {
        uint32_t be = htobe32(size);

        assert(type >= 0 && type < _MULTIPLEX_TYPE_MAX);

        header[0] = (uint8_t) type;
        header[1] = header[2] = header[3] = 0;
        memcpy(header + 4, &be, sizeof(be));
}

int multiplex_parse(const uint8_t header[static MULTIPLEX_HEADER_SIZE], MultiplexType *ret_type,
                    uint32_t *ret_size) {
        uint32_t be;

        if (header[0] >= _MULTIPLEX_TYPE_MAX || header[1] != 0 || header[2] != 0 || header[3] != 0)
                return -EBADMSG;

        memcpy(&be, header + 4, sizeof(be));
        *ret_type = header[0];
        *ret_size = be32toh(be);
        return 0;
}
