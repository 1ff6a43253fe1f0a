/* SPDX-License-Identifier: Apache-2.0 */
/* The option table: one row for each flag and daemon.json key, and what can be done with a row.
 * Everything that knows options reads these rows: flags, file, merge, --help, man pages, reload, state
 * dump. */
#pragma once

#include "basic/error.h"
#include "basic/string-util.h"
#include "json/json-value.h"
#include "main/config.h"

/* How a value of one type is read, shown and compared. The member is the field of Config the row names. */
typedef struct Option Option;
typedef struct OptionKind {
        const char *type_name;          /* as --help shows it; "" for booleans */
        bool no_argument;               /* --flag alone means --flag=true */
        bool repeatable;                /* each further value adds */

        /* One value in its text form. Lists and maps append. */
        int (*set)(const Option *o, void *member, const char *text, Error *reterr);
        /* The value of the key in daemon.json: replaces what is there. */
        int (*set_json)(const Option *o, void *member, const JsonValue *v, Error *reterr);
        /* As Docker prints it where a flag and a key collide: Go's %v. */
        int (*format)(const void *member, Buffer *b);
        bool (*equal)(const void *a, const void *b);
        void (*clear)(void *member);
        size_t size;                    /* of the member */
} OptionKind;

typedef enum OptionFlags {
        OPTION_RELOADABLE  = 1 << 0,    /* SIGHUP changes it in place */
        OPTION_LATER       = 1 << 1,    /* not there yet: refused when it differs from the default */
        OPTION_NO_FILE     = 1 << 2,    /* no key in daemon.json */
        OPTION_NO_FLAG     = 1 << 3,    /* only a key in daemon.json */
        OPTION_HIDDEN      = 1 << 4,    /* not in --help */
        OPTION_BOTH        = 1 << 5,    /* may be given as flag and in the file: the values add up */
        OPTION_SECRET      = 1 << 6,    /* may hold credentials: masked wherever it is shown */
        OPTION_VERB        = 1 << 7,    /* makes dockerd print something and exit */
        OPTION_WHOLE_TEXT  = 1 << 8,    /* the message of .check needs no "invalid NAME: " before it */
} OptionFlags;

struct Option {
        const char *flag;               /* without the dashes; with OPTION_NO_FLAG the key */
        char shorthand;
        const char *key;                /* in daemon.json, where it is not the flag */
        const char *section;            /* object of daemon.json that holds the key: "proxies" */
        const OptionKind *kind;
        size_t offset;                  /* of the member in Config */
        const char *value;              /* default, as kind->set() reads it; NULL = empty, false, 0 */
        OptionFlags flags;
        const char *word;               /* type name in --help, if it is not the kind's */
        const char *help;               /* one sentence without full stop */
        const char *manual;             /* further sentences for the man page */
        /* Of one value, after its type was found right. */
        int (*check)(const char *value, Error *reterr);
};

extern const Option option_table[];
extern const size_t option_table_size;

extern const OptionKind option_kind_bool, option_kind_int, option_kind_int64, option_kind_bytes,
        option_kind_string, option_kind_list, option_kind_map, option_kind_bool_map, option_kind_map_map,
        option_kind_runtimes,
        option_kind_ulimits, option_kind_pools, option_kind_object;

static inline const char *option_key(const Option *o) {
        return o->key ?: o->flag;
}

static inline size_t option_index(const Option *o) {
        return (size_t) (o - option_table);
}

static inline void *option_member(const Option *o, Config *c) {
        return (char *) c + o->offset;
}

static inline const void *option_member_const(const Option *o, const Config *c) {
        return (const char *) c + o->offset;
}

/* NULL if there is none. */
const Option *option_by_flag(const char *name, size_t length);
const Option *option_by_shorthand(char c);
const Option *option_by_key(const char *section, const char *key);

#define FOREACH_OPTION(o) for (const Option *o = option_table; o < option_table + option_table_size; o++)

/* Sets the default. */
int option_reset(const Option *o, Config *c, Error *reterr);
/* A value from one source: the first one of a repeatable option replaces the default, further ones add. */
int option_set(const Option *o, Config *c, ConfigSource source, const char *text, Error *reterr);
int option_set_json(const Option *o, Config *c, const JsonValue *v, Error *reterr);
bool option_equal(const Option *o, const Config *a, const Config *b);
/* Exchanges the values of two configurations. */
void option_swap(const Option *o, Config *a, Config *b);
/* As text; secrets masked. Never NULL but when memory is out. */
char *option_format(const Option *o, const Config *c);

/* "http://user:secret@host" -> "http://xxxxx:xxxxx@host"; NULL when memory is out. */
char *mask_url_credentials(const char *url);
