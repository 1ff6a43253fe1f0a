# SPDX-License-Identifier: Apache-2.0
"""Replies against the API reference, and its list of operations against our routes."""

import re

import common_api
import swagger
from common_api import client, only_ours
from harness import check, equal, test

NONE = {"NetworkMode": "none"}

# Names that upstream sends and its reference does not list, or lists elsewhere.
KNOWN_UNKNOWN = {"reply.GraphDriver.Data", "reply.State.Health", "reply.NetworkSettings.Networks"}


def compare(pairs):
    """pairs: (method, path of the reference, path asked, body). Everything is asked first, then judged."""
    swagger.spec()
    c = common_api.ENGINE.client("1.51")
    odd = []
    for method, path, asked, body in pairs:
        r = c.request(method, asked, body)
        value = swagger.check_reply(method, path, r)
        if value is not None and common_api.ENGINE.is_ours:
            operation = swagger.spec()["paths"][path][method.lower()]
            schema = swagger.resolve(operation["responses"].get(r.status) or operation["responses"][str(r.status)]).get("schema", {})
            odd += [f"{asked}: {name}" for name in swagger.unknown(value, schema) if name not in KNOWN_UNKNOWN]
    check(not odd, f"names that the reference does not have: {'; '.join(odd[:10])}")


@test
def system():
    client()
    compare([("GET", "/version", "/version", None), ("GET", "/info", "/info", None), ("GET", "/_ping", "/_ping", None),
             ("HEAD", "/_ping", "/_ping", None)])


@test
def images():
    client()
    compare([("GET", "/images/json", "/images/json", None), ("GET", "/images/{name}/json", "/images/busybox/json", None),
             ("GET", "/images/{name}/history", "/images/busybox/history", None),
             ("GET", "/images/{name}/json", "/images/nosuch/json", None), ("DELETE", "/images/{name}", "/images/nosuch", None)])


@test
def containers():
    c = client()
    i = c.create(name="fits", cmd="sleep 1000", StopTimeout=0, Labels={"a": "b"}, Env=["A=1"],
                 host={"Binds": ["/tmp:/t"], "Tmpfs": {"/x": ""}, "Dns": ["1.2.3.4"], "Memory": 64 << 20})
    c.start(i)
    compare([("GET", "/containers/json", "/containers/json?all=1&size=1", None), ("GET", "/containers/{id}/json", f"/containers/{i}/json?size=1", None),
             ("GET", "/containers/{id}/top", f"/containers/{i}/top", None), ("POST", "/containers/{id}/start", f"/containers/{i}/start", None),
             ("POST", "/containers/{id}/stop", f"/containers/{i}/stop?t=0", None), ("POST", "/containers/{id}/wait", f"/containers/{i}/wait", None),
             ("GET", "/containers/{id}/json", f"/containers/{i}/json", None), ("POST", "/containers/{id}/kill", f"/containers/{i}/kill", None),
             ("GET", "/containers/{id}/json", "/containers/nosuch/json", None), ("POST", "/containers/create", "/containers/create", {"Image": "nosuch"}),
             ("POST", "/containers/create", "/containers/create", {"Image": "busybox"}), ("DELETE", "/containers/{id}", f"/containers/{i}", None)])


@test
def networks():
    client()
    compare([("GET", "/networks", "/networks", None), ("GET", "/networks/{id}", "/networks/bridge", None), ("GET", "/volumes", "/volumes", None)])


@test
def every_operation_has_a_route():
    """What is not there yet is refused by name: 'page not found' is for paths that the reference does not know."""
    only_ours()
    c = client()
    missing = []
    for method, path in swagger.operations():
        asked = re.sub(r"\{[^}]*\}", "nosuch", path)
        if path in ("/events", "/session"):         # streams
            continue
        r = c.request(method, asked, {} if method in ("POST", "PUT") else None, timeout=10)
        if r.status == 404 and r.message == "page not found":
            missing.append(f"{method} {path}")
        r.close()
    equal(missing, [], "operations of the reference that answer 'page not found'")
