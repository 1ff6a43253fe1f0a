/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a layer archive as it comes from a registry, unpacked into a directory of its own. Beside it
 * is what nothing may touch. */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/path-util.h"
#include "image/layer-apply.h"
#include "image/test-archive.h"

#define BAIT "bait"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bait(int dir_fd) {
        _cleanup_free_ char *text = NULL;
        struct stat st;

        assert(read_file_at(dir_fd, "outside", 100, &text, NULL) >= 0 && strcmp(text, BAIT) == 0);
        assert(fstatat(dir_fd, "outside", &st, AT_SYMLINK_NOFOLLOW) == 0);
        assert(st.st_nlink == 1 && (st.st_mode & 07777) == 0600 && st.st_uid == geteuid());
}

static void apply(int dir_fd, LayerFormat format, const uint8_t *data, size_t size) {
        _cleanup_close_ int input_fd = test_file_with(data, size);
        _cleanup_close_ int root_fd = -EBADF;
        _cleanup_error_ Error error = ERROR_NULL;
        LayerApplyResult result;

        assert(mkdirat(dir_fd, "layer", 0755) == 0);
        root_fd = openat(dir_fd, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert(root_fd >= 0);
        (void) layer_apply(&(const LayerApplyOptions) {
                .input_fd = input_fd,
                .tee_fd = -EBADF,
                .root_fd = root_fd,
                .format = format,
                .limits = { .output_max = 1 << 20, .entries_max = 1000, .trailing_max = 1 << 16 },
        }, &result, &error);
        check_bait(dir_fd);
        assert(rm_rf_at(dir_fd, "layer") >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_test_directory_ char *directory = test_directory_new();
        _cleanup_close_ int dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                            here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert(here >= 0 && dir_fd >= 0);
        assert(write_file_atomic_at(dir_fd, "outside", BAIT, strlen(BAIT), 0600, 0) >= 0);
        for (LayerFormat f = 0; f < _LAYER_FORMAT_MAX; f++)
                apply(dir_fd, f, data, size);
        assert(fchdir(here) == 0);      /* unpacking left it; the fuzzer has its files here */
        return 0;
}
