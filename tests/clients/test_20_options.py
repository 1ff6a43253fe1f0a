# SPDX-License-Identifier: Apache-2.0
"""docker run: every option of the first stage, seen from inside the container."""

import json
import pathlib
import re
import subprocess

from common_clients import directory, docker, on_our_machine, only_ours
import common_clients
from harness import Skip, cases, check, cleanup, contains, equal, matches, test

DEFAULT_CAPABILITIES = 0xa80425fb


@cases([
    # name, options, command, what it prints
    ("-e", ["-e", "A=b c", "-e", "EMPTY="], 'echo "$A|$EMPTY|${NOT-unset}"', "b c||unset"),
    ("-w", ["-w", "/var/spool"], "pwd", "/var/spool"),
    ("-w makes the directory", ["-w", "/new/dir"], "pwd; ls -ld /new/dir | cut -c1-10", "/new/dir\ndrwxr-xr-x"),
    ("-u uid:gid", ["-u", "1000:1234"], "id -u; id -g", "1000\n1234"),
    ("-u name", ["-u", "user"], "id -u; id -g; id -G; echo $HOME", "1000\n1000\n1000 10\n/home/user"),
    ("-u uid", ["-u", "1000"], "id -u; id -g", "1000\n1000"),
    ("-u unknown uid", ["-u", "4242"], "id -u; id -g", "4242\n0"),
    ("-u name:group", ["-u", "user:wheel"], "id -u; id -g", "1000\n10"),
    ("--group-add", ["--group-add", "777", "-u", "1000"], "id -G", "1000 10 777"),
    ("--hostname", ["--hostname", "box.example"], "hostname; cat /etc/hostname", "box.example\nbox.example"),
    ("--domainname", ["--hostname", "box", "--domainname", "example.org"], "cat /etc/hostname; grep -o 'box.*' /etc/hosts",
     "box\nbox.example.org box"),
    ("--tmpfs", ["--tmpfs", "/scratch"], "grep ' /scratch ' /proc/mounts | cut -d' ' -f3; touch /scratch/x && echo w", "tmpfs\nw"),
    ("--tmpfs options", ["--tmpfs", "/scratch:size=1m,mode=700"], "stat -c %a /scratch; df -k /scratch | tail -1 | awk '{print $2}'", "700\n1024"),
    ("--read-only", ["--read-only"], "touch /x 2>&1 | sed 's/.*: //'", "Read-only file system"),
    ("--read-only --tmpfs", ["--read-only", "--tmpfs", "/tmp"], "touch /tmp/x && echo w", "w"),
    ("--shm-size", ["--shm-size", "2m"], "df -k /dev/shm | tail -1 | awk '{print $2}'", "2048"),
    ("default shm", [], "df -k /dev/shm | tail -1 | awk '{print $2}'", "65536"),
    ("--ulimit", ["--ulimit", "nofile=123:456"], "ulimit -n; ulimit -Hn", "123\n456"),
    ("--add-host", ["--add-host", "other:10.1.2.3"], "grep other /etc/hosts | tr '\\t' ' '", "10.1.2.3 other"),
    ("--dns", ["--dns", "10.9.8.7", "--dns-search", "example.org", "--dns-option", "ndots:3"],
     "grep -v '^#' /etc/resolv.conf | grep -v '^$'", "nameserver 10.9.8.7\nsearch example.org\noptions ndots:3"),
    ("--network none", ["--network", "none"], "ls /sys/class/net", "lo"),
    ("--entrypoint with a command line", ["--entrypoint", "echo"], None, "-c a b"),
    ("pid 1", [], "echo $$", "1"),
    ("no new privileges off", [], "grep NoNewPrivs /proc/self/status | tr -d '\\t'", "NoNewPrivs:0"),
    ("--security-opt no-new-privileges", ["--security-opt", "no-new-privileges"],
     "grep NoNewPrivs /proc/self/status | tr -d '\\t'", "NoNewPrivs:1"),
    ("default capabilities", [], "grep CapBnd /proc/self/status | tr -d '\\t'", f"CapBnd:{DEFAULT_CAPABILITIES:016x}"),
    ("effective capabilities", [], "grep CapEff /proc/self/status | tr -d '\\t'", f"CapEff:{DEFAULT_CAPABILITIES:016x}"),
    ("a user has no capabilities", ["-u", "1000"], "grep CapEff /proc/self/status | tr -d '\\t'", "CapEff:0000000000000000"),
    ("--cap-drop ALL", ["--cap-drop", "ALL"], "grep CapEff /proc/self/status | tr -d '\\t'", "CapEff:0000000000000000"),
    ("--cap-drop ALL --cap-add", ["--cap-drop", "all", "--cap-add", "NET_ADMIN"],
     "grep CapEff /proc/self/status | tr -d '\\t'", f"CapEff:{1 << 12:016x}"),
    ("--cap-add with prefix", ["--cap-add", "CAP_SYS_TIME"], "grep CapEff /proc/self/status | tr -d '\\t'",
     f"CapEff:{DEFAULT_CAPABILITIES | 1 << 25:016x}"),
    ("--cap-drop one", ["--cap-drop", "MKNOD"], "grep CapEff /proc/self/status | tr -d '\\t'",
     f"CapEff:{DEFAULT_CAPABILITIES & ~(1 << 27):016x}"),
    ("seccomp is on", [], "grep '^Seccomp:' /proc/self/status | tr -d '\\t'", "Seccomp:2"),
    ("--security-opt seccomp=unconfined", ["--security-opt", "seccomp=unconfined"],
     "grep '^Seccomp:' /proc/self/status | tr -d '\\t'", "Seccomp:0"),
    ("masked and read-only paths", [], "head -c 1 /proc/kcore 2>/dev/null | wc -c; touch /proc/sys/kernel/hostname 2>&1 | "
     "sed 's/.*: //'; find /proc/acpi /proc/scsi /sys/firmware -mindepth 1 2>/dev/null | wc -l", "0\nRead-only file system\n0"),
    ("/sys is read-only", [], "grep ' /sys ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1", "ro"),
    ("only three file descriptors", [], "ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 "),      # 3 is the directory itself
    ("devices", [], "ls /dev | grep -E '^(console|full|null|ptmx|random|tty|urandom|zero)$' | tr '\\n' ' '",
     "full null ptmx random tty urandom zero "),
    ("null device works", [], "echo x >/dev/null && head -c 3 /dev/zero | wc -c", "3"),
    ("environment", [], "env | sort | grep -E '^(HOSTNAME|HOME|PATH)=' | sed 's/HOSTNAME=[0-9a-f]*$/HOSTNAME=ID/'",
     "HOME=/root\nHOSTNAME=ID\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("own pid namespace", [], "ls -d /proc/[0-9]* | wc -l | awk '{print ($1 < 8)}'", "1"),
    ("--sysctl", ["--sysctl", "net.ipv4.ip_forward=0"], "cat /proc/sys/net/ipv4/ip_forward", "0"),
    ("--device", ["--device", "/dev/full:/dev/myfull"], "echo x 2>&1 >/dev/myfull | sed 's/.*: //'; ls -l /dev/myfull | cut -c1",
     "No space left on device\nc"),
    ("--stop-signal is in the config", ["--stop-signal", "USR1"], "true", ""),
    ("--oom-score-adj", ["--oom-score-adj", "500"], "cat /proc/self/oom_score_adj", "500"),
    ("--ipc private", ["--ipc", "private"], "df /dev/shm | tail -1 | cut -d' ' -f1", "shm"),
    ("--uts host", ["--uts", "host"], "test -n \"$(hostname)\" && echo ok", "ok"),
    ("--pid host", ["--pid", "host"], "test $$ -gt 1 && echo ok", "ok"),
    ("--cgroupns private", ["--cgroupns", "private"], "cut -d: -f3 /proc/self/cgroup | sort -u | head -1", "/"),
])
def option(options, command, output):
    d = docker()
    if command is None:
        got = d("run", "--rm", *options, "busybox", "-c", "a", "b")
    else:
        got = d("run", "--rm", *options, "busybox", "sh", "-c", command)
    equal(got, output, f"output of docker run {' '.join(options)} ... {command or ''}")


@test
def env_file():
    d = docker()
    path = directory() / "env"
    path.write_text("# comment\nFROM_FILE=yes\n")
    equal(d("run", "--rm", "--env-file", path, "busybox", "sh", "-c", "echo $FROM_FILE"), "yes", "output")


@test
def default_hostname_is_the_short_id():
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "hostname; cat /etc/hostname")
    d("wait", c)
    equal(d("logs", c), f"{c[:12]}\n{c[:12]}", "host name")


@test
def volume_read_write():
    on_our_machine()
    d = docker()
    path = directory()
    (path / "in").write_text("from the host")
    equal(d("run", "--rm", "-v", f"{path}:/mnt/v", "busybox", "sh", "-c", "cat /mnt/v/in; echo -n back >/mnt/v/out"),
          "from the host", "output")
    equal((path / "out").read_text(), "back", "what the container wrote")


@test
def volume_read_only():
    on_our_machine()
    d = docker()
    path = directory()
    r = d.try_("run", "--rm", "-v", f"{path}:/mnt/v:ro", "busybox", "touch", "/mnt/v/x")
    check(r.code == 1 and "Read-only file system" in r.err, f"writing to a :ro volume: {r!r}")


@test
def volume_of_one_file():
    on_our_machine()
    d = docker()
    path = directory() / "file"
    path.write_text("content")
    equal(d("run", "--rm", "-v", f"{path}:/etc/one:ro", "busybox", "cat", "/etc/one"), "content", "output")


@test
def volume_makes_the_host_directory():
    on_our_machine()
    d = docker()
    path = directory() / "new"
    d("run", "--rm", "-v", f"{path}:/mnt", "busybox", "touch", "/mnt/x")
    check((path / "x").exists(), "-v did not make the missing directory on the host")


@test
def mount_refuses_a_missing_source():
    d = docker()
    d.fails(125, r"bind source path does not exist", "run", "--rm", "--mount", "type=bind,src=/no/such/path,dst=/mnt", "busybox")


@test
def mount_bind_and_tmpfs():
    on_our_machine()
    d = docker()
    path = directory()
    out = d("run", "--rm", "--mount", f"type=bind,src={path},dst=/b,readonly", "--mount", "type=tmpfs,dst=/t,tmpfs-size=1m",
            "busybox", "sh", "-c", "touch /b/x 2>/dev/null || echo ro; df -k /t | tail -1 | awk '{print $2}'")
    equal(out, "ro\n1024", "output")


@test
def privileged():
    d = docker()
    out = d("run", "--rm", "--privileged", "busybox", "sh", "-c",
            "grep CapEff /proc/self/status | tr -d '\\t'; grep '^Seccomp:' /proc/self/status | tr -d '\\t'; "
            "grep ' /sys ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1; ls /dev | wc -l; mount -t tmpfs none /mnt && echo mounted"
            .replace("/mnt", "/home"))
    lines = out.split("\n")
    cap = int(lines[0].split(":")[1], 16)
    check(cap & DEFAULT_CAPABILITIES == DEFAULT_CAPABILITIES and cap & 1 << 21, f"--privileged has capabilities {cap:x}")
    equal((lines[1], lines[2], lines[4]), ("Seccomp:0", "rw", "mounted"), "seccomp, /sys, mount")
    check(int(lines[3]) > 15, f"--privileged sees only {lines[3]} devices")


@cases([
    ("mount", "mount -t tmpfs none /home 2>&1; echo $?"),
    ("mknod block device is useless", "mknod /b b 7 0 && cat /b 2>&1; echo $?"),
    ("unshare user", "unshare -r true 2>&1; echo $?"),
])
def forbidden(command):
    d = docker()
    out = d("run", "--rm", "busybox", "sh", "-c", command)
    check(out.split("\n")[-1] != "0", f"'{command}' is allowed in a plain container: {out!r}")


@cases([
    ("memory", "memory", ["--memory", "64m"], "{{.HostConfig.Memory}}", "67108864"),
    ("pids", "pids", ["--pids-limit", "50"], "{{.HostConfig.PidsLimit}}", "50"),
    ("cpus", "CPU", ["--cpus", "0.5"], "{{.HostConfig.NanoCpus}}", "500000000"),
])
def limit_or_warning(name, options, field, value):
    """Where the controller is missing the limit is dropped, and the warning says so."""
    d = docker()
    if name == "CPU" and not common_clients.ENGINE.is_ours:
        raise Skip("the peer refuses --cpus where the controller is missing")
    r = d.try_("run", "--rm", *options, "busybox", "echo", "ok")
    equal((r.out, r.code), ("ok\n", 0), f"output and code ({r.err.strip()})")
    c = d("create", *options, "busybox").split("\n")[-1]
    got = d("inspect", "-f", field, c)
    check(got == value or name.lower() in r.err.lower(), f"the {name} limit is {got}, and there was no warning: {r.err!r}")


@test
def network_host():
    on_our_machine()
    d = docker()
    # Not from /sys, which may show another network namespace than that of the tests.
    names = sorted(line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:])
    out = d("run", "--rm", "--network", "host", "busybox", "sh", "-c", "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | sort")
    equal([n for n in out.split() if not n.startswith("veth")], [n for n in names if not n.startswith("veth")], "interfaces")


@test
def init():
    d = docker()
    out = d("run", "--rm", "--init", "busybox", "sh", "-c", "cat /proc/1/comm; echo $$")
    check(out.split("\n")[0] in ("docker-init", "tini", "dockerd-init") and out.split("\n")[1] != "1",
          f"with --init process 1 is {out!r}")
    r = d.try_("run", "--rm", "--init", "busybox", "sh", "-c", "exit 17")
    equal(r.code, 17, "exit code through --init")


@test
def label():
    d = docker()
    c = d("create", "--label", "a=1", "-l", "b", "busybox")
    equal(d("inspect", "-f", '{{index .Config.Labels "a"}}|{{index .Config.Labels "b"}}|{{len .Config.Labels}}', c), "1||2", "labels")
    equal(d("ps", "-aq", "--no-trunc", "--filter", "label=a=1"), c, "ps --filter label")


@test
def stop_signal_and_timeout():
    d = docker()
    c = d("run", "-d", "--stop-signal", "USR1", "--stop-timeout", "20", "busybox", "sh", "-c",
          "trap 'exit 3' USR1; while :; do sleep 0.05; done")
    equal(d("inspect", "-f", "{{.Config.StopSignal}} {{.Config.StopTimeout}}", c), "USR1 20", "config")
    d("stop", c)
    equal(d("inspect", "-f", "{{.State.ExitCode}}", c), "3", "exit code after docker stop")


@test
def entrypoint_drops_the_command():
    d = docker()
    equal(d("run", "--rm", "--entrypoint", "/bin/echo", "busybox"), "", "an entrypoint drops the image's command")


@cases([
    ("bad user", ["-u", "nosuchuser"], r"unable to find user nosuchuser"),
    ("bad uid", ["-u", "4294967296"], r"(?i)(uid|user|range)"),
    ("negative uid", ["-u", "-1"], r"(?i)(uid|user|range)"),
    ("bad group", ["-u", "0:nosuchgroup"], r"(?i)(unable to find group nosuchgroup|no matching entries in group file)"),
    ("relative volume target", ["-v", "/tmp:rel"], r"(?i)(invalid mount path|must be absolute|mount path must be absolute)"),
    ("bad capability", ["--cap-add", "NOSUCH"], r"(?i)(unknown|invalid) capability"),
    ("work directory is a file", ["-w", "/etc/passwd"], r"(?i)not a directory"),
    ("duplicate mount point", ["-v", "/tmp:/d", "-v", "/var:/d"], r"Duplicate mount point: /d"),
    ("relative work directory", ["-w", "rel"], r"(?i)(working directory|working dir).*absolute"),
    ("host network with hostname", ["--network", "host", "--uts", "host", "--hostname", "x"], r"(?i)conflicting options: hostname and the UTS mode"),
    ("host UTS namespace with hostname", ["--uts", "host", "--hostname", "x"], r"conflicting options: hostname and the UTS mode"),
    ("capability", ["--cap-drop", "NOSUCH"], r'invalid CapDrop: unknown capability: "CAP_NOSUCH"'),
    ("tmpfs option", ["--tmpfs", "/t:nosuch"], r'invalid tmpfs option "nosuch"'),
    ("tmpfs on the root", ["--tmpfs", "/"], r"invalid specification: destination can't be '/'"),
    ("tmpfs and volume", ["--tmpfs", "/d", "-v", "/tmp:/d"], r"Duplicate mount point: /d"),
    ("bind on the root", ["-v", "/etc:/"],
     r"invalid volume specification: '/etc:/': invalid mount config for type \"bind\": invalid specification: destination can't be '/'"),
    ("mode", ["-v", "/etc:/t:nosuch"], r"invalid mode: nosuch"),
    ("two modes", ["-v", "/etc:/t:ro,rw"], r"invalid mode: ro,rw"),
    ("mount target", ["--mount", "type=bind,source=/etc,target=rel"], r"invalid mount config for type \"bind\": invalid mount path: 'rel' mount path must be absolute"),
    ("missing source", ["--mount", "type=bind,source=/nosuch,target=/t"], r"bind source path does not exist: /nosuch"),
    ("missing device", ["--device", "/dev/nosuch"], r'custom device "/dev/nosuch": no such file or directory'),
    ("no device", ["--device", "/etc/passwd"], r'custom device "/etc/passwd": not a device node'),
    ("isolation", ["--isolation", "hyperv"], r"invalid isolation \(hyperv\): linux only supports 'default'"),
    ("security option", ["--security-opt", "nosuch=1"], r'invalid --security-opt 2: "nosuch=1"'),
    ("peer that is not there", ["--network", "container:nosuch"], r"joining network namespace of container: No such container: nosuch"),
])
def refused(options, pattern):
    d = docker()
    r = d.try_("run", "--rm", *options, "busybox", "true")
    check(r.code in (125, 126, 127), f"docker run {' '.join(options)} ended with {r.code}, expected 125; {r.err!r}")
    matches(r.err, pattern, f"error of docker run {' '.join(options)}")
    equal(d("ps", "-aq"), "", "containers left")


@test
def order_and_removal_of_variables():
    d = docker()
    c = d("create", "-e", "X=1", "-e", "PATH=/bin", "-e", "Y=2", "busybox")
    equal(sorted(json.loads(d("inspect", "-f", "{{json .Config.Env}}", c))), ["PATH=/bin", "X=1", "Y=2"], "variables of inspect")
    c = d("create", "-e", "X=1", "busybox")
    matches(d("inspect", "-f", "{{json .Config.Env}}", c), r'^\["X=1","PATH=', "variables of inspect")
    out = d("run", "--rm", "-e", "HOSTNAME_UNSET", "-e", "HOSTNAME=x", "busybox", "env")
    contains(out, "HOSTNAME=x", "variables")
    out = common_clients.ENGINE.client().run("env | sort", Env=["HOSTNAME"])[1]
    check("HOSTNAME" not in out, f"a name without a value takes the variable away: {out!r}")


@test
def paths_that_are_not_hidden():
    d = docker()
    count = "grep -c ' /proc/' /proc/mounts"
    check(int(d("run", "--rm", "busybox", "sh", "-c", count)) > 5, "masked and read-only paths by default")
    equal(d.try_("run", "--rm", "--security-opt", "systempaths=unconfined", "busybox", "sh", "-c", count).out, "0\n", "mounts below /proc")
    c = d("create", "--security-opt", "systempaths=unconfined", "busybox")
    equal(d("inspect", "-f", "{{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}}", c), "[] []", "paths of inspect")


@test
def ipc_without_shared_memory():
    d = docker()
    d.fails(1, r"/dev/shm: No such file", "run", "--rm", "--ipc", "none", "busybox", "ls", "-d", "/dev/shm")


@test
def host_ipc():
    d = docker()
    d("run", "--rm", "--ipc", "host", "busybox", "test", "-d", "/dev/shm")


@test
def device_rules():
    d = docker()
    d.fails(125, r"(?i)invalid device cgroup", "run", "--rm", "--device-cgroup-rule", "x 1:3 rwm", "busybox", "true")
    script = "mknod /tmp/f b 7 200 && head -c 0 /tmp/f 2>&1"
    denied = d.try_("run", "--rm", "busybox", "sh", "-c", script)
    contains(denied.out, "not permitted", "a block device without a rule")
    allowed = d.try_("run", "--rm", "--device-cgroup-rule", "b 7:* rwm", "busybox", "sh", "-c", script)
    check("not permitted" not in allowed.out, f"a block device with a rule: {allowed.out!r}")


@test
def annotations():
    only_ours()
    d = docker()
    c = d("run", "-d", "--annotation", "com.example.a=b", "busybox", "sleep", "1000")
    equal(d("inspect", "-f", "{{json .HostConfig.Annotations}}", c), '{"com.example.a":"b"}', "annotations of inspect")
    spec = json.loads((common_clients.ENGINE.exec / "containers" / c / "config.json").read_text())
    equal(spec["annotations"], {"com.example.a": "b"}, "annotations for the runtime")


@test
def propagation():
    only_ours()
    d = docker()
    work = common_clients.ENGINE.dir / "propagation"
    work.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "dt-propagation", work], check=True)
    cleanup(subprocess.run, ["umount", "-l", work], check=False)
    d.fails(125, rf"path {work} is mounted on {work} but it is not a shared mount", "run", "--rm", "-v", f"{work}:/x:shared", "busybox", "true")
    d.fails(125, "but it is not a shared or slave mount", "run", "--rm", "-v", f"{work}:/x:rslave", "busybox", "true")
    subprocess.run(["mount", "--make-shared", work], check=True)
    d("run", "--rm", "--cap-add", "SYS_ADMIN", "-v", f"{work}:/x:shared", "busybox", "sh", "-c", "mkdir /x/m && mount -t tmpfs t /x/m && touch /x/m/f")
    check((work / "m/f").exists(), "a mount of the container shows on the host")
    subprocess.run(["umount", work / "m"], check=True)
    c = d("run", "-d", "-v", f"{work}:/x:rslave", "busybox", "sleep", "1000")
    subprocess.run(["mount", "-t", "tmpfs", "t", work / "m"], check=True)
    contains(pathlib.Path(f"/proc/{d('inspect', '-f', '{{.State.Pid}}', c)}/mountinfo").read_text(), " /x/m ", "mounts of the container")
    subprocess.run(["umount", work / "m"], check=True)


@test
def read_only_is_recursive():
    only_ours()
    d = docker()
    work = common_clients.ENGINE.dir / "recursive"
    (work / "below").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "dt-below", work / "below"], check=True)
    cleanup(subprocess.run, ["umount", "-l", work / "below"], check=False)
    d.fails(1, "Read-only file system", "run", "--rm", "-v", f"{work}:/x:ro", "busybox", "touch", "/x/below/f")
    d("run", "--rm", "--mount", f"type=bind,source={work},target=/x,readonly,bind-recursive=writable", "busybox", "touch", "/x/below/f")


@test
def proc_self_fd_as_work_directory():
    d = docker()
    for n in range(3, 12):
        r = d.try_("run", "--rm", "-w", f"/proc/self/fd/{n}", "busybox", "ls", "../../../../etc/hostname")
        check(r.code != 0 or "etc" not in r.out, f"-w /proc/self/fd/{n} reached the host: {r!r}")


@test
def the_directory_of_an_anonymous_volume_is_made():
    d = docker()
    r = d.try_("run", "--rm", "-v", "/data/deep", "busybox", "sh", "-c", "echo kept > /data/deep/file && cat /data/deep/file")
    equal((r.code, r.out), (0, "kept\n"), f"exit code and output ({r.err.strip()})")
