#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what CODING_STYLE.md asks of every source file and a program can see.

SPDX line first, no tabs, 109 columns, forbidden functions, JSON by hand only in json/, no notes of unfinished work.
Long files and functions are reported, not refused, up to a hard limit."""

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
SPDX = "SPDX-License-Identifier: Apache-2.0"
COLUMNS = 109
FILE_LONG, FILE_MAX = 800, 1200

# Function, why not, and the files where it is right after all (paths under src/, "folder/" for a whole folder).
FORBIDDEN = [
    ("strcpy",      "use strdup, stpcpy on a sized buffer or snprintf", ()),
    ("strcat",      "use strextend or snprintf", ()),
    ("strncpy",     "it does not terminate; use snprintf or memcpy", ()),
    ("sprintf",     "use snprintf or asprintf", ()),
    ("vsprintf",    "use vsnprintf or vasprintf", ()),
    ("strtok",      "it has hidden state; use strsep or an extract function", ()),
    ("atoi",        "it cannot fail; use safe_atoi and its kin", ()),
    ("atol",        "it cannot fail; use safe_atoi64 and its kin", ()),
    ("gets",        "never", ()),
    ("alloca",      "allocate on the heap, or use a fixed buffer", ()),
    ("system",      "no shell in the daemon; use the spawn helper", ()),
    ("popen",       "no shell in the daemon; use the spawn helper", ()),
    ("fork",        "never fork the daemon (facts: it copies page tables for 20 ms); use the spawn helper",
                    ("worker/", "shim/", "basic/process-util.c", "shared/process-util.c")),
    ("vfork",       "use the spawn helper", ("basic/process-util.c", "shared/process-util.c")),
    ("dup",         "it is not O_CLOEXEC; use fcntl(F_DUPFD_CLOEXEC)", ()),
    ("creat",       "it is not O_CLOEXEC; use open", ()),
    ("tmpnam",      "use mkostemp or O_TMPFILE", ()),
    ("mktemp",      "use mkostemp or O_TMPFILE", ()),
    ("gethostbyname", "it blocks; names are resolved elsewhere", ()),
    ("pthread_create", "no threads (ARCHITECTURE.md)", ()),
]
CALL = re.compile(r"(?<![\w.>])(" + "|".join(re.escape(f[0]) for f in FORBIDDEN) + r")\s*\(")
JSON_C = re.compile(r"\bjson_object_(?!type\b)\w+\s*\(|\bjson_tokener_\w+\s*\(|#\s*include\s*<json(-c)?[./]")
# A text that a client compares or a person reads is not cut in two only for the width.
LONG_STRING = re.compile(r'''^[^"]*"(?:[^"\\]|\\.)*"[\s,;(){}\w.]*\\?$''')
# event-hub.c: one time stamp of the struct is two members of the document, which the field tables do not express.
JSON_BY_HAND = ("json/", "event/event-hub.c")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def strip_code(text):
    """The text with comments and string contents blanked, line structure kept."""
    out = []
    i, n = 0, len(text)
    while i < n:
        if text.startswith("/*", i):
            end = text.find("*/", i + 2)
            end = n if end < 0 else end + 2
            out.append(re.sub(r"[^\n]", " ", text[i:end]))
            i = end
        elif text.startswith("//", i):
            end = text.find("\n", i)
            end = n if end < 0 else end
            out.append(" " * (end - i))
            i = end
        elif text[i] in "\"'":
            quote, j = text[i], i + 1
            while j < n and text[j] != quote and text[j] != "\n":
                j += 2 if text[j] == "\\" else 1
            out.append(quote + " " * max(0, min(j, n) - i - 1) + (quote if j < n else ""))
            i = j + 1
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def check_c(path, relative, text, findings, notes):
    lines = text.split("\n")
    if SPDX not in lines[0]:
        findings.append(f"src/{relative}:1: the first line is not /* {SPDX} */")
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            findings.append(f"src/{relative}:{number}: tab")
        if len(line) > COLUMNS and not (LONG_STRING.match(line) and len(line) <= COLUMNS + 40):
            findings.append(f"src/{relative}:{number}: {len(line)} columns, at most {COLUMNS}")
        if line != line.rstrip():
            findings.append(f"src/{relative}:{number}: blank at the end of the line")
        if UNFINISHED.search(line):
            findings.append(f"src/{relative}:{number}: note of unfinished work ({UNFINISHED.search(line).group(1)})")
    if not text.endswith("\n"):
        findings.append(f"src/{relative}: no newline at the end")
    if relative.suffix == ".h" and "#pragma once" not in text:
        findings.append(f"src/{relative}: no #pragma once")

    where = str(relative)
    is_test = relative.name.startswith(("test-", "fuzz-"))
    rules = {f[0]: f for f in FORBIDDEN}
    for number, line in enumerate(strip_code(text).split("\n"), 1):
        for m in CALL.finditer(line):
            name, why, places = rules[m.group(1)]
            if is_test and name in ("fork", "system"):
                continue
            if not any(where.startswith(p) if p.endswith("/") else where == p for p in places):
                findings.append(f"src/{where}:{number}: {name}(): {why}")
        if JSON_C.search(line) and not is_test and not where.startswith(JSON_BY_HAND):
            findings.append(f"src/{where}:{number}: json-c outside src/json/")
    if len(lines) > FILE_MAX and not where.startswith("api/"):
        findings.append(f"src/{where}: {len(lines)} lines, at most {FILE_MAX}: split it by verb")
    elif len(lines) > FILE_LONG:
        notes.append(f"src/{where}: {len(lines)} lines (above {FILE_LONG})")


def function_lengths(text):
    """Lengths of the functions of a C file: from a '{' that ends a line in column > 0 at depth 0 to its '}'."""
    begin = None
    for number, line in enumerate(strip_code(text).split("\n"), 1):
        if begin is None and line and not line[0].isspace() and line.rstrip().endswith("{") and "(" in line:
            begin = number
        elif begin is None and line.startswith("{"):
            begin = number
        elif begin is not None and line.startswith("}"):
            if not line.startswith("};"):
                yield number - begin - 1
            begin = None


def main():
    findings, notes, lengths = [], [], []
    files = 0
    for path in sorted((ROOT / "src").rglob("*.[ch]")):
        text = path.read_text(errors="replace")
        check_c(path, path.relative_to(ROOT / "src"), text, findings, notes)
        if path.suffix == ".c":
            lengths += function_lengths(text)
        files += 1
    for folder in ("tests", "tools", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and (path.suffix in (".py", ".sh") or (not path.suffix and path.parent.name != "fuzz"
                                   and "fuzz" not in path.parts and path.stat().st_mode & 0o100)):
                head = path.read_bytes()[:400].decode(errors="replace")
                if SPDX not in head:
                    findings.append(f"{path.relative_to(ROOT)}: no {SPDX} line")
    for text in findings:
        print(text)
    for text in notes:
        print("note:", text)
    if lengths:
        lengths.sort()
        print(f"note: {len(lengths)} functions, median {lengths[len(lengths) // 2]} lines, "
              f"90 % {lengths[len(lengths) * 9 // 10]}, longest {lengths[-1]}")
    print(f"{files} files, {len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())
