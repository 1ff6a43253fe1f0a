# SPDX-License-Identifier: Apache-2.0
"""One engine and one CLI for the whole suite; every test leaves no container behind."""

import os
import pathlib
import tempfile

import cache
import harness
import peer
from cli import Docker
from daemon import need_root

ENGINE = None
DOCKER = None
WORK = None


def before():
    global ENGINE, DOCKER, WORK
    need_root()
    ENGINE = peer.engine("release")
    DOCKER = Docker(ENGINE.host)
    WORK = pathlib.Path(tempfile.mkdtemp(prefix="dt-work-"))
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
    finally:
        ENGINE.destroy()
        DOCKER.close()
        cache.remove_tree(WORK)


def remove_all():
    c = ENGINE.client()
    for row in c.ok("GET", "/containers/json", query={"all": 1}):
        ENGINE.containers.add(row["Id"])
        c.remove(row["Id"])


def docker():
    """The CLI for one test, on an engine that is alive; its containers are removed at the end of the test."""
    if not ENGINE.running():
        code = ENGINE.process.returncode
        ENGINE.start()
        print(f"     dockerd had ended ({code}) before this test and was started again", flush=True)
    harness.cleanup(remove_all)
    return DOCKER


def only_ours():
    if not ENGINE.is_ours:
        raise harness.Skip("only for our engine")


def on_our_machine():
    """For tests that share paths or processes with the engine, which the peer has on a host of its own."""
    if not ENGINE.is_ours:
        raise harness.Skip("the peer runs on a host of its own")


def directory():
    path = pathlib.Path(tempfile.mkdtemp(dir=WORK))
    os.chmod(path, 0o755)
    return path
