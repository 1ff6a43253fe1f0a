/* SPDX-License-Identifier: Apache-2.0 */
#include "api/oci-runtime.h"

static const JsonField oci_user_fields[] = {
        JSON_INT64  (OciUser, uid, "uid", 0),
        JSON_INT64  (OciUser, gid, "gid", 0),
        { .name = "additionalGids", .offset = offsetof(OciUser, additional_gids),
          .spec = { .kind = JSON_KIND_ARRAY, .element = &(const JsonSpec) { .kind = JSON_KIND_INT64 },
                    .element_size = sizeof(int64_t) }, .flags = JSON_OMITEMPTY },
};
static JSON_TYPE(OciUser, oci_user_fields);

static const JsonField oci_box_fields[] = {
        JSON_INT64  (OciBox, height, "height", 0),
        JSON_INT64  (OciBox, width,  "width",  0),
};
JSON_TYPE(OciBox, oci_box_fields);

static const JsonField oci_capabilities_fields[] = {
        JSON_STRV   (OciCapabilities, bounding,    "bounding",    JSON_OMITEMPTY),
        JSON_STRV   (OciCapabilities, effective,   "effective",   JSON_OMITEMPTY),
        JSON_STRV   (OciCapabilities, inheritable, "inheritable", JSON_OMITEMPTY),
        JSON_STRV   (OciCapabilities, permitted,   "permitted",   JSON_OMITEMPTY),
        JSON_STRV   (OciCapabilities, ambient,     "ambient",     JSON_OMITEMPTY),
};
static JSON_TYPE(OciCapabilities, oci_capabilities_fields);

static const JsonField oci_rlimit_fields[] = {
        JSON_STRING (OciRlimit, type, "type", 0),
        JSON_UINT64 (OciRlimit, hard, "hard", 0),
        JSON_UINT64 (OciRlimit, soft, "soft", 0),
};
static JSON_TYPE(OciRlimit, oci_rlimit_fields);

static const JsonField oci_process_fields[] = {
        JSON_BOOL         (OciProcess, terminal, "terminal", JSON_OMITEMPTY),
        JSON_OBJECT       (OciProcess, console_size, OciBox, "consoleSize", JSON_OMITEMPTY),
        JSON_STRUCT       (OciProcess, user, OciUser, "user", 0),
        JSON_STRV         (OciProcess, args, "args", JSON_OMITEMPTY),
        JSON_STRV         (OciProcess, env, "env", JSON_OMITEMPTY),
        JSON_STRING       (OciProcess, cwd, "cwd", 0),
        JSON_STRUCT       (OciProcess, capabilities, OciCapabilities, "capabilities", 0),
        JSON_ARRAY        (OciProcess, rlimits, OciRlimit, "rlimits", JSON_OMITEMPTY),
        JSON_BOOL         (OciProcess, no_new_privileges, "noNewPrivileges", JSON_OMITEMPTY),
        JSON_STRING       (OciProcess, apparmor_profile, "apparmorProfile", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciProcess, oom_score_adj, "oomScoreAdj", JSON_OMITEMPTY),
        JSON_STRING       (OciProcess, selinux_label, "selinuxLabel", JSON_OMITEMPTY),
};
JSON_TYPE(OciProcess, oci_process_fields);

static const JsonField oci_root_fields[] = {
        JSON_STRING (OciRoot, path,     "path",     0),
        JSON_BOOL   (OciRoot, readonly, "readonly", JSON_OMITEMPTY),
};
static JSON_TYPE(OciRoot, oci_root_fields);

static const JsonField oci_mount_fields[] = {
        JSON_STRING (OciMount, destination, "destination", 0),
        JSON_STRING (OciMount, type,        "type",        JSON_OMITEMPTY),
        JSON_STRING (OciMount, source,      "source",      JSON_OMITEMPTY),
        JSON_STRV   (OciMount, options,     "options",     JSON_OMITEMPTY),
};
static JSON_TYPE(OciMount, oci_mount_fields);

static const JsonField oci_namespace_fields[] = {
        JSON_STRING (OciNamespace, type, "type", 0),
        JSON_STRING (OciNamespace, path, "path", JSON_OMITEMPTY),
};
static JSON_TYPE(OciNamespace, oci_namespace_fields);

static const JsonField oci_device_fields[] = {
        JSON_STRING       (OciDevice, path, "path", 0),
        JSON_STRING       (OciDevice, type, "type", 0),
        JSON_INT64        (OciDevice, major, "major", 0),
        JSON_INT64        (OciDevice, minor, "minor", 0),
        JSON_OPTIONAL_INT (OciDevice, file_mode, "fileMode", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciDevice, uid, "uid", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciDevice, gid, "gid", JSON_OMITEMPTY),
};
static JSON_TYPE(OciDevice, oci_device_fields);

static const JsonField oci_device_rule_fields[] = {
        JSON_BOOL         (OciDeviceRule, allow, "allow", 0),
        JSON_STRING       (OciDeviceRule, type, "type", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciDeviceRule, major, "major", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciDeviceRule, minor, "minor", JSON_OMITEMPTY),
        JSON_STRING       (OciDeviceRule, access, "access", JSON_OMITEMPTY),
};
static JSON_TYPE(OciDeviceRule, oci_device_rule_fields);

static const JsonField oci_memory_fields[] = {
        JSON_OPTIONAL_INT (OciMemory, limit, "limit", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciMemory, reservation, "reservation", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciMemory, swap, "swap", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciMemory, swappiness, "swappiness", JSON_OMITEMPTY),
        JSON_TRISTATE     (OciMemory, disable_oom_killer, "disableOOMKiller", JSON_OMITEMPTY),
};
JSON_TYPE(OciMemory, oci_memory_fields);

static const JsonField oci_cpu_fields[] = {
        JSON_OPTIONAL_INT (OciCpu, shares, "shares", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciCpu, quota, "quota", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciCpu, period, "period", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciCpu, realtime_runtime, "realtimeRuntime", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT (OciCpu, realtime_period, "realtimePeriod", JSON_OMITEMPTY),
        JSON_STRING       (OciCpu, cpus, "cpus", JSON_OMITEMPTY),
        JSON_STRING       (OciCpu, mems, "mems", JSON_OMITEMPTY),
};
JSON_TYPE(OciCpu, oci_cpu_fields);

static const JsonField oci_pids_fields[] = {
        JSON_INT64  (OciPids, limit, "limit", 0),
};
JSON_TYPE(OciPids, oci_pids_fields);

static const JsonField oci_weight_device_fields[] = {
        JSON_INT64  (OciWeightDevice, major,  "major",  0),
        JSON_INT64  (OciWeightDevice, minor,  "minor",  0),
        JSON_INT64  (OciWeightDevice, weight, "weight", 0),
};
static JSON_TYPE(OciWeightDevice, oci_weight_device_fields);

static const JsonField oci_throttle_device_fields[] = {
        JSON_INT64  (OciThrottleDevice, major, "major", 0),
        JSON_INT64  (OciThrottleDevice, minor, "minor", 0),
        JSON_UINT64 (OciThrottleDevice, rate,  "rate",  0),
};
static JSON_TYPE(OciThrottleDevice, oci_throttle_device_fields);

static const JsonField oci_block_io_fields[] = {
        JSON_OPTIONAL_INT(OciBlockIO, weight, "weight", JSON_OMITEMPTY),
        JSON_ARRAY(OciBlockIO, weight_device, OciWeightDevice, "weightDevice", JSON_OMITEMPTY),
        JSON_ARRAY(OciBlockIO, read_bps, OciThrottleDevice, "throttleReadBpsDevice", JSON_OMITEMPTY),
        JSON_ARRAY(OciBlockIO, write_bps, OciThrottleDevice, "throttleWriteBpsDevice", JSON_OMITEMPTY),
        JSON_ARRAY(OciBlockIO, read_iops, OciThrottleDevice, "throttleReadIOPSDevice", JSON_OMITEMPTY),
        JSON_ARRAY(OciBlockIO, write_iops, OciThrottleDevice, "throttleWriteIOPSDevice", JSON_OMITEMPTY),
};
JSON_TYPE(OciBlockIO, oci_block_io_fields);

static const JsonField oci_resources_fields[] = {
        JSON_ARRAY  (OciResources, devices, OciDeviceRule, "devices", JSON_OMITEMPTY),
        JSON_OBJECT (OciResources, memory, OciMemory, "memory", JSON_OMITEMPTY),
        JSON_OBJECT (OciResources, cpu, OciCpu, "cpu", JSON_OMITEMPTY),
        JSON_OBJECT (OciResources, pids, OciPids, "pids", JSON_OMITEMPTY),
        JSON_OBJECT (OciResources, block_io, OciBlockIO, "blockIO", JSON_OMITEMPTY),
};
JSON_TYPE(OciResources, oci_resources_fields);

static const JsonField oci_syscall_arg_fields[] = {
        JSON_INT64  (OciSyscallArg, index,     "index",    0),
        JSON_UINT64 (OciSyscallArg, value,     "value",    0),
        JSON_UINT64 (OciSyscallArg, value_two, "valueTwo", JSON_OMITEMPTY),
        JSON_STRING (OciSyscallArg, op,        "op",       0),
};
static JSON_TYPE(OciSyscallArg, oci_syscall_arg_fields);

static const JsonField oci_syscall_fields[] = {
        JSON_STRV         (OciSyscall, names, "names", JSON_NONNULL),
        JSON_STRING       (OciSyscall, action, "action", 0),
        JSON_OPTIONAL_INT (OciSyscall, errno_ret, "errnoRet", JSON_OMITEMPTY),
        JSON_ARRAY        (OciSyscall, args, OciSyscallArg, "args", JSON_OMITEMPTY),
};
static JSON_TYPE(OciSyscall, oci_syscall_fields);

static const JsonField oci_seccomp_fields[] = {
        JSON_STRING       (OciSeccomp, default_action, "defaultAction", 0),
        JSON_OPTIONAL_INT (OciSeccomp, default_errno_ret, "defaultErrnoRet", JSON_OMITEMPTY),
        JSON_STRV         (OciSeccomp, architectures, "architectures", JSON_OMITEMPTY),
        JSON_STRV         (OciSeccomp, flags, "flags", JSON_OMITEMPTY),
        JSON_STRING       (OciSeccomp, listener_path, "listenerPath", JSON_OMITEMPTY),
        JSON_STRING       (OciSeccomp, listener_metadata, "listenerMetadata", JSON_OMITEMPTY),
        JSON_ARRAY        (OciSeccomp, syscalls, OciSyscall, "syscalls", JSON_OMITEMPTY),
};
JSON_TYPE(OciSeccomp, oci_seccomp_fields);

static const JsonField oci_linux_fields[] = {
        JSON_STRING_MAP (OciLinux, sysctl, "sysctl", JSON_OMITEMPTY),
        JSON_STRUCT     (OciLinux, resources, OciResources, "resources", 0),
        JSON_STRING     (OciLinux, cgroups_path, "cgroupsPath", JSON_OMITEMPTY),
        JSON_ARRAY      (OciLinux, namespaces, OciNamespace, "namespaces", JSON_OMITEMPTY),
        JSON_ARRAY      (OciLinux, devices, OciDevice, "devices", JSON_OMITEMPTY),
        JSON_OBJECT     (OciLinux, seccomp, OciSeccomp, "seccomp", JSON_OMITEMPTY),
        JSON_STRING     (OciLinux, rootfs_propagation, "rootfsPropagation", JSON_OMITEMPTY),
        JSON_STRV       (OciLinux, masked_paths, "maskedPaths", JSON_OMITEMPTY),
        JSON_STRV       (OciLinux, readonly_paths, "readonlyPaths", JSON_OMITEMPTY),
        JSON_STRING     (OciLinux, mount_label, "mountLabel", JSON_OMITEMPTY),
};
static JSON_TYPE(OciLinux, oci_linux_fields);

static const JsonField oci_spec_fields[] = {
        JSON_STRING (OciSpec, oci_version, "ociVersion", 0),
        JSON_STRUCT (OciSpec, process, OciProcess, "process", 0),
        JSON_STRUCT (OciSpec, root, OciRoot, "root", 0),
        JSON_STRING (OciSpec, hostname, "hostname", JSON_OMITEMPTY),
        JSON_STRING (OciSpec, domainname, "domainname", JSON_OMITEMPTY),
        JSON_ARRAY  (OciSpec, mounts, OciMount, "mounts", JSON_OMITEMPTY),
        JSON_STRING_MAP(OciSpec, annotations, "annotations", JSON_OMITEMPTY),
        JSON_STRUCT (OciSpec, lnx, OciLinux, "linux", 0),
};
JSON_TYPE(OciSpec, oci_spec_fields);

/* --- Docker's seccomp profiles --- */

static const JsonField seccomp_filter_condition_fields[] = {
        JSON_STRV   (SeccompFilterCondition, caps,       "caps",      JSON_OMITEMPTY),
        JSON_STRV   (SeccompFilterCondition, arches,     "arches",    JSON_OMITEMPTY),
        JSON_STRING (SeccompFilterCondition, min_kernel, "minKernel", JSON_OMITEMPTY),
};
static JSON_TYPE(SeccompFilterCondition, seccomp_filter_condition_fields);

static const JsonField seccomp_profile_syscall_fields[] = {
        JSON_STRING       (SeccompProfileSyscall, name, "name", JSON_OMITEMPTY),
        JSON_STRV         (SeccompProfileSyscall, names, "names", JSON_OMITEMPTY),
        JSON_STRING       (SeccompProfileSyscall, action, "action", 0),
        JSON_OPTIONAL_INT (SeccompProfileSyscall, errno_ret, "errnoRet", JSON_OMITEMPTY),
        JSON_ARRAY        (SeccompProfileSyscall, args, OciSyscallArg, "args", JSON_OMITEMPTY),
        JSON_STRUCT(SeccompProfileSyscall, includes, SeccompFilterCondition, "includes", JSON_OMITEMPTY),
        JSON_STRUCT(SeccompProfileSyscall, excludes, SeccompFilterCondition, "excludes", JSON_OMITEMPTY),
};
static JSON_TYPE(SeccompProfileSyscall, seccomp_profile_syscall_fields);

static const JsonField seccomp_architecture_fields[] = {
        JSON_STRING (SeccompArchitecture, architecture,      "architecture",     0),
        JSON_STRV   (SeccompArchitecture, sub_architectures, "subArchitectures", 0),
};
static JSON_TYPE(SeccompArchitecture, seccomp_architecture_fields);

static const JsonField seccomp_profile_fields[] = {
        JSON_STRING       (SeccompProfile, default_action, "defaultAction", 0),
        JSON_OPTIONAL_INT (SeccompProfile, default_errno_ret, "defaultErrnoRet", JSON_OMITEMPTY),
        JSON_STRV         (SeccompProfile, architectures, "architectures", JSON_OMITEMPTY),
        JSON_STRV         (SeccompProfile, flags, "flags", JSON_OMITEMPTY),
        JSON_STRING       (SeccompProfile, listener_path, "listenerPath", JSON_OMITEMPTY),
        JSON_STRING       (SeccompProfile, listener_metadata, "listenerMetadata", JSON_OMITEMPTY),
        JSON_ARRAY        (SeccompProfile, arch_map, SeccompArchitecture, "archMap", JSON_OMITEMPTY),
        JSON_ARRAY        (SeccompProfile, syscalls, SeccompProfileSyscall, "syscalls", JSON_OMITEMPTY),
};
JSON_TYPE(SeccompProfile, seccomp_profile_fields);
