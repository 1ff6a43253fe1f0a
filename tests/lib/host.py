# SPDX-License-Identifier: Apache-2.0
"""A host of its own with a real systemd, D-Bus and journal in about two seconds: systemd-nspawn on a Debian root.

The root file system is the lower layer of an overlay that is thrown away; the engines' data roots are directories of
the machine's own file system, since overlay cannot be stacked on overlay."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import cache
import harness
from client import Client
from daemon import unmount_below
from harness import Failed, Skip


class Host:
    def __init__(self, root, name=None, capabilities="all"):
        if os.geteuid() != 0:
            raise Skip("not root")
        if not shutil.which("systemd-nspawn"):
            raise Skip("systemd-nspawn is not installed (apt-get install systemd-container)")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dt-host-", dir=os.environ.get("DOCKERD_TESTS_TMP", "/tmp")))
        self.name = name or self.dir.name
        self.root = self.dir / "root"
        self.capabilities = capabilities
        self.process = None
        self.leader = None
        self.cgroups = []
        for d in ("upper", "work", "root", "data", "share", "docker", "containerd"):
            (self.dir / d).mkdir()
        r = subprocess.run(["mount", "-t", "overlay", "dt-host", "-o", f"lowerdir={root},upperdir={self.dir / 'upper'},"
                            f"workdir={self.dir / 'work'}", str(self.root)], capture_output=True, text=True)
        if r.returncode != 0:
            cache.remove_tree(self.dir)
            raise Skip(f"no overlay mount on this machine: {r.stderr.strip()}")

    # Before the boot.

    def install(self, build):
        """Our daemon, as `meson install` lays it out, and what a package's own scripts do after that."""
        r = subprocess.run(["meson", "install", "--no-rebuild", "-C", str(build), "--destdir", str(self.root)],
                           capture_output=True, text=True)
        if r.returncode != 0:
            raise Failed(f"meson install failed: {(r.stderr or r.stdout).strip()[-400:]}")
        script = pathlib.Path(__file__).parents[2] / "units/after-install.sh"
        self.write("/var/tmp/after-install.sh", script.read_text())
        # Newer systemd wants /proc to write the catalog, and makes it again at the boot where it could not.
        self.chroot("env", "MESON_INSTALL_PREFIX=/usr", "sh", "/var/tmp/after-install.sh")
        missing = self.chroot("sh", "-c", "ldd $(command -v dockerd) | grep 'not found' || true").stdout
        if missing.strip():
            raise Failed(f"libraries that the root file system lacks: {' '.join(missing.split())}")

    def install_cli(self):
        from cli import docker_binary
        target = self.root / "usr/local/bin/docker"
        shutil.copy(docker_binary(), target)
        target.chmod(0o755)

    def chroot(self, *command, check=True):
        r = subprocess.run(["chroot", str(self.root), *command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and r.returncode != 0:
            raise Failed(f"{' '.join(command)} in the root file system: {r.stderr.strip()[-300:]}")
        return r

    def write(self, path, text, mode=0o644):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        target.chmod(mode)

    # The boot and after.

    def _enter_cgroups(self):
        """A cgroup of its own for nspawn in each hierarchy that systemd uses; see _leave_cgroups()."""
        base = pathlib.Path("/sys/fs/cgroup")
        hierarchies = [h for h in (base / "unified", base / "systemd") if h.is_dir()] or [base]
        for h in hierarchies:
            group = h / f"dt-{self.name}"
            group.mkdir(exist_ok=True)
            self.cgroups.append(group)

    def boot(self, timeout=60):
        command = ["systemd-nspawn", "-D", str(self.root), "--register=no", "--keep-unit", "-b", "--quiet",
                   f"--capability={self.capabilities}", "--private-network", "--console=read-only",
                   f"--machine={re.sub('[^a-z0-9-]', '', self.name)}", "--resolv-conf=off", "--link-journal=no",
                   f"--bind={self.dir / 'share'}:/run/share-with-tests",
                   f"--bind={self.dir / 'data'}:/var/lib/dockerd",
                   f"--bind={self.dir / 'docker'}:/var/lib/docker",
                   f"--bind={self.dir / 'containerd'}:/var/lib/containerd"]
        if os.path.exists("/dev/fuse"):
            command.append("--bind=/dev/fuse")
        env = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_SECCOMP": "0"}
        for name in ("NOTIFY_SOCKET", "DOCKER_HOST"):
            env.pop(name, None)
        groups = []
        if os.path.isdir("/run/systemd/system"):
            command = ["systemd-run", "--scope", "--quiet", "-p", "Delegate=yes", "--", *command]
        else:
            self._enter_cgroups()
            groups = [str(g / "cgroup.procs") for g in self.cgroups]

        def enter():
            for path in groups:
                with open(path, "w") as f:
                    f.write("0")

        self.console = open(self.dir / "console", "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console,
                                        env=env, preexec_fn=enter, start_new_session=True)
        deadline = time.monotonic() + timeout
        while True:
            if self.process.poll() is not None:
                raise Failed(f"systemd-nspawn ended with {self.process.returncode}: {self.console_text()[-300:]}")
            self.leader = self.leader or self._find_leader()
            if self.leader:
                r = self.try_("systemctl", "is-active", "multi-user.target")
                if r.stdout.strip() == "active":
                    return self
            if time.monotonic() > deadline:
                raise Failed(f"the host did not boot within {timeout} s: {self.console_text()[-300:]}")
            time.sleep(0.1)

    def _find_leader(self):
        """The init of the host: the first process below nspawn with a process namespace other than ours."""
        mine = os.readlink("/proc/self/ns/pid")
        queue = [self.process.pid]
        while queue:
            pid = queue.pop(0)
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") != mine:
                    return pid
                with open(f"/proc/{pid}/task/{pid}/children") as f:
                    queue += [int(p) for p in f.read().split()]
            except OSError:
                continue
        return None

    def console_text(self):
        return (self.dir / "console").read_text(errors="replace").strip()

    def command(self, *command, env=None):
        """The argument vector that runs a command inside."""
        settings = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                    "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0", "DOCKER_CLI_HINTS": "false",
                    "TERM": "dumb", **(env or {})}
        return ["nsenter", "-t", str(self.leader), "-a", "--", "env", "-i",
                *[f"{k}={v}" for k, v in settings.items()], *[str(c) for c in command]]

    def try_(self, *command, input=None, timeout=60, env=None):
        try:
            return subprocess.run(self.command(*command, env=env), capture_output=True, text=True, input=input,
                                  stdin=subprocess.DEVNULL if input is None else None, timeout=timeout)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"{' '.join(map(str, command))} did not end within {timeout} s; it had printed "
                         f"{str(e.stdout)[-200:]} {str(e.stderr)[-200:]}") from None

    def __call__(self, *command, **kw):
        """Run inside, must succeed; its standard output without the last newline. One argument is a shell line."""
        if len(command) == 1:
            command = ("sh", "-c", command[0])
        r = self.try_(*command, **kw)
        if r.returncode != 0:
            raise Failed(f"{' '.join(map(str, command))} ended with {r.returncode}: {(r.stderr or r.stdout).strip()[-500:]}")
        return r.stdout.rstrip("\n")

    def popen(self, *command, env=None, **kw):
        kw.setdefault("stdin", subprocess.PIPE)
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(self.command(*command, env=env), **kw)

    def socket(self, path="/run/docker.sock"):
        """A path outside for a Unix socket inside."""
        return f"/proc/{self.leader}/root{path}"

    def client(self, path="/run/docker.sock", **kw):
        return Client("unix://" + self.socket(path), **kw)

    def journal(self, *matches):
        """Entries of the host's journal as dictionaries."""
        out = self("journalctl", "--no-pager", "-q", "-o", "json", *matches)
        return [json.loads(line) for line in out.splitlines()]

    def unit(self, name, *properties):
        out = self("systemctl", "show", name, "-p", ",".join(properties))
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def put_share(self, name, data):
        """A file that is /run/share-with-tests/NAME inside."""
        path = self.dir / "share" / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return f"/run/share-with-tests/{name}"

    def destroy(self):
        if self.process is not None:
            for pid in filter(None, (self.leader, self.process.pid)):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
            self.console.close()
        for group in self.cgroups:
            _remove_cgroup(group)
        unmount_below(self.dir)
        if os.environ.get("DOCKERD_TESTS_KEEP"):
            print(f"     kept {self.dir}", flush=True)
        else:
            cache.remove_tree(self.dir)


def _remove_cgroup(group):
    deadline = time.monotonic() + 5
    while group.exists() and time.monotonic() < deadline:
        for directory, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                pass
        if group.exists():
            time.sleep(0.05)
