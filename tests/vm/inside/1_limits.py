# SPDX-License-Identifier: Apache-2.0
"""First boot: limits that hold, out of memory, under both supervisors and both runtimes; then what the reboot must keep."""

import json
import os
import time

from harness import cases, check, cleanup, contains, equal, eventually, matches, test
from inside import NONE, cgroup, client, load_busybox, sh, start_direct, started

MB = 1 << 20
KINDS = [(f"{supervisor}-{runtime}", supervisor, runtime) for supervisor in ("systemd", "direct") for runtime in ("crun", "runc")]


@test(timeout=120)
def engine_starts():
    c = load_busybox()
    contains(open("/sys/fs/cgroup/cgroup.controllers").read(), "memory", "controllers of the machine")
    i = c.ok("GET", "/info")
    equal((i["CgroupVersion"], i["MemoryLimit"], i["PidsLimit"], i["CpuCfsQuota"]), ("2", True, True, True), "CgroupVersion and limits of /info")
    equal([w for w in i["Warnings"] or [] if "limit" in w or "support" in w], [], "Warnings of /info")


@test(timeout=120)
def direct_engine_starts():
    start_direct()


@test(timeout=120)
def hello_with_the_cli():
    equal(sh("docker run --rm busybox echo hello"), "hello", "docker run")


@cases(KINDS, timeout=120)
def runs(supervisor, runtime):
    code, out, err = client(supervisor).run("echo ran", host={**NONE, "Runtime": runtime})
    equal((code, out), (0, "ran\n"), f"a container on {runtime} ({err!r})")


@cases(KINDS, timeout=120)
def limits_in_the_cgroup(supervisor, runtime):
    c = client(supervisor)
    limits = {"Memory": 32 * MB, "MemorySwap": 48 * MB, "MemoryReservation": 16 * MB, "NanoCpus": 500_000_000, "CpuShares": 512,
              "CpusetCpus": "0", "PidsLimit": 20}
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"], "HostConfig": {**NONE, **limits, "Runtime": runtime}})
    i = r.json()["Id"]
    cleanup(c.remove, i)
    equal(r.json()["Warnings"], [], "Warnings")
    c.start(i)
    group = cgroup(i, c)
    files = {"memory.max": str(32 * MB), "memory.swap.max": str(16 * MB), "memory.low": str(16 * MB), "cpu.max": "50000 100000",
             "pids.max": "20", "cpuset.cpus.effective": "0"}
    equal({name: (group / name).read_text().strip() for name in files}, files, f"files of {group}")
    weight = int((group / "cpu.weight").read_text())
    check(15 <= weight <= 60, f"cpu.weight for 512 shares is {weight}")


@test(timeout=120)
def limits_of_the_unit():
    """What systemd shows of the unit is what was asked for."""
    c = client()
    i = started(c, cmd="sleep 1000", host={**NONE, "Memory": 32 * MB, "MemorySwap": 32 * MB, "NanoCpus": 300_000_000, "PidsLimit": 20})
    wanted = {"MemoryMax": str(32 * MB), "CPUQuotaPerSecUSec": "300ms"}
    rows = dict(line.split("=", 1) for line in sh(f"systemctl show docker-{i}.service -p {','.join(wanted)},TasksMax").splitlines())
    equal({k: rows[k] for k in wanted}, wanted, "properties of the unit")
    check(rows["TasksMax"] != "infinity", "TasksMax of the unit is not set")


@test(timeout=120)
def limit_seen_inside():
    code, out, err = client().run("cat /sys/fs/cgroup/memory.max", host={**NONE, "Memory": 48 * MB})
    equal(out.strip(), str(48 * MB), f"memory.max seen inside of a container ({err!r})")


@cases(KINDS, timeout=180)
def out_of_memory_of_process_1(supervisor, runtime):
    c = client(supervisor)
    i = started(c, cmd=["tail", "-c", "190000000", "/dev/zero"], host={**NONE, "Memory": 24 * MB, "MemorySwap": 24 * MB, "Runtime": runtime})
    equal(c.wait(i), 137, "exit code")
    s = c.inspect(i)["State"]
    equal((s["OOMKilled"], s["ExitCode"], s["Status"]), (True, 137, "exited"), "OOMKilled, ExitCode, Status")


@test(timeout=180)
def out_of_memory_is_in_the_journal():
    c = client()
    i = started(c, cmd=["tail", "-c", "190000000", "/dev/zero"], host={**NONE, "Memory": 16 * MB, "MemorySwap": 16 * MB})
    equal(c.wait(i), 137, "exit code")
    sh("journalctl --sync")
    contains(sh(f"journalctl -q --no-pager CONTAINER_ID={i} -o cat"), ": oom", "the journal's entries for the container")
    contains(sh(f"journalctl -q --no-pager CONTAINER_ID={i} -x"), "memory", "the same with the catalog's texts")


@test(timeout=180)
def out_of_memory_of_another_process():
    c = client()
    i = started(c, cmd=["sh", "-c", "head -c 200000000 /dev/zero | tail -c 190000000 >/dev/null; echo survived $?"],
                host={**NONE, "Memory": 24 * MB, "MemorySwap": 24 * MB})
    c.wait(i)
    s = c.inspect(i)["State"]
    equal(s["OOMKilled"], True, f"OOMKilled (exit code {s['ExitCode']})")


@test(timeout=180)
def others_survive_the_oom_of_a_container():
    c = client()
    keeper = started(c, cmd="sleep 1000", host=NONE)
    i = started(c, cmd=["tail", "-c", "190000000", "/dev/zero"], host={**NONE, "Memory": 16 * MB, "MemorySwap": 16 * MB})
    equal(c.wait(i), 137, "exit code")
    equal(c.inspect(keeper)["State"]["Running"], True, "another container")


@test(timeout=120)
def killed_is_not_oom():
    c = client()
    i = started(c, cmd="sleep 1000", host={**NONE, "Memory": 32 * MB})
    c.ok("POST", f"/containers/{i}/kill", wanted=204)
    c.wait(i)
    s = c.inspect(i)["State"]
    equal((s["OOMKilled"], s["ExitCode"]), (False, 137), "OOMKilled, ExitCode")


@test(timeout=120)
def pids_limit_holds():
    c = client()
    i = started(c, cmd="sleep 2; n=0; while [ $n -lt 60 ]; do sleep 3 & n=$((n+1)); done; echo all", host={**NONE, "PidsLimit": 20})
    group, most = cgroup(i), 0
    while c.inspect(i)["State"]["Running"]:
        try:
            most = max(most, int((group / "pids.current").read_text()))
        except OSError:
            break
        time.sleep(0.1)
    check(2 <= most <= 20, f"at most {most} processes were seen under a limit of 20")
    out, err = c.logs(i)
    contains(err.decode(), "fork", "stderr of the container")
    check(b"all" not in out, "60 processes were started under a limit of 20")


@test(timeout=120)
def cpu_limit_holds():
    c = client()
    i = started(c, cmd="while :; do :; done", host={**NONE, "NanoCpus": 300_000_000}, StopTimeout=0)
    group = cgroup(i)

    def usage():
        return int(matches((group / "cpu.stat").read_text(), r"usage_usec (\d+)").group(1))
    time.sleep(1)
    before, begin = usage(), time.monotonic()
    time.sleep(4)
    share = (usage() - before) / 1e6 / (time.monotonic() - begin)
    check(0.15 < share < 0.40, f"a busy loop with --cpus 0.3 used {share:.2f} CPUs")
    check(int(matches((group / "cpu.stat").read_text(), r"nr_throttled (\d+)").group(1)) > 0, "the kernel never throttled it")


@cases([(s, s) for s in ("systemd", "direct")], timeout=120)
def cgroup_of_a_removed_container_is_gone(supervisor):
    c = client(supervisor)
    i = c.create(cmd="true", host=NONE)
    c.start(i)
    c.wait(i)
    c.remove(i)
    eventually(lambda: sh(f"find /sys/fs/cgroup -name '*{i}*'") == "", "no cgroup of the container is left", 10)


@cases(KINDS, timeout=180)
def commands_in_a_container(supervisor, runtime):
    """A command is in the container's control group, under its limits."""
    c = client(supervisor)
    i = started(c, cmd="sleep 1000", host={**NONE, "Runtime": runtime, "Memory": 64 * MB}, StopTimeout=0)
    equal(c.exec(i, "echo out; echo err >&2; exit 7"), (7, "out\n", "err\n"), "exit code, stdout, stderr")
    x = c.exec_create(i, "sleep 1000")
    c.ok("POST", f"/exec/{x}/start", {"Detach": True})
    pid = c.exec_inspect(x)["Pid"]
    where = open(f"/proc/{pid}/cgroup").read().strip().split("::", 1)[1]
    equal("/sys/fs/cgroup" + where, str(cgroup(i, c)), "control group of a command")
    c.ok("POST", f"/containers/{i}/kill")
    c.wait(i)
    eventually(lambda: c.exec_inspect(x)["ExitCode"] == 137, "a command ends with its container")


@cases(KINDS, timeout=180)
def pause(supervisor, runtime):
    c = client(supervisor)
    i = started(c, cmd="while :; do :; done", host={**NONE, "Runtime": runtime}, StopTimeout=0)
    group = cgroup(i, c)

    def usage():
        return int(matches((group / "cpu.stat").read_text(), r"usage_usec (\d+)").group(1))
    c.ok("POST", f"/containers/{i}/pause", wanted=204)
    equal(((group / "cgroup.freeze").read_text().strip(), c.inspect(i)["State"]["Status"]), ("1", "paused"), "cgroup.freeze and status")
    before = usage()
    time.sleep(1)
    check(usage() - before < 50_000, "a paused container uses the processor")
    c.ok("POST", f"/containers/{i}/unpause", wanted=204)
    eventually(lambda: usage() - before > 200_000, "it goes on")
    c.ok("POST", f"/containers/{i}/pause", wanted=204)
    c.ok("POST", f"/containers/{i}/kill", wanted=204)
    equal(c.wait(i), 137, "exit code of a paused container that was killed")


@cases([(s, s) for s in ("systemd", "direct")], timeout=180)
def stats(supervisor):
    c = client(supervisor)
    i = started(c, cmd="head -c 20000000 /dev/zero | tail -c 19000000 >/dev/null; while :; do :; done",
                host={**NONE, "Memory": 64 * MB, "PidsLimit": 50, "NanoCpus": 500_000_000}, StopTimeout=0)
    time.sleep(2)
    s = c.ok("GET", f"/containers/{i}/stats", query={"stream": 0})
    equal((s["memory_stats"]["limit"], s["pids_stats"]["limit"]), (64 * MB, 50), "limits")
    check(0 < s["memory_stats"]["usage"] < 64 * MB and s["pids_stats"]["current"] >= 1, f"memory and processes: {s['memory_stats']['usage']}, {s['pids_stats']}")
    contains(s["memory_stats"]["stats"], "anon", "memory_stats.stats")
    used = s["cpu_stats"]["cpu_usage"]["total_usage"] - s["precpu_stats"]["cpu_usage"]["total_usage"]
    check(100_000_000 < used < 1_000_000_000, f"a busy loop with half a CPU used {used} ns in about a second")
    matches(sh(f"docker -H unix:///run/{'docker' if supervisor == 'systemd' else 'direct'}.sock stats --no-stream --format '{{{{.CPUPerc}}}} {{{{.MemUsage}}}}'"), r"[\d.]+% .*64MiB", "docker stats")


@cases(KINDS, timeout=180)
def update(supervisor, runtime):
    c = client(supervisor)
    i = started(c, cmd="sleep 1000", host={**NONE, "Runtime": runtime, "Memory": 32 * MB, "MemorySwap": 32 * MB}, StopTimeout=0)
    r = c.ok("POST", f"/containers/{i}/update", {"Memory": 48 * MB, "MemorySwap": 48 * MB, "NanoCpus": 250_000_000, "PidsLimit": 30})
    equal(r["Warnings"] or [], [], "Warnings")
    group = cgroup(i, c)
    files = {"memory.max": str(48 * MB), "cpu.max": "25000 100000", "pids.max": "30"}
    equal({name: (group / name).read_text().strip() for name in files}, files, f"files of {group}")
    if supervisor == "systemd":
        rows = dict(line.split("=", 1) for line in sh(f"systemctl show docker-{i}.service -p MemoryMax,CPUQuotaPerSecUSec").splitlines())
        equal(rows, {"MemoryMax": str(48 * MB), "CPUQuotaPerSecUSec": "250ms"}, "properties of the unit")


@test(timeout=180)
def an_application():
    """Two containers on a network of their own: a name, a volume, a health check."""
    sh("docker network create app")
    cleanup(sh, "docker rm -f -v web; docker network rm app; docker volume rm data", check=False)
    sh("docker run -d --name web --network app -v data:/www --health-cmd 'test -e /www/index.html' --health-interval 300ms busybox "
       "sh -c 'echo it >/www/index.html; while :; do echo hello | nc -l -p 80; done'")
    eventually(lambda: sh("docker inspect -f '{{.State.Health.Status}}' web") == "healthy", "the container is healthy", 30)
    equal(sh("docker run --rm --network app busybox sh -c 'nc -w 2 web 80 </dev/null; true'"), "hello", "what is read by name")
    equal(sh("docker run --rm -v data:/d busybox cat /d/index.html"), "it", "what is in the volume")


@test(timeout=180)
def prepare_the_reboot():
    """One container of each kind that the reboot must treat in its own way, see 2_reboot.py."""
    c = client()
    ended = c.create(name="ended", cmd="echo kept log; exit 7", host=NONE)
    c.start(ended)
    equal(c.wait(ended), 7, "exit code")
    c.create(name="made", cmd="true", host=NONE)

    forever = {"cmd": "echo started; trap 'exit 9' TERM; while :; do sleep 0.1; done"}
    started(c, "running", **forever, Labels={"a": "b"})
    started(c, "temporary", **forever, host={**NONE, "AutoRemove": True})
    for policy in ("always", "unless-stopped", "on-failure"):
        started(c, policy, **forever, host={**NONE, "RestartPolicy": {"Name": policy}})
    for policy in ("always", "unless-stopped"):
        i = started(c, policy + "-but-stopped", **forever, host={**NONE, "RestartPolicy": {"Name": policy}})
        c.ok("POST", f"/containers/{i}/stop", wanted=204)
    c.ok("POST", "/networks/create", {"Name": "kept-net", "IPAM": {"Config": [{"Subnet": "10.66.0.0/24"}]}}, wanted=201)
    started(c, "networked", cmd="echo $(hostname) >>/v/runs; " + forever["cmd"], Hostname="networked",
            host={"NetworkMode": "kept-net", "Binds": ["kept-vol:/v"], "RestartPolicy": {"Name": "always"}})
    c.ok("POST", "/images/busybox/tag", wanted=201, query={"repo": "kept", "tag": "v1"})
    with open("/var/tmp/before.json", "w") as f:
        json.dump({r["Names"][0][1:]: r["Id"] for r in c.ok("GET", "/containers/json", query={"all": 1})}, f)
        f.flush()
        os.fsync(f.fileno())
