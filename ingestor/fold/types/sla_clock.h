/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of an item whose time can stand still, or goes on when the item is opened again: the
 * row that it counts from, and the rows that stop it and let it run since.
 *
 *     opened        pauses          resumes                  due
 *       ├─────────────┤                ├──────────────────────┤
 *           runs          stands still           runs              the parts that run are `within`
 *
 * The rows are kept in the order of their timestamps and ids, however they come, so the deadline
 * depends on which they are alone. A row that stops a clock that stands still changes nothing, but
 * is kept: another one may come late that lies between the two.
 *
 * Memory: 32 bytes for each of these rows, and the id where it is a text. The latest SLA_MARKS_MAX
 * of them are kept, which are the same ones in any order; earlier ones are as if they had never
 * been.
 */
#ifndef INGESTOR_FOLD_TYPES_SLA_CLOCK_H
#define INGESTOR_FOLD_TYPES_SLA_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"
#include "ingestor/fold/rank.h"

#define SLA_MARKS_MAX                                                                              \
    64 /* rows that stop an item's clock or let it run; earlier ones are dropped */

/* A row that stops the clock, or lets it run. */
struct sla_mark {
    struct rank at; /* the row */
    bool pauses;    /* it stops the clock */
};

struct sla_clock {
    struct rank from;       /* the row that it counts from; RANK_NONE: there is none yet */
    int64_t within_us;      /* how long it runs; 0: the deadline is due_us */
    int64_t due_us;         /* the deadline that the row says; INT64_MAX: none */
    struct sla_mark *marks; /* owned, in the order of the rows */
    size_t count;           /* how many there are: 0 to SLA_MARKS_MAX */
    size_t cap;             /* how many there is room for */
};

/* A clock that counts from nothing yet. */
struct sla_clock *sla_clock_create(void);

/* *clock may be NULL, and is after that. */
void sla_clock_destroy(struct sla_clock **clock);

/* True when the clock counts from no row yet, or from one that comes after that of the event. */
bool sla_clock_is_later(const struct sla_clock *clock, const struct event *event);

/* The clock counts from the event from now on. within_us and due_us are those of the struct. */
void sla_clock_count_from(struct sla_clock *clock, const struct event *event, int64_t within_us,
                          int64_t due_us);

/* The event, which has not come before, stops the clock or lets it run. Returns false when one of
 * more than SLA_MARKS_MAX was dropped. */
bool sla_clock_mark(struct sla_clock *clock, const struct event *event, bool pauses);

/* Drops the marks before that row, for a clock that will never count from an earlier one. */
void sla_clock_forget_before(struct sla_clock *clock, const struct rank *row);

/* The deadline, in µs since 1970. INT64_MAX when there is none; then *paused says whether that is
 * because the clock stands still. */
int64_t sla_clock_due(const struct sla_clock *clock, const struct tile_config *config,
                      bool *paused);

/* Appends the clock as one value. */
void sla_clock_save(const struct sla_clock *clock, struct buf *out);

/* A clock that was saved; NULL when the value is none. */
struct sla_clock *sla_clock_load(const mp_value *saved);

#endif
