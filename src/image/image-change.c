/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image-change.h"

#include "basic/string-util.h"
#include "basic/strv.h"
#include "json/json-value.h"

/* The exec form is a JSON list of strings; everything else is for the shell. */
static int set_command(char ***target, const char *value) {
        _cleanup_(json_value_unrefp) JsonValue *list = NULL;
        _cleanup_strv_free_ char **l = NULL;
        int r = 0;

        if (value[0] == '[')
                (void) json_value_parse(value, strlen(value), 2, &list, NULL);
        if (list && json_value_type(list) == JSON_VALUE_ARRAY) {
                for (size_t i = 0; r >= 0 && i < json_value_length(list); i++)
                        r = strv_extend(&l, strempty(json_value_string(json_value_at(list, i))));
        } else {
                r = strv_extend(&l, "/bin/sh");
                if (r >= 0)
                        r = strv_extend(&l, "-c");
                if (r >= 0)
                        r = strv_extend(&l, value);
        }
        if (r < 0)
                return r;
        strv_free(*target);
        *target = TAKE_PTR(l);
        return 0;
}

static int set_pair(char ***env, const char *value) {
        const char *blank = strchr(value, ' ');
        _cleanup_free_ char *pair = NULL;

        if (strchr(value, '=') || !blank)
                return strv_env_set(env, value);
        if (asprintf_safe(&pair, "%.*s=%s", (int) (blank - value), value, blank + 1) < 0)
                return -ENOMEM;
        return strv_env_set(env, pair);
}

static int set_label(OciImageConfig *c, const char *value) {
        _cleanup_free_ char *key = memdup_suffix0(value, strcspn(value, "="));
        const char *v = strchr(value, '=');

        return key ? string_map_set(&c->labels, key, v ? v + 1 : "") : -ENOMEM;
}

static int set_expose(OciImageConfig *c, const char *value) {
        return strchr(value, '/') ? strv_extend(&c->exposed_ports, value) :
                                    strv_extendf(&c->exposed_ports, "%s/tcp", value);
}

int image_change_apply(OciImageConfig *c, const char *instruction, Error *reterr) {
        _cleanup_free_ char *word = NULL;
        const char *value;
        size_t n;
        int r;

        instruction += strspn(instruction, " \t");
        n = strcspn(instruction, " \t");
        word = memdup_suffix0(instruction, n);
        value = instruction + n + strspn(instruction + n, " \t");
        if (!word)
                return error_fill(reterr, -ENOMEM);
        for (char *p = word; *p; p++)
                *p = *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p;
        if (streq(word, "CMD"))
                r = set_command(&c->cmd, value);
        else if (streq(word, "ENTRYPOINT"))
                r = set_command(&c->entrypoint, value);
        else if (streq(word, "ENV"))
                r = set_pair(&c->env, value);
        else if (streq(word, "LABEL"))
                r = set_label(c, value);
        else if (streq(word, "EXPOSE"))
                r = set_expose(c, value);
        else if (streq(word, "VOLUME"))
                r = strv_extend(&c->volumes, value);
        else if (streq(word, "USER"))
                r = free_and_strdup(&c->user, value);
        else if (streq(word, "WORKDIR"))
                r = free_and_strdup(&c->working_dir, value);
        else if (streq(word, "STOPSIGNAL"))
                r = free_and_strdup(&c->stop_signal, value);
        else
                return error_setf(reterr, ERROR_INVALID, "%s is not a valid change command", word);
        return r < 0 ? error_fill(reterr, r) : 0;
}
