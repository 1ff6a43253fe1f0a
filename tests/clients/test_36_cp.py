# SPDX-License-Identifier: Apache-2.0
"""docker cp: files and directories out of and into containers, their names, modes and owners, streams, and errors."""

import io
import os
import shutil
import stat
import subprocess
import tarfile

from common_clients import directory, docker, on_our_machine
from harness import cases, check, contains, equal, matches, test


def running(d, *options, name="box"):
    d("run", "-d", "--name", name, *options, "busybox", "sleep", "1000")
    return name


def created(d, *options, name="box"):
    d("create", "--name", name, *options, "busybox", "sleep", "1000")
    return name


BOTH = [("running", running), ("created", created)]


def sh(d, command):
    return d("exec", "box", "sh", "-c", command)


def tree(top):
    """Name -> what is there, of a directory."""
    rows = {}
    for where, dirs, files in os.walk(top):
        for name in dirs + files:
            path = os.path.join(where, name)
            s = os.lstat(path)
            data = os.readlink(path) if stat.S_ISLNK(s.st_mode) else open(path, "rb").read() if stat.S_ISREG(s.st_mode) else None
            rows[os.path.relpath(path, top)] = (stat.S_IFMT(s.st_mode), data)
    return rows


@cases(BOTH)
def a_file(make):
    d, w = docker(), directory()
    make(d)
    (w / "f").write_text("content")
    os.chmod(w / "f", 0o640)
    d("cp", w / "f", "box:/tmp")
    d("cp", w / "f", "box:/tmp/renamed")
    d("cp", w / "f", "box:tmp/../etc/f")
    for path, name in (("/tmp/f", "f"), ("/tmp/renamed", "g"), ("etc/f", "h")):
        d("cp", f"box:{path}", w / name)
        equal(((w / name).read_text(), stat.S_IMODE(os.stat(w / name).st_mode)), ("content", 0o640), f"{path} that came back")
    (w / "f").write_text("other")
    d("cp", w / "f", "box:/tmp/renamed")
    d("cp", "box:/tmp/renamed", w)
    equal((w / "renamed").read_text(), "other", "one that was replaced")
    equal(os.stat(w / "f").st_mtime_ns // 10**9, os.stat(w / "renamed").st_mtime_ns // 10**9, "its time")


@cases(BOTH)
def a_directory(make):
    d, w = docker(), directory()
    make(d)
    (w / "src/sub").mkdir(parents=True)
    (w / "src/f").write_text("1")
    (w / "src/sub/with space").write_text("2")
    (w / "src/sub/new\nline").write_text("3")
    (w / "src/empty").touch()
    (w / "src/link").symlink_to("f")
    os.link(w / "src/f", w / "src/hard")
    wanted = tree(w / "src")
    d("cp", w / "src", "box:/tmp")                      # into one that is there
    d("cp", w / "src", "box:/tmp/new")                  # a new one
    d("cp", f"{w}/src/.", "box:/home")                  # what is in it
    for n, (path, below) in enumerate((("/tmp/src", ""), ("/tmp/new", ""), ("/home/.", ""), ("/tmp/src/.", ""))):
        d("cp", f"box:{path}", w / f"out{n}")
        got = {k: v for k, v in tree(w / f"out{n}").items() if not k.startswith("user")}
        equal(got, wanted, f"{path} that came back")
    (w / "there").mkdir()
    d("cp", "box:/tmp/src", w / "there")
    equal(tree(w / "there/src"), wanted, "in a directory that was there")
    d("cp", "box:/tmp/src/sub/with space", w / "there")
    equal((w / "there/with space").read_text(), "2", "a file with a space in its name")


@cases(BOTH)
def links(make):
    d, w = docker(), directory()
    make(d)
    (w / "s").mkdir()
    (w / "s/target").write_text("behind the link")
    (w / "s/link").symlink_to("target")
    (w / "s/dir").symlink_to("/tmp/s")
    d("cp", w / "s", "box:/tmp")
    d("cp", "box:/tmp/s/link", w / "as-link")
    equal(os.readlink(w / "as-link"), "target", "without -L")
    d("cp", "-L", "box:/tmp/s/link", w / "as-file")
    check(not (w / "as-file").is_symlink(), "-L copied the link")
    equal((w / "as-file").read_text(), "behind the link", "with -L")
    d("cp", "box:/tmp/s/dir/target", w / "through")
    equal((w / "through").read_text(), "behind the link", "through a link")
    (w / "n").write_text("new")
    d("cp", w / "n", "box:/tmp/s/dir")                  # a link to a directory
    d("cp", w / "n", "box:/tmp/s/link")                 # a link to a file
    d("cp", "box:/tmp/s/n", w / "n2")
    d("cp", "box:/tmp/s/target", w / "t2")
    equal(((w / "n2").read_text(), (w / "t2").read_text()), ("new", "new"), "what was written through links")
    os.symlink("n", w / "nl")
    d("cp", "-L", w / "nl", "box:/tmp/followed")
    d("cp", "box:/tmp/followed", w / "n3")
    equal((w / "n3").read_text(), "new", "-L of a link of the host")


@cases(BOTH)
def streams(make):
    d, w = docker(), directory()
    make(d)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        info = tarfile.TarInfo("a/f")
        info.size = 3
        t.addfile(info, io.BytesIO(b"abc"))
    d("cp", "-", "box:/tmp", input=out.getvalue())
    r = d.try_("cp", "box:/tmp/a", "-")
    t = tarfile.open(fileobj=io.BytesIO(r.out_bytes))
    equal(sorted(t.getnames()), ["a", "a/f"], "names")
    equal(t.extractfile("a/f").read(), b"abc", "content")
    d.fails(1, r"must be a directory", "cp", "-", "box:/etc/passwd", input=out.getvalue())


@test(timeout=120)
def from_box_to_box():
    """A pipe between two commands, on one container that does not run, too."""
    d = docker()
    for name in ("box", "still"):
        created(d, name=name)
    d("start", "box")
    sh(d, "mkdir /a; dd if=/dev/urandom of=/a/big bs=1M count=20 2>/dev/null")
    for source, target in (("box:/a", "still:/tmp"), ("still:/tmp/a", "still:/home"), ("still:/home/a/big", "box:/tmp")):
        docker_cp = d.command(["cp", source, "-"])
        p = subprocess.Popen(docker_cp, stdout=subprocess.PIPE, env=d.env)
        q = subprocess.run(d.command(["cp", "-", target]), stdin=p.stdout, env=d.env, timeout=40, check=False)
        equal((q.returncode, p.wait(timeout=20)), (0, 0), f"exit codes of {source} to {target}")
    equal(sh(d, "cmp /a/big /tmp/big && echo same"), "same", "what came back")


@test
def owners():
    d, w = docker(), directory()
    running(d, "-u", "1000")
    (w / "f").write_text("x")
    os.chown(w / "f", 7, 8)
    d("cp", "-a", w / "f", "box:/tmp/a")
    equal(sh(d, "stat -c %u:%g /tmp/a"), "1000:1000", "owner with -a in a container with a user")
    d("exec", "-u", "0", "box", "sh", "-c", "echo y >/tmp/o; chown 12:13 /tmp/o; chmod 4755 /tmp/o")
    d("cp", "-a", "box:/tmp/o", w / "o")
    d("cp", "box:/tmp/o", w / "p")
    for name in ("o", "p"):                             # the CLI's own way with the option
        s = os.stat(w / name)
        equal((s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)), (os.getuid(), os.getgid(), 0o4755), f"owner and mode of {name}")


@cases([
    ("no file", r"Could not find the file /nosuch in container box", ["box:/nosuch", "-"]),
    ("no parent", r"Could not find the file /no/such in container box|no such directory", ["/etc/hostname", "box:/no/such/f"]),
    ("no directory", r"no such directory", ["/etc/hostname", "box:/nosuch/"]),
    ("no container", r"No such container: nosuch", ["nosuch:/etc", "-"]),
    ("into a file", r"cannot copy directory", ["/etc/.", "box:/etc/passwd"]),
    ("file with a slash", r"not a directory", ["box:/etc/passwd/", "/tmp/x"]),
    ("read-only", r"(marked read-only)", ["/etc/hostname", "ro:/tmp"]),
    ("read-only mount", r"(marked read-only)", ["/etc/hostname", "ro:/m"]),
])
def failing(pattern, args):
    d, w = docker(), directory()
    running(d)
    running(d, "--read-only", "-v", "/tmp:/m:ro", name="ro")
    r = d.try_("cp", *args)
    check(r.code != 0, "docker cp has succeeded")
    matches(r.err, pattern, "error")


@test
def directory_over_file():
    d, w = docker(), directory()
    running(d)
    (w / "d").mkdir()
    (w / "d/x").touch()
    sh(d, "mkdir -p /tmp/f2/d; echo f >/tmp/d")
    d.fails(1, "cannot overwrite non-directory|cannot copy directory", "cp", w / "d", "box:/tmp")
    (w / "e").write_text("a file")
    sh(d, "mkdir -p /tmp/e")
    d("cp", w / "e", "box:/tmp/e")                      # into the directory
    equal(sh(d, "cat /tmp/e/e"), "a file", "a file in a directory of its name")
    d.fails(1, "cannot overwrite directory", "cp", w / "e", "box:/tmp")


@test(timeout=120)
def large():
    d, w = docker(), directory()
    running(d)
    with open(w / "big", "wb") as f:
        f.write(os.urandom(1 << 20) * 100)
    with open(w / "sparse", "wb") as f:
        f.truncate(1 << 30)
    d("cp", w / "big", "box:/tmp")
    d("cp", "box:/tmp/big", w / "back")
    check(subprocess.run(["cmp", w / "big", w / "back"], check=False).returncode == 0, "100 MB are other than they were")
    sh(d, "dd if=/dev/zero of=/tmp/sparse bs=1 count=1 seek=200M 2>/dev/null")
    d("cp", "box:/tmp/sparse", w / "sparse2")
    equal((os.stat(w / "sparse2").st_size, open(w / "sparse2", "rb").read(10)), ((200 << 20) + 1, b"\0" * 10), "a sparse file")
    d("cp", "box:/tmp/sparse", w / "renamed-one")
    equal(os.stat(w / "renamed-one").st_size, (200 << 20) + 1, "a sparse file by another name")


@test
def root_and_mounts():
    on_our_machine()
    d, w = docker(), directory()
    (w / "v").mkdir()
    (w / "v/in").write_text("of the host")
    for make in (running, created):
        make(d, "-v", f"{w}/v:/mnt/v")
        d("cp", "box:/mnt/v/in", w / "out")
        equal((w / "out").read_text(), "of the host", "a file of a mount")
        d("cp", w / "out", "box:/mnt/v/new")
        equal((w / "v/new").read_text(), "of the host", "a file that was put there")
        d("cp", "box:/", w / "root")
        check((w / "root/bin/busybox").exists() and (w / "root/mnt/v/in").exists() and not os.listdir(w / "root/proc"), "what is in the whole")
        d("rm", "-f", "box")
        shutil.rmtree(w / "root")
        (w / "v/new").unlink()
