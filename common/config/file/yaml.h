/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML text as a tree of nodes that know where they stand in the file. Only what a configuration
 * needs is read: one document of maps, lists and scalars, without anchors and tags. yaml.c is the
 * one file that knows libfyaml.
 */
#ifndef COMMON_CONFIG_FILE_YAML_H
#define COMMON_CONFIG_FILE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/str.h"

/* Bounds on what is read; beyond them the text is refused. */
#define YAML_DEPTH_MAX 16
#define YAML_MAP_MAX 1000    /* entries of one map */
#define YAML_LIST_MAX 100000 /* entries of one list */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind; /* what it is */
    int line;            /* of its first character, from 1 */
    int column;          /* of its first character, from 1 */
    struct str text;     /* of a scalar: NUL-terminated, without NUL inside; else STR_NULL */
    bool plain;          /* True for a scalar without quotes: it may be null, true or a number */
    struct yaml_node *first; /* the first entry of a list, or the first value of a map */
    struct yaml_node
        *next;             /* the entry after this one, in the order of the file; NULL at the end */
    struct yaml_node *key; /* the key, a scalar, of what is the value of a map; else NULL */
    size_t count;          /* entries of a list or a map */
};

/* Parses a text; the tree lives in the arena. file is the name for messages. Returns
 * STATUS_INVALID, with a message `FILE:LINE:COLUMN: …`, when the text is no YAML or is beyond these
 * bounds. */
int yaml_parse(struct arena *arena, struct str text, const char *file, struct yaml_node **out,
               struct error *err);

/* The value of a key of a map; NULL when node is NULL, no map, or has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);

/* True for `null`, `~`, and nothing after the colon. */
bool yaml_is_null(const struct yaml_node *node);

/* Reads a plain true or false, and a plain finite number as JSON writes it. Both return false and
 * leave *out alone for anything else. */
bool yaml_as_bool(const struct yaml_node *node, bool *out);
bool yaml_as_number(const struct yaml_node *node, double *out);

#endif
