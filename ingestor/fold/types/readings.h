/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counters said, each a series of its own, over a sliding window; and by how much they have
 * grown in it. A counter only grows, or begins anew at 0 when its program is started again.
 *
 * Time is cut into slots, as that of a window.h, and of each slot the last reading of a series is
 * kept: it is as if the counter were read once a slot. So what is kept depends on the rows alone,
 * and not on the order in which they come.
 *
 *     now - 2 length                now - length                      now
 *            ├─────────────────────────────┼───────────────────────────┤
 *             100         130           170  │  190       20        50    readings of a series
 *                                       └─20─┴────20────┴──30─────┘       it grew by 70
 *                                                  reset: 20 since
 *
 * The first reading in the window is compared with the one before it, if that is not forgotten:
 * readings are kept for as long as two windows. So nothing is lost between windows.
 *
 * Memory: about 40 bytes for a reading, of which a series has up to 2 length, and at most
 * READINGS_SERIES_MAX series.
 */
#ifndef INGESTOR_FOLD_TYPES_READINGS_H
#define INGESTOR_FOLD_TYPES_READINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/store/event.h"
#include "ingestor/fold/number.h"

#define READINGS_SERIES_MAX 10000
#define READINGS_NAME_MAX 1024 /* bytes; a longer name is cut */

struct series;

struct readings {
    int64_t width_us;     /* of a slot */
    int64_t length;       /* slots of the window */
    int64_t now;          /* the slot that the last advance reached */
    int64_t next;         /* the slot in which something changes without a row; INT64_MAX: none */
    struct series *table; /* uthash by name; owned */
};

enum readings_added {
    READINGS_CHANGED, /* it is kept, and what is shown may be another */
    READINGS_PASSED,  /* it says nothing new: there is a later one, or it is forgotten */
    READINGS_REFUSED, /* it would be of one series more than there may be */
};

/* How much all series have grown. */
struct growth {
    struct number increase; /* beyond all doubles: the largest one */
    size_t series;          /* those with a reading in the window */
    bool known;             /* some reading has one before it; else the increase means nothing */
};

/* Makes what has no series, and stands at now. width_us and length are at least 1. */
void readings_init(struct readings *readings, int64_t width_us, int64_t length, wall_time now);
void readings_finish(struct readings *readings);

/* Adds a reading, whose row is not later than the last advance. */
enum readings_added readings_add(struct readings *readings, struct str name,
                                 const struct event *event, struct number value);

/* Moves on to now; never back. True when what is shown may be another. */
bool readings_advance(struct readings *readings, wall_time now);

/* When advance has something to do next; WALL_NEVER if never. */
wall_time readings_next(const struct readings *readings);

/* Takes time for each reading. */
struct growth readings_growth(const struct readings *readings);

/* Appends [now, [name, [value, us, id], …], …]. */
void readings_save(const struct readings *readings, struct buf *out);

/* Loads what readings_save wrote into what was just initialised. False when the value is nothing of
 * the kind; the rest is then only good for readings_finish. */
bool readings_load(struct readings *readings, const mp_value *value);

#endif
