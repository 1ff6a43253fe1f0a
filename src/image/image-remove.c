/* SPDX-License-Identifier: Apache-2.0 */
/* Taking names and images away: `docker rmi`, `docker image prune`. */
#include <inttypes.h>
#include <stdio.h>

#include "basic/crash-point.h"
#include "basic/messages.h"
#include "image/image-internal.h"
#include "image/image-platform.h"
#include "image/layer-store.h"

static int add_item(ImageDeleteList *l, const char *deleted, const char *untagged) {
        ImageDeleteItem *items = reallocarray(l->items, l->n_items + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        l->items = items;
        items[l->n_items++] = (ImageDeleteItem) {
                .deleted = deleted ? strdup(deleted) : NULL,
                .untagged = untagged ? strdup(untagged) : NULL,
        };
        return 0;
}

static int untag(ImageManager *m, Image *i, const char *familiar, ImageDeleteList *ret, Error *reterr) {
        _cleanup_reference_ Reference ref = {};
        _cleanup_free_ char *name = NULL;
        ImageName *n;
        int r;

        r = reference_parse(familiar, &ref, reterr);
        if (r < 0)
                return r;
        if (reference_add_default_tag(&ref) < 0 || !(name = reference_to_string(&ref)))
                return error_fill(reterr, -ENOMEM);
        r = store_delete(m->config.store, STORE_REFERENCE, name, STORE_SYNC_FULL, reterr);
        crash_point("image-remove:untagged");
        if (r < 0)
                return r;
        n = hashmap_remove(m->names, name);
        if (n)
                image_name_unlink(m, n);
        image_event(m, "untag", MESSAGE_IMAGE_UNTAG_STR, i, familiar);
        return add_item(ret, NULL, familiar) < 0 ? error_fill(reterr, -ENOMEM) : 0;
}

static int delete_image(ImageManager *m, Image *i, ImageDeleteList *ret, Error *reterr) {
        int r;

        r = store_delete(m->config.store, STORE_IMAGE, i->record.id, STORE_SYNC_FULL, reterr);
        crash_point("image-remove:record");
        if (r < 0)
                return r;
        hashmap_remove(m->images, i->record.id);
        image_event(m, "delete", MESSAGE_IMAGE_DELETE_STR, i, i->record.id);
        r = add_item(ret, i->record.id, NULL);
        i->manager = NULL;
        layers_release(m, &i->record);
        image_unref(i);
        return r < 0 ? error_fill(reterr, r) : 0;
}

typedef struct UserFound {
        char id[13];
        bool running;
} UserFound;

static int note_user(const ImageUser *user, void *arg) {
        UserFound *f = arg;

        if (f->id[0] == 0 || user->running) {
                memcpy(f->id, user->container_id, 12);
                f->running = user->running;
        }
        return user->running;
}

static UserFound find_user(ImageManager *m, const Image *i) {
        UserFound f = {};

        if (m->config.ops && m->config.ops->foreach_user)
                (void) m->config.ops->foreach_user(m->config.userdata, i->record.id, note_user, &f);
        return f;
}

/* Without i, and without those that it was committed on as far as nothing else keeps them. */
static int delete_with_parents(ImageManager *m, Image *i, bool keep_parents, ImageDeleteList *ret,
                               Error *reterr) {
        int r = 0;

        while (r >= 0 && i) {
                Image *parent = keep_parents ? NULL : image_manager_get(m, image_parent_id(m, i));

                r = delete_image(m, i, ret, reterr);
                i = parent && !parent->names && !find_user(m, parent).id[0] &&
                    !image_has_children(m, parent) ? parent : NULL;
        }
        return r;
}

static int check_children(ImageManager *m, const Image *i, Error *reterr) {
        if (!image_has_children(m, i))
                return 0;
        return error_setf(reterr, ERROR_CONFLICT,
                          "conflict: unable to delete %.12s (cannot be forced) - image has dependent child "
                          "images", i->record.id + strlen("sha256:"));
}

static int check_users(const ImageRemoveParams *p, const Image *i, const UserFound *f, bool by_name,
                       Error *reterr) {
        char id[13] = "";

        memcpy(id, i->record.id + strlen("sha256:"), 12);
        if (f->id[0] == 0 || (p->force && (by_name || !f->running)))
                return 0;
        if (f->running && !by_name)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "conflict: unable to delete %s (cannot be forced) - image is being "
                                  "used by running container %s", id, f->id);
        if (by_name)
                return error_setf(reterr, ERROR_CONFLICT,
                                  "conflict: unable to remove repository reference \"%s\" (must force) "
                                  "- container %s is using its referenced image %s", p->name, f->id, id);
        return error_setf(reterr, ERROR_CONFLICT,
                          "conflict: unable to delete %s (must be forced) - image is being used by "
                          "stopped container %s", id, f->id);
}

static bool same_repository(const char *a, const char *b) {
        _cleanup_reference_ Reference x = {}, y = {};

        return reference_parse(a, &x, NULL) >= 0 && reference_parse(b, &y, NULL) >= 0 &&
               reference_same_repository(&x, &y);
}

static bool repository_in(const char *name, char *const *names) {
        STRV_FOREACH(n, names)
                if (same_repository(*n, name))
                        return true;
        return false;
}

/* At most one tag, and everything in one repository: removing that name is removing the image. */
static bool is_single_name(char *const *tags, char *const *digests) {
        const char *first = strv_isempty(tags) ? NULL : tags[0];

        STRV_FOREACH(d, digests) {
                if (!first)
                        first = *d;
                if (!same_repository(first, *d))
                        return false;
        }
        return strv_length(tags) <= 1;
}

static int untag_all(ImageManager *m, Image *i, char *const *names, ImageDeleteList *ret, Error *reterr) {
        int r = 0;

        STRV_FOREACH(n, names)
                if (r >= 0)
                        r = untag(m, i, *n, ret, reterr);
        return r;
}

/* The digests of a repository go with its last tag. */
static int untag_repository_digests(ImageManager *m, Image *i, const char *removed_tag, ImageDeleteList *ret,
                                    Error *reterr) {
        _cleanup_strv_free_ char **tags = NULL, **digests = NULL;
        int r;

        r = image_familiar_names(m, i, &tags, &digests);
        if (r < 0)
                return error_fill(reterr, r);
        if (repository_in(removed_tag, tags))
                return 0;
        STRV_FOREACH(d, digests)
                if (r >= 0 && same_repository(*d, removed_tag))
                        r = untag(m, i, *d, ret, reterr);
        return r;
}

static int remove_name(ImageManager *m, Image *i, const ImageRemoveParams *p, const char *familiar,
                       bool single, ImageDeleteList *ret, Error *reterr) {
        UserFound user = find_user(m, i);
        int r = 0;

        if (single)
                r = check_users(p, i, &user, true, reterr);
        if (r >= 0)
                r = untag(m, i, familiar, ret, reterr);
        if (r >= 0 && !strchr(familiar, '@'))
                r = untag_repository_digests(m, i, familiar, ret, reterr);
        if (r < 0)
                return r;
        /* Forced while a container has it, or others were committed on it: the name goes, the image
         * stays. */
        if (i->names || user.id[0] || image_has_children(m, i))
                return 0;
        return delete_with_parents(m, i, p->noprune, ret, reterr);
}

int image_manager_remove(ImageManager *m, const ImageRemoveParams *p, ImageDeleteList *ret, Error *reterr) {
        _cleanup_strv_free_ char **tags = NULL, **digests = NULL;
        _cleanup_reference_ Reference ref = {};
        _cleanup_free_ char *familiar = NULL;
        UserFound user;
        bool single;
        Image *i;
        int r;

        r = image_manager_find(m, p->name, &i, reterr);
        STRV_FOREACH(platform, p->platforms)
                if (r >= 0)
                        r = image_check_platform(i, p->name, *platform, reterr);
        if (r >= 0)
                r = image_familiar_names(m, i, &tags, &digests);
        if (r < 0)
                return error_fill(reterr, r);
        if (reference_parse(p->name, &ref, NULL) >= 0 && reference_add_default_tag(&ref) >= 0)
                familiar = reference_familiar_string(&ref);
        single = is_single_name(tags, digests);
        if (familiar && (strv_contains(tags, familiar) || strv_contains(digests, familiar)))
                return remove_name(m, i, p, familiar, single, ret, reterr);

        user = find_user(m, i);
        r = check_children(m, i, reterr);
        if (r >= 0 && user.running)
                r = check_users(p, i, &user, false, reterr);
        if (r >= 0 && !single && !p->force)
                r = error_setf(reterr, ERROR_CONFLICT,
                               "conflict: unable to delete %.12s (must be forced) - image is referenced in "
                               "multiple repositories", i->record.id + strlen("sha256:"));
        if (r >= 0)
                r = check_users(p, i, &user, false, reterr);
        if (r >= 0)
                r = untag_all(m, i, tags, ret, reterr);
        if (r >= 0)
                r = untag_all(m, i, digests, ret, reterr);
        /* A stopped container keeps its image; it has no name any more. */
        return r < 0 || user.id[0] ? r : delete_with_parents(m, i, p->noprune, ret, reterr);
}

/* --- prune --- */

static int check_prune_filters(const Filters *f, bool *ret_dangling_only, Error *reterr) {
        static const char *const keys[] = { "dangling", "label", "label!", "until", NULL };
        Tristate dangling;
        nsec_t until;
        int r;

        r = filters_check_keys(f, keys, reterr);
        if (r >= 0)
                r = filters_get_prune_until(f, &until, reterr);
        if (r >= 0)
                r = filters_get_tristate(f, "dangling", &dangling, reterr);
        if (r >= 0)
                *ret_dangling_only = dangling != TRISTATE_FALSE;
        return r;
}

/* "dangling=false" means all unused images, not those that have a name. */
static int may_prune(ImageManager *m, Image *i, const Filters *f, bool dangling_only, Error *reterr) {
        _cleanup_strv_free_ char **tags = NULL;
        int r;

        r = image_familiar_names(m, i, &tags, NULL);
        if (r < 0)
                return error_fill(reterr, r);
        if (find_user(m, i).id[0] && (dangling_only || strv_length(tags) < 2))
                return 0;
        if (dangling_only && (!strv_isempty(tags) || image_has_children(m, i)))
                return 0;
        return image_matches(m, i, f, reterr);
}

/* Takes the name a container was made with from the list of those that go. */
static int keep_name(const ImageUser *user, void *arg) {
        _cleanup_reference_ Reference ref = {};
        _cleanup_free_ char *familiar = NULL;

        if (user->reference && reference_parse(user->reference, &ref, NULL) >= 0 &&
            reference_add_default_tag(&ref) >= 0 && (familiar = reference_familiar_string(&ref)))
                strv_remove(arg, familiar);
        return 0;
}

/* The tags of an image in use that no container was made with. One stays in any case, the last as in
 * Docker. */
static int prune_tags(ImageManager *m, Image *i, char **tags, ImageDeleteList *ret, Error *reterr) {
        size_t n = strv_length(tags);

        (void) m->config.ops->foreach_user(m->config.userdata, i->record.id, keep_name, tags);
        if (n > 0 && strv_length(tags) == n)
                strv_remove(tags, tags[n - 1]);
        return untag_all(m, i, tags, ret, reterr);
}

static int prune_image(ImageManager *m, Image *i, ImageDeleteList *ret, Error *reterr) {
        _cleanup_strv_free_ char **tags = NULL, **digests = NULL;
        int r;

        if (!i)
                return 0;               /* it went with one that was committed on it */
        r = image_familiar_names(m, i, &tags, &digests);
        if (r < 0)
                return error_fill(reterr, r);
        if (find_user(m, i).id[0])
                return prune_tags(m, i, tags, ret, reterr);
        r = untag_all(m, i, tags, ret, reterr);
        if (r >= 0)
                r = untag_all(m, i, digests, ret, reterr);
        return r < 0 || image_has_children(m, i) ? r : delete_with_parents(m, i, false, ret, reterr);
}

int image_manager_prune(ImageManager *m, const ImagePruneParams *p, ImagePruneReply *ret, Error *reterr) {
        int64_t before = image_manager_layers_size(m);
        _cleanup_strv_free_ char **ids = NULL;
        bool dangling_only;
        Image *i;
        int r;

        r = check_prune_filters(&p->filters, &dangling_only, reterr);
        if (r < 0)
                return r;
        HASHMAP_FOREACH(i, m->images) {
                r = may_prune(m, i, &p->filters, dangling_only, reterr);
                if (r < 0)
                        return r;
                if (r > 0 && strv_extend(&ids, i->record.id) < 0)
                        return error_fill(reterr, -ENOMEM);
        }
        STRV_FOREACH(id, ids)
                if (r >= 0)
                        r = prune_image(m, image_manager_get(m, *id), &ret->images_deleted, reterr);
        layers_sweep_when_idle(m);
        ret->space_reclaimed = before - image_manager_layers_size(m);
        event_hub_publish_prune(m->config.events, "image", ret->space_reclaimed);
        return r < 0 ? r : 0;
}
