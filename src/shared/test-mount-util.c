/* SPDX-License-Identifier: Apache-2.0 */
/* Runs in a mount namespace of its own; needs root. */
#include "shared/mount-util.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/path-util.h"
#include "basic/tests.h"

static char directory[64];

static char *below(const char *name) {
        return ASSERT_NOT_NULL(path_join(directory, name));
}

TEST(own_mount) {
        _cleanup_free_ char *own = below("own"), *point = NULL, *file = below("own/x");
        unsigned long flags;

        ASSERT_OK(mkdir(own, 0755));
        ASSERT_OK(mount_remove_own(own));               /* there is none */
        ASSERT_OK(mount_make_own(own));
        ASSERT_OK(mount_make_own(own));                 /* not a second one */
        ASSERT_OK(mount_of_path(own, &point, &flags));
        ASSERT_STREQ(point, own);
        ASSERT_EQ(flags & (MS_SHARED|MS_SLAVE), 0UL);

        ASSERT_OK(mkdir(file, 0755));
        ASSERT_OK(mount("tmpfs", file, "tmpfs", 0, NULL));
        ASSERT_EQ(mount_remove_own(own), -EBUSY);
        ASSERT_OK(umount(file));
        ASSERT_OK(mount_remove_own(own));
        point = mfree(point);
        ASSERT_OK(mount_of_path(own, &point, &flags));
        ASSERT_STREQ(point, directory);
}

TEST(mount_of_somebody_else_stays) {
        _cleanup_free_ char *other = below("other"), *point = NULL;
        unsigned long flags;

        ASSERT_OK(mkdir(other, 0755));
        ASSERT_OK(mount("tmpfs", other, "tmpfs", 0, NULL));
        ASSERT_OK(mount_make_own(other));
        ASSERT_OK(mount_remove_own(other));
        ASSERT_OK(mount_of_path(other, &point, &flags));
        ASSERT_STREQ(point, other);
        ASSERT_OK(umount(other));
}

TEST(propagation) {
        _cleanup_free_ char *odd = below("with blank\\and"), *file = below("with blank\\and/file");
        _cleanup_free_ char *link = below("link"), *point = NULL, *again = NULL;
        unsigned long flags;

        ASSERT_OK(mkdir(odd, 0755));
        ASSERT_OK(mount("tmpfs", odd, "tmpfs", 0, NULL));
        ASSERT_OK(mount(NULL, odd, NULL, MS_SHARED, NULL));
        ASSERT_OK(mkdir(file, 0755));
        ASSERT_OK(symlink(file, link));
        ASSERT_OK(mount_of_path(file, &point, &flags));
        ASSERT_STREQ(point, odd);
        ASSERT_EQ(flags & (MS_SHARED|MS_SLAVE), (unsigned long) MS_SHARED);
        ASSERT_OK(mount_of_path(link, &again, &flags));
        ASSERT_STREQ(again, odd);
        ASSERT_OK(umount(odd));
}

int main(int argc, char *argv[]) {
        int r;

        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
            mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL) < 0) {
                fprintf(stderr, "needs root\n");
                return TEST_SKIP;
        }
        snprintf(directory, sizeof(directory), "/tmp/test-mount-util-XXXXXX");
        ASSERT_NOT_NULL(mkdtemp(directory));
        ASSERT_OK(mount("tmpfs", directory, "tmpfs", 0, NULL));
        r = test_run_all(argc, argv);
        ASSERT_OK(umount2(directory, MNT_DETACH));
        ASSERT_OK(rmdir(directory));
        return r;
}
