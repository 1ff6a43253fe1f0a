/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before anything is served; good material is tested with the HTTP server. */
#include "shared/tls-util.h"

#include "basic/tests.h"

typedef struct Case {
        TlsOptions options;
        const char *message;            /* start of it */
} Case;

static const Case cases[] = {
        { {},
          "TLS needs a certificate and a key" },
        { { .cert_file = "a" },
          "TLS needs a certificate and a key" },
        { { .cert_file = "a", .key_file = "b", .verify = true },
          "tlsverify needs a CA certificate" },
        { { .cert_file = "/nonexistent/cert", .key_file = "/k" },
          "could not load X509 key pair (cert: \"/nonexistent/cert\"" },
        { { .cert_file = "/dev/null", .key_file = "/dev/null" },
          "could not load X509 key pair" },
        { { .cert_file = "/proc/self/exe", .key_file = "/dev/null" },
          "could not load X509 key pair" },
};

TEST(refused) {
        FOREACH_ELEMENT(c, cases) {
                _cleanup_(tls_context_unrefp) TlsContext *context = NULL;
                _cleanup_error_ Error error = ERROR_NULL;

                ASSERT_FAIL(tls_context_new(&c->options, &context, &error));
                ASSERT_EQ(error.kind, ERROR_INVALID);
                ASSERT_NOT_NULL(startswith(error_message(&error), c->message));
                ASSERT_NULL(context);
        }
}

DEFINE_TEST_MAIN();
