# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 client for the Docker API over Unix, TCP and TLS sockets.

By hand rather than http.client, since the tests need what a tidy client hides: hijacked connections with half close,
chunked bodies in both directions, malformed requests."""

import json
import socket
import ssl
import struct
import urllib.parse

import harness


class Response:
    def __init__(self, connection, status, reason, headers):
        self.connection = connection
        self.status = status
        self.reason = reason
        self.headers = headers                  # names in lower case; repeated ones joined with ", "
        self._body = None

    @property
    def body(self):
        if self._body is None:
            self._body = b"".join(self.pieces())
        return self._body

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        """The text of an error reply, or the whole body where it is not one."""
        try:
            return self.json()["message"]
        except (ValueError, KeyError, TypeError):
            return self.text

    def pieces(self):
        """The body piece by piece as it arrives."""
        c = self.connection
        if c.method == "HEAD" or self.status in (204, 304) or 100 <= self.status < 200:
            c.release()
            return
        if "chunked" in self.headers.get("transfer-encoding", ""):
            while True:
                line = c.reader.readline()
                if not line:
                    raise harness.Failed(f"{c.what}: the chunked body ended without its last chunk")
                size = int(line.split(b";")[0], 16)
                data = c.reader.read(size)
                if len(data) != size:
                    raise harness.Failed(f"{c.what}: the chunked body ended within a chunk")
                c.reader.readline()
                if size == 0:
                    break
                yield data
        elif "content-length" in self.headers:
            left = int(self.headers["content-length"])
            while left:
                data = c.reader.read1(min(left, 65536))
                if not data:
                    raise harness.Failed(f"{c.what}: the body ended {left} bytes early")
                left -= len(data)
                yield data
        else:
            while True:
                data = c.reader.read1(65536)
                if not data:
                    break
                yield data
        c.release()

    def lines(self):
        """The JSON documents of a stream, one a line."""
        rest = b""
        for piece in self.pieces():
            rest += piece
            while b"\n" in rest:
                line, rest = rest.split(b"\n", 1)
                if line.strip():
                    yield json.loads(line)
        if rest.strip():
            yield json.loads(rest)

    def close(self):
        self.connection.close()


class Connection:
    """One connection; request() may be called again once the response is read."""

    def __init__(self, client, timeout=None):
        self.client = client
        self.sock = client.open_socket(timeout)
        self.reader = self.sock.makefile("rb", buffering=65536)
        self.method = self.what = ""
        self.keep = True

    def release(self):
        if not self.keep:
            self.close()

    def close(self):
        try:
            self.reader.close()
            self.sock.close()
        except OSError:
            pass

    def send_head(self, method, path, headers):
        self.method, self.what = method, f"{method} {path}"
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        self.sock.sendall(head.encode("latin-1"))

    def request(self, method, path, body=None, headers=None, host="docker"):
        head = {"Host": host}
        if headers:
            head.update(headers)
        chunks = None
        if body is not None and not isinstance(body, (bytes, bytearray)):
            if isinstance(body, (dict, list, str, int, bool)):
                body = json.dumps(body).encode()
                head.setdefault("Content-Type", "application/json")
            else:
                chunks, body = body, None
                head.setdefault("Transfer-Encoding", "chunked")
        if body is not None:
            head.setdefault("Content-Length", str(len(body)))
        elif chunks is None and method in ("POST", "PUT"):
            head.setdefault("Content-Length", "0")
        self.send_head(method, path, head)
        try:
            if body:
                self.sock.sendall(body)
            elif chunks is not None:
                for piece in chunks:
                    self.sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.sock.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass                                # the answer to a refused upload may still be there to read
        return self.read_response()

    def read_response(self):
        while True:
            line = self.reader.readline()
            if not line:
                raise harness.Failed(f"{self.what}: the connection was closed without an answer")
            m = harness.matches(line.decode("latin-1"), r"^HTTP/1\.[01] (\d{3}) ?(.*)", f"{self.what}: status line")
            status, reason = int(m.group(1)), m.group(2).strip()
            headers = {}
            while True:
                line = self.reader.readline().decode("latin-1").rstrip("\r\n")
                if not line:
                    break
                name, _, value = line.partition(":")
                name = name.strip().lower()
                headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
            if status != 100:
                break
        if headers.get("connection", "").lower() == "close":
            self.keep = False
        return Response(self, status, reason, headers)


class Hijacked:
    """The stream after an upgraded attach: raw bytes or frames out, stdin in."""

    def __init__(self, connection, response):
        self.connection = connection
        self.response = response
        self.sock = connection.sock
        self.reader = connection.reader

    def send(self, data):
        self.sock.sendall(data)

    def close_write(self):
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.unwrap()
        else:
            self.sock.shutdown(socket.SHUT_WR)

    def read(self, size=65536):
        return self.reader.read1(size)

    def read_all(self):
        return self.reader.read()

    def frame(self):
        """(stream number, data), or None at the end."""
        head = self.reader.read(8)
        if not head:
            return None
        harness.equal(len(head), 8, "length of the last frame's header")
        stream, zero, size = head[0], head[1:4], struct.unpack(">I", head[4:])[0]
        harness.check(stream in (0, 1, 2, 3) and zero == b"\0\0\0", f"not a frame header: {head!r}")
        data = self.reader.read(size)
        harness.equal(len(data), size, "length of the last frame")
        return stream, data

    def frames(self):
        while (f := self.frame()) is not None:
            yield f

    def output(self):
        """(stdout, stderr) to the end of a multiplexed stream."""
        return demultiplex(self.read_all())

    def close(self):
        self.connection.close()


def demultiplex(data):
    """(stdout, stderr) of a whole multiplexed stream."""
    out = {1: [], 2: []}
    at = 0
    while at < len(data):
        head = data[at:at + 8]
        harness.check(len(head) == 8 and head[1:4] == b"\0\0\0", f"not a frame header: {head!r}")
        size = struct.unpack(">I", head[4:8])[0]
        harness.check(len(data) >= at + 8 + size, "the stream ends within a frame")
        out.setdefault(head[0], []).append(data[at + 8:at + 8 + size])
        at += 8 + size
    return b"".join(out[1]), b"".join(out[2])


class Client:
    def __init__(self, address, version=None, tls=None, timeout=60):
        self.address = address                  # unix:///PATH or tcp://HOST:PORT
        self.prefix = f"/v{version}" if version else ""
        self.tls = tls                          # an ssl.SSLContext
        self.timeout = timeout

    def open_socket(self, timeout=None):
        url = urllib.parse.urlsplit(self.address)
        if url.scheme == "unix":
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(timeout or self.timeout)
            sock.connect(url.path)
            return sock
        sock = socket.create_connection((url.hostname, url.port), timeout or self.timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(sock, server_hostname=url.hostname) if self.tls else sock

    def connect(self, timeout=None):
        return Connection(self, timeout)

    def request(self, method, path, body=None, query=None, headers=None, timeout=None, versioned=True):
        """One request on a connection of its own, which is closed when the body has been read."""
        if query:
            pairs = [(k, json.dumps(v) if isinstance(v, dict) else v) for k, v in query.items() if v is not None]
            path += "?" + urllib.parse.urlencode(pairs, doseq=True)
        c = self.connect(timeout)
        c.keep = False
        return c.request(method, (self.prefix if versioned else "") + path, body, headers)

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def head(self, path, **kw):
        return self.request("HEAD", path, **kw)

    def post(self, path, body=None, **kw):
        return self.request("POST", path, body, **kw)

    def delete(self, path, **kw):
        return self.request("DELETE", path, **kw)

    def put(self, path, body=None, **kw):
        return self.request("PUT", path, body, **kw)

    def ok(self, method, path, body=None, wanted=(200, 201, 204), **kw):
        """A request that must succeed; its JSON (or None where there is no body)."""
        r = self.request(method, path, body, **kw)
        wanted = (wanted,) if isinstance(wanted, int) else wanted
        if r.status not in wanted:
            raise harness.Failed(f"{method} {path} answered {r.status} {r.message!r}, expected {wanted[0]}")
        if not r.body:
            return None
        return r.json() if "json" in r.headers.get("content-type", "") else r.text

    def hijack(self, path, body=None, query=None, upgrade=True, timeout=None):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        c = self.connect(timeout)
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"} if upgrade else {}
        r = c.request("POST", self.prefix + path, body, headers)
        if r.status not in (101, 200):
            message = r.message
            c.close()
            raise harness.Failed(f"POST {path} (attach) answered {r.status} {message!r}, expected 101")
        return Hijacked(c, r)

    def exchange(self, data, half_close=False, timeout=10):
        """Send raw bytes, return everything that comes back until the server closes or is silent for a while."""
        sock = self.open_socket(timeout)
        out = b""
        try:
            sock.sendall(data)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
            while True:
                piece = sock.recv(65536)
                if not piece:
                    break
                out += piece
                sock.settimeout(0.5)
        except (TimeoutError, socket.timeout, ConnectionResetError, BrokenPipeError):
            pass
        finally:
            sock.close()
        return out

    # Containers, in the words of the tests.

    def create(self, image="busybox", cmd=None, name=None, host=None, **config):
        body = {"Image": image, **config}
        if cmd is not None:
            body["Cmd"] = cmd if isinstance(cmd, list) else ["sh", "-c", cmd]
        if host:
            body["HostConfig"] = {**body.get("HostConfig", {}), **host}
        reply = self.ok("POST", "/containers/create", body, wanted=201, query={"name": name})
        return reply["Id"]

    def start(self, container):
        self.ok("POST", f"/containers/{container}/start", wanted=204)

    def wait(self, container, condition=None, timeout=None):
        return self.ok("POST", f"/containers/{container}/wait", wanted=200, query={"condition": condition},
                       timeout=timeout)["StatusCode"]

    def inspect(self, container):
        return self.ok("GET", f"/containers/{container}/json", wanted=200)

    def remove(self, container, force=True, missing_ok=True):
        self.ok("DELETE", f"/containers/{container}", wanted=(204, 404) if missing_ok else 204,
                query={"force": int(force), "v": 1})

    def logs(self, container, **query):
        r = self.get(f"/containers/{container}/logs", query={"stdout": 1, "stderr": 1, **query})
        harness.equal(r.status, 200, f"status of the logs of {container[:12]} ({r.message if r.status != 200 else ''})")
        return demultiplex(r.body)

    def run(self, cmd, image="busybox", host=None, **config):
        """Create, start and wait: (exit code, stdout, stderr). The container is removed."""
        c = self.create(image, cmd, host={"NetworkMode": "none", **(host or {})}, **config)
        try:
            self.start(c)
            code = self.wait(c)
            out, err = self.logs(c)
            return code, out.decode(errors="replace"), err.decode(errors="replace")
        finally:
            self.remove(c)

    def exec_create(self, container, cmd, **config):
        body = {"AttachStdout": True, "AttachStderr": True, **config, "Cmd": cmd if isinstance(cmd, list) else ["sh", "-c", cmd]}
        return self.ok("POST", f"/containers/{container}/exec", body, wanted=201)["Id"]

    def exec_attach(self, exec_id, tty=False, upgrade=True, **config):
        return self.hijack(f"/exec/{exec_id}/start", {"Detach": False, "Tty": tty, **config}, upgrade=upgrade)

    def exec_inspect(self, exec_id):
        return self.ok("GET", f"/exec/{exec_id}/json", wanted=200)

    def exec(self, container, cmd, stdin=None, **config):
        """Runs a command in the container: (exit code, stdout, stderr)."""
        x = self.exec_create(container, cmd, AttachStdin=stdin is not None, **config)
        h = self.exec_attach(x)
        if stdin is not None:
            h.send(stdin)
            h.close_write()
        out, err = h.output()
        h.close()
        return self.exec_inspect(x)["ExitCode"], out.decode(errors="replace"), err.decode(errors="replace")
