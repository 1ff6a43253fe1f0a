# SPDX-License-Identifier: Apache-2.0
"""The daemon is killed, stopped and started again while containers run and clients are attached."""

import json
import os
import signal
import subprocess
import time

import common_clients
from common_clients import docker, only_ours
from harness import cases, check, cleanup, contains, equal, eventually, matches, test


def away_and_back(how):
    e = common_clients.ENGINE
    e.kill() if how == "kill -9" else e.stop()
    return e


# Output reaches the client from the shim, and may do so before the answer to the start does, which is the daemon's.
SETTLE = 0.5

HOWS = [("kill -9", "kill -9"), ("stop", "stop")]


@cases(HOWS)
def container_goes_on(how):
    only_ours()
    d = docker()
    c = d("run", "-d", "--name", "goes-on", "busybox", "sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done")
    pid = d("inspect", "-f", "{{.State.Pid}}", c)
    away_and_back(how)
    time.sleep(0.5)
    check(os.path.exists(f"/proc/{pid}"), f"the container's process ended with the daemon ({how})")
    common_clients.ENGINE.start()
    equal(d("inspect", "-f", "{{.State.Status}} {{.State.Pid}}", c), "running " + pid, "state after the restart")
    d("stop", "-t", "0", c)
    lines = d("logs", c).split()
    equal(lines, [str(i) for i in range(len(lines))], "lines of the log over the restart")
    check(len(lines) > 25, f"only {len(lines)} lines in the log: output of the time without a daemon is missing")


@cases([(f"{how}, exit code {code}", how, code) for how in ("kill -9", "stop") for code in (0, 7, 255)])
def exit_while_away(how, code):
    only_ours()
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", f"sleep 0.5; echo last words; exit {code}")
    away_and_back(how)
    time.sleep(1.2)
    common_clients.ENGINE.start()
    equal(d("wait", c), str(code), "exit code of a container that ended while the daemon was away")
    equal(d("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", c), f"exited {code}", "state")
    equal(d("logs", c), "last words", "log")
    finished = d("inspect", "-f", "{{.State.FinishedAt}}", c)
    age = time.time() - time.mktime(time.strptime(finished[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone
    check(0.3 < age < 10, f"FinishedAt {finished} is not the time of the exit ({age:.1f} s ago)")


@cases(HOWS)
def attached_session_goes_on(how):
    only_ours()
    d = docker()
    p = d.popen("run", "-i", "--name", "session", "busybox", "cat", bufsize=0)
    cleanup(p.kill)
    p.stdin.write(b"before\n")
    equal(p.stdout.readline(), b"before\n", "echo before")
    time.sleep(SETTLE)
    away_and_back(how)
    p.stdin.write(b"while away\n")
    equal(p.stdout.readline(), b"while away\n", "echo while the daemon is away")
    common_clients.ENGINE.start()
    p.stdin.write(b"after\n")
    equal(p.stdout.readline(), b"after\n", "echo after the restart")
    p.stdin.close()
    equal(p.stdout.read(), b"", "rest of the output")
    p.wait(20)
    equal(d("wait", "session"), "0", "exit code of the container")
    equal(d("logs", "session"), "before\nwhile away\nafter", "log")


@test
def end_during_the_restart():
    """The container ends in the moment in which the new daemon finds it."""
    only_ours()
    d = docker()
    for n in range(10):
        p = d.popen("run", "-i", "--name", "brief", "busybox", "cat", bufsize=0)
        cleanup(p.kill)
        p.stdin.write(b"x\n")
        equal(p.stdout.readline(), b"x\n", "echo")
        time.sleep(SETTLE)
        common_clients.ENGINE.kill()
        common_clients.ENGINE.start()
        p.stdin.close()
        p.wait(20)
        equal(d("wait", "brief"), "0", "exit code")
        d("rm", "-f", "brief")


@test(timeout=120)
def no_byte_is_lost_at_full_speed():
    """A container writes numbered lines as fast as it can, a client is attached, the daemon is killed three times."""
    only_ours()
    d = docker()
    count = 300000
    p = d.popen("run", "--name", "fast", "busybox", "sh", "-c",
                f"seq 1 {count // 3}; sleep 0.7; seq {count // 3 + 1} {2 * count // 3}; sleep 0.7; seq {2 * count // 3 + 1} {count}",
                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    cleanup(p.kill)
    first = p.stdout.readline()
    equal(first, b"1\n", "first line")
    pid = os.fork()
    if pid == 0:                                    # kills meanwhile, so that this process can read
        os._exit(0)
    os.waitpid(pid, 0)
    e = common_clients.ENGINE
    got = [first]
    import threading
    reader = threading.Thread(target=lambda: got.append(p.stdout.read()), daemon=True)
    reader.start()
    for _ in range(3):
        time.sleep(0.25)
        e.kill()
        time.sleep(0.15)
        e.start()
    reader.join(60)
    check(not reader.is_alive(), "the attached client did not end with the container")
    out = b"".join(got)
    wanted = b"".join(b"%d\n" % i for i in range(1, count + 1))
    check(out == wanted, f"the attached client got {len(out)} of {len(wanted)} bytes, "
                         f"first difference at {next((i for i, (a, b) in enumerate(zip(out, wanted)) if a != b), len(out))}")
    equal(d("wait", "fast"), "0", "exit code")
    r = d.try_("logs", "fast", timeout=60)
    check(r.out_bytes == wanted, f"the log has {len(r.out_bytes)} of {len(wanted)} bytes")


@test
def terminal_session_goes_on():
    only_ours()
    d = docker()
    t = d.terminal("run", "-it", "--name", "tty", "busybox", "sh")
    cleanup(t.close)
    t.expect("# ")
    time.sleep(SETTLE)
    common_clients.ENGINE.kill()
    t.send("echo $((40+2))\n")
    t.expect("42")
    common_clients.ENGINE.start()
    t.send("exit 3\n")
    t.wait()
    equal(d("wait", "tty"), "3", "exit code")


@test
def stop_after_restart():
    only_ours()
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done")
    eventually(lambda: d("logs", c) == "up", "the container says up")
    common_clients.ENGINE.restart("kill")
    d("stop", c)
    equal(d("inspect", "-f", "{{.State.ExitCode}}", c), "5", "exit code of docker stop after a restart")


@test
def attach_after_restart():
    only_ours()
    d = docker()
    c = d("run", "-di", "busybox", "sh", "-c", "read x; echo got $x; sleep 0.3; exit 4")
    common_clients.ENGINE.restart("kill")
    p = d.popen("attach", c)
    cleanup(p.kill)
    p.stdin.write(b"it\n")
    p.stdin.flush()
    equal((p.stdout.read(), p.wait(20)), (b"got it\n", 4), "output and exit code")


@test
def rm_flag_is_kept_over_a_restart():
    only_ours()
    d = docker()
    d("run", "-d", "--rm", "--name", "brief", "busybox", "sleep", "0.5")
    common_clients.ENGINE.kill()
    time.sleep(1)
    common_clients.ENGINE.start()
    eventually(lambda: d("ps", "-aq") == "", "a --rm container that ended while the daemon was away is removed", 10)


@test
def images_and_stopped_containers_stay():
    only_ours()
    d = docker()
    c = d("create", "--name", "kept", "--label", "a=b", "busybox", "echo", "kept")
    before = json.loads(d("inspect", "kept"))[0]
    images = d("images", "--no-trunc", "-q")
    common_clients.ENGINE.restart("kill")
    after = json.loads(d("inspect", "kept"))[0]
    for key in before:
        equal(after[key], before[key], f"{key} of the inspected container after a restart")
    equal(d("images", "--no-trunc", "-q"), images, "images after a restart")
    equal(d("start", "-a", c), "kept", "output of the container")


@test
def network_survives():
    only_ours()
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "while :; do echo alive | nc -l -p 7000; done")
    ip = d("inspect", "-f", "{{.NetworkSettings.IPAddress}}", c)
    common_clients.ENGINE.restart("kill")
    equal(d("inspect", "-f", "{{.NetworkSettings.IPAddress}}", c), ip, "address after the restart")
    equal(d("run", "--rm", "busybox", "nc", "-w", "3", ip, "7000", input=b""), "alive", "answer of the old container to a new one")
    new = d("run", "-d", "busybox", "sleep", "1000")
    check(d("inspect", "-f", "{{.NetworkSettings.IPAddress}}", new) != ip, "a new container got the address of a running one")
