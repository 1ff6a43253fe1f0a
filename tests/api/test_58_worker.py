# SPDX-License-Identifier: Apache-2.0
"""Hostile code inside each kind of worker (src/worker/hostile.c): nothing of what it tries is done. The same attacks
without a sandbox show that it is the sandbox that stops them."""

import ctypes
import errno
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import tempfile

import worker
from daemon import build_dir
from harness import check, equal, test

# Verb: what its descriptors are, in their order: "d" a directory, "f" a file.
KINDS = {
    "archive-pack": "fd", "archive-unpack": "fd", "layer-apply": "fdf", "layers-merge": "dd", "path-pack": "df", "path-stat": "d",
    "path-unpack": "dff", "registry-fetch-blob": "f", "registry-inspect": "", "registry-login": "", "registry-push-blob": "f",
    "registry-push-manifest": "f", "registry-resolve": "fff", "registry-search": "", "registry-tags": "", "remove-children": "d",
    "tree-changes": "fdd", "tree-copy": "dd", "tree-pack": "fdd", "url-fetch": "f", "usage": "d",
}
REFUSED = {errno.EPERM, errno.EACCES, errno.EROFS, "killed"}
# Without a sandbox as well, where the tests run: in a chroot, with a read-only /proc/sys.
NOT_EVEN_ROOT = {"files: sysctl", "namespace: users"}
ABSTRACT = "\0dockerd-worker-hostile"


class Place:
    """A directory with a device, a file above it, and descriptors for a verb."""

    def __init__(self, kinds):
        self.top = tempfile.TemporaryDirectory(prefix="hostile-")
        self.fds = []
        (pathlib.Path(self.top.name) / "OUTSIDE").write_text("outside")
        for i, kind in enumerate(kinds):
            path = pathlib.Path(self.top.name) / f"{kind}{i}"
            if kind == "d":
                path.mkdir()
                os.mknod(path / "DEVICE", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
                self.fds.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
            else:
                path.touch()
                self.fds.append(os.open(path, os.O_RDWR))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for fd in self.fds:
            os.close(fd)
        self.top.cleanup()


def attempt(verb, place, first, unconfined):
    environment = {"DOCKERD_WORKER_HOSTILE": str(first), **({"DOCKERD_WORKER_OPEN": "1"} if unconfined else {})}
    w = worker.Running(verb, {"Path": "/"}, place.fds, environment)
    return w.answer()


def attacks(verb, unconfined=False):
    """{attack: 0, an error number or "killed"}"""
    done, n = {}, 0
    while True:
        with Place(KINDS[verb]) as place, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(ABSTRACT)
            listener.listen()
            a = attempt(verb, place, n, unconfined)
        for line in a.progress:
            done[line["Name"]] = "killed" if line["Errno"] < 0 else line["Errno"]
        if a.result is not None:
            return done
        check(a.code == -signal.SIGSYS and len(done) > n, f"{verb} ended at attack {n} with {a.code}: {a.message}")
        n = len(done)


def name_of(result):
    return result if isinstance(result, str) else errno.errorcode.get(result, "done")


def has_scopes():
    """Whether the kernel's Landlock can close abstract sockets: 6.12 and newer."""
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) >= 6


@test
def the_attacks_are_real():
    """Without a sandbox none is refused for want of rights, so that a refusal is the sandbox's."""
    done = attacks("layers-merge", unconfined=True)
    check(len(done) > 60, f"only {len(done)} attacks")
    refused = {n: name_of(r) for n, r in done.items() if r in REFUSED}
    unexpected = {n: r for n, r in refused.items() if n not in NOT_EVEN_ROOT}
    equal(unexpected, {}, "attacks that are refused without a sandbox")


def every_kind():
    help_text = subprocess.run([build_dir("debug") / "dockerd-worker", "--help"], capture_output=True, text=True, check=True).stdout
    return help_text.split("Verbs:")[1].split()


@test
def every_kind_of_worker_is_attacked():
    equal(sorted(KINDS), sorted(every_kind()), "verbs")


for kind in KINDS:
    def hostile_code(verb=kind):
        done = attacks(verb)
        check(len(done) > 60, f"only {len(done)} attacks")
        if os.environ.get("DOCKERD_TESTS_TABLE"):
            print(json.dumps({verb: {n: name_of(r) for n, r in done.items()}}))
        through = {n: name_of(r) for n, r in done.items() if r not in REFUSED}
        if not has_scopes():
            through.pop("socket: abstract name", None)
        equal(through, {}, f"what hostile code in {verb} can do")
    hostile_code.__name__ = f"hostile_code_in_{kind.replace('-', '_')}"
    test(hostile_code)
