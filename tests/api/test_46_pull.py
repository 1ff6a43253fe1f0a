# SPDX-License-Identifier: Apache-2.0
"""docker pull and push through the daemon: a real registry, and a proxy before it that does wrong."""

import gzip
import json
import os
import subprocess
import threading

import common_api
import images
from common_api import client, only_ours, own_daemon
from harness import cases, check, cleanup, contains, equal, eventually, matches, test
from registry import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, FaultProxy, Registry, digest, status


def forget(*names):
    for name in names:
        common_api.ENGINE.client().delete(f"/images/{name}", query={"force": 1})


def put_runnable(registry, repository, tag, *more):
    """An image that a container can be made of, whose layers no other image has: something of its own, busybox, and further
    layers. Returns (digest of the manifest, config, blobs)."""
    own = images.TarWriter().add("own", os.urandom(16)).bytes()
    return put_image(registry, repository, tag, [own, images.busybox_tar(), *more])


def put_image(registry, repository, tag, layers, diff_ids=None):
    diff_ids = [digest(layer) for layer in layers] if diff_ids is None else diff_ids
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
                         "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    blobs = [gzip.compress(layer, 1, mtime=0) for layer in layers]
    for blob in [config, *blobs]:
        registry.put_blob(repository, blob)
    d = registry.put_manifest(repository, tag, {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": OCI_LAYER + "+gzip", "digest": digest(b), "size": len(b)} for b in blobs],
    })
    return d["digest"], config, blobs


def random_layer(size):
    """Does not get smaller."""
    return images.TarWriter().add("random", os.urandom(size)).bytes()


def ranges_of(proxy, blob):
    return [request[2].get("Range") for request in proxy.seen("GET", digest(blob))]


def pull(name, tag="latest", c=None, timeout=60, **query):
    """(lines of the stream, error). A plain error reply counts as an error as well."""
    r = (c or client()).post("/images/create", query={"fromImage": name, "tag": tag, **query}, timeout=timeout)
    if r.status != 200:
        return [], r.message
    lines = list(r.lines())
    return lines, next((line["error"] for line in lines if "error" in line), None)


def statuses(lines, prefix=None):
    return [line["status"] for line in lines if "status" in line and (prefix is None or line.get("id") == prefix)]


def top(size=1000, seed=b"x"):
    return images.TarWriter().add("top", seed * size).bytes()


# --- pull ---


@test
def pull_and_run():
    only_ours()
    r = Registry()
    wanted, config, blobs = put_runnable(r, "some/app", "1", top())
    name = f"{r.host}/some/app"
    cleanup(forget, f"{name}:1")
    lines, error = pull(name, "1")
    equal(error, None, "error")
    equal(lines[0], {"status": "Pulling from some/app", "id": "1"}, "first line")
    for blob in blobs:
        short = digest(blob)[7:19]
        got = statuses(lines, short)
        equal((got[0], got[-1]), ("Pulling fs layer", "Pull complete"), f"first and last line of layer {short}")
        contains(got, "Download complete", f"lines of layer {short}")
    equal(statuses(lines)[-2:], [f"Digest: {wanted}", f"Status: Downloaded newer image for {name}:1"], "last lines")
    i = client().ok("GET", f"/images/{name}:1/json")
    equal(i["Id"], digest(config), "id")
    equal((i["RepoTags"], i["RepoDigests"]), ([f"{name}:1"], [f"{name}@{wanted}"]), "names")
    equal(client().run("head -c 3 /top", image=f"{name}:1")[1], "xxx", "output of a container")
    equal(client().get(f"/images/{name}@{wanted}/json").status, 200, "status of the image by its digest")


@test
def again_is_up_to_date():
    only_ours()
    r = Registry()
    put_runnable(r, "app", "1")
    name = f"{r.host}/app"
    cleanup(forget, f"{name}:1")
    pull(name, "1")
    lines, error = pull(name, "1")
    equal([line.get("id") for line in lines if "id" in line], ["1"], "ids of the lines: no layer is spoken of")
    equal(statuses(lines)[-1], f"Status: Image is up to date for {name}:1", "last line")


@test
def nothing_is_fetched_of_what_is_here():
    """A tag that leads where it did costs one request that has no body."""
    p, name, _ = faulty()
    pull(name, "1")
    p.requests.clear()
    lines, error = pull(name, "1")
    equal(statuses(lines)[-1], f"Status: Image is up to date for {name}:1", "last line")
    equal([r for r in p.seen("GET") if "/manifests/" in r[1] or "/blobs/" in r[1]], [], "documents that were fetched again")


@test
def moved_tag():
    """The tag leads elsewhere now: the old image stays without it, shared layers are not loaded again."""
    only_ours()
    r = Registry()
    base = top(seed=b"base")
    put_image(r, "app", "1", [base, top(seed=b"a")])
    name = f"{r.host}/app"
    cleanup(forget, f"{name}:1")
    pull(name, "1")
    old = client().ok("GET", f"/images/{name}:1/json")["Id"]
    cleanup(forget, old)
    _, _, blobs = put_image(r, "app", "1", [base, top(seed=b"b")])
    lines, error = pull(name, "1")
    equal(error, None, "error")
    equal(statuses(lines, digest(blobs[0])[7:19]), ["Already exists"], "lines of the shared layer")
    equal(statuses(lines, digest(blobs[1])[7:19])[0], "Pulling fs layer", "first line of the other one")
    equal(statuses(lines)[-1], f"Status: Downloaded newer image for {name}:1", "last line")
    equal(client().ok("GET", f"/images/{old}/json")["RepoTags"], [], "names of the old image")


@test
def by_digest():
    only_ours()
    r = Registry()
    wanted, _, _ = put_runnable(r, "app", "1")
    name = f"{r.host}/app"
    lines, error = pull(name, wanted)
    cleanup(forget, f"{name}@{wanted}")
    equal(error, None, "error")
    i = client().ok("GET", f"/images/{name}@{wanted}/json")
    equal((i["RepoTags"], i["RepoDigests"]), ([], [f"{name}@{wanted}"]), "names")


@test
def all_tags():
    only_ours()
    r = Registry()
    for tag in ("1", "2", "other"):
        put_runnable(r, "many", tag, top(seed=tag.encode()))
    name = f"{r.host}/many"
    cleanup(forget, *(f"{name}:{tag}" for tag in ("1", "2", "other")))
    lines, error = pull(name, "")
    equal(error, None, "error")
    equal(sorted(line["id"] for line in lines if line.get("status") == "Pulling from many"), ["1", "2", "other"], "tags")


@cases([("no such tag", "app", "nosuch", 404, r"^manifest for \S+/app:nosuch not found: manifest unknown"),
        ("no such repository", "nosuch", "1", 404, r"not found"),
        ("bad name", "UPPER", "1", 400, r"must be lowercase"),
        ("bad tag", "app", "a b", 400, r"invalid")])
def refused(name, tag, code, pattern):
    only_ours()
    r = Registry()
    put_runnable(r, "app", "1")
    answer = client().post("/images/create", query={"fromImage": f"{r.host}/{name}", "tag": tag})
    equal(answer.status, code, f"status ({answer.message})")
    matches(answer.message, pattern, "message")


@test
def platform_that_is_not_there():
    only_ours()
    r = Registry()
    r.put_index("list", "all", [(r.put_image("list", "one", platform=("linux", "s390x")), "linux", "s390x")])
    lines, error = pull(f"{r.host}/list", "all", platform="linux/arm64")
    matches(str(error), r"no matching manifest for linux/arm64", "error")


@cases([("another", "linux/s390x", True), ("with a variant", "linux/arm/v7", True), ("its own", "linux/amd64", False)])
def platform_of_a_single_manifest(wanted, warned):
    """What is no index is taken whatever it is for, with a warning."""
    only_ours()
    r = Registry()
    put_runnable(r, "app", "1")
    name = f"{r.host}/app:1"
    cleanup(forget, name)
    lines, error = pull(f"{r.host}/app", "1", platform=wanted)
    equal(error, None, "error")
    warning = f"WARNING: image with reference {name} was found but its platform (linux/amd64) does not match the specified platform ({wanted})"
    equal([line["status"] for line in lines if line.get("status", "").startswith("WARNING")], [warning] if warned else [], "warnings")


# --- faults ---


def faulty(*more):
    only_ours()
    r = Registry()
    p = FaultProxy(r)
    wanted, config, blobs = put_runnable(r, "app", "1", *more)
    name = f"{p.host}/app"
    cleanup(forget, f"{name}:1")
    return p, name, blobs


@test
def cut_connections():
    """A blob that comes in pieces: each try goes on where the last one ended."""
    p, name, blobs = faulty(random_layer(400_000))
    p.fault(r"/blobs/" + digest(blobs[2]), p.cut(50_000), times=2)
    lines, error = pull(name, "1")
    equal(error, None, "error")
    check(any(s.startswith("Retrying in") for s in statuses(lines)), "no line tells of the retry")
    ranges = ranges_of(p, blobs[2])
    check(any(ranges), f"no request asked for the rest alone: {ranges}")


@test
def damaged_layer():
    """Wrong bytes all the way: refused, and nothing of it is kept."""
    p, name, blobs = faulty(top())
    p.fault(r"/blobs/" + digest(blobs[1]), p.wrong_bytes, times=100)
    lines, error = pull(name, "1", timeout=120)
    matches(str(error), r"verification failed|digest", "error")
    equal(client().get(f"/images/{name}:1/json").status, 404, "status of the image")
    blob = common_api.ENGINE.data / "content/blobs/sha256" / digest(blobs[1])[7:]
    check(not blob.exists(), "the damaged blob is in the content store")


@test
def layer_that_unpacks_to_something_else():
    """The blob is what its digest says, but not what the config says."""
    only_ours()
    r = Registry()
    put_image(r, "lie", "1", [top()], ["sha256:" + "1" * 64])
    matches(str(pull(f"{r.host}/lie", "1")[1]), r"unpacks to sha256:\w+, but the image's config says", "error")


@cases([("leads out", "sha256:../../../../tmp/evil"), ("empty", ""), ("short", "sha256:12")])
def diff_ids_that_are_none(diff_id):
    only_ours()
    r = Registry()
    put_image(r, "evil", "1", [top()], [diff_id])
    matches(str(pull(f"{r.host}/evil", "1")[1]), r"no digest|invalid", "error")


@test
def server_errors_are_tried_again():
    p, name, blobs = faulty()
    p.fault(r"/blobs/", status(503), times=1)
    lines, error = pull(name, "1")
    equal(error, None, "error")


@test
def clients_share_a_pull():
    """Five clients want the same: the blob is sent once, and all of them see its progress to the end."""
    p, name, blobs = faulty(random_layer(600_000))
    p.fault(r"/blobs/" + digest(blobs[2]), p.slow(600_000), times=1)
    results = []
    threads = [threading.Thread(target=lambda: results.append(pull(name, "1", c=common_api.ENGINE.client()))) for _ in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal([error for _, error in results], [None] * 5, "errors")
    for lines, _ in results:
        contains(statuses(lines)[-1], "Status: ", "last line")
    equal(len(ranges_of(p, blobs[2])), 1, "how often the upper layer was sent")


@test
def images_share_a_layer_in_flight():
    only_ours()
    r = Registry()
    p = FaultProxy(r)
    base = random_layer(600_000)
    _, _, blobs = put_image(r, "one", "1", [base, top(seed=b"1")])
    put_image(r, "two", "1", [base, top(seed=b"2")])
    for repository in ("one", "two"):
        cleanup(forget, f"{p.host}/{repository}:1")
    p.fault(r"/blobs/" + digest(blobs[0]), p.slow(600_000), times=1)
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(pull(f"{p.host}/{n}", "1", c=common_api.ENGINE.client())))
               for n in ("one", "two")]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal([error for _, error in results], [None] * 2, "errors")
    equal(len(ranges_of(p, blobs[0])), 1, "how often the shared layer was sent")


def begin_pull(c, name, tag):
    """A pull whose client can go away."""
    s = c.open_socket(timeout=30)
    s.sendall(f"POST /v1.51/images/create?fromImage={name.replace('/', '%2F')}&tag={tag} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    return s


@test
def the_last_client_leaves():
    """The pull ends; what has come is the beginning of the next one."""
    p, name, blobs = faulty(random_layer(2_000_000))
    big = blobs[2]
    p.fault(r"/blobs/" + digest(big), p.slow(400_000), times=1)
    ingest = common_api.ENGINE.data / "content/ingest" / digest(big)[7:]
    s = begin_pull(client(), name, "1")
    eventually(lambda: ingest.exists() and ingest.stat().st_size > 50_000, "some of the layer is on the disk")
    s.close()
    before = ingest.stat().st_size
    lines, error = pull(name, "1")
    equal(error, None, "error of the second pull")
    ranges = ranges_of(p, big)
    check(ranges[-1] and int(ranges[-1].split("=")[1].split("-")[0]) >= before, f"ranges asked for: {ranges}")
    check(not ingest.exists(), "the ingest file is still there")


@test
def killed_while_pulling():
    """kill -9 of the daemon in the middle: the next pull goes on, and nothing half-made is ever seen."""
    only_ours()
    r = Registry()
    p = FaultProxy(r)
    _, _, blobs = put_runnable(r, "app", "1", random_layer(2_000_000))
    name = f"{p.host}/app"
    big = blobs[2]
    d = own_daemon().start()
    p.fault(r"/blobs/" + digest(big), p.slow(400_000), times=1)
    ingest = d.data / "content/ingest" / digest(big)[7:]
    s = begin_pull(d.client(), name, "1")
    eventually(lambda: ingest.exists() and ingest.stat().st_size > 50_000, "some of the layer is on the disk")
    d.kill()
    s.close()
    d.start()
    equal(d.client().get(f"/images/{name}:1/json").status, 404, "status of the image after the restart")
    lines, error = pull(name, "1", c=d.client())
    equal(error, None, "error of the second pull")
    equal(d.client().run("echo ran", image=f"{name}:1")[1], "ran\n", "output of a container")
    ranges = ranges_of(p, big)
    check(ranges[-1], f"the second pull began anew: {ranges}")


@test
def disk_full_while_pulling():
    only_ours()
    r = Registry()
    put_runnable(r, "app", "1", random_layer(20_000_000))
    d = own_daemon()
    d.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(d.data)], check=True)
    cleanup(subprocess.run, ["umount", "-l", str(d.data)], check=False)
    d.start()
    lines, error = pull(f"{r.host}/app", "1", c=d.client())
    matches(str(error), r"(?i)no space left on device", "error")
    equal(d.client().get("/_ping").text, "OK", "/_ping")
    put_runnable(r, "small", "1")
    d.client().post("/images/prune")
    lines, error = pull(f"{r.host}/small", "1", c=d.client())
    equal(error, None, "error of a small image afterwards")


# --- push ---


def push(name, tag, c=None):
    r = (c or client()).post(f"/images/{name}/push", query={"tag": tag}, headers={"X-Registry-Auth": "e30="})
    if r.status != 200:
        return [], r.message
    lines = list(r.lines())
    return lines, next((line["error"] for line in lines if "error" in line), None)


@test
def push_and_pull_back():
    only_ours()
    r = Registry()
    client().post("/images/busybox/tag", query={"repo": f"{r.host}/mine", "tag": "1"})
    before = client().ok("GET", "/images/busybox/json")["Id"]
    lines, error = push(f"{r.host}/mine", "1")
    equal(error, None, "error")
    equal(lines[0]["status"], f"The push refers to repository [{r.host}/mine]", "first line")
    aux = lines[-1]["aux"]
    equal(aux["Tag"], "1", "tag of the last line")
    contains(statuses(lines), f"1: digest: {aux['Digest']} size: {aux['Size']}", "lines")
    contains(statuses(lines), "Pushed", "lines")
    forget(f"{r.host}/mine:1")
    lines, error = pull(f"{r.host}/mine", "1")
    cleanup(forget, f"{r.host}/mine:1")
    equal(error, None, "error of pulling it back")
    contains(statuses(lines), f"Digest: {aux['Digest']}", "lines of the pull")
    equal(client().ok("GET", f"/images/{r.host}/mine:1/json")["Id"], before, "id of what came back")


@test
def push_of_what_was_pulled_keeps_its_digest():
    only_ours()
    a, b = Registry(), Registry()
    wanted, _, _ = put_runnable(a, "app", "1", top())
    pull(f"{a.host}/app", "1")
    client().post(f"/images/{a.host}/app:1/tag", query={"repo": f"{b.host}/copy", "tag": "x"})
    cleanup(forget, f"{a.host}/app:1", f"{b.host}/copy:x")
    lines, error = push(f"{b.host}/copy", "x")
    equal(error, None, "error")
    equal(lines[-1]["aux"]["Digest"], wanted, "digest in the other registry")


@test
def what_is_there_is_not_sent_again():
    only_ours()
    r = Registry()
    for repository in ("first", "second"):
        client().post("/images/busybox/tag", query={"repo": f"{r.host}/{repository}", "tag": "1"})
        cleanup(forget, f"{r.host}/{repository}:1")
    push(f"{r.host}/first", "1")
    lines, _ = push(f"{r.host}/first", "1")
    contains(statuses(lines), "Layer already exists", "lines of the second push")
    lines, _ = push(f"{r.host}/second", "1")
    contains(statuses(lines), "Mounted from first", "lines of a push to another repository")


@cases([("no such tag", "nosuch", "1", r"tag does not exist: \S+/nosuch:1"),
        ("no such repository", "nosuch", "", r"An image does not exist locally with the tag: \S+/nosuch")])
def push_refused(name, tag, pattern):
    only_ours()
    lines, error = push(f"127.0.0.1:1/{name}", tag)
    matches(str(error), pattern, "error")
