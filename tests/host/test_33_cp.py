# SPDX-License-Identifier: Apache-2.0
"""Files into and out of containers under systemd: the CLI, the bus, the journal."""

from common_host import cursor, entries, host
from harness import check, equal, eventually, matches, test
from test_10_units import ids
from test_30_bus import MANAGER, NAME, PATH, busctl
from test_35_bus_images import inside


def box(h, start=True):
    return h(f"docker {'run -d' if start else 'create'} --name box busybox sleep 1000")


@test
def through_the_cli():
    h = host()
    for start in (True, False):
        box(h, start)
        h("docker cp /etc/passwd box:/tmp/there")
        h("docker cp box:/tmp/there /tmp/back")
        equal(h("cmp /etc/passwd /tmp/back && echo same"), "same", "what came back")
        h("rm /tmp/back; docker rm -f box")


@test
def over_the_bus():
    h = host()
    box(h)
    path = busctl(h, "call", NAME, PATH, MANAGER, "GetContainer", "s", "box").split('"')[1]
    equal(inside(h, "bus_archive.py", path).splitlines(),
          ["manager tar [('tmp/a', b'one'), ('tmp/b', b'two')]", "container tar [('b', b'two')]"], "what the client saw")
    matches(busctl(h, "call", NAME, PATH, MANAGER, "StatContainerPath", "ss", "box", "/tmp/a"), r'"name" s "a" "size" x 3 ', "stat")
    for member, arguments, pattern in (
            ("StatContainerPath", ("ss", "box", "/nosuch"), r"Could not find the file /nosuch in container box"),
            ("StatContainerPath", ("ss", "nosuch", "/"), r"No such container: nosuch"),
            ("GetContainerArchive", ("ss", "box", ""), r"bad parameter: path")):
        r = h.try_("busctl", "--no-pager", "call", NAME, PATH, MANAGER, member, *arguments)
        check(r.returncode != 0, f"{member} {arguments} has succeeded")
        matches(r.stderr, pattern, f"error of {member} {arguments}")


@test
def journal():
    h = host()
    c = box(h)
    since = cursor(h)
    h("docker cp box:/etc/passwd /tmp/passwd; docker cp /tmp/passwd box:/tmp; rm /tmp/passwd")
    known = ids()
    for what in ("CONTAINER_ARCHIVE_PATH", "CONTAINER_EXTRACT_TO_DIR"):
        rows = eventually(lambda: entries(h, since, MESSAGE_ID=known[what]), f"a journal entry for {what}", 5)
        equal((len(rows), rows[0].get("CONTAINER_ID"), rows[0].get("CONTAINER_NAME")), (1, c, "box"), f"entries for {what}")
