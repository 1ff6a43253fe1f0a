# SPDX-License-Identifier: Apache-2.0
"""TLS on tcp:// from end to end: who is let in, streams both ways, hijacked connections, certificates that change."""

import contextlib
import hashlib
import io
import os
import signal
import socket
import ssl
import subprocess
import tarfile
import threading
import time

from client import Client, demultiplex
from common_api import own_daemon
from harness import Failed, Skip, cases, check, cleanup, equal, eventually, test

PORT = 32376
HOST = f"tcp://127.0.0.1:{PORT}"
NONE = {"NetworkMode": "none"}


CERTIFICATES = {
    "server": ("ca", "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth"),
    "client": ("ca", "extendedKeyUsage=clientAuth"),
    "stranger": ("other-ca", "extendedKeyUsage=clientAuth"),
    "wrong-purpose": ("ca", "extendedKeyUsage=serverAuth"),
}
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(directory, *args):
    r = subprocess.run(["openssl", *args], cwd=directory, capture_output=True, text=True)
    check(r.returncode == 0, f"openssl {args[0]}: {r.stderr[-200:]}")


def certificate(directory, name):
    ca, extensions = CERTIFICATES[name]
    (directory / f"{name}.ext").write_text(extensions)
    openssl(directory, "req", *KEY, "-subj", f"/CN={name}", "-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
    openssl(directory, "x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}-key.pem",
            "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem")


def certificates(directory):
    """A certificate authority, a server's and a client's certificate, and another authority's client."""
    if subprocess.run(["which", "openssl"], capture_output=True).returncode != 0:
        raise Skip("openssl is not installed")
    for ca in ("ca", "other-ca"):
        openssl(directory, "req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={ca}", "-keyout", f"{ca}-key.pem", "-out", f"{ca}.pem")
    for name in CERTIFICATES:
        certificate(directory, name)


def context(directory, name=None, maximum=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(directory / "ca.pem")
    if name:
        c.load_cert_chain(directory / f"{name}.pem", directory / f"{name}-key.pem")
    if maximum:
        c.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        c.maximum_version = maximum
        c.set_ciphers("ALL:@SECLEVEL=0")
    return c


def tls_daemon(*args):
    d = own_daemon()
    certificates(d.dir)
    d.args += ["--tlscacert", d.dir / "ca.pem", "--tlscert", d.dir / "server.pem", "--tlskey", d.dir / "server-key.pem", *args]
    d.args = [str(a) for a in d.args]
    d.hosts = [HOST]
    return d.start()


class TlsStream:
    """TLS with a half-close, which Python's sockets do not have."""

    def __init__(self, directory):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context(directory, "client").wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")
        self.sock = socket.create_connection(("127.0.0.1", PORT), 40)
        self.lock = threading.Lock()
        self.early = b""
        self.step(lambda: self.session.do_handshake() or True)

    def step(self, f):
        """What f returns once it has enough input."""
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
                self.incoming.write(data) if data else self.incoming.write_eof()

    def send(self, data):
        for at in range(0, len(data), 16384):
            with self.lock:
                self.session.write(data[at:at + 16384])
                out = self.outgoing.read()
            self.sock.sendall(out)

    def close_write(self):
        with self.lock:
            # unwrap() breaks the session if it finds data.
            with contextlib.suppress(ssl.SSLWantReadError):
                while True:
                    self.early += self.session.read(65536)
            with contextlib.suppress(ssl.SSLWantReadError):
                self.session.unwrap()
            out = self.outgoing.read()
        self.sock.sendall(out)

    def read(self, size):
        def take():
            data, self.early = self.early[:size], self.early[size:]
            return data or self.session.read(size)
        try:
            return self.step(take)
        except ssl.SSLZeroReturnError:
            return b""

    def read_until(self, end):
        data = b""
        while not data.endswith(end):
            data += self.read(1)
        return data

    def read_all(self):
        return b"".join(iter(lambda: self.read(65536), b""))

    def close(self):
        self.sock.close()


@test
def verify():
    d = tls_daemon("--tlsverify")
    equal(Client(HOST, tls=context(d.dir, "client")).get("/_ping").text, "OK", "/_ping with a certificate")
    for who in (None, "stranger", "wrong-purpose"):
        try:
            r = Client(HOST, tls=context(d.dir, who)).get("/_ping")
            raise Failed(f"a client with {who or 'no'} certificate was answered {r.status}")
        except (ssl.SSLError, ConnectionError, Failed) as e:
            if isinstance(e, Failed) and "was answered" in str(e):
                raise
    out = Client(HOST).exchange(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
    equal(out, b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n", "a plain request on the TLS port")
    equal(d.client().get("/_ping").text, "OK", "/_ping on the Unix socket")


@test
def without_verify():
    d = tls_daemon("--tls")
    equal(Client(HOST, tls=context(d.dir)).get("/_ping").text, "OK", "/_ping without a client certificate")


@cases([("1.0", ssl.TLSVersion.TLSv1), ("1.1", ssl.TLSVersion.TLSv1_1)])
def too_old(version):
    d = tls_daemon("--tls")
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        Client(HOST, tls=context(d.dir, None, version)).get("/_ping")
    except (ssl.SSLError, ConnectionError):
        return
    raise Failed("TLS below 1.2 is accepted")


@test
def attach():
    d = tls_daemon("--tlsverify")
    d.load_busybox()
    c = Client(HOST, tls=context(d.dir, "client"))
    i = c.create(cmd="head -n 1; exit 3", host={"NetworkMode": "none"}, OpenStdin=True, StdinOnce=True)
    h = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1})
    c.start(i)
    h.send(b"over TLS\n")
    equal(h.output()[0], b"over TLS\n", "output")
    equal(c.wait(i), 3, "exit code")


@test
def bulk_through_attach():
    """8 MB in and the same 8 MB out at once; then the client's end is told, and the rest still comes."""
    d = tls_daemon("--tlsverify")
    d.load_busybox()
    c = Client(HOST, tls=context(d.dir, "client"))
    i = c.create(cmd="cat; echo end", host=NONE, OpenStdin=True, StdinOnce=True)
    s = TlsStream(d.dir)
    cleanup(s.close)
    s.send(f"POST /containers/{i}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n"
           "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
    check(s.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 "), "the upgrade was refused")
    c.start(i)
    data = os.urandom(1 << 16) * 128
    out = []
    reader = threading.Thread(target=lambda: out.append(s.read_all()))
    reader.start()
    s.send(data)
    s.close_write()
    reader.join(40)
    check(out, "the output did not end")
    stdout, _ = demultiplex(out[0])
    equal((len(stdout), stdout == data + b"end\n"), (len(data) + 4, True), "size of the output, and whether it is the input")
    equal(c.wait(i), 0, "exit code")


@test
def bulk_in_bodies():
    """An upload of 20 MB and a download of 9 MB on one connection, after each other."""
    d = tls_daemon("--tlsverify")
    d.load_busybox()
    client = Client(HOST, tls=context(d.dir, "client"))
    c = client.connect()
    cleanup(c.close)
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as t:
        member = tarfile.TarInfo("big")
        member.size = 20 << 20
        t.addfile(member, io.BytesIO(os.urandom(1 << 20) * 20))
    r = c.request("POST", "/images/create?fromSrc=-&repo=big", tar.getvalue(), {"Content-Type": "application/x-tar"})
    check(r.status == 200 and "error" not in list(r.lines())[-1], f"the upload was answered with {r.status}")
    check(20 << 20 <= client.ok("GET", "/images/big/json")["Size"] < 21 << 20, "size of the uploaded image")

    i = client.create(cmd="yes 0123456789abcde | head -c 8388608", host=NONE, Tty=True)
    client.start(i)
    equal(client.wait(i), 0, "exit code")
    r = c.request("GET", f"/containers/{i}/logs?stdout=1")
    digest, size = hashlib.sha256(), 0
    for piece in r.pieces():
        digest.update(piece)
        size += len(piece)
    wanted = b"0123456789abcde\r\n" * (8388608 // 16)
    equal((size, digest.digest()), (len(wanted), hashlib.sha256(wanted).digest()), "size and digest of the log")
    equal(c.request("GET", "/_ping").text, "OK", "the next request on the connection")


def connections():
    """Sockets of the daemon's port that some process still holds, but for the listening one."""
    rows = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
    return [r for r in rows if r[1].endswith(f":{PORT:04X}") and r[3] != "0A" and r[9] != "0"]


@test
def client_gone_in_a_stream():
    d = tls_daemon("--tlsverify")
    streams = [Client(HOST, tls=context(d.dir, "client")).get("/events") for _ in range(20)]
    equal(len(connections()), 20, "streams that are open")
    for s in streams:
        s.close()
    eventually(lambda: connections() == [], "the daemon notices that the clients went")


@test
def silent_clients_do_not_hold_others():
    d = tls_daemon("--tlsverify")
    socks = [socket.create_connection(("127.0.0.1", PORT)) for _ in range(200)]
    cleanup(lambda: [s.close() for s in socks])
    for s in socks[:100]:
        s.sendall(b"\x16\x03\x01\x02\x00\x01")       # the beginning of a handshake
    begin = time.monotonic()
    equal(Client(HOST, tls=context(d.dir, "client")).get("/_ping").text, "OK", "/_ping beside silent clients")
    check(time.monotonic() - begin < 2, "/_ping is slow beside silent clients")
    for s in (socks[0], socks[-1]):
        s.settimeout(15)
        with contextlib.suppress(ConnectionError):
            equal(s.recv(100), b"", "what a client that does not shake hands gets in the end")


@test
def certificate_changes_on_reload():
    d = tls_daemon("--tlsverify")

    def serial():
        sock = Client(HOST, tls=context(d.dir, "client")).open_socket()
        with sock:
            return sock.getpeercert()["serialNumber"]
    first = serial()
    old = Client(HOST, tls=context(d.dir, "client")).connect()
    cleanup(old.close)
    equal(old.request("GET", "/_ping").text, "OK", "/_ping")
    certificate(d.dir, "server")
    d.reload()
    check(serial() != first, "the old certificate is still served")
    equal(old.request("GET", "/_ping").text, "OK", "/_ping on the connection from before")
    (d.dir / "server.pem").write_text("nonsense")
    d.process.send_signal(signal.SIGHUP)
    eventually(lambda: "server.pem" in d.log(), "the bad certificate is reported")
    equal(Client(HOST, tls=context(d.dir, "client")).get("/_ping").text, "OK", "/_ping after a reload that failed")


@cases([("no key", ["--tls", "--tlscert", "server.pem", "--tlskey", "nosuch.pem"], "nosuch.pem"),
        ("no CA", ["--tlsverify", "--tlscert", "server.pem", "--tlskey", "server-key.pem", "--tlscacert", "nosuch.pem"], "nosuch.pem"),
        ("key of another", ["--tls", "--tlscert", "server.pem", "--tlskey", "client-key.pem"], "X509 key pair")])
def bad_files(args, words):
    d = own_daemon()
    certificates(d.dir)
    d.args += [str(d.dir / a) if a.endswith(".pem") else a for a in args]
    d.hosts = [HOST]
    d.start(wait=False)
    equal(d.process.wait(10), 1, "exit code")
    check(words in d.log(), f"the reason is not told: {d.last_words()}")
