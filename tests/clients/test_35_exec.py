# SPDX-License-Identifier: Apache-2.0
"""docker exec: output, exit codes, terminals, options."""

import hashlib
import os
import time

from common_clients import directory, docker
from harness import cases, check, contains, equal, eventually, matches, test


def box(d, *options, name="box"):
    d("run", "-d", "--name", name, *options, "busybox", "sleep", "1000")
    return name


@test
def output_and_exit_code():
    d = docker()
    box(d)
    r = d.try_("exec", "box", "sh", "-c", "echo out; echo err >&2; exit 7")
    equal((r.code, r.out, r.err), (7, "out\n", "err\n"), "exit code, stdout, stderr")
    equal(d("exec", "box", "hostname"), d("inspect", "-f", "{{.Config.Hostname}}", "box"), "hostname")


@cases([
    ("127", 127, r"executable file .*not found in \$PATH", ["box", "nosuchcommand"]),
    ("126", 126, r"(?i)permission denied", ["box", "/etc/passwd"]),
    ("no user", 126, r"unable to find user nosuch: no matching entries in passwd file", ["-u", "nosuch", "box", "true"]),
    ("no container", 1, r"No such container: nosuch", ["nosuch", "true"]),
])
def failing(code, pattern, args):
    d = docker()
    box(d)
    r = d.try_("exec", *args)
    equal(r.code, code, f"exit code ({r})")
    matches(r.out + r.err, pattern, "output")


@test
def not_running():
    d = docker()
    d("create", "--name", "box", "busybox", "true")
    i = d("inspect", "-f", "{{.Id}}", "box")
    d.fails(1, f"container {i} is not running", "exec", "box", "true")


@test(timeout=120)
def stdin():
    d = docker()
    box(d)
    equal(d("exec", "-i", "box", "cat", input=b"typed\n"), "typed", "output of cat")
    data = os.urandom(1 << 20) * 20
    r = d.try_("exec", "-i", "box", "sha256sum", input=data)
    equal(r.out.split()[0], hashlib.sha256(data).hexdigest(), "digest of 20 MB")
    r = d.try_("exec", "-i", "box", "cat", input=data)
    equal(hashlib.sha256(r.out_bytes).hexdigest(), hashlib.sha256(data).hexdigest(), "digest of what came back")
    equal(d.try_("exec", "box", "cat", input=b"not for it").out, "", "output without -i")


@test
def options():
    d = docker()
    box(d, "-e", "A=1", "-w", "/tmp")
    env = directory() / "env"
    env.write_text("C=4\n# no\nD=5\n")
    out = d("exec", "-e", "B=2", "--env-file", str(env), "-w", "/etc", "-u", "1000:1000", "box", "sh", "-c", "echo $A $B $C $D; pwd; id -u; id -g")
    equal(out.split("\n"), ["1 2 4 5", "/etc", "1000", "1000"], "output")
    equal(d("exec", "box", "pwd"), "/tmp", "the container's directory")
    check(d.try_("exec", "box", "ip", "link", "set", "lo", "down").code != 0, "an ordinary command takes no interface down")
    d("exec", "--privileged", "box", "ip", "link", "set", "lo", "down")


@test
def in_the_background():
    d = docker()
    box(d)
    equal(d("exec", "-d", "box", "sh", "-c", "echo x >/done; sleep 1000"), "", "output")
    eventually(lambda: d.try_("exec", "box", "cat", "/done").out == "x\n", "it runs")
    contains(d("top", "box"), "sleep 1000", "docker top")
    d.fails(1, "executable file", "exec", "-d", "box", "nosuchcommand")


@test
def terminal():
    d = docker()
    box(d)
    t = d.terminal("exec", "-it", "box", "sh", rows=33, columns=111)
    t.send("stty size; echo $TERM\n")
    t.expect(r"33 111\r\nxterm")
    t.resize(22, 99)
    time.sleep(0.3)
    t.send("stty size\n")
    t.expect(r"22 99")
    t.send("sleep 1000\n")
    time.sleep(0.3)
    t.send("\x03")                              # Ctrl-C is the command's, not the session's
    t.send("echo on and $((20+3))\n")
    t.expect(r"on and 23")
    t.send("exit 9\n")
    equal(t.wait(), 9, "exit code")


@test
def detach():
    d = docker()
    box(d)
    t = d.terminal("exec", "-it", "--detach-keys", "ctrl-x,x", "box", "sh", "-c", "echo ready; sleep 1000")
    t.expect("ready")
    t.send("\x18x")
    t.expect(r"(?i)exec attach failed: .*detach|read escape sequence", timeout=10)
    t.wait()
    contains(d("top", "box"), "sleep 1000", "docker top after the detach")


@test
def client_is_killed():
    d = docker()
    box(d)
    p = d.popen("exec", "box", "sh", "-c", "echo begun; sleep 1; echo x >/done")
    equal(p.stdout.readline(), b"begun\n", "output")
    p.kill()
    p.wait()
    eventually(lambda: d.try_("exec", "box", "cat", "/done").out == "x\n", "it goes on")


@test
def what_a_script_does():
    """A hundred in a row, as a CI job does with its helper container."""
    d = docker()
    box(d)
    for n in range(30):
        equal(d("exec", "box", "sh", "-c", f"echo {n} >>/list; wc -l </list"), str(n + 1), "lines")
    d("restart", "-t", "0", "box")
    equal(d("exec", "box", "wc", "-l", "/list"), "30 /list", "after a restart")
    d("rm", "-f", "box")
    d.fails(1, "No such container", "exec", "box", "true")
