# SPDX-License-Identifier: Apache-2.0
"""A host whose FORWARD chain drops, as ufw sets it up: containers are reached and reach others all the same."""

import re
import shutil
import subprocess

from common_api import own_daemon
from daemon import nft_tables
from harness import Failed, Skip, check, cleanup, contains, equal, eventually, test


def iptables(*args):
    return subprocess.run(["iptables", "-w", *args], capture_output=True, text=True, check=True).stdout


def dropping():
    if not shutil.which("iptables"):
        raise Skip("iptables is not installed (apt-get install iptables)")
    iptables("-P", "FORWARD", "DROP")
    cleanup(iptables, "-P", "FORWARD", "ACCEPT")
    check("DROP" in iptables("-S", "FORWARD"), "the policy is not set")


def neighbour():
    """Another host beside ours; it is asked for words on port 80 and asks for those of others."""
    subprocess.run("""ip netns add neighbour
    ip link add outside type veth peer name eth0 netns neighbour
    ip addr add 192.0.2.1/24 dev outside; ip link set outside up
    ip -n neighbour addr add 192.0.2.2/24 dev eth0; ip -n neighbour link set eth0 up; ip -n neighbour link set lo up""",
                   shell=True, check=True, capture_output=True)
    cleanup(subprocess.run, ["ip", "netns", "del", "neighbour"], check=False)
    server = subprocess.Popen(["ip", "netns", "exec", "neighbour", "sh", "-c", "while :; do echo outside | busybox nc -l -p 81; done"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def end():
        subprocess.run("ip netns pids neighbour | xargs -r kill -9", shell=True, check=False)
        server.kill()
        server.wait()
    cleanup(end)


def ask_from_outside(port):
    return subprocess.run(["ip", "netns", "exec", "neighbour", "busybox", "nc", "-w", "2", "192.0.2.1", port], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True).stdout.strip()


def serve(d):
    c = d.client()
    i = c.create(cmd="while :; do echo inside | nc -l -p 80; done", ExposedPorts={"80/tcp": {}},
                 host={"PortBindings": {"80/tcp": [{"HostPort": ""}]}})
    d.containers.add(i)
    c.start(i)
    return i, c.inspect(i)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]


def ask_outside(d, i):
    return d.client().exec(i, "nc -w 2 192.0.2.2 81 </dev/null; true")[1].strip()


def warnings(d):
    return [w for w in d.client().ok("GET", "/info")["Warnings"] or [] if "firewall" in w]


def chain_of(d):
    """The suite's own daemon has the plain names."""
    for name in [line.split()[-1] for line in nft_tables() if line.startswith("table inet dockerd-")]:
        if str(d.exec) in subprocess.run(["nft", "list", "table", "inet", name], capture_output=True, text=True).stdout:
            return name.replace("dockerd", "DOCKERD")
    raise Failed("the daemon has no table")


def jumps(chain):
    return [line for line in iptables("-S").splitlines() if re.match(rf"-A FORWARD -m comment --comment .* -j {chain}$", line)]


@test(timeout=240)
def opened():
    dropping()
    neighbour()
    d = own_daemon().start().load_busybox()
    i, port = serve(d)
    chain = chain_of(d)

    def both(when):
        eventually(lambda: (ask_from_outside(port), ask_outside(d, i)) == ("inside", "outside"), f"published port and outgoing connection {when}", 60)
    both("at first")
    equal(warnings(d), [], "warnings")
    equal(len(jumps(chain)), 1, "number of jumps")
    equal(jumps(chain), iptables("-S", "FORWARD").splitlines()[1:2], "the jump and the head of the chain")
    iptables("-F", "FORWARD")
    eventually(lambda: jumps(chain), "the jump after a flush", 30)
    both("after a flush")
    iptables("-P", "FORWARD", "ACCEPT")
    iptables("-F")
    iptables("-X")
    check("DROP" not in iptables("-S"), "the chains are not cleared")
    iptables("-P", "FORWARD", "DROP")
    eventually(lambda: jumps(chain), "the jump after the policy came back", 30)
    both("after the policy came back")
    d.client().ok("POST", "/networks/create", {"Name": "more", "Options": {"com.docker.network.bridge.name": "more0"}})
    eventually(lambda: "-i more0 -j ACCEPT" in iptables("-S"), "the rule of another network", 30)
    d.client().ok("DELETE", "/networks/more")
    eventually(lambda: "more0" not in iptables("-S"), "the end of the other network's rule", 30)
    d.client().remove(i)
    d.check_clean([i])
    d.stop()
    equal(len(jumps(chain)), 1, "number of jumps after the daemon's end")
    r = subprocess.run(d.command("--clean"), capture_output=True, text=True, timeout=60)
    contains(r.stdout, "closed the host's firewall again", "dockerd --clean")
    check(chain not in iptables("-S"), "something of ours is left in the host's chains")


@test
def policy_host():
    dropping()
    neighbour()
    d = own_daemon("--firewall-policy", "host").start().load_busybox()
    i, port = serve(d)
    w = eventually(lambda: warnings(d), "a warning")
    contains(w[0], "WARNING: the host's firewall (ip filter FORWARD) drops forwarded packets", "warning")
    eventually(lambda: "the host's firewall (ip filter FORWARD)" in d.log(), "the warning in the log")
    eventually(lambda: any("STATUS=Serving; the host's firewall" in m for m in d.messages()), "the warning in the status")
    equal(jumps(chain_of(d)), [], "jumps")
    equal((ask_from_outside(port), ask_outside(d, i)), ("", ""), "what passes")
    # As the man page says: rules of the host decide.
    iptables("-A", "FORWARD", "-o", bridge_of(d), "-j", "ACCEPT")
    iptables("-A", "FORWARD", "-i", bridge_of(d), "-j", "ACCEPT")
    cleanup(iptables, "-F", "FORWARD")
    eventually(lambda: (ask_from_outside(port), ask_outside(d, i)) == ("inside", "outside"), "what passes with the host's own rules", 60)


def bridge_of(d):
    return d.client().ok("GET", "/networks/bridge")["Options"]["com.docker.network.bridge.name"]


@test
def without_the_program():
    dropping()
    d = own_daemon(env={"PATH": "/nosuch"}).start()
    w = eventually(lambda: warnings(d), "a warning")
    contains(w[0], "(iptables: the program is not installed)", "warning")
