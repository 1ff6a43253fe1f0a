# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: create, attach (a file descriptor in the reply), start, talk, wait, logs and remove over the bus."""

import ctypes
import os
import socket
import struct

lib = ctypes.CDLL("libsystemd.so.0")
NAME, ROOT = b"org.dockerd1", b"/org/dockerd1"


class BusError(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("message", ctypes.c_char_p), ("need_free", ctypes.c_int)]


bus = ctypes.c_void_p()
assert lib.sd_bus_open_system(ctypes.byref(bus)) >= 0, "no system bus"


def call(path, interface, member, types, *arguments):
    error, reply = BusError(), ctypes.c_void_p()
    r = lib.sd_bus_call_method(bus, NAME, path, interface, member, ctypes.byref(error), ctypes.byref(reply), types, *arguments)
    if r < 0:
        raise SystemExit(f"{member.decode()}: {(error.message or os.strerror(-r).encode()).decode()}")
    return reply


def read(reply, types, *targets):
    r = lib.sd_bus_message_read(reply, types, *[ctypes.byref(t) for t in targets])
    assert r >= 0, f"reading {types}: {os.strerror(-r)}"


def stream(reply):
    fd, kind = ctypes.c_int(), ctypes.c_char_p()
    read(reply, b"hs", fd, kind)
    return os.dup(fd.value), kind.value.decode()


def demultiplex(data):
    out = {1: b"", 2: b""}
    while data:
        size = struct.unpack(">I", data[4:8])[0]
        out[data[0]] += data[8:8 + size]
        data = data[8 + size:]
    return out


config = b'{"Image": "busybox", "Cmd": ["sh", "-c", "cat; echo err >&2; exit 5"], "OpenStdin": true, "StdinOnce": true, "HostConfig": {"NetworkMode": "none"}}'
path = ctypes.c_char_p()
reply = call(ROOT, b"org.dockerd1.Manager", b"CreateContainerFromJSON", b"ss", b"overbus", config)
read(reply, b"o", path)
container = path.value
print("created", container.decode())

fd, kind = stream(call(container, b"org.dockerd1.Container", b"Attach", b"a{sv}", ctypes.c_int(0)))
connection = socket.socket(fileno=fd)
call(container, b"org.dockerd1.Container", b"Start", b"a{sv}", ctypes.c_int(0))
connection.sendall(b"through the bus\n")
connection.shutdown(socket.SHUT_WR)
data = b""
connection.settimeout(20)
while piece := connection.recv(65536):
    data += piece
print("attached", kind, demultiplex(data))

code, text = ctypes.c_int64(), ctypes.c_char_p()
read(call(container, b"org.dockerd1.Container", b"Wait", b"s", b""), b"xs", code, text)
print("exit code", code.value)

fd, kind = stream(call(container, b"org.dockerd1.Container", b"Logs", b"a{sv}", ctypes.c_int(0)))
data = b""
while piece := os.read(fd, 65536):
    data += piece
print("logs", demultiplex(data))
call(container, b"org.dockerd1.Container", b"Remove", b"a{sv}", ctypes.c_int(0))
print("removed")
