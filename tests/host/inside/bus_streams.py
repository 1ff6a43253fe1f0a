# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: images in and out through file descriptors, events as a stream, logs that are followed."""

import ctypes
import io
import json
import os
import tarfile
import time

from sdbus import CONTAINER, MANAGER, ROOT, call, demultiplex, drain, read, stream

NOTHING = ctypes.c_int(0)
tar = os.open("/run/share-with-tests/busybox.tar", os.O_RDONLY)

call(ROOT, MANAGER, b"ImportImage", b"ha{sv}", ctypes.c_int(tar), ctypes.c_int(2),
     b"repo", b"s", b"bus/imported", b"tag", b"s", b"one")
print("imported")

fd, kind = stream(call(ROOT, MANAGER, b"SaveImages", b"asa{sv}", ctypes.c_int(1), b"bus/imported:one", NOTHING))
archive = drain(fd)
names = tarfile.open(fileobj=io.BytesIO(archive)).getnames()
print("saved", kind, "manifest.json" in names, "index.json" in names)

call(ROOT, MANAGER, b"RemoveImage", b"sa{sv}", b"bus/imported:one", NOTHING)
with open("/tmp/bus-archive.tar", "w+b") as f:
    f.write(archive)
    f.seek(0)
    call(ROOT, MANAGER, b"LoadImage", b"ha{sv}", ctypes.c_int(f.fileno()), NOTHING)
os.unlink("/tmp/bus-archive.tar")
print("loaded")

since = int(time.time())
path = ctypes.c_char_p()
config = b'{"Image": "bus/imported:one", "Cmd": ["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done"], "HostConfig": {"NetworkMode": "none"}}'
read(call(ROOT, MANAGER, b"CreateContainerFromJSON", b"ss", b"streams", config), b"o", path)
container = path.value
call(container, CONTAINER, b"Start", b"a{sv}", NOTHING)
fd, kind = stream(call(container, CONTAINER, b"Logs", b"a{sv}", ctypes.c_int(1), b"follow", b"b", ctypes.c_int(1)))
print("followed", kind, demultiplex(drain(fd))[1])

fd, kind = stream(call(ROOT, MANAGER, b"GetEvents", b"a{sv}", ctypes.c_int(2),
                       b"since", b"s", str(since - 1).encode(), b"until", b"s", str(int(time.time()) + 1).encode()))
events = [json.loads(line) for line in drain(fd).splitlines()]
print("events", kind, [e["Action"] for e in events if e["Type"] == "container" and e["Actor"]["Attributes"]["name"] == "streams"])
call(container, CONTAINER, b"Remove", b"a{sv}", NOTHING)
call(ROOT, MANAGER, b"RemoveImage", b"sa{sv}", b"bus/imported:one", NOTHING)
