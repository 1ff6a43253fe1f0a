# SPDX-License-Identifier: Apache-2.0
"""dockerd --check and --repair: every kind of file is damaged, found, and made good; what is sound is not touched."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess

import images
from common_api import own_daemon
from harness import Failed, cases, check, cleanup, contains, equal, matches, test
from registry import OCI_INDEX, Registry, digest
from test_46_pull import pull, put_image

NONE = {"NetworkMode": "none"}


class Box:
    """A daemon with busybox (loaded) and an image of three layers (pulled by an index), then stopped."""

    def __init__(self):
        self.registry = r = Registry()
        self.layers = [images.TarWriter().add("own", os.urandom(1000)).bytes(), images.busybox_tar(),
                       images.TarWriter().add("top", b"top" * 1000).bytes()]
        self.manifest, config, self.blobs = put_image(r, "app", "plain", self.layers)
        self.config = digest(config)
        size = len(r.get_manifest("app", "plain"))
        self.index = r.put_index("app", "1", [({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": self.manifest, "size": size},
                                               "linux", "amd64")], OCI_INDEX)["digest"]
        self.name = f"{r.host}/app:1"
        self.daemon = own_daemon()
        self.daemon.start()
        self.daemon.load_busybox()
        self.pull()
        self.busybox = self.client().ok("GET", "/images/busybox/json")["Id"]
        self.daemon.stop()
        self.data = self.daemon.data

    def client(self):
        return self.daemon.client()

    def pull(self):
        lines, error = pull(f"{self.registry.host}/app", "1", self.client())
        equal(error, None, "error of the pull")
        return lines

    def run(self, *options):
        """Returns (exit status, lines, last line)."""
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:exitcode=99", "LSAN_OPTIONS": "exitcode=98"}
        r = subprocess.run([self.daemon.binary, *options, "--config-file", self.daemon.config_file, "--data-root", self.data],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50, env=environment)
        if r.returncode not in (0, 1, 2):
            raise Failed(f"{' '.join(options)} ended with {r.returncode}: {r.stderr[-500:]}")
        lines = r.stdout.splitlines()
        return r.returncode, lines[:-1], lines[-1] if lines else r.stderr.strip()

    def check(self):
        return self.run("--check")

    def repair(self):
        return self.run("--repair")

    def blob(self, name):
        return self.data / "content/blobs/sha256" / name.removeprefix("sha256:")

    def chains(self):
        """Chain ids of the pulled image, the lowest first."""
        ids = [digest(self.layers[0])]
        for layer in self.layers[1:]:
            ids.append(digest(f"{ids[-1]} {digest(layer)}".encode()))
        return [i[7:] for i in ids]

    def layer(self, n):
        return self.data / "layers" / self.chains()[n]

    def link(self, n):
        return self.data / "l" / self.chains()[n][:16]

    def sql(self, *args):
        db = sqlite3.connect(self.data / "state.db")
        with db:
            rows = db.execute(*args).fetchall()
        db.close()
        return rows

    def state(self):
        """Everything below the data root but what any run writes."""
        found = {}
        for path in sorted(self.data.rglob("*")):
            name = str(path.relative_to(self.data))
            if name == "lock" or name.startswith("state.db"):
                continue
            s = path.lstat()
            content = os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[name] = (s.st_mode, s.st_ino, s.st_mtime_ns, content)
        return found

    def works(self):
        """Both images make containers."""
        c = self.client()
        equal(c.run("echo busybox", host=NONE)[1], "busybox\n", "output of busybox")
        equal(c.run("head -c 3 /top", image=self.name, host=NONE)[1], "top", "output of the pulled image")


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def make_directory(path):
    path.unlink()
    path.mkdir()
    (path / "file").write_text("x")


def remove(path):
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def retarget(path):
    path.unlink()
    path.symlink_to("../layers/" + "0" * 64 + "/diff")


# --- nothing is wrong ---


@test
def sound():
    b = Box()
    before = b.state()
    for verb in (b.check, b.repair):
        code, lines, last = verb()
        equal((code, lines), (0, []), "status and findings")
        matches(last, r"^2 images with 3 names, 4 layers and \d+ blobs of \d+ bytes were looked at: all is sound$", "summary")
        equal(b.state(), before, "the data root")
    b.daemon.start()
    b.works()


@test
def not_while_a_daemon_runs():
    b = Box()
    b.daemon.start()
    for verb in (b.check, b.repair):
        code, lines, last = verb()
        equal((code, lines), (2, []), "status and findings")
        matches(last, rf"^the data root {re.escape(str(b.data))} is in use by another daemon \(process {b.daemon.process.pid}\)$", "error")
    b.works()


@test
def no_data_root():
    b = Box()
    b.data = pathlib.Path("/nonexistent/data")
    equal(b.check()[0], 2, "status")
    b.data = b.daemon.dir / "empty"
    b.data.mkdir()
    code, _, error = b.check()
    equal(code, 2, "status of an empty data root")
    contains(error, "state.db", "its error")


# --- one thing is wrong ---

# What is damaged, what --check says of it, what --repair does about it; whether a pull must fetch a layer then.
DAMAGES = [
    ("blob flipped", lambda b: flip(b.blob(digest(b.blobs[1]))), "blob {blob}: its content is another: sha256:", "removed", True),
    ("blob cut", lambda b: truncate(b.blob(digest(b.blobs[1]))), "blob {blob}: its content is another: sha256:", "removed", True),
    ("blob empty", lambda b: b.blob(digest(b.blobs[1])).write_bytes(b""), "blob {blob}: its content is another: sha256:", "removed", True),
    ("blob a directory", lambda b: make_directory(b.blob(digest(b.blobs[1]))), "blob {blob}: it is no file that can be read", "removed", True),
    ("blob gone", lambda b: b.blob(digest(b.blobs[1])).unlink(), "the archive of a layer is missing: {blob}",
     "it cannot be saved or pushed until it is pulled again", True),
    ("config gone", lambda b: b.blob(b.config).unlink(), "image {config} ({full}): the blob of its config is missing", "written again", False),
    ("config flipped", lambda b: flip(b.blob(b.config)), "blob {config}: its content is another: sha256:", "removed", False),
    ("manifest gone", lambda b: b.blob(b.manifest).unlink(), "its manifest is missing: {manifest}", "forgotten until it is pulled again", False),
    ("manifest flipped", lambda b: flip(b.blob(b.manifest)), "blob {manifest}: its content is another: sha256:", "removed", False),
    ("index gone", lambda b: b.blob(b.index).unlink(), "the index it was pulled by is missing: {index}", "forgotten until it is pulled again", False),
    ("junk blob", lambda b: b.blob("junk").write_bytes(b"x"), "content/blobs/sha256/junk: it is no blob", "removed", False),
    ("layer gone", lambda b: remove(b.layer(1)), "gone from the disk, but for its archive, is layer {chain}", "made again from its archive", False),
    ("layer's files gone", lambda b: remove(b.layer(1) / "diff"), "gone from the disk, but for its archive, is layer {chain}",
     "made again from its archive", False),
    ("all layers gone", lambda b: [remove(b.layer(n)) for n in range(3)], "gone from the disk, but for its archive, is layer {chain}",
     "made again from its archive", False),
    ("description gone", lambda b: (b.layer(1) / "layer.json").unlink(), "layer {chain}: what describes it cannot be read", "written again", False),
    ("description damaged", lambda b: (b.layer(1) / "layer.json").write_text("{"), "layer {chain}: what describes it cannot be read",
     "written again", False),
    ("short name gone", lambda b: b.link(1).unlink(), "layer {chain}: its short name is missing", "made again", False),
    ("short name elsewhere", lambda b: retarget(b.link(1)), "l/{link}: it is no short name of a layer", "removed", False),
    ("junk among layers", lambda b: (b.data / "layers/junk").mkdir(), "layers/junk: it is no layer", "removed", False),
    ("junk among short names", lambda b: (b.data / "l/junk").write_text("x"), "l/junk: it is no short name of a layer", "removed", False),
    ("name to nowhere", lambda b: b.sql("INSERT INTO refs(key, doc) VALUES(?, ?)", ("docker.io/library/x:1", "sha256:" + "1" * 64)),
     "name docker.io/library/x:1: its image is not there", "removed", False),
    ("name that is none", lambda b: b.sql("INSERT INTO refs(key, doc) VALUES(?, ?)", ("Not A Name", b.config)),
     "name Not A Name: it is no name of an image", "removed", False),
]


@cases([(name, *rest) for name, *rest in DAMAGES])
def damage(break_it, found, repaired, must_fetch):
    b = Box()
    words = {"blob": digest(b.blobs[1]), "config": b.config, "manifest": b.manifest, "index": b.index, "chain": b.chains()[1],
             "link": b.chains()[1][:16], "full": b.name}
    found = found.format(**words)
    break_it(b)
    before = b.state()
    code, lines, last = b.check()
    equal(code, 1, "status of --check")
    contains("\n".join(lines), found, "findings of --check")
    matches(last, r"were looked at: \d+ damages, 0 repaired$", "its summary")
    equal(b.state(), before, "the data root after --check")
    code, lines, last = b.repair()
    equal(code, 0, f"status of --repair ({lines})")
    contains("\n".join(lines), found.replace("gone from the disk, but for its archive, is layer", "gone from the disk is layer"),
             "findings of --repair")
    check(any(line.endswith(repaired) for line in lines), f"no line of --repair ends with '{repaired}': {lines}")
    matches(last, r"were looked at: \d+ damages, all repaired$", "its summary")
    equal(b.check()[:2], (0, []), "status and findings of --check after the repair")
    b.daemon.start()
    b.works()
    shown = [line["status"] for line in b.pull() if "status" in line]
    equal("Download complete" in shown, must_fetch, f"whether a layer was fetched: {shown}")
    b.works()
    c = b.client()
    equal(c.get(f"/images/{b.name}/get").status, 200, "status of a save")
    equal(c.ok("GET", f"/images/{b.name}/json")["Descriptor"]["digest"], b.index, "the index it was pulled by")
    b.daemon.stop()
    equal(b.check()[:2], (0, []), "status and findings at the end")


@test
def the_rest_is_not_touched():
    """A repair of one blob leaves everything else as it was."""
    b = Box()
    before = b.state()
    name = str(b.blob(digest(b.blobs[2])).relative_to(b.data))
    flip(b.data / name)
    equal(b.repair()[0], 0, "status")
    after = b.state()
    del before[name]
    # Directories change their times with what is in them.
    changed = {n for n in {*before, *after} if before.get(n) != after.get(n) and (before.get(n) or after[n])[3]}
    equal(changed, set(), "files that changed")


@test
def layer_and_archive_gone():
    """The image is set aside with its names; a pull brings it back, and what was left of it is used."""
    b = Box()
    b.daemon.start()
    box = b.client().create(image=b.name, cmd=["true"], name="owner", host=NONE)
    b.daemon.stop()
    remove(b.layer(1))
    b.blob(digest(b.blobs[1])).unlink()
    code, lines, _ = b.check()
    equal(code, 1, "status of --check")
    equal([line for line in lines if line.startswith("container")], [], "containers that lack their image")
    code, lines, last = b.repair()
    equal(code, 1, "status of --repair: a container still lacks its image")
    contains("\n".join(lines), f"gone from the disk is layer {b.chains()[1]}: set aside, pull it again", "findings of --repair")
    contains("\n".join(lines), f"container owner: its image {b.config} is not there", "findings of --repair")
    b.daemon.start()
    c = b.client()
    equal(c.get(f"/images/{b.name}/json").status, 404, "status of the image")
    equal(c.ok("GET", "/images/busybox/json")["Id"], b.busybox, "the other image")
    shown = [line["status"] for line in b.pull() if "status" in line]
    equal(shown.count("Already exists"), 2, f"layers that were still there: {shown}")
    b.works()
    c.start(box)
    equal(c.wait(box), 0, "exit code of the container that was there")
    c.remove(box)
    b.daemon.stop()
    equal(b.check()[:2], (0, []), "status and findings at the end")


@test
def loaded_image_whose_archive_is_gone():
    """It has no registry; containers go on, and a save says what is missing."""
    b = Box()
    rows = [json.loads(doc) for (doc,) in b.sql("SELECT doc FROM images WHERE key = ?", (b.busybox,))]
    b.blob(rows[0]["Layers"][0]["Blob"]).unlink()
    b.daemon.start()
    c = b.client()
    r = c.get("/images/busybox/get")
    equal(r.status, 500, "status of a save")
    matches(r.message, r"^blob sha256:\w{64} is not in the content store any more: pull its image again, or stop the daemon and run "
                       r"'dockerd --repair'$", "its error")
    b.daemon.stop()
    equal(b.repair()[0], 0, "status of --repair")
    b.daemon.start()
    r = b.client().get("/images/busybox/get")
    equal(r.status, 500, "status of a save after the repair")
    contains(r.message, "not all layers of image", "its error")
    b.works()


@test
def record_damaged():
    b = Box()
    doc = json.loads(b.sql("SELECT doc FROM images WHERE key = ?", (b.config,))[0][0])
    doc["Config"] = doc["Config"].replace("amd64", "arm64")
    b.sql("UPDATE images SET doc = ? WHERE key = ?", (json.dumps(doc), b.config))
    code, lines, _ = b.check()
    equal(code, 1, "status of --check")
    contains("\n".join(lines), f"image {b.config}: its record cannot be used: its config is that of another image", "findings")
    code, lines, _ = b.repair()
    equal(code, 0, f"status of --repair ({lines})")
    equal(b.sql("SELECT count(*) FROM damaged WHERE key = ?", (b.config,)), [(1,)], "records that were set aside")
    b.daemon.start()
    shown = [line["status"] for line in b.pull() if "status" in line]
    check("Download complete" not in shown, f"layers were fetched that were there: {shown}")
    b.works()


@cases([("layers", {"Layers": []}, "its config has 3 layers, its record 0"), ("garbage", None, "its record cannot be used"),
        ("id", {"Id": "sha256:" + "0" * 64}, "its config is that of another image")])
def record_wrong(change, found):
    b = Box()
    doc = json.loads(b.sql("SELECT doc FROM images WHERE key = ?", (b.config,))[0][0])
    b.sql("UPDATE images SET doc = ? WHERE key = ?", (json.dumps({**doc, **change}) if change else "{", b.config))
    code, lines, _ = b.check()
    equal(code, 1, "status of --check")
    contains("\n".join(lines), found, "findings")
    equal(b.repair()[0], 0, "status of --repair")
    equal(b.check()[:2], (0, []), "status and findings after the repair")


@test
def database_damaged():
    b = Box()
    for suffix in ("-wal", "-shm"):
        (b.data / f"state.db{suffix}").unlink(missing_ok=True)
    path = b.data / "state.db"
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 4096):
        data[at:at + 64] = os.urandom(64)
    path.write_bytes(data)
    code, lines, _ = b.check()
    equal((code, lines), (1, ["state.db: the database is damaged"]), "status and findings of --check")
    equal(path.read_bytes(), bytes(data), "the database after --check")
    code, lines, _ = b.repair()
    equal(code, 0, f"status of --repair ({lines})")
    check(list(b.data.glob("state.db.damaged-*")), "the database was not set aside")
    b.daemon.start()
    b.daemon.load_busybox()
    shown = [line["status"] for line in b.pull() if "status" in line]
    equal(shown.count("Already exists"), 3, f"layers that were still there: {shown}")
    b.works()


@test
def leftovers():
    """Of interrupted work: told of once they are old, and no damage."""
    b = Box()
    young, stale = b.data / "content/ingest" / ("a" * 64), b.data / "content/ingest/short"
    for path in (young, stale):
        path.write_bytes(b"begin")
    layer = b.data / "layers" / ("0" * 64)
    (layer / "other").mkdir(parents=True)
    before = b.state()
    code, lines, last = b.check()
    found = ["content/ingest/short: nobody needs it", f"layers/{'0' * 64}: nobody needs it"]
    equal((code, lines), (0, found), "status and findings of --check")
    matches(last, "all is sound$", "summary")
    equal(b.state(), before, "the data root")
    code, lines, _ = b.repair()
    equal((code, lines), (0, [line + ": removed" for line in found]), "status and findings of --repair")
    check(young.exists() and not stale.exists() and not layer.exists(), "what was removed")


# --- while a daemon runs ---


@test
def run_without_a_layer():
    b = Box()
    b.daemon.start()
    remove(b.layer(1))
    c = b.client()
    i = c.create(image=b.name, cmd=["true"], host=NONE)
    r = c.post(f"/containers/{i}/start")
    equal(r.status, 500, "status of the start")
    contains(r.message, f"layer {b.chains()[1]} of image {b.config} is gone from the disk: pull the image again, or stop the daemon and run "
                        "'dockerd --repair'", "its error")
    equal(c.run("true", host=NONE)[0], 0, "exit code of the other image")
    b.pull()
    c.start(i)
    equal(c.wait(i), 0, "exit code once it was pulled")


@test
def pull_fetches_what_is_lost():
    """The name leads where it did; what is missing is fetched all the same."""
    b = Box()
    b.daemon.start()
    blob = digest(b.blobs[1])
    b.blob(blob).unlink()
    c = b.client()
    r = c.post(f"/images/{b.name.rsplit(':', 1)[0]}/push", query={"tag": "1"}, headers={"X-Registry-Auth": "e30="})
    text = r.message if r.status != 200 else "".join(line.get("error", "") for line in r.lines())
    contains(text, "is not in the content store any more: pull its image again", "error of a push")
    shown = [(line.get("id"), line["status"]) for line in b.pull() if "status" in line]
    contains(shown, (blob[7:19], "Download complete"), "lines of the pull")
    check(b.blob(blob).exists(), "the blob is not back")
    equal(c.get(f"/images/{b.name}/get").status, 200, "status of a save")
