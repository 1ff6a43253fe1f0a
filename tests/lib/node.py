# SPDX-License-Identifier: Apache-2.0
"""JavaScript SDKs from npm, in the cache."""

import shutil
import subprocess

import cache
from harness import Skip

DOCKERODE = "4.0.9"


def dockerode():
    """Directory whose node_modules/ has dockerode."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")

    def make(tmp):
        tmp.mkdir()
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=20000",
                   f"dockerode@{DOCKERODE}"]
        try:
            r = subprocess.run(command, cwd=tmp, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=150)
            failed = r.returncode != 0 and (r.stderr or r.stdout).strip()[-200:]
        except subprocess.TimeoutExpired:
            failed = "no answer within 150 s"
        if failed or not (tmp / "node_modules/dockerode").exists():
            cache.remove_tree(tmp)
            raise Skip(f"npm install dockerode failed: {failed}")
    return cache.cached("dockerode", cache.key_of(DOCKERODE), make)
