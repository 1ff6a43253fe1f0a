# SPDX-License-Identifier: Apache-2.0
"""docker save: archives that are an OCI layout and a docker-archive, and that come back as the same image."""

import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

import common_api
import images
from common_api import client
from harness import Skip, cases, check, cleanup, contains, equal, eventually, test


def load(archive):
    r = client().post("/images/load", archive, headers={"Content-Type": "application/x-tar"})
    equal(r.status, 200, "status of the load")
    errors = [line["error"] for line in r.lines() if "error" in line]
    equal(errors, [], "errors of the load")


def forget(*names):
    for name in names:
        common_api.ENGINE.client().delete(f"/images/{name}", query={"force": 1})


def two_layers(*tags):
    """An image of a plain and a compressed layer."""
    top = images.TarWriter().add("top", "of it").bytes()
    load(images.oci_archive([images.busybox_tar(), top], tags))
    cleanup(forget, *tags)


def save(*names, **query):
    r = client().get("/images/get", query={"names": list(names), **query})
    equal(r.status, 200, f"status of saving {names}")
    return r.body


def members(archive):
    t = tarfile.open(fileobj=io.BytesIO(archive))
    return {m.name: t.extractfile(m).read() for m in t if m.isreg()}


def check_layout(files):
    """Every blob is what its name says, and everything that is referred to is there."""
    for name, data in files.items():
        if name.startswith("blobs/sha256/"):
            equal(hashlib.sha256(data).hexdigest(), name.split("/")[-1], f"digest of {name}")
    equal(json.loads(files["oci-layout"]), {"imageLayoutVersion": "1.0.0"}, "oci-layout")
    for entry in json.loads(files["index.json"])["manifests"]:
        manifest = json.loads(files["blobs/sha256/" + entry["digest"].split(":")[1]])
        equal(len(files["blobs/sha256/" + entry["digest"].split(":")[1]]), entry["size"], "size of the manifest")
        for d in [manifest["config"], *manifest["layers"]]:
            equal(len(files["blobs/sha256/" + d["digest"].split(":")[1]]), d["size"], f"size of {d['digest']}")
    for image in json.loads(files["manifest.json"]):
        check(image["Config"] in files, "the config of manifest.json is not in the archive")
        for path in image["Layers"]:
            check(path in files, f"{path} of manifest.json is not in the archive")


@test
def round_trip():
    two_layers("kept:1")
    before = client().ok("GET", "/images/kept:1/json")
    archive = save("kept:1")
    check_layout(members(archive))
    forget("kept:1")
    equal(client().get("/images/kept:1/json").status, 404, "status of the removed image")
    load(archive)
    after = client().ok("GET", "/images/kept:1/json")
    for key in ("Id", "RootFS", "Config", "Created", "Size"):
        equal(after[key], before[key], f"{key} of the image that came back")
    equal(save("kept:1"), archive, "archive of the image that came back")
    equal(client().run("cat /top", image="kept:1")[1], "of it", "a file of the upper layer")


@test
def names():
    """A tag stands for itself, a repository for all of its tags, an id for the image without a name."""
    two_layers("named:1", "named:2")
    i = client().ok("GET", "/images/named:1/json")["Id"]
    for wanted, tags in (("named:1", ["named:1"]), ("named", ["named:1", "named:2"]), (i, None)):
        files = members(save(wanted))
        equal(json.loads(files["manifest.json"])[0].get("RepoTags"), tags, f"RepoTags of {wanted}")
    files = members(save("named:1", "busybox"))
    equal(len(json.loads(files["manifest.json"])), 2, "images of an archive of two")
    annotations = [m.get("annotations") for m in json.loads(files["index.json"])["manifests"]]
    contains(annotations, {"io.containerd.image.name": "docker.io/library/named:1", "org.opencontainers.image.ref.name": "1"},
             "annotations")


@test
def one_image_by_path():
    two_layers("path:1")
    r = client().get("/images/path:1/get")
    equal((r.status, r.headers["content-type"]), (200, "application/x-tar"), "answer")
    equal(r.body, save("path:1"), "archive")


@cases([("missing image", "nosuch:1", {}, 404), ("another platform", "busybox", {"platform": '{"os":"linux","architecture":"s390x"}'}, 404)])
def refused(name, query, status):
    r = client().get(f"/images/{name}/get", query=query)
    equal(r.status, status, "status")
    check(r.message, "there is no message")


@test
def client_that_leaves():
    """The worker ends with its client; the daemon goes on."""
    big = images.TarWriter().add("big", os.urandom(30_000_000)).bytes()
    load(images.docker_archive([big], ["big:1"]))
    cleanup(forget, "big:1")
    s = client().open_socket(timeout=10)
    s.sendall(b"GET /v1.51/images/big:1/get HTTP/1.1\r\nHost: x\r\n\r\n")
    contains(s.recv(100).decode(errors="replace"), "200 OK", "begin of the answer")
    s.close()
    forget("big:1")
    equal(client().get("/images/big:1/json").status, 404, "status of the removed image")
    eventually(lambda: not big_blobs(), "the blob of an image that was removed while it was sent is gone")


def big_blobs():
    blobs = pathlib.Path(common_api.ENGINE.data) / "content/blobs/sha256"
    return [p for p in blobs.iterdir() if p.stat().st_size > 20_000_000]


@test
def skopeo_reads_it():
    if not shutil.which("skopeo"):
        raise Skip("skopeo is not installed")
    two_layers("other:1")
    with tempfile.TemporaryDirectory() as d:
        open(f"{d}/a.tar", "wb").write(save("other:1"))
        for form in ("docker-archive", "oci-archive"):
            p = subprocess.run(["skopeo", "inspect", f"{form}:{d}/a.tar"], capture_output=True, text=True)
            equal(p.returncode, 0, f"skopeo inspect {form}: {p.stderr.strip()}")
