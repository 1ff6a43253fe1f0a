# SPDX-License-Identifier: Apache-2.0
"""dockerd itself: command line, configuration, pidfile, lock, listeners, signals, sd_notify."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import time

import common_api
import images
from client import Client
from common_api import only_ours, own_daemon
from daemon import build_dir
from harness import Failed, Skip, cases, check, cleanup, contains, equal, eventually, matches, test


def dockerd(*args, timeout=20, **kw):
    only_ours()
    return subprocess.run([str(build_dir() / "dockerd"), *map(str, args)], capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, **kw)


def refused(d, pattern, *args, code=1):
    """The daemon must end by itself with the code and say why."""
    d.args += args
    d.start(wait=False)
    try:
        got = d.process.wait(10)
    except subprocess.TimeoutExpired:
        raise Failed(f"dockerd {' '.join(map(str, args))} runs, expected an error like /{pattern}/") from None
    matches(d.log(), pattern, f"what dockerd {' '.join(map(str, args))} said")
    equal(got, code, "exit code")


@test
def help_and_version():
    r = dockerd("--help")
    equal(r.returncode, 0, "exit code of --help")
    for flag in ("--data-root", "--host", "--tlsverify", "--validate", "--config-file", "--exec-root"):
        contains(r.stdout, flag, "output of --help")
    r = dockerd("--version")
    # Docker's form with the name of this program, so that what takes the words by their place finds them.
    matches(r.stdout, r"^dockerd version \d+\.\d+\.\d+, build \S+$", "output of --version")


OPTIONS = """add-runtime allow-direct-routing authorization-plugin bip bip6 bridge bridge-accept-fwmark cdi-spec-dir cgroup-parent
    config-file containerd containerd-namespace containerd-plugins-namespace cpu-rt-period cpu-rt-runtime cri-containerd data-root debug
    default-address-pool default-cgroupns-mode default-gateway default-gateway-v6 default-ipc-mode default-network-opt default-runtime
    default-shm-size default-stop-timeout default-ulimit dns dns-opt dns-search exec-opt exec-root experimental feature firewall-backend
    fixed-cidr fixed-cidr-v6 group help host host-gateway-ip http-proxy https-proxy icc init init-path insecure-registry ip ip-forward
    ip-forward-no-drop ip-masq ip6tables iptables ipv6 label live-restore log-driver log-format log-level log-opt max-concurrent-downloads
    max-concurrent-uploads max-download-attempts metrics-addr mtu network-control-plane-mtu no-new-privileges no-proxy
    node-generic-resource nri-opts pidfile raw-logs registry-mirror rootless seccomp-profile selinux-enabled shutdown-timeout
    storage-driver storage-opt swarm-default-advertise-addr tls tlscacert tlscert tlskey tlsverify userland-proxy userland-proxy-path
    userns-remap validate version""".split()


@test
def every_option_is_in_the_help():
    out = dockerd("--help").stdout
    missing = [o for o in OPTIONS if not re.search(rf"--{o}\b", out)]
    equal(missing, [], "options that --help does not list")


@cases([("unknown flag", ["--nosuch"], r"unknown flag: --nosuch"), ("missing value", ["--data-root"], r"(?i)data-root"),
        ("stray argument", ["stray"], r"accepts no argument"), ("bad boolean", ["--debug=maybe"], r"(?i)debug"),
        ("bad number", ["--mtu", "many"], r"(?i)mtu"), ("bad log level", ["--log-level", "nosuch"], r"(?i)log.level|nosuch"),
        ("bad host", ["-H", "ftp://x"], r"(?i)ftp|bind address|protocol")])
def bad_flag(args, pattern):
    r = dockerd(*args)
    check(r.returncode != 0, f"dockerd {' '.join(args)} ended with 0")
    matches(r.stderr, pattern, "stderr")


def validate(config, *args):
    only_ours()
    import tempfile
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        f.write(config if isinstance(config, str) else json.dumps(config))
        f.flush()
        return dockerd("--validate", "--config-file", f.name, *args)


@test
def validate_ok():
    r = validate({"debug": True, "labels": ["a=b"], "log-opts": {"max-size": "10m"}})
    equal(r.returncode, 0, f"exit code ({r.stderr!r})")
    contains(r.stderr + r.stdout, "configuration OK", "output")


@cases([
    ("unknown key", {"nosuch": 1}, [], r"the following directives don't match any configuration option: nosuch"),
    ("key and flag", {"debug": True}, ["--debug"], r"the following directives are specified both as a flag and in the configuration file: debug"),
    ("hosts and flag", {"hosts": ["unix:///a"]}, ["-H", "unix:///b"], r"specified both as a flag and in the configuration file: hosts"),
    ("bad type", {"debug": "yes please"}, [], r"(?i)debug"),
    ("not JSON", "{", [], r"(?i)(unable to configure|parse|invalid|EOF|JSON)"),
    ("array", "[]", [], r"(?i)(object|array|JSON)"),
    ("bad mtu", {"mtu": -1}, [], r"(?i)mtu"),
    ("bad log level", {"log-level": "nosuch"}, [], r"(?i)nosuch|log.level"),
    ("conflicting labels", {"labels": ["a=1", "a=2"]}, [], r"(?i)conflict labels for a|label"),
    ("bad label", {"labels": ["nolabel"]}, [], r"(?i)label"),
    ("bad dns", {"dns": ["nosuch"]}, [], r"(?i)nosuch|not an ip"),
    ("unknown runtime", {"default-runtime": "nosuch"}, [], r"(?i)nosuch"),
    ("bad storage driver", {"storage-driver": "nosuch"}, [], r"(?i)nosuch|storage.driver"),
    ("tls without certificates", {"tlsverify": True, "tlscacert": "/nosuch", "tlscert": "/nosuch", "tlskey": "/nosuch"}, [], r"(?i)nosuch|certificate|TLS"),
    ("duplicate runtime", {"runtimes": {"runc": {"path": "/x"}}}, [], r"(?i)runc.*reserved|reserved"),
])
def validate_errors(config, args, pattern):
    r = validate(config, *args)
    equal(r.returncode, 1, f"exit code ({(r.stderr + r.stdout).strip()[-300:]!r})")
    matches(r.stderr, pattern, "stderr")


@cases([("empty file", ""), ("byte order mark", "\ufeff{}"), ("empty object", "{}")])
def validate_accepts(text):
    r = validate(text)
    equal(r.returncode, 0, f"exit code ({r.stderr!r})")


@test
def accepted_since_scripts_pass_them():
    r = validate({}, "--containerd", "/run/containerd/containerd.sock", "--containerd-namespace", "moby",
                 "--containerd-plugins-namespace", "plugins.moby", "--userland-proxy=false", "--live-restore", "--storage-driver", "overlay2",
                 "--raw-logs", "--shutdown-timeout", "30", "--ip6tables=false")
    equal(r.returncode, 0, f"exit code ({r.stderr!r})")


@test
def missing_config_file():
    r = dockerd("--validate", "--config-file", "/no/such/file")
    equal(r.returncode, 1, "exit code")
    contains(r.stderr, "/no/such/file", "stderr")


# Options whose feature is not there yet; each must be refused by name. This list may only shrink.
NOT_YET = [
    ("authorization-plugin", ["--authorization-plugin", "x"]), ("metrics-addr", ["--metrics-addr", "127.0.0.1:0"]),
    ("userns-remap", ["--userns-remap", "default"]), ("rootless", ["--rootless"]), ("selinux-enabled", ["--selinux-enabled"]),
    ("cdi-spec-dir", ["--cdi-spec-dir", "/x"]), ("nri-opts", ["--nri-opts", "enable=true"]), ("ipv6", ["--ipv6"]),
    ("swarm-default-advertise-addr", ["--swarm-default-advertise-addr", "1.2.3.4"]),
    ("node-generic-resource", ["--node-generic-resource", "a=1"]), ("cri-containerd", ["--cri-containerd"]),
    ("firewall-backend", ["--firewall-backend", "iptables"]), ("feature", ["--feature", "cdi=true"]),
]


@cases(NOT_YET)
def refused_by_name(args):
    r = validate({}, *args)
    check(r.returncode != 0, f"dockerd {' '.join(args)} is accepted: if it works now, take it off this list and test it; "
                             f"an option must never be ignored silently")
    contains(r.stderr, args[0].lstrip("-"), "stderr")


@test
def notify_phases():
    d = own_daemon().start()
    messages = "\n".join(d.messages())
    contains(messages, "READY=1", "messages to NOTIFY_SOCKET")
    statuses = re.findall(r"STATUS=(.*)", messages)
    check(len(statuses) >= 11, f"{len(statuses)} STATUS= messages, at least one for each of the eleven phases is expected: {statuses}")
    d.stop()
    contains("\n".join(d.messages()), "STOPPING=1", "messages at the end")


@test
def stops_in_milliseconds():
    d = own_daemon().start()
    begin = time.monotonic()
    d.stop()
    took = time.monotonic() - begin
    check(took < 1.0, f"SIGTERM to exit took {took:.2f} s")


@cases([("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT)])
def stop_cleans_up(signum):
    d = own_daemon().start()
    check(d.pidfile.exists() and d.sock.exists(), "no pidfile or no socket while it runs")
    d.stop(signum)
    check(not d.pidfile.exists(), "the pidfile is left")
    d.check_clean()
    mounts = [line.split()[4] for line in open("/proc/self/mountinfo") if str(d.dir) in line]
    equal(mounts, [], "mounts left after a clean end without containers")


@test
def modes():
    d = own_daemon().start()
    for path, mode in ((d.data, 0o710), (d.data / "containers", 0o710), (d.exec, 0o711), (d.sock, 0o660)):
        equal(oct(stat.S_IMODE(path.stat().st_mode)), oct(mode), f"mode of {path.relative_to(d.dir)}")
    equal(d.pidfile.read_text().strip(), str(d.process.pid), "content of the pidfile")


@test
def umask():
    d = own_daemon()
    old = os.umask(0o077)
    try:
        d.start()
    finally:
        os.umask(old)
    d.load_busybox()
    code, out, err = d.client().run("stat -c %a /etc/passwd /etc/hosts")
    equal(out, "644\n644\n", "modes inside a container of a daemon started with umask 077")


@test
def second_daemon_same_data_root():
    d = own_daemon().start()
    other = own_daemon(data_root=d.data)
    refused(other, rf"(?i)(in use|lock|another).*|{re.escape(str(d.data))}")
    contains(other.log(), str(d.data), "what the second daemon said")
    equal(d.client().get("/_ping").text, "OK", "/_ping of the first daemon")


@test
def second_daemon_same_pidfile():
    d = own_daemon().start()
    other = own_daemon()
    other.pidfile = d.pidfile
    refused(other, rf"(?i)pid.*{d.process.pid}|{re.escape(str(d.pidfile))}")
    equal(d.client().get("/_ping").text, "OK", "/_ping of the first daemon")


@cases([("dead process", "999999"), ("garbage", "garbage"), ("empty", ""), ("another program", str(1))])
def stale_pidfile(text):
    d = own_daemon()
    d.pidfile.write_text(text)
    d.start()
    equal(d.pidfile.read_text().strip(), str(d.process.pid), "content of the pidfile")


@test
def stale_socket():
    d = own_daemon()
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(d.sock))
    s.close()
    d.start()
    equal(d.client().get("/_ping").text, "OK", "/_ping")


@test
def socket_in_use():
    d = own_daemon()
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(d.sock))
    s.listen()
    cleanup(s.close)
    refused(d, rf"{re.escape(str(d.sock))}")


@test
def unwritable_data_root():
    d = own_daemon()
    d.data.parent.mkdir(exist_ok=True)
    d.data.write_text("a file")
    refused(d, r"(?i)not a directory|file exists")


@test
def several_hosts():
    d = own_daemon()
    second = d.dir / "second.sock"
    d.hosts = [f"unix://{second}", "tcp://127.0.0.1:32375"]
    d.start()
    for host in (d.host, f"unix://{second}", "tcp://127.0.0.1:32375"):
        equal(Client(host).get("/_ping").text, "OK", f"/_ping on {host}")
    matches(d.log(), r"(?i)(insecure|unencrypted|without TLS|not.*encrypted)", "a warning about unencrypted tcp")
    warnings = [w for w in Client(d.host).ok("GET", "/info")["Warnings"] if "tcp" in w or "http" in w]
    equal(len(warnings), 1, f"warnings of /info about {warnings}")
    contains(warnings[0], "http://127.0.0.1:32375 without encryption", "warning of /info")


@test
def tcp_port_in_use():
    s = socket.create_server(("127.0.0.1", 0))
    cleanup(s.close)
    d = own_daemon(hosts=[f"tcp://127.0.0.1:{s.getsockname()[1]}"])
    refused(d, r"(?i)address already in use")


@test
def group_of_the_socket():
    d = own_daemon("--group", "nogroup").start()
    import grp
    equal(grp.getgrgid(d.sock.stat().st_gid).gr_name, "nogroup", "group of the socket")
    other = own_daemon()
    refused(other, r"(?i)nosuchgroup", "--group", "nosuchgroup")


@test
def socket_activation():
    """fd:// with LISTEN_FDS as systemd passes them."""
    only_ours()
    d = own_daemon()
    path = d.dir / "activated.sock"
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(path))
    s.listen()
    command = [c for c in d.command() if c != d.host and c != "--host"] + ["-H", "fd://"]
    with open(d.log_file, "ab") as log:
        def setup():
            os.dup2(s.fileno(), 3)
            os.set_inheritable(3, True)
        env = {**os.environ, "LISTEN_FDS": "1", "NOTIFY_SOCKET": str(d.dir / "notify"),
               "ASAN_OPTIONS": "detect_leaks=0"}
        # LISTEN_PID must be the daemon's own, which only its own process knows before it execs.
        d.process = subprocess.Popen(["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *command], stdout=log, stderr=log, env=env,
                                     preexec_fn=setup, pass_fds=(3,), start_new_session=True)
    d.wait_ready()
    equal(Client(f"unix://{path}").get("/_ping").text, "OK", "/_ping on the passed socket")
    d.stop()
    check(path.exists(), "the daemon removed a socket that is systemd's")


@test
def fd_without_sockets():
    only_ours()
    d = own_daemon()
    d.hosts = []
    command = [c for c in d.command() if c != d.host and c != "--host"] + ["-H", "fd://"]
    r = subprocess.run(command, capture_output=True, text=True, timeout=10)
    check(r.returncode != 0, "dockerd -H fd:// without sockets started")
    contains(r.stderr, "no sockets found via socket activation", "stderr")


@test
def reload():
    d = own_daemon(config={"labels": ["a=1"], "debug": False}).start()
    equal(d.client().ok("GET", "/info")["Labels"], ["a=1"], "labels before")
    d.config["labels"] = ["a=2"]
    d.config["debug"] = True
    d.write_config()
    d.reload()
    i = d.client().ok("GET", "/info")
    equal((i["Labels"], i["Debug"]), (["a=2"], True), "labels and debug after SIGHUP")


@test
def cgroup_driver_that_is_not_there():
    only_ours()
    options = ["--exec-opt", "native.supervisor=direct", "--exec-opt", "native.cgroupdriver=systemd"]
    r = subprocess.run([*own_daemon().command(), *options], capture_output=True, text=True, timeout=60)
    check(r.returncode != 0, "the daemon started")
    contains(r.stderr, "native.cgroupdriver=systemd", "stderr")


@test
def reload_of_runtimes():
    """A runtime that was added is known, one that was taken away is not, and the default follows."""
    d = own_daemon(config={"runtimes": {"old": {"path": "runc"}}}, runtime=False).start()
    c = d.client()
    contains(c.ok("GET", "/info")["Runtimes"], "old", "runtimes before")
    d.config["runtimes"] = {"fresh": {"path": "runc"}}
    d.config["default-runtime"] = "fresh"
    d.write_config()
    d.reload()
    i = c.ok("GET", "/info")
    equal(("old" in i["Runtimes"], "fresh" in i["Runtimes"], i["DefaultRuntime"]), (False, True, "fresh"), "runtimes afterwards")


@test
def reload_of_a_broken_file_keeps_the_old_one():
    d = own_daemon(config={"labels": ["a=1"]}).start()
    d.config_file.write_text("{ broken")
    d.process.send_signal(signal.SIGHUP)
    eventually(lambda: re.search(r"(?i)(reload|config|json)", d.log()), "an error in the log")
    equal(d.client().ok("GET", "/info")["Labels"], ["a=1"], "labels after a failed reload")
    check(d.running(), "the daemon ended")


@test
def state_dump():
    d = own_daemon().start()
    d.process.send_signal(signal.SIGUSR1)
    eventually(lambda: list(d.exec.glob("*.log")) + list(d.exec.glob("*dump*")) + list(d.exec.glob("*state*")),
               "a state dump in the exec root after SIGUSR1")
    equal(d.client().get("/_ping").text, "OK", "/_ping afterwards")


@test
def watchdog():
    d = own_daemon(env={"WATCHDOG_USEC": "400000"})
    d.start()
    d.messages()
    seen = eventually(lambda: sum("WATCHDOG=1" in m for m in d.messages()) >= 2, "two WATCHDOG=1", 3)
    check(seen, "no WATCHDOG=1")


@test
def no_bus():
    """The daemon runs where there is no system bus."""
    d = own_daemon(env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/no/such/bus"}).start()
    equal(d.client().get("/_ping").text, "OK", "/_ping")


@test
def idle_costs_nothing():
    d = own_daemon().start()
    time.sleep(0.5)

    def ticks():
        fields = open(f"/proc/{d.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    before = ticks()
    time.sleep(1.5)
    check(ticks() - before <= 3, f"an idle daemon used {(ticks() - before) * 10} ms of CPU in 1.5 s")


@test
def file_descriptors_come_back():
    d = own_daemon().start()
    d.load_busybox()

    def count():
        return len(os.listdir(f"/proc/{d.process.pid}/fd"))
    c = d.client()
    c.run("true")
    time.sleep(0.3)
    before = count()
    for _ in range(10):
        c.run("true")
        c.get("/info").body
    eventually(lambda: count() <= before + 2, f"file descriptors go back to {before} after ten containers", 5)


# What the store survives.

@test
def damaged_record():
    d = own_daemon().start()
    d.load_busybox()
    c = d.client()
    a = c.create(name="good", cmd="true")
    b = c.create(name="bad", cmd="true")
    d.stop()
    import sqlite3
    db = sqlite3.connect(d.data / "state.db")
    tables = [r[0] for r in db.execute("select name from sqlite_master where type='table'")]
    changed = 0
    for table in tables:
        columns = [r[1] for r in db.execute(f"pragma table_info({table})")]
        document = next((x for x in columns if x in ("document", "json", "doc", "body", "value")), None)
        if document and "container" in table:
            changed += db.execute(f"update {table} set {document} = '{{broken' where {document} like ?", (f"%{b}%",)).rowcount
    if not changed:
        for table in tables:
            columns = [r[1] for r in db.execute(f"pragma table_info({table})")]
            for column in columns:
                try:
                    changed += db.execute(f"update {table} set {column} = '{{broken' where {column} like ? and length({column}) > 100",
                                          (f"%{b}%",)).rowcount
                except sqlite3.Error:
                    pass
    db.commit()
    db.close()
    check(changed, "the record of the container was not found in state.db")
    d.start()
    c = d.client()
    equal(c.inspect("good")["Id"], a, "the other container")
    equal(c.get("/containers/bad/json").status, 404, "status of the damaged one")
    check(re.search(rf"{b[:12]}|damaged|set aside|broken", d.log()), "the damaged record is not reported")


@test
def damaged_database():
    d = own_daemon().start()
    d.stop()
    (d.data / "state.db").write_bytes(b"not a database" * 100)
    d.start(wait=False)
    try:
        d.wait_ready(timeout=5)
    except Failed:
        matches(d.log(), r"state\.db|database", "what dockerd says about a damaged database")
