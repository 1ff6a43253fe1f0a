# SPDX-License-Identifier: Apache-2.0
"""Debian root file systems for the host, vm and bench suites, made with mmdebstrap and cached.

Not the boot: that is host.py (systemd-nspawn) and vm.py (qemu)."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import cache
from harness import Skip

# What a host needs beside the daemon's own libraries.
HOST_PACKAGES = """
    systemd systemd-sysv libpam-systemd dbus polkitd runc crun iproute2 nftables iputils-ping kmod procps
    busybox-static tini python3 openssl ca-certificates passwd login e2fsprogs
""".split()

# The libraries the daemon is linked with; Host.install() names any that is missing here.
LIBRARIES = {
    "bookworm": """libsystemd0 libmicrohttpd12 libgnutls30 libjson-c5 libmount1 libsqlite3-0 libcurl4 libarchive13
                   libssl3 libzstd1 zlib1g libmnl0 libnftables1 libseccomp2 libcap2 libacl1""".split(),
    "trixie": """libsystemd0 libmicrohttpd12t64 libgnutls30t64 libjson-c5 libmount1 libsqlite3-0 libcurl4t64
                 libarchive13t64 libssl3t64 libzstd1 zlib1g libmnl0 libnftables1 libseccomp2 libcap2
                 libacl1""".split(),
}
LIBRARIES["sid"] = LIBRARIES["trixie"]

PEER_PACKAGES = """
    systemd systemd-sysv dbus docker.io docker-cli containerd runc crun iproute2 iptables nftables kmod procps
    busybox-static tini python3 ca-certificates passwd login
""".split()


def os_codename():
    with open("/etc/os-release") as f:
        m = re.search(r"^VERSION_CODENAME=(\S+)", f.read(), re.M)
    return m.group(1) if m else "bookworm"


def mmdebstrap(suite, packages, target, extra=()):
    if not shutil.which("mmdebstrap"):
        raise Skip("mmdebstrap is not installed (apt-get install mmdebstrap)")
    command = ["mmdebstrap", "--variant=minbase", "--mode=root", "--quiet",
               "--aptopt=Acquire::Check-Valid-Until \"false\"", "--aptopt=Acquire::Retries \"3\"",
               "--aptopt=APT::Install-Recommends \"false\"", "--dpkgopt=path-exclude=/usr/share/doc/*",
               "--dpkgopt=path-exclude=/usr/share/locale/*", "--include=" + ",".join(packages),
               *extra, suite, str(target)]
    print(f"making a {suite} root file system ({len(packages)} packages), a few minutes once ...",
          file=sys.stderr, flush=True)
    r = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if r.returncode != 0:
        cache.remove_tree(target)
        last = [line for line in r.stderr.splitlines() if line.startswith(("E:", "Err:"))] or [r.stderr[-300:]]
        raise Skip(f"mmdebstrap {suite} failed: {last[-1]}")


def _finish(root):
    """What every root gets: a password-less root, no services that only cost time."""
    root = pathlib.Path(root)
    (root / "etc/hostname").write_text("testhost\n")
    (root / "etc/fstab").write_text("")
    wants = root / "etc/systemd/system"
    for unit in ("systemd-networkd-wait-online.service", "e2scrub_reap.service", "apt-daily.timer",
                 "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer",
                 "systemd-firstboot.service", "getty@tty1.service", "console-getty.service"):
        link = wants / unit
        if not link.is_symlink():
            link.symlink_to("/dev/null")
    # apt's lists and packages are only weight here.
    for sub in ("var/cache/apt/archives", "var/lib/apt/lists"):
        cache.remove_tree(root / sub)


# Firewalls that administrators use; in a root of their own, where both are off until a test starts one.
FIREWALL_PACKAGES = "ufw firewalld iptables python3-nftables".split()


def host_suite():
    suite = os.environ.get("DOCKERD_TESTS_ROOT") or os_codename()
    if suite not in ("bookworm", "trixie", "sid"):
        suite = "trixie"
    return suite


def firewall_root():
    """The root file system of host_root() with ufw and firewalld, neither of which is enabled."""
    suite = host_suite()
    packages = HOST_PACKAGES + sorted(LIBRARIES[suite]) + FIREWALL_PACKAGES

    def make(tmp):
        mmdebstrap(suite, packages, tmp)
        _finish(tmp)
        for unit in ("ufw.service", "firewalld.service"):
            for link in (pathlib.Path(tmp) / "etc/systemd/system").rglob(unit):
                link.unlink()
        alias = pathlib.Path(tmp) / "etc/systemd/system/dbus-org.fedoraproject.FirewallD1.service"
        if alias.is_symlink():
            alias.unlink()

    return cache.cached("root-firewall-" + suite, cache.key_of("v1", suite, *packages), make)


def host_root():
    """The root file system of the machine's own Debian release, or the one of DOCKERD_TESTS_ROOT, for the host and vm suites."""
    suite = host_suite()
    packages = HOST_PACKAGES + sorted(LIBRARIES[suite])

    def make(tmp):
        mmdebstrap(suite, packages, tmp)
        _finish(tmp)

    return cache.cached("root-" + suite, cache.key_of("v1", suite, *packages), make)


def peer_root():
    """A Debian sid root with the other engine (docker.io 28) and a newer crun, to measure against."""
    packages = PEER_PACKAGES + LIBRARIES["sid"]

    def make(tmp):
        mmdebstrap("sid", packages, tmp)
        _finish(tmp)
        for unit in ("docker.service", "docker.socket", "containerd.service"):
            link = pathlib.Path(tmp) / "etc/systemd/system/multi-user.target.wants" / unit
            if link.is_symlink():
                link.unlink()

    return cache.cached("root-peer", cache.key_of("v1", *packages), make)


if __name__ == "__main__":
    which = sys.argv[1] if len(sys.argv) > 1 else "host"
    try:
        print(peer_root() if which == "peer" else host_root())
    except Skip as e:
        sys.exit(f"skipped: {e}")
