#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that every MESSAGE_ID of src/basic/messages.h has an entry in catalog/, and the other way round."""

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])


def ids_of_header(path):
    """Both ways to write one: SD_ID128_MAKE(aa,bb,...) and a string of 32 hex digits, with the constant's name."""
    ids = {}
    text = path.read_text()
    for m in re.finditer(r"#\s*define\s+(\w+)\s+SD_ID128_MAKE\(([0-9a-fA-F,\s\\]+)\)", text):
        ids.setdefault(re.sub(r"[^0-9a-fA-F]", "", m.group(2)).lower(), []).append(m.group(1))
    for m in re.finditer(r'#\s*define\s+(\w+?)(_STR)?\s+(?:SD_ID128_MAKE_STR\(([0-9a-fA-F,\s\\]+)\)|"([0-9a-fA-F]{32})")',
                         text):
        value = re.sub(r"[^0-9a-fA-F]", "", m.group(3) or m.group(4)).lower()
        if m.group(1) not in ids.get(value, []):
            ids.setdefault(value, []).append(m.group(1))
    return ids


def main():
    header = ROOT / "src/basic/messages.h"
    if not header.exists():
        print("src/basic/messages.h does not exist: nothing to compare")
        return 77
    ids = ids_of_header(header)
    problems = []
    for value, names in ids.items():
        if len(value) != 32:
            problems.append(f"{names[0]}: {len(value)} hex digits, 32 wanted")
        if len(names) > 1:
            problems.append(f"{value} is the value of {' and '.join(names)}")
    entries = {}
    for path in sorted((ROOT / "catalog").glob("*")) if (ROOT / "catalog").is_dir() else []:
        if path.name == "meson.build":
            continue
        current, before = None, ""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("-- "):
                current = line[3:].split()[0].lower()
                where = f"{path.relative_to(ROOT)}:{number}"
                if before:
                    problems.append(f"{where}: no empty line above, so that journalctl takes it for text")
                if not re.fullmatch(r"[0-9a-f]{32}", current):
                    problems.append(f"{where}: '{current}' is not a message id")
                elif current in entries:
                    problems.append(f"{where}: {current} has an entry already ({entries[current][0]})")
                entries[current] = [where, False]
            elif current and line.startswith("Subject:") and line[8:].strip():
                entries[current][1] = True
            before = line.strip()
    for value, names in ids.items():
        if value not in entries:
            problems.append(f"{names[0]} ({value}) has no entry in catalog/")
    for value, (where, subject) in entries.items():
        if value not in ids:
            problems.append(f"{where}: {value} is no constant of src/basic/messages.h")
        if not subject:
            problems.append(f"{where}: no Subject: line")
    for text in problems:
        print(text)
    print(f"{len(ids)} messages, {len(entries)} catalog entries, {len(problems)} findings")
    return 1 if problems else 0


sys.exit(main())
