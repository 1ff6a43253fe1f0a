/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of every engine call; faces name them in their own rows. */
#pragma once

#include "engine/call.h"

/* system */
extern const EngineCall engine_call_system_ping;
extern const EngineCall engine_call_system_version;
extern const EngineCall engine_call_system_info;
extern const EngineCall engine_call_system_events;
extern const EngineCall engine_call_system_disk_usage;

/* containers */
extern const EngineCall engine_call_container_list;
extern const EngineCall engine_call_container_create;
extern const EngineCall engine_call_container_inspect;
extern const EngineCall engine_call_container_top;
extern const EngineCall engine_call_container_logs;
extern const EngineCall engine_call_container_stats;
extern const EngineCall engine_call_container_resize;
extern const EngineCall engine_call_container_start;
extern const EngineCall engine_call_container_stop;
extern const EngineCall engine_call_container_restart;
extern const EngineCall engine_call_container_kill;
extern const EngineCall engine_call_container_update;
extern const EngineCall engine_call_container_pause;
extern const EngineCall engine_call_container_unpause;
extern const EngineCall engine_call_container_rename;
extern const EngineCall engine_call_container_attach;
extern const EngineCall engine_call_container_wait;
extern const EngineCall engine_call_container_remove;
extern const EngineCall engine_call_container_prune;
extern const EngineCall engine_call_container_export;
extern const EngineCall engine_call_container_changes;
extern const EngineCall engine_call_container_commit;
extern const EngineCall engine_call_container_stat_path;
extern const EngineCall engine_call_container_archive;
extern const EngineCall engine_call_container_extract;

/* commands in containers */
extern const EngineCall engine_call_exec_create;
extern const EngineCall engine_call_exec_start;
extern const EngineCall engine_call_exec_resize;
extern const EngineCall engine_call_exec_inspect;

/* images */
extern const EngineCall engine_call_image_list;
extern const EngineCall engine_call_image_inspect;
extern const EngineCall engine_call_image_history;
extern const EngineCall engine_call_image_create;       /* import from the request's body; pull is refused by
                                                         * name */
extern const EngineCall engine_call_image_load;
extern const EngineCall engine_call_image_save;
extern const EngineCall engine_call_image_tag;
extern const EngineCall engine_call_image_remove;
extern const EngineCall engine_call_image_prune;
extern const EngineCall engine_call_image_push;

/* registries */
extern const EngineCall engine_call_registry_login;
extern const EngineCall engine_call_registry_inspect;
extern const EngineCall engine_call_registry_search;

/* networks */
extern const EngineCall engine_call_network_list;
extern const EngineCall engine_call_network_inspect;
extern const EngineCall engine_call_network_create;
extern const EngineCall engine_call_network_remove;
extern const EngineCall engine_call_network_connect;
extern const EngineCall engine_call_network_disconnect;
extern const EngineCall engine_call_network_prune;

/* volumes: a list that is empty until volumes exist, since clients ask for it */
extern const EngineCall engine_call_build_prune;
extern const EngineCall engine_call_volume_list;
extern const EngineCall engine_call_volume_create;
extern const EngineCall engine_call_volume_inspect;
extern const EngineCall engine_call_volume_remove;
extern const EngineCall engine_call_volume_prune;

/* All of them, for the checks of documentation and policy. NULL-terminated. */
extern const EngineCall *const engine_calls[];
