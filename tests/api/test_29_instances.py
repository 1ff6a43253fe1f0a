# SPDX-License-Identifier: Apache-2.0
"""Several engines in one network namespace: names, subnets and published ports of each stay its own."""

import json
import os
import pathlib
import subprocess

from common_api import own_daemon
from daemon import nft_tables
from harness import Failed, Skip, check, cleanup, contains, equal, eventually, matches, test

SERVE = "while :; do echo {} | nc -l -p 80; done"


def ask(port):
    return subprocess.run(["busybox", "nc", "-w", "2", "127.0.0.1", str(port)], stdin=subprocess.DEVNULL,
                          capture_output=True).stdout.decode().strip()


def bridge_of(d, network="bridge"):
    return d.client().ok("GET", f"/networks/{network}")["Options"]["com.docker.network.bridge.name"]


def subnet_of(d):
    return d.client().ok("GET", "/networks/bridge")["IPAM"]["Config"][0]["Subnet"]


def table_of(d):
    """The table that is marked as this daemon's."""
    for line in nft_tables():
        if str(d.exec) in subprocess.run(["nft", "list", *line.split()], capture_output=True, text=True).stdout:
            return line.split()[-1]
    return None


def links_of(d):
    rows = json.loads(subprocess.run(["ip", "-j", "link"], capture_output=True, text=True, check=True).stdout)
    return sorted(row["ifname"] for row in rows if row.get("ifalias", "").endswith(str(d.exec)))


def serve(d, word):
    """A container that says the word on a published port: (id, port)."""
    c = d.client()
    i = c.create(cmd=SERVE.format(word), ExposedPorts={"80/tcp": {}},
                 host={"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}})
    d.containers.add(i)
    c.start(i)
    return i, c.inspect(i)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]


def two():
    return [own_daemon().start().load_busybox() for _ in range(2)]


def refused(d):
    """It reads what the daemon tells while it waits, or the daemon would wait for a reader."""
    try:
        d.start()
    except Failed:
        equal(d.process.returncode, 1, "exit code of the second daemon")
        return
    raise Failed("the second daemon has started")


@test(timeout=180)
def side_by_side():
    a, b = two()
    check(bridge_of(a) != bridge_of(b) and subnet_of(a) != subnet_of(b), "both have the same bridge or the same subnet")
    (_, port_a), (i, port_b) = serve(a, "aa"), serve(b, "bb")

    def both(when):
        eventually(lambda: (ask(port_a), ask(port_b)) == ("aa", "bb"), f"both published ports {when}", 30)
    both("at first")
    tables = eventually(lambda: [t for t in (table_of(a), table_of(b)) if t], "tables with the marks of both")
    equal(len(set(tables)), 2, "number of tables")
    b.kill()
    both("after one was killed")
    b.start()
    both("after one came back")
    a.restart()
    both("after a restart of the other")
    a.reload()
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    both("after a flush of all rules")
    equal([table_of(a), table_of(b)], tables, "the tables after that")
    b.client().remove(i)
    r = b.client().post("/networks/prune")
    equal(r.status, 200, "prune by one")
    eventually(lambda: ask(port_a) == "aa", "the port of the other after containers of one were removed")
    b.stop()
    eventually(lambda: ask(port_a) == "aa", "the port of the other after one was stopped")


@test
def names_last():
    """Whoever comes first has the plain names; the other one keeps its own when the first is gone."""
    a, b = two()
    names = bridge_of(b)
    matches(names, r"^docker-[0-9a-f]{8}$", "bridge of the second")
    b.stop()
    a.destroy()
    b.start()
    equal(bridge_of(b), names, "bridge of the second after the first was removed")


@test
def port_of_the_other():
    a, b = two()
    _, port = serve(a, "aa")
    c = b.client()
    i = c.create(cmd="true", ExposedPorts={"80/tcp": {}}, host={"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}})
    r = c.post(f"/containers/{i}/start")
    equal(r.status, 500, "status of a start with the port of the other engine")
    contains(r.message, port, "message")
    eventually(lambda: ask(port) == "aa", "the port of the first")


@test
def one_exec_root():
    a, b = own_daemon().start(), own_daemon()
    b.exec = a.exec
    refused(b)
    contains(b.log(), f"the exec root {a.exec} is in use by another daemon (process {a.process.pid})", "log")


@test
def one_bridge():
    """A bridge that is named on purpose serves one engine."""
    a = own_daemon().start()
    b = own_daemon("--bridge", bridge_of(a))
    refused(b)
    contains(b.log(), f"bridge {bridge_of(a)} belongs to another dockerd, whose exec root is {a.exec}", "log")
    equal(links_of(a), [bridge_of(a)], "bridges of the first")


# --- dockerd --clean ---

def clean(d, *more):
    return subprocess.run(d.command("--clean", *more), capture_output=True, text=True, timeout=60)


@test
def clean_removes_everything():
    """Nothing that a daemon has made is left, but the data; what another one has made stays."""
    a, b = two()
    i, _ = serve(a, "aa")
    a.client().ok("POST", "/networks/create", {"Name": "more"})
    equal(len(links_of(a)), 2, "bridges of the first")
    r = clean(a)
    equal(r.returncode, 1, "exit code while the daemon runs")
    contains(r.stderr, f"is in use by another daemon (process {a.process.pid})", "its words")
    a.stop()
    r = clean(a)
    equal(r.returncode, 1, "exit code while a container runs")
    contains(r.stderr, f"1 containers run, one is {i[:12]}", "its words")
    equal(len(links_of(a)), 2, "bridges after the refusals")
    a.start()
    a.client().remove(i)
    a.check_clean([i])
    bridges, table = links_of(a), table_of(a)
    a.stop()
    r = clean(a)
    equal((r.returncode, r.stderr), (0, ""), "exit code and words")
    for wanted in [f"removed the bridge {name}" for name in bridges] + [f"removed the nft table inet {table}", f"removed {a.exec}"]:
        contains(r.stdout.splitlines(), wanted, "lines")
    equal((links_of(a), table_of(a), a.exec.exists()), ([], None, False), "bridges, table and exec root")
    check((a.data / "state.db").exists(), "the data is gone")
    check(table_of(b) and links_of(b), "the other engine lost its table or its bridge")
    r = clean(a)
    equal((r.returncode, r.stdout, r.stderr), (0, "", ""), "a second time")
    a.start()
    equal(a.client().ok("GET", "/images/json")[0]["RepoTags"], ["busybox:latest"], "images afterwards")
    contains([n["Name"] for n in a.client().ok("GET", "/networks")], "more", "networks afterwards")


@test
def clean_data():
    d = own_daemon().start().load_busybox()
    d.client().ok("POST", "/volumes/create", {"Name": "data"})
    d.stop()
    (d.data / "notes").write_text("of somebody else")
    r = clean(d, "--clean-data")
    equal(r.returncode, 0, "exit code")
    equal([p.name for p in d.data.iterdir()], ["notes"], "what is left of the data root")
    (d.data / "notes").unlink()
    r = clean(d, "--clean-data")
    contains(r.stdout, f"removed {d.data}", "output")
    check(not d.data.exists(), "the data root is still there")


@test
def clean_gives_forwarding_back():
    """Who switched it on switches it off, unless another engine is left that relies on it."""
    path = "/proc/sys/net/ipv4/ip_forward"
    before = open(path).read()
    cleanup(lambda: open(path, "w").write(before))
    open(path, "w").write("0")
    a = own_daemon().start()
    equal(open(path).read(), "1\n", "forwarding with the daemon")
    a.stop()
    others = [line for line in subprocess.run(["ip", "link", "show", "group", "1684759154"], capture_output=True, text=True).stdout.splitlines()
              if "alias" in line and str(a.exec) not in line]
    check(others, "the daemon of the suite has no bridge with the group")
    r = clean(a)
    equal(open(path).read(), "1\n", "forwarding while another engine is there")
    check("forwarding" not in r.stdout, "it says that it switched forwarding off")


@test
def quickstart_stop():
    """Its directory has the layout of the tests' own daemons."""
    if pathlib.Path("/run/systemd/system").is_dir():
        raise Skip("tools/quickstart would stop the dockerd.socket of this machine")
    a = own_daemon().start().load_busybox()
    serve(a, "aa")
    table = table_of(a)
    r = subprocess.run([str(pathlib.Path(__file__).parents[2] / "tools/quickstart"), "stop"], capture_output=True, text=True, timeout=100,
                       env={**os.environ, "DOCKERD_QUICKSTART_DIR": str(a.dir), "DOCKERD_BUILD": str(a.binary.parent)})
    a.process.wait(60)
    equal((r.returncode, r.stderr), (0, ""), "exit code and words of tools/quickstart stop")
    equal((links_of(a), table_of(a), a.dir.exists()), ([], None, False), "bridges, table and directory")
    check(f"table inet {table}" not in nft_tables(), "the table is still there")
