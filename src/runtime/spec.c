/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec.h"

#include "basic/fileio.h"
#include "basic/path-util.h"
#include "runtime/shim-protocol.h"
#include "runtime/spec-internal.h"

typedef struct SpecStep {
        const char *name;
        int (*run)(const SpecInput *in, OciSpec *o, Error *reterr);
} SpecStep;

/* In this order: later steps read what earlier ones made. */
static const SpecStep process_steps[] = {
        { "process",      spec_step_process      },
        { "user",         spec_step_user         },
        { "capabilities", spec_step_capabilities },
        { "rlimits",      spec_step_rlimits      },
        { "labels",       spec_step_labels       },
};

static const SpecStep container_steps[] = {
        { "root",         spec_step_root         },
        { "mounts",       spec_step_mounts       },
        { "paths",        spec_step_paths        },
        { "namespaces",   spec_step_namespaces   },
        { "sysctls",      spec_step_sysctls      },
        { "devices",      spec_step_devices      },
        { "resources",    spec_step_resources    },
        { "annotations",  spec_step_annotations  },
        { "seccomp",      spec_step_seccomp      },
};

static int run_steps(const SpecStep *steps, size_t n, const SpecInput *in, OciSpec *o, Error *reterr) {
        for (size_t i = 0; i < n; i++) {
                int r = steps[i].run(in, o, reterr);

                if (r < 0)
                        return error_is_set(reterr) ?
                                               r :
                                               error_prefixf(reterr, r, "OCI spec, %s", steps[i].name);
        }
        return 0;
}

void *oci_list_append(void *list, size_t item_size) {
        struct List {
                void *items;
                size_t n_items;
        } *l = list;
        uint8_t *p;

        p = reallocarray(l->items, l->n_items + 1, item_size);
        if (!p)
                return NULL;
        l->items = p;
        p += l->n_items * item_size;
        l->n_items++;
        memset(p, 0, item_size);
        return p;
}

int spec_build(const SpecInput *in, char **ret, Error *reterr) {
        _cleanup_(OciSpec_donep) OciSpec o = {};
        char *text;
        int r;

        o.oci_version = strdup(OCI_VERSION);
        if (!o.oci_version)
                return error_fill(reterr, -ENOMEM);

        r = run_steps(process_steps, ELEMENTSOF(process_steps), in, &o, reterr);
        if (r >= 0)
                r = run_steps(container_steps, ELEMENTSOF(container_steps), in, &o, reterr);
        if (r < 0)
                return r;

        text = json_encode_text(&OciSpec_json, &o, 0);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        *ret = text;
        return 0;
}

static int write_document(const char *run_dir, const char *name, const char *text, Error *reterr) {
        _cleanup_free_ char *path = path_join(run_dir, name);
        int r;

        if (!path)
                return error_fill(reterr, -ENOMEM);
        r = write_file_atomic_at(AT_FDCWD, path, text, strlen(text), 0600, 0);
        if (r < 0)
                return error_set_errnof(reterr, ERROR_INTERNAL, r, "failed to write %s", path);
        return 0;
}

int spec_write(const SpecInput *in, const char *run_dir, Error *reterr) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = spec_build(in, &text, reterr);
        return r < 0 ? r : write_document(run_dir, "config.json", text, reterr);
}

int spec_process_write(const SpecInput *in, const char *run_dir, Error *reterr) {
        _cleanup_(OciSpec_donep) OciSpec o = {};
        _cleanup_free_ char *text = NULL;
        int r;

        r = run_steps(process_steps, ELEMENTSOF(process_steps), in, &o, reterr);
        if (r < 0)
                return r;
        text = json_encode_text(&OciProcess_json, &o.process, 0);
        if (!text)
                return error_fill(reterr, -ENOMEM);
        return write_document(run_dir, SHIM_PROCESS_NAME, text, reterr);
}
