/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces: making, pinning under a name, and working inside one. The caller's thread is back in
 * its own namespace when a call returns, whatever happened; if that cannot be had the process aborts. */
#pragma once

#include "basic/fd-util.h"

/* What to do inside; runs once, must not leave the namespace. */
typedef int (*NamespaceFunction)(void *userdata);

/* Makes a network namespace, binds it to path (which is created and must not exist), runs function (may be
 * NULL) in it. On failure nothing is left. ret_fd may be NULL. */
int netns_create(const char *path, NamespaceFunction function, void *userdata, int *ret_fd);

/* Runs function inside the namespace; returns its result. */
int netns_run(int netns_fd, NamespaceFunction function, void *userdata);

/* -ENOENT if there is nothing, -EINVAL if the file is no network namespace. */
int netns_open(const char *path, int *ret_fd);

/* Unmounts and removes the name; nothing there is success. The namespace lives on while anything uses it. */
int netns_remove(const char *path);
