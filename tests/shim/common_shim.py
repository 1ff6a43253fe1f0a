# SPDX-License-Identifier: Apache-2.0
"""Drives dockerd-shim without a daemon: run directory, bundle, control socket. Needs root, runc or crun, busybox."""

import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from harness import Failed, Skip, cleanup, eventually

HEADER = struct.Struct("<IHHIIIIIiiiQ")
MAGIC = 0x4D495344
NO_TEXT = 0xFFFFFFFF
(HELLO, START, ATTACH, RESIZE, SIGNAL, CLOSE_STDIN, ROOT_FD, DETACH, QUIT, FREEZE) = (1, 16, 17, 18, 19, 20, 21, 22, 23, 24)
PAUSE = 26
(STARTED, START_FAILED, ATTACH_ENDED, OOM, LOG_FAILED, EXITED, FROZEN, PAUSED) = range(64, 72)
RUN_PAUSED = SIGNAL_UNPAUSE = 1
(CREATED, STARTING, RUNNING, ENDED) = range(4)
(STDIN, STDOUT, STDERR, MULTIPLEX, LOGS) = (1, 2, 4, 8, 16)
(END_EXITED, END_DETACHED, END_CLIENT, END_ERROR) = range(4)
(EXIT_OOM, EXIT_STOPPED) = (1, 2)

BUILD = pathlib.Path(os.environ.get("DOCKERD_BUILD", pathlib.Path(__file__).parents[2] / "build"))
SHIM = BUILD / "src/shim/dockerd-shim"
RUNTIME = os.environ.get("DOCKERD_TEST_RUNTIME") or shutil.which("runc") or ""
BUSYBOX = shutil.which("busybox") or ""
COUNTER = iter(range(1, 1 << 30))


def find_shim():
    for path in (BUILD / "dockerd-shim", SHIM):
        if path.exists():
            return path
    raise Skip(f"no dockerd-shim in {BUILD}: set DOCKERD_BUILD")


def before():
    if os.geteuid() != 0:
        raise Skip("needs root")
    if not RUNTIME:
        raise Skip("needs runc (apt install runc) or DOCKERD_TEST_RUNTIME")
    if not BUSYBOX:
        raise Skip("needs busybox (apt install busybox-static)")
    find_shim()


def after():
    for group in (*pathlib.Path("/sys/fs/cgroup").glob("*/shim-test"), pathlib.Path("/sys/fs/cgroup/shim-test")):
        try:
            group.rmdir()
        except OSError:
            pass


class Message:
    def __init__(self, data, fd=None):
        (magic, size, self.type, text_size, data_size, self.version, self.id, self.flags, self.value1, self.value2,
         self.pid, self.time) = HEADER.unpack_from(data)
        if magic != MAGIC:
            raise Failed("bad magic in a message of the shim")
        n = 0 if text_size == NO_TEXT else text_size + 1
        self.text = None if text_size == NO_TEXT else data[size:size + text_size].decode()
        self.data = data[size + n:size + n + data_size]
        self.fd = fd

    def __repr__(self):
        return f"Message(type={self.type}, value1={self.value1}, value2={self.value2}, text={self.text!r})"


class Connection:
    def __init__(self, run_dir):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fd = os.open(run_dir, os.O_PATH)
        try:
            self.socket.connect(f"/proc/self/fd/{fd}/control")
        finally:
            os.close(fd)
        self.seen = []

    def send(self, kind, fd=None, *, ident=0, flags=0, value1=0, value2=0, text=None, data=b""):
        t = b"" if text is None else text.encode() + b"\0"
        message = HEADER.pack(MAGIC, HEADER.size, kind, NO_TEXT if text is None else len(t) - 1, len(data), 2, ident,
                              flags, value1, value2, 0, 0) + t + data
        socket.send_fds(self.socket, [message], [fd] if fd is not None else [])

    def receive(self, timeout=20):
        self.socket.settimeout(timeout)
        try:
            data, fds, _, _ = socket.recv_fds(self.socket, 1 << 18, 1)
        except (ConnectionResetError, BrokenPipeError):
            return None
        if not data:
            return None
        m = Message(data, fds[0] if fds else None)
        self.seen.append(m)
        return m

    def expect(self, kind, timeout=20):
        """The next message of this type; others are kept in seen."""
        for m in self.seen:
            if m.type == kind:
                self.seen.remove(m)
                return m
        while True:
            m = self.receive(timeout)
            if m is None:
                raise Failed(f"the shim ended while message {kind} was expected, seen {self.seen}")
            if m.type == kind:
                self.seen.remove(m)
                return m

    def hello(self):
        self.send(HELLO)
        return self.expect(HELLO)

    def close(self):
        self.socket.close()


class Container:
    """One run directory with a busybox root, and its shim."""

    def __init__(self, *args, tty=False, stdin=False, once=False, log=None, stop_timeout=10, stop_signal=0, uid=0,
                 env=(), host_pid=False, script=None, memory=0, size=None):
        self.id = f"shimtest{os.getpid()}n{next(COUNTER)}"
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="shim-"))
        cleanup(shutil.rmtree, self.base, ignore_errors=True)
        self.dir = self.base / "run"
        root = self.dir / "rootfs"
        for name in ("bin", "proc", "dev", "sys", "tmp", "etc"):
            (root / name).mkdir(parents=True)
        shutil.copy(BUSYBOX, root / "bin/busybox")
        for name in ("sh", "cat", "echo", "sleep", "true", "stty", "seq", "dd", "head", "printf", "yes", "tty", "wc"):
            os.symlink("busybox", root / "bin" / name)
        self.log_path = self.base / "log/json.log"
        self.log_path.parent.mkdir()
        namespaces = ["mount", "uts", "ipc"] + ([] if host_pid else ["pid"])
        if script is not None:
            args = ("/bin/sh", "-c", script)
        config = {
            "ociVersion": "1.0.2",
            "process": {"terminal": tty, "user": {"uid": uid, "gid": uid}, "args": list(args), "cwd": "/",
                        "env": ["PATH=/bin", *env],
                        "capabilities": {k: ["CAP_KILL", "CAP_DAC_OVERRIDE"]
                                         for k in ("bounding", "effective", "permitted")}},
            "root": {"path": "rootfs"},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                       {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                        "options": ["newinstance", "ptmxmode=0666", "mode=0620"]}],
            "linux": {"namespaces": [{"type": n} for n in namespaces], "cgroupsPath": f"/shim-test/{self.id}"},
        }
        if size:
            config["process"]["consoleSize"] = {"height": size[0], "width": size[1]}
        if memory:
            config["linux"]["resources"] = {"memory": {"limit": memory}}
        (self.dir / "config.json").write_text(json.dumps(config))
        shim = {"id": self.id, "runtime": RUNTIME, "runtimeRoot": str(self.base / "runtime"), "tty": tty,
                "openStdin": stdin, "stdinOnce": once, "stopTimeout": stop_timeout, "stopSignal": stop_signal,
                "cgroupPath": f"/shim-test/{self.id}",
                "logDriver": "json-file" if log is not False else "none", "logPath": str(self.log_path),
                "logOptions": log or []}
        if "crun" in RUNTIME:
            shim["runtimeArgs"] = ["--cgroup-manager=cgroupfs"]
        (self.dir / "shim.json").write_text(json.dumps(shim))
        self.attach_ids = iter(range(1, 1 << 30))

    def launch(self):
        self.process = subprocess.Popen([find_shim(), str(self.dir)], stdin=subprocess.DEVNULL,
                                        start_new_session=True)
        cleanup(self.kill)
        self.connection = eventually(self.try_connect, "control socket")
        m = self.connection.hello()
        if (m.version, m.value1) != (2, CREATED):
            raise Failed(f"hello of a new shim is {m}")
        return self

    def try_connect(self):
        if self.process.poll() is not None:
            raise Failed(f"the shim ended with {self.process.returncode}")
        try:
            return Connection(self.dir)
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    def kill(self):
        pid = self.pid_file()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run([RUNTIME, "--root", self.base / "runtime", "delete", "--force", self.id],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def pid_file(self):
        try:
            return int((self.dir / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def attach(self, flags=STDIN | STDOUT | STDERR | MULTIPLEX, *, keys=None, data=b"", connection=None):
        """Returns our end of the client's connection, and the session's id."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        ident = next(self.attach_ids)
        (connection or self.connection).send(ATTACH, theirs.fileno(), ident=ident, flags=flags, text=keys, data=data)
        theirs.close()
        ours.settimeout(30)
        return ours, ident

    def start(self, fd=None):
        self.connection.send(START, fd)
        return self

    def started(self):
        return self.connection.expect(STARTED)

    def exited(self, timeout=30):
        return self.connection.expect(EXITED, timeout)

    def exit_file(self):
        return dict(line.split("=") for line in (self.dir / "exit").read_text().split())

    def gone(self):
        return self.process.wait(20)

    def log(self):
        """The whole lines: the last one may be on its way."""
        text = self.log_path.read_text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


def read_all(s):
    out = bytearray()
    while True:
        piece = s.recv(1 << 20)
        if not piece:
            return bytes(out)
        out += piece


def read_until(s, part, timeout=20):
    out = bytearray()
    s.settimeout(timeout)
    while part not in out:
        piece = s.recv(1 << 16)
        if not piece:
            raise Failed(f"end of the stream before {part!r}: {bytes(out)!r}")
        out += piece
    return bytes(out)


def frames(data):
    """Splits a multiplexed stream into {type: bytes}."""
    out = {1: b"", 2: b""}
    while data:
        kind, size = struct.unpack(">B3xI", data[:8])
        if len(data) < 8 + size:
            raise Failed("the last frame is cut")
        out[kind] += data[8:8 + size]
        data = data[8 + size:]
    return out


def resident(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def sanitized():
    return b"__asan_init" in find_shim().read_bytes()


def now():
    return time.monotonic()
