# SPDX-License-Identifier: Apache-2.0
"""Boots one virtual machine three times: limits; after a reboot; after a power cut. The tests themselves run inside
(tests/vm/inside/), started by a unit; their results come over the serial console and are reported here one by one."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import time

import harness
import images
import roots
import vm
from daemon import build_dir, need_root
from harness import Failed, Skip
from host import Host

HERE = pathlib.Path(__file__).resolve().parent
STAGES = ("1_limits", "2_reboot", "3_power_cut")
RESULTS = {}                    # name: (verdict, reason)
MACHINE = None
BROKEN = {}                     # stage: why it did not run to its end

UNIT = """[Unit]
Description=Tests inside of the virtual machine
After=dockerd.socket
Requires=dockerd.socket
[Service]
Type=exec
ExecStart=/usr/bin/python3 -B /opt/tests/vm/inside/run
StandardOutput=file:/dev/ttyS0
StandardError=file:/dev/ttyS0
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
"""


def tree():
    """The disk's content: root file system, kernel modules, our build, the tests."""
    kernel = vm.kernel()
    h = Host(f"{kernel / 'modules'}:{roots.host_root()}")
    h.install(build_dir("release"))
    h.install_cli()
    shutil.copytree(HERE.parent / "lib", h.root / "opt/tests/lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "inside", h.root / "opt/tests/vm/inside", ignore=shutil.ignore_patterns("__pycache__"))
    (h.root / "opt/tests/busybox.tar").write_bytes(images.busybox_tar())
    h.write("/etc/systemd/system/tests.service", UNIT)
    h.write("/etc/docker/daemon.json", '{"log-level": "debug"}\n')
    h.chroot("systemctl", "enable", "tests.service", "dockerd.socket", "dockerd.service")
    # Nobody is waiting on a console; the kernel's is for the results.
    h.chroot("systemctl", "mask", "serial-getty@ttyS0.service", "systemd-networkd.service")
    return h


def before():
    global MACHINE
    need_root()
    vm.need_qemu()
    build_dir("release")
    begin = time.monotonic()
    h = tree()
    try:
        MACHINE = vm.Machine(h.root)
    finally:
        h.destroy()
    print(f"     disk made in {time.monotonic() - begin:.0f} s", flush=True)
    answered = []
    for stage in STAGES:
        begin = time.monotonic()
        if stage == "3_power_cut":
            MACHINE.write_note(json.dumps(answered))
        MACHINE.start(stage)
        if stage == "2_reboot":
            # The inside creates containers until the power goes; what it got an answer for is on the console.
            if MACHINE.wait(420, r"(?m)^answered 40 "):
                MACHINE.power_cut()
                answered = re.findall(r"^answered \d+ (\S+)$", MACHINE.text(), re.M)
            elif MACHINE.process.poll() is None:
                MACHINE.power_cut()
                BROKEN[stage] = "the machine did not get to the point of the power cut"
        elif not MACHINE.wait(480):
            MACHINE.power_cut()
            BROKEN[stage] = "the machine did not power off in time"
        collect(stage)
        print(f"     stage {stage}: {time.monotonic() - begin:.0f} s", flush=True)
        if stage in BROKEN:
            tail = [line for line in MACHINE.text().splitlines() if line.strip()][-3:]
            BROKEN[stage] += "; console: " + " | ".join(tail)[-300:]
            break


def collect(stage):
    for verdict, name, reason in re.findall(rf"^(ok|FAIL|skip) +({stage}:\S+) \([\d.]+ s\)(?:: (.*))?$", MACHINE.text(), re.M):
        RESULTS[name] = (verdict, reason)


def after():
    if MACHINE is not None:
        MACHINE.destroy()


def report(name):
    stage = name.split(":")[0]
    if name not in RESULTS:
        stopped = next((f"stage {s}: {BROKEN[s]}" for s in STAGES if s in BROKEN), f"stage {stage} gave no result")
        raise Failed(f"did not run: {stopped}")
    verdict, reason = RESULTS[name]
    if verdict == "skip":
        raise Skip(reason)
    if verdict == "FAIL":
        raise Failed(reason)
