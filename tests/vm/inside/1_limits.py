# SPDX-License-Identifier: Apache-2.0
"""First boot: limits that hold, out of memory, both runtimes; then what the reboot must keep."""

import json
import os
import time

from harness import check, cleanup, contains, equal, eventually, matches, test
from inside import cgroup, client, load_busybox, sh

NONE = {"NetworkMode": "none"}


@test(timeout=120)
def engine_starts():
    c = load_busybox()
    contains(open("/sys/fs/cgroup/cgroup.controllers").read(), "memory", "controllers of the machine")
    i = c.ok("GET", "/info")
    equal((i["CgroupVersion"], i["MemoryLimit"], i["PidsLimit"], i["CpuCfsQuota"]), ("2", True, True, True), "CgroupVersion and limits of /info")
    equal([w for w in i["Warnings"] or [] if "limit" in w or "support" in w], [], "Warnings of /info")


@test(timeout=120)
def hello_with_the_cli():
    equal(sh("docker run --rm busybox echo hello"), "hello", "docker run")


@test(timeout=180)
def both_runtimes():
    c = client()
    for runtime in ("runc", "crun"):
        code, out, err = c.run("echo ran", host={"Runtime": runtime})
        equal((code, out), (0, "ran\n"), f"a container on {runtime} ({err!r})")


@test(timeout=120)
def memory_limit():
    c = client()
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"], "HostConfig": {**NONE, "Memory": 32 << 20, "MemorySwap": 32 << 20}})
    i = r.json()["Id"]
    cleanup(c.remove, i)
    equal(r.json()["Warnings"], [], "Warnings")
    c.start(i)
    equal((cgroup(i) / "memory.max").read_text().strip(), str(32 << 20), "memory.max of the container's cgroup")
    unit = f"docker-{i}.service"
    equal(sh(f"systemctl show -p MemoryMax --value {unit}"), str(32 << 20), "MemoryMax of the unit")
    code, out, err = c.run("cat /sys/fs/cgroup/memory.max", host={"Memory": 48 << 20})
    equal(out.strip(), str(48 << 20), "memory.max seen inside of a container")


@test(timeout=180)
def out_of_memory():
    c = client()
    i = c.create(cmd=["sh", "-c", "head -c 200000000 /dev/zero | tail -c 190000000 >/dev/null; echo survived $?"],
                 host={**NONE, "Memory": 24 << 20, "MemorySwap": 24 << 20})
    cleanup(c.remove, i)
    c.start(i)
    c.wait(i)
    s = c.inspect(i)["State"]
    equal(s["OOMKilled"], True, f"OOMKilled (exit code {s['ExitCode']})")


@test(timeout=180)
def out_of_memory_of_process_1():
    c = client()
    i = c.create(cmd=["tail", "-c", "190000000", "/dev/zero"], host={**NONE, "Memory": 24 << 20, "MemorySwap": 24 << 20})
    cleanup(c.remove, i)
    c.start(i)
    equal(c.wait(i), 137, "exit code")
    s = c.inspect(i)["State"]
    equal((s["OOMKilled"], s["ExitCode"], s["Status"]), (True, 137, "exited"), "OOMKilled, ExitCode, Status")
    sh("journalctl --sync")
    contains(sh(f"journalctl -q --no-pager CONTAINER_ID={i} -o cat"), "memory", "the journal's entries for the container")


@test(timeout=180)
def the_daemon_and_shim_survive_the_oom_of_a_container():
    c = client()
    keeper = c.create(cmd="sleep 1000", host=NONE)
    cleanup(c.remove, keeper)
    c.start(keeper)
    i = c.create(cmd=["tail", "-c", "190000000", "/dev/zero"], host={**NONE, "Memory": 16 << 20, "MemorySwap": 16 << 20})
    cleanup(c.remove, i)
    c.start(i)
    equal(c.wait(i), 137, "exit code")
    equal(c.inspect(keeper)["State"]["Running"], True, "another container")


@test(timeout=120)
def killed_is_not_oom():
    c = client()
    i = c.create(cmd="sleep 1000", host={**NONE, "Memory": 32 << 20})
    cleanup(c.remove, i)
    c.start(i)
    c.ok("POST", f"/containers/{i}/kill", wanted=204)
    c.wait(i)
    s = c.inspect(i)["State"]
    equal((s["OOMKilled"], s["ExitCode"]), (False, 137), "OOMKilled, ExitCode")


@test(timeout=120)
def pids_limit():
    c = client()
    i = c.create(cmd="n=0; while [ $n -lt 60 ]; do sleep 5 & n=$((n+1)); done; echo all", host={**NONE, "PidsLimit": 20})
    cleanup(c.remove, i)
    c.start(i)
    equal((cgroup(i) / "pids.max").read_text().strip(), "20", "pids.max")
    equal(sh(f"systemctl show -p TasksMax --value docker-{i}.service") != "infinity", True, "TasksMax of the unit is set")
    time.sleep(2)
    check(int((cgroup(i) / "pids.current").read_text()) <= 20, "more than 20 processes") if c.inspect(i)["State"]["Running"] else None
    c.wait(i)
    out, err = c.logs(i)
    contains(err.decode(), "fork", "stderr of the container")
    check(b"all" not in out, "60 processes were started under a limit of 20")


@test(timeout=120)
def cpu_limit():
    c = client()
    i = c.create(cmd="while :; do :; done", host={**NONE, "NanoCpus": 300_000_000}, StopTimeout=0)
    cleanup(c.remove, i)
    c.start(i)
    group = cgroup(i)
    equal((group / "cpu.max").read_text().strip(), "30000 100000", "cpu.max")

    def usage():
        return int(matches((group / "cpu.stat").read_text(), r"usage_usec (\d+)").group(1))
    time.sleep(1)
    before, begin = usage(), time.monotonic()
    time.sleep(4)
    share = (usage() - before) / 1e6 / (time.monotonic() - begin)
    check(0.15 < share < 0.40, f"a busy loop with --cpus 0.3 used {share:.2f} CPUs")
    equal(sh(f"systemctl show -p CPUQuotaPerSecUSec --value docker-{i}.service"), "300ms", "CPUQuotaPerSecUSec of the unit")


@test(timeout=120)
def weights_and_cpuset():
    c = client()
    i = c.create(cmd="sleep 1000", host={**NONE, "CpuShares": 512, "CpusetCpus": "0"}, StopTimeout=0)
    cleanup(c.remove, i)
    c.start(i)
    group = cgroup(i)
    weight = int((group / "cpu.weight").read_text())
    check(15 <= weight <= 60, f"cpu.weight for 512 shares is {weight}")
    equal((group / "cpuset.cpus.effective").read_text().strip(), "0", "cpuset.cpus.effective")


@test(timeout=120)
def cgroup_of_a_removed_container_is_gone():
    c = client()
    i = c.create(cmd="true", host=NONE)
    c.start(i)
    c.wait(i)
    c.remove(i)
    eventually(lambda: sh(f"find /sys/fs/cgroup -name '*{i}*'") == "", "no cgroup of the container is left", 10)


@test(timeout=120)
def prepare_the_reboot():
    c = client()
    ended = c.create(name="ended", cmd="echo kept log; exit 7", host=NONE)
    c.start(ended)
    equal(c.wait(ended), 7, "exit code")
    running = c.create(name="running", cmd="trap 'exit 9' TERM; while :; do sleep 0.1; done", Labels={"a": "b"})
    c.start(running)
    always = c.create(name="always", cmd="echo started; sleep 100000", host={**NONE, "RestartPolicy": {"Name": "always"}}, StopTimeout=1)
    c.start(always)
    c.create(name="made", cmd="true", host=NONE)
    c.ok("POST", "/images/busybox/tag", wanted=201, query={"repo": "kept", "tag": "v1"})
    with open("/var/tmp/before.json", "w") as f:
        json.dump({n: c.inspect(n)["Id"] for n in ("ended", "running", "always", "made")}, f)
        f.flush()
        os.fsync(f.fileno())
