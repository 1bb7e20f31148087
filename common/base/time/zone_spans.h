/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone as a table of spans with one offset each. zone_file.c makes it from the rules, zone.c
 * looks things up. Nobody else includes it.
 *
 *   span        0            1              2                    count - 1
 *        ──────────────┬────────────┬───────────────┬─ … ─┬───────────────────►
 *   from  INT64_MIN    │                                  │        limit_us
 *
 * The rules that hold in the end repeat with the calendar, every 400 years. So the table ends 400
 * years after they began to hold, and what comes later is looked up in these last 400 years.
 */
#ifndef COMMON_BASE_TIME_ZONE_SPANS_H
#define COMMON_BASE_TIME_ZONE_SPANS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/error.h"

#define ZONE_CYCLE_YEARS 400
#define ZONE_CYCLE_US (INT64_C(146097) * 86400000000)

/* The greatest offset that a file may have (RFC 8536 recommends less). */
#define ZONE_OFFSET_MAX_US (INT64_C(26) * 3600000000)

struct zone_span {
    int64_t from_us;   /* the instant at which it begins; INT64_MIN for the first */
    int64_t offset_us; /* local time less UTC */
};

struct zone {
    size_t count;                  /* of spans, at least 1 */
    const struct zone_span *spans; /* The spans, oldest first; the first one begins at INT64_MIN. */
    int64_t limit_us; /* where the table ends; INT64_MAX when the last span goes on for ever */
    /* The span that was asked for last, where the next search begins. It is no more than a hint, so
     * threads write it as they like. */
    atomic_uint *last;
};

/* Makes a zone of the content of a file. STATUS_INVALID, with a message, when it is none. */
int zone_read(const unsigned char *data, size_t len, struct arena *memory, struct zone *out,
              struct error *err);

#endif
