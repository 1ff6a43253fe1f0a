# SPDX-License-Identifier: Apache-2.0
"""What the engine does not do yet is refused by name. This list may only shrink."""

from common_clients import docker, only_ours
from harness import cases, check, matches

NOT_YET = [
    ("network of another driver", ["network", "create", "-d", "macvlan", "mine"]),
    ("swarm", ["swarm", "init"]),
    ("plugin", ["plugin", "ls"]),
]


@cases(NOT_YET)
def not_yet(args):
    only_ours()
    d = docker()
    if "box" in " ".join(args):
        d("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    r = d.try_(*args)
    check(r.code != 0, f"docker {' '.join(args)} works now: take it off this list and test it")
    matches(r.err, r"(?i)(not implemented|not supported|not available|does not)", f"error of docker {' '.join(args)}")
