# SPDX-License-Identifier: Apache-2.0
"""After a reboot; then containers are made until the power is cut."""

import json
import time

from harness import check, contains, equal, eventually, test
from inside import client, load_busybox, sh

NONE = {"NetworkMode": "none"}


@test(timeout=120)
def everything_is_there():
    c = client()
    before = json.load(open("/var/tmp/before.json"))
    rows = {r["Names"][0][1:]: r for r in c.ok("GET", "/containers/json", query={"all": 1})}
    equal({n: rows[n]["Id"] for n in rows if n in before}, before, "containers")
    equal(rows["ended"]["State"], "exited", "state of the container that had ended")
    equal(c.inspect("ended")["State"]["ExitCode"], 7, "its exit code")
    equal(c.logs("ended")[0], b"kept log\n", "its log")
    equal(rows["made"]["State"], "created", "state of the container that never ran")
    equal(rows["running"]["State"], "exited", "state of the container that ran when the machine went down")
    equal(c.get("/images/kept:v1/json").status, 200, "status of the tagged image")


@test(timeout=120)
def restart_policy_always():
    c = client()
    eventually(lambda: c.inspect("always")["State"]["Running"], "the container with restart=always runs again", 60)


@test(timeout=120)
def they_start_again():
    c = client()
    c.start("running")
    equal(c.inspect("running")["State"]["Running"], True, "Running")
    c.start("ended")
    equal(c.wait("ended"), 7, "exit code")


def finally_():
    """Creates containers and says so, until the machine is gone."""
    c = client()
    n = 0
    while True:
        n += 1
        name = f"cut-{n}"
        c.create(name=name, cmd="exit 5", host=NONE)
        if n % 3 == 0:
            c.start(name)
        print(f"answered {n} {name}", flush=True)
