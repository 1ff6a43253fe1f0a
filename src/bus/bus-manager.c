/* SPDX-License-Identifier: Apache-2.0 */
/* org.dockerd1.Manager: its rows, its properties, and the signal that carries every event of the engine. */
#include "config.h"

#include "basic/log.h"
#include "basic/string-util.h"
#include "bus/bus-internal.h"

static const BusRow manager_rows[] = {
        BUS_CALL("Ping", "", "", "a{sv}", "answer", system_ping),
        BUS_CALL("GetVersion", "", "", "a{sv}", "version", system_version),
        BUS_CALL("GetInfo", "", "", "a{sv}", "info", system_info),
        BUS_CALL("GetDiskUsage", "a{sv}", "options", "a{sv}", "usage", system_disk_usage),
        BUS_CALL("GetEvents", "a{sv}", "options", "hs", "stream format", system_events),

        BUS_CALL("ListContainers", "a{sv}", "options", "aa{sv}", "containers", container_list),
        BUS_CALL("GetContainer", "s", "name=id", "o", "container=Id", container_inspect),
        BUS_CALL("CreateContainer", "sa{sv}", "name config", "oas", "container=Id warnings=Warnings",
                 container_create),
        BUS_CALL("CreateContainerFromJSON", "ss", "name config=*", "oas", "container=Id warnings=Warnings",
                 container_create),
        BUS_CALL("StartContainer", "sa{sv}", "name=id options", "", "", container_start),
        BUS_CALL("StopContainer", "sa{sv}", "name=id options", "", "", container_stop),
        BUS_CALL("RestartContainer", "sa{sv}", "name=id options", "", "", container_restart),
        BUS_CALL("KillContainer", "ss", "name=id signal", "", "", container_kill),
        BUS_CALL("UpdateContainer", "sa{sv}", "name=id options", "as", "warnings=Warnings",
                 container_update),
        BUS_CALL("PauseContainer", "s", "name=id", "", "", container_pause),
        BUS_CALL("UnpauseContainer", "s", "name=id", "", "", container_unpause),
        BUS_CALL("RenameContainer", "ss", "name=id new_name=name", "", "", container_rename),
        BUS_CALL("RemoveContainer", "sa{sv}", "name=id options", "", "", container_remove),
        BUS_CALL("WaitContainer", "ss", "name=id condition", "xs",
                 "exit_code=StatusCode error=Error.Message", container_wait),
        BUS_CALL("InspectContainer", "s", "name=id", "a{sv}", "details", container_inspect),
        BUS_CALL("ExportContainer", "s", "name=id", "hs", "stream format", container_export),
        BUS_CALL("GetContainerChanges", "s", "name=id", "hs", "stream format", container_changes),
        BUS_CALL("GetContainerStats", "sa{sv}", "name=id options", "hs", "stream format", container_stats),
        BUS_CALL("CommitContainer", "sa{sv}", "name=container options", "o", "image=Id", container_commit),
        BUS_CALL("StatContainerPath", "ss", "name=id path", "a{sv}", "details", container_stat_path),
        BUS_CALL("GetContainerArchive", "ss", "name=id path", "hs", "stream format", container_archive),
        BUS_CALL("PutContainerArchive", "ssha{sv}", "name=id path archive options", "", "",
                 container_extract),
        BUS_CALL("PruneContainers", "a{sv}", "options", "a{sv}", "report", container_prune),
        BUS_CALL("CreateExec", "sasa{sv}", "container=id command=Cmd options", "s", "exec=Id", exec_create),
        BUS_CALL("StartExec", "s", "exec=id", "", "", exec_start, .defaults = "{\"Detach\":true}"),
        BUS_CALL("AttachExec", "sa{sv}", "exec=id options", "hs", "connection format", exec_start),
        BUS_CALL("ResizeExec", "suu", "exec=id height=h width=w", "", "", exec_resize),
        BUS_CALL("InspectExec", "s", "exec=id", "a{sv}", "details", exec_inspect),

        BUS_CALL("ListImages", "a{sv}", "options", "aa{sv}", "images", image_list),
        BUS_CALL("GetImage", "s", "name", "o", "image=Id", image_inspect),
        BUS_CALL("InspectImage", "s", "name", "a{sv}", "details", image_inspect),
        BUS_CALL("GetImageHistory", "s", "name", "aa{sv}", "layers", image_history),
        BUS_CALL("ImportImage", "ha{sv}", "archive options", "aa{sv}", "messages", image_create,
                 .defaults = "{\"fromSrc\":\"-\"}"),
        BUS_CALL("PullImage", "sa{sv}", "reference=fromImage options", "o", "operation", image_create,
                 .operation = "pull"),
        BUS_CALL("PushImage", "sa{sv}", "repository=name options", "o", "operation", image_push,
                 .operation = "push"),
        BUS_CALL("LoadImage", "ha{sv}", "archive options", "aa{sv}", "messages", image_load),
        BUS_CALL("SaveImages", "asa{sv}", "names options", "hs", "stream format", image_save),
        BUS_CALL("TagImage", "sss", "name repository=repo tag", "", "", image_tag),
        BUS_CALL("RemoveImage", "sa{sv}", "name options", "aa{sv}", "removed", image_remove),
        BUS_CALL("PruneImages", "a{sv}", "options", "a{sv}", "report", image_prune),
        BUS_CALL("PruneBuildCache", "a{sv}", "options", "a{sv}", "report", build_prune),

        BUS_CALL("CheckRegistryLogin", "a{sv}", "credentials", "a{sv}", "answer", registry_login),
        BUS_CALL("InspectDistribution", "sa{sv}", "name options", "a{sv}", "details", registry_inspect),
        BUS_CALL("SearchImages", "sa{sv}", "term options", "aa{sv}", "repositories", registry_search),

        BUS_CALL("ListNetworks", "a{sv}", "options", "aa{sv}", "networks", network_list),
        BUS_CALL("InspectNetwork", "s", "name=id", "a{sv}", "details", network_inspect),
        BUS_CALL("CreateNetwork", "sa{sv}", "name=Name options", "s", "network=Id", network_create),
        BUS_CALL("RemoveNetwork", "s", "name=id", "", "", network_remove),
        BUS_CALL("ConnectNetwork", "ssa{sv}", "name=id container=Container options", "", "",
                 network_connect),
        BUS_CALL("DisconnectNetwork", "ssa{sv}", "name=id container=Container options", "", "",
                 network_disconnect),
        BUS_CALL("PruneNetworks", "a{sv}", "options", "a{sv}", "report", network_prune),
        BUS_CALL("ListVolumes", "a{sv}", "options", "a{sv}", "volumes", volume_list),
        BUS_CALL("CreateVolume", "sa{sv}", "name=Name options", "a{sv}", "details", volume_create),
        BUS_CALL("InspectVolume", "s", "name", "a{sv}", "details", volume_inspect),
        BUS_CALL("RemoveVolume", "sa{sv}", "name options", "", "", volume_remove),
        BUS_CALL("PruneVolumes", "a{sv}", "options", "a{sv}", "report", volume_prune),
};

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}

static int get_api_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        char text[sizeof("1.") + 10];

        snprintf(text, sizeof(text), "1.%u", API_VERSION_MAX);
        return sd_bus_message_append(reply, "s", text);
}

/* Strings of the configuration: property and where it stands. */
static const struct {
        const char *property;
        size_t offset;
} config_table[] = {
        { "MinApiVersion", offsetof(EngineConfig, min_api_version) },
        { "DataRoot", offsetof(EngineConfig, data_root) },
        { "ExecRoot", offsetof(EngineConfig, exec_root) },
};

static int get_config(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const BusTarget *target = userdata;
        const char *config = (const char *) engine_config(target->face->engine);

        for (size_t i = 0; i < ELEMENTSOF(config_table); i++)
                if (streq(property, config_table[i].property))
                        return sd_bus_message_append(reply, "s",
                                                     *(char *const *) (config + config_table[i].offset));

        assert_not_reached();
}

static int get_startup_phases(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const BusTarget *target = userdata;
        const StartupPhase *phases;
        size_t n;
        int r;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(sst)");
        if (r < 0)
                return r;

        phases = engine_phases(target->face->engine, &n);
        for (size_t i = 0; i < n; i++) {
                r = sd_bus_message_append(reply, "(sst)", phases[i].name, strempty(phases[i].result),
                                          phases[i].duration);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(reply);
}

/* Counts: property and where it stands. */
static const struct {
        const char *property;
        size_t offset;
} count_table[] = {
        { "NContainers", offsetof(EngineCounts, containers) },
        { "NContainersRunning", offsetof(EngineCounts, running) },
        { "NContainersPaused", offsetof(EngineCounts, paused) },
        { "NContainersStopped", offsetof(EngineCounts, stopped) },
        { "NImages", offsetof(EngineCounts, images) },
};

static unsigned count_at(const EngineCounts *counts, size_t offset) {
        return *(const unsigned *) ((const char *) counts + offset);
}

static int get_count(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const BusTarget *target = userdata;
        EngineCounts counts = {};

        engine_counts(target->face->engine, &counts);
        for (size_t i = 0; i < ELEMENTSOF(count_table); i++)
                if (streq(property, count_table[i].property))
                        return sd_bus_message_append(reply, "u", count_at(&counts, count_table[i].offset));

        assert_not_reached();
}

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable manager_extra[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, CONST),
        SD_BUS_PROPERTY("ApiVersion", "s", get_api_version, 0, CONST),
        SD_BUS_PROPERTY("MinApiVersion", "s", get_config, 0, CONST),
        SD_BUS_PROPERTY("DataRoot", "s", get_config, 0, CONST),
        SD_BUS_PROPERTY("ExecRoot", "s", get_config, 0, CONST),
        SD_BUS_PROPERTY("StartupPhases", "a(sst)", get_startup_phases, 0, 0),
        SD_BUS_PROPERTY("NContainers", "u", get_count, 0, CHANGES),
        SD_BUS_PROPERTY("NContainersRunning", "u", get_count, 0, CHANGES),
        SD_BUS_PROPERTY("NContainersPaused", "u", get_count, 0, CHANGES),
        SD_BUS_PROPERTY("NContainersStopped", "u", get_count, 0, CHANGES),
        SD_BUS_PROPERTY("NImages", "u", get_count, 0, CHANGES),
        SD_BUS_SIGNAL_WITH_NAMES("Event", "sssta{ss}",
                                 SD_BUS_PARAM(type) SD_BUS_PARAM(action) SD_BUS_PARAM(id)
                                 SD_BUS_PARAM(time_usec) SD_BUS_PARAM(attributes), 0),
        SD_BUS_VTABLE_END,
};

const BusInterface bus_manager_interface = {
        .name = BUS_MANAGER_INTERFACE,
        .rows = manager_rows,
        .n_rows = ELEMENTSOF(manager_rows),
        .extra = manager_extra,
        .read_call = &engine_call_system_info,
};

void bus_manager_refresh(BusFace *f) {
        char *names[ELEMENTSOF(count_table) + 1] = {};
        EngineCounts counts = {};
        size_t n = 0;

        engine_counts(f->engine, &counts);
        for (size_t i = 0; i < ELEMENTSOF(count_table); i++)
                if (count_at(&counts, count_table[i].offset) != count_at(&f->counts, count_table[i].offset))
                        names[n++] = (char *) count_table[i].property;

        f->counts = counts;
        if (n > 0 && bus_face_ready(f))
                (void) sd_bus_emit_properties_changed_strv(f->bus, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE,
                                                           names);
}

void bus_manager_emit_event(BusFace *f, const Event *event) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (!bus_face_ready(f))
                return;

        r = sd_bus_message_new_signal(f->bus, &m, BUS_ROOT_PATH, BUS_MANAGER_INTERFACE, "Event");
        if (r >= 0)
                r = sd_bus_message_append(m, "ssst", event->type, event->action, event->actor.id,
                                          event->time / NSEC_PER_USEC);
        if (r >= 0)
                r = bus_append_string_map(m, &event->actor.attributes);
        if (r >= 0)
                r = sd_bus_send(f->bus, m, /* ret_cookie= */ NULL);
        if (r < 0)
                log_debug_errno(r, "Cannot send an event to the bus: %m");
}
