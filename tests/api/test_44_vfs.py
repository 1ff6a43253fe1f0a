# SPDX-License-Identifier: Apache-2.0
"""The storage driver vfs: a copy of the image for each container, for file systems that carry no overlayfs."""

from common_api import own_daemon
from harness import contains, equal, test


@test
def containers():
    d = own_daemon("--storage-driver", "vfs").start()
    d.load_busybox()
    c = d.client()
    info = c.ok("GET", "/info")
    equal(info["Driver"], "vfs", "Driver of /info")
    equal([row[0] for row in info["DriverStatus"]], ["Backing Filesystem"], "names in DriverStatus")
    code, out, err = c.run("echo own >/etc/own; cat /etc/own; ls /bin/busybox")
    equal((code, out), (0, "own\n/bin/busybox\n"), f"a container's output ({err!r})")
    equal(c.run("ls /etc/own")[0], 1, "exit code of another container that looks for the first one's file")


@test
def changes_stay_over_restarts():
    d = own_daemon("--storage-driver", "vfs").start()
    d.load_busybox()
    c = d.client()
    i = c.create(cmd="cat /kept 2>/dev/null; echo again >>/kept", host={"NetworkMode": "none"})
    for run in range(3):
        c.start(i)
        equal(c.wait(i), 0, "exit code")
        if run == 1:
            d.kill()
            d.start()
            c = d.client()
    equal(c.logs(i)[0], b"again\nagain\nagain\n", "the log of three runs")


@test
def a_copy_that_was_cut_off_is_made_anew():
    d = own_daemon("--storage-driver", "vfs").start()
    d.load_busybox()
    c = d.client()
    i = c.create(cmd="test ! -e /half && ls /bin/busybox", host={"NetworkMode": "none"})
    rw = next((d.data / "containers" / i).glob("**/diff"))
    (rw / "half").write_text("of a copy")
    c.start(i)
    equal(c.wait(i), 0, "exit code")


@test
def containers_keep_their_driver():
    d = own_daemon("--storage-driver", "vfs").start()
    d.load_busybox()
    i = d.client().create(cmd="echo copied", host={"NetworkMode": "none"})
    d.stop()
    d.args[d.args.index("vfs")] = "overlay2"
    d.start()
    c = d.client()
    info = c.ok("GET", "/info")
    if info["Driver"] != "overlay2":
        return
    c.start(i)
    equal(c.wait(i), 0, "exit code of the container that was made with vfs")
    equal(c.run("echo mounted")[1], "mounted\n", "output of a new container")
    contains([row[0] for row in info["DriverStatus"]], "Supports d_type", "names in DriverStatus")
