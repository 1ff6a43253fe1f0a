# SPDX-License-Identifier: Apache-2.0
"""Health checks: what is checked when, what follows from it, what is shown of it, and what it survives."""

import os
import threading
import time

import common_api
from common_api import client, only_ours, own_daemon
from harness import cases, check, cleanup, contains, equal, eventually, matches, test
from images import busybox_tar, docker_archive

NONE = {"NetworkMode": "none"}
MS = 1_000_000


def config(test, interval=50, **more):
    """Times in milliseconds."""
    times = {k: v * MS for k, v in {"Interval": interval, **more}.items() if k != "Retries"}
    return {"Test": test if isinstance(test, list) else ["CMD-SHELL", test], **times, **({"Retries": more["Retries"]} if "Retries" in more else {})}


def box(c, healthcheck, cmd="sleep 1000", start=True, host=NONE, **more):
    i = c.create(cmd=cmd, host=host, StopTimeout=0, **({"Healthcheck": healthcheck} if healthcheck else {}), **more)
    if start:
        c.start(i)
    return i


def health(c, i):
    return c.inspect(i)["State"].get("Health")


def becomes(c, i, status, timeout=15):
    eventually(lambda: health(c, i)["Status"] == status, f"status {status}", timeout)
    return health(c, i)


def between(c, since, **filters):
    r = c.get("/events", query={"since": f"{since:.9f}", "until": f"{time.time():.9f}", "filters": filters or None})
    return list(r.lines())


def own(*args, **kw):
    d = own_daemon(*args, **kw)
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    return d


# --- what a request may say ---

@cases([
    ("Interval", {"Interval": 999_999}, "Interval in Healthcheck cannot be less than 1ms"),
    ("Interval below 0", {"Interval": -1}, "Interval in Healthcheck cannot be less than 1ms"),
    ("Timeout", {"Timeout": 1}, "Timeout in Healthcheck cannot be less than 1ms"),
    ("StartPeriod", {"StartPeriod": 1}, "StartPeriod in Healthcheck cannot be less than 1ms"),
    ("StartInterval", {"StartInterval": 1}, "StartInterval in Healthcheck cannot be less than 1ms"),
    ("Retries", {"Retries": -1}, "Retries in Healthcheck cannot be negative"),
])
def refused(values, text):
    c = client()
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["true"], "Healthcheck": {"Test": ["CMD", "true"], **values}})
    equal((r.status, r.message), (400, text), "answer")


@test
def without_a_command():
    only_ours()
    r = client().post("/containers/create", {"Image": "busybox", "Cmd": ["true"], "Healthcheck": {"Test": ["CMD"]}})
    equal((r.status, r.message), (400, "Test in Healthcheck has no command after CMD"), "answer")


@test
def start_interval_by_version():
    """Older clients have no StartInterval: what they send of it is not even looked at."""
    body = {"Image": "busybox", "Cmd": ["true"], "Healthcheck": {"Test": ["CMD", "true"], "StartInterval": 1}}
    r = client("1.43").post("/containers/create", body)
    equal(r.status, 201, "status of 1.43")
    check("StartInterval" not in client().inspect(r.json()["Id"])["Config"]["Healthcheck"], "it was taken")
    equal(client("1.44").post("/containers/create", body).status, 400, "status of 1.44")


@cases([("NONE", {"Test": ["NONE"]}), ("no test", {"Interval": 5000 * MS}), ("empty", {"Test": []}), ("absent", None)])
def no_check(value):
    c = client()
    i = box(c, value)
    time.sleep(0.2)
    equal(health(c, i), None, "State.Health")
    row = c.ok("GET", "/containers/json")[0]
    matches(row["Status"], r"^Up \S+( \w+)* ?seconds?$|^Up Less than a second$", "Status")
    equal(len(c.ok("GET", "/containers/json", query={"filters": {"health": ["none"]}})), 1, "rows of the filter none")


@test
def unknown_type():
    c = client()
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"], "HostConfig": NONE, "Healthcheck": {"Test": ["FOO", "true"]}})
    equal(r.status, 201, "status")
    if common_api.ENGINE.is_ours:
        contains(str(r.json()["Warnings"]), "unknown type", "warnings")
    c.start(r.json()["Id"])
    equal(health(c, r.json()["Id"]), None, "State.Health")


# --- the states ---

@test
def healthy():
    c = client()
    i = box(c, config("echo fine; echo err >&2", interval=300), start=False)
    equal(health(c, i), None, "before the start")
    since = time.time()
    c.start(i)
    equal(health(c, i), {"Status": "starting", "FailingStreak": 0, "Log": []}, "at the start")
    matches(c.ok("GET", "/containers/json")[0]["Status"], r"^Up .* \(health: starting\)$", "Status")
    h = becomes(c, i, "healthy")
    matches(c.ok("GET", "/containers/json")[0]["Status"], r"^Up .* \(healthy\)$", "Status")
    row = h["Log"][0]
    equal((h["FailingStreak"], row["ExitCode"], row["Output"]), (0, 0, "fine\nerr\n"), "result")
    check(row["Start"] < row["End"] and row["Start"] > time.strftime("%Y-%m-%dT", time.gmtime(since)), f"times: {row}")
    eventually(lambda: len(health(c, i)["Log"]) == 5, "five results")
    last = health(c, i)["Log"][-1]["Start"]
    eventually(lambda: health(c, i)["Log"][-1]["Start"] > last, "another one")
    log = health(c, i)["Log"]
    equal(len(log), 5, "results that are kept")
    equal([r["Start"] for r in log], sorted(r["Start"] for r in log), "the oldest is first")
    check(log[0]["Start"] > row["Start"], "the first one is gone")
    equal([e["Action"] for e in between(c, since, event=["health_status"], container=[i])], ["health_status: healthy"], "events")


@test
def unhealthy_and_back():
    c = client()
    i = box(c, config("test -e /ok || { echo not yet; exit 3; }", Retries=2))
    since = time.time() - 1
    h = becomes(c, i, "unhealthy")
    check(h["FailingStreak"] >= 2, f"failing streak: {h}")
    equal((h["Log"][-1]["ExitCode"], h["Log"][-1]["Output"]), (3, "not yet\n"), "result")
    matches(c.ok("GET", "/containers/json")[0]["Status"], r"^Up .* \(unhealthy\)$", "Status")
    check(c.inspect(i)["State"]["Running"], "it runs on")
    equal(c.exec(i, "touch /ok")[0], 0, "exit code of touch")
    equal(becomes(c, i, "healthy")["FailingStreak"], 0, "failing streak")
    c.exec(i, "rm /ok")
    becomes(c, i, "unhealthy")
    equal([e["Action"].partition(": ")[2] for e in between(c, since, event=["health_status"], container=[i])],
          ["unhealthy", "healthy", "unhealthy"], "events")


@test
def filters():
    c = client()
    ids = {"starting": box(c, config("true", interval=60_000)), "healthy": box(c, config("true")),
           "unhealthy": box(c, config("false", Retries=1)), "none": box(c, None)}
    becomes(c, ids["healthy"], "healthy")
    becomes(c, ids["unhealthy"], "unhealthy")
    for status, i in ids.items():
        equal([row["Id"] for row in c.ok("GET", "/containers/json", query={"filters": {"health": [status]}})], [i], f"rows of {status}")
    equal(len(c.ok("GET", "/containers/json", query={"filters": {"health": ["none", "healthy"]}})), 2, "rows of two")
    r = c.get("/containers/json", query={"filters": {"health": ["ill"]}})
    equal(r.status, 400, "status of an unknown one")
    contains(r.message, "invalid filter 'health=ill'", "message")


@test
def start_period():
    """Failures in it do not count; checks are as often as StartInterval says."""
    c = client()
    i = box(c, config("exit 1", interval=200, StartPeriod=1500, StartInterval=50, Retries=1))
    begin = time.monotonic()
    eventually(lambda: len(health(c, i)["Log"]) == 5, "five results")
    check(time.monotonic() - begin < 1.4, "they come at the start interval")
    h = health(c, i)
    equal((h["Status"], h["FailingStreak"]), ("starting", 0), "in the start period")
    becomes(c, i, "unhealthy")
    check(time.monotonic() - begin > 1.3, f"unhealthy after {time.monotonic() - begin}")


@test
def success_ends_the_start_period():
    c = client()
    i = box(c, config("test ! -e /bad", StartPeriod=60_000, StartInterval=50, Retries=2))
    becomes(c, i, "healthy")
    c.exec(i, "touch /bad")
    check(becomes(c, i, "unhealthy")["FailingStreak"] >= 2, "failing streak")


# --- one check ---

@test
def forms():
    c = client()
    i = box(c, config(["CMD", "sh", "-c", "echo $0-$# \"$@\"", "a b", "c"]))
    equal(becomes(c, i, "healthy")["Log"][0]["Output"], "a b-1 c\n", "output of CMD")
    i = box(c, config(["CMD-SHELL", "echo $0 $1", "x", "y"]))
    equal(becomes(c, i, "healthy")["Log"][0]["Output"], "x y\n", "output of CMD-SHELL with more arguments")
    i = box(c, config("echo in $MY; id -u; pwd"), Env=["MY=shell"], User="77", WorkingDir="/tmp",
            Shell=["/bin/busybox", "ash", "-c"])
    equal(becomes(c, i, "healthy")["Log"][0]["Output"], "in shell\n77\n/tmp\n", "environment, user, directory")
    i = box(c, config("readlink /proc/$$/exe; cat /proc/$$/cmdline | tr '\\0' ' '"), Shell=["/bin/busybox", "ash", "-c"])
    contains(becomes(c, i, "healthy")["Log"][0]["Output"], "/bin/busybox ash -c readlink", "command line")


@test
def cannot_be_run():
    c = client()
    i = box(c, config(["CMD", "nosuchcommand"], Retries=1))
    row = becomes(c, i, "unhealthy")["Log"][0]
    equal(row["ExitCode"], -1, "exit code")
    matches(row["Output"], r'^OCI runtime exec failed: .*"?nosuchcommand"?.* in \$PATH.*$', "output")


@test
def events_of_a_check():
    c = client()
    since = time.time()
    i = box(c, config("exit 0", interval=300))
    becomes(c, i, "healthy")
    rows = [e for e in between(c, since, container=[i]) if e["Action"] not in ("create", "start")][:4]
    equal([e["Action"] for e in rows if not e["Action"].startswith("health")],
          ["exec_create: /bin/sh -c exit 0", "exec_start: /bin/sh -c exit 0", "exec_die"], "events")
    die = [e for e in rows if e["Action"] == "exec_die"][0]
    equal(die["Actor"]["Attributes"]["exitCode"], "0", "exitCode")
    equal(len({e["Actor"]["Attributes"]["execID"] for e in rows if e["Action"].startswith("exec")}), 1, "execID")


@test
def too_slow():
    c = client()
    i = box(c, config("echo begun; sleep 1000", Timeout=300, Retries=1))
    row = becomes(c, i, "unhealthy")["Log"][0]
    equal((row["ExitCode"], row["Output"]), (-1, "Health check exceeded timeout (300ms): begun\n"), "result")
    j = box(c, config(["CMD", "sleep", "1000"], Timeout=1000, Retries=1))
    equal(becomes(c, j, "unhealthy")["Log"][0]["Output"], "Health check exceeded timeout (1s)", "output of another")
    time.sleep(1)
    for k in (i, j):
        check(str(c.ok("GET", f"/containers/{k}/top")["Processes"]).count("sleep 1000") <= 3, "slow checks pile up")


@test
def long_output():
    c = client()
    i = box(c, config("head -c 4096 /dev/zero | tr '\\0' x", interval=200))
    equal(becomes(c, i, "healthy")["Log"][0]["Output"], "x" * 4096, "as much as is kept")
    i = box(c, config("head -c 4097 /dev/zero | tr '\\0' x", interval=200))
    equal(becomes(c, i, "healthy")["Log"][0]["Output"], "x" * 4096 + "...", "a byte more")
    i = box(c, config("printf 'a\\303\\244\\377b\\000c'", interval=200))
    matches(becomes(c, i, "healthy")["Log"][0]["Output"], "^aä\ufffdb[\0\ufffd]c$", "what is no UTF-8")


@test(timeout=120)
def ten_megabytes():
    """A check that writes more than anybody wants is read to its end, and the daemon keeps nothing of it."""
    c = client()
    i = box(c, config("head -c 10485760 /dev/zero | tr '\\0' y; exit 4", interval=100, Retries=2))
    row = becomes(c, i, "unhealthy", 60)["Log"][0]
    equal((row["ExitCode"], len(row["Output"])), (4, 4099), "exit code, length of the output")


@test
def children_that_stay():
    c = client()
    i = box(c, config("sleep 987 & echo started", interval=100))
    row = becomes(c, i, "healthy")["Log"][0]
    equal((row["ExitCode"], row["Output"]), (0, "started\n"), "result")
    contains(str(c.ok("GET", f"/containers/{i}/top")["Processes"]), "sleep 987", "its child")
    c.remove(i)


@test
def output_that_is_closed():
    c = client()
    i = box(c, config("exec >&- 2>&-; sleep 0.2; exit 5", Retries=1))
    row = becomes(c, i, "unhealthy")["Log"][0]
    equal((row["ExitCode"], row["Output"]), (5, ""), "result")


@test
def one_at_a_time():
    """A check that takes longer than the interval: the next one comes after it."""
    c = client()
    i = box(c, config("mkdir /lock || exit 9; sleep 0.3; rmdir /lock", interval=10))
    eventually(lambda: len(health(c, i)["Log"]) >= 4, "four results")
    equal({row["ExitCode"] for row in health(c, i)["Log"]}, {0}, "exit codes")


@test
def nothing_stays_of_it():
    """Neither among the commands that users see, nor on the disk; user's limits are not theirs."""
    only_ours()
    c = client()
    i = box(c, config("true", interval=20))
    directory = common_api.ENGINE.exec / "containers" / i / "exec"
    since = time.time()
    eventually(lambda: len(between(c, since, event=["exec_die"], container=[i])) > 20, "20 checks", 30)
    check(len(list(directory.iterdir())) <= 3, f"directories: {list(directory.iterdir())}")
    check(len(c.inspect(i)["ExecIDs"] or []) <= 2, "ExecIDs")
    x = between(c, since, event=["exec_die"], container=[i])[0]["Actor"]["Attributes"]["execID"]
    equal(c.get(f"/exec/{x}/json").status, 404, "status of one that has ended")


# --- images ---

def load(c, tag, healthcheck):
    c.ok("POST", "/images/load", docker_archive([busybox_tar()], tags=(tag,), cmd=("sleep", "1000"), Healthcheck=healthcheck))
    cleanup(c.delete, f"/images/{tag}", query={"force": 1})


@test
def from_the_image():
    c = client()
    load(c, "checked:1", {"Test": ["CMD-SHELL", "echo image"], "Interval": 100 * MS, "Retries": 7, "StartPeriod": 50 * MS})
    i = c.create(image="checked:1", host=NONE)
    equal(c.inspect(i)["Config"]["Healthcheck"],
          {"Test": ["CMD-SHELL", "echo image"], "Interval": 100 * MS, "Retries": 7, "StartPeriod": 50 * MS}, "as the image has it")
    c.start(i)
    equal(becomes(c, i, "healthy")["Log"][0]["Output"], "image\n", "output")
    i = c.create(image="checked:1", host=NONE, Healthcheck={"Retries": 2, "Timeout": 900 * MS})
    equal(c.inspect(i)["Config"]["Healthcheck"], {"Test": ["CMD-SHELL", "echo image"], "Interval": 100 * MS, "Retries": 2, "Timeout": 900 * MS,
                                                  "StartPeriod": 50 * MS}, "merged")
    i = c.create(image="checked:1", host=NONE, Healthcheck={"Test": ["NONE"]})
    c.start(i)
    equal(health(c, i), None, "with NONE")


@test
def hostile_image():
    """What a request could not say, an image does."""
    c = client()
    for n, values in enumerate(({"Interval": -5, "Timeout": -5}, {"Interval": 1, "Timeout": 1, "Retries": -9, "StartPeriod": -1, "StartInterval": 1},
                                {"Interval": 2**63 - 1, "Timeout": 2**63 - 1, "StartPeriod": 2**63 - 1, "StartInterval": 2**63 - 1, "Retries": 2**63 - 1})):
        load(c, f"hostile:{n}", {"Test": ["CMD-SHELL", "sleep 0.05"], **values})
        i = c.create(image=f"hostile:{n}", host=NONE)
        c.start(i)
        time.sleep(0.4)
        check(health(c, i)["Status"] in ("starting", "unhealthy"), "status")
        c.remove(i)
    load(c, "hostile:9", {"Test": ["CMD"]})
    i = c.create(image="hostile:9", host=NONE)
    c.start(i)
    equal(health(c, i), None, "health of CMD without a command")


@test
def commit():
    c = client()
    i = box(c, config("true", interval=60_000, Retries=4), start=False)
    r = c.ok("POST", "/commit", {}, query={"container": i, "repo": "committed", "changes": "HEALTHCHECK --timeout=7s CMD echo hi"})
    cleanup(c.delete, "/images/committed", query={"force": 1})
    got = c.ok("GET", f"/images/{r['Id']}/json")["Config"]["Healthcheck"]
    equal(got, {"Test": ["CMD-SHELL", "echo hi"], "Timeout": 7000 * MS, "Interval": 60_000 * MS, "Retries": 4}, "Healthcheck of the image")


# --- with the container ---

@test
def stop_and_start():
    c = client()
    i = box(c, config("test -e /ok"))
    c.exec(i, "touch /ok")
    becomes(c, i, "healthy")
    c.ok("POST", f"/containers/{i}/kill")
    c.wait(i)
    stopped = health(c, i)
    equal(stopped["Status"], "unhealthy", "status of one that is not checked")
    matches(c.ok("GET", "/containers/json", query={"all": 1})[0]["Status"], r"^Exited \(137\) ", "Status")
    time.sleep(0.3)
    equal(health(c, i), stopped, "it is left alone")
    c.start(i)
    h = health(c, i)
    equal((h["Status"], h["FailingStreak"]), ("starting", 0), "at the next start")
    equal(h["Log"][:1], stopped["Log"][:1], "what was known stays")
    becomes(c, i, "healthy")


@test(timeout=90)
def restart_policy():
    """Each run begins anew."""
    c = client()
    i = box(c, config("true"), cmd="sleep 0.5; exit 1", host={**NONE, "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}})
    since = time.time() - 1
    eventually(lambda: c.inspect(i)["State"]["Status"] == "exited", "its end", 30)
    equal([e["Action"] for e in between(c, since, event=["health_status"], container=[i])], ["health_status: healthy"] * 3, "events")


@test
def container_ends_during_a_check():
    c = client()
    for _ in range(5):
        i = box(c, config("sleep 1000", Retries=1))
        eventually(lambda: c.inspect(i)["ExecIDs"], "a check")
        c.ok("POST", f"/containers/{i}/kill")
        c.wait(i)
        c.start(i)
        eventually(lambda: c.inspect(i)["ExecIDs"], "a check in the next run")
        c.remove(i)
    i = box(c, config("kill -9 1; sleep 1000"), cmd="trap : TERM; while :; do sleep 0.1; done")
    c.remove(i)


@test(timeout=90)
def commit_pauses_it():
    """A container that stands still for a commit is not checked meanwhile, and not called ill for it."""
    c = client()
    i = box(c, config("true", interval=20, Timeout=1000, Retries=1))
    becomes(c, i, "healthy")
    for n in range(12):
        c.ok("POST", "/commit", {}, query={"container": i, "repo": f"paused{n}"})
        cleanup(c.delete, f"/images/paused{n}", query={"force": 1})
        equal((health(c, i)["Status"], health(c, i)["FailingStreak"]), ("healthy", 0), "status, failing streak")
    last = health(c, i)["Log"][-1]["Start"]
    eventually(lambda: health(c, i)["Log"][-1]["Start"] > last, "it is checked again")


# --- with the daemon ---

@test(timeout=120)
def daemon_is_restarted():
    """The status goes on; nothing is told again."""
    d = own()
    c = d.client()
    i, j = box(c, config("true", interval=100)), box(c, config("false", interval=100, Retries=1))
    d.containers.update((i, j))
    becomes(c, i, "healthy")
    becomes(c, j, "unhealthy")
    for how in ("stop", "kill"):
        since = time.time()
        d.restart(how)
        equal((health(c, i)["Status"], health(c, j)["Status"]), ("healthy", "unhealthy"), f"status after {how}")
        equal(len(health(c, i)["Log"]) > 0, True, "results are there")
        last = health(c, i)["Log"][-1]["Start"]
        eventually(lambda: health(c, i)["Log"][-1]["Start"] > last, "it is checked again")
        equal(between(c, since, event=["health_status"]), [], "events")
    pid = c.inspect(j)["State"]["Pid"]
    d.kill()
    os.kill(pid, 9)
    time.sleep(0.5)
    d.start()
    eventually(lambda: not c.inspect(j)["State"]["Running"], "the end of the other")
    equal(health(c, j)["Status"], "unhealthy", "status of one that ended meanwhile")
    c.remove(i)
    c.remove(j)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


@test(timeout=120)
def daemon_is_killed_during_a_check():
    """The check of the daemon before ends; it is not left behind, and not one more for each restart."""
    d = own()
    c = d.client()
    i = box(c, config("sleep 1000", Timeout=60_000))
    d.containers.add(i)
    for _ in range(4):
        eventually(lambda: "sleep 1000" in str(c.ok("GET", f"/containers/{i}/top")["Processes"][1:]), "a check")
        d.restart("kill")
    eventually(lambda: str(c.ok("GET", f"/containers/{i}/top")["Processes"][1:]).count("sh -c sleep 1000") <= 1 and
               len(list((d.exec / "containers" / i / "exec").iterdir())) <= 1, "only one is left")
    equal(health(c, i)["Status"], "starting", "status")
    c.remove(i)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


@test(timeout=120)
def daemon_is_killed_at_any_moment():
    d = own()
    c = d.client()
    i = box(c, config("sleep 0.02", interval=10))
    d.containers.add(i)
    for n in range(12):
        time.sleep(0.013 * n)
        d.restart("kill")
    becomes(c, i, "healthy")
    directory = d.exec / "containers" / i / "exec"
    eventually(lambda: len(list(directory.iterdir())) <= 1, "nothing is left of the checks before")
    last = health(c, i)["Log"][-1]["Start"]
    eventually(lambda: health(c, i)["Log"][-1]["Start"] > last, "it is checked again")
    c.remove(i)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


@test(timeout=90)
def checks_shim_is_killed():
    only_ours()
    c = client()
    i = box(c, config("echo begun; sleep 1000", Retries=1))
    directory = common_api.ENGINE.exec / "containers" / i / "exec"
    x = eventually(lambda: c.inspect(i)["ExecIDs"], "a check")[0]
    eventually(lambda: c.exec_inspect(x)["Running"], "it runs")
    os.kill(int((directory / x / "shim.pid").read_text().split()[0]), 9)
    eventually(lambda: health(c, i)["Log"], "a result")
    equal(health(c, i)["Log"][0]["ExitCode"], 137, "exit code")
    check(c.inspect(i)["State"]["Running"], "the container runs")


@test(timeout=240)
def fifty_containers():
    """The API answers while the machine has more checks than it can run."""
    only_ours()
    d = own()
    c = d.client()
    ids = [box(c, config("true", interval=20, Timeout=60_000)) for _ in range(50)]
    d.containers.update(ids)
    slow, stop = [], time.monotonic() + 5
    while time.monotonic() < stop:
        begin = time.monotonic()
        equal(c.get("/_ping").status, 200, "status of ping")
        slow.append(time.monotonic() - begin)
        time.sleep(0.01)
    slow.sort()
    print(f"     ping: median {slow[len(slow) // 2] * 1000:.1f} ms, 99% {slow[int(len(slow) * 0.99)] * 1000:.0f} ms, worst {slow[-1] * 1000:.0f} ms", flush=True)
    check(slow[int(len(slow) * 0.95)] < 1, f"a ping took {slow[int(len(slow) * 0.95)]} s")
    eventually(lambda: all(health(c, i)["Status"] == "healthy" for i in ids), "all are healthy", 60)
    threads = [threading.Thread(target=lambda n=n: [d.client().remove(i) for i in ids[n::5]]) for n in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    d.check_clean(timeout=20)
    d.stop()
    d.check_clean()
