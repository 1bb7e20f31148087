/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of events that a query asks for, and how much work looking for them may be: an asker
 * must not be able to stop the server, whatever its patterns and whatever the types of the rows.
 *
 * Pure. The patterns are borrowed until the query is answered.
 */
#ifndef COMMON_REPLICA_QUERY_TYPES_H
#define COMMON_REPLICA_QUERY_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/match/matcher.h"
#include "common/codec/mp.h"
#include "common/store/eventlog.h"

/* Patterns, and bytes of all of them, as over HTTP. */
#define QUERY_TYPES_MAX 256
#define QUERY_TYPES_BYTES_MAX 4096

/* Steps of one search: some 5 ms at worst. A step is an event, or one of
 * common/base/match/patterns.h. */
#define QUERY_TYPES_STEPS_MAX 250000

struct query_types {
    struct matcher *matcher; /* says if a type is asked for; owned */
    uint64_t steps;          /* Since the search began, but for those of the matcher. */
    uint64_t matcher_before; /* The matcher's steps when it began. */
};

/* Takes the patterns of a request, NULL for none, which asks for all types. False when they are no
 * array of texts, or beyond the limits. With true the caller frees the types. */
bool query_types_init(struct query_types *types, const mp_value *patterns);
void query_types_free(struct query_types *types);

/* Begins a search: the steps of the one before are forgotten. */
void query_types_begin(struct query_types *types);

/* False when the search has taken its steps: it has to end where it is. */
bool query_types_go_on(const struct query_types *types);

/* True when the event is asked for. */
bool query_types_want(struct query_types *types, const struct eventlog_entry *event);

#endif
