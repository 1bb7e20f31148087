/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack: writing, reading, and the delta algebra. The only file that knows msgpack-c.
 *
 * The delta algebra is RFC 7396 (JSON Merge Patch) on MessagePack: in a patch, a map merges member
 * by member, nil removes the member, anything else replaces it. As in the RFC, a value cannot hold
 * a member that is nil: values are written without it.
 *
 * https://github.com/msgpack/msgpack/blob/master/spec.md, https://www.rfc-editor.org/rfc/rfc7396
 */
#ifndef COMMON_CODEC_MP_H
#define COMMON_CODEC_MP_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"

/* ---- Writing: each appends one value (or the head of a container) to the buffer. ---- */

void mp_put_nil(struct buf *out);
void mp_put_bool(struct buf *out, bool value);
void mp_put_int(struct buf *out, int64_t value);
void mp_put_uint(struct buf *out, uint64_t value);
/* As an integer where the number is one (and below 2^53), so that 12.0 becomes 12; not finite: nil.
 */
void mp_put_number(struct buf *out, double value);
/* Text from outside: bytes that are not UTF-8 become U+FFFD. STR_NULL becomes nil. */
void mp_put_str(struct buf *out, struct str text);
void mp_put_text(struct buf *out, const char *text);
void mp_put_array(struct buf *out, size_t count); /* count values follow */
void mp_put_map(struct buf *out, size_t count);   /* count pairs of key and value follow */
void mp_put_bin(struct buf *out, struct str data);
void mp_put_bin_header(struct buf *out, size_t len); /* len bytes follow */

/*
 * A map whose number of members is known only at the end:
 *     struct mp_open_map map = mp_open_map(out); … map.count++ for each pair …; mp_close_map(out,
 * map); Costs five bytes where the closed form would cost one to five.
 */
struct mp_open_map {
    size_t at;
    size_t count;
};
struct mp_open_map mp_open_map(struct buf *out);
void mp_close_map(struct buf *out, struct mp_open_map map);

/* ---- Reading ---- */

typedef struct msgpack_object mp_value;

#define MP_MAX_DEPTH 16

/* A parsed message. The tree points into the bytes it was parsed from, which must stay as they are
 * as long as it is used. Reusable: the next mp_parse frees the tree before. */
struct mp_doc {
    msgpack_zone zone;
    mp_value root;
};

void mp_doc_init(struct mp_doc *doc);
void mp_doc_free(struct mp_doc *doc);

/* Parses exactly one value that takes up all the bytes. STATUS_INVALID when it is not well-formed,
 * nests deeper than MP_MAX_DEPTH, or holds what JSON cannot (ext types); nothing is allocated
 * before it is known to be well-formed, so memory is bounded by a small multiple of len. */
int mp_parse(struct mp_doc *doc, const void *data, size_t len);

/* Length of the well-formed value that the bytes begin with; 0 when there is none. */
size_t mp_length(const void *data, size_t len);

/* Is it one well-formed value of len bytes? */
bool mp_valid(const void *data, size_t len);

/* The member of a map, or NULL when value is NULL, no map, or has no such member. */
const mp_value *mp_get(const mp_value *map, const char *key);

/* Element i of an array, or NULL. */
const mp_value *mp_at(const mp_value *array, size_t index);

bool mp_is_nil(const mp_value *value); /* also true for NULL */
bool mp_is_map(const mp_value *value); /* these are false for NULL */
bool mp_is_array(const mp_value *value);
size_t mp_count(const mp_value *value); /* of a map or an array, else 0 */

/* Each returns false, and leaves *out alone, when value is NULL or of another type or range. */
bool mp_as_str(const mp_value *value, struct str *out);
bool mp_as_bin(const mp_value *value, struct str *out);
bool mp_as_int(const mp_value *value, int64_t *out);
bool mp_as_uint(const mp_value *value, uint64_t *out);
bool mp_as_number(const mp_value *value, double *out);
bool mp_as_bool(const mp_value *value, bool *out);

/* Appends the value as it is. */
void mp_put_value(struct buf *out, const mp_value *value);

/* ---- The algebra ---- */

/*
 * Appends the patch that turns `from` into `to`, and returns true; or appends nothing and returns
 * false when they are equal. from may be NULL: then the patch is `to`. Both are without nil
 * members. Linear when both maps list their common members in the same order.
 */
bool mp_diff(struct buf *out, const mp_value *from, const mp_value *to);

/* Appends the result of applying patch to target (NULL: to nothing). A nil patch appends nil. */
void mp_merge(struct buf *out, const mp_value *target, const mp_value *patch);

/* Equal but for the order of members and the encoding of numbers. Numbers that differ relatively by
 * at most tolerance (0 for exactly) are equal. */
bool mp_equal(const mp_value *a, const mp_value *b, double tolerance);

#endif
