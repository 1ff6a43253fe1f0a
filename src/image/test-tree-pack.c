/* SPDX-License-Identifier: Apache-2.0 */
/* What is other in a tree of layers, as a list and as a layer, which put on the same layers gives the same
 * tree. */

#include "image/tree-pack.h"

#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/path-util.h"
#include "image/layer-apply.h"
#include "image/test-archive.h"

typedef struct Bed {
        char *dir;
        int dir_fd;             /* layers: "low", "high"; the container's: "own" */
} Bed;

static void bed_init(Bed *b) {
        static const char *const names[] = { "low", "low/diff", "high", "high/diff", "own" };

        *b = (Bed) { .dir = test_directory_new() };
        b->dir_fd = ASSERT_OK(open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        FOREACH_ELEMENT(n, names)
                ASSERT_OK(mkdirat(b->dir_fd, *n, 0755));
}

static void bed_done(Bed *b) {
        safe_close(b->dir_fd);
        test_directory_done(&b->dir);
}

static void put(Bed *b, const char *path, const char *text) {
        _cleanup_free_ char *parent = NULL;
        const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

        ASSERT_OK(path_parent(path, &parent));
        ASSERT_OK(mkdir_p_at(b->dir_fd, parent, 0755));
        ASSERT_OK(write_file_atomic_at(b->dir_fd, path, text, strlen(text), 0644, 0));
        ASSERT_OK(utimensat(b->dir_fd, path, times, 0));
}

static void mark_deleted(Bed *b, const char *path) {
        ASSERT_OK(mknodat(b->dir_fd, path, S_IFCHR, makedev(0, 0)));
}

static void mark_opaque(Bed *b, const char *path) {
        _cleanup_close_ int fd = ASSERT_OK(openat(b->dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

        ASSERT_OK(fsetxattr(fd, OVERLAY_OPAQUE_XATTR, "y", 1, 0));
}

static char *list(Bed *b) {
        char *const layers[] = { (char *) "low", (char *) "high", NULL };
        _cleanup_close_ int own = ASSERT_OK(openat(b->dir_fd, "own", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        _cleanup_close_ int out = test_file_with("", 0);
        _cleanup_error_ Error e = ERROR_NULL;
        char *text;

        ASSERT_OK(tree_changes(out, b->dir_fd, own,
                               &(const TreeParams) { .layers = (char **) layers, .difference = true }, &e));
        ASSERT_OK(lseek(out, 0, SEEK_SET));
        ASSERT_OK(read_to_end(out, 1 << 20, &text, NULL));
        return text;
}

static void check_list(Bed *b, const char *expected) {
        _cleanup_free_ char *text = list(b);

        ASSERT_STREQ(text, expected);
}

static void fill_layers(Bed *b) {
        put(b, "low/diff/etc/passwd", "root");
        put(b, "low/diff/etc/group", "wheel");
        put(b, "low/diff/home/user/x", "x");
        put(b, "high/diff/etc/group", "other");
        put(b, "high/diff/new", "new");
}

TEST(nothing) {
        _cleanup_(bed_done) Bed b;

        bed_init(&b);
        fill_layers(&b);
        check_list(&b, "null\n");
}

TEST(added_and_modified) {
        _cleanup_(bed_done) Bed b;

        bed_init(&b);
        fill_layers(&b);
        put(&b, "own/etc/passwd", "root");              /* copied up, the same */
        check_list(&b, "null\n");
        put(&b, "own/etc/group", "longer than it was");
        put(&b, "own/etc/deep/er", "x");
        check_list(&b, "[{\"Path\":\"/etc\",\"Kind\":0},{\"Path\":\"/etc/deep\",\"Kind\":1},"
                       "{\"Path\":\"/etc/deep/er\",\"Kind\":1},{\"Path\":\"/etc/group\",\"Kind\":0}]\n");
}

TEST(deleted_and_opaque) {
        _cleanup_(bed_done) Bed b;

        bed_init(&b);
        fill_layers(&b);
        ASSERT_OK(mkdirat(b.dir_fd, "own/home", 0755));
        mark_opaque(&b, "own/home");
        mark_deleted(&b, "own/new");
        mark_deleted(&b, "own/never-there");
        check_list(&b, "[{\"Path\":\"/home\",\"Kind\":0},{\"Path\":\"/home/user\",\"Kind\":2},"
                       "{\"Path\":\"/new\",\"Kind\":2}]\n");
}

/* A mark in a layer hides what is in those below, also from the view of what was there before. */
TEST(marks_between_layers) {
        _cleanup_(bed_done) Bed b;

        bed_init(&b);
        fill_layers(&b);
        mark_deleted(&b, "high/diff/home");
        put(&b, "own/home/again", "x");
        check_list(&b, "[{\"Path\":\"/home\",\"Kind\":1},{\"Path\":\"/home/again\",\"Kind\":1}]\n");
}

static void apply(int archive_fd, int root_fd) {
        _cleanup_error_ Error e = ERROR_NULL;
        LayerApplyResult result;

        ASSERT_OK(lseek(archive_fd, 0, SEEK_SET));
        ASSERT_OK(layer_apply(&(const LayerApplyOptions) {
                .input_fd = archive_fd, .tee_fd = -EBADF, .root_fd = root_fd, .limits = LAYER_LIMITS_DEFAULT,
        }, &result, &e));
        ASSERT_OK(chdir("/"));
}

/* The layer in the place of what it was made of: the same list. */
TEST(round_trip) {
        char *const layers[] = { (char *) "low", (char *) "high", NULL };
        _cleanup_close_ int own = -EBADF, again = -EBADF, out = test_file_with("", 0);
        _cleanup_(TreePackReply_donep) TreePackReply reply = {};
        _cleanup_free_ char *before = NULL;
        _cleanup_(bed_done) Bed b;
        struct stat st, link;

        bed_init(&b);
        fill_layers(&b);
        put(&b, "own/etc/group", "longer than it was");
        put(&b, "own/etc/.wh.odd", "cannot be in a layer");
        ASSERT_OK(linkat(b.dir_fd, "own/etc/group", b.dir_fd, "own/link", 0));
        ASSERT_OK(mkdirat(b.dir_fd, "own/home", 0711));
        mark_opaque(&b, "own/home");
        mark_deleted(&b, "own/new");
        own = ASSERT_OK(openat(b.dir_fd, "own", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_OK(tree_pack(
                        out, b.dir_fd, own,
                        &(const TreeParams){ .layers = (char **) layers, .difference = true, .zstd = true },
                        &reply, NULL));
        ASSERT_EQ(reply.n_left_out, 1);
        ASSERT_STREQ(reply.left_out[0], "etc/.wh.odd");

        ASSERT_OK(unlinkat(b.dir_fd, "own/etc/.wh.odd", 0));
        before = list(&b);
        ASSERT_OK(renameat(b.dir_fd, "own", b.dir_fd, "was"));
        ASSERT_OK(mkdirat(b.dir_fd, "own", 0755));
        again = ASSERT_OK(openat(b.dir_fd, "own", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        apply(out, again);
        check_list(&b, before);
        ASSERT_OK(fstatat(again, "etc/group", &st, 0));
        ASSERT_OK(fstatat(again, "link", &link, 0));
        ASSERT_EQ(st.st_ino, link.st_ino);
}

/* The digest of it is known to everybody: such a layer is left out of an image. */
TEST(empty_archive) {
        static const char zeros[1024];
        _cleanup_close_ int out = test_file_with("", 0);
        _cleanup_(TreePackReply_donep) TreePackReply reply = {};
        _cleanup_free_ char *data = NULL;
        _cleanup_(bed_done) Bed b;
        size_t size;

        bed_init(&b);
        ASSERT_OK(tree_pack(out, b.dir_fd, -EBADF, &(const TreeParams) {}, &reply, NULL));
        ASSERT_OK(lseek(out, 0, SEEK_SET));
        ASSERT_OK(read_to_end(out, 1 << 20, &data, &size));
        ASSERT_TRUE(size == sizeof(zeros) && memcmp(data, zeros, size) == 0);
}

int main(int argc, char *argv[]) {
        if (geteuid() != 0) {
                fprintf(stderr, "needs root: device nodes and trusted attributes\n");
                return TEST_SKIP;
        }
        setlocale(LC_CTYPE, "C.UTF-8");
        return test_run_all(argc, argv);
}
