/* SPDX-License-Identifier: Apache-2.0 */
/* Why a transfer failed, as Go's HTTP client would word it: what Docker's users know, and search for. */
#include <openssl/x509_vfy.h>

#include "registry/http-client.h"

static int dial_message(HttpTransfer *t, const char *reason) {
        return asprintf_safe(&t->error, "dial tcp %s: %s", strempty(t->peer), reason);
}

static int connect_message(HttpTransfer *t) {
        _cleanup_free_ char *reason = NULL;
        long error = 0;

        curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &error);
        if (error == 0 || error == EINPROGRESS)
                error = ECONNREFUSED;
        if (error == ETIMEDOUT)
                return dial_message(t, "i/o timeout");
        reason = strjoin("connect: ", strerrordesc_np((int) error) ?: "failed");
        if (!reason)
                return -ENOMEM;
        /* "connection refused": Go writes them in small letters. */
        ascii_strlower(reason);
        return dial_message(t, reason);
}

static int certificate_message(HttpTransfer *t) {
        long v = 0;
        const char *reason;

        curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &v);
        /* The name is compared before the chain's result is kept. */
        if (strstr(t->curl_error, "subject name"))
                v = X509_V_ERR_HOSTNAME_MISMATCH;
        switch (v) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
                return asprintf_safe(&t->error,
                                     "tls: failed to verify certificate: x509: certificate is not valid "
                                     "for %s",
                                     t->origin.host);
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
                reason = "x509: certificate has expired or is not yet valid";
                break;
        default:
                reason = "x509: certificate signed by unknown authority";
        }
        return asprintf_safe(&t->error, "tls: failed to verify certificate: %s", reason);
}

static const char *alert_message(const HttpTransfer *t) {
        static const struct {
                const char *openssl, *go;
        } messages[] = {
                { "wrong version number", "http: server gave HTTP response to HTTPS client" },
                { "http request", "http: server gave HTTP response to HTTPS client" },
                { "certificate required", "remote error: tls: certificate required" },
                { "bad certificate", "remote error: tls: bad certificate" },
                { "unknown ca", "remote error: tls: unknown certificate authority" },
                { "unsupported protocol", "tls: server selected unsupported protocol version" },
                { "handshake failure", "remote error: tls: handshake failure" },
                { "protocol version", "remote error: tls: protocol version not supported" },
        };

        FOREACH_ELEMENT(m, messages)
                if (strstr(t->curl_error, m->openssl))
                        return m->go;
        return NULL;
}

static const char *handshake_message(const HttpTransfer *t) {
        return alert_message(t) ?: isempty(t->curl_error) ? "EOF" : t->curl_error;
}

/* In the middle of an answer, or before it. */
static const char *broken_message(const HttpTransfer *t) {
        return alert_message(t) ?: strstr(t->curl_error, "reset") ? "read: connection reset by peer"
                                                                  : "unexpected EOF";
}

static int timeout_message(HttpTransfer *t) {
        double connected = 0;

        curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME, &connected);
        if (connected == 0)
                return dial_message(t, "i/o timeout");
        if (t->status == 0)
                return asprintf_safe(&t->error,
                                     "context deadline exceeded (Client.Timeout exceeded while awaiting "
                                     "headers)");
        return asprintf_safe(&t->error,
                             "context deadline exceeded (Client.Timeout or context cancellation while "
                             "reading body)");
}

int http_describe_failure(HttpTransfer *t) {
        switch (t->result) {
        case CURLE_COULDNT_CONNECT:
                return connect_message(t);
        case CURLE_OPERATION_TIMEDOUT:
                return timeout_message(t);
        case CURLE_PEER_FAILED_VERIFICATION:
                return certificate_message(t);
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CERTPROBLEM:
                return asprintf_safe(&t->error, "%s", handshake_message(t));
        case CURLE_GOT_NOTHING:
                return asprintf_safe(&t->error, "EOF");
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
                return asprintf_safe(&t->error, "%s", broken_message(t));
        case CURLE_PARTIAL_FILE:
                return asprintf_safe(&t->error, "unexpected EOF");
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
                return asprintf_safe(&t->error,
                                     "net/http: HTTP/1.x transport connection broken: malformed HTTP "
                                     "response");
        case CURLE_WRITE_ERROR:
                if (t->too_large)
                        return asprintf_safe(&t->error, "the answer has more than %zu bytes", t->text_max);
                if (t->header_bytes > HTTP_HEADERS_MAX)
                        return asprintf_safe(&t->error,
                                             "net/http: server response headers exceeded %u bytes; "
                                             "aborted",
                                             HTTP_HEADERS_MAX);
                _fallthrough_;
        default:
                return asprintf_safe(&t->error, "%s",
                                     isempty(t->curl_error) ? curl_easy_strerror(t->result) : t->curl_error);
        }
}
