/* SPDX-License-Identifier: Apache-2.0 */
#include "api/stats.h"

static const JsonField container_stats_params_fields[] = {
        JSON_STRING(ContainerStatsParams, id, "id", JSON_IN_PATH),
        JSON_TRISTATE(ContainerStatsParams, stream, "stream", JSON_IN_QUERY),
        JSON_BOOL(ContainerStatsParams, one_shot, "one-shot", JSON_IN_QUERY, .since = 41),
};
JSON_TYPE(ContainerStatsParams, container_stats_params_fields);

static const JsonField pids_stats_fields[] = {
        JSON_UINT64(PidsStats, current, "current", JSON_OMITEMPTY),
        JSON_UINT64(PidsStats, limit, "limit", JSON_OMITEMPTY),
};
JSON_TYPE(PidsStats, pids_stats_fields);

static const JsonField blkio_entry_fields[] = {
        JSON_UINT64(BlkioEntry, major, "major", 0),
        JSON_UINT64(BlkioEntry, minor, "minor", 0),
        JSON_STRING(BlkioEntry, op, "op", 0),
        JSON_UINT64(BlkioEntry, value, "value", 0),
};
JSON_TYPE(BlkioEntry, blkio_entry_fields);

static const JsonField blkio_stats_fields[] = {
        JSON_ARRAY(BlkioStats, io_service_bytes, BlkioEntry, "io_service_bytes_recursive", 0),
        JSON_ARRAY(BlkioStats, io_serviced, BlkioEntry, "io_serviced_recursive", 0),
        JSON_ARRAY(BlkioStats, io_queued, BlkioEntry, "io_queue_recursive", 0),
        JSON_ARRAY(BlkioStats, io_service_time, BlkioEntry, "io_service_time_recursive", 0),
        JSON_ARRAY(BlkioStats, io_wait_time, BlkioEntry, "io_wait_time_recursive", 0),
        JSON_ARRAY(BlkioStats, io_merged, BlkioEntry, "io_merged_recursive", 0),
        JSON_ARRAY(BlkioStats, io_time, BlkioEntry, "io_time_recursive", 0),
        JSON_ARRAY(BlkioStats, sectors, BlkioEntry, "sectors_recursive", 0),
};
JSON_TYPE(BlkioStats, blkio_stats_fields);

static const JsonField storage_stats_fields[] = {
        JSON_UINT64(StorageStats, read_count, "read_count_normalized", JSON_OMITEMPTY),
        JSON_UINT64(StorageStats, read_size, "read_size_bytes", JSON_OMITEMPTY),
        JSON_UINT64(StorageStats, write_count, "write_count_normalized", JSON_OMITEMPTY),
        JSON_UINT64(StorageStats, write_size, "write_size_bytes", JSON_OMITEMPTY),
};
JSON_TYPE(StorageStats, storage_stats_fields);

static const JsonField cpu_usage_fields[] = {
        JSON_UINT64(CpuUsage, total, "total_usage", 0),
        JSON_INT64_ARRAY(CpuUsage, per_cpu, "percpu_usage", JSON_OMITEMPTY),
        JSON_UINT64(CpuUsage, kernel_mode, "usage_in_kernelmode", 0),
        JSON_UINT64(CpuUsage, user_mode, "usage_in_usermode", 0),
};
JSON_TYPE(CpuUsage, cpu_usage_fields);

static const JsonField throttling_data_fields[] = {
        JSON_UINT64(ThrottlingData, periods, "periods", 0),
        JSON_UINT64(ThrottlingData, throttled_periods, "throttled_periods", 0),
        JSON_UINT64(ThrottlingData, throttled_time, "throttled_time", 0),
};
JSON_TYPE(ThrottlingData, throttling_data_fields);

static const JsonField cpu_stats_fields[] = {
        JSON_STRUCT(CpuStats, usage, CpuUsage, "cpu_usage", 0),
        JSON_UINT64(CpuStats, system_usage, "system_cpu_usage", JSON_OMITEMPTY),
        JSON_UINT64(CpuStats, online_cpus, "online_cpus", JSON_OMITEMPTY),
        JSON_STRUCT(CpuStats, throttling, ThrottlingData, "throttling_data", 0),
};
JSON_TYPE(CpuStats, cpu_stats_fields);

static const JsonField memory_stats_fields[] = {
        JSON_UINT64(MemoryStats, usage, "usage", JSON_OMITEMPTY),
        JSON_UINT64(MemoryStats, max_usage, "max_usage", JSON_OMITEMPTY),
        JSON_NUMBER_MAP(MemoryStats, stats, NumberEntry, "stats", JSON_OMITEMPTY),
        JSON_UINT64(MemoryStats, failcnt, "failcnt", JSON_OMITEMPTY),
        JSON_UINT64(MemoryStats, limit, "limit", JSON_OMITEMPTY),
};
JSON_TYPE(MemoryStats, memory_stats_fields);

static const JsonField network_stats_fields[] = {
        JSON_UINT64(NetworkStats, rx_bytes, "rx_bytes", 0),
        JSON_UINT64(NetworkStats, rx_packets, "rx_packets", 0),
        JSON_UINT64(NetworkStats, rx_errors, "rx_errors", 0),
        JSON_UINT64(NetworkStats, rx_dropped, "rx_dropped", 0),
        JSON_UINT64(NetworkStats, tx_bytes, "tx_bytes", 0),
        JSON_UINT64(NetworkStats, tx_packets, "tx_packets", 0),
        JSON_UINT64(NetworkStats, tx_errors, "tx_errors", 0),
        JSON_UINT64(NetworkStats, tx_dropped, "tx_dropped", 0),
};
JSON_TYPE(NetworkStats, network_stats_fields);

static const JsonField container_stats_fields[] = {
        JSON_STRING(ContainerStats, name, "name", JSON_OMITEMPTY),
        JSON_STRING(ContainerStats, id, "id", JSON_OMITEMPTY),
        JSON_TIME(ContainerStats, read, "read", 0),
        JSON_TIME(ContainerStats, preread, "preread", 0),
        JSON_STRUCT(ContainerStats, pids, PidsStats, "pids_stats", 0),
        JSON_STRUCT(ContainerStats, blkio, BlkioStats, "blkio_stats", 0),
        JSON_UINT64(ContainerStats, num_procs, "num_procs", 0),
        JSON_STRUCT(ContainerStats, storage, StorageStats, "storage_stats", 0),
        JSON_STRUCT(ContainerStats, cpu, CpuStats, "cpu_stats", 0),
        JSON_STRUCT(ContainerStats, precpu, CpuStats, "precpu_stats", 0),
        JSON_STRUCT(ContainerStats, memory, MemoryStats, "memory_stats", 0),
        JSON_MAP(ContainerStats, networks, NetworkStatsEntry, NetworkStats, "networks", JSON_OMITEMPTY),
};
JSON_TYPE(ContainerStats, container_stats_fields);
