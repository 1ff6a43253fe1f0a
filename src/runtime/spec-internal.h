/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of spec.c, one file a theme. Each fills its part of the document. */
#pragma once

#include "api/oci-runtime.h"
#include "runtime/spec.h"

/* A new, zeroed item at the end of an OCI_LIST; NULL when memory is out. */
void *oci_list_append(void *list, size_t item_size);
#define OCI_APPEND(list) ((typeof((list).items)) oci_list_append(&(list), sizeof(*(list).items)))

int spec_capabilities(const SpecInput *in, char ***ret, Error *reterr);

/* spec-process.c */
int spec_step_process(const SpecInput *in, OciSpec *o, Error *reterr);
int spec_step_user(const SpecInput *in, OciSpec *o, Error *reterr);
int spec_step_capabilities(const SpecInput *in, OciSpec *o, Error *reterr);
int spec_step_rlimits(const SpecInput *in, OciSpec *o, Error *reterr);

/* spec-mounts.c */
int spec_step_root(const SpecInput *in, OciSpec *o, Error *reterr);
int spec_step_mounts(const SpecInput *in, OciSpec *o, Error *reterr);
int spec_step_paths(const SpecInput *in, OciSpec *o, Error *reterr);

/* spec-linux.c */
int spec_step_namespaces(const SpecInput *in, OciSpec *o, Error *reterr);
int spec_step_sysctls(const SpecInput *in, OciSpec *o, Error *reterr);
int spec_step_resources(const SpecInput *in, OciSpec *o, Error *reterr);
int spec_step_labels(const SpecInput *in, OciSpec *o, Error *reterr);
int spec_step_annotations(const SpecInput *in, OciSpec *o, Error *reterr);

/* spec-devices.c */
int spec_step_devices(const SpecInput *in, OciSpec *o, Error *reterr);

/* seccomp.c: after the capabilities */
int spec_step_seccomp(const SpecInput *in, OciSpec *o, Error *reterr);

/* seccomp-default.c */
int seccomp_default_profile(SeccompProfile *ret);
