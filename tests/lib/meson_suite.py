#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""meson_suite.py SUITE BUILD-DIRECTORY LOG [FAILED-TO]: report what `meson test` wrote to the build's testlog.json.

Prints the failed and skipped tests and the suite's line; writes the names of those that failed to FAILED-TO, one a line."""

import json
import pathlib
import sys


def kind_of(result):
    return {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}.get(result, "failed")


def name_of(row):
    return row["name"].split(" / ")[-1].split(":")[-1].strip()


def output_of(row):
    return [line.strip() for line in (row.get("stdout", "") + "\n" + row.get("stderr", "")).splitlines() if line.strip()]


def report(suite, row):
    kind, name, text = kind_of(row["result"]), name_of(row), output_of(row)
    if kind == "failed":
        marks = ("ERROR:", "runtime error", "Assertion", "FAIL")
        why = [line for line in text if any(mark in line for mark in marks)] or text[-3:]
        print(f"FAIL {suite}:{name} ({row['duration']:.1f} s): {row['result']}: {' | '.join(why[:6])[:700]}")
        if suite == "lint":
            print("\n".join("       " + line for line in text[:40]))
    elif kind == "skipped":
        print(f"skip {suite}:{name}: {text[-1] if text else 'no reason given'}")
    elif suite == "lint":
        print(f"ok   {suite}:{name}: {text[-1] if text else ''}")


def main(suite, build, log, failed_to=None):
    path = pathlib.Path(build) / "meson-logs/testlog.json"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    for row in rows:
        report(suite, row)
    count = {kind: sum(kind_of(row["result"]) == kind for row in rows) for kind in ("passed", "failed", "skipped")}
    if not rows:
        last = pathlib.Path(log).read_text().strip().splitlines()[-1:]
        print(f"skip {suite}: no tests are registered ({' '.join(last)})")
        count["skipped"] = 1
    if failed_to:
        names = [name_of(row) for row in rows if kind_of(row["result"]) == "failed"]
        pathlib.Path(failed_to).write_text("".join(f"{name}\n" for name in names))
    print(f"{suite}: {count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")


main(*sys.argv[1:])
