# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, at the same container too, and the daemon killed in the middle of it."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time

import common_clients
from common_clients import docker, only_ours
from harness import Failed, cases, check, cleanup, contains, equal, eventually, matches, test


def at_once(n, function):
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(function, range(n)))


@test(timeout=180)
def fifty_runs():
    d = docker()
    results = at_once(50, lambda i: d.try_("run", "--rm", "busybox", "sh", "-c", f"echo {i}; echo e{i} >&2; exit {i}", timeout=150))
    wrong = [(i, r.code, r.out, r.err[-200:]) for i, r in enumerate(results) if (r.code, r.out, r.err) != (i, f"{i}\n", f"e{i}\n")]
    equal(wrong, [], "runs that did not give back their output and code")
    eventually(lambda: d("ps", "-aq") == "", "all are removed", 10)


# What each command may say, where another one was quicker.
MAY_SAY = {
    "start": None,
    "stop": None,
    "kill": r"is not running",
    "restart": None,
    "inspect": None,
    "logs": None,
    "top": r"is not running|ps:",
    "rename": r"with the same name as its current name",
}


@test(timeout=180)
def one_container_by_twenty():
    d = docker()
    d("create", "--name", "one", "busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")
    commands = [["start", "one"], ["stop", "-t", "1", "one"], ["kill", "one"], ["restart", "-t", "0", "one"], ["inspect", "one"],
                ["logs", "one"], ["top", "one"], ["rename", "one", "one"]]

    def client(i):
        chance = random.Random(i)
        wrong = []
        for _ in range(10):
            command = chance.choice(commands)
            r = d.try_(*command, timeout=90)
            if r.code != 0 and not re.search(MAY_SAY[command[0]] or r"(?!)", r.err):
                wrong.append((command, r.err.strip()[-200:]))
        return wrong
    equal([w for l in at_once(20, client) for w in l], [], "answers nobody can make sense of")
    d("restart", "-t", "0", "one")
    equal(d("inspect", "-f", "{{.State.Status}}", "one"), "running", "state after all that")
    equal(len(d("top", "one", "-o", "pid").split("\n")) >= 2, True, "it has processes")
    results = at_once(20, lambda i: d.try_("rm", "-f", "one"))
    for r in results:
        check(r.code == 0 or re.search(r"(?i)no such container|already in progress|marked for removal", r.err), f"docker rm -f said {r.err!r}")
    equal(d("ps", "-aq"), "", "containers left")


@test
def one_name_for_twenty():
    d = docker()
    results = at_once(20, lambda i: d.try_("create", "--name", "race", "busybox"))
    equal(sum(r.code == 0 for r in results), 1, "containers that got the name")
    for r in results:
        check(r.code == 0 or 'Conflict. The container name "/race" is already in use' in r.err, f"docker create said {r.err!r}")
    equal(len(d("ps", "-aq").split()), 1, "containers")
    results = at_once(20, lambda i: d.try_("rename", "race", f"mine{i}"))
    equal(sum(r.code == 0 for r in results), 1, "renames that worked")


@test(timeout=120)
def flooded_log_with_a_slow_reader():
    only_ours()
    d = docker()
    c = d("run", "-d", "--network", "none", "--log-opt", "max-size=4m", "--log-opt", "max-file=3", "busybox", "yes", "a line that comes again and again")
    reader = d.popen("logs", "-f", c)
    cleanup(reader.kill)
    status = pathlib.Path(f"/proc/{common_clients.ENGINE.process.pid}/status")

    def resident():
        return int(matches(status.read_text(), r"VmRSS:\s+(\d+)").group(1))
    before = resident()
    log = common_clients.ENGINE.data / "containers" / c / f"{c}-json.log"
    seen = set()
    slowest = 0
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        reader.stdout.read(100)
        with contextlib.suppress(FileNotFoundError):        # in the middle of a rotation
            seen.add(log.stat().st_ino)
        begin = time.monotonic()
        common_clients.ENGINE.client().get("/_ping").body
        slowest = max(slowest, time.monotonic() - begin)
        time.sleep(0.05)
    check(len(seen) >= 3, f"the log was rotated {len(seen) - 1} times: the container is held up")
    check(slowest < 1, f"/_ping took {slowest:.2f} s beside a slow reader of a flooded log")
    check(resident() - before < 8000, f"the daemon grew from {before} to {resident()} kB")
    d("rm", "-f", c)
    rest = reader.stdout.read()
    check(not [line for line in rest.split(b"\n")[1:-1] if line != b"a line that comes again and again"], "lines of the log are mixed up")
    reader.wait(20)


def kill_at_random(seed, kills):
    chance = random.Random(seed)
    for _ in range(kills):
        time.sleep(chance.uniform(0.05, 0.8))
        common_clients.ENGINE.kill()
        common_clients.ENGINE.start()


def without_end(d, script):
    """A shell that repeats the script, with all its children in a process group that can be ended."""
    p = subprocess.Popen(["bash", "-c", f"while :; do {script}; done"], env=d.env, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    cleanup(end, p)
    return p


def end(p):
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    p.wait()


def all_agree(d):
    """What the daemon says of each container is what the kernel says, and none is in a state in between."""
    for c in json.loads(d("inspect", *d("ps", "-aq").split()) if d("ps", "-aq") else "[]"):
        state = c["State"]
        check(state["Status"] in ("created", "running", "exited", "restarting"), f"{c['Name']} is {state['Status']}")
        if state["Running"]:
            check(os.path.exists(f"/proc/{state['Pid']}"), f"{c['Name']} is said to run as {state['Pid']}, which is no process")
        else:
            equal(state["Pid"], 0, f"Pid of {c['Name']}, which does not run")


@cases([
    ("run --rm", "docker run --rm busybox true"),
    ("start, stop, rm", "docker create --name $N busybox sleep 1000; docker start $N; docker stop -t 0 $N; docker rm -f $N"),
    ("restart", "docker run -d --name $N busybox sleep 1000; docker restart -t 0 $N; docker restart -t 0 $N; docker rm -f $N"),
    ("logs -f", "docker run -d --name $N busybox seq 1 200000; docker logs -f $N; docker rm -f $N"),
    ("rename", "docker create --name $N busybox; docker rename $N x$N; docker rename x$N $N; docker rm -f $N x$N"),
    ("kill", "docker run -d --name $N busybox sleep 1000; docker kill $N; docker rm -f $N"),
    ("same name", "docker run -d --name same busybox sleep 1; docker rm -f same"),
], timeout=180)
def daemon_killed_during(script):
    only_ours()
    d = docker()
    seed = random.randrange(100000)
    clients = [without_end(d, f"N=c{n}; {script}") for n in range(5)]
    try:
        kill_at_random(seed, 15)
        for p in clients:
            end(p)
        eventually(lambda: common_clients.ENGINE.client().get("/_ping").status == 200, "the daemon answers", 10)
        all_agree(d)
        common_clients.remove_all()
        common_clients.ENGINE.check_clean(timeout=15)
    except Exception as e:
        raise Failed(f"seed {seed}: {e}") from e
