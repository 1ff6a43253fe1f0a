# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: a registry with small and slow images, until it is killed. Prints addresses and digests as JSON."""

import io
import json
import os
import tarfile
import time

import registry


def layer(size, name):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = size
        tar.addfile(info, io.BytesIO(os.urandom(size)))
    return out.getvalue()


r = registry.Registry()
proxy = registry.FaultProxy(r)
digests = {"small": r.put_image("apps/small", "1", [layer(50_000, "a")])["digest"]}
for n in range(6):
    layers = [layer(1_500_000, f"one-{n}"), layer(800_000, f"two-{n}")]
    digests[f"slow{n}"] = r.put_image(f"apps/slow{n}", "1", layers)["digest"]
    for data in layers:
        # Two seconds for the larger one.
        proxy.fault(f"GET /v2/apps/slow{n}/blobs/{registry.digest(data)}", proxy.slow(750_000), times=1000)
print(json.dumps({"registry": r.host, "proxy": proxy.host, "digests": digests}), flush=True)
while True:
    time.sleep(1000)
