# SPDX-License-Identifier: Apache-2.0
"""docker diff, export and commit: what is other in a container, all of it, and an image of it."""

import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time

import cache
import common_api
import images
from common_api import client, only_ours, own_daemon
from harness import Skip, cases, check, cleanup, contains, equal, eventually, matches, test

NONE = {"NetworkMode": "none"}
MODIFIED, ADDED, DELETED = range(3)


def made(cmd, c=None, **config):
    """A container that has run the script, with success."""
    c = c or client()
    i = c.create(cmd="set -e\n" + cmd, host=NONE, **config)
    c.start(i)
    code = c.wait(i)
    check(code == 0, f"the script ended with {code}: {c.logs(i)}")
    return i


def changes(i, c=None):
    rows = (c or client()).ok("GET", f"/containers/{i}/changes")
    return {row["Path"]: row["Kind"] for row in rows or []}


def forget(*names):
    for name in names:
        common_api.ENGINE.client().delete(f"/images/{name}", query={"force": 1})


def commit(i, c=None, body=None, **query):
    c = c or client()
    image = c.ok("POST", "/commit", body, wanted=201, query={"container": i, **query})["Id"]
    if c.address == common_api.ENGINE.client().address:
        cleanup(forget, image)
    return image


def config_of(image, c=None):
    return {k: v for k, v in (c or client()).ok("GET", f"/images/{image}/json")["Config"].items() if v}


def export(i, c=None):
    r = (c or client()).get(f"/containers/{i}/export")
    equal(r.status, 200, f"status of the export ({r.message if r.status != 200 else ''})")
    return r.body


def plain(data):
    return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout if data[:4] == b"(\xb5/\xfd" else data


def saved(image, c=None):
    """The members of a `docker save`: name -> bytes, with its manifest.json."""
    archive = (c or client()).get(f"/images/{image}/get").body
    files = {m.name: f.read() for t in [tarfile.open(fileobj=io.BytesIO(archive))] for m in t if (f := t.extractfile(m))}
    return archive, files, json.loads(files["manifest.json"])[0]


def last_layer(image, c=None):
    _, files, manifest = saved(image, c)
    t = tarfile.open(fileobj=io.BytesIO(plain(files[manifest["Layers"][-1]])))
    return {m.name: m for m in t}


# --- diff ---

DIFFS = [
    ("nothing", "true", {}),
    ("a file", "echo x >/new", {"/new": ADDED}),
    ("a tree", "mkdir -p /a/b/c; echo x >/a/b/c/d", {"/a": ADDED, "/a/b": ADDED, "/a/b/c": ADDED, "/a/b/c/d": ADDED}),
    ("a file in a directory", "echo x >/usr/bin/new", {"/usr": MODIFIED, "/usr/bin": MODIFIED, "/usr/bin/new": ADDED}),
    ("content", "echo x >>/etc/passwd", {"/etc": MODIFIED, "/etc/passwd": MODIFIED}),
    ("mode", "chmod 600 /etc/passwd", {"/etc": MODIFIED, "/etc/passwd": MODIFIED}),
    ("owner", "chown 5:6 /etc/passwd", {"/etc": MODIFIED, "/etc/passwd": MODIFIED}),
    ("time", "touch -t 202101010000 /etc/passwd", {"/etc": MODIFIED, "/etc/passwd": MODIFIED}),
    ("copied, but the same", "chmod 600 /etc/passwd; chmod 644 /etc/passwd", {}),
    ("mode of a directory", "chmod 700 /home", {"/home": MODIFIED}),
    ("time of a directory", "echo x >/tmp/x; rm /tmp/x", {}),
    ("mode of the root", "chmod 700 /", {}),
    ("removed", "rm /etc/passwd", {"/etc": MODIFIED, "/etc/passwd": DELETED}),
    ("removed tree", "rm -r /home", {"/home": DELETED}),
    ("removed and made again", "rm /etc/shadow; echo x >/etc/shadow", {"/etc": MODIFIED, "/etc/shadow": MODIFIED}),
    ("opaque directory", "rm -r /home; mkdir /home; echo x >/home/x",
     {"/home": MODIFIED, "/home/user": DELETED, "/home/x": ADDED}),
    ("emptied directory", "rm -r /home; mkdir /home", {"/home": MODIFIED, "/home/user": DELETED}),
    ("renamed file", "mv /etc/shadow /etc/light", {"/etc": MODIFIED, "/etc/shadow": DELETED, "/etc/light": ADDED}),
    ("renamed directory", "mv /home /house", {"/home": DELETED, "/house": ADDED, "/house/user": ADDED}),
    ("file instead of a directory", "rm -r /home; echo x >/home", {"/home": MODIFIED}),
    ("directory instead of a file", "rm /etc/shadow; mkdir /etc/shadow; echo x >/etc/shadow/x",
     {"/etc": MODIFIED, "/etc/shadow": MODIFIED, "/etc/shadow/x": ADDED}),
    ("hard link", "ln /etc/shadow /etc/other", {"/etc": MODIFIED, "/etc/other": ADDED}),
    ("symlink", "ln -s /nowhere /etc/link; ln -sf /x /bin/ls", {"/etc": MODIFIED, "/etc/link": ADDED, "/bin": MODIFIED,
                                                                  "/bin/ls": MODIFIED}),
    ("devices and pipes", "mknod /b b 7 3; mknod /c c 1 3; mkfifo /p", {"/b": ADDED, "/c": ADDED, "/p": ADDED}),
    ("what every container has", "rm /.dockerenv; rm /etc/mtab", {"/.dockerenv": DELETED, "/etc": MODIFIED, "/etc/mtab": DELETED}),
    ("marks of layers", "echo x >/home/.wh.user; echo x >/home/.wh..wh..opq",
     {"/home": MODIFIED, "/home/.wh.user": ADDED, "/home/.wh..wh..opq": ADDED}),
]


@cases(DIFFS)
def diff(script, wanted):
    equal(changes(made(script)), wanted, "changes")


@test
def diff_document():
    c = client()
    i = c.create(cmd="true")
    r = c.get(f"/containers/{i}/changes")
    equal((r.status, r.headers["content-type"], r.body.strip()), (200, "application/json", b"null"), "answer without changes")
    i = made("mkdir /z /a; echo x >/z/\"$(printf 'quote\\042 line\\n tab\\t \\303\\244')\"; echo x >/a/x")
    rows = c.ok("GET", f"/containers/{i}/changes")
    check({"Path": "/z/quote\" line\n tab\t ä", "Kind": ADDED} in rows, f"an odd name in {rows}")
    paths = [row["Path"] for row in rows]
    for path in paths:
        parent = os.path.dirname(path)
        check(parent == "/" or paths.index(parent) < paths.index(path), f"{parent} comes after {path}")
    if common_api.ENGINE.is_ours:
        equal(paths, sorted(paths), "order")


@test
def diff_while_it_runs():
    c = client()
    i = c.create(cmd="echo x >/new; echo ready; sleep 1000", host=NONE)
    c.start(i)
    eventually(lambda: b"ready" in c.logs(i)[0], "the container is ready")
    equal(changes(i), {"/new": ADDED}, "changes of a running container")


def upper(i):
    only_ours()
    return common_api.ENGINE.data / "containers" / i / "rw/diff"


CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")      # cap_net_bind_service


@test
def file_capabilities():
    i = made("chown 0:0 /etc/passwd; cp /bin/busybox /cap")
    equal(changes(i), {"/cap": ADDED}, "changes before")
    for name in ("cap", "etc/passwd"):
        os.setxattr(upper(i) / name, "security.capability", CAPABILITY)
    equal(changes(i), {"/cap": ADDED, "/etc": MODIFIED, "/etc/passwd": MODIFIED}, "changes with capabilities")
    layer = last_layer(commit(i, repo="caps"))
    equal(layer["cap"].pax_headers["SCHILY.xattr.security.capability"].encode("utf-8", "surrogateescape"), CAPABILITY, "capability")
    i = client().create("caps", cmd="true", host=NONE)
    layers = [p for p in (common_api.ENGINE.data / "layers").glob("*/diff/cap")]
    check(any(os.getxattr(p, "security.capability") == CAPABILITY for p in layers), f"no capability in {layers}")


# --- commit ---

SCRIPT = r"""
mkdir -p /t/dir /t/empty
echo text >/t/file; chmod 4751 /t/file; chown 1000:2000 /t/file; chmod 4751 /t/file
ln /t/file /t/dir/hard; ln -s ../dir /t/link; ln -s dangling /t/dangling
mkfifo /t/pipe; mknod /t/null c 1 3; mknod /t/loop b 7 9
chmod 1777 /t/dir; chown 7:8 /t/dir; touch -t 202001020304.05 /t/file /t/dir
long=$(printf '%0200d' 7); echo long >/t/$long; mkdir -p /t/$long-d/$long; echo deep >/t/$long-d/$long/$long
echo odd >/t/"$(printf 'a\012b')"; echo latin >/t/"$(printf 'l\344tin')"; echo utf >/t/"$(printf '\303\244')"
dd if=/dev/zero of=/t/sparse bs=1 count=1 seek=3000000000 2>/dev/null; echo end >>/t/sparse
dd if=/dev/zero of=/t/hole bs=1 count=0 seek=50000000 2>/dev/null
rm /bin/ls /etc/shadow; rm -r /home; mkdir /home; echo x >/home/x; echo more >>/etc/group
"""

LOOK = r"""
cat /t/file /t/dir/hard /t/0*7 /t/0*-d/*/* /t/a?b /t/l?tin /etc/group | md5sum
stat -c '%n %a %u %g %F %h' /t/file /t/dir/hard /t/dir /t/link /t/dangling /t/pipe /t/null /t/loop /t/empty
stat -c '%n %Y' /t/file; stat -c '%t:%T' /t/null /t/loop; readlink /t/link; readlink /t/dangling
stat -c '%n %s' /t/sparse /t/hole; tail -c 5 /t/sparse; du -k /t/sparse /t/hole | awk '$1 > 4000 {print "not sparse", $0}'
test /t/file -ef /t/dir/hard && echo linked
find /t /home -print0 | sort -z | md5sum; test -e /bin/ls || echo gone; test -e /etc/shadow || echo gone
"""


def look_at(image, c=None):
    code, out, err = (c or client()).run("set -e\n" + LOOK, image=image)
    equal(code, 0, f"exit code of looking at the image ({err!r})")
    return out


@test
def commit_and_run():
    i = made(SCRIPT + "\n{\n" + LOOK + "\n} >/dev/stderr")
    was = client().logs(i)[1].decode()
    contains(was, "linked\n", "what the container saw")
    image = commit(i, repo="made", tag="1")
    equal(look_at(image), was, "what a container of the new image sees")
    equal(client().run("cat /home/x", image="made:1")[1], "x\n", "by its name")
    second = commit(made("rm /t/file; echo x >/second", Image="made:1"), repo="made", tag="2")
    code, out, err = client().run("cat /second /t/dir/hard; test ! -e /t/file", image=second)
    equal((code, out), (0, "x\ntext\n"), f"a third layer ({err!r})")


@test
def whiteouts():
    i = made("rm /bin/ls; rm -r /home; mkdir /home; echo x >/home/x; rm -r /var; echo x >/var; rm /.dockerenv")
    layer = last_layer(commit(i))
    for name in ("bin/.wh.ls", "home/.wh.user", "home/x", "var", ".wh..dockerenv"):
        check(name in layer, f"{name} is not in the layer: {sorted(layer)}")
    check(not any(m.ischr() and m.devmajor == m.devminor == 0 for m in layer.values()), "a mark of overlayfs is in the layer")
    check(layer["var"].isreg(), "/var is no file")
    check(not any("SCHILY.xattr.trusted" in k for m in layer.values() for k in m.pax_headers), "trusted attributes are in the layer")


@test
def written_back_in_time():
    """Same size, same time of change, other content: in the image all the same."""
    i = made("touch -r /etc/group /ref; sed -i s/wheel/WHEEL/ /etc/group; touch -r /ref /etc/group; rm /ref")
    equal(client().run("grep -c WHEEL /etc/group", image=commit(i))[1], "1\n", "the line of the image")


@test
def marks_are_not_taken_for_files():
    only_ours()
    i = made("echo x >/home/.wh.user; echo x >/kept; nc -lU /socket & sleep 0.2; kill %1 || true; echo x >/.wh..wh..opq")
    image = commit(i)
    equal(client().run("cat /kept; ls -d /home/user /etc/passwd", image=image)[1], "x\n/etc/passwd\n/home/user\n", "files of the image")
    contains(common_api.ENGINE.log(), "/.wh.user", "the warning in the log")


@test
def without_changes():
    c = client()
    i = c.create(cmd="true")
    image = c.ok("GET", "/images/" + commit(i) + "/json")
    parent = c.ok("GET", "/images/busybox/json")
    equal(image["RootFS"]["Layers"], parent["RootFS"]["Layers"], "layers of an image of a container without changes")
    check(image["Id"] != parent["Id"], "the new image is the old one")
    equal(c.run("echo works", image=image["Id"])[1], "works\n", "a container of it")


@test
def history_and_parent():
    c = client()
    i = made("echo x >/x")
    image = c.ok("GET", "/images/" + commit(i, author="Me <me@x>", comment="why", repo="hist") + "/json")
    parent = c.ok("GET", "/images/busybox/json")
    equal(image["Parent"], parent["Id"], "Parent")
    equal((image["Author"], image["Comment"], image["Architecture"], image["Os"]), ("Me <me@x>", "why", parent["Architecture"], "linux"),
          "author, comment, platform")
    equal(len(image["RootFS"]["Layers"]), len(parent["RootFS"]["Layers"]) + 1, "layers")
    rows = c.ok("GET", "/images/hist/history")
    equal((rows[0]["Id"], rows[0]["Comment"], rows[0]["Size"]), (image["Id"], "why", 2), "newest step")
    equal(rows[0]["CreatedBy"], "sh -c set -e\necho x >/x", "CreatedBy")
    equal(rows[1]["Id"], parent["Id"], "the step before is the parent")
    row = next(r for r in c.ok("GET", "/images/json") if r["Id"] == image["Id"])
    equal((row["ParentId"], row["RepoTags"]), (parent["Id"], ["hist:latest"]), "row of the list")


@test
def events():
    c = client()
    i = c.create(cmd="true", host=NONE)
    since = time.time()
    c.get(f"/containers/{i}/export").body
    image = commit(i, repo="told", tag="t", comment="c")
    seen = c.get("/events", query={"since": f"{since - 0.01:.9f}", "until": f"{time.time() + 0.01:.9f}"}).lines()
    seen = list(seen)
    names = [(e["Type"], e["Action"]) for e in seen if e["Actor"]["ID"] in (i, image)]
    equal([n for n in names if n[1] in ("export", "tag", "commit")], [("container", "export"), ("image", "tag"), ("container", "commit")],
          "events")
    attributes = seen[-1]["Actor"]["Attributes"]
    equal({k: attributes.get(k) for k in ("comment", "imageID", "imageRef")},
          {"comment": "c", "imageID": image, "imageRef": "told:t"}, "attributes of commit")


PATHS = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CMD = {"Cmd": ["sh", "-c", "true"]}
ENV = {"Env": ["Z=1", PATHS]}


def with_env(*more):
    return {**CMD, "Env": ["Z=1", PATHS, *more]}


CHANGES = [
    (["CMD"], {**ENV, "Cmd": ["/bin/sh", "-c"]}),
    (["CMD []"], {**CMD, **ENV}),
    (["CMD a  b"], {**ENV, "Cmd": ["/bin/sh", "-c", "a  b"]}),
    (['CMD ["a","b"]'], {**ENV, "Cmd": ["a", "b"]}),
    (["ENTRYPOINT a"], {**ENV, "Entrypoint": ["/bin/sh", "-c", "a"]}),
    (["ENTRYPOINT []"], {**CMD, **ENV}),
    (['CMD ["q"]', 'ENTRYPOINT ["e"]'], {**ENV, "Cmd": ["q"], "Entrypoint": ["e"]}),
    (["ENV a b  c"], with_env("a=b  c")),
    (["env a='x y' b=\"$Z\" c='$Z' d=\\$Z e=a\\ b"], with_env("a=x y", "b=1", "c=$Z", "d=$Z", "e=a b")),
    (["ENV a=${N:-d} b=${Z:+y} c=${N:+n} d=$N e=${Z}x"], with_env("a=d", "b=y", "c=", "d=", "e=1x")),
    (["ENV a=1 \\\n b=2", "# comment", "", "ENV a=3"], with_env("a=3", "b=2")),
    (["ENV Z=2"], {**CMD, "Env": ["Z=2", PATHS]}),
    (['LABEL "a b"=c d="e f" g=$Z'], {**CMD, **ENV, "Labels": {"a b": "c", "d": "e f", "g": "1"}}),
    (["EXPOSE 80 81/UDP 90-92"], {**CMD, **ENV, "ExposedPorts": {p: {} for p in ("80/tcp", "81/udp", "90/tcp", "91/tcp", "92/tcp")}}),
    (['VOLUME /a /b', 'VOLUME ["/c d"]'], {**CMD, **ENV, "Volumes": {"/a": {}, "/b": {}, "/c d": {}}}),
    (["USER u", "WORKDIR a", "WORKDIR ../b/./c"], {**CMD, **ENV, "User": "u", "WorkingDir": "/b/c"}),
    (["STOPSIGNAL SIGUSR1", "ONBUILD run x"], {**CMD, **ENV, "StopSignal": "SIGUSR1", "OnBuild": ["run x"]}),
    (["HEALTHCHECK --interval=5s --retries=2 CMD x y"],
     {**CMD, **ENV, "Healthcheck": {"Test": ["CMD-SHELL", "x y"], "Interval": 5000000000, "Retries": 2}}),
]


@cases([(" ; ".join(c)[:50], c, wanted) for c, wanted in CHANGES])
def change(instructions, wanted):
    i = client().create(cmd="true", host=NONE, Env=["Z=1"])
    equal(config_of(commit(i, changes=instructions)), wanted, "config of the image")


REFUSED = [
    ("RUN x", "RUN is not a valid change command"), ("SHELL [\"x\"]", "SHELL is not a valid change command"),
    ("", "file with no instructions"), ("ENV", "ENV requires at least one argument"), ("ENV x", "ENV must have two arguments"),
    ("ENV a=1 b", "Syntax error - can't find = in \"b\". Must be of the form: name=value"),
    ("ENV =x", "ENV names can not be blank"), ("ENV a=${", "failed to process \"${\": syntax error: missing '}'"),
    ("ENV a=\"b", "failed to process \"\\\"b\": unexpected end of statement while looking for matching double-quote"),
    ("ENV a=${N:?bad}", "failed to process \"${N:?bad}\": N: bad"),
    ("EXPOSE xx", "Invalid containerPort: xx"), ("EXPOSE 80/foo", "Invalid proto: foo"), ("EXPOSE 99999", "Invalid containerPort: 99999"),
    ("USER", "USER requires exactly one argument"), ("STOPSIGNAL nope", "invalid signal: nope"),
    ("VOLUME [\"\"]", "VOLUME specified can not be an empty string"), ("VOLUME []", "VOLUME requires at least one argument"),
    ("CMD [1]", "when using JSON array syntax, arrays must be comprised of strings only"),
    ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
    ("ONBUILD ONBUILD x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
    ("HEALTHCHECK FOO x", "Unknown type \"FOO\" in HEALTHCHECK (try CMD)"), ("HEALTHCHECK --foo=1 CMD x", "unknown flag: --foo"),
    ("HEALTHCHECK --interval=1ns CMD x", "Interval \"interval\" cannot be less than 1ms"),
    ("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"),
]


@cases([(c[:40] or "nothing", c, message) for c, message in REFUSED])
def change_refused(instruction, message):
    i = client().create(cmd="true", host=NONE)
    r = client().post("/commit", query={"container": i, "changes": instruction})
    equal((r.status, r.message), (400, message), "answer")


@test
def expansion_is_bounded():
    only_ours()
    i = client().create(cmd="true", host=NONE)
    r = client().post("/commit", query={"container": i, "changes": ["ENV a=0123456789"] + ["ENV a=$a$a$a$a$a$a$a$a$a$a"] * 12})
    equal(r.status, 400, "status of variables that grow without an end")
    contains(r.message, "too long", "message")
    r = client().post("/commit", query={"container": i, "changes": "ENV a=" + "${A:-" * 2000 + "}" * 2000})
    equal(r.status, 400, "status of substitutions without an end")


@test
def body():
    c = client()
    i = c.create(cmd="true", host=NONE, Env=["Z=1"], Labels={"own": "1", "both": "1"}, ExposedPorts={"1/tcp": {}}, User="7",
                 WorkingDir="/w", StopSignal="SIGINT", Entrypoint=["env"])
    own = {"Cmd": ["sh", "-c", "true"], "Entrypoint": ["env"], "Env": ["Z=1", PATHS], "Labels": {"own": "1", "both": "1"},
           "ExposedPorts": {"1/tcp": {}}, "User": "7", "WorkingDir": "/w", "StopSignal": "SIGINT"}
    for nothing in (None, {}):
        equal(config_of(commit(i, body=nothing)), own, f"config with the body {nothing}")
    r = c.post("/commit", b"null", query={"container": i}, headers={"Content-Type": "application/json"})
    equal((r.status, r.message if r.status != 201 else ""), (201, ""), "answer to null as the body")
    forget(r.json()["Id"])
    got = config_of(commit(i, body={"Cmd": ["x"], "Env": ["A=1", "Z=2"], "Labels": {"both": "2"}, "ExposedPorts": {"2/udp": {}}}))
    equal(got, {**own, "Cmd": ["x"], "Env": ["A=1", "Z=2", PATHS], "Labels": {"own": "1", "both": "2"},
                "ExposedPorts": {"1/tcp": {}, "2/udp": {}}}, "config with a body")
    got = config_of(commit(i, body={"Entrypoint": ["y"]}))
    equal((got.get("Entrypoint"), got.get("Cmd")), (["y"], None), "command with another entrypoint")
    equal(config_of(commit(i, body={"User": "b"}, changes="USER c"))["User"], "c", "user with a body and a change")


BAD = [
    ("no container", {"container": "nope"}, 404, "No such container: nope"),
    ("bad name", {"repo": "BAD"}, 400, "invalid reference format: repository name (library/BAD) must be lowercase"),
    ("bad tag", {"repo": "a", "tag": "!"}, 400, "invalid tag format"),
    ("digest", {"repo": "x@sha256:" + "a" * 64}, 400, "cannot import digest reference"),
]


@cases(BAD)
def refused(query, status, message):
    i = client().create(cmd="true", host=NONE)
    r = client().post("/commit", query={"container": i, **query})
    equal((r.status, r.message), (status, message), "answer")


@test
def bad_bodies():
    i = client().create(cmd="true", host=NONE)
    for data, headers in ((b"{", {"Content-Type": "application/json"}), (b"[]", {"Content-Type": "application/json"}), (b"{}", {})):
        r = client().post("/commit", data, query={"container": i}, headers=headers)
        equal(r.status, 400, f"status of the body {data} with {headers}")


@test
def unknown_containers():
    for path in ("changes", "export"):
        r = client().get(f"/containers/nope/{path}")
        equal((r.status, r.message), (404, "No such container: nope"), f"answer of {path}")


@test
def tag_without_a_repository():
    i = client().create(cmd="true", host=NONE)
    equal(client().ok("GET", f"/images/{commit(i, tag='only')}/json")["RepoTags"], [], "names")


# --- pause ---

COUNTER = "n=0; while true; do n=$((n+1)); for f in /a /b /shared/n; do echo $n >$f.new; mv $f.new $f; done; done"


def ticking(c, tick):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="dt-tick-"))
    cleanup(cache.remove_tree, directory)
    cleanup(common_api.remove_all)              # before its directory goes
    i = c.create(cmd=tick, host={**NONE, "Binds": [f"{directory}:/shared"]})
    c.start(i)
    eventually(lambda: (directory / "n").exists() and (directory / "n").read_text().strip() not in ("", "1"), "the container counts")
    return i, directory / "n"


def goes_on(file):
    was = file.read_text()
    eventually(lambda: file.read_text() not in ("", was), "the container goes on")


@test
def stands_still_while_it_is_committed():
    c = client()
    i, file = ticking(c, COUNTER)
    for _ in range(3):
        image = commit(i)
        a, b = c.run("cat /a /b", image=image)[1].split()
        check(int(a) - int(b) in (0, 1), f"the files of one moment say {a} and {b}")
        goes_on(file)
    equal(c.inspect(i)["State"]["Status"], "running", "state")
    commit(i, pause="0")
    goes_on(file)
    if common_api.ENGINE.is_ours:
        check("cannot stand still" not in common_api.ENGINE.log(), "it did not stand still")


def big_container(c, megabytes, tick=COUNTER):
    i, file = ticking(c, f"dd if=/dev/urandom of=/big bs=1M count={megabytes} 2>/dev/null\n" + tick)
    return i, file


@test
def goes_on_when_the_daemon_is_killed():
    d = own_daemon().start()
    d.load_busybox()
    c = d.client()
    i, file = big_container(c, 100)
    t = threading.Thread(target=attempt, args=(c, i))
    t.start()
    eventually(lambda: list((d.data / "tmp").glob("layer-*/blob")), "the commit is on its way", timeout=10)
    time.sleep(0.1)
    d.kill()
    t.join()
    goes_on(file)
    d.start()
    c = d.client()
    equal(c.inspect(i)["State"]["Status"], "running", "state after the restart")
    equal(len(c.ok("GET", "/images/json")), 1, "images after a commit that was cut off")
    image = commit(i, c)
    check(int(c.run("wc -c </big", image=image)[1]) == 100 << 20, "the image of the second try")
    eventually(lambda: not list((d.data / "tmp").iterdir()), "nothing is left of the first try")
    goes_on(file)


def attempt(c, i):
    try:
        c.post("/commit", query={"container": i})
    except Exception:
        pass


@test
def stops_while_it_is_committed():
    """Who stops it does not wait for a commit."""
    c = client()
    i, _ = big_container(c, 60, "trap 'exit 3' TERM\n" + COUNTER)
    t = threading.Thread(target=attempt, args=(client(), i))
    t.start()
    time.sleep(0.1)
    begin = time.monotonic()
    c.ok("POST", f"/containers/{i}/stop", wanted=204, query={"t": 20})
    check(time.monotonic() - begin < 10, "the stop took as long as its timeout")
    equal(c.inspect(i)["State"]["ExitCode"], 3, "exit code")
    t.join()
    for row in c.ok("GET", "/images/json", query={"filters": {"dangling": ["true"]}}):
        forget(row["Id"])


@test
def several_at_a_time():
    c = client()
    i, file = big_container(c, 20)
    found = []
    threads = [threading.Thread(target=lambda n=n: found.append(commit(i, client(), repo=f"many{n}"))) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(len(found), 6, "images")
    goes_on(file)


# --- export ---

def tree(data):
    return {m.name: m for m in tarfile.open(fileobj=io.BytesIO(data))}


@test
def export_document():
    c = client()
    i = c.create(cmd="true", host={**NONE, "Binds": ["/proc/version:/etc/version"]})
    r = c.get(f"/containers/{i}/export")
    equal((r.status, r.headers["content-type"]), (200, "application/octet-stream"), "answer")
    names = tree(r.body)
    for name in ("bin/busybox", ".dockerenv", "dev/console", "dev/pts", "dev/shm", "etc/hosts", "etc/hostname", "etc/mtab", "proc", "sys"):
        check(name in names, f"{name} is not in the archive")
    check(not any(n.startswith(("proc/", "sys/", "dev/null")) for n in names), "what is mounted is in the archive")
    equal((names["bin/ls"].type, names["bin/ls"].linkname), (tarfile.LNKTYPE, "bin/["), "a hard link")
    equal(names["etc/hosts"].size, 0, "size of /etc/hosts, which is mounted")
    check(all(m.uname == m.gname == "" for m in names.values()), "names of owners")
    if common_api.ENGINE.is_ours:
        equal(export(i), r.body, "a second export")


@test
def export_and_import():
    c = client()
    i = made(SCRIPT + "\n{\n" + LOOK + "\n} >/dev/stderr")
    was = c.logs(i)[1].decode()
    for again in range(2):
        r = c.post("/images/create", export(i), query={"fromSrc": "-", "repo": "imported"},
                   headers={"Content-Type": "application/x-tar"})
        equal([line["error"] for line in r.lines() if "error" in line], [], "errors of the import")
        cleanup(forget, "imported")
        equal(c.run("set -e\n" + LOOK, image="imported", Env=[PATHS])[1], was, "what a container of the imported image sees")
        i = made("true", Image="imported", Env=[PATHS])


@test
def export_while_it_runs():
    c = client()
    i = c.create(cmd="echo x >/new; mkdir /tmp/d; echo hidden >/etc/hosts; echo ready; sleep 1000", host={**NONE, "Tmpfs": {"/var": ""}})
    c.start(i)
    eventually(lambda: b"ready" in c.logs(i)[0], "the container is ready")
    names = tree(export(i))
    check("new" in names and "tmp/d" in names and "var/spool" in names, "files of a running container, and what is below a mount")
    equal(names["etc/hosts"].size, 0, "size of /etc/hosts, which is mounted")
    equal(c.inspect(i)["State"]["Running"], True, "it runs still")


def mounts():
    return pathlib.Path("/proc/self/mountinfo").read_text().count("\n")


@test
def nothing_is_mounted():
    only_ours()
    before = mounts()
    c = client()
    i = made("dd if=/dev/urandom of=/big bs=1M count=30 2>/dev/null")
    t = threading.Thread(target=export, args=(i, client()))
    t.start()
    seen = {mounts() for _ in range(50)}
    t.join()
    equal(seen, {before}, "mounts of the host while a container is exported")


def workers(d):
    """Of this daemon."""
    out = subprocess.run(["ps", "-o", "args=", "--ppid", str(d.process.pid)], capture_output=True, text=True).stdout
    return [line for line in out.splitlines() if "dockerd-worker" in line]


@cases([("export", "GET", "/containers/{}/export"), ("commit", "POST", "/commit?container={}")])
def client_that_leaves(method, path):
    only_ours()
    c = client()
    i, file = big_container(c, 60)
    n = len(c.ok("GET", "/images/json"))
    sock = c.open_socket()
    sock.sendall(f"{method} {path.format(i)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    if method == "GET":
        sock.recv(65536)
    eventually(lambda: workers(common_api.ENGINE), "a worker runs")
    time.sleep(0.05)
    sock.close()
    eventually(lambda: not workers(common_api.ENGINE), "the workers are gone", timeout=10)
    goes_on(file)
    equal(len(c.ok("GET", "/images/json")), n, "images")
    eventually(lambda: not list((common_api.ENGINE.data / "tmp").iterdir()), "nothing is left")


def resident():
    """kB of the suite's daemon."""
    with open(f"/proc/{common_api.ENGINE.process.pid}/status") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


@test
def client_that_does_not_read():
    only_ours()
    c = client()
    i = made("dd if=/dev/urandom of=/big bs=1M count=60 2>/dev/null")
    before = resident()                                         # earlier tests and the sanitizer have their part
    sock = c.open_socket()
    cleanup(sock.close)
    sock.sendall(f"GET /containers/{i}/export HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    time.sleep(1)
    grown = resident() - before
    begin = time.monotonic()
    equal(c.get("/_ping").text, "OK", "/_ping meanwhile")
    check(time.monotonic() - begin < 1, "the daemon is slow")
    check(grown < 30_000, f"the daemon has grown by {grown} kB")
    commit(i)


@cases([("export", "export"), ("commit", "commit")])
def removed_while_it_is_read(verb):
    """What was read of it is not taken for whole."""
    only_ours()
    c = client()
    i = made("for n in 1 2 3 4 5 6 7 8; do mkdir /d$n; dd if=/dev/urandom of=/d$n/big bs=1M count=15 2>/dev/null; done")
    answer = []

    def read():
        try:
            if verb == "commit":
                r = client().post("/commit", query={"container": i})
                answer.append((r.status, r.message if r.status != 201 else r.json()["Id"]))
            else:
                data = client().get(f"/containers/{i}/export").body
                answer.append((200, len(tree(data))))
        except Exception as e:
            answer.append((0, repr(e)))

    t = threading.Thread(target=read)
    t.start()
    eventually(lambda: workers(common_api.ENGINE), "a worker runs")
    c.remove(i)
    t.join()
    status, what = answer[0]
    if status == 201:
        raise Skip("the commit was through before the removal")
    check(status in (0, 404, 409), f"answer is {status} {what}")


@test
def symlinks_that_change_sides():
    """The classic race: directories become links to the host and back while the tree is read."""
    only_ours()
    bait = pathlib.Path(tempfile.mkdtemp(prefix="dt-bait-"))
    cleanup(cache.remove_tree, bait)
    (bait / "d").mkdir()
    (bait / "d/secret").write_text("outside")
    c = client()
    swap = (f"mkdir -p /d/in /e; echo inside >/d/in/secret; ln -s {bait}/d /e/link; ln -s {bait}/d/secret /e/flink\n"
            "echo f >/d/f; echo ready\n"
            "while true; do mv /d/in /e/was; mv /e/link /d/in; mv /d/in /e/link; mv /e/was /d/in;\n"
            " mv /d/f /e/f; mv /e/flink /d/f; mv /d/f /e/flink; mv /e/f /d/f; done")
    i = c.create(cmd=swap, host=NONE)
    c.start(i)
    eventually(lambda: b"ready" in c.logs(i)[0], "the container is ready")
    for _ in range(8):
        data = export(i)
        t = tarfile.open(fileobj=io.BytesIO(data))
        for m in t:
            if m.isreg() and m.name.startswith(("d/", "e/")):
                check(t.extractfile(m).read() in (b"inside\n", b"f\n"), f"{m.name} is from outside")
            check(not m.name.startswith(("d/in/d", str(bait)[1:])), f"{m.name} is in the archive")
    changes(i)
    commit(i, pause="0")


@test
def devices_are_not_opened():
    """A file becomes a device while it is looked at; nobody opens it."""
    only_ours()
    c = client()
    i = c.create(cmd="echo x >/f; mkfifo /p; mknod /z c 1 5; echo ready; while true; do mv /f /g; mv /z /f; mv /f /z; mv /p /f; mv /f /p; "
                     "mv /g /f; done", host=NONE)
    c.start(i)
    eventually(lambda: b"ready" in c.logs(i)[0], "the container is ready")
    for _ in range(8):
        for m in tree(export(i)).values():
            check(not (m.name in ("f", "g", "z", "p") and m.isreg() and m.size > 2), f"{m.name} has {m.size} bytes")
    commit(i, pause="0")


# --- sizes ---

def peak(pid):
    return int(next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM")).split()[1])


@test
def two_hundred_megabytes():
    only_ours()
    c = client()
    i = made("for n in 0 1 2 3 4 5 6 7 8 9; do dd if=/dev/urandom of=/r$n bs=1M count=10 2>/dev/null; "
             "dd if=/dev/zero bs=1M count=10 2>/dev/null | tr '\\0' x >/z$n; done")
    highest = []
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            for pid in os.listdir("/proc"):
                if pid.isdigit():
                    try:
                        if b"dockerd-worker" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                            highest.append(peak(pid))
                    except (OSError, StopIteration):
                        pass
            time.sleep(0.02)

    t = threading.Thread(target=watch)
    t.start()
    begin = time.monotonic()
    image = commit(i)
    committed = time.monotonic() - begin
    begin = time.monotonic()
    size = len(export(i))
    exported = time.monotonic() - begin
    stop.set()
    t.join()
    print(f"     commit {committed:.1f} s, export {exported:.1f} s, workers at most {max(highest) // 1024} MB", flush=True)
    check(size > 200 << 20, f"the export has {size} bytes")
    row = c.ok("GET", f"/images/{image}/json")
    check(row["Size"] > 200 << 20, f"the image has {row['Size']} bytes")
    check(max(highest) < 500_000, f"a worker has used {max(highest)} kB")       # with a sanitizer


@test
def many_files():
    """More than one JSON array may hold."""
    only_ours()
    c = client()
    i = made("mkdir /m; cd /m; seq 70000 | xargs touch")
    r = c.get(f"/containers/{i}/changes")
    equal(len(r.json()), 70001, "changes")
    equal(c.run("ls /m | wc -l", image=commit(i))[1], "70000\n", "files of the image")


@test
def deep_trees():
    """Deeper than a path can be: what no archive can name is left out, the rest is there."""
    i = made("echo x >/last; mkdir /d")
    fds = [os.open(upper(i) / "d", os.O_RDONLY)]
    for _ in range(2500):
        os.mkdir("d", dir_fd=fds[-1])
        fds.append(os.open("d", os.O_RDONLY, dir_fd=fds[-1]))
        os.close(fds.pop(0))
    os.close(fds[0])
    found = changes(i)
    check(1000 < len(found) < 2500 and "/last" in found, f"{len(found)} changes")
    check("last" in tree(export(i)), "the file behind a deep tree is not in the archive")
    equal(client().run("cat /last", image=commit(i))[1], "x\n", "a container of the image")


# --- other tools ---

@test
def skopeo_reads_it():
    only_ours()
    if not shutil.which("skopeo"):
        raise Skip("no skopeo")
    i = made("echo x >/x; rm /bin/ls")
    image = commit(i, repo="sko", tag="1", changes="LABEL a=b")
    archive = client().get("/images/sko:1/get").body
    directory = pathlib.Path(tempfile.mkdtemp(prefix="dt-sko-"))
    cleanup(cache.remove_tree, directory)
    (directory / "a.tar").write_bytes(archive)
    for transport in ("docker-archive", "oci-archive"):
        r = subprocess.run(["skopeo", "inspect", f"{transport}:{directory}/a.tar"], capture_output=True, text=True)
        equal(r.returncode, 0, f"skopeo inspect {transport}: {r.stderr[-300:]}")
        equal(json.loads(r.stdout)["Labels"], {"a": "b"}, "labels")
        r = subprocess.run(["skopeo", "copy", f"{transport}:{directory}/a.tar", f"dir:{directory}/{transport}"], capture_output=True, text=True)
        equal(r.returncode, 0, f"skopeo copy {transport}: {r.stderr[-300:]}")
    forget("sko:1")
    r = client().post("/images/load", archive, headers={"Content-Type": "application/x-tar"})
    check(r.status == 200 and not any("error" in line for line in r.lines()), "load")
    equal(client().ok("GET", "/images/sko:1/json")["Id"], image, "id of the image that came back")
    equal(client().run("cat /x; test -e /bin/ls || echo gone", image="sko:1")[1], "x\ngone\n", "a container of it")


@test
def layers_are_what_they_say():
    i = made("echo x >/x")
    _, files, manifest = saved(commit(i))
    diff_ids = json.loads(files[manifest["Config"]])["rootfs"]["diff_ids"]
    for path, diff_id in zip(manifest["Layers"], diff_ids):
        equal(hashlib.sha256(files[path]).hexdigest(), path.split("/")[-1], "digest of the blob")
        equal("sha256:" + hashlib.sha256(plain(files[path])).hexdigest(), diff_id, "diff id")


# --- vfs ---

VFS = [d for d in DIFFS if d[0] in ("nothing", "a file in a directory", "copied, but the same", "removed tree", "opaque directory",
                                    "renamed directory", "file instead of a directory", "directory instead of a file",
                                    "what every container has", "mode of a directory")]


@test
def vfs():
    d = own_daemon("--storage-driver", "vfs").start()
    d.load_busybox()
    c = d.client()
    i = c.create(cmd="true", host=NONE)
    equal(changes(i, c), {}, "changes of a container that was not started")
    check("bin/busybox" in tree(export(i, c)) and ".dockerenv" in tree(export(i, c)), "export of a container that was not started")
    equal(len(c.ok("GET", f"/images/{commit(i, c)}/json")["RootFS"]["Layers"]), 1, "layers of a container that was not started")
    for name, script, wanted in VFS:
        equal(changes(made(script, c), c), wanted, f"changes: {name}")
    i = made(SCRIPT + "\n{\n" + LOOK + "\n} >/dev/stderr", c)
    was = c.logs(i)[1].decode()
    equal(look_at(commit(i, c), c), was, "what a container of the new image sees")
    layer = last_layer(commit(i, c), c)
    for name in ("bin", "bin/.wh.ls", "home/.wh.user", "t/dir/hard"):
        check(name in layer, f"{name} is not in the layer")
    check("etc/passwd" not in layer and "proc" not in layer, "what did not change is in the layer")
    i = made("touch -r /etc/group /ref; sed -i s/wheel/WHEEL/ /etc/group; touch -r /ref /etc/group; rm /ref", c)
    equal(c.run("grep -c WHEEL /etc/group", image=commit(i, c))[1], "1\n", "a file that was written back in time")


# --- full disks ---

@test
def disk_full():
    d = own_daemon()
    d.data.mkdir()
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "dt-small", str(d.data)], capture_output=True, text=True)
    if r.returncode != 0:
        raise Skip(f"no tmpfs mount: {r.stderr.strip()}")
    d.start()
    d.load_busybox()
    c = d.client()
    i = made("dd if=/dev/urandom of=/big bs=1M count=18 2>/dev/null", c)
    r = c.post("/commit", query={"container": i, "repo": "full"})
    equal(r.status, 500, f"status ({r.text[:200]})")
    matches(r.message, r"(?i)no space left on device", "message")
    equal(c.get("/images/full/json").status, 404, "status of the image")
    eventually(lambda: not list((d.data / "tmp").iterdir()), "nothing is left")
    check(len(export(i, c)) > 18 << 20, "the export of a full disk")
    c.remove(i)
    i = made("echo x >/x", c)
    eventually(lambda: not list((d.data / "trash").iterdir()), "the trash is empty")
    equal(c.run("cat /x", image=commit(i, c))[1], "x\n", "a commit when there is space again")
