# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: operations as one client begins many of them. bus_operations.py WHAT REFERENCE [COUNT]"""

import collections
import ctypes
import sys
import time

from sdbus import MANAGER, NAME, ROOT, BusError, bus, call, lib, read

OPERATION, PROPERTIES = b"org.dockerd1.Operation", b"org.freedesktop.DBus.Properties"
NOTHING = ctypes.c_int(0)


def pull(reference, *options):
    """The path, or the message of the error."""
    error, reply = BusError(), ctypes.c_void_p()
    r = lib.sd_bus_call_method(bus, NAME, ROOT, MANAGER, b"PullImage", ctypes.byref(error), ctypes.byref(reply), b"sa{sv}",
                               reference.encode(), ctypes.c_int(len(options) // 3), *options)
    if r < 0:
        return None, error.message.decode()
    path = ctypes.c_char_p()
    read(reply, b"o", path)
    value = path.value
    lib.sd_bus_message_unref(reply)
    return value, None


def state(path):
    value, variant = ctypes.c_char_p(), ctypes.c_char_p()
    reply = call(path, PROPERTIES, b"Get", b"ss", OPERATION, b"State")
    assert lib.sd_bus_message_read(reply, b"v", b"s", ctypes.byref(value)) >= 0, variant
    return value.value.decode()


def wait(path):
    while state(path) == "running":
        time.sleep(0.01)
    return state(path)


def leave(reference):
    """Begins one that ends with its client, and leaves."""
    print(pull(reference, b"cancel-on-disconnect", b"b", ctypes.c_int(1))[0].decode())


def flood(reference, count):
    """Begins many at once, then cancels what was taken."""
    begun = [pull(reference) for _ in range(count)]
    paths = [p for p, _ in begun if p]
    print(len(paths), dict(collections.Counter(e for _, e in begun if e)))
    print(dict(collections.Counter(state(p) for p in paths)))
    for p in paths:
        call(p, OPERATION, b"Cancel", b"")
    print(dict(collections.Counter(state(p) for p in paths)))


def many(reference, count):
    """One after the other, each to its end."""
    begin = time.monotonic()
    print(dict(collections.Counter(wait(pull(reference)[0]) for _ in range(count))))
    print(f"{(time.monotonic() - begin) / count * 1000:.1f} ms for each")


what, reference, *rest = sys.argv[1:]
{"leave": leave, "flood": flood, "many": many}[what](reference, *map(int, rest))
