# SPDX-License-Identifier: Apache-2.0
"""Paused containers: they stand still whatever becomes of the daemon, and each verb does with them what Docker's does."""

import os
import signal
import threading
import time

from common_api import client, own_daemon
from harness import cases, check, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}
TICK = "n=0; while true; do n=$((n+1)); echo $n; usleep 10000; done"


def ticking(c, cmd=TICK, host=NONE, **config):
    i = c.create(cmd=cmd, host=host, StopTimeout=5, **config)
    c.start(i)
    eventually(lambda: len(c.logs(i)[0]) > 20, "the container counts")
    return i


def pause(c, i, verb="pause", status=204):
    r = c.post(f"/containers/{i}/{verb}")
    equal(r.status, status, f"status of {verb} ({r.message!r})")
    return r.message


def size(c, i):
    return sum(len(s) for s in c.logs(i))


def stands_still(c, i):
    time.sleep(0.1)             # what is on its way to the log
    was = size(c, i)
    time.sleep(0.3)
    equal(size(c, i), was, "size of the log of a paused container")


def goes_on(c, i):
    was = size(c, i)
    eventually(lambda: size(c, i) > was, "the container goes on")


def between(c, since):
    r = c.get("/events", query={"since": f"{since:.9f}", "until": f"{time.time():.9f}", "filters": {"type": ["container"]}})
    return [e["Action"] for e in r.lines()]


@test
def pause_and_unpause():
    c = client()
    i = ticking(c)
    since = time.time()
    info = c.ok("GET", "/info")
    pause(c, i)
    stands_still(c, i)
    state = c.inspect(i)["State"]
    equal((state["Status"], state["Running"], state["Paused"], state["Restarting"]), ("paused", True, True, False), "state")
    check(state["Pid"] > 0, "Pid")
    now = c.ok("GET", "/info")
    equal((now["ContainersPaused"], now["ContainersRunning"]), (info["ContainersPaused"] + 1, info["ContainersRunning"] - 1), "counts of /info")
    row = c.ok("GET", "/containers/json", query={"filters": {"status": ["paused"]}})
    equal([(r["Id"], r["State"]) for r in row], [(i, "paused")], "list with the filter status=paused")
    matches(row[0]["Status"], r"^Up .* \(Paused\)$", "Status")
    equal(c.ok("GET", "/containers/json", query={"filters": {"status": ["running"], "id": [i]}}), [], "list with the filter status=running")
    equal([r["Id"] for r in c.ok("GET", "/containers/json", query={"filters": {"id": [i]}})], [i], "list without all")
    pause(c, i, "unpause")
    goes_on(c, i)
    equal(c.inspect(i)["State"]["Status"], "running", "state")
    equal(between(c, since), ["pause", "unpause"], "events")


@test
def errors():
    c = client()
    i = c.create(cmd="sleep 1000", host=NONE)
    equal(pause(c, i, status=409), f"container {i} is not running", "pause of a created one")
    equal(pause(c, i, "unpause", 500), f"Container {i} is not paused", "unpause of a created one")
    c.start(i)
    equal(pause(c, i, "unpause", 500), f"Container {i} is not paused", "unpause of a running one")
    pause(c, i)
    equal(pause(c, i, status=409), f"Container {i} is already paused", "second pause")
    equal(pause(c, "nosuch", status=404), "No such container: nosuch", "no container")
    equal(pause(c, "nosuch", "unpause", 404), "No such container: nosuch", "no container")
    r = c.post(f"/containers/{i}/exec", {"Cmd": ["true"]})
    equal((r.status, r.message), (409, f"Container {i} is paused, unpause the container before exec"), "exec")
    r = c.post(f"/containers/{i}/attach", query={"stream": 1, "stdout": 1})
    equal(r.status, 409, "status of attach")
    r = c.post(f"/containers/{i}/start")
    equal((r.status, r.message), (409, "cannot start a paused container, try unpause instead"), "start")
    r = c.delete(f"/containers/{i}")
    equal((r.status, r.message), (409, f'cannot remove container "{c.inspect(i)["Name"].lstrip("/")}": container is paused: '
                                       'stop the container before removing or force remove'), "removal without force")


@test
def looked_at_while_it_is_paused():
    c = client()
    i = ticking(c)
    pause(c, i)
    check(any("usleep" in " ".join(p) or "sh -c" in " ".join(p) for p in c.ok("GET", f"/containers/{i}/top")["Processes"]), "top")
    check(c.logs(i)[0].startswith(b"1\n2\n"), "logs")
    equal(c.post(f"/containers/{i}/rename", query={"name": "still"}).status, 204, "status of rename")
    equal(c.get(f"/containers/{i}/changes").status, 200, "status of changes")
    equal(c.inspect("still")["State"]["Paused"], True, "Paused")


@cases([("stop", "stop", {"t": 5}, 7), ("kill", "kill", {}, 137), ("term", "kill", {"signal": "TERM"}, 7)])
def ended(verb, query, code):
    """What is to end it lets it go on, so that it sees the signal."""
    c = client()
    i = ticking(c, "trap 'exit 7' TERM; " + TICK)
    pause(c, i)
    since = time.time()
    begin = time.monotonic()
    equal(c.post(f"/containers/{i}/{verb}", query=query).status, 204, f"status of {verb}")
    equal(c.wait(i, timeout=20), code, "exit code")
    check(time.monotonic() - begin < 4, "it took as long as the timeout")
    events = between(c, since)
    check({"kill", "unpause", "die"} <= set(events), f"events {events}")
    state = c.inspect(i)["State"]
    equal((state["Status"], state["Paused"], state["Running"]), ("exited", False, False), "state")
    c.start(i)
    equal(c.inspect(i)["State"]["Status"], "running", "state of the next run")
    goes_on(c, i)


@test
def other_signals_wait():
    """Where the stop signal is said, any other one is pending until the container is unpaused."""
    c = client()
    i = ticking(c, "trap 'echo got usr1' USR1; " + TICK, StopSignal="SIGTERM")
    pause(c, i)
    equal(c.post(f"/containers/{i}/kill", query={"signal": "USR1"}).status, 204, "status of kill")
    stands_still(c, i)
    equal(c.inspect(i)["State"]["Status"], "paused", "state")
    pause(c, i, "unpause")
    eventually(lambda: b"got usr1" in c.logs(i)[0], "the signal has come")


@test
def restart():
    c = client()
    i = ticking(c, "trap 'exit 7' TERM; " + TICK)
    pid = c.inspect(i)["State"]["Pid"]
    pause(c, i)
    equal(c.post(f"/containers/{i}/restart", query={"t": 5}).status, 204, "status of restart")
    state = c.inspect(i)["State"]
    check(state["Status"] == "running" and state["Pid"] != pid, f"state {state}")
    goes_on(c, i)


@test
def removed_by_force():
    c = client()
    i = ticking(c)
    pause(c, i)
    begin = time.monotonic()
    equal(c.delete(f"/containers/{i}", query={"force": 1}).status, 204, "status of the removal")
    check(time.monotonic() - begin < 5, f"the removal took {time.monotonic() - begin:.1f} s")
    equal(c.get(f"/containers/{i}/json").status, 404, "status of inspect")


@test
def removes_itself():
    c = client()
    i = ticking(c, host={**NONE, "AutoRemove": True})
    pause(c, i)
    equal(c.post(f"/containers/{i}/kill").status, 204, "status of kill")
    eventually(lambda: c.get(f"/containers/{i}/json").status == 404, "it is removed")


@test
def waited_for():
    c = client()
    i = ticking(c)
    pause(c, i)
    codes = []
    t = threading.Thread(target=lambda: codes.append(client().wait(i, timeout=20)))
    t.start()
    time.sleep(0.3)
    equal(codes, [], "who waits is answered while it is paused")
    c.post(f"/containers/{i}/kill")
    t.join()
    equal(codes, [137], "exit code")


@test
def commit_leaves_it_paused():
    c = client()
    i = ticking(c)
    pause(c, i)
    for n in ("1", "0"):
        r = c.post("/commit", query={"container": i, "pause": n})
        equal(r.status, 201, f"status of commit with pause={n}")
        c.delete(f"/images/{r.json()['Id']}")
        equal(c.inspect(i)["State"]["Status"], "paused", "state")
        stands_still(c, i)
    pause(c, i, "unpause")
    goes_on(c, i)


@test(timeout=120)
def many_times():
    c = client()
    i = ticking(c)
    for _ in range(50):
        pause(c, i)
        pause(c, i, "unpause")
    goes_on(c, i)


@test
def many_at_once():
    """Of several pauses one succeeds."""
    c = client()
    i = ticking(c)
    for verb, error in (("pause", 409), ("unpause", 500)):
        found = []
        threads = [threading.Thread(target=lambda: found.append(client().post(f"/containers/{i}/{verb}").status)) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        equal(sorted(found), [204] + [error] * 7, f"answers of {verb}")
    goes_on(c, i)


@cases([("kill -9", "kill"), ("stop", "stop")])
def outlives_the_daemon(how):
    d = own_daemon().start()
    d.load_busybox()
    c = d.client()
    i = ticking(c)
    pause(c, i)
    getattr(d, how)()
    d.start()
    c = d.client()
    state = c.inspect(i)["State"]
    equal((state["Status"], state["Paused"]), ("paused", True), "state after the restart of the daemon")
    equal(c.ok("GET", "/info")["ContainersPaused"], 1, "ContainersPaused")
    stands_still(c, i)
    pause(c, i, "unpause")
    goes_on(c, i)
    getattr(d, how)()
    d.start()
    c = d.client()
    equal(c.inspect(i)["State"]["Status"], "running", "state after another restart")
    goes_on(c, i)
    c.remove(i)
    d.check_clean([i])


@test(timeout=120)
def killed_while_it_pauses():
    """Whenever the daemon dies: the state that the next one tells is the container's."""
    d = own_daemon().start()
    d.load_busybox()
    i = ticking(d.client())
    for n in range(8):
        t = threading.Thread(target=attempt, args=(d.client(), i, "pause"))
        t.start()
        time.sleep(n * 0.001)
        d.kill()
        t.join()
        d.start()
        c = d.client()
        time.sleep(0.05)        # a pause that was on its way is done
        if c.inspect(i)["State"]["Paused"]:
            stands_still(c, i)
            pause(c, i, "unpause")
        goes_on(c, i)


def attempt(c, i, verb):
    try:
        c.post(f"/containers/{i}/{verb}")
    except Exception:
        pass


@cases([("removed by the same daemon", False), ("removed before the next daemon", True)])
def nothing_is_left_of_a_killed_shim(restart):
    d = own_daemon().start()
    d.load_busybox()
    c = d.client()
    i = ticking(c)
    state = d.exec / "runtime" / i
    check(state.exists(), "the runtime keeps something of the container")
    os.kill(int((d.exec / "containers" / i / "shim.pid").read_text().split()[0]), signal.SIGKILL)
    equal(c.wait(i, timeout=20), 137, "exit code")
    if restart:
        d.restart()
        c = d.client()
    c.remove(i)
    eventually(lambda: not state.exists(), "the runtime's directory is gone", 10)
    if restart:
        state.mkdir()
        d.restart("kill")
        eventually(lambda: not state.exists(), "the directory that a daemon left when it died is gone", 10)


@test
def killed_shim():
    """Its shim is killed: the container, frozen as it is, ends with it."""
    d = own_daemon().start()
    d.load_busybox()
    c = d.client()
    i = ticking(c)
    process = c.inspect(i)["State"]["Pid"]
    pause(c, i)
    os.kill(int((d.exec / "containers" / i / "shim.pid").read_text().split()[0]), signal.SIGKILL)
    equal(c.wait(i, timeout=20), 137, "exit code")
    equal(c.inspect(i)["State"]["Status"], "exited", "state")
    eventually(lambda: not os.path.exists(f"/proc/{process}"), "its process has ended")
    c.start(i)
    goes_on(c, i)


@test
def stopped_while_the_daemon_is_away():
    """SIGTERM to the shim, as systemctl stop sends it."""
    d = own_daemon().start()
    d.load_busybox()
    c = d.client()
    i = ticking(c, "trap 'exit 7' TERM; " + TICK)
    pause(c, i)
    pid = int((d.exec / "containers" / i / "shim.pid").read_text().split()[0])
    d.kill()
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not os.path.exists(f"/proc/{pid}"), "the shim has ended")
    d.start()
    state = d.client().inspect(i)["State"]
    equal((state["Status"], state["ExitCode"]), ("exited", 7), "state")
