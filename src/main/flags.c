/* SPDX-License-Identifier: Apache-2.0 */
#include "main/flags.h"

#include "main/option.h"

typedef struct FlagParser {
        int argc;
        char *const *argv;
        int next;
        Config *config;
} FlagParser;

/* What upstream's command line prints for any wrong flag: the status in words, and where to look. */
static int flag_error(Error *reterr, int r) {
        _cleanup_free_ char *reason = NULL;

        if (!reterr)
                return r;
        reason = strdup(error_message(reterr));
        return error_setf(reterr, ERROR_INVALID, "Status: %s\nSee 'dockerd --help'., Code: 125",
                          strnull(reason));
}

static int set_flag(FlagParser *p, const Option *o, const char *value, Error *reterr) {
        _cleanup_error_ Error e = ERROR_NULL;
        int r;

        r = option_set(o, p->config, CONFIG_SOURCE_FLAG, value, &e);
        if (r >= 0)
                return 0;
        error_setf(reterr, ERROR_INVALID, "invalid argument \"%s\" for \"%s%.*s%s--%s\" flag: %s",
                   o->flags & OPTION_SECRET ? "xxxxx" : value, o->shorthand ? "-" : "", o->shorthand ? 1 : 0,
                   &o->shorthand, o->shorthand ? ", " : "", o->flag, error_message(&e));
        return flag_error(reterr, r);
}

/* The value behind the flag: the next argument. NULL if there is none. */
static const char *next_argument(FlagParser *p) {
        return p->next < p->argc ? p->argv[p->next++] : NULL;
}

static int parse_long(FlagParser *p, const char *arg, Error *reterr) {
        const char *name = arg + 2, *value;
        size_t n = strcspn(name, "=");
        const Option *o;

        if (n == 0 || name[0] == '-')
                return flag_error(reterr, error_setf(reterr, ERROR_INVALID, "bad flag syntax: %s", arg));
        o = option_by_flag(name, n);
        if (!o)
                return flag_error(reterr,
                                  error_setf(reterr, ERROR_INVALID, "unknown flag: --%.*s", (int) n, name));

        if (name[n] == '=')
                value = name + n + 1;
        else if (o->kind->no_argument)
                value = "true";
        else
                value = next_argument(p);
        if (!value)
                return flag_error(reterr, error_setf(reterr, ERROR_INVALID, "flag needs an argument: --%s",
                                                     o->flag));
        return set_flag(p, o, value, reterr);
}

static int parse_short(FlagParser *p, const char *arg, Error *reterr) {
        int r;

        for (const char *s = arg + 1; *s; s++) {
                const Option *o = option_by_shorthand(*s);
                const char *value;

                if (!o)
                        return flag_error(reterr, error_setf(reterr, ERROR_INVALID,
                                                             "unknown shorthand flag: '%c' in -%s", *s, s));
                if (o->kind->no_argument && s[1] != '=') {
                        r = set_flag(p, o, "true", reterr);
                        if (r < 0)
                                return r;
                        continue;
                }
                value = s[1] == '=' ? s + 2 : s[1] ? s + 1 : next_argument(p);
                if (!value)
                        return flag_error(reterr, error_setf(reterr, ERROR_INVALID,
                                                             "flag needs an argument: '%c' in -%s", *s, s));
                return set_flag(p, o, value, reterr);
        }
        return 0;
}

static int stray_argument(Error *reterr) {
        return error_setf(reterr, ERROR_INVALID,
                          "\"dockerd\" accepts no argument(s).\nSee 'dockerd --help'.\n\n"
                          "Usage:  dockerd [OPTIONS]\n\nA Docker Engine for systemd hosts.");
}

int flags_parse(int argc, char *const *argv, Config *c, Error *reterr) {
        FlagParser p = { .argc = argc, .argv = argv, .next = 1, .config = c };
        bool stray = false;
        int r;

        assert(c);

        while (p.next < argc) {
                const char *arg = argv[p.next++];

                if (streq(arg, "--")) {
                        stray = stray || p.next < argc;
                        break;
                }
                if (arg[0] != '-' || arg[1] == 0) {
                        stray = true;
                        continue;
                }
                r = arg[1] == '-' ? parse_long(&p, arg, reterr) : parse_short(&p, arg, reterr);
                if (r < 0)
                        return r;
        }
        return stray && !c->help && !c->version ? stray_argument(reterr) : 0;
}
