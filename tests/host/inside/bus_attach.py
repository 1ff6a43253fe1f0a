# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: create, attach (a file descriptor in the reply), start, talk, wait, logs and remove over the bus."""

import ctypes
import socket

from sdbus import CONTAINER, MANAGER, ROOT, call, demultiplex, drain, read, stream

config = b'{"Image": "busybox", "Cmd": ["sh", "-c", "cat; echo err >&2; exit 5"], "OpenStdin": true, "StdinOnce": true, "HostConfig": {"NetworkMode": "none"}}'
path = ctypes.c_char_p()
reply = call(ROOT, MANAGER, b"CreateContainerFromJSON", b"ss", b"overbus", config)
read(reply, b"o", path)
container = path.value
print("created", container.decode())

fd, kind = stream(call(container, CONTAINER, b"Attach", b"a{sv}", ctypes.c_int(0)))
connection = socket.socket(fileno=fd)
call(container, CONTAINER, b"Start", b"a{sv}", ctypes.c_int(0))
connection.sendall(b"through the bus\n")
connection.shutdown(socket.SHUT_WR)
data = b""
connection.settimeout(20)
while piece := connection.recv(65536):
    data += piece
print("attached", kind, demultiplex(data))

code, text = ctypes.c_int64(), ctypes.c_char_p()
read(call(container, CONTAINER, b"Wait", b"s", b""), b"xs", code, text)
print("exit code", code.value)

fd, kind = stream(call(container, CONTAINER, b"Logs", b"a{sv}", ctypes.c_int(0)))
print("logs", demultiplex(drain(fd)))
call(container, CONTAINER, b"Remove", b"a{sv}", ctypes.c_int(0))
print("removed")
