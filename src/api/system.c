/* SPDX-License-Identifier: Apache-2.0 */
#include "api/system.h"

static const JsonField component_version_fields[] = {
        JSON_STRING(ComponentVersion, name, "Name", 0),
        JSON_STRING(ComponentVersion, version, "Version", 0),
        JSON_STRING_MAP(ComponentVersion, details, "Details", JSON_OMITEMPTY),
};
JSON_TYPE(ComponentVersion, component_version_fields);

static const JsonField system_platform_fields[] = {
        JSON_STRING(SystemPlatform, name, "Name", 0),
};
JSON_TYPE(SystemPlatform, system_platform_fields);

static const JsonField system_version_fields[] = {
        JSON_STRUCT(SystemVersion, platform, SystemPlatform, "Platform", 0, .since = 35),
        JSON_ARRAY(SystemVersion, components, ComponentVersion, "Components", JSON_OMITEMPTY, .since = 35),
        JSON_STRING(SystemVersion, version, "Version", 0),
        JSON_STRING(SystemVersion, api_version, "ApiVersion", 0),
        JSON_STRING(SystemVersion, min_api_version, "MinAPIVersion", JSON_OMITEMPTY),
        JSON_STRING(SystemVersion, git_commit, "GitCommit", 0),
        JSON_STRING(SystemVersion, go_version, "GoVersion", 0),
        JSON_STRING(SystemVersion, os, "Os", 0),
        JSON_STRING(SystemVersion, arch, "Arch", 0),
        JSON_STRING(SystemVersion, kernel_version, "KernelVersion", JSON_OMITEMPTY),
        JSON_BOOL(SystemVersion, experimental, "Experimental", JSON_OMITEMPTY),
        JSON_STRING(SystemVersion, build_time, "BuildTime", JSON_OMITEMPTY),
};
JSON_TYPE(SystemVersion, system_version_fields);

static const JsonField system_ping_fields[] = {
        JSON_STRING(SystemPing, api_version, "ApiVersion", 0),
        JSON_STRING(SystemPing, os_type, "OSType", 0),
        JSON_BOOL(SystemPing, experimental, "Experimental", 0),
        JSON_STRING(SystemPing, builder_version, "BuilderVersion", 0),
};
JSON_TYPE(SystemPing, system_ping_fields);

static const JsonField system_plugins_fields[] = {
        JSON_STRV(SystemPlugins, volume, "Volume", JSON_NONNULL),
        JSON_STRV(SystemPlugins, network, "Network", JSON_NONNULL),
        JSON_STRV(SystemPlugins, authorization, "Authorization", 0),
        JSON_STRV(SystemPlugins, log, "Log", JSON_NONNULL),
};
JSON_TYPE(SystemPlugins, system_plugins_fields);

static const JsonField runtime_info_fields[] = {
        JSON_STRING(RuntimeInfo, path, "path", JSON_OMITEMPTY),
        JSON_STRV(RuntimeInfo, runtime_args, "runtimeArgs", JSON_OMITEMPTY),
        JSON_STRING_MAP(RuntimeInfo, status, "status", JSON_OMITEMPTY, .since = 46),
};
JSON_TYPE(RuntimeInfo, runtime_info_fields);

static const JsonField swarm_info_fields[] = {
        JSON_STRING(SwarmInfo, node_id, "NodeID", 0),
        JSON_STRING(SwarmInfo, node_addr, "NodeAddr", 0),
        JSON_STRING(SwarmInfo, local_node_state, "LocalNodeState", 0),
        JSON_BOOL(SwarmInfo, control_available, "ControlAvailable", 0),
        JSON_STRING(SwarmInfo, error, "Error", 0),
        JSON_STRV(SwarmInfo, remote_managers, "RemoteManagers", 0),
};
JSON_TYPE(SwarmInfo, swarm_info_fields);

static const JsonField commit_info_fields[] = {
        JSON_STRING(CommitInfo, id, "ID", 0),
        JSON_STRING(CommitInfo, expected, "Expected", JSON_OMITEMPTY, .until = 48),
};
JSON_TYPE(CommitInfo, commit_info_fields);

static const JsonField index_info_fields[] = {
        JSON_STRING(IndexInfo, name, "Name", 0),
        JSON_STRV(IndexInfo, mirrors, "Mirrors", JSON_NONNULL),
        JSON_BOOL(IndexInfo, secure, "Secure", 0),
        JSON_BOOL(IndexInfo, official, "Official", 0),
};
JSON_TYPE(IndexInfo, index_info_fields);

static const JsonField registry_service_config_fields[] = {
        JSON_STRV(RegistryServiceConfig, insecure_registry_cidrs, "InsecureRegistryCIDRs", JSON_NONNULL),
        JSON_MAP(RegistryServiceConfig, index_configs, IndexInfoEntry, IndexInfo, "IndexConfigs",
                 JSON_NONNULL),
        JSON_STRV(RegistryServiceConfig, mirrors, "Mirrors", 0),
};
JSON_TYPE(RegistryServiceConfig, registry_service_config_fields);

static const JsonField address_pool_info_fields[] = {
        JSON_STRING(AddressPoolInfo, base, "Base", 0),
        JSON_INT64(AddressPoolInfo, size, "Size", 0),
};
JSON_TYPE(AddressPoolInfo, address_pool_info_fields);

static const JsonField firewall_info_fields[] = {
        JSON_STRING(FirewallInfo, driver, "Driver", 0),
};
JSON_TYPE(FirewallInfo, firewall_info_fields);

static const JsonField system_info_fields[] = {
        JSON_STRING(SystemInfo, id, "ID", 0),
        JSON_INT64(SystemInfo, containers, "Containers", 0),
        JSON_INT64(SystemInfo, containers_running, "ContainersRunning", 0),
        JSON_INT64(SystemInfo, containers_paused, "ContainersPaused", 0),
        JSON_INT64(SystemInfo, containers_stopped, "ContainersStopped", 0),
        JSON_INT64(SystemInfo, images, "Images", 0),
        JSON_STRING(SystemInfo, driver, "Driver", 0),
        JSON_STRV_ARRAY(SystemInfo, driver_status, "DriverStatus", JSON_NONNULL),
        JSON_STRUCT(SystemInfo, plugins, SystemPlugins, "Plugins", 0),
        JSON_BOOL(SystemInfo, memory_limit, "MemoryLimit", 0),
        JSON_BOOL(SystemInfo, swap_limit, "SwapLimit", 0),
        JSON_BOOL(SystemInfo, cpu_cfs_period, "CpuCfsPeriod", 0),
        JSON_BOOL(SystemInfo, cpu_cfs_quota, "CpuCfsQuota", 0),
        JSON_BOOL(SystemInfo, cpu_shares, "CPUShares", 0),
        JSON_BOOL(SystemInfo, cpu_set, "CPUSet", 0),
        JSON_BOOL(SystemInfo, pids_limit, "PidsLimit", 0),
        JSON_BOOL(SystemInfo, ipv4_forwarding, "IPv4Forwarding", 0),
        JSON_BOOL(SystemInfo, bridge_nf_iptables, "BridgeNfIptables", 0, .until = 49),
        JSON_BOOL(SystemInfo, bridge_nf_ip6tables, "BridgeNfIp6tables", 0, .until = 49),
        JSON_BOOL(SystemInfo, debug, "Debug", 0),
        JSON_INT64(SystemInfo, n_fd, "NFd", 0),
        JSON_BOOL(SystemInfo, oom_kill_disable, "OomKillDisable", 0),
        JSON_INT64(SystemInfo, n_goroutines, "NGoroutines", 0),
        JSON_STRING(SystemInfo, system_time, "SystemTime", 0),
        JSON_STRING(SystemInfo, logging_driver, "LoggingDriver", 0),
        JSON_STRING(SystemInfo, cgroup_driver, "CgroupDriver", 0),
        JSON_STRING(SystemInfo, cgroup_version, "CgroupVersion", JSON_OMITEMPTY),
        JSON_INT64(SystemInfo, n_events_listener, "NEventsListener", 0),
        JSON_STRING(SystemInfo, kernel_version, "KernelVersion", 0),
        JSON_STRING(SystemInfo, operating_system, "OperatingSystem", 0),
        JSON_STRING(SystemInfo, os_version, "OSVersion", 0),
        JSON_STRING(SystemInfo, os_type, "OSType", 0),
        JSON_STRING(SystemInfo, architecture, "Architecture", 0),
        JSON_STRING(SystemInfo, index_server_address, "IndexServerAddress", 0),
        JSON_STRUCT(SystemInfo, registry_config, RegistryServiceConfig, "RegistryConfig", 0),
        JSON_INT64(SystemInfo, n_cpu, "NCPU", 0),
        JSON_INT64(SystemInfo, mem_total, "MemTotal", 0),
        JSON_STRV(SystemInfo, generic_resources, "GenericResources", 0),
        JSON_STRING(SystemInfo, docker_root_dir, "DockerRootDir", 0),
        JSON_STRING(SystemInfo, http_proxy, "HttpProxy", 0),
        JSON_STRING(SystemInfo, https_proxy, "HttpsProxy", 0),
        JSON_STRING(SystemInfo, no_proxy, "NoProxy", 0),
        JSON_STRING(SystemInfo, name, "Name", 0),
        JSON_STRV(SystemInfo, labels, "Labels", JSON_NONNULL),
        JSON_BOOL(SystemInfo, experimental_build, "ExperimentalBuild", 0),
        JSON_STRING(SystemInfo, server_version, "ServerVersion", 0),
        JSON_MAP(SystemInfo, runtimes, RuntimeInfoEntry, RuntimeInfo, "Runtimes", JSON_NONNULL),
        JSON_STRING(SystemInfo, default_runtime, "DefaultRuntime", 0),
        JSON_STRUCT(SystemInfo, swarm, SwarmInfo, "Swarm", 0),
        JSON_BOOL(SystemInfo, live_restore_enabled, "LiveRestoreEnabled", 0),
        JSON_STRING(SystemInfo, isolation, "Isolation", 0),
        JSON_STRING(SystemInfo, init_binary, "InitBinary", 0),
        JSON_STRUCT(SystemInfo, containerd_commit, CommitInfo, "ContainerdCommit", 0),
        JSON_STRUCT(SystemInfo, runc_commit, CommitInfo, "RuncCommit", 0),
        JSON_STRUCT(SystemInfo, init_commit, CommitInfo, "InitCommit", 0),
        JSON_STRV(SystemInfo, security_options, "SecurityOptions", JSON_NONNULL),
        JSON_ARRAY(SystemInfo, default_address_pools, AddressPoolInfo, "DefaultAddressPools",
                   JSON_OMITEMPTY),
        JSON_STRUCT(SystemInfo, firewall_backend, FirewallInfo, "FirewallBackend", 0, .since = 49),
        JSON_STRV(SystemInfo, cdi_spec_dirs, "CDISpecDirs", JSON_NONNULL, .since = 44),
        JSON_STRV(SystemInfo, warnings, "Warnings", 0),
};
JSON_TYPE(SystemInfo, system_info_fields);

static const JsonField system_events_params_fields[] = {
        JSON_STRING(SystemEventsParams, since, "since", JSON_IN_QUERY),
        JSON_STRING(SystemEventsParams, until, "until", JSON_IN_QUERY),
        JSON_FILTERS(SystemEventsParams, filters, "filters", JSON_IN_QUERY),
};
JSON_TYPE(SystemEventsParams, system_events_params_fields);
