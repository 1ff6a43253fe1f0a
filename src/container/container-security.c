/* SPDX-License-Identifier: Apache-2.0 */
#include "container/container-security.h"

#include <stdio.h>

#include "basic/parse-util.h"
#include "basic/strv.h"

/* A profile a line: "NAME (MODE)". */
#define APPARMOR_PROFILES "/sys/kernel/security/apparmor/profiles"

/* 1: loaded, 0: not, negative: the kernel does not tell. */
static int apparmor_profile_is_loaded(const char *profile) {
        _cleanup_free_ char *line = NULL;
        size_t n = strlen(profile), allocated = 0;
        int found = 0;
        FILE *f;

        f = fopen(APPARMOR_PROFILES, "re");
        if (!f)
                return -errno;
        while (!found && getline(&line, &allocated, f) >= 0)
                found = startswith(line, profile) && startswith(line + n, " (");
        fclose(f);
        return found;
}

/* Without AppArmor a profile does nothing, as with Docker: Compose files name docker-default. */
static int set_apparmor(SecurityOptions *s, const HostCapabilities *host, const char *profile,
                        Error *reterr) {
        s->apparmor = NULL;
        if (!host->apparmor || streq(profile, "unconfined") || !profile[0])
                return 0;
        if (apparmor_profile_is_loaded(profile) == 0)
                return error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                  "loading AppArmor profiles is not supported by this engine yet: "
                                  "\"%s\" is not loaded", profile);
        s->apparmor = profile;
        return 0;
}

static int invalid(Error *reterr, unsigned which, const char *option) {
        return error_setf(reterr, ERROR_INVALID, "invalid --security-opt %u: \"%s\"", which, option);
}

/* "KEY=VALUE", or Docker's older "KEY:VALUE". SELinux labels do nothing where SELinux is not enabled
 * (--selinux-enabled). */
static int parse_one(const char *option, const HostCapabilities *host, SecurityOptions *s, Error *reterr) {
        const char *separator = strchr(option, '=') ?: strchr(option, ':'), *value;
        _cleanup_free_ char *key = NULL;
        int b;

        if (streq(option, "no-new-privileges")) {
                s->no_new_privileges = 1;
                return 0;
        }
        if (streq(option, "disable"))           /* a label's */
                return 0;
        if (!separator)
                return invalid(reterr, 1, option);
        key = memdup_suffix0(option, (size_t) (separator - option));
        if (!key)
                return error_fill(reterr, -ENOMEM);
        value = separator + 1;
        if (streq(key, "label"))
                return 0;
        if (streq(key, "apparmor"))
                return set_apparmor(s, host, value, reterr);
        if (streq(key, "seccomp")) {
                s->seccomp = value[0] ? value : NULL;
                return 0;
        }
        b = parse_go_bool(value);
        if (streq(key, "no-new-privileges") && b >= 0) {
                s->no_new_privileges = b;
                return 0;
        }
        if (streq(key, "writable-cgroups") && b >= 0)
                return b == 0 ? 0 : error_setf(reterr, ERROR_NOT_IMPLEMENTED,
                                               "writable cgroups (--security-opt writable-cgroups): not "
                                               "supported by this engine yet");
        return invalid(reterr, 2, option);
}

int container_security_parse(char *const *options, const HostCapabilities *host, SecurityOptions *ret,
                             Error *reterr) {
        SecurityOptions s = { .no_new_privileges = -1 };
        int r;

        STRV_FOREACH(o, options) {
                r = parse_one(*o, host, &s, reterr);
                if (r < 0)
                        return r;
        }
        *ret = s;
        return 0;
}
