# SPDX-License-Identifier: Apache-2.0
"""A virtual machine in software emulation (qemu, no /dev/kvm needed): Debian's cloud kernel, pure cgroup v2 with every
controller, the same root file system as the host suite on an ext4 disk. Killing it is a power cut."""

import gzip
import io
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import cache
import images
import roots
from harness import Failed, Skip

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /mnt
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for m in $(/bin/busybox cat /modules.list); do /bin/busybox insmod /modules/$m; done
n=0
while [ ! -b /dev/vda ] && [ $n -lt 100 ]; do /bin/busybox sleep 0.1; n=$((n+1)); done
/bin/busybox mount -t ext4 /dev/vda /mnt || { echo "initramfs: no root disk"; /bin/busybox poweroff -f; }
/bin/busybox mount --move /dev /mnt/dev
/bin/busybox umount /proc /sys
exec /bin/busybox switch_root /mnt /sbin/init
"""


def need_qemu():
    if not shutil.which("qemu-system-x86_64"):
        raise Skip("qemu-system-x86_64 is not installed (apt-get install qemu-system-x86)")
    if not shutil.which("mke2fs") and not os.path.exists("/sbin/mke2fs"):
        raise Skip("mke2fs is not installed (apt-get install e2fsprogs)")


def kernel():
    """Directory with vmlinuz, initrd and modules/ (a /lib/modules tree), of Debian's cloud kernel."""
    def make(tmp):
        tmp.mkdir()
        r = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"], capture_output=True, text=True)
        m = re.search(r"Depends: (linux-image-\S+)", r.stdout)
        if not m:
            raise Skip("apt knows no linux-image-cloud-amd64 (apt-get update)")
        r = subprocess.run(["apt-get", "download", m.group(1)], cwd=tmp, capture_output=True, text=True)
        debs = list(tmp.glob("*.deb"))
        if not debs:
            raise Skip(f"apt-get download {m.group(1)} failed: {r.stderr.strip()[-200:]}")
        subprocess.run(["dpkg-deb", "-x", str(debs[0]), str(tmp / "x")], check=True)
        debs[0].unlink()
        shutil.copy(next((tmp / "x/boot").glob("vmlinuz-*")), tmp / "vmlinuz")
        source = next((tmp / "x").glob("**/lib/modules/*"))
        target = tmp / "modules/usr/lib/modules" / source.name
        target.parent.mkdir(parents=True)
        shutil.move(str(source), target)
        cache.remove_tree(tmp / "x")
        subprocess.run(["depmod", "-b", str(tmp / "modules/usr"), source.name], check=True)
        (tmp / "initrd").write_bytes(initramfs(target))

    return cache.cached("kernel", cache.key_of("v2", roots.os_codename(), INIT), make)


def initramfs(tree):
    """busybox and the modules that reach the disk, as a newc archive."""
    deps = {}
    for line in (tree / "modules.dep").read_text().splitlines():
        name, _, rest = line.partition(":")
        deps[re.sub(r"\.ko.*", "", os.path.basename(name)).replace("-", "_")] = (name, rest.split())
    order = []

    def add(name):
        if name not in deps:
            return                              # built in
        path, needs = deps[name]
        for need in reversed(needs):
            if need not in order:
                order.append(need)
        if path not in order:
            order.append(path)
    for name in ("virtio_pci", "virtio_blk", "ext4"):
        add(name)
    out = io.BytesIO()
    for number, (name, mode, data) in enumerate([("bin", 0o040755, b""), ("modules", 0o040755, b""), ("dev", 0o040755, b""),
                                                 ("bin/busybox", 0o100755, images.busybox_binary()[1]),
                                                 ("bin/sh", 0o120777, b"busybox"), ("init", 0o100755, INIT.encode()),
                                                 ("modules.list", 0o100644, "\n".join(os.path.basename(m) for m in order).encode())]
                                                + [("modules/" + os.path.basename(m), 0o100644, (tree / m).read_bytes()) for m in order]):
        _newc(out, number + 1, name, mode, data)
    _newc(out, 0, "TRAILER!!!", 0, b"")
    return gzip.compress(out.getvalue(), 6, mtime=0)


def _newc(out, inode, name, mode, data):
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    out.write(b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0")
    out.write(b"\0" * (-out.tell() % 4))
    out.write(data)
    out.write(b"\0" * (-out.tell() % 4))


class Machine:
    def __init__(self, root, size="3G"):
        """root: the tree that becomes the disk."""
        need_qemu()
        self.kernel = kernel()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dt-vm-", dir=os.environ.get("DOCKERD_TESTS_TMP", "/var/tmp")))
        self.disk = self.dir / "disk"
        self.note = self.dir / "note"           # a small second disk: what the outside tells the inside
        self.note.write_bytes(b"\0" * 1048576)
        self.process = None
        self.serial = None
        r = subprocess.run(["mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-d", str(root), str(self.disk), size],
                           capture_output=True, text=True)
        if r.returncode != 0:
            raise Failed(f"mke2fs: {r.stderr.strip()[-300:]}")

    def write_note(self, text):
        data = text.encode()
        self.note.write_bytes(data + b"\0" * (1048576 - len(data)))

    def start(self, stage):
        name = self.dir / f"serial-{stage}"
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048", "-display", "none",
                   "-nodefaults", "-no-reboot", "-serial", f"file:{name}", "-kernel", str(self.kernel / "vmlinuz"),
                   "-initrd", str(self.kernel / "initrd"), "-append",
                   f"console=ttyS0 panic=-1 quiet loglevel=3 systemd.show_status=0 dockerd.stage={stage} mitigations=off",
                   "-drive", f"file={self.disk},if=virtio,format=raw,cache=writeback",
                   "-drive", f"file={self.note},if=virtio,format=raw,readonly=on"]
        if os.environ.get("DOCKERD_TESTS_KVM"):
            # Never by itself: a /dev/kvm may be there and not work (a container on a machine that is virtual itself).
            command[1:5] = ["-accel", "kvm", "-cpu", "host"]
        self.serial = name
        name.write_bytes(b"")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def text(self):
        return self.serial.read_text(errors="replace").replace("\r", "")

    def wait(self, timeout, until=None):
        """Until the machine is off, or the pattern is on its console."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if until and re.search(until, self.text()):
                return True
            if self.process.poll() is not None:
                if self.process.returncode != 0:
                    raise Failed(f"qemu ended with {self.process.returncode}: {self.process.stderr.read().decode()[-300:]}")
                return not until or bool(re.search(until, self.text()))
            time.sleep(0.1)
        return False

    def power_cut(self):
        self.process.kill()
        self.process.wait()

    def destroy(self):
        if self.process is not None and self.process.poll() is None:
            self.power_cut()
        if os.environ.get("DOCKERD_TESTS_KEEP"):
            print(f"     kept {self.dir}", flush=True)
        else:
            cache.remove_tree(self.dir)
