# SPDX-License-Identifier: Apache-2.0
"""Registries on loopback: Debian's docker-registry, plain or with TLS, with htpasswd or a token server of our own, and a
proxy before it that does wrong what it is told to."""

import base64
import contextlib
import hashlib
import http.client
import http.server
import json
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

import harness
from harness import Skip, eventually

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

USER, PASSWORD = "tester", "s3cret:pass/word"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def free_port(host="127.0.0.1"):
    with socket.socket() as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, input=data).stdout


class Certificates:
    """An authority, and what it signs."""

    def __init__(self, directory, name="test authority"):
        self.dir = pathlib.Path(directory)
        self.ca = self.dir / "ca.crt"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.dir / "ca.key", "-out", self.ca, "-days", "2",
                "-subj", f"/CN={name}")

    def sign(self, name, *addresses, client=False):
        key, request, certificate = (self.dir / f"{name}.{suffix}" for suffix in ("key", "csr", "crt"))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extensions = self.dir / f"{name}.ext"
        usage = "clientAuth" if client else "serverAuth"
        names = ",".join(f"IP:{a}" if re.fullmatch(r"[0-9.]+", a) else f"DNS:{a}" for a in addresses or (name,))
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage={usage}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.dir / "ca.key", "-CAcreateserial", "-out", certificate,
                "-days", "2", "-extfile", extensions)
        return certificate, key


class Registry:
    """One docker-registry process. store_of: another one whose images it has, too."""

    def __init__(self, auth=None, tls=None, host="127.0.0.1", client_ca=None, store_of=None):
        self.program = shutil.which("docker-registry")
        if not self.program:
            raise Skip("no docker-registry (apt-get install docker-registry)")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dt-reg-"))
        harness.cleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.address, self.port, self.tls = host, free_port(host), tls
        self.host = f"{host}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        config = {
            "version": "0.1", "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str((store_of or self).dir / "store")}},
            "http": {"addr": self.host, "tls": {}},
        }
        if tls:
            config["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
        if client_ca:
            config["http"]["tls"]["clientcas"] = [str(client_ca)]
        self.basic = auth == "htpasswd"
        if self.basic:
            config["auth"] = {"htpasswd": {"realm": "Registry Realm", "path": str(self.dir / "htpasswd")}}
            self.write_htpasswd()
        elif auth:
            config["auth"] = {"token": {"realm": auth.url + "/token", "service": "test registry", "issuer": "test issuer",
                                        "rootcertbundle": str(auth.certificate)}}
        (self.dir / "config.json").write_text(json.dumps(config))       # JSON is YAML
        self.process = subprocess.Popen([self.program, "serve", self.dir / "config.json"], stdout=subprocess.DEVNULL,
                                        stderr=(self.dir / "log").open("w"))
        harness.cleanup(self.stop)
        eventually(self.is_up, f"docker-registry listens on {self.host}")

    def write_htpasswd(self):
        if not shutil.which("htpasswd"):
            raise Skip("no htpasswd (apt-get install apache2-utils)")
        out = subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], check=True, capture_output=True, text=True).stdout
        (self.dir / "htpasswd").write_text(out)

    def is_up(self):
        if self.process.poll() is not None:
            raise harness.Failed(f"docker-registry has ended: {(self.dir / 'log').read_text()[-300:]}")
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), 1):
            return True
        return False

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def request(self, method, path, body=None, headers=None, trusted=True):
        """trusted: with the password, where there is one."""
        headers = dict(headers or {})
        if self.basic and trusted:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            c = http.client.HTTPSConnection(self.address, self.port, context=context, timeout=20)
        else:
            c = http.client.HTTPConnection(self.address, self.port, timeout=20)
        with contextlib.closing(c):
            c.request(method, path, body, headers)
            r = c.getresponse()
            return r.status, r.headers, r.read()

    def put_blob(self, repository, data):
        status, headers, _ = self.request("POST", f"/v2/{repository}/blobs/uploads/")
        assert status == 202, status
        where = urllib.parse.urlsplit(headers["Location"])
        status, _, text = self.request("PUT", f"{where.path}?{where.query}&digest={digest(data)}", data,
                                       {"Content-Type": "application/octet-stream"})
        assert status == 201, (status, text)
        return digest(data)

    def put_manifest(self, repository, tag, document, media_type=OCI_MANIFEST):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        status, _, text = self.request("PUT", f"/v2/{repository}/manifests/{tag}", data, {"Content-Type": media_type})
        assert status == 201, (status, text)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    def get_manifest(self, repository, name):
        accept = ", ".join((OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST))
        status, _, data = self.request("GET", f"/v2/{repository}/manifests/{name}", headers={"Accept": accept})
        assert status == 200, (status, data)
        return data

    def put_image(self, repository, tag, layers=(b"a layer\n" * 1000,), platform=("linux", "amd64"), media_type=OCI_MANIFEST):
        """Layers as they are; nothing here looks into them."""
        config = json.dumps({"os": platform[0], "architecture": platform[1], "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}}).encode()
        for data in (config, *layers):
            self.put_blob(repository, data)
        return self.put_manifest(repository, tag, {
            "schemaVersion": 2, "mediaType": media_type,
            "config": {"mediaType": OCI_CONFIG, "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": OCI_LAYER, "digest": digest(layer), "size": len(layer)} for layer in layers],
        }, media_type)

    def put_index(self, repository, tag, entries, media_type=OCI_INDEX):
        """entries: (descriptor, os, architecture[, variant])"""
        manifests = []
        for descriptor, *platform in entries:
            names = dict(zip(("os", "architecture", "variant"), platform))
            manifests.append(dict(descriptor, platform=names))
        return self.put_manifest(repository, tag, {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}, media_type)


class Server:
    """An HTTP server in threads that remembers its requests; subclasses answer."""

    def __init__(self, tls=None, host="127.0.0.1"):
        outer = self
        self.requests = []              # (method, path, headers, body)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                # TLS where there is none: closed, as other servers do; http.server waits for a line.
                if not tls and self.connection.recv(1, socket.MSG_PEEK) == b"\x16":
                    return
                super().handle()

            def handle_any(self):
                body = b""
                if self.headers.get("Transfer-Encoding") == "chunked":
                    while (n := int(self.rfile.readline().split(b";")[0], 16)) > 0:
                        body += self.rfile.read(n)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append((self.command, self.path, dict(self.headers), body))
                with contextlib.suppress(OSError):
                    outer.answer(self, body)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = handle_any

            def log_message(self, *args):
                pass

        class Threads(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.server = Threads((host, 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.host = f"{host}:{self.server.server_address[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        harness.cleanup(self.server.server_close)
        harness.cleanup(self.server.shutdown)

    def answer(self, h, body):
        raise NotImplementedError

    def seen(self, method=None, pattern=""):
        return [r for r in self.requests if (not method or r[0] == method) and re.search(pattern, r[1])]


def reply(h, status, body=b"", **headers):
    h.send_response(status)
    for name, value in headers.items():
        h.send_header(name.replace("_", "-"), value)
    if "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        h.send_header("Content-Length", str(len(body)))
    h.end_headers()
    if h.command != "HEAD":
        h.wfile.write(body)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class TokenServer(Server):
    """Signs what docker-registry believes. Anonymous tokens are for reading "public/..." only."""

    def __init__(self, certificates, **kw):
        self.certificate, self.key = certificates.sign("token server")
        self.chain = [base64.b64encode(openssl("x509", "-in", self.certificate, "-outform", "DER")).decode()]
        self.refresh_token = "identity-0123456789"
        self.down = 0                   # so many requests are answered with 503
        super().__init__(**kw)

    def sign(self, access, seconds=300):
        now = int(time.time())
        head = {"typ": "JWT", "alg": "RS256", "x5c": self.chain}
        claims = {"iss": "test issuer", "sub": USER, "aud": "test registry", "exp": now + seconds, "nbf": now - 5, "iat": now - 5,
                  "jti": str(len(self.requests)), "access": access}
        text = encode(json.dumps(head).encode()) + b"." + encode(json.dumps(claims).encode())
        return (text + b"." + encode(openssl("dgst", "-sha256", "-sign", self.key, data=text))).decode()

    def answer(self, h, body):
        if self.down > 0:
            self.down -= 1
            return reply(h, 503)
        known = False
        if h.command == "POST":
            query = urllib.parse.parse_qs(body.decode())
            known = query.get("grant_type") == ["refresh_token"] and query.get("refresh_token") == [self.refresh_token]
            if not known:
                return reply(h, 401, b'{"errors":[{"code":"UNAUTHORIZED","message":"identity token is not valid"}]}')
        else:
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(h.path).query)
            given = h.headers.get("Authorization")
            if given:
                known = given == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                if not known:
                    return reply(h, 401, b'{"details":"incorrect username or password"}')
        access = []
        for scope in " ".join(query.get("scope", [])).split():
            kind, name, actions = scope.rsplit(":", 2) if scope.count(":") > 2 else scope.split(":")
            allowed = actions.split(",") if known else ["pull"] if name.startswith("public/") else []
            if allowed:
                access.append({"type": kind, "name": name, "actions": allowed})
        answer = {"token": self.sign(access)}
        if query.get("offline_token") == ["true"] and known:
            answer["refresh_token"] = self.refresh_token
        reply(h, 200, json.dumps(answer).encode(), Content_Type="application/json")


class FaultProxy(Server):
    """Passes requests on to a registry, but for those that a fault is set for: fault(pattern, action, times).

    Actions take (handler, answer of the registry, body); see the functions below. The answers keep their headers."""

    def __init__(self, registry, **kw):
        self.registry = registry
        self.faults = []                # [pattern, action, times left]
        super().__init__(**kw)

    def fault(self, pattern, action, times=1):
        self.faults.append([pattern, action, times])

    def take_fault(self, method, path):
        for f in self.faults:
            if f[2] > 0 and re.search(f[0], f"{method} {path}"):
                f[2] -= 1
                return f[1]
        return None

    def answer(self, h, body):
        action = self.take_fault(h.command, h.path)
        if action and getattr(action, "instead", False):
            return action(h)
        headers = {k: v for k, v in h.headers.items() if k.lower() not in ("host", "content-length", "transfer-encoding")}
        status, answered, data = self.registry.request(h.command, h.path, body or None, headers, trusted=False)
        if action:
            return action(h, status, answered, data)
        return self.pass_on(h, status, answered, data)

    def head(self, h, status, answered, length):
        h.send_response(status)
        for name, value in answered.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                h.send_header(name, value.replace(self.registry.url, self.url))
        if length is not None:
            h.send_header("Content-Length", str(length))
        h.end_headers()

    def pass_on(self, h, status, answered, data):
        self.head(h, status, answered, answered.get("Content-Length") if h.command == "HEAD" else len(data))
        if h.command != "HEAD":
            h.wfile.write(data)

    # --- actions ---

    def cut(self, after):
        """The connection ends after so many bytes of the body."""
        def action(h, status, answered, data):
            self.head(h, status, answered, len(data))
            h.wfile.write(data[:after])
            h.wfile.flush()
            h.close_connection = True
            with contextlib.suppress(OSError):
                h.connection.shutdown(socket.SHUT_RDWR)
        return action

    def slow(self, rate):
        """Bytes per second."""
        def action(h, status, answered, data):
            self.head(h, status, answered, len(data))
            step = max(rate // 20, 1)
            for at in range(0, len(data), step):
                h.wfile.write(data[at:at + step])
                time.sleep(step / rate)
        return action

    def wrong_bytes(self, h, status, answered, data):
        """The right length, one bit flipped."""
        data = bytearray(data)
        data[len(data) // 2] ^= 1
        self.pass_on(h, status, answered, bytes(data))

    def wrong_length(self, by, honest=True):
        """So many bytes more or less; honest: as the header says."""
        def action(h, status, answered, data):
            data = data + b"x" * by if by > 0 else data[:by]
            self.head(h, status, answered, len(data) if honest else None)
            if not honest:
                h.close_connection = True
            h.wfile.write(data)
        return action

    def replace(self, data, **headers):
        def action(h, status, answered, _):
            for name, value in headers.items():
                name = name.replace("_", "-")
                del answered[name]
                if value is not None:
                    answered[name] = value
            self.pass_on(h, 200, answered, data)
        return action

    def without_ranges(self, h, status, answered, data):
        """As a server that has never heard of them."""
        if status == 206:
            headers = {k: v for k, v in h.headers.items() if k.lower() not in ("host", "range")}
            status, answered, data = self.registry.request("GET", h.path, None, headers, trusted=False)
        self.pass_on(h, status, answered, data)


def status(code, body=b"", **headers):
    """Answers this instead of asking the registry."""
    def action(h):
        reply(h, code, body, **headers)
    action.instead = True
    return action


def drop():
    """Closes the connection without an answer."""
    def action(h):
        h.close_connection = True
        h.connection.shutdown(socket.SHUT_RDWR)
    action.instead = True
    return action


def redirect(target, code=307):
    """To the same path of another server."""
    def action(h):
        reply(h, code, Location=target + h.path)
    action.instead = True
    return action


class Forwarder(FaultProxy):
    """The storage server that registries redirect to: gives blobs out without asking who it is."""
