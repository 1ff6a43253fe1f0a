# SPDX-License-Identifier: Apache-2.0
"""pull, push, login, save and load through the CLI, with a real registry on loopback."""

import json

from common_clients import directory, docker, only_ours
from harness import cleanup, contains, equal, matches, test
from registry import PASSWORD, USER, Registry


def mine(d, registry, name):
    """busybox under a name of that registry."""
    full = f"{registry.host}/{name}"
    d("tag", "busybox", full)
    cleanup(d.try_, "rmi", "-f", full)
    return full


@test
def push_and_pull():
    only_ours()
    d = docker()
    name = mine(d, Registry(), "team/app:v1")
    repository = name.rsplit(":", 1)[0]
    out = d("push", name)
    equal(out.splitlines()[0], f"The push refers to repository [{repository}]", "first line of docker push")
    digest = matches(out.splitlines()[-1], r"^v1: digest: (sha256:[0-9a-f]{64}) size: \d+$").group(1)
    d("rmi", name)
    out = d("pull", name)
    equal(out.splitlines()[0], "v1: Pulling from team/app", "first line of docker pull")
    equal(out.splitlines()[-3:], [f"Digest: {digest}", f"Status: Downloaded newer image for {name}", name], "its last lines")
    equal(d("run", "--rm", name, "echo", "pulled"), "pulled", "output of a container of it")
    contains(d("images", "--digests", repository), digest, "docker images --digests")
    equal(d("pull", name).splitlines()[-2], f"Status: Image is up to date for {name}", "status of a second pull")


@test
def run_pulls_what_is_missing():
    only_ours()
    d = docker()
    name = mine(d, Registry(), "app:v1")
    d("push", "-q", name)
    d("rmi", name)
    r = d.try_("run", "--rm", name, "echo", "ran")
    equal((r.code, r.out.strip()), (0, "ran"), "docker run")
    contains(r.err, f"Unable to find image '{name}' locally", "what it says")
    contains(r.err, f"Status: Downloaded newer image for {name}", "what it says")


@test
def quiet_and_all_tags():
    only_ours()
    d = docker()
    r = Registry()
    names = [mine(d, r, f"many:{tag}") for tag in ("a", "b")]
    d("push", "-q", "-a", f"{r.host}/many")
    d("rmi", *names)
    equal(d("pull", "-q", names[0]), names[0], "docker pull -q")
    d("pull", "-a", f"{r.host}/many")
    equal(sorted(d("images", "--format", "{{.Tag}}", f"{r.host}/many").split()), ["a", "b"], "tags after docker pull -a")


@test
def login_with_a_password():
    only_ours()
    d = docker()
    r = Registry(auth="htpasswd")
    name = mine(d, r, "private:1")
    refused = d.try_("push", name)
    matches(refused.err + refused.out, r"no basic auth credentials|unauthorized|authentication required", "error without a login")
    wrong = d.try_("login", "-u", USER, "--password-stdin", r.host, input="wrong")
    matches(wrong.err, r"failed with status: 401 Unauthorized|unauthorized|incorrect username", "error of a wrong password")
    out = d("login", "-u", USER, "--password-stdin", r.host, input=PASSWORD)
    cleanup(d.try_, "logout", r.host)
    contains(out, "Login Succeeded", "docker login")
    d("push", "-q", name)
    d("rmi", name)
    d("pull", "-q", name)
    d("logout", r.host)
    d("rmi", name)
    check = d.try_("pull", name)
    matches(check.err, r"no basic auth credentials|unauthorized|authentication required", "error after docker logout")


@test
def errors():
    only_ours()
    d = docker()
    r = Registry()
    missing = d.try_("pull", f"{r.host}/nosuch:1")
    equal(missing.code, 1, "exit code of pulling what is not there")
    matches(missing.err, r"Error response from daemon: manifest for \S+/nosuch:1 not found: manifest unknown", "its error")
    unreachable = d.try_("pull", "127.0.0.1:1/x")
    matches(unreachable.err, r"dial tcp 127\.0\.0\.1:1: connect: connection refused", "error where nobody listens")
    absent = d.try_("push", f"{r.host}/nosuch:1")
    matches(absent.err, r"tag does not exist: \S+/nosuch:1", "error of pushing what is not here")


@test
def manifest_and_distribution():
    only_ours()
    d = docker()
    name = mine(d, Registry(), "app:v1")
    d("push", "-q", name)
    manifest = json.loads(d("manifest", "inspect", "--insecure", name))
    equal(manifest["schemaVersion"], 2, "docker manifest inspect")


@test
def save_and_load():
    d = docker()
    file = directory() / "saved.tar"
    d("tag", "busybox", "saved:1")
    cleanup(d.try_, "rmi", "-f", "saved:1")
    before = d("image", "inspect", "-f", "{{.Id}}", "saved:1")
    d("save", "-o", str(file), "saved:1", "busybox")
    d("rmi", "saved:1")
    equal(sorted(d("load", "-i", str(file)).splitlines()), ["Loaded image: busybox:latest", "Loaded image: saved:1"], "docker load")
    equal(d("image", "inspect", "-f", "{{.Id}}", "saved:1"), before, "id after docker save and load")
    missing = d.try_("save", "nosuch")
    matches(missing.err, r"No such image: nosuch", "error of saving what is not there")


@test
def image_prune():
    only_ours()
    d = docker()
    d("tag", "busybox", "pruned:1")
    contains(d("image", "prune", "-f"), "Total reclaimed space: 0B", "docker image prune without dangling images")
    equal(d("images", "-q", "pruned:1") != "", True, "the image is still there")
    d("rmi", "pruned:1")
