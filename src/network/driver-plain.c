/* SPDX-License-Identifier: Apache-2.0 */
/* host and none: nothing to make. The one shares the host's namespace, the other has one with loopback
 * only. */
#include "network/network-driver.h"

const NetworkDriver network_driver_host = {
        .name = "host",
        .sandbox = false,
};

const NetworkDriver network_driver_null = {
        .name = "null",
        .sandbox = true,
};
