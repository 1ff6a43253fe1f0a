/* SPDX-License-Identifier: Apache-2.0 */
/* DNS over TCP: messages with their length before them, on a non-blocking socket. */
#include "network/dns-stream.h"

#include "basic/errno-util.h"
#include "network/dns-message.h"

void dns_stream_done(DnsStream *s) {
        safe_close(s->fd);
        free(s->out);
        free(s->in);
        *s = DNS_STREAM_NULL;
}

int dns_stream_put(DnsStream *s, const void *message, size_t size) {
        assert(!s->out);
        assert(size <= DNS_TCP_SIZE_MAX);

        s->out = new(uint8_t, sizeof(s->head) + size);
        if (!s->out)
                return -ENOMEM;
        s->out[0] = (uint8_t) (size >> 8);
        s->out[1] = (uint8_t) size;
        memcpy(s->out + sizeof(s->head), message, size);
        s->out_size = sizeof(s->head) + size;
        s->out_done = 0;
        return 0;
}

int dns_stream_write(DnsStream *s) {
        while (s->out_done < s->out_size) {
                ssize_t n = send(s->fd, s->out + s->out_done, s->out_size - s->out_done,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0)
                        return errno_is_transient(-errno) ? 0 : -errno;
                s->out_done += (size_t) n;
        }
        s->out = mfree(s->out);
        s->out_size = s->out_done = 0;
        return 1;
}

/* Until size bytes are there: 1, else 0. */
static int receive(DnsStream *s, void *buf, size_t done, size_t size) {
        while (done < size) {
                ssize_t n = recv(s->fd, (uint8_t *) buf + done, size - done, MSG_DONTWAIT);

                if (n < 0)
                        return errno_is_transient(-errno) ? 0 : -errno;
                if (n == 0)
                        return -ENODATA;
                done += (size_t) n;
                s->in_done += (size_t) n;
        }
        return 1;
}

static int receive_head(DnsStream *s) {
        int r;

        if (s->in)
                return 1;
        r = receive(s, s->head, s->in_done, sizeof(s->head));
        if (r <= 0)
                return r;
        s->in_size = (size_t) s->head[0] << 8 | s->head[1];
        s->in = new(uint8_t, s->in_size);
        return s->in ? 1 : -ENOMEM;
}

int dns_stream_read(DnsStream *s, const uint8_t **ret, size_t *ret_size) {
        int r;

        assert(ret);
        assert(ret_size);

        if (s->in && s->in_done == sizeof(s->head) + s->in_size) {
                s->in = mfree(s->in);
                s->in_size = s->in_done = 0;
        }
        r = receive_head(s);
        if (r > 0)
                r = receive(s, s->in, s->in_done - sizeof(s->head), s->in_size);
        if (r <= 0)
                return r;
        *ret = s->in;
        *ret_size = s->in_size;
        return 1;
}
