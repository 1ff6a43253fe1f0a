/* SPDX-License-Identifier: Apache-2.0 */
#include "image/instruction-text.h"

#include "basic/string-util.h"

#define BLANK " \t\r\v\f"
#define ESCAPE '\\'
#define NESTING_MAX 32U         /* of ${A:-${B:-...}} */

/* --- lines --- */

/* Removes the escape at the end of the line and what is behind it; true if there was one. */
static bool cut_continuation(char *line) {
        size_t n = strlen(line);

        while (n > 0 && strchr(BLANK, line[n - 1]))
                n--;
        if (n == 0 || line[n - 1] != ESCAPE)
                return false;
        line[n - 1] = 0;
        return true;
}

static int add_instruction(char ***l, Buffer *b) {
        int r = b->size > 0 ? strv_extend(l, strstrip(b->data)) : 0;

        b->size = 0;
        return r;
}

int instruction_split(const char *text, char ***ret) {
        _cleanup_strv_free_ char **lines = NULL, **l = strv_new_empty();
        _cleanup_buffer_ Buffer b = {};
        int r;

        r = strv_split(text, "\n", &lines);
        if (r >= 0 && !l)
                r = -ENOMEM;
        STRV_FOREACH(line, lines) {
                const char *begin = *line + strspn(*line, BLANK);
                bool goes_on;

                if (begin[0] == 0 || begin[0] == '#')
                        continue;
                goes_on = cut_continuation(*line);
                if (r >= 0)
                        r = buffer_append_str(&b, b.size > 0 ? *line : begin);
                if (r >= 0 && !goes_on)
                        r = add_instruction(&l, &b);
        }
        if (r >= 0)
                r = add_instruction(&l, &b);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

/* --- words --- */

static const char *skip_quoted(const char *p) {
        char quote = *p++;

        for (; *p && *p != quote; p++)
                if (quote == '"' && *p == ESCAPE && p[1])
                        p++;
        return *p ? p + 1 : p;
}

static const char *skip_word(const char *p) {
        while (*p && !strchr(BLANK, *p))
                if (*p == '"' || *p == '\'')
                        p = skip_quoted(p);
                else
                        p += *p == ESCAPE && p[1] ? 2 : 1;
        return p;
}

int instruction_words(const char *text, char ***ret) {
        _cleanup_strv_free_ char **l = strv_new_empty();

        if (!l)
                return -ENOMEM;
        for (const char *p = text + strspn(text, BLANK), *end; *p; p = end + strspn(end, BLANK)) {
                end = skip_word(p);
                if (strv_consume(&l, strndup_safe(p, end - p)) < 0)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

/* --- expansion --- */

typedef struct Expansion {
        const char *p;                  /* what comes next */
        char *const *env;
        unsigned depth;
        const char *problem;            /* why it failed, owned by nobody */
        char *detail;                   /* the same, owned */
} Expansion;

static int fail(Expansion *x, const char *problem) {
        x->problem = problem;
        return -EINVAL;
}

static int append(Expansion *x, Buffer *b, const char *s, size_t n) {
        return b->size + n > INSTRUCTION_WORD_MAX ? fail(x, "the result is too long") :
                                                    buffer_append(b, s, n);
}

static bool is_name_start(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Name of a variable; "" if there is none. */
static char *take_name(Expansion *x) {
        const char *begin = x->p;

        if (is_name_start(*x->p))
                while (is_name_start(*x->p) || (*x->p >= '0' && *x->p <= '9'))
                        x->p++;
        else if (*x->p >= '0' && *x->p <= '9')
                x->p++;
        return strndup_safe(begin, x->p - begin);
}

static int expand_until(Expansion *x, char end, Buffer *b);

/* Behind the name: "}" or an operator with a word. */
static int expand_operator(Expansion *x, const char *name, Buffer *b) {
        const char *value = strv_env_get(x->env, name);
        _cleanup_buffer_ Buffer word = {};
        bool colon = *x->p == ':', set;
        char operator;
        int r;

        if (*x->p == '}') {
                x->p++;
                return append(x, b, strempty(value), strlen(strempty(value)));
        }
        x->p += colon;
        operator = *x->p;
        if (operator == 0)
                return fail(x, "syntax error: missing '}'");
        if (!strchr("+-?", operator))
                return asprintf_safe(&x->detail, "unsupported modifier (%.2s) in substitution",
                                     x->p - colon) < 0 ?
                                       -ENOMEM :
                                       -EINVAL;
        x->p++;
        r = expand_until(x, '}', &word);
        if (r < 0)
                return r;
        set = value && (!colon || value[0]);
        if (operator == '?' && !set)
                return asprintf_safe(&x->detail, "%s: %s", name,
                                     word.size > 0 ? word.data : "not allowed to be unset") < 0 ?
                                       -ENOMEM :
                                       -EINVAL;
        if (operator == '+' ? set : !set)
                return append(x, b, strempty(word.data), word.size);
        return operator == '+' ? 0 : append(x, b, value, strlen(value));
}

static int expand_variable(Expansion *x, Buffer *b) {
        _cleanup_free_ char *name = NULL;
        bool braces = *++x->p == '{';
        const char *value;

        x->p += braces;
        name = take_name(x);
        if (!name)
                return -ENOMEM;
        if (braces)
                return name[0] == 0 && *x->p ? fail(x, "bad substitution") : expand_operator(x, name, b);
        if (name[0] == 0)
                return append(x, b, "$", 1);
        value = strempty(strv_env_get(x->env, name));
        return append(x, b, value, strlen(value));
}

static int expand_single_quoted(Expansion *x, Buffer *b) {
        const char *begin = ++x->p, *end = strchr(begin, '\'');

        if (!end)
                return fail(x, "unexpected end of statement while looking for matching single-quote");
        x->p = end + 1;
        return append(x, b, begin, end - begin);
}

static int expand_double_quoted(Expansion *x, Buffer *b) {
        int r = 0;

        for (x->p++; r >= 0 && *x->p != '"';)
                if (*x->p == 0)
                        return fail(x,
                                    "unexpected end of statement while looking for matching double-quote");
                else if (*x->p == '$')
                        r = expand_variable(x, b);
                else {
                        if (*x->p == ESCAPE && x->p[1] && strchr("\"$\\", x->p[1]))
                                x->p++;
                        r = append(x, b, x->p++, 1);
                }
        x->p++;
        return r;
}

/* To the end of the text, or with an end: behind it. */
static int expand_until(Expansion *x, char end, Buffer *b) {
        int r = 0;

        if (x->depth++ > NESTING_MAX)
                return fail(x, "substitutions are nested too deeply");
        while (r >= 0 && *x->p && *x->p != end)
                if (*x->p == '\'')
                        r = expand_single_quoted(x, b);
                else if (*x->p == '"')
                        r = expand_double_quoted(x, b);
                else if (*x->p == '$')
                        r = expand_variable(x, b);
                else {
                        if (*x->p == ESCAPE && x->p[1])
                                x->p++;
                        r = append(x, b, x->p++, 1);
                }
        x->depth--;
        if (r >= 0 && end && *x->p != end)
                return fail(x, "syntax error: missing '}'");
        x->p += end && r >= 0;
        return r;
}

/* As Go's %q shows it. */
static char *quote(const char *s) {
        _cleanup_buffer_ Buffer b = {};
        int r = 0;

        for (; *s && r >= 0; s++) {
                if (*s == '"' || *s == '\\')
                        r = buffer_append_str(&b, "\\");
                if (r >= 0)
                        r = buffer_append(&b, s, 1);
        }
        return r < 0 ? NULL : buffer_steal(&b) ?: strdup("");
}

int instruction_expand(const char *word, char *const *env, char **ret, Error *reterr) {
        Expansion x = { .p = word, .env = env };
        _cleanup_free_ char *quoted = NULL;
        _cleanup_buffer_ Buffer b = {};
        int r;

        r = expand_until(&x, 0, &b);
        if (r == -EINVAL) {
                quoted = quote(word);
                r = error_setf(reterr, ERROR_INVALID, "failed to process \"%s\": %s", strempty(quoted),
                               x.detail ?: x.problem);
        } else if (r < 0)
                error_fill(reterr, r);
        free(x.detail);
        if (r < 0)
                return r;
        *ret = buffer_steal(&b) ?: strdup("");
        return *ret ? 0 : error_fill(reterr, -ENOMEM);
}
