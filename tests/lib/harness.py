# SPDX-License-Identifier: Apache-2.0
"""Registration, running and reporting of scenario tests. Knows nothing of Docker.

A test file holds functions marked @test; a function fails by raising. Run through tests/run."""

import fnmatch
import os
import pathlib
import re
import signal
import sys
import time
import traceback

TESTS = []                      # (name, function, timeout in seconds) in order of definition
CLEANUPS = []                   # of the test that runs now, called last one first


class Skip(Exception):
    """The test cannot run here; the text says what is missing."""


class Failed(AssertionError):
    """The test's own verdict, in words a stranger understands."""


class TimeoutFailed(BaseException):
    """Raised by the alarm; not an Exception, so that a test's own handlers do not swallow it."""


def test(function=None, *, timeout=60, name=None):
    def register(f):
        module = f.__module__.removeprefix("test_")
        TESTS.append((f"{module}:{name or f.__name__}", f, timeout))
        return f
    return register(function) if function else register


def cases(rows, timeout=60):
    """One test a row: rows are (name, arguments...)."""
    def register(f):
        for row in rows:
            def run(row=row):
                return f(*row[1:])
            run.__module__ = f.__module__
            test(timeout=timeout, name=f"{f.__name__}[{row[0]}]")(run)
        return f
    return register


def cleanup(function, *args, **kwargs):
    """Call function at the end of this test, whatever becomes of it."""
    CLEANUPS.append((function, args, kwargs))


def _run_cleanups():
    first = None
    while CLEANUPS:
        function, args, kwargs = CLEANUPS.pop()
        try:
            function(*args, **kwargs)
        except Exception as e:
            first = first or e
    return first


def check(condition, text):
    if not condition:
        raise Failed(text)


def equal(got, wanted, what="value"):
    if got != wanted:
        raise Failed(f"{what} is {_short(got)}, expected {_short(wanted)}")


def contains(text, part, what="text"):
    if part not in text:
        raise Failed(f"{what} does not contain {_short(part)}: {_short(text)}")


def matches(text, pattern, what="text"):
    m = re.search(pattern, text, re.S | re.M)
    if not m:
        raise Failed(f"{what} does not match /{pattern}/: {_short(text)}")
    return m


def eventually(condition, what, timeout=10.0, interval=0.02):
    """Wait until condition() is true, and return it."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {timeout:g} s (last seen: {_short(value)})")
        time.sleep(interval)


def _short(value, limit=400):
    text = value if isinstance(value, str) else repr(value)
    text = repr(text) if isinstance(value, str) else text
    return text if len(text) <= limit else text[:limit // 2] + " ... " + text[-limit // 2:]


def _reason(error):
    """One line: the message, and the line of the test file it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    here = [f for f in frames if os.path.basename(f.filename).startswith("test_")]
    where = f" ({os.path.basename(here[-1].filename)}:{here[-1].lineno})" if here else ""
    text = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, (Failed, TimeoutFailed)):
        text = f"{type(error).__name__}: {text}"
    return text + where


def _alarm(signum, frame):
    raise TimeoutFailed("did not end within its time limit")


def run_one(name, function, timeout):
    """Returns ("ok" | "FAIL" | "skip", seconds, reason)."""
    begin = time.monotonic()
    verdict, reason = "ok", ""
    scale = float(os.environ.get("DOCKERD_TESTS_TIMEOUT_SCALE", "1"))
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, timeout * scale)
    try:
        function()
    except Skip as e:
        verdict, reason = "skip", str(e)
    except (Exception, TimeoutFailed) as e:
        verdict, reason = "FAIL", _reason(e)
        if os.environ.get("DOCKERD_TESTS_TRACEBACK"):
            traceback.print_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    # The cleanups get their own time, so that a stuck test still gives back what it holds.
    signal.setitimer(signal.ITIMER_REAL, 60 * scale)
    try:
        error = _run_cleanups()
    except TimeoutFailed:
        error = Failed("cleaning up did not end within a minute")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if error and verdict == "ok":
        verdict, reason = "FAIL", "afterwards: " + _reason(error)
    return verdict, time.monotonic() - begin, reason


def known_failures(suite):
    """{pattern of test names: reason} of tests/known-failures.txt: bugs that are known and named. The list may only shrink."""
    known = {}
    path = pathlib.Path(__file__).parents[1] / "known-failures.txt"
    for line in path.read_text().splitlines() if path.exists() else ():
        m = re.match(r"(\w+) (\S.*?) -- (.*)", line)
        if m and m.group(1) == suite:
            known[m.group(2)] = m.group(3)
    return known


def _reason_known(known, name):
    return next((reason for pattern, reason in known.items() if fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))), None)


def _report_frame(counts, broke, known, suite, part, error):
    """Set-up and tear-down of a suite that failed."""
    expected = _reason_known(known, part)
    if expected:
        counts["skip"] += 1
        print(f"skip {suite}:{part}: KNOWN FAILURE: {expected} [{_reason(error)}]", flush=True)
        return
    counts["FAIL"] += 1
    broke.append((part, _reason(error)))
    print(f"FAIL {suite}:{part}: {_reason(error)}", flush=True)


def _choose(patterns, names):
    """The tests whose names match one of the patterns; with names exactly those; with neither all."""
    if names is not None:
        return [t for t in TESTS if t[0] in names]
    return [t for t in TESTS if not patterns or any(re.search(p, t[0]) for p in patterns)]


def run_all(suite, patterns=(), before=None, after=None, list_only=False, names=None, failed_to=None):
    """Run what was registered; print each result and the suite's line. Returns the number of failures.

    names: run exactly these. failed_to: a file that gets the names of the tests that failed, one a line."""
    chosen = _choose(patterns, names)
    if list_only:
        for name, _, _ in chosen:
            print(name)
        return 0
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    broke, known = [], known_failures(suite)
    suite_skip = None
    if before:
        try:
            before()
        except Skip as e:
            suite_skip = str(e)
        except Exception as e:
            _report_frame(counts, broke, known, suite, "set-up", e)
            suite_skip = "the set-up of the suite failed"
    deadline = time.monotonic() + float(os.environ.get("DOCKERD_TESTS_SUITE_SECONDS", "3300"))
    for name, function, timeout in chosen:
        if not suite_skip and time.monotonic() > deadline:
            verdict, seconds, reason = "skip", 0.0, "the time of the suite is over (DOCKERD_TESTS_SUITE_SECONDS)"
        elif suite_skip:
            verdict, seconds, reason = "skip", 0.0, suite_skip
        else:
            verdict, seconds, reason = run_one(name, function, timeout)
        expected = _reason_known(known, name)
        if expected and verdict == "FAIL":
            verdict, reason = "skip", f"KNOWN FAILURE: {expected} [{reason}]"
        elif expected and verdict == "ok":
            reason = "works now: take it off tests/known-failures.txt"
        counts[verdict] += 1
        if verdict == "FAIL":
            broke.append((name, reason))
        if not suite_skip:
            print(f"{verdict:4} {name} ({seconds:.1f} s)" + (f": {reason}" if reason else ""), flush=True)
    if suite_skip:
        print(f"SKIPPED suite {suite}, all {len(chosen)} tests: {suite_skip}", flush=True)
    if after:
        try:
            after()
        except Exception as e:
            _report_frame(counts, broke, known, suite, "tear-down", e)
    if failed_to:
        pathlib.Path(failed_to).write_text("".join(f"{name}\n" for name, _ in broke))
    if broke:
        print(f"\n{suite}, what broke:")
        for name, reason in broke:
            print(f"  {name}: {reason}")
    print(f"{suite}: {counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped", flush=True)
    return counts["FAIL"]
