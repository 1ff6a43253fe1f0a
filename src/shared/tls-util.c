/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/tls-util.h"

#include <gnutls/x509.h>

#include "basic/string-util.h"

/* Secure suites only; 1.0 and 1.1 are off. The server's order counts, as in Docker. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

/* One generation of keys and certificates; lives as long as a session uses it. */
typedef struct TlsMaterial {
        unsigned n_ref;
        gnutls_certificate_credentials_t credentials;
} TlsMaterial;

struct TlsContext {
        unsigned n_ref;
        char *ca_file, *cert_file, *key_file;
        bool verify;
        gnutls_priority_t priorities;
        TlsMaterial *material;          /* the newest */
};

struct TlsSession {
        gnutls_session_t session;
        TlsMaterial *material;
};

static TlsMaterial *tls_material_ref(TlsMaterial *m) {
        m->n_ref++;
        return m;
}

static TlsMaterial *tls_material_unref(TlsMaterial *m) {
        if (!m || --m->n_ref > 0)
                return NULL;
        if (m->credentials)
                gnutls_certificate_free_credentials(m->credentials);
        return mfree(m);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(TlsMaterial *, tls_material_unref);

static int load_trust(TlsMaterial *m, const char *path, Error *reterr) {
        int n;

        n = gnutls_certificate_set_x509_trust_file(m->credentials, path, GNUTLS_X509_FMT_PEM);
        if (n < 0)
                return error_setf(reterr, ERROR_INVALID, "could not read CA certificate \"%s\": %s",
                                  path, gnutls_strerror(n));
        if (n == 0)
                return error_setf(reterr, ERROR_INVALID, "no certificate found in \"%s\"", path);
        return 0;
}

static int tls_material_new(const TlsContext *c, TlsMaterial **ret, Error *reterr) {
        _cleanup_(tls_material_unrefp) TlsMaterial *m = NULL;
        int r;

        m = new(TlsMaterial, 1);
        if (!m)
                return error_fill(reterr, -ENOMEM);
        *m = (TlsMaterial) { .n_ref = 1 };

        r = gnutls_certificate_allocate_credentials(&m->credentials);
        if (r < 0)
                return error_fill(reterr, -ENOMEM);

        r = gnutls_certificate_set_x509_key_file(m->credentials, c->cert_file, c->key_file,
                                                 GNUTLS_X509_FMT_PEM);
        if (r < 0)
                return error_setf(reterr, ERROR_INVALID,
                                  "could not load X509 key pair (cert: \"%s\", key: \"%s\"): %s",
                                  c->cert_file, c->key_file, gnutls_strerror(r));
        if (c->verify) {
                r = load_trust(m, c->ca_file, reterr);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(m);
        return 0;
}

static TlsContext *tls_context_free(TlsContext *c) {
        if (!c)
                return NULL;
        tls_material_unref(c->material);
        if (c->priorities)
                gnutls_priority_deinit(c->priorities);
        free(c->ca_file);
        free(c->cert_file);
        free(c->key_file);
        return mfree(c);
}

DEFINE_REF_UNREF(TlsContext, tls_context, tls_context_free);

static int check_options(const TlsOptions *o, Error *reterr) {
        if (isempty(o->cert_file) || isempty(o->key_file))
                return error_setf(reterr, ERROR_INVALID,
                                  "TLS needs a certificate and a key (tlscert, tlskey)");
        if (o->verify && isempty(o->ca_file))
                return error_setf(reterr, ERROR_INVALID, "tlsverify needs a CA certificate (tlscacert)");
        return 0;
}

int tls_context_new(const TlsOptions *options, TlsContext **ret, Error *reterr) {
        _cleanup_(tls_context_unrefp) TlsContext *c = NULL;
        int r;

        assert(options);
        assert(ret);

        r = check_options(options, reterr);
        if (r < 0)
                return r;

        c = new(TlsContext, 1);
        if (!c)
                return error_fill(reterr, -ENOMEM);
        *c = (TlsContext) { .n_ref = 1, .verify = options->verify };

        if (free_and_strdup(&c->ca_file, options->ca_file) < 0 ||
            free_and_strdup(&c->cert_file, options->cert_file) < 0 ||
            free_and_strdup(&c->key_file, options->key_file) < 0)
                return error_fill(reterr, -ENOMEM);

        r = gnutls_priority_init(&c->priorities, TLS_PRIORITIES, NULL);
        if (r < 0)
                return error_setf(reterr, ERROR_INTERNAL, "could not set TLS versions and ciphers: %s",
                                  gnutls_strerror(r));

        r = tls_material_new(c, &c->material, reterr);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

int tls_context_reload(TlsContext *c, Error *reterr) {
        TlsMaterial *m;
        int r;

        assert(c);

        r = tls_material_new(c, &m, reterr);
        if (r < 0)
                return r;

        tls_material_unref(c->material);
        c->material = m;
        return 0;
}

bool tls_context_verifies_clients(const TlsContext *c) {
        return c->verify;
}

TlsSession *tls_session_free(TlsSession *s) {
        if (!s)
                return NULL;
        if (s->session)
                gnutls_deinit(s->session);
        tls_material_unref(s->material);
        return mfree(s);
}

/* Clients are checked inside the handshake: one that is refused never gets a byte to the HTTP parser. */
static void require_client_certificate(gnutls_session_t session) {
        /* The library keeps the pointer for the life of the session, hence static. */
        static gnutls_typed_vdata_st data = {
                .type = GNUTLS_DT_KEY_PURPOSE_OID,
                .data = (unsigned char *) GNUTLS_KP_TLS_WWW_CLIENT,
        };

        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_cert2(session, &data, 1, 0);
}

int tls_session_new(TlsContext *c, int fd, TlsSession **ret) {
        _cleanup_(tls_session_freep) TlsSession *s = NULL;

        assert(c);
        assert(fd >= 0);
        assert(ret);

        s = new(TlsSession, 1);
        if (!s)
                return -ENOMEM;
        *s = (TlsSession) { .material = tls_material_ref(c->material) };

        if (gnutls_init(&s->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
                return -ENOMEM;
        if (gnutls_priority_set(s->session, c->priorities) < 0 ||
            gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, s->material->credentials) < 0)
                return -EIO;

        if (c->verify)
                require_client_certificate(s->session);
        else
                gnutls_certificate_server_set_request(s->session, GNUTLS_CERT_IGNORE);

        /* Our own deadline covers the handshake; the library's would need blocking reads. */
        gnutls_handshake_set_timeout(s->session, GNUTLS_INDEFINITE_TIMEOUT);
        gnutls_transport_set_int(s->session, fd);

        *ret = TAKE_PTR(s);
        return 0;
}

gnutls_session_t tls_session_gnutls(TlsSession *s) {
        assert(s);
        return s->session;
}

int tls_session_client_name(TlsSession *s, char **ret) {
        const gnutls_datum_t *certificates;
        gnutls_x509_crt_t leaf;
        gnutls_datum_t name = {};
        unsigned n = 0;
        char *copy = NULL;
        int r;

        assert(s);
        assert(ret);

        certificates = gnutls_certificate_get_peers(s->session, &n);
        if (!certificates || n == 0) {
                *ret = NULL;
                return 0;
        }

        if (gnutls_x509_crt_init(&leaf) < 0)
                return -ENOMEM;
        r = gnutls_x509_crt_import(leaf, certificates, GNUTLS_X509_FMT_DER);
        if (r >= 0)
                r = gnutls_x509_crt_get_dn3(leaf, &name, 0);
        if (r >= 0) {
                copy = strndup_safe((const char *) name.data, name.size);
                gnutls_free(name.data);
        }
        gnutls_x509_crt_deinit(leaf);
        if (r < 0)
                return -EIO;
        if (!copy)
                return -ENOMEM;

        *ret = copy;
        return 0;
}
