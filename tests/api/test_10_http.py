# SPDX-License-Identifier: Apache-2.0
"""HTTP itself: versions, headers, errors, bad requests, limits."""

import json
import time

import common_api
from common_api import client, engine, only_ours
from harness import cases, check, cleanup, contains, equal, matches, test


@test
def ping():
    r = client().get("/_ping")
    equal((r.status, r.text), (200, "OK"), "answer")
    for name, pattern in (("api-version", r"^1\.\d+$"), ("ostype", "^linux$"), ("server", r"^Docker/\S+ \(linux\)$"),
                          ("docker-experimental", "^(true|false)$"), ("cache-control", "no-cache"), ("pragma", "no-cache"),
                          ("content-type", r"^text/plain")):
        matches(r.headers.get(name, ""), pattern, f"header {name} of /_ping")


@test
def ping_head():
    r = client().head("/_ping")
    equal((r.status, r.body), (200, b""), "answer")
    matches(r.headers.get("api-version", ""), r"^1\.\d+$", "header Api-Version")
    equal(r.headers.get("content-length"), "0", "Content-Length")


@test
def version():
    v = client().ok("GET", "/version")
    for key in ("Version", "ApiVersion", "MinAPIVersion", "GitCommit", "Os", "Arch", "KernelVersion", "Platform", "Components"):
        check(key in v, f"/version has no {key}")
    equal((v["Os"], v["Arch"], v["MinAPIVersion"]), ("linux", "amd64", "1.24"), "Os, Arch, MinAPIVersion")
    equal(v["Components"][0]["Name"], "Engine", "first component")


@test
def info():
    i = client().ok("GET", "/info")
    for key in ("ID", "Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped", "Images", "Driver",
                "DriverStatus", "Plugins", "MemoryLimit", "SwapLimit", "PidsLimit", "CpuCfsQuota", "KernelVersion",
                "OperatingSystem", "OSType", "Architecture", "NCPU", "MemTotal", "DockerRootDir", "Name", "ServerVersion",
                "Runtimes", "DefaultRuntime", "Swarm", "SecurityOptions", "CgroupDriver", "CgroupVersion", "Warnings",
                "LoggingDriver", "InitBinary", "RegistryConfig", "IndexServerAddress", "LiveRestoreEnabled", "Isolation"):
        check(key in i, f"/info has no {key}")
    check(i["NCPU"] >= 1 and i["MemTotal"] > 1 << 20, f"NCPU {i['NCPU']}, MemTotal {i['MemTotal']}")
    equal(i["Swarm"]["LocalNodeState"], "inactive", "Swarm.LocalNodeState")


@test
def expected_commit_of_old_versions():
    commit = client("1.48").ok("GET", "/info")["RuncCommit"]
    equal(commit["Expected"], commit["ID"], "RuncCommit of 1.48")
    check("Expected" not in client("1.49").ok("GET", "/info")["RuncCommit"], "Expected in 1.49")


@cases([(v, v) for v in ("1.24", "1.30", "1.40", "1.41", "1.44", "1.51")])
def versions(v):
    r = client(v).get("/containers/json")
    equal((r.status, r.json()), (200, []), f"/v{v}/containers/json")


@test
def version_too_old():
    r = client("1.23").get("/version")
    equal(r.status, 400, "status")
    matches(r.text, r"client version 1\.23 is too old\. Minimum supported API version is 1\.24, please upgrade your client "
                    r"to a newer version", "message")


@test
def version_too_new():
    r = client("9.99").get("/version")
    equal(r.status, 400, "status")
    matches(r.message, r"^client version 9\.99 is too new\. Maximum supported API version is 1\.\d+$", "message")


@cases([(p, m, p) for m, p in (("GET", "/nosuch"), ("GET", "/vabc/version"), ("GET", "/v1.44/nosuch"), ("DELETE", "/version"),
                               ("GET", "/"), ("PATCH", "/info"), ("GET", "/containers"), ("POST", "/_ping"))])
def page_not_found(method, path):
    r = client().request(method, path)
    equal((r.status, r.message), (404, "page not found"), f"{method} {path}")
    contains(r.headers.get("content-type", ""), "application/json", "Content-Type")


@test
def options():
    equal(client().request("OPTIONS", "/containers/json").status, 200, "OPTIONS")


@test
def error_headers():
    r = client().get("/containers/nosuch/json")
    equal((r.status, r.message), (404, "No such container: nosuch"), "answer")
    contains(r.headers["content-type"], "application/json", "Content-Type")
    equal(r.body[-1:], b"\n", "last byte of the error body")
    matches(r.headers.get("api-version", ""), r"^1\.", "Api-Version")


@test
def keep_alive():
    c = client().connect()
    cleanup(c.close)
    for i in range(50):
        r = c.request("GET", "/_ping")
        equal((r.status, r.text), (200, "OK"), f"answer {i} on one connection")
    r = c.request("GET", "/containers/nosuch/json")
    equal((r.status, r.message), (404, "No such container: nosuch"), "an error on the same connection")
    equal(c.request("GET", "/_ping").text, "OK", "an answer after an error")


@test
def pipelined():
    out = client().exchange(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n" * 3)
    equal(out.count(b"HTTP/1.1 200"), 3, "answers to three requests in one packet")


@test
def http_1_0():
    out = client().exchange(b"GET /_ping HTTP/1.0\r\n\r\n")
    matches(out.decode(), r"^HTTP/1\.[01] 200.*OK$", "answer to HTTP/1.0")


@cases([
    ("empty", b"", "EOF", 400),
    ("not JSON", b"nonsense", "^invalid JSON: invalid character 'o' in literal null \\(expecting 'u'\\)$", 400),
    ("no key", b"{invalid}", "^invalid JSON: invalid character 'i' looking for beginning of object key string$", 400),
    ("no comma", b'{"Image": "busybox" "Cmd": []}', "^invalid JSON: invalid character '\"' after object key:value pair$", 400),
    ("truncated", b'{"Image": "busy', "^invalid JSON: unexpected EOF$", 400),
    ("array", b"[]", "cannot unmarshal array|invalid JSON|object", 400),
    ("trailing", b'{"Image": "busybox"} {"more": 1}', "after JSON|trailing|invalid JSON", 400),
    ("wrong type", b'{"Image": 5}', "cannot unmarshal number|Image", 400),
    ("wrong nested type", b'{"Image": "busybox", "HostConfig": {"Memory": "much"}}', "cannot unmarshal string|Memory", 400),
    ("deep", b'{"Image": "busybox", "X": ' + b"[" * 20000 + b"]" * 20000 + b"}", "depth|nested|deep", 400),
])
def bad_json(body, pattern, status):
    r = client().post("/containers/create", body, headers={"Content-Type": "application/json"})
    equal(r.status, status, f"status ({r.message!r})")
    matches(r.message, pattern, "message")


@test
def wrong_content_type():
    r = client().post("/containers/create", b'{"Image": "busybox"}', headers={"Content-Type": "text/plain"})
    equal(r.status, 400, "status")
    matches(r.message, r"unsupported Content-Type header \(text/plain\): must be 'application/json'", "message")


@test
def json_with_charset():
    r = client().post("/containers/create", b'{"Image": "busybox"}', headers={"Content-Type": "application/json; charset=utf-8"})
    equal(r.status, 201, f"status ({r.message!r})")


@test
def unknown_keys_are_ignored():
    r = client().post("/containers/create", {"Image": "busybox", "NoSuchKey": {"a": [1]}, "HostConfig": {"NoSuch": 1}})
    equal(r.status, 201, f"status ({r.message!r})")


@test
def keys_match_without_case():
    """As Go's decoder does; older clients rely on it."""
    r = client().post("/containers/create", {"image": "busybox", "hostconfig": {"networkmode": "none"}})
    equal(r.status, 201, f"status ({r.message!r})")
    equal(client().inspect(r.json()["Id"])["HostConfig"]["NetworkMode"], "none", "NetworkMode")


@cases([
    ("filters not JSON", "/containers/json?filters=nonsense", "invalid filter", 400),
    ("filters unknown", '/containers/json?filters={"nosuch":["1"]}', "invalid filter 'nosuch'", 400),
    ("filters bad value", '/containers/json?filters={"status":["nosuch"]}', "(?i)invalid filter 'status=nosuch'|invalid", 400),
    ("filters bad health", '/containers/json?filters={"health":["ill"]}', "invalid filter 'health=ill'", 400),
    ("filters bad exit code", '/containers/json?filters={"exited":["x"]}', "invalid filter 'exited=x'", 400),
    ("filters bad boolean", '/containers/json?filters={"is-task":["maybe"]}', r"invalid filter 'is-task=\[maybe\]'", 400),
    ("images filter", '/images/json?filters={"nosuch":["1"]}', "invalid filter 'nosuch'", 400),
    ("images filter bad boolean", '/images/json?filters={"dangling":["x"]}', r"invalid filter 'dangling=\[x\]'", 400),
    ("images filter two booleans", '/images/json?filters={"dangling":["true","false"]}', "invalid filter 'dangling=", 400),
    ("images filter no image", '/images/json?filters={"before":["nosuch"]}', "No such image: nosuch", 404),
    ("logs without a stream", "/containers/busy/logs", "(?i)Bad parameters: you must choose at least one stream", 400),
])
def bad_query(path, pattern, status):
    c = client()
    if "busy" in path:
        c.create(name="busy", cmd="true")
    r = c.get(path.replace('"', "%22").replace("{", "%7B").replace("}", "%7D"))
    equal(r.status, status, f"status of {path} ({r.message!r})")
    matches(r.message, pattern, "message")


@test
def the_body_does_not_override_path_and_query():
    c = client()
    r = c.post("/containers/create", {"Image": "busybox", "name": "evil", "platform": "no/such"}, query={"name": "good"})
    equal(r.status, 201, f"status ({r.message!r})")
    equal(c.inspect(r.json()["Id"])["Name"], "/good", "name")
    r = c.post("/containers/create", {"Image": "busybox", "name": "evil", "Name": "evil"})
    equal(r.status, 201, f"status ({r.message!r})")
    check(c.inspect(r.json()["Id"])["Name"] != "/evil", "the name was taken from the body")


@test
def old_filters():
    c = client()
    a = c.create(name="one", cmd="true", Labels={"k": "v"})
    c.create(name="two", cmd="true")
    rows = c.ok("GET", "/containers/json", query={"all": 1, "filters": {"label": {"k=v": True}}})
    equal([r["Id"] for r in rows], [a], "rows for the older form of filters")


@cases([(v, v, n) for v, n in (("1", 2), ("true", 2), ("True", 2), ("yes", 2), ("0", 0), ("false", 0), ("False", 0), ("no", 0), ("none", 0), ("", 0))])
def booleans(value, count):
    c = client()
    c.create(name="one", cmd="true")
    c.create(name="two", cmd="true")
    equal(len(c.ok("GET", "/containers/json", query={"all": value})), count, f"rows for all={value}")


@cases([
    ("a folded value", b"Transfer-Encoding:\r\n chunked"),
    ("NUL in a value", b"Content-Length: 0\x005"),
    ("a bare line feed", b"X: a\nContent-Length: 0"),
    ("a bare carriage return", b"X: a\rContent-Length: 0"),
    ("a tab before the colon", b"Content-Length\t: 0"),
])
def smuggled(header):
    """Read in one way by us and in another by whatever is before us: refused, with the connection."""
    only_ours()
    out = client().exchange(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\nPOST /containers/create HTTP/1.1\r\nHost: d\r\n" + header
                            + b"\r\n\r\nGET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
    equal([out.count(b"HTTP/1.1 "), out.count(b"HTTP/1.1 200 OK"), out.count(b"HTTP/1.1 400 Bad Request")], [2, 1, 1], "answers, good, bad")


@cases([
    ("two Content-Length", b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
    ("Content-Length and chunked", b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("bad Content-Length", b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: x\r\n\r\n"),
    ("negative Content-Length", b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: -1\r\n\r\n"),
    ("no Host", b"GET /_ping HTTP/1.1\r\n\r\n"),
    ("NUL in the target", b"GET /containers/a%00b/json HTTP/1.1\r\nHost: d\r\n\r\n"),
    ("unknown transfer encoding", b"POST /containers/create HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: gzip\r\n\r\n"),
    ("no HTTP", b"hello there\r\n\r\n"),
])
def malformed(data):
    """Refused with 4xx (or the connection is closed), and nothing of it is taken for a second request."""
    out = client().exchange(data)
    first = out.split(b"\r\n")[0]
    check(not out or first.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 501")), f"answered {first!r}")
    check(out.count(b"HTTP/1.1 ") <= 1 or not common_api.ENGINE.is_ours, f"more than one answer: {out[:300]!r}")
    check(b"<html" not in out.lower() or not common_api.ENGINE.is_ours, f"the error is HTML: {out[:200]!r}")
    equal(client().get("/_ping").text, "OK", "/_ping afterwards")


@test
def header_bomb():
    data = b"GET /_ping HTTP/1.1\r\nHost: d\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(4000)) + b"\r\n"
    out = client().exchange(data)
    check(not out or out.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400", b"HTTP/1.1 413")), f"4 MB of headers: {out[:100]!r}")
    equal(client().get("/_ping").text, "OK", "/_ping afterwards")


@test
def big_header_within_the_limit():
    """X-Registry-Config of a person with many registries."""
    r = client().get("/_ping", headers={"X-Registry-Config": "y" * 30000})
    equal(r.status, 200, "status with a header of 30 kB")


@test
def long_target():
    out = client().exchange(b"GET /containers/" + b"a" * 1000000 + b"/json HTTP/1.1\r\nHost: d\r\n\r\n")
    check(not out or out.startswith((b"HTTP/1.1 4",)), f"a target of 1 MB: {out[:100]!r}")
    equal(client().get("/_ping").text, "OK", "/_ping afterwards")


@test
def big_json_body():
    only_ours()
    r = client().post("/containers/create", {"Image": "busybox", "Labels": {"x": "y" * 20_000_000}})
    check(r.status in (400, 413), f"a JSON body of 20 MB: {r.status} {r.message[:100]!r}")
    matches(r.message, r"(?i)(too large|too big|limit|exceed)", "message")


@test(timeout=120)
def slow_headers_do_not_hold_others():
    only_ours()
    socks = [client().open_socket(60) for _ in range(100)]
    cleanup(lambda: [s.close() for s in socks])
    for s in socks:
        s.sendall(b"GET /_ping HTTP/1.1\r\nHost:")
    begin = time.monotonic()
    for _ in range(20):
        equal(client().get("/_ping").text, "OK", "/_ping")
    check(time.monotonic() - begin < 2, "/_ping is slow while 100 connections send nothing")


@test(timeout=120)
def a_thousand_idle_connections():
    only_ours()
    socks = []
    cleanup(lambda: [s.close() for s in socks])
    for _ in range(1000):
        try:
            socks.append(client().open_socket(10))
        except OSError:
            break
    check(len(socks) > 100, f"only {len(socks)} connections were taken")
    closed = socks.pop()
    closed.close()
    time.sleep(0.1)
    equal(client().get("/_ping", timeout=10).text, "OK", "/_ping beside a thousand idle connections")


@test
def request_body_in_chunks():
    body = json.dumps({"Image": "busybox", "Cmd": ["true"]}).encode()
    r = client().post("/containers/create", (body[i:i + 7] for i in range(0, len(body), 7)), headers={"Content-Type": "application/json"})
    equal(r.status, 201, f"status ({r.message!r})")


@test
def absolute_target():
    out = client().exchange(b"GET http://docker/_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
    check(out.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 301")), f"answered {out[:60]!r}")


@test
def encoded_names():
    r = client().get("/images/library%2Fbusybox/json")
    check(r.status == 200, f"/images/library%2Fbusybox/json answered {r.status} {r.message[:100]!r}")


@test
def dot_segments_are_no_way_out():
    r = client().get("/containers/../../etc/passwd/json")
    check(r.status in (301, 400, 404), f"answered {r.status}")


@cases([(p, m, p, s) for m, p, s in (
    ("GET", "/swarm", 503), ("GET", "/nodes", 503), ("GET", "/services", 503), ("GET", "/tasks", 503), ("GET", "/secrets", 503),
    ("GET", "/configs", 503))])
def no_swarm(method, path, status):
    r = client().request(method, path)
    check(r.status == status or (common_api.ENGINE.is_ours and r.status == 501), f"{path} answered {r.status} {r.message[:80]!r}")
    check(r.message, "the error has no text")


@cases([(f"{m} {p}", m, p) for m, p in (
    ("POST", "/build"), ("POST", "/swarm/init"), ("GET", "/plugins"), ("POST", "/session"))])
def not_implemented_yet(method, path):
    """Refused by name with 501. This list may only shrink."""
    only_ours()
    c = client()
    if "box/" in path or "=box" in path:
        c.create(name="box", cmd="true")
    r = c.request(method, path, {} if method == "POST" else None)
    equal(r.status, 501, f"status of {method} {path} ({r.message[:100]!r}); if it works now, take it off this list and test it")
    check(len(r.message) > 10, f"the error says only {r.message!r}")
