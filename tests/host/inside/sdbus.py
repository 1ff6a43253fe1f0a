# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: calls of org.dockerd1 with file descriptors, through libsystemd."""

import ctypes
import os
import struct

lib = ctypes.CDLL("libsystemd.so.0")
NAME, ROOT = b"org.dockerd1", b"/org/dockerd1"
MANAGER, CONTAINER = b"org.dockerd1.Manager", b"org.dockerd1.Container"


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
    """The file descriptor of the reply, ours, and how it is framed."""
    fd, kind = ctypes.c_int(), ctypes.c_char_p()
    read(reply, b"hs", fd, kind)
    return os.dup(fd.value), kind.value.decode()


def drain(fd):
    data = b""
    while piece := os.read(fd, 65536):
        data += piece
    return data


def demultiplex(data):
    out = {1: b"", 2: b""}
    while data:
        size = struct.unpack(">I", data[4:8])[0]
        out[data[0]] += data[8:8 + size]
        data = data[8 + size:]
    return out
