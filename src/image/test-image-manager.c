/* SPDX-License-Identifier: Apache-2.0 */
/* The manager with a real store and real workers: import, load, names, listing, removal, mounts, a
 * new start. */

#include "image/image-manager.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/digest.h"
#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/path-util.h"
#include "image/rootfs.h"
#include "image/test-archive.h"

typedef struct Bed {
        char *dir;
        const char *driver;             /* NULL = the manager chooses */
        sd_event *event;
        Store *store;
        WorkerPool *workers;
        ImageManager *m;
        bool done;
        int result;
        char *message;
        Buffer progress;
} Bed;

static void bed_open(Bed *b) {
        bool damaged;

        ASSERT_OK(store_open(b->dir, &b->store, &damaged, NULL));
        ASSERT_OK(worker_pool_new(b->event, getenv("DOCKERD_WORKER"), &b->workers));
        const ImageManagerConfig config = {
                .data_root = b->dir,
                .storage_driver = b->driver,
                .store = b->store,
                .event = b->event,
                .workers = b->workers,
        };
        ASSERT_OK(image_manager_new(&config, &b->m, NULL));
}

static void bed_close(Bed *b) {
        b->m = image_manager_free(b->m);
        b->workers = worker_pool_free(b->workers);
        b->store = store_close(b->store);
}

static void bed_init(Bed *b) {
        *b = (Bed) { .dir = test_directory_new() };
        ASSERT_OK(sd_event_new(&b->event));
        bed_open(b);
}

static void bed_done(Bed *b) {
        bed_close(b);
        sd_event_unref(b->event);
        free(b->message);
        buffer_done(&b->progress);
        test_directory_done(&b->dir);
}

static void on_progress(ImageJob *job, const char *json, void *userdata) {
        Bed *b = ASSERT_PTR(userdata);

        ASSERT_OK(buffer_appendf(&b->progress, "%s\n", json));
}

static void on_done(ImageJob *job, int r, const Error *error, void *userdata) {
        Bed *b = ASSERT_PTR(userdata);

        b->done = true;
        b->result = r;
        free(b->message);
        b->message = r < 0 ? strdup(error_message(error)) : NULL;
        if (r < 0)
                fprintf(stderr, "  (%s)\n", b->message);
}

static const ImageJobHandlers *handlers(Bed *b) {
        static ImageJobHandlers h;

        h = (ImageJobHandlers) { on_progress, on_done, b };
        b->done = false;
        buffer_done(&b->progress);
        return &h;
}

static int wait_done(Bed *b) {
        while (!b->done)
                ASSERT_OK(sd_event_run(b->event, 30 * 1000 * 1000));
        return b->result;
}

static int import_layer(Bed *b, const TestArchive *t, const char *repo, const char *tag, char **changes) {
        const ImageCreateParams p = {
                .from_src = (char *) "-", .repo = (char *) repo, .tag = (char *) tag, .changes = changes,
        };
        _cleanup_close_ int fd = test_file_with(t->data.data, t->data.size);
        ImageJob *job;

        ASSERT_OK(image_import_start(b->m, &p, fd, handlers(b), &job, NULL));
        return wait_done(b);
}

static int load_bytes(Bed *b, const Buffer *data) {
        _cleanup_close_ int fd = test_file_with(data->data, data->size);
        ImageJob *job;

        ASSERT_OK(image_load_start(b->m, &(ImageLoadParams) {}, fd, handlers(b), &job, NULL));
        return wait_done(b);
}

/* A layer that holds one file. */
static void make_layer(TestArchive *t, const char *path, const char *content) {
        test_archive_begin(t, ARCHIVE_FILTER_NONE);
        test_archive_add(t, path, S_IFREG | 0644, content);
        test_archive_end(t);
}

static void add_bytes(TestArchive *t, const char *path, const char *data, size_t size) {
        struct archive_entry *e = ASSERT_NOT_NULL(archive_entry_new());

        archive_entry_set_pathname(e, path);
        archive_entry_set_filetype(e, S_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, size);
        ASSERT_EQ(archive_write_header(t->archive, e), ARCHIVE_OK);
        ASSERT_EQ(archive_write_data(t->archive, data, size), size);
        archive_entry_free(e);
}

static void make_docker_archive(TestArchive *t, const TestArchive *layer, const char *claimed_diff_id,
                                const char *name) {
        _cleanup_free_ char *config = NULL, *manifest = NULL;
        char digest[DIGEST_TEXT_MAX];
        Digest d;

        digest_of(layer->data.data, layer->data.size, &d);
        ASSERT_OK(asprintf_safe(&config,
                                "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"sh\"]},"
                                "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
                                claimed_diff_id ?: digest_format(digest, &d)));
        ASSERT_OK(asprintf_safe(
                        &manifest,
                        "[{\"Config\":\"c.json\",\"RepoTags\":[\"%s\"],\"Layers\":[\"l/layer.tar\"]}]",
                        name));
        test_archive_begin(t, ARCHIVE_FILTER_GZIP);
        add_bytes(t, "l/layer.tar", layer->data.data, layer->data.size);
        test_archive_add(t, "c.json", S_IFREG | 0644, config);
        test_archive_add(t, "manifest.json", S_IFREG | 0644, manifest);
        test_archive_end(t);
}

TEST(import_name_list_remove) {
        _cleanup_(bed_done) Bed b;
        _cleanup_test_archive_ TestArchive t;
        _cleanup_strv_free_ char **changes = NULL;
        _cleanup_free_ char *id = NULL;
        ImageSummaryList list = {};
        ImageDeleteList gone = {};
        Error error = ERROR_NULL;
        Image *image;

        bed_init(&b);
        make_layer(&t, "etc/motd", "hello");
        ASSERT_OK(strv_extend(&changes, "CMD [\"cat\",\"/etc/motd\"]"));
        ASSERT_OK(strv_extend(&changes, "ENV A=b"));
        ASSERT_OK(import_layer(&b, &t, "motd", "v1", changes));
        ASSERT_OK(image_manager_find(b.m, "motd:v1", &image, NULL));
        id = strdup(image_id(image));
        ASSERT_TRUE(strstr(b.progress.data, id));
        ASSERT_STREQ(image_config(image)->cmd[0], "cat");
        ASSERT_STREQ(image_config(image)->env[0], "A=b");
        ASSERT_EQ(image_size(image), 5);

        ASSERT_OK(image_manager_tag(b.m, &(ImageTagParams) { .name = id, .repo = (char *) "user/other" },
                                    NULL));
        ASSERT_OK(image_manager_list(b.m, &(ImageListParams) { .version = 51 }, &list, NULL));
        ASSERT_EQ(list.n_items, 1);
        ASSERT_EQ(strv_length(list.items[0].repo_tags), 2);
        image_summary_list_done(&list);

        ASSERT_FAIL(image_manager_find(b.m, "nosuch", &image, &error));
        ASSERT_STREQ(error_message(&error), "No such image: nosuch:latest");
        error_done(&error);

        /* Names and images outlive the process. */
        bed_close(&b);
        bed_open(&b);
        ASSERT_OK(image_manager_find(b.m, "user/other", &image, NULL));
        ASSERT_STREQ(image_id(image), id);

        ASSERT_OK(image_manager_remove(b.m, &(ImageRemoveParams) { .name = (char *) "motd:v1" }, &gone,
                                       NULL));
        ASSERT_EQ(gone.n_items, 1);
        ASSERT_STREQ(gone.items[0].untagged, "motd:v1");
        image_delete_list_done(&gone);
        ASSERT_OK(image_manager_remove(b.m, &(ImageRemoveParams) { .name = (char *) "user/other" }, &gone,
                                       NULL));
        ASSERT_STREQ(gone.items[0].untagged, "user/other:latest");
        ASSERT_STREQ(gone.items[1].deleted, id);
        image_delete_list_done(&gone);
        ASSERT_EQ(image_manager_count(b.m), 0);
}

/* What a container sees and what it changes. */
static void load_and_mount(const char *driver) {
        _cleanup_(bed_done) Bed b;
        _cleanup_test_archive_ TestArchive layer, t;
        _cleanup_free_ char *rw = NULL, *content = NULL;
        _cleanup_close_ int mount_fd = -EBADF, fd = -EBADF;
        ImageJob *job = NULL;
        Image *image;
        int r;

        bed_init(&b);
        bed_close(&b);
        b.driver = driver;
        bed_open(&b);
        ASSERT_STREQ(image_manager_storage_driver(b.m), driver);
        make_layer(&layer, "file", "lower");
        make_docker_archive(&t, &layer, NULL, "docker.io/library/loaded:1");
        ASSERT_OK(load_bytes(&b, &t.data));
        ASSERT_TRUE(strstr(b.progress.data, "Loaded image: loaded:1\\n"));
        ASSERT_OK(image_manager_find(b.m, "loaded:1", &image, NULL));

        rw = path_join(b.dir, "rw");
        ASSERT_OK(rootfs_create(b.m, rw, NULL));
        r = ASSERT_OK(rootfs_prepare(b.m, image, rw, handlers(&b), &job, NULL));
        if (r > 0)
                ASSERT_OK(wait_done(&b));
        /* Once is enough. */
        ASSERT_EQ(rootfs_prepare(b.m, image, rw, handlers(&b), &job, NULL), 0);
        ASSERT_OK(rootfs_mount(b.m, image, rw, &mount_fd, NULL));
        fd = ASSERT_OK(openat(mount_fd, "file", O_RDWR | O_CLOEXEC));
        ASSERT_OK(read_to_end(fd, 100, &content, NULL));
        ASSERT_STREQ(content, "lower");
        ASSERT_EQ(pwrite(fd, "L", 1, 0), 1);
        fd = safe_close(fd);
        mount_fd = safe_close(mount_fd);
        ASSERT_OK(rootfs_mount(b.m, image, rw, &mount_fd, NULL));
        content = mfree(content);
        ASSERT_OK(read_file_at(mount_fd, "file", 100, &content, NULL));
        ASSERT_STREQ(content, "Lower");
        mount_fd = safe_close(mount_fd);
        ASSERT_OK(rootfs_remove(b.m, rw, NULL));
        ASSERT_TRUE(access(rw, F_OK) < 0);
}

static bool overlay_works(void) {
        _cleanup_(bed_done) Bed b;

        bed_init(&b);
        return streq(image_manager_storage_driver(b.m), "overlay2");
}

TEST(mount_overlay) {
        if (overlay_works())
                load_and_mount("overlay2");
        else
                fprintf(stderr, "  overlay cannot be mounted here\n");
}

TEST(mount_vfs) {
        load_and_mount("vfs");
}

TEST(wrong_diff_id_is_refused) {
        _cleanup_(bed_done) Bed b;
        _cleanup_test_archive_ TestArchive layer, t;

        bed_init(&b);
        make_layer(&layer, "file", "x");
        make_docker_archive(&t, &layer,
                            "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                            "bad:1");
        ASSERT_FAIL(load_bytes(&b, &t.data));
        ASSERT_EQ(image_manager_count(b.m), 0);
}

TEST(hostile_layer_is_refused_by_the_worker) {
        _cleanup_(bed_done) Bed b;
        _cleanup_test_archive_ TestArchive t;

        bed_init(&b);
        make_layer(&t, "../../escape", "x");
        ASSERT_FAIL(import_layer(&b, &t, "bad", NULL, NULL));
        ASSERT_TRUE(strstr(b.message, "outside of the layer"));
        ASSERT_EQ(image_manager_count(b.m), 0);
}

TEST(cancelled_import) {
        _cleanup_(bed_done) Bed b;
        _cleanup_close_pair_ int fds[2] = EBADF_PAIR;
        ImageJob *job;

        bed_init(&b);
        ASSERT_OK(pipe2(fds, O_CLOEXEC));
        ASSERT_OK(image_import_start(b.m, &(ImageCreateParams) { .from_src = (char *) "-" }, fds[0],
                                     handlers(&b), &job, NULL));
        image_job_cancel(job);
        for (unsigned i = 0; i < 20; i++)
                ASSERT_OK(sd_event_run(b.event, 20 * 1000));
        ASSERT_FALSE(b.done);
}

int main(int argc, char *argv[]) {
        if (geteuid() != 0 || !getenv("DOCKERD_WORKER")) {
                fprintf(stderr, "needs root and DOCKERD_WORKER=path of dockerd-worker\n");
                return TEST_SKIP;
        }
        return test_run_all(argc, argv);
}
