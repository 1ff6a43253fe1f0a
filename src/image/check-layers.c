/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of layers, what describes them, their short names; what interrupted work has left. */
#include <sys/stat.h>

#include "basic/fd-util.h"
#include "basic/fileio.h"
#include "basic/id.h"
#include "basic/path-util.h"
#include "image/layer-store.h"
#include "image/store-check-internal.h"

/* What is young is of work that may go on, or the next start takes it away. */
static bool is_stale(int dir_fd, const char *name) {
        struct stat st;

        return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && !stat_is_younger(&st, GARBAGE_GRACE);
}

/* --- directories --- */

static void check_description(StoreCheck *c, const ImageLayer *layer) {
        _cleanup_(ImageLayer_donep) ImageLayer described = {};
        _cleanup_free_ char *directory = path_join(c->paths.layers_dir, layer->chain);
        const char *done = NULL;

        if (layer_read_description(&c->paths, layer->chain, &described) >= 0 &&
            streq(described.chain, layer->chain))
                return;
        if (c->params->repair && directory && layer_describe(directory, layer, NULL) >= 0)
                done = "written again";
        check_found(c, done, "layer %s: what describes it cannot be read", layer->chain);
}

static void check_directory(StoreCheck *c, int dir_fd, const char *name) {
        const ImageLayer *used = hashmap_get(c->layers, name);

        if (streq(name, LAYER_OF_NO_LAYERS))
                return;
        if (!id_is_valid(name)) {
                const char *done = check_take_away(c, c->paths.layers_dir, name);

                check_found(c, done, "layers/%s: it is no layer", name);
                return;
        }
        c->result->n_layers++;
        if (used && layer_exists(&c->paths, name))
                check_description(c, used);
        else if (!used && (!layer_exists(&c->paths, name) || is_stale(dir_fd, name)))
                check_unused(c, c->paths.layers_dir, name);
}

/* --- short names --- */

/* The layer that the link stands for, if it is one of ours. */
static int parse_link(int dir_fd, const char *name, char **ret_chain) {
        char target[sizeof("../layers//init/diff") + ID_LENGTH];
        ssize_t n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
        _cleanup_free_ char *chain = NULL;
        bool init = strlen(name) == LAYER_LINK_LENGTH + strlen(LAYER_LINK_INIT) &&
                    endswith(name, LAYER_LINK_INIT);
        const char *rest;

        if (n < 0)
                return -errno;
        target[n] = 0;
        rest = startswith(target, "../layers/");
        if (!rest || strcspn(rest, "/") == 0 || (!init && strlen(name) != LAYER_LINK_LENGTH))
                return -EINVAL;
        chain = memdup_suffix0(rest, strcspn(rest, "/"));
        if (!chain)
                return -ENOMEM;
        if (!streq(rest + strlen(chain), init ? "/init/diff" : "/diff") ||
            strncmp(chain, name, min_size(strlen(chain), LAYER_LINK_LENGTH)) != 0)
                return -EINVAL;
        *ret_chain = TAKE_PTR(chain);
        return 0;
}

static void check_link(StoreCheck *c, int dir_fd, const char *name) {
        _cleanup_free_ char *chain = NULL, *layer = NULL;

        if (parse_link(dir_fd, name, &chain) < 0) {
                const char *done = check_take_away(c, c->paths.links_dir, name);

                check_found(c, done, "l/%s: it is no short name of a layer", name);
                return;
        }
        layer = path_join(c->paths.layers_dir, chain);
        if (layer && access(layer, F_OK) < 0 && !hashmap_get(c->layers, chain))
                check_unused(c, c->paths.links_dir, name);
}

static void check_has_link(StoreCheck *c, const char *chain) {
        const char *done = NULL;

        if (!layer_exists(&c->paths, chain) || layer_is_linked(&c->paths, chain))
                return;
        if (c->params->repair && layer_link(&c->paths, chain) >= 0)
                done = "made again";
        check_found(c, done, "layer %s: its short name is missing", chain);
}

/* --- leftovers --- */

static void check_temporary(StoreCheck *c, int dir_fd, const char *name) {
        if (startswith(name, "layer-") && is_stale(dir_fd, name))
                check_unused(c, c->paths.tmp_dir, name);
}

static void check_trash(StoreCheck *c, int dir_fd, const char *name) {
        if (is_stale(dir_fd, name))
                check_unused(c, c->paths.trash_dir, name);
}

void check_layers(StoreCheck *c) {
        const ImageLayer *l;

        check_each(c, c->paths.layers_dir, check_directory);
        check_each(c, c->paths.links_dir, check_link);
        HASHMAP_FOREACH(l, c->layers)
                check_has_link(c, l->chain);
        check_each(c, c->paths.tmp_dir, check_temporary);
        check_each(c, c->paths.trash_dir, check_trash);
}
