/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-change.h"

#include <inttypes.h>

#include "basic/parse-util.h"
#include "basic/path-util.h"
#include "basic/process-util.h"
#include "basic/string-util.h"
#include "basic/strv.h"
#include "image/instruction-text.h"
#include "json/json-value.h"

#define PORTS_MAX 65535U
#define HEALTH_TIME_MIN (1000 * NSEC_PER_USEC)

typedef struct Change {
        OciImageConfig *config;
        const char *word;               /* "ENV" */
        const char *rest;               /* what is behind it */
        bool cmd_set;                   /* there was a CMD: an ENTRYPOINT leaves it */
        Error *reterr;
} Change;

static int needs_one(const Change *k) {
        return error_setf(k->reterr, ERROR_INVALID, "%s requires exactly one argument", k->word);
}

static int needs_some(const Change *k) {
        return error_setf(k->reterr, ERROR_INVALID, "%s requires at least one argument", k->word);
}

static int expand(const Change *k, const char *word, char **ret) {
        return instruction_expand(word, k->config->env, ret, k->reterr);
}

/* --- lists --- */

/* 1: a JSON list of strings; 0: something else, which is for the shell. */
static int take_json_list(const Change *k, char ***ret) {
        _cleanup_(json_value_unrefp) JsonValue *list = NULL;
        _cleanup_strv_free_ char **l = strv_new_empty();
        int r = l ? 0 : -ENOMEM;

        if (k->rest[0] != '[' || json_value_parse(k->rest, strlen(k->rest), 2, &list, NULL) < 0 ||
            json_value_type(list) != JSON_VALUE_ARRAY)
                return r;
        for (size_t i = 0; r >= 0 && i < json_value_length(list); i++) {
                const JsonValue *item = json_value_at(list, i);

                if (json_value_type(item) != JSON_VALUE_STRING)
                        return error_setf(k->reterr, ERROR_INVALID, "when using JSON array syntax, arrays "
                                          "must be comprised of strings only");
                r = strv_extend(&l, json_value_string(item));
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 1;
}

static int shell_form(const Change *k, char ***l) {
        int r = 0;

        if (strv_isempty(k->config->shell)) {
                r = strv_extend(l, "/bin/sh");
                if (r >= 0)
                        r = strv_extend(l, "-c");
        } else
                r = strv_extend_strv(l, k->config->shell);
        return r < 0 || k->rest[0] == 0 ? r : strv_extend(l, k->rest);
}

static int set_command(Change *k, char ***target, bool for_shell) {
        _cleanup_strv_free_ char **l = NULL;
        int r;

        r = take_json_list(k, &l);
        if (r == 0 && for_shell)
                r = shell_form(k, &l);
        if (r < 0)
                return r;
        strv_free(*target);
        *target = strv_isempty(l) ? NULL : TAKE_PTR(l);
        return 0;
}

static int apply_cmd(Change *k) {
        k->cmd_set = true;
        return set_command(k, &k->config->cmd, true);
}

static int apply_entrypoint(Change *k) {
        int r = set_command(k, &k->config->entrypoint, k->rest[0]);

        if (r >= 0 && !k->cmd_set)
                k->config->cmd = strv_free(k->config->cmd);
        return r;
}

/* Words, or a JSON list. */
static int take_words(const Change *k, char ***ret) {
        _cleanup_strv_free_ char **l = NULL;
        int r;

        r = take_json_list(k, &l);
        if (r == 0)
                r = strv_split(k->rest, " \t", &l);
        if (r < 0)
                return r;
        if (strv_isempty(l))
                return needs_some(k);
        *ret = TAKE_PTR(l);
        return 0;
}

static int add_once(char ***l, const char *s) {
        return strv_contains(*l, s) ? 0 : strv_extend(l, s);
}

static int apply_volume(Change *k) {
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = take_words(k, &words);
        STRV_FOREACH(w, words) {
                _cleanup_free_ char *path = NULL;

                if (r >= 0)
                        r = expand(k, *w, &path);
                if (r < 0)
                        return r;
                if (isempty(strstrip(path)))
                        return error_setf(k->reterr, ERROR_INVALID,
                                          "VOLUME specified can not be an empty string");
                r = add_once(&k->config->volumes, strstrip(path));
        }
        return r;
}

/* --- ports: [[address:]host:]port[-last][/protocol] --- */

static int take_ports(const char *s, uint32_t *ret_first, uint32_t *ret_last) {
        const char *dash = strchr(s, '-');
        _cleanup_free_ char *first = strndup_safe(s, dash ? (size_t) (dash - s) : strlen(s));

        if (!first)
                return -ENOMEM;
        if (parse_uint32(first, ret_first) < 0 || parse_uint32(dash ? dash + 1 : first, ret_last) < 0 ||
            *ret_last > PORTS_MAX || *ret_first > *ret_last)
                return -EINVAL;
        return 0;
}

static int add_ports(Change *k, char *text) {
        static const char *const protocols[] = { "tcp", "udp", "sctp" };
        char *slash = strrchr(text, '/'), *colon;
        const char *protocol = "tcp";
        uint32_t first, last;
        int r;

        if (slash) {
                *slash = 0;
                protocol = slash[1] ? ascii_strlower(slash + 1) : protocol;
        }
        if (!streq(protocol, protocols[0]) && !streq(protocol, protocols[1]) &&
            !streq(protocol, protocols[2]))
                return error_setf(k->reterr, ERROR_INVALID, "Invalid proto: %s", protocol);
        colon = strrchr(text, ':');
        text = colon ? colon + 1 : text;
        r = take_ports(text, &first, &last);
        if (r < 0)
                return r == -ENOMEM ? r :
                                      error_setf(k->reterr, ERROR_INVALID, "Invalid containerPort: %s",
                                                 text);
        for (uint32_t port = first; port <= last && r >= 0; port++) {
                _cleanup_free_ char *name = NULL;

                r = asprintf_safe(&name, "%" PRIu32 "/%s", port, protocol);
                if (r >= 0)
                        r = add_once(&k->config->exposed_ports, name);
        }
        return r;
}

static int apply_expose(Change *k) {
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = strv_split(k->rest, " \t", &words);
        if (r >= 0 && strv_isempty(words))
                return needs_some(k);
        STRV_FOREACH(w, words) {
                _cleanup_free_ char *text = NULL;

                if (r >= 0)
                        r = expand(k, *w, &text);
                if (r >= 0)
                        r = add_ports(k, text);
        }
        return r;
}

/* --- pairs --- */

static int add_env(Change *k, const char *name, const char *value) {
        _cleanup_free_ char *pair = strjoin(name, "=", value);

        return pair ? strv_env_set(&k->config->env, pair) : -ENOMEM;
}

static int add_label(Change *k, const char *name, const char *value) {
        return string_map_set(&k->config->labels, name, value);
}

typedef int (*AddPair)(Change *k, const char *name, const char *value);

/* Both with their quotes. */
static int add_pair(Change *k, const char *name, const char *value, AddPair add) {
        _cleanup_free_ char *n = NULL, *v = NULL;
        int r;

        r = expand(k, name, &n);
        if (r >= 0)
                r = expand(k, value, &v);
        if (r < 0)
                return r;
        if (n[0] == 0)
                return error_setf(k->reterr, ERROR_INVALID, "%s names can not be blank", k->word);
        return add(k, n, v);
}

/* "NAME the rest" */
static int add_single_pair(Change *k, AddPair add) {
        size_t n = strcspn(k->rest, " \t");
        const char *value = k->rest + n + strspn(k->rest + n, " \t");
        _cleanup_free_ char *name = strndup_safe(k->rest, n);

        if (!name)
                return -ENOMEM;
        if (k->rest[n] == 0)
                return error_setf(k->reterr, ERROR_INVALID, "%s must have two arguments", k->word);
        return add_pair(k, name, value, add);
}

static int add_pairs(Change *k, AddPair add) {
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = instruction_words(k->rest, &words);
        if (r < 0)
                return r;
        if (strv_isempty(words))
                return needs_some(k);
        if (!strchr(words[0], '='))
                return add_single_pair(k, add);
        STRV_FOREACH(w, words) {
                char *equals = strchr(*w, '=');

                if (!equals)
                        return error_setf(k->reterr, ERROR_INVALID,
                                          "Syntax error - can't find = in \"%s\". Must be "
                                          "of the form: name=value",
                                          *w);
                *equals = 0;
                r = add_pair(k, *w, equals + 1, add);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int apply_env(Change *k) {
        return add_pairs(k, add_env);
}

static int apply_label(Change *k) {
        return add_pairs(k, add_label);
}

/* --- one value --- */

static int apply_user(Change *k) {
        _cleanup_free_ char *user = NULL;
        int r;

        if (k->rest[0] == 0)
                return needs_one(k);
        r = expand(k, k->rest, &user);
        return r < 0 ? r : free_and_strdup(&k->config->user, user);
}

static int apply_working_directory(Change *k) {
        _cleanup_free_ char *directory = NULL, *joined = NULL, *clean = NULL;
        const char *base = isempty(k->config->working_dir) ? "/" : k->config->working_dir;
        int r;

        if (k->rest[0] == 0)
                return needs_one(k);
        r = expand(k, k->rest, &directory);
        if (r < 0)
                return r;
        joined = path_is_absolute(directory) ? strdup(directory) : path_join(base, directory);
        r = joined ? path_clean(joined, &clean) : -ENOMEM;
        return r < 0 ? r : free_and_strdup(&k->config->working_dir, clean);
}

static int apply_stop_signal(Change *k) {
        _cleanup_free_ char *name = NULL;
        uint32_t number;
        int r;

        if (k->rest[0] == 0)
                return needs_one(k);
        r = expand(k, k->rest, &name);
        if (r < 0)
                return r;
        if (signal_from_string(name) < 0 && parse_uint32(name, &number) < 0)
                return error_setf(k->reterr, ERROR_INVALID, "invalid signal: %s", name);
        return free_and_strdup(&k->config->stop_signal, name);
}

/* --- ONBUILD --- */

static int apply_on_build(Change *k) {
        _cleanup_free_ char *word = strndup_safe(k->rest, strcspn(k->rest, " \t"));

        if (!word)
                return -ENOMEM;
        for (char *p = word; *p; p++)
                *p = *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p;
        if (word[0] == 0)
                return needs_some(k);
        if (streq(word, "ONBUILD"))
                return error_setf(k->reterr, ERROR_INVALID,
                                  "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
        if (streq(word, "FROM") || streq(word, "MAINTAINER"))
                return error_setf(k->reterr, ERROR_INVALID, "%s isn't allowed as an ONBUILD trigger", word);
        return strv_extend(&k->config->on_build, k->rest);
}

/* --- HEALTHCHECK [--option=value...] CMD command | NONE --- */

static const struct {
        const char *flag, *name;
        size_t offset;
} health_times[] = {
        { "--interval=",       "interval",       offsetof(HealthConfig, interval)       },
        { "--start-interval=", "start-interval", offsetof(HealthConfig, start_interval) },
        { "--start-period=",   "start-period",   offsetof(HealthConfig, start_period)   },
        { "--timeout=",        "timeout",        offsetof(HealthConfig, timeout)        },
};

static int set_health_time(Change *k, HealthConfig *h, const char *word, bool *ret_known) {
        FOREACH_ELEMENT(t, health_times) {
                const char *value = startswith(word, t->flag);
                nsec_t time;

                if (!value)
                        continue;
                *ret_known = true;
                if (parse_go_duration(value, &time) < 0)
                        return error_setf(k->reterr, ERROR_INVALID, "time: invalid duration \"%s\"", value);
                if (time > 0 && time < HEALTH_TIME_MIN)
                        return error_setf(k->reterr, ERROR_INVALID,
                                          "Interval \"%s\" cannot be less than 1ms", t->name);
                *(int64_t *) ((char *) h + t->offset) = (int64_t) time;
        }
        return 0;
}

static int set_health_flag(Change *k, HealthConfig *h, const char *word) {
        const char *retries = startswith(word, "--retries=");
        bool known = false;
        int r;

        r = set_health_time(k, h, word, &known);
        if (r < 0 || known)
                return r;
        if (!retries)
                return error_setf(k->reterr, ERROR_INVALID, "unknown flag: %.*s", (int) strcspn(word, "="),
                                  word);
        if (parse_int64(retries, &h->retries) < 0)
                return error_setf(k->reterr, ERROR_INVALID,
                                  "strconv.ParseInt: parsing \"%s\": invalid syntax", retries);
        if (h->retries < 0)
                return error_setf(k->reterr, ERROR_INVALID, "--retries cannot be negative (%" PRIi64 ")",
                                  h->retries);
        return 0;
}

static int take_health_flags(Change *k, HealthConfig *h) {
        while (startswith(k->rest, "--")) {
                size_t n = strcspn(k->rest, " \t");
                _cleanup_free_ char *word = strndup_safe(k->rest, n);
                int r = word ? set_health_flag(k, h, word) : -ENOMEM;

                if (r < 0)
                        return r;
                k->rest += n + strspn(k->rest + n, " \t");
        }
        return 0;
}

static int set_health_test(Change *k, HealthConfig *h, const char *type) {
        bool none = strcasecmp(type, "NONE") == 0;
        _cleanup_strv_free_ char **list = NULL;
        int r;

        if (!none && strcasecmp(type, "CMD") != 0)
                return error_setf(k->reterr, ERROR_INVALID, "Unknown type \"%s\" in HEALTHCHECK (try CMD)",
                                  type);
        if (none && k->rest[0])
                return error_setf(k->reterr, ERROR_INVALID, "HEALTHCHECK NONE takes no arguments");
        if (none)
                return strv_extend(&h->test, "NONE");
        if (k->rest[0] == 0)
                return error_setf(k->reterr, ERROR_INVALID, "Missing command after HEALTHCHECK CMD");
        r = take_json_list(k, &list);
        if (r >= 0 && strv_extend(&h->test, r > 0 ? "CMD" : "CMD-SHELL") < 0)
                r = -ENOMEM;
        if (r < 0)
                return r;
        return list ? strv_extend_strv(&h->test, list) : strv_extend(&h->test, k->rest);
}

static int apply_health(Change *k) {
        HealthConfig *h = json_new(&HealthConfig_json);
        _cleanup_free_ char *type = NULL;
        size_t n;
        int r;

        if (!h)
                return -ENOMEM;
        r = take_health_flags(k, h);
        n = strcspn(k->rest, " \t");
        if (r >= 0 && n == 0)
                r = needs_some(k);
        if (r >= 0 && !(type = strndup_safe(k->rest, n)))
                r = -ENOMEM;
        if (r >= 0) {
                k->rest += n + strspn(k->rest + n, " \t");
                r = set_health_test(k, h, type);
        }
        if (r < 0) {
                json_free(&HealthConfig_json, h);
                return r;
        }
        json_free(&HealthConfig_json, k->config->healthcheck);
        k->config->healthcheck = h;
        return 0;
}

/* --- all of them --- */

static const struct {
        const char *word;
        int (*apply)(Change *k);
        bool flags;                     /* it takes some */
} instructions[] = {
        { "CMD",         apply_cmd               },
        { "ENTRYPOINT",  apply_entrypoint        },
        { "ENV",         apply_env               },
        { "EXPOSE",      apply_expose            },
        { "HEALTHCHECK", apply_health, true      },
        { "LABEL",       apply_label             },
        { "ONBUILD",     apply_on_build          },
        { "STOPSIGNAL",  apply_stop_signal       },
        { "USER",        apply_user              },
        { "VOLUME",      apply_volume            },
        { "WORKDIR",     apply_working_directory },
};

static int apply(Change *k, char *text) {
        size_t n = strcspn(text, " \t");
        bool more = text[n];

        text[n] = 0;
        for (char *p = text; *p; p++)
                *p = *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p;
        k->word = text;
        k->rest = more ? text + n + 1 + strspn(text + n + 1, " \t") : "";
        FOREACH_ELEMENT(i, instructions) {
                if (!streq(i->word, text))
                        continue;
                if (!i->flags && startswith(k->rest, "--"))
                        return error_setf(k->reterr, ERROR_INVALID, "unknown flag: %.*s",
                                          (int) strcspn(k->rest, "= \t"), k->rest);
                return i->apply(k);
        }
        return error_setf(k->reterr, ERROR_INVALID, "%s is not a valid change command", text);
}

int image_changes_apply(OciImageConfig *c, char *const *changes, Error *reterr) {
        _cleanup_free_ char *text = strv_join(changes, "\n");
        _cleanup_strv_free_ char **lines = NULL;
        Change k = { .config = c, .reterr = reterr };
        int r;

        if (strv_isempty(changes))
                return 0;
        r = text ? instruction_split(text, &lines) : -ENOMEM;
        if (r >= 0 && strv_isempty(lines))
                return error_setf(reterr, ERROR_INVALID, "file with no instructions");
        STRV_FOREACH(line, lines)
                if (r >= 0)
                        r = apply(&k, *line);
        return r < 0 ? error_fill(reterr, r) : 0;
}
