# SPDX-License-Identifier: Apache-2.0
"""What containers use: /containers/{id}/stats."""

import os
import socket
import threading
import time

from common_api import client, own_daemon
from harness import Failed, cases, check, cleanup, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}
ZERO = "0001-01-01T00:00:00Z"
NO_CPU = {"cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
          "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0}}
BLKIO = ("io_service_bytes", "io_serviced", "io_queue", "io_service_time", "io_wait_time", "io_merged", "io_time")
BUSY = "while true; do :; done"


def box(c, cmd="sleep 1000", host=NONE, **config):
    i = c.create(cmd=cmd, host=host, StopTimeout=0, **config)
    c.start(i)
    return i


def stats(c, i, **query):
    r = c.get(f"/containers/{i}/stats", query={"stream": 0, **query})
    equal(r.status, 200, f"status of stats ({r.message if r.status != 200 else ''})")
    equal(r.headers["content-type"], "application/json", "content type")
    rows = list(r.lines())
    equal(len(rows), 1, "documents")
    return rows[0]


def empty(c, i):
    return {"name": c.inspect(i)["Name"], "id": i, "read": ZERO, "preread": ZERO, "pids_stats": {}, "num_procs": 0, "storage_stats": {},
            "blkio_stats": {**{f"{name}_recursive": None for name in BLKIO}, "sectors_recursive": None},
            "cpu_stats": NO_CPU, "precpu_stats": NO_CPU, "memory_stats": {}}


def percent(s):
    """As the CLI computes it."""
    cpu = s["cpu_stats"]["cpu_usage"]["total_usage"] - s["precpu_stats"]["cpu_usage"]["total_usage"]
    system = s["cpu_stats"]["system_cpu_usage"] - s["precpu_stats"]["system_cpu_usage"]
    return cpu / system * s["cpu_stats"]["online_cpus"] * 100


@test
def one_sample():
    c = client()
    i = box(c, "dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2>/dev/null; " + BUSY)
    begin = time.monotonic()
    s = stats(c, i)
    check(0.9 < time.monotonic() - begin < 3.5, f"it took {time.monotonic() - begin:.1f} s")
    equal((s["name"], s["id"]), (c.inspect(i)["Name"], i), "name and id")
    matches(s["read"], r"^20\d\d-\d\d-\d\dT[\d:.]+Z$", "read")
    check(s["preread"] < s["read"] and s["preread"] != ZERO, f"preread {s['preread']}, read {s['read']}")
    check(5 < percent(s) < 110, f"it uses {percent(s):.1f} % of a CPU")
    equal(s["cpu_stats"]["online_cpus"], os.sysconf("SC_NPROCESSORS_ONLN"), "online_cpus")
    usage = s["cpu_stats"]["cpu_usage"]
    check(usage["usage_in_kernelmode"] + usage["usage_in_usermode"] <= usage["total_usage"] * 1.5 + 2e8, f"CPU time {usage}")
    check(s["pids_stats"].get("current") == 1, f"pids_stats {s['pids_stats']}")
    memory = s["memory_stats"]
    check(20 << 20 <= memory["usage"] < 200 << 20, f"memory: {memory['usage']}")
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    check(abs(memory["limit"] - pages * size) < pages * size / 100, f"limit {memory['limit']} of one without a limit")
    check(any(key in memory["stats"] for key in ("total_inactive_file", "inactive_file")), f"memory {sorted(memory['stats'])}")
    check("networks" not in s, "networks of a container without any")


@test
def limits():
    c = client()
    i = box(c, host={**NONE, "Memory": 64 << 20, "PidsLimit": 77})
    s = stats(c, i, **{"one-shot": 1})
    equal((s["memory_stats"]["limit"], s["pids_stats"]), (64 << 20, {"current": 1, "limit": 77}), "limits")


@test
def one_shot():
    c = client()
    i = box(c)
    begin = time.monotonic()
    s = stats(c, i, **{"one-shot": 1})
    check(time.monotonic() - begin < 0.5, f"it took {time.monotonic() - begin:.1f} s")
    equal((s["preread"], s["precpu_stats"]), (ZERO, NO_CPU), "what was before")
    check(s["cpu_stats"]["system_cpu_usage"] > 0 and s["read"] != ZERO, "a sample")
    r = c.get(f"/containers/{i}/stats", query={"one-shot": 1})
    equal((r.status, r.message), (400, "cannot have stream=true and one-shot=true"), "with stream")
    old = client("1.40")
    begin = time.monotonic()
    check(stats(old, i, **{"one-shot": 1})["preread"] != ZERO, "one-shot of 1.40, which does not have it, left the first sample out")


@test
def stream():
    c = client()
    i = box(c, BUSY)
    r = c.get(f"/containers/{i}/stats")
    rows, times = [], []
    for s in r.lines():
        rows.append(s)
        times.append(time.monotonic())
        if len(rows) == 4:
            break
    r.close()
    equal((rows[0]["preread"], rows[0]["precpu_stats"]), (ZERO, NO_CPU), "before the first")
    for a, b in zip(rows, rows[1:]):
        equal((b["preread"], b["precpu_stats"]), (a["read"], a["cpu_stats"]), "what was before")
        check(5 < percent(b) < 110, f"it uses {percent(b):.1f} % of a CPU")
    for a, b in zip(times, times[1:]):
        check(0.8 < b - a < 1.4, f"{b - a:.2f} s from one to the next")


@test
def several_at_once():
    """However many ask for one container, and wherever between two samples."""
    c = client()
    i = box(c, BUSY)
    found = []
    threads = [threading.Thread(target=lambda: found.append(percent(stats(client(), i)))) for _ in range(20)]
    for t in threads:
        t.start()
        time.sleep(0.02)
    for t in threads:
        t.join()
    equal(len(found), 20, "answers")
    check(all(2 < n < 110 for n in found), f"shares of a CPU {found}")


@test
def not_running():
    c = client()
    i = c.create(cmd="sleep 1000", host=NONE, StopTimeout=0)
    wanted = empty(c, i)
    equal(stats(c, i), wanted, "of a created one")
    equal(stats(c, i, **{"one-shot": 1}), wanted, "of a created one, one-shot")
    lines = c.get(f"/containers/{i}/stats").lines()
    equal(next(lines), wanted, "first line of a created one")
    c.start(i)
    eventually(lambda: next(lines)["read"] != ZERO, "a sample after the start")
    c.ok("POST", f"/containers/{i}/stop", wanted=204)
    eventually(lambda: next(lines)["read"] == ZERO, "an empty one after the end")
    equal(stats(c, i), wanted, "of one that ended")
    c.remove(i)
    equal([s for s in lines if s["read"] != ZERO], [], "samples up to the end of the stream, which ends with the removal")


@test
def no_container():
    r = client().get("/containers/nosuch/stats")
    equal((r.status, r.message), (404, "No such container: nosuch"), "answer")


@test
def paused():
    c = client()
    i = box(c, BUSY)
    c.ok("POST", f"/containers/{i}/pause", wanted=204)
    s = stats(c, i)
    check(percent(s) < 5 and s["memory_stats"]["usage"] > 0, f"a paused one uses {percent(s):.1f} % of a CPU")


@test
def networks():
    c = client()
    i = c.create(cmd="ping -c 5 -s 1000 127.0.0.1 >/dev/null; ping -c 3 -W 1 172.17.0.1 >/dev/null; sleep 1000", host={"NetworkMode": "bridge"})
    r = c.post(f"/containers/{i}/start")
    if r.status != 204:
        raise Failed(f"start: {r.message}")
    eventually(lambda: stats(c, i, **{"one-shot": 1})["networks"]["eth0"]["tx_bytes"] > 100, "what was sent is counted")
    s = stats(c, i, **{"one-shot": 1})
    equal(list(s["networks"]), ["eth0"], "interfaces")
    equal(sorted(s["networks"]["eth0"]), sorted(f"{d}_{n}" for d in ("rx", "tx") for n in ("bytes", "packets", "errors", "dropped")), "counters")
    there = open(f"/proc/{c.inspect(i)['State']['Pid']}/net/dev").read()
    line = next(line.split(":")[1].split() for line in there.splitlines() if "eth0:" in line)
    n = stats(c, i, **{"one-shot": 1})["networks"]["eth0"]
    check(0 <= n["rx_packets"] - int(line[1]) < 20 and 0 <= n["tx_packets"] - int(line[9]) < 20, f"{n} and /proc/net/dev {line}")


@test
def host_network():
    c = client()
    check("networks" not in stats(c, box(c, host={"NetworkMode": "host"}), **{"one-shot": 1}), "networks of one that has the host's")


def resident(pid):
    return int(open(f"/proc/{pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@test(timeout=120)
def client_that_does_not_read():
    """What it does not read is left out: nothing piles up, and others get theirs."""
    d = own_daemon(kind="release").start()      # a sanitizer keeps what is freed
    d.load_busybox()
    c = d.client()
    i = box(c)
    silent = []
    for _ in range(20):
        s = c.open_socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(f"GET /v1.51/containers/{i}/stats HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        silent.append(s)
        cleanup(s.close)
    time.sleep(3)
    before = resident(d.process.pid)
    time.sleep(6)
    check(resident(d.process.pid) - before < 2 << 20, "the daemon grows")
    check(stats(c, i)["read"] != ZERO, "another client")
    for s in silent:
        s.close()
    equal(c.get("/_ping").status, 200, "ping")


@test
def clients_that_leave():
    c = client()
    i = box(c)
    for n in range(50):
        r = c.get(f"/containers/{i}/stats")
        if n % 3 == 0:
            next(r.lines())
        r.close()
    check(stats(c, i)["read"] != ZERO, "a sample")
    c.remove(i)


@test
def removed_while_many_read():
    c = client()
    i = box(c)
    streams = [c.get(f"/containers/{i}/stats") for _ in range(10)]
    for r in streams:
        next(r.lines())
    c.remove(i)
    for r in streams:
        list(r.lines())         # to its end


@cases([("stop", "stop"), ("kill", "kill")])
def daemon_ends(how):
    d = own_daemon().start()
    d.load_busybox()
    c = d.client()
    i = box(c)
    lines = c.get(f"/containers/{i}/stats").lines()
    next(lines)
    getattr(d, how)()
    d.start()
    c = d.client()
    check(stats(c, i)["memory_stats"]["usage"] > 0, "a sample after the restart")
    c.remove(i)
    d.check_clean([i])
