# SPDX-License-Identifier: Apache-2.0
"""The D-Bus face: busctl as a person uses it, the same engine as HTTP, polkit, interface files, life without a bus."""

import json
import pathlib
import re
import xml.etree.ElementTree as ET

import common_host
from common_host import host
from harness import Failed, check, cleanup, contains, equal, eventually, matches, test

NAME = "org.dockerd1"
PATH = "/org/dockerd1"
MANAGER = "org.dockerd1.Manager"


def busctl(h, *args, **kw):
    return h("busctl", "--no-pager", *args, **kw)


@test
def status_and_tree():
    h = host()
    c = h("docker run -d --name onbus busybox sleep 1000")
    contains(busctl(h, "tree", NAME), f"{PATH}", "busctl tree")
    contains(busctl(h, "tree", NAME), c[1:12], "busctl tree (the container's object)")
    contains(busctl(h, "list"), NAME, "busctl list")


@test
def introspect():
    h = host()
    out = busctl(h, "introspect", NAME, PATH, MANAGER)
    for member in ("CreateContainer", "ListContainers", "StartContainer", "StopContainer", "StartupPhases", "Version"):
        check(re.search(rf"^\.{member}\b", out, re.M), f"busctl introspect shows no {member}:\n{out[:1500]}")


@test
def startup_phases():
    h = host()
    out = busctl(h, "get-property", NAME, PATH, MANAGER, "StartupPhases")
    for phase in ("config", "root", "pidfile", "listeners", "registry", "runtime", "plugins", "daemon", "cluster", "routes", "serve"):
        contains(out, f'"{phase}"', "StartupPhases")


@test
def objects():
    h = host()
    c = h("docker run -d --name onbus busybox sleep 1000")
    out = json.loads(busctl(h, "--json=short", "call", NAME, PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"))
    objects = out["data"][0]
    mine = [p for p in objects if c[1:12] in p]
    equal(len(mine), 1, f"objects for the container among {list(objects)}")


def calls(h):
    """{method: input signature} of the manager."""
    out = busctl(h, "--xml-interface", "introspect", NAME, PATH)
    root = ET.fromstring(out[out.index("<node"):])
    methods = {}
    for interface in root.findall("interface"):
        if interface.get("name") == MANAGER:
            for m in interface.findall("method"):
                methods[m.get("name")] = "".join(a.get("type") for a in m.findall("arg") if a.get("direction", "in") == "in")
    return methods


@test
def interface_files_match_the_object():
    """dbus/*.xml is what the running object says of itself."""
    h = host()
    h("docker run -d --name onbus busybox sleep 1000")
    folder = pathlib.Path(__file__).parents[2] / "dbus"
    files = sorted(folder.glob("org.dockerd1*.xml"))
    check(files, "dbus/ has no interface files")
    running = {}
    tree = [line.split()[-1] for line in busctl(h, "tree", "--list", NAME).splitlines() if PATH in line]
    for path in tree:
        out = busctl(h, "--xml-interface", "introspect", NAME, path)
        for interface in ET.fromstring(out[out.index("<node"):]).findall("interface"):
            if interface.get("name", "").startswith(NAME):
                running[interface.get("name")] = members(interface)
    for path in files:
        for interface in ET.parse(path).getroot().iter("interface"):
            name = interface.get("name")
            check(name in running, f"{path.name} describes {name}, which no object has (there are {sorted(running)})")
            equal(members(interface), running[name], f"{name} in {path.name} against the running object")


def members(interface):
    """Kind, name and signature of each member, sorted."""
    found = []
    for m in interface:
        if m.tag in ("method", "signal"):
            signature = ["".join(a.get("type") for a in m.findall("arg") if a.get("direction", "in" if m.tag == "method" else "out") == d)
                         for d in ("in", "out")]
            found.append((m.tag, m.get("name"), *signature))
        elif m.tag == "property":
            found.append((m.tag, m.get("name"), m.get("type"), m.get("access")))
    return sorted(found)


@test
def list_over_the_bus():
    h = host()
    c = h("docker run -d --name onbus busybox sleep 1000")
    methods = calls(h)
    check("ListContainers" in methods, f"there is no ListContainers (there are {sorted(methods)})")
    signature = methods["ListContainers"]
    arguments = {"": [], "a{sv}": ["a{sv}", "0"]}.get(signature)
    check(arguments is not None, f"ListContainers has the signature {signature!r}")
    contains(busctl(h, "call", NAME, PATH, MANAGER, "ListContainers", *arguments), c, "answer of ListContainers")


@test
def stop_over_the_bus():
    h = host()
    c = h("docker run -d --name onbus busybox sh -c \"trap 'exit 6' TERM; echo up; while :; do sleep 0.05; done\"")
    eventually(lambda: h("docker logs onbus") == "up", "the container says up")
    signature = calls(h)["StopContainer"]
    busctl(h, "call", NAME, PATH, MANAGER, "StopContainer", signature, "onbus", *(["0"] if signature.endswith("}") else []))
    equal(h("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' onbus"), "exited 6", "state seen over HTTP")


@test
def an_error_has_a_name():
    h = host()
    signature = calls(h)["StopContainer"]
    r = h.try_("busctl", "call", NAME, PATH, MANAGER, "StopContainer", signature, "nosuch", *(["0"] if signature.endswith("}") else []))
    check(r.returncode != 0, "StopContainer of a missing container succeeded")
    contains(r.stderr, "No such container: nosuch", "stderr of busctl")


@test
def signals():
    """A monitor sees the container come and go."""
    h = host()
    p = h.popen("timeout", "20", "busctl", "monitor", "--no-pager", f"--match=sender='{NAME}'", stdin=None)
    cleanup(p.kill)
    import time
    time.sleep(0.7)
    c = h("docker run -d --name seen busybox true")
    h("docker wait seen")
    h("docker rm seen")
    time.sleep(0.7)
    h.try_("pkill", "-x", "busctl")
    out = p.communicate(timeout=30)[0].decode(errors="replace")
    for member in ("InterfacesAdded", "PropertiesChanged", "InterfacesRemoved"):
        contains(out, member, "busctl monitor")
    contains(out, c[1:12], "busctl monitor (the container's object)")


@test
def polkit():
    """Root may; another user is refused for what changes something, and nothing happens."""
    h = host()
    h("docker run -d --name onbus busybox sleep 1000")
    h("id bob >/dev/null 2>&1 || useradd -m bob")
    signature = calls(h)["StopContainer"]
    extra = " 0" if signature.endswith("}") else ""
    r = h.try_("su", "bob", "-s", "/bin/sh", "-c", f"busctl call {NAME} {PATH} {MANAGER} StopContainer {signature} onbus{extra}")
    check(r.returncode != 0, "a user without rights stopped a container over the bus")
    matches(r.stderr, r"(?i)(access denied|not authorized|authentication|interactive)", "stderr")
    equal(h("docker inspect -f '{{.State.Running}}' onbus"), "true", "the container")


@test
def polkit_actions_are_installed():
    h = host()
    out = h("pkaction")
    check(re.search(r"^org\.dockerd1\.", out, re.M), "pkaction lists no action of org.dockerd1")


@test
def the_daemon_lives_without_a_bus():
    h = host()
    c = h("docker run -d --name before busybox sleep 1000")
    h("systemctl stop dbus.service dbus.socket")
    try:
        equal(h("docker ps -q --no-trunc"), c, "docker ps without a bus")
        r = h.try_("docker", "logs", "before")
        equal(r.returncode, 0, "docker logs without a bus")
    finally:
        h("systemctl start dbus.socket dbus.service")
    eventually(lambda: h.try_("busctl", "status", NAME).returncode == 0, "the daemon is back on the bus", 30)
    equal(h("docker run --rm busybox echo again"), "again", "docker run afterwards")


@test
def a_whole_life_over_the_bus():
    h = host()
    script = h.put_share("bus_attach.py", (pathlib.Path(__file__).parent / "inside/bus_attach.py").read_text())
    out = h("python3", script)
    matches(out, r"^created /org/dockerd1/container/", "create")
    contains(out, "attached", "attach")
    contains(out, r"{1: b'through the bus\n', 2: b'err\n'}", "what came through the attached file descriptor")
    contains(out, "exit code 5", "wait")
    matches(out, r"^logs .*through the bus", "logs")
    contains(out, "removed", "remove")
    equal(h("docker ps -aq"), "", "containers seen over HTTP afterwards")


@test
def create_with_properties():
    h = host()
    path = busctl(h, "call", NAME, PATH, MANAGER, "CreateContainer", "sa{sv}", "props", "3", "Image", "s", "busybox",
                  "Cmd", "as", "2", "echo", "typed", "Labels", "a{ss}", "1", "k", "v").split('"')[1]
    equal(json.loads(h("docker inspect props"))[0]["Config"]["Labels"], {"k": "v"}, "labels seen over HTTP")
    equal(busctl(h, "get-property", NAME, path, "org.dockerd1.Container", "State"), 's "created"', "property State")
    busctl(h, "call", NAME, path, "org.dockerd1.Container", "Start", "a{sv}", "0")
    contains(busctl(h, "call", NAME, path, "org.dockerd1.Container", "Wait", "s", ""), "xs 0", "Wait")
    equal(h("docker logs props"), "typed", "docker logs")
    equal(busctl(h, "get-property", NAME, path, "org.dockerd1.Container", "ExitCode"), "i 0", "property ExitCode")
    busctl(h, "call", NAME, path, "org.dockerd1.Container", "Remove", "a{sv}", "0")


@test
def bad_arguments_over_the_bus():
    h = host()
    for arguments, pattern in ((["CreateContainer", "sa{sv}", "x", "1", "Image", "s", "nosuch"], "No such image: nosuch|Invalid container name"),
                               (["CreateContainer", "sa{sv}", "xx", "1", "NoSuchField", "s", "x"], "(?i)NoSuchField|image|config"),
                               (["CreateContainerFromJSON", "ss", "xx", "{broken"], "(?i)json|invalid|EOF|unexpected"),
                               (["KillContainer", "ss", "nosuch", "KILL"], "No such container: nosuch")):
        r = h.try_("busctl", "call", NAME, PATH, MANAGER, *arguments)
        check(r.returncode != 0, f"{' '.join(arguments)} succeeded")
        matches(r.stderr, pattern, f"error of {' '.join(arguments)}")


@test
def version_and_info_over_the_bus():
    h = host()
    matches(busctl(h, "call", NAME, PATH, MANAGER, "GetVersion"), r'"ApiVersion" s "1\.\d+"', "GetVersion")
    contains(busctl(h, "call", NAME, PATH, MANAGER, "GetInfo"), '"NCPU"', "GetInfo")
    contains(busctl(h, "call", NAME, PATH, MANAGER, "ListImages", "a{sv}", "0"), "busybox:latest", "ListImages")
    contains(busctl(h, "call", NAME, PATH, MANAGER, "ListNetworks", "a{sv}", "0"), "bridge", "ListNetworks")
