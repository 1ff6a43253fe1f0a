#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# After `meson install` on the machine itself, what a package does in its own scripts: the group of the socket, the
# directories, the catalog, the new units. Nothing when the files go below DESTDIR.
[ -z "$DESTDIR" ] || exit 0
[ "$(id -u)" = 0 ] || exit 0

run() {
        command -v "$1" >/dev/null || return 0
        "$@" || echo "dockerd: '$*' failed" >&2
}

prefix=$MESON_INSTALL_PREFIX
run systemd-sysusers "$prefix/lib/sysusers.d/dockerd.conf"
run systemd-tmpfiles --create "$prefix/lib/tmpfiles.d/dockerd.conf"
run journalctl --update-catalog
[ ! -d /run/systemd/system ] || run systemctl daemon-reload
