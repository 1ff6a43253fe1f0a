# SPDX-License-Identifier: Apache-2.0
"""After a power cut: all that was answered for is there, what was half done is not in the way."""

import json
import subprocess

from harness import check, equal, eventually, test
from inside import client, sh

NONE = {"NetworkMode": "none"}


def answered():
    with open("/dev/vdb", "rb") as f:
        return json.loads(f.read(1 << 20).rstrip(b"\0"))


@test(timeout=120)
def nothing_answered_is_lost():
    c = client()
    names = {r["Names"][0][1:] for r in c.ok("GET", "/containers/json", query={"all": 1})}
    missing = [n for n in answered() if n not in names]
    check(len(answered()) >= 40, f"only {len(answered())} containers were answered for")
    equal(missing, [], "containers whose creation was answered before the power cut and that are gone")
    check({"ended", "running", "made", "always"} <= names, f"older containers are gone: {sorted(names)[:10]}")


@test(timeout=120)
def states_are_true():
    c = client()
    for row in c.ok("GET", "/containers/json", query={"all": 1}):
        if row["Names"] == ["/always"]:
            continue
        check(row["State"] in ("created", "exited"), f"{row['Names'][0]} is {row['State']} after a power cut")


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
