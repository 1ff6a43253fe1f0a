# SPDX-License-Identifier: Apache-2.0
"""Where the test suites keep what is slow to make (root file systems, packages), and how one maker at a time fills it."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from harness import Skip


def cache_dir():
    """XDG_CACHE_HOME/dockerd-tests, or /var/cache/dockerd-tests: kept between runs, safe to delete at any time."""
    base = os.environ.get("DOCKERD_TESTS_CACHE")
    if not base:
        xdg = os.environ.get("XDG_CACHE_HOME")
        base = os.path.join(xdg, "dockerd-tests") if xdg else "/var/cache/dockerd-tests"
    path = pathlib.Path(base)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(name):
    with open(cache_dir() / (name + ".lock"), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def key_of(*parts):
    return hashlib.sha256("\0".join(str(p) for p in parts).encode()).hexdigest()[:12]


def cached(name, key, make):
    """The path NAME-KEY in the cache; made by make(temporary path) when it is not there, older keys of NAME removed."""
    path = cache_dir() / f"{name}-{key}"
    if path.exists():
        return path
    if os.environ.get("DOCKERD_TESTS_INSIDE"):
        # In the suites' own network namespace nothing can be fetched; tests/run tried it before it went there.
        raise Skip(os.environ.get(_reason_variable(name)) or f"{name} is not in the cache {cache_dir()}")
    with locked(name):
        if path.exists():
            return path
        for old in cache_dir().glob(name + "-*"):
            if not old.name.endswith(".lock") and len(old.name) == len(path.name):
                remove_tree(old)
        tmp = cache_dir() / f".{name}-{key}.part"
        remove_tree(tmp)
        make(tmp)
        tmp.rename(path)
    return path


def _reason_variable(name):
    return "DOCKERD_TESTS_NO_" + re.sub(r"\W", "_", name).upper()


def prepare(name, make):
    """Outside of the namespaces: fill the cache; a Skip is kept for the tests that will ask for NAME."""
    try:
        make()
    except Skip as e:
        os.environ[_reason_variable(name)] = str(e)


def remove_tree(path):
    path = pathlib.Path(path)
    if path.is_dir() and not path.is_symlink():
        # Things below may be immutable or odd (a root file system); rm copes with what shutil stumbles over.
        subprocess.run(["rm", "-rf", "--one-file-system", str(path)], check=False)
        shutil.rmtree(path, ignore_errors=True)
    elif path.exists() or path.is_symlink():
        path.unlink()
