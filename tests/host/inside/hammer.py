# SPDX-License-Identifier: Apache-2.0
"""Runs on the host for some seconds: one new connection and one request after the other."""

import socket
import sys
import time

answered = cut = refused = 0
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    try:
        s.connect("/run/docker.sock")
    except OSError:
        refused += 1
        continue
    try:
        s.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
        ok = s.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        ok = False
    answered += ok
    cut += not ok
    s.close()
print(f"{answered} answered, {cut} cut, {refused} refused")
