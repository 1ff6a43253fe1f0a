# SPDX-License-Identifier: Apache-2.0
"""The D-Bus face: busctl as a person uses it, the same engine as HTTP, polkit, interface files, life without a bus."""

import json
import pathlib
import re
import time
import xml.etree.ElementTree as ET

import common_host
from common_host import host
from harness import Failed, cases, check, cleanup, contains, equal, eventually, matches, test

NAME = "org.dockerd1"
PATH = "/org/dockerd1"
MANAGER = "org.dockerd1.Manager"
CONTAINER = "org.dockerd1.Container"
OPERATION = "org.dockerd1.Operation"


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
def activation():
    """A call to the name starts the service."""
    h = host()
    h("systemctl stop dockerd.service")
    contains(busctl(h, "call", NAME, PATH, MANAGER, "GetVersion"), "ApiVersion", "a call to a service that did not run")
    equal(h("systemctl is-active dockerd.service"), "active", "dockerd.service")


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
    # An operation that fails at once is there for a while after.
    busctl(h, "call", NAME, PATH, "org.dockerd1.Manager", "PullImage", "sa{sv}", "127.0.0.1:1/nothing:1", "0")
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


def as_user(h, user, *command):
    h(f"id {user} >/dev/null 2>&1 || useradd -m {user}")
    return h.try_("runuser", "-u", user, "--", *command)


@test
def polkit():
    """Root may; another user is refused for what changes or shows something, and nothing happens."""
    h = host()
    h("docker run -d --name onbus busybox sleep 1000")
    path = busctl(h, "call", NAME, PATH, MANAGER, "GetContainer", "s", "onbus").split('"')[1]
    asked = r"(?i)(interactive authentication|not authorized|authentication is required)"
    for command in (["call", NAME, PATH, MANAGER, "StopContainer", "sa{sv}", "onbus", "0"],
                    ["call", NAME, path, CONTAINER, "Kill", "s", "KILL"],
                    ["call", NAME, PATH, MANAGER, "ListContainers", "a{sv}", "0"],
                    ["get-property", NAME, path, CONTAINER, "Name"],
                    ["call", NAME, PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"]):
        r = as_user(h, "bob", "busctl", *command)
        check(r.returncode != 0, f"a user without rights: busctl {' '.join(command)} gave {r.stdout[:200]}")
        matches(r.stderr, asked, f"stderr of busctl {' '.join(command)}")
    equal(as_user(h, "bob", "busctl", "call", NAME, PATH, MANAGER, "GetVersion").returncode, 0, "GetVersion, which anybody may ask")
    equal(h("docker inspect -f '{{.State.Running}}' onbus"), "true", "the container")


@test
def polkit_rule():
    """The rule of the manual page lets the group docker in, action by action."""
    h = host()
    page = (pathlib.Path(__file__).parents[2] / "man/org.dockerd1.5.rst").read_text()
    rule = matches(page, r"^    polkit\.addRule\(.*?^    }\);", "the rule in org.dockerd1(5)").group(0)
    target = h.put_share("50-dockerd.rules", "\n".join(line[4:] for line in rule.splitlines()))
    h(f"install -m 644 {target} /etc/polkit-1/rules.d/; systemctl restart polkit.service")
    cleanup(h, "rm /etc/polkit-1/rules.d/50-dockerd.rules; systemctl restart polkit.service")
    h("id alice >/dev/null 2>&1 || useradd -m -G docker alice")
    h("docker run -d --name onbus busybox sleep 1000")
    stop = ["busctl", "call", NAME, PATH, MANAGER, "StopContainer", "sa{sv}", "onbus", "1", "t", "i", "0"]
    check(as_user(h, "bob", *stop).returncode != 0, "a user outside of the group stopped a container")
    r = as_user(h, "alice", *stop)
    equal(r.returncode, 0, f"a member of the group stops a container ({r.stderr.strip()})")
    equal(h("docker inspect -f '{{.State.Running}}' onbus"), "false", "the container")
    contains(as_user(h, "alice", "busctl", "get-property", NAME, PATH, MANAGER, "NContainers").stdout, "u 1", "a property for a member")


@test
def without_polkit():
    """Only root is let in, and the error says what is missing."""
    h = host()
    h("docker run -d --name onbus busybox sleep 1000")
    service = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
    h(f"mv {service} {service}.away; systemctl stop polkit.service; busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig")
    cleanup(h, f"mv {service}.away {service}; busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig; systemctl start polkit.service")
    r = as_user(h, "bob", "busctl", "call", NAME, PATH, MANAGER, "StopContainer", "sa{sv}", "onbus", "0")
    check(r.returncode != 0, "a user stopped a container where there is no polkit")
    contains(r.stderr, "polkit", "stderr")
    contains(busctl(h, "call", NAME, PATH, MANAGER, "ListContainers", "a{sv}", "0"), "onbus", "what root gets")


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


def inside(h, name):
    """Output of a script that calls the bus with file descriptors."""
    folder = pathlib.Path(__file__).parent / "inside"
    h.put_share("sdbus.py", (folder / "sdbus.py").read_text())
    return h("python3", "-B", h.put_share(name, (folder / name).read_text()))


@test
def streams_through_file_descriptors():
    out = inside(host(), "bus_streams.py").splitlines()
    equal(out[:3], ["imported", "saved tar True True", "loaded"], "images")
    equal(out[3], r"followed multiplexed b'1\n2\n3\n'", "logs that are followed")
    equal(out[4], "events json ['create', 'start', 'die']", "events")


# Every method: object, member, arguments, what the answer matches. In this order they are the life of the container "every".
LIFE = [
    (MANAGER, "Ping", [], r'"ApiVersion" s "1\.\d+"'),
    (MANAGER, "GetVersion", [], r'"ApiVersion" s "1\.\d+"'),
    (MANAGER, "GetInfo", [], r'"NCPU" x \d+'),
    (MANAGER, "GetDiskUsage", ["a{sv}", "0"], r'"LayersSize" x \d+'),
    (MANAGER, "GetEvents", ["a{sv}", "1", "until", "s", "1"], r'^hs \d+ "json"'),
    (MANAGER, "CreateContainer", ["sa{sv}", "every", "2", "Image", "s", "busybox", "Cmd", "as", "2", "sleep", "1000"],
     r'^oas "/org/dockerd1/container/\w+" 0$'),
    (MANAGER, "CreateContainerFromJSON", ["ss", "other", '{"Image": "busybox", "Cmd": ["true"]}'], r"^oas "),
    (MANAGER, "ListContainers", ["a{sv}", "1", "all", "b", "true"], r'"/every".*"/other"|"/other".*"/every"'),
    (MANAGER, "GetContainer", ["s", "every"], r'^o "/org/dockerd1/container/'),
    (MANAGER, "InspectContainer", ["s", "every"], r'"Name" s "/every"'),
    (MANAGER, "RenameContainer", ["ss", "other", "another"], r"^$"),
    (MANAGER, "StartContainer", ["sa{sv}", "every", "0"], r"^$"),
    (CONTAINER, "Top", ["s", ""], r'"sleep 1000"'),
    (CONTAINER, "Inspect", [], r'"Running" b true'),
    (CONTAINER, "Logs", ["a{sv}", "0"], r'^hs \d+ "multiplexed"'),
    (CONTAINER, "Attach", ["a{sv}", "0"], r'^hs \d+ "multiplexed"'),
    (CONTAINER, "GetChanges", [], r'^hs \d+ "json"'),
    (CONTAINER, "Export", [], r'^hs \d+ "tar"'),
    (CONTAINER, "StatPath", ["s", "/etc/passwd"], r'"name" s "passwd" "size" x \d+ "mode" x 420 '),
    (CONTAINER, "GetArchive", ["s", "/etc"], r'^hs \d+ "tar"'),
    (MANAGER, "StatContainerPath", ["ss", "every", "/etc"], r'"name" s "etc"'),
    (MANAGER, "GetContainerArchive", ["ss", "every", "/etc"], r'^hs \d+ "tar"'),
    (MANAGER, "GetContainerChanges", ["s", "every"], r'^hs \d+ "json"'),
    (MANAGER, "ExportContainer", ["s", "every"], r'^hs \d+ "tar"'),
    (MANAGER, "CommitContainer", ["sa{sv}", "every", "2", "repo", "s", "bus/committed", "tag", "s", "v1"], r'^o "/org/dockerd1/image/\w+"$'),
    (MANAGER, "RemoveImage", ["sa{sv}", "bus/committed:v1", "0"], r'"Deleted"'),
    (CONTAINER, "GetStats", ["a{sv}", "1", "stream", "b", "false"], r'^hs \d+ "json"'),
    (MANAGER, "GetContainerStats", ["sa{sv}", "every", "0"], r'^hs \d+ "json"'),
    (CONTAINER, "Update", ["a{sv}", "1", "PidsLimit", "x", "99"], r"^as (0$|1 .*PIDs)"),
    (MANAGER, "UpdateContainer", ["sa{sv}", "every", "1", "PidsLimit", "x", "98"], r"^as (0$|1 .*PIDs)"),
    (CONTAINER, "Pause", [], r"^$"),
    (MANAGER, "UnpauseContainer", ["s", "every"], r"^$"),
    (MANAGER, "PauseContainer", ["s", "every"], r"^$"),
    (CONTAINER, "Unpause", [], r"^$"),
    (CONTAINER, "Rename", ["s", "renamed"], r"^$"),
    (CONTAINER, "Rename", ["s", "every"], r"^$"),
    (CONTAINER, "Restart", ["a{sv}", "1", "t", "i", "0"], r"^$"),
    (MANAGER, "RestartContainer", ["sa{sv}", "every", "1", "t", "i", "0"], r"^$"),
    (MANAGER, "KillContainer", ["ss", "every", "USR1"], r"^$"),
    (CONTAINER, "Kill", ["s", ""], r"^$"),
    (CONTAINER, "Wait", ["s", ""], r'^xs 137 ""$'),
    (MANAGER, "WaitContainer", ["ss", "every", ""], r'^xs 137 ""$'),
    (CONTAINER, "Start", ["a{sv}", "0"], r"^$"),
    (CONTAINER, "Stop", ["a{sv}", "1", "t", "i", "0"], r"^$"),
    (MANAGER, "StartContainer", ["sa{sv}", "every", "0"], r"^$"),
    (MANAGER, "StopContainer", ["sa{sv}", "every", "1", "t", "i", "0"], r"^$"),
    (CONTAINER, "Remove", ["a{sv}", "0"], r"^$"),
    (MANAGER, "RemoveContainer", ["sa{sv}", "another", "1", "force", "b", "true"], r"^$"),
    (MANAGER, "PruneContainers", ["a{sv}", "0"], r'"SpaceReclaimed"'),
    (MANAGER, "ListImages", ["a{sv}", "0"], r'"busybox:latest"'),
    (MANAGER, "GetImage", ["s", "busybox"], r'^o "/org/dockerd1/image/\w+"$'),
    (MANAGER, "InspectImage", ["s", "busybox"], r'"RepoTags" as 1 "busybox:latest"'),
    (MANAGER, "GetImageHistory", ["s", "busybox"], r'"CreatedBy"'),
    (MANAGER, "TagImage", ["sss", "busybox", "bus/tagged", "v1"], r"^$"),
    (MANAGER, "SaveImages", ["asa{sv}", "1", "bus/tagged:v1", "0"], r'^hs \d+ "tar"'),
    (MANAGER, "RemoveImage", ["sa{sv}", "bus/tagged:v1", "0"], r'"Untagged" s "bus/tagged:v1"'),
    (MANAGER, "PruneImages", ["a{sv}", "0"], r'"SpaceReclaimed"'),
    (MANAGER, "PruneBuildCache", ["a{sv}", "0"], r'"SpaceReclaimed"'),
    (MANAGER, "ListNetworks", ["a{sv}", "0"], r'"Name" s "bridge"'),
    (MANAGER, "InspectNetwork", ["s", "bridge"], r'"Driver" s "bridge"'),
    (MANAGER, "CreateNetwork", ["sa{sv}", "overbus", "1", "Internal", "b", "true"], r'^s "[0-9a-f]{64}"$'),
    (MANAGER, "CreateContainerFromJSON", ["ss", "joins", '{"Image": "busybox", "Cmd": ["true"]}'], r"^oas "),
    (MANAGER, "ConnectNetwork", ["ssa{sv}", "overbus", "joins", "0"], r"^$"),
    (MANAGER, "DisconnectNetwork", ["ssa{sv}", "overbus", "joins", "0"], r"^$"),
    (MANAGER, "RemoveContainer", ["sa{sv}", "joins", "0"], r"^$"),
    (MANAGER, "RemoveNetwork", ["s", "overbus"], r"^$"),
    (MANAGER, "PruneNetworks", ["a{sv}", "0"], r'"NetworksDeleted"|^a\{sv\} 0'),
    (MANAGER, "CreateVolume", ["sa{sv}", "overbus", "0"], r'"Name" s "overbus"'),
    (MANAGER, "ListVolumes", ["a{sv}", "0"], r'"Name" s "overbus"'),
    (MANAGER, "InspectVolume", ["s", "overbus"], r'"Driver" s "local"'),
    (MANAGER, "RemoveVolume", ["sa{sv}", "overbus", "0"], r"^$"),
    (MANAGER, "PruneVolumes", ["a{sv}", "0"], r'"SpaceReclaimed"'),
]
# busctl cannot pass a descriptor or has no terminal: tested by scripts, or below.
# There is no registry: how they fail tells that they are there.
REGISTRY = [
    ("login", "CheckRegistryLogin", ["a{sv}", "1", "serveraddress", "s", "127.0.0.1:1"]),
    ("inspect", "InspectDistribution", ["sa{sv}", "127.0.0.1:1/a", "0"]),
    ("search", "SearchImages", ["sa{sv}", "127.0.0.1:1/a", "0"]),
]
OPERATIONS = [
    ("pull", "PullImage", ["sa{sv}", "127.0.0.1:1/a:1", "0"]),
    ("push", "PushImage", ["sa{sv}", "127.0.0.1:1/a", "1", "tag", "s", "1"]),
]
EXECS = {(CONTAINER, "CreateExec")} | {(MANAGER, m) for m in ("CreateExec", "StartExec", "AttachExec", "ResizeExec", "InspectExec")}
ELSEWHERE = EXECS | {(MANAGER, "PutContainerArchive"), (CONTAINER, "PutArchive")} | {(MANAGER, "ImportImage"), (MANAGER, "LoadImage"), (CONTAINER, "Resize")} | {(MANAGER, m) for _, m, _ in REGISTRY + OPERATIONS}


@test
def every_method():
    h = host()
    path = None
    for interface, member, arguments, pattern in LIFE:
        r = h.try_("busctl", "--no-pager", "call", NAME, path if interface == CONTAINER else PATH, interface, member, *arguments)
        equal(r.returncode, 0, f"exit code of busctl call {member} ({r.stderr.strip()})")
        matches(r.stdout.rstrip("\n"), pattern, f"answer of {member}")
        if member == "GetContainer":
            path = r.stdout.split('"')[1]
    tested = {row[:2] for row in LIFE} | ELSEWHERE
    folder = pathlib.Path(__file__).parents[2] / "dbus"
    for interface in (MANAGER, CONTAINER):
        there = {m.get("name") for m in ET.parse(folder / f"{interface}.xml").getroot().iter("method")}
        equal(sorted(there), sorted(m for i, m in tested if i == interface), f"methods of {interface} and those that are tested")


@cases(REGISTRY)
def registry_calls(member, arguments):
    h = host()
    h("docker tag busybox 127.0.0.1:1/a:1")
    cleanup(h, "docker rmi 127.0.0.1:1/a:1")
    r = h.try_("busctl", "--no-pager", "call", NAME, PATH, MANAGER, member, *arguments)
    check(r.returncode != 0, f"{member} has succeeded without a registry")
    matches(r.stderr, r"dial tcp 127\.0\.0\.1:1: connect: connection refused", f"error of {member}")


@cases(OPERATIONS)
def registry_operations(member, arguments):
    """The method has answered before the registry could not be reached; the object tells."""
    h = host()
    h("docker tag busybox 127.0.0.1:1/a:1")
    cleanup(h, "docker rmi 127.0.0.1:1/a:1")
    path = busctl(h, "call", NAME, PATH, MANAGER, member, *arguments).split('"')[1]
    eventually(lambda: busctl(h, "get-property", NAME, path, OPERATION, "State") == 's "failed"', f"the operation of {member} has failed")
    matches(busctl(h, "get-property", NAME, path, OPERATION, "Error"), r"dial tcp 127\.0\.0\.1:1: connect: connection refused", "Error")
    matches(busctl(h, "get-property", NAME, path, OPERATION, "ErrorName"), r'^s "org\.dockerd1\.Error\.\w+"$', "ErrorName")


@test
def resize_over_the_bus():
    h = host()
    h("docker run -d -t --name term busybox sh -c 'trap \"stty size\" WINCH; echo up; while :; do sleep 0.05; done'")
    eventually(lambda: "up" in h("docker logs term"), "the container says up")
    path = busctl(h, "call", NAME, PATH, MANAGER, "GetContainer", "s", "term").split('"')[1]
    busctl(h, "call", NAME, path, CONTAINER, "Resize", "uu", "33", "77")
    eventually(lambda: "33 77" in h("docker logs term"), "the terminal has the new size")


@test
def properties_and_their_signals():
    """What get-property shows is what PropertiesChanged said, from the start to the end of a container."""
    h = host()
    path = busctl(h, "--", "call", NAME, PATH, MANAGER, "CreateContainer", "sa{sv}", "watched", "2", "Image", "s", "busybox",
                  "Cmd", "as", "3", "sh", "-c", "sleep 0.5; exit 4").split('"')[1]
    p = h.popen("timeout", "20", "busctl", "monitor", "--json=short", "--no-pager", f"--match=type='signal',path='{path}'", stdin=None)
    cleanup(p.kill)
    time.sleep(0.7)             # for busctl to be there: with --json newer ones do not say so
    busctl(h, "call", NAME, path, CONTAINER, "Start", "a{sv}", "0")
    unit = busctl(h, "get-property", NAME, path, CONTAINER, "Unit").split('"')[1]
    pid = busctl(h, "get-property", NAME, path, CONTAINER, "Pid").split()[1]
    equal(h("systemctl", "is-active", unit), "active", "the unit of the property Unit")
    contains(h(f"cat /proc/{pid}/cmdline | tr '\\0' ' '"), "sleep 0.5", "the process of the property Pid")
    busctl(h, "call", NAME, path, CONTAINER, "Wait", "s", "")
    equal(busctl(h, "get-property", NAME, path, CONTAINER, "State", "ExitCode", "Pid"), 's "exited"\ni 4\nu 0', "State, ExitCode and Pid at the end")
    p.terminate()
    seen = {}
    for line in p.communicate(timeout=30)[0].decode().splitlines():
        m = json.loads(line)
        if m.get("member") == "PropertiesChanged":
            for name, value in m["payload"]["data"][1].items():
                seen.setdefault(name, []).append(value["data"])
    equal(seen.get("State"), ["running", "exited"], "values of State in the signals")
    equal(seen.get("Pid"), [int(pid), 0], "values of Pid in the signals")
    equal(seen.get("ExitCode"), [4], "values of ExitCode in the signals")
    check(len(seen.get("StartedUSec", [])) == 1 and len(seen.get("FinishedUSec", [])) >= 1, f"StartedUSec and FinishedUSec in {seen}")


@test
def events_as_signals():
    """The signal Event carries what docker events shows."""
    h = host()
    p = h.popen("timeout", "20", "busctl", "monitor", "--json=short", "--no-pager", f"--match=type='signal',interface='{MANAGER}',member='Event'", stdin=None)
    cleanup(p.kill)
    time.sleep(0.7)             # for busctl to be there: with --json newer ones do not say so
    c = h("docker run -d --name seen --network none --label a=b busybox sh -c 'exit 6'")
    h("docker wait seen; docker rm seen")
    p.terminate()
    events = [json.loads(line)["payload"]["data"] for line in p.communicate(timeout=30)[0].decode().splitlines()]
    mine = [e for e in events if e[0] == "container" and e[2] == c]
    equal([e[1] for e in mine], ["create", "start", "die", "destroy"], "actions of the events")
    die = mine[2]
    equal((die[4]["name"], die[4]["image"], die[4]["exitCode"], die[4]["a"]), ("seen", "busybox", "6", "b"), "attributes of die")


@test
def a_whole_life_over_the_bus():
    h = host()
    out = inside(h, "bus_attach.py")
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
