/* SPDX-License-Identifier: Apache-2.0 */
/* The OCI runtime specification's config.json, as far as a container needs it (github.com/opencontainers/
 * runtime-spec, config.md and config-linux.md). Data only; src/runtime/spec fills it. */
#pragma once

#include "json/json-type.h"

#define OCI_VERSION "1.0.2"

/* struct { T *items; size_t n_items; }, as the field tables want lists. */
#define OCI_LIST(T)                     \
        struct {                        \
                T *items;               \
                size_t n_items;         \
        }

typedef struct OciUser {
        int64_t uid, gid;
        OCI_LIST(int64_t) additional_gids;
} OciUser;

typedef struct OciBox {
        int64_t height, width;
} OciBox;

typedef struct OciCapabilities {
        char **bounding, **effective, **permitted, **inheritable, **ambient;
} OciCapabilities;

typedef struct OciRlimit {
        char *type;                     /* "RLIMIT_NOFILE" */
        uint64_t hard, soft;
} OciRlimit;

typedef struct OciProcess {
        bool terminal;
        OciBox *console_size;
        OciUser user;
        char **args;
        char **env;
        char *cwd;
        OciCapabilities capabilities;
        OCI_LIST(OciRlimit) rlimits;
        bool no_new_privileges;
        char *apparmor_profile;
        OptionalInt oom_score_adj;
        char *selinux_label;
} OciProcess;
JSON_TYPE_DECLARE(OciProcess);

typedef struct OciRoot {
        char *path;
        bool readonly;
} OciRoot;

typedef struct OciMount {
        char *destination;
        char *type;
        char *source;
        char **options;
} OciMount;

typedef struct OciNamespace {
        char *type;
        char *path;                     /* NULL = a new one */
} OciNamespace;

typedef struct OciDevice {
        char *path;
        char *type;                     /* "c", "b" */
        int64_t major, minor;
        OptionalInt file_mode, uid, gid;
} OciDevice;

typedef struct OciDeviceRule {
        bool allow;
        char *type;                     /* NULL = all */
        OptionalInt major, minor;       /* not set = any */
        char *access;
} OciDeviceRule;

typedef struct OciMemory {
        OptionalInt limit, reservation, swap, swappiness;
        Tristate disable_oom_killer;
} OciMemory;

typedef struct OciCpu {
        OptionalInt shares, quota, period, realtime_runtime, realtime_period;
        char *cpus, *mems;
} OciCpu;

typedef struct OciPids {
        int64_t limit;
} OciPids;

typedef struct OciWeightDevice {
        int64_t major, minor, weight;
} OciWeightDevice;

typedef struct OciThrottleDevice {
        int64_t major, minor;
        uint64_t rate;
} OciThrottleDevice;

typedef struct OciBlockIO {
        OptionalInt weight;
        OCI_LIST(OciWeightDevice) weight_device;
        OCI_LIST(OciThrottleDevice) read_bps, write_bps, read_iops, write_iops;
} OciBlockIO;

typedef struct OciResources {
        OCI_LIST(OciDeviceRule) devices;
        OciMemory *memory;
        OciCpu *cpu;
        OciPids *pids;
        OciBlockIO *block_io;
} OciResources;
JSON_TYPE_DECLARE(OciResources);

typedef struct OciSyscallArg {
        int64_t index;
        uint64_t value, value_two;
        char *op;
} OciSyscallArg;

typedef struct OciSyscall {
        char **names;
        char *action;
        OptionalInt errno_ret;
        OCI_LIST(OciSyscallArg) args;
} OciSyscall;

typedef struct OciSeccomp {
        char *default_action;
        OptionalInt default_errno_ret;
        char **architectures;
        char **flags;
        char *listener_path, *listener_metadata;
        OCI_LIST(OciSyscall) syscalls;
} OciSeccomp;

typedef struct OciLinux {
        StringMap sysctl;
        OCI_LIST(OciDevice) devices;
        OciResources resources;
        char *cgroups_path;
        OCI_LIST(OciNamespace) namespaces;
        OciSeccomp *seccomp;
        char *rootfs_propagation;
        char **masked_paths;
        char **readonly_paths;
        char *mount_label;
} OciLinux;

typedef struct OciSpec {
        char *oci_version;
        OciProcess process;
        OciRoot root;
        char *hostname, *domainname;
        OCI_LIST(OciMount) mounts;
        StringMap annotations;
        OciLinux lnx;
} OciSpec;

JSON_TYPE_DECLARE(OciSpec);
JSON_TYPE_DECLARE(OciSeccomp);
JSON_TYPE_DECLARE(OciMemory);
JSON_TYPE_DECLARE(OciCpu);
JSON_TYPE_DECLARE(OciPids);
JSON_TYPE_DECLARE(OciBlockIO);
JSON_TYPE_DECLARE(OciBox);
DEFINE_JSON_CLEANUP(OciSpec)
DEFINE_JSON_CLEANUP(OciSeccomp)

/* A seccomp profile in Docker's format (--security-opt seccomp=FILE, daemon.json "seccomp-profile"): the OCI
 * form plus conditions that are resolved for a container when it starts. */
typedef struct SeccompFilterCondition {
        char **caps;                    /* "CAP_SYS_ADMIN" */
        char **arches;                  /* Go's names: "amd64" */
        char *min_kernel;               /* "4.8" */
} SeccompFilterCondition;

typedef struct SeccompProfileSyscall {
        char *name;                     /* older profiles: one name */
        char **names;
        char *action;
        OptionalInt errno_ret;
        OCI_LIST(OciSyscallArg) args;
        SeccompFilterCondition includes, excludes;
} SeccompProfileSyscall;

typedef struct SeccompArchitecture {
        char *architecture;             /* "SCMP_ARCH_X86_64" */
        char **sub_architectures;
} SeccompArchitecture;

typedef struct SeccompProfile {
        char *default_action;
        OptionalInt default_errno_ret;
        char **architectures;
        char **flags;
        char *listener_path, *listener_metadata;
        OCI_LIST(SeccompArchitecture) arch_map;
        OCI_LIST(SeccompProfileSyscall) syscalls;
} SeccompProfile;

JSON_TYPE_DECLARE(SeccompProfile);
DEFINE_JSON_CLEANUP(SeccompProfile)
