#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every #include "folder/file.h" in src/ against tests/lint/layers.txt: a folder includes only downward."""

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def table():
    allowed = {}
    for line in (ROOT / "tests/lint/layers.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            folder, _, rest = line.partition(":")
            allowed[folder.strip()] = set(rest.split())
    return allowed


def check_file(path, allowed):
    folder = path.relative_to(ROOT / "src").parts[0]
    where = path.relative_to(ROOT)
    # Tests and fuzz drivers may also reach the folders their subject may reach, nothing more.
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        m = INCLUDE.match(line)
        if not m:
            continue
        target = m.group(1)
        if "/" not in target:
            if target not in ("config.h",):
                yield f'{where}:{number}: "{target}": include paths are written from src/, as in "{folder}/{target}"'
            continue
        other = target.split("/")[0]
        if other == folder or other == "basic" or allowed[folder] == {"*"} or other in allowed[folder]:
            if not (ROOT / "src" / target).exists():
                yield f"{where}:{number}: src/{target} does not exist"
            continue
        if other not in allowed:
            yield f"{where}:{number}: src/{other}/ is not in tests/lint/layers.txt"
        else:
            yield f"{where}:{number}: {folder}/ may not include {other}/ (tests/lint/layers.txt)"


def main():
    allowed = table()
    problems = []
    files = 0
    for path in sorted((ROOT / "src").rglob("*.[ch]")):
        relative = path.relative_to(ROOT / "src")
        if len(relative.parts) < 2:
            problems.append(f"src/{relative}: sources lie in a folder of src/, not in src/ itself")
            continue
        if relative.parts[0] not in allowed:
            problems.append(f"src/{relative}: folder {relative.parts[0]}/ is not in tests/lint/layers.txt")
            continue
        files += 1
        problems += check_file(path, allowed)
    for text in problems:
        print(text)
    print(f"{files} files, {len(problems)} findings")
    return 1 if problems else 0


sys.exit(main())
