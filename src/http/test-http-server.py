#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Client of test-http-server: requests, streams, uploads, hijacks, TLS and abuse, over plain sockets.

    test-http-server.py PATH-OF-test-http-server [NAME...]
"""
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

TESTS = []


def test(f):
    TESTS.append(f)
    return f


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what) or "check failed")


def equal(a, b):
    check(a == b, "%r, expected %r" % (a, b))


class Server:
    def __init__(self, binary, directory, tls):
        self.path = os.path.join(directory, "sock")
        self.tls = directory if tls else None
        args = [binary, self.path]
        if tls:
            args += [directory, os.path.join(directory, "ports")]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE)
        for _ in range(200):
            with contextlib.suppress(OSError):
                self.connect().close()
                break
            if self.process.poll() is not None:
                raise SystemExit("the server did not start")
            time.sleep(0.05)
        if tls:
            with open(os.path.join(directory, "ports")) as f:
                self.tcp_port, self.tls_port = [int(x) for x in f.read().split()]

    def connect(self, timeout=10):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        s.connect(self.path)
        return s

    def connect_tcp(self, timeout=10):
        return socket.create_connection(("127.0.0.1", self.tcp_port), timeout)

    def tls_context(self, certificate, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.tls + "/ca.pem")
        context.check_hostname = False
        if version:
            context.minimum_version = context.maximum_version = version
        if certificate:
            context.load_cert_chain("%s/%s.pem" % (self.tls, certificate), "%s/%s-key.pem" % (self.tls, certificate))
        return context

    def connect_tls(self, certificate="client", version=None, timeout=10):
        sock = socket.create_connection(("127.0.0.1", self.tls_port), timeout)
        return self.tls_context(certificate, version).wrap_socket(sock)

    def memory(self):
        with open("/proc/%u/statm" % self.process.pid) as f:
            return int(f.read().split()[1]) * 4096

    def cpu(self):
        with open("/proc/%u/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir("/proc/%u/fd" % self.process.pid))

    def counters(self):
        return request(self, "GET", "/counters").json()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=10)
        equal(self.process.returncode, 0)
        return out


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        check(self.body.endswith(b"\n"), "no newline:", self.body)
        return json.loads(self.body)

    @property
    def message(self):
        return self.json()["message"]


class Connection(http.client.HTTPConnection):
    def __init__(self, sock):
        super().__init__("docker")
        self.sock = sock


def request(server, method, target, body=None, headers={}, sock=None):
    c = Connection(sock or server.connect())
    c.request(method, target, body, dict(headers))
    r = c.getresponse()
    data = r.read()
    if not sock:
        c.sock and c.sock.close()
        c.close()
    return Response(r.status, r.headers, data)


JSON = {"Content-Type": "application/json"}


def raw(server, data, timeout=10, sock=None):
    """Sends bytes, returns all until the server closes."""
    s = sock or server.connect(timeout)
    with s:
        s.sendall(data)
        return read_all(s)


def read_all(s):
    out = b""
    while True:
        try:
            piece = s.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return out
        if not piece:
            return out
        out += piece


def read_until(s, end):
    out = b""
    while not out.endswith(end):
        piece = s.recv(1)
        check(piece, "closed after", out)
        out += piece
    return out


def wait_for(f, what, timeout=10):
    end = time.monotonic() + timeout
    while not f():
        check(time.monotonic() < end, "timed out:", what)
        time.sleep(0.02)


# Requests


@test
def test_routing(server):
    r = request(server, "GET", "/v1.47/echo/abc?text=a%20b+c&list=1&list=2&flag=1", headers={"x-secret": "s"})
    equal(r.status, 200)
    equal(r.headers["Content-Type"], "application/json")
    check(r.headers["Server"].startswith("Docker/") and r.headers["Server"].endswith("(linux)"))
    equal(r.headers["Api-Version"], "1.51")
    equal(r.headers["Ostype"], "linux")
    equal(r.headers["Docker-Experimental"], "false")
    equal(r.json(), {"Id": "abc", "Text": "a b c", "Secret": "s", "List": ["1", "2"], "Flag": True, "Uid": os.getuid()})
    equal(request(server, "GET", "/echo/x?text=a&text=b").json()["Text"], "a")
    equal(request(server, "GET", "/v1.39/echo/x?flag=1").json()["Flag"], False)
    equal(request(server, "GET", "/echo/x?flag=none").json()["Flag"], False)
    equal(request(server, "GET", "/names/a/b%2Fc/json").json()["Id"], "a/b/c")
    equal(request(server, "GET", "/names/json/json/json").json()["Id"], "json/json")
    for n in range(3):
        equal(len(request(server, "GET", "/list?n=%u" % min(n, 2)).json()), n)


@test
def test_unknown(server):
    for method, target in [("GET", "/nosuch"), ("POST", "/echo/x"), ("PATCH", "/echo/x"), ("BREW", "/echo/x"),
                           ("GET", "/vabc/echo/x"), ("GET", "/v1.47"), ("GET", "/echo/a/b"), ("GET", "/"),
                           ("DELETE", "/v1.47/echo/x"), ("HEAD", "/echo/x"), ("GET", "/echo/")]:
        r = request(server, method, target)
        equal(r.status, 404)
        if method != "HEAD":
            equal(r.message, "page not found")
        check("Api-Version" not in r.headers)
    r = request(server, "GET", "/v1.40//echo/./y/../x%20y?text=1")
    equal(r.status, 301)
    equal(r.headers["Location"], "/v1.40/echo/x%20y?text=1")
    r = request(server, "OPTIONS", "/whatever/it/is")
    equal((r.status, r.body), (200, b""))
    equal(r.headers["Api-Version"], "1.51")


@test
def test_versions(server):
    r = request(server, "GET", "/v1.23/echo/x")
    equal(r.status, 400)
    check(r.headers["Content-Type"].startswith("text/plain"))
    equal(r.headers["X-Content-Type-Options"], "nosniff")
    equal(r.body, b"client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client "
                  b"to a newer version\n")
    check("Docker-Experimental" not in r.headers)
    r = request(server, "GET", "/v9.99/echo/x")
    equal(r.status, 400)
    equal(r.message, "client version 9.99 is too new. Maximum supported API version is 1.51")
    equal(r.headers["Api-Version"], "1.51")
    equal(request(server, "GET", "/v1.44/new").message, "GET /new requires minimum API version 1.45")
    equal(request(server, "GET", "/v1.45/new").status, 200)
    equal(request(server, "POST", "/v1.29/doc", '{"Number": 5}', JSON).json(), {"Flag": False, "Uid": os.getuid()})


@test
def test_ping(server):
    r = request(server, "GET", "/_ping")
    equal((r.status, r.body), (200, b"OK"))
    for name, value in [("Cache-Control", "no-cache, no-store, must-revalidate"), ("Pragma", "no-cache"),
                        ("Swarm", "inactive"), ("Ostype", "linux"), ("Content-Type", "text/plain; charset=utf-8")]:
        equal(r.headers[name], value)
    r = request(server, "HEAD", "/v1.24/_ping")
    equal((r.status, r.body, r.headers["Content-Length"]), (200, b"", "0"))


@test
def test_bodies(server):
    r = request(server, "POST", "/doc", '{"name": "n\\u00e9", "Number": 3, "Other": [{}]}', JSON)
    equal(r.status, 201)
    equal(r.json(), {"Flag": False, "Name": "n\u00e9", "Number": 3, "Uid": os.getuid()})
    equal(request(server, "POST", "/doc", "{}", {"Content-Type": "application/json; charset=utf-8"}).status, 201)
    equal(request(server, "POST", "/doc").status, 201)
    for body, headers, message in [
            ("{}", {"Content-Type": "text/plain"},
             "unsupported Content-Type header (text/plain): must be 'application/json'"),
            ("{}", {}, "malformed Content-Type header (): mime: no media type"),
            ("{", JSON, "invalid JSON: "),
            ('{"Number": "x"}', JSON, "invalid JSON: "),
            ('{"Number": 99999999999999999999}', JSON, "invalid JSON: "),
            ("{} {}", JSON, "unexpected content after JSON"),
            ("[" * 100000, JSON, "invalid JSON: "),
            ('{"a":' * 50000, JSON, "invalid JSON: "),
            ('"x"', JSON, "invalid JSON: ")]:
        r = request(server, "POST", "/doc", body, headers)
        equal(r.status, 400)
        check(r.message.startswith(message) and r.message.count("invalid JSON") <= 1, r.message)
    r = request(server, "POST", "/required", "", JSON)
    equal((r.status, r.message), (400, "invalid JSON: got EOF while reading request body"))
    r = request(server, "POST", "/required", iter([b'{"Na', b'me": "c"}']), JSON)
    equal((r.status, r.json()["Name"]), (201, "c"))
    r = request(server, "POST", "/start", b"12345678")
    equal(r.status, 400)
    check("non-empty request body" in r.message)
    equal(request(server, "POST", "/start", b"1234567").status, 204)
    equal(request(server, "POST", "/start", iter([b"1"])).status, 400)
    r = request(server, "POST", "/doc", '{"Name": "%s"}' % ("x" * 1100000), JSON)
    equal(r.status, 413)
    r = request(server, "POST", "/doc", iter([b"x" * 60000] * 30), JSON)
    equal(r.status, 413)
    equal(request(server, "POST", "/doc", '{"Name": "%s"}' % ("x" * 1000000), JSON).status, 201)


@test
def test_errors(server):
    for kind, status in [(0, 500), (1, 400), (2, 401), (3, 403), (4, 404), (5, 409), (7, 501), (8, 503)]:
        r = request(server, "GET", "/fail?n=%u&text=%%22%%0a" % kind)
        equal(r.status, status)
        equal(r.body, b'{"message":"failed: \\"\\n <&>"}\n')
        equal(r.headers["Content-Type"], "application/json")
    r = request(server, "GET", "/fail?n=6")
    equal((r.status, r.body), (304, b""))
    r = request(server, "GET", "/refused")
    equal((r.status, r.message), (501, "flying is not supported by this engine yet"))
    r = request(server, "GET", "/nodes")
    equal(r.status, 503)
    check(r.message.startswith("This node is not a swarm manager. Use \"docker swarm init\""))


@test
def test_malformed_heads(server):
    """One answer each, in our words; the parser reads on after it refused (a Cookie), and must come to no harm."""
    for lines, status in ((b"Cookie: a=;=\"\r\n\r\n", 400), (b"Host:\r\nCookie: a=;=\"\n:\ns: \r\n\r\n", 400), (b"Host: d\r\nCookie: =\"\r\n\r\n", 431)):
        answer = raw(server, b"S * HTTP/1.1\r\n" + lines)
        check(answer.count(b"HTTP/1.1 ") == 1 and b"html" not in answer, lines, answer)
        check(answer.startswith(b"HTTP/1.1 %u " % status), lines, answer)
    chance = random.Random(1)
    pieces = [b"a", b"=", b'"', b";", b",", b" ", b"\n", b":", b"s: x", b"Cookie: ", b'Cookie: a="', b"Host: d\r\n", b"\r\n", b"\t", b"\n ",
              b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"]
    for _ in range(2000):
        head = chance.choice([b"GET / HTTP/1.1\r\n", b"S * HTTP/1.1\r\n", b"POST /a?b HTTP/1.0\r\n"]) + b"".join(chance.choices(pieces, k=chance.randrange(20)))
        with server.connect() as s:
            s.sendall(head + chance.choice([b"", b"\r\n\r\n"]))
            s.settimeout(0.005)             # the head may be incomplete: the server waits for the rest
            try:
                check(b"html" not in s.recv(65536), head)
            except (TimeoutError, ConnectionResetError):
                pass
    equal(request(server, "GET", "/_ping").status, 200)


@test
def test_keepalive(server):
    s = server.connect()
    for i in range(200):
        equal(request(server, "GET", "/echo/%u" % i, sock=s).json()["Id"], str(i))
    for i in range(20):
        equal(request(server, "GET", "/fail?n=4", sock=s).status, 404)
        equal(request(server, "POST", "/doc", "{}", {"Content-Type": "x/y"}, sock=s).status, 400)
    s.sendall(b"GET /echo/1 HTTP/1.1\r\nHost: d\r\n\r\n" * 50 + b"GET /echo/2 HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
    equal(read_all(s).count(b"HTTP/1.1 200 OK"), 51)
    check(b"Id" in raw(server, b"GET /echo/1 HTTP/1.0\r\n\r\n"))


@test
def test_slow(server):
    s = server.connect()
    for _ in range(5):
        start = time.monotonic()
        equal(request(server, "GET", "/slow?ms=100&text=x", sock=s).json()["Text"], "x")
        check(0.09 < time.monotonic() - start < 2)
        r = request(server, "GET", "/slow?ms=10&flag=1", sock=s)
        equal((r.status, r.message), (409, "late failure"))


@test
def test_promise(server):
    with server.connect() as s:
        s.sendall(b"POST /wait?ms=300&text=x HTTP/1.1\r\nHost: d\r\n\r\n")
        start = time.monotonic()
        head = read_until(s, b"\r\n\r\n")
        check(time.monotonic() - start < 0.25)
        check(head.startswith(b"HTTP/1.1 200 OK\r\n") and b"Content-Type: application/json" in head, head)
        body = read_until(s, b"0\r\n\r\n")
        check(time.monotonic() - start > 0.25)
        check(b'"Text":"x"' in body, body)
        equal(request(server, "GET", "/echo/1", sock=s).status, 200)


# Clients that go away


@test
def test_gone(server):
    for target in ["/slow?ms=60000", "/events", "/stream?text=json&n=1000000&size=10&ms=50000"]:
        before = server.counters()["Gone"]
        for close in [lambda s: s.close(), lambda s: s.shutdown(socket.SHUT_WR)]:
            s = server.connect()
            s.sendall(("GET %s HTTP/1.1\r\nHost: d\r\n\r\n" % target).encode())
            time.sleep(0.1)
            close(s)
            wait_for(lambda: server.counters()["Gone"] > before, target)
            before += 1
            s.close()
    s = server.connect()
    s.sendall(b"POST /wait?ms=60000 HTTP/1.1\r\nHost: d\r\n\r\n")
    read_until(s, b"\r\n\r\n")
    before = server.counters()["Gone"]
    s.close()
    wait_for(lambda: server.counters()["Gone"] > before, "wait")


@test
def test_gone_upload(server):
    before = server.counters()["Gone"]
    s = server.connect()
    s.sendall(b"POST /upload HTTP/1.1\r\nHost: d\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
    time.sleep(0.1)
    s.close()
    wait_for(lambda: server.counters()["Gone"] > before, "upload")


# Streams


@test
def test_streams(server):
    for kind, old, new in [("json", "application/json", "application/json"),
                           ("raw", "application/vnd.docker.raw-stream", "application/vnd.docker.raw-stream"),
                           ("multiplexed", "application/vnd.docker.raw-stream", "application/vnd.docker.multiplexed-stream"),
                           ("tar", "application/x-tar", "application/x-tar")]:
        for version, content_type in [("1.41", old), ("1.42", new)]:
            r = request(server, "GET", "/v%s/stream?text=%s&n=5&size=10" % (version, kind))
            equal(r.headers["Content-Type"], content_type)
            equal(r.headers["Transfer-Encoding"], "chunked")
            equal(r.body, b"".join(bytes([97 + i]) * 10 for i in range(5)))
    r = request(server, "GET", "/stream?text=json&n=2&size=1&flag=1")
    equal(r.body, b'ab{"errorDetail":{"message":"failed in the middle"},"error":"failed in the middle"}\r\n')
    try:
        request(server, "GET", "/stream?text=tar&n=2&size=1&flag=1")
        check(False, "a cut-off stream looked complete")
    except http.client.IncompleteRead:
        pass


@test
def test_stream_size(server):
    r = request(server, "GET", "/stream?text=raw&n=2000&size=65536")
    equal(len(r.body), 2000 * 65536)
    check(server.memory() < 200 << 20, server.memory())


@test
def test_back_pressure(server):
    """A client that does not read stops the producer; others are served."""
    with server.connect() as s:
        before = server.counters()
        s.sendall(b"GET /stream?text=raw&n=1000&size=65536 HTTP/1.1\r\nHost: d\r\n\r\n")
        time.sleep(0.3)
        emitted = server.counters()["Emitted"] - before["Emitted"]
        check(0 < emitted < 30, emitted)
        time.sleep(0.3)
        equal(server.counters()["Emitted"] - before["Emitted"], emitted)
        total = 0
        while total < 1000 * 65536:
            total += len(s.recv(1 << 20))
        check(server.counters()["Drained"] > before["Drained"])


@test
def test_events(server):
    streams = []
    for _ in range(20):
        s = server.connect()
        s.sendall(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n")
        streams.append(s)
        read_until(s, b"\r\n\r\n")
    for _ in range(3):
        equal(request(server, "POST", "/emit").status, 204)
        for s in streams:
            check(b'{"event":1}' in read_until(s, b"}\n\r\n"))
    for s in streams:
        s.close()


@test
def test_stuck_reader(server):
    """A producer that cannot wait and a client that does not read: the client has to go."""
    gone, memory = server.counters()["Gone"], server.memory()
    for s in [server.connect(), server.connect_tls()] if server.tls else [server.connect()]:
        with s:
            s.sendall(b"GET /stream?text=raw&ms=1&n=1000000&size=65536 HTTP/1.1\r\nHost: d\r\n\r\n")
            read_until(s, b"\r\n\r\n")
            wait_for(lambda: server.counters()["Gone"] > gone, "the stuck client stays")
            gone += 1
    check(server.memory() - memory < 200 << 20)
    wait_for(lambda: server.counters()["Connections"] <= 2, "connections")


# Uploads


@test
def test_upload(server):
    data = os.urandom(1 << 20)
    r = request(server, "POST", "/upload", data * 20)
    equal(r.json()["Size"], 20 << 20)
    r = request(server, "POST", "/upload", iter([data] * 20))
    equal(r.json()["Size"], 20 << 20)
    equal(request(server, "POST", "/upload", b"").json().get("Size"), None)
    start = time.monotonic()
    r = request(server, "POST", "/upload?ms=2", data * 8)
    equal(r.json()["Size"], 8 << 20)
    check(time.monotonic() - start > 0.2)


@test
def test_upload_back_pressure(server):
    """A reader that is slow slows the client down, not memory up."""
    before = server.memory()
    s = server.connect(0.5)
    s.sendall(b"POST /attach/x?text=refuse HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n")
    s.close()
    s = server.connect(0.5)
    s.sendall(b"POST /upload?ms=500 HTTP/1.1\r\nHost: d\r\nContent-Length: 1000000000\r\n\r\n")
    sent = 0
    try:
        while sent < 50 << 20:
            sent += s.send(b"x" * 65536)
    except socket.timeout:
        pass
    s.close()
    check(sent < 20 << 20, sent)
    check(server.memory() - before < 32 << 20, server.memory() - before)


@test
def test_upload_early_error(server):
    """The client sees the message though it was still sending."""
    for target, status, message in [("/upload?text=refuse", 400, "upload refused at once"),
                                    ("/upload?flag=1&size=100000", 400, "upload refused"),
                                    ("/nosuch", 404, "page not found"), ("/refused", 404, "page not found")]:
        for body in [b"x" * (8 << 20), iter([b"x" * (1 << 20)] * 8)]:
            r = request(server, "POST", target, body)
            equal((r.status, r.message), (status, message))
    r = request(server, "POST", "/upload?size=100000", b"x" * (8 << 20))
    equal(r.status, 200)
    # More than is read on for the sake of the connection: it ends, but not without the answer.
    for connect in [server.connect] + ([server.connect_tcp, server.connect_tls] if server.tls else []):
        for target, status in [(b"/nosuch", 404), (b"/upload?flag=1&size=100000", 400)]:
            with connect() as s:
                s.sendall(b"POST %s HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n" % (target, 150 << 20))
                for _ in range(150):
                    s.sendall(bytes(1 << 20))
                answer = read_all(s)
                check(answer.startswith(b"HTTP/1.1 %d " % status) and b'{"message":"' in answer and b"Connection: close" in answer, answer)
    # Who announces a body and waits is answered, too.
    for target, status in [(b"/nosuch", 404), (b"/upload?text=refuse", 400), (b"/doc", 400)]:
        with server.connect() as s:
            s.sendall(b"POST %s HTTP/1.1\r\nHost: d\r\nContent-Length: 1000\r\n\r\n" % target)
            answer = read_all(s)
            check(answer.startswith(b"HTTP/1.1 %d " % status) and answer.count(b"HTTP/1.1 ") == 1, target, answer)
    # Who asks before sending is refused before sending.
    with server.connect() as s:
        s.sendall(b"POST /nosuch HTTP/1.1\r\nHost: d\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
        check(read_until(s, b"\r\n\r\n").startswith(b"HTTP/1.1 404"))
    with server.connect() as s:
        s.sendall(b"POST /upload?text=refuse HTTP/1.1\r\nHost: d\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
        check(read_until(s, b"\r\n\r\n").startswith(b"HTTP/1.1 400"))
    with server.connect() as s:
        s.sendall(b"POST /upload HTTP/1.1\r\nHost: d\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        equal(read_until(s, b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n")
        s.sendall(b"1234")
        check(read_until(s, b"\r\n\r\n").startswith(b"HTTP/1.1 200"))


@test
def test_drain_is_bounded(server):
    s = server.connect(10)
    s.sendall(b"POST /nosuch HTTP/1.1\r\nHost: d\r\nContent-Length: 10000000000\r\n\r\n")
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 1 << 30:
            sent += s.send(b"x" * (1 << 20))
    check(sent < 200 << 20, sent)
    s.close()
    # ... and in time.
    with server.connect(10) as s:
        s.sendall(b"POST /nosuch HTTP/1.1\r\nHost: d\r\nContent-Length: 1000\r\n\r\n")
        start = time.monotonic()
        read_all(s)
        check(time.monotonic() - start < 6)


@test
def test_load(server):
    """Body in and progress out at the same time."""
    r = request(server, "POST", "/load", iter([b"x" * (1 << 20)] * 64))
    equal(r.body.count(b"\r\n"), 64)
    equal(request(server, "POST", "/load", b"").body, b"")


# Hijacks


def hijack(server, target, extra=b"", headers=b"Connection: Upgrade\r\nUpgrade: tcp\r\n", sock=None, body=b""):
    s = sock or server.connect()
    s.sendall(b"POST " + target + b" HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n" % len(body) + headers + b"\r\n" + body + extra)
    return s, read_until(s, b"\r\n\r\n")


@test
def test_hijack(server):
    for _ in range(3):
        s, head = hijack(server, b"/attach/x")
        check(head.startswith(b"HTTP/1.1 101 "), head)
        for line in [b"Content-Type: application/vnd.docker.multiplexed-stream\r\n", b"Upgrade: tcp\r\n",
                     b"Connection: Upgrade\r\n", b"Api-Version: 1.51\r\n"]:
            check(line in head, line, head)
        s.sendall(b"hello")
        equal(s.recv(100), b"hello")
        s.shutdown(socket.SHUT_WR)
        equal(read_all(s), b"bye 5\n")
        s.close()
    s, head = hijack(server, b"/v1.41/attach/x", extra=b"early")
    check(b"Content-Type: application/vnd.docker.raw-stream\r\n" in head, head)
    s.shutdown(socket.SHUT_WR)
    equal(read_all(s), b"earlybye 5\n")
    s, head = hijack(server, b"/attach/x?ms=100", extra=b"early", body=b"ignored")
    s.shutdown(socket.SHUT_WR)
    equal(read_all(s), b"earlybye 5\n")


@test
def test_hijack_legacy(server):
    s, head = hijack(server, b"/attach/x", headers=b"")
    equal(head, b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n")
    s.sendall(b"hello")
    equal(s.recv(100), b"hello")
    s.shutdown(socket.SHUT_WR)
    equal(read_all(s), b"bye 5\n")


@test
def test_hijack_chunked(server):
    """No body to wait for: the stream itself comes in that framing."""
    s = server.connect()
    s.sendall(b"POST /attach/x?ms=50 HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nConnection: Upgrade\r\n"
              b"Upgrade: tcp\r\n\r\n")
    check(read_until(s, b"\r\n\r\n").startswith(b"HTTP/1.1 101"))
    s.sendall(b"hello")
    equal(s.recv(100), b"hello")
    s.shutdown(socket.SHUT_WR)
    equal(read_all(s), b"bye 5\n")


@test
def test_hijack_refused(server):
    s, head = hijack(server, b"/attach/x?text=refuse")
    check(head.startswith(b"HTTP/1.1 404 Not Found\r\n"), head)
    check(b"Content-Type: application/vnd.docker.raw-stream\r\n" in head)
    equal(read_all(s), b"No such container: x\r\n")


@test
def test_hijack_garbage(server):
    """What follows a refused hijack was meant for the stream: it is no request. Nor is it behind a hijack that came true."""
    second = b"GET /echo/second HTTP/1.1\r\nHost: d\r\n\r\n"
    for headers in [b"Connection: Upgrade\r\nUpgrade: tcp\r\n", b""]:
        s = server.connect()
        s.sendall(b"POST /attach/x?text=refuse HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n" + headers + b"\r\n" + second)
        answer = read_all(s)
        check(answer.startswith(b"HTTP/1.1 404") and b"second" not in answer, answer)
    s, _ = hijack(server, b"/attach/x", second)
    s.sendall(os.urandom(100000) + b"\r\n\r\n" + second)
    s.shutdown(socket.SHUT_WR)
    answer = read_all(s)
    equal(answer.count(b"HTTP/1.1"), 2)             # the echo of what was sent
    check(answer.endswith(b"bye %u\n" % (100004 + 2 * len(second))), answer[-100:])
    # Closed in the middle, from both ends, with bytes on their way.
    before = server.descriptors()
    for i in range(50):
        s, _ = hijack(server, b"/attach/x", b"x" * 1000)
        s.sendall(b"y" * 100000)
        if i % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    wait_for(lambda: server.descriptors() <= before, "descriptors of hijacked connections")


@test
def test_hijack_bulk(server):
    data = os.urandom(1 << 20)
    for connect in [server.connect] + ([server.connect_tcp, lambda: TlsStream(server)] if server.tls else []):
        s, _ = hijack(server, b"/attach/x", sock=connect())
        received = []
        t = threading.Thread(target=lambda: received.append(read_all(s)))
        t.start()
        for _ in range(20):
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        t.join(20)
        check(received, "the echo does not end")
        check(received[0] == data * 20 + b"bye %u\n" % (20 << 20), len(received[0]))
        s.close()


# TLS


class TlsStream:
    """A TLS socket that can close one side, and be used by a reader and a writer at once. Python's own can not."""

    def __init__(self, server):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = server.tls_context("client").wrap_bio(self.incoming, self.outgoing)
        self.sock = socket.create_connection(("127.0.0.1", server.tls_port), 20)
        self.lock = threading.Lock()
        self.early = b""
        self.step(lambda: self.session.do_handshake() or True)

    def step(self, f):
        """What f returns once there is enough input for it."""
        while True:
            with self.lock:
                try:
                    result = f()
                except ssl.SSLWantReadError:
                    result = None
                out = self.outgoing.read()
            if out:
                self.sock.sendall(out)
            if result is not None:
                return result
            data = self.sock.recv(65536)
            with self.lock:
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()

    def sendall(self, data):
        for at in range(0, len(data), 16384):
            with self.lock:
                self.session.write(data[at:at + 16384])
                out = self.outgoing.read()
            self.sock.sendall(out)

    def recv(self, size):
        def take():
            data, self.early = self.early[:size], self.early[size:]
            return data or self.session.read(size)
        try:
            return self.step(take)
        except ssl.SSLZeroReturnError:
            return b""

    def shutdown(self, how):
        with self.lock:
            # unwrap() breaks the session if it finds data.
            with contextlib.suppress(ssl.SSLWantReadError):
                while True:
                    self.early += self.session.read(65536)
            with contextlib.suppress(ssl.SSLWantReadError):
                self.session.unwrap()
            out = self.outgoing.read()
        self.sock.sendall(out)

    def close(self):
        self.sock.close()


def needs_tls(f):
    def wrapped(server):
        if server.tls:
            f(server)
    wrapped.__name__ = f.__name__
    return test(wrapped)


@needs_tls
def test_tls(server):
    with server.connect_tls() as s:
        for i in range(20):
            r = request(server, "GET", "/echo/%u" % i, sock=s)
            equal(r.json()["Id"], str(i))
            equal(r.json()["Caller"], "CN=client")
    for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
        with server.connect_tls(version=version) as s:
            equal(request(server, "POST", "/upload", b"x" * (5 << 20), sock=s).json()["Size"], 5 << 20)
            equal(len(request(server, "GET", "/stream?text=raw&n=100&size=65536", sock=s).body), 100 * 65536)


@needs_tls
def test_tls_refused(server):
    """Without a certificate, with one of another CA, one for servers, an expired one, and old protocols."""
    for certificate in [None, "other", "server", "expired"]:
        for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
            try:
                with server.connect_tls(certificate, version) as s:
                    s.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
                    data = s.recv(1000)
                    check(False, certificate, "was served:", data)
            except ssl.SSLError as e:
                check("ALERT" in str(e).upper(), certificate, version, e)
    old = subprocess.run(["openssl", "s_client", "-tls1_1", "-connect", "127.0.0.1:%u" % server.tls_port],
                         stdin=subprocess.DEVNULL, capture_output=True)
    check(old.returncode != 0)
    with server.connect_tcp() as s:
        equal(request(server, "GET", "/echo/1", sock=s).status, 200)


@needs_tls
def test_tls_garbage(server):
    for data in [b"GET / HTTP/1.1\r\nHost: d\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 70000, os.urandom(5000)]:
        with socket.create_connection(("127.0.0.1", server.tls_port), 10) as s:
            with contextlib.suppress(OSError):
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            answer = read_all(s)
            if data.startswith(b"GET"):
                equal(answer, b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
            else:
                check(b"HTTP" not in answer)
    before = server.descriptors()
    sockets = [socket.create_connection(("127.0.0.1", server.tls_port), 10) for _ in range(50)]
    with server.connect_tls() as s:
        equal(request(server, "GET", "/echo/1", sock=s).status, 200)
    for s in sockets:
        s.close()
    wait_for(lambda: server.descriptors() <= before + 2, "descriptors after handshakes that never came")


@needs_tls
def test_tls_half_close(server):
    """After the client's close_notify the server may still speak."""
    s, _ = hijack(server, b"/attach/x", sock=TlsStream(server))
    s.sendall(b"hello")
    equal(read_until(s, b"o"), b"hello")
    s.shutdown(socket.SHUT_WR)
    equal(read_all(s), b"bye 5\n")
    s.close()


@needs_tls
def test_tls_gone(server):
    before = server.counters()["Gone"]
    s = server.connect_tls()
    s.sendall(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n")
    read_until(s, b"\r\n\r\n")
    s.close()
    wait_for(lambda: server.counters()["Gone"] > before, "TLS client")


@needs_tls
def test_tls_reload(server):
    def serial():
        with server.connect_tls() as s:
            return s.getpeercert()["serialNumber"]
    first = serial()
    old = server.connect_tls()
    make_certificate(server.tls, "server", "serverAuth")
    equal(request(server, "POST", "/reload").status, 204)
    check(serial() != first)
    equal(request(server, "GET", "/echo/1", sock=old).status, 200)
    with open(server.tls + "/server.pem") as f:
        good = f.read()
    with open(server.tls + "/server.pem", "w") as f:
        f.write("rubbish")
    equal(request(server, "POST", "/reload").status, 400)
    with open(server.tls + "/server.pem", "w") as f:
        f.write(good)
    serial()


# Abuse


@test
def test_smuggling(server):
    """Each of these could be read as another number of requests: one answer, then the connection is closed."""
    second = b"GET /echo/second HTTP/1.1\r\nHost: d\r\n\r\n"
    for head in [b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
                 b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n12345",
                 b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 b"POST /doc HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                 b"POST /doc HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 b"POST /doc HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                 b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Length: -1\r\n\r\n",
                 b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Length: 1, 1\r\n\r\n1",
                 b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Length: 99999999999999999999\r\n\r\n",
                 b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Length : 5\r\n\r\n12345",
                 b"POST /doc HTTP/1.1\r\n\r\n",
                 b"POST /doc HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                 b"POST /doc HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]:
        answer = raw(server, head + second)
        check(b"second" not in answer, head, answer)
        check(b" 200 OK" not in answer and b" 201 Created" not in answer, head, answer)
        equal(answer.count(b"HTTP/1.1 "), 1)
        # A request before it does not change that, and it has its own answer.
        answer = raw(server, b"GET /echo/first HTTP/1.1\r\nHost: d\r\n\r\n" + head + second)
        check(b"first" in answer and b"second" not in answer, head, answer)
        equal(answer.count(b"HTTP/1.1 "), 2)


FIRST = b"GET /echo/first HTTP/1.1\r\nHost: d\r\n\r\n"
SECOND = b"GET /echo/second HTTP/1.1\r\nHost: d\r\n\r\n"
# Each would be lost on, or bent by, a parser that unfolds headers, ends a value at NUL and takes bare line ends.
HEAD = b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
ODD = [HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n", HEAD + b"Transfer-Encoding:\r\n\tchunked\r\n\r\n", HEAD + b"X: a\r\n b\r\n\r\n",
       HEAD + b" X: a\r\n\r\n", HEAD + b"Content-Length: 2\x005\r\n\r\n{}", HEAD + b"Content-Length: 2\x00\r\n\r\n{}",
       HEAD + b"Content-Len\x00gth: 2\r\n\r\n{}", HEAD + b"X: a\x01b\r\n\r\n", HEAD + b"X: a\x7fb\r\n\r\n",
       HEAD + b"X: a\nContent-Length: 5\r\n\r\n{}", HEAD + b"X: a\rContent-Length: 5\r\n\r\n", HEAD + b"X: a\n\n", HEAD + b"X: a\r\n\n",
       HEAD + b"X: a\n\r\n", HEAD + b"\r\r\n\r\n", HEAD + b"X\r\n\r\n", HEAD + b": a\r\n\r\n", HEAD + b"X : a\r\n\r\n",
       HEAD + b"X\xc3: a\r\n\r\n", HEAD + b"X\t: a\r\n\r\n", b"POST /doc\x00x HTTP/1.1\r\nHost: d\r\n\r\n",
       b"POST\t/doc HTTP/1.1\r\nHost: d\r\n\r\n", b"POST  /doc HTTP/1.1\r\nHost: d\r\n\r\n", b"POST /doc HTTP/1.1 \r\nHost: d\r\n\r\n",
       b"POST /doc  HTTP/1.1\r\nHost: d\r\n\r\n", b"POST /doc HTTP/1.1\nHost: d\n\n", b"P\x00ST /doc HTTP/1.1\r\nHost: d\r\n\r\n",
       b" POST /doc HTTP/1.1\r\nHost: d\r\n\r\n", b"\nPOST /doc HTTP/1.1\r\nHost: d\r\n\r\n",
       HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n",
       HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n",
       HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\n",
       HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: a\r\n b\r\n\r\n",
       HEAD + b"Upgrade: x\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n"]


@test
def test_raw_heads(server):
    """Looked for in the bytes, before the parser sees them, on every listener and in every request of a connection."""
    connects = [server.connect] + ([server.connect_tcp, server.connect_tls] if server.tls else [])
    for head in ODD:
        for connect in connects:
            answer = raw(server, head + SECOND, sock=connect())
            check(answer.startswith(b"HTTP/1.1 400 ") and b"Connection: close" in answer, head, answer)
            check(b"second" not in answer and answer.count(b"HTTP/1.1 ") == 1, head, answer)
        answer = raw(server, FIRST + FIRST + head + SECOND)
        check(answer.count(b'"first"') == 2 and b"second" not in answer and answer.count(b" 400 ") == 1, head, answer)
        with server.connect() as s:                 # byte by byte, on a kept connection
            equal(request(server, "GET", "/echo/first", sock=s).status, 200)
            with contextlib.suppress(OSError):
                for i in range(len(head)):
                    s.sendall(head[i:i + 1])
            answer = read_all(s)
            check(answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1, head, answer)
    # Bytes behind a hijack are no requests; neither is an empty line.
    s, answer = hijack(server, b"/attach/x", b"\x00\n early")
    check(answer.startswith(b"HTTP/1.1 101"), answer)
    s.close()
    check(b"second" in raw(server, b"\r\n" + SECOND.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))
    wait_for(lambda: server.counters()["Connections"] <= 2, "refused connections stay open")


@test
def test_cut_off(server):
    """What ends in the middle of a head or a body ends at once, also if the end comes with the bytes."""
    for data in [HEAD, HEAD + b"Content-Length: 100\r\n\r\n{", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
                 b"POST /upload HTTP/1.1\r\nHost: d\r\nContent-Length: 100\r\n\r\nx", b"GE"]:
        for connect in [server.connect] + ([server.connect_tcp] if server.tls else []):
            with connect() as s:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                start = time.monotonic()
                with contextlib.suppress(ConnectionResetError):
                    check(b" 200 " not in read_all(s))
                check(time.monotonic() - start < 1.5, "held for the time of a body or a head: %r" % data)


@test
def test_chunks(server):
    """The end of a chunked body is where the client said, or nothing behind it is looked at."""
    head = b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    second = b"GET /echo/second HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"
    for body in [b"2\r\n{}\r\n0\r\n\r\n", b"0002\r\n{}\r\n0\r\n\r\n", b"2;x=y\r\n{}\r\n0\r\n\r\n", b"1\r\n{\r\n1\r\n}\r\n000\r\n\r\n",
                 b"2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n", b"C\r\n{          }\r\n0\r\n\r\n"]:
        answer = raw(server, head + body + second)
        check(answer.startswith(b"HTTP/1.1 201") and b'"second"' in answer, body, answer)
        equal(answer.count(b"HTTP/1.1 "), 2)
    for body in [b"0x2\r\n{}\r\n0\r\n\r\n", b"+2\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b" 2\r\n{}\r\n0\r\n\r\n",
                 b"2 2\r\n{}\r\n0\r\n\r\n", b"\r\n{}\r\n0\r\n\r\n", b"10000000000000002\r\n{}\r\n0\r\n\r\n", b"2\r\n{}0\r\n\r\n",
                 b"2\r{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 50000 + b"\r\n"]:
        answer = raw(server, head + body + second)
        check(b"second" not in answer, body[:50], answer)
        check(answer == b"" or answer.startswith(b"HTTP/1.1 4"), body[:50], answer)
        check(answer.count(b"HTTP/1.1 ") <= 1, body[:50], answer)


@test
def test_endless_chunk_extension(server):
    """The parser would get stuck on it: it is refused before."""
    data = (b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2;"
            + b"x" * 200000)
    for _ in range(3):
        with server.connect() as s:
            with contextlib.suppress(OSError):
                s.sendall(data)
            check(read_all(s).startswith(b"HTTP/1.1 400 "), "not refused")


@test
def test_lengths(server):
    """A body that is not wanted is no request."""
    inner = b"GET /echo/inner HTTP/1.1\r\nHost: d\r\n\r\n"
    outer = b"GET /echo/outer HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"
    for target in [b"/echo/x", b"/nosuch", b"/_ping", b"/counters", b"/fail", b"/v9.9/echo/x", b"/a//b"]:
        length = b"Content-Length: %d\r\n\r\n" % len(inner)
        answer = raw(server, b"GET " + target + b" HTTP/1.1\r\nHost: d\r\n" + length + inner + outer)
        check(b"inner" not in answer and b"outer" in answer, target, answer)
        equal(answer.count(b"HTTP/1.1 "), 2)


@test
def test_refusals(server):
    """What is no HTTP gets one answer in words, whoever found it out, and can be read even by who goes on sending."""
    get = b"GET /echo/x HTTP/1.1\r\nHost: d\r\n"
    post = b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n"
    for data, status, words in [
            (b"hello there\r\n\r\n", b"400 Bad Request", b""),
            (b"GET /echo/x HTTP/1.1\r\n\r\n", b"400 Bad Request", b"missing required Host header"),
            (b"GET /echo/x HTTP/7.0\r\nHost: d\r\n\r\n", b"505 ", b""),
            (get + b"no colon\r\n\r\n", b"400 Bad Request", b""),
            (get + b"Bad Name: x\r\n\r\n", b"400 Bad Request", b"invalid header name"),
            (post + b"Content-Length: x\r\n\r\n", b"400 Bad Request", b'bad Content-Length "x"'),
            (post + b"Transfer-Encoding: gzip\r\n\r\n", b"501 Not Implemented", b"unsupported transfer encoding"),
            (chunked + b"zz\r\n", b"400 Bad Request", b""),
            (chunked + b"2\r\n{}x\r\n0\r\n\r\n", b"400 Bad Request", b""),
            (chunked + b"ffffffffffffffffff\r\n{}", b"413 ", b""),
            (b"GET /" + b"a" * 3000000 + b" HTTP/1.1\r\n", b"414 ", b""),
            (get + b"X: " + b"a" * 3000000 + b"\r\n", b"431 ", b"")]:
        for s in [server.connect(), server.connect_tls()] if server.tls else [server.connect()]:
            answer = raw(server, data, sock=s)
            head, _, body = answer.partition(b"\r\n\r\n")
            check(head.startswith(b"HTTP/1.1 " + status), data[:80], answer[:200])
            check(b"Connection: close" in head and b"Content-Type: text/plain" in head, answer)
            check(body.startswith(status) and words in body and b"<" not in body, data[:80], answer)
            equal(answer.count(b"HTTP/1.1 "), 1)
    for data in [b"GET\r\n\r\n", b"GET /a b HTTP/1.1\r\nHost: d\r\n\r\n"]:
        # The parser closes without a word.
        answer = raw(server, data)
        check(answer == b"" or answer.startswith(b"HTTP/1.1 400"), answer)
    wait_for(lambda: server.counters()["Connections"] <= 2, "refused connections stay open")


@test
def test_targets(server):
    for target in [b"/echo/%00", b"/echo/x?text=%00", b"http://d/echo/x", b"*", b"echo/x", b"/echo/%zz", b"/echo/\x01"]:
        answer = raw(server, b"GET " + target + b" HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
        check(b" 200 OK" not in answer, target, answer)
        check(answer == b"" or answer.startswith(b"HTTP/1.1 4"), target, answer)


@test
def test_header_bombs(server):
    before = server.memory()
    big = b"x" * 100000
    equal(request(server, "GET", "/echo/x", headers={"X-Secret": "y" * 60000}).json()["Secret"], "y" * 60000)
    for data in [b"GET /echo/x HTTP/1.1\r\nHost: d\r\nX: " + big * 30,
                 b"GET /echo/x HTTP/1.1\r\nHost: d\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(100000)),
                 b"GET /echo/x HTTP/1.1\r\nHost: d\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(1000)) + b"\r\n",
                 b"GET /" + big * 30 + b" HTTP/1.1\r\nHost: d\r\n\r\n", b"\0" * 200000, b"\r\n" * 200000, b"G" * 200000]:
        with server.connect() as s:
            with contextlib.suppress(OSError):
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
            answer = read_all(s)
            check(b" 200 OK" not in answer, answer[:200])
    check(server.memory() - before < 64 << 20)


@test
def test_slow_headers(server):
    """A byte now and then does not keep a connection for ever."""
    s = server.connect(20)
    start = time.monotonic()
    try:
        for c in b"GET /echo/x HTTP/1.1\r\nHost: d\r\nX-Long: " + b"x" * 100:
            s.sendall(bytes([c]))
            time.sleep(0.2)
        check(False, "still open after %u s" % (time.monotonic() - start))
    except OSError:
        pass
    check(time.monotonic() - start < 10)


@test
def test_slow_body(server):
    s = server.connect(20)
    start = time.monotonic()
    try:
        s.sendall(b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            s.sendall(b" ")
            time.sleep(0.2)
        check(False, "still open after %u s" % (time.monotonic() - start))
    except OSError:
        pass
    check(time.monotonic() - start < 10)


@test
def test_idle_connections(server):
    """More than the limit: the oldest idle ones make room, everybody is served, descriptors come back."""
    before, memory = server.descriptors(), server.memory()
    sockets = []
    for i in range(5000):
        s = server.connect()
        sockets.append(s)
        if len(sockets) > 600:
            sockets.pop(0).close()
        if i % 500 == 0:
            equal(request(server, "GET", "/echo/x").status, 200)
    equal(request(server, "GET", "/echo/x").status, 200)
    n = server.counters()["Connections"]
    check(n <= 301, n)
    check(server.memory() - memory < 150 << 20, server.memory())
    for s in sockets:
        s.close()
    wait_for(lambda: server.descriptors() <= before + 4, "descriptors")


@test
def test_idle_timeout(server):
    with server.connect(20) as s:
        equal(request(server, "GET", "/echo/x", sock=s).status, 200)
        start = time.monotonic()
        equal(read_all(s), b"")
        check(5 < time.monotonic() - start < 12)


@test
def test_idle_crowd(server):
    """Many idle clients have to go sooner: the parser keeps its buffer for each."""
    sockets = [server.connect(20) for _ in range(120)]
    for s in sockets:
        equal(request(server, "GET", "/echo/x", sock=s).status, 200)
    start = time.monotonic()
    wait_for(lambda: server.counters()["Connections"] <= 55, "the crowd stays", 5)
    check(time.monotonic() - start > 1)
    equal(sum(s.recv(1, socket.MSG_DONTWAIT) == b"" for s in sockets[60:]), 60)
    for s in sockets:
        s.close()


@test
def test_bodies_together(server):
    """Bodies have a limit each, and all of them together."""
    head = b"POST /doc HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    sockets = [server.connect(20) for _ in range(60)]
    answers = []
    for s in sockets:
        s.sendall(head + b" " * 999990)
    for s in sockets:
        s.sendall(b" " * 8 + b"{}")
        answers.append(s.recv(20))
        s.close()
    check(15 <= sum(b" 503 " in a for a in answers) <= 25, answers)
    equal(request(server, "POST", "/doc", "{}", JSON).status, 201)


@test
def test_half_open_leak(server):
    """Requests whose client closes its side at once: nothing may stay behind."""
    before = server.descriptors()
    for _ in range(100):
        for s in [server.connect()] + ([server.connect_tcp()] if server.tls else []):
            s.sendall(b"GET /echo/x HTTP/1.1\r\nHost: d\r\n\r\n")
            s.shutdown(socket.SHUT_WR)
            read_all(s)
            s.close()
    wait_for(lambda: server.descriptors() <= before + 4, "descriptors", 15)


@test
def test_concurrent(server):
    """Many clients of all kinds at once."""
    errors = []

    def client(i):
        try:
            for j in range(10):
                match (i + j) % 5:
                    case 0:
                        equal(request(server, "GET", "/slow?ms=%u&text=a" % (i % 20)).json()["Text"], "a")
                    case 1:
                        equal(len(request(server, "GET", "/stream?text=raw&n=20&size=50000").body), 1000000)
                    case 2:
                        equal(request(server, "POST", "/upload", b"x" * 500000).json()["Size"], 500000)
                    case 3:
                        s, _ = hijack(server, b"/attach/x")
                        s.shutdown(socket.SHUT_WR)
                        equal(read_all(s), b"bye 0\n")
                    case 4:
                        server.connect().close()
        except Exception as e:
            errors.append(e)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(60)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not errors, errors[:3])


def make_certificate(directory, name, usage, ca="ca", days=10):
    run = lambda *args: subprocess.run(args, check=True, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name,
        "-keyout", name + "-key.pem", "-out", name + ".csr")
    with open(os.path.join(directory, name + ".ext"), "w") as f:
        f.write("extendedKeyUsage=%s\nsubjectAltName=IP:127.0.0.1\n" % usage)
    if days > 0:
        run("openssl", "x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + "-key.pem", "-CAcreateserial",
            "-days", str(days), "-extfile", name + ".ext", "-out", name + ".pem")
    else:
        run("certtool", "--generate-certificate", "--load-request", name + ".csr", "--load-ca-certificate", ca + ".pem",
            "--load-ca-privkey", ca + "-key.pem", "--template", "expired.cfg", "--outfile", name + ".pem")


def make_certificates(directory):
    for name in ["ca", "other-ca"]:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                        "/CN=" + name, "-days", "10", "-keyout", name + "-key.pem", "-out", name + ".pem"],
                       check=True, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    make_certificate(directory, "server", "serverAuth")
    make_certificate(directory, "client", "clientAuth")
    make_certificate(directory, "other", "clientAuth", ca="other-ca")
    with open(directory + "/expired.cfg", "w") as f:
        f.write('cn = expired\nactivation_date = "2020-01-01"\nexpiration_date = "2020-01-02"\ntls_www_client\n')
    if shutil.which("certtool"):
        make_certificate(directory, "expired", "clientAuth", days=0)
    else:
        print("certtool is not there: the test with an expired certificate uses one of another CA")
        for suffix in [".pem", "-key.pem"]:
            shutil.copy(directory + "/other" + suffix, directory + "/expired" + suffix)


def main():
    names = sys.argv[2:]
    tls = bool(shutil.which("openssl"))
    with tempfile.TemporaryDirectory(prefix="test-http-") as directory:
        if tls:
            make_certificates(directory)
        else:
            print("openssl is not there: no TLS tests")
        server = Server(sys.argv[1], directory, tls)
        failed = 0
        for t in TESTS:
            if names and t.__name__ not in names and t.__name__.removeprefix("test_") not in names:
                continue
            start = time.monotonic()
            try:
                t(server)
                result = "ok"
            except Exception as e:
                failed += 1
                result = "FAILED: %s: %s" % (type(e).__name__, str(e)[:1000])
            print("%-28s %6.2f s  %s" % (t.__name__, time.monotonic() - start, result), flush=True)
            if server.process.poll() is not None:
                print("the server died: %s" % server.process.returncode)
                return 1
        # Stopped in the middle of everything.
        busy = [server.connect() for _ in range(20)]
        for i, s in enumerate(busy):
            s.sendall([b"GET /slow?ms=60000 HTTP/1.1\r\nHost: d\r\n\r\n", b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n",
                       b"POST /upload HTTP/1.1\r\nHost: d\r\nContent-Length: 10\r\n\r\n1", b"GET /ec",
                       b"POST /wait?ms=60000 HTTP/1.1\r\nHost: d\r\n\r\n"][i % 5])
        hijacked = [hijack(server, b"/attach/x")[0]]
        if server.tls:
            hijacked.append(hijack(server, b"/attach/x", sock=server.connect_tls())[0])
        time.sleep(0.2)
        print(server.stop().decode().strip())
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
