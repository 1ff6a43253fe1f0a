# SPDX-License-Identifier: Apache-2.0
"""Validates replies against the API reference (a Swagger 2.0 file), where that file is at hand."""

import os
import pathlib
import re

from harness import Failed, Skip

SPEC = None


def spec():
    """DOCKER_API_REFERENCE, or ../shared/api/v1.51.yaml beside the checkout."""
    global SPEC
    if SPEC is None:
        path = pathlib.Path(os.environ.get("DOCKER_API_REFERENCE", pathlib.Path(__file__).parents[3] / "shared/api/v1.51.yaml"))
        if not path.exists():
            raise Skip(f"the API reference {path} is not there (set DOCKER_API_REFERENCE)")
        try:
            import yaml
        except ImportError:
            raise Skip("PyYAML is not installed (apt-get install python3-yaml)") from None
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        SPEC = yaml.load(path.read_text(), loader)
    return SPEC


def operations():
    """(method, path) of every operation of the reference."""
    for path, methods in spec()["paths"].items():
        for method in methods:
            if method in ("get", "head", "post", "put", "delete"):
                yield method.upper(), path


def resolve(schema):
    while "$ref" in schema:
        node = spec()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = {**node, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


# Scalars that upstream writes as null.
NULLS = {"reply.HostConfig.MemorySwappiness", "reply.HostConfig.OomKillDisable", "reply.ExitCode"}

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def errors(value, schema, where="reply"):
    """Differences of a JSON value from a schema, one line each."""
    schema = resolve(schema)
    kind = schema.get("type") or ("object" if "properties" in schema else None)
    if value is None:
        # Upstream writes null for lists and maps that are not set; the reference marks only some of these as nullable.
        if kind not in ("array", "object", None) and not schema.get("x-nullable") and where not in NULLS:
            yield f"{where} is null, expected {kind}"
        return
    for part in schema.get("allOf", ()):
        yield from errors(value, part, where)
    if kind in TYPES:
        ok = isinstance(value, TYPES[kind]) and not (kind in ("integer", "number") and isinstance(value, bool))
        if not ok:
            yield f"{where} is {type(value).__name__} {str(value)[:60]!r}, expected {kind}"
            return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {value!r}, expected one of {schema['enum']}"
    if kind == "array" and "items" in schema:
        for n, item in enumerate(value[:20]):
            yield from errors(item, schema["items"], f"{where}[{n}]")
    if isinstance(value, dict):
        properties = all_properties(schema)
        for name in schema.get("required", ()):
            if name not in value and name in properties:        # it requires one of ImageData that it does not describe
                yield f"{where} has no {name}, which is required"
        for name, item in value.items():
            if name in properties:
                yield from errors(item, properties[name], f"{where}.{name}")
            elif isinstance(schema.get("additionalProperties"), dict):
                yield from errors(item, schema["additionalProperties"], f"{where}.{name}")


def all_properties(schema):
    properties = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        properties.update(all_properties(resolve(part)))
    return properties


def unknown(value, schema, where="reply"):
    """Names in a reply that the reference does not have: spelling mistakes, mostly."""
    schema = resolve(schema)
    if isinstance(value, list) and "items" in schema:
        for item in value[:5]:
            yield from unknown(item, schema["items"], where + "[]")
    if not isinstance(value, dict):
        return
    properties = all_properties(schema)
    if not properties or "additionalProperties" in schema:
        return
    for name, item in value.items():
        if name in properties:
            yield from unknown(item, properties[name], f"{where}.{name}")
        else:
            yield f"{where}.{name}"


def absent(value, schema, where="reply"):
    """Names of the reference that a reply does not have. Items of lists and maps are all called the same."""
    schema = resolve(schema)
    if isinstance(value, list) and "items" in schema:
        for item in value:
            yield from absent(item, schema["items"], where + "[]")
    if not isinstance(value, dict):
        return
    properties = all_properties(schema)
    yield from (f"{where}.{name}" for name in properties if name not in value)
    for name, item in value.items():
        if name in properties:
            yield from absent(item, properties[name], f"{where}.{name}")
        elif isinstance(schema.get("additionalProperties"), dict):
            yield from absent(item, schema["additionalProperties"], f"{where}.*")


# Statuses that upstream answers with and its reference does not list: an archive of an image that is not there.
UNLISTED = {("GET", "/images/{name}/get", 404), ("GET", "/images/get", 404)}


def reply_schema(method, path, status):
    """The schema of that answer, {} where it has no document; None if the reference does not list the status."""
    if (method, path, status) in UNLISTED:
        return {}
    answers = {str(k): v for k, v in spec()["paths"][path][method.lower()]["responses"].items()}
    if str(status) not in answers:
        return None
    return resolve(answers[str(status)]).get("schema", {})


def check_reply(method, path, response):
    """The response to METHOD of the reference's PATH must fit its schema. Returns the document, None if there is none."""
    schema = reply_schema(method, path, response.status)
    if schema is None:
        raise Failed(f"{method} {path} answered {response.status} {response.message!r}, a status that the reference does not list")
    if not schema or not response.body or "json" not in response.headers.get("content-type", ""):
        return None
    value = response.json()
    found = list(errors(value, schema))
    if found:
        raise Failed(f"{method} {path}: {'; '.join(found[:5])}" + (f" and {len(found) - 5} more" if len(found) > 5 else ""))
    return value
