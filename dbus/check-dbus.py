#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the files of this folder and the manual page with the running objects.

check-dbus.py PROGRAM [--update]: PROGRAM is bus-introspect; --update writes the interface files anew."""

import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
INTERFACES = {kind.lower(): f"org.dockerd1.{kind}" for kind in ("Manager", "Container", "Image", "Operation")}
HEADER = """<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by dbus/check-dbus.py from the objects of src/bus; described in org.dockerd1(5). -->
"""


def run(program, *args):
    return subprocess.run([program, *args], check=True, capture_output=True, text=True, timeout=60).stdout


def interface_of(program, kind):
    """The interface element as the running object shows it."""
    text = re.sub(r"<!DOCTYPE.*?>", "", run(program, kind), flags=re.S)
    for element in ET.fromstring(text).iter("interface"):
        if element.get("name") == INTERFACES[kind]:
            return element
    raise SystemExit(f"the {kind} does not have {INTERFACES[kind]}")


def as_file(interface):
    node = ET.Element("node")
    node.append(interface)
    ET.indent(node, " ")
    return HEADER + ET.tostring(node, encoding="unicode") + "\n"


def arguments(element, direction):
    found = [a for a in element.iter("arg") if a.get("direction", "out") == direction]
    return ", ".join(f"{a.get('type')} {a.get('name')}" for a in found)


def synopses(interface):
    """One line for each member, as the manual page has to carry it."""
    for element in interface:
        name = element.get("name")
        if element.tag == "method":
            out = arguments(element, "out")
            yield f"{name}({arguments(element, 'in')})" + (f" -> ({out})" if out else "")
        elif element.tag == "signal":
            yield f"{name}({arguments(element, 'out')})"
        elif element.tag == "property":
            yield f"{name} ({element.get('type')})"


def check_interfaces(program, update):
    findings = []
    page = (ROOT / "man/org.dockerd1.5.rst").read_text()
    for kind, name in INTERFACES.items():
        interface = interface_of(program, kind)
        wanted = as_file(interface)
        path = HERE / f"{name}.xml"
        if update:
            path.write_text(wanted)
        elif not path.exists() or path.read_text() != wanted:
            findings.append(f"dbus/{path.name} differs from the running object; dbus/check-dbus.py --update writes it")
        for line in synopses(interface):
            if f"``{line}``" not in page:
                findings.append(f"man/org.dockerd1.5.rst does not describe {name}: ``{line}``")
    return findings


def check_actions(program):
    used = set(run(program, "actions").split())
    text = (HERE / "org.dockerd1.policy").read_text()
    policy = ET.fromstring(re.sub(r"<!DOCTYPE.*?>", "", text, flags=re.S))
    described = [a.get("id") for a in policy.iter("action")]
    findings = [f"org.dockerd1.policy has {a} twice" for a in set(described) if described.count(a) > 1]
    findings += [f"no call needs the action {a} of org.dockerd1.policy" for a in sorted(set(described) - used)]
    findings += [f"org.dockerd1.policy lacks the action {a}" for a in sorted(used - set(described))]
    for action in policy.iter("action"):
        defaults = action.find("defaults")
        for rule in ("allow_any", "allow_inactive", "allow_active"):
            if defaults is None or defaults.find(rule) is None:
                findings.append(f"{action.get('id')} has no {rule}")
        if not (action.findtext("description") and action.findtext("message")):
            findings.append(f"{action.get('id')} has no description or no message")
    return findings


def main():
    program, update = sys.argv[1], "--update" in sys.argv[2:]
    findings = check_interfaces(program, update) + check_actions(program)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())
