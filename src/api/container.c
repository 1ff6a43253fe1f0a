/* SPDX-License-Identifier: Apache-2.0 */
#include "api/container.h"

static const JsonField health_config_fields[] = {
        JSON_STRV(HealthConfig, test, "Test", JSON_OMITEMPTY),
        JSON_INT64(HealthConfig, interval, "Interval", JSON_OMITEMPTY),
        JSON_INT64(HealthConfig, timeout, "Timeout", JSON_OMITEMPTY),
        JSON_INT64(HealthConfig, start_period, "StartPeriod", JSON_OMITEMPTY),
        JSON_INT64(HealthConfig, start_interval, "StartInterval", JSON_OMITEMPTY, .since = 44),
        JSON_INT64(HealthConfig, retries, "Retries", JSON_OMITEMPTY),
};
JSON_TYPE(HealthConfig, health_config_fields);

static const JsonField health_result_fields[] = {
        JSON_TIME(HealthResult, start, "Start", 0),
        JSON_TIME(HealthResult, end, "End", 0),
        JSON_INT64(HealthResult, exit_code, "ExitCode", 0),
        JSON_STRING(HealthResult, output, "Output", 0),
};
JSON_TYPE(HealthResult, health_result_fields);

static const JsonField health_fields[] = {
        JSON_STRING(Health, status, "Status", 0),
        JSON_INT64(Health, failing_streak, "FailingStreak", 0),
        JSON_ARRAY(Health, log, HealthResult, "Log", JSON_NONNULL),
};
JSON_TYPE(Health, health_fields);

static const JsonField container_config_fields[] = {
        JSON_STRING(ContainerConfig, hostname, "Hostname", 0),
        JSON_STRING(ContainerConfig, domainname, "Domainname", 0),
        JSON_STRING(ContainerConfig, user, "User", 0),
        JSON_BOOL(ContainerConfig, attach_stdin, "AttachStdin", 0),
        JSON_BOOL(ContainerConfig, attach_stdout, "AttachStdout", 0),
        JSON_BOOL(ContainerConfig, attach_stderr, "AttachStderr", 0),
        JSON_SET(ContainerConfig, exposed_ports, "ExposedPorts", JSON_OMITEMPTY),
        JSON_BOOL(ContainerConfig, tty, "Tty", 0),
        JSON_BOOL(ContainerConfig, open_stdin, "OpenStdin", 0),
        JSON_BOOL(ContainerConfig, stdin_once, "StdinOnce", 0),
        JSON_STRV(ContainerConfig, env, "Env", 0),
        JSON_STRV(ContainerConfig, cmd, "Cmd", JSON_STRING_OR_LIST),
        JSON_OBJECT(ContainerConfig, healthcheck, HealthConfig, "Healthcheck", JSON_OMITEMPTY),
        JSON_BOOL(ContainerConfig, args_escaped, "ArgsEscaped", JSON_OMITEMPTY),
        JSON_STRING(ContainerConfig, image, "Image", 0),
        JSON_SET(ContainerConfig, volumes, "Volumes", 0),
        JSON_STRING(ContainerConfig, working_dir, "WorkingDir", 0),
        JSON_STRV(ContainerConfig, entrypoint, "Entrypoint", JSON_STRING_OR_LIST),
        JSON_BOOL(ContainerConfig, network_disabled, "NetworkDisabled", JSON_OMITEMPTY),
        JSON_STRING(ContainerConfig, mac_address, "MacAddress", JSON_OMITEMPTY),
        JSON_STRV(ContainerConfig, on_build, "OnBuild", 0),
        JSON_STRING_MAP(ContainerConfig, labels, "Labels", JSON_NONNULL),
        JSON_STRING(ContainerConfig, stop_signal, "StopSignal", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT(ContainerConfig, stop_timeout, "StopTimeout", JSON_OMITEMPTY),
        JSON_STRV(ContainerConfig, shell, "Shell", JSON_OMITEMPTY | JSON_STRING_OR_LIST),
};
JSON_TYPE(ContainerConfig, container_config_fields);

static const JsonField log_config_fields[] = {
        JSON_STRING(LogConfig, type, "Type", 0),
        JSON_STRING_MAP(LogConfig, config, "Config", JSON_NONNULL),
};
JSON_TYPE(LogConfig, log_config_fields);

static const JsonField restart_policy_fields[] = {
        JSON_STRING(RestartPolicy, name, "Name", 0),
        JSON_INT64(RestartPolicy, maximum_retry_count, "MaximumRetryCount", 0),
};
JSON_TYPE(RestartPolicy, restart_policy_fields);

static const JsonField weight_device_fields[] = {
        JSON_STRING(WeightDevice, path, "Path", 0),
        JSON_INT64(WeightDevice, weight, "Weight", 0),
};
JSON_TYPE(WeightDevice, weight_device_fields);

static const JsonField throttle_device_fields[] = {
        JSON_STRING(ThrottleDevice, path, "Path", 0),
        JSON_UINT64(ThrottleDevice, rate, "Rate", 0),
};
JSON_TYPE(ThrottleDevice, throttle_device_fields);

static const JsonField device_mapping_fields[] = {
        JSON_STRING(DeviceMapping, path_on_host, "PathOnHost", 0),
        JSON_STRING(DeviceMapping, path_in_container, "PathInContainer", 0),
        JSON_STRING(DeviceMapping, cgroup_permissions, "CgroupPermissions", 0),
};
JSON_TYPE(DeviceMapping, device_mapping_fields);

static const JsonField device_request_fields[] = {
        JSON_STRING(DeviceRequest, driver, "Driver", 0),
        JSON_INT64(DeviceRequest, count, "Count", 0),
        JSON_STRV(DeviceRequest, device_ids, "DeviceIDs", 0),
        JSON_STRV_ARRAY(DeviceRequest, capabilities, "Capabilities", 0),
        JSON_STRING_MAP(DeviceRequest, options, "Options", 0),
};
JSON_TYPE(DeviceRequest, device_request_fields);

static const JsonField ulimit_fields[] = {
        JSON_STRING(Ulimit, name, "Name", 0),
        JSON_INT64(Ulimit, hard, "Hard", 0),
        JSON_INT64(Ulimit, soft, "Soft", 0),
};
JSON_TYPE(Ulimit, ulimit_fields);

static const JsonField container_resources_fields[] = {
        JSON_INT64(ContainerResources, cpu_shares, "CpuShares", 0),
        JSON_INT64(ContainerResources, memory, "Memory", 0),
        JSON_INT64(ContainerResources, nano_cpus, "NanoCpus", 0),
        JSON_STRING(ContainerResources, cgroup_parent, "CgroupParent", 0),
        JSON_INT64(ContainerResources, blkio_weight, "BlkioWeight", 0),
        JSON_ARRAY(ContainerResources, blkio_weight_device, WeightDevice, "BlkioWeightDevice", 0),
        JSON_ARRAY(ContainerResources, blkio_device_read_bps, ThrottleDevice, "BlkioDeviceReadBps", 0),
        JSON_ARRAY(ContainerResources, blkio_device_write_bps, ThrottleDevice, "BlkioDeviceWriteBps", 0),
        JSON_ARRAY(ContainerResources, blkio_device_read_iops, ThrottleDevice, "BlkioDeviceReadIOps", 0),
        JSON_ARRAY(ContainerResources, blkio_device_write_iops, ThrottleDevice, "BlkioDeviceWriteIOps", 0),
        JSON_INT64(ContainerResources, cpu_period, "CpuPeriod", 0),
        JSON_INT64(ContainerResources, cpu_quota, "CpuQuota", 0),
        JSON_INT64(ContainerResources, cpu_realtime_period, "CpuRealtimePeriod", 0),
        JSON_INT64(ContainerResources, cpu_realtime_runtime, "CpuRealtimeRuntime", 0),
        JSON_STRING(ContainerResources, cpuset_cpus, "CpusetCpus", 0),
        JSON_STRING(ContainerResources, cpuset_mems, "CpusetMems", 0),
        JSON_ARRAY(ContainerResources, devices, DeviceMapping, "Devices", 0),
        JSON_STRV(ContainerResources, device_cgroup_rules, "DeviceCgroupRules", 0),
        JSON_ARRAY(ContainerResources, device_requests, DeviceRequest, "DeviceRequests", 0),
        JSON_INT64(ContainerResources, kernel_memory, "KernelMemory", JSON_OMITEMPTY),
        JSON_INT64(ContainerResources, kernel_memory_tcp, "KernelMemoryTCP", JSON_OMITEMPTY),
        JSON_INT64(ContainerResources, memory_reservation, "MemoryReservation", 0),
        JSON_INT64(ContainerResources, memory_swap, "MemorySwap", 0),
        JSON_OPTIONAL_INT(ContainerResources, memory_swappiness, "MemorySwappiness", 0),
        JSON_TRISTATE(ContainerResources, oom_kill_disable, "OomKillDisable", 0),
        JSON_OPTIONAL_INT(ContainerResources, pids_limit, "PidsLimit", 0),
        JSON_ARRAY(ContainerResources, ulimits, Ulimit, "Ulimits", 0),
        JSON_INT64(ContainerResources, cpu_count, "CpuCount", 0),
        JSON_INT64(ContainerResources, cpu_percent, "CpuPercent", 0),
        JSON_UINT64(ContainerResources, io_maximum_iops, "IOMaximumIOps", 0),
        JSON_UINT64(ContainerResources, io_maximum_bandwidth, "IOMaximumBandwidth", 0),
};
JSON_TYPE(ContainerResources, container_resources_fields);

static const JsonField bind_options_fields[] = {
        JSON_STRING(BindOptions, propagation, "Propagation", JSON_OMITEMPTY),
        JSON_BOOL(BindOptions, non_recursive, "NonRecursive", JSON_OMITEMPTY, .since = 40),
        JSON_BOOL(BindOptions, create_mountpoint, "CreateMountpoint", JSON_OMITEMPTY, .since = 42),
        JSON_BOOL(BindOptions, read_only_non_recursive, "ReadOnlyNonRecursive", JSON_OMITEMPTY, .since = 44),
        JSON_BOOL(BindOptions, read_only_force_recursive, "ReadOnlyForceRecursive", JSON_OMITEMPTY,
                  .since = 44),
};
JSON_TYPE(BindOptions, bind_options_fields);

static const JsonField volume_driver_config_fields[] = {
        JSON_STRING(VolumeDriverConfig, name, "Name", JSON_OMITEMPTY),
        JSON_STRING_MAP(VolumeDriverConfig, options, "Options", JSON_OMITEMPTY),
};
JSON_TYPE(VolumeDriverConfig, volume_driver_config_fields);

static const JsonField volume_options_fields[] = {
        JSON_BOOL(VolumeOptions, no_copy, "NoCopy", JSON_OMITEMPTY),
        JSON_STRING_MAP(VolumeOptions, labels, "Labels", JSON_OMITEMPTY),
        JSON_STRING(VolumeOptions, subpath, "Subpath", JSON_OMITEMPTY, .since = 45),
        JSON_OBJECT(VolumeOptions, driver_config, VolumeDriverConfig, "DriverConfig", JSON_OMITEMPTY),
};
JSON_TYPE(VolumeOptions, volume_options_fields);

static const JsonField tmpfs_options_fields[] = {
        JSON_INT64(TmpfsOptions, size_bytes, "SizeBytes", JSON_OMITEMPTY),
        JSON_INT64(TmpfsOptions, mode, "Mode", JSON_OMITEMPTY),
        JSON_STRV_ARRAY(TmpfsOptions, options, "Options", JSON_OMITEMPTY, .since = 46),
};
JSON_TYPE(TmpfsOptions, tmpfs_options_fields);

static const JsonField image_options_fields[] = {
        JSON_STRING(ImageOptions, subpath, "Subpath", JSON_OMITEMPTY),
};
JSON_TYPE(ImageOptions, image_options_fields);

static const JsonField mount_spec_fields[] = {
        JSON_STRING(MountSpec, type, "Type", JSON_OMITEMPTY),
        JSON_STRING(MountSpec, source, "Source", JSON_OMITEMPTY),
        JSON_STRING(MountSpec, target, "Target", JSON_OMITEMPTY),
        JSON_BOOL(MountSpec, read_only, "ReadOnly", JSON_OMITEMPTY),
        JSON_STRING(MountSpec, consistency, "Consistency", JSON_OMITEMPTY),
        JSON_OBJECT(MountSpec, bind_options, BindOptions, "BindOptions", JSON_OMITEMPTY),
        JSON_OBJECT(MountSpec, volume_options, VolumeOptions, "VolumeOptions", JSON_OMITEMPTY),
        JSON_OBJECT(MountSpec, tmpfs_options, TmpfsOptions, "TmpfsOptions", JSON_OMITEMPTY),
        JSON_OBJECT(MountSpec, image_options, ImageOptions, "ImageOptions", JSON_OMITEMPTY, .since = 48),
};
JSON_TYPE(MountSpec, mount_spec_fields);

static const JsonField host_config_fields[] = {
        JSON_STRV(HostConfig, binds, "Binds", 0),
        JSON_STRING(HostConfig, container_id_file, "ContainerIDFile", 0),
        JSON_STRUCT(HostConfig, log_config, LogConfig, "LogConfig", 0),
        JSON_STRING(HostConfig, network_mode, "NetworkMode", 0),
        JSON_PORT_MAP(HostConfig, port_bindings, "PortBindings", JSON_NONNULL),
        JSON_STRUCT(HostConfig, restart_policy, RestartPolicy, "RestartPolicy", 0),
        JSON_BOOL(HostConfig, auto_remove, "AutoRemove", 0),
        JSON_STRING(HostConfig, volume_driver, "VolumeDriver", 0),
        JSON_STRV(HostConfig, volumes_from, "VolumesFrom", 0),
        JSON_INT64_ARRAY(HostConfig, console_size, "ConsoleSize", 0),
        JSON_STRING_MAP(HostConfig, annotations, "Annotations", JSON_OMITEMPTY, .since = 43),
        JSON_STRV(HostConfig, cap_add, "CapAdd", JSON_STRING_OR_LIST),
        JSON_STRV(HostConfig, cap_drop, "CapDrop", JSON_STRING_OR_LIST),
        JSON_STRING(HostConfig, cgroupns_mode, "CgroupnsMode", 0),
        JSON_STRV(HostConfig, dns, "Dns", 0),
        JSON_STRV(HostConfig, dns_options, "DnsOptions", 0),
        JSON_STRV(HostConfig, dns_search, "DnsSearch", 0),
        JSON_STRV(HostConfig, extra_hosts, "ExtraHosts", 0),
        JSON_STRV(HostConfig, group_add, "GroupAdd", 0),
        JSON_STRING(HostConfig, ipc_mode, "IpcMode", 0),
        JSON_STRING(HostConfig, cgroup, "Cgroup", 0),
        JSON_STRV(HostConfig, links, "Links", 0),
        JSON_INT64(HostConfig, oom_score_adj, "OomScoreAdj", 0),
        JSON_STRING(HostConfig, pid_mode, "PidMode", 0),
        JSON_BOOL(HostConfig, privileged, "Privileged", 0),
        JSON_BOOL(HostConfig, publish_all_ports, "PublishAllPorts", 0),
        JSON_BOOL(HostConfig, readonly_rootfs, "ReadonlyRootfs", 0),
        JSON_STRV(HostConfig, security_opt, "SecurityOpt", 0),
        JSON_STRING_MAP(HostConfig, storage_opt, "StorageOpt", JSON_OMITEMPTY),
        JSON_STRING_MAP(HostConfig, tmpfs, "Tmpfs", JSON_OMITEMPTY),
        JSON_STRING(HostConfig, uts_mode, "UTSMode", 0),
        JSON_STRING(HostConfig, userns_mode, "UsernsMode", 0),
        JSON_INT64(HostConfig, shm_size, "ShmSize", 0),
        JSON_STRING_MAP(HostConfig, sysctls, "Sysctls", JSON_OMITEMPTY),
        JSON_STRING(HostConfig, runtime, "Runtime", JSON_OMITEMPTY),
        JSON_STRING(HostConfig, isolation, "Isolation", 0),
        JSON_INLINE(HostConfig, resources, ContainerResources, 0),
        JSON_ARRAY(HostConfig, mounts, MountSpec, "Mounts", JSON_OMITEMPTY),
        JSON_STRV(HostConfig, masked_paths, "MaskedPaths", 0),
        JSON_STRV(HostConfig, readonly_paths, "ReadonlyPaths", 0),
        JSON_TRISTATE(HostConfig, init, "Init", JSON_OMITEMPTY),
};
JSON_TYPE(HostConfig, host_config_fields);

static const JsonField networking_config_fields[] = {
        JSON_ENDPOINTS(NetworkingConfig, endpoints_config, "EndpointsConfig", JSON_NONNULL),
};
JSON_TYPE(NetworkingConfig, networking_config_fields);

/* --- parameters --- */

static const JsonField container_create_params_fields[] = {
        JSON_STRING(ContainerCreateParams, name, "name", JSON_IN_QUERY),
        JSON_STRING(ContainerCreateParams, platform, "platform", JSON_IN_QUERY),
        JSON_INLINE(ContainerCreateParams, config, ContainerConfig, 0),
        JSON_OBJECT(ContainerCreateParams, host_config, HostConfig, "HostConfig", 0),
        JSON_OBJECT(ContainerCreateParams, networking_config, NetworkingConfig, "NetworkingConfig", 0),
};
JSON_TYPE(ContainerCreateParams, container_create_params_fields);

static const JsonField container_create_reply_fields[] = {
        JSON_STRING(ContainerCreateReply, id, "Id", 0),
        JSON_STRV(ContainerCreateReply, warnings, "Warnings", JSON_NONNULL),
};
JSON_TYPE(ContainerCreateReply, container_create_reply_fields);

static const JsonField container_list_params_fields[] = {
        JSON_BOOL(ContainerListParams, all, "all", JSON_IN_QUERY),
        JSON_INT(ContainerListParams, limit, "limit", JSON_IN_QUERY),
        JSON_BOOL(ContainerListParams, size, "size", JSON_IN_QUERY),
        JSON_FILTERS(ContainerListParams, filters, "filters", JSON_IN_QUERY),
};
JSON_TYPE(ContainerListParams, container_list_params_fields);

static const JsonField container_inspect_params_fields[] = {
        JSON_STRING(ContainerInspectParams, id, "id", JSON_IN_PATH),
        JSON_BOOL(ContainerInspectParams, size, "size", JSON_IN_QUERY),
};
JSON_TYPE(ContainerInspectParams, container_inspect_params_fields);

static const JsonField container_top_params_fields[] = {
        JSON_STRING(ContainerTopParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerTopParams, ps_args, "ps_args", JSON_IN_QUERY),
};
JSON_TYPE(ContainerTopParams, container_top_params_fields);

static const JsonField container_top_reply_fields[] = {
        JSON_STRV(ContainerTopReply, titles, "Titles", JSON_NONNULL),
        JSON_STRV_ARRAY(ContainerTopReply, processes, "Processes", JSON_NONNULL),
};
JSON_TYPE(ContainerTopReply, container_top_reply_fields);

static const JsonField container_logs_params_fields[] = {
        JSON_STRING(ContainerLogsParams, id, "id", JSON_IN_PATH),
        JSON_BOOL(ContainerLogsParams, follow, "follow", JSON_IN_QUERY),
        JSON_BOOL(ContainerLogsParams, stdout_wanted, "stdout", JSON_IN_QUERY),
        JSON_BOOL(ContainerLogsParams, stderr_wanted, "stderr", JSON_IN_QUERY),
        JSON_STRING(ContainerLogsParams, since, "since", JSON_IN_QUERY),
        JSON_STRING(ContainerLogsParams, until, "until", JSON_IN_QUERY),
        JSON_BOOL(ContainerLogsParams, timestamps, "timestamps", JSON_IN_QUERY),
        JSON_STRING(ContainerLogsParams, tail, "tail", JSON_IN_QUERY),
        JSON_BOOL(ContainerLogsParams, details, "details", JSON_IN_QUERY),
};
JSON_TYPE(ContainerLogsParams, container_logs_params_fields);

static const JsonField container_resize_params_fields[] = {
        JSON_STRING(ContainerResizeParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerResizeParams, h, "h", JSON_IN_QUERY),
        JSON_STRING(ContainerResizeParams, w, "w", JSON_IN_QUERY),
};
JSON_TYPE(ContainerResizeParams, container_resize_params_fields);

static const JsonField container_start_params_fields[] = {
        JSON_STRING(ContainerStartParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerStartParams, detach_keys, "detachKeys", JSON_IN_QUERY),
        JSON_STRING(ContainerStartParams, checkpoint, "checkpoint", JSON_IN_QUERY),
        JSON_STRING(ContainerStartParams, checkpoint_dir, "checkpoint-dir", JSON_IN_QUERY),
};
JSON_TYPE(ContainerStartParams, container_start_params_fields);

static const JsonField container_stop_params_fields[] = {
        JSON_STRING(ContainerStopParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerStopParams, signal, "signal", JSON_IN_QUERY, .since = 42),
        JSON_OPTIONAL_INT(ContainerStopParams, t, "t", JSON_IN_QUERY),
};
JSON_TYPE(ContainerStopParams, container_stop_params_fields);

static const JsonField container_kill_params_fields[] = {
        JSON_STRING(ContainerKillParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerKillParams, signal, "signal", JSON_IN_QUERY),
};
JSON_TYPE(ContainerKillParams, container_kill_params_fields);

static const JsonField container_update_params_fields[] = {
        JSON_STRING(ContainerUpdateParams, id, "id", JSON_IN_PATH),
        JSON_INLINE(ContainerUpdateParams, resources, ContainerResources, 0),
        JSON_STRUCT(ContainerUpdateParams, restart_policy, RestartPolicy, "RestartPolicy", 0),
};
JSON_TYPE(ContainerUpdateParams, container_update_params_fields);

static const JsonField container_update_reply_fields[] = {
        JSON_STRV(ContainerUpdateReply, warnings, "Warnings", 0),
};
JSON_TYPE(ContainerUpdateReply, container_update_reply_fields);

static const JsonField container_pause_params_fields[] = {
        JSON_STRING(ContainerPauseParams, id, "id", JSON_IN_PATH),
};
JSON_TYPE(ContainerPauseParams, container_pause_params_fields);

static const JsonField container_rename_params_fields[] = {
        JSON_STRING(ContainerRenameParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerRenameParams, name, "name", JSON_IN_QUERY),
};
JSON_TYPE(ContainerRenameParams, container_rename_params_fields);

static const JsonField container_attach_params_fields[] = {
        JSON_STRING(ContainerAttachParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerAttachParams, detach_keys, "detachKeys", JSON_IN_QUERY),
        JSON_BOOL(ContainerAttachParams, logs, "logs", JSON_IN_QUERY),
        JSON_BOOL(ContainerAttachParams, stream, "stream", JSON_IN_QUERY),
        JSON_BOOL(ContainerAttachParams, stdin_wanted, "stdin", JSON_IN_QUERY),
        JSON_BOOL(ContainerAttachParams, stdout_wanted, "stdout", JSON_IN_QUERY),
        JSON_BOOL(ContainerAttachParams, stderr_wanted, "stderr", JSON_IN_QUERY),
};
JSON_TYPE(ContainerAttachParams, container_attach_params_fields);

static const JsonField container_wait_params_fields[] = {
        JSON_STRING(ContainerWaitParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerWaitParams, condition, "condition", JSON_IN_QUERY, .since = 30),
};
JSON_TYPE(ContainerWaitParams, container_wait_params_fields);

static const JsonField container_wait_error_fields[] = {
        JSON_STRING(ContainerWaitError, message, "Message", JSON_OMITEMPTY),
};
JSON_TYPE(ContainerWaitError, container_wait_error_fields);

static const JsonField container_wait_reply_fields[] = {
        JSON_INT64(ContainerWaitReply, status_code, "StatusCode", 0),
        JSON_OBJECT(ContainerWaitReply, error, ContainerWaitError, "Error", JSON_OMITEMPTY),
};
JSON_TYPE(ContainerWaitReply, container_wait_reply_fields);

static const JsonField container_remove_params_fields[] = {
        JSON_STRING(ContainerRemoveParams, id, "id", JSON_IN_PATH),
        JSON_BOOL(ContainerRemoveParams, v, "v", JSON_IN_QUERY),
        JSON_BOOL(ContainerRemoveParams, force, "force", JSON_IN_QUERY),
        JSON_BOOL(ContainerRemoveParams, link, "link", JSON_IN_QUERY),
};
JSON_TYPE(ContainerRemoveParams, container_remove_params_fields);

static const JsonField container_commit_params_fields[] = {
        JSON_STRING(ContainerCommitParams, container, "container", JSON_IN_QUERY),
        JSON_STRING(ContainerCommitParams, repo, "repo", JSON_IN_QUERY),
        JSON_STRING(ContainerCommitParams, tag, "tag", JSON_IN_QUERY),
        JSON_STRING(ContainerCommitParams, comment, "comment", JSON_IN_QUERY),
        JSON_STRING(ContainerCommitParams, author, "author", JSON_IN_QUERY),
        JSON_TRISTATE(ContainerCommitParams, pause, "pause", JSON_IN_QUERY),
        JSON_STRV(ContainerCommitParams, changes, "changes", JSON_IN_QUERY),
        JSON_INLINE(ContainerCommitParams, config, ContainerConfig, 0),
};
JSON_TYPE(ContainerCommitParams, container_commit_params_fields);

static const JsonField container_commit_reply_fields[] = {
        JSON_STRING(ContainerCommitReply, id, "Id", 0),
};
JSON_TYPE(ContainerCommitReply, container_commit_reply_fields);

static const JsonField container_tree_params_fields[] = {
        JSON_STRING(ContainerTreeParams, id, "id", JSON_IN_PATH),
};
JSON_TYPE(ContainerTreeParams, container_tree_params_fields);

static const JsonField container_archive_params_fields[] = {
        JSON_STRING(ContainerArchiveParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerArchiveParams, path, "path", JSON_IN_QUERY),
};
JSON_TYPE(ContainerArchiveParams, container_archive_params_fields);

static const JsonField container_extract_params_fields[] = {
        JSON_STRING(ContainerExtractParams, id, "id", JSON_IN_PATH),
        JSON_STRING(ContainerExtractParams, path, "path", JSON_IN_QUERY),
        JSON_BOOL(ContainerExtractParams, no_overwrite_dir_non_dir, "noOverwriteDirNonDir", JSON_IN_QUERY),
        JSON_BOOL(ContainerExtractParams, copy_uid_gid, "copyUIDGID", JSON_IN_QUERY),
};
JSON_TYPE(ContainerExtractParams, container_extract_params_fields);

static const JsonField container_path_stat_fields[] = {
        JSON_STRING(ContainerPathStat, name, "name", 0),
        JSON_INT64(ContainerPathStat, size, "size", 0),
        JSON_INT64(ContainerPathStat, mode, "mode", 0),
        JSON_STRING(ContainerPathStat, mtime, "mtime", 0),
        JSON_STRING(ContainerPathStat, link_target, "linkTarget", 0),
};
JSON_TYPE(ContainerPathStat, container_path_stat_fields);

static const JsonField filesystem_change_fields[] = {
        JSON_STRING(FilesystemChange, path, "Path", 0),
        JSON_INT(FilesystemChange, kind, "Kind", 0),
};
JSON_TYPE(FilesystemChange, filesystem_change_fields);

static const JsonField container_prune_params_fields[] = {
        JSON_FILTERS(ContainerPruneParams, filters, "filters", JSON_IN_QUERY),
};
JSON_TYPE(ContainerPruneParams, container_prune_params_fields);

static const JsonField container_prune_reply_fields[] = {
        JSON_STRV(ContainerPruneReply, containers_deleted, "ContainersDeleted", 0),
        JSON_INT64(ContainerPruneReply, space_reclaimed, "SpaceReclaimed", 0),
};
JSON_TYPE(ContainerPruneReply, container_prune_reply_fields);

/* --- inspect --- */

static const JsonField container_state_view_fields[] = {
        JSON_STRING(ContainerStateView, status, "Status", 0),
        JSON_BOOL(ContainerStateView, running, "Running", 0),
        JSON_BOOL(ContainerStateView, paused, "Paused", 0),
        JSON_BOOL(ContainerStateView, restarting, "Restarting", 0),
        JSON_BOOL(ContainerStateView, oom_killed, "OOMKilled", 0),
        JSON_BOOL(ContainerStateView, dead, "Dead", 0),
        JSON_INT64(ContainerStateView, pid, "Pid", 0),
        JSON_INT64(ContainerStateView, exit_code, "ExitCode", 0),
        JSON_STRING(ContainerStateView, error, "Error", 0),
        JSON_TIME(ContainerStateView, started_at, "StartedAt", 0),
        JSON_TIME(ContainerStateView, finished_at, "FinishedAt", 0),
        JSON_OBJECT(ContainerStateView, health, Health, "Health", JSON_OMITEMPTY),
};
JSON_TYPE(ContainerStateView, container_state_view_fields);

static const JsonField graph_driver_fields[] = {
        JSON_STRING_MAP(GraphDriver, data, "Data", 0),
        JSON_STRING(GraphDriver, name, "Name", 0),
};
JSON_TYPE(GraphDriver, graph_driver_fields);

static const JsonField mount_point_fields[] = {
        JSON_STRING(MountPoint, type, "Type", JSON_OMITEMPTY),
        JSON_STRING(MountPoint, name, "Name", JSON_OMITEMPTY),
        JSON_STRING(MountPoint, source, "Source", 0),
        JSON_STRING(MountPoint, destination, "Destination", 0),
        JSON_STRING(MountPoint, driver, "Driver", JSON_OMITEMPTY),
        JSON_STRING(MountPoint, mode, "Mode", 0),
        JSON_BOOL(MountPoint, rw, "RW", 0),
        JSON_STRING(MountPoint, propagation, "Propagation", 0),
};
JSON_TYPE(MountPoint, mount_point_fields);

static const JsonField network_settings_fields[] = {
        JSON_STRING(NetworkSettings, bridge, "Bridge", 0),
        JSON_STRING(NetworkSettings, sandbox_id, "SandboxID", 0),
        JSON_STRING(NetworkSettings, sandbox_key, "SandboxKey", 0),
        JSON_PORT_MAP(NetworkSettings, ports, "Ports", JSON_NONNULL),
        JSON_BOOL(NetworkSettings, hairpin_mode, "HairpinMode", 0),
        JSON_STRING(NetworkSettings, link_local_ipv6_address, "LinkLocalIPv6Address", 0),
        JSON_INT64(NetworkSettings, link_local_ipv6_prefix_len, "LinkLocalIPv6PrefixLen", 0),
        JSON_STRV(NetworkSettings, secondary_ip_addresses, "SecondaryIPAddresses", 0),
        JSON_STRV(NetworkSettings, secondary_ipv6_addresses, "SecondaryIPv6Addresses", 0),
        JSON_STRING(NetworkSettings, endpoint_id, "EndpointID", 0),
        JSON_STRING(NetworkSettings, gateway, "Gateway", 0),
        JSON_STRING(NetworkSettings, global_ipv6_address, "GlobalIPv6Address", 0),
        JSON_INT64(NetworkSettings, global_ipv6_prefix_len, "GlobalIPv6PrefixLen", 0),
        JSON_STRING(NetworkSettings, ip_address, "IPAddress", 0),
        JSON_INT64(NetworkSettings, ip_prefix_len, "IPPrefixLen", 0),
        JSON_STRING(NetworkSettings, ipv6_gateway, "IPv6Gateway", 0),
        JSON_STRING(NetworkSettings, mac_address, "MacAddress", 0),
        JSON_ENDPOINTS(NetworkSettings, networks, "Networks", JSON_NONNULL),
};
JSON_TYPE(NetworkSettings, network_settings_fields);

static const JsonField container_inspect_fields[] = {
        JSON_STRING(ContainerInspect, id, "Id", 0),
        JSON_TIME(ContainerInspect, created, "Created", 0),
        JSON_STRING(ContainerInspect, path, "Path", 0),
        JSON_STRV(ContainerInspect, args, "Args", JSON_NONNULL),
        JSON_STRUCT(ContainerInspect, state, ContainerStateView, "State", 0),
        JSON_STRING(ContainerInspect, image, "Image", 0),
        JSON_STRING(ContainerInspect, resolv_conf_path, "ResolvConfPath", 0),
        JSON_STRING(ContainerInspect, hostname_path, "HostnamePath", 0),
        JSON_STRING(ContainerInspect, hosts_path, "HostsPath", 0),
        JSON_STRING(ContainerInspect, log_path, "LogPath", 0),
        JSON_STRING(ContainerInspect, name, "Name", 0),
        JSON_INT64(ContainerInspect, restart_count, "RestartCount", 0),
        JSON_STRING(ContainerInspect, driver, "Driver", 0),
        JSON_STRING(ContainerInspect, platform, "Platform", 0),
        JSON_STRING(ContainerInspect, mount_label, "MountLabel", 0),
        JSON_STRING(ContainerInspect, process_label, "ProcessLabel", 0),
        JSON_STRING(ContainerInspect, app_armor_profile, "AppArmorProfile", 0),
        JSON_STRV(ContainerInspect, exec_ids, "ExecIDs", 0),
        JSON_STRUCT(ContainerInspect, host_config, HostConfig, "HostConfig", 0),
        JSON_STRUCT(ContainerInspect, graph_driver, GraphDriver, "GraphDriver", 0),
        JSON_OPTIONAL_INT(ContainerInspect, size_rw, "SizeRw", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT(ContainerInspect, size_root_fs, "SizeRootFs", JSON_OMITEMPTY),
        JSON_ARRAY(ContainerInspect, mounts, MountPoint, "Mounts", JSON_NONNULL),
        JSON_STRUCT(ContainerInspect, config, ContainerConfig, "Config", 0),
        JSON_STRUCT(ContainerInspect, network_settings, NetworkSettings, "NetworkSettings", 0),
};
JSON_TYPE(ContainerInspect, container_inspect_fields);

/* --- list --- */

static const JsonField summary_host_config_fields[] = {
        JSON_STRING(SummaryHostConfig, network_mode, "NetworkMode", JSON_OMITEMPTY),
        JSON_STRING_MAP(SummaryHostConfig, annotations, "Annotations", JSON_OMITEMPTY, .since = 46),
};
JSON_TYPE(SummaryHostConfig, summary_host_config_fields);

static const JsonField summary_networks_fields[] = {
        JSON_ENDPOINTS(SummaryNetworks, networks, "Networks", JSON_NONNULL),
};
JSON_TYPE(SummaryNetworks, summary_networks_fields);

static const JsonField container_summary_fields[] = {
        JSON_STRING(ContainerSummary, id, "Id", 0),
        JSON_STRV(ContainerSummary, names, "Names", JSON_NONNULL),
        JSON_STRING(ContainerSummary, image, "Image", 0),
        JSON_STRING(ContainerSummary, image_id, "ImageID", 0),
        JSON_STRING(ContainerSummary, command, "Command", 0),
        JSON_INT64(ContainerSummary, created, "Created", 0),
        JSON_ARRAY(ContainerSummary, ports, PortSummary, "Ports", JSON_NONNULL),
        JSON_OPTIONAL_INT(ContainerSummary, size_rw, "SizeRw", JSON_OMITEMPTY),
        JSON_OPTIONAL_INT(ContainerSummary, size_root_fs, "SizeRootFs", JSON_OMITEMPTY),
        JSON_STRING_MAP(ContainerSummary, labels, "Labels", JSON_NONNULL),
        JSON_STRING(ContainerSummary, state, "State", 0),
        JSON_STRING(ContainerSummary, status, "Status", 0),
        JSON_STRUCT(ContainerSummary, host_config, SummaryHostConfig, "HostConfig", 0),
        JSON_STRUCT(ContainerSummary, network_settings, SummaryNetworks, "NetworkSettings", 0),
        JSON_ARRAY(ContainerSummary, mounts, MountPoint, "Mounts", JSON_NONNULL),
};
JSON_TYPE(ContainerSummary, container_summary_fields);

void container_summary_list_done(ContainerSummaryList *l) {
        for (size_t i = 0; i < l->n_items; i++)
                json_done(&ContainerSummary_json, l->items + i);
        free(l->items);
        *l = (ContainerSummaryList) {};
}
