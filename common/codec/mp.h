/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack: writing and reading. Together with mp_patch.c the only room that knows msgpack-c.
 *
 * The folder common/codec is about the two notations that Tilewire speaks, MessagePack between
 * programs and JSON to browsers and from rows. It stands on common/base alone, and knows neither
 * tiles nor messages.
 *
 *   mp_check   refuses bytes that are not well-formed
 *   mp         writes and reads values
 *   mp_patch   finds and applies the difference between two values
 *   json       writes values as JSON, and reads JSON
 *
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * Pure. A struct buf or mp_doc belongs to one thread at a time.
 */
#ifndef COMMON_CODEC_MP_H
#define COMMON_CODEC_MP_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/codec/mp_check.h"

/* ---- Writing: each function appends one value, or the head of a container, to the buffer. ---- */

void mp_put_nil(struct buf *out);
void mp_put_bool(struct buf *out, bool value);
void mp_put_int(struct buf *out, int64_t value);
void mp_put_uint(struct buf *out, uint64_t value);
/* Writes an integer where the number is one and its magnitude is below 2^53, so that 12.0 becomes
 * 12. A number that is not finite becomes nil. */
void mp_put_number(struct buf *out, double value);
/* Writes text from outside: bytes that are not UTF-8 become U+FFFD, and STR_NULL becomes nil. */
void mp_put_str(struct buf *out, struct str text);
/* Writes text that is known to be UTF-8. */
void mp_put_utf8(struct buf *out, struct str text);
/* Writes text of our own. Inline, because the length of most of it is known when it is compiled. */
static inline void mp_put_text(struct buf *out, const char *text)
{
    mp_put_utf8(out, str_of(text));
}
/* The caller puts `count` values behind this. */
void mp_put_array(struct buf *out, size_t count);
/* The caller puts `count` pairs of a key and a value behind this. */
void mp_put_map(struct buf *out, size_t count);
void mp_put_bin(struct buf *out, struct str data);
/* The caller appends `len` bytes behind this. */
void mp_put_bin_header(struct buf *out, size_t len);

/*
 * A map whose number of members is known only at the end. It is as if mp_put_map had begun it, so
 * that equal values have equal bytes; what is behind its head moves for that when it is closed.
 *
 *     struct mp_open_map map = mp_open_map(out);
 *     … for each pair: put the key, put the value, map.count++ …
 *     mp_close_map(out, map);
 */
struct mp_open_map {
    size_t at;    /* offset of the map's head in the buffer */
    size_t count; /* pairs so far, which the caller counts; at most UINT32_MAX */
};
struct mp_open_map mp_open_map(struct buf *out);
void mp_close_map(struct buf *out, struct mp_open_map map);

/* ---- Reading ---- */

typedef struct msgpack_object mp_value;

/* A parsed message. Its tree points into the bytes that it was parsed from, which must stay as they
 * are for as long as the tree is used. A document may be used again: the next mp_parse frees the
 * tree before. */
struct mp_doc {
    msgpack_zone zone; /* owns the tree's nodes */
    mp_value root;     /* nil before the first mp_parse, and after one that failed */
};

/* Makes an empty document, which the caller frees with mp_doc_free. */
void mp_doc_init(struct mp_doc *doc);

/* Frees the document's tree; values that were read from it end with it. */
void mp_doc_free(struct mp_doc *doc);

/* Parses exactly one value that takes up all the bytes. Returns STATUS_INVALID when they are not
 * mp_valid. Nothing is allocated before they are known to be, so memory is bounded by a small
 * multiple of len. */
int mp_parse(struct mp_doc *doc, const void *data, size_t len);

/* Returns the member of a map, or NULL when map is NULL, is no map, or has no such member. Takes
 * time in proportion to the members before it. */
const mp_value *mp_get(const mp_value *map, const char *key);

/* Returns the element with that index of an array, or NULL when there is none. */
const mp_value *mp_at(const mp_value *array, size_t index);

/* True for nil, and for NULL. */
bool mp_is_nil(const mp_value *value);
/* True for a map; false for NULL. */
bool mp_is_map(const mp_value *value);
/* True for an array; false for NULL. */
bool mp_is_array(const mp_value *value);

/* Returns the number of a map's members or of an array's elements, and 0 for anything else. */
size_t mp_count(const mp_value *value);

/* Each of these returns false, and leaves *out alone, when value is NULL or of another type, or
 * outside the range of *out. Text and bytes are borrowed from what the value was parsed from. */
bool mp_as_str(const mp_value *value, struct str *out);
bool mp_as_bin(const mp_value *value, struct str *out);
bool mp_as_int(const mp_value *value, int64_t *out);
bool mp_as_uint(const mp_value *value, uint64_t *out);
bool mp_as_number(const mp_value *value, double *out);
bool mp_as_bool(const mp_value *value, bool *out);

/* Appends a copy of the value, unchanged. */
void mp_put_value(struct buf *out, const mp_value *value);

#endif
