/* SPDX-License-Identifier: Apache-2.0 */
#include "main/help.h"

#include <config.h> /* the build's: with quotes it would be the one beside this file */

#include "main/option.h"

#define HELP_COLUMNS 79U

static const char *type_word(const Option *o) {
        return o->word ?: o->kind->type_name;
}

/* "  -b, --bridge string" */
static char *help_left(const Option *o) {
        char *s;

        if (asprintf_safe(&s, "  %s%.*s%s--%s%s%s", o->shorthand ? "-" : " ", 1,
                          o->shorthand ? &o->shorthand : " ", o->shorthand ? ", " : "  ", o->flag,
                          type_word(o)[0] ? " " : "", type_word(o)) < 0)
                return NULL;
        return s;
}

/* Text of a string is quoted, empty values are not shown: as Docker's commands do. */
static char *help_right(const Option *o) {
        bool quote = o->kind == &option_kind_string && !o->word;
        char *s;
        int r;

        if (!o->value || streq(o->value, "false"))
                r = asprintf_safe(&s, "%s", o->help);
        else
                r = asprintf_safe(&s, "%s (default %s%s%s)", o->help, quote ? "\"" : "", o->value,
                                  quote ? "\"" : "");
        return r < 0 ? NULL : s;
}

/* Fills lines up to HELP_COLUMNS; all but the first begin at the column. */
static void print_wrapped(FILE *f, const char *text, size_t column) {
        size_t room = HELP_COLUMNS - column;

        for (;;) {
                size_t n = strlen(text);

                if (n > room) {
                        n = room;
                        while (n > 0 && text[n] != ' ')
                                n--;
                        if (n == 0)
                                n = strcspn(text, " ");
                }
                fprintf(f, "%.*s\n", (int) n, text);
                text += n;
                while (*text == ' ')
                        text++;
                if (!*text)
                        return;
                fprintf(f, "%*s", (int) column, "");
        }
}

static bool in_help(const Option *o) {
        return !(o->flags & (OPTION_HIDDEN | OPTION_NO_FLAG));
}

void help_print(FILE *f) {
        size_t column = 0;

        FOREACH_OPTION(o) {
                _cleanup_free_ char *left = in_help(o) ? help_left(o) : NULL;

                column = left ? max_size(column, strlen(left) + 3) : column;
        }
        fputs("Usage:  dockerd [OPTIONS]\n\nA Docker Engine for systemd hosts.\n\nOptions:\n", f);
        FOREACH_OPTION(o) {
                _cleanup_free_ char *left = NULL, *right = NULL;

                if (!in_help(o))
                        continue;
                left = help_left(o);
                right = help_right(o);
                if (!left || !right)
                        return;
                fprintf(f, "%-*s", (int) column, left);
                print_wrapped(f, right, column);
        }
}

void version_print(FILE *f) {
        fprintf(f, "dockerd version %s, build %s\n", PROJECT_VERSION, PROJECT_COMMIT);
}

/* --- dumps --- */

static void dump_text(FILE *f) {
        FOREACH_OPTION(o)
                fprintf(f, "%s\t%s\t%s%s%s\t%s\t%s\t%s%s\n", o->flags & OPTION_NO_FLAG ? "-" : o->flag,
                        (char[]){ o->shorthand ?: '-', 0 },
                        o->flags & OPTION_NO_FILE ? "-" : strempty(o->section), o->section ? "." : "",
                        o->flags & OPTION_NO_FILE ? "" : option_key(o),
                        type_word(o)[0] ? type_word(o) : "bool", o->value ?: "-",
                        o->flags & OPTION_RELOADABLE ? "reloadable" : "restart",
                        o->flags & OPTION_LATER  ? ",refused" :
                        o->flags & OPTION_HIDDEN ? ",hidden" :
                                                   "");
}

static void dump_paragraph(FILE *f, const Option *o) {
        fprintf(f, "    %s.%s%s\n", o->help, o->manual ? " " : "", strempty(o->manual));
        if (o->value && !streq(o->value, "false"))
                fprintf(f, "    The default is ``%s``.\n", o->value);
        if (o->flags & OPTION_LATER)
                fputs("    Not supported yet: another value than the default is refused.\n", f);
}

static void dump_rst_flags(FILE *f) {
        FOREACH_OPTION(o) {
                if (!in_help(o))
                        continue;
                fputs("``", f);
                if (o->shorthand)
                        fprintf(f, "-%c``, ``", o->shorthand);
                fprintf(f, "--%s``", o->flag);
                if (type_word(o)[0])
                        fprintf(f, " *%s*", type_word(o));
                fputs("\n", f);
                dump_paragraph(f, o);
                fputs("\n", f);
        }
}

static void dump_rst_keys(FILE *f) {
        FOREACH_OPTION(o) {
                if (o->flags & (OPTION_NO_FILE | OPTION_HIDDEN))
                        continue;
                fprintf(f, "``%s%s%s``", strempty(o->section), o->section ? "." : "", option_key(o));
                fprintf(f, " (%s%s)\n", type_word(o)[0] ? type_word(o) : "bool",
                        o->flags & OPTION_RELOADABLE ? ", reloadable" : "");
                if (o->flags & OPTION_NO_FLAG)
                        dump_paragraph(f, o);
                else
                        fprintf(f, "    %s. See ``--%s`` in **dockerd**\\(8).\n", o->help, o->flag);
                fputs("\n", f);
        }
}

static const struct {
        const char *name;
        void (*dump)(FILE *f);
} dump_table[] = {
        { "rst-flags", dump_rst_flags },
        { "rst-keys", dump_rst_keys },
        { "text", dump_text },
};

int options_dump(FILE *f, const char *format, Error *reterr) {
        FOREACH_ELEMENT(d, dump_table)
                if (streq(d->name, format)) {
                        d->dump(f);
                        return 0;
                }
        return error_setf(reterr, ERROR_INVALID,
                          "unknown format \"%s\" (text, rst-flags and rst-keys are known)", format);
}
