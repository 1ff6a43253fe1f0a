# SPDX-License-Identifier: Apache-2.0
"""What create refuses, drops and keeps: before a container is made, not at its start."""

from common_api import client, only_ours
from harness import cases, check, contains, equal, matches, test

NONE = {"NetworkMode": "none"}


def refused(status, text, host=None, **config):
    c = client()
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": {**NONE, **(host or {})}, **config})
    equal((r.status, r.message), (status, text), "answer of create")
    equal(c.ok("GET", "/containers/json", query={"all": 1}), [], "containers afterwards")


def mount(kind, **more):
    return {"Mounts": [{"Type": kind, "Target": "/t", **more}]}


def invalid_mount(kind, text):
    return f'invalid mount config for type "{kind}": {text}'


# The peer answers 500 to a bad security option; a request that is wrong is 400 here.
@cases([(repr(o), o, n) for o, n in [("nosuch=x", 2), ("no-new-privileges=maybe", 2), ("apparmor", 1), ("seccomp", 1), ("", 1)]])
def security_option(option, which):
    only_ours()
    refused(400, f'invalid --security-opt {which}: "{option}"', {"SecurityOpt": ["label=disable", option]})


@cases([
    ("annotation", 400, "invalid Annotations: the empty string is not permitted as an annotation key", {"Annotations": {"": "x"}}),
    ("pid", 400, "No such container: NOSUCH", {"PidMode": "container:NOSUCH"}),
    ("pid empty", 400, "invalid PID mode: container:", {"PidMode": "container:"}),
    ("volumes from", 400, "No such container: nosuch", {"VolumesFrom": ["nosuch:rw"]}),
    ("volumes from nothing", 400, "volumes-from specification cannot be an empty string", {"VolumesFrom": [""]}),
    ("iops", 400, "invalid option: QoS maximum IOPs configuration is not supported on linux", {"IOMaximumIOps": 5}),
    ("bandwidth", 400, "invalid option: QoS maximum bandwidth configuration is not supported on linux", {"IOMaximumBandwidth": 5}),
    ("tmpfs uid", 400, invalid_mount("tmpfs", "invalid option: uid"), mount("tmpfs", TmpfsOptions={"Options": [["uid", "5"]]})),
    ("tmpfs none", 400, invalid_mount("tmpfs", "invalid option array length"), mount("tmpfs", TmpfsOptions={"Options": [[]]})),
    ("image options", 400, invalid_mount("bind", "field ImageOptions must not be specified"),
     mount("bind", Source="/tmp", ImageOptions={})),
])
def as_the_reference(status, text, host):
    refused(status, text, host)


@cases([
    ("shares", 400, "invalid CPU shares (-1): value must be a positive integer", {"CpuShares": -1}),
    ("cgroup", 501, "the cgroup of another container (Cgroup): not supported by this engine yet", {"Cgroup": "container:x"}),
    ("writable cgroups", 501, "writable cgroups (--security-opt writable-cgroups): not supported by this engine yet",
     {"SecurityOpt": ["writable-cgroups=true"]}),
    ("log buffer", 501, "logger: max-buffer-size (mode=non-blocking) is not implemented",
     {"LogConfig": {"Type": "json-file", "Config": {"max-buffer-size": "1m"}}}),
])
def by_name(status, text, host):
    only_ours()
    refused(status, text, host)


@test
def exposed_ports_with_the_network_of_a_container():
    c = client()
    other = c.create(cmd=["true"], host=NONE)
    r = c.post("/containers/create", {"Image": "busybox", "ExposedPorts": {"80/tcp": {}},
                                      "HostConfig": {"NetworkMode": f"container:{other}"}})
    equal((r.status, r.message), (400, "conflicting options: port exposing and the container type network mode"), "answer")


@test
def names_of_the_reference_start():
    """Compose files and copied HostConfigs have them; the host of the tests has no AppArmor."""
    c = client()
    i = c.create(cmd=["sleep", "1000"], host={**NONE, "Runtime": "io.containerd.runc.v2", "SecurityOpt": ["apparmor=unconfined"],
                                              "CapAdd": ["sys_admin", "NET_ADMIN"], "CapDrop": ["cap_chown"],
                                              "LogConfig": {"Type": "json-file", "Config": {"max-file": "3"}}})
    c.start(i)
    h = c.inspect(i)["HostConfig"]
    equal((h["Runtime"], h["CapAdd"], h["CapDrop"]), ("io.containerd.runc.v2", ["sys_admin", "NET_ADMIN"], ["cap_chown"]),
          "what inspect says")


@test
def options_of_a_tmpfs():
    c = client()
    flags = {}
    for word in "exec", "noexec":
        host = {**NONE, **mount("tmpfs", TmpfsOptions={"Options": [[word]]})}
        code, out, _ = c.run(["grep", " /t ", "/proc/mounts"], host=host)
        equal(code, 0, "exit code")
        flags[word] = "noexec" in out
    equal(flags, {"exec": False, "noexec": True}, "noexec by the option")


@test
def limits_that_no_linux_has_are_dropped():
    c = client()
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["true"],
                                      "HostConfig": {**NONE, "CpuPercent": 50, "KernelMemory": 100000000}}, query={"name": "dropped"})
    equal(r.status, 201, f"status ({r.message})")
    contains(r.text, "linux does not support CPU percent. Percent discarded.", "warnings")
    h = c.inspect("dropped")["HostConfig"]
    equal((h["CpuPercent"], h.get("KernelMemory", 0)), (0, 0), "what is recorded")


@test
def working_directory_is_kept_in_its_normal_form():
    c = client()
    i = c.create(cmd=["true"], host=NONE, WorkingDir="/a/../b//c/", Volumes={})
    config = c.inspect(i)["Config"]
    equal((config["WorkingDir"], config["Volumes"]), ("/b/c", None), "WorkingDir and Volumes")


@test
def commands_that_ended_are_not_listed():
    c = client()
    i = c.create(cmd=["sleep", "1000"], host=NONE)
    c.start(i)
    c.exec(i, ["true"])
    stays = c.exec_create(i, ["true"])
    equal(c.inspect(i)["ExecIDs"], [stays], "ExecIDs")


# The peer may run without anything shared.
@cases([(p, p) for p in ("private", "rprivate", "shared", "slave")])
def propagation_of_what_shows_the_data_root(propagation):
    root = client().ok("GET", "/info")["DockerRootDir"]
    for binds in [f"{root}:/t:{propagation}", f"/:/t:{propagation}"]:
        r = client().post("/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": {**NONE, "Binds": [binds]}})
        equal((r.status, r.message),
              (400, 'invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within '
                    f'the daemon root, daemon root: "{root}", bind mount source: "{binds.split(":")[0]}", '
                    f'propagation: "{propagation}"'), "answer")


@test
def what_shows_the_data_root_is_a_slave():
    c = client()
    root = c.ok("GET", "/info")["DockerRootDir"]
    for source, wanted in [(root, "rslave"), (f"{root}/containers", "rslave"), ("/", "rslave"), ("/usr", "rprivate")]:
        i = c.create(cmd=["true"], host={**NONE, "Binds": [f"{source}:/t:ro"]})
        equal(c.inspect(i)["Mounts"][0]["Propagation"], wanted, f"propagation of {source}")
        c.start(i)
        equal(c.wait(i), 0, "exit code")


@test
def devices_of_a_directory():
    c = client()
    mapping = {"PathOnHost": "/dev/net", "PathInContainer": "/dev/tunnels", "CgroupPermissions": "rwm"}
    code, out, err = c.run(["ls", "-l", "/dev/tunnels/"], host={"Devices": [mapping]})
    equal(code, 0, f"exit code ({err})")
    matches(out, r"^c.* 10, +200 .*tun$", "listing")


@test
def a_directory_without_devices_is_none():
    c = client()
    i = c.create(cmd=["true"], host={**NONE, "Devices": [{"PathOnHost": "/etc", "PathInContainer": "/etc2", "CgroupPermissions": "rwm"}]})
    r = c.post(f"/containers/{i}/start")
    contains(r.message, 'adding custom device "/etc": not a device node', "answer of start")


@test
def working_directory_is_made_at_create():
    c = client()
    i = c.create(cmd=["true"], host=NONE, WorkingDir="/made/here")
    equal(c.head(f"/containers/{i}/archive", query={"path": "/made/here"}).status, 200, "status of docker cp")
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": NONE, "WorkingDir": "/etc/passwd"})
    equal((r.status, r.message), (500, "Cannot mkdir: /etc/passwd is not a directory"), "answer for a file")


@cases([
    ("nothing", {}, "config cannot be empty in order to create a container"),
    ("the host's part only", {"HostConfig": {}}, "config cannot be empty in order to create a container"),
])
def empty_request(body, text):
    r = client().post("/containers/create", body)
    equal((r.status, r.message), (400, text), "answer")


@cases([
    ("negative", "-100", "value out of range"), ("large", "4294967296", "value out of range"), ("word", "x", "invalid syntax"),
    ("empty", "", "invalid syntax"),
])
def size_of_a_terminal(height, why):
    for path in "/containers/nosuch/resize", "/exec/nosuch/resize":
        r = client().post(path, query={"h": height, "w": 5})
        equal((r.status, r.message), (400, f'invalid resize height "{height}": {why}'), f"answer of {path}")


@test
def network_of_a_container_has_its_hostname():
    c = client()
    other = c.create(cmd=["sleep", "1000"], Hostname="theirs")
    c.start(other)
    i = c.create(cmd=["sh", "-c", "hostname; cat /etc/hostname; echo $HOSTNAME"], host={"NetworkMode": f"container:{other}"})
    c.start(i)
    c.wait(i)
    out, _ = c.logs(i)
    equal(out.decode(), "theirs\n" * 3, "hostname, /etc/hostname and the environment")


@test
def image_inspect_of_old_clients():
    """docker-compose 1 reads ContainerConfig of each image."""
    reply = client("1.44").ok("GET", "/images/busybox/json")
    equal(reply["ContainerConfig"]["Volumes"], None, "ContainerConfig.Volumes")
    check("ContainerConfig" not in client("1.45").ok("GET", "/images/busybox/json"), "ContainerConfig is there in 1.45")


@test
def mac_address_of_the_main_network():
    c = client()
    mac = "02:42:ac:11:00:77"
    r = c.post("/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"NetworkMode": "bridge"},
                                      "NetworkingConfig": {"EndpointsConfig": {"bridge": {"MacAddress": mac}}}}, query={"name": "mac"})
    equal(r.status, 201, f"status ({r.message})")
    equal(c.inspect("mac")["Config"].get("MacAddress"), mac, "Config.MacAddress")
