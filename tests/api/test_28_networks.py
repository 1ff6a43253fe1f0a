# SPDX-License-Identifier: Apache-2.0
"""Networks of users: made, shown, joined and left by containers, names on them, and what of it is there after a crash."""

import ctypes
import socket
import subprocess
import threading
import time

import common_api
from common_api import client, only_ours, own_daemon
from harness import Failed, cases, check, cleanup, contains, equal, eventually, matches, test


def fresh():
    c = client()
    cleanup(remove_networks, c)
    return c


def remove_networks(c):
    common_api.remove_all()
    for n in c.ok("GET", "/networks"):
        if n["Name"] not in ("bridge", "host", "none"):
            c.ok("DELETE", f"/networks/{n['Id']}", wanted=204)


def create(c, name, **body):
    return c.ok("POST", "/networks/create", {"Name": name, **body}, wanted=201)["Id"]


def subnet(text, **config):
    return {"Config": [{"Subnet": text, **config}]}


def box(c, network, cmd="sleep 1000", name=None, aliases=None, address=None, others=(), host=None, **config):
    endpoints = {network: {"Aliases": aliases, "IPAMConfig": {"IPv4Address": address} if address else None}}
    endpoints.update({other: {} for other in others})
    i = c.create(cmd=cmd, name=name, host={"NetworkMode": network, **(host or {})}, StopTimeout=1,
                 NetworkingConfig={"EndpointsConfig": endpoints}, **config)
    c.start(i)
    return i


def networks(c, i):
    return c.inspect(i)["NetworkSettings"]["Networks"]


def address(c, i, network):
    return networks(c, i)[network]["IPAddress"]


def names(c, **filters):
    return sorted(n["Name"] for n in c.ok("GET", "/networks", query={"filters": filters or None}))


@test
def create_and_inspect():
    c = fresh()
    r = c.ok("POST", "/networks/create", {"Name": "mine", "Labels": {"a": "b"}, "Options": {"x": "y"}, "Attachable": True}, wanted=201)
    equal(r["Warning"], "", "Warning")
    n = c.ok("GET", "/networks/mine")
    equal({k: n[k] for k in ("Name", "Id", "Scope", "Driver", "EnableIPv4", "EnableIPv6", "Internal", "Attachable", "Ingress", "ConfigOnly", "Labels",
                             "Options", "Containers")},
          {"Name": "mine", "Id": r["Id"], "Scope": "local", "Driver": "bridge", "EnableIPv4": True, "EnableIPv6": False, "Internal": False,
           "Attachable": True, "Ingress": False, "ConfigOnly": False, "Labels": {"a": "b"}, "Options": {"x": "y"}, "Containers": {}}, "the network")
    config = n["IPAM"]["Config"]
    equal(len(config), 1, "subnets")
    matches(config[0]["Subnet"], r"^[\d.]+/\d+$", "Subnet")
    check(link_exists(f"br-{r['Id'][:12]}"), "its bridge")
    for name in (r["Id"], r["Id"][:10]):
        equal(c.ok("GET", f"/networks/{name}")["Name"], "mine", f"the network by {name}")
    equal(c.delete("/networks/mine").status, 204, "status of the removal")
    check(not link_exists(f"br-{r['Id'][:12]}"), "its bridge is gone")
    r = c.get("/networks/mine")
    equal((r.status, r.message), (404, "network mine not found"), "after the removal")


def link_exists(name):
    return subprocess.run(["ip", "link", "show", name], capture_output=True).returncode == 0


@cases([
    ("no name", {}, 400, r"(?i)name"), ("blank", {"Name": " "}, 400, r"invalid network name"), ("slash", {"Name": "a/b"}, 400, r"invalid network name"),
    ("bridge", {"Name": "bridge"}, 403, r"operation is not permitted on predefined bridge network"),
    ("host", {"Name": "host"}, 403, r"operation is not permitted on predefined host network"),
    ("host driver", {"Name": "x", "Driver": "host"}, 403, r'only one instance of "host" network is allowed'),
    ("macvlan", {"Name": "x", "Driver": "macvlan"}, 501, r"networks of the driver macvlan are not supported by this engine yet"),
    ("driver", {"Name": "x", "Driver": "nosuch"}, 404, r'plugin "nosuch" not found'),
    ("ipv6", {"Name": "x", "EnableIPv6": True}, 501, r"IPv6 in a network is not supported"),
    ("scope", {"Name": "x", "Scope": "swarm"}, 501, r"not supported by this engine yet"),
    ("config only", {"Name": "x", "ConfigOnly": True}, 501, r"--config-only.* is not supported by this engine yet"),
    ("config from", {"Name": "x", "ConfigFrom": {"Network": "y"}}, 501, r"--config-from.* is not supported by this engine yet"),
    ("ingress", {"Name": "x", "Ingress": True}, 501, r"an ingress network is not supported"),
    ("ipvlan", {"Name": "x", "Driver": "ipvlan"}, 501, r"networks of the driver ipvlan are not supported by this engine yet"),
    ("overlay", {"Name": "x", "Driver": "overlay"}, 501, r"networks of the driver overlay are not supported by this engine yet"),
    ("no IPv4", {"Name": "x", "EnableIPv4": False}, 400, r"^IPv4 or IPv6 must be enabled$"),
    ("no IPv4, as an option", {"Name": "x", "Options": {"com.docker.network.enable_ipv4": "false"}}, 400, r"^IPv4 or IPv6 must be enabled$"),
    ("junk as an option of IPv4", {"Name": "x", "Options": {"com.docker.network.enable_ipv4": "xx"}}, 400,
     r'^driver-opt "com.docker.network.enable_ipv4" is not a valid bool$'),
    ("ipv6, as an option", {"Name": "x", "Options": {"com.docker.network.enable_ipv6": "true"}}, 501, r"IPv6 in a network is not supported"),
    ("address driver", {"Name": "x", "IPAM": {"Driver": "nosuch"}}, 404, r'^plugin "nosuch" not found$'),
    ("no addresses", {"Name": "x", "IPAM": {"Driver": "null"}}, 501, r"address driver null"),
    ("subnet", {"Name": "x", "IPAM": subnet("nonsense")}, 400, r"invalid subnet nonsense: invalid CIDR block notation"),
    ("host bits", {"Name": "x", "IPAM": subnet("10.1.2.3/8")}, 400, r"invalid subnet 10.1.2.3/8: it should be 10.0.0.0/8"),
    ("too small", {"Name": "x", "IPAM": subnet("10.1.2.0/31")}, 400, r"a prefix of /8 to /30"),
    ("subnet of IPv6", {"Name": "x", "IPAM": subnet("fd00::/64")}, 501, r"IPv6 subnet"),
    ("gateway outside", {"Name": "x", "IPAM": subnet("10.66.0.0/24", Gateway="10.67.0.1")}, 400, r"invalid gateway 10.67.0.1"),
    ("range outside", {"Name": "x", "IPAM": subnet("10.66.0.0/24", IPRange="10.67.0.0/25")}, 400, r"invalid ip-range 10.67.0.0/25"),
    ("gateway alone", {"Name": "x", "IPAM": {"Config": [{"Gateway": "10.66.0.1"}]}}, 400, r"invalid subnet"),
    ("two subnets", {"Name": "x", "IPAM": {"Config": [{"Subnet": "10.66.0.0/24"}, {"Subnet": "10.67.0.0/24"}]}}, 403, r"^bridge driver doesn't support multiple subnets$"),
    ("bridge name", {"Name": "x", "Options": {"com.docker.network.bridge.name": "a/b"}}, 400, r"invalid value"),
    ("pattern as bridge name", {"Name": "x", "Options": {"com.docker.network.bridge.name": "br%d"}}, 400, r"invalid value"),
    ("wildcard as bridge name", {"Name": "x", "Options": {"com.docker.network.bridge.name": "br*"}}, 400, r"invalid value"),
    ("taken bridge name", {"Name": "x", "Options": {"com.docker.network.bridge.name": "lo"}}, 409, r"interface lo exists already"),
    ("mtu", {"Name": "x", "Options": {"com.docker.network.driver.mtu": "1"}}, 400, r"invalid value"),
    ("junk as gateway mode", {"Name": "x", "Options": {"com.docker.network.bridge.gateway_mode_ipv4": "xx"}}, 400,
     r"^failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: xx \(unknown gateway mode xx\)$"),
] + [(f"gateway mode {mode}", {"Name": "x", "Options": {"com.docker.network.bridge.gateway_mode_ipv4": mode}}, 501, rf"gateway_mode_ipv4={mode} is not supported")
     for mode in ("nat-unprotected", "routed", "isolated")
] + [(f"option {name}", {"Name": "x", "Options": {f"com.docker.network.{name}": "true"}}, 501, rf"the network option com.docker.network.{name} is not supported by")
     for name in ("bridge.gateway_mode_ipv6", "bridge.inhibit_ipv4", "bridge.trusted_host_interfaces", "bridge.host_binding_ipv6", "container_iface_prefix", "host_ipv4",
                  "host_ipv6", "bridge.enable_ic")
])
def create_refused(body, status, pattern):
    c = fresh()
    before = names(c)
    r = c.post("/networks/create", body)
    equal(r.status, status, f"status ({r.message!r})")
    matches(r.message, pattern, "message")
    equal(names(c), before, "networks afterwards")


@test
def options_of_the_address_driver():
    c = fresh()
    create(c, "mine", IPAM={"Driver": "default", "Options": {"a": "b"}}, Options={"com.docker.network.enable_ipv4": "true", "com.docker.network.bridge.gateway_mode_ipv4": "nat"})
    n = c.ok("GET", "/networks/mine")
    equal((n["IPAM"]["Driver"], n["IPAM"]["Options"], n["EnableIPv4"]), ("default", {"a": "b"}, True), "address driver, its options, IPv4")


@test
def conflicts():
    c = fresh()
    create(c, "mine", IPAM=subnet("10.66.0.0/16"))
    r = c.post("/networks/create", {"Name": "mine"})
    equal((r.status, r.message), (409, "network with name mine already exists"), "a second one of the name")
    r = c.post("/networks/create", {"Name": "other", "IPAM": subnet("10.66.7.0/24")})
    equal((r.status, r.message), (403, "invalid pool request: Pool overlaps with other one on this address space"), "one that overlaps")
    for name in ("bridge", "host", "none"):
        r = c.delete(f"/networks/{name}")
        equal((r.status, r.message), (403, f"{name} is a pre-defined network and cannot be removed"), f"removal of {name}")
    equal(c.delete("/networks/nosuch").status, 404, "status of the removal of one that is not there")


@test
def addresses():
    c = fresh()
    create(c, "mine", IPAM=subnet("10.66.0.0/24", Gateway="10.66.0.250", IPRange="10.66.0.64/28", AuxiliaryAddresses={"taken": "10.66.0.64"}))
    a, b = box(c, "mine"), box(c, "mine", address="10.66.0.9")
    equal((address(c, a, "mine"), address(c, b, "mine")), ("10.66.0.65", "10.66.0.9"), "addresses")
    row = networks(c, b)["mine"]
    equal((row["Gateway"], row["IPPrefixLen"], row["IPAMConfig"]), ("10.66.0.250", 24, {"IPv4Address": "10.66.0.9"}), "gateway, prefix and what was asked for")
    for wanted in ("10.66.0.9", "10.66.0.250", "10.66.0.0", "10.66.0.255"):
        i = c.create(cmd="true", host={"NetworkMode": "mine"}, NetworkingConfig={"EndpointsConfig": {"mine": {"IPAMConfig": {"IPv4Address": wanted}}}})
        r = c.post(f"/containers/{i}/start")
        equal(r.status, 403, f"status of a start with {wanted} ({r.message!r})")
        contains(r.message, "Address already in use", "message")
        c.remove(i)


@test
def containers_of_a_network():
    c = fresh()
    create(c, "mine")
    i = box(c, "mine", name="one")
    row = c.ok("GET", "/networks/mine")["Containers"][i]
    equal((row["Name"], row["IPv4Address"].split("/")[0]), ("one", address(c, i, "mine")), "the container in the network")
    r = c.delete("/networks/mine")
    equal(r.status, 403, "status of the removal of a network with a container")
    matches(r.message, r'^error while removing network: network mine has active endpoints \(name:"one" id:"[0-9a-f]{12}"\)$', "message")
    equal([len(c.ok("GET", "/containers/json", query={"filters": {"network": [n]}})) for n in ("mine", "bridge")], [1, 0], "containers of the filter network")
    c.remove(i)
    equal(c.delete("/networks/mine").status, 204, "status without it")


@test
def isolation():
    """On one network everybody reaches everybody; from one to the other nothing passes but what is published."""
    c = fresh()
    create(c, "one")
    create(c, "two")
    create(c, "inner", Internal=True)
    serve = "while :; do echo it | nc -l -p 80; done"
    target = box(c, "one", cmd=serve)
    inner = box(c, "inner", cmd=serve)
    ask = "nc -w 2 {} 80 </dev/null; true"
    near, far, closed = box(c, "one"), box(c, "two"), box(c, "inner")
    there = address(c, target, "one")
    eventually(lambda: c.exec(near, ask.format(there))[1] == "it\n", "the same network")
    equal(c.exec(far, ask.format(there))[1], "", "from another network")
    eventually(lambda: c.exec(closed, ask.format(address(c, inner, "inner")))[1] == "it\n", "the same internal network")
    equal(c.exec(near, ask.format(address(c, inner, "inner")))[1], "", "into an internal network")
    equal(c.exec(closed, ask.format(there))[1], "", "out of an internal network")
    equal(c.exec(closed, "ip route | grep -c default")[1], "0\n", "default routes on an internal network")
    equal(c.exec(near, "ip route | grep -c default")[1], "1\n", "default routes on another one")


@test
def several_networks():
    c = fresh()
    for n in ("aa", "bb", "cc"):
        create(c, n, Internal=n == "aa")
    i = box(c, "bb", others=["cc", "aa"])
    rows = networks(c, i)
    equal(sorted(rows), ["aa", "bb", "cc"], "networks")
    out = c.exec(i, "ip -o -4 addr show; ip route")[1]
    for n, interface in (("bb", "eth0"), ("aa", "eth1"), ("cc", "eth2")):
        matches(out, rf"{interface}\s+inet {rows[n]['IPAddress']}/", f"interface of {n}")
    matches(out, rf"default via {rows['bb']['Gateway']} dev eth0", "default route: the first by name that leads anywhere")
    r = c.post("/containers/create", {"Image": "busybox", "HostConfig": {"NetworkMode": "host"}, "NetworkingConfig": {"EndpointsConfig": {"host": {}, "bb": {}}}})
    equal(r.status, 400, "status of host and another network")
    contains(r.message, "conflicting options: cannot attach both user-defined and non-user-defined network-modes", "message")
    i = c.create(cmd="sleep 1000", host={"NetworkMode": "bb"}, NetworkingConfig={"EndpointsConfig": {"bb": {}, "cc": {"GwPriority": 5}}})
    c.start(i)
    matches(c.exec(i, "ip route")[1], r"default via \S+ dev eth1", "default route by GwPriority")


@test
def connect_and_disconnect():
    c = fresh()
    for n in ("one", "two"):
        create(c, n)
    i = box(c, "one", host={"PortBindings": {"80/tcp": [{"HostPort": ""}]}}, ExposedPorts={"80/tcp": {}})
    equal(c.post("/networks/two/connect", {"Container": i, "EndpointConfig": {"Aliases": ["second"]}}).status, 200, "status of connect")
    rows = networks(c, i)
    equal((sorted(rows), rows["two"]["Aliases"]), (["one", "two"], ["second"]), "networks and aliases")
    matches(c.exec(i, "ip -o -4 addr show eth1")[1], rf"inet {rows['two']['IPAddress']}/", "the new interface")
    r = c.post("/networks/two/connect", {"Container": i})
    equal(r.status, 403, "status of a second connect")
    contains(r.message, "already exists in network two", "message")
    equal(c.post("/networks/one/disconnect", {"Container": i}).status, 200, "status of disconnect")
    out = c.exec(i, "ip -o link; ip route")[1]
    check("eth0" not in out, f"the interface is gone: {out}")
    matches(out, rf"default via {rows['two']['Gateway']} dev eth1", "default route by way of the other network")
    r = c.post("/networks/one/disconnect", {"Container": i})
    equal(r.status, 403, "status of a second disconnect")
    contains(r.message, f"container {i} is not connected to network one", "message")
    c.ok("POST", f"/containers/{i}/restart", wanted=204, query={"t": 0})
    equal(sorted(networks(c, i)), ["two"], "networks after a restart")
    for path in ("/networks/nosuch/connect", "/networks/nosuch/disconnect"):
        equal(c.post(path, {"Container": i}).status, 404, f"status of {path}")
    r = c.post("/networks/one/connect", {"Container": "nosuch"})
    equal((r.status, r.message), (404, "No such container: nosuch"), "connect of no container")
    h = c.create(cmd="sleep 1000", host={"NetworkMode": "host"})
    check(c.post("/networks/one/connect", {"Container": h}).status in (403, 409), "a container on the host's network is not connected")
    n = c.create(cmd="true", host={"NetworkMode": "none"})
    equal(c.post("/networks/one/connect", {"Container": n}).status, 403, "status of connect with --network none")


@test
def disconnected_from_everything():
    """By a network with several names in the request, and for good: a restart connects it to nothing."""
    c = fresh()
    n = create(c, "one")
    i = c.create(cmd="sleep 1000", host={"NetworkMode": "one"}, StopTimeout=0,
                 NetworkingConfig={"EndpointsConfig": {"one": {}, n: {}, n[:12]: {}, n[:20]: {}}})
    c.start(i)
    equal(sorted(networks(c, i)), ["one"], "networks")
    c.ok("POST", "/networks/one/disconnect", {"Container": i}, wanted=200)
    equal(networks(c, i), {}, "networks after the disconnect")
    equal([row["NetworkSettings"]["Networks"] for row in c.ok("GET", "/containers/json")], [{}], "networks in the list")
    c.ok("POST", f"/containers/{i}/restart", wanted=204, query={"t": 0})
    equal(networks(c, i), {}, "networks after a restart")
    check("eth0" not in c.exec(i, "ip -o link")[1], "no interface after a restart")
    c.ok("POST", "/networks/one/connect", {"Container": i}, wanted=200)
    check("eth0" in c.exec(i, "ip -o link")[1], "an interface after a connect")


@test
def network_is_gone():
    c = fresh()
    create(c, "one")
    i = c.create(cmd="sleep 1000", host={"NetworkMode": "bridge"})
    c.ok("POST", "/networks/one/connect", {"Container": i}, wanted=200)
    c.ok("DELETE", "/networks/one", wanted=204)
    equal(c.post(f"/containers/{i}/start").status, 404, "status of a start")
    c.ok("POST", "/networks/one/disconnect", {"Container": i}, wanted=200)
    equal(c.post("/networks/one/disconnect", {"Container": i}).status, 404, "status of a second disconnect")
    c.start(i)


@test
def named_like_the_id_of_another():
    c = fresh()
    n = create(c, "one")
    create(c, n)
    i = box(c, "one")
    other = c.ok("GET", "/networks", query={"filters": {"name": [n]}})
    equal([len(c.ok("GET", f"/networks/{n}")["Containers"]), len(other)], [1, 1], "containers on the network with the id, networks of that name")
    c.remove(i)


@test
def published_ports_move_along():
    c = fresh()
    for n in ("one", "two"):
        create(c, n)
    i = box(c, "one", cmd="while :; do echo it | nc -l -p 80; done", ExposedPorts={"80/tcp": {}},
            host={"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}})
    port = c.inspect(i)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    eventually(lambda: ask_port(port) == b"it\n", "the published port")
    c.ok("POST", "/networks/two/connect", {"Container": i}, wanted=200)
    c.ok("POST", "/networks/one/disconnect", {"Container": i}, wanted=200)
    eventually(lambda: ask_port(port) == b"it\n", "the published port after the first network is gone")


def ask_port(port):
    return subprocess.run(["busybox", "nc", "-w", "2", "127.0.0.1", port], stdin=subprocess.DEVNULL, capture_output=True).stdout


@test
def stopped_container():
    c = fresh()
    for n in ("one", "two"):
        create(c, n)
    i = c.create(cmd="sleep 1000", host={"NetworkMode": "one"})
    c.ok("POST", "/networks/two/connect", {"Container": i}, wanted=200)
    equal({n: (row["IPAddress"], bool(row["NetworkID"])) for n, row in networks(c, i).items()}, {"one": ("", True), "two": ("", True)}, "before the start")
    c.start(i)
    equal(sorted(n for n, row in networks(c, i).items() if row["IPAddress"]), ["one", "two"], "networks with an address")
    c.ok("POST", f"/containers/{i}/kill")
    c.wait(i)
    c.ok("POST", "/networks/one/disconnect", {"Container": i}, wanted=200)
    c.start(i)
    equal(sorted(networks(c, i)), ["two"], "networks of the next run")
    c.ok("POST", f"/containers/{i}/kill")
    c.wait(i)
    c.ok("DELETE", "/networks/two", wanted=204)
    r = c.post(f"/containers/{i}/start")
    equal(r.status, 404, "status of a start without its network")
    contains(r.message, "network two not found", "message")


def lookup(c, i, name, server="127.0.0.11"):
    """Addresses as busybox finds them, sorted."""
    out = c.exec(i, ["nslookup", name, server])[1]
    part = out.split("Name:", 1)
    return sorted(set(line.split()[-1] for line in part[1].splitlines() if line.startswith("Address")), key=str) if len(part) > 1 else []


@test
def names_on_a_network():
    c = fresh()
    for n in ("one", "two"):
        create(c, n)
    web = box(c, "one", name="web", aliases=["www", "site.example"], Hostname="webhost")
    other = box(c, "two", name="hidden")
    i = box(c, "one", name="asks")
    there = address(c, web, "one")
    equal(c.exec(i, "cat /etc/resolv.conf | grep -c '^nameserver 127.0.0.11$'")[1], "1\n", "name servers in resolv.conf")
    for name in ("web", "www", "WEB", "site.example", web[:12], "webhost", "web.one", "www.one"):
        equal(lookup(c, i, name), [there], f"addresses of {name}")
    for name in ("hidden", "web.two", "hidden.two"):
        equal(lookup(c, i, name), [], f"addresses of {name}, which is on no network of ours")
    equal(c.exec(i, "ping -c 1 -W 2 web >/dev/null && echo ok")[1], "ok\n", "ping by name")
    matches(c.exec(i, ["nslookup", there, "127.0.0.11"])[1], r"name = web\.one", "the name of its address")
    equal(networks(c, web)["one"]["DNSNames"], ["web", "www", "site.example", web[:12], "webhost"], "DNSNames")
    c.ok("POST", f"/containers/{web}/rename", wanted=204, query={"name": "renamed"})
    equal((lookup(c, i, "renamed"), lookup(c, i, "web")), ([there], []), "addresses of the new and the old name")
    second = box(c, "one", name="web2", aliases=["www"])
    equal(lookup(c, i, "www"), sorted([there, address(c, second, "one")]), "addresses of an alias of two")
    c.remove(second)
    equal(lookup(c, i, "www"), [there], "addresses after one is gone")
    c.ok("POST", "/networks/two/connect", {"Container": i}, wanted=200)
    equal(lookup(c, i, "hidden"), [address(c, other, "two")], "addresses on the network that was joined")
    c.ok("POST", "/networks/two/disconnect", {"Container": i}, wanted=200)
    equal(lookup(c, i, "hidden"), [], "addresses after it was left")


@test
def default_bridge_has_no_names():
    c = fresh()
    c.start(c.create(cmd="sleep 1000", name="web"))
    i = c.create(cmd="sleep 1000")
    c.start(i)
    check("127.0.0.11" not in c.exec(i, "cat /etc/resolv.conf")[1], "our resolver is on networks of users only")
    create(c, "mine")
    c.ok("POST", "/networks/mine/connect", {"Container": i}, wanted=200)
    contains(c.exec(i, "cat /etc/resolv.conf")[1], "127.0.0.11", "resolv.conf of a container that joined one")


@test
def own_dns_server():
    """Port 53 is the container's: ours does not take it."""
    c = fresh()
    create(c, "mine")
    web = box(c, "mine", name="web")
    i = box(c, "mine", cmd="nc -u -l -p 53 -s 0.0.0.0 >/got & sleep 1000")
    equal(lookup(c, i, "web"), [address(c, web, "mine")], "a name, beside a server of the container's own")


LIBC = ctypes.CDLL(None)


class NameServer(threading.Thread):
    """Answers every query for an A record with 192.0.2.7, on a loopback address of the host or in a container; remembers what it was asked."""

    def __init__(self, host="127.9.9.9", pid=None):
        """pid: of a process in the network namespace where it is to answer."""
        super().__init__(daemon=True)
        self.host, self.pid, self.asked = host, pid, []
        self.ready = threading.Event()
        self.start()
        check(self.ready.wait(30), "the name server is there")
        cleanup(self.socket.close)

    def run(self):
        if self.pid:
            with open(f"/proc/{self.pid}/ns/net") as ns:
                check(LIBC.setns(ns.fileno(), 0) == 0, "the namespace is entered")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.host, 53))
        self.ready.set()
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            end = data.index(b"\0", 12) + 5
            labels, at = [], 12
            while data[at]:
                labels.append(data[at + 1:at + 1 + data[at]].decode())
                at += 1 + data[at]
            self.asked.append(".".join(labels))
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7" if data[end - 3] == 1 else b""
            self.socket.sendto(data[:2] + b"\x81\x80\0\1\0" + (b"\1" if answer else b"\0") + b"\0\0\0\0" + data[12:end] + answer, peer)


@test
def names_of_the_outside():
    """Asked of the host's servers, but not for a container that leads nowhere (CVE-2024-29018)."""
    c = fresh()
    server = NameServer()
    create(c, "open")
    create(c, "closed", Internal=True)
    host = {"Dns": [server.host]}
    outside, inside = box(c, "open", host=host), box(c, "closed", host=host, name="peer")
    equal(lookup(c, outside, "www.example.org"), ["192.0.2.7"], "addresses of an outside name")
    contains(server.asked, "www.example.org", "names that the host's server was asked for")
    server.asked.clear()
    equal(lookup(c, inside, "www.example.org"), [], "addresses of an outside name on an internal network")
    equal(lookup(c, inside, "peer"), [address(c, inside, "closed")], "addresses of a name of that network")
    equal(server.asked, [], "names that the host's server was asked for")
    c.ok("POST", "/networks/open/connect", {"Container": inside}, wanted=200)
    equal(lookup(c, inside, "www.example.org"), ["192.0.2.7"], "addresses once it leads outside")


@test
def server_on_an_internal_network():
    """Asked from where the container is: the host has no way there."""
    only_ours()
    c = fresh()
    create(c, "closed", Internal=True)
    serves = box(c, "closed")
    there = address(c, serves, "closed")
    server = NameServer(there, c.inspect(serves)["State"]["Pid"])
    i = box(c, "closed", host={"Dns": [there]})
    equal(lookup(c, i, "www.example.org"), ["192.0.2.7"], "addresses of an outside name")
    contains(server.asked, "www.example.org", "names that the server was asked for")


@test
def rules_are_flushed():
    """Isolation is there again when somebody has flushed all rules (CVE-2025-54410)."""
    only_ours()
    c = fresh()
    create(c, "one")
    create(c, "two")
    target, near, far = box(c, "one", cmd="while :; do echo it | nc -l -p 80; done"), box(c, "one"), box(c, "two")
    ask = f"nc -w 2 {address(c, target, 'one')} 80 </dev/null; true"
    eventually(lambda: c.exec(near, ask)[1] == "it\n", "the same network")
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    eventually(lambda: "drop" in subprocess.run(["nft", "list", "table", "inet", "dockerd"], capture_output=True, text=True).stdout, "the table is there again")
    equal((c.exec(near, ask)[1], c.exec(far, ask)[1]), ("it\n", ""), "what the same network and another one read")


@test
def shared_namespace():
    c = fresh()
    create(c, "mine")
    web = box(c, "mine", name="web")
    peer = c.create(cmd="sleep 1000", host={"NetworkMode": f"container:{web}"})
    c.start(peer)
    equal(c.exec(peer, "ip -o -4 addr show eth0 | wc -l")[1], "1\n", "interfaces in the namespace of another container")
    contains(c.exec(peer, "cat /etc/resolv.conf")[1], "127.0.0.11", "its resolv.conf")
    equal(lookup(c, peer, "web"), [address(c, web, "mine")], "a name")
    create(c, "two")
    r = c.post("/networks/two/connect", {"Container": peer})
    equal(r.status, 409, "status of connect")
    contains(r.message, "sharing network namespace with another container", "message")


@test
def options():
    c = fresh()
    create(c, "mine", Options={"com.docker.network.bridge.name": "dt-test0", "com.docker.network.driver.mtu": "1400",
                               "com.docker.network.bridge.enable_icc": "false", "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"})
    a, b = box(c, "mine", host={"PortBindings": {"80/tcp": [{"HostPort": ""}]}}, ExposedPorts={"80/tcp": {}}), box(c, "mine")
    check(link_exists("dt-test0"), "a bridge of that name")
    contains(c.exec(a, "ip link show eth0")[1], "mtu 1400", "MTU")
    equal(c.inspect(a)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostIp"], "127.0.0.1", "address of a published port")
    check(c.exec(b, f"ping -c 1 -W 1 {address(c, a, 'mine')}")[0] != 0, "without icc nobody reaches anybody")


@test
def filters():
    c = fresh()
    create(c, "one", Labels={"a": "b"})
    create(c, "two")
    box(c, "two")
    for wanted, f in ((["one", "two"], {"type": ["custom"]}), (["bridge", "host", "none"], {"type": ["builtin"]}), (["one"], {"label": ["a=b"]}),
                      (["one"], {"name": ["on"], "type": ["custom"]}), (["one"], {"dangling": ["true"]}), (["bridge", "one", "two"], {"driver": ["bridge"]})):
        equal(names(c, **f), wanted, f"networks of {f}")


@test
def prune():
    c = fresh()
    for n in ("used", "kept", "free"):
        create(c, n, Labels={"keep": "1"} if n == "kept" else None)
    box(c, "used")
    r = c.ok("POST", "/networks/prune", query={"filters": {"label!": ["keep"]}})
    equal(r, {"NetworksDeleted": ["free"]}, "a prune without those of a label")
    equal(c.ok("POST", "/networks/prune", query={"filters": {"until": ["1h"]}}), {"NetworksDeleted": None}, "a prune of what is older than an hour")
    equal(c.ok("POST", "/networks/prune"), {"NetworksDeleted": ["kept"]}, "a prune of all")
    equal(names(c, type=["custom"]), ["used"], "what is left")
    equal(c.post("/networks/prune", query={"filters": {"nosuch": ["x"]}}).status, 400, "status of an unknown filter")


@test
def events():
    c = fresh()
    since = time.time()
    n = create(c, "mine")
    i = box(c, "mine")
    c.remove(i)
    c.ok("DELETE", "/networks/mine", wanted=204)
    r = c.get("/events", query={"since": f"{since:.9f}", "until": f"{time.time():.9f}", "filters": {"type": ["network"]}})
    rows = list(r.lines())
    equal([(e["Action"], e["Actor"]["ID"]) for e in rows], [(a, n) for a in ("create", "connect", "disconnect", "destroy")], "events")
    equal(rows[0]["Actor"]["Attributes"], {"name": "mine", "type": "bridge"}, "attributes of create")
    equal(rows[1]["Actor"]["Attributes"], {"container": i, "name": "mine", "type": "bridge"}, "attributes of connect")


@test
def bridge_is_deleted():
    """`ip link delete` by somebody: the next container makes it anew, with the same addresses."""
    c = fresh()
    n = create(c, "mine", IPAM=subnet("10.66.0.0/24"))
    subprocess.run(["ip", "link", "delete", f"br-{n[:12]}"], check=True)
    a, b = box(c, "mine", name="one"), box(c, "mine")
    equal(address(c, a, "mine"), "10.66.0.2", "address")
    equal(c.exec(b, "ping -c 1 -W 2 one >/dev/null && echo ok")[1], "ok\n", "ping by name")


@test(timeout=120)
def over_restarts():
    """kill -9: networks, addresses, ports and names are there again; what was removed stays away."""
    d = own_daemon()
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    c = d.client()
    create(c, "mine", IPAM=subnet("10.66.0.0/24"), Labels={"a": "b"})
    create(c, "two", Options={"com.docker.network.driver.mtu": "1400"}, IPAM={"Options": {"c": "d"}})
    web, i = box(c, "mine", name="web", others=["two"]), box(c, "mine", name="asks")
    d.containers.update((web, i))
    before = c.ok("GET", "/networks/mine"), networks(c, web), c.ok("GET", "/networks/two")
    d.kill()
    d.start()
    equal((c.ok("GET", "/networks/mine"), networks(c, web), c.ok("GET", "/networks/two")), before, "networks and endpoints after kill -9")
    equal(lookup(c, i, "web"), [before[1]["mine"]["IPAddress"]], "a name")
    third = box(c, "mine")
    d.containers.add(third)
    check(address(c, third, "mine") not in (before[1]["mine"]["IPAddress"], address(c, i, "mine")), "a new container has an address of its own")
    d.stop()
    d.start()
    equal(lookup(c, i, "web"), [before[1]["mine"]["IPAddress"]], "a name after an orderly restart")
    for x in (web, i, third):
        c.remove(x)
    for n in ("mine", "two"):
        c.ok("DELETE", f"/networks/{n}", wanted=204)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


@test
def without_a_default_bridge():
    """--bridge none: who chooses no network is on none."""
    d = own_daemon("--bridge", "none")
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    c = d.client()
    equal(names(c), ["host", "none"], "networks")
    for body in ({}, {"HostConfig": {"NetworkMode": "default"}, "NetworkingConfig": {"EndpointsConfig": {"default": {}}}}):
        i = c.create(cmd="ip -o link | grep -vc lo:; true", **body)
        d.containers.add(i)
        c.start(i)
        equal(list(networks(c, i)), ["none"], "networks of the container")
        c.wait(i)
        equal(c.logs(i)[0], b"0\n", "interfaces beside lo")
        c.remove(i)


@test(timeout=240)
def many():
    c = fresh()
    ids = [create(c, f"n{k}", IPAM=subnet(f"10.66.{k}.0/24")) for k in range(60)]
    equal(len(names(c, type=["custom"])), 60, "networks")
    i = box(c, "n0", others=[f"n{k}" for k in range(1, 20)])
    equal(c.exec(i, "ip -o -4 addr show | grep -c eth")[1], "20\n", "interfaces of a container on twenty networks")
    c.remove(i)
    equal(len(c.ok("POST", "/networks/prune")["NetworksDeleted"]), 60, "networks that a prune removed")
    check(not link_exists(f"br-{ids[0][:12]}"), "their bridges are gone")
