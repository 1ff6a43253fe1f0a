# SPDX-License-Identifier: Apache-2.0
"""After a power cut: all that was answered for is there, what was half done is not in the way."""

import json
import subprocess

from harness import cases, check, equal, eventually, test
from inside import client, sh

# name, state, exit code: 255 where nobody was left to see it
AFTER_CUT = [
    ("ended", "exited", 7),
    ("made", "created", None),
    ("running", "exited", 255),
    ("always", "running", None),
    ("always-but-stopped", "running", None),
    ("unless-stopped", "running", None),
    ("on-failure", "running", None),
    ("networked", "running", None),
    ("unless-stopped-but-stopped", "exited", 9),
]


def answered():
    with open("/dev/vdb", "rb") as f:
        return json.loads(f.read(1 << 20).rstrip(b"\0"))


@test(timeout=120)
def nothing_answered_is_lost():
    c = client()
    rows = {r["Names"][0][1:]: r["State"] for r in c.ok("GET", "/containers/json", query={"all": 1})}
    missing = [n for n in answered() + [name for name, _, _ in AFTER_CUT] if n not in rows]
    check(len(answered()) >= 40, f"only {len(answered())} containers were answered for")
    equal(missing, [], "containers whose creation was answered before the power cut and that are gone")
    untrue = {n: s for n, s in rows.items() if s not in ("created", "exited") and n not in
              [name for name, state, _ in AFTER_CUT if state == "running"]}
    equal(untrue, {}, "states that cannot be after a power cut")


@cases([(row[0], *row) for row in AFTER_CUT], timeout=120)
def state_of(name, state, exit_code):
    c = client()
    eventually(lambda: c.inspect(name)["State"]["Status"] == state, f"state {state}", 60)
    if exit_code is not None:
        equal(c.inspect(name)["State"]["ExitCode"], exit_code, "exit code")


@test(timeout=180)
def they_still_run():
    c = client()
    for name in answered()[:3] + answered()[-3:]:
        if c.inspect(name)["State"]["Status"] == "created":
            c.start(name)
            equal(c.wait(name), 5, f"exit code of {name}")
    equal(c.run("echo new")[:2], (0, "new\n"), "a new container")


@test(timeout=180)
def they_can_be_removed():
    c = client()
    for row in c.ok("GET", "/containers/json", query={"all": 1}):
        c.remove(row["Id"], missing_ok=False)
    equal(c.ok("GET", "/containers/json", query={"all": 1}), [], "containers")
    eventually(lambda: sh("ls /var/lib/dockerd/containers | wc -l") == "0", "their directories are gone", 15)


@test(timeout=60)
def database_is_sound():
    r = subprocess.run(["python3", "-c", "import sqlite3; print(sqlite3.connect('file:/var/lib/dockerd/state.db?mode=ro', uri=True)"
                        ".execute('pragma integrity_check').fetchone()[0])"], capture_output=True, text=True)
    equal(r.stdout.strip(), "ok", f"integrity check of state.db ({r.stderr.strip()[-200:]})")
