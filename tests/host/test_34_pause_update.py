# SPDX-License-Identifier: Apache-2.0
"""Paused containers and changed limits on a host with systemd: units, journal, restarts of the daemon, the bus."""

import time

from common_host import cursor, entries, host
from harness import Skip, check, contains, equal, eventually, matches, test
from test_10_units import ids
from test_30_bus import CONTAINER, MANAGER, NAME, PATH, busctl


def box(h, *options, cmd="sleep 1000"):
    return h(f"docker run -d --name box --stop-timeout 5 {' '.join(options)} busybox {cmd}")


def gone(h, unit):
    eventually(lambda: h.try_("systemctl", "is-active", unit).stdout.strip() in ("inactive", "unknown"), "the unit is gone", 10)
    equal(h("pgrep -c dockerd-shim || true"), "0", "shims that are left")


@test
def systemctl_stop_of_a_paused_one():
    h = host()
    c = box(h, cmd="sh -c \"trap 'exit 7' TERM; while true; do usleep 10000; done\"")
    unit = f"docker-{c}.service"
    h("docker pause box")
    begin = time.monotonic()
    h("systemctl", "stop", unit)
    check(time.monotonic() - begin < 4, f"systemctl stop took {time.monotonic() - begin:.1f} s")
    equal(h("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' box"), "exited 7", "state")
    gone(h, unit)


@test
def systemctl_stop_while_the_daemon_is_away():
    h = host()
    c = box(h, cmd="sh -c \"trap 'exit 7' TERM; while true; do usleep 10000; done\"")
    h("docker pause box")
    h("systemctl kill -s KILL dockerd.service")
    h("systemctl", "stop", f"docker-{c}.service")
    eventually(lambda: h("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' box") == "exited 7", "the daemon that is back knows", 5)


@test
def killed_with_its_unit():
    h = host()
    c = box(h)
    h("docker pause box")
    h("systemctl", "kill", "-s", "KILL", f"docker-{c}.service")
    eventually(lambda: h("docker inspect -f '{{.State.Status}}' box") == "exited", "it has ended", 15)
    gone(h, f"docker-{c}.service")
    equal(h("docker start box"), "box", "output of docker start")


@test
def stays_paused_over_restarts():
    h = host()
    c = box(h)
    h("docker pause box")
    for command in ("systemctl restart dockerd.service", "systemctl kill -s KILL dockerd.service; sleep 0.5"):
        h(command)
        equal(h("docker inspect -f '{{.State.Status}}' box"), "paused", f"state after {command}")
    equal(h("docker ps -q --no-trunc --filter status=paused"), c, "docker ps")
    path = busctl(h, "call", NAME, PATH, MANAGER, "GetContainer", "s", "box").split('"')[1]
    equal(busctl(h, "get-property", NAME, path, CONTAINER, "State"), 's "paused"', "State on the bus")
    equal(busctl(h, "get-property", NAME, PATH, MANAGER, "NContainersPaused"), "u 1", "NContainersPaused")
    r = h.try_("busctl", "--no-pager", "call", NAME, path, CONTAINER, "Pause")
    check(r.returncode != 0, "Pause of a paused one has succeeded")
    contains(r.stderr, "is already paused", "error")
    busctl(h, "call", NAME, path, CONTAINER, "Unpause")
    equal(busctl(h, "get-property", NAME, path, CONTAINER, "State"), 's "running"', "State on the bus")
    equal(h("docker exec box echo on"), "on", "docker exec")


@test
def unit_has_the_new_limits():
    h = host()
    if not {"memory", "pids", "cpu"} <= set(h("cat /sys/fs/cgroup/cgroup.controllers").split()):
        raise Skip("this host has not got the controllers; the vm suite has")
    unit = f"docker-{box(h, '--memory 64m', '--memory-swap 128m', '--pids-limit 60')}.service"
    before = h.unit(unit, "MainPID", "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec")
    h("docker update --memory 96m --memory-swap 192m --pids-limit 90 --cpus 0.5 --cpu-shares 2048 box")

    def now():
        return h.unit(unit, "MainPID", "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "CPUWeight")
    eventually(lambda: now()["TasksMax"] == "90", "systemctl show tells the new limits", 5)
    u = now()
    equal(u["MainPID"], before["MainPID"], "main process")
    equal((u["MemoryMax"], u["CPUQuotaPerSecUSec"]), (str(96 << 20), "500ms"), "limits of memory and CPU")
    h("docker update --pids-limit -1 box")
    eventually(lambda: now()["TasksMax"] == "infinity", "systemctl show tells that there is no limit", 5)
    h("systemctl restart dockerd.service")
    equal(h("docker inspect -f '{{.HostConfig.Memory}}' box"), str(96 << 20), "Memory after the restart of the daemon")
    equal(h("docker stats --no-stream --format '{{.MemUsage}}' box").split(" / ")[1], "96MiB", "limit that docker stats shows")


@test
def over_the_bus():
    h = host()
    box(h)
    path = busctl(h, "call", NAME, PATH, MANAGER, "GetContainer", "s", "box").split('"')[1]
    equal(busctl(h, "call", NAME, path, CONTAINER, "Update", "a{sv}", "1", "RestartPolicy", "a{sv}", "1", "Name", "s", "always"), "as 0",
          "answer of Update")
    equal(h("docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' box"), "always", "RestartPolicy")
    r = h.try_("busctl", "--no-pager", "call", NAME, path, CONTAINER, "Update", "a{sv}", "1", "Memory", "x", "1000")
    check(r.returncode != 0, "Update below the minimum has succeeded")
    contains(r.stderr, "Minimum memory limit allowed is 6MB", "error")
    matches(busctl(h, "call", NAME, path, CONTAINER, "GetStats", "a{sv}", "1", "stream", "b", "false"), r'^hs \d+ "json"', "GetStats")
    equal(h("systemctl is-active dockerd.service"), "active", "the daemon")


@test
def journal():
    h = host()
    c = box(h)
    since = cursor(h)
    h("docker pause box && docker unpause box && docker update --pids-limit 70 box")
    known = ids()
    for what in ("CONTAINER_PAUSE", "CONTAINER_UNPAUSE", "CONTAINER_UPDATE"):
        rows = eventually(lambda: entries(h, since, MESSAGE_ID=known[what]), f"a journal entry for {what}", 5)
        equal((len(rows), rows[0].get("CONTAINER_ID"), rows[0].get("CONTAINER_NAME")), (1, c, "box"), f"entries for {what}")
