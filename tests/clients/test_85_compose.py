# SPDX-License-Identifier: Apache-2.0
"""docker-compose as Debian has it, and the Python SDK below it: a whole application with networks, a volume, health and commands."""

import os
import shutil
import subprocess
import sys
import time

import common_clients
from common_clients import directory, docker
from harness import Skip, check, cleanup, contains, equal, eventually, matches, test

APPLICATION = """
version: "3.7"
services:
  web:
    image: busybox
    command: sh -c "echo it >/www/index.html; while :; do echo -e 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 80; done"
    volumes: ["data:/www"]
    networks: {front: {}, back: {aliases: ["site.internal"]}}
    ports: ["127.0.0.1::80"]
    stop_grace_period: 0s
    healthcheck: {test: ["CMD", "test", "-e", "/www/index.html"], interval: 200ms, timeout: 2s}
  job:
    image: busybox
    command: sh -c "wget -q -O - http://site.internal/; cat /data/index.html"
    volumes: ["data:/data:ro"]
    networks: [back]
    depends_on: [web]
  many:
    image: busybox
    command: sleep 1000
    networks: [back]
    stop_grace_period: 0s
volumes: {data: {}}
networks: {front: {}, back: {internal: true}}
"""


class Compose:
    def __init__(self):
        self.docker = docker()
        if not shutil.which("docker-compose"):
            raise Skip("docker-compose is not installed (tools/install-packages test)")
        self.directory = directory()
        (self.directory / "docker-compose.yml").write_text(APPLICATION)
        cleanup(self.try_, "down", "-v", "-t", "0")

    def try_(self, *args, timeout=60):
        env = {**os.environ, "DOCKER_HOST": self.docker.host, "HOME": str(self.directory), "COMPOSE_HTTP_TIMEOUT": "30"}
        return subprocess.run(["docker-compose", "-p", "dt", "-f", str(self.directory / "docker-compose.yml"), *args], cwd=self.directory, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)

    def __call__(self, *args, **kw):
        r = self.try_(*args, **kw)
        equal(r.returncode, 0, f"exit code of docker-compose {' '.join(args)} ({r.stderr.strip()[-400:]})")
        return r.stdout


@test(timeout=120)
def an_application():
    c = Compose()
    d = c.docker
    c("up", "-d", "web")
    eventually(lambda: d("inspect", "-f", "{{.State.Health.Status}}", "dt_web_1") == "healthy", "the service is healthy")
    equal(c("run", "--rm", "job"), "hello\nit\n", "what another service sees: a page by an alias, a file of the volume")
    equal(c("exec", "-T", "web", "cat", "/www/index.html"), "it\n", "docker-compose exec")
    port = d("port", "dt_web_1", "80").split(":")[1]
    page = subprocess.run(["busybox", "wget", "-q", "-O", "-", f"http://127.0.0.1:{port}/"], capture_output=True, text=True, timeout=10).stdout
    equal(page, "hello\n", "the published port")
    contains(c("ps"), "healthy", "docker-compose ps")
    c("down", "-v", "-t", "0")
    equal((d("ps", "-aq"), d("volume", "ls", "-q"), d("network", "ls", "-q", "-f", "type=custom")), ("", "", ""), "what is left after down -v")


@test(timeout=120)
def scaled():
    """One name for several containers; one of them goes, the name follows."""
    c = Compose()
    d = c.docker
    c("up", "-d", "--scale", "many=3", "many")
    asked = lambda: sorted(set(line.split()[-1] for line in d.try_("exec", "dt_many_1", "nslookup", "many", "127.0.0.11").out.split("Name:", 1)[1].splitlines()
                               if line.startswith("Address")))
    equal(len(asked()), 3, "addresses of the service")
    c("up", "-d", "--scale", "many=2", "many")
    equal(len(asked()), 2, "addresses after one is gone")


@test(timeout=120)
def daemon_is_killed():
    """The application runs on while there is no daemon, and is there, with its names, when there is one again."""
    common_clients.only_ours()
    c = Compose()
    d = c.docker
    c("up", "-d", "web", "many")
    common_clients.ENGINE.kill()
    common_clients.ENGINE.start()
    eventually(lambda: d("inspect", "-f", "{{.State.Health.Status}}", "dt_web_1") == "healthy", "the service is healthy again")
    contains(c("exec", "-T", "many", "wget", "-q", "-O", "-", "http://web/"), "hello", "a page by the service's name")
    c("up", "-d", "web", "many")
    equal(len(d("ps", "-q").split()), 2, "containers: none was made anew")


@test(timeout=60)
def python_sdk():
    """What scripts do with it: run, exec_run with and without streams, put and get files, networks, volumes."""
    d = docker()
    script = """
import docker, io, sys, tarfile
c = docker.DockerClient(base_url=sys.argv[1])
n = c.networks.create("sdk-net"); v = c.volumes.create("sdk-vol")
box = c.containers.run("busybox", "sleep 1000", detach=True, network="sdk-net", name="sdk-box", volumes={"sdk-vol": {"bind": "/v", "mode": "rw"}})
print(box.exec_run("sh -c 'echo out; exit 3'"))
print(box.exec_run("sh -c 'echo out; echo err >&2'", demux=True).output)
print(b"".join(box.exec_run("cat /etc/passwd", stream=True).output).count(b"root") > 0)
print(box.exec_run("tty", tty=True).output.strip() != b"not a tty")
data = io.BytesIO(); t = tarfile.open(fileobj=data, mode="w"); i = tarfile.TarInfo("x"); i.size = 3; t.addfile(i, io.BytesIO(b"abc")); t.close()
print(box.put_archive("/v", data.getvalue()), box.exec_run("cat /v/x").output)
bits, stat = box.get_archive("/v/x"); print(stat["name"], stat["size"], tarfile.open(fileobj=io.BytesIO(b"".join(bits))).extractfile("x").read())
box.pause(); box.reload(); print(box.status); box.unpause(); box.reload(); print(box.status)
print(sorted(box.stats(stream=False)["networks"]), box.top()["Processes"][0][-1])
box.remove(force=True); n.remove(); v.remove()
"""
    r = subprocess.run(["/usr/bin/python3", "-c", "import docker"], capture_output=True)
    if r.returncode != 0:
        raise Skip("the Python SDK is not installed (tools/install-packages test)")
    cleanup(lambda: (d.try_("rm", "-f", "sdk-box"), d.try_("network", "rm", "sdk-net"), d.try_("volume", "rm", "-f", "sdk-vol")))
    r = subprocess.run(["/usr/bin/python3", "-c", script, d.host], capture_output=True, text=True, timeout=50, stdin=subprocess.DEVNULL)
    equal(r.returncode, 0, f"exit code of the script ({r.stderr[-600:]})")
    equal(r.stdout.splitlines(), ["ExecResult(exit_code=3, output=b'out\\n')", "(b'out\\n', b'err\\n')", "True", "True", "True b'abc'", "x 3 b'abc'",
                                  "paused", "running", "['eth0'] sleep 1000"], "what it printed")
