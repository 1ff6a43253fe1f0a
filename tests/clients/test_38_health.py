# SPDX-License-Identifier: Apache-2.0
"""docker run --health-*: the options, what docker ps, inspect and events show of it."""

import json
import time

from common_clients import docker
from harness import check, contains, equal, eventually, matches, test

FAST = ("--health-interval", "50ms")


def box(d, *options, name="box", image="busybox"):
    d("run", "-d", "--name", name, "--stop-timeout", "0", *options, image, "sleep", "1000")
    return name


def status(d, name="box"):
    return d("inspect", "-f", "{{.State.Health.Status}}", name)


def becomes(d, wanted, name="box"):
    eventually(lambda: status(d, name) == wanted, f"status {wanted}", 20)


@test
def options():
    d = docker()
    d("create", "--name", "box", "--health-cmd", "test -e /ok", "--health-interval", "1m30s", "--health-timeout", "2s", "--health-retries", "4",
      "--health-start-period", "3s", "--health-start-interval", "700ms", "busybox", "true")
    equal(json.loads(d("inspect", "-f", "{{json .Config.Healthcheck}}", "box")),
          {"Test": ["CMD-SHELL", "test -e /ok"], "Interval": 90_000_000_000, "Timeout": 2_000_000_000, "StartPeriod": 3_000_000_000,
           "StartInterval": 700_000_000, "Retries": 4}, "Healthcheck")


@test
def healthy_and_not():
    d = docker()
    since = time.time()
    box(d, "--health-cmd", "test -e /ok || { echo no ok; exit 1; }", "--health-retries", "2", *FAST)
    becomes(d, "unhealthy")
    matches(d("ps", "--format", "{{.Status}}"), r"^Up .* \(unhealthy\)$", "docker ps")
    equal(d("inspect", "-f", "{{(index .State.Health.Log 0).Output}}", "box").strip(), "no ok", "output of the check")
    d("exec", "box", "touch", "/ok")
    becomes(d, "healthy")
    matches(d("ps", "--format", "{{.Status}}"), r"^Up .* \(healthy\)$", "docker ps")
    events = d("events", "--since", f"{since:.3f}", "--until", f"{time.time():.3f}", "--filter", "event=health_status", "--format", "{{.Action}}")
    equal(events.splitlines(), ["health_status: unhealthy", "health_status: healthy"], "docker events")


@test
def starting():
    d = docker()
    box(d, "--health-cmd", "true")
    equal(status(d), "starting", "status")
    matches(d("ps", "--format", "{{.Status}}"), r"^Up .* \(health: starting\)$", "docker ps")
    equal(d("ps", "--filter", "health=starting", "--format", "{{.Names}}"), "box", "filter")
    equal(d("ps", "--filter", "health=healthy", "--format", "{{.Names}}"), "", "filter of another status")


@test
def without_a_check():
    d = docker()
    box(d)
    equal(d("inspect", "-f", "{{.State.Health}}", "box"), "<nil>", "State.Health")
    equal(d("ps", "--filter", "health=none", "--format", "{{.Names}}"), "box", "filter")
    check("(" not in d("ps", "--format", "{{.Status}}"), "docker ps")


@test
def unknown_filter():
    docker().fails(1, "invalid filter 'health=ill'", "ps", "--filter", "health=ill")


@test
def image_with_a_check():
    """A check that an image has, changed and switched off."""
    d = docker()
    box(d, name="base")
    d("commit", "-c", "HEALTHCHECK --interval=60ms --retries=9 CMD echo of the image", "base", "checked")
    try:
        box(d, image="checked")
        becomes(d, "healthy")
        equal(d("inspect", "-f", "{{(index .State.Health.Log 0).Output}}", "box").strip(), "of the image", "output")
        box(d, "--health-cmd", "echo mine", name="mine", image="checked")
        equal(json.loads(d("inspect", "-f", "{{json .Config.Healthcheck}}", "mine")),
              {"Test": ["CMD-SHELL", "echo mine"], "Interval": 60_000_000, "Retries": 9}, "Healthcheck with another command")
        box(d, "--no-healthcheck", name="none", image="checked")
        time.sleep(0.3)
        equal(d("inspect", "-f", "{{.State.Health}}", "none"), "<nil>", "State.Health with --no-healthcheck")
        equal(d("inspect", "-f", "{{index .Config.Healthcheck.Test 0}}", "none"), "NONE", "Test")
    finally:
        d("rm", "-f", "base", "box", "mine", "none")
        d("rmi", "checked")


@test
def too_slow():
    d = docker()
    box(d, "--health-cmd", "sleep 77", "--health-timeout", "200ms", "--health-retries", "1", *FAST)
    becomes(d, "unhealthy")
    equal(d("inspect", "-f", "{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}", "box"),
          "-1 Health check exceeded timeout (200ms)", "result")


@test
def refused():
    d = docker()
    d.fails(125, "Interval in Healthcheck cannot be less than 1ms", "run", "--health-cmd", "true", "--health-interval", "1us", "busybox", "true")
    d.fails(125, "--no-healthcheck conflicts with --health-\\* options", "run", "--health-cmd", "true", "--no-healthcheck", "busybox", "true")


@test
def restart():
    d = docker()
    box(d, "--health-cmd", "true", "--health-interval", "100ms")
    becomes(d, "healthy")
    d("restart", "box")
    check(status(d) in ("starting", "healthy"), f"status after a restart: {status(d)}")
    becomes(d, "healthy")
    d("stop", "box")
    equal(status(d), "unhealthy", "status of one that is stopped")
    contains(d("ps", "-a", "--format", "{{.Status}}"), "Exited (", "docker ps -a")
