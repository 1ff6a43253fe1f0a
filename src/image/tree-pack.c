/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tree-pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/container.h"
#include "basic/fd-util.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "image/layer-format.h"
#include "image/tree-archive.h"
#include "image/tree-diff.h"

/* --- the trees --- */

static int add_layers(ViewDirectory *d, int layers_fd, char *const *layers, Error *reterr) {
        int r = 0;

        for (size_t i = strv_length(layers); i > 0 && r >= 0; i--) {
                _cleanup_free_ char *path = path_join(layers[i - 1], "diff");

                r = path ? view_add_layer(d, layers_fd, path, reterr) : error_fill(reterr, -ENOMEM);
        }
        return r;
}

static int open_trees(TreeDiff *d, int layers_fd, int own_fd, const TreeParams *p, Error *reterr) {
        int r = 0;

        d->touched_since = p->touched_since;
        if (own_fd >= 0)
                r = view_add_layer(&d->now, own_fd, ".", reterr);
        if (r >= 0 && !p->own_is_whole)
                r = add_layers(&d->now, layers_fd, p->layers, reterr);
        if (r >= 0 && p->difference)
                r = add_layers(&d->before, layers_fd, p->layers, reterr);
        return r;
}

/* --- archive --- */

typedef struct Pack {
        TreeArchive archive;
        bool difference;
} Pack;

static void pack_done(Pack *p) {
        tree_archive_done(&p->archive);
}
DEFINE_CLEANUP_DONE(Pack, pack_done);

static int pack_present(Pack *p, const TreeChange *c) {
        return tree_archive_add(&p->archive,
                                &(const TreeMember) { c->path, c->parent_fd, c->name, c->fd, c->st });
}

/* OCI image-spec, layer.md, "Whiteouts"; always one for each name. */
static int pack_deleted(Pack *p, const TreeChange *c) {
        const char *name = path_basename(c->path);
        _cleanup_free_ char *path = NULL;

        if (asprintf_safe(&path, "%.*s" WHITEOUT_PREFIX "%s", (int) (name - c->path), c->path, name) < 0)
                return -ENOMEM;
        if (strlen(name) + strlen(WHITEOUT_PREFIX) > NAME_MAX || strlen(path) >= TAR_PATH_MAX)
                return tree_archive_leave_out(&p->archive, c->path);
        return tree_archive_write(&p->archive, &(TarEntry) { .path = path, .type = S_IFREG, .mode = 0600 });
}

static int pack_change(const TreeChange *c, void *userdata) {
        Pack *p = userdata;
        int r;

        if (c->kind == TREE_DELETED)
                r = pack_deleted(p, c);
        /* In a layer such a name says that something else is deleted. */
        else if (p->difference && startswith(path_basename(c->path), WHITEOUT_PREFIX))
                r = tree_archive_leave_out(&p->archive, c->path);
        else
                r = pack_present(p, c);
        return r < 0 ? error_fill(p->archive.reterr, r) : 0;
}

int tree_pack(int output_fd, int layers_fd, int own_fd, const TreeParams *params, TreePackReply *ret,
              Error *reterr) {
        _cleanup_(pack_donep) Pack p = { .difference = params->difference };
        _cleanup_(tree_diff_donep)
                        TreeDiff d = { .want_touched = true, .report = pack_change, .userdata = &p };
        int r;

        r = open_trees(&d, layers_fd, own_fd, params, reterr);
        if (r >= 0)
                r = tree_archive_new(&p.archive, output_fd, params->zstd ? TAR_ZSTD : TAR_PLAIN, reterr);
        if (r >= 0)
                r = tree_diff(&d, reterr);
        if (r >= 0)
                r = tar_writer_finish(p.archive.writer, reterr);
        if (r < 0)
                return r;
        p.archive.reply.n_left_out += d.n_too_deep;
        *ret = TAKE_STRUCT(p.archive.reply);
        return 0;
}

/* --- list --- */

static const int docker_kinds[] = {
        [TREE_PARENT] = 0, [TREE_ADDED] = 1, [TREE_MODIFIED] = 0, [TREE_DELETED] = 2,
};

static int list_change(const TreeChange *c, void *userdata) {
        _cleanup_free_ char *path = strjoin("/", c->path), *text = NULL;
        Buffer *b = userdata;

        if (!path)
                return -ENOMEM;
        text = json_encode_text(&FilesystemChange_json,
                                &(const FilesystemChange){ path, docker_kinds[c->kind] }, 0);
        return text ? buffer_appendf(b, "%s%s", b->size > 0 ? "," : "[", text) : -ENOMEM;
}

int tree_changes(int output_fd, int layers_fd, int own_fd, const TreeParams *params, Error *reterr) {
        _cleanup_buffer_ Buffer b = {};
        _cleanup_(tree_diff_donep) TreeDiff d = { .report = list_change, .userdata = &b };
        const char *end;
        int r;

        r = open_trees(&d, layers_fd, own_fd, params, reterr);
        if (r >= 0)
                r = tree_diff(&d, reterr);
        if (r < 0)
                return r;
        end = b.size > 0 ? "]\n" : "null\n";
        r = write_full(output_fd, strempty(b.data), b.size);
        if (r >= 0)
                r = write_full(output_fd, end, strlen(end));
        return r < 0 ? error_set_errnof(reterr, ERROR_INTERNAL, r, "Failed to write the list") : 0;
}
