# SPDX-License-Identifier: Apache-2.0
"""docker volume, and volumes of docker run."""

from common_clients import docker
from harness import check, cleanup, contains, equal, matches, test


def fresh():
    d = docker()
    cleanup(lambda: (d.try_("rm", "-f", "-v", *d("ps", "-aq").split()), d.try_("volume", "prune", "-a", "-f")))
    return d


@test
def life_of_a_volume():
    d = fresh()
    equal(d("volume", "create", "--label", "a=b", "mine"), "mine", "docker volume create")
    matches(d("volume", "ls"), r"^DRIVER +VOLUME NAME\nlocal +mine$", "docker volume ls")
    equal(d("volume", "inspect", "-f", "{{.Driver}} {{.Labels.a}} {{.Scope}}", "mine"), "local b local", "docker volume inspect")
    d("run", "--rm", "-v", "mine:/v", "busybox", "sh", "-c", "echo kept >/v/x")
    equal(d("run", "--rm", "-v", "mine:/v:ro", "busybox", "cat", "/v/x"), "kept", "what the next container reads")
    equal(d("run", "--rm", "--mount", "type=volume,src=mine,dst=/v,readonly", "busybox", "cat", "/v/x"), "kept", "the same with --mount")
    equal(d("volume", "rm", "mine"), "mine", "docker volume rm")
    d.fails(1, "get mine: no such volume", "volume", "inspect", "mine")
    d.fails(1, "get mine: no such volume", "volume", "rm", "mine")
    equal(d("volume", "rm", "-f", "mine"), "mine", "docker volume rm -f")


@test
def of_a_container():
    d = fresh()
    d("run", "-d", "--name", "holder", "-v", "named:/n", "-v", "/anonymous", "busybox", "sleep", "1000")
    i = d("inspect", "-f", "{{.Id}}", "holder")
    d.fails(1, rf"remove named: volume is in use - \[{i}\]", "volume", "rm", "named")
    d("exec", "holder", "sh", "-c", "echo it >/anonymous/x; echo it >/n/x")
    equal(d("run", "--rm", "--volumes-from", "holder", "busybox", "cat", "/anonymous/x", "/n/x"), "it\nit", "with --volumes-from")
    matches(d("ps", "--format", "{{.Mounts}} {{.LocalVolumes}}", "--no-trunc"), r"named.* 2$|^.*,named 2$", "docker ps")
    contains(d("system", "df", "-v"), "named", "docker system df -v")
    d("rm", "-f", "-v", "holder")
    equal(d("volume", "ls", "-q"), "named", "volumes after docker rm -v")
    equal(d("volume", "ls", "-q", "-f", "dangling=true"), "named", "those that nobody uses")
    contains(d("volume", "prune", "-f"), "Total reclaimed space: 0B", "docker volume prune")
    contains(d("volume", "prune", "-f", "-a"), "named", "docker volume prune -a")


@test
def rm_takes_anonymous_ones():
    d = fresh()
    equal(d("run", "--rm", "-v", "/data", "busybox", "sh", "-c", "echo it >/data/x; cat /data/x"), "it", "output")
    equal(d("volume", "ls", "-q"), "", "volumes after docker run --rm")


@test
def first_content():
    d = fresh()
    check("passwd" in d("run", "--rm", "-v", "etc:/etc", "busybox", "ls", "/etc"), "an empty volume has what the image has there")
    check("passwd" not in d("run", "--rm", "--mount", "type=volume,src=bare,dst=/etc,volume-nocopy", "busybox", "ls", "/etc"), "not with volume-nocopy")


@test
def refused():
    d = fresh()
    d.fails(125, r'"a/b" includes invalid characters for a local volume name', "run", "--rm", "-v", "a/b:/x", "busybox", "true")
    d.fails(1, r"plugin \"nosuch\" not found", "volume", "create", "-d", "nosuch", "mine")
    d.fails(1, r"(?i)not supported by this engine yet", "volume", "create", "-o", "type=nfs", "-o", "o=addr=x", "-o", "device=:/x", "mine")
