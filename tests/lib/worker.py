# SPDX-License-Identifier: Apache-2.0
"""dockerd-worker without a daemon: one verb with its parameters and descriptors (src/operation/worker-protocol.h)."""

import json
import os
import subprocess
import tempfile

from daemon import build_dir
from harness import Failed

KINDS = ("internal", "invalid", "unauthorized", "forbidden", "not found", "conflict", "not modified", "not implemented",
         "unavailable", "too large", "cancelled")


class Answer:
    def __init__(self, code, output):
        self.code = code
        self.lines = [json.loads(line) for line in output.decode().splitlines()]
        self.progress = [line["Progress"] for line in self.lines if "Progress" in line]
        self.result = next((line["Result"] for line in self.lines if "Result" in line), None)
        error = next((line["Error"] for line in self.lines if "Error" in line), {})
        self.kind = KINDS[error["Kind"]] if error else None
        self.message = error.get("Message", "")

    def ok(self):
        if self.result is None:
            raise Failed(f"the verb failed: {self.kind}: {self.message or self.lines}")
        return self.result


class Running:
    def __init__(self, verb, params, fds=(), environment=None):
        self.files = fds                # kept open
        passed = [os.memfd_create("params"), *(getattr(f, "fd", f) for f in fds)]
        os.write(passed[0], json.dumps(params).encode())
        os.lseek(passed[0], 0, os.SEEK_SET)

        def place():
            high = [os.dup2(fd, 200 + i) for i, fd in enumerate(passed)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
                os.close(fd)

        self.process = subprocess.Popen([build_dir("debug") / "dockerd-worker", verb], stdout=subprocess.PIPE, close_fds=False,
                                        preexec_fn=place, env={"LC_CTYPE": "C.UTF-8", **(environment or {})})
        os.close(passed[0])

    def answer(self, timeout=50):
        try:
            output = self.process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"the verb has not ended after {timeout} seconds") from None
        return Answer(self.process.returncode, output)


def run(verb, params, fds=(), timeout=50):
    return Running(verb, params, fds).answer(timeout)


class File:
    """A file without a name, as the daemon hands them to verbs."""

    def __init__(self, data=b""):
        self.file = tempfile.TemporaryFile()
        self.file.write(data)
        self.file.flush()
        os.lseek(self.fd, 0, os.SEEK_SET)

    @property
    def fd(self):
        return self.file.fileno()

    @property
    def data(self):
        return os.pread(self.fd, os.fstat(self.fd).st_size, 0)
