/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-platform.h"

#include "image/image-internal.h"

static int parse_document(const char *text, PlatformBuffer *ret, Error *reterr) {
        _cleanup_(OciPlatform_donep) OciPlatform p = {};
        int r;

        r = json_decode_text(&OciPlatform_json, text, strlen(text), 0, &p, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "failed to parse platform");
        if (isempty(p.os) && isempty(p.architecture) && (!isempty(p.variant) || !isempty(p.os_version)))
                return error_setf(reterr, ERROR_INVALID, "optional platform components provided, but OS and "
                                  "Architecture are missing");
        if (isempty(p.os) || isempty(p.architecture))
                return error_setf(reterr, ERROR_INVALID, "missing OS or Architecture");
        (void) platform_normalise(&(Platform) { p.os, p.architecture, p.variant }, ret);
        return 0;
}

int image_platform_parse(const char *text, PlatformBuffer *ret, Error *reterr) {
        return text[0] == '{' ? parse_document(text, ret, reterr) : platform_parse(text, ret, reterr);
}

Platform image_platform(const Image *image, PlatformBuffer *buf) {
        const OciImage *o = &image->document;

        return platform_normalise(&(Platform) { o->os, o->architecture, o->variant }, buf);
}

bool image_is_of_platform(const Image *image, const Platform *wanted) {
        PlatformBuffer buf;
        const Platform is = image_platform(image, &buf);

        return streq(wanted->os, is.os) && streq(wanted->architecture, is.architecture) &&
               (isempty(wanted->variant) || streq(wanted->variant, is.variant));
}

/* As the image says, not in normal form: "linux/arm64/v8". */
static const char *format_platform(char buf[static PLATFORM_TEXT_MAX], const Image *image) {
        const OciImage *o = &image->document;

        return platform_format(buf, &(Platform) { o->os, o->architecture, o->variant });
}

int image_check_platform(const Image *image, const char *reference, const char *text, Error *reterr) {
        char is_text[PLATFORM_TEXT_MAX], wanted_text[PLATFORM_TEXT_MAX];
        PlatformBuffer is_buf, wanted_buf;
        int r;

        if (isempty(text))
                return 0;
        r = image_platform_parse(text, &wanted_buf, reterr);
        if (r < 0)
                return r;
        const Platform is = image_platform(image, &is_buf), wanted = platform_of(&wanted_buf);

        if (platform_rank(&wanted, &is) >= 0)
                return 0;
        return error_setf(reterr, ERROR_NOT_FOUND,
                          "image with reference %s was found but its platform (%s) does not match the "
                          "specified platform (%s)", reference, format_platform(is_text, image),
                          platform_format(wanted_text, &wanted));
}

int image_host_warning(const Image *image, char **ret) {
        char is_text[PLATFORM_TEXT_MAX], host_text[PLATFORM_TEXT_MAX];
        PlatformBuffer is_buf, host_buf;
        const Platform is = image_platform(image, &is_buf),
                       host = platform_normalise(&(Platform) {}, &host_buf);

        if (platform_rank(&host, &is) >= 0)
                return 0;
        return asprintf_safe(ret, "The requested image's platform (%s) does not match the detected host "
                             "platform (%s) and no specific platform was requested",
                             format_platform(is_text, image), platform_format(host_text, &host));
}
