# SPDX-License-Identifier: Apache-2.0
"""Attacks: what a container gets by default, hostile images at the start, descriptors and secrets of our processes,
names that are paths, and clients that take all there is. The numbers are Docker's, measured on the reference."""

import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import sys
import tarfile
import threading
import time

import common_api
import images
from common_api import client, only_ours, own_daemon
from daemon import runtime_path
from harness import Skip, cases, check, cleanup, contains, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}
DEFAULT_CAPABILITIES = "00000000a80425fb"
SECRET = "hunter2-not-for-others"

# Runs in a container: "probe call NUMBER ARGUMENT..." and "probe device TYPE MAJOR MINOR" print the error's name or 0;
# "probe exe NAME" is the attacker of CVE-2019-5736.
PROBE = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, long r) {
        printf("%s %s\n", what, r < 0 ? strerrorname_np(errno) : "0");
        fflush(stdout);
}

static void call(char **v, int n) {
        long a[6] = {}, r;

        for (int i = 1; i < n && i < 7; i++)
                a[i - 1] = strtol(v[i], NULL, 0);
        r = syscall(atol(v[0]), a[0], a[1], a[2], a[3], a[4], a[5]);
        if (r == 0 && atol(v[0]) == SYS_clone)
                _exit(0);
        say(v[0], r);
}

static void device(char **v) {
        unlink("/tmp/node");
        if (mknod("/tmp/node", (*v[0] == 'b' ? S_IFBLK : S_IFCHR) | 0600, makedev(atoi(v[1]), atoi(v[2]))) < 0)
                say("mknod", -1);
        else
                say("open", open("/tmp/node", O_RDONLY | O_NONBLOCK));
}

/* Opens the program of every other process, and writes to it as soon as it can. */
static void overwrite(const char *seconds) {
        time_t end = time(NULL) + atoi(seconds);
        char path[300];

        say("ready", 0);
        while (time(NULL) < end) {
                DIR *d = opendir("/proc");

                for (struct dirent *e; d && (e = readdir(d));) {
                        int fd, out;

                        if (atoi(e->d_name) <= 1 || atoi(e->d_name) == getpid())
                                continue;
                        snprintf(path, sizeof(path), "/proc/%s/exe", e->d_name);
                        fd = open(path, O_RDONLY);
                        if (fd < 0)
                                continue;
                        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                        for (int i = 0; i < 2000 && (out = open(path, O_WRONLY)) < 0; i++)
                                usleep(100);
                        if (out >= 0) {
                                say("write", write(out, "#!/bin/false\n", 13));
                                close(out);
                        }
                        close(fd);
                }
                closedir(d);
        }
}

int main(int argc, char **argv) {
        if (argc > 2 && strcmp(argv[1], "call") == 0)
                call(argv + 2, argc - 2);
        else if (argc == 5 && strcmp(argv[1], "device") == 0)
                device(argv + 2);
        else if (argc == 3 && strcmp(argv[1], "exe") == 0)
                overwrite(argv[2]);
        else
                return 1;
        return 0;
}
"""


@functools.cache
def probe_program():
    source = pathlib.Path(common_api.ENGINE.dir) / "probe.c"
    source.write_text(PROBE)
    program = source.with_suffix("")
    r = subprocess.run(["cc", "-static", "-O1", "-o", str(program), str(source)], capture_output=True, text=True)
    if r.returncode != 0:
        raise Skip(f"no static C compiler: {r.stderr.strip()[-200:]}")
    return program.read_bytes()


def load(c, layers, name, **options):
    r = c.post("/images/load", images.docker_archive(layers, [name], **options), headers={"Content-Type": "application/x-tar"})
    if r.status != 200:
        return r.message
    return next((line["error"] for line in r.lines() if "error" in line), None)


def forget(name):
    common_api.ENGINE.client().delete(f"/images/{name}", query={"force": 1})


def probe_image():
    c = client()
    if c.get("/images/probe:1/json").status != 200:
        top = images.TarWriter().add("bin/probe", probe_program(), mode=0o755).bytes()
        equal(load(c, [images.busybox_tar(), top], "probe:1"), None, "error of loading")
    return c


def run(c, script, image="busybox", **kw):
    code, out, err = c.run(script, image, **kw)
    equal(code, 0, f"exit code ({err!r})")
    return out


# What a container is by default.

@test
def rights_of_a_process():
    out = run(client(), "cat /proc/self/status; echo OomScore: $(cat /proc/self/oom_score_adj)")
    got = dict(re.findall(r"^(\w+):[ \t]*(.*?) *$", out, re.M))
    wanted = {"CapInh": "0" * 16, "CapPrm": DEFAULT_CAPABILITIES, "CapEff": DEFAULT_CAPABILITIES, "CapBnd": DEFAULT_CAPABILITIES,
              "CapAmb": "0" * 16, "NoNewPrivs": "0", "Seccomp": "2", "Seccomp_filters": "1", "Umask": "0022", "Uid": "0\t0\t0\t0",
              "Gid": "0\t0\t0\t0", "Groups": "0 10", "OomScore": "0"}
    equal({k: got[k] for k in wanted}, {**wanted, "Groups": got["Groups"]}, "rights")
    contains(f" {got['Groups']} ", " 0 ", "groups")


@cases([
    # CVE-2022-36109: the own group is one of the supplementary ones, so that giving it up changes nothing.
    ("root", "0", [], "0"), ("name", "user", [], "10 1000"), ("name and group", "user:wheel", [], "10"), ("group added", "user:wheel", ["77"], "10 77"),
    ("unknown user", "4711:4712", [], "4712"),
])
def own_group_is_supplementary(user, add, groups):
    out = run(client(), "grep Groups /proc/self/status", User=user, host={"GroupAdd": add})
    equal(sorted(out.split()[1:]), sorted(groups.split()), "supplementary groups")


@test
def a_user_has_no_capabilities():
    out = run(client(), "grep Cap /proc/self/status", User="user")
    equal(dict(line.split(":\t") for line in out.splitlines()),
          {"CapInh": "0" * 16, "CapPrm": "0" * 16, "CapEff": "0" * 16, "CapBnd": DEFAULT_CAPABILITIES, "CapAmb": "0" * 16}, "capabilities")


@cases([("/proc", "/proc", "proc", "rw nosuid nodev noexec"), ("/dev", "/dev", "tmpfs", "rw nosuid", "size=65536k mode=755"),
        ("/dev/pts", "/dev/pts", "devpts", "rw nosuid noexec", "gid=5 mode=620 ptmxmode=666"), ("/sys", "/sys", "sysfs", "ro nosuid nodev noexec"),
        ("/dev/mqueue", "/dev/mqueue", "mqueue", "rw nosuid nodev noexec"), ("/dev/shm", "/dev/shm", "tmpfs", "rw nosuid nodev noexec", "size=65536k"),
        ("/proc/bus", "/proc/bus", "proc", "ro nosuid nodev noexec"), ("/proc/fs", "/proc/fs", "proc", "ro nosuid nodev noexec"), ("/proc/irq", "/proc/irq", "proc", "ro nosuid nodev noexec"),
        ("/proc/sys", "/proc/sys", "proc", "ro nosuid nodev noexec"), ("/proc/sysrq-trigger", "/proc/sysrq-trigger", "proc", "ro nosuid nodev noexec"),
        ("/proc/acpi", "/proc/acpi", "tmpfs", "ro"), ("/proc/scsi", "/proc/scsi", "tmpfs", "ro"), ("/sys/firmware", "/sys/firmware", "tmpfs", "ro"), ("/proc/interrupts", "/proc/interrupts", "tmpfs", "rw nosuid"),
        ("/proc/kcore", "/proc/kcore", "tmpfs", "rw nosuid"), ("/proc/keys", "/proc/keys", "tmpfs", "rw nosuid"), ("/proc/timer_list", "/proc/timer_list", "tmpfs", "rw nosuid")])
def flags_of_a_mount(path, kind, flags, options=""):
    out = run(client(), f"test -e {path} && grep ' {path} ' /proc/self/mountinfo || echo none")
    if out == "none\n" and not os.path.exists(path):
        raise Skip(f"this kernel has no {path}")
    fields = out.strip().split()
    equal(fields[4], path, "mount point")
    equal(fields[fields.index("-") + 1], kind, "type")
    equal([f for f in fields[5].split(",") if f not in ("relatime", "noatime")], flags.split(), "flags")
    for o in options.split():
        check(o in fields[-1].split(","), f"{path} has no {o}: {fields[-1]}")


@test
def masked_paths_are_empty():
    paths = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
             "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap"]
    paths += [str(p) for p in pathlib.Path("/sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle")]
    out = run(client(), f"for p in {' '.join(paths)}; do if [ -d $p ]; then ls -A $p; else head -c 100 $p 2>/dev/null; fi; done; true")
    equal(out, "", "what can be read of the masked paths")


@test
def kernel_settings_cannot_be_written():
    script = "for p in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/panic_on_oom /proc/sysrq-trigger /proc/irq/default_smp_affinity " \
             "/sys/kernel/uevent_helper /sys/kernel/mm/ksm/run /sys/class/net/lo/mtu /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent " \
             "/sys/fs/cgroup/cgroup.procs /proc/1/oom_score_adj_not; do [ -e $p ] && (echo 1 > $p) 2>/dev/null && echo $p; done; " \
             "mount -o remount,rw /proc/sys 2>/dev/null && echo remount; umount /proc/kcore 2>/dev/null && echo umount; " \
             "mount -t proc proc /tmp 2>/dev/null && echo proc; test -e /sys/fs/cgroup/cgroup.procs && mkdir /sys/fs/cgroup/x 2>/dev/null && echo cgroup; true"
    equal(run(client(), script), "", "what could be written")


X86 = {"open_by_handle_at": 304, "add_key": 248, "request_key": 249, "keyctl": 250, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
       "userfaultfd": 323, "bpf": 321, "mount": 165, "umount2": 166, "pivot_root": 155, "unshare": 272, "setns": 308, "clone": 56, "clone3": 435,
       "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320, "perf_event_open": 298, "swapon": 167,
       "swapoff": 168, "reboot": 169, "settimeofday": 164, "clock_settime": 227, "acct": 163, "quotactl": 179, "iopl": 172, "ioperm": 173, "sethostname": 170,
       "setdomainname": 171, "syslog": 103, "vhangup": 153, "lookup_dcookie": 212, "fanotify_init": 300, "move_mount": 429, "open_tree": 428, "fsopen": 430,
       "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442, "move_pages": 279, "mbind": 237, "set_mempolicy": 238, "get_mempolicy": 239,
       "pidfd_getfd": 438, "kcmp": 312, "process_madvise": 440, "nfsservctl": 180, "uselib": 134, "ustat": 136, "sysfs": 139, "_sysctl": 156,
       "socket": 41, "personality": 135}
EPERM_ALWAYS = [n for n in X86 if n not in ("clone", "clone3", "socket", "personality", "unshare")]


@test
def system_calls_of_the_default_profile():
    """The filter answers before the kernel looks at arguments, so that EPERM is the filter's word."""
    if os.uname().machine != "x86_64":
        raise Skip("the numbers are those of x86_64")
    c = probe_image()
    rows = [(n, (), "EPERM") for n in EPERM_ALWAYS]
    rows += [("unshare", (flag,), "EPERM") for flag in ("0x10000000", "0x20000")] + [("clone3", (0, 0), "ENOSYS")]
    rows += [("clone", (hex(flag | 17), 0, 0, 0, 0), "EPERM") for flag in (0x10000000, 0x00020000, 0x40000000, 0x02000000)]
    rows += [("clone", ("17", 0, 0, 0, 0), "0"), ("socket", (38, 5, 0), "EPERM"), ("socket", (40, 1, 0), "EPERM"), ("socket", (2, 1, 0), "0"),
             ("socket", (16, 3, 0), "0"), ("personality", ("0xffffffff",), "0"), ("personality", ("0x0040000",), "EPERM"), ("personality", ("0x8",), "0")]
    if not common_api.ENGINE.is_ours:
        rows = [r for r in rows if r[:2] != ("socket", (38, 5, 0))]      # AF_ALG is refused since CVE-2026-31431
    script = "\n".join(f"probe call {X86[n]} {' '.join(map(str, a))}" for n, a, _ in rows)
    out = run(c, script, image="probe:1")
    got = [line.split()[1] for line in out.splitlines()]
    equal([(n, a, g) for (n, a, w), g in zip(rows, got) if g != w], [], "calls with another result")


@test
def devices_that_cannot_be_opened():
    c = probe_image()
    rows = [("c", 1, 1, "EPERM"), ("c", 1, 2, "EPERM"), ("c", 1, 4, "EPERM"), ("c", 1, 11, "EPERM"), ("c", 10, 229, "EPERM"), ("c", 10, 232, "EPERM"),
            ("c", 10, 237, "EPERM"), ("b", 7, 0, "EPERM"), ("b", 8, 0, "EPERM"), ("b", 254, 0, "EPERM"), ("b", 259, 0, "EPERM"), ("c", 4, 0, "EPERM"),
            ("c", 1, 3, "0"), ("c", 1, 5, "0"), ("c", 1, 7, "0"), ("c", 1, 8, "0"), ("c", 1, 9, "0")]
    if not os.path.isdir("/sys/fs/cgroup/devices"):
        rows = [r for r in rows if r[3] == "0"] or rows
    out = run(c, "\n".join(f"probe device {t} {a} {b}" for t, a, b, _ in rows), image="probe:1")
    equal(out.splitlines(), [f"open {wanted}" for *_, wanted in rows], "results")


# Hostile images at the start.

SYM, DIR = tarfile.SYMTYPE, tarfile.DIRTYPE


def layer(*entries):
    t = images.TarWriter()
    for name, options in entries:
        t.add(name, **({"data": options} if isinstance(options, str) else options))
    return t.bytes()


def link(target):
    return dict(kind=SYM, link=target)


class Sentinel:
    """A directory of the host with one file that nobody may read or change."""

    def __init__(self):
        self.dir = pathlib.Path(common_api.ENGINE.dir) / "sentinel"
        self.dir.mkdir(exist_ok=True)
        cleanup(shutil.rmtree, self.dir)
        self.file = self.dir / "file"
        self.file.write_text(SECRET)
        os.chmod(self.file, 0o666)
        os.chmod(self.dir, 0o777)
        self.mounts = self.host_mounts()

    @staticmethod
    def host_mounts():
        return [line.split()[4] for line in open("/proc/self/mountinfo") if "/netns/" not in line]

    def check(self, out=""):
        equal(sorted(p.name for p in self.dir.iterdir()), ["file"], "files in a directory of the host")
        equal(self.file.read_text(), SECRET, "content of a file of the host")
        equal(oct(self.file.stat().st_mode & 0o7777), "0o666", "mode of a file of the host")
        check(SECRET not in out, f"the container could read a file of the host: {out!r}")
        equal(self.host_mounts(), self.mounts, "mounts of the host")


# A file of the host by way of every link of the container that might lead out: read, then written.
RAID = "for p in /etc/hosts /etc/hostname /etc/resolv.conf /dev/null /dev/console /dev/shm/file /dev/mqueue/file /target/file /w/file; do " \
       "timeout 1 cat $p 2>/dev/null; echo bad 2>/dev/null >$p; done; touch /etc/x /dev/x /dev/shm/x /target/x /w/x 2>/dev/null; rm -rf /target/file; true"


@cases([
    ("hosts", [("etc/hosts", "FILE")], {}), ("hostname", [("etc/hostname", "FILE")], {}), ("resolv.conf", [("etc/resolv.conf", "FILE")], {}),
    ("etc", [("etc", "DIR")], {}), ("dev", [("dev", "DIR")], {}), ("dev to root", [("dev", "/")], {}), ("proc", [("proc", "DIR")], {}),
    ("proc to sys", [("proc", "/sys")], {}), ("sys", [("sys", "DIR")], {}), ("sys to proc", [("sys", "/proc")], {}), ("shm", [("dev/shm", "DIR")], {}),
    ("mqueue", [("dev/mqueue", "DIR")], {}), ("pts", [("dev/pts", "DIR")], {}), ("null", [("dev/null", "FILE")], {}), ("console", [("dev/console", "FILE")], {}),
    ("console with a terminal", [("dev/console", "FILE")], dict(Tty=True)), ("ptmx", [("dev/ptmx", "FILE")], dict(Tty=True)),
    ("null to core_pattern", [("dev/null", "/proc/sys/kernel/core_pattern")], {}), ("proc of another", [("etc/hosts", "/proc/1/root/SENTINEL/file")], {}),
    ("relative", [("etc/hosts", "../../../../../../../../SENTINEL/file")], {}), ("cgroup", [("sys/fs/cgroup", "DIR")], {}),
    ("work directory", [("w", "DIR")], dict(WorkingDir="/w/new")), ("work directory relative", [("w", "../../../../../SENTINEL")], dict(WorkingDir="/w/new/er")),
    ("bind", [("target", "DIR")], dict(host={"Binds": ["SHARE:/target/x"]})), ("bind at a link", [("target", "DIR")], dict(host={"Binds": ["SHARE:/target"]})),
    ("bind of a file", [("target", "DIR")], dict(host={"Binds": ["SHARE/f:/target/file"]})), ("tmpfs", [("target", "DIR")], dict(host={"Tmpfs": {"/target/x": ""}})),
    ("tmpfs at a link", [("target", "DIR")], dict(host={"Tmpfs": {"/target": ""}})),
    ("mount", [("target", "DIR")], dict(host={"Mounts": [{"Type": "bind", "Source": "SHARE", "Target": "/target/x"}]})),
    ("init", [("sbin", "DIR")], dict(host={"Init": True})), ("device", [("dev", "DIR")], dict(host={"Devices": [{"PathOnHost": "/dev/full"}]})),
    ("passwd", [("etc/passwd", "FILE")], dict(User="0")), ("passwd is a device", [("etc/passwd", None)], dict(User="0")),
    ("read-only root", [("etc/hosts", "FILE")], dict(host={"ReadonlyRootfs": True})),
])
def links_of_an_image(entries, config):
    """CVE-2025-31133, CVE-2025-52565, CVE-2025-52881 and kin: where the engine and the runtime mount, the image has links out."""
    only_ours()
    c = client()
    s = Sentinel()
    share = pathlib.Path(common_api.ENGINE.dir) / "share"
    share.mkdir(exist_ok=True)
    (share / "f").write_text("shared")

    def fill(text):
        return {"FILE": str(s.file), "DIR": str(s.dir)}.get(text, text.replace("SENTINEL", str(s.dir).lstrip("/")))
    config = json.loads(json.dumps(config).replace("SHARE", str(share)))
    top = layer(*((name, link(fill(target)) if target else dict(kind=tarfile.CHRTYPE, major=10, minor=130)) for name, target in entries))
    equal(load(c, [images.busybox_tar(), top], "links:1"), None, "error of loading")
    cleanup(forget, "links:1")
    i = c.create("links:1", cmd=RAID, **{**config, "host": {**NONE, **config.get("host", {})}})
    r = c.post(f"/containers/{i}/start")
    out = ""
    if r.status == 204:
        c.wait(i)
        out = c.get(f"/containers/{i}/logs", query={"stdout": 1, "stderr": 1}).body.decode(errors="replace")
    s.check(out)
    c.remove(i)
    s.check()


@test(timeout=180)
def mount_target_swapped_during_the_start():
    """CVE-2021-30465: a container that shares a directory swaps the place of another one's mount for a link to the root."""
    only_ours()
    c = client()
    s = Sentinel()
    shared = pathlib.Path(common_api.ENGINE.dir) / "swap"
    shared.mkdir()
    cleanup(shutil.rmtree, shared)
    (shared / "a").mkdir()
    (shared / "b").symlink_to(s.dir)
    (shared / "mark").write_text("")
    attacker = c.create(cmd="cd /s; while :; do mv -T a t; mv -T b a; mv -T t b; mv -T a t; mv -T b a; mv -T t b; done", host={**NONE, "Binds": [f"{shared}:/s"]})
    c.start(attacker)
    codes = set()
    for _ in range(25):
        i = c.create(cmd="cat /s/a/file /s/a/t/file 2>/dev/null; touch /s/a/x /s/a/t/x 2>/dev/null; true",
                     host={**NONE, "Binds": [f"{shared}:/s", f"{shared}:/s/a/t"]})
        r = c.post(f"/containers/{i}/start")
        codes.add(r.status)
        if r.status == 204:
            c.wait(i)
            s.check(c.logs(i)[0].decode(errors="replace"))
        s.check()
        c.remove(i)
    check(codes <= {204, 400, 500}, f"statuses of the starts are {codes}")
    c.remove(attacker)
    s.check()


@cases([("command", ["/proc/self/exe"], {}), ("script", ["/script"], {}), ("library", ["/proc/self/exe"], {"Env": ["LD_PRELOAD=/evil.so", "LD_LIBRARY_PATH=/"]})])
def program_of_the_runtime(cmd, config):
    """CVE-2019-5736: the container runs the runtime again, and another process of its namespace tries to overwrite it."""
    runtime = common_api.ENGINE.dir / "own-runtime"
    shutil.copy(runtime_path(), runtime)
    d = own_daemon(config={"runtimes": {"own": {"path": str(runtime)}}, "default-runtime": "own"}).start()
    programs = [runtime, d.binary, d.binary.parent / "dockerd-shim", d.binary.parent / "dockerd-worker"]
    programs = [p for p in programs if p.exists()] or programs
    before = [hashlib.sha256(p.read_bytes()).hexdigest() for p in programs]
    c = d.client()
    top = layer(("bin/probe", dict(data=probe_program(), mode=0o755)), ("script", dict(data="#!/proc/self/exe\n", mode=0o755)),
                ("evil.so", dict(data=probe_program(), mode=0o755)))
    equal(load(c, [images.busybox_tar(), top], "exe:1"), None, "error of loading")
    attacker = c.create("exe:1", cmd=["probe", "exe", "8"], host=NONE)
    c.start(attacker)
    eventually(lambda: b"ready" in c.logs(attacker)[0], "the attacker runs", 10)
    for _ in range(6):
        i = c.create("exe:1", cmd=cmd, host={**NONE, "PidMode": f"container:{attacker}"}, **config)
        if c.post(f"/containers/{i}/start").status == 204:
            c.wait(i)
        c.remove(i)
    c.wait(attacker)
    equal([hashlib.sha256(p.read_bytes()).hexdigest() for p in programs], before, f"programs of the host ({c.logs(attacker)[0][-200:]!r})")
    c.remove(attacker)


@cases([("directly", lambda n: f"/proc/self/fd/{n}"), ("thread", lambda n: f"/proc/thread-self/fd/{n}"), ("process 1", lambda n: f"/proc/1/fd/{n}"),
        ("link", lambda n: f"/fd{n}")])
def leaked_descriptor_as_work_directory(path):
    """CVE-2024-21626: a directory of the host that the runtime, the shim or the daemon had open."""
    only_ours()
    c = client()
    s = Sentinel()
    top = layer(*((f"fd{n}", link(f"/proc/self/fd/{n}")) for n in range(3, 24)))
    equal(load(c, [images.busybox_tar(), top], "fds:1"), None, "error of loading")
    cleanup(forget, "fds:1")
    up = "../" * 12
    for n in range(3, 24):
        i = c.create("fds:1", cmd=f"cat {up}{str(s.file).lstrip('/')}; ls {up}", host=NONE, WorkingDir=path(n))
        if c.post(f"/containers/{i}/start").status == 204:
            c.wait(i)
            s.check(b"".join(c.logs(i)).decode(errors="replace"))
        c.remove(i)


@test
def image_config_is_data():
    """CVE-2026-53488, CVE-2026-53492: nothing that an image says reaches the unit, annotations, log driver, devices, mounts or rights."""
    only_ours()
    c = client()
    s = Sentinel()
    labels = {"io.containerd.runc.v2.group": "x", "org.systemd.property.ExecStartPre": f"'/bin/touch {s.dir}/x'", "run.oci.hooks.stdout": f"{s.dir}/x",
              "org.opencontainers.runc.exec.isolated": "1", "run.oci.systemd.force_cgroup_v1": "1", "module.wasm.image/variant": "compat", "exitCode": "77",
              "name": "spoofed", "image": "spoofed", "com.docker.compose.project": "a\nMESSAGE_ID=00000000000000000000000000000000\n\x1b[2J"}
    config = json.loads(images.image_config([images.busybox_tar()]))
    config["config"].update({"Labels": labels, "Volumes": {"/../../x": {}}, "HostConfig": {"Privileged": True}, "Privileged": True, "Devices": ["/dev/kvm"],
                             "Binds": [f"{s.dir}:/target"], "CapAdd": ["ALL"], "Annotations": labels, "SecurityOpt": ["seccomp=unconfined"],
                             "Runtime": "/bin/sh", "LogConfig": {"Type": "none"}, "NetworkMode": "host", "StopSignal": "SIGKILL; touch /x",
                             "CgroupParent": "evil.slice", "Entrypoint": ["/bin/sh", "-c"], "Hostname": "evil", "Domainname": "evil", "MacAddress": "02:02:02:02:02:02"})
    error = load(c, [images.busybox_tar()], "config:1", config=json.dumps(config).encode())
    cleanup(forget, "config:1")
    if error is None:
        r = c.post("/containers/create", {"Image": "config:1", "HostConfig": NONE, "StopSignal": "TERM", "Volumes": None,
                                          "Cmd": ["grep CapBnd /proc/self/status; grep Seccomp: /proc/self/status; hostname; ls -A /target /dev/kvm 2>&1; sleep 30"]})
        if r.status == 201:
            i = r.json()["Id"]
            c.start(i)
            eventually(lambda: b"kvm" in c.logs(i)[0], "output", 10)
            out = c.logs(i)[0].decode()
            contains(out, f"CapBnd:\t{DEFAULT_CAPABILITIES}\nSeccomp:\t2\n{i[:12]}\n", "what the container got")
            text = (common_api.ENGINE.exec / "containers" / i / "config.json").read_text()
            document = json.loads(text)
            equal(document.get("annotations", {}), {}, "annotations")
            for word in ("wasm", "ExecStartPre", "evil", str(s.dir), "runc.v2"):
                check(word not in text, f"{word!r} is in the OCI document")
            row = c.inspect(i)
            equal((row["HostConfig"]["LogConfig"]["Type"], row["HostConfig"]["Privileged"], row["HostConfig"]["Runtime"] == "/bin/sh"),
                  ("json-file", False, False), "log driver, privileged, runtime of the image's choice")
            c.remove(i)
        log = [line for line in common_api.ENGINE.log().splitlines() if i in line]
        check(len(log) > 1 and not any("exit_code=\"77\"" in line or "spoofed" in line for line in log), f"a label passes for a field of the log: {log}")
    s.check()


@test
def places_of_mounts_are_made_real():
    """As Docker does: links of an image where the runtime mounts give way, and programs find the files that say where they are."""
    c = client()
    top = layer(("dev", link("/tmp")), ("etc/hosts", link("/tmp/hosts")), ("etc/mtab", "the image's"), ("proc", link("tmp")), ("sys", link("/")))
    equal(load(c, [images.busybox_tar(), top], "places:1"), None, "error of loading")
    cleanup(forget, "places:1")
    out = run(c, "for p in /dev /proc /sys /etc/hosts /.dockerenv; do stat -c '%n %F %a' $p; done; readlink /etc/mtab; ls -A /tmp", image="places:1")
    wanted = "/dev directory 755\n/proc directory 555\n/sys directory 555\n/etc/hosts regular file 644\n/.dockerenv regular empty file 755\n/proc/mounts\n"
    equal(out, wanted, "places")


# Descriptors, environment and rights of our own processes.

def descriptors(pid):
    """{number: target} of a process."""
    found = {}
    for n in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(n)] = os.readlink(f"/proc/{pid}/fd/{n}")
        except FileNotFoundError:
            pass
    return found


def environment(pid):
    return pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")


def status(pid):
    return dict(re.findall(r"^(\w+):\s*(.*?)\s*$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M))


def processes_of(d, program):
    return [pid for pid, command in d.run_processes().items() if program in command.split()[0]]


def secretive_daemon(*args, **kw):
    """With secrets in its environment, as proxies have them."""
    return own_daemon(*args, env={"DT_SECRET": SECRET, "HTTPS_PROXY": f"http://user:{SECRET}@127.0.0.1:1"}, **kw)


@test
def what_the_runtime_inherits():
    d = secretive_daemon(runtime=False)
    seen, script = d.dir / "seen", d.dir / "runtime"
    script.write_text(f"#!{sys.executable}\nimport os, sys\nwith open({str(seen)!r}, 'a') as f:\n  print(sys.argv[1:], file=f)\n"
                      "  for n in os.listdir('/proc/self/fd'):\n    try:\n      print(' ', n, '->', os.readlink(f'/proc/self/fd/{n}'), file=f)\n"
                      "    except OSError:\n      pass\n  print(dict(os.environ), file=f)\n"
                      f"os.execv({runtime_path()!r}, ['runc'] + sys.argv[1:])\n")
    os.chmod(script, 0o755)
    d.config = {"runtimes": {"spy": {"path": str(script)}}, "default-runtime": "spy"}
    d.write_config()
    d.start().load_busybox()
    c = d.client()
    for tty in (False, True):
        i = c.create(cmd="env; ls /proc/self/fd", host=NONE, Tty=tty)
        c.start(i)
        c.wait(i)
        out = c.get(f"/containers/{i}/logs", query={"stdout": 1}).body.decode(errors="replace")
        check(SECRET not in out, "a secret of the daemon is in the container's environment")
        c.remove(i)
    text = seen.read_text()
    contains(text, "'run', '--detach'", "what the runtime was asked for")
    check(SECRET not in text, "a secret of the daemon is in the runtime's environment")
    for line in re.findall(r" (\d+ -> .*)$", text, re.M):
        n, target = line.split(" -> ")
        check(target == str(seen) or (int(n) <= 2 and re.match(r"/dev/null|pipe:", target)), f"the runtime was started with descriptor {line}")


@test
def what_the_shim_holds():
    d = secretive_daemon().start().load_busybox()
    c = d.client()
    ids = []
    for n in range(3):
        i = c.create(cmd="cat", host=NONE, OpenStdin=True, Tty=n == 1)
        c.start(i)
        ids.append(i)
    shims = processes_of(d, "dockerd-shim")
    equal(len(shims), 3, "shims")
    for pid in shims:
        own = next(i for i in ids if i in d.run_processes()[pid])
        check(SECRET not in environment(pid), "a secret of the daemon is in the shim's environment")
        for n, target in descriptors(pid).items():
            check(not any(i in target for i in ids if i != own), f"the shim has descriptor {n} of another container: {target}")
            allowed = rf"/dev/null$|/dev/(pts/)?ptmx$|pipe:|socket:|anon_inode:|{re.escape(str(d.exec))}/containers/{own}|{re.escape(str(d.data))}/containers/{own}/.*\.log$"
            check(re.match(allowed, target), f"the shim has descriptor {n}: {target}")
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            check(set(descriptors(child)) <= {0, 1, 2, 255}, f"the container's process has {descriptors(child)}")


def worker_of(d, verb):
    for pid in pathlib.Path(f"/proc/{d.process.pid}/task/{d.process.pid}/children").read_text().split():
        try:
            if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() == f"dockerd-worker\0{verb}\0".encode():
                return pid
        except FileNotFoundError:
            pass
    return None


@test
def sandbox_of_a_worker():
    d = secretive_daemon().start()
    s = d.client().open_socket()
    cleanup(s.close)
    s.sendall(b"POST /images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" + bytes(1024))
    pid = eventually(lambda: worker_of(d, "archive-unpack"), "a worker", 10)
    eventually(lambda: status(pid)["Seccomp"] == "2", "the worker is locked in", 10)
    got = status(pid)
    equal({k: got[k] for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")},
          {"CapInh": "0" * 16, "CapPrm": "000000000000000a", "CapEff": "000000000000000a", "CapBnd": "0" * 16, "CapAmb": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"},
          "rights of the worker")
    check(SECRET not in environment(pid), "a secret of the daemon is in the worker's environment")
    # A mount of its own, which has no path: the same directory.
    own = [p for p in (d.data / "tmp").rglob("*") if p.is_dir() and os.path.samefile(p, f"/proc/{pid}/root")]
    check(own, f"the root of the worker is {os.readlink(f'/proc/{pid}/root')}, not a directory below tmp/")
    matches(pathlib.Path(f"/proc/{pid}/limits").read_text(), r"Max core file size\s+0\s+0", "limits")
    for kind in ("net", "ipc", "uts"):
        check(os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/{d.process.pid}/ns/{kind}"), f"the worker shares the daemon's {kind} namespace")
    for n, target in descriptors(pid).items():
        check(re.match(rf"pipe:|/dev/null|{re.escape(str(d.log_file))}|{re.escape(str(d.data))}/tmp/|/memfd:|/$", target), f"the worker has descriptor {n}: {target}")


def everything_below(*roots):
    for root in roots:
        for directory, _, files in os.walk(root):
            yield pathlib.Path(directory)
            yield from (pathlib.Path(directory) / f for f in files)


@test
def files_of_the_engine_are_roots():
    """CVE-2021-41091, CVE-2021-21284: what another user of the host can reach below the engine's directories."""
    d = own_daemon().start().load_busybox()
    os.chmod(d.dir, 0o755)
    c = d.client()
    for tty in (False, True):
        i = c.create(cmd=f"echo {SECRET}; touch /made; chmod 4755 /made; sleep 60", host=NONE, Tty=tty, Env=[f"PASSWORD={SECRET}"])
        c.start(i)
    os.kill(d.process.pid, 10)              # the state, into a file
    eventually(lambda: b"\n" in c.get(f"/containers/{i}/logs", query={"stdout": 1}).body, "output", 10)
    paths = [p for p in everything_below(d.data, d.exec, d.pidfile, d.sock) if "/diff/" not in str(p)]
    for p in paths:
        st = p.lstat()
        if stat.S_ISLNK(st.st_mode) or p.name == "diff":
            continue
        check(st.st_uid == 0, f"{p} belongs to user {st.st_uid}")
        check(not st.st_mode & 0o002, f"{p} is writable for everybody: {stat.filemode(st.st_mode)}")
    script = "import os, sys\nfor p in sys.stdin.read().split('\\n'):\n  try:\n    os.listdir(p) if os.path.isdir(p) else open(p).close()\n    print(p)\n  except OSError: pass"
    r = subprocess.run(["python3", "-c", script], input="\n".join(map(str, [*paths, d.log_file])), capture_output=True, text=True, user=65534, group=65534, extra_groups=[])
    equal(r.returncode, 0, f"exit code of the other user ({r.stderr[-200:]!r})")
    readable = [p for p in r.stdout.split() if "/netns/" not in p and p != str(d.log_file)]
    equal(readable, [], "what another user can read")


@test
def no_abstract_sockets():
    """CVE-2020-15257: a container with the host's network must find no socket of ours in it."""
    def abstract():
        return {line.split()[-1] for line in open("/proc/net/unix") if line.split()[-1].startswith("@")}
    before = abstract()
    d = own_daemon().start().load_busybox()
    c = d.client()
    i = c.create(cmd="sleep 30", host={"NetworkMode": "host"}, Tty=True)
    c.start(i)
    equal(abstract() - before, set(), "abstract sockets")


# Words of strangers: in the log, on terminals, as paths.

ESCAPE = "\x1b]0;owned\x07\x1b[2J"
FAKE = 'time="2001-01-01T00:00:00Z" level=fatal msg="INJECTED"'


def quoted(text):
    return "".join(f"%{b:02X}" for b in text.encode())


@test
def log_injection():
    """Line breaks in what clients and images say make no lines of the log, and no fields."""
    d = own_daemon("--debug").start().load_busybox()
    c = d.client()
    evil = f"x\n{FAKE}\r\n{FAKE}"
    c.get(f"/containers/{quoted(evil)}/json").body
    c.get("/containers/json", query={"filters": {"label": [evil]}}).body
    c.post("/containers/create", {"Image": evil, "Cmd": [evil]}, query={"name": evil}).body
    c.get("/_ping", headers={"User-Agent": FAKE, "X-Meta": FAKE}).body
    c.post(f"/images/{quoted(evil)}/tag", query={"repo": evil, "tag": evil}).body
    c.post("/images/create", query={"fromImage": evil, "tag": evil}).body
    i = c.create(cmd=[evil], host=NONE, Labels={evil: evil, "exitCode": evil, "name": evil}, Env=[f"A={evil}"], Hostname="x")
    r = c.post(f"/containers/{i}/start")
    equal(r.status, 400, "status of starting a program with line breaks in its name")
    r.body
    c.remove(i)
    top = layer((f"../{evil}", "x"))
    load(c, [top], "evil:1", Labels={"exitCode": evil}, Env=[evil], WorkingDir=evil, Entrypoint=[evil])
    d.stop()
    for line in d.log().splitlines():
        check(not line.startswith('time="2001'), f"an injected line is in the log: {line!r}")
        check("INJECTED" not in line or line.startswith("time=\""), f"a line of the log that is not one: {line[:200]!r}")
        check("\x1b" not in line and "\r" not in line, f"control characters in the log: {line[:200]!r}")
    check("INJECTED" in d.log(), "nothing of it was logged at all, so that this test shows nothing")


@cases([("file name", lambda c: load(c, [layer((f"..{ESCAPE}/../../x{ESCAPE}", "x"))], "esc:1")),
        ("link target", lambda c: load(c, [layer(("h", dict(kind=tarfile.LNKTYPE, link=f"/nosuch{ESCAPE}")))], "esc:1")),
        ("tag", lambda c: load(c, [layer(("a", "x"))], f"esc{ESCAPE}:1")),
        ("program", lambda c: start_error(c, cmd=[f"/nosuch{ESCAPE}"])), ("work directory", lambda c: start_error(c, cmd="true", WorkingDir=f"/etc/passwd/{ESCAPE}")),
        ("user", lambda c: start_error(c, cmd="true", User=f"no{ESCAPE}")), ("path", lambda c: c.get(f"/containers/{quoted(ESCAPE)}/json").message),
        ("image name", lambda c: c.get(f"/images/a{quoted(ESCAPE)}/json").message), ("name", lambda c: create_error(c, ESCAPE)),
        ("pull", lambda c: c.post("/images/create", query={"fromImage": f"localhost:1/a{ESCAPE}"}).message)])
def escape_sequences_in_messages(ask):
    """The CLI prints messages as they are: an image must not retitle, clear or retype on the terminal of who looks at it."""
    only_ours()
    c = client()
    cleanup(forget, "esc:1")
    message = ask(c)
    check(message, "no error at all")
    check(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", message), f"control characters in {message!r}")


def start_error(c, **config):
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["sh", "-c", config.pop("cmd")] if isinstance(config["cmd"], str) else config.pop("cmd"),
                                      "HostConfig": NONE, **config})
    if r.status != 201:
        return r.message
    return c.post(f"/containers/{r.json()['Id']}/start").message


def create_error(c, name):
    return c.post("/containers/create", {"Image": "busybox"}, query={"name": name}).message


UP = "../" * 10


@cases([(name, *row) for name, *row in [
    ("container id", "GET", "/containers/..%2F..%2F..%2Fetc%2Fpasswd/json"), ("container dots", "GET", "/containers/%2E%2E/json"),
    ("container id logs", "GET", "/containers/..%2F..%2Fetc/logs?stdout=1"), ("remove dots", "DELETE", "/containers/..%2F..%2FSENTINEL"),
    ("name", "POST", "/containers/create?name=..%2F..%2Fx", {}), ("name of dots", "POST", "/containers/create?name=..", {}),
    ("rename", "POST", "/containers/box/rename?name=..%2F..%2Fx"), ("image path", "GET", "/images/..%2F..%2Fetc/json"),
    ("image digest", "GET", "/images/sha256:..%2F..%2F..%2Fetc%2Fpasswd/json"), ("image id with dots", "DELETE", "/images/sha256:..%2F.."),
    ("tag repo", "POST", "/images/busybox/tag?repo=..%2F..%2Fx&tag=1"), ("tag tag", "POST", "/images/busybox/tag?repo=x&tag=..%2F.."),
    ("import repo", "POST", "/images/create?fromSrc=-&repo=..%2F..%2Fx"), ("pull", "POST", "/images/create?fromImage=..%2F..%2Fx&tag=1"),
    ("pull digest", "POST", "/images/create?fromImage=localhost:1/x&tag=sha256:..%2F..%2Fx"), ("save", "GET", "/images/get?names=..%2F..%2Fetc"),
    ("network", "GET", "/networks/..%2F..%2Fetc"), ("network remove", "DELETE", "/networks/..%2F..%2Fetc"),
    ("image", "POST", "/containers/create", {"Image": UP + "etc/passwd"}), ("image by digest", "POST", "/containers/create", {"Image": f"sha256:{UP}etc"}),
    ("runtime", "POST", "/containers/create", {"HostConfig": {"Runtime": "/bin/sh"}}), ("runtime dots", "POST", "/containers/create", {"HostConfig": {"Runtime": UP + "bin/sh"}}),
    ("log driver", "POST", "/containers/create", {"HostConfig": {"LogConfig": {"Type": UP + "x"}}}),
    ("log option", "POST", "/containers/create", {"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"path": "/SENTINEL/x"}}}}),
    ("log option max-file", "POST", "/containers/create", {"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-file": UP + "x"}}}}),
    ("pid of", "POST", "/containers/create", {"HostConfig": {"PidMode": "container:" + UP + "x"}}), ("ipc of", "POST", "/containers/create", {"HostConfig": {"IpcMode": "container:" + UP + "x"}}),
    ("network of", "POST", "/containers/create", {"HostConfig": {"NetworkMode": "container:" + UP + "x"}}),
    ("network mode", "POST", "/containers/create", {"HostConfig": {"NetworkMode": UP + "x"}}), ("network path", "POST", "/containers/create", {"HostConfig": {"NetworkMode": "ns:/proc/1/ns/net"}}),
    ("volumes from", "POST", "/containers/create", {"HostConfig": {"VolumesFrom": [UP + "x"]}}),
    ("volume name", "POST", "/containers/create", {"HostConfig": {"Binds": [UP + "x:/x"]}}), ("bind target", "POST", "/containers/create", {"HostConfig": {"Binds": ["/SENTINEL:/x/../.."]}}),
    ("tmpfs target", "POST", "/containers/create", {"HostConfig": {"Tmpfs": {UP + "x": ""}}}), ("driver", "POST", "/containers/create", {"HostConfig": {"VolumeDriver": UP + "x"}}),
    ("cgroup parent", "POST", "/containers/create", {"HostConfig": {"CgroupParent": UP + "../SENTINEL/cgroup"}}),
    ("cgroup parent absolute", "POST", "/containers/create", {"HostConfig": {"CgroupParent": f"/a/{UP}SENTINEL/cgroup"}}),
    ("apparmor", "POST", "/containers/create", {"HostConfig": {"SecurityOpt": ["apparmor=" + UP + "x"]}}),
    ("sysctl", "POST", "/containers/create", {"HostConfig": {"Sysctls": {"net.ipv4/../../kernel.core_pattern": "|/SENTINEL/x"}}}),
    ("sysctl slashes", "POST", "/containers/create", {"HostConfig": {"Sysctls": {"net/../kernel/core_pattern": "|/SENTINEL/x"}}}),
]])
def names_are_no_paths(method, path, body=None):
    """A reply that refuses, or a container that stays in its own place: nothing outside of the engine's directories is made, read or removed."""
    only_ours()
    c = client()
    c.create(name="box", cmd="true", host=NONE)
    s = Sentinel()
    kept = {p: pathlib.Path(p).read_text() for p in ("/etc/passwd", "/proc/sys/kernel/core_pattern")}
    place = str(s.dir).lstrip("/")
    if body is not None:
        body = json.loads(json.dumps({"Image": "busybox", "Cmd": ["true"], **body}).replace("/SENTINEL", f"/{place}"))
        body["HostConfig"] = {**NONE, **body.get("HostConfig", {})}
    data = b"" if "fromSrc" in path else body
    r = c.request(method, path.replace("SENTINEL", quoted(place)), data)
    if r.status == 201 and "create" in path and "Id" in r.json():
        i = r.json()["Id"]
        started = c.post(f"/containers/{i}/start")
        if started.status == 204:
            c.wait(i)
        c.remove(i)
    elif r.status == 200:
        check(any("error" in line for line in r.lines()), f"{method} {path} was answered 200")
    else:
        check(r.status in (301, 400, 404, 409, 500, 501), f"{method} {path} was answered {r.status}")
        check("root:" not in r.text, "the reply holds a file of the host")
    s.check()
    equal({p: pathlib.Path(p).read_text() for p in kept}, kept, "files of the host")


# One client that takes all there is.

def resident(d):
    return int(status(d.process.pid)["VmRSS"].split()[0])


def settled(d, before, what):
    eventually(lambda: len(os.listdir(f"/proc/{d.process.pid}/fd")) <= before + 4, f"the daemon's descriptors come back after {what}", 15)
    begin = time.monotonic()
    equal(d.client().get("/_ping").text, "OK", f"/_ping after {what}")
    check(time.monotonic() - begin < 1, f"/_ping is slow after {what}")


def connect_patiently(d):
    """A connect() with a time limit fails at once where the queue of the socket is full."""
    while True:
        try:
            s = d.client().open_socket(10)
            cleanup(s.close)
            return s
        except BlockingIOError:
            time.sleep(0.005)


def open_many(d, request, count, answered=True):
    """Connections with one request each, held open; the statuses that came at once."""
    sockets, statuses = [], {}
    for _ in range(count):
        s = connect_patiently(d)
        s.sendall(request)
        sockets.append(s)
    patience = 10 if answered else 1
    for s in sockets:
        s.settimeout(patience)
        try:
            head = s.recv(12)
            word = head.split()[1].decode() if b" " in head else "closed"
        except (TimeoutError, socket.timeout):
            word = "waits"
        except ConnectionResetError:
            word = "closed"
        statuses[word] = statuses.get(word, 0) + 1
        if word == "waits":
            patience = 0.01                 # one pause is enough for all
    return sockets, statuses


@cases([("events", b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n", 1300, {"200", "503"}),
        ("logs", b"GET /containers/busy/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n", 700, {"200", "503"}),
        ("attach", b"POST /containers/busy/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", 400, {"101", "200", "503"}),
        ("wait", b"POST /containers/busy/wait HTTP/1.1\r\nHost: d\r\n\r\n", 1300, {"200", "503", "waits"}),
        ("pull", b"POST /images/create?fromImage=127.0.0.1:1/x&tag=1 HTTP/1.1\r\nHost: d\r\n\r\n", 300, {"200", "404", "500", "501", "503", "waits"}),
        ("archives that stay away", b"POST /images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n", 600, {"waits", "200", "500", "503"})],
       timeout=180)
def many_sessions_of_one_client(name_or_request, count, words):
    d = own_daemon(kind="release").start().load_busybox()
    c = d.client()
    i = c.create(name="busy", cmd="while :; do echo line; sleep 1; done", host=NONE)
    c.start(i)
    c.get("/_ping").body
    before, memory = len(os.listdir(f"/proc/{d.process.pid}/fd")), resident(d)
    sockets, statuses = open_many(d, name_or_request, count, answered="waits" not in words)
    check(set(statuses) <= words | {"closed"}, f"answers are {statuses}")
    check(resident(d) - memory < 200_000, f"resident memory grew from {memory} to {resident(d)} kB with {count} sessions")
    begin = time.monotonic()
    equal(c.get("/_ping").text, "OK", "/_ping meanwhile")
    code, out, err = c.run("echo works")
    equal((code, out), (0, "works\n"), f"a container meanwhile ({err!r})")
    check(time.monotonic() - begin < 10, "a container meanwhile is slow")
    print(f"     {count} sessions: {statuses}, {resident(d) - memory} kB", flush=True)
    for s in sockets:
        s.close()
    settled(d, before, f"{count} sessions")


@test(timeout=180)
def big_bodies_of_one_client():
    """What is held of unfinished bodies is bounded over all connections, and others are served."""
    d = own_daemon(kind="release").start().load_busybox()
    c = d.client()
    before, memory = len(os.listdir(f"/proc/{d.process.pid}/fd")), resident(d)
    head = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 8000000\r\n\r\n"
    piece = b'{"x":"' + b"y" * 7_900_000
    refused, sockets = 0, []
    for _ in range(60):
        s = c.open_socket(5)
        cleanup(s.close)
        try:
            s.sendall(head + piece)
        except (BrokenPipeError, ConnectionResetError, TimeoutError, socket.timeout):
            refused += 1
        sockets.append(s)
    check(resident(d) - memory < 350_000, f"resident memory grew from {memory} to {resident(d)} kB")
    equal(c.get("/_ping").text, "OK", "/_ping meanwhile")
    print(f"     60 bodies of 8 MB: {refused} cut off, {resident(d) - memory} kB", flush=True)
    for s in sockets:
        s.close()
    settled(d, before, "big bodies")
    code, out, err = c.run("echo works")
    equal((code, out), (0, "works\n"), f"a container afterwards ({err!r})")


@cases([("deep", b"[" * 200_000), ("deep objects", b'{"a":' * 100_000), ("many keys", b'{"Env":[' + b'"A",' * 1_500_000 + b'"A"]}'),
        ("long string", b'{"Image":"' + b"a" * 7_000_000 + b'"}'), ("labels", b'{"Image":"busybox","Labels":{' + b",".join(b'"%d":""' % n for n in range(300_000)) + b"}}"),
        ("ports", b'{"Image":"busybox","ExposedPorts":{' + b",".join(b'"%d/tcp":{}' % n for n in range(1, 65535)) + b"}}"),
        ("port range", b'{"Image":"busybox","HostConfig":{"PortBindings":{"1-65535/tcp":[{"HostPort":"1-65535"}]}}}'),
        ("ulimits", b'{"Image":"busybox","HostConfig":{"Ulimits":[' + b",".join([b'{"Name":"nofile","Soft":1,"Hard":1}'] * 100_000) + b"]}}"),
        ("binds", b'{"Image":"busybox","HostConfig":{"Binds":[' + b",".join(b'"/x:/%d"' % n for n in range(60_000)) + b"]}}"),
        ("hosts", b'{"Image":"busybox","HostConfig":{"ExtraHosts":[' + b",".join([b'"a:1.2.3.4"'] * 200_000) + b"]}}"),
        ("filters", None)], timeout=90)
def documents_that_are_too_much(body):
    """A big document costs its sender time, not others."""
    d = own_daemon(kind="release").start().load_busybox()
    c = d.client()
    slow = []

    def watch():
        while slow is not None and d.running() and not done.is_set():
            begin = time.monotonic()
            d.client().get("/_ping").body
            slow.append(time.monotonic() - begin)
            time.sleep(0.02)
    done = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    cleanup(watcher.join)
    cleanup(done.set)
    if body is None:
        r = c.get("/containers/json", query={"filters": {"label": ["a" * 10] * 2000}})
    else:
        r = c.post("/containers/create", body, headers={"Content-Type": "application/json"})
    check(r.status in (200, 201, 400, 404, 413, 431, 414, 500), f"status is {r.status}")
    if r.status == 201:
        i = r.json()["Id"]
        c.get(f"/containers/{i}/json").body
        c.post(f"/containers/{i}/start").body
        c.remove(i)
    done.set()
    watcher.join()
    print(f"     status {r.status}, longest /_ping {max(slow) * 1000:.0f} ms, {resident(d)} kB", flush=True)
    check(max(slow) < 2, f"/_ping took {max(slow):.1f} s beside it")
    check(resident(d) < 400_000, f"resident memory is {resident(d)} kB")


# Neighbours on the network.

class Neighbour:
    """A host beside ours, in a network namespace of its own, that sends what a real one could send."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "300"])
        cleanup(self.process.wait)
        cleanup(self.process.kill)
        ours = os.readlink("/proc/self/ns/net")
        eventually(lambda: os.readlink(f"/proc/{self.process.pid}/ns/net") != ours, "a network namespace", 5)
        subprocess.run(["ip", "link", "add", "nb0", "type", "veth", "peer", "name", "nb1", "netns", str(self.process.pid)], check=True)
        cleanup(subprocess.run, ["ip", "link", "del", "nb0"], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "addr", "add", "10.99.0.1/24", "dev", "nb0"], check=True)
        subprocess.run(["ip", "link", "set", "nb0", "up"], check=True)
        self("ip addr add 10.99.0.2/24 dev nb1 && ip link set nb1 up && ip route add default via 10.99.0.1 && sysctl -qw net.ipv4.conf.nb1.route_localnet=1 "
             "net.ipv4.conf.all.route_localnet=1 && ip rule add pref 100 lookup local to 10.99.0.2 && ip rule add pref 101 to 127.0.0.0/8 lookup 77 && "
             "ip route add 127.0.0.0/8 via 10.99.0.1 dev nb1 src 10.99.0.2 table 77 && ip rule del pref 0 && ip rule add pref 200 lookup local")

    def __call__(self, command):
        return subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", "sh", "-ec", command], capture_output=True, text=True, check=True).stdout

    def ask(self, address, port):
        """What a TCP server says first, or None."""
        script = ("import socket, sys\ns = socket.socket()\ns.settimeout(2)\ntry:\n  s.bind(('10.99.0.2', 0)); s.connect((sys.argv[1], int(sys.argv[2])))\n"
                  "  print(s.recv(100).decode(), end='')\nexcept OSError as e:\n  print('no:', e)")
        out = self(f"python3 -c \"{script}\" {address} {port}")
        return None if out.startswith("no:") else out


@test(timeout=120)
def neighbours_reach_published_ports_only():
    """CVE-2025-54388, CVE-2025-54410: a port of 127.0.0.1 is for this host, also after the rules were flushed; others are for nobody."""
    only_ours()
    # The one engine, since a second one in this network namespace would have the table to itself; and the daemons of
    # other tests have taken the bridge with them.
    c = client()
    common_api.ENGINE.restart()
    server = "".join(f"(while :; do echo {word} | nc -l -p {port}; done) & " for port, word in ((80, "eighty"), (81, "eightyone"), (82, "eightytwo"))) + "wait"
    i = c.create(cmd=server, ExposedPorts={"80/tcp": {}, "81/tcp": {}}, host={"PortBindings": {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20080"}], "81/tcp": [{"HostIp": "", "HostPort": "20081"}]}})
    c.start(i)
    address = c.inspect(i)["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    n = Neighbour()

    def local(port):
        try:
            with socket.create_connection(("127.0.0.1", port), 2) as s:
                return s.recv(100).decode()
        except OSError:
            return None

    rows = [("local 20080", lambda: local(20080), "eighty\n"), ("local 20081", lambda: local(20081), "eightyone\n"),
            ("neighbour 20081", lambda: n.ask("10.99.0.1", 20081), "eightyone\n"), ("neighbour 20080", lambda: n.ask("10.99.0.1", 20080), None),
            ("neighbour to 127.0.0.1", lambda: n.ask("127.0.0.1", 20080), None), ("neighbour to the container, published here only", lambda: n.ask(address, 80), None),
            ("neighbour to the container, not published", lambda: n.ask(address, 82), None)]

    def answers():
        got = {}
        for name, ask, hoped in rows:
            for _ in range(5 if hoped else 1):      # nc serves one client, then the next nc has to start
                got[name] = ask()
                if got[name]:
                    break
                time.sleep(0.3)
        return got
    wanted = {name: hoped for name, _, hoped in rows}
    contains(n("ip route get 127.0.0.1 from 10.99.0.2"), "dev nb1", "way of the neighbour to 127.0.0.1")
    eventually(lambda: local(20081), "the server answers", 15)
    equal(answers(), wanted, "who reaches what")
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    eventually(lambda: local(20081), "the rules come back", 15)
    equal(answers(), wanted, "who reaches what after nft flush ruleset")
    subprocess.run(["iptables", "-P", "FORWARD", "ACCEPT"], stderr=subprocess.DEVNULL, check=False)
    common_api.ENGINE.kill()
    cleanup(common_api.ENGINE.start)
    equal(answers(), wanted, "who reaches what while the daemon is away")


@test
def hosts_spoofed_by_a_container():
    """With NET_RAW, a container's packets of another source address do not leave it as such to the host's services."""
    c = client()
    out = run(c, "ip addr add 127.0.0.53/8 dev lo 2>&1; ip link set lo mtu 1400 2>&1; ip route add 1.2.3.4 dev lo 2>&1; sysctl -w net.ipv4.ip_forward=1 2>&1; true", host={})
    check(out.count("not permitted") + out.count("denied") + out.count("Read-only") >= 3, f"the container could change its network: {out!r}")


# What a container leaves behind.

@test(timeout=120)
def very_deep_tree():
    """Deeper than any path, made by chroot again and again: it can be counted and removed."""
    c = client()
    script = "\n".join(["echo 'n=$1; [ $n = 0 ] && exit 0; P=$(for i in $(seq 1200); do printf d/; done); mkdir -p $P; cp /busybox /step $P; "
                        "exec /busybox chroot $P /busybox sh /step $((n - 1))' >/step", "cp /bin/busybox /busybox", "exec sh /step 5"])
    top = images.TarWriter().add("big", b"x").bytes()
    equal(load(c, [images.busybox_tar(), top], "deep:1"), None, "error of loading")
    cleanup(forget, "deep:1")
    i = c.create("deep:1", cmd=script, host=NONE)
    c.start(i)
    code = c.wait(i, timeout=60)
    equal((code, c.logs(i)[1]), (0, b""), "end of a container that makes a deep tree")
    equal(c.get(f"/containers/{i}/json", query={"size": 1}).status, 200, "status of counting it")
    equal(c.get("/containers/json", query={"all": 1, "size": 1}).status, 200, "status of listing it")
    c.remove(i)
    if common_api.ENGINE.is_ours:
        common_api.ENGINE.check_clean([i], timeout=20)


@test
def odd_files_in_a_container():
    """Immutable names, sockets, FIFOs, devices, names that are no text: removing and counting does not open or follow them."""
    c = client()
    script = "mkfifo /f; mknod /c c 1 3; mknod /b b 7 0; ln -s / /root-link; ln -s . /self; mkdir '/ ' /-rf \"$(printf '/\\377\\001\\n')\"; " \
             "for d in /bin /etc /usr; do chmod 0 $d; done; chmod 01000 /tmp; mkdir /x && chmod 0 /x; (nc -l -U /s 2>/dev/null & sleep 0.2; true); chown 12345 /f; echo made"
    i = c.create(cmd=script, host=NONE)
    c.start(i)
    c.wait(i)
    equal(c.logs(i)[0], b"made\n", "output")
    equal(c.get(f"/containers/{i}/json", query={"size": 1}).status, 200, "status of counting it")
    c.remove(i)
    if common_api.ENGINE.is_ours:
        common_api.ENGINE.check_clean([i], timeout=20)


def lies_about_accounts(passwd, group=None):
    entries = [("etc/passwd", passwd)] + ([("etc/group", group)] if group is not None else [])
    return [images.busybox_tar(), layer(*entries)]


@cases([("huge passwd", "x" * 5_000_000, None, None), ("huge line", "user:x:1:1:" + "y" * 3_000_000 + ":/:/bin/sh\n", None, None),
        ("many groups", "user:x:1:1::/:\n", "".join(f"g{n}:x:{n}:user\n" for n in range(1, 5000)), "1"), ("no colon", "user\n", None, None),
        ("overflow", "user:x:4294967296:1::/:\n", None, None), ("minus", "user:x:-1:1::/:\n", None, None), ("hexadecimal", "user:x:0x0:1::/:\n", None, None),
        ("root by another name", "user:x:0:0::/:\n", None, "0"), ("two entries", "user:x:7:7::/:\nuser:x:0:0::/:\n", None, "7"),
        ("name of digits", "1000:x:0:0::/:\nuser:x:5:5::/:\n", None, "5"), ("escape", "user:x:6:6:\x1b[2J:/\x1b[2J:/bin/sh\n", None, "6")])
def accounts_of_an_image(passwd, group, uid):
    """CVE-2026-47262, CVE-2026-46680: a bounded read, and numbers that are numbers."""
    c = client()
    equal(load(c, lies_about_accounts(passwd, group), "accounts:1"), None, "error of loading")
    cleanup(forget, "accounts:1")
    i = c.create("accounts:1", cmd="id -u", User="user", host=NONE)
    begin = time.monotonic()
    r = c.post(f"/containers/{i}/start")
    check(time.monotonic() - begin < 5, "the start took too long")
    if uid is None:
        check(r.status in (400, 500), f"status of the start is {r.status}")
        check(len(r.message) < 1000, f"the message has {len(r.message)} bytes")
    else:
        equal(r.status, 204, f"status of the start ({r.text!r})")
        c.wait(i)
        equal(c.logs(i)[0].decode().strip(), uid, "uid in the container")


@test
def huge_and_strange_output():
    """Output is data for the log: bytes of every value, no line end, terminal sequences, words of the log's own format."""
    c = client()
    fake = json.dumps({"log": "spoofed\n", "stream": "stdout", "time": "2001-01-01T00:00:00Z"})
    i = c.create(cmd=f"printf '%s\\n' '{fake}'; printf '\\000\\001\\033[2J\\377\\n'; head -c 300000 /dev/zero | tr '\\0' z; printf '\\r\\n\"}}\\n'", host=NONE)
    c.start(i)
    c.wait(i)
    out, err = c.logs(i)
    check(out.startswith(fake.encode() + b"\n\x00\x01\x1b[2J"), f"output begins with {out[:120]!r}")
    equal(out.count(b"z"), 300_000, "bytes")
    check(out.endswith(b'\r\n"}\n'), f"output ends with {out[-20:]!r}")
    equal(len(c.get(f"/containers/{i}/logs", query={"stdout": 1, "until": "1000000000"}).body), 0, "output before 2001, which a spoofed time would be")


def others_are_served(c, i):
    """What needs workers of the disk and the processor: nobody waits for those that others hold up."""
    begin = time.monotonic()
    equal(c.ok("GET", f"/containers/{i}/changes"), None, "what is other in a container that did not run")
    c.ok("POST", "/commit", wanted=201, query={"container": i, "repo": "beside", "tag": "1"})
    cleanup(c.delete, "/images/beside:1", query={"force": 1})
    equal(c.run("echo it runs")[1], "it runs\n", "output of a container")
    c.ok("GET", "/containers/json", query={"all": 1, "size": 1})
    check(time.monotonic() - begin < 20, "it took as long as what is held up")


def ask(c, what, n=40):
    """Sends requests and reads no answer."""
    sockets = [c.open_socket() for _ in range(n)]
    for k, s in enumerate(sockets):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(f"GET {what[k % len(what)]} HTTP/1.1\r\nHost: d\r\n\r\n".encode())
    time.sleep(0.5)
    return sockets


@test(timeout=120)
def readers_that_do_not_read():
    """Forty clients that ask for an archive and leave it: more than there are workers for them."""
    only_ours()
    c = client()
    i = c.create("busybox", cmd="true", host={"NetworkMode": "none"})
    stalled = ask(c, [f"/containers/{i}/export", "/images/busybox/get"])
    others_are_served(c, i)
    for s in stalled:
        s.close()
    check(len(c.get(f"/containers/{i}/export").body) > 1_000_000, "an export after that")


def workers_of(verb):
    """By verb: one that still cleans up after the test before is none of ours."""
    out = subprocess.run(["pgrep", "-c", "-P", str(common_api.ENGINE.process.pid), "-f", f"dockerd-worker {verb}"], capture_output=True, text=True).stdout
    return int(out)


@test(timeout=120)
def registries_that_do_not_send():
    """Forty requests to a registry that takes connections and says nothing."""
    only_ours()
    c = client()
    i = c.create("busybox", cmd="true", host={"NetworkMode": "none"})
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        stalled = ask(c, [f"/distribution/127.0.0.1:{silent.getsockname()[1]}/app:1/json"])
        eventually(lambda: workers_of("registry-inspect") >= 32, "WORKERS_NETWORK_MAX workers wait for it")
        equal(workers_of("registry-inspect"), 32, "workers that wait for it (WORKERS_NETWORK_MAX)")
        others_are_served(c, i)
        for s in stalled:
            s.close()
