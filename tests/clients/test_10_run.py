# SPDX-License-Identifier: Apache-2.0
"""docker run: output, exit codes, stdin, terminals, detach."""

import hashlib
import os
import re
import signal
import subprocess
import time

from common_clients import directory, docker
from harness import Failed, cases, check, cleanup, contains, equal, eventually, matches, test


@test
def version():
    d = docker()
    out = d("version", "--format", "{{.Server.Os}} {{.Server.APIVersion}} {{.Client.APIVersion}}")
    matches(out, r"^linux 1\.\d+ 1\.\d+$", "docker version")


@test
def info():
    d = docker()
    out = d("info", "--format", "{{.OSType}} {{.Images}} {{.Containers}} {{.NCPU}} {{.Driver}} {{.Name}}")
    matches(out, r"^linux \d+ \d+ \d+ (overlay2|vfs|overlayfs) \S+$", "docker info")
    contains(d("info"), "Default Runtime:", "docker info")


@test
def hello():
    equal(docker()("run", "--rm", "busybox", "echo", "hello"), "hello", "output")


@cases([(str(n), n) for n in (0, 1, 2, 42, 124, 128, 200, 255)])
def exit_code(n):
    d = docker()
    r = d.try_("run", "--rm", "busybox", "sh", "-c", f"exit {n}")
    equal(r.code, n, f"exit code of docker run ... exit {n} ({r.err.strip()})")


@cases([
    ("125 unknown network", 125, r"nosuchnet", ["--network", "nosuchnet", "busybox", "true"]),
    ("125 bad memory", 125, r"Minimum memory limit allowed is 6MB", ["--memory", "1m", "busybox", "true"]),
    ("125 bad runtime", 125, r"nosuchruntime", ["--runtime", "nosuchruntime", "busybox", "true"]),
    ("126 not executable", 126, r"permission denied", ["busybox", "/etc/passwd"]),
    ("126 directory", 126, r"(is a directory|permission denied)", ["busybox", "/tmp"]),
    ("127 no such command", 127, r"executable file not found in \$PATH", ["busybox", "nosuchcommand"]),
    ("127 no such file", 127, r"no such file or directory", ["busybox", "/no/such/file"]),
])
def failing(code, pattern, args):
    d = docker()
    d.fails(code, pattern, "run", "--rm", *args)
    equal(d("ps", "-aq"), "", "containers left after a failed docker run --rm")


@test
def failed_start_keeps_the_container():
    d = docker()
    d.fails(127, "nosuchcommand", "run", "--name", "failed", "busybox", "nosuchcommand")
    equal(d("inspect", "failed", "--format", "{{.State.Status}} {{.State.ExitCode}}"), "created 127", "state")
    contains(d("inspect", "failed", "--format", "{{.State.Error}}"), "nosuchcommand", "State.Error")


@test
def missing_image():
    d = docker()
    d.fails(125, "nosuchimage", "run", "--rm", "--pull=never", "nosuchimage:tag", "true")


@test
def stderr_is_apart():
    d = docker()
    r = d.try_("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
    equal((r.out, r.err), ("out\n", "err\n"), "stdout and stderr")


@test
def killed_is_137():
    d = docker()
    p = d.popen("run", "--name", "victim", "busybox", "sleep", "1000")
    eventually(lambda: d.try_("inspect", "-f", "{{.State.Running}}", "victim").out.strip() == "true", "container runs")
    d("kill", "victim")
    equal(p.wait(20), 137, "exit code of docker run after docker kill")
    p.communicate()
    equal(d("inspect", "-f", "{{.State.ExitCode}} {{.State.OOMKilled}}", "victim"), "137 false", "state")


@test
def stdin():
    equal(docker()("run", "-i", "--rm", "busybox", "cat", input="x\n"), "x", "what cat wrote")


@test
def stdin_half_close():
    r = docker().try_("run", "-i", "--rm", "busybox", "sh", "-c", "cat; sleep 0.3; echo late; exit 7", input="a\nb\n")
    equal((r.out, r.code), ("a\nb\nlate\n", 7), "output and exit code")


@test
def stdin_ignored():
    equal(docker()("run", "-i", "--rm", "busybox", "echo", "done", input="x" * 100000), "done", "output")


@test
def no_stdin_without_i():
    equal(docker()("run", "--rm", "busybox", "cat", input="x\n"), "", "what cat saw without -i")


@test(timeout=180)
def hundred_megabytes_through_cat():
    d = docker()
    block = os.urandom(1 << 20)
    count = 100
    wanted = hashlib.sha256()
    for _ in range(count):
        wanted.update(block)
    p = d.popen("run", "-i", "--rm", "busybox", "cat", stderr=subprocess.DEVNULL)
    cleanup(p.kill)
    pid = os.fork()
    if pid == 0:
        p.stdout.close()
        for _ in range(count):
            p.stdin.write(block)
        p.stdin.close()
        os._exit(0)
    p.stdin.close()
    got, size = hashlib.sha256(), 0
    while data := p.stdout.read(1 << 20):
        got.update(data)
        size += len(data)
    os.waitpid(pid, 0)
    equal(p.wait(30), 0, "exit code")
    equal(size, count << 20, "bytes that came back")
    equal(got.hexdigest(), wanted.hexdigest(), "sha256 of what came back")


@test(timeout=120)
def twenty_megabytes_out():
    d = docker()
    p = d.popen("run", "--rm", "busybox", "sh", "-c", "head -c 20000000 /dev/zero; echo end >&2", stdin=subprocess.DEVNULL)
    out, err = p.communicate(timeout=100)
    equal((len(out), err, p.returncode), (20000000, b"end\n", 0), "bytes, stderr, exit code")


@test
def many_short_lines_keep_their_order():
    out = docker()("run", "--rm", "busybox", "sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done")
    equal(out.split(), [str(i) for i in range(3000)], "lines")


@test
def tty_makes_carriage_returns():
    r = docker().try_("run", "-t", "--rm", "busybox", "sh", "-c", "test -t 1 && echo terminal")
    equal((r.out, r.code), ("terminal\r\n", 0), "output and exit code")


@test
def interactive_terminal():
    d = docker()
    t = d.terminal("run", "-it", "--rm", "busybox", "sh", rows=31, columns=97)
    cleanup(t.close)
    t.expect(r"# ")
    t.send("stty size\n")
    t.expect(r"31 97")
    t.send("echo $((6*7)); exit 9\n")
    t.expect("42")
    equal(t.wait(), 9, "exit code")


@test
def terminal_is_resized():
    d = docker()
    t = d.terminal("run", "-it", "--rm", "busybox", "sh", rows=24, columns=80)
    cleanup(t.close)
    t.expect(r"# ")
    t.send("stty size\n")
    t.expect(r"24 80")
    t.resize(40, 132)
    time.sleep(0.3)
    t.send("stty size\n")
    t.expect(r"40 132")
    t.send("exit\n")
    equal(t.wait(), 0, "exit code")


@test
def control_c_in_a_terminal():
    d = docker()
    t = d.terminal("run", "-it", "--rm", "busybox", "sh", "-c", "trap 'exit 33' INT; echo ready; while :; do sleep 0.1; done")
    cleanup(t.close)
    t.expect("ready")
    t.send("\x03")
    equal(t.wait(), 33, "exit code after Ctrl-C")


@test
def control_d_ends_the_shell():
    d = docker()
    t = d.terminal("run", "-it", "--rm", "busybox", "sh")
    cleanup(t.close)
    t.expect(r"# ")
    t.send("\x04")
    equal(t.wait(), 0, "exit code after Ctrl-D")


@test
def detach_keys():
    d = docker()
    t = d.terminal("run", "-it", "--name", "detached", "busybox", "sh")
    cleanup(t.close)
    t.expect(r"# ")
    t.send("\x10\x11")
    equal(t.wait(), 0, "exit code of the CLI after Ctrl-P Ctrl-Q")
    equal(d("inspect", "-f", "{{.State.Running}}", "detached"), "true", "running after detaching")
    t = d.terminal("attach", "detached")
    cleanup(t.close)
    t.send("\necho again-$((1+1))\n")
    t.expect("again-2")
    t.send("exit 4\n")
    equal(t.wait(), 4, "exit code of docker attach")


@test
def own_detach_keys():
    d = docker()
    t = d.terminal("run", "-it", "--detach-keys", "ctrl-a,x", "--name", "detached", "busybox", "sh")
    cleanup(t.close)
    t.expect(r"# ")
    t.send("\x01x")
    t.wait()
    equal(d("inspect", "-f", "{{.State.Running}}", "detached"), "true", "running after detaching")


@test
def signals_are_passed_on():
    d = docker()
    p = d.popen("run", "--rm", "busybox", "sh", "-c", "trap 'echo got; exit 21' TERM; echo ready; while :; do sleep 0.1; done",
                stdin=subprocess.DEVNULL)
    cleanup(p.kill)
    equal(p.stdout.readline(), b"ready\n", "first line")
    p.send_signal(signal.SIGTERM)
    equal(p.stdout.readline(), b"got\n", "line after SIGTERM to docker run")
    equal(p.wait(20), 21, "exit code")


@test
def detached():
    d = docker()
    out = d("run", "-d", "busybox", "sleep", "1000")
    matches(out, r"^[0-9a-f]{64}$", "output of docker run -d")
    equal(d("inspect", "-f", "{{.State.Running}} {{.Id}}", out[:12]), "true " + out, "inspect by short id")


@test
def rm_removes():
    d = docker()
    d("run", "--rm", "--name", "once", "busybox", "true")
    equal(d("ps", "-aq"), "", "containers after docker run --rm")
    d.fails(1, r"(?i)no such (container|object)", "inspect", "once")


@test
def name_is_taken():
    d = docker()
    first = d("create", "--name", "taken", "busybox")
    r = d.fails(125, r'Conflict. The container name "/taken" is already in use by container "?' + first,
                "run", "--name", "taken", "busybox")
    contains(r.err, "You have to remove (or rename) that container to be able to reuse that name.", "error")


@test
def cidfile():
    d = docker()
    path = directory() / "cid"
    d("run", "--rm", "--cidfile", path, "busybox", "true")
    matches(path.read_text(), r"^[0-9a-f]{64}$", "the cid file")


@test
def ten_at_once():
    d = docker()
    running = [d.popen("run", "--rm", "busybox", "sh", "-c", f"echo {i}; exit {i}", stdin=subprocess.DEVNULL)
               for i in range(10)]
    for i, p in enumerate(running):
        out, err = p.communicate(timeout=50)
        equal((out.decode(), p.returncode), (f"{i}\n", i), f"output and exit code of run {i} ({err.decode()[-200:]})")


@test
def exit_right_after_output_loses_nothing():
    d = docker()
    for i in range(10):
        equal(d("run", "--rm", "busybox", "sh", "-c", "echo 0123456789; echo end"), "0123456789\nend", f"output of run {i}")


@test(timeout=90)
def closing_stdout_lets_the_container_go_on():
    d = docker()
    p = d.popen("run", "--name", "writer", "busybox", "sh", "-c", "i=0; while [ $i -lt 20 ]; do echo $i; sleep 0.05; i=$((i+1)); done",
                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    p.stdout.readline()
    p.kill()
    p.wait()
    p.stdout.close()
    equal(d("wait", "writer"), "0", "exit code of a container whose client was killed")
    equal(d("logs", "writer").split(), [str(i) for i in range(20)], "its log")


@test
def foreground_ends_with_the_first_run_of_a_restart_policy():
    d = docker()
    r = d.try_("run", "--name", "again", "--restart", "always", "busybox", "sh", "-c", "echo run; sleep 1; exit 3")
    equal((r.code, r.out.splitlines()[:1]), (3, ["run"]), f"exit code and output ({r.err.strip()})")
    d("rm", "-f", "again")
