# SPDX-License-Identifier: Apache-2.0
"""Commands in containers on a host with systemd: in the container's unit, over restarts of the daemon, on the bus, in the journal."""

from common_host import cursor, entries, host
from harness import check, contains, equal, eventually, matches, test
from test_10_units import ids
from test_30_bus import CONTAINER, MANAGER, NAME, PATH, busctl, inside


def box(h):
    return h("docker run -d --name box busybox sleep 1000")


@test
def in_the_unit():
    h = host()
    unit = f"docker-{box(h)}.service"
    equal(h("docker exec box echo hello"), "hello", "output")
    h("docker exec -d box sleep 900")
    contains(h("systemctl", "status", "--no-pager", unit), "sleep 900", "systemctl status")
    before = h.unit(unit, "MainPID")["MainPID"]
    equal(h.try_("docker", "exec", "box", "sh", "-c", "exit 9").returncode, 9, "exit code")
    equal(h.unit(unit, "MainPID")["MainPID"], before, "main process of the unit")


@test
def systemctl_stop_ends_it():
    h = host()
    unit = f"docker-{h('docker run -d --name box --stop-timeout 1 busybox sleep 1000')}.service"
    p = h.popen("docker", "exec", "box", "sh", "-c", "echo begun; sleep 1000")
    equal(p.stdout.readline(), b"begun\n", "output")
    h("systemctl", "stop", unit)
    equal(p.wait(timeout=20), 137, "exit code of docker exec")
    eventually(lambda: h.try_("systemctl", "is-active", unit).stdout.strip() in ("inactive", "unknown"), "the unit is gone", 10)
    equal(h("pgrep -c dockerd-shim || true"), "0", "shims that are left")


@test
def daemon_is_restarted():
    """systemctl restart: the attached command goes on, with its client and its exit code."""
    h = host()
    box(h)
    p = h.popen("docker", "exec", "-i", "box", "sh", "-c", "echo begun; read a; echo got $a; exit 8")
    equal(p.stdout.readline(), b"begun\n", "output")
    h("systemctl restart dockerd.service")
    p.stdin.write(b"it\n")
    p.stdin.close()
    equal(p.stdout.read(), b"got it\n", "output after the restart of the daemon")
    equal(p.wait(timeout=20), 8, "exit code of docker exec")
    equal(h("docker exec box echo on"), "on", "another one")


@test
def over_the_bus():
    h = host()
    box(h)
    out = inside(h, "bus_exec.py").splitlines()
    equal(out[:2], ["created 64", "attached multiplexed {1: b'through the bus\\n', 2: b'err\\n'}"], "what the client saw")
    matches(busctl(h, "call", NAME, PATH, MANAGER, "InspectExec", "s", out[2]), r'"Running" b false "ExitCode" x 6', "InspectExec")
    path = busctl(h, "call", NAME, PATH, MANAGER, "GetContainer", "s", "box").split('"')[1]
    x = busctl(h, "call", NAME, path, CONTAINER, "CreateExec", "asa{sv}", "2", "sleep", "900", "1", "Tty", "b", "true").split('"')[1]
    equal(busctl(h, "call", NAME, PATH, MANAGER, "StartExec", "s", x), "", "answer of StartExec")
    equal(busctl(h, "call", NAME, PATH, MANAGER, "ResizeExec", "suu", x, "33", "77"), "", "answer of ResizeExec")
    matches(busctl(h, "call", NAME, PATH, MANAGER, "InspectExec", "s", x), r'"Running" b true', "InspectExec")
    contains(h("docker top box"), "sleep 900", "docker top")
    for member, arguments, pattern in (
            ("StartExec", ("s", x), r"already running"), ("StartExec", ("s", "nosuch"), r"No such exec instance: nosuch"),
            ("AttachExec", ("sa{sv}", "nosuch", "0"), r"No such exec instance: nosuch")):
        r = h.try_("busctl", "--no-pager", "call", NAME, PATH, MANAGER, member, *arguments)
        check(r.returncode != 0, f"{member} {arguments} has succeeded")
        matches(r.stderr, pattern, f"error of {member} {arguments}")
    y = busctl(h, "call", NAME, path, CONTAINER, "CreateExec", "asa{sv}", "1", "true", "0").split('"')[1]
    r = h.try_("busctl", "--no-pager", "call", NAME, PATH, MANAGER, "AttachExec", "sa{sv}", y, "1", "Detach", "b", "true")
    check(r.returncode != 0, "AttachExec with Detach has succeeded")
    equal(h("systemctl is-active dockerd.service"), "active", "the daemon")


@test
def journal():
    h = host()
    c = box(h)
    since = cursor(h)
    h("docker exec box true")
    known = ids()
    for what in ("CONTAINER_EXEC_CREATE", "CONTAINER_EXEC_START", "CONTAINER_EXEC_DIE"):
        rows = eventually(lambda: entries(h, since, MESSAGE_ID=known[what]), f"a journal entry for {what}", 5)
        equal((len(rows), rows[0].get("CONTAINER_ID"), rows[0].get("CONTAINER_NAME")), (1, c, "box"), f"entries for {what}")
