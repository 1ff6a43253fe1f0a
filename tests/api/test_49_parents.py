# SPDX-License-Identifier: Apache-2.0
"""Images that others were committed on: what is refused, what goes with what, what is shown."""

import common_api
import images
from common_api import client
from harness import check, cleanup, contains, equal, test


def forget(*names):
    for name in names:
        common_api.ENGINE.client().delete(f"/images/{name}", query={"force": 1})


def family():
    """Ids of base:1, of what was committed on it (middle:1) and on that (top:1)."""
    c = client()
    layer = images.TarWriter().add("base", "of a family").bytes()
    c.post("/images/load", images.docker_archive([images.busybox_tar(), layer], ["base:1"]), headers={"Content-Type": "application/x-tar"}).text
    for below, above in (("base:1", "middle"), ("middle:1", "top")):
        i = c.create(below, cmd="true")
        c.ok("POST", "/commit", wanted=201, query={"container": i, "repo": above, "tag": "1", "comment": above})
        c.remove(i)
    ids = [c.ok("GET", f"/images/{n}:1/json")["Id"] for n in ("base", "middle", "top")]
    for i in ids:
        cleanup(forget, i)
    return c, *ids


def listed(c, **query):
    return {row["Id"] for row in c.ok("GET", "/images/json", query=query)}


def refused(r, i):
    equal(r.status, 409, "status")
    equal(r.message, f"conflict: unable to delete {i[7:19]} (cannot be forced) - image has dependent child images", "message")


@test
def by_id():
    c, base, middle, _ = family()
    for i in (base, middle):
        for force in (0, 1):
            refused(c.delete(f"/images/{i}", query={"force": force}), i)
        equal(c.get(f"/images/{i}/json").status, 200, "status of an image that was not removed")
    contains(c.ok("GET", "/images/middle:1/json")["RepoTags"], "middle:1", "names after the refusal")


@test
def by_name():
    """The name goes, the image stays for those that need it; hidden, until nothing needs it any more."""
    c, base, middle, top = family()
    equal(c.ok("DELETE", "/images/middle:1"), [{"Untagged": "middle:1"}], "answer")
    check(middle not in listed(c), "an intermediate image is in the list")
    check(middle in listed(c, all=1), "an intermediate image is not in the list of all")
    check(middle not in listed(c, filters={"dangling": ["true"]}), "an intermediate image counts as dangling")
    equal(c.ok("GET", "/images/top:1/json")["Parent"], middle, "Parent")
    refused(c.delete(f"/images/{middle}", query={"force": 1}), middle)
    equal(c.ok("DELETE", "/images/top:1"), [{"Untagged": "top:1"}, {"Deleted": top}, {"Deleted": middle}], "what goes with the last child")
    equal(c.get(f"/images/{base}/json").status, 200, "status of the parent that has a name")


@test
def noprune():
    c, _, middle, top = family()
    c.ok("DELETE", "/images/middle:1")
    equal(c.ok("DELETE", "/images/top:1", query={"noprune": 1}), [{"Untagged": "top:1"}, {"Deleted": top}], "answer")
    check(middle in listed(c, filters={"dangling": ["true"]}), "what is left is not shown as dangling")


@test
def a_container_keeps_the_parent():
    c, _, middle, top = family()
    i = c.create("middle:1", cmd="true")
    cleanup(common_api.remove_all)
    c.ok("DELETE", "/images/middle:1", query={"force": 1})
    equal(c.ok("DELETE", "/images/top:1"), [{"Untagged": "top:1"}, {"Deleted": top}], "answer")
    equal(c.get(f"/images/{middle}/json").status, 200, "status of the image of a container")
    equal([row["Id"] for row in c.ok("GET", "/containers/json", query={"all": 1, "filters": {"ancestor": [middle]}})], [i], "by ancestor")


@test
def prune():
    client().ok("POST", "/images/prune")        # what other tests have left
    c, base, middle, top = family()
    for name in ("base:1", "middle:1"):
        c.ok("DELETE", f"/images/{name}")
    equal(c.ok("POST", "/images/prune")["ImagesDeleted"], None, "what is dangling while there is a child")
    c.ok("POST", "/images/busybox/tag", wanted=201, query={"repo": "top", "tag": "1"})          # takes the name of the last one
    cleanup(forget, "top:1")
    deleted = c.ok("POST", "/images/prune")["ImagesDeleted"]
    equal([d.get("Deleted") for d in deleted], [top, middle, base], "what is deleted then")


@test
def saved_and_loaded():
    """What was committed on each other is again after a save and a load, in any order; of others nothing is known."""
    c, base, middle, top = family()
    whole = c.get("/images/get?names=top:1&names=base:1&names=middle:1").body
    gap = c.get("/images/get?names=top:1&names=base:1").body
    for archive, parents in ((whole, {"top:1": middle, "middle:1": base, "base:1": ""}), (gap, {"top:1": "", "base:1": ""})):
        for name in ("top:1", "middle:1", "base:1"):
            c.delete(f"/images/{name}")
        c.post("/images/load", archive, headers={"Content-Type": "application/x-tar"}).text
        equal({n: c.ok("GET", f"/images/{n}/json")["Parent"] for n in parents}, parents, "parents")
