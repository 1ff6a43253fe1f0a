# SPDX-License-Identifier: Apache-2.0
"""import, load, images, tag, rmi, history, image inspect through the CLI."""

import gzip
import json
import lzma
import shutil
import subprocess

import images
import common_clients
from common_clients import directory, docker, only_ours
from harness import Skip, cases, check, contains, equal, matches, test


def forget(d, *names):
    for name in names:
        d.try_("rmi", "-f", name)


@cases([("tar", lambda b: b), ("gzip", lambda b: gzip.compress(b, 1)), ("xz", lambda b: lzma.compress(b, preset=0)),
        ("bzip2", lambda b: __import__("bz2").compress(b, 1)),
        ("zstd", lambda b: subprocess.run([need("zstd"), "-q", "-1", "-c"], input=b, stdout=subprocess.PIPE, check=True).stdout)],
       timeout=120)
def import_(compress):
    d = docker()
    try:
        if compress(b"")[:4] == b"\xfd7zX" and not common_clients.ENGINE.is_ours:
            raise Skip("the peer's host has no xz")
        out = d("import", "--change", "CMD [\"echo\", \"imported\"]", "-m", "a message", "-", "imported:v1",
                input=compress(images.busybox_tar()))
        matches(out.split("\n")[-1], r"^sha256:[0-9a-f]{64}$", "output of docker import")
        equal(d("run", "--rm", "imported:v1"), "imported", "output of the imported image")
        equal(d("image", "inspect", "-f", "{{.Comment}} {{.Os}}", "imported:v1"), "a message linux", "comment and OS")
    finally:
        forget(d, "imported:v1")


def need(tool):
    path = shutil.which(tool)
    if not path:
        raise Skip(f"{tool} is not installed")
    return path


@test
def import_of_a_file():
    d = docker()
    path = directory() / "root.tar"
    path.write_bytes(images.busybox_tar())
    try:
        d("import", path, "fromfile")
        contains(d("images", "--format", "{{.Repository}}:{{.Tag}}"), "fromfile:latest", "docker images")
    finally:
        forget(d, "fromfile")


@test
def import_of_garbage():
    d = docker()
    d.fails(1, r"(?i)(archive|tar|invalid|unrecognized|unexpected|EOF|header)", "import", "-", "garbage", input=b"not a tar at all" * 100)


@test
def import_with_a_bad_name():
    only_ours()
    d = docker()
    d.fails(1, r"(?i)(invalid reference format|repository name|must be lowercase)", "import", "-", "upper/CASE", input=images.busybox_tar())


def layered(tags, kind, **options):
    upper = images.TarWriter().add("etc/layer", "two\n").add("etc/.wh.shadow", b"").bytes()
    return getattr(images, kind)([images.busybox_tar(), upper], tags, **options)


@cases([("docker archive", "docker_archive"), ("docker save of today", "save_archive"), ("OCI layout", "oci_archive")],
       timeout=120)
def load(kind):
    if kind == "oci_archive":
        only_ours()                             # the peer wants a manifest.json in it
    d = docker()
    tag = "loaded:" + kind.replace("_", "-")
    try:
        out = d("load", input=layered([tag], kind, cmd=("cat", "/etc/layer"), Labels={"made": "here"}))
        matches(out, rf"Loaded image: {tag}", "output of docker load")
        equal(d("run", "--rm", tag), "two", "output of the loaded image")
        equal(d("run", "--rm", tag, "sh", "-c", "ls /etc/shadow 2>/dev/null | wc -l"), "0", "a file whited out by the second layer")
        equal(d("image", "inspect", "-f", '{{index .Config.Labels "made"}} {{len .RootFS.Layers}}', tag), "here 2", "label, layers")
    finally:
        forget(d, tag)


@test
def load_gzip():
    d = docker()
    try:
        contains(d("load", input=gzip.compress(layered(["zipped:1"], "docker_archive"), 1)), "Loaded image: zipped:1", "output")
    finally:
        forget(d, "zipped:1")


@test
def load_of_several_tags():
    d = docker()
    try:
        out = d("load", input=layered(["multi:1", "multi:2"], "docker_archive"))
        contains(out, "multi:1", "output")
        contains(out, "multi:2", "output")
        equal(len(d("images", "multi", "-q").split()), 2, "rows of docker images")
    finally:
        forget(d, "multi:1", "multi:2")


@test
def load_without_a_tag():
    d = docker()
    out = d("load", input=layered([], "docker_archive", cmd=("echo", "untagged")))
    m = matches(out, r"Loaded image ID: (sha256:[0-9a-f]{64})", "output")
    try:
        equal(d("run", "--rm", m.group(1)), "untagged", "run by id")
    finally:
        forget(d, m.group(1))


@test
def load_of_garbage():
    d = docker()
    d.fails(1, r"(?i)(archive|tar|invalid|unrecognized|unexpected|EOF|header|no such file|manifest)", "load", input=b"garbage" * 1000)


@test
def load_with_a_wrong_layer():
    """The config names another digest than the layer has."""
    only_ours()                                 # the peer takes it
    d = docker()
    layer, other = images.busybox_tar(), images.TarWriter().add("x", "x").bytes()
    archive = images.docker_archive([other], ["wrong:1"], config=images.image_config([layer]))
    d.fails(1, r"(?i)(diff ?id|digest|mismatch|invalid|does not match)", "load", input=archive)
    equal(d("images", "-q", "wrong"), "", "images left behind")


@test
def images_list():
    d = docker()
    rows = [json.loads(line) for line in d("images", "--format", "json").splitlines()]
    busybox = [r for r in rows if r["Repository"] == "busybox"][0]
    equal(busybox["Tag"], "latest", "tag")
    matches(busybox["Size"], r"^\d+(\.\d+)?MB$", "size")
    equal(len(d("images", "-q", "busybox").split()), 1, "rows for busybox")
    matches(d("images", "-q", "--no-trunc", "busybox"), r"^sha256:[0-9a-f]{64}$", "id")
    equal(d("images", "-q", "nosuch"), "", "rows for nosuch")


@test
def tag_and_rmi():
    d = docker()
    d("tag", "busybox", "example.org:5000/a/b:v2")
    equal(d("run", "--rm", "example.org:5000/a/b:v2", "echo", "tagged"), "tagged", "run by the new name")
    equal(d("image", "inspect", "-f", "{{.Id}}", "example.org:5000/a/b:v2"), d("image", "inspect", "-f", "{{.Id}}", "busybox"), "id")
    equal(d("rmi", "example.org:5000/a/b:v2"), "Untagged: example.org:5000/a/b:v2", "output of docker rmi")
    d.fails(1, r"(?i)no such image", "rmi", "example.org:5000/a/b:v2")


@test
def tag_errors():
    d = docker()
    d.fails(1, r"(?i)no such image", "tag", "nosuch", "x")
    d.fails(1, r"(?i)(not a valid repository/tag|invalid reference format)", "tag", "busybox", "Bad Name")


@test
def rmi_deletes_layers():
    d = docker()
    d("load", input=images.docker_archive([images.TarWriter().add("only", "here").bytes()], ["single:1"]))
    out = d("rmi", "single:1")
    matches(out, r"^Untagged: single:1\nDeleted: sha256:[0-9a-f]{64}", "output of docker rmi")


@test
def rmi_of_a_used_image():
    d = docker()
    d("load", input=layered(["used:1"], "docker_archive"))
    try:
        c = d("create", "used:1")
        d.fails(1, r"(?i)(conflict|unable to remove repository reference).*" + c[:12], "rmi", "used:1")
        i = d("image", "inspect", "-f", "{{.Id}}", "used:1")
        d("rmi", "-f", "used:1")
        equal(d("inspect", "-f", "{{.Image}}", c), i, "image of the container after rmi -f")
        d("rm", c)
    finally:
        forget(d, "used:1")


@test
def history():
    d = docker()
    d("load", input=layered(["old:1"], "docker_archive"))
    try:
        out = d("history", "--no-trunc", "--format", "{{.CreatedBy}}", "old:1").split("\n")
        equal(out, ["layer 1", "layer 0"], "docker history")
    finally:
        forget(d, "old:1")


@test
def image_inspect():
    d = docker()
    i = json.loads(d("image", "inspect", "busybox"))[0]
    matches(i["Id"], r"^sha256:[0-9a-f]{64}$", "Id")
    contains(i["RepoTags"], "busybox:latest", "RepoTags")
    equal((i["Os"], i["Config"]["Cmd"]), ("linux", ["sh"]), "OS and command")
    equal(i["RootFS"]["Type"], "layers", "RootFS.Type")
    d.fails(1, r"(?i)no such image", "image", "inspect", "nosuch")


@test
def run_by_short_id():
    d = docker()
    i = d("images", "-q", "busybox")
    equal(d("run", "--rm", i, "echo", "by id"), "by id", "output")


@test
def image_defaults_are_used():
    d = docker()
    archive = images.docker_archive([images.busybox_tar()], ["defaults:1"], cmd=("-c", "echo $A $(pwd) $(id -u)"),
                                    Entrypoint=["/bin/sh"], WorkingDir="/var/spool", User="user",
                                    Env=["A=from-image", "PATH=/bin"], StopSignal="SIGUSR1")
    d("load", input=archive)
    try:
        equal(d("run", "--rm", "defaults:1"), "from-image /var/spool 1000", "output")
        equal(d("run", "--rm", "-e", "A=mine", "-w", "/tmp", "-u", "0", "defaults:1"), "mine /tmp 0", "output with options")
        c = d("create", "defaults:1")
        equal(d("inspect", "-f", "{{.Config.StopSignal}}", c), "SIGUSR1", "stop signal")
        d("rm", c)
    finally:
        forget(d, "defaults:1")
