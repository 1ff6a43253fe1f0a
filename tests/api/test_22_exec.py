# SPDX-License-Identifier: Apache-2.0
"""Commands in running containers (docker exec): streams, exit codes, errors, limits, and what outlives the daemon."""

import base64
import hashlib
import os
import threading
import time

import common_api
from common_api import client, only_ours, own_daemon
from harness import Failed, cases, check, cleanup, contains, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}


def box(c, cmd="sleep 1000", host=NONE, **config):
    i = c.create(cmd=cmd, host=host, StopTimeout=1, **config)
    c.start(i)
    return i


@test
def streams_and_exit_code():
    c = client()
    i = box(c)
    equal(c.exec(i, "echo out; echo err >&2; exit 7"), (7, "out\n", "err\n"), "exit code, stdout, stderr")
    equal(c.exec(i, "cat; exit 3", stdin=b"one\ntwo\n"), (3, "one\ntwo\n", ""), "with stdin that ends")
    equal(c.exec(i, "kill -9 $$"), (137, "", ""), "of one that was killed")
    check(c.inspect(i)["State"]["Running"], "the container runs")


@test
def without_upgrade():
    c = client()
    i = box(c)
    x = c.exec_create(i, "echo hello; cat", AttachStdin=True)
    h = c.exec_attach(x, upgrade=False)
    equal(h.response.status, 200, "status of a hijack without upgrade")
    h.send(b"typed\n")
    h.close_write()
    equal(h.output(), (b"hello\ntyped\n", b""), "output")


@test
def only_what_was_asked_for():
    c = client()
    i = box(c)
    for out, err in ((True, False), (False, True), (False, False)):
        x = c.exec_create(i, "echo out; echo err >&2", AttachStdout=out, AttachStderr=err)
        equal(c.exec_attach(x).output(), (b"out\n" * out, b"err\n" * err), f"output with AttachStdout {out}, AttachStderr {err}")


@test
def inspect():
    c = client()
    i = box(c)
    x = c.exec_create(i, ["sh", "-c", "read a; exit $a"], AttachStdin=True, User="1:2", DetachKeys="ctrl-a,b")
    wanted = {"ID": x, "Running": False, "ExitCode": None, "OpenStdin": True, "OpenStdout": True, "OpenStderr": True, "CanRemove": False,
              "ContainerID": i, "DetachKeys": base64.b64encode(b"\x01b").decode(), "Pid": 0,
              "ProcessConfig": {"tty": False, "entrypoint": "sh", "arguments": ["-c", "read a; exit $a"], "privileged": False, "user": "1:2"}}
    equal(c.exec_inspect(x), wanted, "before it is started")
    h = c.exec_attach(x)
    eventually(lambda: c.exec_inspect(x)["Running"], "it runs")
    now = c.exec_inspect(x)
    check(now["ExitCode"] is None and now["Pid"] > 1, f"while it runs: {now}")
    status = open(f"/proc/{now['Pid']}/status").read()
    matches(status, r"^Uid:\s+1\s+1\s+1\s+1$.*^Gid:\s+2\s+2", "its process")
    contains(c.inspect(i)["ExecIDs"], x, "ExecIDs of the container")
    h.send(b"9\n")
    h.read_all()
    equal(c.exec_inspect(x), {**wanted, "ExitCode": 9, "CanRemove": True}, "after its end")
    equal(c.inspect(box(c))["ExecIDs"], None, "ExecIDs of a container without any")


@test(timeout=120)
def code_is_there_at_the_end_of_the_output():
    """Who has read the end of the stream asks for the exit code, and is never told that it runs still."""
    c = client()
    i = box(c)
    for n in range(60):
        equal(c.exec(i, f"exit {n}")[0], n, f"exit code of number {n}")
    for n in range(60):
        x = c.exec_create(i, f"read a; echo last; exit {n}", Tty=True, AttachStdin=True)
        h = c.exec_attach(x, tty=True)
        h.send(b"\n")
        out = h.read_all()
        equal((out[-6:], c.exec_inspect(x)["ExitCode"]), (b"last\r\n", n), f"last words and exit code of number {n} on a terminal")


@test
def terminal():
    c = client()
    i = box(c)
    x = c.exec_create(i, "stty size; read a; stty size; read a; echo got $a $TERM", Tty=True, AttachStdin=True, ConsoleSize=[33, 111])
    h = c.exec_attach(x, tty=True)
    equal(h.response.headers["content-type"], "application/vnd.docker.raw-stream", "content type")
    out = h.read(200)
    while b"\n" not in out:
        out += h.read(200)
    equal(out, b"33 111\r\n", "size at the start")
    equal(c.post(f"/exec/{x}/resize", query={"h": 44, "w": 122}).status, 200, "status of resize")
    h.send(b"\n")
    eventually(lambda: b"44 122" in more(h, out), "the new size")
    h.send(b"x\n")
    matches(h.read_all().decode(), r"got x xterm\r\n$", "the rest")


def more(h, out):
    return h.read(200)


@test
def resize_while_it_starts():
    """The CLI sends the size as soon as the start is answered, which is before the process is there."""
    c = client()
    i = box(c)
    for _ in range(5):
        x = c.exec_create(i, "sleep 0.2; stty size", Tty=True)
        h = c.exec_attach(x, tty=True)
        equal(c.post(f"/exec/{x}/resize", query={"h": 21, "w": 87}).status, 200, "status of resize")
        equal(h.read_all(), b"21 87\r\n", "size")


@test
def start_decides_on_the_frames():
    """As with Docker, the stream is raw or not as the start says, whatever the command has."""
    c = client()
    i = box(c)
    x = c.exec_create(i, "echo a; echo b >&2", Tty=True)
    equal(c.exec_attach(x, tty=False).output(), (b"a\r\nb\r\n", b""), "frames of a terminal")
    x = c.exec_create(i, "echo a", Tty=False)
    equal(c.exec_attach(x, tty=True).read_all(), b"a\n", "raw stream without a terminal")


@test(timeout=180)
def much_data():
    c = client()
    i = box(c)
    data = os.urandom(1 << 20) * 32
    x = c.exec_create(i, ["cat"], AttachStdin=True)
    h = c.exec_attach(x)
    wanted, got, size = hashlib.sha256(data).hexdigest(), hashlib.sha256(), 0

    def send():
        h.send(data)
        h.close_write()

    writer = threading.Thread(target=send)
    writer.start()
    for stream, piece in h.frames():
        equal(stream, 1, "stream of a frame")
        got.update(piece)
        size += len(piece)
    writer.join()
    equal((size, got.hexdigest()), (len(data), wanted), "size and digest of what came back")


@test
def in_the_background():
    c = client()
    i = box(c)
    x = c.exec_create(i, "sleep 0.3; echo x >/done; exit 4", AttachStdout=False, AttachStderr=False)
    r = c.post(f"/exec/{x}/start", {"Detach": True})
    equal((r.status, r.body), (200, b""), "answer")
    check(c.exec_inspect(x)["Running"], "it runs when the start is answered")
    eventually(lambda: c.exec_inspect(x)["ExitCode"] == 4, "its exit code")
    equal(c.exec(i, "cat /done")[1], "x\n", "what it wrote")
    x = c.exec_create(i, ["nosuch"])
    r = c.post(f"/exec/{x}/start", {"Detach": True})
    equal(r.status, 400, "status of one that is not there")
    matches(r.message, r"^OCI runtime exec failed: .*nosuch.*executable file not found in \$PATH.*: unknown$", "message")
    equal(c.exec_inspect(x)["ExitCode"], 127, "exit code")


@cases([
    ("not found", {"Cmd": ["nosuch"]}, 127, r"executable file .*not found in \$PATH"),
    ("no program", {"Cmd": ["/etc/passwd"]}, 126, r"(?i)permission denied"),
    ("no directory", {"Cmd": ["true"], "WorkingDir": "/nosuch"}, 127, r"(?i)chdir.*/nosuch.*no such file or directory"),
    ("no user", {"Cmd": ["true"], "User": "nosuch"}, 126, r"^unable to find user nosuch: no matching entries in passwd file\r\n$"),
    ("no group", {"Cmd": ["true"], "User": "0:nosuch"}, 126, r"^unable to find group nosuch: no matching entries in group file\r\n$"),
])
def reasons_in_the_stream(config, code, pattern):
    """The connection is taken over by then: the reason is what the client reads instead of output."""
    c = client()
    i = box(c)
    x = c.exec_create(i, **{"cmd": config["Cmd"]}, **{k: v for k, v in config.items() if k != "Cmd"})
    out, err = c.exec_attach(x).output()
    equal(err, b"", "stderr")
    matches(out.decode(), pattern, "stdout")
    equal(c.exec_inspect(x)["ExitCode"], code, "exit code")
    equal(c.exec(i, "echo still")[1], "still\n", "another command")


@cases([
    ("no command", {}, 400, r"No exec command specified"),
    ("empty command", {"Cmd": []}, 400, r"No exec command specified"),
    ("command of another type", {"Cmd": 5}, 400, r"(?i)Cmd"),
    ("detach keys", {"Cmd": ["true"], "DetachKeys": "ctrl-ab"}, 400, r"(?i)detach keys"),
    ("variable", {"Cmd": ["true"], "Env": ["=x"]}, 400, r"invalid environment variable"),
    ("tty of another type", {"Cmd": ["true"], "Tty": "yes"}, 400, r"(?i)Tty"),
])
def create_refused(body, status, pattern):
    c = client()
    i = box(c)
    r = c.post(f"/containers/{i}/exec", body)
    equal(r.status, status, f"status ({r.message!r})")
    matches(r.message, pattern, "message")
    equal(c.inspect(i)["ExecIDs"], None, "ExecIDs")


@test
def empty_body():
    c = client()
    i = box(c)
    equal(c.post(f"/containers/{i}/exec").status, 400, "status of a create without a body")


@test
def who_is_not_there():
    c = client()
    r = c.post("/containers/nosuch/exec", {"Cmd": ["true"]})
    equal((r.status, r.message), (404, "No such container: nosuch"), "exec in no container")
    for method, path in (("POST", "start"), ("POST", "resize?h=1&w=1"), ("GET", "json")):
        r = c.request(method, f"/exec/nosuch/{path}", {} if path == "start" else None)
        equal((r.status, r.message), (404, "No such exec instance: nosuch"), f"{method} {path}")


@test
def container_that_does_not_run():
    c = client()
    i = c.create(cmd="sleep 1000", host=NONE)
    r = c.post(f"/containers/{i}/exec", {"Cmd": ["true"]})
    equal((r.status, r.message), (409, f"container {i} is not running"), "exec before the start")
    c.start(i)
    x = c.exec_create(i, "true")
    c.ok("POST", f"/containers/{i}/kill")
    c.wait(i)
    r = c.post(f"/exec/{x}/start", {"Detach": True})
    equal((r.status, r.message), (409, f"container {i} is not running"), "start after the container's end")


@test
def only_once():
    c = client()
    i = box(c)
    x = c.exec_create(i, "cat", AttachStdin=True)
    h = c.exec_attach(x)
    eventually(lambda: c.exec_inspect(x)["Running"], "it runs")
    r = c.post(f"/exec/{x}/start", {"Detach": False})
    equal((r.status, r.message), (409, f"Error: Exec command {x} is already running"), "a second start")
    h.close_write()
    h.read_all()
    r = c.post(f"/exec/{x}/start", {"Detach": True})
    equal((r.status, r.message), (409, f"Error: Exec command {x} has already run"), "a third start")
    equal(c.post(f"/exec/{x}/resize", query={"h": 1, "w": 1}).status, 409, "status of resize after the end")


@test(timeout=120)
def started_twice_at_once():
    """Of two that start the same at the same moment, one has it; the other one reads why not."""
    c = client()
    i = box(c)
    for _ in range(10):
        x = c.exec_create(i, "echo it")
        out = []

        def start():
            r = c.post(f"/exec/{x}/start", {"Detach": False}, headers={"Connection": "Upgrade", "Upgrade": "tcp"})
            body = b"".join(iter(lambda: r.connection.reader.read1(65536), b"")) if r.status == 101 else r.body
            out.append(body)

        threads = [threading.Thread(target=start) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        equal(sum(b"it\n" in o for o in out), 1, f"sessions that had the output, of {out}")
        equal(sum(b"already" in o for o in out), 3, f"sessions that were told, of {out}")


@cases([("height", "h=x&w=1"), ("width", "h=1"), ("negative", "h=-1&w=1"), ("none", "")])
def bad_resize(query):
    c = client()
    i = box(c)
    x = c.exec_create(i, "true", Tty=True)
    equal(c.post(f"/exec/{x}/resize?{query}").status, 400, "status")


@test
def environment_and_directory():
    c = client()
    i = box(c, Env=["A=1", "B=2"], WorkingDir="/tmp", Hostname="h")
    out = c.exec(i, "env; pwd", Env=["B=3", "C=4", "A"])[1]
    lines = out.splitlines()
    for wanted in ("B=3", "C=4", "HOSTNAME=h", "/tmp"):
        contains(lines, wanted, "environment and directory")
    check(not [line for line in lines if line.startswith(("A=", "TERM=", "NOTIFY_SOCKET", "DOCKERD_", "LISTEN_"))], f"something too much: {lines}")
    equal(c.exec(i, "pwd", WorkingDir="/etc")[1], "/etc\n", "directory")
    contains(c.exec(i, "env", Tty=False)[1], "HOME=/root\n", "environment of root")


@cases([
    ("root", "0", 0, "uid=0"), ("both", "1000:1000", 0, "uid=1000(user) gid=1000"), ("name", "root", 0, "uid=0"),
    ("the largest", "2147483647", 0, "uid=2147483647"),
    ("too large", "4294967295", 126, "uids and gids must be in range"), ("overflow", "4294967296", 126, "uids and gids must be in range"),
    ("minus", "-1", 126, None), ("huge", "99999999999999999999", 126, None), ("like a number", "0x0", 126, "unable to find user 0x0"),
    ("blank", " 0", 126, None), ("group too large", "0:4294967296", 126, None), ("empty group", "0:", 0, "uid=0"),
])
def users(user, code, text):
    """A user that is no number of the range is nobody, and never root."""
    c = client()
    i = box(c)
    got, out, _ = c.exec(i, "id", User=user)
    equal(got, code, f"exit code ({out!r})")
    if text:
        contains(out, text, "output")


@test
def user_of_the_container():
    c = client()
    i = box(c, User="1000:100", host={**NONE, "GroupAdd": ["7"]})
    matches(c.exec(i, "id")[1], r"^uid=1000\(user\) gid=100 groups=7,100\n$", "id")
    matches(c.exec(i, "id", User="0")[1], r"^uid=0", "id with a user of its own")
    equal(c.exec(i, "true")[0], 0, "exit code")


def caps(text, which):
    return int(matches(text, rf"^{which}:\s+([0-9a-f]+)$", "capabilities").group(1), 16)


@test
def rights():
    c = client()
    i = box(c, host={**NONE, "CapDrop": ["ALL"], "CapAdd": ["CHOWN"], "SecurityOpt": ["no-new-privileges"]})
    status = c.exec(i, "cat /proc/self/status")[1]
    equal((caps(status, "CapEff"), caps(status, "CapBnd"), caps(status, "CapInh"), caps(status, "CapAmb")), (1, 1, 0, 0), "capabilities")
    matches(status, r"^NoNewPrivs:\s+1$", "status")
    matches(status, r"^Seccomp:\s+2$", "status")
    status = c.exec(i, "cat /proc/self/status", User="5")[1]
    equal((caps(status, "CapEff"), caps(status, "CapBnd")), (0, 1), "capabilities of another user")
    status = c.exec(i, "cat /proc/self/status", Privileged=True)[1]
    check(caps(status, "CapEff") > (1 << 30), "capabilities of a privileged command")


@test
def limits_of_the_container():
    c = client()
    i = box(c, host={**NONE, "Ulimits": [{"Name": "nofile", "Soft": 77, "Hard": 88}]})
    # The Go runtime of some runc raises the soft limit to the hard one before the command has it.
    check(c.exec(i, "ulimit -n; ulimit -Hn")[1] in ("77\n88\n", "88\n88\n"), "ulimits")
    own = c.exec(i, "cat /proc/self/cgroup; echo --; cat /proc/1/cgroup")[1].split("--\n")
    equal(own[0], own[1], "control group of a command and of the container's first process")


@test
def no_way_out():
    """Neither the daemon's nor the shim's open files can be reached (CVE-2024-21626)."""
    c = client()
    i = box(c)
    for fd in range(3, 12):
        code, out, _ = c.exec(i, "pwd; ls", WorkingDir=f"/proc/self/fd/{fd}")
        check(code != 0, f"the working directory /proc/self/fd/{fd} is one: {out!r}")
    equal(c.exec(i, "ls /proc/self/fd")[1].split(), ["0", "1", "2", "3"], "open files of ls")
    equal(c.exec(i, ["readlink", "/proc/1/exe"])[0], 0, "exit code")


@test
def events():
    c = client()
    i = box(c)
    since = time.time()
    x = c.exec_create(i, ["sh", "-c", "exit 5"])
    c.exec_attach(x).read_all()
    eventually(lambda: c.exec_inspect(x)["ExitCode"] == 5, "exit code")
    rows = between(c, since, container=[i])
    equal([e["Action"] for e in rows], ["exec_create: sh -c exit 5", "exec_start: sh -c exit 5", "exec_die"], "events")
    equal([e["Actor"]["Attributes"]["execID"] for e in rows], [x] * 3, "execID")
    equal(rows[2]["Actor"]["Attributes"]["exitCode"], "5", "exitCode")
    check("exitCode" not in rows[1]["Actor"]["Attributes"], "no exit code at the start")
    equal([e["Action"] for e in between(c, since, event=["exec_start"])], ["exec_start: sh -c exit 5"], "events of the filter exec_start")
    equal(len(between(c, since, event=["exec_die", "exec_create"])), 2, "events of two filters")
    x = c.exec_create(i, ["echo", "x" * 100_000])
    row = between(c, since, event=["exec_create"])[-1]
    check(len(row["Action"]) < 5000, f"an event of {len(row['Action'])} bytes")


def between(c, since, **filters):
    r = c.get("/events", query={"since": f"{since:.9f}", "until": f"{time.time():.9f}", "filters": filters or None})
    return list(r.lines())


@test
def detach_keys():
    c = client()
    i = box(c)
    since = time.time()
    x = c.exec_create(i, "cat", Tty=True, AttachStdin=True, DetachKeys="ctrl-a,b")
    h = c.exec_attach(x, tty=True)
    eventually(lambda: c.exec_inspect(x)["Running"], "it runs")
    h.send(b"\x01b")
    h.read_all()
    check(c.exec_inspect(x)["Running"], "it runs on")
    equal([e["Action"] for e in between(c, since, event=["exec_detach"])], ["exec_detach"], "events")


@test
def client_that_goes_away():
    c = client()
    i = box(c)
    x = c.exec_create(i, "sleep 0.5; echo x >/done; echo out; exit 6")
    h = c.exec_attach(x)
    eventually(lambda: c.exec_inspect(x)["Running"], "it runs")
    h.close()
    eventually(lambda: c.exec_inspect(x)["ExitCode"] == 6, "it goes on to its end")
    equal(c.exec(i, "cat /done")[1], "x\n", "what it wrote")


@test
def child_that_keeps_the_output():
    """The command has ended, something it started has not: the session ends all the same, soon."""
    c = client()
    i = box(c)
    begin = time.monotonic()
    equal(c.exec(i, "sleep 100 & echo started")[:2], (0, "started\n"), "exit code and output")
    check(time.monotonic() - begin < 10, "the session ends")
    contains(str(c.ok("GET", f"/containers/{i}/top")["Processes"]), "sleep 100", "processes of the container")


@test
def container_ends():
    c = client()
    i = box(c)
    x = c.exec_create(i, "echo begun; sleep 1000")
    h = c.exec_attach(x)
    equal(h.frame(), (1, b"begun\n"), "output")
    c.ok("POST", f"/containers/{i}/kill")
    equal(h.output(), (b"", b""), "the rest")
    equal(c.exec_inspect(x)["ExitCode"], 137, "exit code")
    c.wait(i)
    c.start(i)
    equal(c.exec(i, "echo again")[1], "again\n", "a command in the next run")


@test
def container_is_removed():
    c = client()
    i = box(c)
    x = c.exec_create(i, "echo begun; sleep 1000")
    h = c.exec_attach(x)
    equal(h.frame(), (1, b"begun\n"), "output")
    c.remove(i)
    equal(h.output(), (b"", b""), "the rest")
    r = c.get(f"/exec/{x}/json")
    equal((r.status, r.message), (404, f"No such exec instance: {x}"), "what is known of it")


@test(timeout=180)
def too_many():
    only_ours()
    c = client()
    i = box(c)
    ids = [c.exec_create(i, "true") for _ in range(256)]
    r = c.post(f"/containers/{i}/exec", {"Cmd": ["true"]})
    equal(r.status, 503, "status of number 257")
    contains(r.message, "256 commands running or waiting to be started", "message (CONTAINER_EXECS_MAX)")
    for x in ids[:120]:
        c.ok("POST", f"/exec/{x}/start", {"Detach": True})
    eventually(lambda: not any(row["Running"] for row in (c.exec_inspect(x) for x in ids[:120])), "all have ended", 60)
    check(len(c.inspect(i)["ExecIDs"]) <= 136 + 64, "ended ones are kept for a while, but not all (CONTAINER_EXECS_ENDED_MAX)")
    directory = common_api.ENGINE.exec / "containers" / i / "exec"
    eventually(lambda: len(list(directory.iterdir())) <= 64, "their directories are removed")
    equal(c.exec(i, "echo more")[1], "more\n", "another one")


@test(timeout=180)
def many_at_once():
    c = client()
    i = box(c)
    broke = []

    def work(n):
        for k in range(5):
            got = c.exec(i, f"echo {n}.{k}; exit {n}")
            if got != (n, f"{n}.{k}\n", ""):
                broke.append(got)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(broke, [], "answers that are wrong")


@test(timeout=120)
def daemon_is_killed():
    """Attached, in the background, and ended meanwhile: nothing of it is lost."""
    d = own_daemon()
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    c = d.client()
    i = box(c)
    d.containers.add(i)
    attached = c.exec_create(i, "echo before; sleep 1; echo after; exit 21")
    h = c.exec_attach(attached)
    equal(h.frame(), (1, b"before\n"), "output before the end of the daemon")
    longer = c.exec_create(i, "sleep 1000")
    c.ok("POST", f"/exec/{longer}/start", {"Detach": True})
    ended = c.exec_create(i, "exit 22")
    c.exec_attach(ended).read_all()
    never = c.exec_create(i, "true")
    d.kill()
    equal(h.output(), (b"after\n", b""), "output while there is no daemon")
    d.start()
    equal(c.exec_inspect(attached)["ExitCode"], 21, "exit code of the one that ended meanwhile")
    equal(c.exec_inspect(ended)["ExitCode"], 22, "exit code of the one that had ended before")
    row = c.exec_inspect(longer)
    check(row["Running"] and row["Pid"] > 1 and row["ProcessConfig"]["arguments"] == ["-c", "sleep 1000"], f"the one that runs on: {row}")
    equal(c.get(f"/exec/{never}/json").status, 404, "status of the one that was never started")
    equal(c.exec(i, "echo new")[1], "new\n", "a new one")
    os.kill(row["Pid"], 15)
    eventually(lambda: c.exec_inspect(longer)["ExitCode"] == 143, "its exit code")
    c.remove(i)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


@test(timeout=120)
def shim_is_killed():
    """The shim of a command is killed: its session ends, the container does not."""
    only_ours()
    c = client()
    i = box(c)
    x = c.exec_create(i, "echo begun; sleep 1000")
    h = c.exec_attach(x)
    equal(h.frame(), (1, b"begun\n"), "output")
    directory = common_api.ENGINE.exec / "containers" / i / "exec" / x
    os.kill(int((directory / "shim.pid").read_text().split()[0]), 9)
    equal(h.output(), (b"", b""), "the rest")
    eventually(lambda: c.exec_inspect(x)["ExitCode"] == 137, "exit code")
    equal(c.exec(i, "echo on")[1], "on\n", "another command")
    check(c.inspect(i)["State"]["Running"], "the container runs")


@test
def damaged_record():
    """What cannot be read of an exec is set aside; the container is not touched."""
    d = own_daemon()
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    c = d.client()
    i = box(c)
    d.containers.add(i)
    x = c.exec_create(i, "sleep 1000")
    c.ok("POST", f"/exec/{x}/start", {"Detach": True})
    d.kill()
    (d.exec / "containers" / i / "exec" / x / "exec.json").write_text("{")
    d.start()
    equal(c.get(f"/exec/{x}/json").status, 404, "status")
    equal(c.exec(i, "echo on")[1], "on\n", "another command")
    c.remove(i)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()
