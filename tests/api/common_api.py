# SPDX-License-Identifier: Apache-2.0
"""One engine for the whole suite, which every test leaves without containers; some tests start a daemon of their own."""

import os

import harness
import peer
from daemon import Daemon, need_root

ENGINE = None


def before():
    global ENGINE
    need_root()
    ENGINE = peer.engine("debug")
    ENGINE.load_busybox()


def after():
    if ENGINE is None:
        return
    try:
        if ENGINE.is_ours and ENGINE.running():
            remove_all()
            ENGINE.check_clean(timeout=10)
            ENGINE.stop()
            ENGINE.check_clean()
        ENGINE.check_log()
    finally:
        ENGINE.destroy()


def remove_all():
    c = ENGINE.client()
    for row in c.ok("GET", "/containers/json", query={"all": 1}):
        ENGINE.containers.add(row["Id"])
        c.remove(row["Id"])
    # Of commits and of tags that were taken over.
    c.ok("POST", "/images/prune")


def engine():
    if not ENGINE.running():
        code = ENGINE.process.returncode
        ENGINE.start()
        print(f"     dockerd had ended ({code}) before this test and was started again", flush=True)
    harness.cleanup(remove_all)
    return ENGINE


def client(version=None):
    return engine().client(version)


def only_ours():
    if not ENGINE.is_ours:
        raise harness.Skip("only for our engine")


def own_daemon(*args, **kw):
    """A second daemon, for what would disturb the shared one."""
    only_ours()
    return Daemon(*args, **kw)
