# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: files into the container "box" and out of it over the bus, as archives in descriptors."""

import ctypes
import io
import os
import sys
import tarfile

from sdbus import CONTAINER, MANAGER, ROOT, call, drain, stream

path = sys.argv[1].encode()


def archive(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
    r, w = os.pipe()
    os.write(w, out.getvalue())
    os.close(w)
    return ctypes.c_int(r)


def content(reply):
    fd, kind = stream(reply)
    t = tarfile.open(fileobj=io.BytesIO(drain(fd)))
    return kind, sorted((m.name, t.extractfile(m).read()) for m in t if m.isreg())


call(ROOT, MANAGER, b"PutContainerArchive", b"ssha{sv}", b"box", b"/tmp", archive("a", b"one"), ctypes.c_int(0))
call(path, CONTAINER, b"PutArchive", b"sha{sv}", b"/tmp", archive("b", b"two"), ctypes.c_int(1), b"copyUIDGID", b"b", ctypes.c_int(1))
print("manager", *content(call(ROOT, MANAGER, b"GetContainerArchive", b"ss", b"box", b"/tmp")))
print("container", *content(call(path, CONTAINER, b"GetArchive", b"s", b"/tmp/b")))
