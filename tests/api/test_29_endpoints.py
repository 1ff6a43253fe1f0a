# SPDX-License-Identifier: Apache-2.0
"""Endpoints and published ports as clients ask for them: what is refused at create, which network has the default route, and whom ports lead to."""

import socket
import threading

import common_api
from common_api import only_ours, own_daemon
from harness import cases, check, cleanup, contains, equal, eventually, matches, test
from test_28_networks import LIBC, address, box, create, fresh, networks, subnet

WEB = "while :; do echo it | nc -l -p 80; done"
USER_ONLY = "user specified IP address is supported on user defined networks only"
SUBNET_ONLY = "user specified IP address is supported only when connecting to networks with user configured subnets"
ALIAS = "network-scoped alias is supported only for containers in user defined networks"


def several():
    c = fresh()
    create(c, "one")
    create(c, "two")
    create(c, "fixed", IPAM=subnet("10.66.0.0/24"))
    create(c, "inner", Internal=True)
    return c


def attempt(c, mode, endpoints=None, version=None, host=None, **config):
    c = common_api.client(version) if version else c
    return c.post("/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"NetworkMode": mode, **(host or {})},
                                         "NetworkingConfig": {"EndpointsConfig": endpoints or {}}, **config})


def ipv4(a):
    return {"IPAMConfig": {"IPv4Address": a}}


REFUSED = [
    ("two endpoints before 1.44", "one", {"one": {}, "two": {}}, "1.43", "Container cannot be created with multiple network endpoints: one, two"),
    ("MAC address", "one", {"one": {"MacAddress": "nonsense"}}, None, "invalid config for network one: invalid MAC address nonsense"),
    ("address that is none", "fixed", {"fixed": ipv4("nonsense")}, None,
     "invalid config for network fixed: invalid endpoint settings:\n* invalid IPv4 address: nonsense\n"
     "* no configured subnet or ip-range contain the IP address nonsense"),
    ("address of IPv6 as IPv4", "fixed", {"fixed": ipv4("fd00::1")}, None,
     "invalid config for network fixed: invalid endpoint settings:\n* invalid IPv4 address: fd00::1\n"
     "* no configured subnet or ip-range contain the IP address fd00::1"),
    ("any address", "fixed", {"fixed": ipv4("0.0.0.0")}, None,
     "invalid config for network fixed: invalid endpoint settings:\n* invalid IPv4 address: 0.0.0.0\n"
     "* no configured subnet or ip-range contain the IP address 0.0.0.0"),
    ("foreign address", "fixed", {"fixed": ipv4("10.99.0.1")}, None,
     "invalid config for network fixed: invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.99.0.1"),
    ("address without a subnet of the user's", "one", {"one": ipv4("10.66.0.9")}, None, f"invalid config for network one: invalid endpoint settings:\n{SUBNET_ONLY}"),
    ("address on the default bridge", "bridge", {"bridge": ipv4("172.17.0.9")}, None,
     f"invalid config for network bridge: invalid endpoint settings:\n* {USER_ONLY}\n* {SUBNET_ONLY}"),
    ("address on host", "host", {"host": ipv4("172.17.0.9")}, None, f"invalid config for network host: invalid endpoint settings:\n* {USER_ONLY}\n* {SUBNET_ONLY}"),
    ("address on none", "none", {"none": ipv4("172.17.0.9")}, None, f"invalid config for network none: invalid endpoint settings:\n* {USER_ONLY}\n* {SUBNET_ONLY}"),
    ("address that is none, on a network that is not there", "nosuch", {"nosuch": ipv4("bad")}, None,
     "invalid config for network nosuch: invalid endpoint settings:\ninvalid IPv4 address: bad"),
    ("alias on the default bridge", "bridge", {"bridge": {"Aliases": ["a"]}}, None, f"invalid config for network bridge: invalid endpoint settings:\n{ALIAS}"),
    ("alias on the default bridge by its old name", "default", {"default": {"Aliases": ["a"]}}, None, f"invalid config for network bridge: invalid endpoint settings:\n{ALIAS}"),
    ("alias on host", "host", {"host": {"Aliases": ["a"]}}, None, f"invalid config for network host: invalid endpoint settings:\n{ALIAS}"),
    ("namespace of nobody", "container:", {}, None, "invalid network mode: invalid container format container:<name|id>"),
]


@cases(REFUSED)
def refused_at_create(mode, endpoints, version, message):
    c = several()
    r = attempt(c, mode, endpoints, version)
    equal((r.status, r.message), (400, message), "reply")
    equal(c.ok("GET", "/containers/json", query={"all": 1}), [], "containers afterwards")


@cases([
    ("exposed ports", {"ExposedPorts": {"80/tcp": {}}}, "conflicting options: port exposing and the container type network mode"),
    ("published ports", {"host": {"PortBindings": {"80/tcp": [{"HostPort": "8044"}]}}}, "conflicting options: port publishing and the container type network mode"),
    ("host name", {"Hostname": "foo"}, "conflicting options: hostname and the network mode"),
])
def refused_with_the_namespace_of_another(config, message):
    c = fresh()
    peer = c.create(cmd="true")
    r = attempt(c, f"container:{peer}", **config)
    equal((r.status, r.message), (400, message), "reply")


@test
def exposed_by_the_image_only():
    """Whoever joins a container's namespace does not answer for the ports of the image."""
    c = fresh()
    source = c.create(cmd="true")
    c.ok("POST", "/commit", {}, wanted=201, query={"container": source, "repo": "exposing", "changes": "EXPOSE 80"})
    cleanup(c.delete, "/images/exposing", query={"force": 1})
    equal(attempt(c, f"container:{source}", Image="exposing").status, 201, "status")


@cases([(mode, mode) for mode in ("host", "none", "container:peer")])
def no_place_for_a_mac_address(mode):
    """Nowhere is it set, so it is not taken; the reference takes it."""
    only_ours()
    c = fresh()
    c.create(cmd="true", name="peer")
    for config in ({"MacAddress": "02:42:ac:11:00:99"}, {"endpoints": {mode: {"MacAddress": "02:42:ac:11:00:99"}}}):
        r = attempt(c, mode, **config)
        equal((r.status, r.message), (400, "conflicting options: mac-address and the network mode"), "reply")


@cases([(mac, mac) for mac in ("00:00:00:00:00:00", "01:42:ac:11:00:99", "02:42:ac:11:00:99:00:11")])
def impossible_mac_address(mac):
    """The reference finds it at the start."""
    only_ours()
    c = several()
    r = attempt(c, "one", {"one": {"MacAddress": mac}})
    equal((r.status, r.message), (400, f"invalid config for network one: invalid MAC address {mac}"), "reply")


@cases([
    ("links", {"Links": ["peer:x"]}, "links"), ("IPv6 address", {"IPAMConfig": {"IPv6Address": "fd00::9"}}, "IPv6"),
    ("link-local address", {"IPAMConfig": {"LinkLocalIPs": ["169.254.3.4"]}}, "link-local"),
    ("sysctls", {"DriverOpts": {"com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.forwarding=1"}}, "com.docker.network.endpoint.sysctls"),
    ("interface name", {"DriverOpts": {"com.docker.network.endpoint.ifname": "foo0"}}, "com.docker.network.endpoint.ifname"),
])
def not_yet_at_create_and_connect(endpoint, name):
    only_ours()
    c = several()
    i = c.create(cmd="true")
    for r in (attempt(c, "one", {"one": endpoint}), c.post("/networks/one/connect", {"Container": i, "EndpointConfig": endpoint})):
        equal(r.status, 501, "status")
        contains(r.message, name, "message")


@cases([
    ("MAC address", "one", {"MacAddress": "xx"}, "invalid MAC address xx"),
    ("address that is none", "one", ipv4("xx"), f"invalid endpoint settings:\n* invalid IPv4 address: xx\n* {SUBNET_ONLY}"),
    ("foreign address", "fixed", ipv4("10.99.0.1"), "invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 10.99.0.1"),
    ("alias on the default bridge", "bridge", {"Aliases": ["x"]}, f"invalid endpoint settings:\n{ALIAS}"),
    ("address on the default bridge", "bridge", ipv4("172.17.0.9"), f"invalid endpoint settings:\n* {USER_ONLY}\n* {SUBNET_ONLY}"),
])
def refused_at_connect(network, endpoint, message):
    c = several()
    idle = c.create(cmd="true", host={"NetworkMode": "two"})
    for i in (idle, box(c, "two")):
        r = c.post(f"/networks/{network}/connect", {"Container": i, "EndpointConfig": endpoint})
        equal((r.status, r.message), (400, message), "reply")
        equal(list(networks(c, i)), ["two"], "networks afterwards")


@test
def mac_address_of_the_container():
    """It is that of the endpoint on the first network."""
    c = several()
    mac = "02:42:ac:11:00:99"
    r = attempt(c, "one", MacAddress=mac)
    equal((r.status, r.json()["Warnings"]),
          (201, ["The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead."]), "reply")
    equal(networks(c, r.json()["Id"])["one"]["MacAddress"], mac, "MAC address of the endpoint")
    r = attempt(c, "one", {"one": {"MacAddress": "02:42:ac:11:00:98"}}, MacAddress=mac)
    equal((r.status, r.message), (400, "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty"),
          "reply to two of them")
    r = attempt(c, "one", {"one": {"MacAddress": "02:42:ac:11:00:98"}}, "1.43", MacAddress=mac)
    equal((r.status, r.json()["Warnings"], networks(c, r.json()["Id"])["one"]["MacAddress"]), (201, [], mac), "reply to a client of API 1.43")
    i = box(c, "one", MacAddress=mac)
    contains(c.exec(i, "cat /sys/class/net/eth0/address")[1], mac, "address of the interface")


@test
def only_the_endpoints_that_are_named():
    """With a list of endpoints, the network of the mode is not joined beside them."""
    c = several()
    for mode in ("one", "bridge"):
        r = attempt(c, mode, {"two": {}})
        equal(r.status, 201, f"status ({r.message})")
        equal(list(networks(c, r.json()["Id"])), ["two"], f"networks with mode {mode}")
        c.start(r.json()["Id"])


# --- the default route ---

def way_out(c, i):
    return matches(c.exec(i, "ip route")[1], r"^default via ([\d.]+) ", "routes").group(1)


@test
def default_route_by_priority():
    """Of the highest priority, then of the first by name: at create, connect and disconnect."""
    c = several()
    gateway = {n: c.ok("GET", f"/networks/{n}")["IPAM"]["Config"][0].get("Gateway", "10.66.0.1") for n in ("one", "two", "fixed")}
    i = box(c, "one")
    for network, priority, wanted in (("two", 100, "two"), ("fixed", 50, "two"), ("inner", 1000, "two")):
        c.ok("POST", f"/networks/{network}/connect", {"Container": i, "EndpointConfig": {"GwPriority": priority}})
        equal(way_out(c, i), gateway[wanted], f"default route after {network} with priority {priority}")
    c.ok("POST", "/networks/two/disconnect", {"Container": i})
    equal(way_out(c, i), gateway["fixed"], "default route after two has gone")
    c.ok("POST", f"/containers/{i}/restart", wanted=204, query={"t": 0})
    equal(way_out(c, i), gateway["fixed"], "default route after a restart")
    i = box(c, "two")
    c.ok("POST", "/networks/one/connect", {"Container": i})
    equal(way_out(c, i), gateway["one"], "default route of two equal networks")


# --- ports ---

def ports(c, i):
    """As bound on IPv4."""
    rows = c.inspect(i)["NetworkSettings"]["Ports"]
    return {k: [b["HostPort"] for b in v or () if ":" not in b["HostIp"]] for k, v in rows.items()}


def published(c, network, bindings, exposed=None, cmd="sleep 1000", **host):
    return box(c, network, cmd=cmd, host={"PortBindings": bindings, **host}, ExposedPorts={p: {} for p in exposed or bindings})


def fetch(c, i, port):
    """What a container gets from a port of its gateway, the host."""
    return c.exec(i, f"nc -w 2 $(ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p') {port} </dev/null; true")[1]


@test
def ports_of_an_internal_network():
    """Published as soon as the container is connected to a network that leads out; free again when that is left."""
    c = several()
    i = published(c, "inner", {"80/tcp": [{"HostPort": "8078"}]}, cmd=WEB)
    equal(ports(c, i), {}, "ports on the internal network")
    c.ok("POST", "/networks/one/connect", {"Container": i})
    equal(ports(c, i), {"80/tcp": ["8078"]}, "ports after the connect")
    other = box(c, "two")
    eventually(lambda: fetch(c, other, 8078) == "it\n", "the published port")
    c.ok("POST", "/networks/one/disconnect", {"Container": i})
    equal(ports(c, i), {}, "ports after the disconnect")
    published(c, "one", {"80/tcp": [{"HostPort": "8078"}]})


@test
def ports_follow_the_default_route():
    c = several()
    i = published(c, "one", {"80/tcp": [{"HostPort": "8077"}]}, cmd=WEB)
    other = box(c, "fixed")
    eventually(lambda: fetch(c, other, 8077) == "it\n", "the published port")
    c.ok("POST", "/networks/two/connect", {"Container": i, "EndpointConfig": {"GwPriority": 100}})
    equal(ports(c, i), {"80/tcp": ["8077"]}, "ports after the connect")
    eventually(lambda: fetch(c, other, 8077) == "it\n", "the published port by the other network")
    c.ok("POST", "/networks/two/disconnect", {"Container": i})
    eventually(lambda: fetch(c, other, 8077) == "it\n", "the published port by the first network again")


@test
def host_address_of_the_network():
    """A port that asks for no address is bound to that of the network it leads to, also after a move."""
    c = several()
    create(c, "local", Options={"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"})

    def addresses():
        return [b["HostIp"] for l in c.inspect(i)["NetworkSettings"]["Ports"].values() for b in l if ":" not in b["HostIp"]]

    i = published(c, "one", {"80/tcp": [{"HostPort": "8111"}], "81/tcp": [{"HostPort": "8112", "HostIp": "127.0.0.2"}]})
    equal(addresses(), ["0.0.0.0", "127.0.0.2"], "addresses at first")
    c.ok("POST", "/networks/local/connect", {"Container": i, "EndpointConfig": {"GwPriority": 5}})
    equal(addresses(), ["127.0.0.1", "127.0.0.2"], "addresses on the other network")
    with socket.socket() as s:      # nothing is left on the host's other addresses
        s.bind(("127.0.0.3", 8111))
    c.ok("POST", "/networks/local/disconnect", {"Container": i})
    equal(addresses(), ["0.0.0.0", "127.0.0.2"], "addresses after it was left")


@cases([("IPv6", "::1", 501, "publishing ports on IPv6 addresses is not supported by this engine yet"),
        ("every IPv6 address", "::", 501, "publishing ports on IPv6 addresses is not supported by this engine yet"),
        ("junk", "junk", 400, "invalid IP address: junk")])
def host_addresses_that_are_refused(host_ip, status, message):
    only_ours()
    c = fresh()
    r = attempt(c, "bridge", ExposedPorts={"80/tcp": {}}, host={"PortBindings": {"80/tcp": [{"HostIp": host_ip, "HostPort": "8099"}]}})
    equal((r.status, r.message), (status, message), "reply")


@test
def ports_without_a_firewall():
    """Nothing would translate them."""
    d = own_daemon("--iptables=false", "--bridge", "none")
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    c = d.client()
    create(c, "one")
    cleanup(c.delete, "/networks/one")
    body = {"Image": "busybox", "Cmd": ["true"], "ExposedPorts": {"80/tcp": {}}}
    r = c.post("/containers/create", {**body, "HostConfig": {"NetworkMode": "one", "PublishAllPorts": True}})
    equal((r.status, r.message), (501, "publishing ports with iptables=false is not supported by this engine yet"), "reply")
    r = c.post("/containers/create", {**body, "HostConfig": {"NetworkMode": "none", "PublishAllPorts": True}})
    equal(r.status, 201, "status where there is nothing to publish")
    c.remove(r.json()["Id"])


@test
def explicit_ports_first():
    """A port that may be any does not take one that is asked for."""
    c = several()
    first = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
    i = published(c, "one", {"80/tcp": [{}], "81/tcp": [{"HostPort": f"{first}-{first + 20}"}], "82/tcp": [{"HostPort": f"{first}"}],
                             "83/tcp": [{"HostPort": f"{first + 1}"}]})
    got = ports(c, i)
    equal((got["82/tcp"], got["83/tcp"]), ([f"{first}"], [f"{first + 1}"]), "explicit ports")
    equal(len({p for l in got.values() for p in l}), 4, "different ports")


@test
def only_exposed_ports_are_published():
    c = several()
    for exposed, wanted in ((["81/tcp"], {"81/tcp": []}), (["80/tcp"], {"80/tcp": ["8031"]})):
        i = published(c, "one", {"80/tcp": [{"HostPort": "8031"}]}, exposed=exposed)
        equal(ports(c, i), wanted, f"ports with {exposed} exposed")


@test
def list_without_a_binding():
    """Up to API 1.51 it means any port."""
    only_ours()
    c = several()
    for bindings in ([], None):
        i = published(c, "one", {"80/tcp": bindings})
        equal(len(ports(c, i)["80/tcp"]), 1, f"bindings of {bindings}")


class Receiver(threading.Thread):
    """Datagrams to UDP port 80 in the network namespace of a container."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.got, self.ready = pid, [], threading.Event()
        self.start()
        check(self.ready.wait(30), "the receiver is there")
        cleanup(self.socket.close)

    def run(self):
        with open(f"/proc/{self.pid}/ns/net") as ns:
            check(LIBC.setns(ns.fileno(), 0) == 0, "the namespace is entered")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("0.0.0.0", 80))
        self.ready.set()
        while True:
            try:
                self.got.append(self.socket.recv(4096))
            except OSError:
                return


@test
def udp_flows_end_with_the_endpoint():
    """Whoever goes on sending to a published port does not reach the next container of the address, and one that began before reaches the first."""
    only_ours()
    c = fresh()
    create(c, "fixed", IPAM=subnet("10.66.0.0/24"))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    cleanup(sender.close)
    sender.bind(("10.66.0.1", 0))

    def send(text, to):
        try:
            sender.sendto(text, to)
        except ConnectionRefusedError:      # of an earlier datagram
            sender.sendto(text, to)

    for leave in (c.remove, lambda i: c.ok("POST", "/networks/fixed/disconnect", {"Container": i})):
        send(b"early", ("10.66.0.1", 8055))
        i = published(c, "fixed", {"80/udp": [{"HostPort": "8055"}]})
        first = Receiver(c.inspect(i)["State"]["Pid"])
        send(b"first", ("10.66.0.1", 8055))
        eventually(lambda: b"first" in first.got, "the datagram to the published port")
        there = address(c, i, "fixed")
        leave(i)
        j = box(c, "fixed")
        equal(address(c, j, "fixed"), there, "address of the next container")
        second = Receiver(c.inspect(j)["State"]["Pid"])
        send(b"first", ("10.66.0.1", 8055))
        send(b"second", (there, 80))
        eventually(lambda: b"second" in second.got, "the datagram to the container itself")
        equal(second.got, [b"second"], "what the next container got")
        c.remove(j)


@test
def publish_all():
    c = several()
    i = published(c, "one", {"80/tcp": [{"HostPort": "8035"}]}, exposed=["80/tcp", "81/tcp", "82/udp"], PublishAllPorts=True)
    got = ports(c, i)
    equal((sorted(got), got["80/tcp"], len(got["81/tcp"]), len(got["82/udp"])), (["80/tcp", "81/tcp", "82/udp"], ["8035"], 1, 1), "ports")


@test(timeout=120)
def every_port_there_is():
    """docker create -p 1-65535:1-65535/tcp"""
    only_ours()
    c = fresh()
    every = range(1, 65536)
    r = attempt(c, "bridge", ExposedPorts={f"{p}/tcp": {} for p in every},
                host={"PortBindings": {f"{p}/tcp": [{"HostIp": "", "HostPort": f"{p}"}] for p in every}})
    equal(r.status, 201, f"status ({r.message[:100]})")
    equal(len(c.inspect(r.json()["Id"])["HostConfig"]["PortBindings"]), 65535, "ports of the container")


@test
def many_ports():
    """Published, shown by inspect and by the list."""
    c = fresh()
    n = 1000
    i = published(c, "bridge", {f"{p}/tcp": [{"HostIp": "127.0.0.9", "HostPort": f"{p}"}] for p in range(20000, 20000 + n)})
    equal(ports(c, i), {f"{p}/tcp": [f"{p}"] for p in range(20000, 20000 + n)}, "ports of inspect")
    equal(sorted(p["PublicPort"] for p in c.ok("GET", "/containers/json")[0]["Ports"]), list(range(20000, 20000 + n)), "ports of the list")
