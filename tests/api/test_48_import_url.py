# SPDX-License-Identifier: Apache-2.0
"""docker import from a URL: a server of the tests that redirects, lies, is slow, and a proxy."""

import gzip
import json
import pathlib
import shutil
import socket
import tempfile
import time

import common_api
import images
from common_api import client, only_ours, own_daemon
from harness import cases, check, cleanup, equal, matches, test
from registry import Certificates, Server, free_port, reply
from test_46_pull import forget


class Web(Server):
    """Answers by a table of paths: bytes, or a function of the handler."""

    def __init__(self, pages=None, **kw):
        self.pages = dict(pages or {})
        super().__init__(**kw)

    def answer(self, h, body):
        page = self.pages.get(h.path)
        if page is None:
            reply(h, 404, b"nothing here\n")
        elif callable(page):
            page(h)
        else:
            reply(h, 200, page)


def redirect(target, status=302):
    return lambda h: reply(h, status, b"elsewhere", Location=target)


def import_url(url, c=None, **query):
    """(lines, error, status). A plain error reply has its status."""
    r = (c or client()).post("/images/create", query={"fromSrc": url, **query})
    if r.status != 200:
        return [], r.message, r.status
    lines = list(r.lines())
    return lines, next((line["error"] for line in lines if "error" in line), None), 200


def id_of(lines):
    return matches(lines[-1].get("status", ""), r"^sha256:[0-9a-f]{64}$").group(0)


ROOT = images.busybox_tar()


@test
def import_and_run():
    web = Web({"/root.tar": ROOT})
    lines, error, _ = import_url(web.url + "/root.tar", repo="from-web", tag="1")
    cleanup(forget, "from-web:1")
    equal(error, None, "error")
    equal(lines[0], {"status": f"Downloading from {web.url}/root.tar"}, "first line")
    progress = lines[1:-1]
    check(progress, "no progress lines")
    for line in progress:
        equal((line["status"], line["progressDetail"]["total"]), ("Importing", len(ROOT)), f"progress line {line}")
    i = client().ok("GET", "/images/from-web:1/json")
    equal((i["Id"], i["Comment"]), (id_of(lines), f"Imported from {web.url}/root.tar"), "id and comment")
    equal(client().run("echo it runs", image="from-web:1")[1], "it runs\n", "output of a container")
    equal(web.requests[0][2].get("Authorization"), None, "Authorization header")
    only_ours()
    matches(web.requests[0][2]["User-Agent"], r"^dockerd/", "User-Agent")


@test
def without_a_scheme_and_compressed():
    web = Web({"/root.tar.gz": gzip.compress(ROOT, 1)})
    lines, error, _ = import_url(web.host + "/root.tar.gz", message="mine", changes="CMD [\"id\"]")
    equal(error, None, "error")
    cleanup(forget, id_of(lines))
    i = client().ok("GET", f"/images/{id_of(lines)}/json")
    equal((i["Comment"], i["Config"]["Cmd"]), ("mine", ["id"]), "comment and command")


@test
def no_length():
    def chunked(h):
        h.send_response(200)
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        for i in range(0, len(ROOT), 100_000):
            piece = ROOT[i:i + 100_000]
            h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        h.wfile.write(b"0\r\n\r\n")

    web = Web({"/root.tar": chunked})
    lines, error, _ = import_url(web.url + "/root.tar")
    equal(error, None, "error")
    cleanup(forget, id_of(lines))
    equal(lines[1].get("progressDetail", {}).get("total"), None, "total of the progress")


@cases([(str(s), s) for s in (301, 302, 303, 307, 308)])
def redirects(status):
    other = Web({"/there": ROOT})
    web = Web({"/here": redirect("/between", status), "/between": redirect(other.url + "/there", status)})
    lines, error, _ = import_url(web.url + "/here")
    equal(error, None, "error")
    cleanup(forget, id_of(lines))


@test
def redirects_without_end():
    web = Web({"/loop": redirect("/loop")})
    _, error, status = import_url(web.url + "/loop")
    equal((status, error), (500, f'Get "{web.url}/loop": stopped after 10 redirects'), "reply")
    only_ours()
    equal(len(web.requests), 11, "requests")


@test
def credentials_of_the_url_go_no_further():
    """They are sent to its host alone, and shown to nobody."""
    only_ours()
    other = Web({"/there": ROOT})
    web = Web({"/here": redirect(other.url + "/there")})
    lines, error, _ = import_url(f"http://me:sesame@{web.host}/here")
    equal(error, None, "error")
    cleanup(forget, id_of(lines))
    check(web.requests[0][2]["Authorization"].startswith("Basic "), "the URL's own host got no credentials")
    equal(other.requests[0][2].get("Authorization"), None, "Authorization after a redirect")
    i = client().ok("GET", f"/images/{id_of(lines)}/json")
    check("sesame" not in json.dumps([lines, i]), "the password is shown")
    _, error, _ = import_url(f"http://me:sesame@{web.host}/nosuch")
    check("sesame" not in error, f"the password is shown: {error}")
    check("sesame" not in common_api.ENGINE.log(), "the password is in the log")


@cases([("404", 404, 404, "404 Not Found"), ("401", 401, 401, "401 Unauthorized"), ("403", 403, 403, "403 Forbidden"), ("400", 400, 400, "400 Bad Request"),
        ("503", 503, 500, "503 Service Unavailable")])
def refusals(status, wanted, text):
    web = Web({"/x": lambda h: reply(h, status, b"  because of\x1b[31m this\n")})
    _, error, got = import_url(web.url + "/x")
    equal(got, wanted, "status")
    only_ours()         # which shows the escape sequence to the terminal
    equal(error, f"failed to GET {web.url}/x with status {text}: because of [31m this", "error")


@test
def nobody_there():
    port = free_port()
    _, error, status = import_url(f"http://127.0.0.1:{port}/x")
    equal((status, error), (500, f'Get "http://127.0.0.1:{port}/x": dial tcp 127.0.0.1:{port}: connect: connection refused'), "reply")


@cases([("ftp", "ftp://127.0.0.1/x"), ("file", "file:///etc/passwd"), ("gopher", "gopher://127.0.0.1/"), ("no host", "http:///x")])
def not_of_the_web(url):
    _, error, status = import_url(url)
    equal(status, 500, f"status: {error}")


@test
def redirect_to_a_file():
    only_ours()
    web = Web({"/x": redirect("file:///etc/passwd")})
    _, error, status = import_url(web.url + "/x")
    equal(status, 500, "status")
    matches(error, r"unsupported protocol scheme", "error")


@test
def line_breaks():
    r = client().post("/images/create", query={"fromSrc": "http://127.0.0.1/x\r\nX-Evil: 1"})
    equal(r.status, 400, "status")


@test
def cut():
    """Nothing is made of half an archive, even where it is cut between two files."""
    whole = images.TarWriter().add("a", b"a" * 512).add("b", b"b" * 512).bytes()

    def half(h):
        h.send_response(200)
        h.send_header("Content-Length", str(len(whole)))
        h.end_headers()
        h.wfile.write(whole[:1024])
        h.wfile.flush()
        h.connection.shutdown(socket.SHUT_RDWR)

    web = Web({"/x": half})
    before = {i["Id"] for i in client().ok("GET", "/images/json", query={"all": 1})}
    _, error, _ = import_url(web.url + "/x")
    check(error, "no error")
    equal({i["Id"] for i in client().ok("GET", "/images/json", query={"all": 1})}, before, "images")
    only_ours()
    matches(error, r'^Get "http://[0-9.:]+/x": unexpected EOF$', "error")


@test
def garbage():
    web = Web({"/x": b"no archive at all " * 1000})
    lines, error, _ = import_url(web.url + "/x")
    check(error, f"no error: {lines}")


@test
def client_goes_away():
    """The download ends with the last client."""
    only_ours()
    gone = []

    def slow(h):
        h.send_response(200)
        h.send_header("Content-Length", "1000000")
        h.end_headers()
        try:
            for _ in range(300):
                h.wfile.write(b"\0" * 512)
                h.wfile.flush()
                time.sleep(0.1)
        except OSError:
            gone.append(time.monotonic())

    web = Web({"/x": slow})
    c = client().connect()
    c.send_head("POST", f"/v1.51/images/create?fromSrc={web.url}/x", {"Host": "docker", "Content-Length": "0"})
    deadline = time.monotonic() + 10
    while not web.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    c.close()
    while not gone and time.monotonic() < deadline:
        time.sleep(0.1)
    check(gone, "the download goes on without a client")


@test
def tls():
    """Certificates are looked at."""
    only_ours()
    d = pathlib.Path(tempfile.mkdtemp(prefix="dt-web-"))
    cleanup(shutil.rmtree, d, ignore_errors=True)
    web = Web({"/x": ROOT}, tls=Certificates(d).sign("server", "127.0.0.1"))
    _, error, status = import_url(web.url + "/x")
    equal((status, error), (500, f'Get "{web.url}/x": tls: failed to verify certificate: x509: certificate signed by unknown authority'), "reply")


@test
def proxy():
    """The daemon's proxy is asked; what NO_PROXY lists is not."""
    def pass_on(h):
        reply(h, 200, ROOT)

    through = Web({"http://far.example/root.tar": pass_on})
    d = own_daemon(config={"proxies": {"http-proxy": through.url, "no-proxy": "near.example"}})
    d.start()
    lines, error, _ = import_url("http://far.example/root.tar", d.client())
    equal(error, None, "error")
    equal(lines[0], {"status": "Downloading from http://far.example/root.tar"}, "first line")
    _, error, _ = import_url("http://near.example/root.tar", d.client())
    matches(error, "lookup near.example", "error without the proxy")
    equal(len(through.requests), 1, "requests of the proxy")


@test
def platform():
    web = Web({"/root.tar": ROOT})
    lines, error, _ = import_url(web.url + "/root.tar", platform="linux/arm64/v8")
    equal(error, None, "error")
    cleanup(forget, id_of(lines))
    i = client().ok("GET", f"/images/{id_of(lines)}/json")
    equal((i["Os"], i["Architecture"]), ("linux", "arm64"), "platform")
    equal(import_url(web.url + "/root.tar", platform="linux/nosuch/a/b")[2], 400, "status of a platform that is none")
    _, error, status = import_url(web.url + "/root.tar", platform="windows/amd64")
    equal((status, error), (400, "operating system is not supported"), "reply for another operating system")
