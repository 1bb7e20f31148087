/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of events that a query asks for, and how much work looking for them may be: an asker
 * must not be able to stop the server, whatever its patterns and whatever the types of the rows.
 * The verdict on a type is remembered, so that the events of a table, which have few types, cost
 * next to nothing.
 *
 * Pure. Types and patterns are borrowed until the query is answered.
 */
#ifndef COMMON_REPLICA_QUERY_TYPES_H
#define COMMON_REPLICA_QUERY_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/str.h"
#include "common/codec/mp.h"

/* Patterns, and bytes of all of them, as over HTTP. */
#define QUERY_TYPES_MAX 256
#define QUERY_TYPES_BYTES_MAX 4096

/* Steps of one search: some 30 ms at worst. A step is an event, a pattern that is tried, or 64
 * pairs of a byte of it with one of the type. */
#define QUERY_TYPES_STEPS_MAX 1000000

#define QUERY_TYPES_KNOWN 64 /* types whose verdicts are remembered */

struct query_types {
    struct str patterns[QUERY_TYPES_MAX];
    size_t count; /* of patterns */
    bool all;     /* There are no patterns: all types are asked for. */
    size_t steps; /* Since the search began. */
    struct {
        struct str type; /* STR_NULL: a free place */
        bool wanted;
    } known[QUERY_TYPES_KNOWN]; /* by the type's hash; the later one of two with one place stays */
};

/* Takes the patterns of a request, NULL for none. False when they are no array of texts, or beyond
 * the limits. */
bool query_types_init(struct query_types *types, const mp_value *patterns);

/* Begins a search: the steps of the one before are forgotten. */
void query_types_begin(struct query_types *types);

/* False when the search has taken its steps: it has to end where it is. */
bool query_types_go_on(const struct query_types *types);

/* True when the type is asked for. */
bool query_types_want(struct query_types *types, struct str type);

#endif
