/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/reference.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>

#include "basic/string-util.h"

#define LEGACY_DEFAULT_DOMAIN "index.docker.io"
#define OFFICIAL_PREFIX "library/"

/* No legal reference is longer: name, tag and a sha512 digest. Longer input is refused before it is
 * copied. */
#define REFERENCE_TEXT_MAX (REFERENCE_NAME_MAX + REFERENCE_TAG_MAX + 256)

static const struct {
        const char *name;
        size_t n_hex;
} digest_algorithms[] = {
        { "sha256", 64  },
        { "sha384", 96  },
        { "sha512", 128 },
};

static bool is_lower_alnum(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c) {
        return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_lower_hex(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool has_upper(const char *s) {
        for (; *s; s++)
                if (*s >= 'A' && *s <= 'Z')
                        return true;
        return false;
}

static bool is_identifier(const char *s) {
        size_t n = 0;

        for (; s[n]; n++)
                if (!is_lower_hex(s[n]))
                        return false;
        return n == 64;
}

bool reference_tag_is_valid(const char *tag) {
        size_t n = 0;

        if (!tag || !(is_alnum(tag[0]) || tag[0] == '_'))
                return false;
        for (; tag[n]; n++)
                if (!is_alnum(tag[n]) && !IN_SET(tag[n], '_', '.', '-'))
                        return false;
        return n <= REFERENCE_TAG_MAX;
}

bool reference_digest_is_valid(const char *digest) {
        if (!digest)
                return false;

        FOREACH_ELEMENT(a, digest_algorithms) {
                const char *hex = startswith(digest, a->name);
                size_t n = 0;

                if (!hex || *hex++ != ':')
                        continue;
                while (is_lower_hex(hex[n]))
                        n++;
                return n == a->n_hex && hex[n] == 0;
        }
        return false;
}

/* component: alphanumerics joined by one of "." "_" "__" or any number of "-". */
static const char *skip_path_component(const char *p) {
        if (!is_lower_alnum(*p))
                return NULL;

        for (;;) {
                const char *separator;

                while (is_lower_alnum(*p))
                        p++;
                separator = p;
                if (*p == '.')
                        p++;
                else if (*p == '_')
                        p += p[1] == '_' ? 2 : 1;
                else
                        while (*p == '-')
                                p++;
                if (p == separator)
                        return p;
                if (!is_lower_alnum(*p))
                        return NULL;
        }
}

static bool path_is_valid(const char *path) {
        const char *p = path;

        for (;;) {
                p = skip_path_component(p);
                if (!p)
                        return false;
                if (*p == 0)
                        return true;
                if (*p++ != '/')
                        return false;
        }
}

static bool port_is_valid(const char *p) {
        if (*p == 0)
                return false;
        for (; *p; p++)
                if (*p < '0' || *p > '9')
                        return false;
        return true;
}

static bool domain_is_ipv6(const char *domain) {
        const char *p = domain + 1;

        if (domain[0] != '[')
                return false;
        while (isxdigit((unsigned char) *p) || *p == ':')
                p++;
        if (p == domain + 1 || *p++ != ']')
                return false;
        return *p == 0 || (*p == ':' && port_is_valid(p + 1));
}

static bool domain_is_valid(const char *domain) {
        const char *p = domain;

        if (domain[0] == '[')
                return domain_is_ipv6(domain);

        for (;;) {
                if (!is_alnum(*p))
                        return false;
                while (is_alnum(*p) || *p == '-')
                        p++;
                if (p[-1] == '-')
                        return false;
                if (*p == 0)
                        return true;
                if (*p == ':')
                        return port_is_valid(p + 1);
                if (*p++ != '.')
                        return false;
        }
}

/* Where the first element is a registry and not a namespace of the default one. */
static bool element_is_domain(const char *element) {
        return streq(element, "localhost") || strpbrk(element, ".:") || has_upper(element);
}

static int split_domain(const char *s, char **ret_domain, char **ret_rest) {
        _cleanup_free_ char *domain = NULL, *rest = NULL;
        const char *slash = strchr(s, '/');

        if (slash) {
                domain = strndup(s, slash - s);
                if (!domain)
                        return -ENOMEM;
        }
        if (domain && element_is_domain(domain))
                rest = strdup(slash + 1);
        else {
                domain = mfree(domain);
                domain = strdup(REFERENCE_DEFAULT_DOMAIN);
                rest = strdup(s);
        }
        if (domain && streq(domain, LEGACY_DEFAULT_DOMAIN)) {
                free(domain);
                domain = strdup(REFERENCE_DEFAULT_DOMAIN);
        }
        if (!domain || !rest)
                return -ENOMEM;
        if (streq(domain, REFERENCE_DEFAULT_DOMAIN) && !strchr(rest, '/')) {
                char *official = strjoin(OFFICIAL_PREFIX, rest);

                if (!official)
                        return -ENOMEM;
                free_and_replace(rest, official);
        }
        *ret_domain = TAKE_PTR(domain);
        *ret_rest = TAKE_PTR(rest);
        return 0;
}

static int invalid_format(Error *reterr) {
        return error_setf(reterr, ERROR_INVALID, "invalid reference format");
}

static int check_case(const char *rest, Error *reterr) {
        _cleanup_free_ char *remote = strndup(rest, strcspn(rest, ":"));

        if (!remote)
                return error_fill(reterr, -ENOMEM);
        if (!has_upper(remote))
                return 0;
        return error_setf(reterr, ERROR_INVALID,
                          "invalid reference format: repository name (%s) must be lowercase", remote);
}

int reference_parse(const char *s, Reference *ret, Error *reterr) {
        _cleanup_reference_ Reference r = {};
        char *at, *colon, *slash;
        int k;

        assert(s);
        assert(ret);

        if (strnlen(s, REFERENCE_TEXT_MAX + 1) > REFERENCE_TEXT_MAX)
                return invalid_format(reterr);
        if (is_identifier(s))
                return error_setf(reterr, ERROR_INVALID,
                                  "invalid repository name (%s), cannot specify 64-byte hexadecimal strings",
                                  s);

        k = split_domain(s, &r.domain, &r.path);
        if (k < 0)
                return error_fill(reterr, k);
        k = check_case(r.path, reterr);
        if (k < 0)
                return k;

        at = strchr(r.path, '@');
        if (at) {
                *at = 0;
                r.digest = strdup(at + 1);
                if (!r.digest)
                        return error_fill(reterr, -ENOMEM);
        }
        slash = strrchr(r.path, '/');
        colon = strchr(slash ?: r.path, ':');
        if (colon) {
                *colon = 0;
                r.tag = strdup(colon + 1);
                if (!r.tag)
                        return error_fill(reterr, -ENOMEM);
        }

        if (!domain_is_valid(r.domain) || !path_is_valid(r.path) ||
            (r.tag && !reference_tag_is_valid(r.tag)) || (r.digest && !reference_digest_is_valid(r.digest)))
                return invalid_format(reterr);
        if (strlen(r.domain) + 1 + strlen(r.path) > REFERENCE_NAME_MAX)
                return error_setf(reterr, ERROR_INVALID,
                                  "repository name must not be more than %d characters", REFERENCE_NAME_MAX);

        *ret = TAKE_STRUCT(r);
        return 0;
}

int reference_add_default_tag(Reference *r) {
        assert(r);

        if (r->tag || r->digest)
                return 0;
        return free_and_strdup(&r->tag, REFERENCE_DEFAULT_TAG);
}

int reference_set_tag(Reference *r, const char *tag, Error *reterr) {
        int k;

        assert(r);

        if (!reference_tag_is_valid(tag))
                return error_setf(reterr, ERROR_INVALID, "invalid tag format");
        k = free_and_strdup(&r->tag, tag);
        return k < 0 ? error_fill(reterr, k) : 0;
}

int reference_copy(const Reference *r, Reference *ret) {
        _cleanup_reference_ Reference copy = {};

        assert(r);
        assert(ret);

        if (free_and_strdup(&copy.domain, r->domain) < 0 || free_and_strdup(&copy.path, r->path) < 0 ||
            free_and_strdup(&copy.tag, r->tag) < 0 || free_and_strdup(&copy.digest, r->digest) < 0)
                return -ENOMEM;
        *ret = TAKE_STRUCT(copy);
        return 0;
}

void reference_done(Reference *r) {
        if (!r)
                return;
        free(r->domain);
        free(r->path);
        free(r->tag);
        free(r->digest);
        *r = (Reference) {};
}

char *reference_name(const Reference *r) {
        return strjoin(r->domain, "/", r->path);
}

static char *name_with_suffix(const char *name, const Reference *r) {
        if (!name)
                return NULL;
        return strjoin(name, r->tag ? ":" : "", strempty(r->tag), r->digest ? "@" : "", strempty(r->digest));
}

char *reference_to_string(const Reference *r) {
        _cleanup_free_ char *name = reference_name(r);

        return name_with_suffix(name, r);
}

char *reference_familiar_name(const Reference *r) {
        const char *path = r->path;

        if (!streq(r->domain, REFERENCE_DEFAULT_DOMAIN))
                return reference_name(r);
        if (startswith(path, OFFICIAL_PREFIX) && !strchr(path + strlen(OFFICIAL_PREFIX), '/'))
                path += strlen(OFFICIAL_PREFIX);
        return strdup(path);
}

char *reference_familiar_string(const Reference *r) {
        _cleanup_free_ char *name = reference_familiar_name(r);

        return name_with_suffix(name, r);
}

bool reference_same_repository(const Reference *a, const Reference *b) {
        return streq(a->domain, b->domain) && streq(a->path, b->path);
}

bool reference_familiar_match(const char *pattern, const Reference *r) {
        _cleanup_free_ char *name = NULL, *full = NULL;

        assert(pattern);

        name = reference_familiar_name(r);
        full = reference_familiar_string(r);
        if (!name || !full)
                return false;
        return fnmatch(pattern, full, FNM_PATHNAME) == 0 || fnmatch(pattern, name, FNM_PATHNAME) == 0;
}
