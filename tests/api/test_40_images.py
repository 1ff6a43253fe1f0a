# SPDX-License-Identifier: Apache-2.0
"""Images over the API, and hostile archives: nothing outside of the layer is touched, every reply is an error or a sound image."""

import gzip
import json
import os
import pathlib
import tarfile

import common_api
import images
from common_api import client, only_ours
from harness import cases, check, cleanup, contains, equal, matches, test


def load(archive, quiet=1, c=None):
    """Returns (status, text of the stream or message, error or None)."""
    r = (c or client()).post("/images/load", archive, query={"quiet": quiet}, headers={"Content-Type": "application/x-tar"})
    if r.status != 200:
        return r.status, r.message, r.message
    text, error = "", None
    for line in r.lines():
        text += line.get("stream", "")
        error = error or line.get("error")
    return r.status, text, error


def import_(data, **query):
    r = client().post("/images/create", data, query={"fromSrc": "-", **query}, headers={"Content-Type": "application/x-tar"})
    if r.status != 200:
        return None, r.message
    lines = list(r.lines())
    error = next((line["error"] for line in lines if "error" in line), None)
    return (None, error) if error else (lines[-1]["status"], None)


def forget(*names):
    for name in names:
        common_api.ENGINE.client().delete(f"/images/{name}", query={"force": 1})


@test
def list_and_inspect():
    c = client()
    row = [r for r in c.ok("GET", "/images/json") if "busybox:latest" in r["RepoTags"]][0]
    for key in ("Id", "ParentId", "RepoTags", "RepoDigests", "Created", "Size", "SharedSize", "Labels", "Containers"):
        check(key in row, f"a row of /images/json has no {key}")
    i = c.ok("GET", "/images/busybox/json")
    equal(i["Id"], row["Id"], "Id")
    for key in ("Id", "RepoTags", "RepoDigests", "Created", "Config", "Architecture", "Os", "Size", "GraphDriver", "RootFS", "Metadata"):
        check(key in i, f"/images/busybox/json has no {key}")
    check(1_000_000 < i["Size"] < 4_000_000, f"Size is {i['Size']}")


@cases([("dangling", {"dangling": ["true"]}, 0), ("reference", {"reference": ["busybox"]}, 1), ("reference pattern", {"reference": ["busy*:late*"]}, 1),
        ("label", {"label": ["nosuch"]}, 0), ("before", {"before": ["busybox"]}, 0)])
def filters(filters, count):
    equal(len(client().ok("GET", "/images/json", query={"filters": filters})), count, f"images with filters {filters}")


@test
def reference_filter_shows_what_it_asks_for():
    c = client()
    c.post("/images/busybox/tag", query={"repo": "other/name", "tag": "x"})
    cleanup(forget, "other/name:x")
    rows = c.ok("GET", "/images/json", query={"filters": {"reference": ["other/*"]}})
    equal([row["RepoTags"] for row in rows], [["other/name:x"]], "names")


@test
def history():
    h = client().ok("GET", "/images/busybox/history")
    for key in ("Id", "Created", "CreatedBy", "Tags", "Size", "Comment"):
        check(key in h[0], f"history has no {key}")


@cases([(f"{m} {p}", m, p) for m, p in (("GET", "/images/nosuch/json"), ("GET", "/images/nosuch/history"), ("DELETE", "/images/nosuch"),
                                        ("POST", "/images/nosuch/tag?repo=x"))])
def no_such_image(method, path):
    r = client().request(method, path)
    equal(r.status, 404, "status")
    matches(r.message, r"(?i)no such image: nosuch(:latest)?|reference does not exist", "message")


@test
def tag_and_delete():
    c = client()
    equal(c.post("/images/busybox/tag", query={"repo": "other", "tag": "v1"}).status, 201, "status of tag")
    equal(c.ok("DELETE", "/images/other:v1"), [{"Untagged": "other:v1"}], "answer of DELETE")
    equal(c.post("/images/busybox/tag", query={"repo": "Bad Name"}).status, 400, "status of a bad name")


@test
def delete_in_use():
    c = client()
    load(images.docker_archive([images.busybox_tar(), images.TarWriter().add("u", "u").bytes()], ["inuse:1"]))
    cleanup(forget, "inuse:1")
    i = c.create("inuse:1", cmd="true")
    cleanup(common_api.remove_all)
    r = c.delete("/images/inuse:1")
    equal(r.status, 409, "status")
    contains(r.message, i[:12], "message")


@test
def delete_in_use_by_a_running_one():
    """By force a name goes, the image stays; by its id it does not even then."""
    c = client()
    load(images.docker_archive([images.busybox_tar(), images.TarWriter().add("u", "r").bytes()], ["inuse:2"]))
    i = c.create("inuse:2", cmd="sleep 1000", host={"NetworkMode": "none"})
    cleanup(forget, "inuse:2")
    cleanup(common_api.remove_all)
    c.start(i)
    image = c.inspect(i)["Image"]
    equal(c.delete("/images/inuse:2").status, 409, "status without force")
    r = c.delete(f"/images/{image}", query={"force": 1})
    equal((r.status, r.message), (409, f"conflict: unable to delete {image[7:19]} (cannot be forced) - image is being used by running "
                                       f"container {i[:12]}"), "by its id")
    equal(c.ok("DELETE", "/images/inuse:2", query={"force": 1}), [{"Untagged": "inuse:2"}], "by its name")
    equal(c.get(f"/images/{image}/json").status, 200, "status of the image")
    cleanup(c.delete, f"/images/{image}", query={"force": 1})
    common_api.remove_all()


@test
def load_stream():
    _, text, error = load(images.docker_archive([images.busybox_tar()], ["streamed:1"]))
    cleanup(forget, "streamed:1")
    equal((text, error), ("Loaded image: streamed:1\n", None), "stream")


@test
def load_same_layer_twice():
    layer = images.TarWriter().add("same", "x").bytes()
    status, text, error = load(images.docker_archive([layer, layer], ["twice:1"]))
    cleanup(forget, "twice:1")
    equal(error, None, "error of an archive that uses a layer twice")


@test
def layers_are_shared():
    c = client()
    base = images.busybox_tar()
    top = [images.TarWriter().add("top", str(n)).bytes() for n in range(2)]
    for n in range(2):
        load(images.docker_archive([base, top[n]], [f"shared{n}:1"]))
        cleanup(forget, f"shared{n}:1")
    forget("shared0:1")
    code, out, err = c.run("cat /top", image="shared1:1")
    equal((code, out), (0, "1"), "an image after another with the same base was deleted")


@cases([
    ("empty archive", images.TarWriter().bytes()),
    ("no manifest", images.TarWriter().add("x", "y").bytes()),
    ("manifest is not JSON", images.TarWriter().add("manifest.json", "nonsense").bytes()),
    ("manifest names a missing config", images.TarWriter().add("manifest.json", '[{"Config":"no.json","RepoTags":["a:b"],"Layers":[]}]').bytes()),
    ("manifest leads out", images.TarWriter().add("manifest.json", '[{"Config":"../../../etc/passwd","RepoTags":["a:b"],"Layers":["/etc/passwd"]}]').bytes()),
    ("oci index names a missing blob", images.TarWriter().add("oci-layout", '{"imageLayoutVersion":"1.0.0"}').add(
        "index.json", '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:' + "0" * 64 + '","size":3}]}').bytes()),
    ("oci digest leads out", images.TarWriter().add("oci-layout", '{"imageLayoutVersion":"1.0.0"}').add(
        "index.json", '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../../../etc/passwd","size":3}]}').bytes()),
    ("truncated", images.docker_archive([images.busybox_tar()], ["cut:1"])[:1_000_000]),
    ("truncated gzip", gzip.compress(images.docker_archive([images.busybox_tar()], ["cut:1"]), 1)[:300_000]),
    ("not an archive", b"\0" * 5 + b"garbage" * 5000),
])
def broken_archive(data):
    only_ours()
    c = client()
    before = c.ok("GET", "/images/json", query={"all": 1})
    status, text, error = load(data)
    check(error, f"accepted: {status} {text!r}")
    check("root:x:0" not in error, f"the error shows a file of the host: {error!r}")
    equal(c.ok("GET", "/images/json", query={"all": 1}), before, "images afterwards")
    leftovers()


def leftovers():
    """Nothing half-made stays behind a refused archive."""
    e = common_api.ENGINE
    if not e.is_ours:
        return
    for sub in ("content/ingest", "tmp"):
        path = e.data / sub
        found = sorted(p.name for p in path.iterdir()) if path.is_dir() else []
        equal(found, [], f"files left in {sub}/ of the data root")


def layer(*entries):
    t = images.TarWriter()
    for name, options in entries:
        t.add(name, **options)
    return t.bytes()


SYM, LNK, CHR, BLK, FIFO, DIR = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE
OUT = "/tmp/dt-must-not-exist"

HOSTILE = [
    ("dot dot", layer(("../../../../../../../../.." + OUT, dict(data="x")))),
    ("dot dot inside", layer(("a/../../../../../../../../.." + OUT, dict(data="x")))),
    ("absolute name", layer((OUT, dict(data="x")))),
    ("hard link to outside", layer(("l", dict(kind=LNK, link="../../../../../../../../etc/passwd")))),
    ("hard link to an absolute path", layer(("l", dict(kind=LNK, link="/etc/passwd")))),
    ("symlink, then write through it", layer(("d", dict(kind=SYM, link="/tmp")), ("d/dt-must-not-exist", dict(data="x")))),
    ("relative symlink, then write", layer(("d", dict(kind=SYM, link="../../../../../../../../tmp")), ("d/dt-must-not-exist", dict(data="x")))),
    ("chain of symlinks", layer(("a", dict(kind=SYM, link="b")), ("b", dict(kind=SYM, link="/")), ("a/tmp/dt-must-not-exist", dict(data="x")))),
    ("hard link through a symlink", layer(("d", dict(kind=SYM, link="/etc")), ("l", dict(kind=LNK, link="d/passwd")))),
    ("directory over a symlink", layer(("d", dict(kind=SYM, link="/tmp")), ("d", dict(kind=DIR)), ("d/dt-must-not-exist", dict(data="x")))),
    ("whiteout through a symlink", layer(("d", dict(kind=SYM, link="/tmp")), ("d/.wh.dt-canary", dict(data="")))),
    ("opaque through a symlink", layer(("d", dict(kind=SYM, link="/tmp")), ("d/.wh..wh..opq", dict(data="")))),
    ("whiteout of dot dot", layer((".wh...", dict(data="")))),
    ("whiteout of nothing", layer((".wh.", dict(data="")))),
    ("whiteout with a slash trick", layer(("a/.wh..", dict(data="")))),
    ("AUFS names", layer((".wh..wh.aufs", dict(data="")), (".wh..wh.plnk", dict(kind=DIR)), (".wh..wh.plnk/1", dict(data="x")))),
    ("long name", layer(("n" * 300, dict(data="x")))),
    ("very deep", layer(("/".join("d" for _ in range(3000)) + "/f", dict(data="x")))),
    ("empty name", layer(("", dict(data="x")))),
    ("dot", layer((".", dict(kind=DIR)), ("./", dict(kind=DIR)))),
    ("PAX header of 10 MB", layer(("f", dict(data="x", pax={"comment": "y" * 10_000_000})))),
    ("many attributes", layer(("f", dict(data="x", pax={f"SCHILY.xattr.user.a{n}": "v" for n in range(5000)})))),
    ("overlay attribute", layer(("f", dict(kind=DIR, pax={"SCHILY.xattr.trusted.overlay.redirect": "/etc", "SCHILY.xattr.trusted.overlay.opaque": "y"})))),
    ("negative size", layer(("f", dict(data="x", pax={"size": "-5"})))),
    ("huge size", layer(("f", dict(data="x", pax={"size": "99999999999999999"})))),
    ("huge ids", layer(("f", dict(data="x", pax={"uid": "99999999999", "gid": "-7"})))),
]


@cases(HOSTILE, timeout=120)
def hostile_layer(data):
    only_ours()
    canary = pathlib.Path("/tmp/dt-canary")
    canary.write_text("here")
    cleanup(canary.unlink, missing_ok=True)
    passwd = os.stat("/etc/passwd")
    c = client()
    status, text, error = load(images.docker_archive([images.busybox_tar(), data], ["hostile:1"]), c=c)
    cleanup(forget, "hostile:1")
    check(not os.path.exists(OUT), f"the layer wrote {OUT} on the host")
    check(canary.exists(), "the layer removed a file of the host")
    now = os.stat("/etc/passwd")
    equal((now.st_nlink, now.st_mtime, now.st_size), (passwd.st_nlink, passwd.st_mtime, passwd.st_size), "/etc/passwd of the host")
    if error is None:
        # Taken: then it must be sound, and a container of it sees nothing of the host.
        code, out, err = c.run("cat /l 2>/dev/null; cat /f/shadow /f/machine-id 2>/dev/null; echo ok", image="hostile:1")
        equal(code, 0, f"exit code of a container of the image ({err!r})")
        own = pathlib.Path("/etc/passwd").read_text()
        check(own not in out, "the container sees /etc/passwd of the host")
    else:
        check(len(error) > 5, f"the error says only {error!r}")
        leftovers()


@test(timeout=120)
def compression_bomb():
    """500 MB of zeros in half a megabyte: taken or refused, the daemon stays small and quick."""
    only_ours()
    c = client()
    t = images.TarWriter()
    t.add("zeros", b"\0" * 300_000_000)
    data = gzip.compress(t.bytes(), 1)
    proc = pathlib.Path(f"/proc/{common_api.ENGINE.process.pid}")
    (proc / "clear_refs").write_text("5")               # the peak begins anew: it is not about the tests before
    before = memory(proc, "VmHWM")
    image, error = import_(data, repo="bomb")
    cleanup(forget, "bomb")
    grown = memory(proc, "VmHWM") - before
    check(grown < 50_000, f"the daemon has grown by {grown} kB")


def memory(proc, name):
    return int(matches((proc / "status").read_text(), rf"{name}:\s+(\d+) kB").group(1))


@test
def odd_files_are_kept():
    """Modes, owners, links, devices, times, attributes and empty directories arrive as they were."""
    only_ours()
    data = layer(("t", dict(kind=DIR)), ("t/setuid", dict(data="x", mode=0o4755)), ("t/sticky", dict(kind=DIR, mode=0o1777)),
                 ("t/owned", dict(data="y", uid=1000, gid=50)), ("t/sym", dict(kind=SYM, link="/etc/passwd")), ("t/hard", dict(kind=LNK, link="t/owned")),
                 ("t/null", dict(kind=CHR, major=1, minor=3, mode=0o666)), ("t/fifo", dict(kind=FIFO)), ("t/empty", dict(kind=DIR)),
                 ("t/" + "n" * 200, dict(data="")), ("t/\u00e4\u00f6", dict(data="")))
    load(images.docker_archive([images.busybox_tar(), data], ["odd:1"]))
    cleanup(forget, "odd:1")
    code, out, err = client().run(
        "cd /t; stat -c '%a' setuid sticky; stat -c '%u %g %h' owned; readlink sym; stat -c '%F %t,%T' null; stat -c %F fifo; "
        "ls -d nn* | wc -c; stat -c %Y owned; ls | wc -l", image="odd:1")
    equal(out.split("\n")[:-1], ["4755", "1777", "1000 50 2", "/etc/passwd", "character special file 1,3", "fifo", "201", str(images.EPOCH), "10"],
          f"what a container sees ({err!r})")


@test
def whiteouts():
    lower = layer(("w", dict(kind=DIR)), ("w/a", dict(data="1")), ("w/b", dict(data="1")), ("o", dict(kind=DIR)), ("o/x", dict(data="1")))
    upper = layer(("w/.wh.a", dict(data="")), ("o", dict(kind=DIR)), ("o/.wh..wh..opq", dict(data="")), ("o/y", dict(data="2")))
    load(images.docker_archive([images.busybox_tar(), lower, upper], ["white:1"]))
    cleanup(forget, "white:1")
    code, out, err = client().run("ls /w; ls /o", image="white:1")
    equal(out, "b\ny\n", f"what is left ({err!r})")


def host_mounts():
    """Mount points on the host, but for the network namespace that the engine keeps ready for the next container."""
    return [line.split()[4] for line in open("/proc/self/mountinfo") if "/netns/" not in line]


@test
def device_symlinks_in_an_image():
    """CVE-2025-31133 and kin: /dev, /proc, /dev/null and /dev/console of the image are symlinks."""
    only_ours()
    base = images.busybox_tar()
    for n, data in enumerate((layer(("dev", dict(kind=SYM, link="/etc"))), layer(("proc", dict(kind=SYM, link="/etc"))),
                              layer(("dev/null", dict(kind=SYM, link="/etc/hostname"))), layer(("dev/console", dict(kind=SYM, link="/proc/sys"))),
                              layer(("dev/pts", dict(kind=SYM, link="/proc"))), layer(("etc/hosts", dict(kind=SYM, link="/proc/1/environ"))),
                              layer(("sys", dict(kind=SYM, link="/proc"))))):
        c = client()
        mounts = host_mounts()
        load(images.docker_archive([base, data], [f"links{n}:1"]))
        cleanup(forget, f"links{n}:1")
        i = c.create(f"links{n}:1", cmd="cat /proc/sys/kernel/core_pattern >/dev/null; echo x > /proc/sysrq-trigger; echo ran", Tty=n == 3)
        r = c.post(f"/containers/{i}/start")
        if r.status == 204:
            c.wait(i)
        common_api.remove_all()
        equal(host_mounts(), mounts, f"mounts on the host after image {n}")


@test
def image_config_cannot_reach_the_host():
    """CVE-2026-53488 and kin: labels, volumes and users of an image are data."""
    only_ours()
    config = dict(Labels={"io.containerd.runc.v2.group": "x", "org.systemd.property.ExecStartPre": "'/bin/touch /tmp/dt-must-not-exist'",
                          "devices.kubevirt.io/kvm": "1", "run.oci.handler": "wasm"}, Volumes={"/../../x": {}}, User="0:0\nroot")
    load(images.docker_archive([images.busybox_tar()], ["labels:1"], **config))
    cleanup(forget, "labels:1")
    c = client()
    r = c.post("/containers/create", {"Image": "labels:1", "Cmd": ["true"], "User": "0", "HostConfig": {"NetworkMode": "none"}})
    if r.status == 201:
        i = r.json()["Id"]
        c.post(f"/containers/{i}/start")
        c.wait(i)
    check(not os.path.exists(OUT), "a label ran a command on the host")


def prune(**filters):
    return client().ok("POST", "/images/prune", query={"filters": filters})


@test
def prune_dangling_only():
    c = client()
    top = images.TarWriter().add("first", "1").bytes()
    load(images.docker_archive([images.busybox_tar(), top], ["prune:1"]))
    first = c.ok("GET", "/images/prune:1/json")["Id"]
    load(images.docker_archive([images.busybox_tar(), images.TarWriter().add("second", "2").bytes()], ["prune:1"]))
    cleanup(forget, "prune:1")
    r = prune()
    equal([d.get("Deleted") for d in r["ImagesDeleted"]], [first], "what was deleted")
    check(0 < r["SpaceReclaimed"] < 1000, f"SpaceReclaimed is {r['SpaceReclaimed']}")
    equal(c.get(f"/images/{first}/json").status, 404, "status of the pruned image")
    equal(c.get("/images/prune:1/json").status, 200, "status of the one that took its name")
    equal(prune(), {"ImagesDeleted": None, "SpaceReclaimed": 0}, "a second prune")


@test
def prune_all_unused():
    c = client()
    for n, label in (("1", "keep"), ("2", "go")):
        load(images.docker_archive([images.TarWriter().add("x", n).bytes()], [f"unused:{n}"], Labels={label: "1"}))
        cleanup(forget, f"unused:{n}")
    used = c.create(cmd="true")
    r = prune(dangling=["false"], **{"label!": ["keep"]})
    deleted = [d.get("Untagged") for d in r["ImagesDeleted"] if "Untagged" in d]
    equal(deleted, ["unused:2"], "names that were taken away")
    equal(c.get("/images/busybox/json").status, 200, "status of the image that a container uses")
    c.remove(used)
    equal(c.post("/images/prune", query={"filters": {"nosuch": ["1"]}}).status, 400, "status with an unknown filter")


@cases([(n, n, left) for n, left in (("a:1", "a:1"), ("b:1", "b:1"), ("c", "c:1"), ("an id", "c:1"))])
def prune_tags_of_an_image_in_use(name, left):
    """Those go that no container was made with; the last one stays, or the image would have no name."""
    only_ours()                     # the original keeps the last, also if the container was made with another
    c = client()
    load(images.docker_archive([images.TarWriter().add("x", name).bytes()], ["b:1"]))
    for n in ("a", "c"):
        equal(c.post("/images/b:1/tag", query={"repo": n, "tag": "1"}).status, 201, "status of tag")
    c.post("/images/c:1/tag", query={"repo": "c"})
    c.delete("/images/c:latest" if name != "c" else "/images/c:nosuch")
    names = ["a:1", "b:1", "c:1", "c:latest"]
    cleanup(forget, *names)
    i = c.create(c.ok("GET", "/images/b:1/json")["Id"] if name == "an id" else name, cmd="true")
    cleanup(c.remove, i)
    prune(dangling=["false"], **{"label!": ["nosuch"]})
    equal([n for n in names if c.get(f"/images/{n}/json").status == 200], ["c:latest" if name == "c" else left], "names that are left")
    equal(c.get("/images/busybox/json").status, 404, "status of an unused image")
    common_api.ENGINE.load_busybox()


# --- errors that are told in the stream, names that are refused ---


@test
def junk_is_refused_in_the_stream():
    """The answer has begun when the archive is looked at."""
    r = client().post("/images/load", b"junk" * 1000, headers={"Content-Type": "application/x-tar"})
    equal(r.status, 200, "status")
    check(any(line.get("error") for line in r.lines()), "no error in the stream")


@test
def push_of_a_missing_image():
    r = client().post("/images/nosuch/push", headers={"X-Registry-Auth": "e30="})
    equal(r.status, 200, "status")
    contains(" ".join(line.get("error", "") for line in r.lines()), "An image does not exist locally with the tag: ", "error")


@test
def ambiguous_tag():
    r = client().post("/images/busybox/tag", query={"repo": "sha256", "tag": "foo"})
    equal((r.status, r.message), (400, "refusing to create an ambiguous tag using digest algorithm as name"), "answer")


@test
def several_platforms():
    text = "multiple platform parameters not supported"
    for path in ("/images/busybox/get", "/images/get?names=busybox"):
        r = client("1.48").get(path + ("&" if "?" in path else "?") + "platform=%7B%7D&platform=%7B%7D")
        equal((r.status, r.message), (400, text), f"answer of {path}")

@test
def remove_of_a_blank_name():
    r = client().delete("/images/%20")
    equal((r.status, r.message), (400, "image name cannot be blank"), "answer")
