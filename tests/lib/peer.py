# SPDX-License-Identifier: Apache-2.0
"""The other engine (Debian sid's docker.io) on a host of its own, as the reference the suites can be run against:
a test that fails there is a wrong test."""

import os
import pathlib
import tempfile

import cache
import harness
import roots
from client import Client
from daemon import Daemon
from host import Host


class Peer:
    """What the suites need of a Daemon, for an engine that is not ours."""

    def __init__(self):
        self.host_system = Host(roots.peer_root())
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dt-peer-"))
        self.is_ours = False
        self.containers = set()
        self.host_system.boot()
        self.host_system("systemctl start docker.service", timeout=120)
        self.address = "unix://" + self.host_system.socket("/run/docker.sock")
        self.host = self.address

    def client(self, version=None, timeout=60):
        return Client(self.address, version, timeout=timeout)

    load_busybox = Daemon.load_busybox

    def running(self):
        return True

    def check_clean(self, ids=(), timeout=5):
        pass

    def check_log(self):
        pass

    def destroy(self):
        self.host_system.destroy()
        cache.remove_tree(self.dir)


def engine(kind="release", *args, **kw):
    """The engine of a suite: ours, or the peer where DOCKERD_TESTS_PEER is set. It lives to the end of the suite."""
    if os.environ.get("DOCKERD_TESTS_PEER"):
        return Peer()
    d = Daemon(*args, kind=kind, **kw)
    d.is_ours = True
    harness.CLEANUPS.clear()
    d.start()
    return d
