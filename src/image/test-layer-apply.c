/* SPDX-License-Identifier: Apache-2.0 */
/* Layers from well-behaved and hostile archives: the rows "layers" of the attack table, one test each. */

#include "image/layer-apply.h"

#include <fcntl.h>
#include <locale.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/path-util.h"
#include "image/test-archive.h"

typedef struct Bed {
        char *dir;              /* holds "layer" and, as bait, "outside" */
        int dir_fd, root_fd;
        LayerFormat format;
        LayerLimits limits;
        LayerApplyResult result;
        Error error;
} Bed;

static void bed_init(Bed *b) {
        *b = (Bed) { .dir = test_directory_new(), .limits = LAYER_LIMITS_DEFAULT };
        b->dir_fd = ASSERT_OK(open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_OK(mkdirat(b->dir_fd, "layer", 0755));
        ASSERT_OK(mkdirat(b->dir_fd, "outside", 0755));
        ASSERT_OK(write_file_atomic_at(b->dir_fd, "outside/file", "bait", 4, 0644, 0));
        b->root_fd = ASSERT_OK(openat(b->dir_fd, "layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* Every test ends here: whatever the archive said, the bait is untouched. */
static void bed_done(Bed *b) {
        _cleanup_free_ char *bait = NULL;
        struct stat st;

        ASSERT_OK(read_file_at(b->dir_fd, "outside/file", 100, &bait, NULL));
        ASSERT_STREQ(bait, "bait");
        ASSERT_OK(fstatat(b->dir_fd, "outside/file", &st, AT_SYMLINK_NOFOLLOW));
        ASSERT_EQ(st.st_nlink, 1);
        ASSERT_EQ(st.st_mode & 07777, 0644);
        ASSERT_OK(unlinkat(b->dir_fd, "outside/file", 0));
        ASSERT_OK(unlinkat(b->dir_fd, "outside", AT_REMOVEDIR));

        ASSERT_OK(chdir("/"));
        safe_close(b->root_fd);
        safe_close(b->dir_fd);
        error_done(&b->error);
        test_directory_done(&b->dir);
}

static int bed_apply_bytes(Bed *b, const void *data, size_t size) {
        _cleanup_close_ int fd = test_file_with(data, size);
        const LayerApplyOptions options = {
                .input_fd = fd,
                .tee_fd = -EBADF,
                .root_fd = b->root_fd,
                .format = b->format,
                .limits = b->limits,
        };

        int r;

        error_done(&b->error);
        r = layer_apply(&options, &b->result, &b->error);
        if (r < 0)
                fprintf(stderr, "  (%s)\n", error_message(&b->error));
        return r;
}

static int bed_apply(Bed *b, TestArchive *t) {
        test_archive_end(t);
        return bed_apply_bytes(b, t->data.data, t->data.size);
}

static void check_content(Bed *b, const char *path, const char *expected) {
        _cleanup_free_ char *content = NULL;
        _cleanup_close_ int fd = ASSERT_OK(open_in_root(b->root_fd, path, O_RDONLY, 0));

        ASSERT_OK(read_to_end(fd, 1 << 20, &content, NULL));
        ASSERT_STREQ(strempty(content), expected);
}

static struct stat get_stat(Bed *b, const char *path) {
        struct stat st;

        ASSERT_OK(fstatat(b->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0);
        return st;
}

static bool exists(Bed *b, const char *path) {
        struct stat st;

        return fstatat(b->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) >= 0;
}

static bool is_whiteout(Bed *b, const char *path) {
        struct stat st = get_stat(b, path);

        return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

static bool is_opaque(Bed *b, const char *path) {
        _cleanup_close_ int fd = ASSERT_OK(openat(b->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        char value[4];

        return fgetxattr(fd, OVERLAY_OPAQUE_XATTR, value, sizeof(value)) == 1 && value[0] == 'y';
}

#define BED(b, t)                                               \
        _cleanup_(bed_done) Bed b;                              \
        _cleanup_test_archive_ TestArchive t;                   \
        bed_init(&b);                                           \
        test_archive_begin(&t, ARCHIVE_FILTER_NONE)

static void own_1000_2000(struct archive_entry *e) {
        archive_entry_set_uid(e, 1000);
        archive_entry_set_gid(e, 2000);
}

TEST(plain_tree) {
        struct stat st;
        BED(b, t);

        test_archive_add(&t, "./", S_IFDIR | 0711, NULL);
        test_archive_add_with(&t, "dir/", S_IFDIR | 01777, NULL, own_1000_2000);
        test_archive_add_with(&t, "dir/file", S_IFREG | 04755, "hello", own_1000_2000);
        test_archive_add(&t, "dir/link", S_IFLNK | 0777, "file");
        test_archive_add_hard_link(&t, "dir/hard", "dir/file");
        test_archive_add(&t, "fifo", S_IFIFO | 0600, NULL);
        test_archive_add(&t, "no/parents/here", S_IFREG | 0644, "x");
        ASSERT_OK(bed_apply(&b, &t));

        check_content(&b, "dir/link", "hello");
        st = get_stat(&b, "dir/file");
        ASSERT_EQ(st.st_mode, S_IFREG | 04755);
        ASSERT_EQ(st.st_uid, 1000);
        ASSERT_EQ(st.st_gid, 2000);
        ASSERT_EQ(st.st_nlink, 2);
        ASSERT_EQ(st.st_mtim.tv_sec, 1000000000);
        ASSERT_EQ(st.st_mtim.tv_nsec, 5);
        st = get_stat(&b, "dir");
        ASSERT_EQ(st.st_mode, S_IFDIR | 01777);
        ASSERT_EQ(st.st_mtim.tv_sec, 1000000000);
        ASSERT_EQ(get_stat(&b, ".").st_mode, S_IFDIR | 0711);
        ASSERT_EQ(get_stat(&b, "no/parents").st_mode, S_IFDIR | 0755);
        ASSERT_TRUE(S_ISFIFO(get_stat(&b, "fifo").st_mode));
        ASSERT_EQ(b.result.size, 6);
        ASSERT_EQ(b.result.n_entries, 7);
        ASSERT_STREQ(b.result.stream.compression, "none");
}

TEST(compressed) {
        static const int filters[] = {
                ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD,
        };
        static const char *const names[] = { "gzip", "bzip2", "xz", "zstd" };
        Digest plain;

        {
                BED(b, t);
                test_archive_add(&t, "file", S_IFREG | 0644, "content");
                ASSERT_OK(bed_apply(&b, &t));
                plain = b.result.stream.output_digest;
                ASSERT_TRUE(digest_equal(&plain, &b.result.stream.input_digest));
        }
        for (size_t i = 0; i < ELEMENTSOF(filters); i++) {
                _cleanup_(bed_done) Bed b;
                _cleanup_test_archive_ TestArchive t;
                Digest d;

                bed_init(&b);
                test_archive_begin(&t, filters[i]);
                test_archive_add(&t, "file", S_IFREG | 0644, "content");
                ASSERT_OK(bed_apply(&b, &t));
                check_content(&b, "file", "content");
                ASSERT_STREQ(b.result.stream.compression, names[i]);
                ASSERT_TRUE(digest_equal(&plain, &b.result.stream.output_digest));
                digest_of(t.data.data, t.data.size, &d);
                ASSERT_TRUE(digest_equal(&d, &b.result.stream.input_digest));
                ASSERT_EQ(b.result.stream.input_size, t.data.size);
        }
}

TEST(compressed_twice_is_refused) {
        _cleanup_(bed_done) Bed b;
        _cleanup_test_archive_ TestArchive inner, outer;
        struct archive_entry *e = archive_entry_new();

        bed_init(&b);
        test_archive_begin(&inner, ARCHIVE_FILTER_GZIP);
        test_archive_add(&inner, "file", S_IFREG | 0644, "content");
        test_archive_end(&inner);

        outer = (TestArchive) {};
        outer.archive = archive_write_new();
        archive_write_add_filter_gzip(outer.archive);
        archive_write_set_format_raw(outer.archive);
        {
                char buffer[65536];
                size_t used = 0;

                ASSERT_EQ(archive_write_open_memory(outer.archive, buffer, sizeof(buffer), &used),
                          ARCHIVE_OK);
                archive_entry_set_filetype(e, AE_IFREG);
                ASSERT_EQ(archive_write_header(outer.archive, e), ARCHIVE_OK);
                ASSERT_EQ(archive_write_data(outer.archive, inner.data.data, inner.data.size),
                          inner.data.size);
                archive_entry_free(e);
                test_archive_end(&outer);
                ASSERT_FAIL(bed_apply_bytes(&b, buffer, used));
        }
        ASSERT_STREQ(error_message(&b.error), "archive is compressed more than once");
}

TEST(tee_keeps_the_input) {
        _cleanup_close_ int in = -EBADF, out = -EBADF;
        _cleanup_free_ char *copy = NULL;
        size_t size;
        BED(b, t);

        test_archive_add(&t, "file", S_IFREG | 0644, "content");
        test_archive_end(&t);
        in = test_file_with(t.data.data, t.data.size);
        out = test_file_with("", 0);
        const LayerApplyOptions options = {
                .input_fd = in, .tee_fd = out, .root_fd = b.root_fd, .limits = LAYER_LIMITS_DEFAULT,
        };
        ASSERT_OK(layer_apply(&options, &b.result, NULL));
        ASSERT_EQ(lseek(out, 0, SEEK_SET), 0);
        ASSERT_OK(read_to_end(out, 1 << 20, &copy, &size));
        ASSERT_EQ(size, t.data.size);
        ASSERT_EQ(memcmp(copy, t.data.data, size), 0);
}

TEST(dot_dot_is_refused) {
        static const char *const paths[] = { "../outside/file", "a/../../outside/file", "..", "a/../.." };

        FOREACH_ELEMENT(path, paths) {
                BED(b, t);
                test_archive_add(&t, *path, S_IFREG | 0644, "evil");
                ASSERT_FAIL(bed_apply(&b, &t));
                ASSERT_EQ(b.error.kind, ERROR_INVALID);
                ASSERT_TRUE(strstr(error_message(&b.error), "outside of the layer"));
        }
}

TEST(absolute_names_stay_inside) {
        BED(b, t);

        test_archive_add(&t, "/etc/passwd", S_IFREG | 0644, "inside");
        test_archive_add(&t, "/../x", S_IFREG | 0644, "inside too");
        ASSERT_OK(bed_apply(&b, &t));
        check_content(&b, "etc/passwd", "inside");
        check_content(&b, "x", "inside too");
}

TEST(symlink_then_write_stays_inside) {
        static const char *const targets[] = { "/outside", "../outside", "../../../../../../outside" };

        FOREACH_ELEMENT(target, targets) {
                BED(b, t);
                test_archive_add(&t, "outside/", S_IFDIR | 0755, NULL);
                test_archive_add(&t, "link", S_IFLNK | 0777, *target);
                test_archive_add(&t, "link/file", S_IFREG | 0644, "evil");
                ASSERT_OK(bed_apply(&b, &t));
                check_content(&b, "outside/file", "evil");
        }
}

TEST(symlink_chain_to_host_path) {
        BED(b, t);

        test_archive_add(&t, "a", S_IFLNK | 0777, "/");
        test_archive_add(&t, "b", S_IFLNK | 0777, "a/..");
        test_archive_add(&t, "b/tmp/dockerd-test-escape", S_IFREG | 0644, "evil");
        ASSERT_OK(bed_apply(&b, &t));
        ASSERT_TRUE(exists(&b, "tmp/dockerd-test-escape"));
        ASSERT_TRUE(access("/tmp/dockerd-test-escape", F_OK) < 0);
}

TEST(symlink_is_replaced_not_followed) {
        BED(b, t);

        test_archive_add(&t, "target", S_IFREG | 0600, "old");
        test_archive_add(&t, "link", S_IFLNK | 0777, "target");
        test_archive_add(&t, "link", S_IFREG | 0644, "new");
        ASSERT_OK(bed_apply(&b, &t));
        check_content(&b, "target", "old");
        check_content(&b, "link", "new");
        ASSERT_EQ(get_stat(&b, "target").st_mode & 07777, 0600);
}

TEST(dangling_and_looping_symlinks_as_parents) {
        {
                BED(b, t);
                test_archive_add(&t, "link", S_IFLNK | 0777, "/nowhere/at/all");
                test_archive_add(&t, "link/file", S_IFREG | 0644, "x");
                ASSERT_FAIL(bed_apply(&b, &t));
        }
        {
                BED(b, t);
                test_archive_add(&t, "link", S_IFLNK | 0777, "link");
                test_archive_add(&t, "link/file", S_IFREG | 0644, "x");
                ASSERT_FAIL(bed_apply(&b, &t));
        }
}

TEST(hard_link_to_outside_is_refused) {
        static const char *const targets[] = { "../outside/file", "link/file" };

        FOREACH_ELEMENT(target, targets) {
                BED(b, t);
                test_archive_add(&t, "link", S_IFLNK | 0777, "../outside");
                test_archive_add_hard_link(&t, "hard", *target);
                ASSERT_FAIL(bed_apply(&b, &t));
                ASSERT_FALSE(exists(&b, "hard"));
        }
}

TEST(hard_link_to_symlink_is_not_followed) {
        BED(b, t);

        test_archive_add(&t, "link", S_IFLNK | 0777, "/etc/shadow");
        test_archive_add_hard_link(&t, "hard", "link");
        ASSERT_OK(bed_apply(&b, &t));
        ASSERT_TRUE(S_ISLNK(get_stat(&b, "hard").st_mode));
}

TEST(whiteout) {
        BED(b, t);

        test_archive_add(&t, "dir/", S_IFDIR | 0755, NULL);
        test_archive_add(&t, "dir/.wh.gone", S_IFREG | 0644, NULL);
        ASSERT_OK(bed_apply(&b, &t));
        ASSERT_TRUE(is_whiteout(&b, "dir/gone"));
        ASSERT_FALSE(exists(&b, "dir/.wh.gone"));
}

TEST(whiteout_hides_only_what_is_below) {
        BED(b, t);

        test_archive_add(&t, "before", S_IFREG | 0644, "kept");
        test_archive_add(&t, ".wh.before", S_IFREG | 0644, NULL);
        test_archive_add(&t, ".wh.after", S_IFREG | 0644, NULL);
        test_archive_add(&t, "after", S_IFREG | 0644, "kept too");
        test_archive_add(&t, "dir-before/", S_IFDIR | 0755, NULL);
        test_archive_add(&t, ".wh.dir-before", S_IFREG | 0644, NULL);
        test_archive_add(&t, ".wh.dir-after", S_IFREG | 0644, NULL);
        test_archive_add(&t, "dir-after/", S_IFDIR | 0755, NULL);
        test_archive_add(&t, ".wh.implied", S_IFREG | 0644, NULL);
        test_archive_add(&t, "implied/file", S_IFREG | 0644, "x");
        ASSERT_OK(bed_apply(&b, &t));
        check_content(&b, "before", "kept");
        check_content(&b, "after", "kept too");
        ASSERT_TRUE(is_opaque(&b, "dir-before"));
        ASSERT_TRUE(is_opaque(&b, "dir-after"));
        ASSERT_TRUE(is_opaque(&b, "implied"));
}

TEST(opaque) {
        BED(b, t);

        test_archive_add(&t, "dir/file", S_IFREG | 0644, "kept");
        test_archive_add(&t, "dir/.wh..wh..opq", S_IFREG | 0644, NULL);
        test_archive_add(&t, "plain/", S_IFDIR | 0755, NULL);
        ASSERT_OK(bed_apply(&b, &t));
        check_content(&b, "dir/file", "kept");
        ASSERT_TRUE(is_opaque(&b, "dir"));
        ASSERT_FALSE(is_opaque(&b, "plain"));
        ASSERT_FALSE(exists(&b, "dir/.wh..wh..opq"));
}

TEST(whiteout_through_symlink_stays_inside) {
        BED(b, t);

        test_archive_add(&t, "outside/", S_IFDIR | 0755, NULL);
        test_archive_add(&t, "link", S_IFLNK | 0777, "../outside");
        test_archive_add(&t, "link/.wh.file", S_IFREG | 0644, NULL);
        test_archive_add(&t, "link/.wh..wh..opq", S_IFREG | 0644, NULL);
        ASSERT_OK(bed_apply(&b, &t));
        ASSERT_TRUE(is_whiteout(&b, "outside/file"));
        ASSERT_TRUE(is_opaque(&b, "outside"));
}

TEST(odd_whiteouts) {
        static const char *const refused[] = { ".wh.", ".wh..", ".wh...", ".wh.x/y", "d/.wh.x/.wh.y" };

        FOREACH_ELEMENT(path, refused) {
                BED(b, t);
                test_archive_add(&t, *path, S_IFREG | 0644, NULL);
                ASSERT_FAIL(bed_apply(&b, &t));
        }
        {
                BED(b, t);
                test_archive_add(&t, ".wh..wh.plnk/", S_IFDIR | 0755, NULL);
                test_archive_add(&t, ".wh..wh.plnk/12.34", S_IFREG | 0644, "x");
                test_archive_add(&t, ".wh..wh.aufs", S_IFREG | 0644, NULL);
                test_archive_add(&t, "file", S_IFREG | 0644, "y");
                ASSERT_OK(bed_apply(&b, &t));
                ASSERT_FALSE(exists(&b, ".wh..wh.plnk"));
                ASSERT_FALSE(exists(&b, ".wh..wh.aufs"));
                check_content(&b, "file", "y");
        }
}

TEST(plain_format_keeps_marks_as_files) {
        BED(b, t);

        b.format = LAYER_FORMAT_PLAIN;
        test_archive_add(&t, ".wh.gone", S_IFREG | 0644, NULL);
        test_archive_add(&t, "dir/.wh..wh..opq", S_IFREG | 0644, NULL);
        test_archive_add(&t, ".wh.back", S_IFREG | 0644, NULL);
        test_archive_add(&t, "back/", S_IFDIR | 0755, NULL);
        ASSERT_OK(bed_apply(&b, &t));
        ASSERT_TRUE(S_ISREG(get_stat(&b, ".wh.gone").st_mode));
        ASSERT_TRUE(exists(&b, "dir/.wh..wh..opq"));
        ASSERT_TRUE(exists(&b, "back/.wh..wh..opq"));
        ASSERT_FALSE(exists(&b, ".wh.back"));
}

TEST(duplicate_entries) {
        BED(b, t);

        test_archive_add(&t, "a", S_IFREG | 0644, "one");
        test_archive_add(&t, "a", S_IFREG | 0600, "two");
        test_archive_add(&t, "b/", S_IFDIR | 0755, NULL);
        test_archive_add(&t, "b/child", S_IFREG | 0644, "x");
        test_archive_add(&t, "b", S_IFREG | 0644, "no directory any more");
        test_archive_add(&t, "c/", S_IFDIR | 0755, NULL);
        test_archive_add(&t, "c/child", S_IFREG | 0644, "kept");
        test_archive_add(&t, "c/", S_IFDIR | 0700, NULL);
        test_archive_add(&t, "d", S_IFREG | 0644, "x");
        test_archive_add(&t, "d/", S_IFDIR | 0700, NULL);
        ASSERT_OK(bed_apply(&b, &t));
        check_content(&b, "a", "two");
        ASSERT_EQ(get_stat(&b, "a").st_mode & 07777, 0600);
        check_content(&b, "b", "no directory any more");
        check_content(&b, "c/child", "kept");
        ASSERT_EQ(get_stat(&b, "c").st_mode, S_IFDIR | 0700);
        ASSERT_TRUE(S_ISDIR(get_stat(&b, "d").st_mode));
}

static void device_0_0(struct archive_entry *e) {
        archive_entry_set_rdevmajor(e, 0);
        archive_entry_set_rdevminor(e, 0);
}

static void device_null(struct archive_entry *e) {
        archive_entry_set_rdevmajor(e, 1);
        archive_entry_set_rdevminor(e, 3);
}

TEST(device_nodes) {
        {
                BED(b, t);
                test_archive_add_with(&t, "null", S_IFCHR | 0666, NULL, device_null);
                test_archive_add_with(&t, "block", S_IFBLK | 0660, NULL, device_null);
                ASSERT_OK(bed_apply(&b, &t));
                ASSERT_EQ(get_stat(&b, "null").st_mode, S_IFCHR | 0666);
                ASSERT_EQ(get_stat(&b, "null").st_rdev, makedev(1, 3));
                ASSERT_EQ(get_stat(&b, "block").st_mode, S_IFBLK | 0660);
        }
        {
                BED(b, t);
                test_archive_add_with(&t, "forged-whiteout", S_IFCHR | 0666, NULL, device_0_0);
                ASSERT_FAIL(bed_apply(&b, &t));
        }
}

static void xattrs(struct archive_entry *e) {
        archive_entry_xattr_add_entry(e, "user.ok", "1", 1);
        archive_entry_xattr_add_entry(e, "trusted.overlay.redirect", "/../../etc", 10);
        archive_entry_xattr_add_entry(e, "trusted.overlay.opaque", "y", 1);
        archive_entry_xattr_add_entry(e, "user.overlay.opaque", "y", 1);
        archive_entry_xattr_add_entry(e, "security.selinux", "x", 1);
        /* cap_net_raw=ep, revision 2 */
        archive_entry_xattr_add_entry(e, "security.capability", "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                      20);
}

TEST(xattrs_are_filtered) {
        _cleanup_close_ int fd = -EBADF;
        char list[1024];
        ssize_t n;
        BED(b, t);

        test_archive_add_with(&t, "file", S_IFREG | 0755, "x", xattrs);
        test_archive_add_with(&t, "dir", S_IFDIR | 0755, NULL, xattrs);
        ASSERT_OK(bed_apply(&b, &t));
        fd = ASSERT_OK(openat(b.root_fd, "file", O_RDONLY | O_CLOEXEC));
        n = ASSERT_OK(flistxattr(fd, list, sizeof(list)));
        for (const char *p = list; p < list + n; p += strlen(p) + 1)
                ASSERT_TRUE(streq(p, "user.ok") || streq(p, "security.capability"));
        ASSERT_EQ(fgetxattr(fd, "security.capability", NULL, 0), 20);
        ASSERT_FALSE(is_opaque(&b, "dir"));
}

static void many_xattrs(struct archive_entry *e) {
        char name[32];

        for (unsigned i = 0; i < 40000; i++) {
                snprintf(name, sizeof(name), "user.%u", i);
                archive_entry_xattr_add_entry(e, name, "v", 1);
        }
}

TEST(many_xattrs_are_refused) {
        BED(b, t);

        test_archive_add_with(&t, "file", S_IFREG | 0644, "x", many_xattrs);
        ASSERT_FAIL(bed_apply(&b, &t));
}

TEST(long_names) {
        char name[9000];

        {
                BED(b, t);
                memset(name, 'n', 255);
                name[255] = 0;
                test_archive_add(&t, name, S_IFREG | 0644, "x");
                ASSERT_OK(bed_apply(&b, &t));
                check_content(&b, name, "x");
        }
        {
                BED(b, t);
                memset(name, 'n', 256);
                name[256] = 0;
                test_archive_add(&t, name, S_IFREG | 0644, "x");
                ASSERT_FAIL(bed_apply(&b, &t));
        }
        {
                BED(b, t);
                for (size_t i = 0; i < sizeof(name) - 1; i++)
                        name[i] = i % 100 == 99 ? '/' : 'd';
                name[sizeof(name) - 1] = 0;
                test_archive_add(&t, name, S_IFREG | 0644, "x");
                ASSERT_FAIL(bed_apply(&b, &t));
                ASSERT_EQ(b.error.kind, ERROR_INVALID);
        }
}

TEST(depth_through_symlinks_is_bounded) {
        char deep[3998], path[300];
        BED(b, t);

        for (size_t i = 0; i < sizeof(deep) - 1; i++)
                deep[i] = i % 2 ? '/' : 'd';
        deep[sizeof(deep) - 1] = 0;
        test_archive_add(&t, deep, S_IFDIR | 0755, NULL);
        test_archive_add(&t, "link", S_IFLNK | 0777, deep);
        snprintf(path, sizeof(path), "link/%.*s", 201, deep);
        test_archive_add(&t, path, S_IFDIR | 0755, NULL);
        ASSERT_FAIL(bed_apply(&b, &t));
        ASSERT_TRUE(strstr(error_message(&b.error), "too long"));
}

TEST(huge_pax_header_is_refused) {
        _cleanup_buffer_ Buffer raw = {};
        _cleanup_free_ char *filler = NULL;
        BED(b, t);

        /* 100 MB of extended header, as "path=aaaa..." */
        test_archive_add_raw_header(&raw, "PaxHeader", 'x', "00575360400", NULL);
        filler = new0(char, 100 * 1000 * 1024);
        memset(filler, 'a', 100 * 1000 * 1024);
        memcpy(filler, "100000256 path=", 15);
        ASSERT_OK(buffer_append(&raw, filler, 100 * 1000 * 1024));
        ASSERT_FAIL(bed_apply_bytes(&b, raw.data, raw.size));
        ASSERT_EQ(b.error.kind, ERROR_INVALID);
}

TEST(sparse_files) {
        _cleanup_(bed_done) Bed b;
        _cleanup_test_archive_ TestArchive t;
        struct archive_entry *e = archive_entry_new();
        char block[512];
        struct stat st;

        bed_init(&b);
        test_archive_begin(&t, ARCHIVE_FILTER_NONE);
        memset(block, 's', sizeof(block));
        archive_entry_set_pathname(e, "sparse");
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, INT64_C(8) << 30);
        archive_entry_sparse_add_entry(e, INT64_C(4) << 30, 512);
        ASSERT_EQ(archive_write_header(t.archive, e), ARCHIVE_OK);
        /* libarchive's writer wants the holes too, and leaves them out. */
        {
                static char zeros[1 << 20];

                for (unsigned i = 0; i < 4096; i++)
                        ASSERT_EQ(archive_write_data(t.archive, zeros, sizeof(zeros)), sizeof(zeros));
                ASSERT_EQ(archive_write_data(t.archive, block, sizeof(block)), sizeof(block));
        }
        archive_entry_free(e);
        ASSERT_OK(bed_apply(&b, &t));
        st = get_stat(&b, "sparse");
        ASSERT_EQ(st.st_size, INT64_C(8) << 30);
        ASSERT_TRUE(st.st_blocks < 1024);
        ASSERT_TRUE(t.data.size < 1 << 20);
}

TEST(sparse_beyond_the_file_system_is_an_error) {
        _cleanup_(bed_done) Bed b;
        _cleanup_buffer_ Buffer raw = {};
        static const char body[] = "1\n0\n512\n";
        char block[512] = {};

        bed_init(&b);
        /* GNU.sparse 1.0: real size of 4 EiB, one block of data. */
        {
                char pax[512] = {};
                size_t n = 0;

                n += snprintf(pax + n, sizeof(pax) - n, "22 GNU.sparse.major=1\n");
                n += snprintf(pax + n, sizeof(pax) - n, "22 GNU.sparse.minor=0\n");
                n += snprintf(pax + n, sizeof(pax) - n, "25 GNU.sparse.name=giant\n");
                n += snprintf(pax + n, sizeof(pax) - n, "43 GNU.sparse.realsize=4611686018427387904\n");
                snprintf(block, sizeof(block), "%011zo", n);
                test_archive_add_raw_header(&raw, "PaxHeader", 'x', block, NULL);
                ASSERT_OK(buffer_append(&raw, pax, sizeof(pax)));
        }
        test_archive_add_raw_header(&raw, "giant", '0', "00000002000", NULL);
        memset(block, 0, sizeof(block));
        memcpy(block, body, strlen(body));
        ASSERT_OK(buffer_append(&raw, block, sizeof(block)));
        memset(block, 'x', sizeof(block));
        ASSERT_OK(buffer_append(&raw, block, sizeof(block)));
        memset(block, 0, sizeof(block));
        ASSERT_OK(buffer_append(&raw, block, sizeof(block)));
        ASSERT_OK(buffer_append(&raw, block, sizeof(block)));
        ASSERT_FAIL(bed_apply_bytes(&b, raw.data, raw.size));
}

TEST(trailing_padding_is_bounded) {
        {
                BED(b, t);
                test_archive_add(&t, "file", S_IFREG | 0644, "x");
                test_archive_end(&t);
                ASSERT_OK(buffer_append(&t.data, (char[1024]) {}, 1024));
                ASSERT_OK(bed_apply_bytes(&b, t.data.data, t.data.size));
                ASSERT_EQ(b.result.stream.output_size, t.data.size);
        }
        /* tar -b with a big number, or a padded device: more zeros than one would think. */
        {
                BED(b, t);
                test_archive_add(&t, "file", S_IFREG | 0644, "x");
                test_archive_end(&t);
                for (unsigned i = 0; i < 65; i++) {
                        static const char padding[1 << 20];

                        ASSERT_OK(buffer_append(&t.data, padding, sizeof(padding)));
                }
                ASSERT_OK(bed_apply_bytes(&b, t.data.data, t.data.size));
        }
        {
                BED(b, t);
                b.limits.trailing_max = 1 << 20;
                test_archive_add(&t, "file", S_IFREG | 0644, "x");
                test_archive_end(&t);
                for (unsigned i = 0; i < 4096; i++)
                        ASSERT_OK(buffer_append(&t.data, (char[1024]) {}, 1024));
                ASSERT_FAIL(bed_apply_bytes(&b, t.data.data, t.data.size));
                ASSERT_TRUE(strstr(error_message(&b.error), "after its end"));
        }
}

TEST(compression_bomb_is_bounded) {
        _cleanup_(bed_done) Bed b;
        _cleanup_test_archive_ TestArchive t;
        struct archive_entry *e = archive_entry_new();
        static char zeros[1 << 20];

        bed_init(&b);
        b.limits.output_max = 8 << 20;
        test_archive_begin(&t, ARCHIVE_FILTER_ZSTD);
        archive_entry_set_pathname(e, "bomb");
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_size(e, 64 << 20);
        ASSERT_EQ(archive_write_header(t.archive, e), ARCHIVE_OK);
        for (unsigned i = 0; i < 64; i++)
                ASSERT_EQ(archive_write_data(t.archive, zeros, sizeof(zeros)), sizeof(zeros));
        archive_entry_free(e);
        ASSERT_FAIL(bed_apply(&b, &t));
        ASSERT_TRUE(t.data.size < 64 * 1024);
        ASSERT_EQ(b.error.kind, ERROR_TOO_LARGE);
        ASSERT_TRUE(get_stat(&b, "bomb").st_size <= 8 << 20);
}

TEST(entry_limit) {
        BED(b, t);

        b.limits.entries_max = 2;
        test_archive_add(&t, "a", S_IFREG | 0644, "x");
        test_archive_add(&t, "b", S_IFREG | 0644, "x");
        test_archive_add(&t, "c", S_IFREG | 0644, "x");
        ASSERT_FAIL(bed_apply(&b, &t));
        ASSERT_EQ(b.error.kind, ERROR_TOO_LARGE);
}

TEST(truncated_and_garbage) {
        for (size_t cut = 1; cut < 3000; cut += 211) {
                BED(b, t);
                test_archive_add(&t, "file", S_IFREG | 0644, "some content of a file");
                test_archive_end(&t);
                (void) bed_apply_bytes(&b, t.data.data, min_size(cut, t.data.size));
        }
        {
                BED(b, t);
                ASSERT_FAIL(bed_apply_bytes(&b, "this is no archive at all, is it?", 33));
                ASSERT_EQ(b.error.kind, ERROR_INVALID);
        }
        {
                BED(b, t);
                test_archive_add(&t, "file", S_IFREG | 0644, "some content of a file");
                test_archive_end(&t);
                ASSERT_FAIL(bed_apply_bytes(&b, t.data.data, 520));
        }
}

/* A header, 22 bytes, nothing more: as umoci ends a layer. One byte less is cut off. */
TEST(missing_padding_at_the_end) {
        static const char content[] = "some content of a file";

        for (size_t missing = 0; missing <= 1; missing++) {
                _cleanup_buffer_ Buffer raw = {};
                _cleanup_(bed_done) Bed b;

                bed_init(&b);
                test_archive_add_raw_header(&raw, "file", '0', "00000000026", NULL);
                ASSERT_OK(buffer_append(&raw, content, strlen(content) - missing));
                if (missing == 0)
                        ASSERT_OK(bed_apply_bytes(&b, raw.data, raw.size));
                else
                        ASSERT_FAIL(bed_apply_bytes(&b, raw.data, raw.size));
        }
}

TEST(out_of_range_owner_is_refused) {
        _cleanup_(bed_done) Bed b;
        _cleanup_buffer_ Buffer raw = {};
        char pax[512] = {}, size[16];
        int n;

        bed_init(&b);
        n = snprintf(pax, sizeof(pax), "18 uid=4294967295\n");
        snprintf(size, sizeof(size), "%011o", n);
        test_archive_add_raw_header(&raw, "PaxHeader", 'x', size, NULL);
        ASSERT_OK(buffer_append(&raw, pax, sizeof(pax)));
        test_archive_add_raw_header(&raw, "file", '0', "00000000000", NULL);
        ASSERT_OK(buffer_append(&raw, (char[1024]) {}, 1024));
        ASSERT_FAIL(bed_apply_bytes(&b, raw.data, raw.size));
        ASSERT_TRUE(strstr(error_message(&b.error), "out of range"));
}

TEST(umask_does_not_matter) {
        mode_t old = umask(0077);
        BED(b, t);

        test_archive_add(&t, "implied/file", S_IFREG | 0666, "x");
        test_archive_add(&t, "fifo", S_IFIFO | 0666, NULL);
        ASSERT_OK(bed_apply(&b, &t));
        umask(old);
        ASSERT_EQ(get_stat(&b, "implied").st_mode & 07777, 0755);
        ASSERT_EQ(get_stat(&b, "implied/file").st_mode & 07777, 0666);
        ASSERT_EQ(get_stat(&b, "fifo").st_mode & 07777, 0666);
}

int main(int argc, char *argv[]) {
        if (geteuid() != 0) {
                fprintf(stderr, "needs root: owners, device nodes and trusted attributes\n");
                return TEST_SKIP;
        }
        setlocale(LC_CTYPE, "C.UTF-8");
        return test_run_all(argc, argv);
}
