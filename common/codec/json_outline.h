/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a JSON text has where, without a document of it: a value is the piece of the text that it is
 * written as. For messages of a bus, each of which is read once, for a few members: reading a
 * topic took three times as long with a document of each.
 *
 *   { "type" : "sold" , "n" : [ 1 , 2 ] }        nodes in the order of the text; each
 *   0    1       2       3    4 5   6            knows where the one behind it is that
 *   └────────────────────────────────► 7         is not within it: 0 ─► 7, 4 ─► 7
 *
 * It takes what json_parse_usable takes, and knows as much of it: a string with half a surrogate
 * pair, U+0000 or bytes that are not UTF-8, and what is nested too deep, are there, but unusable.
 *
 * Pure. An outline belongs to one thread.
 */
#ifndef COMMON_CODEC_JSON_OUTLINE_H
#define COMMON_CODEC_JSON_OUTLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"

#define JSON_OUTLINE_BYTES_MAX ((size_t)16 << 20) /* of a text */

enum json_outline_kind {
    OUTLINE_NULL,
    OUTLINE_BOOL,
    OUTLINE_INTEGER, /* of any size */
    OUTLINE_REAL,    /* a number with a fraction or an exponent */
    OUTLINE_STRING,
    OUTLINE_LIST,
    OUTLINE_MAP, /* Each name is a node before that of its value. */
    OUTLINE_UNUSABLE,
};

struct json_node {
    uint32_t begin; /* bytes into the text; a string with its quotes */
    uint32_t end;   /* bytes into the text; the first one behind it */
    uint32_t next;  /* index of the node behind it and all that is within it */
    uint8_t kind;   /* enum json_outline_kind */
    bool escaped;   /* a string with backslashes */
};

/* Zero-initialised: empty. */
struct json_outline {
    struct str text;         /* borrowed */
    struct json_node *nodes; /* the values, in the order of the text; owned */
    size_t count;            /* how many there are */
    size_t cap;              /* how many there is memory for */
};

/* Reads a text, which has to stay as long as the outline is asked. False when it is not JSON, is
 * absent or too long: then there are no nodes. */
bool json_outline_read(struct json_outline *outline, struct str text);
void json_outline_free(struct json_outline *outline);

/* The root; NULL where nothing was read. */
const struct json_node *json_outline_root(const struct json_outline *outline);

/* The value at a path within another one, as json_at finds it; NULL when there is none, and when
 * node is NULL. Of members of one name the last one counts. */
const struct json_node *json_outline_at(const struct json_outline *outline,
                                        const struct json_node *node, struct str path);

/* True for null, and for NULL. */
bool json_outline_absent(const struct json_node *node);

/* The value as it is written; STR_NULL for NULL. Borrowed from the text. */
struct str json_outline_raw(const struct json_outline *outline, const struct json_node *node);

/* Each of these returns false when node is NULL, or of another kind. A text is borrowed from the
 * outline's or, where it has escapes, stands in `scratch`, which is cleared then. */
bool json_outline_text(const struct json_outline *outline, const struct json_node *node,
                       struct buf *scratch, struct str *out);
bool json_outline_integer(const struct json_outline *outline, const struct json_node *node,
                          int64_t *out);
/* Any number that a double can hold. */
bool json_outline_number(const struct json_outline *outline, const struct json_node *node,
                         double *out);

#endif
