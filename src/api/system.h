/* SPDX-License-Identifier: Apache-2.0 */
/* System resources of the Docker API (v1.51: SystemVersion, SystemInfo, EventMessage). No logic. */
#pragma once

#include "json/json-type.h"

/* GET /version */
typedef struct ComponentVersion {
        char *name;
        char *version;
        StringMap details;
} ComponentVersion;
JSON_TYPE_DECLARE(ComponentVersion);

typedef struct SystemPlatform {
        char *name;
} SystemPlatform;
JSON_TYPE_DECLARE(SystemPlatform);

typedef struct SystemVersion {
        SystemPlatform platform;
        struct {
                ComponentVersion *items;
                size_t n_items;
        } components;
        char *version;
        char *api_version, *min_api_version;
        char *git_commit;
        char *go_version;
        char *os, *arch;
        char *kernel_version;
        bool experimental;
        char *build_time;
} SystemVersion;
JSON_TYPE_DECLARE(SystemVersion);
DEFINE_JSON_CLEANUP(SystemVersion)

/* GET /_ping answers "OK"; the bus shows these. */
typedef struct SystemPing {
        char *api_version;
        char *os_type;
        bool experimental;
        char *builder_version;
} SystemPing;
JSON_TYPE_DECLARE(SystemPing);

/* GET /info */
typedef struct SystemPlugins {
        char **volume, **network, **authorization, **log;
} SystemPlugins;
JSON_TYPE_DECLARE(SystemPlugins);

typedef struct RuntimeInfo {
        char *path;
        char **runtime_args;
        StringMap status;
} RuntimeInfo;
JSON_TYPE_DECLARE(RuntimeInfo);

typedef struct RuntimeInfoEntry {
        char *key;
        RuntimeInfo value;
} RuntimeInfoEntry;

typedef struct SwarmInfo {
        char *node_id, *node_addr;
        char *local_node_state;
        bool control_available;
        char *error;
        char **remote_managers;
} SwarmInfo;
JSON_TYPE_DECLARE(SwarmInfo);

typedef struct CommitInfo {
        char *id;
        char *expected;                 /* until 1.48 */
} CommitInfo;
JSON_TYPE_DECLARE(CommitInfo);

typedef struct IndexInfo {
        char *name;
        char **mirrors;
        bool secure;
        bool official;
} IndexInfo;
JSON_TYPE_DECLARE(IndexInfo);

typedef struct IndexInfoEntry {
        char *key;
        IndexInfo value;
} IndexInfoEntry;

typedef struct RegistryServiceConfig {
        char **insecure_registry_cidrs;
        struct {
                IndexInfoEntry *items;
                size_t n_items;
        } index_configs;
        char **mirrors;
} RegistryServiceConfig;
JSON_TYPE_DECLARE(RegistryServiceConfig);

typedef struct AddressPoolInfo {
        char *base;
        int64_t size;
} AddressPoolInfo;
JSON_TYPE_DECLARE(AddressPoolInfo);

typedef struct FirewallInfo {
        char *driver;
} FirewallInfo;
JSON_TYPE_DECLARE(FirewallInfo);

typedef struct SystemInfo {
        char *id;
        int64_t containers, containers_running, containers_paused, containers_stopped;
        int64_t images;
        char *driver;
        struct {
                char ***items;
                size_t n_items;
        } driver_status;
        SystemPlugins plugins;
        bool memory_limit, swap_limit;
        bool cpu_cfs_period, cpu_cfs_quota, cpu_shares, cpu_set, pids_limit;
        bool ipv4_forwarding;
        bool bridge_nf_iptables, bridge_nf_ip6tables;   /* until 1.49 */
        bool debug;
        int64_t n_fd;
        bool oom_kill_disable;
        int64_t n_goroutines;           /* ours: event sources do not exist in Go; always 1 */
        char *system_time;
        char *logging_driver;
        char *cgroup_driver, *cgroup_version;
        int64_t n_events_listener;
        char *kernel_version, *operating_system, *os_version, *os_type, *architecture;
        char *index_server_address;
        RegistryServiceConfig registry_config;
        int64_t n_cpu;
        int64_t mem_total;              /* bytes */
        char **generic_resources;
        char *docker_root_dir;
        char *http_proxy, *https_proxy, *no_proxy;
        char *name;
        char **labels;
        bool experimental_build;
        char *server_version;
        struct {
                RuntimeInfoEntry *items;
                size_t n_items;
        } runtimes;
        char *default_runtime;
        SwarmInfo swarm;
        bool live_restore_enabled;
        char *isolation;
        char *init_binary;
        CommitInfo containerd_commit, runc_commit, init_commit;
        char **security_options;
        struct {
                AddressPoolInfo *items;
                size_t n_items;
        } default_address_pools;
        FirewallInfo firewall_backend;
        char **cdi_spec_dirs;
        char **warnings;
} SystemInfo;
JSON_TYPE_DECLARE(SystemInfo);
DEFINE_JSON_CLEANUP(SystemInfo)

/* GET /events */
typedef struct SystemEventsParams {
        char *since, *until;
        Filters filters;
} SystemEventsParams;
JSON_TYPE_DECLARE(SystemEventsParams);
