/* SPDX-License-Identifier: Apache-2.0 */
/* Type names of image/, so that headers need not include each other. */
#pragma once

typedef struct Image Image;
typedef struct ImageJob ImageJob;
typedef struct ImageManager ImageManager;
typedef struct ImageLayer ImageLayer;
