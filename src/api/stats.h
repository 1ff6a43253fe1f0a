/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses (Docker API v1.51, definition ContainerStatsResponse). Structs and field tables; no
 * logic. */
#pragma once

#include "json/json-type.h"

/* GET /containers/{id}/stats */
typedef struct ContainerStatsParams {
        char *id;
        Tristate stream;                /* absent = true */
        bool one_shot;
} ContainerStatsParams;
JSON_TYPE_DECLARE(ContainerStatsParams);

typedef struct PidsStats {
        uint64_t current, limit;
} PidsStats;
JSON_TYPE_DECLARE(PidsStats);

typedef struct BlkioEntry {
        uint64_t major, minor;
        char *op;
        uint64_t value;
} BlkioEntry;
JSON_TYPE_DECLARE(BlkioEntry);

/* items == NULL: null, this host does not count it. */
typedef struct BlkioEntryList {
        BlkioEntry *items;
        size_t n_items;
} BlkioEntryList;

typedef struct BlkioStats {
        BlkioEntryList io_service_bytes, io_serviced, io_queued, io_service_time, io_wait_time, io_merged,
                        io_time, sectors;
} BlkioStats;
JSON_TYPE_DECLARE(BlkioStats);

/* Of other platforms: always empty here. */
typedef struct StorageStats {
        uint64_t read_count, read_size, write_count, write_size;
} StorageStats;
JSON_TYPE_DECLARE(StorageStats);

typedef struct CpuUsage {
        uint64_t total;                 /* nanoseconds, as all of these */
        struct {
                int64_t *items;
                size_t n_items;
        } per_cpu;                      /* v1 only */
        uint64_t kernel_mode, user_mode;
} CpuUsage;
JSON_TYPE_DECLARE(CpuUsage);

typedef struct ThrottlingData {
        uint64_t periods, throttled_periods, throttled_time;
} ThrottlingData;
JSON_TYPE_DECLARE(ThrottlingData);

typedef struct CpuStats {
        CpuUsage usage;
        uint64_t system_usage;          /* of the whole host */
        uint64_t online_cpus;
        ThrottlingData throttling;
} CpuStats;
JSON_TYPE_DECLARE(CpuStats);

typedef struct NumberEntry {
        char *key;
        uint64_t value;
} NumberEntry;

typedef struct MemoryStats {
        uint64_t usage, max_usage;
        struct {
                NumberEntry *items;
                size_t n_items;
        } stats;
        uint64_t failcnt, limit;
} MemoryStats;
JSON_TYPE_DECLARE(MemoryStats);

typedef struct NetworkStats {
        uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
        uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
} NetworkStats;
JSON_TYPE_DECLARE(NetworkStats);

typedef struct NetworkStatsEntry {
        char *key;                      /* interface in the container */
        NetworkStats value;
} NetworkStatsEntry;

typedef struct ContainerStats {
        char *name;                     /* with the slash */
        char *id;
        nsec_t read, preread;
        PidsStats pids;
        BlkioStats blkio;
        uint64_t num_procs;             /* of another platform */
        StorageStats storage;
        CpuStats cpu, precpu;
        MemoryStats memory;
        struct {
                NetworkStatsEntry *items;
                size_t n_items;
        } networks;
} ContainerStats;
JSON_TYPE_DECLARE(ContainerStats);
DEFINE_JSON_CLEANUP(ContainerStats)
