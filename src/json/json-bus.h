/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to and from bus messages. The mapping, both ways:
 *
 *   string  s      true/false  b      integer  x (t above INT64_MAX)      real  d
 *   object  a{sv}  array  av, or as where there are items and each is a string      null  left out
 *
 * Reading is wider: any basic type, o and g (strings), structs and arrays (arrays), ay (base64 text, as
 * JSON carries bytes), dictionaries with string keys (objects). File descriptors have no JSON: -EBADMSG. */
#pragma once

#include <systemd/sd-bus.h>

#include "json/json-type.h"
#include "json/json-value.h"

/* Reads the next complete value of the message, variants unpacked. The caller owns *ret.
 * -EBADMSG: there is no JSON for this type. -ENXIO: no value left. */
int json_bus_read(sd_bus_message *m, JsonValue **ret);

/* Appends the value as one variant. The bus has no null: -EINVAL for NULL. */
int json_bus_append_variant(sd_bus_message *m, JsonValue *v);

/* Appends as the complete type of the signature where the value fits: a basic type, "v", and arrays and
 * dictionaries with string keys of these. Members and items that are null are left out. -EBADMSG: the
 * value does not fit. */
int json_bus_append(sd_bus_message *m, const char *signature, JsonValue *v);

/* Appends a struct as a{sv}, with types that depend on its rows and not on what happens to be inside:
 * integers x (unsigned ones t), times s, lists as or aa{sv}, string maps a{ss}, everything else as above.
 * version selects the rows. */
int json_bus_append_struct(sd_bus_message *m, const JsonType *type, const void *s, unsigned version);
/* n structs in a row as aa{sv}. */
int json_bus_append_list(sd_bus_message *m, const JsonType *type, const void *items, size_t n,
                         unsigned version);

/* The arguments of a call on their way into one object. */
JsonValue *json_bus_object_new(void);
/* Owns v in every case; replaces a member of the same name. */
int json_bus_object_set_consume(JsonValue *object, const char *key, JsonValue *v);
int json_bus_object_set_string(JsonValue *object, const char *key, const char *value);
/* Adds the members of another object; those that are there already (without regard to case) stay if keep
 * is set. */
int json_bus_object_merge(JsonValue *object, const JsonValue *other, bool keep);
/* A member that none of the types (NULL-terminated) has, without regard to case; NULL = there is none.
 * Borrowed from the object. */
const char *json_bus_object_find_unknown(JsonValue *object, const JsonType *const *types);
