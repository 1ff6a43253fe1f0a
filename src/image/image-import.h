/* SPDX-License-Identifier: Apache-2.0 */
/* `docker import` from the web; the archive of a client is image_import_start() of image-manager.h. */
#pragma once

#include "image/image-manager.h"
#include "registry/registry-verbs.h"

/* from_src of the parameters is the URL, "http://" where it has no scheme. */
int image_import_url_start(ImageManager *m, const ImageCreateParams *p, const RegistryProxies *proxies,
                           const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr);
