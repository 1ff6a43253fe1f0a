# SPDX-License-Identifier: Apache-2.0
"""One test here for each test inside of the machine, see common_vm.py."""

import pathlib
import re

import common_vm
import harness

for stage in common_vm.STAGES:
    text = (pathlib.Path(__file__).parent / "inside" / f"{stage}.py").read_text()
    for function in re.findall(r"^@test.*\ndef (\w+)\(\):", text, re.M):
        name = f"{stage}:{function}"
        harness.TESTS.append((name, lambda name=name: common_vm.report(name), 10))
