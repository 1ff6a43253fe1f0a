/* SPDX-License-Identifier: Apache-2.0 */
/* Birth and death of a configuration, and the whole way from the command line to a finished one. */
#include "main/config.h"

#include "basic/fileio.h"
#include "basic/strv.h"
#include "main/flags.h"
#include "main/option.h"

#define CONFIG_FILE_SIZE_MAX (1024U * 1024U)

int config_new(Config **ret) {
        _cleanup_(config_freep) Config *c = NULL;
        int r;

        assert(ret);

        c = new0(Config, 1);
        if (!c)
                return -ENOMEM;
        FOREACH_OPTION(o) {
                r = option_reset(o, c, NULL);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(c);
        return 0;
}

Config *config_free(Config *c) {
        if (!c)
                return NULL;
        FOREACH_OPTION(o)
                o->kind->clear(option_member(o, c));
        free(c->engine.runtime.cgroup_driver);
        strv_free(c->warnings);
        return mfree(c);
}

static int read_config_file(Config *c, const Config *flags, bool required, bool *ret_read, Error *reterr) {
        const char *path = strempty(flags->engine.config_file);
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        *ret_read = false;
        if (isempty(path))
                return 0;
        r = read_file_at(AT_FDCWD, path, CONFIG_FILE_SIZE_MAX, &text, &size);
        if (r == -ENOENT && !required)
                return 0;
        if (r < 0)
                r = error_set_errnof(reterr, ERROR_INVALID, r, "open %s", path);
        else
                r = config_apply_file(c, text, size, flags, reterr);
        if (r < 0)
                return error_prefixf(reterr, r, "unable to configure the Docker daemon with file %s", path);
        *ret_read = true;
        return 0;
}

static int validate(Config *c, bool have_file, Error *reterr) {
        int r;

        r = config_normalise(c, reterr);
        if (r >= 0)
                r = config_validate(c, reterr);
        if (r < 0 && have_file) {
                error_prefixf(reterr, r,
                              "merged configuration validation from file and command line flags failed");
                error_prefixf(reterr, r, "unable to configure the Docker daemon with file %s",
                              c->engine.config_file);
        }
        return r < 0 ? r : config_refuse_unsupported(c, reterr);
}

int config_load(int argc, char *const *argv, Config **ret, Error *reterr) {
        _cleanup_(config_freep) Config *c = NULL, *flags = NULL;
        const Option *file_option = option_by_flag("config-file", strlen("config-file"));
        bool have_file;
        int r;

        assert(ret);
        assert(file_option);

        r = config_new(&flags);
        if (r >= 0)
                r = config_new(&c);
        if (r < 0)
                return error_fill(reterr, r);

        /* Once alone, so that a wrong flag is told before the file is read and collisions can be found
         * ... */
        r = flags_parse(argc, argv, flags, reterr);
        if (r < 0)
                return r;
        if (flags->help || flags->version || flags->dump_options) {
                *ret = TAKE_PTR(flags);
                return 0;
        }
        r = read_config_file(c, flags, flags->source[option_index(file_option)] == CONFIG_SOURCE_FLAG,
                             &have_file, reterr);
        if (r < 0)
                return r;
        /* ... and once over what the file says. */
        r = flags_parse(argc, argv, c, reterr);
        if (r < 0)
                return r;
        r = validate(c, have_file, reterr);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}
