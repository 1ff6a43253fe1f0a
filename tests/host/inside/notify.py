# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: a dockerd of its own under a NOTIFY_SOCKET of ours; prints what it says, one line for each."""

import os
import socket
import subprocess
import tempfile

directory = tempfile.mkdtemp(prefix="notify-")
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(directory + "/notify")
notify.settimeout(30)
daemon = subprocess.Popen(
    ["dockerd", "--data-root", directory + "/data", "--exec-root", directory + "/exec", "--pidfile", directory + "/pid",
     "--bridge", "none", "-H", f"unix://{directory}/sock"],
    env={**os.environ, "NOTIFY_SOCKET": directory + "/notify"}, stderr=subprocess.DEVNULL)


def until(word):
    """Prints messages up to the one that has the word."""
    while True:
        lines = notify.recv(65536).decode().splitlines()
        print("\n".join(line for line in lines if not line.startswith("EXTEND_TIMEOUT")))
        if word in lines:
            return


until("READY=1")
client = socket.socket(socket.AF_UNIX)
client.connect(directory + "/sock")
client.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
print("ping", client.recv(4096).split(b"\r\n")[0].decode().removeprefix("HTTP/1.1 "))
daemon.terminate()
until("STOPPING=1")
print("exit", daemon.wait(20))
subprocess.run(["umount", directory + "/exec"], check=False)
