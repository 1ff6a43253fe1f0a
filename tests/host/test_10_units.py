# SPDX-License-Identifier: Apache-2.0
"""On a host with systemd: socket activation, containers as units, both ways of stopping, restarts of the daemon."""

import json
import pathlib
import re
import time

import common_host
from common_host import cursor, entries, host, main_pid
from harness import Failed, cases, check, cleanup, contains, equal, eventually, matches, test


def ids():
    """MESSAGE_ID constants by name."""
    text = (pathlib.Path(__file__).parents[2] / "src/basic/messages.h").read_text()
    return dict(re.findall(r'#define\s+MESSAGE_(\w+)_STR\s+"([0-9a-f]{32})"', text))


@test
def installed_files():
    h = common_host.HOST
    for path in ("/usr/bin/dockerd", "/usr/libexec/dockerd/dockerd-shim", "/usr/libexec/dockerd/dockerd-worker"):
        h("test", "-x", path)
    for unit in ("dockerd.service", "dockerd.socket"):
        equal(h("systemctl", "show", unit, "-p", "LoadState", "--value"), "loaded", f"LoadState of {unit}")
    # --man=no: the root file system has no man, which verify asks for the pages.
    r = h.try_("systemd-analyze", "verify", "--man=no", "dockerd.service", "dockerd.socket")
    equal((r.returncode, r.stderr.strip()), (0, ""), "systemd-analyze verify")
    for unit in ("dockerd.service", "dockerd.socket"):
        for page in re.findall(r"man:(org\.dockerd1|docker[\w.-]*)\((\d)\)", h("systemctl", "cat", unit)):
            h("test", "-s", f"/usr/share/man/man{page[1]}/{page[0]}.{page[1]}")
    matches(h("getent", "group", "docker"), r"^docker:x:\d+:", "the group of sysusers.d")


@test
def enable():
    h = host()
    cleanup(h, "systemctl disable dockerd.socket dockerd.service")
    h("systemctl", "enable", "dockerd.socket")
    equal(h("readlink /etc/systemd/system/sockets.target.wants/dockerd.socket"), h("systemctl show -P FragmentPath dockerd.socket"), "what sockets.target wants")
    equal(h.try_("systemctl", "is-enabled", "dockerd.service").stdout.strip(), "disabled", "dockerd.service after enabling the socket")
    h("systemctl", "enable", "dockerd.service")
    equal(h("systemctl is-enabled dockerd.socket dockerd.service"), "enabled\nenabled", "is-enabled")


@test
def another_engine_on_the_host():
    """The units of Docker itself and ours take turns on /run/docker.sock."""
    h = host()
    h("""cd /run/systemd/system
    printf '[Socket]\nListenStream=/run/docker.sock\nSocketMode=0660\nSocketGroup=docker\n' >docker.socket
    printf '[Unit]\nRequires=docker.socket\nAfter=docker.socket\n[Service]\nExecStart=/bin/sleep 1000\n' >docker.service
    systemctl daemon-reload""")
    cleanup(h, "systemctl stop docker.service docker.socket; rm /run/systemd/system/docker.service /run/systemd/system/docker.socket; systemctl daemon-reload")
    c = h("docker run -d --name stays busybox sleep 1000")
    h("systemctl start docker.service")
    states = "systemctl is-active docker.service docker.socket dockerd.service dockerd.socket || true"
    equal(h(states).split(), ["active", "active", "inactive", "inactive"], "the units after starting the other engine")
    equal(h(f"systemctl is-active docker-{c}.service"), "active", "our container beside the other engine")
    h("systemctl start dockerd.socket")
    equal(h(states).split(), ["inactive", "inactive", "inactive", "active"], "the units after starting ours again")
    equal(h("docker inspect -f '{{.State.Running}}' stays"), "true", "our container")


@test
def socket_activation():
    """systemctl start dockerd.socket is all it takes: the first client starts the daemon."""
    h = common_host.HOST
    h("systemctl", "stop", "dockerd.service", "dockerd.socket")
    h("systemctl", "start", "dockerd.socket")
    equal(h.try_("systemctl", "is-active", "dockerd.service").stdout.strip(), "inactive", "dockerd.service before the first client")
    equal(h("stat -c '%a %U %G' /run/docker.sock"), "660 root docker", "the socket")
    matches(h("docker version --format '{{.Server.APIVersion}}'"), r"^1\.\d+$", "docker version")
    equal(h("systemctl is-active dockerd.service"), "active", "dockerd.service after the first client")
    host()
    equal(h("docker run --rm busybox echo hello"), "hello", "docker run")


@test
def notify_and_watchdog():
    h = host()
    u = h.unit("dockerd.service", "Type", "NotifyAccess", "WatchdogUSec", "StatusText", "FileDescriptorStoreMax", "KillMode", "Delegate")
    check(u["Type"].startswith("notify"), f"Type={u['Type']}")
    check(u["WatchdogUSec"] not in ("0", "infinity", "0s"), f"WatchdogSec is {u['WatchdogUSec']}")
    check(u["StatusText"], "StatusText is empty")
    check(u["KillMode"] in ("process", "mixed", "control-group"), f"KillMode={u['KillMode']}")


@test
def container_is_a_unit():
    h = host()
    c = h("docker run -d --name web --label a=b busybox sleep 1000")
    unit = f"docker-{c}.service"
    # The runtime answers a moment before it has become the container's program.
    eventually(lambda: "sleep" in h("cat /proc/$(docker inspect -f '{{.State.Pid}}' web)/cmdline"), "the program runs", 5)
    status = h.try_("systemctl", "status", "--no-pager", unit)
    equal(status.returncode, 0, f"exit code of systemctl status ({status.stderr.strip()})")
    contains(status.stdout, "active (running)", "systemctl status")
    contains(status.stdout, "sleep 1000", "systemctl status")
    contains(status.stdout, "Docker container web", "systemctl status (the container's name)")
    contains(status.stdout, "man:dockerd(8)", "systemctl status")
    u = h.unit(unit, "Type", "Delegate", "MainPID", "Slice", "Transient", "OOMScoreAdjust", "CollectMode")
    equal((u["Type"], u["Delegate"], u["Transient"], u["Slice"]), ("notify", "yes", "yes", "system.slice"), "Type, Delegate, Transient, Slice")
    equal((u["OOMScoreAdjust"], u["CollectMode"]), ("-998", "inactive-or-failed"), "OOMScoreAdjust, CollectMode")
    contains(h("systemd-cgls", "--no-pager", "-u", unit), "sleep 1000", "systemd-cgls")
    contains(h(f"cat /proc/{u['MainPID']}/cmdline | tr '\\0' ' '"), "dockerd-shim", "main process of the unit")
    pid = h("docker inspect -f '{{.State.Pid}}' web")
    contains(h(f"cat /proc/{pid}/cgroup"), unit, "cgroup of the container's process")
    h("docker rm -f web")
    eventually(lambda: h.try_("systemctl", "is-active", unit).stdout.strip() in ("inactive", "unknown"), "the unit is gone", 5)
    eventually(lambda: h("systemctl list-units --all --no-legend 'docker-*.service'") == "", "no unit is left behind, not even failed", 5)


@test
def systemctl_stop_stops_the_container():
    h = host()
    c = h("docker run -d --name term busybox sh -c \"trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done\"")
    eventually(lambda: h("docker logs term") == "up", "the container says up")
    h("systemctl", "stop", f"docker-{c}.service")
    eventually(lambda: h("docker inspect -f '{{.State.Status}}' term") == "exited", "the engine knows", 5)
    equal(h("docker inspect -f '{{.State.ExitCode}}' term"), "5", "exit code")
    equal(h("docker logs term"), "up\nbye", "log")


@test
def systemctl_stop_uses_the_containers_signal_and_timeout():
    h = host()
    c = h("docker run -d --name slow --stop-timeout 1 --stop-signal USR1 busybox sh -c \"trap 'echo usr1' USR1; echo up; while :; do sleep 0.05; done\"")
    eventually(lambda: h("docker logs slow") == "up", "the container says up")
    begin = time.monotonic()
    h("systemctl", "stop", f"docker-{c}.service")
    took = time.monotonic() - begin
    check(0.8 < took < 8, f"systemctl stop took {took:.1f} s with --stop-timeout 1")
    eventually(lambda: h("docker inspect -f '{{.State.ExitCode}}' slow") == "137", "exit code 137", 5)
    contains(h("docker logs slow"), "usr1", "log")


@test
def systemctl_kill_reaches_the_container():
    h = host()
    c = h("docker run -d --name killed busybox sleep 1000")
    h("systemctl", "kill", "-s", "KILL", f"docker-{c}.service")
    eventually(lambda: h("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' killed") == "exited 137", "the engine knows", 10)
    eventually(lambda: h.try_("systemctl", "is-active", f"docker-{c}.service").stdout.strip() != "active", "the unit is gone", 5)


@cases([("no", "no"), ("always", "always")])
def systemctl_restart_is_refused(policy):
    """A unit cannot bring its container back: it says so, and leaves nothing behind."""
    h = host()
    c = h(f"docker run -d --name again --restart {policy} busybox sh -c 'trap \"exit 5\" TERM; echo up; while :; do sleep 0.05; done'")
    eventually(lambda: h("docker logs again") == "up", "the container says up")
    since = cursor(h)
    r = h.try_("systemctl", "restart", f"docker-{c}.service")
    check(r.returncode != 0, "systemctl restart of a container's unit succeeded")
    check(any("docker restart" in e["MESSAGE"] for e in entries(h, since)), "the journal does not say what to do instead")
    eventually(lambda: h("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' again") == "exited 5", "the engine knows", 5)
    equal(h("systemctl list-units --all --no-legend 'docker-*.service'"), "", "units left behind")
    h("docker start again")
    equal(h(f"systemctl is-active docker-{c}.service"), "active", "the unit after docker start")


@test
def docker_stop_ends_the_unit():
    h = host()
    c = h("docker run -d busybox sleep 1000")
    h(f"docker stop -t 0 {c}")
    eventually(lambda: h.try_("systemctl", "is-active", f"docker-{c}.service").stdout.strip() in ("inactive", "unknown"), "the unit is gone", 5)


@test
def limits_on_the_unit():
    """Where a controller is missing the limit is dropped with a warning; where it is there, systemctl show tells it."""
    h = host()
    controllers = h("cat /sys/fs/cgroup/cgroup.controllers").split()
    r = h.try_("docker", "run", "-d", "--name", "limited", "--memory", "64m", "--pids-limit", "50", "busybox", "sleep", "1000")
    equal(r.returncode, 0, f"exit code ({r.stderr.strip()})")
    c = r.stdout.strip()
    u = h.unit(f"docker-{c}.service", "MemoryMax", "TasksMax")
    if "memory" in controllers:
        equal(u["MemoryMax"], str(64 << 20), "MemoryMax")
    else:
        matches(r.stderr, r"(?i)memory", "warning about the memory limit")
    if "pids" in controllers:
        equal(u["TasksMax"], "50", "TasksMax")
    else:
        matches(r.stderr, r"(?i)pids", "warning about the pids limit")


@test
def drop_in_for_all_containers():
    h = host()
    h("mkdir -p /run/systemd/system/docker-.service.d && printf '[Unit]\\nDescription=from the drop-in\\n' >/run/systemd/system/docker-.service.d/x.conf && systemctl daemon-reload")
    cleanup(h, "rm -r /run/systemd/system/docker-.service.d && systemctl daemon-reload")
    c = h("docker run -d busybox sleep 1000")
    contains(h("systemctl", "show", f"docker-{c}.service", "-p", "DropInPaths", "--value"), "docker-.service.d/x.conf", "DropInPaths of the container's unit")


@test
def cgroup_parent():
    h = host()
    c = h("docker run -d --cgroup-parent mine.slice busybox sleep 1000")
    equal(h.unit(f"docker-{c}.service", "Slice")["Slice"], "mine.slice", "Slice")
    for parent in ("/foo", "foo", ".slice", "a/b.slice"):
        r = h.try_("docker", "create", "--cgroup-parent", parent, "busybox", "true")
        contains(r.stderr, 'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"', f"create with {parent}")


@test
def description_follows_the_name():
    h = host()
    c = h("docker run -d --name before busybox sleep 1000")
    h("docker rename before behind")
    eventually(lambda: h("systemctl", "show", f"docker-{c}.service", "-p", "Description", "--value") == f"Docker container behind ({c[:12]})",
               "the description has the new name", 10)


# The daemon, the service manager or the bus goes and comes back.

@cases([("restart", "systemctl restart dockerd.service"), ("kill -9", "systemctl kill -s KILL dockerd.service"),
        ("stop, then a client", "systemctl stop dockerd.service"), ("daemon-reload", "systemctl daemon-reload"),
        ("daemon-reexec", "systemctl daemon-reexec"), ("restart of the bus", "systemctl restart dbus.service")])
def container_survives(command):
    h = host()
    c = h("docker run -d --name survivor busybox sh -c 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done'")
    pid = h("docker inspect -f '{{.State.Pid}}' survivor")
    h(command)
    time.sleep(0.5)
    h(f"test -d /proc/{pid}")
    equal(h("systemctl", "is-active", f"docker-{c}.service"), "active", "the container's unit while the daemon is away")
    eventually(lambda: h.try_("docker", "inspect", "-f", "{{.State.Status}} {{.State.Pid}}", "survivor").stdout.strip() == f"running {pid}",
               "the engine is back and knows the container", 15)
    h("docker stop -t 0 survivor")
    lines = h("docker logs survivor").split()
    equal(lines, [str(n) for n in range(len(lines))], "log")
    equal(h("docker inspect -f '{{.State.ExitCode}}' survivor"), "137", "exit code")
    eventually(lambda: h.try_("docker", "run", "--rm", "busybox", "echo", "new").stdout == "new\n", "a new container runs", 10)


@test
def end_while_the_bus_is_away():
    h = host()
    h("docker run -d --name brief busybox sh -c 'sleep 1; exit 9'")
    h("systemctl stop dbus.service dbus.socket")
    cleanup(h, "systemctl start dbus.socket dbus.service")
    eventually(lambda: h("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' brief") == "exited 9", "the end is known without a bus", 5)
    r = h.try_("docker", "start", "brief")
    contains(r.stderr, "the system bus is away", "a start without a bus")
    h("systemctl start dbus.socket dbus.service")
    eventually(lambda: h.try_("docker", "start", "brief").returncode == 0, "it starts again with the bus", 5)
    equal(h("docker wait brief"), "9", "exit code")


STATES = "docker ps -a --format '{{.Names}} {{.State}}' | sort"


@test
def a_start_while_the_bus_is_away():
    """A daemon that begins without the bus finds its containers, and starts new ones when the bus is back."""
    h = host()
    h("docker run -d --name kept busybox sleep 1000")
    h("systemctl stop dbus.service dbus.socket")
    cleanup(h, "systemctl start dbus.socket dbus.service")
    h("systemctl restart dockerd.service")
    equal(h(STATES), "kept running", "docker ps without a bus")
    h("docker stop -t 0 kept")
    h("systemctl start dbus.socket")
    eventually(lambda: h.try_("docker", "start", "kept").returncode == 0, "it starts again with the bus", 5)


@test
def a_host_that_gets_a_bus():
    """Without a bus on the host the daemon starts shims itself; with it they are units; none is lost on the way."""
    h = host()
    h("docker run -d --name unit busybox sleep 1000")
    h("systemctl stop dbus.service dbus.socket; mv /run/dbus/system_bus_socket /run/dbus/away")
    cleanup(h, "systemctl start dbus.socket dbus.service; systemctl restart dockerd.service")
    h("systemctl restart dockerd.service")
    h("docker run -d --name direct busybox sleep 1000")
    equal(h(STATES), "direct running\nunit running", "docker ps without a bus")
    h("mv /run/dbus/away /run/dbus/system_bus_socket; systemctl start dbus.socket; systemctl restart dockerd.service")
    equal(h(STATES), "direct running\nunit running", "docker ps with the bus")
    h("docker stop -t 0 direct unit; docker start direct unit")
    equal(len(h("systemctl list-units --no-legend 'docker-*.service'").splitlines()), 2, "units of both")


@test
def no_connection_is_refused():
    """Clients that connect while the daemon restarts wait, and are answered; so is one that was connected."""
    h = host()
    h("docker ps")
    script = h.put_share("hammer.py", (pathlib.Path(__file__).parent / "inside/hammer.py").read_text())
    p = h.popen("python3", script, "3", stdin=None)
    cleanup(p.kill)
    for command in ("restart", "kill -s KILL", "restart"):
        time.sleep(0.7)
        h(f"systemctl {command} dockerd.service")
    out, err = p.communicate(timeout=60)
    m = matches(out.decode() + err.decode(), r"(\d+) answered, (\d+) cut, (\d+) refused", "result of the clients")
    check(int(m.group(1)) > 50, f"only {m.group(1)} requests were answered")
    equal(m.group(3), "0", "refused connections")
    # The daemon may be killed between a request and its answer; nobody else may notice.
    check(int(m.group(2)) <= 3, f"{m.group(2)} requests were cut off by 3 restarts")


@cases([("restart", "systemctl restart dockerd.service"), ("kill -9", "systemctl kill -s KILL dockerd.service"),
        ("stop", "systemctl stop dockerd.service"), ("daemon-reload", "systemctl daemon-reload")])
def attached_session_survives(command):
    """What is typed and what is said goes through while the daemon is away, and after it is back."""
    h = host()
    p = h.popen("docker", "run", "-i", "--name", "session", "busybox", "cat", bufsize=0)
    cleanup(p.kill)
    p.stdin.write(b"one\n")
    equal(p.stdout.readline(), b"one\n", "before")
    h(command)
    p.stdin.write(b"two\n")
    equal(p.stdout.readline(), b"two\n", "while the daemon is away")
    eventually(lambda: h.try_("docker", "inspect", "-f", "{{.State.Running}}", "session").stdout == "true\n", "the daemon is back", 15)
    p.stdin.write(b"three\n")
    equal(p.stdout.readline(), b"three\n", "after")
    p.stdin.close()
    equal(p.stdout.read(), b"", "rest")
    p.wait(20)
    equal(h("docker wait session"), "0", "exit code")
    equal(h("docker logs session"), "one\ntwo\nthree", "log")


@test
def exit_code_while_away():
    h = host()
    c = h("docker run -d --name brief busybox sh -c 'sleep 1; exit 42'")
    h("systemctl stop dockerd.service dockerd.socket")
    time.sleep(1.5)
    h("systemctl start dockerd.socket")
    equal(h("docker wait brief"), "42", "exit code of a container that ended without a daemon")
    equal(h("docker inspect -f '{{.State.OOMKilled}}' brief"), "false", "OOMKilled")


@test
def sessions_end_with_the_socket_unit_only():
    """systemctl stop of the service leaves the socket; the next client brings the daemon back."""
    h = host()
    h("systemctl stop dockerd.service")
    equal(h("docker run --rm busybox echo back"), "back", "docker run after systemctl stop dockerd.service")


@test
def reload():
    h = host()
    h("mkdir -p /etc/docker")
    h.try_("sh", "-c", "cp /etc/docker/daemon.json /tmp/saved.json")
    h("""echo '{"labels": ["from=reload"]}' >/etc/docker/daemon.json""")
    cleanup(h, "rm -f /etc/docker/daemon.json; systemctl reload dockerd.service")
    h("systemctl reload dockerd.service")
    equal(json.loads(h("docker info -f '{{json .Labels}}'")), ["from=reload"], "labels after systemctl reload")
    h("""echo '{"labels": 5}' >/etc/docker/daemon.json; systemctl reload dockerd.service""")
    matches(h.unit("dockerd.service", "StatusText")["StatusText"], r"^Serving; not reloaded: .*labels", "StatusText after a reload of a broken file")
    h("""echo '{"labels": ["from=reload"]}' >/etc/docker/daemon.json; systemctl reload dockerd.service""")
    equal(h.unit("dockerd.service", "StatusText")["StatusText"], "Serving", "StatusText after a reload of a whole one")


def with_drop_in(h, unit, text):
    h(f"mkdir -p /run/systemd/system/{unit}.d")
    h(f"cat >/run/systemd/system/{unit}.d/test.conf", input=text)
    cleanup(h, f"rm -r /run/systemd/system/{unit}.d; systemctl daemon-reload; systemctl stop dockerd.service dockerd.socket; systemctl start dockerd.socket")
    h("systemctl daemon-reload; systemctl stop dockerd.service dockerd.socket; systemctl start dockerd.socket")


@test
def a_socket_of_its_own():
    """The daemon says which of its sockets is closed while it restarts."""
    h = host()
    since = cursor(h)
    with_drop_in(h, "dockerd.service", "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// -H unix:///run/own.sock\n")
    h("docker ps; docker -H unix:///run/own.sock ps")
    said = [e["MESSAGE"] for e in entries(h, since) if e["MESSAGE"].startswith("API listen on")]
    equal(said[0], "API listen on /run/docker.sock", "of the socket unit's socket")
    matches(said[1], r"^API listen on /run/own.sock; it refuses clients while this service restarts", "of the daemon's own socket")


@test
def more_sockets_of_the_unit():
    """A second path and a port of the socket unit; the port is warned about where there is no TLS."""
    h = host()
    since = cursor(h)
    with_drop_in(h, "dockerd.socket", "[Socket]\nListenStream=/run/second.sock\nListenStream=127.0.0.1:2375\n")
    for address in ("unix:///run/second.sock", "tcp://127.0.0.1:2375"):
        equal(h(f"docker -H {address} run --rm --network none busybox echo hello"), "hello", f"docker over {address}")
    warning = entries(h, since, MESSAGE_ID=ids()["INSECURE_LISTENER"])
    equal(len(warning), 1, "warnings")
    contains(warning[0]["MESSAGE"], "tcp://127.0.0.1:2375", "the warning")


@test
def second_daemon_is_refused():
    h = host()
    h("docker ps")
    r = h.try_("dockerd", "--pidfile", "/run/other.pid", "-H", "unix:///run/other.sock", "--exec-root", "/run/other")
    check(r.returncode not in (0, None), "a second dockerd on the same data root started")
    contains(r.stderr, "/var/lib/dockerd", "its error")
    equal(h("docker run --rm busybox echo fine"), "fine", "the first one")


@test
def watchdog_restarts_a_hung_daemon():
    h = host()
    h("docker ps")
    pid = main_pid(h)
    usec = h.unit("dockerd.service", "WatchdogUSec")["WatchdogUSec"]
    h("mkdir -p /run/systemd/system/dockerd.service.d && printf '[Service]\\nWatchdogSec=2\\n' >/run/systemd/system/dockerd.service.d/w.conf && systemctl daemon-reload && systemctl restart dockerd.service")
    cleanup(h, "rm -r /run/systemd/system/dockerd.service.d; systemctl daemon-reload; systemctl restart dockerd.service")
    c = h("docker run -d --name kept busybox sleep 1000")
    pid = main_pid(h)
    h(f"kill -STOP {pid}")
    eventually(lambda: main_pid(h) not in (0, pid), f"systemd replaced a stopped daemon (WatchdogSec was {usec})", 30)
    eventually(lambda: h.try_("docker", "inspect", "-f", "{{.State.Running}}", "kept").stdout.strip() == "true", "the container goes on", 15)


@test
def status_of_each_phase():
    """A service manager of our own sees the phases, READY=1 once clients are answered, and STOPPING=1."""
    h = host()
    script = h.put_share("notify.py", (pathlib.Path(__file__).parent / "inside/notify.py").read_text())
    out = h("python3", script).splitlines()
    texts = [line.removeprefix("STATUS=") for line in out if line.startswith("STATUS=")]
    equal(len(texts), 13, f"STATUS= of eleven phases, serving and stopping: {texts}")
    check(all(t.endswith("...") for t in texts[:11]), f"texts of the phases: {texts}")
    equal(out[out.index("READY=1") + 1:][:2], ["STATUS=Serving", "ping 200 OK"], "what follows READY=1")
    check(out.index("STOPPING=1") > out.index("ping 200 OK"), f"STOPPING=1 among {out}")
    equal(out[-1], "exit 0", "the end")


# Many.

@test(timeout=180)
def a_hundred_containers():
    """All exit with an error: no unit is left, the journal stays small, the daemon too."""
    h = host()
    since = cursor(h)
    begin = time.monotonic()
    h("for i in $(seq 100); do echo $i; done | xargs -P 4 -I{} docker run --rm --network none busybox sh -c 'exit 3' || true", timeout=150)
    each = (time.monotonic() - begin) / 100
    eventually(lambda: h("systemctl list-units --all --no-legend 'docker-*.service'") == "", "no unit is left, not even failed", 10)
    equal(h("docker ps -aq"), "", "containers that --rm left")
    rows = entries(h, since)
    codes = [r["EXIT_CODE"] for r in rows if r.get("EVENT") == "die"]
    equal(codes, ["3"] * 100, "EXIT_CODE= of the entries")
    per = len(rows) / 100
    rss = int(re.search(r"VmRSS:\s+(\d+)", h(f"cat /proc/{main_pid(h)}/status")).group(1))
    print(f"     {each * 1000:.0f} ms a container, {per:.1f} journal entries each, daemon {rss} kB", flush=True)
    check(per <= 10, f"{per:.1f} journal entries a container")


@test(timeout=180)
def a_hundred_running():
    """systemd's tools with a hundred containers, and a daemon that is replaced meanwhile."""
    h = host()
    h("seq 100 | xargs -P 4 -I{} docker run -d --network none busybox sleep 1000", timeout=150)
    equal(len(h("systemctl list-units --no-legend 'docker-*.service'").splitlines()), 100, "units")
    contains(h("systemd-cgls --no-pager /system.slice"), "sleep 1000", "systemd-cgls")
    contains(h("systemd-cgtop -b -n 1 --depth=4"), "docker-", "systemd-cgtop")
    begin = time.monotonic()
    h("systemctl restart dockerd.service")
    equal(len(h("docker ps -q").split()), 100, "running containers after a restart")
    print(f"     restarted and listed in {(time.monotonic() - begin) * 1000:.0f} ms", flush=True)
    begin = time.monotonic()
    h("docker ps -q | xargs docker rm -f", timeout=100)
    print(f"     removed in {time.monotonic() - begin:.1f} s", flush=True)
    eventually(lambda: h("systemctl list-units --all --no-legend 'docker-*.service'") == "", "no unit is left", 20)


@test
def network_on_a_host():
    h = host()
    c = h("docker run -d --name server busybox sh -c 'while :; do echo pong | nc -l -p 80; done'")
    ip = h("docker inspect -f '{{.NetworkSettings.IPAddress}}' server")
    equal(h("docker", "run", "--rm", "busybox", "nc", "-w", "3", ip, "80"), "pong", "answer from container to container")
    contains(h("nft list tables"), "inet dockerd", "nft tables")
    h("systemctl kill -s KILL dockerd.service")
    h("docker rm -f server")
    eventually(lambda: "veth" not in h("ip -o link"), "no veth is left", 5)


@test
def flushed_rules_come_back():
    h = host()
    h("docker run -d busybox sleep 1000")
    h("nft flush ruleset")
    h("systemctl reload dockerd.service")
    eventually(lambda: "inet dockerd" in h("nft list tables"), "the table is back after a flush and a reload", 10)


@test
def stopping_everything_leaves_nothing():
    h = host()
    h("docker run -d busybox sleep 1000")
    common_host.remove_all()
    # A shim still clears up after the answer to rm, and the daemon after it; a daemon that is stopped meanwhile does so at its next start.
    eventually(lambda: h("ls /run/dockerd/containers") == "", "the run directories are gone", 5)
    h("systemctl stop dockerd.service dockerd.socket")
    # The directory of the namespaces is a mount of its own, as the exec root is: empty, and there for the next start.
    equal(h("grep -o '/run/dockerd/[^ ]*' /proc/self/mountinfo | grep -vx /run/dockerd/netns || true"), "", "mounts below /run/dockerd")
    equal(h("ls /run/dockerd/containers /run/dockerd/netns 2>/dev/null | grep -E '^[0-9a-f]{12}' || true"), "", "entries in /run/dockerd")
    equal(h("pgrep -c dockerd || true"), "0", "processes")
    equal(h("systemctl list-units --all --no-legend 'docker-*.service'"), "", "units")
    check("veth" not in h("ip -o link"), "a veth is left")


@test
def modes_on_a_host():
    h = host()
    equal(h("stat -c '%a %U' /var/lib/dockerd /run/dockerd"), "710 root\n711 root", "modes of data root and exec root")
    equal(h("ss -xlH 2>/dev/null | grep -c '@.*docker' || true"), "0", "abstract sockets of the engine")


@test
def group_docker_may_others_may_not():
    h = host()
    h("id alice >/dev/null 2>&1 || useradd -m -G docker alice; id bob >/dev/null 2>&1 || useradd -m bob")
    h("su alice -s /bin/sh -c 'docker ps'")
    r = h.try_("su", "bob", "-s", "/bin/sh", "-c", "docker ps")
    check(r.returncode != 0 and "permission denied" in r.stderr, f"a user outside of the group: {r.stderr!r}")
