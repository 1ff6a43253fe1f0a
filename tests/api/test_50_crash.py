# SPDX-License-Identifier: Apache-2.0
"""The daemon dies (SIGKILL) at every crash point of what it does with containers and images, one after the other.

DOCKERD_CRASH_AT=N kills the daemon at the N-th crash_point() it passes. N is walked up from 1 until the whole scenario
gets through. After every death the daemon is started again and must be true to what it had answered, and leak nothing."""

import gzip
import json
import os
import random
import signal
import subprocess
import threading
import time

import images
from client import Client
from common_api import only_ours
from daemon import Daemon, describe
from harness import Failed, Skip, check, equal, eventually, test
from registry import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Registry, digest

NONE = {"NetworkMode": "none"}
LIMIT = 400                     # crash points in one scenario, so that a broken counter does not walk for ever


class Answers:
    """What the daemon said yes to before it died."""

    def __init__(self):
        self.created = {}               # id: name
        self.started = set()
        self.stopped = set()
        self.removed = set()
        self.paused = set()
        self.pids_limit = {}            # id: number
        self.loaded = set()
        self.untagged = set()           # names of images
        self.volumes = set()            # names that must be there, and those that must not
        self.no_volumes = set()
        self.networks = set()
        self.no_networks = set()
        self.asked = set()              # names in flight


def died(e):
    text = str(e)
    return isinstance(e, (OSError, EOFError)) or "closed without an answer" in text or "ended" in text


def walk(scenario, first=1):
    """scenario(client, answers, n) makes the calls; it is cut short by the daemon's death."""
    only_ours()
    d = Daemon()
    d.start()
    d.load_busybox()
    d.stop()
    points = []
    n = first
    while n < first + LIMIT:
        answers = Answers()
        d.start(wait=False, env={"DOCKERD_CRASH_AT": str(n)})
        survived = run_scenario(d, scenario, answers, n)
        where = last_point(d)
        if survived:
            d.stop()
        else:
            code = d.process.wait()
            if code != -signal.SIGKILL:
                raise Failed(f"at crash point {n}{where} the daemon ended with {describe(code)}, not with SIGKILL: {d.last_words()}")
        try:
            check_disk(d)
            check_truth(d, answers)
        except (Failed, OSError) as e:
            raise Failed(f"after a crash at point {n}{where}: {e}") from None
        points.append(n)
        if survived:
            break
        n += 1
    else:
        raise Failed(f"the scenario is not through after {LIMIT} crash points")
    if n == first:
        raise Skip("this build has no crash points (meson -Dcrash-points=true)")
    print(f"     {n - first} crash points", flush=True)


def last_point(d):
    """The name of the point, where the daemon wrote it before it died."""
    for line in reversed(d.log().splitlines()[-20:]):
        if "crash point" in line.lower():
            return f" ({line.split(':', 1)[-1].strip()[-80:]})"
    return ""


def run_scenario(d, scenario, answers, n):
    try:
        d.wait_ready(timeout=20)
    except Failed:
        if d.running():
            raise
        return False
    try:
        scenario(d.client(timeout=20), answers, n)
    except Exception as e:
        # A connection that breaks because the daemon is gone is what this is about; anything else is a finding.
        deadline = time.monotonic() + 2
        while d.running() and time.monotonic() < deadline:
            time.sleep(0.01)
        if d.running():
            raise Failed(f"with the crash point at {n}, before it: {e}") from None
        return False
    time.sleep(0.05)
    return d.running()


def check_disk(d):
    """A death at any point leaves leftovers at most."""
    r = subprocess.run([d.binary, "--check", "--config-file", d.config_file, "--data-root", d.data], stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=50)
    if r.returncode != 0:
        raise Failed(f"dockerd --check says ({r.returncode}): {r.stdout[-800:]}{r.stderr[-200:]}")


def check_truth(d, answers):
    """Starts the daemon without a crash point and compares."""
    d.start()
    c = d.client(timeout=20)
    rows = {r["Id"]: r for r in c.ok("GET", "/containers/json", query={"all": 1})}
    for i, name in answers.created.items():
        if i in answers.removed:
            if i in rows:
                raise Failed(f"container {name} is there, although its removal was answered")
            continue
        if i not in rows and i not in answers.asked:
            raise Failed(f"container {name} is gone, although its creation was answered")
    for i, row in rows.items():
        s = c.inspect(i)["State"]
        alive = s["Pid"] > 0 and os.path.exists(f"/proc/{s['Pid']}")
        if s["Running"] != alive:
            raise Failed(f"container {row['Names'][0]} is {s['Status']} with process {s['Pid']}, which {'runs' if alive else 'does not run'}")
        if s["Status"] not in ("created", "running", "exited", "paused"):
            raise Failed(f"container {row['Names'][0]} is in state {s['Status']}")
        if i in answers.started and i not in answers.stopped and i not in answers.asked and s["Status"] == "created":
            raise Failed(f"container {row['Names'][0]} is 'created', although its start was answered")
        if i in answers.paused and i not in answers.asked and s["Status"] != "paused":
            raise Failed(f"container {row['Names'][0]} is {s['Status']}, although its pause was answered")
        if answers.pids_limit.get(i) not in (None, c.inspect(i)["HostConfig"]["PidsLimit"]):
            raise Failed(f"container {row['Names'][0]} has not the limit of an update that was answered")
        if i in answers.stopped and s["Running"]:
            raise Failed(f"container {row['Names'][0]} runs, although its stop was answered")
    tags = {t for image in c.ok("GET", "/images/json") for t in image["RepoTags"] or []}
    for tag in answers.loaded | {"busybox:latest"}:
        if tag not in tags:
            raise Failed(f"image {tag} is gone, although its load was answered")
    for tag in answers.untagged & tags:
        raise Failed(f"image {tag} is there, although its removal was answered")
    volumes = {v["Name"] for v in c.ok("GET", "/volumes")["Volumes"]}
    if answers.volumes - volumes or answers.no_volumes & volumes:
        raise Failed(f"the volumes are {volumes}, there must be {answers.volumes} and not {answers.no_volumes}")
    networks = {n["Name"] for n in c.ok("GET", "/networks")}
    if answers.networks - networks or answers.no_networks & networks:
        raise Failed(f"the networks are {networks}, there must be {answers.networks} and not {answers.no_networks}")
    # The engine must still do its work, with the names of what was half done.
    for i in rows:
        d.containers.add(i)
        c.remove(i, missing_ok=False)
    for name in ("walk", "walk-2"):
        i = c.create(name=name, cmd="exit 3", host=NONE)
        c.start(i)
        equal(c.wait(i), 3, "exit code of a container made afterwards")
        c.remove(i, missing_ok=False)
    for name in networks - {"bridge", "host", "none"}:
        c.ok("DELETE", f"/networks/{name}", wanted=204)
    for name in volumes:
        c.ok("DELETE", f"/volumes/{name}", wanted=(204, 404), query={"force": 1})
    equal(list((d.data / "volumes").iterdir()), [], "directories of volumes at the end")
    for tag in tags - {"busybox:latest"}:
        c.ok("DELETE", f"/images/{tag}", wanted=200)
    c.ok("POST", "/images/prune")
    equal([image["RepoTags"] for image in c.ok("GET", "/images/json")], [["busybox:latest"]], "images at the end")
    d.check_clean(timeout=10)
    d.stop()
    d.check_clean()


def create(c, answers, name="walk", cmd="sleep 1000", host=NONE, **config):
    i = c.create(name=name, cmd=cmd, host=host, StopTimeout=1, **config)
    answers.created[i] = name
    return i


def start(c, answers, i):
    c.start(i)
    answers.started.add(i)


def stop(c, answers, i):
    answers.asked.add(i)
    c.ok("POST", f"/containers/{i}/stop", wanted=(204, 304), query={"t": 0})
    answers.asked.discard(i)
    answers.stopped.add(i)


def remove(c, answers, i, force=0):
    answers.asked.add(i)
    c.ok("DELETE", f"/containers/{i}", wanted=204, query={"force": force})
    answers.asked.discard(i)
    answers.removed.add(i)


@test(timeout=600)
def create_and_remove():
    def scenario(c, answers, n):
        remove(c, answers, create(c, answers))
    walk(scenario)


@test(timeout=900)
def create_start_stop_remove():
    def scenario(c, answers, n):
        i = create(c, answers)
        start(c, answers, i)
        stop(c, answers, i)
        remove(c, answers, i)
    walk(scenario)


@test(timeout=900)
def with_the_bridge():
    def scenario(c, answers, n):
        i = create(c, answers, host={})
        start(c, answers, i)
        remove(c, answers, i, force=1)
    walk(scenario)


@test(timeout=900)
def run_to_its_end():
    """A container that ends by itself, with the exit code read afterwards."""
    def scenario(c, answers, n):
        i = create(c, answers, cmd="exit 7")
        start(c, answers, i)
        equal(c.wait(i), 7, "exit code")
        answers.stopped.add(i)
        remove(c, answers, i)
    walk(scenario)


@test(timeout=600)
def commands_in_a_container():
    """A command whose end is seen, and one that still runs when the container is removed."""
    def scenario(c, answers, n):
        i = create(c, answers)
        start(c, answers, i)
        equal(c.exec(i, "echo out; exit 5"), (5, "out\n", ""), "exit code and output of a command")
        c.ok("POST", f"/exec/{c.exec_create(i, 'sleep 1000')}/start", {"Detach": True})
        remove(c, answers, i, force=1)
    walk(scenario)


@test(timeout=900)
def volumes():
    """Named and anonymous ones, filled from the image, removed with the container and by themselves."""
    def scenario(c, answers, n):
        c.ok("POST", "/volumes/create", {"Name": "walked"}, wanted=201)
        answers.volumes.add("walked")
        i = create(c, answers, cmd="test -e /etc/passwd && echo x >>/w/x", host={**NONE, "Binds": ["walked:/w", "filled:/etc"]}, Volumes={"/a": {}})
        start(c, answers, i)
        equal(c.wait(i), 0, "exit code of a container whose /etc is a volume")
        answers.stopped.add(i)
        answers.asked.add(i)
        c.ok("DELETE", f"/containers/{i}", wanted=204, query={"v": 1})
        answers.asked.discard(i)
        answers.removed.add(i)
        answers.volumes.discard("walked")
        c.ok("DELETE", "/volumes/walked", wanted=204)
        answers.no_volumes.add("walked")
        c.ok("DELETE", "/volumes/filled", wanted=204)
    walk(scenario)


@test(timeout=900)
def networks():
    """Made, joined at the start and while it runs, left, removed."""
    def scenario(c, answers, n):
        for name in ("walked", "other"):
            c.ok("POST", "/networks/create", {"Name": name}, wanted=201)
            answers.networks.add(name)
        i = create(c, answers, host={"NetworkMode": "walked"})
        start(c, answers, i)
        c.ok("POST", "/networks/other/connect", {"Container": i}, wanted=200)
        c.ok("POST", "/networks/walked/disconnect", {"Container": i}, wanted=200)
        remove(c, answers, i, force=1)
        for name in ("walked", "other"):
            answers.networks.discard(name)
            c.ok("DELETE", f"/networks/{name}", wanted=204)
            answers.no_networks.add(name)
    walk(scenario)


@test(timeout=600)
def pause_and_update():
    def pause(c, answers, i):
        c.ok("POST", f"/containers/{i}/pause", wanted=204)
        answers.paused.add(i)

    def update(c, answers, i, limit):
        answers.pids_limit.pop(i, None)
        c.ok("POST", f"/containers/{i}/update", {"PidsLimit": limit})
        answers.pids_limit[i] = limit

    def scenario(c, answers, n):
        i = create(c, answers)
        update(c, answers, i, 50)
        start(c, answers, i)
        pause(c, answers, i)
        update(c, answers, i, 60)
        answers.asked.add(i)
        c.ok("POST", f"/containers/{i}/unpause", wanted=204)
        answers.asked.discard(i)
        answers.paused.discard(i)
        pause(c, answers, i)
        stop(c, answers, i)
        remove(c, answers, i)
    walk(scenario)


@test(timeout=600)
def commit():
    def scenario(c, answers, n):
        i = create(c, answers, cmd="echo x >/x")
        start(c, answers, i)
        c.wait(i)
        answers.stopped.add(i)
        c.ok("POST", "/commit", wanted=201, query={"container": i, "repo": "walked", "tag": "1"})
        answers.loaded.add("walked:1")
        answers.loaded.discard("walked:1")
        c.ok("DELETE", "/images/walked:1", wanted=200)
        remove(c, answers, i)
    walk(scenario)


@test(timeout=600)
def import_and_load():
    archive = images.docker_archive([images.TarWriter().add("walked", "x").bytes()], ["walked:1"])

    def scenario(c, answers, n):
        r = c.post("/images/load", archive, query={"quiet": 1}, headers={"Content-Type": "application/x-tar"})
        equal(r.status, 200, "status of load")
        if any("Loaded image: walked:1" in line.get("stream", "") for line in r.lines()):
            answers.loaded.add("walked:1")
        c.ok("POST", "/images/walked:1/tag", wanted=201, query={"repo": "walked", "tag": "2"})
        answers.loaded.add("walked:2")
    walk(scenario)


def load(c, answers, tag, *layers):
    r = c.post("/images/load", images.save_archive(list(layers), [tag], Labels={"walk": "yes"}), query={"quiet": 1}, headers={"Content-Type": "application/x-tar"})
    if any(f"Loaded image: {tag}" in line.get("stream", "") for line in r.lines()):
        answers.loaded.add(tag)


def untag(c, answers, tag):
    answers.loaded.discard(tag)         # it may be gone, answered or not
    c.ok("DELETE", f"/images/{tag}", wanted=200)
    answers.untagged.add(tag)


def layer(text):
    return images.TarWriter().add(text, text * 100).bytes()


@test(timeout=900)
def pull_walk():
    """The same image again after each death: what came before it is used."""
    registry = Registry()
    layers = [layer("lower"), layer("middle"), layer("upper")]
    config = json.dumps({"os": "linux", "architecture": "amd64", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": [digest(x) for x in layers]}}).encode()
    blobs = [gzip.compress(x, 1, mtime=0) for x in layers]
    for blob in [config, *blobs]:
        registry.put_blob("walked", blob)
    manifest = registry.put_manifest("walked", "plain", {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": {"mediaType": OCI_CONFIG, "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": OCI_LAYER + "+gzip", "digest": digest(b), "size": len(b)} for b in blobs]})
    registry.put_index("walked", "1", [(manifest, "linux", "amd64")], OCI_INDEX)
    name = f"{registry.host}/walked"

    def scenario(c, answers, n):
        r = c.post("/images/create", query={"fromImage": name, "tag": "1"})
        equal(r.status, 200, "status of the pull")
        if any(line.get("status", "").startswith("Status: ") for line in r.lines()):
            answers.loaded.add(f"{name}:1")
    walk(scenario)


@test(timeout=900)
def push_and_save_walk():
    registry = Registry()
    tag = f"{registry.host}/pushed:1"

    def scenario(c, answers, n):
        load(c, answers, tag, layer("one"), layer("two"))
        r = c.get(f"/images/{tag}/get")
        equal(r.status, 200, "status of the save")
        check(r.body, "no archive")
        r = c.post(f"/images/{registry.host}/pushed/push", query={"tag": "1"}, headers={"X-Registry-Auth": "e30="})
        equal(r.status, 200, "status of the push")
        equal([line["error"] for line in r.lines() if "error" in line], [], "errors of the push")
    walk(scenario)


@test(timeout=900)
def remove_and_prune_walk():
    """Images that share a layer, one removed, one without a name, the rest pruned."""
    def scenario(c, answers, n):
        shared = layer("shared")
        load(c, answers, "first:1", shared, layer("first"))
        load(c, answers, "second:1", shared, layer("second"))
        load(c, answers, "moved:1", layer("third"))
        load(c, answers, "moved:1", layer("fourth"))
        untag(c, answers, "first:1")
        answers.loaded -= {"second:1", "moved:1"}
        c.ok("POST", "/images/prune", query={"filters": {"dangling": ["false"], "label": ["walk"]}})
        answers.untagged |= {"second:1", "moved:1"}
    walk(scenario)


@test(timeout=600)
def rename_walk():
    def scenario(c, answers, n):
        i = create(c, answers)
        c.ok("POST", f"/containers/{i}/rename", wanted=204, query={"name": "walk-2"})
        remove(c, answers, i)
    walk(scenario)


@test(timeout=180)
def killed_at_random_times():
    """Not at crash points: at any instruction, while three clients work."""
    only_ours()
    d = Daemon()
    d.start()
    d.load_busybox()
    seed = int(os.environ.get("DOCKERD_TESTS_SEED", time.time_ns() % 1_000_000))
    rng = random.Random(seed)
    for turn in range(12):
        answers = Answers()

        def work(k):
            c = d.client(timeout=20)
            try:
                while True:
                    i = create(c, answers, name=f"w{k}-{time.monotonic_ns()}", cmd="exit 5")
                    start(c, answers, i)
                    c.wait(i)
                    remove(c, answers, i)
            except Exception:
                pass
        threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
        [t.start() for t in threads]
        time.sleep(0.3 + rng.random())
        d.kill()
        [t.join(30) for t in threads]
        try:
            check_truth(d, answers)
        except Failed as e:
            raise Failed(f"turn {turn} of seed {seed}: {e}") from None
        d.start()


@test(timeout=120)
def restarts_are_counted_once():
    """A container that ends again and again, and a daemon that is killed meanwhile: there are as many restarts as there were."""
    only_ours()
    d = Daemon()
    d.start()
    d.load_busybox()
    out = d.dir / "out"
    out.mkdir()
    i = d.client().create(cmd="echo run >>/out/runs; exec sleep 0.15",
                          host={**NONE, "RestartPolicy": {"Name": "always"}, "Binds": [f"{out}:/out"]})
    d.client().start(i)
    counts, seed = [], time.time_ns() % 1_000_000
    chance = random.Random(seed)
    for _ in range(15):
        time.sleep(chance.uniform(0.05, 0.5))
        d.kill()
        d.start()
        counts.append(d.client().inspect(i)["RestartCount"])
    equal(counts, sorted(counts), f"RestartCount after each kill (seed {seed})")
    check(counts[-1] > 3, f"it was restarted {counts[-1]} times only")
    c = d.client()
    c.post(f"/containers/{i}/stop", query={"t": 1})
    runs = len((out / "runs").read_text().splitlines())
    equal(c.inspect(i)["RestartCount"], runs - 1, f"RestartCount after {runs} runs (seed {seed})")
    d.stop()
    d.destroy()
