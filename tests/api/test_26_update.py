# SPDX-License-Identifier: Apache-2.0
"""docker update: limits and restart policies of containers that are there, running or not."""

import os
import pathlib
import stat
import threading
import time

from common_api import client, only_ours, own_daemon
from harness import Skip, cases, check, contains, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}
MB = 1 << 20
CONFLICT = "Conflicting options: "


def box(c, start=True, cmd="sleep 1000", **host):
    i = c.create(cmd=cmd, host={**NONE, **host}, StopTimeout=0)
    if start:
        c.start(i)
    return i


def update(c, i, status=200, **body):
    r = c.post(f"/containers/{i}/update", body)
    equal(r.status, status, f"status of the update ({r.message!r})")
    return r.json() if status == 200 else r.message


def limit(i, v1, v2):
    """What the kernel has; v1 is CONTROLLER/FILE."""
    root = pathlib.Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return (root / "docker" / i / v2).read_text().strip()
    controller, name = v1.split("/")
    return (root / controller / "docker" / i / name).read_text().strip()


def memory(i):
    return int(limit(i, "memory/memory.limit_in_bytes", "memory.max"))


def pids(i):
    return limit(i, "pids/pids.max", "pids.max")


def actions(c, since):
    return [e["Action"] for e in c.get("/events", query={"since": f"{since:.9f}", "until": f"{time.time():.9f}"}).lines()]


@test
def limits_of_a_running_container():
    c = client()
    i = box(c, Memory=64 * MB, MemorySwap=128 * MB)
    pid = c.inspect(i)["State"]["Pid"]
    since = time.time()
    reply = update(c, i, Memory=96 * MB, PidsLimit=50, CpuShares=512)
    check(not reply["Warnings"], f"warnings {reply}")
    equal((memory(i), pids(i)), (96 * MB, "50"), "what the kernel has")
    h = c.inspect(i)["HostConfig"]
    equal((h["Memory"], h["MemorySwap"], h["PidsLimit"], h["CpuShares"]), (96 * MB, 128 * MB, 50, 512), "HostConfig")
    state = c.inspect(i)["State"]
    equal((state["Status"], state["Pid"]), ("running", pid), "the container, which was not restarted")
    equal(actions(c, since), ["update"], "events")
    update(c, i, MemoryReservation=32 * MB)
    equal((memory(i), pids(i)), (96 * MB, "50"), "what an update does not name stays")
    update(c, i, PidsLimit=-1)
    equal((memory(i), pids(i)), (96 * MB, "max"), "without a limit of processes again")
    equal(c.inspect(i)["HostConfig"]["PidsLimit"], 0, "PidsLimit")


@test
def cpu_quota():
    c = client()
    i = box(c)
    update(c, i, NanoCpus=500000000)

    def quota():
        try:
            return limit(i, "cpu/cpu.cfs_quota_us", "cpu.max").split()[0]
        except FileNotFoundError:
            raise Skip("no CPU quota here") from None
    equal(quota(), "50000", "quota")
    equal(c.inspect(i)["HostConfig"]["NanoCpus"], 500000000, "NanoCpus")
    i = box(c, CpuQuota=20000)
    equal(quota(), "20000", "quota")
    update(c, i, CpuQuota=-1)
    matches(quota(), r"^(-1|max)$", "quota of one without a limit again")


@test
def limits_of_the_next_run():
    c = client()
    i = box(c, start=False)
    reply = update(c, i, Memory=48 * MB, MemorySwap=-1, PidsLimit=9)
    check(not reply["Warnings"], f"warnings {reply}")
    equal(c.inspect(i)["HostConfig"]["Memory"], 48 * MB, "Memory")
    c.start(i)
    equal((memory(i), pids(i)), (48 * MB, "9"), "what the kernel has")
    update(c, i, PidsLimit=8)
    c.ok("POST", f"/containers/{i}/restart", wanted=204, query={"t": 0})
    equal((memory(i), pids(i)), (48 * MB, "8"), "what the kernel has after a restart")


@cases([
    ("memory", {"Memory": 1000}, "Minimum memory limit allowed is 6MB"),
    ("swap", {"Memory": 64 * MB, "MemorySwap": 32 * MB}, "Minimum memoryswap limit should be larger than memory limit, see usage"),
    ("weight", {"BlkioWeight": 5}, "Range of blkio weight is from 10 to 1000"),
    ("period", {"CpuPeriod": 10}, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"),
    ("quota", {"CpuQuota": 10}, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
    ("cpuset", {"CpusetCpus": "x"}, "Invalid value x for cpuset cpus"),
    ("no such cpu", {"CpusetCpus": "900"}, "Requested CPUs are not available - requested 900, available: "),
    ("cpus", {"NanoCpus": 900 * 10 ** 9}, "range of CPUs is from 0.01 to "),
    ("nano", {"NanoCpus": 10 ** 9, "CpuQuota": 5000}, CONFLICT + "Nano CPUs and CPU Quota cannot both be set"),
    ("reservation", {"Memory": 10 * MB, "MemorySwap": 20 * MB, "MemoryReservation": 12 * MB},
     "Minimum memory limit can not be less than memory reservation limit, see usage"),
    ("policy", {"RestartPolicy": {"Name": "sometimes"}},
     "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"),
    ("count", {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 3}},
     "invalid restart policy: maximum retry count can only be used with 'on-failure'"),
])
def refused(body, text):
    """As create refuses it, for one that runs and one that does not."""
    c = client()
    for start in (False, True):
        i = box(c, start)
        before = c.inspect(i)["HostConfig"]
        r = c.post(f"/containers/{i}/update", body)
        if r.status == 200 and "Block I/O weight" in r.text:
            raise Skip("this host has no weights of block devices")
        equal(r.status, 400, f"status of the update ({r.message!r})")
        contains(r.message, text, "error")
        equal(c.inspect(i)["HostConfig"], before, "HostConfig")


@cases([
    ("nano after period", {"CpuPeriod": 50000}, {"NanoCpus": 10 ** 9}, CONFLICT + "Nano CPUs cannot be updated as CPU Period has already been set"),
    ("nano after quota", {"CpuQuota": 50000}, {"NanoCpus": 10 ** 9}, CONFLICT + "Nano CPUs cannot be updated as CPU Quota has already been set"),
    ("period after nano", {"NanoCpus": 10 ** 9}, {"CpuPeriod": 50000}, CONFLICT + "CPU Period cannot be updated as NanoCPUs has already been set"),
    ("quota after nano", {"NanoCpus": 10 ** 9}, {"CpuQuota": 50000}, CONFLICT + "CPU Quota cannot be updated as NanoCPUs has already been set"),
    ("memory over swap", {"Memory": 32 * MB}, {"Memory": 96 * MB},
     "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"),
    ("memory of one without", {}, {"Memory": 96 * MB},
     "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"),
    ("policy of --rm", {"AutoRemove": True}, {"RestartPolicy": {"Name": "always"}},
     "Restart policy cannot be updated because AutoRemove is enabled for the container"),
])
def conflicts(host, body, text):
    c = client()
    i = box(c, **host)
    before = c.inspect(i)["HostConfig"]
    equal(update(c, i, 409, **body), f"Cannot update container {i}: {text}", "error")
    equal(c.inspect(i)["HostConfig"], before, "HostConfig")


@test
def against_what_there_is():
    """Each by itself is fine, both together are not."""
    c = client()
    i = box(c, Memory=64 * MB, MemoryReservation=48 * MB)
    contains(update(c, i, 400, Memory=32 * MB), "Minimum memory limit can not be less than memory reservation limit", "error")
    contains(update(c, i, 400, MemorySwap=32 * MB), "Minimum memoryswap limit should be larger than memory limit", "error")
    contains(update(c, i, 400, MemoryReservation=96 * MB), "Minimum memory limit can not be less than memory reservation limit", "error")
    equal(memory(i), 64 * MB, "what the kernel has")


@test
def requests():
    c = client()
    i = box(c)
    equal(update(c, "nosuch", 404, Memory=64 * MB), "No such container: nosuch", "no container")
    r = c.post(f"/containers/{i}/update")
    equal(r.status, 400, f"status without a body ({r.message!r})")
    r = c.post(f"/containers/{i}/update", b"{", headers={"Content-Type": "application/json"})
    equal(r.status, 400, f"status of half a document ({r.message!r})")
    equal(c.post(f"/containers/{i}/update", {"Memory": "much"}).status, 400, "status of a string for a number")
    check(not update(c, i)["Warnings"], "an empty update")
    update(client("1.39"), i, PidsLimit=7)
    equal(c.inspect(i)["HostConfig"]["PidsLimit"], None, "PidsLimit after an update of 1.39, which does not have it")


@test(timeout=90)
def restart_policy():
    c = client()
    i = box(c, cmd="sleep 0.3; exit 3")
    update(c, i, RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 2})
    equal(c.inspect(i)["HostConfig"]["RestartPolicy"], {"Name": "on-failure", "MaximumRetryCount": 2}, "RestartPolicy")
    eventually(lambda: c.inspect(i)["RestartCount"] == 2 and c.inspect(i)["State"]["Status"] == "exited", "it is restarted twice", 30)
    update(c, i, RestartPolicy={"Name": "no"})
    c.start(i)
    eventually(lambda: c.inspect(i)["State"]["Status"] == "exited", "it ends")
    i = box(c, cmd="sleep 0.2", RestartPolicy={"Name": "always"})
    eventually(lambda: c.inspect(i)["RestartCount"] > 0, "it is restarted")
    update(c, i, RestartPolicy={"Name": "no"})
    eventually(lambda: c.inspect(i)["State"]["Status"] == "exited", "it is restarted no more", 20)


@test
def paused():
    c = client()
    i = box(c)
    c.ok("POST", f"/containers/{i}/pause", wanted=204)
    update(c, i, PidsLimit=33)
    equal(pids(i), "33", "limit")
    equal(c.inspect(i)["State"]["Status"], "paused", "state")
    equal(limit(i, "freezer/freezer.state", "cgroup.freeze") in ("FROZEN", "1"), True, "the kernel's state")


@test
def below_what_it_uses():
    """v1 refuses it, v2 makes room: what is recorded is what is so."""
    c = client()
    i = box(c, cmd="dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>/dev/null; echo full; sleep 1000", Memory=128 * MB, ShmSize=100 * MB)
    eventually(lambda: b"full" in c.logs(i)[0], "it uses memory")
    r = c.post(f"/containers/{i}/update", {"Memory": 8 * MB, "MemorySwap": 8 * MB})
    state = c.inspect(i)
    if r.status == 200:
        equal(state["HostConfig"]["Memory"], 8 * MB, "Memory")
    else:
        equal(r.status, 500, f"status ({r.message})")
        matches(r.message, rf"^Cannot update container {i}: OCI runtime update failed: \S", "error")
        equal((state["HostConfig"]["Memory"], memory(i)), (128 * MB, 128 * MB), "limits")
        equal(state["State"]["Status"], "running", "state")


@test(timeout=120)
def many_at_once():
    c = client()
    i = box(c)
    found = []
    threads = [threading.Thread(target=lambda n=n: found.append(client().post(f"/containers/{i}/update", {"PidsLimit": 100 + n}).status)) for n in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(found, [200] * 12, "answers")
    equal(pids(i), str(c.inspect(i)["HostConfig"]["PidsLimit"]), "what the kernel has is what is recorded")


@cases([("kill", "kill"), ("stop", "stop")])
def recorded(how):
    d = own_daemon().start()
    d.load_busybox()
    c = d.client()
    i, j = box(c), box(c, start=False)
    for k in (i, j):
        update(c, k, PidsLimit=44, RestartPolicy={"Name": "unless-stopped"})
    getattr(d, how)()
    d.start()
    c = d.client()
    for k in (i, j):
        h = c.inspect(k)["HostConfig"]
        equal((h["PidsLimit"], h["RestartPolicy"]["Name"]), (44, "unless-stopped"), "HostConfig after the restart of the daemon")
    equal(pids(i), "44", "limit")
    update(c, i, PidsLimit=45)
    equal(pids(i), "45", "limit after another update")


def slow_runtime(d, seconds):
    """runc, but its update takes a while and then fails."""
    path = d.dir / "slow-runtime"
    path.write_text(f'#!/bin/sh\ncase " $* " in *" update "*) touch {d.dir}/updating; sleep {seconds}; exit 1;; esac\nexec runc "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def with_slow_runtime(seconds):
    d = own_daemon()
    path = slow_runtime(d, seconds)
    d.config["runtimes"]["slow"] = {"path": str(path)}
    d.write_config()
    d.start()
    d.load_busybox()
    return d


def attempt(c, i, **body):
    try:
        c.post(f"/containers/{i}/update", body)
    except Exception:
        pass


@test(timeout=90)
def ends_while_it_is_updated():
    """The next run has the limits; --rm and restart policies do what they do."""
    d = with_slow_runtime(2)
    c = d.client()
    i = box(c, cmd="sleep 1", Runtime="slow")
    update(c, i, PidsLimit=21)
    equal((c.inspect(i)["State"]["Status"], c.inspect(i)["HostConfig"]["PidsLimit"]), ("exited", 21), "state and limit")
    i = box(c, cmd="sleep 1", Runtime="slow", AutoRemove=True)
    update(c, i, PidsLimit=21)
    eventually(lambda: c.get(f"/containers/{i}/json").status == 404, "it is removed")
    i = box(c, cmd="sleep 1", Runtime="slow", RestartPolicy={"Name": "always"})
    attempt(c, i, PidsLimit=21)
    eventually(lambda: c.inspect(i)["RestartCount"] > 0, "it is restarted", 20)
    c.remove(i)
    i = box(c, Runtime="slow")
    matches(update(c, i, 500, PidsLimit=22), r"OCI runtime update failed: exit status 1", "error of a runtime that says nothing")
    equal(c.inspect(i)["HostConfig"]["PidsLimit"], None, "limit after a failure")


@test(timeout=90)
def daemon_is_killed_meanwhile():
    d = with_slow_runtime(3)
    c = d.client()
    i = box(c, Runtime="slow")
    for how in ("kill", "stop"):
        t = threading.Thread(target=attempt, args=(d.client(), i), kwargs={"PidsLimit": 21})
        t.start()
        eventually((d.dir / "updating").exists, "the update is on its way")
        os.unlink(d.dir / "updating")
        getattr(d, how)()
        t.join()
        d.start()
        c = d.client()
        equal(c.inspect(i)["HostConfig"]["PidsLimit"], None, "limit")
        equal(c.inspect(i)["State"]["Status"], "running", "state")
        c.ok("POST", f"/containers/{i}/rename", wanted=204, query={"name": f"idle-{how}"})


@cases([
    ("Devices", "Devices", [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}]),
    ("DeviceCgroupRules", "DeviceCgroupRules", ["c 10:200 rwm"]),
    ("Ulimits", "Ulimits", [{"Name": "nofile", "Soft": 100, "Hard": 100}]),
    ("CgroupParent", "CgroupParent", "/foo"),
    ("OomKillDisable", "OomKillDisable", True),
])
def what_an_update_cannot_change(name, value):
    only_ours()
    c = client()
    i = box(c, start=False)
    equal(update(c, i, 501, **{name: value}), f"changing {name} by an update: not supported by this engine yet", "text")


@test
def no_limit_of_processes_is_recorded_as_zero():
    c = client()
    i = box(c, PidsLimit=50)
    update(c, i, PidsLimit=-1)
    equal((c.inspect(i)["HostConfig"]["PidsLimit"], pids(i)), (0, "max"), "recorded, and what the kernel has")
