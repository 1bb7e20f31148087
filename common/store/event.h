/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of the user's events table, as a source reads it and the fold sees it.
 *
 * Everything is borrowed from the source's row buffer and valid only during the call that passes
 * the event; who needs it longer copies it.
 */
#ifndef COMMON_STORE_EVENT_H
#define COMMON_STORE_EVENT_H

#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/str.h"

/* A column that the user added to the mapping. */
struct event_extra {
    const char *name; /* as configured; owned by the configuration */
    struct str value; /* as text; STR_NULL for SQL NULL */
};

struct event {
    int64_t id;
    uint64_t ordinal;      /* place in the delivery order: n of the wire */
    wall_time timestamp;   /* of the row: event time */
    wall_time arrival;     /* when the ingestor read it */
    struct str event_type; /* never STR_NULL */
    struct str actor_id;   /* STR_NULL where the column is missing or NULL; so are the next three */
    struct str target_id;
    struct str summary;
    struct str payload; /* JSON text, not parsed yet */
    const struct event_extra *extras;
    size_t extra_count;
};

#endif
