# SPDX-License-Identifier: Apache-2.0
"""Full disks, many containers, clients that stall: clear errors, nothing blocked, everything given back."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

import common_api
import images
from common_api import only_ours, own_daemon
from harness import Failed, Skip, cases, check, cleanup, contains, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}


def small_disk(d, megabytes):
    d.data.mkdir()
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "dt-small", str(d.data)], capture_output=True, text=True)
    if r.returncode != 0:
        raise Skip(f"no tmpfs mount: {r.stderr.strip()}")
    return d


def fill(d, size=65536):
    """Leaves no more than size bytes; the file that takes the space."""
    filler = d.data / "filler"
    with open(filler, "wb", buffering=0) as f, contextlib.suppress(OSError):
        while True:
            f.write(b"\0" * size)
    return filler


@test
def disk_full_while_loading():
    d = small_disk(own_daemon(), 12).start()
    d.load_busybox()
    c = d.client()
    big = images.TarWriter().add("big", os.urandom(20_000_000)).bytes()
    r = c.post("/images/load", images.docker_archive([big], ["big:1"]), headers={"Content-Type": "application/x-tar"})
    text = r.message if r.status != 200 else " ".join(line.get("error", "") for line in r.lines())
    matches(text, r"(?i)no space left on device", "error")
    equal(c.get("/images/big:1/json").status, 404, "status of the image")
    # What was half-loaded goes after the answer.
    eventually(lambda: not any((d.data / "trash").iterdir()), "the trash is empty")
    code, out, err = c.run("echo works")
    equal((code, out), (0, "works\n"), f"a container after the disk was full ({err!r})")


@test
def disk_full_in_a_container():
    d = small_disk(own_daemon(), 12).start()
    d.load_busybox()
    c = d.client()
    code, out, err = c.run("dd if=/dev/zero of=/big bs=64k count=480 2>/dev/shm/said; rm /big; cat /dev/shm/said >&2; echo freed")
    contains(out, "freed", "output")
    contains(err, "No space left on device", "what the container saw")


@test
def disk_full_under_the_log():
    """The container goes on; the daemon stays usable; the log works again when there is space."""
    d = small_disk(own_daemon(), 8).start()
    d.load_busybox()
    c = d.client()
    i = c.create(cmd="head -c 9000000 /dev/zero | tr '\\0' '\\n'; echo through >/dev/shm/done; exit 5", host=NONE)
    c.start(i)
    equal(c.wait(i, timeout=40), 5, "exit code of a container that fills the disk with its log")
    equal(c.get("/_ping").text, "OK", "/_ping")
    c.remove(i)
    code, out, err = c.run("echo again")
    equal((code, out), (0, "again\n"), f"a container afterwards ({err!r})")


@test
def disk_full_for_create():
    d = small_disk(own_daemon(), 8).start()
    d.load_busybox()
    c = d.client()
    filler = fill(d)
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["true"]}, query={"name": "full"})
    if r.status != 201:
        check(r.status == 500, f"status is {r.status}")
        matches(r.message, r"(?i)(no space left|disk (is )?full|full)", "message")
    filler.unlink()
    c.remove("full")
    code, out, err = c.run("echo again")
    equal((code, out), (0, "again\n"), f"a container when there is space again ({err!r})")


@test
def end_on_a_full_disk():
    """An end that cannot be recorded is known to the next daemon all the same, also where the shim was killed."""
    d = small_disk(own_daemon(), 8).start()
    d.load_busybox()
    c = d.client()
    killed, orphan = (c.create(cmd="sleep 1000", host=NONE) for _ in range(2))
    for i in (killed, orphan):
        c.start(i)
    shim = int((d.exec / "containers" / orphan / "shim.pid").read_text().split()[0])
    filler = fill(d, 1)
    c.post(f"/containers/{killed}/kill")
    os.kill(shim, signal.SIGKILL)
    for i in (killed, orphan):
        equal(c.wait(i, timeout=40), 137, "exit code while the disk is full")
    d.kill()
    filler.unlink()
    d.start()
    c = d.client()
    for i in (killed, orphan):
        state = c.inspect(i)["State"]
        equal((state["Status"], state["ExitCode"]), ("exited", 137), "state after the restart of the daemon")
        c.remove(i)


@test
def disk_full_at_the_start():
    """The daemon comes up, shows what there is, and what is in the way can be removed."""
    d = small_disk(own_daemon(), 8).start()
    d.load_busybox()
    i = d.client().create(cmd="true", host=NONE)
    d.stop()
    filler = fill(d, 1024)
    d.start()
    c = d.client()
    equal([row["Id"] for row in c.ok("GET", "/containers/json", query={"all": 1})], [i], "containers")
    c.remove(i)
    c.ok("DELETE", "/images/busybox")
    eventually(lambda: os.statvfs(d.data).f_bavail * os.statvfs(d.data).f_bsize > 2_000_000, "the space of the image is free")
    filler.unlink()
    d.load_busybox()
    equal(c.run("echo again")[:2], (0, "again\n"), "a container when there is space again")


@test(timeout=240)
def a_thousand_containers():
    d = own_daemon(kind="release").start()
    d.load_busybox()
    c = d.client()
    connection = c.connect()
    body = {"Image": "busybox", "Cmd": ["true"], "HostConfig": NONE}
    for n in range(1000):
        r = connection.request("POST", "/containers/create?name=c%d" % n, body)
        equal(r.status, 201, f"status of container {n} ({r.text[:100]!r})")
    connection.close()
    d.stop()
    d.start()
    check(d.started_in < 1.0, f"READY with 1000 containers took {d.started_in * 1000:.0f} ms")
    c = d.client()
    begin = time.monotonic()
    rows = c.ok("GET", "/containers/json", query={"all": 1})
    took = time.monotonic() - begin
    equal(len(rows), 1000, "rows")
    check(took < 1.0, f"listing 1000 containers took {took * 1000:.0f} ms")
    rss = int(matches(open(f"/proc/{d.process.pid}/status").read(), r"VmRSS:\s+(\d+)").group(1))
    print(f"     READY {d.started_in * 1000:.0f} ms, list {took * 1000:.0f} ms, resident {rss} kB with 1000 containers", flush=True)
    connection = c.connect()
    for n in range(1000):
        r = connection.request("DELETE", "/containers/c%d" % n)
        equal(r.status, 204, f"status of removing container {n} ({r.text[:100]!r})")
    connection.close()
    d.check_clean(timeout=10)


@cases([("logs", "logs"), ("attach", "attach")])
def stalled_client(kind):
    """A client that does not read: the daemon serves others, the container's log goes on, its end is seen."""
    c = common_api.client()
    i = c.create(cmd="head -c 3000000 /dev/zero | tr '\\0' x | fold -w 99; exit 4", host=NONE)
    if kind == "attach":
        h = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "stdout": 1})
        cleanup(h.close)
        c.start(i)
    else:
        c.start(i)
        r = c.get(f"/containers/{i}/logs", query={"stdout": 1, "follow": 1})
        cleanup(r.close)
    begin = time.monotonic()
    for _ in range(20):
        c.get("/_ping").body
    check(time.monotonic() - begin < 2, "/_ping is slow beside a client that does not read")
    if kind == "logs":
        equal(c.wait(i, timeout=20), 4, "exit code of the container behind a logs client that does not read")
        equal(len(c.logs(i)[0].replace(b"\n", b"")), 3000000, "bytes in the log")


@test
def clients_that_vanish():
    """Connections cut in the middle of everything leave nothing behind."""
    only_ours()
    c = common_api.client()
    pid = common_api.ENGINE.process.pid
    i = c.create(cmd="while :; do echo x; sleep 0.01; done", host=NONE)
    c.start(i)

    def count():
        return len(os.listdir(f"/proc/{pid}/fd"))
    c.get("/_ping").body
    before = count()
    for _ in range(15):
        c.get(f"/containers/{i}/logs", query={"stdout": 1, "follow": 1}).close()
        c.hijack(f"/containers/{i}/attach", query={"stream": 1, "stdout": 1, "stdin": 1}).close()
        c.post(f"/containers/{i}/wait").close()
        s = c.open_socket()
        s.sendall(b"POST /images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\nabc")
        s.close()
    eventually(lambda: count() <= before + 2, f"file descriptors of the daemon go back to {before}", 10)
    equal(c.inspect(i)["State"]["Running"], True, "the container still runs")


@test(timeout=120)
def memory_comes_back():
    only_ours()
    d = own_daemon(kind="release").start()
    d.load_busybox()
    c = d.client()

    def resident():
        return int(matches(open(f"/proc/{d.process.pid}/status").read(), r"VmRSS:\s+(\d+)").group(1))
    for _ in range(5):
        c.run("true")
    before = resident()
    for _ in range(40):
        c.run("true")
    # What the allocator holds back goes when the daemon has been idle for a while.
    eventually(lambda: resident() - before < 1500, f"no more than 1500 kB above {before} kB of resident memory after 40 containers", 15)
    check(resident() < 20000, f"resident memory is {resident()} kB")
