/* SPDX-License-Identifier: Apache-2.0 */
/* DNS over TCP: messages with their length before them, on a non-blocking socket. One message each way at a
 * time; what the other side sends ahead stays with the kernel. */
#pragma once

#include <stdint.h>

#include "basic/fd-util.h"

typedef struct DnsStream {
        int fd;                         /* owned */
        uint8_t *out;
        size_t out_size, out_done;
        uint8_t head[2];
        uint8_t *in;                    /* allocated when the length is known */
        size_t in_size, in_done;        /* without and with the length */
} DnsStream;

#define DNS_STREAM_NULL ((DnsStream) { .fd = -EBADF })

void dns_stream_done(DnsStream *s);

/* To be sent by dns_stream_write(); nothing may be waiting for that. size is DNS_TCP_SIZE_MAX at most. */
int dns_stream_put(DnsStream *s, const void *message, size_t size);
static inline bool dns_stream_is_writing(const DnsStream *s) {
        return s->out;
}
/* 1 when all is sent, 0 when the socket takes no more for now. */
int dns_stream_write(DnsStream *s);

/* 1 and a message, which is valid until the next call or dns_stream_done(); 0 when it is not complete yet.
 * -ENODATA at the end. */
int dns_stream_read(DnsStream *s, const uint8_t **ret, size_t *ret_size);
