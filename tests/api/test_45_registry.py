# SPDX-License-Identifier: Apache-2.0
"""The registry client: the network verbs of dockerd-worker and the calls on them, against real registries on loopback and a
proxy that misbehaves."""

import errno
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse

import common_api
import worker
from common_api import client, own_daemon
from harness import cases, check, cleanup, contains, equal, eventually, matches, test
from registry import (DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, PASSWORD, USER, Certificates,
                      FaultProxy, Forwarder, Registry, Server, TokenServer, digest, drop, encode, redirect, reply, status)

# An address of this host that is not loopback, so that certificates count.
OUTER = "10.213.0.1"


def certificates(*name):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="dt-ca-"))
    cleanup(shutil.rmtree, directory, ignore_errors=True)
    return Certificates(directory, *name)


def outer_address():
    subprocess.run(["ip", "address", "replace", f"{OUTER}/32", "dev", "lo"], check=True)
    return OUTER


def certs_directory(host, **files):
    """/etc/docker/certs.d of this namespace alone."""
    etc = pathlib.Path("/etc/docker")
    if not etc.exists():
        etc.mkdir()
        cleanup(etc.rmdir)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", etc], check=True)
    cleanup(subprocess.run, ["umount", "-l", etc], check=True)
    place = etc / "certs.d" / host
    place.mkdir(parents=True)
    for name, source in files.items():
        shutil.copy(source, place / name.replace("_", "."))


def endpoint(server, **more):
    return {"Url": server if isinstance(server, str) else server.url, **more}


def access(*servers, repository="test/image", **more):
    common_api.only_ours()
    endpoints = [s if isinstance(s, dict) else endpoint(s) for s in servers]
    return {"Endpoints": endpoints, "Repository": repository, "Familiar": "short/" + repository, "UserAgent": "test/1", **more}


def credentials(username=USER, password=PASSWORD, **more):
    return {"username": username, "password": password, **more}


def auth_header(**auth):
    return {"X-Registry-Auth": encode(json.dumps(auth).encode()).decode()}


def resolve(where, tag="latest", **more):
    files = [worker.File() for _ in range(3)]
    answer = worker.run("registry-resolve", {"Access": where, "Tag": tag, **more}, files)
    answer.index, answer.manifest, answer.config = (f.data for f in files)
    return answer


def fetch(where, data, file=None, tee=None, **more):
    file = file or worker.File()
    params = {"Access": where, "Digest": digest(data), "Size": len(data), "Tee": tee is not None, **more}
    answer = worker.run("registry-fetch-blob", params, [file] if tee is None else [file, tee])
    answer.data = file.data
    return answer


def fails(answer, kind, pattern):
    check(answer.result is None, f"it succeeded: {answer.result}")
    matches(answer.message, pattern, "the error")
    equal(answer.kind, kind, f"kind of the error \"{answer.message}\"")


# --- resolve ---

@cases([(t.rsplit(".", 1)[1], t) for t in (OCI_MANIFEST, DOCKER_MANIFEST)])
def resolve_manifest(media_type):
    r = Registry()
    image = r.put_image("test/image", "v1", layers=(b"lower", b"upper"), media_type=media_type)
    answer = resolve(access(r), "v1")
    result = answer.ok()
    equal(result["Target"], image, "target")
    equal(result["Manifest"], image, "manifest")
    equal(digest(answer.manifest), image["digest"], "digest of the document")
    equal(answer.index, b"", "the index file")
    config = json.loads(answer.manifest)["config"]
    equal((result["Config"]["digest"], digest(answer.config)), (config["digest"], config["digest"]), "config")
    equal([layer["digest"] for layer in result["Layers"]], [digest(b"lower"), digest(b"upper")], "layers")
    equal(result["Endpoint"], 0, "endpoint")


@cases([("oci", OCI_INDEX), ("docker", DOCKER_LIST)])
def resolve_index(media_type):
    r = Registry()
    images = [r.put_image("test/image", a, layers=(a.encode(),), platform=("linux", a)) for a in ("amd64", "arm64", "s390x")]
    r.put_index("test/image", "multi", [(images[0], "linux", "amd64"), (images[1], "linux", "arm64", "v8"),
                                        (images[2], "linux", "s390x"), (images[2], "unknown", "unknown")], media_type)
    for i, architecture in enumerate(("amd64", "arm64", "s390x")):
        answer = resolve(access(r), "multi", Os="linux", Architecture=architecture)
        result = answer.ok()
        equal(result["Manifest"]["digest"], images[i]["digest"], f"manifest for {architecture}")
        equal(digest(answer.index), result["Target"]["digest"], "index")
        equal(result["Target"]["mediaType"], media_type, "type of the index")
        equal([layer["digest"] for layer in result["Layers"]], [digest(architecture.encode())], "layers")
    fails(resolve(access(r), "multi", Os="linux", Architecture="riscv64"), "not found",
          "^no matching manifest for linux/riscv64 in the manifest list entries$")
    fails(resolve(access(r), "multi", Os="windows", Architecture="amd64"), "not found",
          "^no matching manifest for windows/amd64 in the manifest list entries$")


@test
def resolve_by_digest():
    r = Registry()
    image = r.put_image("test/image", "v1")
    equal(resolve(access(r), "", Digest=image["digest"]).ok()["Target"], image, "target")
    # The digest counts, whatever the tag.
    equal(resolve(access(r), "other", Digest=image["digest"]).ok()["Target"], image, "target of tag and digest")
    fails(resolve(access(r), "", Digest=digest(b"no such")), "not found",
          "^manifest for short/test/image@sha256:[0-9a-f]{64} not found: manifest unknown: manifest unknown$")


@test
def resolve_known():
    """What the daemon has is not fetched again."""
    r = Registry()
    image = r.put_image("test/image", "v1")
    p = FaultProxy(r)
    answer = resolve(access(p), "v1", Known=[digest(b"other"), image["digest"]])
    equal((answer.ok()["UpToDate"], answer.ok()["Target"]["digest"]), (True, image["digest"]), "answer")
    equal([(m, path) for m, path, *_ in p.requests], [("GET", "/v2/"), ("HEAD", "/v2/test/image/manifests/v1")], "requests")
    equal(resolve(access(p), "v1", Known=[digest(b"other")]).ok()["UpToDate"], False, "UpToDate of another")
    p.fault("HEAD", status(405))
    equal(resolve(access(p), "v1", Known=[image["digest"]]).ok()["Manifest"], image, "where HEAD is not known")


@cases([("tag", "nope", "", "not found", r"^manifest for short/test/image:nope not found: manifest unknown: manifest unknown"),
        ("repository", "v1", "no/such", "not found", r"^(repository short/no/such not found: name unknown: |"
         r"manifest for short/no/such:v1 not found: manifest unknown: )")])
def resolve_missing(tag, repository, kind, pattern):
    r = Registry()
    r.put_image("test/image", "v1")
    fails(resolve(access(r, repository=repository or "test/image"), tag), kind, pattern)


# --- hostile documents ---

def hostile(data, tag="bad", **headers):
    """A registry whose tag leads to this."""
    r = Registry()
    r.put_image("test/image", tag)
    p = FaultProxy(r)
    p.fault(f"(GET|HEAD) .*/manifests/{tag}", p.replace(data if isinstance(data, bytes) else json.dumps(data).encode(), **headers), 9)
    return access(p)


D = {"mediaType": OCI_CONFIG, "digest": digest(b"x"), "size": 1}


@cases([
    ("both kinds", {"schemaVersion": 2, "config": D, "layers": [], "manifests": []}, "should not have|unsupported manifest format"),
    ("other type", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}, "mediaType in manifest should be"),
    ("other case", {"schemaVersion": 2, "config": D, "layers": [], "Manifests": []}, "should not have"),
    ("traversal", {"schemaVersion": 2, "config": dict(D, digest="sha256:../../etc/passwd"), "layers": []}, "could not validate"),
    ("sha1", {"schemaVersion": 2, "config": dict(D, digest="sha1:" + 40 * "0"), "layers": []}, "could not validate"),
    ("negative", {"schemaVersion": 2, "config": dict(D, size=-1), "layers": []}, "is negative"),
    ("huge config", {"schemaVersion": 2, "config": dict(D, size=2 ** 40), "layers": []}, "at most 4194304 are supported"),
    ("deep", b'{"schemaVersion":2,"config":' + b"[" * 100000 + b"]" * 100000 + b"}", "cannot be read"),
    ("no JSON", b"<html>", "cannot be read"),
    ("many layers", {"schemaVersion": 2, "config": D, "layers": [D] * 128}, "at most 127 are supported"),
    ("schema 3", {"schemaVersion": 3, "config": D, "layers": []}, "schema version 3"),
    ("plugin", {"schemaVersion": 2, "config": dict(D, mediaType="application/vnd.docker.plugin.v1+json"), "layers": []},
     "^Encountered remote \"application/vnd.docker.plugin.v1\\+json\"\\(plugin\\) when fetching$"),
])
def hostile_manifest(document, pattern):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    fails(resolve(hostile(data, Docker_Content_Digest=digest(data)), "bad"), "invalid", pattern)


@test
def schema_1():
    data = json.dumps({"schemaVersion": 1, "name": "test/image", "tag": "bad", "fsLayers": [], "history": []}).encode()
    where = hostile(data, Content_Type="application/vnd.docker.distribution.manifest.v1+prettyjws", Docker_Content_Digest=digest(data))
    fails(resolve(where, "bad"), "invalid",
          "^Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed. Suggest the author of "
          ".*/image:bad to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2. More information at "
          "https://docs.docker.com/go/deprecated-image-specs/$")


@test
def manifest_with_another_digest():
    """What the header claims is compared with the bytes, and so is what was asked for."""
    r = Registry()
    image = r.put_image("test/image", "v1")
    other = r.put_image("test/image", "v2", layers=(b"other",))
    p = FaultProxy(r)
    p.fault("GET .*/manifests/v1", p.replace(r.get_manifest("test/image", "v2")))
    fails(resolve(access(p), "v1"), "invalid", "^manifest verification failed for digest " + image["digest"])
    p.fault("GET .*/manifests/sha256", p.replace(r.get_manifest("test/image", "v2"),
                                                 Docker_Content_Digest=other["digest"]))
    fails(resolve(access(p), "", Digest=image["digest"]), "invalid", "^manifest verification failed for digest " + image["digest"])


@test
def index_with_another_manifest():
    r = Registry()
    image = r.put_image("test/image", "v1")
    r.put_index("test/image", "multi", [(image, "linux", "amd64")])
    p = FaultProxy(r)
    p.fault("GET .*/manifests/sha256", p.wrong_bytes, 9)
    fails(resolve(access(p), "multi", Os="linux", Architecture="amd64"), "invalid", "^manifest verification failed")


@test
def config_with_another_digest():
    r = Registry()
    r.put_image("test/image", "v1")
    p = FaultProxy(r)
    p.fault("GET .*/blobs/", p.wrong_bytes)
    fails(resolve(access(p), "v1"), "invalid",
          "^error pulling image configuration: image config verification failed for digest sha256:")


@test
def endless_manifest():
    """A document without an end is given up at its limit, and the worker's memory stays small."""
    common_api.only_ours()

    class Endless(Server):
        def answer(self, h, body):
            if h.path == "/v2/":
                return reply(h, 200)
            h.send_response(200)
            h.send_header("Content-Type", OCI_MANIFEST)
            h.end_headers()
            h.close_connection = True
            while True:
                h.wfile.write(b" " * 65536)

    p = Endless()
    files = [worker.File() for _ in range(3)]
    job = worker.Running("registry-resolve", {"Access": access(p), "Tag": "x"}, files)
    peak = 0
    while job.process.poll() is None:
        try:
            text = pathlib.Path(f"/proc/{job.process.pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            break
        peak = max([peak, *(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))])
        time.sleep(0.01)
    fails(job.answer(), "invalid", "more than 4194304 bytes")
    check(peak < 200 * 1024, f"the worker took {peak} KiB")         # with its sanitizers


@test
def endless_headers():
    common_api.only_ours()

    class Headers(Server):
        def answer(self, h, body):
            h.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for i in range(100000):
                h.wfile.write(b"X-%d: %s\r\n" % (i, b"x" * 1000))

    fails(worker.run("registry-tags", access(Headers())), "internal", "headers exceeded|header")


# --- endpoints, messages of the network ---

@cases([
    ("refused", "http://127.0.0.1:1", r'^Get "http://127\.0\.0\.1:1/v2/": dial tcp 127\.0\.0\.1:1: connect: connection refused$'),
    ("name", "https://registry.invalid", r'^Get "https://registry\.invalid/v2/": dial tcp: lookup registry\.invalid: '
     r"(no such host|Temporary failure in name resolution)$"),
])
def unreachable(url, pattern):
    fails(worker.run("registry-tags", access(url)), "internal", pattern)


@test
def plain_server_for_tls():
    r = Registry()
    fails(worker.run("registry-tags", access("https://" + r.host)), "internal",
          f'^Get "https://{r.host}/v2/": http: server gave HTTP response to HTTPS client$')


@test
def certificate_is_checked():
    c = certificates()
    r = Registry(tls=c.sign("localhost", "127.0.0.1"))
    r.put_image("test/image", "v1")
    fails(resolve(access(r), "v1"), "internal",
          f'^Get "{r.url}/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority$')
    resolve(access(endpoint(r, Ca=c.ca.read_text())), "v1").ok()
    resolve(access(endpoint(r, Insecure=True)), "v1").ok()
    fails(resolve(access(endpoint(f"https://localhost:{r.port}", Ca=c.ca.read_text())), "v1"), "internal",
          "certificate is not valid for localhost$")


@test
def client_certificate():
    c = certificates()
    r = Registry(tls=c.sign("localhost", "127.0.0.1"), client_ca=c.ca)
    certificate, key = c.sign("some client", client=True)
    fails(worker.run("registry-login", access(endpoint(r, Ca=c.ca.read_text()))), "internal", "certificate required|bad certificate")
    where = endpoint(r, Ca=c.ca.read_text(), Clients=[{"Certificate": certificate.read_text(), "Key": key.read_text()}])
    equal(worker.run("registry-login", access(where)).ok()["Status"], "Login Succeeded", "status")


@test
def plain_text_comes_second():
    """An insecure registry is asked with TLS first; where TLS works, plain text is never spoken."""
    r = Registry()
    r.put_image("test/image", "v1")
    both = [endpoint("https://" + r.host, Insecure=True), endpoint("http://" + r.host, Insecure=True)]
    equal(resolve(access(*both), "v1").ok()["Endpoint"], 1, "endpoint")
    c = certificates()
    s = Registry(tls=c.sign("localhost", "127.0.0.1"), store_of=r)
    both = [endpoint("https://" + s.host, Insecure=True), endpoint("http://" + s.host, Insecure=True)]
    equal(resolve(access(*both), "v1").ok()["Endpoint"], 0, "endpoint with TLS")
    fails(resolve(access(*both), "nope"), "not found", "manifest unknown")


@test
def insecure_by_address():
    """A name is insecure if it resolves into a prefix that is."""
    r = Registry()
    r.put_image("test/image", "v1")
    both = [endpoint(f"{scheme}://localhost:{r.port}", ByAddress=True) for scheme in ("https", "http")]
    equal(resolve(access(*both, InsecurePrefixes=["127.0.0.0/8", "::1/128"]), "v1").ok()["Endpoint"], 1, "endpoint")
    fails(resolve(access(*both, InsecurePrefixes=["10.0.0.0/8"]), "v1"), "internal", f'^Get "https://localhost:{r.port}/v2/": ')


@test
def mirror_first():
    r = Registry()
    image = r.put_image("test/image", "v1")
    m = FaultProxy(r)
    where = access(endpoint(m, Mirror=True), r)
    equal(resolve(where, "v1").ok()["Endpoint"], 0, "endpoint")
    for name, fault in (("down", drop()), ("lost", status(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')), ("broken", status(500))):
        m.fault("GET .*/manifests/", fault, 99)
        result = resolve(where, "v1").ok()
        equal((result["Endpoint"], result["Target"]), (1, image), f"endpoint and target when the mirror is {name}")
        m.faults.clear()
    # A mirror that lies about a tag's bytes is passed over as well.
    m.fault("GET .*/manifests/v1", m.wrong_bytes)
    equal(resolve(where, "v1").ok()["Endpoint"], 1, "endpoint when the mirror lies")


# --- authorisation ---

@test
def htpasswd():
    r = Registry(auth="htpasswd")
    r.put_image("test/image", "v1")
    p = FaultProxy(r)
    resolve(access(p, Auth=credentials()), "v1").ok()
    fails(resolve(access(p), "v1"), "internal", f'^Head "{p.url}/v2/test/image/manifests/v1": no basic auth credentials$')
    fails(resolve(access(p, Auth=credentials(password="wrong")), "v1"), "internal", "^unauthorized: authentication required")
    equal([h.get("Authorization") for _, path, h, _ in p.requests if path == "/v2/"], [None] * 3, "authorisation of the pings")


@test
def a_password_is_asked_for_once():
    """What one worker has found out spares the next one the refusal; a mirror that says the same gets nothing."""
    r = Registry(auth="htpasswd")
    r.put_image("test/image", "v1")
    data = os.urandom(100000)
    r.put_blob("test/image", data)
    p = FaultProxy(r)
    token = resolve(access(p, Auth=credentials()), "v1").ok()["Token"]
    equal(fetch(access(p, Auth=credentials(), Token=token), data).data, data, "blob")
    equal(["Authorization" in headers for _, _, headers, _ in p.seen("GET", "/blobs/")[-1:]], [True], "authorisation of the first request for a blob")
    equal(len([1 for _, path, _, _ in p.requests if digest(data) in path]), 1, "requests for the blob")
    m = FaultProxy(r)
    fetch(access(endpoint(m, Mirror=True), p, Auth=credentials(), Token=token), data)
    check(not any("Authorization" in headers for _, _, headers, _ in m.requests), "the mirror got the password")


def token_registry():
    """A registry with a token server, behind a proxy that remembers what it was asked."""
    t = TokenServer(certificates())
    open_one = Registry()
    r = Registry(auth=t, store_of=open_one)
    return t, open_one, FaultProxy(r)


@test
def token_with_credentials():
    t, store, p = token_registry()
    store.put_image("private/image", "v1")
    answer = resolve(access(p, repository="private/image", Auth=credentials()), "v1")
    token = answer.ok()["Token"]
    check(token, "no token in the result")
    equal(len(t.requests), 1, "requests for a token")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(t.requests[0][1]).query)
    equal(query, {"service": ["test registry"], "scope": ["repository:private/image:pull"], "account": [USER]}, "what it was asked")
    # The token serves the next verb.
    layer = answer.ok()["Layers"][0]
    data = b"a layer\n" * 1000
    equal(layer["digest"], digest(data), "layer")
    equal(fetch(access(p, repository="private/image", Auth=credentials(), Token=token), data).data, data, "blob")
    equal(len(t.requests), 1, "requests for a token after the fetch")
    # One that has expired is fetched again.
    equal(fetch(access(p, repository="private/image", Auth=credentials(), Token="expired"), data).data, data, "blob")
    equal(len(t.requests), 2, "requests for a token after one had expired")
    for _, _, headers, _ in p.requests:
        check("Basic" not in headers.get("Authorization", ""), "the password went to the registry, too")


@test
def token_anonymous():
    t, store, p = token_registry()
    store.put_image("public/image", "v1")
    store.put_image("private/image", "v1")
    resolve(access(p, repository="public/image"), "v1").ok()
    check("Authorization" not in t.requests[0][2], "an anonymous request for a token was authorised")
    fails(resolve(access(p, repository="private/image"), "v1"), "not found",
          "^pull access denied for short/private/image, repository does not exist or may require 'docker login': denied: "
          "requested access to the resource is denied$|"
          "^pull access denied for short/private/image, repository does not exist or may require 'docker login': denied: .*scope")


@test
def token_refused():
    t, store, p = token_registry()
    store.put_image("private/image", "v1")
    fails(resolve(access(p, repository="private/image", Auth=credentials(password="wrong")), "v1"), "internal",
          f'^Head "{p.url}/v2/private/image/manifests/v1": unauthorized: incorrect username or password$')
    answer = worker.run("registry-login", access(p, Auth=credentials(password="wrong")))
    fails(answer, "unauthorized", f'^Get "{p.url}/v2/": unauthorized: incorrect username or password$')
    check(PASSWORD not in answer.message and "wrong" not in answer.message, "the error has the password in it")


@test
def identity_token():
    t, store, p = token_registry()
    store.put_image("private/image", "v1")
    answer = worker.run("registry-login", access(p, Auth=credentials())).ok()
    equal(answer, {"Status": "Login Succeeded", "IdentityToken": t.refresh_token}, "answer of the login")
    t.requests.clear()
    resolve(access(p, repository="private/image", Auth={"identitytoken": t.refresh_token}), "v1").ok()
    method, _, headers, body = t.requests[0]
    form = urllib.parse.parse_qs(body.decode())
    equal((method, form), ("POST", {"grant_type": ["refresh_token"], "service": ["test registry"], "client_id": ["docker"],
                                    "scope": ["repository:private/image:pull"], "refresh_token": [t.refresh_token]}), "request")
    check("Authorization" not in headers, "the identity token did not go alone")
    fails(resolve(access(p, repository="private/image", Auth={"identitytoken": "stale"}), "v1"), "internal",
          "unauthorized: identity token is not valid$")


@test
def registry_token():
    """Given with the request, it is sent as it is and nobody is asked for another."""
    t, store, p = token_registry()
    store.put_image("private/image", "v1")
    token = t.sign([{"type": "repository", "name": "private/image", "actions": ["pull"]}])
    resolve(access(p, repository="private/image", Auth={"registrytoken": token}), "v1").ok()
    equal(t.requests, [], "requests for a token")


@test
def token_server_down():
    t, store, p = token_registry()
    store.put_image("private/image", "v1")
    t.down = 99
    fails(resolve(access(p, repository="private/image", Auth=credentials(), Attempts=1), "v1"), "internal",
          "received unexpected HTTP status: 503 Service Unavailable$")


@test
def token_server_in_plain_text():
    """A password for a registry with TLS does not go to a token server without."""
    c = certificates()
    t = TokenServer(c)
    r = Registry(auth=t, tls=c.sign("localhost", "127.0.0.1"))
    fails(worker.run("registry-login", access(endpoint(r, Ca=c.ca.read_text()), Auth=credentials())), "internal",
          "credentials are not sent to the token server 127.0.0.1 in plain text$")
    equal(t.requests, [], "requests at the token server")


@test
def mirrors_get_no_credentials():
    t, store, p = token_registry()
    store.put_image("private/image", "v1")
    m = FaultProxy(p.registry)
    result = resolve(access(endpoint(m, Mirror=True), p, repository="private/image", Auth=credentials()), "v1").ok()
    equal(result["Endpoint"], 1, "endpoint")
    check(m.requests, "the mirror was not asked")
    for _, _, headers, _ in t.requests[:-1]:
        check("Authorization" not in headers, "the mirror's token was asked for with the password")
    basic = Registry(auth="htpasswd", store_of=store)
    m = FaultProxy(basic)
    resolve(access(endpoint(m, Mirror=True), basic, repository="private/image", Auth=credentials()), "v1").ok()
    check(not any("Authorization" in headers for _, _, headers, _ in m.requests), "the mirror got the password")


@cases([("other port", "127.0.0.1"), ("other host", "127.0.0.2")])
def redirects_get_no_credentials(host):
    r = Registry(auth="htpasswd")
    data = os.urandom(100000)
    r.put_blob("test/image", data)
    open_one = Registry(store_of=r)
    storage = Forwarder(open_one, host=host)
    p = FaultProxy(r)
    p.fault("GET .*/blobs/", status(401, WWW_Authenticate='Basic realm="x"'))
    p.fault("GET .*/blobs/", redirect(storage.url), 9)
    equal(fetch(access(p, Auth=credentials()), data).data, data, "blob")
    equal(len(storage.requests), 1, "requests at the storage")
    check("Authorization" not in storage.requests[0][2], f"the storage got {storage.requests[0][2].get('Authorization')}")
    check("Authorization" in p.seen("GET", "/blobs/")[1][2], "the registry itself got no authorisation")


@test
def redirect_to_itself_keeps_credentials():
    r = Registry(auth="htpasswd")
    image = r.put_image("test/image", "v1")
    p = FaultProxy(r)
    p.fault("GET .*/manifests/v1", status(301, Location="/v2/test/image/manifests/" + image["digest"]))
    equal(resolve(access(p, Auth=credentials()), "v1").ok()["Target"], image, "target")


@test
def redirects_without_end():
    r = Registry()
    p = FaultProxy(r)
    p.fault("GET .*/manifests/", redirect(p.url), 99)
    fails(resolve(access(p), "v1"), "internal", "stopped after 10 redirects$")
    p.faults.clear()
    p.fault("GET .*/manifests/", redirect("file:///etc/passwd?"), 9)
    fails(resolve(access(p), "v1"), "internal", "invalid redirect$")


# --- blobs ---

BLOB = os.urandom(3 << 20)


def blob_registry(data=BLOB):
    r = Registry()
    r.put_blob("test/image", data)
    return r, FaultProxy(r)


@test
def fetch_blob():
    _, p = blob_registry()
    answer = fetch(access(p), BLOB)
    equal((answer.ok()["Transferred"], answer.data == BLOB), (len(BLOB), True), "transferred, right bytes")
    equal(answer.progress[-1]["Current"], len(BLOB), "last progress")
    equal(len(p.requests), 1, "requests")
    equal(fetch(access(p), b"", Digest=digest(b"")).ok()["Transferred"], 0, "bytes of an empty blob")


@cases([("some", 1 << 20), ("all", len(BLOB)), ("one byte is missing", len(BLOB) - 1), ("one byte", 1)])
def fetch_resumes(there):
    _, p = blob_registry()
    answer = fetch(access(p), BLOB, worker.File(BLOB[:there]))
    equal((answer.ok()["Transferred"], answer.data == BLOB), (len(BLOB) - there, True), "transferred, right bytes")
    equal([h.get("Range") for _, _, h, _ in p.requests], [f"bytes={there}-"] if there < len(BLOB) else [], "ranges")


@test
def fetch_does_not_believe_the_prefix():
    """A begin that is not the blob's is found at the end, and does not stay."""
    _, p = blob_registry()
    answer = fetch(access(p), BLOB, worker.File(b"x" * 1000))
    fails(answer, "invalid", f"^filesystem layer verification failed for digest {digest(BLOB)}$")
    equal(answer.data, b"", "what is left in the file")
    equal(fetch(access(p), BLOB, worker.File(BLOB + b"more")).data == BLOB, True, "right bytes where there were too many")


@test
def fetch_without_ranges():
    _, p = blob_registry()
    p.fault("GET .*/blobs/", p.without_ranges, 9)
    answer = fetch(access(p), BLOB, worker.File(BLOB[:12345]))
    equal((answer.ok()["Transferred"], answer.data == BLOB), (len(BLOB), True), "transferred, right bytes")


def pipe_reader(chunks=None):
    """A pipe and a thread that reads it to its end."""
    r, w = os.pipe()
    got = bytearray()

    def read():
        while data := os.read(r, 65536):
            got.extend(data)
            if chunks is not None:
                time.sleep(chunks)
        os.close(r)
    t = threading.Thread(target=read, daemon=True)
    t.start()
    return w, got, t


@cases([("new", 0), ("resumed", 1 << 20), ("all there", len(BLOB))])
def fetch_into_a_pipe(there):
    _, p = blob_registry()
    w, got, t = pipe_reader()
    answer = fetch(access(p), BLOB, worker.File(BLOB[:there]), tee=w)
    os.close(w)
    t.join(10)
    answer.ok()
    equal((answer.data == BLOB, bytes(got) == BLOB), (True, True), "right bytes in the file and the pipe")


@test
def a_slow_reader_does_not_hold_the_download_up():
    _, p = blob_registry()
    r, w = os.pipe()
    file = worker.File()
    job = worker.Running("registry-fetch-blob", {"Access": access(p), "Digest": digest(BLOB), "Size": len(BLOB), "Tee": True},
                         [file, w])
    os.close(w)
    eventually(lambda: file.data == BLOB, "the file holds the blob though nobody reads the pipe")
    check(job.process.poll() is None, "the verb has ended before the pipe was read")
    got = b""
    while data := os.read(r, 1 << 20):
        got += data
    os.close(r)
    job.answer().ok()
    equal(got == BLOB, True, "right bytes in the pipe")


@test
def fetch_ends_with_its_reader():
    _, p = blob_registry()
    r, w = os.pipe()
    os.close(r)
    answer = fetch(access(p), BLOB, tee=w)
    os.close(w)
    fails(answer, "cancelled", "the reader has gone away")


@cases([
    ("cut", lambda p: p.cut(1000000), 2),
    ("cut at once", lambda p: p.cut(0), 2),
    ("dropped", lambda p: drop(), 2),
    ("500", lambda p: status(500), 2),
    ("503 with a time", lambda p: status(503, Retry_After="1"), 2),
    ("429 with a time", lambda p: status(429, b'{"errors":[{"code":"TOOMANYREQUESTS"}]}', Retry_After="1"), 2),
    ("429", lambda p: status(429), 1),
])
def fetch_goes_on_after(fault, times):
    _, p = blob_registry()
    p.fault("GET .*/blobs/", fault(p), times)
    answer = fetch(access(p), BLOB)
    answer.ok()
    equal(answer.data == BLOB, True, "right bytes")
    equal(len(p.requests), times + 1, "requests")
    check(any(line.get("Retry") and line.get("Seconds") for line in answer.progress), f"no word of it: {answer.progress}")
    check(answer.ok()["Transferred"] <= len(BLOB) + 100000, f"{answer.ok()['Transferred']} bytes were transferred")


@cases([
    ("500", status(500), "^received unexpected HTTP status: 500 Internal Server Error$", 2),
    ("429", status(429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'),
     "^toomanyrequests: You have reached your pull rate limit.$", 2),
    ("429 for an hour", status(429, b"", Retry_After="3600"), "^toomanyrequests: too many requests$", 1),
    ("dropped", drop(), "EOF$", 2),
    ("404", status(404), "^unknown blob$", 1),
    ("403", status(403, b'{"errors":[{"code":"DENIED"}]}'), "^pull access denied for short/test/image, ", 1),
])
def fetch_gives_up(fault, pattern, requests):
    _, p = blob_registry()
    p.fault("GET .*/blobs/", fault, 99)
    answer = fetch(access(p, Attempts=2), BLOB, worker.File(BLOB[:5000]))
    check(answer.result is None, "it succeeded")
    matches(answer.message, pattern, "the error")
    equal(len(p.requests), requests, "requests")
    equal(answer.data == BLOB[:5000], True, "what was there stays for the next try")


@cases([("wrong bytes", lambda p: p.wrong_bytes, "^filesystem layer verification failed for digest sha256:"),
        ("too long", lambda p: p.wrong_length(10), f"^blob sha256:[0-9a-f]+ has {len(BLOB) + 10} bytes, but the manifest says"),
        ("too short", lambda p: p.wrong_length(-10), f"^blob sha256:[0-9a-f]+ has {len(BLOB) - 10} bytes, but the manifest says"),
        ("longer than said", lambda p: p.wrong_length(10, False), "^blob sha256:[0-9a-f]+ has more than the"),
        ("shorter than said", lambda p: p.wrong_length(-10, False), "unexpected EOF$|^blob|416|EOF$")])
def fetch_refuses(fault, pattern):
    _, p = blob_registry()
    p.fault("GET .*/blobs/", fault(p), 99)
    answer = fetch(access(p, Attempts=2), BLOB)
    check(answer.result is None, "it succeeded")
    matches(answer.message, pattern, "the error")
    check(answer.data == b"" or BLOB.startswith(answer.data), "wrong bytes were left in the file")


@test(timeout=120)
def fetch_in_ranges():
    """Where one connection is slow there are more, and the order of the bytes does not suffer."""
    data = os.urandom(48 << 20)
    _, p = blob_registry(data)
    p.fault("GET .*/blobs/", p.slow(4 << 20), 99)
    w, got, t = pipe_reader()
    begin = time.monotonic()
    answer = fetch(access(p), data, tee=w)
    os.close(w)
    t.join(10)
    took = time.monotonic() - begin
    answer.ok()
    equal((answer.data == data, bytes(got) == data), (True, True), "right bytes in the file and the pipe")
    check(len(p.requests) >= 3, f"{len(p.requests)} requests")
    check(took < 11, f"it took {took:.1f} s; one connection takes 12")


@test(timeout=120)
def interrupted_ranges_are_resumed():
    """Killed with several ranges under way: what is behind a hole is not believed."""
    data = os.urandom(48 << 20)
    _, p = blob_registry(data)
    p.fault("GET .*/blobs/", p.slow(3 << 20), 99)
    file = worker.File()
    job = worker.Running("registry-fetch-blob", {"Access": access(p), "Digest": digest(data), "Size": len(data)}, [file])
    eventually(lambda: len(p.requests) >= 3, "there are several ranges", timeout=40)
    time.sleep(0.5)
    job.process.send_signal(signal.SIGKILL)
    job.process.wait()
    p.faults.clear()
    answer = fetch(access(p), data, file)
    equal(answer.data == data, True, "right bytes")
    check(answer.ok()["Transferred"] < len(data), "nothing of it was used")


@test
def a_mirror_that_breaks_in_the_middle():
    r, m = blob_registry()
    m.fault("GET .*/blobs/", m.cut(1 << 20))
    m.fault("GET .*/blobs/", status(404), 99)
    p = FaultProxy(r)
    answer = fetch(access(endpoint(m, Mirror=True), p), BLOB)
    equal((answer.ok()["Endpoint"], answer.data == BLOB), (1, True), "endpoint, right bytes")
    matches(p.requests[0][2].get("Range", ""), r"^bytes=\d{6,}-$", "range at the second endpoint")


# --- tags ---

@test
def tags():
    r = Registry()
    image = r.put_image("test/image", "v0")
    wanted = [f"v{i}" for i in range(25)]
    document = r.get_manifest("test/image", image["digest"])
    for tag in wanted:
        r.put_manifest("test/image", tag, document)
    equal(sorted(worker.run("registry-tags", access(r)).ok()["Tags"]), sorted(wanted), "tags")


@test
def tags_in_pages():
    common_api.only_ours()

    class Pages(Server):
        def answer(self, h, body):
            u = urllib.parse.urlsplit(h.path)
            if u.path == "/v2/":
                return reply(h, 200)
            page = int(urllib.parse.parse_qs(u.query).get("page", ["0"])[0])
            more = {"Link": f'</v2/test/image/tags/list?page={page + 1}>; rel="next"'} if page < 4 else {}
            if self.elsewhere and page == 2:
                more = {"Link": f'<{self.elsewhere}/v2/test/image/tags/list?page=3>; rel="next"'}
            reply(h, 200, json.dumps({"name": "x", "tags": [f"p{page}"] if page != 1 else None}).encode(), **more)

    p = Pages()
    p.elsewhere = None
    equal(worker.run("registry-tags", access(p)).ok()["Tags"], ["p0", "p2", "p3", "p4"], "tags")
    p.elsewhere = "http://127.0.0.1:1"
    fails(worker.run("registry-tags", access(p)), "invalid", "goes on somewhere else")


# --- push ---

@test
def push():
    r = Registry()
    config = b'{"os":"linux","architecture":"amd64","config":{},"rootfs":{"type":"layers","diff_ids":[]}}'
    for data in (BLOB, config):
        answer = worker.run("registry-push-blob", {"Access": access(r), "Digest": digest(data), "Size": len(data)},
                            [worker.File(data)]).ok()
        equal((answer["Existed"], answer["MountedFrom"]), (False, ""), "answer")
    again = worker.run("registry-push-blob", {"Access": access(r), "Digest": digest(BLOB), "Size": len(BLOB)}, [worker.File(BLOB)])
    equal(again.ok()["Existed"], True, "Existed of the second push")
    mounted = worker.run("registry-push-blob", {"Access": access(r, repository="test/other"), "Digest": digest(BLOB), "Size": len(BLOB),
                                                "MountFrom": ["no/such", "test/image"]}, [worker.File(BLOB)])
    equal((mounted.ok()["Existed"], mounted.ok()["MountedFrom"]), (False, "test/image"), "answer of the mount")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST,
                           "config": {"mediaType": OCI_CONFIG, "digest": digest(config), "size": len(config)},
                           "layers": [{"mediaType": OCI_LAYER, "digest": digest(BLOB), "size": len(BLOB)}]}).encode()
    answer = worker.run("registry-push-manifest", {"Access": access(r), "Tag": "v1", "MediaType": OCI_MANIFEST},
                        [worker.File(manifest)])
    equal((answer.ok()["Digest"], answer.ok()["Size"]), (digest(manifest), len(manifest)), "answer")
    equal(resolve(access(r), "v1").ok()["Target"]["digest"], digest(manifest), "what is there now")
    equal(fetch(access(r), BLOB).data == BLOB, True, "the blob that is there now")


@test
def push_with_tokens():
    t, _, p = token_registry()
    params = {"Access": access(p, repository="mine/image", Auth=credentials()), "Digest": digest(BLOB), "Size": len(BLOB)}
    worker.run("registry-push-blob", params, [worker.File(BLOB)]).ok()
    contains(urllib.parse.unquote(t.requests[0][1]), "scope=repository:mine/image:push,pull", "the scope")
    t.requests.clear()
    params["Access"] = access(p, repository="mine/other", Auth=credentials())
    answer = worker.run("registry-push-blob", {**params, "MountFrom": ["mine/image"]}, [worker.File(BLOB)])
    equal(answer.ok()["MountedFrom"], "mine/image", "MountedFrom")
    contains(urllib.parse.unquote(t.requests[-1][1]), "scope=repository:mine/image:pull", "the scope of the mount")
    params["Access"] = access(p, repository="public/image")
    fails(worker.run("registry-push-blob", params, [worker.File(BLOB)]), "forbidden",
          "^denied: requested access to the resource is denied$|^denied: ")


@test
def push_goes_on():
    r = Registry()
    p = FaultProxy(r)
    p.fault("PATCH", drop())
    p.fault("PUT", status(500))
    answer = worker.run("registry-push-blob", {"Access": access(p), "Digest": digest(BLOB), "Size": len(BLOB)}, [worker.File(BLOB)])
    answer.ok()
    equal(fetch(access(r), BLOB).data == BLOB, True, "the blob that is there now")
    check(any(line.get("Retry") for line in answer.progress), "no word of it")


@cases([("forbidden", 403, 1), ("too many, later", 429, 2), ("forgotten", 404, 2)])
def push_repeats_what_may_pass(code, requests):
    r = Registry()
    p = FaultProxy(r)
    headers = {"Retry_After": "1"} if code == 429 else {}
    p.fault("PATCH", status(code, **headers), 1)
    answer = worker.run("registry-push-blob", {"Access": access(p), "Digest": digest(BLOB), "Size": len(BLOB)}, [worker.File(BLOB)])
    equal(len(p.seen("PATCH", "/uploads/")), requests, "uploads")
    if requests > 1:
        answer.ok()


@test
def push_of_other_bytes():
    """The registry's refusal is passed on."""
    r = Registry()
    answer = worker.run("registry-push-blob", {"Access": access(r), "Digest": digest(b"x"), "Size": 5}, [worker.File(b"12345")])
    fails(answer, "internal", "^digest invalid: provided digest did not match uploaded content$")


# --- proxies ---

class HttpProxy(Server):
    """Forwards what it is asked for in full, and tunnels."""

    def answer(self, h, body):
        if h.command == "CONNECT":
            return reply(h, 502)
        u = urllib.parse.urlsplit(h.path)
        h.path = urllib.parse.urlunsplit(("", "", u.path, u.query, ""))
        code, headers, data = self.registry.request(h.command, h.path, None, {"Accept": h.headers.get("Accept", "*/*")})
        headers = {k.replace("-", "_"): v for k, v in headers.items() if k.lower() not in ("content-length", "date", "connection")}
        return reply(h, code, data, **headers)


@test
def proxy():
    r = Registry(host=outer_address())
    r.put_image("test/image", "v1")
    proxy = HttpProxy()
    proxy.registry = r
    via = {"Http": "http://u:secret@" + proxy.host, "Https": proxy.host}
    resolve(access(r, Proxies=via), "v1").ok()
    check(proxy.requests, "the proxy was not asked")
    equal(proxy.requests[0][2].get("Proxy-Authorization"), "Basic dTpzZWNyZXQ=", "authorisation at the proxy")
    matches(proxy.requests[0][1], rf"^http://{r.host}/v2/", "what the proxy was asked for")
    proxy.requests.clear()
    resolve(access(r, Proxies={**via, "NoProxy": "example.com,10.213.0.0/16"}), "v1").ok()
    equal(proxy.requests, [], "requests at the proxy though NO_PROXY lists the registry")
    answer = resolve(access("https://" + r.host, Proxies=via), "v1")
    equal(proxy.requests[0][:2], ("CONNECT", r.host), "what the proxy was asked for with TLS")
    check("secret" not in answer.message, "the error has the proxy's password in it")
    loop = Registry(store_of=r)
    proxy.requests.clear()
    resolve(access(loop, Proxies=via), "v1").ok()
    equal(proxy.requests, [], "requests at the proxy for loopback")


# --- the sandbox ---

@test
def sandbox():
    """Without rights, as nobody else, in next to no file system; the password is in no list of arguments and no environment."""
    _, p = blob_registry()
    p.fault("GET .*/blobs/", p.slow(1 << 20), 9)
    job = worker.Running("registry-fetch-blob", {"Access": access(p, Auth=credentials()), "Digest": digest(BLOB), "Size": len(BLOB)},
                         [worker.File()])
    cleanup(job.process.kill)
    eventually(lambda: p.requests, "the download has begun")
    proc = pathlib.Path(f"/proc/{job.process.pid}")
    facts = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        equal(int(facts[name], 16), 0, name)
    equal((facts["NoNewPrivs"].strip(), facts["Seccomp"].strip()), ("1", "2"), "NoNewPrivs, Seccomp")
    uids = set(facts["Uid"].split()) | set(facts["Gid"].split())
    check(len(uids) == 1 and int(next(iter(uids))) >= 65534, f"it runs as {facts['Uid']}")
    equal(facts["Groups"].strip(), "", "groups")
    check(PASSWORD.encode() not in (proc / "cmdline").read_bytes(), "the password is in the arguments")
    check(PASSWORD.encode() not in (proc / "environ").read_bytes(), "the password is in the environment")
    equal(os.stat(proc / "environ").st_uid, 0, "owner of what is in /proc/PID (it may not be dumped)")
    root = proc / "root"
    equal(sorted(os.listdir(root)), sorted(set(os.listdir(root)) & {"etc", "lib", "lib64", "run", "usr", "var"}), "its root directory")
    for gone in ("etc/shadow", "etc/passwd", "proc", "dev", "root", "home", "run/docker.sock", str(common_api.ENGINE.dir)[1:]):
        check(not (root / gone).exists(), f"it sees /{gone}")
    for path in ("x", "etc/x", "usr/lib/x", "etc/hosts"):
        try:
            (root / path).write_text("x")
            check(False, f"/{path} can be written there")
        except OSError as e:
            equal(errno.errorcode[e.errno], "EROFS", f"error of writing /{path}")
    p.faults.clear()


# --- the calls ---

@test
def call_auth():
    r = Registry(auth="htpasswd")
    c = client()
    reply = c.ok("POST", "/auth", {"username": USER, "password": PASSWORD, "serveraddress": r.host})
    equal(reply, {"Status": "Login Succeeded", "IdentityToken": ""}, "reply")
    for address in (f"http://{r.host}/v2/", f"https://{r.host}"):
        equal(c.ok("POST", "/auth", {"username": USER, "password": PASSWORD, "serveraddress": address})["Status"], "Login Succeeded", address)
    bad = c.post("/auth", {"username": USER, "password": "wrong", "serveraddress": r.host})
    matches(bad.message, f"^login attempt to http://{r.host}/v2/ failed with status: 401 Unauthorized$", "the error")
    equal(bad.status, 500, "status of a wrong password")
    bad = c.post("/auth", {"username": USER, "password": PASSWORD, "serveraddress": "127.0.0.1:1"})
    matches(bad.message, "dial tcp 127.0.0.1:1: connect: connection refused$", "the error")
    equal(bad.status, 500, "status of an unreachable registry")
    bad = c.post("/auth", {"serveraddress": "ftp://x"})
    equal((bad.status, "unsupported URL scheme" in bad.message), (400, True), "status, text of another scheme")


@test
def call_auth_with_tokens():
    common_api.only_ours()
    t, _, p = token_registry()
    c = client()
    equal(c.ok("POST", "/auth", {"username": USER, "password": PASSWORD, "serveraddress": p.host}),
          {"Status": "Login Succeeded", "IdentityToken": t.refresh_token}, "reply")
    bad = c.post("/auth", {"username": USER, "password": "wrong", "serveraddress": p.host})
    equal((bad.status, bad.message), (401, f'Get "http://{p.host}/v2/": unauthorized: incorrect username or password'), "refusal")


@test
def call_distribution():
    r = Registry(auth="htpasswd")
    one = r.put_image("a/b", "one", platform=("linux", "arm64"))
    index = r.put_index("a/b", "multi", [(one, "linux", "arm64", "v8"), (one, "linux", "amd64")])
    c = client()
    header = auth_header(**credentials())
    reply = c.ok("GET", f"/distribution/{r.host}/a/b:one/json", headers=header)
    equal(reply, {"Descriptor": one, "Platforms": [{"architecture": "arm64", "os": "linux"}]}, "reply")
    reply = c.ok("GET", f"/distribution/{r.host}/a/b:multi/json", headers=header)
    equal(reply["Descriptor"], index, "descriptor of an index")
    equal(reply["Platforms"], [{"architecture": "arm64", "os": "linux", "variant": "v8"}, {"architecture": "amd64", "os": "linux"}],
          "platforms")
    reply = c.ok("GET", f"/distribution/{r.host}/a/b@{one['digest']}/json", headers=header)
    equal(reply["Descriptor"]["digest"], one["digest"], "by digest")
    missing = c.get(f"/distribution/{r.host}/a/b:nope/json", headers=header)
    equal((missing.status, missing.message), (404, "manifest unknown: manifest unknown"), "a tag that is not there")
    refused = c.get(f"/distribution/{r.host}/a/b:one/json")
    equal(refused.status, 500, "status without credentials")
    matches(refused.message, "no basic auth credentials$", "text without credentials")
    equal(c.get("/distribution/UPPER/json").status, 400, "status of an invalid name")


class Index(Server):
    RESULTS = [{"name": "busybox", "description": "small", "star_count": 3000, "is_official": True, "is_automated": False},
               {"name": "user/busybox", "description": "mine", "star_count": 2, "is_official": False, "is_automated": True}]

    def answer(self, h, body):
        if urllib.parse.urlsplit(h.path).path == "/v1/search":
            return reply(h, 200, json.dumps({"num_results": 2, "results": self.RESULTS}).encode(), Content_Type="application/json")
        return reply(h, 404)


@test
def call_search():
    common_api.only_ours()
    index = Index()
    c = client()

    def names(**query):
        return [r["name"] for r in c.ok("GET", "/images/search", query={"term": f"{index.host}/busy box", **query})]

    results = c.ok("GET", "/images/search", query={"term": f"{index.host}/busy box", "limit": 7})
    equal(results, [dict(r, is_automated=False) for r in Index.RESULTS], "results")
    equal(urllib.parse.parse_qs(urllib.parse.urlsplit(index.requests[-1][1]).query), {"q": ["busy box"], "n": ["7"]}, "query")
    equal(names(filters='{"is-official":["true"]}'), ["busybox"], "official ones")
    equal(names(filters='{"is-official":{"false":true}}'), ["user/busybox"], "others")
    equal(names(filters='{"stars":["3"]}'), ["busybox"], "with stars")
    equal(names(filters='{"is-automated":["true"]}'), [], "automated ones")
    for query, text in (({"limit": 101}, "limit 101 is outside the range of [1, 100]"),
                        ({"filters": '{"is-official":["maybe"]}'}, "invalid filter 'is-official=[maybe]'"),
                        ({"filters": '{"stars":["x"]}'}, "invalid filter 'stars=x'"),
                        ({"filters": '{"colour":["x"]}'}, "invalid filter 'colour'")):
        bad = c.get("/images/search", query={"term": "x", **query})
        equal((bad.status, bad.message), (400, text), f"answer to {query}")
    bad = c.get("/images/search", query={"term": "http://x"})
    equal((bad.status, "should not have a scheme" in bad.message), (400, True), "status, text with a scheme")


@test
def certs_d():
    """A registry on another address is verified, with the authorities of certs.d, and its client certificate shown."""
    c = certificates()
    r = Registry(tls=c.sign("outer", outer_address()), host=OUTER, client_ca=c.ca)
    certificate, key = c.sign("some client", client=True)
    answer = client().post("/auth", {"username": "u", "password": "p", "serveraddress": r.host})
    matches(answer.message, "x509: certificate signed by unknown authority$", "without certs.d")
    certs_directory(r.host, ca_crt=c.ca, client_cert=certificate, client_key=key)
    equal(client().ok("POST", "/auth", {"username": "u", "password": "p", "serveraddress": r.host})["Status"], "Login Succeeded",
          "with certs.d")
    (pathlib.Path("/etc/docker/certs.d") / r.host / "client.key").unlink()
    answer = client().post("/auth", {"serveraddress": r.host})
    equal((answer.status, answer.message.startswith("missing key client.key for client certificate client.cert")), (400, True),
          "status, text without the key")


@test
def certs_d_with_several_certificates():
    """The one is shown whose authority the server trusts; where there is none, it says that it wants one."""
    c, other = certificates(), certificates("another authority")
    r = Registry(tls=c.sign("outer", outer_address()), host=OUTER, client_ca=c.ca)
    good, bad = c.sign("some client", client=True), other.sign("some client", client=True)
    body = {"username": "u", "password": "p", "serveraddress": r.host}
    certs_directory(r.host, ca_crt=c.ca, a_cert=bad[0], a_key=bad[1], b_cert=good[0], b_key=good[1], c_cert=bad[0], c_key=bad[1])
    equal(client().ok("POST", "/auth", body)["Status"], "Login Succeeded", "with the right one in the middle")
    for name in ("b.cert", "b.key"):
        (pathlib.Path("/etc/docker/certs.d") / r.host / name).unlink()
    matches(client().post("/auth", body).message, "certificate required|bad certificate", "without the right one")


@test
def insecure_registries():
    c = certificates()
    r = Registry(tls=c.sign("outer", outer_address()), host=OUTER)
    plain = Registry(host=OUTER)
    body = {"username": "u", "password": "p"}
    answer = client().post("/auth", {**body, "serveraddress": plain.host})
    matches(answer.message, "http: server gave HTTP response to HTTPS client$", "plain text where it is not allowed")
    for option in (f"--insecure-registry={OUTER}/24", None):
        d = own_daemon(*([option] if option else [f"--insecure-registry={r.host}", f"--insecure-registry={plain.host}"]))
        cleanup(d.destroy)
        d.start()
        for server in (r, plain):
            equal(d.client().ok("POST", "/auth", {**body, "serveraddress": server.host})["Status"], "Login Succeeded", server.url)
        info = d.client().ok("GET", "/info")["RegistryConfig"]
        contains(info["InsecureRegistryCIDRs"], "127.0.0.0/8", "InsecureRegistryCIDRs")
        if option:
            contains(info["InsecureRegistryCIDRs"], "10.213.0.0/24", "InsecureRegistryCIDRs")
        else:
            equal(info["IndexConfigs"][r.host], {"Name": r.host, "Mirrors": [], "Secure": False, "Official": False}, "IndexConfigs")
        equal(info["IndexConfigs"]["docker.io"], {"Name": "docker.io", "Mirrors": [], "Secure": True, "Official": True}, "docker.io")


@test
def registry_mirrors():
    r = Registry()
    image = r.put_image("library/mirrored", "latest")
    other = r.put_image("team/app", "v1")
    m = FaultProxy(r)
    d = own_daemon(f"--registry-mirror={m.url}", f"--registry-mirror=quay.example={m.url}")
    cleanup(d.destroy)
    d.start()
    c = d.client()
    equal(c.ok("GET", "/distribution/mirrored/json", headers=auth_header(**credentials()))["Descriptor"], image, "of docker.io")
    equal(c.ok("GET", "/distribution/quay.example/team/app:v1/json")["Descriptor"], other, "of another registry")
    check(not any("Authorization" in headers for _, _, headers, _ in m.requests), "the mirror got the password")
    info = c.ok("GET", "/info")["RegistryConfig"]
    equal(info["Mirrors"], [m.url + "/"], "Mirrors")
    equal(info["IndexConfigs"]["docker.io"]["Mirrors"], [m.url + "/"], "Mirrors of docker.io")


@test
def proxies_of_the_daemon():
    r = Registry(host=outer_address())
    proxy = HttpProxy()
    proxy.registry = r
    for args, env in (([f"--http-proxy=http://u:secret@{proxy.host}", f"--https-proxy=http://u:secret@{proxy.host}", "--no-proxy=x.y"], {}),
                      ([], {"HTTPS_PROXY": f"http://u:secret@{proxy.host}", "http_proxy": f"http://u:secret@{proxy.host}", "NO_PROXY": "x.y"})):
        proxy.requests.clear()
        d = own_daemon(*args, env=env)
        cleanup(d.destroy)
        d.start()
        info = d.client().ok("GET", "/info")
        equal([info[name] for name in ("HttpProxy", "HttpsProxy", "NoProxy")],
              [f"http://xxxxx:xxxxx@{proxy.host}", f"http://xxxxx:xxxxx@{proxy.host}", "x.y"], "proxies in /info")
        answer = d.client().post("/auth", {"username": "u", "password": "p", "serveraddress": r.host})
        equal(proxy.requests[0][:2], ("CONNECT", r.host), "what the proxy was asked for")
        check("secret" not in answer.message, "the error has the proxy's password in it")
        check("secret" not in d.log(), "the log has the proxy's password in it")


@test
def no_secret_is_logged():
    """Not the password, not a token, whatever happens to the request, at the highest level."""
    t, store, p = token_registry()
    store.put_image("private/image", "v1")
    d = own_daemon("--debug", "--http-proxy=http://proxy-user:pr0xy-secret@127.0.0.1:1")
    cleanup(d.destroy)
    d.start()
    c = d.client()
    c.get(f"/distribution/{p.host}/private/image:v1/json", headers=auth_header(**credentials()))
    c.get(f"/distribution/{p.host}/private/image:v1/json", headers=auth_header(**credentials(password="wr0ng-secret")))
    c.post("/auth", {"username": USER, "password": PASSWORD, "serveraddress": p.host})
    c.post("/auth", {"username": USER, "password": "wr0ng-secret", "serveraddress": p.host})
    log = d.log()
    check(len(log) > 100, "there is next to no log")
    for secret in (PASSWORD, "wr0ng-secret", t.refresh_token, "eyJ", "pr0xy-secret"):
        check(secret not in log, f"{secret} is in the log")


@test
def a_client_that_goes_away():
    """Its worker ends with it."""
    common_api.only_ours()

    class Silent(Server):
        def answer(self, h, body):
            time.sleep(30)

    s = Silent()
    with client().open_socket() as sock:
        sock.sendall(f"GET /distribution/{s.host}/a:b/json HTTP/1.1\r\nHost: docker\r\n\r\n".encode())
        eventually(lambda: s.requests, "the registry was asked")
        eventually(lambda: subprocess.run(["pgrep", "-f", "dockerd-worker registry-inspect"], capture_output=True).stdout, "there is a worker")
    eventually(lambda: not subprocess.run(["pgrep", "-f", "dockerd-worker registry-inspect"], capture_output=True).stdout,
               "the worker has ended")
