/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML text as a tree of nodes that know where they stand in the file. Only what a configuration
 * needs: one document of maps, lists and scalars; no anchors, no tags. config_yaml.c is the one
 * file that knows libfyaml.
 */
#ifndef COMMON_CONFIG_YAML_H
#define COMMON_CONFIG_YAML_H

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
    enum yaml_kind kind;
    int line; /* of its first character, from 1; so is column */
    int column;
    struct str text;         /* of a scalar, NUL-terminated and without NUL inside; else STR_NULL */
    bool plain;              /* a scalar without quotes: may mean null, a boolean or a number */
    struct yaml_node *first; /* entries of a list; values of a map in the order of the file */
    struct yaml_node *next;  /* the entry after this one */
    struct yaml_node *key;   /* of a map's entry: its key, a scalar */
    size_t count;            /* entries */
};

/* Parses a text; the tree lives in the arena. file is the name for messages. STATUS_INVALID and a
 * message `FILE:LINE:COLUMN: …` when it is no YAML, or beyond what is said above. */
int yaml_parse(struct arena *arena, struct str text, const char *file, struct yaml_node **out,
               struct error *err);

/* The value of a key of a map; NULL when node is NULL, no map, or has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key);

bool yaml_is_null(const struct yaml_node *node); /* `null`, `~`, or nothing after the colon */
/* False, and *out left alone, when the node is not a plain true or false, or not a plain finite
 * number as JSON writes them. */
bool yaml_as_bool(const struct yaml_node *node, bool *out);
bool yaml_as_number(const struct yaml_node *node, double *out);

#endif
