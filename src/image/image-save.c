/* SPDX-License-Identifier: Apache-2.0 */
/* `docker save`: images and their blobs as one archive that is an OCI image layout and a docker-archive. */
#include "image/image-job.h"

int image_save_start(ImageManager *m, const ImageSaveParams *p, int output_fd,
                     const ImageJobHandlers *handlers, ImageJob **ret, Error *reterr) {
        return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                          "saving images is not supported by this engine yet");
}
