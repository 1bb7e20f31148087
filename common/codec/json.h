/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259): reading the payloads of rows and what clients send, and writing what browsers
 * get. json.c is the only file that knows jansson.
 *
 * Pure. A document belongs to one thread at a time.
 */
#ifndef COMMON_CODEC_JSON_H
#define COMMON_CODEC_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/str.h"
#include "common/codec/json_number.h" // IWYU pragma: export
#include "common/codec/mp.h"

/* ---- Writing ---- */

/* Appends text as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, and absent
 * text becomes the empty string. */
void json_write_string(struct buf *out, struct str text);

/* Appends a MessagePack value as compact JSON, with the members in their order. Integers are
 * written exactly, other numbers as json_number_text does, in JSON's form. bin becomes null, and
 * members whose key is not a string are left out. */
void json_write_value(struct buf *out, const mp_value *value);

/* ---- Reading ---- */

/* Any JSON value. It is owned by the document that it is part of, and valid as long as that. */
struct json_value;

/*
 * Parses a text, and stores the root of its document, which the caller frees with json_free.
 * STATUS_FULL when the text has more than max_bytes, and STATUS_INVALID when it is not JSON, is
 * absent, or has a NUL character in a string; *out is NULL then. When a number is too large for
 * int64, all numbers are read as doubles.
 */
int json_parse(struct str text, size_t max_bytes, struct json_value **out);

/*
 * The same for texts of others, such as payloads: what cannot be held costs its member and not the
 * document. A string with half a surrogate pair, a NUL character or bytes that are not UTF-8, a
 * number with a fraction or exponent that no double can hold, and what is nested deeper than
 * jansson reads are there, but unusable: no json_as_… gives them. An integer that int64 cannot hold
 * is a number, but no integer; json_as_digits gives it as it is written. A member whose name is
 * such a string cannot be found. Takes up to four times the text's bytes besides the document.
 */
int json_parse_usable(struct str text, size_t max_bytes, struct json_value **out);

/* The same for what others signed: a member that is there twice makes it STATUS_INVALID, since two
 * readers could each take another one for it. */
int json_parse_strict(struct str text, size_t max_bytes, struct json_value **out);

/* The same as json_parse_usable, for what people write by hand: err says what is wrong, and where.
 */
int json_parse_explained(struct str text, size_t max_bytes, struct json_value **out,
                         struct error *err);

/* Frees the document. root may be NULL. */
void json_free(struct json_value *root);

/* The value at a path of member names joined by dots, as in `a.b.c`; an item of a list has its
 * index as its name, as in `a.0.c`. "" is the root. NULL when there is none, and when root is NULL.
 */
const struct json_value *json_at(const struct json_value *root, struct str path);

/* The member of a map with just that name, which may have dots in it. NULL when there is none, and
 * when map is no map. */
const struct json_value *json_member(const struct json_value *map, struct str name);

/* Each of these returns false, and leaves *out alone, when value is NULL or of another type. Text
 * is borrowed from the document. A number that is written with a fraction is no integer, even 1.0.
 */
bool json_as_str(const struct json_value *value, struct str *out);
bool json_as_number(const struct json_value *value, double *out);
bool json_as_int(const struct json_value *value, int64_t *out);
bool json_as_bool(const struct json_value *value, bool *out);
/* An integer of json_parse_usable that int64 cannot hold, as it is written. */
bool json_as_digits(const struct json_value *value, struct str *out);

/* True for a value that is there, but that json_parse_usable could not hold. */
bool json_is_unusable(const struct json_value *value);

/* True for null, and for NULL. */
bool json_absent(const struct json_value *value);
/* These two are false for NULL. */
bool json_is_map(const struct json_value *value);
bool json_is_list(const struct json_value *value);

/* Calls `each` for every member of a map, in order, until it returns false. */
void json_each(const struct json_value *map,
               bool (*each)(void *arg, struct str name, const struct json_value *value), void *arg);

/* Calls `each` for every item of a list, in order, until it returns false. */
void json_each_item(const struct json_value *list,
                    bool (*each)(void *arg, const struct json_value *item), void *arg);

/* Appends a value as MessagePack. Members of maps that are null are left out, as mp_patch.h wants
 * it, and so are unusable ones. What is nested deeper than MP_MAX_DEPTH / 2 is left out of a map,
 * and becomes nil in a list, so that the result still fits into a message. */
void json_to_mp(struct buf *out, const struct json_value *value);

#endif
