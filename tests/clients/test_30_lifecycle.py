# SPDX-License-Identifier: Apache-2.0
"""create, start, stop, kill, restart, rename, rm, ps, inspect, logs, top, attach, wait through the CLI."""

import json
import os
import re
import signal
import subprocess
import time

from common_clients import docker, on_our_machine
from harness import cases, check, cleanup, contains, equal, eventually, matches, test


def state(d, c, field="Status"):
    return d("inspect", "-f", "{{.State.%s}}" % field, c)


@test
def create_then_start():
    d = docker()
    c = d("create", "--name", "made", "busybox", "echo", "hi")
    equal(state(d, c), "created", "state after create")
    equal(d("start", "made"), "made", "output of docker start")
    equal(d("wait", "made"), "0", "docker wait")
    equal((state(d, c), d("logs", c)), ("exited", "hi"), "state and logs")


@test
def start_attached_and_interactive():
    d = docker()
    c = d("create", "-i", "busybox", "sh", "-c", "cat; exit 5")
    r = d.try_("start", "-ai", c, input="through start\n")
    equal((r.out, r.code), ("through start\n", 5), "output and exit code of docker start -ai")


@test
def start_again():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "echo run; exit 6")
    equal(d("wait", c), "6", "first run")
    d("start", c)
    equal(d("wait", c), "6", "second run")
    equal(d("logs", c), "run\nrun", "log of both runs")


@test
def start_of_a_running_container_is_fine():
    d = docker()
    c = d("run", "-d", "busybox", "sleep", "1000")
    equal(d("start", c), c, "output")


@test
def the_file_system_outlives_a_restart():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "echo $(ls /mark* 2>/dev/null | wc -l); touch /mark-$(date +%s%N); sleep 0.05")
    d("wait", c)
    d("start", c)
    d("wait", c)
    equal(d("logs", c), "0\n1", "marks seen by the two runs")


@test
def stop_sends_the_signal():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
    eventually(lambda: d("logs", c) == "up", "the container says up")
    begin = time.monotonic()
    equal(d("stop", c), c, "output of docker stop")
    check(time.monotonic() - begin < 5, "docker stop waited although the container ended at once")
    equal((state(d, c), state(d, c, "ExitCode"), d("logs", c)), ("exited", "0", "up\nbye"), "state, exit code, log")


@test
def stop_kills_after_the_timeout():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done")
    eventually(lambda: d("logs", c) == "up", "the container says up")
    begin = time.monotonic()
    d("stop", "-t", "1", c)
    took = time.monotonic() - begin
    check(0.9 < took < 6, f"docker stop -t 1 took {took:.1f} s")
    equal(state(d, c, "ExitCode"), "137", "exit code")


@test
def stop_with_signal():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "trap 'exit 8' USR2; echo up; while :; do sleep 0.05; done")
    eventually(lambda: d("logs", c) == "up", "the container says up")
    d("stop", "--signal", "USR2", c)
    equal(state(d, c, "ExitCode"), "8", "exit code")


@test
def stop_of_a_stopped_container_is_fine():
    d = docker()
    c = d("create", "busybox")
    equal(d("stop", c), c, "output")


@cases([("number", "9", 137), ("name", "KILL", 137), ("SIG name", "SIGTERM", 44)])
def kill(signal, code):
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "trap 'exit 44' TERM; echo up; while :; do sleep 0.05; done")
    eventually(lambda: d("logs", c) == "up", "the container says up")
    d("kill", "-s", signal, c)
    equal(d("wait", c), str(code), "exit code")


@test
def kill_of_a_stopped_container():
    d = docker()
    c = d("create", "--name", "idle", "busybox")
    d.fails(1, r"(?i)(cannot kill container: idle: container [0-9a-f]{64} is not running|is not running)", "kill", "idle")
    d.fails(1, r"(?i)invalid signal: NOSUCH", "kill", "-s", "NOSUCH", "idle")


@test
def restart():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "echo up; trap 'exit 0' TERM; while :; do sleep 0.05; done")
    eventually(lambda: d("logs", c) == "up", "the container says up")
    first = state(d, c, "Pid")
    equal(d("restart", c), c, "output")
    equal(state(d, c), "running", "state")
    check(state(d, c, "Pid") != first, "the process is the same after docker restart")
    eventually(lambda: d("logs", c) == "up\nup", "the second run says up")


@test
def wait_for_several():
    d = docker()
    a = d("run", "-d", "busybox", "sh", "-c", "sleep 0.3; exit 3")
    b = d("run", "-d", "busybox", "sh", "-c", "exit 4")
    equal(d("wait", a, b), "3\n4", "docker wait of two")


@test
def rename():
    d = docker()
    c = d("create", "--name", "old", "busybox")
    d("create", "--name", "other", "busybox")
    d("rename", "old", "new")
    equal(d("inspect", "-f", "{{.Name}} {{.Id}}", "new"), "/new " + c, "name")
    d.fails(1, r"(?i)no such", "inspect", "old")
    d.fails(1, r"(?i)already in use", "rename", "new", "other")
    d.fails(1, r"(?i)invalid container name", "rename", "new", "a b")
    d("create", "--name", "old", "busybox")


@test
def rm():
    d = docker()
    c = d("create", "busybox")
    equal(d("rm", c), c, "output")
    d.fails(1, r"(?i)no such container", "rm", c)


@test
def rm_running_needs_force():
    d = docker()
    c = d("run", "-d", "--name", "busy", "busybox", "sleep", "1000")
    d.fails(1, r"(?i)cannot remove container \"?/?busy\"?: container is running: stop the container before removing or force remove",
            "rm", "busy")
    equal(d("rm", "-f", c), c, "output of rm -f")
    equal(d("ps", "-aq"), "", "containers left")


@test
def rm_v_and_missing():
    d = docker()
    c = d("create", "busybox")
    d("rm", "-v", c)
    r = d.try_("rm", "-f", "nosuchcontainer")
    check("No such container" in r.err, f"rm -f of a missing container said {r.err!r}")


@test
def ps():
    d = docker()
    run = d("run", "-d", "--name", "runs", "busybox", "sleep", "1000")
    ended = d("run", "-d", "--name", "ended", "--label", "kind=e", "busybox", "sh", "-c", "exit 3")
    made = d("create", "--name", "made", "busybox")
    d("wait", ended)
    equal(d("ps", "-q", "--no-trunc"), run, "docker ps")
    equal(set(d("ps", "-aq", "--no-trunc").split()), {run, ended, made}, "docker ps -a")
    equal(d("ps", "-lq", "--no-trunc"), made, "docker ps -l")
    equal(d("ps", "-q", "-n", "2", "--no-trunc").split(), [made, ended], "docker ps -n 2")
    rows = {r["Names"]: r for r in map(json.loads, d("ps", "-a", "--format", "json").splitlines())}
    matches(rows["runs"]["Status"], r"^Up (Less than a second|\d+ seconds?|About a minute)", "status of a running container")
    matches(rows["ended"]["Status"], r"^Exited \(3\) .* ago$", "status of an ended container")
    equal(rows["made"]["Status"], "Created", "status of a created container")
    equal((rows["runs"]["Image"], rows["runs"]["Command"]), ("busybox", '"sleep 1000"'), "image and command")


@test
def ps_filters():
    d = docker()
    d("run", "-d", "--name", "runs", "busybox", "sleep", "1000")
    e = d.try_("run", "--name", "ended", "--network", "none", "--label", "kind=e", "busybox", "sh", "-c", "exit 3")
    equal(e.code, 3, "exit code of the second container")
    d("create", "--name", "made", "busybox")
    for filter, names in [
            ("status=running", "runs"), ("status=exited", "ended"), ("status=created", "made"), ("exited=3", "ended"),
            ("exited=0", ""), ("name=^/runs$", "runs"), ("name=un", "runs"), ("label=kind=e", "ended"),
            ("label=kind", "ended"), ("label=none", ""), ("ancestor=busybox", "ended made runs"), ("before=ended", "runs"),
            ("since=ended", "made"), ("network=none", "ended"), ("id=nosuch", ""), ("is-task=false", "ended made runs"),
            ("isolation=default", "ended made runs")]:
        got = " ".join(sorted(d("ps", "-a", "--filter", filter, "--format", "{{.Names}}").split()))
        equal(got, names, f"names of docker ps -a --filter {filter}")


@test
def ps_bad_filter():
    d = docker()
    d.fails(1, r"(?i)invalid filter '?nosuch", "ps", "--filter", "nosuch=1")


@test
def ps_filter_by_port():
    d = docker()
    d("run", "-d", "--name", "web", "-p", "18090:80", "--expose", "70/udp", "busybox", "sleep", "1000")
    d("create", "--name", "made", "-p", "18091:81", "busybox")
    for value, names in (("publish=18090", "web"), ("publish=18000-19000/tcp", "web"), ("publish=80", ""), ("publish=18090/udp", ""),
                         ("publish=18091", ""), ("expose=80", "web"), ("expose=60-75/udp", "web"), ("expose=70", ""), ("expose=81", "")):
        equal(d("ps", "-a", "--format", "{{.Names}}", "-f", value), names, f"docker ps -f {value}")
    d.fails(1, r"error while looking up for publish x", "ps", "-f", "publish=x")


@test
def stop_without_time():
    """The stop signal comes first, even so."""
    d = docker()
    c = d("run", "-d", "busybox", "sleep", "1000")
    d("stop", "-t", "0", c)
    out = d("events", "--since", "1m", "--until", str(int(time.time()) + 1), "-f", f"container={c}", "-f", "event=kill",
            "--format", "{{.Actor.Attributes.signal}}")
    equal(out, "15\n9", "signals of docker stop -t 0")
    equal(state(d, c, "ExitCode"), "137", "exit code")


@test
def kill_is_answered_at_the_end():
    d = docker()
    for _ in range(3):
        c = d("run", "-d", "busybox", "sleep", "1000")
        d("kill", c)
        equal(state(d, c), "exited", "state after docker kill")


@test
def rm_while_restarting():
    d = docker()
    c = d("run", "-d", "--restart", "always", "--name", "again", "busybox", "false")
    message = "container is restarting: stop the container before removing or force remove"
    eventually(lambda: message in d.try_("rm", c).err, "docker rm between two runs is refused", 20)
    d("stop", c)
    equal(state(d, c), "exited", "state after docker stop")
    d("rm", c)


@test
def refused_rm_changes_nothing():
    on_our_machine()
    d = docker()
    c = d("run", "-d", "--restart", "always", "busybox", "sleep", "1000")
    d.fails(1, r"cannot remove container", "rm", c)
    os.kill(int(state(d, c, "Pid")), signal.SIGKILL)
    eventually(lambda: state(d, c) == "running" and d("inspect", "-f", "{{.RestartCount}}", c) == "1", "it runs again, as its policy says", 20)


@test
def ps_size():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "head -c 100000 /dev/zero >/file; sleep 1000")
    eventually(lambda: re.match(r"10\dkB \(virtual \d", d("ps", "-s", "--format", "{{.Size}}")), "docker ps -s shows 100 kB", 5)
    size = json.loads(d("inspect", "-s", c))[0]
    check(100000 <= size["SizeRw"] <= 140000, f"SizeRw is {size['SizeRw']}")
    check(size["SizeRootFs"] > 1000000, f"SizeRootFs is {size['SizeRootFs']}")


@test
def inspect():
    d = docker()
    c = d("run", "-d", "--name", "seen", "-e", "A=1", "-w", "/tmp", "-u", "1000", "-v", "/tmp:/t:ro", "busybox", "sleep", "1000")
    i = json.loads(d("inspect", "seen"))[0]
    equal(i["Id"], c, "Id")
    equal(i["Name"], "/seen", "Name")
    equal((i["Path"], i["Args"]), ("sleep", ["1000"]), "Path and Args")
    equal(i["State"]["Status"], "running", "State.Status")
    check(i["State"]["Pid"] > 0, "State.Pid is not set")
    matches(i["Created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", "Created")
    matches(i["State"]["StartedAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", "State.StartedAt")
    equal(i["State"]["FinishedAt"], "0001-01-01T00:00:00Z", "State.FinishedAt of a running container")
    matches(i["Image"], r"^sha256:[0-9a-f]{64}$", "Image")
    equal((i["Config"]["User"], i["Config"]["WorkingDir"], i["Config"]["Image"]), ("1000", "/tmp", "busybox"), "Config")
    contains(i["Config"]["Env"], "A=1", "Config.Env")
    equal(i["HostConfig"]["Binds"], ["/tmp:/t:ro"], "HostConfig.Binds")
    m = i["Mounts"][0]
    equal((m["Type"], m["Source"], m["Destination"], m["RW"]), ("bind", "/tmp", "/t", False), "Mounts[0]")
    equal(i["HostConfig"]["NetworkMode"] in ("bridge", "default"), True, "HostConfig.NetworkMode")
    check("bridge" in i["NetworkSettings"]["Networks"], "NetworkSettings.Networks has no bridge")
    equal(i["HostConfig"]["RestartPolicy"]["Name"], "no", "RestartPolicy")
    equal(i["HostConfig"]["LogConfig"]["Type"], "json-file", "LogConfig.Type")
    equal(i["RestartCount"], 0, "RestartCount")


@test
def inspect_missing():
    d = docker()
    r = d.fails(1, r"(?i)no such (object|container)", "inspect", "nosuch")
    equal(r.out.strip(), "[]", "stdout")


@test
def top():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "sleep 1000; true")
    eventually(lambda: "sleep 1000" in d("top", c), "docker top shows sleep 1000", 5)
    lines = d("top", c).split("\n")
    matches(lines[0], r"^UID\s+PID\s+PPID", "first line of docker top")
    equal(len(lines), 3, "lines of docker top (title, sh, sleep)")
    matches(d("top", c, "-o", "pid,args"), r"^PID\s+COMMAND", "docker top -o pid,args")
    d("kill", c)
    d.fails(1, r"(?i)is not running", "top", c)


# Logs.

def talker(d):
    c = d("run", "-d", "busybox", "sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done; echo error >&2")
    d("wait", c)
    return c


@test
def logs():
    d = docker()
    r = d.try_("logs", talker(d))
    equal((r.out, r.err), ("line 1\nline 2\nline 3\nline 4\nline 5\n", "error\n"), "stdout and stderr")


@cases([(n, n, c) for n, c in (("0", 0), ("2", 2), ("all", 6), ("100", 6))])
def logs_tail(tail, count):
    d = docker()
    r = d.try_("logs", "--tail", tail, talker(d))
    equal(len((r.out + r.err).splitlines()), count, f"lines of docker logs --tail {tail}")


@test
def logs_timestamps():
    d = docker()
    for line in d("logs", "-t", talker(d)).splitlines():
        matches(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line \d$", "line of docker logs -t")


@test
def logs_since_and_until():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "echo early; sleep 1.2; echo late")
    d("wait", c)
    stamps = [line.split()[0] for line in d("logs", "-t", c).splitlines()]
    equal(d("logs", "--since", stamps[1], c), "late", "docker logs --since")
    middle = re.sub(r"\.\d+Z", "Z", stamps[1])
    equal(d("logs", "--until", middle, c), "early", "docker logs --until")
    equal(d("logs", "--since", "1h", c), "early\nlate", "docker logs --since 1h")
    equal(d("logs", "--until", "1h", c), "", "docker logs --until 1h")


@test
def logs_follow():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done")
    equal(d("logs", "-f", c), "1\n2\n3\n4\n5\n6", "docker logs -f")


@test
def logs_follow_ends_with_the_client():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "while :; do echo tick; sleep 0.05; done")
    p = d.popen("logs", "-f", c)
    cleanup(p.kill)
    equal(p.stdout.readline(), b"tick\n", "first line")
    p.terminate()
    p.wait(10)
    equal(state(d, c), "running", "state of the container afterwards")


@test
def logs_of_a_terminal():
    d = docker()
    c = d("run", "-dt", "busybox", "echo", "tty")
    d("wait", c)
    equal(d.try_("logs", c).out, "tty\r\n", "docker logs of a container with a terminal")


@test
def logs_of_long_lines():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "head -c 70000 /dev/zero | tr '\\0' x; echo; echo end")
    d("wait", c)
    out = d("logs", c).split("\n")
    equal([len(out[0]), out[1]], [70000, "end"], "length of the long line, and the next line")


@test
def log_driver_none():
    d = docker()
    c = d("run", "-d", "--log-driver", "none", "busybox", "echo", "unseen")
    d("wait", c)
    d.fails(1, r"configured logging driver does not support reading", "logs", c)


@test
def unknown_log_driver():
    d = docker()
    d.fails(125, r"(?i)nosuch", "run", "--log-driver", "nosuch", "busybox", "true")


# Attach.

@test
def attach():
    d = docker()
    c = d("run", "-di", "busybox", "sh", "-c", "read line; echo got $line; sleep 0.3; exit 12")
    # Its input stays open: Docker ends the output of a session whose input ends, where input is not for one client.
    p = d.popen("attach", c)
    cleanup(p.kill)
    p.stdin.write(b"text\n")
    p.stdin.flush()
    equal((p.stdout.read(), p.wait(20)), (b"got text\n", 12), "output and exit code of docker attach")


@test
def attach_input_that_ends():
    d = docker()
    c = d("run", "-di", "busybox", "sh", "-c", "read line; sleep 0.3; echo late $line; exit 12")
    r = d.try_("attach", c, input="text\n")
    equal((r.out, r.code), ("", 12), "output and exit code of docker attach")
    equal(d("logs", c), "late text", "log")


@test
def attach_by_two():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "sleep 1; echo for both")
    first, second = d.popen("attach", "--no-stdin", c), d.popen("attach", "--no-stdin", c)
    for p in (first, second):
        out, err = p.communicate(timeout=20)
        equal((out, p.returncode), (b"for both\n", 0), f"output of an attached client ({err!r})")


@test
def attach_to_a_stopped_container():
    d = docker()
    c = d("create", "busybox")
    d.fails(1, r"(?i)(cannot attach to a stopped container|not running)", "attach", c)


@test
def random_names():
    d = docker()
    c = d("create", "busybox")
    matches(d("inspect", "-f", "{{.Name}}", c), r"^/[a-z]+_[a-z]+\d?$", "name")


@test
def restart_policy_on_failure():
    d = docker()
    c = d("run", "-d", "--restart", "on-failure:2", "busybox", "sh", "-c", "echo run; exit 1")
    eventually(lambda: d("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", c) == "2 exited", "two restarts, then exited", 20)
    equal(d("logs", c), "run\nrun\nrun", "log of three runs")


@test
def container_prune_and_ls():
    d = docker()
    d("create", "--name", "junk", "busybox")
    contains(d("container", "ls", "-a"), "junk", "docker container ls -a")


@test
def a_stalled_reader_does_not_block_the_daemon():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' '\\n'; echo end >/tmp/done; sleep 1000")
    p = d.popen("logs", "-f", c)
    cleanup(p.kill)
    time.sleep(0.5)
    begin = time.monotonic()
    for _ in range(5):
        d("ps", "-q")
    check(time.monotonic() - begin < 5, "docker ps is slow while a docker logs -f is not read")
