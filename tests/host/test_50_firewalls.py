# SPDX-License-Identifier: Apache-2.0
"""The firewalls of administrators, ufw and firewalld, beside the daemon: one host for both, one firewall at a time."""

import images
import roots
from common_host import Host, drop_old_crun
from daemon import build_dir
from harness import check, cleanup, contains, equal, eventually, test


def neighbour(h):
    """Another host on a link of ours, with a server, that knows our address only."""
    h("""ip netns add neighbour
    ip link add outside type veth peer name eth0 netns neighbour
    ip addr add 192.0.2.1/24 dev outside; ip link set outside up
    ip -n neighbour addr add 192.0.2.2/24 dev eth0; ip -n neighbour link set eth0 up; ip -n neighbour link set lo up
    systemd-run --quiet --unit outside-server ip netns exec neighbour sh -c 'while :; do echo outside | busybox nc -l -p 81; done'""")


def start():
    h = Host(roots.firewall_root())
    cleanup(h.destroy)
    h.install(build_dir("release"))
    h.install_cli()
    drop_old_crun(h)
    h.put_share("busybox.tar", images.busybox_tar())
    h.boot()
    neighbour(h)
    h("systemctl", "start", "dockerd.socket")
    h("docker", "import", "--change", 'CMD ["sh"]', "/run/share-with-tests/busybox.tar", "busybox")
    h("docker run -d --name server -p 8080:80 busybox sh -c 'while :; do echo inside | nc -l -p 80; done'")
    return h


def traffic(h):
    """What a neighbour gets from the published port, and the container from the neighbour."""
    return (h.try_("ip", "netns", "exec", "neighbour", "busybox", "nc", "-w", "2", "192.0.2.1", "8080").stdout.strip(),
            h.try_("docker", "exec", "server", "sh", "-c", "nc -w 2 192.0.2.2 81 </dev/null").stdout.strip())


def both(h, when):
    eventually(lambda: traffic(h) == ("inside", "outside"), f"published port and outgoing connection {when}", 60)


@test(timeout=600)
def ufw():
    h = start()
    both(h, "without a firewall")
    h("ufw --force enable")
    cleanup(h.try_, "ufw", "--force", "disable")
    contains(h("iptables -S FORWARD"), "-P FORWARD DROP", "ufw's policy")
    both(h, "with ufw")
    contains(h("iptables -S FORWARD").splitlines()[1], "DOCKERD-FORWARD", "the head of FORWARD")
    h("ufw reload")
    both(h, "after ufw reload")
    h("systemctl restart dockerd.service")
    both(h, "after a restart of the daemon")
    equal(h("docker info --format '{{json .Warnings}}'").count("firewall"), 0, "warnings about the firewall")
    equal(h("iptables -S FORWARD").count("DOCKERD-FORWARD"), 1, "number of jumps")
    h("docker rm -f server")
    h("systemctl stop dockerd.socket dockerd.service")
    contains(h("iptables -S FORWARD"), "DOCKERD-FORWARD", "the jump after the daemon's end")
    eventually(lambda: h.try_("dockerd", "--clean").returncode == 0, "dockerd --clean", 60)
    check("DOCKERD" not in h("iptables -S"), "something of ours is left in the host's chains")


@test(timeout=600)
def firewalld():
    h = start()
    both(h, "without a firewall")
    h("systemctl start firewalld.service", timeout=120)
    zone = "firewall-cmd --get-zone-of-interface=docker0"
    eventually(lambda: h.try_("sh", "-c", zone).stdout.strip() == "trusted", "the bridge in the zone", 60)
    both(h, "with firewalld")
    h("firewall-cmd --reload")
    eventually(lambda: h.try_("sh", "-c", zone).stdout.strip() == "trusted", "the bridge in the zone after a reload", 60)
    both(h, "after a reload")
    h("docker network create -o com.docker.network.bridge.name=more0 more")
    eventually(lambda: "more0" in h("firewall-cmd --zone=trusted --list-interfaces"), "another bridge in the zone", 60)
    h("docker network rm more")
    eventually(lambda: "more0" not in h("firewall-cmd --zone=trusted --list-interfaces"), "the end of the other bridge in the zone", 60)
    h("systemctl restart firewalld.service", timeout=120)
    both(h, "after a restart of firewalld")
    h("docker rm -f server")
    h("systemctl stop dockerd.socket dockerd.service")
    eventually(lambda: h.try_("dockerd", "--clean").returncode == 0, "dockerd --clean", 60)
    equal(h("firewall-cmd --zone=trusted --list-interfaces"), "", "interfaces in the zone after dockerd --clean")
