/* SPDX-License-Identifier: Apache-2.0 */
#include "image/test-archive.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "basic/fd-util.h"
#include "basic/path-util.h"

static la_ssize_t write_callback(struct archive *a, void *userdata, const void *data, size_t size) {
        TestArchive *t = ASSERT_PTR(userdata);

        ASSERT_OK(buffer_append(&t->data, data, size));
        return size;
}

void test_archive_begin(TestArchive *t, int filter) {
        *t = (TestArchive) { .archive = archive_write_new() };
        ASSERT_NOT_NULL(t->archive);
        ASSERT_EQ(archive_write_add_filter(t->archive, filter), ARCHIVE_OK);
        ASSERT_EQ(archive_write_set_format_pax(t->archive), ARCHIVE_OK);
        ASSERT_EQ(archive_write_set_bytes_in_last_block(t->archive, 1), ARCHIVE_OK);
        ASSERT_EQ(archive_write_open(t->archive, t, NULL, write_callback, NULL), ARCHIVE_OK);
}

void test_archive_end(TestArchive *t) {
        ASSERT_EQ(archive_write_free(t->archive), ARCHIVE_OK);
        t->archive = NULL;
}

void test_archive_done(TestArchive *t) {
        if (t->archive)
                archive_write_free(t->archive);
        buffer_done(&t->data);
}

void test_archive_add_with(TestArchive *t, const char *path, mode_t type_and_mode, const char *content,
                           void (*func)(struct archive_entry *e)) {
        struct archive_entry *e = ASSERT_NOT_NULL(archive_entry_new());
        size_t size = S_ISREG(type_and_mode) && content ? strlen(content) : 0;

        archive_entry_set_pathname(e, path);
        archive_entry_set_filetype(e, type_and_mode & S_IFMT);
        archive_entry_set_perm(e, type_and_mode & 07777);
        archive_entry_set_size(e, size);
        archive_entry_set_mtime(e, 1000000000, 5);
        if (S_ISLNK(type_and_mode))
                archive_entry_set_symlink(e, content);
        if (func)
                func(e);
        ASSERT_EQ(archive_write_header(t->archive, e), ARCHIVE_OK);
        if (size > 0)
                ASSERT_EQ(archive_write_data(t->archive, content, size), size);
        archive_entry_free(e);
}

void test_archive_add(TestArchive *t, const char *path, mode_t type_and_mode, const char *content) {
        test_archive_add_with(t, path, type_and_mode, content, NULL);
}

void test_archive_add_hard_link(TestArchive *t, const char *path, const char *target) {
        struct archive_entry *e = ASSERT_NOT_NULL(archive_entry_new());

        archive_entry_set_pathname(e, path);
        archive_entry_set_filetype(e, S_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_hardlink(e, target);
        ASSERT_EQ(archive_write_header(t->archive, e), ARCHIVE_OK);
        archive_entry_free(e);
}

void test_archive_add_raw_header(Buffer *b, const char *name, char type, const char *size_field,
                                 const char *link) {
        char block[512] = {};
        unsigned sum = 0;

        memcpy(block, name, min_size(strlen(name), 100));
        memcpy(block + 100, "0000644", 7);
        memcpy(block + 108, "0000000", 7);
        memcpy(block + 116, "0000000", 7);
        memcpy(block + 124, size_field, min_size(strlen(size_field), 12));
        memcpy(block + 136, "07346545000", 11);
        memset(block + 148, ' ', 8);
        block[156] = type;
        if (link)
                memcpy(block + 157, link, min_size(strlen(link), 100));
        memcpy(block + 257, "ustar\00000", 8);
        for (size_t i = 0; i < sizeof(block); i++)
                sum += (unsigned char) block[i];
        snprintf(block + 148, 8, "%06o", sum);
        block[155] = ' ';
        ASSERT_OK(buffer_append(b, block, sizeof(block)));
}

int test_file_with(const void *data, size_t size) {
        int fd = memfd_create("test", MFD_CLOEXEC);

        ASSERT_OK(fd);
        ASSERT_OK(write_full(fd, data, size));
        ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
        return fd;
}

char *test_directory_new(void) {
        char *path = path_join(getenv("TMPDIR") ?: "/tmp", "dockerd-test-XXXXXX");

        ASSERT_NOT_NULL(path);
        ASSERT_NOT_NULL(mkdtemp(path));
        return path;
}

void test_directory_done(char **path) {
        if (!*path)
                return;
        ASSERT_OK(rm_rf_at(AT_FDCWD, *path));
        *path = mfree(*path);
}
