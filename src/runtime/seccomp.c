/* SPDX-License-Identifier: Apache-2.0 */
/* A seccomp profile in Docker's format made into the OCI's: the conditions on capabilities, architecture and
 * kernel are resolved for this container on this host. */
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runtime/spec-internal.h"

/* The machine, Go's name of it (in conditions), libseccomp's (in architecture lists). */
static const struct {
        const char *machine, *go, *scmp;
} machine_table[] = {
        { "x86_64",  "amd64",    "SCMP_ARCH_X86_64"   },
        { "i686",    "x86",      "SCMP_ARCH_X86"      },
        { "aarch64", "arm64",    "SCMP_ARCH_AARCH64"  },
        { "armv7l",  "arm",      "SCMP_ARCH_ARM"      },
        { "armv6l",  "arm",      "SCMP_ARCH_ARM"      },
        { "ppc64le", "ppc64le",  "SCMP_ARCH_PPC64LE"  },
        { "s390x",   "s390x",    "SCMP_ARCH_S390X"    },
        { "riscv64", "riscv64",  "SCMP_ARCH_RISCV64"  },
        { "mips64",  "mips64",   "SCMP_ARCH_MIPS64"   },
        { "loongarch64", "loong64", "SCMP_ARCH_LOONGARCH64" },
};

typedef struct SeccompHost {
        const char *go, *scmp;          /* NULL on a machine that is not in the table */
        unsigned kernel[2];
} SeccompHost;

static void host_probe(SeccompHost *ret) {
        struct utsname u;

        *ret = (SeccompHost) {};
        if (uname(&u) < 0)
                return;
        (void) sscanf(u.release, "%u.%u", ret->kernel + 0, ret->kernel + 1);
        FOREACH_ELEMENT(i, machine_table)
                if (streq(i->machine, u.machine)) {
                        ret->go = i->go;
                        ret->scmp = i->scmp;
                }
}

static bool kernel_at_least(const SeccompHost *h, const char *version) {
        unsigned major = 0, minor = 0;

        if (sscanf(version, "%u.%u", &major, &minor) < 1)
                return false;
        return h->kernel[0] != major ? h->kernel[0] > major : h->kernel[1] >= minor;
}

/* Every capability of includes must be there, none of excludes. */
static bool applies(const SeccompProfileSyscall *s, const SeccompHost *h, char *const *caps) {
        if (!strv_isempty(s->excludes.arches) && h->go && strv_contains(s->excludes.arches, h->go))
                return false;
        STRV_FOREACH(c, s->excludes.caps)
                if (strv_contains(caps, *c))
                        return false;
        if (!isempty(s->excludes.min_kernel) && kernel_at_least(h, s->excludes.min_kernel))
                return false;

        if (!strv_isempty(s->includes.arches) && (!h->go || !strv_contains(s->includes.arches, h->go)))
                return false;
        STRV_FOREACH(c, s->includes.caps)
                if (!strv_contains(caps, *c))
                        return false;
        return isempty(s->includes.min_kernel) || kernel_at_least(h, s->includes.min_kernel);
}

static int resolve_syscall(const SeccompProfileSyscall *s, OciSeccomp *o) {
        OciSyscall *x = OCI_APPEND(o->syscalls);

        if (!x)
                return -ENOMEM;
        x->names = strv_isempty(s->names) ? strv_new_empty() : strv_copy(s->names);
        x->action = strdup(strempty(s->action));
        x->errno_ret = s->errno_ret;
        if (!x->names || !x->action)
                return -ENOMEM;
        if (!isempty(s->name) && strv_extend(&x->names, s->name) < 0)
                return -ENOMEM;

        for (size_t i = 0; i < s->args.n_items; i++) {
                OciSyscallArg *a = OCI_APPEND(x->args);

                if (!a)
                        return -ENOMEM;
                *a = s->args.items[i];
                a->op = strdup(strempty(a->op));
                if (!a->op)
                        return -ENOMEM;
        }
        return 0;
}

/* Most kernels are built without x32. Then its rules protect nothing, and they take the runtime a tenth of
 * the time of a start; a filter that does not name an architecture kills what uses it. */
static bool kernel_lacks(const char *architecture) {
#ifdef __x86_64__
        if (streq(architecture, "SCMP_ARCH_X32"))
                return syscall(__X32_SYSCALL_BIT + SYS_getpid) < 0 && errno == ENOSYS;
#endif
        return false;
}

static int add_architectures(const SeccompArchitecture *a, OciSeccomp *o) {
        int r;

        r = strv_extend(&o->architectures, a->architecture);
        STRV_FOREACH(s, a->sub_architectures)
                if (r >= 0 && !kernel_lacks(*s))
                        r = strv_extend(&o->architectures, *s);
        return r;
}

static int resolve_architectures(const SeccompProfile *p, const SeccompHost *h, OciSeccomp *o) {
        if (!strv_isempty(p->architectures))
                return strv_extend_strv(&o->architectures, p->architectures);

        for (size_t i = 0; i < p->arch_map.n_items; i++) {
                const SeccompArchitecture *a = p->arch_map.items + i;

                if (h->scmp && streq_ptr(a->architecture, h->scmp))
                        return add_architectures(a, o);
        }
        return 0;
}

static int copy_string(char **to, const char *from) {
        return isempty(from) ? 0 : free_and_strdup(to, from);
}

static int resolve(const SeccompProfile *p, char *const *caps, OciSeccomp *o) {
        SeccompHost h;
        int r;

        host_probe(&h);
        o->default_action = strdup(strempty(p->default_action));
        if (!o->default_action)
                return -ENOMEM;
        o->default_errno_ret = p->default_errno_ret;
        r = resolve_architectures(p, &h, o);
        if (r >= 0)
                r = strv_extend_strv(&o->flags, p->flags);
        if (r >= 0)
                r = copy_string(&o->listener_path, p->listener_path);
        if (r >= 0)
                r = copy_string(&o->listener_metadata, p->listener_metadata);
        for (size_t i = 0; r >= 0 && i < p->syscalls.n_items; i++)
                if (applies(p->syscalls.items + i, &h, caps))
                        r = resolve_syscall(p->syscalls.items + i, o);
        return r;
}

int spec_step_seccomp(const SpecInput *in, OciSpec *o, Error *reterr) {
        _cleanup_(SeccompProfile_donep) SeccompProfile p = {};
        int r;

        if (in->privileged && in->seccomp != SPEC_SECCOMP_JSON)
                return 0;
        if (in->seccomp == SPEC_SECCOMP_UNCONFINED)
                return 0;

        if (in->seccomp == SPEC_SECCOMP_JSON) {
                r = json_decode_text(&SeccompProfile_json, in->seccomp_json, strlen(in->seccomp_json), 0, &p,
                                     reterr);
                if (r < 0)
                        return error_prefixf(reterr, r, "Decoding seccomp profile failed");
        } else {
                r = seccomp_default_profile(&p);
                if (r < 0)
                        return r;
        }

        o->lnx.seccomp = json_new(&OciSeccomp_json);
        if (!o->lnx.seccomp)
                return -ENOMEM;
        return resolve(&p, o->process.capabilities.bounding, o->lnx.seccomp);
}
