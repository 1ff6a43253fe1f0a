/* SPDX-License-Identifier: Apache-2.0 */
/* What daemon.json and the command line decide, as plain data by area, for the layers that obey it. Filled,
 * checked and freed by main/ alone; everybody else borrows it read-only and copies what must outlive a
 * reload.
 *
 * Every string may be NULL (not given). String vectors may be NULL or empty. "map" vectors hold
 * "key=value" (strv_env_get). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum DaemonSupervisor {
        DAEMON_SUPERVISOR_AUTO,         /* systemd where PID 1 is systemd and its bus answers, else direct */
        DAEMON_SUPERVISOR_SYSTEMD,
        DAEMON_SUPERVISOR_DIRECT,
        _DAEMON_SUPERVISOR_MAX,
        _DAEMON_SUPERVISOR_INVALID = -1,
} DaemonSupervisor;

/* default-ulimits */
typedef struct DaemonUlimit {
        char *name;                     /* "nofile" */
        int64_t soft, hard;             /* -1 = unlimited */
} DaemonUlimit;

typedef struct DaemonUlimitList {
        DaemonUlimit *items;
        size_t n_items;
} DaemonUlimitList;

/* runtimes, add-runtime */
typedef struct DaemonRuntime {
        char *name;
        char *path;                     /* program name or absolute path; NULL if type is set */
        char **args;                    /* runtimeArgs */
        char *type;                     /* runtimeType: a containerd shim; refused where it is used */
        char *options_json;             /* options as JSON text, for the containerd shim */
} DaemonRuntime;

typedef struct DaemonRuntimeList {
        DaemonRuntime *items;
        size_t n_items;
} DaemonRuntimeList;

/* default-address-pools */
typedef struct DaemonAddressPool {
        char *base;                     /* CIDR, checked */
        unsigned size;                  /* prefix length of each network cut from it */
} DaemonAddressPool;

typedef struct DaemonAddressPoolList {
        DaemonAddressPool *items;
        size_t n_items;
} DaemonAddressPoolList;

/* What a new container gets where its request says nothing. */
typedef struct DaemonContainerConfig {
        char *cgroup_parent;            /* systemd supervisor: a slice; direct: a path below the mount */
        char *cgroupns_mode;            /* "private" or "host"; NULL = private on cgroup v2, host on v1 */
        char *ipc_mode;                 /* "private" or "shareable" */
        uint64_t shm_size;              /* bytes */
        int stop_timeout;               /* seconds; -1 = wait for ever */
        int start_timeout;              /* seconds the OCI runtime has; 0 = no limit */
        DaemonUlimitList ulimits;
        bool init;                      /* run an init (tini) as PID 1 */
        char *init_path;                /* NULL = docker-init, tini-static or tini in libexecdir and PATH */
        bool no_new_privileges;
        char *seccomp_profile;          /* "builtin", "unconfined", or the path of a profile */
        char *log_driver;               /* never NULL: "json-file", "none", ... */
        char **log_opts;                /* map */
} DaemonContainerConfig;

typedef struct DaemonRuntimeConfig {
        DaemonRuntimeList runtimes;
        char *default_runtime;          /* NULL = not given: crun where it is found and works, else runc;
                                         * "runc" and "crun" need no entry in runtimes */
        char **exec_opts;               /* map, as given (native.cgroupdriver, native.supervisor) */
        char *cgroup_driver;            /* "systemd", "cgroupfs" or NULL = follows the supervisor */
        DaemonSupervisor supervisor;
        char *containerd;               /* address; kept, not needed for crun and runc */
        char *containerd_namespace;
        char *containerd_plugins_namespace;
} DaemonRuntimeConfig;

typedef struct DaemonStorageConfig {
        char *driver;                   /* NULL = overlay2 where the file system can carry it, else vfs */
        char **opts;                    /* map */
} DaemonStorageConfig;

typedef struct DaemonRegistryConfig {
        char **mirrors;                 /* normalised URLs with a final slash */
        char **insecure;                /* host, host:port or CIDR; 127.0.0.0/8 and ::1/128 always are */
        int max_concurrent_downloads;   /* all three: >= 1 */
        int max_concurrent_uploads;
        int max_download_attempts;
        char *http_proxy, *https_proxy, *no_proxy;      /* may hold passwords: redact before showing */
} DaemonRegistryConfig;

typedef struct DaemonNetworkConfig {
        char *bridge;                   /* NULL = docker0 of our own; "none" = no default bridge; else one
                                         * that exists */
        char *bip, *bip6;               /* CIDR: address and prefix of the bridge */
        char *fixed_cidr, *fixed_cidr_v6;
        char *default_gateway, *default_gateway_v6;
        DaemonAddressPoolList address_pools;
        char **default_network_opts;    /* "driver=key=value" */
        char **dns, **dns_opts, **dns_search;
        char **host_gateway_ips;        /* at most one IPv4 and one IPv6 */
        char *ip;                       /* default bind address of published ports; NULL = 0.0.0.0 */
        char *resolv_conf;              /* NULL = /etc/resolv.conf, or what is behind resolved's stub */
        bool icc;
        bool ip_forward, ip_forward_no_drop;
        bool ip_masq;
        bool iptables, ip6tables;       /* false = no firewall rules for IPv4/IPv6 */
        bool ipv6;
        bool allow_direct_routing;
        char *bridge_accept_fwmark;     /* "mark" or "mark/mask" */
        char *firewall_backend;         /* NULL or "nftables" */
        char *firewall_policy;          /* NULL, "docker" or "host": whether the host's firewall is opened */
        int mtu;                        /* > 0 */
        bool mtu_given;                 /* false: 1500, or less where the default route has less */
        int control_plane_mtu;
        bool userland_proxy;            /* there is no proxy process; HairpinNat and /info only */
} DaemonNetworkConfig;
