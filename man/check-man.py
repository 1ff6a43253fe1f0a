#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check-man.py DOCKERD PAGE...: compares the pages with `dockerd --help`, the units and each other."""

import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import importlib

make_page = importlib.import_module("make-page")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def plain(roff):
    """Without the marks of roff."""
    return re.sub(r"\\f[A-Z]|\\&|^\.B ", "", roff, flags=re.M).replace("\\-", "-").replace("\\(aq", "'")


def check_options(dockerd, pages):
    """Every flag of --help is an entry of dockerd.8 and every key one of docker-daemon.json.5, and there are no others."""
    flags = set(re.findall(r"^ +(?:-\w, +)?--([\w-]+)", run(dockerd, "--help"), re.M))
    described = set(re.findall(r"^(?:-\w, )?--([\w-]+)(?: [\w-]+)?$", pages["dockerd.8"], re.M))
    for name in sorted(flags - described):
        yield f"dockerd.8 does not describe --{name}"
    for name in sorted(described - flags):
        yield f"dockerd.8 describes --{name}, which --help does not have"
    rows = [line.split("\t") for line in run(dockerd, "--dump-options", "text").splitlines()]
    # A flag that --help hides has a hidden key.
    keys = {row[2] for row in rows if row[2].strip("-") and (row[0] == "-" or row[0] in flags)}
    described = set(re.findall(r"^([a-z][\w.-]*) \([^)]+\)$", pages["docker-daemon.json.5"], re.M))
    for name in sorted(keys ^ described):
        yield f"docker-daemon.json.5 and the option table differ in the key {name}"


def check_references(pages):
    """What the units and pages of ours refer to is there."""
    ours = {re.sub(r"\.(\d)$", r"(\1)", name) for name in pages}
    for unit in sorted((HERE.parent / "units").glob("dockerd.*")):
        for name in re.findall(r"man:(\S+)", unit.read_text()):
            if name not in ours:
                yield f"units/{unit.name} refers to {name}, which is not in man/"
    for name, text in pages.items():
        for other in re.findall(r"\b((?:dockerd|docker|org\.dockerd1)[\w.-]*\(\d\))", text):
            if other not in ours:
                yield f"{name} refers to {other}, which is not in man/"


def main():
    dockerd, names = sys.argv[1], sys.argv[2:]
    pages = {name: plain(make_page.page(dockerd, HERE / f"{name}.rst")) for name in names}
    findings = [f"man/{p.name} is not built" for p in HERE.glob("*.rst") if p.stem not in pages]
    findings += [*check_options(dockerd, pages), *check_references(pages)]
    for finding in findings:
        print(finding)
    print(f"{len(pages)} pages, {len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())
