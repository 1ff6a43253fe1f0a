/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/client-certificate.h"

#include <errno.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

static void BIO_freep(BIO **b) {
        BIO_free(*b);
}

static void X509_freep(X509 **x) {
        X509_free(*x);
}

static void EVP_PKEY_freep(EVP_PKEY **k) {
        EVP_PKEY_free(*k);
}

/* A key with a pass phrase is not asked for one. */
static int no_password(char *buffer, int size, int writing, void *userdata) {
        return 0;
}

static bool is_trusted(const STACK_OF(X509_NAME) *authorities, const X509_NAME *issuer) {
        for (int i = 0; i < sk_X509_NAME_num(authorities); i++)
                if (X509_NAME_cmp(sk_X509_NAME_value(authorities, i), issuer) == 0)
                        return true;
        return false;
}

/* Any certificate of the chain may be issued by one of them. */
static bool is_acceptable(const TlsClientCertificate *c, const STACK_OF(X509_NAME) *authorities) {
        _cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(c->certificate, -1);

        if (sk_X509_NAME_num(authorities) <= 0)
                return true;
        while (bio) {
                _cleanup_(X509_freep) X509 *x = PEM_read_bio_X509(bio, NULL, no_password, NULL);

                if (!x)
                        return false;
                if (is_trusted(authorities, X509_get_issuer_name(x)))
                        return true;
        }
        return false;
}

/* 1 or 0, as OpenSSL. */
static int show(SSL *ssl, const TlsClientCertificate *c) {
        _cleanup_(BIO_freep) BIO *certificates = BIO_new_mem_buf(c->certificate, -1),
                                 *key_text = BIO_new_mem_buf(c->key, -1);
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        _cleanup_(X509_freep) X509 *own = NULL;

        if (!certificates || !key_text)
                return 0;
        own = PEM_read_bio_X509(certificates, NULL, no_password, NULL);
        key = PEM_read_bio_PrivateKey(key_text, NULL, no_password, NULL);
        if (!own || !key || SSL_use_certificate(ssl, own) != 1 || SSL_use_PrivateKey(ssl, key) != 1)
                return 0;
        for (;;) {
                _cleanup_(X509_freep) X509 *above = PEM_read_bio_X509(certificates, NULL, no_password, NULL);

                if (!above)
                        return 1;
                if (SSL_add1_chain_cert(ssl, above) != 1)
                        return 0;
        }
}

/* The server has asked for a certificate. Without one that it would accept none is shown, and it says what
 * it thinks of that. */
static int on_certificate_request(SSL *ssl, void *userdata) {
        const TlsClientCertificateList *l = userdata;
        const STACK_OF(X509_NAME) *authorities = SSL_get0_peer_CA_list(ssl);

        for (size_t i = 0; i < l->n_items; i++)
                if (is_acceptable(l->items + i, authorities))
                        return show(ssl, l->items + i);
        return 1;
}

static CURLcode on_context(CURL *easy, void *context, void *userdata) {
        SSL_CTX_set_cert_cb(context, on_certificate_request, userdata);
        return CURLE_OK;
}

static int offer_one(CURL *easy, const TlsClientCertificate *c) {
        const struct curl_blob certificate = { c->certificate, strlen(c->certificate), CURL_BLOB_COPY },
                               key = { c->key, strlen(c->key), CURL_BLOB_COPY };

        return curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate) == CURLE_OK &&
                               curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key) == CURLE_OK ?
                       0 :
                       -ENOMEM;
}

int client_certificates_offer(CURL *easy, const TlsClientCertificateList *l, bool tls_proxy) {
        if (!l || l->n_items == 0)
                return 0;
        if (l->n_items == 1 || tls_proxy)
                return offer_one(easy, l->items);
        return curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *) l) == CURLE_OK &&
                               curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context) == CURLE_OK ?
                       0 :
                       -ENOMEM;
}
