/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry-certs.h"

#include <dirent.h>
#include <fcntl.h>

#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/path-util.h"
#include "basic/strv.h"

#define CERTIFICATE_MAX (1024U * 1024U)
#define FILES_MAX 256U

/* Sorted, as Docker reads them. */
static int list_files(int fd, char ***ret) {
        _cleanup_closedir_ DIR *d = NULL;
        _cleanup_strv_free_ char **names = NULL;
        int dup_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        struct dirent *e;

        d = dup_fd < 0 ? NULL : fdopendir(dup_fd);
        if (!d) {
                safe_close(dup_fd);
                return -errno;
        }
        while ((e = readdir(d)) && strv_length(names) < FILES_MAX)
                if (e->d_name[0] != '.' && strv_extend(&names, e->d_name) < 0)
                        return -ENOMEM;
        strv_sort(names);
        *ret = names ? TAKE_PTR(names) : strv_new_empty();
        return *ret ? 0 : -ENOMEM;
}

static int read_pem(int fd, const char *name, char **ret, Error *reterr) {
        size_t size;
        int r = read_file_at(fd, name, CERTIFICATE_MAX, ret, &size);

        if (r >= 0 && strlen(*ret) != size) {
                *ret = mfree(*ret);
                r = -EINVAL;
        }
        return r < 0 ? error_set_errnof(reterr, ERROR_INVALID, r, "cannot read the certificate %s", name) :
                       0;
}

static int add_authority(int fd, const char *name, RegistryEndpoint *e, Error *reterr) {
        _cleanup_free_ char *pem = NULL, *all = NULL;
        int r;

        r = read_pem(fd, name, &pem, reterr);
        if (r < 0)
                return r;
        all = strjoin(strempty(e->ca), pem, "\n");
        if (!all)
                return error_fill(reterr, -ENOMEM);
        free_and_replace(e->ca, all);
        return 0;
}

/* "client.cert" -> "client.key" */
static char *twin(const char *name, const char *from, const char *to) {
        _cleanup_free_ char *base = strndup_safe(name, strlen(name) - strlen(from));

        return base ? strjoin(base, to) : NULL;
}

static int add_client(int fd, const char *name, char *const *names, RegistryEndpoint *e, Error *reterr) {
        _cleanup_free_ char *key = twin(name, ".cert", ".key");
        TlsClientCertificateList *l = &e->clients;
        TlsClientCertificate *items, *c;
        int r;

        if (!key)
                return error_fill(reterr, -ENOMEM);
        if (!strv_contains(names, key))
                return error_setf(reterr, ERROR_INVALID,
                                  "missing key %s for client certificate %s. CA certificates "
                                  "must use the extension .crt",
                                  key, name);
        items = reallocarray(l->items, l->n_items + 1, sizeof(*items));
        if (!items)
                return error_fill(reterr, -ENOMEM);
        l->items = items;
        c = l->items + l->n_items++;
        *c = (TlsClientCertificate) {};
        r = read_pem(fd, name, &c->certificate, reterr);
        return r < 0 ? r : read_pem(fd, key, &c->key, reterr);
}

static int check_key(const char *name, char *const *names, Error *reterr) {
        _cleanup_free_ char *certificate = twin(name, ".key", ".cert");

        if (!certificate)
                return error_fill(reterr, -ENOMEM);
        if (!strv_contains(names, certificate))
                return error_setf(reterr, ERROR_INVALID, "missing client certificate %s for key %s",
                                  certificate, name);
        return 0;
}

int registry_certs_load(const char *directory, const char *host, RegistryEndpoint *e, Error *reterr) {
        _cleanup_free_ char *path = path_join(directory, host);
        _cleanup_strv_free_ char **names = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!path)
                return error_fill(reterr, -ENOMEM);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 :
                                         error_set_errnof(reterr, ERROR_INVALID, -errno, "cannot read %s",
                                                          path);
        r = list_files(fd, &names);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INVALID, r, "cannot read %s", path);
        STRV_FOREACH(name, names) {
                if (endswith(*name, ".crt"))
                        r = add_authority(fd, *name, e, reterr);
                else if (endswith(*name, ".cert"))
                        r = add_client(fd, *name, names, e, reterr);
                else if (endswith(*name, ".key"))
                        r = check_key(*name, names, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}
