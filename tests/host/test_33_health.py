# SPDX-License-Identifier: Apache-2.0
"""Health checks on a host with systemd: the property of the bus and its signal, the journal, restarts of the daemon."""

import json
import time

from common_host import cursor, entries, host
from harness import cleanup, equal, eventually, matches, test
from test_10_units import ids
from test_30_bus import CONTAINER, MANAGER, NAME, PATH, busctl

OPTIONS = "--health-cmd 'test -e /ok' --health-interval 100ms --health-retries 2 --stop-timeout 0"


def health(h, path):
    return busctl(h, "get-property", NAME, path, CONTAINER, "Health").split('"')[1]


def path_of(h, name):
    return busctl(h, "call", NAME, PATH, MANAGER, "GetContainer", "s", name).split('"')[1]


@test
def property_and_its_signal():
    h = host()
    h(f"docker create --name box {OPTIONS} busybox sleep 1000")
    path = path_of(h, "box")
    equal(health(h, path), "", "Health before the start")
    p = h.popen("timeout", "30", "busctl", "monitor", "--json=short", "--no-pager", f"--match=type='signal',path='{path}'", stdin=None)
    cleanup(p.kill)
    time.sleep(0.7)             # for busctl to be there: with --json newer ones do not say so
    h("docker start box")
    eventually(lambda: health(h, path) == "unhealthy", "Health is unhealthy")
    h("docker exec box touch /ok")
    eventually(lambda: health(h, path) == "healthy", "Health is healthy")
    h("docker stop box")
    seen = []
    while len(seen) < 4:
        m = json.loads(p.stdout.readline())
        if m.get("member") == "PropertiesChanged" and "Health" in m["payload"]["data"][1]:
            seen.append(m["payload"]["data"][1]["Health"]["data"])
    equal(seen, ["starting", "unhealthy", "healthy", "unhealthy"], "values of Health in the signals")


@test
def without_a_check():
    h = host()
    h("docker run -d --name box busybox sleep 1000")
    equal(health(h, path_of(h, "box")), "", "Health")


@test
def journal():
    h = host()
    since = cursor(h)
    c = h(f"docker run -d --name box {OPTIONS} busybox sh -c 'touch /ok; sleep 1000'")
    rows = eventually(lambda: entries(h, since, MESSAGE_ID=ids()["CONTAINER_HEALTH"]), "a journal entry", 10)
    equal((rows[0].get("CONTAINER_ID"), rows[0].get("CONTAINER_NAME")), (c, "box"), "its fields")
    matches(rows[0]["MESSAGE"], r"health_status: healthy", "its text")
    equal(entries(h, since, MESSAGE_ID=ids()["CONTAINER_EXEC_DIE"]), [], "entries for the checks themselves")


@test
def daemon_is_restarted():
    """systemctl restart: the status goes on, and the checks."""
    h = host()
    h(f"docker run -d --name box {OPTIONS} busybox sh -c 'touch /ok; sleep 1000'")
    path = path_of(h, "box")
    eventually(lambda: health(h, path) == "healthy", "Health is healthy")
    h("systemctl restart dockerd.service")
    equal(health(h, path), "healthy", "Health after a restart of the daemon")
    h("docker exec box rm /ok")
    eventually(lambda: health(h, path) == "unhealthy", "Health is unhealthy")
