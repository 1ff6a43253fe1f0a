# SPDX-License-Identifier: Apache-2.0
"""The shim by itself: streams, ends, and what it must survive."""

import errno
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

from common_shim import (ATTACH_ENDED, CLOSE_STDIN, DETACH, END_CLIENT, END_DETACHED, END_EXITED, ENDED, EXIT_OOM,
                         EXIT_STOPPED, FREEZE, FROZEN, HELLO, LOGS, LOG_FAILED, MULTIPLEX, PAUSE, PAUSED, QUIT, RESIZE, ROOT_FD,
                         RUN_PAUSED, RUNNING, SIGNAL, SIGNAL_UNPAUSE, START_FAILED, STDERR, STDIN,
                         STDOUT, Connection, Container, frames, now, read_all, read_until, resident, sanitized)
from harness import Failed, Skip, cases, check, cleanup, contains, equal, eventually, test

OUT = STDOUT | STDERR | MULTIPLEX


@test
def output_and_exit_code():
    c = Container(script="echo out; echo err >&2; exit 42").launch()
    s, ident = c.attach(OUT)
    c.start()
    check(c.started().pid > 1, "no pid in started")
    data = frames(read_all(s))
    equal(data[1], b"out\n", "stdout")
    equal(data[2], b"err\n", "stderr")
    ended = c.connection.expect(ATTACH_ENDED)
    equal((ended.id, ended.value1), (ident, END_EXITED), "end of the session")
    equal(c.exited().value1, 42, "exit code")
    equal(c.gone(), 0, "exit status of the shim")
    record = c.exit_file()
    equal((record["code"], record["oom"]), ("42", "0"), "exit file")
    check(abs(int(record["time"]) / 1e9 - time.time()) < 60, "time of the exit file")
    equal(sorted((e["stream"], e["log"]) for e in c.log()), [("stderr", "err\n"), ("stdout", "out\n")], "log")


@test
def killed_by_signal_is_128_plus():
    c = Container("/bin/sleep", "100").launch().start()
    c.started()
    c.connection.send(SIGNAL, value1=signal.SIGKILL)
    equal(c.exited().value1, 137, "exit code")


@test
def program_that_is_not_there():
    c = Container("/nosuch").launch()
    s, ident = c.attach(OUT)
    c.start()
    m = c.connection.expect(START_FAILED)
    contains(m.text, "no such file or directory", "error text")
    equal(read_all(s), b"", "output of a failed start")
    equal(c.gone(), 0, "exit status of the shim")
    equal(c.exit_file()["code"], "127", "exit code")
    equal(c.log_path.read_text(), "", "log")


@test
def directory_cannot_be_executed():
    c = Container("/bin").launch().start()
    contains(c.connection.expect(START_FAILED).text, "permission denied", "error text")
    c.gone()
    equal(c.exit_file()["code"], "126", "exit code")


@test
def stdin_half_close():
    c = Container(stdin=True, once=True, script="cat; echo late; exit 7").launch()
    s, _ = c.attach()
    c.start()
    s.sendall(b"a\n")
    s.shutdown(socket.SHUT_WR)
    equal(frames(read_all(s))[1], b"a\nlate\n", "stdout")
    equal(c.exited().value1, 7, "exit code")


@test
def early_bytes_come_first():
    c = Container("/bin/cat", stdin=True, once=True).launch()
    s, _ = c.attach(data=b"first ")
    s.sendall(b"second")
    s.shutdown(socket.SHUT_WR)
    c.start()
    equal(frames(read_all(s))[1], b"first second", "stdout")


@test
def client_that_hangs_up_still_delivers_stdin():
    c = Container("/bin/cat", stdin=True, once=True).launch()
    s, _ = c.attach()
    c.start()
    c.started()
    s.sendall(b"x" * 100000)
    s.close()
    equal(c.exited().value1, 0, "exit code")
    equal(sum(len(e["log"]) for e in c.log()), 100000, "bytes in the log")


@test
def stdin_stays_open_without_once():
    c = Container("/bin/cat", stdin=True).launch()
    s, ident = c.attach()
    c.start()
    s.sendall(b"one")
    frames(read_until(s, b"one"))
    s.shutdown(socket.SHUT_WR)
    equal(read_all(s), b"", "rest of the session")
    equal(c.connection.expect(ATTACH_ENDED).value1, END_CLIENT, "reason")
    t, _ = c.attach()
    t.sendall(b"two")
    read_until(t, b"two")
    c.connection.send(CLOSE_STDIN)
    equal(c.exited().value1, 0, "exit code")


@test
def closed_stdin_is_dev_null():
    c = Container("/bin/cat").launch()
    s, _ = c.attach()
    c.start()
    equal(read_all(s), b"", "output")
    equal(c.exited().value1, 0, "exit code")


@test(timeout=120)
def hundred_megabytes():
    c = Container("/bin/cat", stdin=True, once=True, log=False).launch()
    s, _ = c.attach(STDIN | STDOUT | STDERR)
    c.start()
    c.started()
    block = os.urandom(1 << 20)
    begin = now()

    def feed():
        for _ in range(100):
            s.sendall(block)
        s.shutdown(socket.SHUT_WR)

    t = threading.Thread(target=feed)
    t.start()
    size, wrong = 0, 0
    view = block + block
    while True:
        piece = s.recv(1 << 20)
        if not piece:
            break
        at = size % len(block)
        wrong += piece != view[at:at + len(piece)]
        size += len(piece)
    t.join()
    equal((size, wrong), (100 << 20, 0), "bytes, wrong pieces")
    seconds = now() - begin
    print(f"     100 MiB through stdin and stdout in {seconds:.2f} s")
    check(seconds < 10, f"100 MiB took {seconds:.1f} s")


@test
def terminal():
    c = Container("/bin/sh", "-c", "tty; stty size; read x; echo got $x; exit 3", tty=True, stdin=True,
                  once=True, size=(33, 99)).launch()
    s, _ = c.attach(STDIN | STDOUT)
    c.start()
    contains(read_until(s, b"33 99").decode(), "/dev/pts/0", "terminal")
    s.sendall(b"hello\r")
    contains(read_all(s).decode(), "got hello", "output")
    equal(c.exited().value1, 3, "exit code")
    check(all(e["stream"] == "stdout" for e in c.log()), "a terminal logs to stdout")


@test
def resize_while_it_runs():
    c = Container("/bin/sh", "-c", "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done",
                  tty=True).launch()
    s, _ = c.attach(STDOUT)
    c.start()
    read_until(s, b"ready")
    c.connection.send(RESIZE, value1=50, value2=132)
    read_until(s, b"50 132")
    c.exited()


@test
def detach_keys():
    c = Container("/bin/cat", tty=True, stdin=True, once=True).launch()
    s, ident = c.attach(STDIN | STDOUT)
    c.start()
    s.sendall(b"abc\r")
    read_until(s, b"abc\r\nabc")
    s.sendall(b"\x10\x11")
    read_all(s)
    m = c.connection.expect(ATTACH_ENDED)
    equal((m.id, m.value1), (ident, END_DETACHED), "end of the session")
    # Others, and a first key that turns out to be none.
    s, _ = c.attach(STDIN | STDOUT, keys="x,ctrl-e")
    s.sendall(b"xy\r")
    read_until(s, b"xy\r\nxy")
    s.sendall(b"x\x05")
    read_all(s)
    equal(c.connection.expect(ATTACH_ENDED).value1, END_DETACHED, "reason")
    equal(Connection(c.dir).hello().value1, RUNNING, "state")


@test
def keys_do_not_detach_without_a_terminal():
    c = Container("/bin/cat", stdin=True, once=True).launch()
    s, _ = c.attach()
    c.start()
    s.sendall(b"\x10\x11")
    s.shutdown(socket.SHUT_WR)
    equal(frames(read_all(s))[1], b"\x10\x11", "stdout")


@test
def two_clients_see_the_same():
    c = Container("/bin/cat", stdin=True, once=True).launch()
    a, _ = c.attach()
    b, _ = c.attach(STDOUT | STDERR)
    c.start()
    a.sendall(b"shared")
    a.shutdown(socket.SHUT_WR)
    equal(frames(read_all(a))[1], b"shared", "first client")
    equal(read_all(b), b"shared", "second client, not multiplexed")


@test
def detach_command_ends_one_session():
    c = Container("/bin/sleep", "100").launch()
    a, first = c.attach(OUT)
    b, _ = c.attach(OUT)
    c.start()
    c.started()
    c.connection.send(DETACH, ident=first)
    equal(read_all(a), b"", "detached client")
    c.connection.send(SIGNAL, value1=signal.SIGKILL)
    equal(read_all(b), b"", "other client")


@test
def end_of_file_in_spite_of_a_duplicate():
    """The daemon keeps its own descriptor of the client's connection; the client must see the end all the same."""
    ours, theirs = socket.socketpair()
    cleanup(theirs.close)
    c = Container("/bin/echo", "hi").launch()
    c.connection.send(17, theirs.fileno(), ident=1, flags=STDOUT)
    c.start()
    ours.settimeout(20)
    equal(read_all(ours), b"hi\n", "output")


@test
def daemon_is_killed_and_comes_back():
    c = Container(script="i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); sleep 0.005; done; exit 9").launch()
    s, _ = c.attach(OUT)
    c.start()
    c.started()
    read_until(s, b"20\n")
    c.connection.close()
    time.sleep(0.3)
    again = Connection(c.dir)
    m = again.hello()
    equal((m.value1, m.pid), (RUNNING, c.pid_file()), "hello after a restart")
    rest = read_all(s)
    check(rest.endswith(b"299\n"), "the session was cut")
    equal(again.expect(69).value1, 9, "exit code")
    equal(len(c.log()), 300, "lines in the log")


@test
def container_ends_while_the_daemon_is_away():
    c = Container(script="sleep 0.5; exit 5").launch().start()
    c.started()
    c.connection.close()
    equal(c.gone(), 0, "exit status of the shim")
    equal(c.exit_file()["code"], "5", "exit code")


@test
def daemon_dies_before_start():
    c = Container("/bin/true").launch()
    c.connection.close()
    equal(c.gone(), 0, "exit status of the shim")
    check(not (c.dir / "exit").exists(), "an exit record without a start")


@test
def sigterm_stops_the_container():
    c = Container(script="trap 'exit 11' TERM; echo up; while :; do sleep 0.05; done").launch()
    s, _ = c.attach(OUT)
    c.start()
    read_until(s, b"up")
    c.process.send_signal(signal.SIGTERM)
    m = c.exited()
    equal((m.value1, m.flags), (11, EXIT_STOPPED), "exit code and flags")
    equal(c.gone(), 0, "exit status of the shim")


@test
def sigterm_kills_after_the_timeout():
    c = Container(script="trap '' TERM; echo up; while :; do sleep 0.05; done", stop_timeout=1).launch()
    s, _ = c.attach(OUT)
    c.start()
    read_until(s, b"up")
    begin = now()
    c.process.send_signal(signal.SIGTERM)
    equal(c.exited().value1, 137, "exit code")
    check(0.9 < now() - begin < 6, "time until the kill")


@test
def other_stop_signal():
    c = Container(script="trap 'exit 12' INT; echo up; while :; do sleep 0.05; done",
                  stop_signal=signal.SIGINT).launch()
    s, _ = c.attach(OUT)
    c.start()
    read_until(s, b"up")
    c.process.send_signal(signal.SIGTERM)
    equal(c.exited().value1, 12, "exit code")


@test
def slow_client_does_not_stop_the_log_before_its_buffer_is_full():
    c = Container(script="dd if=/dev/zero bs=1000 count=700 2>/dev/null; echo; echo end >&2; sleep 100").launch()
    s, _ = c.attach(OUT)
    c.start()
    c.started()
    eventually(lambda: any(e["log"] == "end\n" for e in c.log()), "log of a container with a slow client")
    c.connection.send(SIGNAL, value1=signal.SIGKILL)
    equal(len(frames(read_all(s))[1]), 700001, "bytes of the slow client")


@test
def stalled_client_stops_the_container_not_the_shim():
    c = Container(script="yes", log=False).launch()
    s, _ = c.attach(OUT)
    c.start()
    c.started()
    time.sleep(1)
    used = pathlib.Path(f"/proc/{c.process.pid}/stat").read_text().split()[13:15]
    time.sleep(0.5)
    later = pathlib.Path(f"/proc/{c.process.pid}/stat").read_text().split()[13:15]
    check(sum(map(int, later)) - sum(map(int, used)) <= 3, "the shim spins while a client is slow")
    check(sanitized() or resident(c.process.pid) < 6000, f"the shim holds {resident(c.process.pid)} kB for a stalled client")
    equal(Connection(c.dir).hello().value1, RUNNING, "state")
    s.close()
    c.connection.send(SIGNAL, value1=signal.SIGKILL)
    c.exited()


# Numbers without end as fast as the shell can, so that the log grows while it is read; every tenth with a pause.
COUNT = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); [ $((i % 1000)) = 0 ] && sleep 0.01; done; printf unfinished; read x; echo"


@cases([("reads at once", 0), ("reads late", 0.3)])
def log_then_live_stream(delay):
    c = Container(script=COUNT, stdin=True).launch().start()
    c.started()
    clients = []
    while len(clients) < 6:
        clients.append(c.attach(OUT | LOGS)[0])
        time.sleep(0.05)
    time.sleep(delay)
    wanted = b"".join(b"%d\n" % i for i in range(20000)) + b"unfinished"
    for s in clients:
        got = frames(read_until(s, b"unfinished"))[1]
        check(got == wanted, f"a client got {len(got)} bytes, not the {len(wanted)} that were written")
    late, _ = c.attach(STDIN | OUT | LOGS)
    late.sendall(b"\n")
    equal(frames(read_all(late))[1], wanted + b"\n", "output for a client that came after it")
    c.exited()


@test
def log_of_one_stream():
    c = Container(script="echo out; echo err >&2; printf part >&2; sleep 100").launch().start()
    c.started()
    eventually(lambda: len(c.log()) == 2, "two lines in the log")
    s, _ = c.attach(STDERR | LOGS)
    equal(read_until(s, b"part"), b"err\npart", "what was logged of stderr")


@test
def log_of_a_terminal():
    c = Container(script="echo one; printf 'prompt '; read x", tty=True, stdin=True).launch().start()
    c.started()
    eventually(lambda: c.log(), "the log")
    s, _ = c.attach(STDOUT | LOGS)
    equal(read_until(s, b"prompt "), b"one\r\nprompt ", "log and unfinished line")


@test
def stalled_client_of_the_log_does_not_stop_the_container():
    c = Container(script="seq 1 200000; sleep 100").launch().start()
    c.started()
    # More than the socket takes: a client that has caught up is one of the output itself, and does stop it.
    eventually(lambda: c.log_path.exists() and c.log_path.stat().st_size > 3_000_000, "the beginning of the log", timeout=20)
    s, _ = c.attach(OUT | LOGS)

    def end():
        with c.log_path.open("rb") as f:
            f.seek(-min(1000, c.log_path.stat().st_size), 2)
            return f.read()
    eventually(lambda: b'"200000' in end(), "the whole log", timeout=50)
    check(sanitized() or resident(c.process.pid) < 6000, f"the shim holds {resident(c.process.pid)} kB")
    c.connection.send(SIGNAL, value1=signal.SIGKILL)
    c.exited()
    out = frames(read_all(s))[1]
    check(out == b"".join(b"%d\n" % i for i in range(1, 200001)), f"{len(out)} bytes, which are not what was written")


@test
def rotation():
    c = Container(script="seq 1 3000", log=["max-size=20k", "max-file=3"]).launch().start()
    c.exited()
    files = sorted(p.name for p in c.log_path.parent.iterdir())
    equal(files, ["json.log", "json.log.1", "json.log.2"], "files")
    sizes = [(c.log_path.parent / f).stat().st_size for f in files]
    check(all(20480 <= n < 20480 + 200 for n in sizes[1:]), f"sizes {sizes}")
    contains(c.log_path.read_text(), '"log":"3000\\n"', "newest file")


@test
def long_lines_are_cut_as_docker_does():
    c = Container(script="head -c 40000 /dev/zero | busybox tr '\\0' a; echo; printf end").launch().start()
    c.exited()
    equal([(len(e["log"]), e["log"][-1]) for e in c.log()],
          [(16384, "a"), (16384, "a"), (40000 - 32768 + 1, "\n"), (3, "d")], "entries")


@test
def full_disk_is_reported_once_and_blocks_nothing():
    c = Container(script="seq 1 60000; echo done >&2")
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(c.log_path.parent)], check=False)
    if r.returncode != 0:
        raise Skip("cannot mount a tmpfs")
    cleanup(subprocess.run, ["umount", str(c.log_path.parent)], check=False)
    c.launch()
    s, _ = c.attach(OUT)
    c.start()
    data = frames(read_all(s))
    check(data[1].endswith(b"60000\n") and data[2] == b"done\n", "the client did not get all")
    c.exited()
    equal(sum(m.type == LOG_FAILED for m in c.connection.seen), 1, "reports")
    c.log()             # every line that is there is whole


@test
def root_fd():
    c = Container("/bin/sleep", "100").launch().start()
    c.started()
    c.connection.send(ROOT_FD, ident=7)
    m = c.connection.expect(ROOT_FD)
    equal(m.id, 7, "id")
    cleanup(os.close, m.fd)
    os.stat("bin/busybox", dir_fd=m.fd)


@test
def stands_still_as_long_as_it_is_wanted():
    """Until it is let go, or who asked for it is gone, or a signal comes."""
    c = Container(script="trap 'exit 5' TERM; n=0; while true; do n=$((n+1)); echo $n; done").launch()
    s, _ = c.attach(OUT)
    c.start()
    c.started()

    def drain():
        s.settimeout(0.3)
        try:
            while s.recv(65536):
                pass
        except TimeoutError:
            return True

    for end in ("thaw", "connection", "signal"):
        other = c.try_connect()
        other.hello()
        other.send(FREEZE, ident=9, value1=1)
        m = other.expect(FROZEN)
        equal(m.id, 9, "id")
        if m.value1 < 0:
            raise Skip(f"no freezer here: {os.strerror(-m.value1)}")
        check(drain(), "it does not stand still")
        c.connection.send(FREEZE, ident=3, value1=1)
        equal(c.connection.expect(FROZEN).value1, -errno.EBUSY, "answer to a second who wants it")
        if end == "thaw":
            other.send(FREEZE, ident=9)
        elif end == "signal":
            c.connection.send(SIGNAL, value1=signal.SIGTERM)
        else:
            other.close()
        s.settimeout(10)
        check(s.recv(65536) or end == "signal", f"it does not go on after {end}")
    equal(c.exited().value1, 5, "exit code")


@test
def paused():
    """Until it is unpaused, or a signal lets it go on; whoever comes and goes is told."""
    c = Container(script="trap 'exit 5' TERM; trap 'echo usr1' USR1; while true; do usleep 1000; done").launch()
    s, _ = c.attach(OUT)
    c.start()
    c.started()

    def ask(connection, on, result=0, now=None, ident=7):
        connection.send(PAUSE, ident=ident, value1=int(on))
        m = connection.expect(PAUSED)
        if m.value1 in (-errno.ENOENT, -errno.EOPNOTSUPP):
            raise Skip(f"no freezer here: {os.strerror(-m.value1)}")
        equal((m.id, m.value1, m.value2), (ident, result, on if now is None else now), "answer")

    ask(c.connection, 0, -errno.EALREADY)
    ask(c.connection, 1)
    ask(c.connection, 1, -errno.EBUSY)
    other = c.try_connect()
    equal(other.hello().flags, RUN_PAUSED, "flags of its state")
    other.send(FREEZE, ident=9, value1=1)
    equal(other.expect(FROZEN).value1, 0, "answer to a reader")
    other.close()
    c.connection.send(SIGNAL, value1=signal.SIGUSR1)
    s.settimeout(0.3)
    try:
        raise Failed(f"output of a paused container: {s.recv(100)}")
    except TimeoutError:
        pass
    s.settimeout(10)
    ask(c.connection, 0)
    equal(s.recv(100)[8:], b"usr1\n", "what the signal that waited does")
    ask(c.connection, 1)
    c.connection.send(SIGNAL, value1=signal.SIGTERM, flags=SIGNAL_UNPAUSE)
    m = c.connection.expect(PAUSED)
    equal((m.id, m.value1, m.value2), (0, 0, 0), "that it goes on")
    equal(c.exited().value1, 5, "exit code")


@test
def only_three_descriptors():
    c = Container(script="busybox ls /proc/self/fd").launch()
    s, _ = c.attach(OUT)
    c.start()
    # The fourth is ls reading the directory.
    equal(frames(read_all(s))[1].split(), [b"0", b"1", b"2", b"3"], "descriptors")


@test
def output_of_an_unprivileged_user():
    c = Container(script="echo x > /dev/stdout; echo y > /proc/self/fd/2", uid=1000).launch()
    s, _ = c.attach(OUT)
    c.start()
    data = frames(read_all(s))
    equal((data[1], data[2]), (b"x\n", b"y\n"), "output")


@test
def out_of_memory():
    controllers = pathlib.Path("/sys/fs/cgroup/cgroup.controllers")
    if not os.path.exists("/sys/fs/cgroup/memory/memory.limit_in_bytes") and \
            not (controllers.exists() and "memory" in controllers.read_text()):
        raise Skip("no memory controller")
    c = Container("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1", memory=16 << 20).launch().start()
    m = c.exited()
    equal((m.value1, m.flags), (137, EXIT_OOM), "exit code and flags")
    c.gone()
    equal(c.exit_file()["oom"], "1", "OOM flag in the exit file")


@test
def processes_outside_the_pid_namespace_do_not_hold_the_end_up():
    c = Container(script="(sleep 100; echo late) & echo main; exit 3", host_pid=True).launch()
    s, _ = c.attach(OUT)
    c.start()
    begin = now()
    equal(frames(read_all(s))[1], b"main\n", "output")
    equal(c.exited().value1, 3, "exit code")
    check(now() - begin < 8, "time to the end")


@test
def start_after_a_killed_shim():
    """The container of a killed shim is ended, and its id is free again."""
    c = Container("/bin/sleep", "100").launch().start()
    pid = c.started().pid
    c.process.kill()
    c.process.wait()
    check(pathlib.Path(f"/proc/{pid}").exists(), "the container died with its shim")
    (c.dir / "control").unlink()
    c.launch().start()
    check(c.started().pid != pid, "the old container")
    eventually(lambda: not pathlib.Path(f"/proc/{pid}").exists() or
               pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z", "end of the old container")
    c.connection.send(SIGNAL, value1=signal.SIGKILL)
    equal(c.exited().value1, 137, "exit code")


@test
def start_exits_at_once():
    """A container that ended before the runtime did: its exit code is not lost."""
    for _ in range(5):
        c = Container(script="exit 21").launch().start()
        equal(c.exited().value1, 21, "exit code")


@test
def strangers_are_ignored():
    c = Container("/bin/sleep", "100").launch()
    for junk in (b"", b"x", b"\0" * 200000, b"DSIM" + b"\xff" * 60):
        if junk:
            try:
                c.connection.socket.send(junk)
            except OSError:
                pass
    equal(c.connection.hello().value1, 0, "state after junk")
    c.start()
    c.started()
    c.connection.send(12345)
    equal(c.connection.hello().value1, RUNNING, "state after an unknown message")
    c.connection.send(SIGNAL, value1=signal.SIGKILL)
    m = c.exited()
    equal(m.value1, 137, "exit code")


@test
def quit_before_start():
    c = Container("/bin/true").launch()
    c.connection.send(QUIT)
    equal(c.gone(), 0, "exit status of the shim")


@test
def memory():
    c = Container("/bin/sleep", "100").launch().start()
    c.started()
    time.sleep(0.2)
    size = resident(c.process.pid)
    print(f"     the shim of a running container holds {size} kB")
    check(sanitized() or size <= 1500, f"the shim holds {size} kB, limit is 1500")


@test
def hello_of_an_ended_container():
    """A slow client keeps the shim for a moment; a daemon that comes then hears how the container ended. Where the
    client's socket took all of the output the shim may be gone, and the exit file tells."""
    c = Container(script="dd if=/dev/zero bs=1000 count=500 2>/dev/null; exit 4", log=False).launch()
    s, _ = c.attach(OUT)
    c.start()
    equal(c.exited().value1, 4, "exit code")
    try:
        m = Connection(c.dir).hello()
        equal((m.type, m.value1, m.value2), (HELLO, ENDED, 4), "hello")
    except (FileNotFoundError, ConnectionRefusedError, Failed):
        equal(c.gone(), 0, "exit status of the shim")
    equal(len(frames(read_all(s))[1]), 500000, "bytes of the slow client")
