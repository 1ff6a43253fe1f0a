# SPDX-License-Identifier: Apache-2.0
"""The journal: start-up phases, lifecycle events with fields, catalog texts."""

import re

import common_host
from common_host import cursor, entries, host
from harness import check, contains, equal, eventually, matches, test
from test_10_units import ids


PHASES = ["config", "root", "pidfile", "listeners", "registry", "runtime", "plugins", "daemon", "cluster", "routes", "serve"]


def values(rows, name):
    return [r.get(name) for r in rows]


@test
def phases():
    h = host()
    since = cursor(h)
    h("systemctl restart dockerd.service")
    rows = entries(h, since, MESSAGE_ID=ids()["PHASE_DONE"])
    check(len(rows) == 11, f"{len(rows)} entries for start-up phases, expected 11: {[r['MESSAGE'] for r in rows]}")
    equal(values(rows, "PHASE"), PHASES, "PHASE= of the entries, in order")
    check(all(int(v) >= 0 for v in values(rows, "DURATION_USEC")), "an entry without DURATION_USEC=")
    ready = entries(h, since, MESSAGE_ID=ids()["DAEMON_READY"])
    equal(len(ready), 1, "entries that say ready")


@test
def lifecycle():
    h = host()
    since = cursor(h)
    c = h("docker run -d --name tracked busybox sh -c 'exit 3'")
    h("docker wait tracked")
    h("docker rm tracked")
    known = ids()
    for what in ("CONTAINER_CREATE", "CONTAINER_START", "CONTAINER_DIE", "CONTAINER_DESTROY"):
        rows = eventually(lambda: entries(h, since, MESSAGE_ID=known[what]), f"a journal entry for {what}", 5)
        equal(len(rows), 1, f"entries for {what}")
        equal((rows[0].get("CONTAINER_ID"), rows[0].get("CONTAINER_NAME"), rows[0].get("IMAGE")), (c, "tracked", "busybox"),
              f"CONTAINER_ID, CONTAINER_NAME and IMAGE of {what}")
        check(len(rows[0]["MESSAGE"]) > 10, f"the message of {what} is {rows[0]['MESSAGE']!r}")


@test
def by_container():
    h = host()
    c = h("docker run -d --name tracked busybox sleep 1000")
    h("docker kill tracked")
    h("docker wait tracked")
    rows = h.journal(f"CONTAINER_ID={c}")
    check(len(rows) >= 3, f"journalctl CONTAINER_ID= shows {len(rows)} entries")
    check(h.journal(f"CONTAINER_NAME=tracked"), "journalctl CONTAINER_NAME= shows nothing")


@test
def lines_of_the_shim():
    """They have the fields and the priority of an entry, as the daemon's have."""
    h = host()
    c = h("docker run -d --stop-timeout 1 busybox sh -c \"trap '' TERM; while :; do sleep 0.1; done\"")
    h("systemctl", "stop", f"docker-{c}.service")
    h("journalctl --sync")
    rows = h.journal(f"CONTAINER_ID={c}", "SYSLOG_IDENTIFIER=dockerd-shim")
    equal([(r["MESSAGE"], r["PRIORITY"]) for r in rows], [("The container did not end in time, killing it.", "6")], "entries of the shim")


@test
def unit_journal():
    h = host()
    c = h("docker run -d --name tracked busybox sleep 1000")
    status = h("systemctl", "status", "--no-pager", f"docker-{c}.service")
    contains(status, "container tracked: start", "systemctl status of the container's unit")
    h("docker kill -s USR1 tracked; docker stop -t 0 tracked; journalctl --sync")
    out = h(f"journalctl -u docker-{c}.service --no-pager -o cat")
    for text in ("container tracked: create", "container tracked: kill, signal 10", "container tracked: die, exit code 137", "container tracked: stop"):
        contains(out, text, "journalctl -u of the container's unit")
    h("systemctl restart dockerd.service; docker ps; journalctl --sync")
    contains(h("journalctl -u dockerd.service -n 20 --no-pager -o cat"), "Daemon has completed initialization", "journalctl -u")


@test
def catalog():
    """journalctl -x explains every message."""
    h = host()
    known = h("journalctl --list-catalog --no-pager")
    missing = [name for name, value in ids().items() if value not in known]
    equal(missing, [], "messages without a catalog entry on the installed host")
    h("docker run --rm busybox true")
    text = h("journalctl", "-x", "--no-pager", "-n", "5", f"MESSAGE_ID={ids()['CONTAINER_START']}")
    contains(text, "was started", "journalctl -x of a start")
    check("@" not in text, f"a field of the catalog text was not filled in: {text}")


@test
def nothing_is_logged_as_an_error():
    """A plain life of a container brings no warning or error of ours."""
    h = host()
    since = cursor(h)
    h("docker run --rm busybox true")
    h("docker run --rm --network none busybox true")
    rows = [r for r in entries(h, since) if r.get("_COMM", "").startswith("dockerd") and int(r["PRIORITY"]) <= 4]
    equal(values(rows, "MESSAGE"), [], "warnings and errors in the journal")
