/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder. */
#pragma once

#include "basic/hashmap.h"
#include "volume/volume.h"

struct VolumeManager {
        VolumeManagerConfig config;
        char *root;                     /* <data root>/volumes */
        Hashmap *by_name;
};

int volume_options_check(const StringMap *options, Error *reterr);
