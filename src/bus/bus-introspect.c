/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what the objects on the bus look like, or which polkit actions the calls need. For the checks of
 * dbus/ and man/ only; not installed. */
#include <stdio.h>
#include <string.h>

#include "bus/bus-internal.h"

static int print_actions(void) {
        for (size_t i = 0; engine_calls[i]; i++)
                if (engine_calls[i]->action)
                        printf(AUTHZ_ACTION_PREFIX "%s\n", engine_calls[i]->action);
        return 0;
}

int main(int argc, char *argv[]) {
        if (argc == 2 && strcmp(argv[1], "actions") == 0)
                return print_actions();
        if (argc == 2 && strcmp(argv[1], "manager") == 0)
                return bus_introspect(BUS_ROOT_PATH, stdout) < 0;
        if (argc == 2 && strcmp(argv[1], "container") == 0)
                return bus_introspect(BUS_CONTAINER_PREFIX "/x", stdout) < 0;

        fprintf(stderr, "usage: bus-introspect actions|manager|container\n");
        return 2;
}
