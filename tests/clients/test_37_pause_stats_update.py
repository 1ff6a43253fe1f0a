# SPDX-License-Identifier: Apache-2.0
"""docker pause, stats and update, as the stock CLI shows them."""

import json
import re
import time

from common_clients import docker
from harness import cases, check, contains, equal, eventually, matches, test


def box(d, *options, name="box", cmd=("sleep", "1000")):
    return d("run", "-d", "--name", name, "--stop-timeout", "1", *options, "busybox", *cmd).strip()


# --- pause ---

@test
def pause_and_unpause():
    d = docker()
    i = box(d)
    equal(d("pause", "box").strip(), "box", "output of pause")
    matches(d("ps", "--format", "{{.Status}}"), r"^Up .* \(Paused\)$", "Status")
    equal(d("ps", "-q", "--no-trunc", "--filter", "status=paused").strip(), i, "ps with the filter status=paused")
    equal(d("inspect", "-f", "{{.State.Status}} {{.State.Paused}}", "box").strip(), "paused true", "inspect")
    matches(d("info"), r"Paused: [1-9]", "docker info")
    r = d.try_("exec", "box", "true")
    equal((r.code, r.err.strip().splitlines()[-1].endswith(f"Container {i} is paused, unpause the container before exec")), (1, True), f"exec ({r})")
    r = d.try_("attach", "box")
    check(r.code == 1 and "paused" in r.err, f"attach ({r})")
    d.fails(1, f"Container {i} is already paused", "pause", "box")
    equal(d("unpause", "box").strip(), "box", "output of unpause")
    d.fails(1, f"Container {i} is not paused", "unpause", "box")
    equal(d("exec", "box", "echo", "on").strip(), "on", "exec after it")
    d("stop", "box")
    d.fails(1, "is not running", "pause", "box")


@cases([("stop", ["stop", "box"]), ("kill", ["kill", "box"]), ("restart", ["restart", "box"]), ("rm -f", ["rm", "-f", "box"])])
def ended_while_paused(args):
    d = docker()
    box(d)
    d("pause", "box")
    begin = time.monotonic()
    d(*args)
    check(time.monotonic() - begin < 5, f"docker {' '.join(args)} took {time.monotonic() - begin:.1f} s")
    r = d.try_("inspect", "-f", "{{.State.Status}}", "box")
    equal(r.out.strip(), {"restart": "running", "rm": ""}.get(args[0], "exited"), "state")


# --- stats ---

def row(text):
    return json.loads(text.splitlines()[0])


def bytes_of(text):
    n, unit = re.fullmatch(r"([\d.]+)([A-Za-z]+)", text).groups()
    return float(n) * {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


@test
def stats_once():
    d = docker()
    i = box(d, "--memory", "64m", cmd=("sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=10; while true; do :; done"))
    s = row(d("stats", "--no-stream", "--no-trunc", "--format", "json", "box"))
    equal((s["Name"], s["ID"]), ("box", i), "name and id")
    check(5 < float(s["CPUPerc"].rstrip("%")) < 110, f"CPUPerc {s['CPUPerc']}")
    used, limit = s["MemUsage"].split(" / ")
    check(10 << 20 <= bytes_of(used) < 40 << 20 and limit == "64MiB", f"MemUsage {s['MemUsage']}")
    check(15 < float(s["MemPerc"].rstrip("%")) < 70, f"MemPerc {s['MemPerc']}")
    equal(s["PIDs"], "1", "PIDs")
    for key in ("NetIO", "BlockIO"):
        matches(s[key], r"^[\d.]+\w+ / [\d.]+\w+$", key)
    contains(d("stats", "--no-stream"), "box", "docker stats of all")


@test
def stats_of_a_stopped_one():
    d = docker()
    d("create", "--name", "box", "busybox", "true")
    s = row(d("stats", "--no-stream", "--format", "json", "box"))
    equal((s["CPUPerc"], s["MemUsage"], s["PIDs"]), ("0.00%", "0B / 0B", "0"), "figures")
    r = d.try_("stats", "--no-stream", "nosuch")
    check(r.code == 1 and "No such container: nosuch" in r.err, f"of no container ({r})")


@test(timeout=60)
def stats_follow_what_comes():
    """Without names: a container that is started meanwhile is there, one that is removed goes."""
    d = docker()
    box(d, name="first")
    p = d.popen("stats", "--format", "{{.Name}} {{.MemUsage}}")
    seen = []

    def sees(pattern):
        seen.append(p.stdout.readline().decode(errors="replace"))
        return re.search(pattern, "".join(seen[-6:]))
    eventually(lambda: sees(r"first [\d.]+\w+ /"), "the first", 20)
    box(d, name="second")
    eventually(lambda: sees(r"second [\d.]+\w+ /"), "the second", 20)
    p.terminate()
    p.wait()


# --- update ---

@test
def update():
    d = docker()
    box(d, "--memory", "64m", "--memory-swap", "128m")
    r = d.try_("update", "--memory", "96m", "--pids-limit", "60", "--restart", "on-failure:3", "box")
    equal((r.code, r.out.strip()), (0, "box"), f"output ({r})")
    h = json.loads(d("inspect", "-f", "{{json .HostConfig}}", "box"))
    equal((h["Memory"], h["PidsLimit"], h["RestartPolicy"]), (96 << 20, 60, {"Name": "on-failure", "MaximumRetryCount": 3}), "HostConfig")
    equal(row(d("stats", "--no-stream", "--format", "json", "box"))["MemUsage"].split(" / ")[1], "96MiB", "limit that docker stats shows")
    d.fails(1, "update the memoryswap at the same time", "update", "--memory", "256m", "box")
    d.fails(1, "Minimum memory limit allowed is 6MB", "update", "--memory", "1m", "box")
    d("update", "--memory", "256m", "--memory-swap", "-1", "box")
    equal(d("inspect", "-f", "{{.HostConfig.MemorySwap}}", "box").strip(), "-1", "MemorySwap")
    d("update", "--cpus", "0.5", "box")
    d.fails(1, "CPU Quota cannot be updated as NanoCPUs has already been set", "update", "--cpu-quota", "5000", "box")


@test
def update_several():
    d = docker()
    box(d, name="one")
    box(d, name="two")
    equal(d("update", "--pids-limit", "70", "one", "two").split(), ["one", "two"], "output")
    r = d.try_("update", "--pids-limit", "71", "one", "nosuch")
    check(r.code == 1 and "No such container: nosuch" in r.err, f"one of two is not there ({r})")
    equal(d("inspect", "-f", "{{.HostConfig.PidsLimit}}", "one").strip(), "71", "the other one")


@test
def update_of_rm():
    d = docker()
    box(d, "--rm")
    d.fails(1, "Restart policy cannot be updated because AutoRemove is enabled for the container", "update", "--restart", "always", "box")
