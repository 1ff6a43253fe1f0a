/* SPDX-License-Identifier: Apache-2.0 */
/* Linux capabilities by name, and which of them a container gets. */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "basic/fileio.h"
#include "runtime/spec-internal.h"

/* By number, linux/capability.h. */
static const char *const capability_names[] = {
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
        "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
        "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
        "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
        "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
        "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
        "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

/* Docker's default, in its order. */
static const char *const default_capabilities[] = {
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW",
        "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
        "CAP_KILL", "CAP_AUDIT_WRITE",
};

int capability_from_name(const char *name) {
        if (strcasecmp(name, "ALL") == 0)
                return -ENODATA;
        for (size_t i = 0; i < ELEMENTSOF(capability_names); i++)
                if (strcasecmp(name, capability_names[i]) == 0 ||
                    strcasecmp(name, capability_names[i] + 4) == 0)
                        return (int) i;
        return -EINVAL;
}

const char *capability_to_name(int capability) {
        if (capability < 0 || (size_t) capability >= ELEMENTSOF(capability_names))
                return NULL;
        return capability_names[capability];
}

int capability_normalize_list(char *const *list, char ***ret, Error *reterr) {
        _cleanup_strv_free_ char **l = NULL;

        STRV_FOREACH(s, list) {
                int c = capability_from_name(*s);
                const char *name = c == -ENODATA ? "ALL" : capability_to_name(c);

                if (!name)
                        return error_setf(reterr, ERROR_INVALID, "unknown capability: \"%s\"", *s);
                if (!strv_contains(l, name) && strv_extend(&l, name) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        *ret = TAKE_PTR(l);
        return 0;
}

/* The set this process may hand on ("CapEff" of /proc/self/status): asking the runtime for more would fail.
 * */
static uint64_t own_capabilities(void) {
        _cleanup_free_ char *text = NULL;
        unsigned long long v;
        const char *p;

        if (read_file_at(AT_FDCWD, "/proc/self/status", 65536, &text, NULL) < 0)
                return UINT64_MAX;
        p = strstr(text, "\nCapEff:");
        if (!p || sscanf(p, "\nCapEff: %llx", &v) != 1)
                return UINT64_MAX;
        return v;
}

static int all_capabilities(char *const *without, char ***ret) {
        _cleanup_strv_free_ char **l = strv_new_empty();
        uint64_t own = own_capabilities();

        if (!l)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(capability_names); i++)
                if ((own & (UINT64_C(1) << i)) && !strv_contains(without, capability_names[i]) &&
                    strv_extend(&l, capability_names[i]) < 0)
                        return -ENOMEM;
        *ret = TAKE_PTR(l);
        return 0;
}

static int extend_unique(char ***l, const char *s) {
        return strv_contains(*l, s) ? 0 : strv_extend(l, s);
}

/* Docker's order of precedence: privileged, --cap-add ALL, --cap-drop ALL, single ones. */
int spec_capabilities(const SpecInput *in, char ***ret, Error *reterr) {
        _cleanup_strv_free_ char **add = NULL, **drop = NULL, **l = strv_new_empty();
        int r;

        r = capability_normalize_list(in->cap_add, &add, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "invalid CapAdd");
        r = capability_normalize_list(in->cap_drop, &drop, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "invalid CapDrop");
        if (!l)
                return error_fill(reterr, -ENOMEM);

        if (in->privileged)
                return all_capabilities(NULL, ret);
        if (strv_contains(add, "ALL"))
                return all_capabilities(drop, ret);

        if (!strv_contains(drop, "ALL"))
                FOREACH_ELEMENT(c, default_capabilities)
                        if (!strv_contains(drop, *c) && strv_extend(&l, *c) < 0)
                                return error_fill(reterr, -ENOMEM);
        STRV_FOREACH(s, add)
                if (extend_unique(&l, *s) < 0)
                        return error_fill(reterr, -ENOMEM);

        *ret = TAKE_PTR(l);
        return 0;
}
