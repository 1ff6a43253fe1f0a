# SPDX-License-Identifier: Apache-2.0
"""/events: what is told, since, until, filters; and /containers/prune."""

import json
import time

import common_api
from common_api import client
from harness import check, cleanup, contains, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}


def life(c, **config):
    i = c.create(cmd="exit 3", host=NONE, **config)
    c.start(i)
    c.wait(i)
    c.remove(i)
    return i


def between(c, since, **filters):
    r = c.get("/events", query={"since": f"{since:.9f}", "until": f"{time.time():.9f}", "filters": filters or None})
    equal(r.status, 200, f"status of /events ({r.message if r.status != 200 else ''})")
    return list(r.lines())


@test
def life_of_a_container():
    c = client()
    since = time.time()
    i = life(c, name="watched", Labels={"a": "b"})
    time.sleep(0.2)
    rows = [e for e in between(c, since) if e["Type"] == "container"]
    actions = [e["Action"] for e in rows]
    equal([a for a in actions if a in ("create", "start", "die", "destroy")], ["create", "start", "die", "destroy"], "actions")
    die = rows[actions.index("die")]
    equal((die["Actor"]["ID"], die["status"], die["id"], die["from"], die["scope"]), (i, "die", i, "busybox", "local"), "the die event")
    a = die["Actor"]["Attributes"]
    equal((a["name"], a["image"], a["a"], a["exitCode"]), ("watched", "busybox", "b", "3"), "its attributes")
    check(abs(die["timeNano"] / 1e9 - time.time()) < 20 and die["time"] == die["timeNano"] // 10**9, "time and timeNano")


@test
def live():
    c = client()
    r = c.get("/events", query={"filters": {"type": ["container"]}})
    cleanup(r.close)
    lines = r.lines()
    i = life(c)
    seen = []
    for event in lines:
        seen.append(event["Action"])
        if event["Action"] == "destroy" and event["Actor"]["ID"] == i:
            break
    contains(seen, "start", "actions that a live client saw")


@test
def filters():
    c = client()
    since = time.time()
    # No name that an id may begin with: the filter takes both.
    a, b = life(c, name="watched-one"), life(c, name="other-one", Labels={"x": "y"})
    time.sleep(0.2)
    equal({e["Actor"]["ID"] for e in between(c, since, container=["watched-one"])}, {a}, "containers with the filter container")
    equal({e["Actor"]["ID"] for e in between(c, since, label=["x=y"])}, {b}, "containers with filter label")
    equal({e["Action"] for e in between(c, since, event=["die"])}, {"die"}, "actions with filter event=die")
    equal([e for e in between(c, since, type=["volume"])], [], "events of type volume")
    equal(c.get("/events", query={"filters": {"nosuch": ["1"]}, "until": "1"}).status in (200, 400), True, "an unknown filter")


@test
def image_events():
    c = client()
    since = time.time()
    c.ok("POST", "/images/busybox/tag", wanted=201, query={"repo": "evented", "tag": "1"})
    c.ok("DELETE", "/images/evented:1", wanted=200)
    time.sleep(0.2)
    actions = [e["Action"] for e in between(c, since, type=["image"])]
    equal(actions[:2], ["tag", "untag"], "actions")


@test
def filters_of_other_types():
    """A filter by the name of an object of another type finds nothing, whether there are such objects yet or not."""
    c = client()
    since = time.time()
    life(c)
    for key in ("plugin", "service", "node", "secret", "config", "network", "volume", "daemon"):
        equal(between(c, since, **{key: ["nosuch"]}), [], f"events with the filter {key}")
    check(between(c, since, nosuch=["1"]), "an unknown filter hides nothing")


@test
def history():
    """What has been is told where since or until is there, whatever since says; the stream then ends."""
    c = client()
    i = life(c)
    now = f"{time.time():.9f}"
    for query in ({"until": now}, {"since": "0", "until": now}, {"since": "", "until": now}, {"since": "-1", "until": now},
                  {"since": "0", "until": "0"}, {"since": "1000000h", "until": now}):
        contains([e["Action"] for e in c.get("/events", query=query).lines() if e["Actor"]["ID"] == i], "destroy",
                 f"actions with {query}")
    equal(list(c.get("/events", query={"until": "1"}).lines()), [], "events until 1970")


@test
def exec_that_fails():
    """A command that is missing was started as well."""
    c = client()
    i = c.create(cmd="sleep 1000", host=NONE, StopTimeout=0)
    c.start(i)
    since = time.time()
    e = c.ok("POST", f"/containers/{i}/exec", {"Cmd": ["/nosuch"]}, wanted=201)["Id"]
    equal(c.post(f"/exec/{e}/start", {"Detach": True}).status, 400, "status of the start")
    equal([row["Action"].split(":")[0] for row in between(c, since, container=[i])], ["exec_create", "exec_start"], "actions")


@test
def bad_times():
    r = client().get("/events", query={"since": "yesterday"})
    check(r.status in (400, 500), f"since=yesterday answered {r.status}")


@test
def prune_until():
    """A bound that is no time is refused, whether there is something to remove or not; one long ago keeps everything."""
    c = client()
    c.ok("POST", "/networks/create", {"Name": "old"}, wanted=201)
    cleanup(lambda: c.delete("/networks/old"))
    i = c.create(cmd="true", host=NONE)
    for kind in ("containers", "images", "networks", "build"):
        for values, text in ((["junk"], 'failed to parse value as time or duration: "junk"'),
                             ([""], 'failed to parse value as time or duration: ""'), (["1h", "2h"], "one")):
            r = c.post(f"/{kind}/prune", query={"filters": {"until": values}})
            check(r.status == 400 or not common_api.ENGINE.is_ours, f"{kind} until {values}: {r.status}")
            contains(r.message, text, f"message of {kind}")
        for value in ("0", "1h", "1000000h", "2006-01-02", "1969-12-31T00:00:00Z"):
            r = c.ok("POST", f"/{kind}/prune", query={"filters": {"until": [value]}})
            equal([v for k, v in r.items() if k.endswith("Deleted") and v], [], f"{kind} until {value}")
    equal([x["Id"] for x in c.ok("GET", "/containers/json", query={"all": 1})], [i], "containers left")
    c.ok("GET", "/networks/old")
    equal(c.ok("POST", "/containers/prune", query={"filters": {"until": ["-1h"]}})["ContainersDeleted"], [i], "until in an hour")


@test
def prune():
    c = client()
    since = time.time()
    ended = c.create(name="ended", cmd="head -c 70000 /dev/zero >/file", host=NONE)
    c.start(ended)
    c.wait(ended)
    running = c.create(name="running", cmd="sleep 1000", host=NONE, StopTimeout=0)
    c.start(running)
    r = c.ok("POST", "/containers/prune")
    equal(r["ContainersDeleted"], [ended], "ContainersDeleted")
    equal(r["SpaceReclaimed"], 70000, "SpaceReclaimed")
    rows = between(c, since, event=["prune"])
    equal([(e["Type"], e["Actor"]["Attributes"]) for e in rows], [("container", {"reclaimed": "70000"})], "events")
    equal([x["Id"] for x in c.ok("GET", "/containers/json", query={"all": 1})], [running], "containers left")
