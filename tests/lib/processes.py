# SPDX-License-Identifier: Apache-2.0
"""Processes of an engine, and what memory they have; for the benchmarks."""

import os
import pathlib
import re
import socket
import struct


def named(name):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if pathlib.Path(f"/proc/{entry}/comm").read_text().strip() == name[:15]:
                    found.append(int(entry))
            except OSError:
                pass
    return found


def children(pid):
    """All below it; those that end meanwhile are left out."""
    try:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from children(child)
    except OSError:
        pass


def memory(pid):
    """(RSS, PSS) in kB."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return tuple(int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1)) for key in ("Rss", "Pss"))


def daemon_of(client):
    """The process behind a Unix socket; None where systemd made the socket or the engine is elsewhere."""
    s = client.open_socket()
    pid = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    s.close()
    try:
        name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None
    if name == "systemd":
        found = [p for p in named("dockerd") if os.path.basename(os.readlink(f"/proc/{p}/exe")) == "dockerd"]
        return found[0] if len(found) == 1 else None
    return pid or None
