# SPDX-License-Identifier: Apache-2.0
"""The life of a container over the API: states, codes, errors, waits."""

import json
import os
import signal
import threading
import time

import common_api
from common_api import client, only_ours
from harness import Failed, cases, check, cleanup, contains, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}


@test
def create():
    r = client().post("/containers/create", {"Image": "busybox", "Cmd": ["true"]})
    equal(r.status, 201, "status")
    body = r.json()
    matches(body["Id"], r"^[0-9a-f]{64}$", "Id")
    equal(body["Warnings"], [], "Warnings")


@cases([
    ("no image", {}, 400, r"(?i)(image|config cannot be empty)"),
    ("missing image", {"Image": "nosuch:tag"}, 404, r"No such image: nosuch:tag"),
    ("bad image reference", {"Image": "Not A Name"}, 400, r"invalid reference format"),
    ("bad user type", {"Image": "busybox", "User": 5}, 400, r"(?i)user|unmarshal"),
    ("relative workdir", {"Image": "busybox", "WorkingDir": "rel"}, 400, r"(?i)working dir"),
    ("bad restart policy", {"Image": "busybox", "HostConfig": {"RestartPolicy": {"Name": "sometimes"}}}, 400, r"(?i)restart"),
    ("autoremove with restart", {"Image": "busybox", "HostConfig": {"AutoRemove": True, "RestartPolicy": {"Name": "always"}}},
     400, r"(?i)can't create 'AutoRemove' container with restart policy"),
    ("tiny memory", {"Image": "busybox", "HostConfig": {"Memory": 1024}}, 400, r"Minimum memory limit allowed is 6MB"),
    ("bad log driver", {"Image": "busybox", "HostConfig": {"LogConfig": {"Type": "nosuch"}}}, 400, r"(?i)nosuch"),
    ("bad bind", {"Image": "busybox", "HostConfig": {"Binds": ["a:b:c:d"]}}, (400, 500), r"(?i)invalid volume specification"),
    ("bad mount type", {"Image": "busybox", "HostConfig": {"Mounts": [{"Type": "nosuch", "Target": "/x"}]}}, 400, r"(?i)mount"),
    ("bad shm size", {"Image": "busybox", "HostConfig": {"ShmSize": -1}}, 400, r"(?i)shm"),
    ("bad stop signal", {"Image": "busybox", "StopSignal": "NOSUCH"}, 400, r"(?i)signal"),
    ("bad env", {"Image": "busybox", "Env": ["=x"]}, 400, r"(?i)environment variable"),
])
def create_refused(body, status, pattern):
    c = client()
    r = c.post("/containers/create", body)
    check(r.status == status or (isinstance(status, tuple) and r.status in status), f"status is {r.status} ({r.message!r})")
    matches(r.message, pattern, "message")
    equal(c.ok("GET", "/containers/json", query={"all": 1}), [], "containers afterwards")


@cases([("one character", "a"), ("space", "a b"), ("slash", "a/b"), ("leading dash", "-ab"), ("unicode", "\u00e4b")])
def bad_name(name):
    r = client().post("/containers/create", {"Image": "busybox"}, query={"name": name})
    equal(r.status, 400, f"status ({r.message!r})")
    matches(r.message, r"Invalid container name \(.*\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed", "message")


@test
def name_conflict():
    c = client()
    first = c.create(name="same", cmd="true")
    r = c.post("/containers/create", {"Image": "busybox"}, query={"name": "same"})
    equal(r.status, 409, "status")
    matches(r.message, rf'Conflict\. The container name "/same" is already in use by container "?{first}', "message")


@test
def start_stop_codes():
    c = client()
    i = c.create(cmd="sleep 1000", host=NONE, StopTimeout=0)
    equal(c.post(f"/containers/{i}/start").status, 204, "start")
    equal(c.post(f"/containers/{i}/start").status, 304, "start again")
    equal(c.delete(f"/containers/{i}").status, 409, "remove while running")
    equal(c.post(f"/containers/{i}/stop").status, 204, "stop")
    equal(c.post(f"/containers/{i}/stop").status, 304, "stop again")
    equal(c.post(f"/containers/{i}/kill").status, 409, "kill of a stopped one")
    equal(c.delete(f"/containers/{i}").status, 204, "remove")
    equal(c.delete(f"/containers/{i}").status, 404, "remove again")


@cases([(f"{m} {p}", m, p) for m, p in (
    ("GET", "json"), ("POST", "start"), ("POST", "stop"), ("POST", "kill"), ("POST", "restart"), ("POST", "wait"),
    ("POST", "rename?name=ab"), ("GET", "logs?stdout=1"), ("GET", "top"), ("POST", "resize?h=1&w=1"), ("POST", "attach?stdout=1"))])
def no_such_container(method, path):
    r = client().request(method, f"/containers/nosuch/{path}")
    equal(r.status, 404, "status")
    contains(r.message if "attach" not in path else r.text, "No such container: nosuch", "message")


@test
def start_with_a_body():
    """Refused since API 1.24; an empty object is let through."""
    c = client()
    i = c.create(cmd="true", host=NONE)
    r = c.post(f"/containers/{i}/start", {"HostConfig": {}, "More": "than seven bytes"})
    equal(r.status, 400, "status of a start with a body")
    equal(c.post(f"/containers/{i}/start", b"{}", headers={"Content-Type": "application/json"}).status, 204, "start with {}")


@cases([(str(n), n) for n in (0, 1, 77, 255)])
def exit_codes(n):
    c = client()
    i = c.create(cmd=f"exit {n}", host=NONE)
    c.start(i)
    equal(c.wait(i), n, "StatusCode of wait")
    s = c.inspect(i)["State"]
    equal((s["Status"], s["ExitCode"], s["Running"], s["Pid"]), ("exited", n, False, 0), "state")


@cases([("missing command", ["nosuch"], 400, 127, r"executable file not found in \$PATH"),
        ("missing file", ["/no/such"], 400, 127, r"no such file or directory"),
        ("not executable", ["/etc/passwd"], 400, 126, r"permission denied")])
def start_fails(cmd, status, code, pattern):
    c = client()
    i = c.create(cmd=cmd, host=NONE)
    r = c.post(f"/containers/{i}/start")
    equal(r.status, status, f"status ({r.message!r})")
    matches(r.message, pattern, "message")
    s = c.inspect(i)["State"]
    equal((s["Status"], s["ExitCode"]), ("created", code), "state")
    matches(s["Error"], pattern, "State.Error")


@test
def wait_before_start():
    """As docker run does: wait first, headers at once, answer at the exit."""
    c = client()
    i = c.create(cmd="sleep 0.2; exit 9", host=NONE)
    r = c.post(f"/containers/{i}/wait", query={"condition": "next-exit"})
    equal(r.status, 200, "status, before the container is started")
    c.start(i)
    equal(r.json()["StatusCode"], 9, "StatusCode")


@test
def wait_removed():
    c = client()
    i = c.create(cmd="exit 4", host={**NONE, "AutoRemove": True})
    r = c.post(f"/containers/{i}/wait", query={"condition": "removed"})
    c.start(i)
    equal(r.json()["StatusCode"], 4, "StatusCode")
    equal(c.get(f"/containers/{i}/json").status, 404, "status of inspect after condition=removed")


@test
def wait_bad_condition():
    c = client()
    i = c.create(cmd="true", host=NONE)
    r = c.post(f"/containers/{i}/wait", query={"condition": "nosuch"})
    equal(r.status, 400, "status")
    matches(r.message, r'invalid condition: "?nosuch', "message")


@test
def wait_of_a_stopped_one():
    c = client()
    i = c.create(cmd="exit 3", host=NONE)
    c.start(i)
    c.wait(i)
    equal(c.wait(i, "not-running"), 3, "StatusCode")


@test
def many_waiters():
    c = client()
    i = c.create(cmd="sleep 0.3; exit 2", host=NONE)
    c.start(i)
    replies = [c.post(f"/containers/{i}/wait") for _ in range(20)]
    equal([r.json()["StatusCode"] for r in replies], [2] * 20, "StatusCode of twenty waiters")


@test
def a_waiter_that_leaves():
    c = client()
    i = c.create(cmd="sleep 0.5", host=NONE)
    c.start(i)
    for _ in range(5):
        c.post(f"/containers/{i}/wait").close()
    equal(c.wait(i), 0, "StatusCode for the one that stayed")


@test
def attach_then_start():
    c = client()
    i = c.create(cmd="cat; echo err >&2; exit 6", host=NONE, OpenStdin=True, StdinOnce=True, AttachStdin=True)
    h = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1})
    cleanup(h.close)
    equal((h.response.status, h.response.headers.get("upgrade")), (101, "tcp"), "status and Upgrade header")
    contains(h.response.headers.get("content-type", ""), "application/vnd.docker.multiplexed-stream", "Content-Type")
    c.start(i)
    h.send(b"to the container\n")
    h.close_write()
    equal(h.output(), (b"to the container\n", b"err\n"), "stdout and stderr")
    equal(c.wait(i), 6, "exit code")


@test
def attach_without_upgrade():
    """Older clients: 200 and the raw stream."""
    c = client()
    i = c.create(cmd="sleep 0.3; echo old way", host=NONE)
    h = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "stdout": 1, "stderr": 1}, upgrade=False)
    cleanup(h.close)
    equal(h.response.status, 200, "status")
    c.start(i)
    equal(h.output()[0], b"old way\n", "stdout")


@test
def attach_tty_is_raw():
    c = client()
    i = c.create(cmd="echo raw", host=NONE, Tty=True)
    h = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "stdout": 1})
    cleanup(h.close)
    contains(h.response.headers.get("content-type", ""), "application/vnd.docker.raw-stream", "Content-Type")
    c.start(i)
    equal(h.read_all(), b"raw\r\n", "stream")


@test
def attach_with_logs():
    c = client()
    i = c.create(cmd="echo first; read x; echo second", host=NONE, OpenStdin=True)
    c.start(i)
    eventually(lambda: c.logs(i)[0] == b"first\n", "the first line is in the log")
    h = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "logs": 1, "stdin": 1, "stdout": 1, "stderr": 1})
    cleanup(h.close)
    h.send(b"\n")
    equal(h.output()[0], b"first\nsecond\n", "old and new output")


@test
def attach_logs_only():
    c = client()
    i = c.create(cmd="echo done", host=NONE)
    c.start(i)
    c.wait(i)
    h = c.hijack(f"/containers/{i}/attach", query={"logs": 1, "stdout": 1})
    equal(h.output()[0], b"done\n", "the log")


@test
def attach_with_logs_before_a_restart():
    c = client()
    i = c.create(cmd="echo run; cat", host=NONE, OpenStdin=True, StdinOnce=True)
    first = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "stdin": 1, "stdout": 1})
    c.start(i)
    first.close_write()
    c.wait(i)
    h = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "logs": 1, "stdin": 1, "stdout": 1})
    cleanup(h.close)
    equal(h.frame(), (1, b"run\n"), "the log of the first run, before the second")
    c.start(i)
    h.send(b"input\n")
    h.close_write()
    equal(h.output()[0], b"run\ninput\n", "the second run")


@test
def attach_without_logs_and_stream():
    c = client()
    i = c.create(cmd="sleep 1000", host=NONE, StopTimeout=0)
    c.start(i)
    equal(c.hijack(f"/containers/{i}/attach", query={"stdout": 1}).read_all(), b"", "the stream")


@cases([("attach", "POST", "attach?logs=1&stdout=1"), ("logs", "GET", "logs?stdout=1")])
def log_that_cannot_be_read(method, path):
    c = client()
    i = c.create(cmd="true", host=dict(NONE, LogConfig={"Type": "none"}))
    r = c.request(method, f"/containers/{i}/{path}")
    equal(r.status, 501, f"status ({r.message!r})")
    contains(r.message, "configured logging driver does not support reading", "message")


@test
def resize():
    c = client()
    i = c.create(cmd="read x; stty size", host=NONE, Tty=True, OpenStdin=True)
    h = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "stdin": 1, "stdout": 1})
    cleanup(h.close)
    c.start(i)
    equal(c.post(f"/containers/{i}/resize", query={"h": 33, "w": 111}).status, 200, "status of resize")
    h.send(b"\n")
    contains(h.read_all(), b"33 111", "what stty saw")


@cases([("no numbers", "h=a&w=b", 400), ("missing", "", 400), ("negative", "h=-1&w=5", 400), ("huge", "h=99999999999&w=5", 400)])
def bad_resize(query, status):
    c = client()
    i = c.create(cmd="sleep 1000", host=NONE, Tty=True, StopTimeout=0)
    c.start(i)
    equal(c.post(f"/containers/{i}/resize?{query}").status, status, f"status of resize?{query}")


@test
def logs_headers():
    c = client()
    i = c.create(cmd="echo x", host=NONE)
    c.start(i)
    c.wait(i)
    r = c.get(f"/containers/{i}/logs", query={"stdout": 1})
    equal(r.headers.get("content-type"), "application/vnd.docker.multiplexed-stream", "Content-Type")
    old = common_api.ENGINE.client("1.41").get(f"/containers/{i}/logs", query={"stdout": 1})
    equal(old.headers.get("content-type"), "application/vnd.docker.raw-stream", "Content-Type for API 1.41")


@test
def logs_follow_streams():
    c = client()
    i = c.create(cmd="echo one; read x; echo two", host=NONE, OpenStdin=True)
    c.start(i)
    r = c.get(f"/containers/{i}/logs", query={"stdout": 1, "follow": 1})
    first = next(r.pieces())
    contains(first, b"one\n", "first piece, while the container runs")
    c.post(f"/containers/{i}/kill")
    r.close()


@test
def logs_until():
    """"0" is no end, a time before all lines is one."""
    c = client()
    i = c.create(cmd="echo said", host=NONE)
    c.start(i)
    c.wait(i)
    for until, wanted in (("", 1), ("0", 1), ("1960-01-01T00:00:00Z", 0)):
        r = c.get(f"/containers/{i}/logs", query={"stdout": 1, "until": until})
        equal(r.text.count("said"), wanted, f"lines until {until!r}")


@test
def rename():
    c = client()
    i = c.create(name="before", cmd="true")
    equal(c.post(f"/containers/{i}/rename", query={"name": "after"}).status, 204, "status")
    equal(c.inspect("after")["Id"], i, "Id by the new name")
    equal(c.get("/containers/before/json").status, 404, "status by the old name")
    c.create(name="third", cmd="true")
    equal(c.post("/containers/third/rename", query={"name": "after"}).status, 409, "status of a rename to a taken name")
    equal(c.post("/containers/third/rename", query={"name": ""}).status, 400, "status of a rename to nothing")
    equal(c.post("/containers/third/rename", query={"name": "third"}).status, 400, "status of a rename to itself")


@test
def lookup():
    c = client()
    a, b = c.create(cmd="true"), c.create(cmd="true")
    equal(c.inspect(a[:12])["Id"], a, "by short id")
    prefix = next((a[:n] for n in range(1, 64) if a[:n] == b[:n]), None)
    if prefix:
        r = c.get(f"/containers/{prefix}/json")
        equal(r.status, 400, "status for an ambiguous prefix")
        matches(r.message, r"(?i)multiple IDs found with provided prefix", "message")


@test
def list_row():
    c = client()
    i = c.create(name="row", cmd=["sleep", "1000"], Labels={"a": "b"}, host={"Binds": ["/tmp:/t:ro"]}, StopTimeout=0)
    c.start(i)
    row = c.ok("GET", "/containers/json")[0]
    equal((row["Id"], row["Names"], row["Image"], row["Command"], row["State"], row["Labels"]),
          (i, ["/row"], "busybox", "sleep 1000", "running", {"a": "b"}), "Id, Names, Image, Command, State, Labels")
    matches(row["ImageID"], r"^sha256:[0-9a-f]{64}$", "ImageID")
    check(abs(row["Created"] - time.time()) < 60, f"Created is {row['Created']}")
    matches(row["Status"], r"^Up ", "Status")
    equal(row["Ports"], [], "Ports")
    check(row["HostConfig"]["NetworkMode"] in ("bridge", "default"), f"NetworkMode is {row['HostConfig']['NetworkMode']}")
    equal((row["Mounts"][0]["Source"], row["Mounts"][0]["Destination"], row["Mounts"][0]["RW"]), ("/tmp", "/t", False), "Mounts[0]")
    matches(row["NetworkSettings"]["Networks"]["bridge"]["IPAddress"], r"^172\.", "IPAddress")
    check("SizeRw" not in row, "SizeRw is given although size was not asked for")


@test
def limit_and_order():
    c = client()
    ids = [c.create(cmd="true") for _ in range(3)]
    rows = [r["Id"] for r in c.ok("GET", "/containers/json", query={"all": 1})]
    equal(rows, ids[::-1], "newest first")
    equal([r["Id"] for r in c.ok("GET", "/containers/json", query={"limit": 2})], ids[:0:-1], "limit=2 (implies all)")


@test
def top():
    c = client()
    i = c.create(cmd=["sleep", "1000"], host=NONE, StopTimeout=0)
    c.start(i)
    t = eventually(lambda: (t := c.ok("GET", f"/containers/{i}/top")) and "sleep" in json.dumps(t) and t, "sleep in /top", 5)
    contains(t["Titles"], "PID", "Titles")
    equal(len(t["Processes"]), 1, "number of processes")
    pid = t["Processes"][0][t["Titles"].index("PID")]
    if common_api.ENGINE.is_ours:
        equal(int(pid), c.inspect(i)["State"]["Pid"], "PID")
    r = c.get(f"/containers/{i}/top", query={"ps_args": "-o user"})
    check(r.status >= 400, "ps without a PID column is accepted")


@test
def kill_signals():
    c = client()
    i = c.create(cmd="trap 'echo usr1' USR1; trap 'exit 12' TERM; while :; do sleep 0.05; done", host=NONE)
    c.start(i)
    time.sleep(0.2)
    c.ok("POST", f"/containers/{i}/kill", wanted=204, query={"signal": "SIGUSR1"})
    eventually(lambda: c.logs(i)[0] == b"usr1\n", "the container saw USR1")
    c.ok("POST", f"/containers/{i}/kill", wanted=204, query={"signal": "15"})
    equal(c.wait(i), 12, "exit code")
    for bad, message in (("NOSUCH", "invalid signal: NOSUCH"), ("0", "invalid signal: 0"),
                         ("99", "the linux daemon does not support signal 99")):
        r = c.post(f"/containers/{i}/kill", query={"signal": bad})
        check(message in r.message, f"the message names the signal: {r.message!r}")
        equal(r.status, 400, f"status of kill with signal {bad} ({r.message!r})")


@test
def stop_is_not_blocked_by_another_stop():
    c = client()
    i = c.create(cmd="trap '' TERM; while :; do sleep 0.05; done", host=NONE)
    c.start(i)
    time.sleep(0.2)
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(common_api.ENGINE.client().post(f"/containers/{i}/stop", query={"t": 1}).status))
               for _ in range(3)]
    [t.start() for t in threads]
    [t.join(20) for t in threads]
    check(len(statuses) == 3 and set(statuses) <= {204, 304}, f"statuses of three stops at once: {statuses}")


@test
def remove_while_starting_and_stopping():
    """Races of start, stop and rm -f on one container end in a known state."""
    only_ours()
    c = client()
    for _ in range(5):
        i = c.create(cmd="sleep 1000", host=NONE, StopTimeout=0)
        threads = [threading.Thread(target=f) for f in (
            lambda: common_api.ENGINE.client().post(f"/containers/{i}/start"),
            lambda: common_api.ENGINE.client().post(f"/containers/{i}/stop", query={"t": 0}),
            lambda: common_api.ENGINE.client().delete(f"/containers/{i}", query={"force": 1}))]
        [t.start() for t in threads]
        [t.join(20) for t in threads]
        eventually(lambda: c.delete(f"/containers/{i}", query={"force": 1}).status in (204, 404, 409), "removable")
    eventually(lambda: c.ok("GET", "/containers/json", query={"all": 1}) == [], "no container is left", 5)
    common_api.ENGINE.check_clean(timeout=5)


@test
def autoremove():
    c = client()
    i = c.create(cmd="true", host={**NONE, "AutoRemove": True})
    c.start(i)
    eventually(lambda: c.get(f"/containers/{i}/json").status == 404, "an AutoRemove container is gone after its exit", 10)


@cases([("default", None), ("not-running", "not-running"), ("next-exit", "next-exit"), ("removed", "removed")])
def wait_after_autoremove(condition):
    """SDKs wait after the end of the output: that is too late for a container that removes itself at once."""
    only_ours()
    c = client()
    i = c.create(cmd="exit 6", host={**NONE, "AutoRemove": True})
    c.start(i)
    eventually(lambda: c.get(f"/containers/{i}/json").status == 404, "an AutoRemove container is gone after its exit", 10)
    r = c.post(f"/containers/{i}/wait", query={"condition": condition} if condition else None)
    equal((r.status, r.json()), (200, {"StatusCode": 6}), "answer")
    i = c.create(cmd="true", host=NONE)
    c.remove(i)
    equal(c.post(f"/containers/{i}/wait").status, 404, "status for one that was removed by hand")


@test
def inspect_has_the_fields():
    c = client()
    i = c.inspect(c.create(cmd="true"))
    for key in ("Id", "Created", "Path", "Args", "State", "Image", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "Name",
                "RestartCount", "Driver", "Platform", "MountLabel", "ProcessLabel", "AppArmorProfile", "ExecIDs", "HostConfig",
                "GraphDriver", "Mounts", "Config", "NetworkSettings"):
        check(key in i, f"inspect has no {key}")
    for key in ("Status", "Running", "Paused", "Restarting", "OOMKilled", "Dead", "Pid", "ExitCode", "Error", "StartedAt", "FinishedAt"):
        check(key in i["State"], f"inspect has no State.{key}")
    for key in ("Hostname", "Domainname", "User", "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce",
                "Env", "Cmd", "Image", "Volumes", "WorkingDir", "Entrypoint", "Labels"):
        check(key in i["Config"], f"inspect has no Config.{key}")
    equal(i["State"]["StartedAt"], "0001-01-01T00:00:00Z", "StartedAt of a container that never ran")
    check("SizeRw" not in i, "SizeRw is given although size was not asked for")


@test
def host_config_comes_back():
    c = client()
    host = {"Binds": ["/tmp:/t:ro"], "CapAdd": ["NET_ADMIN"], "CapDrop": ["MKNOD"], "Dns": ["1.2.3.4"], "ExtraHosts": ["a:1.2.3.4"],
            "NetworkMode": "none", "Privileged": False, "ReadonlyRootfs": True, "SecurityOpt": ["no-new-privileges"],
            "Tmpfs": {"/x": "size=1m"}, "ShmSize": 1 << 20, "Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": 20}],
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}, "Init": True, "OomScoreAdj": 100}
    got = c.inspect(c.create(cmd="true", host=host))["HostConfig"]
    for key, value in host.items():
        if key in ("CapAdd", "CapDrop"):
            equal([v.removeprefix("CAP_") for v in got[key]], [v.removeprefix("CAP_") for v in value], f"HostConfig.{key}")
            continue
        equal(got[key], value, f"HostConfig.{key}")


@test(timeout=120)
def fifty_at_once():
    only_ours()
    c = client()
    ids = [c.create(cmd=f"exit {n}", host=NONE) for n in range(50)]
    codes = {}

    def run(i, n):
        own = common_api.ENGINE.client()
        own.start(i)
        codes[n] = own.wait(i)
    threads = [threading.Thread(target=run, args=(i, n)) for n, i in enumerate(ids)]
    [t.start() for t in threads]
    [t.join(90) for t in threads]
    equal(codes, {n: n for n in range(50)}, "exit codes of fifty containers started at once")


@cases([("negative uid", "-1"), ("too big", "4294967296"), ("2^32-1", "4294967295"), ("huge", "9" * 40), ("colon only", ":"), ("space", " ")])
def odd_users(user):
    """CVE-2026-30892 and kin: such a user is refused, or is exactly that user: never root by accident."""
    c = client()
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["id", "-u"], "User": user, "HostConfig": NONE})
    if r.status != 201:
        check(400 <= r.status < 500, f"create answered {r.status} {r.message!r}")
        return
    i = r.json()["Id"]
    r = c.post(f"/containers/{i}/start")
    if r.status != 204:
        check(r.status in (400, 404, 500), f"start answered {r.status} {r.message!r}")
        return
    c.wait(i)
    out = c.logs(i)[0].decode().strip()
    check(out != "0" or user in (":", " "), f"user {user!r} became root")


@test
def restart_count():
    """The tries of a policy are counted, and begin anew when somebody starts the container himself."""
    c = client()
    i = c.create(cmd="exit 3", host={**NONE, "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}})
    for _ in range(2):
        c.start(i)
        eventually(lambda: (lambda s: s["State"]["Status"] == "exited" and s["RestartCount"])(c.inspect(i)) == 2, "it ends after two tries", 10)
    j = c.create(cmd="sleep 1000", host={**NONE, "RestartPolicy": {"Name": "always"}})
    c.start(j)
    os.kill(c.inspect(j)["State"]["Pid"], signal.SIGKILL)
    eventually(lambda: (lambda s: s["State"]["Running"] and s["RestartCount"])(c.inspect(j)) == 1, "it runs again, for the first time", 10)
    equal(c.post(f"/containers/{j}/restart", query={"t": 0}).status, 204, "status of a restart")
    equal(c.inspect(j)["RestartCount"], 0, "RestartCount after a restart by hand")


@test
def wait_ends_with_the_first_exit_under_a_restart_policy():
    """Each run is one exit; the container is started again after it."""
    c = client()
    i = c.create(cmd=["sh", "-c", "sleep 1; exit 3"], host={"NetworkMode": "none", "RestartPolicy": {"Name": "always"}})
    c.start(i)
    equal(c.wait(i), 3, "what wait says of the first run")
    equal(c.wait(i, "next-exit"), 3, "what wait says of a later run")
    check(eventually(lambda: c.inspect(i)["RestartCount"], "it is started again", 30), "no restart")


@test
def a_restart_keeps_a_container_that_is_removed_at_its_end():
    c = client()
    i = c.create(cmd=["sleep", "1000"], StopTimeout=0, host={"NetworkMode": "none", "AutoRemove": True})
    c.start(i)
    first = c.inspect(i)["State"]["Pid"]
    c.ok("POST", f"/containers/{i}/restart")
    state = c.inspect(i)["State"]
    check(state["Running"] and state["Pid"] != first, f"state after the restart: {state}")
    c.ok("POST", f"/containers/{i}/stop")
    eventually(lambda: c.get(f"/containers/{i}/json").status == 404, "its stop removes it", 60)
