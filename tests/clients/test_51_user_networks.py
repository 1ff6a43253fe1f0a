# SPDX-License-Identifier: Apache-2.0
"""docker network, and containers that find each other by name."""

from common_clients import docker
from harness import check, cleanup, contains, equal, matches, test


def fresh():
    d = docker()
    cleanup(lambda: (d.try_("rm", "-f", "-v", *d("ps", "-aq").split()), d.try_("network", "prune", "-f")))
    return d


@test
def life_of_a_network():
    d = fresh()
    matches(d("network", "create", "--label", "a=b", "mine"), r"^[0-9a-f]{64}$", "docker network create")
    matches(d("network", "ls"), r"\n[0-9a-f]{12} +mine +bridge +local\n", "docker network ls")
    equal(d("network", "inspect", "-f", "{{.Driver}} {{.Labels.a}} {{.Internal}}", "mine"), "bridge b false", "docker network inspect")
    d.fails(1, "network with name mine already exists", "network", "create", "mine")
    equal(d("network", "rm", "mine"), "mine", "docker network rm")
    d.fails(1, "network mine not found", "network", "rm", "mine")
    d.fails(1, "network mine not found", "network", "inspect", "mine")
    d.fails(1, "bridge is a pre-defined network and cannot be removed", "network", "rm", "bridge")


@test
def by_name():
    d = fresh()
    d("network", "create", "--subnet", "10.66.0.0/24", "mine")
    d("run", "-d", "--name", "web", "--network", "mine", "--network-alias", "www", "--ip", "10.66.0.80", "busybox", "sh", "-c",
      "while :; do echo -e 'HTTP/1.0 200 OK\\r\\n\\r\\nit' | nc -l -p 80; done")
    equal(d("run", "--rm", "--network", "mine", "busybox", "sh", "-c", "sleep 0.2; wget -q -O - http://www/"), "it", "a page by the alias")
    contains(d("run", "--rm", "--network", "mine", "busybox", "ping", "-c", "1", "web"), "10.66.0.80", "ping by the name")
    check(d.try_("run", "--rm", "--network", "mine", "busybox", "nslookup", "nosuch.invalid").code != 0, "a name that nobody has is not found")
    d.fails(1, r"network mine has active endpoints \(name:\"web\"", "network", "rm", "mine")


@test
def connect_and_disconnect():
    d = fresh()
    d("network", "create", "one")
    d("network", "create", "two")
    d("run", "-d", "--name", "box", "--network", "one", "busybox", "sleep", "1000")
    d("network", "connect", "--alias", "second", "two", "box")
    equal(d("inspect", "-f", "{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}", "box").split(), ["one", "two"], "networks")
    contains(d("exec", "box", "ip", "addr"), "eth1", "interfaces")
    d("network", "disconnect", "one", "box")
    check("eth0" not in d("exec", "box", "ip", "addr"), "the first interface is gone")
    d.fails(1, "already exists in network two", "network", "connect", "two", "box")
    matches(d("ps", "--format", "{{.Networks}}"), r"^two$", "docker ps")


@test
def several_at_once():
    """Since API 1.44 one create names them all."""
    d = fresh()
    d("network", "create", "one")
    d("network", "create", "--internal", "two")
    r = d.try_("run", "--rm", "--network", "one", "--network", "two", "busybox", "sh", "-c", "ip -o -4 addr show | grep -c eth; ip route | grep -c default")
    equal((r.code, r.out), (0, "2\n1\n"), f"interfaces and default routes ({r.err.strip()})")


@test
def internal():
    d = fresh()
    d("network", "create", "--internal", "closed")
    equal(d("run", "--rm", "--network", "closed", "busybox", "sh", "-c", "ip route | grep -c default; true"), "0", "default routes")


@test
def prune():
    d = fresh()
    d("network", "create", "free")
    equal(d("network", "prune", "-f").split("\n")[:2], ["Deleted Networks:", "free"], "docker network prune")


@test
def system_prune():
    """What each of its parts says is put together."""
    d = fresh()
    cleanup(d.try_, "volume", "prune", "-a", "-f")
    d("network", "create", "free")
    d("run", "-v", "/data", "busybox", "true")
    out = d("system", "prune", "-f", "--volumes")
    for part in ("Deleted Containers:", "Deleted Networks:", "Deleted Volumes:"):
        contains(out, part, "docker system prune")
    matches(out, r"Total reclaimed space: \S+$", "docker system prune")
