# SPDX-License-Identifier: Apache-2.0
"""What is told of images beyond their list: disk usage, manifests and descriptors, platforms."""

import json
import os

import common_api
import images
from common_api import client, only_ours
from harness import cases, check, cleanup, equal, eventually, matches, test
from registry import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, FaultProxy, Registry, digest
from test_40_images import load
from test_46_pull import forget, pull, statuses

ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}


def layer(size=1000):
    """Like no other one."""
    return images.TarWriter().add("data", os.urandom(size)).bytes()


def load_image(tag, *layers, **options):
    status, _, error = load(images.save_archive(list(layers), tags=[tag], **options))
    equal((status, error), (200, None), f"loading {tag}")
    cleanup(forget, tag)


def usage(c=None, **query):
    return (c or client()).ok("GET", "/system/df", query=query)


def by_tag(rows, tag):
    rows = [row for row in rows if tag in row["RepoTags"]]
    equal(len(rows), 1, f"rows with the tag {tag}")
    return rows[0]


# --- disk usage ---


@test
def disk_usage():
    c = client()
    before = usage(c)
    shared, own = layer(100_000), layer(50_000)
    load_image("df-one:latest", shared, own)
    load_image("df-two:latest", shared)
    box = c.create(image="busybox", cmd=["sh", "-c", "head -c 200000 /dev/zero > /f; sleep 1000"], name="df-box", host={"NetworkMode": "none"})
    c.start(box)
    c.create(image="busybox", cmd=["true"], name="df-other")
    eventually(lambda: c.ok("GET", f"/containers/{box}/json", query={"size": 1})["SizeRw"] > 199_000, "the file is written", 10)
    now = usage(c)
    equal(now["LayersSize"] - before["LayersSize"], 150_000, "bytes of layers more")
    one, two = by_tag(now["Images"], "df-one:latest"), by_tag(now["Images"], "df-two:latest")
    equal((one["Size"], one["SharedSize"], one["Containers"]), (150_000, 100_000, 0), "sizes and containers of df-one")
    equal((two["Size"], two["SharedSize"]), (100_000, 100_000), "sizes of df-two")
    equal(by_tag(now["Images"], "busybox:latest")["Containers"], 2, "containers of busybox")
    equal((now["Volumes"], now["BuildCache"]), ([], []), "volumes and build cache")
    containers = {row["Names"][0]: row for row in now["Containers"]}
    equal(set(containers), {"/df-box", "/df-other"}, "containers")
    size = by_tag(now["Images"], "busybox:latest")["Size"]
    check(199_000 < containers["/df-box"]["SizeRw"] < 300_000, f"SizeRw is {containers['/df-box']['SizeRw']}")
    equal(containers["/df-box"]["SizeRootFs"] - containers["/df-box"]["SizeRw"], size, "SizeRootFs without SizeRw")
    equal(containers["/df-other"].get("SizeRw", 0), 0, "SizeRw of a container that has written nothing")


@cases([("one", ["image"], {"Images"}), ("two", ["container", "volume"], {"Containers", "Volumes"}), ("cache", ["build-cache"], {"BuildCache"})])
def types(types, wanted):
    reply = client().ok("GET", "/system/df?" + "&".join(f"type={t}" for t in types))
    for name in ("Images", "Containers", "Volumes", "BuildCache"):
        equal(reply[name] is not None, name in wanted, f"{name} is there")
    equal(reply["LayersSize"] > 0, "Images" in wanted, "LayersSize is counted")


@test
def types_unknown():
    r = client().get("/system/df?type=nosuch")
    equal((r.status, r.message), (400, "unknown object type: nosuch"), "reply")
    equal(client("1.41").get("/system/df?type=nosuch").status, 200, "status before there were types")


@cases([("1.24", "1.24", True), ("1.43", "1.43", True), ("1.44", "1.44", False)])
def virtual_size(version, has):
    for path in ("/system/df", "/images/json"):
        rows = client(version).ok("GET", path)
        row = by_tag(rows["Images"] if path == "/system/df" else rows, "busybox:latest")
        equal(row.get("VirtualSize"), row["Size"] if has else None, f"VirtualSize of {path}")


@test
def list_counts_on_request():
    c = client()
    load_image("counted:latest", layer(5000))
    c.create(image="counted", cmd=["true"])
    row = by_tag(c.ok("GET", "/images/json"), "counted:latest")
    equal(row["SharedSize"], -1, "SharedSize that was not asked for")
    row = by_tag(c.ok("GET", "/images/json", query={"shared-size": 1}), "counted:latest")
    equal(row["SharedSize"], 0, "SharedSize of an image that shares nothing")
    only_ours()
    equal(row["Containers"], 1, "Containers in 1.51")
    old = by_tag(client("1.50").ok("GET", "/images/json"), "counted:latest")
    equal(old["Containers"], -1, "Containers in 1.50")


# --- manifests ---


def put_image(registry, repository, tag, platform, data, **entry):
    """Returns (descriptor of the manifest, for an index; the blobs)."""
    config = json.dumps({"os": platform[0], "architecture": platform[1], **({"variant": platform[2]} if len(platform) > 2 else {}),
                         "config": {"Cmd": ["true"]}, "rootfs": {"type": "layers", "diff_ids": [digest(data)]}}).encode()
    for blob in (config, data):
        registry.put_blob(repository, blob)
    d = registry.put_manifest(repository, tag, {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": OCI_LAYER, "digest": digest(data), "size": len(data)}],
    })
    return dict(d, platform=dict(zip(("os", "architecture", "variant"), platform)), **entry), digest(config), len(config) + len(data) + d["size"]


def put_attestation(registry, repository, tag, about):
    statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1"}).encode()
    config = json.dumps({"os": "unknown", "architecture": "unknown", "rootfs": {"type": "layers", "diff_ids": [digest(statement)]}}).encode()
    for blob in (statement, config):
        registry.put_blob(repository, blob)
    d = registry.put_manifest(repository, tag, {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": "application/vnd.in-toto+json", "digest": digest(statement), "size": len(statement)}],
    })
    return dict(d, platform={"os": "unknown", "architecture": "unknown"},
                annotations={**ATTESTATION, "vnd.docker.reference.digest": about["digest"]})


class Multi:
    """An image of several platforms in a registry of its own: amd64, arm64, arm/v7, and an attestation of the first."""

    def __init__(self):
        self.registry = r = Registry()
        self.name = f"{r.host}/multi"
        self.data = {p: layer(size) for p, size in (("amd64", 40_000), ("arm64", 30_000), ("arm", 20_000))}
        self.amd, self.amd_id, self.amd_bytes = put_image(r, "multi", "amd", ("linux", "amd64"), self.data["amd64"])
        self.arm, self.arm_id, self.arm_bytes = put_image(r, "multi", "arm", ("linux", "arm64", "v8"), self.data["arm64"])
        self.arm7, self.arm7_id, _ = put_image(r, "multi", "arm7", ("linux", "arm", "v7"), self.data["arm"])
        self.attestation = put_attestation(r, "multi", "attestation", self.amd)
        self.entries = [self.amd, self.arm, self.arm7, self.attestation]
        self.index = r.put_manifest("multi", "1", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": self.entries}, OCI_INDEX)
        cleanup(forget, f"{self.name}:1", self.amd_id, self.arm_id, self.arm7_id)

    def pull(self, platform=None):
        lines, error = pull(self.name, "1", **({"platform": platform} if platform else {}))
        equal(error, None, f"error of pulling {platform}")
        return lines


@test
def manifests_of_an_index():
    only_ours()
    m = Multi()
    m.pull()
    c = client()
    box = c.create(image=f"{m.name}:1", cmd=["true"])
    row = by_tag(c.ok("GET", "/images/json", query={"manifests": 1}), f"{m.name}:1")
    equal(row["Descriptor"], m.index, "Descriptor")
    equal([e["Descriptor"] for e in row["Manifests"]], m.entries, "descriptors of the manifests")
    equal([e["ID"] for e in row["Manifests"]], [e["digest"] for e in m.entries], "their ids")
    equal([(e["Kind"], e["Available"]) for e in row["Manifests"]],
          [("image", True), ("image", False), ("image", False), ("attestation", False)], "kinds, and what is here")
    amd, arm, _, attestation = row["Manifests"]
    equal(amd["Size"], {"Content": m.amd_bytes, "Total": m.amd_bytes + 40_000}, "Size of what is here")
    equal(amd["ImageData"], {"Platform": m.amd["platform"], "Size": {"Unpacked": 40_000}, "Containers": [box]}, "its ImageData")
    equal((arm["Size"], arm["ImageData"]),
          ({"Content": 0, "Total": 0}, {"Platform": m.arm["platform"], "Size": {"Unpacked": 0}, "Containers": []}), "what is not here")
    equal((attestation.get("ImageData"), attestation["AttestationData"]), (None, {"For": m.amd["digest"]}), "the attestation")
    i = c.ok("GET", f"/images/{m.name}:1/json", query={"manifests": 1})
    equal((i["Descriptor"], i["Manifests"]), (row["Descriptor"], row["Manifests"]), "the same of inspect")
    check("Manifests" not in c.ok("GET", f"/images/{m.name}:1/json"), "inspect lists manifests unasked")


@test
def manifests_of_two_platforms():
    """Both are here, one of them without a tag: the index says so of each."""
    only_ours()
    m = Multi()
    m.pull()
    m.pull("linux/arm64")
    for reference in (m.amd_id, f"{m.name}:1"):
        i = client().ok("GET", f"/images/{reference}/json", query={"manifests": 1})
        equal([e["Available"] for e in i["Manifests"]], [True, True, False, False], f"what is here, from {reference}")
        equal(i["Manifests"][1]["ImageData"]["Size"]["Unpacked"], 30_000, "unpacked bytes of arm64")


@test
def manifest_of_a_loaded_image():
    """Made up, and the very one that a save writes and a push sends."""
    only_ours()
    load_image("single:latest", layer(7000))
    c = client()
    i = c.ok("GET", "/images/single/json", query={"manifests": 1})
    equal(len(i["Manifests"]), 1, "manifests")
    e = i["Manifests"][0]
    equal((e["ID"], e["Available"], e["Kind"]), (i["Descriptor"]["digest"], True, "image"), "the manifest")
    equal(e["ImageData"]["Platform"], {"architecture": "amd64", "os": "linux"}, "platform, from the config")
    equal(e["Size"]["Total"], e["Size"]["Content"] + 7000, "Size")
    check(c.get("/images/single/get").body, "no archive")
    after = c.ok("GET", "/images/single/json", query={"manifests": 1})
    equal((after["Descriptor"], after["Manifests"]), (i["Descriptor"], i["Manifests"]), "the same once it was saved")


@cases([("list 1.46", "1.46", "/images/json?manifests=1", set()), ("list 1.47", "1.47", "/images/json?manifests=1", {"Manifests"}),
        ("list 1.48", "1.48", "/images/json", {"Descriptor"}), ("inspect 1.47", "1.47", "/images/busybox/json?manifests=1", set()),
        ("inspect 1.48", "1.48", "/images/busybox/json?manifests=1", {"Manifests", "Descriptor"})])
def since(version, path, wanted):
    only_ours()
    reply = client(version).ok("GET", path)
    row = reply if isinstance(reply, dict) else by_tag(reply, "busybox:latest")
    equal({"Manifests", "Descriptor"} & set(row), wanted, "members")


# --- platforms ---

AMD64, ARM64 = '{"os": "linux", "architecture": "amd64"}', '{"os": "linux", "architecture": "arm64"}'
MISMATCH = r"^image with reference busybox was found but its platform \(linux/amd64\) does not match the specified platform \(linux/arm64\)$"


@cases([("inspect", "/images/busybox/json"), ("history", "/images/busybox/history")])
def platform_of_a_look(path):
    c = client()
    equal(c.get(path, query={"platform": AMD64}).status, 200, "status for its own platform")
    r = c.get(path, query={"platform": ARM64})
    equal(r.status, 404, "status for another platform")
    matches(r.message, MISMATCH, "error")
    equal(c.get(path, query={"platform": '{"os": "linux"}'}).status, 400, "status without an architecture")
    equal(client("1.47").get(path, query={"platform": ARM64}).status, 200, "status before there was a platform")


@test
def platform_and_manifests():
    r = client().get("/images/busybox/json", query={"platform": AMD64, "manifests": 1})
    equal((r.status, r.message), (400, "conflicting options: manifests and platform options cannot both be set"), "reply")


@test
def platform_of_remove():
    only_ours()
    load_image("platform-rmi:latest", layer())
    c = client()
    equal(c.delete("/images/platform-rmi", query={"platforms": ARM64}).status, 404, "status for another platform")
    equal(c.delete("/images/platform-rmi", query={"platforms": AMD64}).status, 200, "status for its own")


@test
def pull_of_another_platform_moves_the_tag():
    only_ours()
    m = Multi()
    m.pull()
    c = client()
    equal(c.ok("GET", f"/images/{m.name}:1/json")["Id"], m.amd_id, "id of the host's platform")
    equal(statuses(m.pull("linux/arm64"))[-1], f"Status: Downloaded newer image for {m.name}:1", "last line")
    i = c.ok("GET", f"/images/{m.name}:1/json")
    equal((i["Id"], i["Architecture"], i.get("Variant")), (m.arm_id, "arm64", "v8"), "what the tag leads to")
    equal(i["RepoDigests"], [f"{m.name}@{m.index['digest']}"], "its digests")
    other = c.ok("GET", f"/images/{m.amd_id}/json")
    equal((other["RepoTags"], other["RepoDigests"]), ([], []), "names of the host's image")
    equal(statuses(m.pull())[-1], f"Status: Downloaded newer image for {m.name}:1", "last line of pulling the host's again")
    equal(c.ok("GET", f"/images/{m.name}:1/json")["Id"], m.amd_id, "what the tag leads to again")


# --- load and save of one platform ---


def oci_multi(tag, *platforms):
    """An OCI layout whose name stands for an index, as buildx and skopeo write it. Returns (archive, ids)."""
    t, blobs, entries, ids = images.TarWriter(), {}, [], {}

    def put(data, media_type):
        blobs[digest(data)] = data
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    for platform in platforms:
        os_, architecture, *variant = platform.split("/")
        data = layer(3000)
        config = json.dumps({"os": os_, "architecture": architecture, **({"variant": variant[0]} if variant else {}), "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [digest(data)]}}).encode()
        manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": put(config, OCI_CONFIG),
                               "layers": [put(data, OCI_LAYER)]}).encode()
        names = {"os": os_, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
        entries.append({**put(manifest, OCI_MANIFEST), "platform": names})
        ids[platform] = digest(config)
    attestation = {**put(b'{"schemaVersion":2}', OCI_MANIFEST), "platform": {"os": "unknown", "architecture": "unknown"}, "annotations": ATTESTATION}
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [attestation, *entries]}).encode()
    outer = {**put(index, OCI_INDEX), "annotations": {"io.containerd.image.name": "docker.io/library/" + tag}}
    for d in ("blobs", "blobs/sha256"):
        t.add(d)
    for name, data in blobs.items():
        t.add("blobs/sha256/" + name[7:], data)
    t.add("index.json", json.dumps({"schemaVersion": 2, "manifests": [outer]}))
    t.add("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}))
    return t.bytes(), ids


def load_platform(archive, platform=None):
    r = client().post("/images/load", archive, query={"platform": platform} if platform else {}, headers={"Content-Type": "application/x-tar"})
    return (r.status, r.message) if r.status != 200 else (200, next((line["error"] for line in r.lines() if "error" in line), None))


def platform_json(text):
    return json.dumps(dict(zip(("os", "architecture", "variant"), text.split("/"))))


@cases([("host", None, "linux/amd64"), ("other", "linux/arm64", "linux/arm64"), ("variant", "linux/arm/v7", "linux/arm/v7")])
def load_from_an_index(asked, wanted):
    only_ours()
    archive, ids = oci_multi("load-multi:1", "linux/arm/v7", "linux/amd64", "linux/arm64")
    cleanup(forget, "load-multi:1")
    equal(load_platform(archive, platform_json(asked) if asked else None), (200, None), "reply")
    equal(client().ok("GET", "/images/load-multi:1/json")["Id"], ids[wanted], "id of what was loaded")


@test
def load_of_a_platform_that_is_not_there():
    """The answer has begun by then, as in Docker: the error is in the stream."""
    only_ours()
    archive, _ = oci_multi("load-none:1", "linux/amd64")
    status, message = load_platform(archive, platform_json("linux/s390x"))
    equal((status, message), (200, "the archive has no image of the requested platform (linux/s390x)"), "reply for an index")
    status, message = load_platform(images.docker_archive([layer()], tags=["load-none:1"]), platform_json("linux/s390x"))
    equal((status, message), (200, "the archive has no image of the requested platform (linux/s390x)"), "reply for a docker-archive")
    equal(client().get("/images/load-none:1/json").status, 404, "status of the image")
    equal(load_platform(archive, "{")[0], 400, "status of a platform that is none")


@test
def load_of_another_platform_only():
    """An archive without the host's platform is loaded if its name stands for one image."""
    only_ours()
    data = layer()
    config = json.dumps({"os": "linux", "architecture": "arm64", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(data)]}}).encode()
    archive = images.oci_archive([data], tags=["load-arm:1"], config=config)
    cleanup(forget, "load-arm:1")
    equal(load_platform(archive), (200, None), "reply")
    equal(client().ok("GET", "/images/load-arm:1/json")["Architecture"], "arm64", "architecture")


@test
def load_skips_other_platforms():
    """Of the images of one archive those of the platform are loaded."""
    only_ours()
    m = Multi()
    m.pull("linux/arm64")
    c = client()
    archive = c.get("/images/get", query={"names": [f"{m.name}:1", "busybox:latest"]}).body
    c.delete(f"/images/{m.name}:1")
    r = c.post("/images/load", archive, query={"platform": platform_json("linux/arm64"), "quiet": 1}, headers={"Content-Type": "application/x-tar"})
    equal([line.get("stream") for line in r.lines()], [f"Loaded image: {m.name}:1\n"], "lines")


@test
def digests_survive_save_and_load():
    """The archive has the manifest that the registry had, and a load keeps it."""
    only_ours()
    m = Multi()
    m.pull()
    c = client()
    archive = c.get(f"/images/{m.name}:1/get").body
    c.delete(f"/images/{m.name}:1")
    equal(c.get(f"/images/{m.amd_id}/json").status, 404, "status once it was removed")
    equal(load_platform(archive), (200, None), "reply of the load")
    i = c.ok("GET", f"/images/{m.name}:1/json", query={"manifests": 1})
    equal((i["Id"], i["Manifests"][0]["ID"]), (m.amd_id, m.amd["digest"]), "id, and digest of the manifest")
    m.pull()
    i = c.ok("GET", f"/images/{m.name}:1/json")
    equal(i["Descriptor"], m.index, "Descriptor, once it was pulled as well")


@test
def pull_after_load_is_the_registrys():
    """The same image, packed in another way: what a registry says of it counts."""
    only_ours()
    m = Multi()
    config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["true"]},
                         "rootfs": {"type": "layers", "diff_ids": [digest(m.data["amd64"])]}}).encode()
    equal(digest(config), m.amd_id, "the test's own config")
    equal(load_platform(images.oci_archive([m.data["amd64"]], tags=["packed:1"], config=config)), (200, None), "reply of the load")
    cleanup(forget, "packed:1")
    c = client()
    check(c.ok("GET", "/images/packed:1/json")["Descriptor"] != m.index, "it has the index already")
    m.pull()
    for name in ("packed:1", f"{m.name}:1"):
        i = c.ok("GET", f"/images/{name}/json", query={"manifests": 1})
        equal((i["Id"], i["Descriptor"], i["Manifests"][0]["Available"]), (m.amd_id, m.index, True), f"what {name} is now")


# --- containers of another platform ---


@test
def container_of_another_platform():
    only_ours()
    data = layer()
    config = json.dumps({"os": "linux", "architecture": "arm64", "variant": "v8", "config": {"Cmd": ["true"]},
                         "rootfs": {"type": "layers", "diff_ids": [digest(data)]}}).encode()
    equal(load_platform(images.oci_archive([data], tags=["run-arm:1"], config=config)), (200, None), "reply of the load")
    cleanup(forget, "run-arm:1")
    c = client()
    for query, warnings in (({}, 1), ({"platform": "linux/arm64"}, 0)):
        reply = c.ok("POST", "/containers/create", {"Image": "run-arm:1"}, query=query)
        equal(len(reply["Warnings"]), warnings, f"warnings with {query}")
        for w in reply["Warnings"]:
            matches(w, r"^The requested image's platform \(linux/arm64/v8\) does not match the detected host platform \(linux/amd64(/v\d)?\) and "
                       r"no specific platform was requested$", "warning")
    r = c.post("/containers/create", {"Image": "run-arm:1"}, query={"platform": "linux/amd64"})
    equal((r.status, r.message), (404, "image with reference run-arm:1 was found but its platform (linux/arm64/v8) does not match the specified "
                                       "platform (linux/amd64)"), "reply for the host's platform")
    equal(c.ok("POST", "/containers/create", {"Image": "busybox"})["Warnings"], [], "warnings for an image of the host's platform")
    equal(c.post("/containers/create", {"Image": "busybox"}, query={"platform": "nosuch/thing/at/all"}).status, 400, "status of a platform that is none")


@test
def pull_during_a_push():
    """The record changes under a push that goes on as it began."""
    only_ours()
    m = Multi()
    config = json.dumps({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["true"]},
                         "rootfs": {"type": "layers", "diff_ids": [digest(m.data["amd64"])]}}).encode()
    proxy = FaultProxy(Registry())
    name = f"{proxy.host}/pushed"
    equal(load_platform(images.oci_archive([m.data["amd64"]], tags=["pushed:1"], config=config)), (200, None), "reply of the load")
    cleanup(forget, "pushed:1", f"{name}:1")
    c = client()
    c.post("/images/pushed:1/tag", query={"repo": name, "tag": "1"})
    pulled = []

    def pull_first(h, *answer):
        pulled.append(m.pull())
        proxy.pass_on(h, *answer)

    proxy.fault("POST .*/blobs/uploads/", pull_first)
    r = c.post(f"/images/{name}/push", query={"tag": "1"}, headers={"X-Registry-Auth": "e30="})
    lines = list(r.lines())
    equal([line["error"] for line in lines if "error" in line], [], "errors of the push")
    check(pulled, "nothing was pulled meanwhile")
    equal(c.ok("GET", f"/images/{name}:1/json")["Descriptor"], m.index, "what the image is known by")
