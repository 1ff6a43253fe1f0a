# SPDX-License-Identifier: Apache-2.0
"""What the stages share: commands and the API of the engine in this machine."""

import json
import pathlib
import subprocess

from client import Client
from harness import Failed, cleanup

SOCKET = {"systemd": "/run/docker.sock", "direct": "/run/direct.sock"}
NONE = {"NetworkMode": "none"}


def sh(line, timeout=120, check=True):
    r = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
    if check and r.returncode != 0:
        raise Failed(f"{line} ended with {r.returncode}: {(r.stderr or r.stdout).strip()[-300:]}")
    return r.stdout.strip()


def client(supervisor="systemd"):
    return Client("unix://" + SOCKET[supervisor], timeout=120)


def start_direct():
    """A second daemon, which starts its shims itself."""
    sh("systemd-run --quiet --unit=direct --service-type=notify -p KillMode=process -p Delegate=yes /usr/bin/dockerd "
       "--config-file /dev/null --data-root /var/lib/dockerd-direct --exec-root /run/direct --pidfile /run/direct.pid "
       f"--host unix://{SOCKET['direct']} --bridge none --exec-opt native.supervisor=direct")
    return load_busybox("direct")


def load_busybox(supervisor="systemd"):
    c = client(supervisor)
    if c.get("/images/busybox/json").status == 200:
        return c
    r = c.post("/images/create", pathlib.Path("/opt/tests/busybox.tar").read_bytes(), query={"fromSrc": "-", "repo": "busybox", "tag": "latest"},
               headers={"Content-Type": "application/x-tar"})
    if r.status != 200 or b'"error' in r.body:
        raise Failed(f"import of busybox: {r.status} {r.text[:300]}")
    return c


def started(c, name=None, **config):
    """A running container that the end of the test removes."""
    i = c.create(name=name, **config)
    if name is None:
        cleanup(c.remove, i)
    c.start(i)
    return i


def cgroup(container, c=None):
    """The container's own cgroup directory."""
    pid = (c or client()).inspect(container)["State"]["Pid"]
    path = pathlib.Path(f"/proc/{pid}/cgroup").read_text().strip().split("::", 1)[1]
    return pathlib.Path("/sys/fs/cgroup" + path)
