# SPDX-License-Identifier: Apache-2.0
"""After a reboot; then containers are made until the power is cut."""

import json

from harness import cases, equal, eventually, test
from inside import NONE, client, sh

# name, state right after the boot, its exit code (None: it runs again, or never ran)
AFTER_REBOOT = [
    ("ended", "exited", 7),
    ("made", "created", None),
    ("running", "exited", 9),
    ("on-failure", "exited", 9),
    ("unless-stopped-but-stopped", "exited", 9),
    ("always", "running", None),
    ("always-but-stopped", "running", None),
    ("unless-stopped", "running", None),
    ("networked", "running", None),
]


@test(timeout=120)
def the_list_is_right():
    """The very first answer: nothing that died with the machine is said to run."""
    before = json.load(open("/var/tmp/before.json"))
    rows = {r["Names"][0][1:]: r for r in client().ok("GET", "/containers/json", query={"all": 1})}
    equal({n: r["Id"] for n, r in rows.items()}, {n: i for n, i in before.items() if n != "temporary"}, "containers")
    dead = [name for name, state, _ in AFTER_REBOOT if state != "running"]
    equal({n: rows[n]["State"] for n in dead}, {n: s for n, s, _ in AFTER_REBOOT if s != "running"}, "states")


@cases([(row[0], *row) for row in AFTER_REBOOT], timeout=120)
def state_of(name, state, exit_code):
    c = client()
    eventually(lambda: c.inspect(name)["State"]["Status"] == state, f"state {state}", 60)
    if exit_code is not None:
        equal(c.inspect(name)["State"]["ExitCode"], exit_code, "exit code")


@test(timeout=120)
def logs_and_images_are_kept():
    c = client()
    equal(c.logs("ended")[0], b"kept log\n", "the log of the container that had ended")
    eventually(lambda: c.logs("always")[0] == b"started\n" * 2, "both runs are in one log", 30)
    equal(c.get("/images/kept:v1/json").status, 200, "status of the tagged image")


@test(timeout=120)
def networks_and_volumes_are_kept():
    c = client()
    equal(c.ok("GET", "/networks/kept-net")["IPAM"]["Config"], [{"Subnet": "10.66.0.0/24", "Gateway": "10.66.0.1"}], "the network's subnet")
    eventually(lambda: c.exec("networked", "cat /v/runs")[1] == "networked\nnetworked\n", "both runs wrote into the volume", 30)
    equal(sh("docker run --rm --network kept-net busybox ping -c 1 -W 5 networked >/dev/null && echo ok"), "ok", "ping by name")


@test(timeout=120)
def they_start_again():
    c = client()
    for name in ("running", "on-failure"):
        c.start(name)
        equal(c.inspect(name)["State"]["Running"], True, f"Running of {name}")
    c.start("ended")
    equal(c.wait("ended"), 7, "exit code")


@test(timeout=120)
def stopped_by_systemctl_stays_down():
    """Though its policy would bring it back from an end of its own."""
    c = client()
    i = c.inspect("unless-stopped")["Id"]
    sh(f"systemctl stop docker-{i}.service")
    eventually(lambda: c.inspect(i)["State"]["Status"] == "exited", "the container has ended", 20)
    equal(c.inspect(i)["State"]["ExitCode"], 9, "exit code")
    equal(sh(f"sleep 1; systemctl is-active docker-{i}.service || true"), "inactive", "the unit a second later")


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
