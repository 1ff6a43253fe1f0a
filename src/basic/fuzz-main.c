/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files named on the command line: how corpus files become ordinary tests. */
#include <stdio.h>

#include "basic/fileio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char *argv[]) {
        for (int i = 1; i < argc; i++) {
                _cleanup_free_ char *data = NULL;
                size_t size;
                int r;

                r = read_file_at(AT_FDCWD, argv[i], FILE_SIZE_MAX_DEFAULT, &data, &size);
                if (r < 0) {
                        fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
                        return EXIT_FAILURE;
                }
                (void) LLVMFuzzerTestOneInput((const uint8_t *) data, size);
        }
        return EXIT_SUCCESS;
}
