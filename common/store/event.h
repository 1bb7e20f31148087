/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of the user's events table, as a source reads it and the fold sees it. The names and the
 * order of its columns are in common/base/event_fields.h.
 *
 * Everything is borrowed from the source's row buffer and is valid only during the call that passes
 * the event; whoever needs it longer copies it.
 */
#ifndef COMMON_STORE_EVENT_H
#define COMMON_STORE_EVENT_H

#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/wire/event_id.h"

/* The value of a column that the user added to `source.columns`. */
struct event_extra {
    const char *name; /* of the field, as configured; owned by the configuration */
    struct str value; /* as text; STR_NULL for SQL NULL */
};

struct event {
    struct event_id id;    /* what the source calls it */
    unsigned source;       /* which entry of `sources` it is of, from 0 */
    uint64_t ordinal;      /* its place in the delivery order; `n` on the wire */
    wall_time timestamp;   /* event time, as the row has it */
    wall_time arrival;     /* when the ingestor read the row */
    uint64_t redelivered;  /* the origin in which it came again, though it may have been delivered
                              before in another order; 0: that cannot be */
    struct str event_type; /* never STR_NULL */

    /* Each of these is STR_NULL where the table lacks the column or the row has NULL. */
    struct str actor_id;
    struct str target_id; /* what it is about, such as the order or the ticket */
    struct str summary;   /* a sentence for people */
    struct str payload;   /* JSON text, not parsed yet */

    const struct event_extra *extras; /* in the order of the configuration */
    size_t extra_count;               /* how many there are; 0 to CONFIG_EXTRAS_MAX */
};

#endif
