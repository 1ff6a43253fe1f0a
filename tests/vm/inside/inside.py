# SPDX-License-Identifier: Apache-2.0
"""What the stages share: commands and the API of the engine in this machine."""

import json
import pathlib
import subprocess

from client import Client
from harness import Failed


def sh(line, timeout=120, check=True):
    r = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
    if check and r.returncode != 0:
        raise Failed(f"{line} ended with {r.returncode}: {(r.stderr or r.stdout).strip()[-300:]}")
    return r.stdout.strip()


def client():
    return Client("unix:///run/docker.sock", timeout=120)


def load_busybox():
    c = client()
    if c.get("/images/busybox/json").status == 200:
        return c
    r = c.post("/images/create", pathlib.Path("/opt/tests/busybox.tar").read_bytes(), query={"fromSrc": "-", "repo": "busybox", "tag": "latest"},
               headers={"Content-Type": "application/x-tar"})
    if r.status != 200 or b'"error' in r.body:
        raise Failed(f"import of busybox: {r.status} {r.text[:300]}")
    return c


def cgroup(container):
    """The container's own cgroup directory."""
    pid = client().inspect(container)["State"]["Pid"]
    path = pathlib.Path(f"/proc/{pid}/cgroup").read_text().strip().split("::", 1)[1]
    return pathlib.Path("/sys/fs/cgroup" + path)
