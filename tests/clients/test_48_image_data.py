# SPDX-License-Identifier: Apache-2.0
"""docker system df, docker images --tree, --platform of the image commands, through the CLI."""

import json

import images
from common_clients import directory, docker, only_ours
from harness import check, cleanup, contains, equal, matches, test
from registry import Server, reply


def load_image(d, tag, *layers, **options):
    d("load", input=images.save_archive(list(layers), tags=[tag], **options))
    cleanup(d.try_, "rmi", "-f", tag)


def layer(size, fill=b"x"):
    return images.TarWriter().add("data", fill * size).bytes()


@test
def system_df():
    d = docker()
    load_image(d, "cli-df:latest", layer(1_500_000))
    d("run", "--name", "writer", "busybox", "sh", "-c", "head -c 3000000 /dev/zero > /f")
    rows = {row["Type"]: row for row in map(json.loads, d("system", "df", "--format", "json").splitlines())}
    equal(set(rows), {"Images", "Containers", "Local Volumes", "Build Cache"}, "types")
    equal((rows["Containers"]["TotalCount"], rows["Containers"]["Active"], rows["Containers"]["Size"]), ("1", "0", "3MB"), "containers")
    equal(rows["Images"]["Active"], "1", "images in use")
    contains(d("system", "df"), "RECLAIMABLE", "docker system df")


@test
def system_df_verbose():
    d = docker()
    load_image(d, "cli-df:one", layer(2_000_000, b"a"), layer(500_000, b"b"))
    load_image(d, "cli-df:two", layer(2_000_000, b"a"))
    d("create", "--name", "idle", "busybox")
    out = d("system", "df", "-v")
    matches(out, r"cli-df +one +\w+ +.* 2\.5MB +2MB +500kB +0\n", "row of cli-df:one")
    matches(out, r"cli-df +two +\w+ +.* 2MB +2MB +0B +0\n", "row of cli-df:two")
    matches(out, r"busybox +latest +.* 1\n", "row of busybox: one container")
    matches(out, r'\n\w{12} +busybox .* 0B .* idle\n', "row of the container")


@test
def images_tree():
    only_ours()
    d = docker()
    load_image(d, "cli-tree:latest", layer(1_500_000))
    d("create", "busybox")
    out = d("images", "--tree")
    matches(out, r"cli-tree:latest +\w{12} +1\.5MB +1\.5\d?MB", "row of the image")
    matches(out, r"└─ linux/amd64 +\w{12} +3(\.\d+)?MB +1\.5\d?MB", "row of its platform")
    matches(out, r"busybox:latest .* (✔|U) *\n", "mark of what is in use")


@test
def platform_of_save():
    d = docker()
    path = directory() / "archive.tar"
    d("save", "--platform", "linux/amd64", "-o", path, "busybox")
    check(path.stat().st_size > 1_000_000, "the archive is too small")
    d.fails(1, r"no suitable export target found for platform linux/s390x", "save", "--platform", "linux/s390x", "-o", path, "busybox")


@test
def platform_of_load():
    only_ours()         # which says so if nothing is loaded
    d = docker()
    archive = images.save_archive([layer(1000)], tags=["cli-platform:latest"])
    cleanup(d.try_, "rmi", "-f", "cli-platform")
    d.fails(1, r"the archive has no image of the requested platform \(linux/s390x\)", "load", "--platform", "linux/s390x", input=archive)
    equal(d("load", "--platform", "linux/amd64", input=archive), "Loaded image: cli-platform:latest", "output")


@test
def run_of_another_platform():
    d = docker()
    config = json.dumps({"os": "linux", "architecture": "s390x", "config": {"Cmd": ["true"]},
                         "rootfs": {"type": "layers", "diff_ids": [images.digest(layer(10))]}}).encode()
    d("load", input=images.save_archive([layer(10)], tags=["cli-s390x:latest"], config=config))
    cleanup(d.try_, "rmi", "-f", "cli-s390x")
    r = d.try_("create", "cli-s390x")
    matches(r.err, r"^WARNING: The requested image's platform \(linux/s390x\) does not match the detected host platform \(linux/amd64(/v\d)?\) and no "
                   r"specific platform was requested", "warning")
    equal(d.try_("create", "--platform", "linux/s390x", "cli-s390x").err, "", "warnings where the platform was asked for")
    d.fails(1, r"was found but its platform \(linux/s390x\) does not match the specified platform \(linux/amd64\)",
            "create", "--pull", "never", "--platform", "linux/amd64", "cli-s390x")


@test
def platform_of_inspect():
    d = docker()
    equal(d("image", "inspect", "--platform", "linux/amd64", "-f", "{{.Architecture}}", "busybox"), "amd64", "architecture")
    d.fails(1, r"was found but its platform \(linux/amd64\) does not match the specified platform \(linux/arm64\)",
            "image", "inspect", "--platform", "linux/arm64", "busybox")


@test
def import_of_a_url():
    class Web(Server):
        def answer(self, h, body):
            reply(h, 200, images.busybox_tar()) if h.path == "/root.tar" else reply(h, 404, b"nothing here")

    d = docker()
    web = Web()
    out = d("import", "--change", "CMD echo from the web", f"{web.url}/root.tar", "cli-web")
    cleanup(d.try_, "rmi", "-f", "cli-web")
    equal(out.splitlines()[0], f"Downloading from {web.url}/root.tar", "first line")
    equal(d("run", "--rm", "cli-web"), "from the web", "output of a container")
    d.fails(1, rf"failed to GET {web.url}/x with status 404 Not Found: nothing here", "import", f"{web.url}/x")
