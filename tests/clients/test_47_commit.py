# SPDX-License-Identifier: Apache-2.0
"""docker diff, export, import and commit as the stock CLI does them."""

import tempfile

from common_clients import docker
from harness import check, cleanup, contains, equal, test


def forget(*names):
    docker().try_("rmi", "-f", *names)


@test
def diff():
    d = docker()
    d("run", "--name", "box", "busybox", "sh", "-c", "echo x >/new; rm /etc/passwd; chmod 700 /home")
    equal(sorted(d("diff", "box").split("\n")), ["A /new", "C /etc", "C /home", "D /etc/passwd"], "docker diff")
    d("create", "--name", "fresh", "busybox")
    equal(d("diff", "fresh"), "", "docker diff of a fresh container")


@test
def commit():
    d = docker()
    cleanup(forget, "mine:1", "mine:2")
    d("run", "--name", "box", "busybox", "sh", "-c", "echo kept >/kept")
    i = d("commit", "-a", "Me", "-m", "why", "-c", 'CMD ["cat", "/kept"]', "-c", "ENV A=1", "box", "mine:1")
    contains(i, "sha256:", "what docker commit prints")
    equal(d("run", "--rm", "mine:1"), "kept", "a container of it")
    equal(d("inspect", "-f", "{{.Author}} {{.Comment}} {{.Id}}", "mine:1"), f"Me why {i}", "docker inspect")
    contains(d("history", "mine:1"), "why", "docker history")
    d("run", "-d", "--name", "live", "mine:1", "sh", "-c", "echo more >/more; sleep 1000")
    for pause in ("--pause=true", "--pause=false"):
        d("commit", pause, "live", "mine:2")
    equal(d("run", "--rm", "mine:2", "cat", "/kept"), "kept", "a container of the second")
    equal(d("inspect", "-f", "{{.State.Running}}", "live"), "true", "the committed container runs on")


@test
def export_and_import():
    d = docker()
    cleanup(forget, "flat")
    d("run", "--name", "box", "busybox", "sh", "-c", "echo kept >/kept")
    with tempfile.NamedTemporaryFile(suffix=".tar") as f:
        d("export", "-o", f.name, "box")
        d("import", "-c", 'CMD ["cat", "/kept"]', f.name, "flat")
    equal(d("run", "--rm", "flat"), "kept", "a container of the imported image")
    check(d.try_("export", "nope").code != 0, "docker export of nothing")
