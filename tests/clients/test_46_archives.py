# SPDX-License-Identifier: Apache-2.0
"""What podman, buildah, umoci and skopeo write is loaded, and what is saved here they read; ids and digests stay."""

import json
import os
import shutil
import subprocess
import tarfile

from common_clients import directory, docker, only_ours
from harness import Skip, cases, check, cleanup, contains, equal, matches, test
from images import busybox_binary
from registry import Registry

FORMATS = ("docker-archive", "oci-archive")


class Tool:
    """A program with its own storage, so that the machine's stays as it is."""

    def __init__(self, name):
        only_ours()
        if not shutil.which(name):
            raise Skip(f"{name} is not installed (apt-get install {name})")
        self.directory = directory()
        self.command = [name]
        if name in ("podman", "buildah"):
            self.command += ["--root", str(self.directory / "root"), "--runroot", str(self.directory / "run"), "--storage-driver", "vfs"]
        policy = self.directory / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.policy = []
        if name == "skopeo":
            self.command += ["--policy", str(policy)]
        elif name != "umoci":
            self.policy = [f"--signature-policy={policy}"]

    def __call__(self, *args):
        r = subprocess.run([*self.command, *map(str, args)], capture_output=True, text=True, timeout=120,
                           env={**os.environ, "TMPDIR": str(self.directory), "BUILDAH_ISOLATION": "chroot"})
        equal(r.returncode, 0, f"exit code of {self.command[0]} {' '.join(map(str, args))} ({r.stderr.strip()[-300:]})")
        return r.stdout.strip()


def identity(d, name):
    """What must stay the same over every move: the layers and what is run."""
    i = json.loads(d("inspect", "--type=image", name))[0]
    return i["RootFS"]["Layers"], i["Config"].get("Cmd"), i["Config"].get("Env"), i["Architecture"]


def runs(d, name):
    equal(d("run", "--rm", "--network=none", name, "sh", "-c", "echo it $((6 * 7))"), "it 42", f"output of a container of {name}")


def ours(d, name):
    """An image of two layers under that name."""
    c = d("create", "busybox", "sh")
    d("commit", "-c", "ENV COLOUR=green", "-c", 'CMD ["sh", "-c", "echo default"]', c, name)
    d("rm", c)
    cleanup(d.try_, "rmi", "-f", name)


def loaded(d, file):
    """The name or id that docker load tells."""
    return matches(d("load", "-i", file), r"Loaded image(?: ID)?: (\S+)$", "output of docker load").group(1)


@cases([(f, f) for f in FORMATS])
def podman(form):
    d, p = docker(), Tool("podman")
    ours(d, "localhost/moved:1")
    before, image_id = identity(d, "localhost/moved:1"), d("inspect", "-f", "{{.Id}}", "localhost/moved:1")
    d("save", "-o", p.directory / "a.tar", "localhost/moved:1")
    p("load", *p.policy, "-i", p.directory / "a.tar")
    equal("sha256:" + p("image", "inspect", "--format", "{{.Id}}", "localhost/moved:1"), image_id, "id that podman sees")
    p("save", *p.policy, "--format", form, "-o", p.directory / "b.tar", "localhost/moved:1")
    d("rmi", "localhost/moved:1")
    equal(loaded(d, p.directory / "b.tar"), "localhost/moved:1", "what docker load says")
    equal(identity(d, "localhost/moved:1"), before, "layers and config after the way back")
    runs(d, "localhost/moved:1")


@cases([(f, f) for f in FORMATS])
def buildah(form):
    d, b = docker(), Tool("buildah")
    binary = b.directory / "busybox"
    binary.write_bytes(busybox_binary()[1])
    binary.chmod(0o755)
    c = b("from", *b.policy, "scratch")
    b("copy", c, binary, "/bin/busybox")
    b("copy", c, binary, "/bin/sh")
    b("config", "--env", "MADE=buildah", "--cmd", "sh -c 'echo built'", "--label", "by=buildah", c)
    b("commit", *b.policy, c, f"{form}:{b.directory}/a.tar:localhost/built:1")
    name = loaded(d, b.directory / "a.tar")
    cleanup(d.try_, "rmi", "-f", name)
    equal(name, "localhost/built:1", "what docker load says")
    contains(d("inspect", "-f", "{{.Config.Env}} {{.Config.Labels}}", name), "MADE=buildah", "the environment")
    runs(d, name)


@test
def umoci():
    d, u = docker(), Tool("umoci")
    layout, tree = u.directory / "layout", u.directory / "tree"
    (tree / "bin").mkdir(parents=True)
    for name in ("busybox", "sh"):
        (tree / "bin" / name).write_bytes(busybox_binary()[1])
        (tree / "bin" / name).chmod(0o755)
    u("init", "--layout", layout)
    u("new", "--image", f"{layout}:first")
    u("insert", "--image", f"{layout}:first", tree / "bin", "/bin")
    u("config", "--image", f"{layout}:first", "--config.cmd", "sh", "--config.env", "MADE=umoci")
    with tarfile.open(u.directory / "a.tar", "w") as t:
        t.add(layout, ".")
    name = loaded(d, u.directory / "a.tar")
    cleanup(d.try_, "rmi", "-f", name)
    contains(d("inspect", "-f", "{{.Config.Env}}", name), "MADE=umoci", "the environment")
    runs(d, name)


@cases([(f, f) for f in FORMATS])
def skopeo_from_a_registry(form):
    """Pushed here, copied into an archive by skopeo, loaded again."""
    d, s, r = docker(), Tool("skopeo"), Registry()
    name = f"{r.host}/team/app:1"
    ours(d, name)
    before = identity(d, name)
    digest = matches(d("push", name), r"digest: (sha256:[0-9a-f]{64})", "output of docker push").group(1)
    seen = json.loads(s("inspect", "--tls-verify=false", f"docker://{name}"))
    equal(seen["Digest"], digest, "digest that skopeo sees")
    s("copy", "--src-tls-verify=false", f"docker://{name}", f"{form}:{s.directory}/a.tar:localhost/copied:1")
    equal(loaded(d, s.directory / "a.tar"), "localhost/copied:1", "what docker load says")
    cleanup(d.try_, "rmi", "-f", "localhost/copied:1")
    equal(identity(d, "localhost/copied:1"), before, "layers and config")
    runs(d, "localhost/copied:1")


@cases([(f, f) for f in FORMATS])
def skopeo_into_a_registry(form):
    """Saved here, copied into a registry by skopeo, pulled again: the digest that the registry has is the one that is shown."""
    d, s, r = docker(), Tool("skopeo"), Registry()
    ours(d, "localhost/saved:1")
    before = identity(d, "localhost/saved:1")
    d("save", "-o", s.directory / "a.tar", "localhost/saved:1")
    source = f"{form}:{s.directory}/a.tar" + (":localhost/saved:1" if form == "docker-archive" else "")
    name = f"{r.host}/team/saved:1"
    s("copy", "--dest-tls-verify=false", source, f"docker://{name}")
    digest = json.loads(s("inspect", "--tls-verify=false", f"docker://{name}"))["Digest"]
    out = d("pull", name)
    cleanup(d.try_, "rmi", "-f", name)
    contains(out, f"Digest: {digest}", "output of docker pull")
    equal(identity(d, name), before, "layers and config")
    check(f"{r.host}/team/saved@{digest}" in d("inspect", "-f", "{{.RepoDigests}}", name), "the digest is not among the RepoDigests")
    runs(d, name)
