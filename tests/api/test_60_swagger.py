# SPDX-License-Identifier: Apache-2.0
"""Replies against the API reference, and its list of operations against our routes."""

import re

import common_api
import swagger
from common_api import client, only_ours
from harness import Failed, Skip, check, equal, eventually, test
from registry import Registry
from test_45_registry import Index

NONE = {"NetworkMode": "none"}

# Names that upstream sends and its reference does not list, or lists elsewhere.
KNOWN_UNKNOWN = {"reply.GraphDriver.Data", "reply.NetworkSettings.Networks"}


def descriptor(where):
    """What a descriptor has only where it is set."""
    return " ".join(f"{where}.{name}" for name in ("annotations", "artifactType", "data", "platform", "platform.os.features",
                                                   "platform.os.version", "platform.variant", "urls"))


MANIFESTS = (f"Manifests.AttestationData {descriptor('Manifests.Descriptor')} Manifests.ImageData.Platform.os.features "
             "Manifests.ImageData.Platform.os.version Manifests.ImageData.Platform.variant")

# Names of the reference that upstream leaves out, too, where they are not set (or not of this platform).
MAY_BE_ABSENT = {
    "GET /version": "BuildTime Experimental",
    "GET /info": "Containerd DefaultAddressPools DiscoveredDevices FirewallBackend.Info KernelMemoryTCP ProductLicense "
                 "Runtimes.*.runtimeArgs Runtimes.*.status Swarm.Cluster Swarm.Managers Swarm.Nodes",
    "GET /images/json": f"Descriptor {descriptor('Descriptor')} {MANIFESTS}",
    "GET /system/df": f"Images.Descriptor Images.Manifests {descriptor('Images.Descriptor')} Containers.HostConfig.Annotations "
                      "Containers.ImageManifestDescriptor Containers.Mounts.Driver Containers.Mounts.Name Volumes.ClusterVolume "
                      "Volumes.Status",
    "GET /images/{name}/json": "Config.ArgsEscaped Config.Entrypoint Config.ExposedPorts Config.Healthcheck Config.Labels "
                               "Config.OnBuild Config.Shell Config.StopSignal Config.User Config.Volumes Config.WorkingDir "
                               f"{descriptor('Descriptor')} {MANIFESTS} OsVersion Variant",
    "GET /containers/{id}/stats": "memory_stats.commitbytes memory_stats.commitpeakbytes memory_stats.failcnt memory_stats.max_usage "
                                  "memory_stats.privateworkingset networks.*.endpoint_id networks.*.instance_id pids_stats.limit "
                                  "storage_stats.read_count_normalized storage_stats.read_size_bytes "
                                  "storage_stats.write_count_normalized storage_stats.write_size_bytes",
    "GET /containers/json": "HostConfig.Annotations ImageManifestDescriptor Mounts.Driver Mounts.Name",
    "GET /containers/{id}/json": "Config.ArgsEscaped Config.ExposedPorts Config.Healthcheck Config.MacAddress "
                                 "Config.NetworkDisabled Config.Shell Config.StopSignal HostConfig.Annotations HostConfig.Init "
                                 "HostConfig.KernelMemoryTCP HostConfig.Mounts HostConfig.StorageOpt HostConfig.Sysctls "
                                 "ImageManifestDescriptor Mounts.Driver Mounts.Name SizeRootFs SizeRw State.Health",
    "POST /containers/{id}/wait": "Error",
    "DELETE /images/{name}": "Deleted Untagged",
    "POST /images/prune": "ImagesDeleted.Deleted ImagesDeleted.Untagged",
    "GET /distribution/{name}/json": f"{descriptor('Descriptor')} Platforms.os.features Platforms.os.version Platforms.variant",
    "GET /volumes": "Volumes.ClusterVolume Volumes.Status Volumes.UsageData",
    "GET /volumes/{name}": "ClusterVolume Status UsageData",
    "POST /volumes/create": "ClusterVolume Status UsageData",
    "GET /networks": "IPAM.Config.AuxiliaryAddresses IPAM.Config.IPRange Peers",
    "GET /networks/{id}": "IPAM.Config.AuxiliaryAddresses IPAM.Config.IPRange Peers",
}

# Answered with a stream, or only by a hijacked connection: tested where the streams are.
STREAMS = {("GET", "/containers/{id}/logs"), ("POST", "/containers/{id}/attach"), ("GET", "/containers/{id}/attach/ws"),
           ("POST", "/images/create"), ("POST", "/images/load"), ("POST", "/images/{name}/push"), ("GET", "/images/get"), ("GET", "/images/{name}/get"),
           ("GET", "/events"), ("GET", "/containers/{id}/export"), ("GET", "/containers/{id}/archive")}

# (method, path of the reference)
COMPARED = set()        # whose success was compared
IMPLEMENTED = set()     # that are not refused


def compare(pairs):
    """pairs: (method, path of the reference, path asked, body). Everything is asked first, then judged."""
    swagger.spec()
    c = common_api.ENGINE.client("1.51")
    unknown, absent = [], []
    for method, path, asked, body in pairs:
        r = c.request(method, asked, body)
        value = swagger.check_reply(method, path, r)
        if r.status < 400:
            COMPARED.add((method, path))
        if value is None or not common_api.ENGINE.is_ours:
            continue
        schema = swagger.reply_schema(method, path, r.status)
        unknown += [f"{asked}: {name}" for name in swagger.unknown(value, schema) if name not in KNOWN_UNKNOWN]
        fine = MAY_BE_ABSENT.get(f"{method} {path}", "").split()
        names = {name.replace("[]", "").removeprefix("reply.") for name in swagger.absent(value, schema)}
        absent += [f"{method} {path}: {name}" for name in sorted(names) if name not in fine]
    check(not unknown, f"names that the reference does not have: {'; '.join(unknown[:10])}")
    check(not absent, f"names of the reference that are not there: {'; '.join(absent[:10])}")


@test
def system():
    client()
    compare([("GET", "/version", "/version", None), ("GET", "/info", "/info", None), ("GET", "/_ping", "/_ping", None),
             ("HEAD", "/_ping", "/_ping", None), ("GET", "/system/df", "/system/df", None)])


@test
def images():
    client()
    compare([("GET", "/images/json", "/images/json?manifests=1", None), ("GET", "/images/{name}/json", "/images/busybox/json?manifests=1", None),
             ("GET", "/images/{name}/history", "/images/busybox/history", None),
             ("GET", "/images/{name}/json", "/images/nosuch/json", None), ("DELETE", "/images/{name}", "/images/nosuch", None),
             ("POST", "/images/{name}/tag", "/images/busybox/tag?repo=busybox&tag=fits", None),
             ("DELETE", "/images/{name}", "/images/busybox:fits", None), ("POST", "/images/prune", "/images/prune", None)])


@test
def registries():
    only_ours()         # the peer knows no registry without TLS on another host
    r, index = Registry(), Index()
    r.put_image("app", "1")
    client()
    compare([("POST", "/auth", "/auth", {"username": "me", "password": "it", "serveraddress": r.host}),
             ("GET", "/distribution/{name}/json", f"/distribution/{r.host}/app:1/json", None),
             ("GET", "/images/search", f"/images/search?term={index.host}/busybox", None)])


@test
def containers():
    c = client()
    i = c.create(name="fits", cmd="sleep 1000", StopTimeout=0, Tty=True, Labels={"a": "b"}, Env=["A=1"],
                 host={"Binds": ["/tmp:/t"], "Tmpfs": {"/x": ""}, "Dns": ["1.2.3.4"], "Memory": 64 << 20})
    c.start(i)
    compare([("GET", "/containers/json", "/containers/json?all=1&size=1", None), ("GET", "/containers/{id}/json", f"/containers/{i}/json?size=1", None),
             ("GET", "/containers/{id}/top", f"/containers/{i}/top", None),
             ("GET", "/containers/{id}/changes", f"/containers/{i}/changes", None),
             ("GET", "/containers/{id}/stats", f"/containers/{i}/stats?stream=0", None), ("GET", "/containers/{id}/stats", "/containers/nosuch/stats", None),
             ("POST", "/commit", f"/commit?container={i}&repo=fits-commit", None),
             ("DELETE", "/images/{name}", "/images/fits-commit", None),
             ("POST", "/containers/{id}/resize", f"/containers/{i}/resize?h=10&w=10", None),
             ("POST", "/containers/{id}/restart", f"/containers/{i}/restart?t=0", None),
             ("POST", "/containers/{id}/kill", f"/containers/{i}/kill?signal=CONT", None),
             ("POST", "/containers/{id}/update", f"/containers/{i}/update", {"PidsLimit": 77, "RestartPolicy": {"Name": "no"}}),
             ("POST", "/containers/{id}/update", "/containers/nosuch/update", {}),
             ("POST", "/containers/{id}/pause", f"/containers/{i}/pause", None), ("POST", "/containers/{id}/pause", "/containers/nosuch/pause", None),
             ("GET", "/containers/{id}/json", f"/containers/{i}/json", None),
             ("POST", "/containers/{id}/unpause", f"/containers/{i}/unpause", None), ("POST", "/containers/{id}/unpause", f"/containers/{i}/unpause", None),
             ("POST", "/containers/{id}/rename", f"/containers/{i}/rename?name=fitted", None),
             ("POST", "/containers/{id}/start", f"/containers/{i}/start", None),
             ("POST", "/containers/{id}/stop", f"/containers/{i}/stop?t=0", None), ("POST", "/containers/{id}/wait", f"/containers/{i}/wait", None),
             ("GET", "/containers/{id}/json", f"/containers/{i}/json", None), ("POST", "/containers/{id}/kill", f"/containers/{i}/kill", None),
             ("GET", "/containers/{id}/json", "/containers/nosuch/json", None), ("POST", "/containers/create", "/containers/create", {"Image": "nosuch"}),
             ("POST", "/containers/create", "/containers/create", {"Image": "busybox"}), ("DELETE", "/containers/{id}", f"/containers/{i}", None),
             ("POST", "/containers/prune", "/containers/prune", None)])


@test
def health():
    c = client()
    i = c.create(name="checked", cmd="sleep 1000", StopTimeout=0, host={"NetworkMode": "none", "Tmpfs": {"/t": ""}},
                 Healthcheck={"Test": ["CMD", "true"], "Interval": 50_000_000, "Timeout": 10**9, "StartPeriod": 10**9, "StartInterval": 50_000_000, "Retries": 2})
    c.start(i)
    eventually(lambda: c.inspect(i)["State"]["Health"]["Log"], "a result")
    compare([("GET", "/containers/{id}/json", f"/containers/{i}/json", None)])


@test
def archives():
    c = client()
    i = c.create(cmd="sleep 1000", StopTimeout=0)
    at = f"/containers/{i}/archive?path="
    compare([(method, "/containers/{id}/archive", at + path, None) for method, path in (
        ("HEAD", "/etc"), ("HEAD", "/nosuch"), ("HEAD", ""), ("PUT", "/etc"), ("PUT", "/nosuch"), ("GET", "/nosuch"), ("GET", ""))] +
            [("PUT", "/containers/{id}/archive", at + "/etc/passwd", None), ("GET", "/containers/{id}/archive", "/containers/nosuch/archive?path=/", None)])


@test
def execs():
    c = client()
    i = c.create(name="fits", cmd="sleep 1000", StopTimeout=0, host={"NetworkMode": "none"})
    c.start(i)
    x, started = c.exec_create(i, "true", User="0"), c.exec_create(i, "sleep 1000", Tty=True, User="0")
    compare([("POST", "/containers/{id}/exec", f"/containers/{i}/exec", {"Cmd": ["true"], "Tty": True, "ConsoleSize": [1, 2], "Env": ["A=1"]}),
             ("POST", "/containers/{id}/exec", "/containers/nosuch/exec", {"Cmd": ["true"]}), ("GET", "/exec/{id}/json", f"/exec/{x}/json", None),
             ("POST", "/exec/{id}/start", f"/exec/{x}/start", {"Detach": True}), ("POST", "/exec/{id}/start", f"/exec/{started}/start", {"Detach": True}),
             ("POST", "/exec/{id}/resize", f"/exec/{started}/resize?h=10&w=10", None), ("GET", "/exec/{id}/json", f"/exec/{started}/json", None),
             ("POST", "/exec/{id}/start", f"/exec/{started}/start", {"Detach": True}), ("GET", "/exec/{id}/json", "/exec/nosuch/json", None)])


@test
def volumes():
    c = client()
    c.ok("POST", "/volumes/create", {"Name": "fits", "Labels": {"a": "b"}, "DriverOpts": {"type": "tmpfs", "device": "tmpfs"}}, wanted=201)
    compare([("POST", "/volumes/create", "/volumes/create", {"Name": "other"}), ("GET", "/volumes", "/volumes", None),
             ("GET", "/volumes/{name}", "/volumes/fits", None),
             ("GET", "/volumes/{name}", "/volumes/nosuch", None), ("GET", "/system/df", "/system/df", None),
             ("DELETE", "/volumes/{name}", "/volumes/fits", None), ("DELETE", "/volumes/{name}", "/volumes/nosuch", None),
             ("POST", "/volumes/prune", '/volumes/prune?filters={"all":["true"]}', None)])


@test
def user_networks():
    c = client()
    i = c.create(name="fits", cmd="sleep 1000", StopTimeout=0, host={"NetworkMode": "bridge"})
    c.start(i)
    compare([("POST", "/networks/create", "/networks/create", {"Name": "fits", "Labels": {"a": "b"}, "IPAM": {"Config": [{"Subnet": "10.66.0.0/24"}]}}),
             ("POST", "/networks/create", "/networks/create", {"Name": "bridge"}), ("POST", "/networks/{id}/connect", "/networks/fits/connect", {"Container": i}),
             ("POST", "/networks/{id}/connect", "/networks/nosuch/connect", {"Container": i}), ("GET", "/networks/{id}", "/networks/fits", None),
             ("DELETE", "/networks/{id}", "/networks/fits", None),
             ("POST", "/networks/{id}/disconnect", "/networks/fits/disconnect", {"Container": i}), ("DELETE", "/networks/{id}", "/networks/fits", None),
             ("DELETE", "/networks/{id}", "/networks/nosuch", None), ("POST", "/networks/prune", "/networks/prune", None),
             ("POST", "/build/prune", "/build/prune", None)])


@test
def networks():
    client()
    compare([("GET", "/networks", "/networks", None), ("GET", "/networks/{id}", "/networks/bridge", None), ("GET", "/volumes", "/volumes", None)])


def is_refused(method, r):
    """By name: 501 for what is not there yet, 503 as by a node outside a swarm."""
    if method == "HEAD":
        return r.status == 501
    return r.status == 501 and "not supported by this engine yet" in r.message or r.status == 503 and "swarm" in r.message


@test
def every_operation_has_a_route():
    """What is not there yet is refused by name ('page not found' is for paths that the reference does not know); what is
    there answers with a status and a document of the reference."""
    only_ours()
    c = client("1.51")
    odd = []
    for method, path in swagger.operations():
        if path in ("/events", "/session"):         # would go on and on
            continue
        r = c.request(method, re.sub(r"\{[^}]*\}", "nosuch", path), {} if method in ("POST", "PUT") else None, timeout=10)
        if r.status == 404 and r.message == "page not found":
            odd.append(f"{method} {path}: page not found")
        elif not is_refused(method, r):
            IMPLEMENTED.add((method, path))
            try:
                if r.status != 400:                 # bad input, also where the reference knows 500 only
                    swagger.check_reply(method, path, r)
            except Failed as e:
                odd.append(str(e))
        r.close()
    equal(odd, [], "operations of the reference whose answer does not fit")


@test
def every_success_is_compared():
    if not COMPARED or not IMPLEMENTED:
        raise Skip("the tests above did not run")
    equal(sorted(IMPLEMENTED - COMPARED - STREAMS), [], "operations whose success is not compared by any test here")
