/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/url-text.h"

#include "basic/string-util.h"

/* Behind the scheme; "" where there is none. */
static const char *authority_of(const char *url) {
        const char *separator = strstr(url, "://");

        return separator ? separator + strlen("://") : url + strlen(url);
}

/* Behind the credentials. */
static const char *host_of(const char *url) {
        const char *authority = authority_of(url);
        const char *at = memrchr(authority, '@', strcspn(authority, "/?#"));

        return at ? at + 1 : authority;
}

static bool has_scheme(const char *url, const char *scheme) {
        return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

int url_check(const char *url, Error *reterr) {
        const char *separator = strstr(url, "://");

        for (const char *c = url; *c; c++)
                if ((unsigned char) *c <= ' ' || *c == 0x7f)
                        return error_setf(reterr, ERROR_INVALID,
                                          "parse URL: net/url: invalid control character in URL");
        if (!has_scheme(url, "http://") && !has_scheme(url, "https://"))
                return error_setf(reterr, ERROR_INTERNAL, "Get \"%s\": unsupported protocol scheme \"%.*s\"",
                                  url, separator ? (int) (separator - url) : 0, url);
        if (strcspn(host_of(url), "/?#:") == 0)
                return error_setf(reterr, ERROR_INTERNAL, "Get \"%s\": http: no Host in request URL", url);
        return 0;
}

char *url_redact(const char *url) {
        const char *authority = authority_of(url), *host = host_of(url),
                   *colon = memchr(authority, ':', (size_t) (host - authority));
        _cleanup_free_ char *user = colon ? memdup_suffix0(url, (size_t) (colon - url)) : NULL;

        return !colon ? strdup(url) : user ? strjoin(user, ":***@", host) : NULL;
}
