# SPDX-License-Identifier: Apache-2.0
"""Volumes: made, listed, used, filled from images, removed; what a crash and a damaged database leave of them."""

import json
import os
import sqlite3
import subprocess
import tarfile
import threading
import time

import common_api
import images
from common_api import client, only_ours, own_daemon
from harness import Failed, cases, check, cleanup, contains, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}


def fresh():
    c = client()
    cleanup(remove_volumes, c)
    return c


def remove_volumes(c):
    common_api.remove_all()
    for v in c.ok("GET", "/volumes")["Volumes"]:
        c.ok("DELETE", f"/volumes/{v['Name']}", wanted=204)


def create(c, name=None, **body):
    return c.ok("POST", "/volumes/create", {**({"Name": name} if name else {}), **body}, wanted=201)


def names(c, **filters):
    return sorted(v["Name"] for v in c.ok("GET", "/volumes", query={"filters": filters or None})["Volumes"])


def mounts(c, i):
    return {m["Destination"]: m for m in c.inspect(i)["Mounts"]}


def run(c, cmd, *binds, image="busybox", **config):
    code, out, err = c.run(cmd, image=image, host={"Binds": list(binds)}, **config)
    equal((code, err), (0, ""), f"exit code and stderr of {cmd!r}")
    return out


@test
def create_and_inspect():
    c = fresh()
    v = create(c, "mine", Labels={"a": "b"})
    matches(v["CreatedAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", "CreatedAt")
    equal({k: v[k] for k in ("Name", "Driver", "Labels", "Options", "Scope")},
          {"Name": "mine", "Driver": "local", "Labels": {"a": "b"}, "Options": None, "Scope": "local"}, "the new volume")
    check(os.path.isdir(v["Mountpoint"]), f"the directory {v['Mountpoint']}")
    equal(c.ok("GET", "/volumes/mine"), v, "the volume by its name")
    equal(create(c, "mine", Labels={"x": "y"}), v, "a second creation gives the same")
    equal(c.ok("GET", "/volumes"), {"Volumes": [v], "Warnings": None}, "the list")
    v = create(c)
    matches(v["Name"], r"^[0-9a-f]{64}$", "a name that was made up")
    equal(v["Labels"], {"com.docker.volume.anonymous": ""}, "its labels")


@cases([
    ("slash", {"Name": "a/b"}, 400, r'create a/b: "a/b" includes invalid characters for a local volume name'),
    ("up", {"Name": "../x"}, 400, r"includes invalid characters"), ("dot first", {"Name": ".x"}, 400, r"includes invalid characters"),
    ("short", {"Name": "a"}, 400, r"volume name is too short"), ("long", {"Name": "a" * 256}, 400, r"includes invalid characters"),
    ("control", {"Name": "a\nb"}, 400, r"includes invalid characters"),
    ("driver", {"Name": "xx", "Driver": "nosuch"}, 404, r'error looking up volume plugin nosuch: plugin "nosuch" not found'),
    ("option", {"Name": "xx", "DriverOpts": {"nosuch": "1"}}, 400, r'invalid option: "nosuch"'),
    ("no device", {"Name": "xx", "DriverOpts": {"type": "none", "o": "bind"}}, 400, r'missing required option: "device"'),
    ("no type", {"Name": "xx", "DriverOpts": {"device": "/dev/sda"}}, 400, r'missing required option: "type"'),
    ("quota", {"Name": "xx", "DriverOpts": {"size": "1g"}}, 400, r"no quota support"),
    ("relative device", {"Name": "xx", "DriverOpts": {"type": "none", "o": "bind", "device": "x"}}, 400, r"must be an absolute path"),
    ("mount option", {"Name": "xx", "DriverOpts": {"type": "none", "o": "bind,nosuch", "device": "/x"}}, 400, r'invalid mount option "nosuch"'),
    ("nfs", {"Name": "xx", "DriverOpts": {"type": "nfs", "o": "addr=h", "device": ":/x"}}, 501, r'volumes of type "nfs" are not supported'),
    ("cluster", {"Name": "xx", "ClusterVolumeSpec": {}}, 503, r"not a swarm manager"),
    ("type", {"Name": 5}, 400, r"(?i)name"), ("labels", {"Labels": "x"}, 400, r"(?i)labels"),
])
def create_refused(body, status, pattern):
    c = fresh()
    r = c.post("/volumes/create", body)
    equal(r.status, status, f"status ({r.message!r})")
    matches(r.message, pattern, "message")
    equal(names(c), [], "volumes afterwards")


@test
def missing():
    c = fresh()
    for method in ("GET", "DELETE"):
        r = c.request(method, "/volumes/nosuch")
        equal((r.status, r.message), (404, "get nosuch: no such volume"), f"{method} of one that is not there")
    equal(c.delete("/volumes/nosuch", query={"force": 1}).status, 204, "status of a forced removal")


@test
def filters():
    c = fresh()
    create(c, "one", Labels={"a": "b"})
    create(c, "two", Labels={"a": "c"})
    i = c.create(cmd="true", host={**NONE, "Binds": ["two:/x"]})
    for wanted, f in ((["one"], {"name": ["on"]}), (["one", "two"], {"name": ["one", "two"]}), (["one", "two"], {"label": ["a"]}),
                      (["one"], {"label": ["a=b"]}), ([], {"label": ["a=b", "x"]}), (["one"], {"dangling": ["true"]}),
                      (["two"], {"dangling": ["false"]}), (["one", "two"], {"driver": ["local"]}), ([], {"driver": ["nosuch"]}),
                      (["one", "two"], {"name": ["^.*$"]})):
        equal(names(c, **f), wanted, f"volumes of {f}")
    for f in ({"nosuch": ["x"]}, {"dangling": ["maybe"]}):
        r = c.get("/volumes", query={"filters": f})
        equal(r.status, 400, f"status of {f}")
        contains(r.message, "invalid filter", "message")
    c.remove(i)


@test
def data_outlives_containers():
    c = fresh()
    run(c, "echo it >/data/x; chmod 600 /data/x", "mine:/data")
    equal(run(c, "cat /data/x", "mine:/data:ro"), "it\n", "what the next one reads")
    equal(names(c), ["mine"], "volumes")
    equal(c.run("touch /data/y", host={"Binds": ["mine:/data:ro"]})[0], 1, "exit code of a write to a read-only volume")


@test
def how_a_container_shows_them():
    c = fresh()
    i = c.create(cmd="true", Volumes={"/anonymous": {}}, host={**NONE, "Binds": ["mine:/data", "other:/ro:ro,nocopy"], "Mounts": [
        {"Type": "volume", "Source": "third", "Target": "/third/", "VolumeOptions": {"Labels": {"x": "y"}}}, {"Type": "volume", "Target": "/fourth"}]})
    m = mounts(c, i)
    source = c.ok("GET", "/volumes/mine")["Mountpoint"]
    equal(m["/data"], {"Type": "volume", "Name": "mine", "Source": source, "Destination": "/data", "Driver": "local", "Mode": "z",
                       "RW": True, "Propagation": ""}, "mount point of -v mine:/data")
    equal((m["/ro"]["RW"], m["/ro"]["Mode"]), (False, "ro,nocopy"), "mount point of :ro,nocopy")
    equal((m["/third"]["Name"], c.ok("GET", "/volumes/third")["Labels"]), ("third", {"x": "y"}), "one of --mount and its labels")
    for target in ("/anonymous", "/fourth"):
        matches(m[target]["Name"], r"^[0-9a-f]{64}$", f"name of the volume at {target}")
    row = c.ok("GET", "/containers/json", query={"all": 1})[0]
    equal(sorted(x["Destination"] for x in row["Mounts"]), ["/anonymous", "/data", "/fourth", "/ro", "/third"], "mount points in the list")
    equal([len(c.ok("GET", "/containers/json", query={"all": 1, "filters": {"volume": [v]}})) for v in ("mine", "/data", "nosuch")], [1, 1, 0],
          "containers of the filter volume")


@cases([
    ("mode", {"Binds": ["mine:/x:nosuch"]}, r"invalid mode: nosuch"), ("propagation", {"Binds": ["mine:/x:rshared"]}, r"invalid mode: rshared"),
    ("copy of a bind", {"Binds": ["/tmp:/x:nocopy"]}, r"invalid mode: nocopy"), ("root", {"Binds": ["mine:/"]}, r"destination can't be '/'"),
    ("relative", {"Binds": ["mine:x"]}, r"mount path must be absolute"), ("twice", {"Binds": ["mine:/x", "other:/x"]}, r"Duplicate mount point: /x"),
    ("name", {"Binds": ["a/b:/x"]}, r"includes invalid characters for a local volume name"),
    ("bind options", {"Mounts": [{"Type": "volume", "Target": "/x", "BindOptions": {}}]}, r"BindOptions must not be specified"),
    ("no target", {"Mounts": [{"Type": "volume"}]}, r"Target must not be empty"),
    ("from nobody", {"VolumesFrom": ["nosuch"]}, r"No such container: nosuch"), ("from with a mode", {"VolumesFrom": ["x:nosuch"]}, r"invalid mode: nosuch"),
    ("driver", {"Mounts": [{"Type": "volume", "Source": "mm", "Target": "/x", "VolumeOptions": {"DriverConfig": {"Name": "nosuch"}}}]}, r"plugin nosuch"),
    ("subpath", {"Mounts": [{"Type": "volume", "Source": "mm", "Target": "/x", "VolumeOptions": {"Subpath": "y"}}]}, r"not supported by this engine yet"),
])
def container_refused(host, pattern):
    c = fresh()
    r = c.post("/containers/create", {"Image": "busybox", "Volumes": {"/declared": {}}, "HostConfig": host})
    check(r.status in (400, 404, 501), f"status is {r.status} ({r.message!r})")
    matches(r.message, pattern, "message")
    equal((names(c), c.ok("GET", "/containers/json", query={"all": 1})), ([], []), "volumes and containers afterwards")


@test
def in_use():
    c = fresh()
    i = c.create(cmd="true", host={**NONE, "Binds": ["mine:/x"]})
    r = c.delete("/volumes/mine")
    equal((r.status, r.message), (409, f"remove mine: volume is in use - [{i}]"), "removal of one that a container has")
    equal(c.delete("/volumes/mine", query={"force": 1}).status, 409, "status of a forced removal")
    c.remove(i)
    equal(c.delete("/volumes/mine").status, 204, "status of the removal after the container")


@test
def anonymous_ones_go_with_the_container():
    c = fresh()
    i = c.create(cmd="true", Volumes={"/a": {}}, host={**NONE, "Binds": ["mine:/x"]})
    other = c.create(cmd="true", host={**NONE, "VolumesFrom": [i]})
    equal(len(names(c)), 2, "volumes")
    c.remove(i)
    equal(len(names(c)), 2, "volumes while another container has them")
    c.ok("DELETE", f"/containers/{other}", wanted=204)
    equal(len(names(c)), 2, "volumes after a removal without v")
    i = c.create(cmd="true", Volumes={"/a": {}}, host=NONE)
    c.ok("DELETE", f"/containers/{i}", wanted=204, query={"v": 1})
    equal(len(names(c)), 2, "volumes after one with it")
    i = c.create(cmd="true", Volumes={"/a": {}}, host={**NONE, "AutoRemove": True, "Binds": ["mine:/x"]})
    equal(len(names(c)), 3, "volumes before a container with --rm ends")
    c.start(i)
    eventually(lambda: len(names(c)) == 2, "its anonymous volume goes with it")


@test
def of_other_containers():
    c = fresh()
    i = c.create(cmd="echo it >/v/x; echo b >/b/x", Volumes={"/v": {}}, host={**NONE, "Binds": ["mine:/b"]})
    c.start(i)
    c.wait(i)
    equal(c.run("cat /v/x /b/x", host={"VolumesFrom": [i]})[1], "it\nb\n", "what is read of them")
    equal(c.run("touch /v/y", host={"VolumesFrom": [i + ":ro"]})[0], 1, "exit code of a write with :ro")
    equal(c.run("cat /b/x; cat /v/x", host={"VolumesFrom": [i], "Binds": ["other:/b"]})[1], "it\n", "a bind of one's own comes first")


def image_with(c, tag, volumes, add):
    w = images.TarWriter()
    add(w)
    r = c.post("/images/load", images.save_archive([images.busybox_tar(), w.bytes()], [tag], Volumes={v: {} for v in volumes}, Cmd=["true"]), query={"quiet": 1},
               headers={"Content-Type": "application/x-tar"})
    equal(r.status, 200, f"status of load ({r.text[-200:]})")
    cleanup(c.delete, f"/images/{tag}", query={"force": 1})


@test
def filled_from_the_image():
    """What the image has at the mount point is the first content of a volume, owners and modes and all."""
    c = fresh()

    def add(w):
        w.add("data", mode=0o1750, uid=7, gid=8, kind=tarfile.DIRTYPE)
        w.add("data/file", "content", mode=0o640, uid=9, gid=10)
        w.add("data/link", kind=tarfile.SYMTYPE, link="/etc/passwd")
        w.add("data/sub/deep", "x")

    image_with(c, "filled:1", ["/data"], add)
    i = c.create("filled:1", cmd="stat -c '%a %u %g %n' /data /data/file; readlink /data/link; cat /data/sub/deep", host=NONE)
    source = mounts(c, i)["/data"]["Source"]
    equal(sorted(os.listdir(source)), ["file", "link", "sub"], "content of the volume before the start")
    c.start(i)
    c.wait(i)
    equal(c.logs(i)[0].decode(), "1750 7 8 /data\n640 9 10 /data/file\n/etc/passwd\nx", "what the container sees")
    # one that has something already, one that shall not be filled, one of a file, one of nothing
    run(c, "echo mine >/data/own", "has:/data")
    equal(run(c, "ls /data", "has:/data", image="filled:1"), "own\n", "content of one that was not empty")
    equal(run(c, "ls /data", "empty:/data:nocopy", image="filled:1"), "", "content of one with nocopy")
    equal(run(c, "ls /data", "empty:/data", image="filled:1"), "file\nlink\nsub\n", "content of it without nocopy")
    equal(run(c, "ls -a /nowhere | wc -l", "none:/nowhere", image="filled:1"), "2\n", "content of one at a path the image has not")


@test
def fill_stays_in_the_image():
    """A mount point that is a link in the image does not lead to files of the host."""
    c = fresh()

    def add(w):
        w.add("up", kind=tarfile.SYMTYPE, link="../../../../etc")
        w.add("abs", kind=tarfile.SYMTYPE, link="/etc")
        w.add("proc-link", kind=tarfile.SYMTYPE, link="/proc/self/root/etc")

    image_with(c, "hostile:1", [], add)
    with open("/etc/hostname") as f:
        secret = f.read()
    for target in ("/up", "/abs", "/proc-link"):
        i = c.create("hostile:1", cmd="true", host={**NONE, "Binds": [f"vol{target[1:]}:{target}"]})
        source = mounts(c, i)[target]["Source"]
        for root, _, files in os.walk(source):
            for name in files:
                check(open(os.path.join(root, name), errors="replace").read() != secret or not secret, f"the volume at {target} has {name} of the host")
        check(not os.path.exists(os.path.join(source, "shadow")) or os.path.getsize(os.path.join(source, "shadow")) < 200, f"the host's files are in the volume at {target}")


@test(timeout=120)
def filled_by_one_of_many():
    c = fresh()

    def add(w):
        for n in range(300):
            w.add(f"data/file{n}", "x" * 1000)

    image_with(c, "many:1", [], add)
    ids, broke = [], []

    def work():
        try:
            ids.append(c.create("many:1", cmd="ls /data | wc -l", host={**NONE, "Binds": ["shared:/data"]}))
        except Failed as e:
            broke.append(str(e))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(broke, [], "creations that failed")
    for i in ids:
        c.start(i)
        c.wait(i)
        equal(c.logs(i)[0], b"300\n", "files in the volume")


@test
def options():
    c = fresh()
    directory = common_api.ENGINE.dir / "shown"
    directory.mkdir(exist_ok=True)
    (directory / "x").write_text("of the host\n")
    create(c, "bound", DriverOpts={"type": "none", "o": "bind", "device": str(directory)})
    create(c, "reading", DriverOpts={"type": "none", "o": "bind,ro", "device": str(directory)})
    create(c, "gone", DriverOpts={"type": "none", "o": "bind", "device": str(directory / "nosuch")})
    create(c, "memory", DriverOpts={"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=700"})
    equal(run(c, "cat /v/x; echo y >/v/y", "bound:/v"), "of the host\n", "a directory of the host")
    equal((directory / "y").read_text(), "y\n", "what was written there")
    equal(c.run("touch /v/z", host={"Binds": ["reading:/v"]})[0], 1, "exit code of a write where o has ro")
    matches(run(c, "grep ' /v ' /proc/mounts", "memory:/v"), r"^tmpfs /v tmpfs rw,.*size=1024k,mode=700", "a file system in memory")
    i = c.create(cmd="true", host={**NONE, "Binds": ["gone:/v:nocopy"]})
    r = c.post(f"/containers/{i}/start")
    equal(r.status, 500, "status of a start without the device")
    matches(r.message, r"error while mounting volume .*: failed to mount local volume: mount .*/nosuch: No such file or directory", "message")
    c.remove(i)
    c.ok("DELETE", "/volumes/bound", wanted=204)
    check((directory / "x").exists(), "a directory of the host stays when its volume is removed")


@test
def usage():
    c = fresh()
    run(c, "head -c 100000 /dev/zero >/v/x", "mine:/v")
    i = c.create(cmd="true", host={**NONE, "Binds": ["mine:/v", "other:/w"]})
    rows = {v["Name"]: v["UsageData"] for v in c.ok("GET", "/system/df")["Volumes"]}
    equal(rows, {"mine": {"RefCount": 1, "Size": 100000}, "other": {"RefCount": 1, "Size": 0}}, "UsageData")
    equal(c.ok("GET", "/system/df", query={"type": ["image"]})["Volumes"], None, "volumes where only images are asked for")
    c.remove(i)


@test
def prune():
    c = fresh()
    create(c, "named")
    create(c, "kept", Labels={"keep": "1"})
    anonymous = create(c)["Name"]
    used = c.create(cmd="true", host={**NONE, "Binds": ["used:/v"]})
    run(c, "head -c 5000 /dev/zero >/v/x", "named:/v")
    r = c.ok("POST", "/volumes/prune")
    equal((r["VolumesDeleted"], r["SpaceReclaimed"]), ([anonymous], 0), "a prune takes anonymous ones only")
    r = c.ok("POST", "/volumes/prune", query={"filters": {"all": ["true"], "label!": ["keep"]}})
    equal((r["VolumesDeleted"], r["SpaceReclaimed"]), (["named"], 5000), "a prune of all without a label")
    equal(names(c), ["kept", "used"], "what is left")
    equal(c.post("/volumes/prune", query={"filters": {"nosuch": ["x"]}}).status, 400, "status of an unknown filter")
    r = client("1.41").ok("POST", "/volumes/prune")
    equal(r["VolumesDeleted"], ["kept"], "what an older client's prune takes")
    c.remove(used)


@test
def events():
    c = fresh()
    since = time.time()
    i = c.create(cmd="true", host={**NONE, "Binds": ["mine:/v:ro"]})
    c.start(i)
    c.wait(i)
    eventually(lambda: len(between(c, since)) >= 3, "events")
    c.remove(i)
    c.ok("DELETE", "/volumes/mine", wanted=204)
    rows = between(c, since)
    equal([(e["Action"], e["Actor"]["ID"]) for e in rows], [(a, "mine") for a in ("create", "mount", "unmount", "destroy")], "events")
    equal(rows[0]["Actor"]["Attributes"], {"driver": "local"}, "attributes of create")
    equal(rows[1]["Actor"]["Attributes"], {"container": i, "destination": "/v", "driver": "local", "propagation": "", "read/write": "false"}, "attributes of mount")
    c.ok("POST", "/volumes/prune")
    equal(between(c, since)[-1]["Action"], "prune", "the last event")


def between(c, since):
    r = c.get("/events", query={"since": f"{since:.9f}", "until": f"{time.time():.9f}", "filters": {"type": ["volume"]}})
    return list(r.lines())


@test(timeout=120)
def over_restarts():
    """What was recorded is there again, also after kill -9; a removal that was begun is brought to its end."""
    d = own_daemon()
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    c = d.client()
    before = create(c, "mine", Labels={"a": "b"})
    run(c, "echo it >/v/x", "mine:/v")
    i = c.create(cmd="sleep 1000", Volumes={"/a": {}}, host={**NONE, "Binds": ["mine:/v"]})
    d.containers.add(i)
    c.start(i)
    d.kill()
    d.start()
    equal(c.ok("GET", "/volumes/mine"), before, "the volume after kill -9")
    equal(c.delete("/volumes/mine").status, 409, "status of its removal while the container has it")
    equal(c.exec(i, "cat /v/x")[1], "it\n", "its content in the container")
    c.remove(i)
    equal(names(c), ["mine"], "volumes after the container")
    c.ok("DELETE", "/volumes/mine", wanted=204)
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


@test(timeout=120)
def database_is_lost():
    """No list, but the data: every directory is a volume still."""
    d = own_daemon()
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    c = d.client()
    run(c, "echo it >/v/x", "mine:/v")
    create(c, "empty")
    d.stop()
    for f in d.data.glob("state.db*"):
        f.unlink()
    (d.data / "volumes" / "not a volume").mkdir()
    d.start()
    equal(names(c), ["empty", "mine"], "volumes")
    d.load_busybox()
    equal(run(c, "cat /v/x", "mine:/v"), "it\n", "content")
    d.stop()
    with sqlite3.connect(d.data / "state.db") as db:
        tables = [r[0] for r in db.execute("select name from sqlite_master where type = 'table'")]
        table = next(t for t in tables if t.startswith("volume"))
        db.execute(f"update {table} set {[r[1] for r in db.execute(f'pragma table_info({table})')][-1]} = '{{'")
    d.start()
    equal(names(c), ["empty", "mine"], "volumes whose records are damaged")
    equal(run(c, "cat /v/x", "mine:/v"), "it\n", "content")


@test(timeout=120)
def without_its_directory():
    d = own_daemon()
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    c = d.client()
    v = create(c, "mine")
    os.rmdir(v["Mountpoint"])
    equal(run(c, "echo it >/v/x; cat /v/x", "mine:/v"), "it\n", "a volume whose directory was missing")
    equal(len(c.ok("GET", "/system/df")["Volumes"]), 1, "volumes in df")


@test(timeout=120)
def many():
    c = fresh()
    for n in range(300):
        create(c, f"v{n}")
    begin = time.monotonic()
    equal(len(names(c)), 300, "volumes")
    check(time.monotonic() - begin < 5, "the list is quick")
    i = c.create(cmd="ls / | grep -c ^m", host={**NONE, "Binds": [f"v{n}:/m{n}" for n in range(120)]})
    c.start(i)
    c.wait(i)
    equal(c.logs(i)[0], b"120\n", "mount points in the container")
    c.remove(i)
    equal(len(c.ok("POST", "/volumes/prune", query={"filters": {"all": ["1"]}})["VolumesDeleted"]), 300, "volumes that a prune removed")


@test
def anonymous_but_named_by_the_user():
    """What somebody mounts by its name is not the container's to remove."""
    c = fresh()
    v = create(c)["Name"]
    run(c, "echo kept > /data/f", f"{v}:/data")
    i = c.create(cmd="true", host={**NONE, "Binds": [f"{v}:/data"]})
    j = c.create(cmd="true", host={**NONE, "VolumesFrom": [i]})
    for x in (i, j):
        c.ok("DELETE", f"/containers/{x}", query={"v": 1}, wanted=204)
    equal(run(c, "cat /data/f", f"{v}:/data"), "kept\n", "content after containers that named it were removed with v=1")
    i = c.create(cmd="true", host=NONE, Volumes={"/own": {}})
    own = mounts(c, i)["/own"]["Name"]
    c.ok("DELETE", f"/containers/{i}", query={"v": 1}, wanted=204)
    check(own not in names(c), "a volume that nobody named is removed with its container")


@test
def removal_that_fails():
    """The volume stays usable, and the daemon starts."""
    d = own_daemon()
    cleanup(d.destroy)
    d.start()
    c = d.client()
    path = create(c, "mine")["Mountpoint"]
    top = os.path.dirname(path)
    subprocess.run(["mount", "--bind", top, top], check=True)
    cleanup(subprocess.run, ["umount", "-l", top], stderr=subprocess.DEVNULL)
    equal(c.delete("/volumes/mine").status, 500, "status of removing what is a mount point")
    equal(names(c), ["mine"], "volumes")
    d.stop()
    d.start()
    equal(names(c), ["mine"], "volumes after a restart")
    subprocess.run(["umount", top], check=True)
    d.stop()
    d.start()
    check(os.path.isdir(path), "the volume is not removed by a start")
    c.ok("DELETE", "/volumes/mine", wanted=204)
