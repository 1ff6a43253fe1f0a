#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make-page.py DOCKERD INPUT [OUTPUT]: a page of this folder as roff; with no OUTPUT it is only checked.

A line ".. dump-options: FORMAT" stands for what `dockerd --dump-options FORMAT` prints."""

import pathlib
import re
import subprocess
import sys

import docutils.core


def expand(dockerd, text):
    def dump(m):
        return subprocess.run([dockerd, "--dump-options", m.group(1)], check=True, capture_output=True, text=True).stdout
    return re.sub(r"^\.\. dump-options: (\S+)$", dump, text, flags=re.M)


def page(dockerd, path):
    """The page as roff; a warning of docutils is an error."""
    text = expand(dockerd, pathlib.Path(path).read_text())
    settings = {"halt_level": 2, "report_level": 2, "input_encoding": "unicode", "output_encoding": "unicode",
                "source_link": False, "datestamp": None, "generator": None}
    return docutils.core.publish_string(text, source_path=str(path), writer_name="manpage", settings_overrides=settings)


if __name__ == "__main__":
    roff = page(sys.argv[1], sys.argv[2])
    if len(sys.argv) > 3:
        pathlib.Path(sys.argv[3]).write_text(roff)
