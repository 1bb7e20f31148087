/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: reading the payloads of rows, and writing what browsers get. The only file that knows
 * jansson.
 */
#ifndef COMMON_CODEC_JSON_H
#define COMMON_CODEC_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/codec/mp.h"

/* ---- Writing ---- */

/* Appends text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_write_string(struct buf *out, struct str text);

/* Appends a MessagePack value as compact JSON, members in their order. bin becomes null; members
 * whose key is no string are left out. Numbers are written with up to 15 significant digits. */
void json_write_value(struct buf *out, const mp_value *value);

/* ---- Reading ---- */

/* Any JSON value. Owned by the document that it is part of. */
struct json_value;

/* Parses a text (up to max_bytes of it, else STATUS_FULL) and stores its root, which the caller
 * frees with json_free. STATUS_INVALID when it is not JSON. Numbers too large for int64 become
 * doubles. */
int json_parse(struct str text, size_t max_bytes, struct json_value **out);
void json_free(struct json_value *root);

/* The value at a path of member names joined by dots, `a.b.c`; "" is the root. NULL when there is
 * none. */
const struct json_value *json_at(const struct json_value *root, struct str path);

/* False, and *out left alone, when value is NULL or of another type. */
bool json_as_str(const struct json_value *value, struct str *out);
bool json_as_number(const struct json_value *value, double *out);
bool json_as_int(const struct json_value *value, int64_t *out); /* integers only */
bool json_as_bool(const struct json_value *value, bool *out);
bool json_absent(const struct json_value *value); /* also true for NULL */
bool json_is_map(const struct json_value *value);
bool json_is_list(const struct json_value *value);

/* Calls each for every member of a map, in order, until it returns false. */
void json_each(const struct json_value *map,
               bool (*each)(void *arg, struct str name, const struct json_value *value), void *arg);

/* The same for every item of a list. */
void json_each_item(const struct json_value *list,
                    bool (*each)(void *arg, const struct json_value *item), void *arg);

/* Appends a value as MessagePack; null members of maps are left out, as mp.h wants it. Nesting
 * deeper than MP_MAX_DEPTH / 2 becomes nil. */
void json_to_mp(struct buf *out, const struct json_value *value);

#endif
