/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine is told at its birth and at a reload: plain data, owned by main/, borrowed by the
 * engine. The engine hands the parts down to the layers below. main/config.h (the whole command line) is
 * for main/ only. */
#pragma once

#include "api/daemon-config.h"

typedef struct EngineConfig {
        char *data_root;                /* absolute, canonical, exists (phase "root") */
        char *exec_root;                /* the same; a private bind mount of itself */
        char *config_file;              /* path of daemon.json as used */

        bool debug;
        bool experimental;
        bool live_restore;              /* shown in /info; containers always outlive us */
        char **labels;                  /* "key=value", no conflicts */
        char **features;                /* map name=true|false */
        char **hosts;                   /* normalised -H list, sorted; for /info's warnings */
        bool tls, tls_verify;
        char *min_api_version;          /* "1.24" */
        int shutdown_timeout;           /* seconds */

        DaemonContainerConfig container;
        DaemonRuntimeConfig runtime;
        DaemonStorageConfig storage;
        DaemonRegistryConfig registry;
        DaemonNetworkConfig network;
} EngineConfig;
