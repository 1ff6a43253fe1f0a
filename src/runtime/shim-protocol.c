/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/shim-protocol.h"

#include <string.h>
#include <sys/socket.h>

#include "basic/errno-util.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/parse-util.h"
#include "basic/string-util.h"

/* The header as it is on the wire. Append only; never reorder, never resize a field. */
typedef struct WireHeader {
        uint32_t magic;
        uint16_t header_size;           /* of the sender; the text begins behind it */
        uint16_t type;
        uint32_t text_size;             /* without a NUL; UINT32_MAX = no text */
        uint32_t data_size;
        uint32_t version;
        uint32_t id;
        uint32_t flags;
        int32_t value1;
        int32_t value2;
        int32_t pid;
        uint64_t time_nsec;
} WireHeader;

#define WIRE_HEADER_MIN 16U             /* up to data_size: what every version has */
#define WIRE_NO_TEXT UINT32_MAX

int shim_message_encode(const ShimMessage *m, void **ret, size_t *ret_size) {
        size_t text_size = m->text ? strlen(m->text) : 0, total;
        uint8_t *p;

        if (text_size > SHIM_TEXT_MAX || m->data_size > SHIM_DATA_MAX)
                return -EMSGSIZE;

        WireHeader h = {
                .magic = SHIM_PROTOCOL_MAGIC,
                .header_size = sizeof(WireHeader),
                .type = (uint16_t) m->type,
                .text_size = m->text ? (uint32_t) text_size : WIRE_NO_TEXT,
                .data_size = (uint32_t) m->data_size,
                .version = m->version,
                .id = m->id,
                .flags = m->flags,
                .value1 = m->value1,
                .value2 = m->value2,
                .pid = m->pid,
                .time_nsec = m->time_nsec,
        };

        /* The text goes with its NUL, so that a decoded message can point at it. */
        total = sizeof(h) + (m->text ? text_size + 1 : 0) + m->data_size;
        p = malloc(total);
        if (!p)
                return -ENOMEM;

        memcpy(p, &h, sizeof(h));
        if (m->text)
                memcpy(p + sizeof(h), m->text, text_size + 1);
        if (m->data_size > 0)
                memcpy(p + total - m->data_size, m->data, m->data_size);

        *ret = p;
        *ret_size = total;
        return 0;
}

int shim_message_decode(const void *buffer, size_t size, ShimMessage *ret) {
        const uint8_t *p = buffer;
        WireHeader h = {};
        size_t rest, text_size;

        if (size < WIRE_HEADER_MIN)
                return -EBADMSG;
        memcpy(&h, p, WIRE_HEADER_MIN);
        if (h.magic != SHIM_PROTOCOL_MAGIC || h.header_size < WIRE_HEADER_MIN || h.header_size > size)
                return -EBADMSG;
        memcpy(&h, p, min_size(h.header_size, sizeof(h)));

        rest = size - h.header_size;
        text_size = h.text_size == WIRE_NO_TEXT ? 0 : (size_t) h.text_size + 1;
        if (text_size > SHIM_TEXT_MAX + 1 || h.data_size > SHIM_DATA_MAX || text_size + h.data_size != rest)
                return -EBADMSG;

        const char *text = text_size > 0 ? (const char *) p + h.header_size : NULL;
        if (text && memchr(text, 0, text_size) != text + text_size - 1)
                return -EBADMSG;

        *ret = (ShimMessage) {
                .type = h.type,
                .version = h.version,
                .id = h.id,
                .flags = h.flags,
                .value1 = h.value1,
                .value2 = h.value2,
                .pid = h.pid,
                .time_nsec = h.time_nsec,
                .text = text,
                .data = h.data_size > 0 ? p + h.header_size + text_size : NULL,
                .data_size = h.data_size,
        };
        return 0;
}

int shim_message_send(int fd, const ShimMessage *m, int pass_fd) {
        _cleanup_free_ void *buffer = NULL;
        size_t size;
        int r;

        r = shim_message_encode(m, &buffer, &size);
        if (r < 0)
                return r;

        return send_with_fds(fd, buffer, size, pass_fd >= 0 ? &pass_fd : NULL, pass_fd >= 0 ? 1 : 0);
}

int shim_message_receive(int fd, void **buffer, size_t *buffer_size, ShimMessage *ret, int *ret_fd) {
        _cleanup_close_ int received = -EBADF;
        size_t n_fds = 1;
        ssize_t n;
        int r;

        /* Most messages are tiny: the size is asked for first, so that the buffer stays as small as they
         * are. */
        n = recv(fd, NULL, 0, MSG_PEEK|MSG_TRUNC|MSG_DONTWAIT);
        if (n < 0)
                return -errno;
        if (n > (ssize_t) SHIM_MESSAGE_MAX)
                n = SHIM_MESSAGE_MAX;           /* is cut and refused below */
        if (*buffer_size < (size_t) n || !*buffer) {
                size_t need = max_size((size_t) n, 1024);
                void *p = realloc(*buffer, need);
                if (!p)
                        return -ENOMEM;
                *buffer = p;
                *buffer_size = need;
        }

        n = receive_with_fds(fd, *buffer, *buffer_size, &received, &n_fds);
        if (n < 0) {
                received = -EBADF;              /* cut messages: it was closed there */
                return n == -EMSGSIZE ? -EBADMSG : (int) n;
        }
        if (n == 0)
                return 0;

        r = shim_message_decode(*buffer, (size_t) n, ret);
        if (r < 0)
                return r;

        *ret_fd = TAKE_FD(received);
        return 1;
}
