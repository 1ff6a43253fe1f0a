# SPDX-License-Identifier: Apache-2.0
"""What is in a registry and is no image: kept as it is, with a name, to be saved and pushed, never unpacked and never run."""

import hashlib
import io
import json
import os
import subprocess
import tarfile

import common_api
from common_api import client, only_ours, own_daemon
from harness import cases, check, cleanup, contains, equal, eventually, test
from registry import OCI_INDEX, OCI_MANIFEST, FaultProxy, Registry, digest

TYPE = "application/vnd.example.model"
EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2}


def put_artifact(r, tag, blobs, config=b"{}", config_type=EMPTY["mediaType"], artifact_type=TYPE, repository="team/model"):
    for data in (config, *blobs):
        r.put_blob(repository, data)
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {"mediaType": config_type, "digest": digest(config), "size": len(config)},
                "layers": [{"mediaType": "application/vnd.example.weights", "digest": digest(b), "size": len(b)} for b in blobs]}
    if artifact_type:
        document["artifactType"] = artifact_type
    return r.put_manifest(repository, tag, document)


def stream(path, **query):
    r = client().post(path, query=query, headers={"X-Registry-Auth": "e30="})
    lines = list(r.lines())
    errors = [line["error"] for line in lines if "error" in line]
    return lines, errors[0] if errors else None


def pull(r, tag="1"):
    name = f"{r.host}/team/model"
    cleanup(client().delete, f"/images/{name}:{tag}", query={"force": 1})
    return pull_again(f"{name}:{tag}")


def pull_again(name):
    repository, tag = name.rsplit(":", 1)
    lines, error = stream("/images/create", fromImage=repository, tag=tag)
    equal(error, None, "error of the pull")
    return name, lines


def blob_path(d):
    return common_api.ENGINE.data / "content/blobs/sha256" / d[7:]


@cases([
    ("artifact type", {}, TYPE),
    ("config type", {"config": b'{"a":1}', "config_type": "application/vnd.cncf.helm.config.v1+json", "artifact_type": None},
     "application/vnd.cncf.helm.config.v1+json"),
])
def pulled(how, kind):
    only_ours()
    c, r = client(), Registry()
    blobs = [os.urandom(300_000), b"#!/bin/sh\n"]
    target = put_artifact(r, "1", blobs, **how)
    name, lines = pull(r)
    texts = [line.get("status", "") for line in lines]
    equal(texts[0], "Pulling from team/model", "first line")
    equal(texts[-2:], [f"Digest: {target['digest']}", f"Status: Downloaded newer image for {name}"], "last lines")
    i = c.ok("GET", f"/images/{name}/json")
    equal((i["Id"], i["RepoTags"], i["RepoDigests"]), (target["digest"], [name], [f"{r.host}/team/model@{target['digest']}"]), "inspect")
    equal(i["Size"], sum(map(len, blobs)) + len(how.get("config", b"{}")), "Size")
    check(target["digest"] in [row["Id"] for row in c.ok("GET", "/images/json")], "the list does not have it")
    equal(c.ok("GET", f"/images/{name}/history"), [], "history")
    for data in blobs:
        equal(hashlib.sha256(blob_path(digest(data)).read_bytes()).hexdigest(), digest(data)[7:], "digest of what was kept")
    refused = c.post("/containers/create", {"Image": name, "Cmd": ["true"]})
    equal(refused.status, 400, "status of create")
    equal(refused.message, f"{name} is an artifact of type {kind}, not an image: it cannot be run", "message")
    texts = [line.get("status", "") for line in pull(r)[1]]
    equal(texts[-1], f"Status: Image is up to date for {name}", "last line of a second pull")
    c.ok("DELETE", f"/images/{name}")
    eventually(lambda: not any(blob_path(digest(data)).exists() for data in blobs), "its blobs go with it")
    equal(c.get(f"/images/{target['digest']}/json").status, 404, "status after rmi")


@test
def pushed_and_saved_as_it_came():
    only_ours()
    c, r, other = client(), Registry(), Registry()
    blobs = [os.urandom(100_000)]
    target = put_artifact(r, "1", blobs)
    name, _ = pull(r)
    c.ok("POST", f"/images/{name}/tag", wanted=201, query={"repo": f"{other.host}/team/copy", "tag": "2"})
    cleanup(c.delete, f"/images/{other.host}/team/copy:2", query={"force": 1})
    lines, error = stream(f"/images/{other.host}/team/copy/push", tag="2")
    equal(error, None, "error of the push")
    equal(digest(other.get_manifest("team/copy", "2")), target["digest"], "digest of what was pushed")
    with tarfile.open(fileobj=io.BytesIO(c.get(f"/images/{name}/get").body)) as t:
        files = {m.name: t.extractfile(m).read() for m in t if m.isfile()}
    equal(json.loads(files["manifest.json"]), [], "manifest.json, which is about images")
    equal([m["digest"] for m in json.loads(files["index.json"])["manifests"]], [target["digest"]], "index.json")
    for data in (b"{}", *blobs):
        equal(files["blobs/sha256/" + digest(data)[7:]], data, "blob in the archive")


@test
def two_with_the_same_config():
    """The empty config belongs to nobody: what tells artifacts apart is the manifest."""
    only_ours()
    c, r = client(), Registry()
    first, second = put_artifact(r, "1", [b"one"]), put_artifact(r, "2", [b"two"])
    names = [pull(r, tag)[0] for tag in ("1", "2")]
    equal([c.ok("GET", f"/images/{n}/json")["Id"] for n in names], [first["digest"], second["digest"]], "ids")
    c.ok("DELETE", f"/images/{names[0]}")
    check(blob_path(EMPTY["digest"]).exists(), "the blob that the other one needs is gone")
    equal(stream("/images/create", fromImage=names[1].rsplit(":", 1)[0], tag="2")[1], None, "error of a pull of the other one")


@test
def of_an_index():
    only_ours()
    c, r = client(), Registry()
    inner = put_artifact(r, "inner", [b"data"])
    r.put_manifest("team/model", "1", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{**inner, "artifactType": TYPE}]}, OCI_INDEX)
    name, _ = pull(r)
    equal(c.ok("GET", f"/images/{name}/json")["Id"], inner["digest"], "Id")


@test
def damaged_on_the_way():
    only_ours()
    c, r = client(), Registry()
    data = os.urandom(200_000)
    put_artifact(r, "1", [data])
    p = FaultProxy(r)
    p.fault("GET .*/blobs/" + digest(data), p.wrong_bytes, 99)
    name = f"{p.host}/team/model"
    _, error = stream("/images/create", fromImage=name, tag="1")
    contains(error, digest(data)[7:], "error of the pull")
    equal(c.get(f"/images/{name}:1/json").status, 404, "status of inspect")
    check(not blob_path(digest(data)).exists(), "a damaged blob was kept")


@test
def checked_and_fetched_again():
    """dockerd --check finds what was damaged of an artifact; the next pull brings only that."""
    r = Registry()
    data = [os.urandom(5000), b"sound"]
    target = put_artifact(r, "1", data)
    d = own_daemon()
    name = {"fromImage": f"{r.host}/team/model", "tag": "1"}
    d.start()
    list(d.client().post("/images/create", query=name).lines())
    d.stop()

    def run(verb):
        p = subprocess.run([d.binary, verb, "--config-file", d.config_file, "--data-root", d.data], capture_output=True, text=True, timeout=50)
        return p.returncode, p.stdout
    equal(run("--check")[0], 0, "status with all in place")
    (d.data / "content/blobs/sha256" / digest(data[0])[7:]).write_bytes(b"another")
    code, out = run("--repair")
    equal(code, 1, "status with a damaged blob")
    contains(out, f"a part of this artifact is missing: {digest(data[0])}", "what it says")
    d.start()
    lines = list(d.client().post("/images/create", query=name).lines())
    equal([line["id"] for line in lines if line.get("status") == "Pulling fs layer"], [digest(data[0])[7:19]], "what was fetched")
    d.stop()
    equal(run("--check")[0], 0, "status after the pull")
    (d.data / "content/blobs/sha256" / target["digest"][7:]).unlink()
    contains(run("--repair")[1], f"the manifest of this artifact is missing: {target['digest']}: set aside, pull it again", "what it says then")
    d.start()
    equal([row["Id"] for row in d.client().ok("GET", "/images/json")], [], "images without it")
    list(d.client().post("/images/create", query=name).lines())
    d.stop()
    equal(run("--check")[0], 0, "status after another pull")


@test
def without_its_manifest():
    """Nothing can take the place of the manifest: what is left is not pushed or saved as something else."""
    only_ours()
    c, r = client(), Registry()
    target = put_artifact(r, "1", [b"data"])
    name, _ = pull(r)
    blob_path(target["digest"]).unlink()
    r = c.get(f"/images/{name}/get")
    equal(r.status, 500, "status of a save")
    contains(r.message, "pull it again", "message")
    name, _ = pull_again(name)
    equal(c.get(f"/images/{name}/get").status, 200, "status of a save after another pull")
