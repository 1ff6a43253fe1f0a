# SPDX-License-Identifier: Apache-2.0
"""The default bridge: addresses, containers reach each other and the host, files in /etc, clean-up."""

import json
import re
import socket
import threading

import common_clients
from common_clients import docker, on_our_machine, only_ours
from daemon import links, nft_tables
from harness import check, cleanup, contains, equal, eventually, matches, test


def address(d, c):
    return d("inspect", "-f", "{{.NetworkSettings.IPAddress}}", c)


@test
def has_an_address():
    d = docker()
    c = d("run", "-d", "busybox", "sleep", "1000")
    ip = address(d, c)
    matches(ip, r"^172\.\d+\.\d+\.\d+$", "NetworkSettings.IPAddress")
    out = d("run", "--rm", "busybox", "sh", "-c", "ip -4 -o addr show eth0; ip route | head -1")
    matches(out, r"inet 172\.\d+\.\d+\.\d+/\d+ ", "address of eth0")
    matches(out, r"default via 172\.\d+\.\d+\.\d+ dev eth0", "default route")
    n = json.loads(d("inspect", c))[0]["NetworkSettings"]
    equal(n["Networks"]["bridge"]["IPAddress"], ip, "address of the endpoint")
    matches(n["Networks"]["bridge"]["MacAddress"], r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$", "MacAddress")
    check(n["Networks"]["bridge"]["IPPrefixLen"] == 16, f"IPPrefixLen is {n['Networks']['bridge']['IPPrefixLen']}")


@test
def containers_reach_each_other():
    d = docker()
    server = d("run", "-d", "busybox", "sh", "-c", "echo from-the-server | nc -l -p 8080; sleep 1000")
    ip = address(d, server)
    out = d("run", "--rm", "busybox", "sh", "-c", f"for i in 1 2 3 4 5; do nc -w 2 {ip} 8080 </dev/null && break; sleep 0.2; done")
    equal(out, "from-the-server", "what the other container answered")


def v4(text, separator="\n"):
    """Without the IPv6 wildcard, which an engine publishes on or not where containers have no IPv6 address."""
    return separator.join(part for part in text.split(separator) if "[::]" not in part)


@test
def published_port():
    d = docker()
    c = d("run", "-d", "--name", "web", "-p", "127.0.0.1:18080:80", "-p", "18081:81/udp", "--expose", "99", "busybox",
          "sh", "-c", "while :; do echo served | nc -l -p 80; done")
    equal(v4(d("port", c)), "80/tcp -> 127.0.0.1:18080\n81/udp -> 0.0.0.0:18081", "docker port")
    equal(d("port", c, "80"), "127.0.0.1:18080", "docker port C 80")
    d.fails(1, r"(?i)no public port '99' published for web", "port", "web", "99")
    equal(v4(d("ps", "--format", "{{.Ports}}"), ", "), "99/tcp, 127.0.0.1:18080->80/tcp, 0.0.0.0:18081->81/udp", "docker ps")
    ports = json.loads(d("inspect", "-f", "{{json .NetworkSettings.Ports}}", c))
    equal(ports["80/tcp"], [{"HostIp": "127.0.0.1", "HostPort": "18080"}], "published port of inspect")
    equal(ports["81/udp"][0], {"HostIp": "0.0.0.0", "HostPort": "18081"}, "published UDP port of inspect")
    equal(ports["99/tcp"], None, "exposed port of inspect")
    d.fails(125, r"(?i)port is already allocated|address already in use", "run", "-p", "18080:80", "busybox", "true")
    d("stop", "-t", "0", c)
    equal(json.loads(d("inspect", "-f", "{{json .NetworkSettings.Ports}}", c)), {}, "ports of a stopped container")
    equal(d("ps", "-a", "--format", "{{.Ports}}", "-f", "name=web"), "", "ports of a stopped container in docker ps")


@test
def published_port_answers():
    on_our_machine()
    d = docker()
    d("run", "-d", "-p", "127.0.0.1:18080:80", "busybox", "sh", "-c", "while :; do echo served | nc -l -p 80; done")

    def ask():
        try:
            with socket.create_connection(("127.0.0.1", 18080), 2) as s:
                return s.makefile().read() == "served\n"
        except OSError:
            return False
    eventually(ask, "the published port answers")


@test
def published_to_a_port_of_the_engines_choice():
    d = docker()
    c = d("run", "-d", "-P", "--expose", "80", "busybox", "sleep", "1000")
    matches(v4(d("port", c)), r"^80/tcp -> 0\.0\.0\.0:\d+$", "docker port")
    d("stop", "-t", "0", c)
    d("start", c)
    matches(v4(d("port", c, "80/tcp")), r"^0\.0\.0\.0:\d+$", "after another start")


@test
def container_reaches_the_host():
    on_our_machine()
    d = docker()
    server = socket.create_server(("0.0.0.0", 0))
    cleanup(server.close)

    def serve():
        connection, _ = server.accept()
        connection.sendall(b"from-the-host\n")
        connection.close()
    threading.Thread(target=serve, daemon=True).start()
    port = server.getsockname()[1]
    out = d("run", "--rm", "busybox", "sh", "-c", f"nc -w 3 $(ip route | awk '/default/ {{print $3}}') {port} </dev/null")
    equal(out, "from-the-host", "what the host answered")


@test
def host_reaches_the_container():
    on_our_machine()
    d = docker()
    c = d("run", "-d", "busybox", "sh", "-c", "echo inside | nc -l -p 9000; sleep 1000")
    ip = address(d, c)

    def ask():
        try:
            with socket.create_connection((ip, 9000), 1) as s:
                return s.makefile("rb").readline()
        except OSError:
            return None
    equal(eventually(ask, f"the container answers on {ip}:9000", 5), b"inside\n", "answer")


@test
def etc_files():
    d = docker()
    c = d("run", "-d", "--hostname", "box", "busybox", "sh", "-c", "cat /etc/hosts; echo =; cat /etc/resolv.conf; sleep 1000")
    out = eventually(lambda: "=" in d("logs", c) and d("logs", c), "the container printed its files")
    ip = address(d, c)
    matches(out, r"^127\.0\.0\.1\s+localhost", "/etc/hosts")
    matches(out, rf"^{re.escape(ip)}\s+box$", "/etc/hosts")
    matches(out, r"^::1\s+localhost ip6-localhost ip6-loopback", "/etc/hosts")


@test
def etc_files_can_be_written():
    d = docker()
    equal(d("run", "--rm", "busybox", "sh", "-c", "echo 1.2.3.4 mine >>/etc/hosts && grep -c mine /etc/hosts"), "1", "output")


@test
def addresses_are_given_back():
    d = docker()
    seen = set()
    for _ in range(4):
        c = d("run", "-d", "busybox", "sleep", "1000")
        seen.add(address(d, c))
        d("rm", "-f", c)
    c = d("run", "-d", "busybox", "sleep", "1000")
    check(len(seen) <= 4, "addresses")
    matches(address(d, c), r"^172\.", "address after four others came and went")


@test
def addresses_differ():
    d = docker()
    ids = [d("run", "-d", "busybox", "sleep", "1000") for _ in range(4)]
    equal(len({address(d, c) for c in ids}), 4, "different addresses of four containers")


@test
def no_address_after_the_end():
    d = docker()
    c = d("run", "-d", "busybox", "true")
    d("wait", c)
    equal(address(d, c), "", "address of an ended container")


@test
def veth_is_removed():
    on_our_machine()
    d = docker()
    c = d("run", "-d", "busybox", "sleep", "1000")
    check([n for n in links() if n.startswith("veth")], "no veth on the host while a container runs")
    d("rm", "-f", c)
    eventually(lambda: not [n for n in links() if n.startswith("veth")], "the veth is gone after rm -f", 5)


@test
def bridge_and_table():
    on_our_machine()
    only_ours()
    docker()
    contains(links(), "docker0", "network interfaces of the host")
    contains(nft_tables(), "table inet dockerd", "nft tables of the host")


@test
def network_list():
    d = docker()
    equal(sorted(d("network", "ls", "--format", "{{.Name}}").split()), ["bridge", "host", "none"], "docker network ls")
    n = json.loads(d("network", "inspect", "bridge"))[0]
    equal((n["Driver"], n["Scope"], n["IPAM"]["Driver"]), ("bridge", "local", "default"), "docker network inspect bridge")


@test
def container_network_mode():
    """--network container:OTHER shares the other's network namespace."""
    d = docker()
    c = d("run", "-d", "--name", "owner", "busybox", "sleep", "1000")
    ip = address(d, c)
    contains(d("run", "--rm", "--network", "container:owner", "busybox", "ip", "-4", "-o", "addr", "show", "eth0"), ip, "address")
