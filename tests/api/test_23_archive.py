# SPDX-License-Identifier: Apache-2.0
"""docker cp: a path in a container as an archive and back, running or not; hostile archives, and containers that change meanwhile."""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time

import images
from common_api import client, own_daemon
from harness import Failed, cases, check, cleanup, contains, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}
GO_DIR, GO_LINK, GO_DEVICE, GO_PIPE, GO_SUID, GO_SGID, GO_CHAR, GO_STICKY = (1 << n for n in (31, 27, 26, 25, 23, 22, 21, 20))
TAR = {"Content-Type": "application/x-tar"}


def created(c, cmd="sleep 1000", host=None, **config):
    return c.create(cmd=cmd, host={**NONE, **(host or {})}, StopTimeout=1, **config)


def running(c, cmd="sleep 1000", **config):
    i = created(c, cmd, **config)
    c.start(i)
    return i


def made(c, script, **config):
    """A container that has run the script, with success."""
    i = created(c, "set -e\n" + script, **config)
    c.start(i)
    code = c.wait(i)
    check(code == 0, f"the script ended with {code}: {c.logs(i)}")
    return i


def path_stat(response):
    return json.loads(base64.b64decode(response.headers["x-docker-container-path-stat"]))


def head(c, i, path):
    r = c.head(f"/containers/{i}/archive", query={"path": path})
    return path_stat(r) if r.status == 200 else r.status


def get(c, i, path):
    r = c.get(f"/containers/{i}/archive", query={"path": path})
    equal(r.status, 200, f"status of {path!r} ({r.message if r.status != 200 else ''})")
    equal(r.headers["content-type"], "application/x-tar", "content type")
    return r


def members(c, i, path):
    t = tarfile.open(fileobj=io.BytesIO(get(c, i, path).body))
    return {m.name: (m, t.extractfile(m).read() if m.isreg() else None) for m in t}


def names(c, i, path):
    return sorted(members(c, i, path))


def content(c, i, path):
    [(_, data)] = members(c, i, path).values()
    return data


def put(c, i, path, archive, wanted=200, **query):
    r = c.put(f"/containers/{i}/archive", archive, query={"path": path, **query}, headers=TAR)
    equal(r.status, wanted, f"status of a put in {path!r} ({r.message})")
    return r.message if wanted != 200 else r.text


def tar(*entries, **kw):
    t = images.TarWriter()
    for name, data in entries:
        t.add(name, data, **kw)
    return t.bytes()


def kinds():
    """The same container as it runs, as it was made and after its end."""
    return [("running", running), ("created", created), ("ended", lambda c, **kw: made(c, "true", **kw))]


def bait():
    """A file of the host that no container may read or change."""
    d = pathlib.Path(tempfile.mkdtemp(prefix="bait."))
    cleanup(shutil.rmtree, d, ignore_errors=True)
    (d / "secret").write_text("of the host")
    return d


# --- stat ---


@cases(kinds())
def stats(make):
    c = client()
    i = make(c)
    t = images.TarWriter()
    t.add("d", mode=0o1750).add("d/f", "hello", mode=0o6755).add("d/l", kind=tarfile.SYMTYPE, link="f").add("d/p", kind=tarfile.FIFOTYPE)
    t.add("up", kind=tarfile.SYMTYPE, link="../../../tmp/d").add("gone", kind=tarfile.SYMTYPE, link="/no/../such//file")
    t.add("loop", kind=tarfile.SYMTYPE, link="loop")
    put(c, i, "/tmp", t.bytes())
    s = head(c, i, "/tmp/d/f")
    equal({k: s[k] for k in ("name", "size", "mode", "linkTarget")},
          {"name": "f", "size": 5, "mode": 0o755 | GO_SUID | GO_SGID, "linkTarget": ""}, "stat of a file")
    equal(sorted(s), ["linkTarget", "mode", "mtime", "name", "size"], "members")
    equal(s["mtime"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(images.EPOCH)), "time")
    equal((head(c, i, "/tmp/d")["mode"], head(c, i, "tmp/d/")["name"]), (0o750 | GO_DIR | GO_STICKY, "d"), "a directory")
    equal((head(c, i, "/tmp/d/.")["name"], head(c, i, "/")["name"], head(c, i, "/.")["name"]), (".", "/", "."), "names")
    equal(head(c, i, "/tmp/d/p")["mode"], 0o755 | GO_PIPE, "a FIFO")
    link = head(c, i, "/tmp/d/l")
    equal((link["name"], link["linkTarget"], link["mode"] & GO_LINK), ("l", "/tmp/d/f", GO_LINK), "a link")
    equal(head(c, i, "/tmp/up")["linkTarget"], "/tmp/d", "a link with too many '..'")
    equal(head(c, i, "/tmp/gone")["linkTarget"], "/such/file", "a link to nothing")
    equal((head(c, i, "/tmp/up/")["name"], bool(head(c, i, "/tmp/up/")["mode"] & GO_DIR)), ("up", True), "a link that is followed")
    equal(head(c, i, "/tmp/up/f")["size"], 5, "through a link")
    equal(head(c, i, "/../../tmp/../tmp/d/f")["size"], 5, "with '..'")
    equal((head(c, i, "/tmp/loop"), head(c, i, "/tmp/d/f/"), head(c, i, "/nosuch"), head(c, i, "")), (500, 500, 404, 400), "errors")


@test
def missing():
    c = client()
    for i in (running(c, name="box"), created(c, name="box2")):
        name = c.inspect(i)["Name"][1:]
        for call, path in ((c.get, "/no/such"), (c.put, "/no/such"), (c.get, "/etc/nosuch/."), (c.get, "nosuch")):
            r = call(f"/containers/{name}/archive", query={"path": path})
            equal((r.status, r.message), (404, f"Could not find the file {path} in container {name}"), "answer")
        r = c.get(f"/containers/{name}/archive")
        equal((r.status, r.message), (400, "bad parameter: pathcannot be empty"), "without a path")
    for call in (c.get, c.put):
        r = call("/containers/nosuch/archive", query={"path": "/"})
        equal((r.status, r.message), (404, "No such container: nosuch"), "without a container")
    equal(c.head("/containers/nosuch/archive", query={"path": "/"}).status, 404, "status of HEAD")


@test
def odd_times():
    c = client()
    i = running(c)
    for seconds, text in ((0, "1970-01-01T00:00:00Z"), (-86400, "1969-12-31T00:00:00Z"), (4102444800, "2100-01-01T00:00:00Z")):
        t = tarfile.TarInfo("f")
        t.mtime = seconds
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as f:
            f.addfile(t)
        put(c, i, "/tmp", data.getvalue())
        equal(head(c, i, "/tmp/f")["mtime"], text, "time")


# --- read ---


@cases(kinds())
def archives(make):
    c = client()
    i = make(c)
    put(c, i, "/tmp", tar(("a", None), ("a/b", None), ("a/b/f", "1"), ("a/g", "22")))
    equal(names(c, i, "/tmp/a"), ["a", "a/b", "a/b/f", "a/g"], "of a directory")
    equal(names(c, i, "/tmp/a/"), ["a", "a/b", "a/b/f", "a/g"], "with a slash")
    equal(names(c, i, "/tmp/a/."), [".", "./b", "./b/f", "./g"], "with a dot")
    equal(names(c, i, "/tmp/a/b/f"), ["f"], "of a file")
    equal(content(c, i, "/tmp/a/g"), b"22", "content")
    equal(path_stat(get(c, i, "/tmp/a/g"))["size"], 2, "size in the header")
    root = {n.strip("/") for n in names(c, i, "/")}
    check({"bin/busybox", "etc/passwd", "tmp/a/g", "proc", "sys"} <= root, f"the root has {sorted(root)[:20]}")
    check(not any(n.startswith(("proc/", "sys/")) for n in root), "what is the kernel's is in the archive")


@test
def symlinks():
    c = client()
    i = running(c)
    t = images.TarWriter().add("d").add("d/f", "in d").add("l", kind=tarfile.SYMTYPE, link="d").add("abs", kind=tarfile.SYMTYPE, link="/etc")
    put(c, i, "/tmp", t.bytes())
    m = members(c, i, "/tmp/l")
    equal([(n, x.linkname) for n, (x, _) in m.items()], [("l", "d")], "of a link")
    equal(names(c, i, "/tmp/l/"), ["l", "l/f"], "of what it leads to")
    equal(content(c, i, "/tmp/l/f"), b"in d", "through it")
    contains(content(c, i, "/tmp/abs/passwd").decode(), "root:x:0:0", "through an absolute one")


@test
def what_the_container_sees():
    """Its mounts and tmpfs, while it runs; without what is the kernel's."""
    c = client()
    d = bait()
    i = running(c, "echo in tmpfs >/run/f; sleep 1000", host={"Tmpfs": {"/run": ""}, "Binds": [f"{d}:/mnt/b"]})
    eventually(lambda: head(c, i, "/run/f") != 404, "the file is there")
    equal(content(c, i, "/run/f"), b"in tmpfs\n", "of a tmpfs")
    put(c, i, "/run", tar(("g", "new")))
    equal(c.exec(i, "cat /run/g")[1], "new", "in a tmpfs")
    equal(content(c, i, "/mnt/b/secret"), b"of the host", "of a bind mount")
    put(c, i, "/mnt/b", tar(("n", "written")))
    equal((d / "n").read_text(), "written", "in the bind mount")
    equal(head(c, i, "/dev/null")["mode"], 0o666 | GO_DEVICE | GO_CHAR, "a device")
    m, _ = members(c, i, "/dev/null")["null"]
    equal((m.type, m.devmajor, m.devminor), (tarfile.CHRTYPE, 1, 3), "its entry")
    contains(content(c, i, "/etc/hosts").decode(), "localhost", "/etc/hosts")
    for path in ("/proc/self/status", "/proc/1/status", "/proc/cpuinfo", "/sys/kernel/mm", "/proc/self/fd/0"):
        equal(head(c, i, path), 404, f"status of {path}")
    for path in ("/proc/1/root/etc/passwd", "/proc/1/cwd/etc", "/proc/1/root/"):
        equal(head(c, i, path), 500, f"status of {path}, which leads through a magic link")
    equal(names(c, i, "/proc"), ["proc"], "of /proc")
    contains(put(c, i, "/proc", tar(("f", "x")), wanted=403), "belongs to the kernel", "a put there")
    contains(put(c, i, "/proc/sys/kernel", tar(("core_pattern", "x")), wanted=403), "belongs to the kernel", "a put there")


@test
def binds_of_stopped():
    """As Docker: what is bound is there before it runs and afterwards, what a tmpfs had is not."""
    c = client()
    d = bait()
    (d / "sub").mkdir()
    (d / "sub/s").write_text("below")
    (d / "one").write_text("a file")
    binds = [f"{d}:/new/place", f"{d}/sub:/new/place/sub/again", f"{d}/one:/etc/one:ro", f"{d}/sub:/ro:ro"]
    i = created(c, "true", host={"Binds": binds, "Tmpfs": {"/run": ""}})
    for state in ("created", "ended"):
        equal(content(c, i, "/new/place/secret"), b"of the host", f"of a {state} one")
        equal(content(c, i, "/new/place/sub/again/s"), b"below", f"of a bind in a bind, {state}")
        equal(content(c, i, "/etc/one"), b"a file", f"of a file, {state}")
        check({"place/secret", "place/sub/again/s"} <= set(names(c, i, "/new/place")), "a directory above")
        put(c, i, "/new/place", tar((f"{state}", state)))
        equal((d / state).read_text(), state, "what was written")
        equal(put(c, i, "/ro", tar(("f", "")), wanted=403), "mounted volume is marked read-only", "a read-only one")
        put(c, i, "/", tar(("ro/f", "")), wanted=403)
        check(not (d / "sub/f").exists(), "a read-only mount was written to")
        c.start(i)
        equal(c.wait(i), 0, "exit code")
    check(not any(l.split()[4].startswith(str(d)) for l in open("/proc/self/mountinfo")), "a mount is left")


@test
def what_a_stopped_one_keeps():
    c = client()
    i = created(c, "cat /a/f /etc/new && echo more >>/a/f")
    put(c, i, "/", tar(("a", None), ("a/f", "put before\n"), ("etc/new", "too\n")))
    equal(content(c, i, "/a/f"), b"put before\n", "before the start")
    c.start(i)
    equal(c.wait(i), 0, "exit code")
    equal(content(c, i, "/a/f"), b"put before\nmore\n", "after the run")
    put(c, i, "/a", tar(("f", "and changed\n")))
    equal(content(c, i, "/a/f"), b"and changed\n", "after its end")
    rows = {r["Path"]: r["Kind"] for r in c.ok("GET", f"/containers/{i}/changes")}
    equal((rows["/a"], rows["/a/f"], rows["/etc/new"]), (1, 1, 1), "docker diff")


@test(timeout=120)
def large_and_odd_files():
    c = client()
    i = running(c)
    big = os.urandom(1 << 20) * 100
    with tempfile.TemporaryDirectory() as d:
        with open(f"{d}/big", "wb") as f:
            f.write(big)
        with open(f"{d}/sparse", "wb") as f:
            f.write(b"begin")
            f.seek(300 << 20)
            f.write(b"end")
        open(f"{d}/empty", "w").close()
        open(f"{d}/with space\nand newline", "w").close()
        open(os.fsencode(f"{d}/") + b"bytes\xff\xfe", "w").close()
        os.mkdir(f"{d}/" + "l" * 250)
        open(f"{d}/" + "l" * 250 + "/" + "n" * 250, "w").close()
        archive = subprocess.run(["tar", "-C", d, "--format=pax", "-S", "-c", "."], check=True, stdout=subprocess.PIPE).stdout
    put(c, i, "/tmp", archive)
    equal(c.exec(i, "stat -c %s /tmp/big /tmp/sparse /tmp/empty")[1].split(), [str(100 << 20), str((300 << 20) + 3), "0"], "sizes")
    check(int(c.exec(i, "stat -c %b /tmp/sparse")[1]) < 2048, "the hole is filled")
    check(content(c, i, "/tmp/big") == big, "100 MB are other than they were")
    r = get(c, i, "/tmp/sparse")
    check(len(r.body) < 10 << 20, f"the archive of a sparse file has {len(r.body)} bytes")
    data = tarfile.open(fileobj=io.BytesIO(r.body)).extractfile("sparse").read()
    check(data[:5] == b"begin" and data[-3:] == b"end" and len(data) == (300 << 20) + 3 and not data[5:-3].strip(b"\0"), "what is in it")
    t = tarfile.open(fileobj=io.BytesIO(get(c, i, "/tmp/.").body), errors="surrogateescape")
    found = {m.name for m in t}
    check({"./with space\nand newline", "./" + "l" * 250 + "/" + "n" * 250} <= found, f"names: {found}")
    check(b"bytes\xff\xfe" in b"\n".join(os.fsencode(n) for n in found), "a name that is no UTF-8")
    equal(names(c, i, "/tmp/with space\nand newline"), ["with space\nand newline"], "by its name")


@test
def what_is_kept():
    """Owners, modes, times, attributes, hard links, devices: there and back."""
    c = client()
    i = running(c)
    t = images.TarWriter()
    t.add("k", mode=0o2711, uid=7, gid=8).add("k/f", "x", mode=0o4750, uid=1000, gid=1001, pax={"SCHILY.xattr.user.note": "kept"})
    t.add("k/h", kind=tarfile.LNKTYPE, link="k/f").add("k/c", kind=tarfile.CHRTYPE, major=1, minor=5, mode=0o640)
    t.add("k/p", kind=tarfile.FIFOTYPE, mode=0o622).add("k/s", kind=tarfile.SYMTYPE, link="f", uid=5, gid=6)
    t.add("k/d", mode=0o000).add("k/d/in", "deep")
    put(c, i, "/tmp", t.bytes())
    equal(c.exec(i, "cd /tmp/k; stat -c '%n %a %u:%g %Y %h' . f h c p s d")[1].split("\n")[:7],
          [f". 2711 7:8 {images.EPOCH} 3", f"f 4750 1000:1001 {images.EPOCH} 2", f"h 4750 1000:1001 {images.EPOCH} 2",
           f"c 640 0:0 {images.EPOCH} 1", f"p 622 0:0 {images.EPOCH} 1", f"s 777 5:6 {images.EPOCH} 1", f"d 0 0:0 {images.EPOCH} 2"], "in the container")
    m = members(c, i, "/tmp/k")
    f, h = m["k/f"][0], m["k/h"][0]
    first, second = (f, h) if f.isreg() else (h, f)
    equal((first.mode, first.uid, first.gid, first.mtime), (0o4750, 1000, 1001, images.EPOCH), "the file")
    equal((second.type, second.linkname), (tarfile.LNKTYPE, first.name), "its second name")
    equal(first.pax_headers.get("SCHILY.xattr.user.note"), "kept", "its attribute")
    equal((m["k/c"][0].type, m["k/c"][0].devmajor, m["k/c"][0].devminor, m["k/c"][0].mode), (tarfile.CHRTYPE, 1, 5, 0o640), "the device")
    equal((m["k"][0].mode, m["k"][0].uid, m["k"][0].mtime), (0o2711, 7, images.EPOCH), "the directory")
    equal((m["k/d"][0].mode, m["k/d/in"][1]), (0, b"deep"), "a closed directory")
    equal((m["k/s"][0].linkname, m["k/s"][0].uid), ("f", 5), "the link")
    put(c, i, "/home", get(c, i, "/tmp/k").body)
    equal(c.exec(i, "stat -c '%a %u:%g %Y' /home/k/f")[1].strip(), f"4750 1000:1001 {images.EPOCH}", "after the way back")


# --- write ---


@cases([("plain", lambda b: b), ("gzip", gzip.compress), ("bzip2", bz2.compress), ("xz", lzma.compress),
        ("zstd", lambda b: subprocess.run(["zstd", "-q"], input=b, stdout=subprocess.PIPE, check=True).stdout)])
def compressed(pack):
    c = client()
    i = running(c)
    put(c, i, "/tmp", pack(tar(("f", "content" * 1000))))
    equal(content(c, i, "/tmp/f"), b"content" * 1000, "content")


@test
def no_directory():
    c = client()
    for i in (running(c), created(c)):
        for path in ("/etc/passwd", "/etc/passwd/."):
            equal(put(c, i, path, tar(("f", "x")), wanted=400), "extraction point is not a directory", f"answer for {path}")
        put(c, i, "/etc/passwd/x", tar(("f", "x")), wanted=500)


@test
def through_links():
    c = client()
    i = running(c)
    put(c, i, "/", images.TarWriter().add("real").add("via", kind=tarfile.SYMTYPE, link="/real").add("rel", kind=tarfile.SYMTYPE, link="../../real").bytes())
    put(c, i, "/via", tar(("a", "1")))
    put(c, i, "/rel/", tar(("b", "2")))
    put(c, i, "/", tar(("via/c", "3"), ("rel/sub/d", "4")))
    equal(c.exec(i, "cat /real/a /real/b /real/c /real/sub/d")[1], "1234", "content")
    equal(c.exec(i, "stat -c %a /real/sub")[1].strip(), "755", "mode of a directory that the archive left out")


@test
def replacing():
    c = client()
    i = running(c)
    put(c, i, "/tmp", tar(("d", None), ("d/x", "x"), ("f", "f")))
    equal(put(c, i, "/tmp", tar(("d", "now a file")), wanted=500, noOverwriteDirNonDir="true"),
          'cannot overwrite directory "/tmp/d" with non-directory "/tmp"', "directory by file")
    equal(put(c, i, "/tmp", tar(("f", None)), wanted=500, noOverwriteDirNonDir="1"),
          'cannot overwrite non-directory "/tmp/f" with directory "/tmp"', "file by directory")
    put(c, i, "/tmp", tar(("f", "g"), ("d", None), ("d/y", "y")), noOverwriteDirNonDir="true")
    equal(sorted(names(c, i, "/tmp/d")), ["d", "d/x", "d/y"], "a directory is merged")
    put(c, i, "/tmp", tar(("d", "now a file"), ("f", None)))
    equal((content(c, i, "/tmp/d"), names(c, i, "/tmp/f")), (b"now a file", ["f"]), "replaced")
    put(c, i, "/tmp", images.TarWriter().add("l", kind=tarfile.SYMTYPE, link="/etc/passwd").bytes())
    put(c, i, "/tmp", tar(("l", "no link")))
    contains(content(c, i, "/etc/passwd").decode(), "root:", "what the link led to")


@test
def owner():
    c = client()
    t = images.TarWriter().add("f", "x", uid=7, gid=8).add("l", kind=tarfile.SYMTYPE, link="f", uid=7, gid=8).bytes()
    for user, wanted in (("", "7:8"), ("user", "1000:1000"), ("12:34", "12:34")):
        for i in (running(c, User=user), created(c, User=user)):
            put(c, i, "/tmp", t)
            m = members(c, i, "/tmp/f")["f"][0]
            equal(f"{m.uid}:{m.gid}", "7:8", "owner without copyUIDGID")
            put(c, i, "/tmp", t, copyUIDGID="true")
            for name in ("f", "l"):
                m = members(c, i, f"/tmp/{name}")[name][0]
                equal(f"{m.uid}:{m.gid}", wanted, f"owner of {name} with copyUIDGID for user {user!r}")
    contains(put(c, created(c, User="nosuch"), "/tmp", t, copyUIDGID="true", wanted=400), "unable to find user nosuch", "no such user")


@test
def read_only():
    c = client()
    d = bait()
    host = {"ReadonlyRootfs": True, "Tmpfs": {"/run": ""}, "Binds": [f"{d}:/rw", f"{d}:/ro:ro"]}
    for i in (running(c, host=host), created(c, host=host)):
        equal(put(c, i, "/tmp", tar(("f", "x")), wanted=403), "container rootfs is marked read-only", "in the root")
        equal(put(c, i, "/ro", tar(("f", "x")), wanted=403), "mounted volume is marked read-only", "in a read-only mount")
        put(c, i, "/rw", tar(("f", "x")))
        (d / "f").unlink()
        contains(content(c, i, "/etc/passwd").decode(), "root", "reading goes on")


@test
def broken():
    c = client()
    i = running(c)
    whole = tar(("f", "x" * 100000), ("g", "y"))
    for data in (b"no archive at all" * 100, whole[:5000], gzip.compress(whole)[:50]):
        put(c, i, "/tmp", data, wanted=400)
    put(c, i, "/tmp", b"")
    put(c, i, "/tmp", iter([whole[:1000], whole[1000:]]))
    equal(content(c, i, "/tmp/g"), b"y", "a chunked one")


HOSTILE = [
    ("dot dot", images.TarWriter().add("../../../../evil", "x").bytes(), 400),
    ("dot dot inside", images.TarWriter().add("a/../../evil", "x").bytes(), 400),
    ("absolute", images.TarWriter().add("/evil", "x").bytes(), 200),
    ("hard link out", images.TarWriter().add("evil", kind=tarfile.LNKTYPE, link="../../../BAIT/secret").bytes(), 400),
    ("absolute hard link", images.TarWriter().add("evil", kind=tarfile.LNKTYPE, link="BAIT/secret").bytes(), 500),
    ("link, write", images.TarWriter().add("l", kind=tarfile.SYMTYPE, link="BAIT").add("l/secret", "evil").bytes(), 500),
    ("link up, write", images.TarWriter().add("l", kind=tarfile.SYMTYPE, link="../../../../../..BAIT").add("l/secret", "evil").bytes(), 500),
    ("link to the file", images.TarWriter().add("l", kind=tarfile.SYMTYPE, link="BAIT/secret").add("l", "evil").bytes(), 200),
    ("link, link", images.TarWriter().add("l", kind=tarfile.SYMTYPE, link="BAIT").add("h", kind=tarfile.LNKTYPE, link="l/secret").bytes(), 500),
    ("link, mode", images.TarWriter().add("l", kind=tarfile.SYMTYPE, link="BAIT").add("l", mode=0o777, uid=7).bytes(), 200),
    ("proc", images.TarWriter().add("l", kind=tarfile.SYMTYPE, link="/proc/self/root").add("l/tmp/evil", "x").bytes(), 500),
    ("device", images.TarWriter().add("sda", kind=tarfile.BLKTYPE, major=8).add("sda", "evil").bytes(), 200),
    ("root entry", images.TarWriter().add(".", "x").bytes(), 400),
    ("root mode", images.TarWriter().add(".", mode=0o7777, uid=7).add("f", "x").bytes(), 200),
    ("long name", images.TarWriter().add("n" * 300, "x").bytes(), 500),
    ("long path", images.TarWriter().add("d/" * 2100 + "x", "x").bytes(), 400),
    ("attributes", images.TarWriter().add("f", "x", pax={"SCHILY.xattr.trusted.overlay.opaque": "y"}).bytes(), 200),
]


@cases([(f"{name}, {state}", state, archive, wanted) for name, archive, wanted in HOSTILE for state in ("running", "created")])
def hostile(state, archive, wanted):
    c = client()
    d = bait()
    archive = rewrite(archive, str(d))
    i = running(c) if state == "running" else created(c)
    before = os.stat(d)
    r = c.put(f"/containers/{i}/archive", archive, query={"path": "/tmp"}, headers=TAR)
    equal(r.status, wanted, f"status ({r.message})")
    equal((d / "secret").read_text(), "of the host", "the file of the host")
    equal(((d / "secret").stat().st_nlink, sorted(os.listdir(d))), (1, ["secret"]), "what is beside it")
    equal((os.stat(d).st_mode, os.stat(d).st_uid), (before.st_mode, before.st_uid), "its directory")
    check(not os.path.exists("/evil") and not os.path.exists("/tmp/evil"), "a file of the host was made")
    get(c, i, "/tmp")


def rewrite(archive, d):
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as t, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as w:
        for m in t:
            m.linkname = m.linkname.replace("BAIT", d)
            m.pax_headers.pop("linkpath", None)
            w.addfile(m, t.extractfile(m) if m.isreg() else None)
    return out.getvalue()


SWAP = """
mkdir -p /w/d; echo inside >/w/d/secret; ln -s BAIT /w/l
while :; do mv /w/d /w/x; mv /w/l /w/d; mv /w/d /w/l; mv /w/x /w/d; done"""


@test(timeout=180)
def swapped_meanwhile():
    """A directory that becomes a link to the host's and back, all the time."""
    c = client()
    d = bait()
    i = running(c, SWAP.replace("BAIT", str(d)))
    eventually(lambda: head(c, i, "/w/l") != 404, "the container swaps")
    evil = tar(("secret", "evil"), ("sub/evil", "evil"))
    deep = images.TarWriter().add("d", mode=0o777, uid=7).add("d/secret", "evil").add("d/h", kind=tarfile.LNKTYPE, link="d/secret").bytes()
    seen, end = set(), time.monotonic() + 25
    while time.monotonic() < end:
        for path in ("/w/d/secret", "/w/d", "/w/d/.", "/w"):
            r = c.get(f"/containers/{i}/archive", query={"path": path})
            seen.add(r.status)
            check(b"of the host" not in r.body, f"the host's file was read as {path}")
        for path, archive in (("/w/d", evil), ("/w", deep), ("/w/d/.", evil)):
            r = c.put(f"/containers/{i}/archive", archive, query={"path": path}, headers=TAR)
            seen.add(r.status)
        check((d / "secret").read_text() == "of the host" and os.listdir(d) == ["secret"], f"the host's directory has {os.listdir(d)}")
        check((d / "secret").stat().st_nlink == 1 and d.stat().st_uid == 0, "the host's file was changed")
    check(200 in seen, f"nothing was copied: {seen}")


@test(timeout=60)
def devices_are_not_opened():
    """A file that becomes a FIFO or a device and back: the copy neither hangs nor reads of it."""
    c = client()
    i = running(c, "mkdir /w; cd /w; echo x >f; mkfifo p; mknod m c 1 5; while :; do mv f a; mv p f; mv f p; mv m f; mv f m; mv a f; done")
    eventually(lambda: head(c, i, "/w") != 404, "the container swaps")
    end = time.monotonic() + 8
    while time.monotonic() < end:
        r = c.get(f"/containers/{i}/archive", query={"path": "/w"}, timeout=10)
        equal(r.status, 200, "status")
        check(len(r.body) < 100000, "a device was read")


# --- beside each other ---


@test
def events():
    c = client()
    i = running(c, name="box")
    since = time.time()
    head(c, i, "/etc")
    get(c, i, "/etc/passwd").body
    put(c, i, "/tmp", tar(("f", "x")))
    put(c, i, "/etc/passwd", tar(("f", "x")), wanted=400)
    until = time.time() + 0.1
    rows = list(c.get("/events", query={"since": f"{since:.9f}", "until": f"{until:.9f}", "filters": json.dumps({"container": [i]})}).lines())
    equal([r["Action"] for r in rows], ["archive-path", "extract-to-dir"], "events")
    equal(rows[0]["Actor"]["Attributes"]["name"], "box", "name in the event")


def stalled_put(c, i, archive):
    s = c.connect()
    s.send_head("PUT", f"/v1.51/containers/{i}/archive?path=/tmp", {"Host": "docker", "Content-Length": str(len(archive))})
    s.sock.sendall(archive[:len(archive) // 2])
    return s


@test
def pipe_within_a_stopped_one():
    """docker cp box:/a - | docker cp - box:/b: the writer waits for what the reader reads."""
    c = client()
    i = created(c)
    put(c, i, "/tmp", tar(("a", None), ("a/f", "x" * 100000)))
    archive = tar(("b", "y" * 100000))
    s = stalled_put(c, i, archive)
    time.sleep(0.3)
    equal(len(content(c, i, "/tmp/a/f")), 100000, "read while another writes")
    started = threading.Thread(target=c.start, args=(i,))
    started.start()
    time.sleep(0.3)
    equal(c.inspect(i)["State"]["Status"], "created", "the start waits for the writer")
    s.sock.sendall(archive[len(archive) // 2:])
    equal(s.read_response().status, 200, "status of the put")
    started.join(20)
    equal(c.exec(i, "wc -c </tmp/b")[1].strip(), "100000", "what was written is there at the start")


@test
def client_that_goes():
    c = client()
    i = created(c)
    s = stalled_put(c, i, tar(("b", "y" * 100000)))
    time.sleep(0.3)
    s.close()
    c.start(i)
    equal(c.inspect(i)["State"]["Status"], "running", "the start, after the writer has gone")
    s = stalled_put(c, i, tar(("b", "y" * 100000)))
    time.sleep(0.3)
    c.remove(i)
    s.close()


@test
def removed_while_it_is_written_to():
    """A client that sends no more does not keep a container from being removed."""
    c = client()
    i = created(c)
    held = [stalled_put(c, i, tar(("b", "y" * 100000))) for _ in range(3)]
    time.sleep(0.5)
    equal(c.delete(f"/containers/{i}", query={"force": 1}, timeout=10).status, 204, "status of the removal")
    for s in held:
        s.sock.sendall(b"\0" * 60000)
        r = s.read_response()
        check(r.status in (404, 409), f"status of the put is {r.status} ({r.message})")
        s.close()


@test
def limits():
    c = client()
    i = running(c)
    equal((head(c, i, "/" + "d/" * 2100), head(c, i, "/" + "n" * 300)), (400, 500), "too long paths")
    t = images.TarWriter()
    for n in range(300):
        t.add(f"chain/l{n}", kind=tarfile.SYMTYPE, link=f"l{n + 1}")
    put(c, i, "/tmp", t.add("chain/l300", "the end").bytes())
    equal((head(c, i, "/tmp/chain/l0"), head(c, i, "/tmp/chain/l100")["linkTarget"]), (500, "/tmp/chain/l300"), "a chain of 300 links, and of 200")


@test(timeout=120)
def deep_tree():
    """Deeper than a path can be: what no archive can name is left out, the rest is there."""
    c = client()
    d = pathlib.Path(tempfile.mkdtemp(prefix="deep."))
    cleanup(subprocess.run, ["rm", "-rf", d], check=False)
    fds = [os.open(d, os.O_RDONLY)]
    for _ in range(2500):
        os.mkdir("d", dir_fd=fds[-1])
        fds.append(os.open("d", os.O_RDONLY, dir_fd=fds[-1]))
        os.close(fds.pop(0))
    os.close(fds[0])
    (d / "last").write_text("x")
    i = running(c, host={"Binds": [f"{d}:/deep"]})
    found = names(c, i, "/deep")
    check("deep/last" in found and 2000 < len(found) < 2400, f"{len(found)} entries")


@test
def ends_while_it_is_read():
    c = client()
    i = running(c, "dd if=/dev/zero of=/big bs=1M count=30 2>/dev/null; sleep 1000")
    eventually(lambda: c.exec(i, "stat -c %s /big")[1].strip() == str(30 << 20), "the file is there")
    s = c.connect()
    s.send_head("GET", f"/v1.51/containers/{i}/archive?path=/big", {"Host": "docker"})
    r = s.read_response()
    c.post(f"/containers/{i}/kill")
    c.wait(i)
    equal(len(tarfile.open(fileobj=io.BytesIO(r.body)).extractfile("big").read()), 30 << 20, "size of what was read")


@test(timeout=120)
def daemon_restarts():
    d = own_daemon()
    d.start()
    d.load_busybox()
    c = d.client()
    i, j = running(c), created(c)
    for k in (i, j):
        put(c, k, "/tmp", tar(("f", "x")))
        stalled_put(c, k, tar(("b", "y" * 100000)))
    d.kill()
    d.start()
    c = d.client()
    for k in (i, j):
        equal(content(c, k, "/tmp/f"), b"x", "after a kill -9 of the daemon")
        put(c, k, "/tmp", tar(("g", "z")))
    c.start(j)
    equal(c.exec(j, "cat /tmp/g")[1], "z", "in the one that was started")
    for k in (i, j):
        c.remove(k)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


@test(timeout=120)
def daemon_stops():
    """With copies in the middle, of every kind."""
    d = own_daemon().start()
    d.load_busybox()
    c = d.client()
    i, j = running(c, "dd if=/dev/zero of=/big bs=1M count=30 2>/dev/null; sleep 1000"), created(c)
    eventually(lambda: c.exec(i, "stat -c %s /big")[1].strip() == str(30 << 20), "the file is there")
    held = [stalled_put(c, k, tar(("b", "y" * 100000))) for k in (i, j, j)]
    s = c.connect()
    s.send_head("GET", f"/v1.51/containers/{i}/archive?path=/big", {"Host": "docker"})
    held.append(s)
    time.sleep(0.5)
    d.stop()
    for s in held:
        s.close()
    d.start()
    c = d.client()
    c.start(j)
    for k in (i, j):
        c.remove(k)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


@test
def between_two_restarts():
    """What is put into a container that waits for its restart does not keep it from that."""
    c = client()
    i = c.create(cmd="sleep 0.3; exit 1", host={**NONE, "RestartPolicy": {"Name": "always"}}, StopTimeout=1)
    c.start(i)
    archive = tar(("b", "y" * 100000))
    eventually(lambda: c.inspect(i)["RestartCount"] >= 2, "it restarts")
    eventually(lambda: c.inspect(i)["State"]["Status"] == "restarting", "it waits")
    s = stalled_put(c, i, archive)
    time.sleep(1.5)
    before = c.inspect(i)["RestartCount"]
    s.sock.sendall(archive[len(archive) // 2:])
    equal(s.read_response().status, 200, "status")
    eventually(lambda: c.inspect(i)["RestartCount"] > before, "it goes on to restart")
    equal(len(content(c, i, "/tmp/b")), 100000, "what was put there")


@test(timeout=120)
def vfs():
    d = own_daemon("--storage-driver", "vfs").start()
    d.load_busybox()
    c = d.client()
    i = created(c, "cat /tmp/f")
    contains(content(c, i, "/etc/passwd").decode(), "root", "before there is a copy of the image")
    put(c, i, "/tmp", tar(("f", "x")))
    c.start(i)
    equal(c.wait(i), 0, "exit code")
    equal(content(c, i, "/tmp/f"), b"x", "after its end")
    c.remove(i)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


@test(timeout=120)
def many_at_once():
    c = client()
    i, j = running(c), created(c)
    bad = []

    def work(n):
        mine = client()
        k = (i, j)[n % 2]
        try:
            for m in range(5):
                put(mine, k, "/tmp", tar((f"f{n}", f"{n}.{m}")))
                equal(content(mine, k, f"/tmp/f{n}"), f"{n}.{m}".encode(), "content")
        except Failed as e:
            bad.append(str(e))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(bad, [], "failures")


# --- names that are not UTF-8 ---


@test
def names_of_any_bytes():
    """JSON has a replacement for each byte that is not UTF-8; a copy has the name as it is."""
    c = client()
    i = made(c, "printf hello > \"/tmp/$(printf 'a\\377b')\"")
    changes = c.get(f"/containers/{i}/changes").body.decode()       # strictly
    contains(changes, "/tmp/a\N{REPLACEMENT CHARACTER}b", "changes")
    equal(head(c, i, b"/tmp/a\xffb")["name"], "a\N{REPLACEMENT CHARACTER}b", "name of the path's status")
    equal(content(c, i, b"/tmp/a\xffb"), b"hello", "content")
    equal(names(c, i, b"/tmp/a\xffb"), ["a\udcffb"], "name in the archive")
    equal(head(c, i, b"/tmp/nosuch\xff"), 404, "a missing one")
    contains(c.get(f"/containers/{i}/archive", query={"path": b"/tmp/nosuch\xff"}).message, "nosuch\N{REPLACEMENT CHARACTER}", "its error")
