#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the route tables with the API reference (Docker's swagger file): nothing may be missing, and what is not in
the reference must be in the list below. The reference is not part of this project: without the variable it is looked for
in ../shared/api beside the checkout.

    DOCKER_API_REFERENCE=v1.51.yaml check-routes.py routes-*.c
"""
import os
import pathlib
import re
import sys

# Routes of Docker's that its reference does not tell.
UNDOCUMENTED = {
    ("GET", "/containers/{}/checkpoints"), ("POST", "/containers/{}/checkpoints"), ("DELETE", "/containers/{}/checkpoints/{}"),
    ("GET", "/debug/pprof/{}"), ("GET", "/debug/vars"), ("GET", "/networks/"), ("OPTIONS", "/{}"), ("POST", "/build/cancel"),
    ("POST", "/grpc"),
}


def normalise(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


def rows(files):
    for name in files:
        with open(name) as f:
            text = f.read()
        for method, path in re.findall(r'\bROUTE\w*\((\w+),\s*"([^"]+)"', text):
            yield method, normalise(path)
        for method, path in re.findall(r'\.method = HTTP_(\w+), \.path = "([^"]+)"', text):
            yield method, normalise(path)


def operations(reference):
    path = None
    in_paths = False
    with open(reference) as f:
        for line in f:
            if re.match(r"\S", line):
                in_paths = line.startswith("paths:")
            if not in_paths:
                continue
            m = re.match(r'  "?(/[^":]*)"?:', line)
            if m:
                path = normalise(m.group(1))
            m = re.match(r"    (get|put|post|delete|head|options|patch):", line)
            if m:
                yield m.group(1).upper(), path


def main():
    beside = pathlib.Path(__file__).resolve().parents[3] / "shared/api/v1.51.yaml"
    reference = os.environ.get("DOCKER_API_REFERENCE", beside)
    if not os.path.exists(reference):
        print("SKIPPED: %s, Docker's API reference, is not there (set DOCKER_API_REFERENCE)" % reference)
        return 77
    have = list(rows(sys.argv[1:]))
    want = set(operations(reference))
    problems = ["twice: %s %s" % r for r in sorted({r for r in have if have.count(r) > 1})]
    problems += ["missing: %s %s" % r for r in sorted(want - set(have))]
    problems += ["not in the reference: %s %s" % r for r in sorted(set(have) - want - UNDOCUMENTED)]
    problems += ["in the reference now: %s %s" % r for r in sorted(UNDOCUMENTED & want)]
    print("\n".join(problems) or "%u routes, %u operations in the reference" % (len(have), len(want)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
