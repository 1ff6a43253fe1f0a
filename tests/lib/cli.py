# SPDX-License-Identifier: Apache-2.0
"""The stock docker command line as a person uses it: plain pipes, and a terminal."""

import errno
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import time

import cache
from harness import Failed, Skip, check


def docker_binary():
    """The machine's docker, or the one in Debian's docker.io package, which is only unpacked, never installed."""
    path = os.environ.get("DOCKERD_TESTS_CLI") or shutil.which("docker")
    if path:
        return path

    def make(tmp):
        tmp.mkdir()
        for package in ("docker-cli", "docker.io"):
            r = subprocess.run(["apt-get", "download", package], cwd=tmp, capture_output=True, text=True)
            for deb in tmp.glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", str(deb), str(tmp / "x")], check=True)
                deb.unlink()
            if (tmp / "x/usr/bin/docker").exists():
                return
        cache.remove_tree(tmp)
        raise Skip(f"no docker CLI: not on the machine, and apt-get download docker.io failed ({r.stderr.strip()[-200:]})")

    return str(cache.cached("docker-cli", cache.key_of("v1"), make) / "x/usr/bin/docker")


class Result:
    def __init__(self, args, code, out, err):
        self.args, self.code, self.out_bytes, self.err_bytes = args, code, out, err
        self.out = out.decode(errors="replace")
        self.err = err.decode(errors="replace")

    def __repr__(self):
        return f"docker {' '.join(self.args)}: exit code {self.code}, stdout {self.out[:200]!r}, stderr {self.err[:300]!r}"


class Docker:
    """The CLI bound to one daemon; a call is docker("run", ...)."""

    def __init__(self, host, env=None, options=()):
        self.binary = docker_binary()
        self.config = tempfile.mkdtemp(prefix="dt-cli-")
        self.host = host
        self.options = list(options)
        self.env = {**os.environ, "DOCKER_HOST": host, "DOCKER_CONFIG": self.config, "HOME": self.config,
                    "DOCKER_CLI_HINTS": "false", "NO_COLOR": "1", **(env or {})}
        self.env.pop("DOCKER_TLS_VERIFY", None)
        self.env.pop("DOCKER_CONTEXT", None)
        if env:
            self.env.update(env)

    def command(self, args):
        return [self.binary] + self.options + [str(a) for a in args]

    def try_(self, *args, input=b"", timeout=40):
        """Run to the end; the result says the exit code."""
        if isinstance(input, str):
            input = input.encode()
        try:
            p = subprocess.run(self.command(args), input=input, capture_output=True, env=self.env, timeout=timeout)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"docker {' '.join(map(str, args))} did not end within {timeout} s; "
                         f"it had printed {(e.stdout or b'')[-200:]!r} {(e.stderr or b'')[-200:]!r}") from None
        return Result([str(a) for a in args], p.returncode, p.stdout, p.stderr)

    def __call__(self, *args, **kw):
        """Run, must succeed; its standard output without the last newline."""
        r = self.try_(*args, **kw)
        if r.code != 0:
            raise Failed(f"docker {' '.join(r.args)} ended with {r.code}: {(r.err or r.out).strip()[-400:]}")
        return r.out.rstrip("\n")

    def fails(self, code, pattern, *args, **kw):
        """Run, must end with this exit code and say so."""
        r = self.try_(*args, **kw)
        check(r.code == code, f"docker {' '.join(r.args)} ended with {r.code}, expected {code}; "
                              f"stderr: {r.err.strip()[-300:]!r} stdout: {r.out.strip()[-200:]!r}")
        check(re.search(pattern, r.err + r.out, re.S), f"docker {' '.join(r.args)} said {r.err.strip()[-300:]!r}, "
                                                       f"expected something like /{pattern}/")
        return r

    def popen(self, *args, **kw):
        kw.setdefault("stdin", subprocess.PIPE)
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(self.command(args), env=self.env, **kw)

    def terminal(self, *args, rows=24, columns=80):
        return Terminal(self.command(args), self.env, rows, columns)

    def close(self):
        cache.remove_tree(pathlib.Path(self.config))


class Terminal:
    """A command on a pseudo terminal: type, expect, resize, and its exit code."""

    def __init__(self, command, env, rows, columns):
        self.command = command
        self.seen = b""
        self.at = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, env)
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode() if isinstance(text, str) else text)

    def _read(self, timeout):
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return None
        try:
            data = os.read(self.fd, 65536)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            data = b""
        self.seen += data
        return data

    def expect(self, pattern, timeout=20):
        """Wait until the pattern appears after what was matched before."""
        pattern = pattern.encode() if isinstance(pattern, str) else pattern
        deadline = time.monotonic() + timeout
        while True:
            m = re.search(pattern, self.seen[self.at:])
            if m:
                self.at += m.end()
                return m
            left = deadline - time.monotonic()
            if left <= 0 or self._read(left) == b"":
                raise Failed(f"{' '.join(self.command[1:])} on a terminal: {pattern!r} did not appear; "
                             f"seen: {self.seen[self.at:][-300:]!r}")

    def wait(self, timeout=20):
        """The exit code once the command has ended."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self._read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        self.close()
        raise Failed(f"{' '.join(self.command[1:])} on a terminal did not end within {timeout} s; "
                     f"seen: {self.seen[-300:]!r}")

    def close(self):
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
            os.close(self.fd)
            self.pid = 0
