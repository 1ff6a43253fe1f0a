/* SPDX-License-Identifier: Apache-2.0 */
/* Assembles the OCI config.json of a container from resolved inputs: numbers, host paths, file names. It
 * looks nothing up by name, opens nothing of the image and knows no image, network or volume. */
#pragma once

#include <sys/types.h>

#include "basic/error.h"
#include "basic/strv.h"
#include "json/json-type.h"
#include "runtime/resources.h"

typedef enum SpecNamespaceMode {
        SPEC_NS_PRIVATE,        /* a new one */
        SPEC_NS_HOST,           /* none in config.json */
        SPEC_NS_PATH,           /* join the one at the path */
        _SPEC_NS_MODE_MAX,
} SpecNamespaceMode;

typedef struct SpecNamespace {
        SpecNamespaceMode mode;
        const char *path;       /* SPEC_NS_PATH: "/proc/PID/ns/ipc", "<exec root>/netns/NAME" */
} SpecNamespace;

typedef struct SpecMount {
        const char *destination;        /* absolute in the container */
        const char *source;
        const char *type;               /* "bind", "tmpfs", ... */
        char **options;                 /* "rbind", "ro", "rprivate", ... in this order */
} SpecMount;

typedef struct SpecDevice {
        const char *path;               /* in the container */
        char type;                      /* 'c', 'b' */
        int64_t major, minor;
        unsigned mode;                  /* 0666 */
        uint32_t uid, gid;
        const char *access;             /* "rwm"; NULL = no cgroup rule */
        bool no_node;                   /* only the cgroup rule (--device-cgroup-rule); major/minor -1 = any
                                         * */
} SpecDevice;

typedef struct SpecUlimit {
        const char *name;               /* "nofile" */
        int64_t soft, hard;             /* -1 = unlimited */
} SpecUlimit;

typedef enum SpecSeccomp {
        SPEC_SECCOMP_DEFAULT,
        SPEC_SECCOMP_UNCONFINED,
        SPEC_SECCOMP_JSON,              /* a profile in Docker's format, seccomp_json */
} SpecSeccomp;

/* Everything is borrowed. */
typedef struct SpecInput {
        const char *id;

        /* process */
        char **args;                    /* entrypoint and command, at least one */
        char **env;                     /* complete and in order */
        const char *cwd;                /* absolute; NULL = "/" */
        uint32_t uid, gid;
        const uint32_t *groups;         /* supplementary */
        size_t n_groups;
        bool tty;
        unsigned tty_rows, tty_columns; /* 0 = not given */
        bool no_new_privileges;
        int oom_score_adj;
        const SpecUlimit *ulimits;
        size_t n_ulimits;

        /* root and names */
        const char *rootfs;             /* "<run dir>/rootfs" */
        bool readonly_rootfs;
        const char *rootfs_propagation; /* "" or NULL = leave out; "shared", "slave" where a mount asks for
                                         * it */
        const char *hostname, *domainname;

        /* file systems, in addition to Docker's default mounts; one with the same destination replaces the
         * default */
        const SpecMount *mounts;        /* sorted by the caller in the order they shall be made */
        size_t n_mounts;
        int64_t shm_size;               /* bytes; 0 = 64 MiB; unused where /dev/shm is among mounts */
        bool no_shm;                    /* no /dev/shm at all */
        const char *init_path;          /* host path of tini; NULL = none. Bind mounted at /sbin/docker-init
                                         * */

        /* rights */
        bool privileged;
        char **cap_add, **cap_drop;     /* any spelling Docker accepts; "ALL" too */
        SpecSeccomp seccomp;
        const char *seccomp_json;
        char **masked_paths, **readonly_paths;
        const char *apparmor_profile;   /* NULL = none */
        const char *selinux_label, *selinux_mount_label;
        const SpecDevice *devices;
        size_t n_devices;
        char **sysctls;                 /* "net.ipv4.ip_forward=1" */

        /* namespaces */
        SpecNamespace network, ipc, pid, uts, cgroup, user;

        /* resources; what the host cannot do was dropped by resources_check() */
        const SpecResources *resources; /* NULL = none */
        const char *cgroup_path;        /* absolute path for cgroupsPath */

        const StringMap *annotations;   /* for the runtime and its hooks; of the request, never of an
                                         * image */
} SpecInput;

/* The paths that are hidden and read-only where a container does not choose. */
/* The limits alone, for `update` of a running container: what is not limited any more is named as well. */
int spec_resources_build(const SpecResources *s, const HostCapabilities *h, char **ret, Error *reterr);

int spec_default_paths(char ***ret_masked, char ***ret_readonly);

/* The text of config.json; the caller frees it. */
int spec_build(const SpecInput *in, char **ret, Error *reterr);

/* The same, written to <run_dir>/config.json (0600, atomically). */
int spec_write(const SpecInput *in, const char *run_dir, Error *reterr);

/* Of the process alone, for a command in a running container: "process.json" in run_dir. Members of the
 * input that are not the process's count for nothing. */
int spec_process_write(const SpecInput *in, const char *run_dir, Error *reterr);

/* "NET_ADMIN", "cap_net_admin", "CAP_NET_ADMIN" -> number, also "ALL" -> -ENODATA; unknown names -EINVAL. */
int capability_from_name(const char *name);
/* "CAP_CHOWN" */
const char *capability_to_name(int capability);
/* Docker's normal form for HostConfig: "CAP_NET_ADMIN" or "ALL"; ERROR_INVALID names what is wrong. */
int capability_normalize_list(char *const *list, char ***ret, Error *reterr);
