# SPDX-License-Identifier: Apache-2.0
"""A dockerd on private directories and a private socket: start, kill, restart, and check that nothing is leaked."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import cache
import harness
import images
from client import Client
from harness import Failed, Skip


def build_dir(kind="debug"):
    """Where the binaries are: DOCKERD_BUILD, or DOCKERD_BUILD_RELEASE for what must not carry sanitizers."""
    path = os.environ.get("DOCKERD_BUILD_RELEASE") if kind == "release" else None
    path = path or os.environ.get("DOCKERD_BUILD") or str(pathlib.Path(__file__).parents[2] / "build")
    if not (pathlib.Path(path) / "dockerd").exists():
        raise Skip(f"{path}/dockerd does not exist (meson compile, or set DOCKERD_BUILD)")
    return pathlib.Path(path)


def need_root():
    if os.geteuid() != 0:
        raise Skip("not root")


def runtime_path():
    """An OCI runtime that starts on this machine; crun before 1.21 does not where CAP_SYS_RESOURCE is missing."""
    wanted = os.environ.get("DOCKERD_TESTS_RUNTIME")
    for name in ([wanted] if wanted else ["runc", "crun"]):
        path = shutil.which(name)
        if path:
            return path
    raise Skip("no OCI runtime (apt-get install runc)")


class Daemon:
    def __init__(self, *args, config=None, env=None, kind="debug", hosts=(), data_root=None, runtime=True):
        need_root()
        self.binary = build_dir(kind) / "dockerd"
        # Short, since the path of a Unix socket has 107 bytes at most.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dt-", dir=os.environ.get("DOCKERD_TESTS_TMP", "/tmp")))
        self.data = pathlib.Path(data_root) if data_root else self.dir / "data"
        self.exec = self.dir / "exec"
        self.sock = self.dir / "docker.sock"
        self.pidfile = self.dir / "pid"
        self.config_file = self.dir / "daemon.json"
        self.log_file = self.dir / "log"
        self.args = list(args)
        self.hosts = list(hosts)
        self.env = dict(env or {})
        self.config = dict(config or {})
        self.process = None
        self.notified = []
        self.started_in = None          # seconds from exec to READY=1 (or the first answered ping)
        self.containers = set()
        if runtime and "default-runtime" not in self.config and "--default-runtime" not in self.args:
            path = runtime_path()
            self.config["runtimes"] = {"test": {"path": path}}
            self.config["default-runtime"] = "test"
        self.write_config()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.setblocking(False)
        self.notify.bind(str(self.dir / "notify"))
        harness.cleanup(self.destroy)

    @property
    def host(self):
        return f"unix://{self.sock}"

    def write_config(self):
        self.config_file.write_text(json.dumps(self.config))

    def client(self, version=None, timeout=60):
        return Client(self.host, version, timeout=timeout)

    def command(self, *extra):
        command = [str(self.binary), "--config-file", str(self.config_file), "--data-root", str(self.data),
                   "--exec-root", str(self.exec), "--pidfile", str(self.pidfile)]
        for host in [self.host] + self.hosts:
            command += ["--host", host]
        return command + self.args + list(extra)

    # Life.

    def start(self, wait=True, env=None, timeout=20):
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.dir / "notify"),
                       "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:handle_segv=1:exitcode=99",
                       "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", **self.env, **(env or {})}
        for name in ("DOCKER_HOST", "DOCKER_CONFIG", "LISTEN_FDS", "LISTEN_PID"):
            environment.pop(name, None)
        self.notified = []
        self.messages()
        self.notified = []
        begin = time.monotonic()
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=environment, start_new_session=True)
        if wait:
            self.wait_ready(begin, timeout)
        return self

    def wait_ready(self, begin=None, timeout=20):
        begin = begin or time.monotonic()
        deadline = time.monotonic() + timeout * float(os.environ.get("DOCKERD_TESTS_TIMEOUT_SCALE", "1"))
        while True:
            if any("READY=1" in m for m in self.messages()):
                self.started_in = time.monotonic() - begin
                return
            if self.process.poll() is not None:
                raise Failed(f"dockerd ended with {describe(self.process.returncode)} while starting: {self.last_words()}")
            if time.monotonic() > deadline:
                raise Failed(f"dockerd was not ready within {timeout} s: {self.last_words()}")
            time.sleep(0.002)

    def messages(self):
        """Everything sent to NOTIFY_SOCKET since the start, one string a datagram."""
        while True:
            try:
                self.notified.append(self.notify.recv(65536).decode(errors="replace"))
            except BlockingIOError:
                return self.notified

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, signum=signal.SIGTERM, timeout=15):
        """A clean end; a daemon that does not end, or ends with a code, is a failure."""
        if not self.running():
            return
        self.process.send_signal(signum)
        try:
            code = self.process.wait(timeout * float(os.environ.get("DOCKERD_TESTS_TIMEOUT_SCALE", "1")))
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"dockerd did not end within {timeout} s of {signal.Signals(signum).name}: {self.last_words()}")
        if code != 0:
            raise Failed(f"dockerd ended with {describe(code)} after {signal.Signals(signum).name}: {self.last_words()}")

    def kill(self):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()

    def restart(self, how="stop", **kw):
        self.stop() if how == "stop" else self.kill()
        return self.start(**kw)

    def reload(self):
        before = len([m for m in self.messages() if "RELOADING=1" in m])
        self.process.send_signal(signal.SIGHUP)

        def done():
            texts = self.messages()
            index = [i for i, m in enumerate(texts) if "RELOADING=1" in m]
            return len(index) > before and any("READY=1" in m for m in texts[index[-1]:])
        harness.eventually(done, "RELOADING=1 then READY=1 after SIGHUP", 5)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def last_words(self, lines=3):
        text = [line for line in self.log().splitlines() if line.strip()]
        for line in text:
            if "ERROR: AddressSanitizer" in line or "runtime error:" in line or "Assertion" in line:
                return line.strip() + "  (whole log: DOCKERD_TESTS_KEEP=1)"
        return " | ".join(text[-lines:]) or "it said nothing"

    # What tests want to have done.

    def load_busybox(self, tag="latest"):
        c = self.client()
        r = c.post("/images/create", images.busybox_tar(), query={
            "fromSrc": "-", "repo": "busybox", "tag": tag,
            "changes": ['CMD ["sh"]', "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
            headers={"Content-Type": "application/x-tar"})
        if r.status != 200:
            raise Failed(f"import of the busybox image answered {r.status} {r.message!r}")
        for line in r.lines():
            if "error" in line:
                raise Failed(f"import of the busybox image: {line['error']}")
        return self

    # Leaks.

    def run_processes(self):
        """Processes of this daemon: those with its directory on the command line. {pid: command}"""
        found = {}
        needle = str(self.dir).encode()
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    command = f.read()
                with open(f"/proc/{entry}/stat") as f:
                    if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                        continue
            except OSError:
                continue
            if needle in command:
                found[int(entry)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
        return found

    def leaks(self, ids=()):
        """What is left of containers that are gone, one line each. The daemon may be up or down."""
        found = []
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
            point = line.split()[4]
            # The exec root is a mount of itself as long as the daemon (or a container) lives.
            # So is the directory of network namespaces, which holds two that are made ahead of need.
            if point.startswith(str(self.dir)) and point != str(self.exec) and not point.startswith(str(self.exec / "netns")):
                found.append(f"mount {point}")
        for directory in (self.exec / "containers", self.exec / "netns", self.exec / "runtime",
                          self.data / "containers", self.data / "tmp", self.data / "trash"):
            if directory.is_dir():
                entries = [f"{entry}" for entry in sorted(directory.iterdir())]
                found += entries if directory.name != "netns" or len(entries) > 2 else []
        dockerd = self.process.pid if self.running() else None
        for pid, command in self.run_processes().items():
            if pid != dockerd and "dockerd-worker" not in command:
                found.append(f"process {pid} ({command[:120]})")
        for name in links():
            if name.startswith("veth"):
                found.append(f"network interface {name}")
        for c in set(ids) | self.containers:
            found += [f"cgroup {path}" for path in cgroups_of(c)]
        return found

    def check_clean(self, ids=(), timeout=5):
        """Nothing of removed containers may be left, after a moment for what is removed behind the reply."""
        deadline = time.monotonic() + timeout
        while found := self.leaks(ids):
            if time.monotonic() > deadline:
                raise Failed(f"left behind: {'; '.join(found[:6])}" + (f" and {len(found) - 6} more"
                                                                       if len(found) > 6 else ""))
            time.sleep(0.05)

    def check_log(self):
        """A sanitizer report or a failed assertion is a failure of whatever test ran."""
        for line in self.log().splitlines():
            if "ERROR: AddressSanitizer" in line or "runtime error:" in line or re.search(r"Assertion .* failed", line):
                raise Failed(f"dockerd: {line.strip()}")

    def destroy(self):
        """The end of the test: everything of this daemon is taken away, whatever state it is in."""
        self.kill()
        self.notify.close()
        for _ in range(3):
            victims = [pid for pid in self.run_processes()]
            if not victims:
                break
            for pid in victims:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.1)
        try:
            self.check_log()
        finally:
            unmount_below(self.dir)
            if os.environ.get("DOCKERD_TESTS_KEEP"):
                print(f"     kept {self.dir}", flush=True)
            else:
                cache.remove_tree(self.dir)
            self.remove_network()

    def remove_network(self):
        """Bridges (with the veths on them) and tables that carry the mark of this daemon, and no other's."""
        for line in subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout.splitlines():
            if line.endswith(str(self.exec)):
                bridge = line.split()[1].rstrip(":")
                for port in re.findall(r"^\d+: ([^:@]+)", subprocess.run(["ip", "-o", "link", "show", "master", bridge], capture_output=True, text=True).stdout, re.M):
                    subprocess.run(["ip", "link", "del", port], stderr=subprocess.DEVNULL, check=False)
                subprocess.run(["ip", "link", "del", bridge], stderr=subprocess.DEVNULL, check=False)
        for table in nft_tables():
            if table.startswith("table inet dockerd") and str(self.exec) in subprocess.run(["nft", "list", *table.split()], capture_output=True, text=True).stdout:
                subprocess.run(["nft", "delete", *table.split()], stderr=subprocess.DEVNULL, check=False)


def describe(code):
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}"
    return {98: "98 (address in use)", 99: "99 (a sanitizer's report)"}.get(code, f"exit code {code}")


def links():
    """Names of the network interfaces of our (private) network namespace."""
    out = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    return re.findall(r"^\d+: ([^:@]+)", out, re.M)


def nft_tables():
    out = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True)
    return out.stdout.splitlines()


def cgroups_of(container):
    found = []
    for base in pathlib.Path("/sys/fs/cgroup").glob("*"):
        if base.is_dir():
            for parent in ("dockerd", "docker"):
                for path in (base / parent / container, base / parent / f"docker-{container}.scope"):
                    if path.exists():
                        found.append(str(path))
    for parent in ("dockerd", "docker"):
        if (pathlib.Path("/sys/fs/cgroup") / parent / container).exists():
            found.append(f"/sys/fs/cgroup/{parent}/{container}")
    return found


def unmount_below(directory):
    points = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted((p for p in points if p.startswith(str(directory) + "/") or p == str(directory)), reverse=True):
        subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL, check=False)
