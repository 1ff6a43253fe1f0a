/* SPDX-License-Identifier: Apache-2.0 */
/* What an OCI runtime's error text means for Docker's clients. */
#pragma once

#include "basic/error.h"

/* What Docker makes of a failed start: 126 = cannot be executed, 127 = not found, 128 = anything else. */
int oci_error_exit_code(const char *text);

/* Sets the error of a failed start with Docker's words around the runtime's: "failed to create task for
 * container: failed to create shim task: OCI runtime create failed: ...". 126 and 127 are the user's fault
 * (400), the rest ours (500). Returns the negative errno of the kind. */
int oci_error_set(Error *reterr, const char *text);

/* The same for a command that could not be run in a container: "OCI runtime exec failed: ...". */
int oci_error_set_exec(Error *reterr, const char *text);
