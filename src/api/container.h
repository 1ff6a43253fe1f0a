/* SPDX-License-Identifier: Apache-2.0 */
/* Container resources of the Docker API (v1.51, definitions ContainerConfig, HostConfig,
 * ContainerInspectResponse, ContainerSummary) and the parameters of their calls. Structs and field tables in
 * Docker's order; no logic. */
#pragma once

#include "api/network.h"
#include "json/json-type.h"

/* --- ContainerConfig: what the image's author decides
 * ----------------------------------------------------------- */

typedef struct HealthConfig {
        char **test;
        int64_t interval, timeout, start_period, start_interval;        /* nanoseconds */
        int64_t retries;
} HealthConfig;
JSON_TYPE_DECLARE(HealthConfig);

/* What a health check has found; recorded with the container, too. */
typedef struct HealthResult {
        nsec_t start, end;
        int64_t exit_code;              /* -1: it took too long, or could not be run */
        char *output;
} HealthResult;
JSON_TYPE_DECLARE(HealthResult);

typedef struct Health {
        char *status;                   /* "starting", "healthy", "unhealthy" */
        int64_t failing_streak;
        struct {
                HealthResult *items;    /* the oldest first */
                size_t n_items;
        } log;
} Health;
JSON_TYPE_DECLARE(Health);

typedef struct ContainerConfig {
        char *hostname;
        char *domainname;
        char *user;
        bool attach_stdin, attach_stdout, attach_stderr;
        char **exposed_ports;
        bool tty;
        bool open_stdin;
        bool stdin_once;
        char **env;
        char **cmd;
        HealthConfig *healthcheck;
        bool args_escaped;
        char *image;
        char **volumes;
        char *working_dir;
        char **entrypoint;
        bool network_disabled;
        char *mac_address;              /* until 1.43 */
        char **on_build;
        StringMap labels;
        char *stop_signal;
        OptionalInt stop_timeout;       /* seconds, -1 = wait for ever */
        char **shell;
} ContainerConfig;
JSON_TYPE_DECLARE(ContainerConfig);

/* --- HostConfig: what the user of this host decides
 * ------------------------------------------------------------- */

typedef struct LogConfig {
        char *type;
        StringMap config;
} LogConfig;
JSON_TYPE_DECLARE(LogConfig);

typedef struct RestartPolicy {
        char *name;                     /* "", "no", "always", "unless-stopped", "on-failure" */
        int64_t maximum_retry_count;
} RestartPolicy;
JSON_TYPE_DECLARE(RestartPolicy);

typedef struct WeightDevice {
        char *path;
        int64_t weight;
} WeightDevice;
JSON_TYPE_DECLARE(WeightDevice);

typedef struct ThrottleDevice {
        char *path;
        uint64_t rate;                  /* bytes or operations per second */
} ThrottleDevice;
JSON_TYPE_DECLARE(ThrottleDevice);

typedef struct DeviceMapping {
        char *path_on_host;
        char *path_in_container;
        char *cgroup_permissions;
} DeviceMapping;
JSON_TYPE_DECLARE(DeviceMapping);

typedef struct DeviceRequest {
        char *driver;
        int64_t count;
        char **device_ids;
        struct {
                char ***items;
                size_t n_items;
        } capabilities;
        StringMap options;
} DeviceRequest;
JSON_TYPE_DECLARE(DeviceRequest);

typedef struct Ulimit {
        char *name;
        int64_t hard, soft;
} Ulimit;
JSON_TYPE_DECLARE(Ulimit);

typedef struct ThrottleDeviceList {
        ThrottleDevice *items;
        size_t n_items;
} ThrottleDeviceList;

typedef struct ContainerResources {
        int64_t cpu_shares;
        int64_t memory;                 /* bytes */
        int64_t nano_cpus;
        char *cgroup_parent;
        int64_t blkio_weight;
        struct {
                WeightDevice *items;
                size_t n_items;
        } blkio_weight_device;
        ThrottleDeviceList blkio_device_read_bps, blkio_device_write_bps, blkio_device_read_iops,
                        blkio_device_write_iops;
        int64_t cpu_period, cpu_quota;  /* microseconds */
        int64_t cpu_realtime_period, cpu_realtime_runtime;
        char *cpuset_cpus, *cpuset_mems;
        struct {
                DeviceMapping *items;
                size_t n_items;
        } devices;
        char **device_cgroup_rules;
        struct {
                DeviceRequest *items;
                size_t n_items;
        } device_requests;
        int64_t kernel_memory, kernel_memory_tcp;
        int64_t memory_reservation;
        int64_t memory_swap;            /* memory + swap; -1 = unlimited swap */
        OptionalInt memory_swappiness;  /* 0..100, -1 = not set */
        Tristate oom_kill_disable;
        OptionalInt pids_limit;         /* 0, -1 = unlimited */
        struct {
                Ulimit *items;
                size_t n_items;
        } ulimits;
        int64_t cpu_count, cpu_percent;
        uint64_t io_maximum_iops, io_maximum_bandwidth;
} ContainerResources;
JSON_TYPE_DECLARE(ContainerResources);

typedef struct BindOptions {
        char *propagation;
        bool non_recursive;
        bool create_mountpoint;
        bool read_only_non_recursive;
        bool read_only_force_recursive;
} BindOptions;
JSON_TYPE_DECLARE(BindOptions);

typedef struct VolumeDriverConfig {
        char *name;
        StringMap options;
} VolumeDriverConfig;
JSON_TYPE_DECLARE(VolumeDriverConfig);

typedef struct VolumeOptions {
        bool no_copy;
        StringMap labels;
        char *subpath;
        VolumeDriverConfig *driver_config;
} VolumeOptions;
JSON_TYPE_DECLARE(VolumeOptions);

typedef struct TmpfsOptions {
        int64_t size_bytes;
        int64_t mode;
        struct {
                char ***items;
                size_t n_items;
        } options;
} TmpfsOptions;
JSON_TYPE_DECLARE(TmpfsOptions);

typedef struct ImageOptions {
        char *subpath;
} ImageOptions;
JSON_TYPE_DECLARE(ImageOptions);

typedef struct MountSpec {
        char *type;                     /* "bind", "volume", "tmpfs", "npipe", "cluster", "image" */
        char *source;
        char *target;
        bool read_only;
        char *consistency;
        BindOptions *bind_options;
        VolumeOptions *volume_options;
        TmpfsOptions *tmpfs_options;
        ImageOptions *image_options;
} MountSpec;
JSON_TYPE_DECLARE(MountSpec);

typedef struct HostConfig {
        char **binds;
        char *container_id_file;
        LogConfig log_config;
        char *network_mode;
        struct {
                PortMapEntry *items;
                size_t n_items;
        } port_bindings;
        RestartPolicy restart_policy;
        bool auto_remove;
        char *volume_driver;
        char **volumes_from;
        struct {
                int64_t *items;         /* rows, columns */
                size_t n_items;
        } console_size;
        StringMap annotations;
        char **cap_add, **cap_drop;
        char *cgroupns_mode;
        char **dns, **dns_options, **dns_search;
        char **extra_hosts;
        char **group_add;
        char *ipc_mode;
        char *cgroup;
        char **links;
        int64_t oom_score_adj;
        char *pid_mode;
        bool privileged;
        bool publish_all_ports;
        bool readonly_rootfs;
        char **security_opt;
        StringMap storage_opt;
        StringMap tmpfs;
        char *uts_mode;
        char *userns_mode;
        int64_t shm_size;               /* bytes */
        StringMap sysctls;
        char *runtime;
        char *isolation;
        ContainerResources resources;
        struct {
                MountSpec *items;
                size_t n_items;
        } mounts;
        char **masked_paths, **readonly_paths;
        Tristate init;
} HostConfig;
JSON_TYPE_DECLARE(HostConfig);
DEFINE_JSON_CLEANUP(HostConfig)

typedef struct NetworkingConfig {
        struct {
                EndpointSettingsEntry *items;
                size_t n_items;
        } endpoints_config;
} NetworkingConfig;
JSON_TYPE_DECLARE(NetworkingConfig);

/* --- parameters of the calls
 * ------------------------------------------------------------------------------------ */

/* POST /containers/create */
typedef struct ContainerCreateParams {
        char *name;
        char *platform;
        ContainerConfig config;
        HostConfig *host_config;
        NetworkingConfig *networking_config;
        unsigned version;               /* minor API version of the request; not in the document */
} ContainerCreateParams;
JSON_TYPE_DECLARE(ContainerCreateParams);

typedef struct ContainerCreateReply {
        char *id;
        char **warnings;
} ContainerCreateReply;
JSON_TYPE_DECLARE(ContainerCreateReply);

/* GET /containers/json */
typedef struct ContainerListParams {
        bool all;
        int limit;                      /* last created ones; <= 0 = no limit */
        bool size;
        Filters filters;
} ContainerListParams;
JSON_TYPE_DECLARE(ContainerListParams);

/* GET /containers/{id}/json */
typedef struct ContainerInspectParams {
        char *id;
        bool size;
} ContainerInspectParams;
JSON_TYPE_DECLARE(ContainerInspectParams);

typedef struct ContainerTopParams {
        char *id;
        char *ps_args;                  /* NULL = "-ef" */
} ContainerTopParams;
JSON_TYPE_DECLARE(ContainerTopParams);

typedef struct ContainerTopReply {
        char **titles;
        struct {
                char ***items;
                size_t n_items;
        } processes;
} ContainerTopReply;
JSON_TYPE_DECLARE(ContainerTopReply);

typedef struct ContainerLogsParams {
        char *id;
        bool follow;
        bool stdout_wanted, stderr_wanted;
        char *since, *until;            /* seconds[.fraction] or RFC 3339; "" and "0" = open */
        bool timestamps;
        char *tail;                     /* "all", "" or a number */
        bool details;
} ContainerLogsParams;
JSON_TYPE_DECLARE(ContainerLogsParams);

typedef struct ContainerResizeParams {
        char *id;
        char *h, *w;                    /* checked by the call, with Docker's words */
} ContainerResizeParams;
JSON_TYPE_DECLARE(ContainerResizeParams);

typedef struct ContainerStartParams {
        char *id;
        char *detach_keys;
        char *checkpoint;
        char *checkpoint_dir;
} ContainerStartParams;
JSON_TYPE_DECLARE(ContainerStartParams);

/* stop and restart */
typedef struct ContainerStopParams {
        char *id;
        char *signal;
        OptionalInt t;                  /* seconds, -1 = wait for ever */
} ContainerStopParams;
JSON_TYPE_DECLARE(ContainerStopParams);

typedef struct ContainerKillParams {
        char *id;
        char *signal;
} ContainerKillParams;
JSON_TYPE_DECLARE(ContainerKillParams);

/* POST /containers/{id}/update */
typedef struct ContainerUpdateParams {
        char *id;
        ContainerResources resources;
        RestartPolicy restart_policy;
} ContainerUpdateParams;
JSON_TYPE_DECLARE(ContainerUpdateParams);

typedef struct ContainerUpdateReply {
        char **warnings;
} ContainerUpdateReply;
JSON_TYPE_DECLARE(ContainerUpdateReply);

/* pause and unpause */
typedef struct ContainerPauseParams {
        char *id;
} ContainerPauseParams;
JSON_TYPE_DECLARE(ContainerPauseParams);

typedef struct ContainerRenameParams {
        char *id;
        char *name;
} ContainerRenameParams;
JSON_TYPE_DECLARE(ContainerRenameParams);

typedef struct ContainerAttachParams {
        char *id;
        char *detach_keys;
        bool logs, stream;
        bool stdin_wanted, stdout_wanted, stderr_wanted;
} ContainerAttachParams;
JSON_TYPE_DECLARE(ContainerAttachParams);

typedef struct ContainerWaitParams {
        char *id;
        char *condition;                /* "not-running" (default), "next-exit", "removed" */
} ContainerWaitParams;
JSON_TYPE_DECLARE(ContainerWaitParams);

typedef struct ContainerWaitError {
        char *message;
} ContainerWaitError;
JSON_TYPE_DECLARE(ContainerWaitError);

typedef struct ContainerWaitReply {
        int64_t status_code;
        ContainerWaitError *error;
} ContainerWaitReply;
JSON_TYPE_DECLARE(ContainerWaitReply);

typedef struct ContainerRemoveParams {
        char *id;
        bool v;
        bool force;
        bool link;
} ContainerRemoveParams;
JSON_TYPE_DECLARE(ContainerRemoveParams);

/* POST /commit */
typedef struct ContainerCommitParams {
        char *container;
        char *repo, *tag;
        char *comment;
        char *author;
        Tristate pause;                 /* absent = true */
        char **changes;                 /* Dockerfile instructions */
        ContainerConfig config;         /* what the image has otherwise than the container */
} ContainerCommitParams;
JSON_TYPE_DECLARE(ContainerCommitParams);

typedef struct ContainerCommitReply {
        char *id;
} ContainerCommitReply;
JSON_TYPE_DECLARE(ContainerCommitReply);

/* GET /containers/{id}/export and /changes */
typedef struct ContainerTreeParams {
        char *id;
} ContainerTreeParams;
JSON_TYPE_DECLARE(ContainerTreeParams);

/* /containers/{id}/archive */
typedef struct ContainerArchiveParams {
        char *id;
        char *path;
} ContainerArchiveParams;
JSON_TYPE_DECLARE(ContainerArchiveParams);

typedef struct ContainerExtractParams {
        char *id;
        char *path;
        bool no_overwrite_dir_non_dir;
        bool copy_uid_gid;
} ContainerExtractParams;
JSON_TYPE_DECLARE(ContainerExtractParams);

/* X-Docker-Container-Path-Stat */
typedef struct ContainerPathStat {
        char *name;
        int64_t size;
        int64_t mode;                   /* as Go's os.FileMode */
        char *mtime;                    /* RFC 3339 with nanoseconds; any year, other than a nsec_t */
        char *link_target;              /* of a link: where it leads to in the end */
} ContainerPathStat;
JSON_TYPE_DECLARE(ContainerPathStat);
DEFINE_JSON_CLEANUP(ContainerPathStat);

typedef struct FilesystemChange {
        char *path;
        int kind;                       /* 0 = modified, 1 = added, 2 = deleted */
} FilesystemChange;
JSON_TYPE_DECLARE(FilesystemChange);

typedef struct ContainerPruneParams {
        Filters filters;
} ContainerPruneParams;
JSON_TYPE_DECLARE(ContainerPruneParams);

typedef struct ContainerPruneReply {
        char **containers_deleted;
        int64_t space_reclaimed;
} ContainerPruneReply;
JSON_TYPE_DECLARE(ContainerPruneReply);
DEFINE_JSON_CLEANUP(ContainerPruneReply)

/* --- replies: inspect
 * ------------------------------------------------------------------------------------------- */

typedef struct ContainerStateView {
        char *status;
        bool running, paused, restarting, oom_killed, dead;
        int64_t pid;
        int64_t exit_code;
        char *error;
        nsec_t started_at, finished_at;
        Health *health;                 /* NULL: it was never checked */
} ContainerStateView;
JSON_TYPE_DECLARE(ContainerStateView);

typedef struct GraphDriver {
        StringMap data;
        char *name;
} GraphDriver;
JSON_TYPE_DECLARE(GraphDriver);

typedef struct MountPoint {
        char *type;
        char *name;
        char *source;
        char *destination;
        char *driver;
        char *mode;
        bool rw;
        char *propagation;
} MountPoint;
JSON_TYPE_DECLARE(MountPoint);

typedef struct MountPointList {
        MountPoint *items;
        size_t n_items;
} MountPointList;

typedef struct NetworkSettings {
        char *bridge;
        char *sandbox_id, *sandbox_key;
        struct {
                PortMapEntry *items;
                size_t n_items;
        } ports;
        bool hairpin_mode;
        char *link_local_ipv6_address;
        int64_t link_local_ipv6_prefix_len;
        char **secondary_ip_addresses, **secondary_ipv6_addresses;
        char *endpoint_id, *gateway, *global_ipv6_address;
        int64_t global_ipv6_prefix_len;
        char *ip_address;
        int64_t ip_prefix_len;
        char *ipv6_gateway, *mac_address;
        struct {
                EndpointSettingsEntry *items;
                size_t n_items;
        } networks;
} NetworkSettings;
JSON_TYPE_DECLARE(NetworkSettings);

typedef struct ContainerInspect {
        char *id;
        nsec_t created;
        char *path;
        char **args;
        ContainerStateView state;
        char *image;                    /* id */
        char *resolv_conf_path, *hostname_path, *hosts_path, *log_path;
        char *name;                     /* with the slash */
        int64_t restart_count;
        char *driver, *platform;
        char *mount_label, *process_label, *app_armor_profile;
        char **exec_ids;
        HostConfig host_config;
        GraphDriver graph_driver;
        OptionalInt size_rw, size_root_fs;
        MountPointList mounts;
        ContainerConfig config;
        NetworkSettings network_settings;
} ContainerInspect;
JSON_TYPE_DECLARE(ContainerInspect);
DEFINE_JSON_CLEANUP(ContainerInspect)

/* --- replies: list
 * ---------------------------------------------------------------------------------------------- */

typedef struct SummaryHostConfig {
        char *network_mode;
        StringMap annotations;
} SummaryHostConfig;
JSON_TYPE_DECLARE(SummaryHostConfig);

typedef struct SummaryNetworks {
        struct {
                EndpointSettingsEntry *items;
                size_t n_items;
        } networks;
} SummaryNetworks;
JSON_TYPE_DECLARE(SummaryNetworks);

typedef struct ContainerSummary {
        char *id;
        char **names;
        char *image, *image_id;
        char *command;
        int64_t created;                /* seconds since 1970 */
        struct {
                PortSummary *items;
                size_t n_items;
        } ports;
        OptionalInt size_rw, size_root_fs;
        StringMap labels;
        char *state, *status;
        SummaryHostConfig host_config;
        SummaryNetworks network_settings;
        MountPointList mounts;
} ContainerSummary;
JSON_TYPE_DECLARE(ContainerSummary);
DEFINE_JSON_CLEANUP(ContainerSummary)

typedef struct ContainerSummaryList {
        ContainerSummary *items;
        size_t n_items, n_allocated;
} ContainerSummaryList;
void container_summary_list_done(ContainerSummaryList *l);
DEFINE_CLEANUP_DONE(ContainerSummaryList, container_summary_list_done);
