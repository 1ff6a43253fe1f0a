# SPDX-License-Identifier: Apache-2.0
"""Images without a network: a busybox root file system as a deterministic tar, docker-archive and OCI layout writers."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile

from harness import Skip

EPOCH = 1577836800              # every time stamp in the archives: 2020-01-01
CREATED = "2020-01-01T00:00:00Z"


def busybox_binary():
    """A static busybox: of the package busybox-static."""
    for path in (os.environ.get("DOCKERD_TESTS_BUSYBOX"), "/bin/busybox", "/usr/bin/busybox"):
        if path and os.path.exists(path):
            with open(path, "rb") as f:
                data = f.read()
            if b"/lib64/ld-linux" not in data[:4096]:
                return path, data
    raise Skip("no static busybox (apt-get install busybox-static)")


class TarWriter:
    """A tar whose bytes depend on nothing but what is put in."""

    def __init__(self):
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name, data=None, mode=None, kind=None, link="", uid=0, gid=0, major=0, minor=0, pax=None):
        info = tarfile.TarInfo(name)
        info.mtime, info.uid, info.gid = EPOCH, uid, gid
        info.uname = info.gname = ""
        if data is not None:
            data = data.encode() if isinstance(data, str) else data
            info.type, info.size, info.mode = tarfile.REGTYPE, len(data), 0o644
        else:
            info.type, info.mode = kind or tarfile.DIRTYPE, 0o755
        if mode is not None:
            info.mode = mode
        info.linkname, info.devmajor, info.devminor = link, major, minor
        if pax:
            info.pax_headers = pax
        self.tar.addfile(info, io.BytesIO(data) if data is not None else None)
        return self

    def bytes(self):
        self.tar.close()
        return self.buffer.getvalue()


_BUSYBOX = None


def busybox_tar():
    global _BUSYBOX
    if _BUSYBOX:
        return _BUSYBOX
    path, data = busybox_binary()
    applets = subprocess.run([path, "--list"], capture_output=True, text=True, check=True).stdout.split()
    t = TarWriter()
    for d in ("bin", "dev", "etc", "home", "proc", "root", "sys", "usr", "usr/bin", "usr/sbin", "var", "var/spool"):
        t.add(d)
    t.add("tmp", mode=0o1777)
    t.add("home/user", uid=1000, gid=1000)
    t.add("bin/busybox", data, mode=0o755)
    for applet in sorted(set(applets) - {"busybox"}):
        t.add("bin/" + applet, kind=tarfile.LNKTYPE, link="bin/busybox", mode=0o755)
    t.add("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"
                        "nobody:x:65534:65534:nobody:/home:/bin/false\n")
    t.add("etc/group", "root:x:0:\nwheel:x:10:user\nuser:x:1000:\nnogroup:x:65534:\n")
    t.add("etc/shadow", "root:*:::::::\n", mode=0o640)
    _BUSYBOX = t.bytes()
    return _BUSYBOX


def image_config(layers, cmd=("sh",), **config):
    """An image's config document; layers are uncompressed tars."""
    config = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": list(cmd), **config}
    return json.dumps({
        "architecture": "amd64", "os": "linux", "created": CREATED,
        "config": {k: v for k, v in config.items() if v is not None},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "history": [{"created": CREATED, "created_by": f"layer {i}"} for i in range(len(layers))],
    }, sort_keys=True).encode()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def docker_archive(layers, tags=("busybox:latest",), config=None, **options):
    """What `docker save` of the older kind writes: manifest.json, one config, one directory a layer."""
    config = config if config is not None else image_config(layers, **options)
    name = digest(config)[7:] + ".json"
    t = TarWriter()
    paths = []
    for layer in layers:
        directory = digest(layer)[7:]
        if directory + "/layer.tar" not in paths:
            t.add(directory)
            t.add(directory + "/layer.tar", layer)
        paths.append(directory + "/layer.tar")
    t.add(name, config)
    t.add("manifest.json", json.dumps([{"Config": name, "RepoTags": list(tags), "Layers": paths}]))
    repositories = {}
    for tag in tags:
        repository, _, version = tag.rpartition(":")
        repositories.setdefault(repository, {})[version] = paths[-1].split("/")[0] if paths else ""
    t.add("repositories", json.dumps(repositories))
    return t.bytes()


def save_archive(layers, tags=("busybox:latest",), **options):
    """What `docker save` of today writes: an OCI layout with a manifest.json that points into it."""
    return oci_archive(layers, tags, compress=False, manifest_json=True, **options)


def oci_archive(layers, tags=("busybox:latest",), compress=True, config=None, manifest_json=False, **options):
    """An OCI image layout in a tar, as `skopeo copy ... oci-archive:` writes it."""
    config = config if config is not None else image_config(layers, **options)
    t = TarWriter()
    blobs = {}

    def put(data):
        blobs[digest(data)] = data
        return {"digest": digest(data), "size": len(data)}

    descriptors = []
    for layer in layers:
        data = gzip.compress(layer, 6, mtime=0) if compress else layer
        kind = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if compress else "")
        descriptors.append({"mediaType": kind, **put(data)})
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **put(config)},
        "layers": descriptors,
    }).encode()
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", **put(manifest)}
    manifests = [{**entry, "annotations": {"io.containerd.image.name": "docker.io/library/" + tag,
                                           "org.opencontainers.image.ref.name": tag.rpartition(":")[2]}}
                 for tag in tags] or [entry]
    for d in ("blobs", "blobs/sha256"):
        t.add(d)
    for name, data in blobs.items():
        t.add("blobs/sha256/" + name[7:], data)
    t.add("index.json", json.dumps({"schemaVersion": 2, "manifests": manifests}))
    if manifest_json:
        t.add("manifest.json", json.dumps([{"Config": "blobs/sha256/" + digest(config)[7:], "RepoTags": list(tags),
                                            "Layers": ["blobs/sha256/" + d["digest"][7:] for d in descriptors]}]))
    t.add("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}))
    return t.bytes()


def write_busybox(path):
    pathlib.Path(path).write_bytes(busybox_tar())
    return path


if __name__ == "__main__":
    import sys
    if len(sys.argv) != 2:
        sys.exit("usage: images.py FILE   writes the busybox root file system as a tar, ready for `docker import`")
    write_busybox(sys.argv[1])
