# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: a command in the container "box" over the bus, its streams on a descriptor of the reply."""

import ctypes
import socket

from sdbus import MANAGER, ROOT, call, demultiplex, read, stream

exec_id = ctypes.c_char_p()
reply = call(ROOT, MANAGER, b"CreateExec", b"sasa{sv}", b"box", ctypes.c_int(3), b"sh", b"-c", b"cat; echo err >&2; exit 6", ctypes.c_int(3),
             b"AttachStdin", b"b", ctypes.c_int(1), b"AttachStdout", b"b", ctypes.c_int(1), b"AttachStderr", b"b", ctypes.c_int(1))
read(reply, b"s", exec_id)
print("created", len(exec_id.value))

fd, kind = stream(call(ROOT, MANAGER, b"AttachExec", b"sa{sv}", exec_id, ctypes.c_int(0)))
connection = socket.socket(fileno=fd)
connection.sendall(b"through the bus\n")
connection.shutdown(socket.SHUT_WR)
data = b""
connection.settimeout(20)
while piece := connection.recv(65536):
    data += piece
print("attached", kind, demultiplex(data))
print(exec_id.value.decode())
