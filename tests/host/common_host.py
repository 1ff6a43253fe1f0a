# SPDX-License-Identifier: Apache-2.0
"""One host with systemd for the suite: the build installed as a package would be, nothing started."""

import re

import harness
import images
import roots
from daemon import build_dir, need_root
from harness import Failed, Skip, eventually
from host import Host

HOST = None


def before():
    global HOST
    need_root()
    build = build_dir("release")
    HOST = new_host(build)


def new_host(build=None, boot=True):
    h = Host(roots.host_root())
    try:
        h.install(build or build_dir("release"))
        h.install_cli()
        drop_old_crun(h)
        h.put_share("busybox.tar", images.busybox_tar())
        if boot:
            h.boot()
            h.put_share("ready", "")
    except BaseException:
        h.destroy()
        raise
    return h


def drop_old_crun(h):
    """crun before 1.21 does not start a container where CAP_SYS_RESOURCE is missing, which no engine can help."""
    with open("/proc/self/status") as f:
        bounding = int(re.search(r"CapBnd:\s+(\S+)", f.read()).group(1), 16)
    version = re.search(r"version (\d+)\.(\d+)", h.chroot("crun", "--version", check=False).stdout)
    if not bounding & 1 << 24 and version and (int(version.group(1)), int(version.group(2))) < (1, 21):
        h.chroot("rm", "/usr/bin/crun")


def after():
    if HOST is not None:
        HOST.destroy()


def host():
    """The host, with the socket started and the busybox image there; containers of the test are removed at its end."""
    HOST.try_("systemctl", "reset-failed", "dockerd.service", "dockerd.socket")      # their start limits too
    if HOST.try_("systemctl", "is-active", "dockerd.socket").stdout.strip() != "active":
        HOST("systemctl", "start", "dockerd.socket")
    if HOST.try_("docker", "image", "inspect", "busybox").returncode != 0:
        HOST("docker", "import", "--change", 'CMD ["sh"]', "/run/share-with-tests/busybox.tar", "busybox")
    harness.cleanup(remove_all)
    return HOST


def remove_all():
    HOST.try_("systemctl", "start", "dockerd.socket")
    ids = HOST("docker ps -aq").split()
    if ids:
        HOST("docker", "rm", "-f", *ids)


def main_pid(h):
    return int(h.unit("dockerd.service", "MainPID")["MainPID"])


def cursor(h):
    """A place in the journal: entries() after it are of this test only."""
    h.try_("journalctl", "--sync")
    return h("journalctl -n 0 --show-cursor -q").removeprefix("-- cursor: ")


def entries(h, since, **fields):
    """Journal entries after the cursor. journalctl 252 loses the first one if it filters them itself."""
    h.try_("journalctl", "--sync")
    return [e for e in h.journal(f"--after-cursor={since}") if all(e.get(k) == v for k, v in fields.items())]
