# SPDX-License-Identifier: Apache-2.0
"""Images and operations on the bus: objects, progress, cancelling, many of them, rights, a daemon that restarts."""

import json
import pathlib
import re
import shutil
import time

import common_host
from common_host import host
from harness import Skip, check, cleanup, contains, equal, eventually, matches, test

NAME = "org.dockerd1"
PATH = "/org/dockerd1"
MANAGER = "org.dockerd1.Manager"
IMAGE = "org.dockerd1.Image"
OPERATION = "org.dockerd1.Operation"
OBJECTS = "org.freedesktop.DBus.ObjectManager"
FOLDER = pathlib.Path(__file__).parent

REGISTRY = None


def registry():
    """The host and what bus_registry.py says; one registry for all tests of this file."""
    global REGISTRY
    h = host()
    if REGISTRY is None:
        program = shutil.which("docker-registry")
        if not program:
            raise Skip("no docker-registry (apt-get install docker-registry)")
        h.write("/usr/bin/docker-registry", pathlib.Path(program).read_bytes(), 0o755)
        for file in ("registry.py", "harness.py"):
            h.put_share(file, (FOLDER.parent / "lib" / file).read_text())
        p = h.popen("python3", "-B", h.put_share("bus_registry.py", (FOLDER / "inside/bus_registry.py").read_text()), stdin=None)
        line = p.stdout.readline()
        if not line:
            raise Skip(f"no registry on the host: {p.stderr.read().decode()[-300:]}")
        REGISTRY = json.loads(line)
    return h, REGISTRY


def busctl(h, *args, **kw):
    return h("busctl", "--no-pager", *args, **kw)


def manager(h, member, *args):
    """The object path that the method answers with."""
    return matches(busctl(h, "call", NAME, PATH, MANAGER, member, *args), r'^o "(/org/dockerd1/\w+/\w+)"$', f"answer of {member}").group(1)


def pull(h, reference, *options):
    return manager(h, "PullImage", "sa{sv}", reference, str(len(options) // 3), *options)


def operation(h, path, *names):
    out = json.loads("[" + ",".join(busctl(h, "--json=short", "get-property", NAME, path, OPERATION, *names).splitlines()) + "]")
    values = [o["data"] for o in out]
    return values if len(names) > 1 else values[0]


def ended(h, path, state="done", timeout=30):
    eventually(lambda: operation(h, path, "State") != "running", f"{path} has ended", timeout)
    is_state, error = operation(h, path, "State", "Error")
    equal(is_state, state, f"state of {path} (error: {error})")
    return error


def image(h, path, *names):
    out = [json.loads(line)["data"] for line in busctl(h, "--json=short", "get-property", NAME, path, IMAGE, *names).splitlines()]
    return out if len(names) > 1 else out[0]


def workers(h):
    return h.try_("pgrep", "-c", "-f", "dockerd-worker").stdout.strip()


def no_workers(h):
    eventually(lambda: workers(h) == "0", "all workers are gone", 10)


def leftovers(h):
    """What is half-made below the data root; what has come of a blob is kept for the next time."""
    return h("cd /var/lib/dockerd && ls -A tmp trash 2>/dev/null | grep -v ':$' | grep . || true")


def forget(h, *references):
    for r in references:
        h.try_("docker", "rmi", "-f", r)


def monitor(h, path):
    """Begins to listen to an object; the result stops and gives the signals."""
    p = h.popen("timeout", "60", "busctl", "monitor", "--json=short", "--no-pager", f"--match=type='signal',path='{path}'", stdin=None)
    cleanup(p.kill)
    time.sleep(0.7)             # for busctl to be there: with --json newer ones do not say so

    def stop():
        h.try_("pkill", "-f", f"^busctl .*path='{path}'")       # what was entered to start it does not pass signals on
        return [json.loads(line) for line in p.communicate(timeout=30)[0].decode().splitlines()]
    return stop


def inside(h, name, *args, timeout=120):
    h.put_share("sdbus.py", (FOLDER / "inside/sdbus.py").read_text())
    return h("python3", "-B", h.put_share(name, (FOLDER / "inside" / name).read_text()), *map(str, args), timeout=timeout)


def as_user(h, user, *command):
    h(f"id {user} >/dev/null 2>&1 || useradd -m {user}")
    return h.try_("runuser", "-u", user, "--", *command)


@test
def pull_with_progress():
    """busctl has long left when the image is here."""
    h, r = registry()
    reference = f"{r['proxy']}/apps/slow0:1"
    begin = time.monotonic()
    path = pull(h, reference)
    check(time.monotonic() - begin < 1.5, "PullImage does not answer at once")
    stop = monitor(h, path)
    eventually(lambda: operation(h, path, "Total") > 2_000_000, "the size of both layers is known")
    values = operation(h, path, "Type", "Reference", "State", "Current", "Total", "Progress", "Steps")
    equal(values[:3], ["pull", reference, "running"], "Type, Reference and State")
    check(0 < values[3] <= values[4], f"Current {values[3]} of {values[4]}")
    check(0 < values[5] < 1, f"Progress {values[5]}")
    equal(len(values[6]), 2, f"Steps {values[6]}")
    contains(busctl(h, "tree", NAME), path, "busctl tree")
    ended(h, path)
    equal(operation(h, path, "Progress", "Result", "Error", "ErrorName"), [1, r["digests"]["slow0"], "", ""], "the end")
    current, total = operation(h, path, "Current", "Total")
    equal(current, total, "Current and Total at the end")

    signals = stop()
    changes = [s["payload"]["data"][1] for s in signals if s["member"] == "PropertiesChanged"]
    progress = [c["Progress"]["data"] for c in changes if "Progress" in c]
    equal(progress, sorted(progress), "Progress in the signals, which never goes back")
    check(5 <= len(changes) <= 40, f"{len(changes)} PropertiesChanged")
    equal([s["payload"]["data"] for s in signals if s["member"] == "Finished"], [["done", ""]], "Finished")
    messages = [json.loads(s["payload"]["data"][0]) for s in signals if s["member"] == "Message"]
    check(any(m.get("status") == "Pull complete" for m in messages), f"Message never says Pull complete: {messages[-3:]}")
    equal(h("docker image inspect -f '{{index .RepoTags 0}}'", reference) if False else h(f"docker image inspect -f '{{{{index .RepoTags 0}}}}' {reference}"),
          reference, "the image seen over HTTP")
    forget(h, reference)


@test
def fails_later():
    h, r = registry()
    path = pull(h, f"{r['registry']}/apps/nosuch:1")
    error = ended(h, path, "failed")
    matches(error, r"(?i)manifest unknown|not found", "Error")
    equal(operation(h, path, "ErrorName"), "org.dockerd1.Error.NotFound", "ErrorName")
    refused = h.try_("busctl", "call", NAME, PATH, MANAGER, "PullImage", "sa{sv}", "BAD//", "0")
    matches(refused.stderr, "invalid reference format", "what is wrong at once is an error of the method")


@test
def push():
    h, r = registry()
    reference = f"{r['registry']}/apps/pushed"
    h(f"docker tag busybox {reference}:1")
    cleanup(forget, h, f"{reference}:1")
    path = manager(h, "PushImage", "sa{sv}", reference, "1", "tag", "s", "1")
    ended(h, path)
    kind, digest, progress = operation(h, path, "Type", "Result", "Progress")
    equal((kind, progress), ("push", 1), "Type and Progress")
    matches(digest, r"^sha256:[0-9a-f]{64}$", "Result")

    # The same image by its object, under the name that it has; and under none that it has not.
    obj = manager(h, "GetImage", "s", f"{reference}:1")
    path = busctl(h, "call", NAME, obj, IMAGE, "Push", "sa{sv}", f"{reference}:1", "0").split('"')[1]
    ended(h, path)
    equal(operation(h, path, "Reference", "Result"), [f"{reference}:1", digest], "Reference and Result")
    refused = h.try_("busctl", "call", NAME, obj, IMAGE, "Push", "sa{sv}", f"{reference}:2", "0")
    contains(refused.stderr, "is not a tag of this image", "a push by another image's name")
    forget(h, f"{reference}:1")
    path = pull(h, f"{reference}:1")
    ended(h, path)
    equal(operation(h, path, "Result"), digest, "Result of pulling it back")


@test
def cancel_in_the_middle():
    h, r = registry()
    reference = f"{r['proxy']}/apps/slow1:1"
    before = leftovers(h)               # an earlier pull's may still be on their way out
    path = pull(h, reference)
    stop = monitor(h, path)
    eventually(lambda: operation(h, path, "Current") > 200_000, "some of it is here")
    check(workers(h) != "0", "no worker runs")
    busctl(h, "call", NAME, path, OPERATION, "Cancel")
    equal(operation(h, path, "State", "Error"), ["cancelled", "cancelled on request"], "State and Error")
    no_workers(h)
    equal([s["payload"]["data"] for s in stop() if s["member"] == "Finished"], [["cancelled", "cancelled on request"]], "Finished")
    check(h.try_("docker", "image", "inspect", reference).returncode != 0, "the image is there")
    eventually(lambda: set(leftovers(h).split()) <= set(before.split()), "nothing half-made is left")
    again = h.try_("busctl", "call", NAME, path, OPERATION, "Cancel")
    contains(again.stderr, "has ended already", "a second Cancel")

    path = pull(h, reference)
    ended(h, path)
    equal(operation(h, path, "Result"), r["digests"]["slow1"], "Result of the second pull")
    forget(h, reference)


@test
def cancel_leaves_other_clients():
    """An operation shares its work with a client of the API, whose pull goes on."""
    h, r = registry()
    reference = f"{r['proxy']}/apps/slow2:1"
    p = h.popen("docker", "pull", "-q", reference, stdin=None)
    cleanup(p.kill)
    path = pull(h, reference)
    eventually(lambda: operation(h, path, "Current") > 200_000, "some of it is here")
    busctl(h, "call", NAME, path, OPERATION, "Cancel")
    equal(operation(h, path, "State"), "cancelled", "State")
    out, err = p.communicate(timeout=30)
    equal((p.returncode, out.decode().strip()), (0, reference), f"docker pull ({err.decode()[-200:]})")
    forget(h, reference)


@test
def client_that_leaves():
    h, r = registry()
    reference = f"{r['proxy']}/apps/slow3:1"
    path = inside(h, "bus_operations.py", "leave", reference).strip()
    eventually(lambda: operation(h, path, "State") == "cancelled", f"{path} was cancelled", 5)
    equal(operation(h, path, "Error"), "the client has left the bus", "Error")
    no_workers(h)


@test(timeout=180)
def flood():
    """One client begins a thousand pulls: it gets what its limit allows, everybody else is served."""
    h, r = registry()
    rss = int(h(f"awk '/VmRSS/ {{print $2}}' /proc/{common_host.main_pid(h)}/status"))
    out = inside(h, "bus_operations.py", "flood", f"{r['proxy']}/apps/slow4:1", 1000).splitlines()
    taken, refused = re.match(r"(\d+) (.*)", out[0]).groups()
    equal(int(taken), 128, f"operations of one client ({refused})")
    contains(refused, "'more than 128 operations of one client are in progress': 872", "what the others were told")
    equal(out[1], "{'running': 128}", "states")
    equal(out[2], "{'cancelled': 128}", "states after Cancel")
    no_workers(h)
    contains(busctl(h, "call", NAME, PATH, MANAGER, "ListImages", "a{sv}", "0"), "busybox", "ListImages afterwards")
    grown = int(h(f"awk '/VmRSS/ {{print $2}}' /proc/{common_host.main_pid(h)}/status")) - rss
    print(f"     the daemon has grown by {grown} kB", flush=True)
    check(grown < 16 * 1024, f"the daemon has grown by {grown} kB")


@test(timeout=180)
def a_thousand_operations():
    """One after the other: those that have ended give way."""
    h, r = registry()
    reference = f"{r['registry']}/apps/small:1"
    ended(h, pull(h, reference))
    rss = int(h(f"awk '/VmRSS/ {{print $2}}' /proc/{common_host.main_pid(h)}/status"))
    out = inside(h, "bus_operations.py", "many", reference, 1000, timeout=170).splitlines()
    grown = int(h(f"awk '/VmRSS/ {{print $2}}' /proc/{common_host.main_pid(h)}/status")) - rss
    print(f"     {out[1]}, the daemon has grown by {grown} kB", flush=True)
    equal(out[0], "{'done': 1000}", "states")
    check(busctl(h, "tree", "--list", NAME).count("/operation/") <= 512, "more operations than there may be")
    check(grown < 8 * 1024, f"the daemon has grown by {grown} kB")
    forget(h, reference)


@test
def rights():
    """A user without rights begins nothing, sees nothing and ends nothing."""
    h, r = registry()
    path = pull(h, f"{r['proxy']}/apps/slow5:1")
    obj = manager(h, "GetImage", "s", "busybox")
    asked = r"(?i)(interactive authentication|not authorized|authentication is required)"
    for command in (["call", NAME, PATH, MANAGER, "PullImage", "sa{sv}", f"{r['registry']}/apps/small:1", "0"],
                    ["call", NAME, PATH, MANAGER, "PushImage", "sa{sv}", f"{r['registry']}/apps/small", "0"],
                    ["call", NAME, PATH, MANAGER, "GetImage", "s", "busybox"],
                    ["call", NAME, obj, IMAGE, "Inspect"], ["call", NAME, obj, IMAGE, "Remove", "a{sv}", "0"],
                    ["get-property", NAME, obj, IMAGE, "Id"],
                    ["get-property", NAME, path, OPERATION, "State"],
                    ["call", NAME, path, OPERATION, "Cancel"],
                    ["call", NAME, PATH, OBJECTS, "GetManagedObjects"]):
        out = as_user(h, "bob", "busctl", *command)
        check(out.returncode != 0, f"a user without rights: busctl {' '.join(command)} gave {out.stdout[:200]}")
        matches(out.stderr, asked, f"stderr of busctl {' '.join(command)}")
    # Without the name of the interface, which sd-bus would look up.
    out = as_user(h, "bob", "python3", "-B", h.put_share("bus_bare.py", (FOLDER / "inside/bus_bare.py").read_text()), path, "Cancel")
    check("allowed" not in out.stdout, f"Cancel without an interface: {out.stdout}{out.stderr}")
    equal(operation(h, path, "State"), "running", "State after all this")
    busctl(h, "call", NAME, path, OPERATION, "Cancel")

    # Who may pull, by a rule for that action alone, may look at what he began, and end it.
    h.put_share("49-pull.rules", 'polkit.addRule(function(a, s) { if (a.id == "org.dockerd1.image-create" && s.user == "bob") '
                                 'return polkit.Result.YES; });\n')
    h("install -m 644 /run/share-with-tests/49-pull.rules /etc/polkit-1/rules.d/; systemctl restart polkit.service")
    cleanup(h, "rm /etc/polkit-1/rules.d/49-pull.rules; systemctl restart polkit.service")
    out = as_user(h, "bob", "busctl", "call", NAME, PATH, MANAGER, "PullImage", "sa{sv}", f"{r['proxy']}/apps/slow5:1", "0")
    path = matches(out.stdout, r'^o "(.*)"', f"what bob's PullImage gave ({out.stderr})").group(1)
    equal(as_user(h, "bob", "busctl", "get-property", NAME, path, OPERATION, "State").stdout.strip(), 's "running"', "State that bob reads")
    equal(as_user(h, "bob", "busctl", "call", NAME, path, OPERATION, "Cancel").returncode, 0, "bob's Cancel")
    equal(operation(h, path, "State"), "cancelled", "State")
    no_workers(h)


@test
def daemon_restart():
    h, r = registry()
    reference = f"{r['proxy']}/apps/slow5:1"
    path = pull(h, reference)
    stop = monitor(h, path)
    eventually(lambda: operation(h, path, "Current") > 100_000, "some of it is here")
    h("systemctl restart dockerd.service")
    eventually(lambda: h.try_("busctl", "status", NAME).returncode == 0, "the daemon is back on the bus", 30)
    equal([s["payload"]["data"] for s in stop() if s["member"] == "Finished"], [["cancelled", "the daemon is stopping"]], "Finished")
    no_workers(h)
    out = h.try_("busctl", "get-property", NAME, path, OPERATION, "State")
    check(out.returncode != 0, f"the operation is still there: {out.stdout}")
    check(h.try_("docker", "image", "inspect", reference).returncode != 0, "the image is there")
    again = pull(h, reference)
    ended(h, again)
    equal(operation(h, again, "Result"), r["digests"]["slow5"], "Result of the pull after the restart")
    forget(h, reference)


@test
def image_objects():
    """Objects come, change and go with what is done over HTTP."""
    h = host()
    obj = manager(h, "GetImage", "s", "busybox")
    ident, tags, size, arch, system, created = image(h, obj, "Id", "RepoTags", "Size", "Architecture", "Os", "CreatedUSec")
    equal(ident, h("docker image inspect -f '{{.Id}}' busybox"), "Id")
    contains(tags, "busybox:latest", "RepoTags")
    equal(str(size), h("docker image inspect -f '{{.Size}}' busybox"), "Size")
    equal(f"{system}/{arch}", h("docker image inspect -f '{{.Os}}/{{.Architecture}}' busybox"), "Os and Architecture")
    check(created > 0, "CreatedUSec is 0")
    objects = json.loads(busctl(h, "--json=short", "call", NAME, PATH, OBJECTS, "GetManagedObjects"))["data"][0]
    check(IMAGE in objects.get(obj, {}), f"GetManagedObjects does not have {obj}")

    stop = monitor(h, obj)
    stop_root = monitor(h, PATH)
    h("docker tag busybox bus/other:1; docker rmi bus/other:1")
    other = h("printf 'FROM scratch' >/dev/null; docker import --change 'LABEL a=b' /run/share-with-tests/busybox.tar bus/fresh:1")
    path = manager(h, "GetImage", "s", "bus/fresh:1")
    equal(image(h, path, "Id", "Labels"), [other, {"a": "b"}], "Id and Labels of a new image")
    h("docker rmi bus/fresh:1")
    eventually(lambda: h.try_("busctl", "get-property", NAME, path, IMAGE, "Id").returncode != 0, "the object of the image has gone")
    changes = [s["payload"]["data"][1]["RepoTags"]["data"] for s in stop() if s["member"] == "PropertiesChanged"]
    check(any("bus/other:1" in c for c in changes) or changes == [], f"RepoTags in the signals: {changes}")
    root = [(s["member"], s["payload"]["data"][0]) for s in stop_root() if s["member"].startswith("Interfaces")]
    equal([m for m, p in root if p == path], ["InterfacesAdded", "InterfacesRemoved"], "signals of the new image's object")

    # A tag that another image takes.
    stop = monitor(h, obj)
    h("docker tag busybox bus/moved:1")
    eventually(lambda: "bus/moved:1" in image(h, obj, "RepoTags"), "the image has the tag")
    time.sleep(0.2)
    h("docker import /run/share-with-tests/busybox.tar bus/moved:1")
    eventually(lambda: "bus/moved:1" not in image(h, obj, "RepoTags"), "the image has lost the tag")
    time.sleep(0.2)
    changes = ["bus/moved:1" in s["payload"]["data"][1]["RepoTags"]["data"] for s in stop() if s["member"] == "PropertiesChanged"]
    equal(changes, [True, False], "the tag in the signals")
    h("docker rmi bus/moved:1")


@test
def every_method_of_an_image():
    h = host()
    h("docker import /run/share-with-tests/busybox.tar bus/every:1")
    obj = manager(h, "GetImage", "s", "bus/every:1")
    for member, arguments, pattern in (("Inspect", [], r'"RepoTags" as 1 "bus/every:1"'), ("History", [], r'"CreatedBy"'),
                                       ("Tag", ["ss", "bus/every", "2"], r"^$"), ("Save", ["a{sv}", "0"], r'^hs \d+ "tar"')):
        matches(busctl(h, "call", NAME, obj, IMAGE, member, *arguments), pattern, f"answer of {member}")
    equal(image(h, obj, "RepoTags"), ["bus/every:1", "bus/every:2"], "RepoTags")
    refused = h.try_("busctl", "call", NAME, obj, IMAGE, "Remove", "a{sv}", "1", "name", "s", "busybox")
    check(refused.returncode == 0 or "conflict" in refused.stderr, f"Remove: {refused.stderr}")
    busctl(h, "call", NAME, obj, IMAGE, "Remove", "a{sv}", "1", "force", "b", "true") if refused.returncode else None
    check(h.try_("docker", "image", "inspect", "bus/every:1").returncode != 0, "the image is there")
    h("docker image inspect busybox")
