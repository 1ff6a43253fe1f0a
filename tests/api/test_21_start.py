# SPDX-License-Identifier: Apache-2.0
"""Starts: signals right after them, the end of streams, and starts that hang in the OCI runtime."""

import os
import signal
import threading

from common_api import client, own_daemon
from harness import Failed, check, cleanup, contains, equal, eventually, test

NONE = {"NetworkMode": "none"}


@test(timeout=120)
def signals_after_the_start_reach_the_program():
    """Not the OCI runtime's own process, which would end with a code of its own or lose the signal."""
    codes, failures = [], []

    def rounds():
        c = client()
        try:
            for _ in range(12):
                i = c.create(cmd=["sh", "-c", "sleep 2; exit 42"], host={**NONE, "Init": False})
                c.start(i)
                c.ok("POST", f"/containers/{i}/kill", query={"signal": "TERM"})
                codes.append(c.wait(i))
        except Exception as e:                                  # noqa: BLE001: told by the test's own thread
            failures.append(e)

    threads = [threading.Thread(target=rounds) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not failures, f"{failures[:1]}")
    # A shell that is process 1 has no handler for SIGTERM, so the kernel drops the signal: 42, and nothing else.
    equal(codes, [42] * 48, "exit codes")


@test(timeout=120)
def exit_is_known_at_the_end_of_the_stream():
    c = client()
    for n in range(50):
        i = c.create(cmd=["sh", "-c", "echo hi; exit 3"], host=NONE)
        h = c.hijack(f"/containers/{i}/attach", query={"stream": 1, "stdout": 1, "stderr": 1})
        c.start(i)
        equal(h.output(), (b"hi\n", b""), "output")
        state = c.inspect(i)["State"]
        equal((state["Status"], state["ExitCode"]), ("exited", 3), f"state at the end of the stream, container {n}")
        c.remove(i)


# --- starts that hang: the runtime reads /etc/passwd of the image, which is a pipe that nobody writes to

def hanging(*options):
    d = own_daemon(*options)
    cleanup(d.destroy)
    d.start()
    d.load_busybox()
    c = d.client()
    i = c.create(cmd=["sh", "-c", "rm -f /etc/passwd; mkfifo /etc/passwd"], host=NONE)
    c.start(i)
    equal(c.wait(i), 0, "exit code of the container that makes the pipe")
    c.ok("POST", "/commit", query={"container": i, "repo": "hangs"}, body={})
    c.remove(i)
    return d, c


def start_in_background(d, container):
    result = []

    def run():
        try:
            result.append(d.client().post(f"/containers/{container}/start"))
        except (Failed, OSError):
            pass                        # the daemon was killed
    t = threading.Thread(target=run)
    t.start()
    return t, result


def wait_for_runtime(d):
    """The OCI runtime has begun: from outside nothing more is to be seen of one that hangs."""
    def at_work():
        return [command for command in d.run_processes().values() if "--bundle" in command]
    eventually(at_work, "the OCI runtime runs")


@test(timeout=180)
def a_start_that_hangs_has_a_deadline():
    d, c = hanging("--start-timeout=3")
    i = c.create(image="hangs", cmd="true", host=NONE)
    r = c.post(f"/containers/{i}/start")
    equal(r.status, 500, "status of the start")
    contains(r.message, "start-timeout", "message")
    c.remove(i)
    d.check_clean(timeout=30)
    j = c.create(cmd="exit 7", host=NONE)
    c.start(j)
    equal(c.wait(j), 7, "the next container")


@test(timeout=180)
def a_start_that_hangs_is_ended_by_kill_stop_and_rm():
    d, c = hanging()
    verbs = (("kill", lambda i: c.post(f"/containers/{i}/kill"), (204,)),
             ("stop", lambda i: c.post(f"/containers/{i}/stop", query={"t": 1}), (204, 304)),
             ("rm", lambda i: c.delete(f"/containers/{i}", query={"force": 1}), (204,)))
    for name, verb, wanted in verbs:
        i = c.create(image="hangs", cmd="true", host=NONE, name=f"hangs-{name}")
        t, result = start_in_background(d, i)
        wait_for_runtime(d)
        r = verb(i)
        check(r.status in wanted, f"{name}: {r.status} {r.text}")
        t.join(60)
        check(not t.is_alive() and result[0].status >= 400, f"{name}: the start has failed")
        if name != "rm":
            check(not c.inspect(i)["State"]["Running"], f"{name}: it does not run")
            c.remove(i)
        d.check_clean(timeout=30)


@test(timeout=180)
def a_start_that_hangs_is_ended_after_a_restart_of_the_daemon():
    d, c = hanging()
    i = c.create(image="hangs", cmd="true", host=NONE)
    t, _ = start_in_background(d, i)
    wait_for_runtime(d)
    d.kill()
    t.join(60)
    d.start()
    c = d.client()
    equal(c.delete(f"/containers/{i}", query={"force": 1}).status, 204, "rm -f")
    d.check_clean(timeout=30)


def box_that_hangs(c, **config):
    """A container in which the OCI runtime cannot start another command."""
    i = c.create(cmd=["sleep", "1000"], host=NONE, StopTimeout=0, **config)
    c.start(i)
    equal(c.exec(i, "rm -f /etc/passwd; mkfifo /etc/passwd")[0], 0, "exit code of the command that makes the pipe")
    return i


@test(timeout=180)
def an_exec_that_hangs_has_a_deadline():
    d, c = hanging("--start-timeout=3")
    i = box_that_hangs(c)
    x = c.exec_create(i, ["true"])
    contains(c.exec_attach(x).output()[0].decode(), "start-timeout", "output of the command")
    check(not c.exec_inspect(x)["Running"], "the command does not run")
    check(c.inspect(i)["State"]["Running"], "the container runs")
    c.remove(i)
    d.check_clean(timeout=30)


@test(timeout=180)
def an_exec_that_hangs_ends_with_its_client():
    d, c = hanging("--start-timeout=0")
    i = box_that_hangs(c)
    x = c.exec_create(i, ["true"])
    h = c.exec_attach(x)
    eventually(lambda: [p for p in d.run_processes().values() if "--process" in p], "the OCI runtime runs")
    h.close()
    eventually(lambda: not [p for p in d.run_processes().values() if "--process" in p], "the OCI runtime is gone", timeout=60)
    check(c.inspect(i)["State"]["Running"], "the container runs")
    c.remove(i)
    d.check_clean(timeout=30)


@test(timeout=180)
def a_health_check_that_hangs_fails():
    d, c = hanging("--start-timeout=0")
    check_every_second = {"Test": ["CMD", "true"], "Interval": 1000000000, "Timeout": 1000000000, "Retries": 1}
    i = box_that_hangs(c, Healthcheck=check_every_second)
    eventually(lambda: c.inspect(i)["State"]["Health"]["Status"] == "unhealthy", "the container is unhealthy", timeout=60)
    c.remove(i)
    d.check_clean(timeout=30)


@test(timeout=120)
def nothing_is_left_after_a_shim_was_killed():
    for restart in (False, True):
        d, c = hanging()
        i = c.create(cmd=["sleep", "1000"], host=NONE)
        c.start(i)
        shims = [pid for pid, command in d.run_processes().items() if "dockerd-shim" in command]
        equal(len(shims), 1, "shims")
        if restart:
            d.kill()
        os.kill(shims[0], signal.SIGKILL)
        if restart:
            d.start()
            c = d.client()
        check(c.wait(i) in ((255,) if restart else (137,)), "exit code: killed, or not seen by anybody")
        c.remove(i)
        d.check_clean(timeout=30)
