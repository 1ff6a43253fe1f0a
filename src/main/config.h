/* SPDX-License-Identifier: Apache-2.0 */
/* The whole configuration of the process: what daemon.json and the command line say, merged, checked and
 * normalised. For main/ only; other layers get EngineConfig and its parts. */
#pragma once

#include "basic/error.h"
#include "engine/engine-config.h"

#define CONFIG_FILE_DEFAULT "/etc/docker/daemon.json"
#define CONFIG_OPTIONS_MAX 128U

/* Options whose feature comes later: parsed and checked so that a wrong value is told as such, refused
 * when set. */
typedef struct ConfigLater {
        char **authorization_plugins;
        char **cdi_spec_dirs;
        int64_t cpu_rt_period, cpu_rt_runtime;
        bool cri_containerd;
        char *metrics_addr;
        int network_diagnostic_port;
        char **node_generic_resources;
        char *nri_opts;
        bool rootless;
        bool selinux_enabled;
        char *swarm_default_advertise_addr;
        int swarm_raft_heartbeat_tick, swarm_raft_election_tick;
        char *userland_proxy_path;
        char *userns_remap;
        char *builder_json;
} ConfigLater;

typedef struct Config {
        EngineConfig engine;

        char *pidfile;
        char *group;
        char *log_level;                /* panic, fatal, error, warn, info, debug, trace */
        char *log_format;               /* text, json */
        bool raw_logs;                  /* our text log never has colours: nothing to switch off */
        char *tls_ca_file, *tls_cert_file, *tls_key_file;
        char *default_init;             /* what init-path falls back to */
        char *host_gateway_ip;          /* the old key of host-gateway-ips */
        bool restart;                   /* -r, deprecated and without effect upstream as well */

        ConfigLater later;

        /* Verbs of the command line. */
        bool help, version, validate, check, repair, clean, clean_data;
        char *dump_options;

        /* Where each option's value comes from, by its index in option_table[]. */
        uint8_t source[CONFIG_OPTIONS_MAX];
        char **warnings;                /* to be logged once the log is set up */
} Config;

typedef enum ConfigSource {
        CONFIG_SOURCE_DEFAULT,
        CONFIG_SOURCE_FILE,
        CONFIG_SOURCE_FLAG,
} ConfigSource;

/* All defaults of the table, nothing else. */
int config_new(Config **ret);
Config *config_free(Config *c);
DEFINE_TRIVIAL_CLEANUP_FUNC(Config *, config_free);

/* The whole way: defaults, daemon.json, flags, normalise, validate, refuse what is not there yet. With
 * --help, --version or a dump verb the file is not read. The message needs no prefix. */
int config_load(int argc, char *const *argv, Config **ret, Error *reterr);

/* The steps of config_load(), for it and for tests. */
int config_apply_file(Config *c, const char *text, size_t size, const Config *flags, Error *reterr);
int config_normalise(Config *c, Error *reterr);
int config_validate(const Config *c, Error *reterr);
int config_refuse_unsupported(const Config *c, Error *reterr);

/* UTF-8 with or without byte order mark, UTF-16 with one; the result is valid UTF-8 without the mark,
 * NUL-terminated. */
int config_decode_text(const char *data, size_t size, char **ret, size_t *ret_size, Error *reterr);
