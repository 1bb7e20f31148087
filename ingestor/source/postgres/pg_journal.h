/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journal records of the PostgreSQL source: what of the order of delivery a later look at the table
 * could not tell. A record describes one look, as it was delivered:
 *
 *   [number, before, after, fence, since, [first, last, first, last, …], ordinal, [id, …], ceiling]
 *
 * The rows in (before, after] came first, but for those in the holes first..last; then the late
 * rows, with the ordinals from `ordinal` on.
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_JOURNAL_H
#define INGESTOR_SOURCE_POSTGRES_PG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/codec/mp.h"

struct pg_record {
    uint64_t number; /* one more than that of the record before */
    int64_t before;  /* position before the look, and after it */
    int64_t after;
    uint64_t fence; /* of the holes */
    wall_time since;
    const mp_value *holes; /* array of first, last; ascending */
    uint64_t ordinal;      /* of the first late row */
    const mp_value *late;  /* array of ids, in the order of delivery */
    uint64_t ceiling;      /* no ordinal above it is used before the next record is on disk */
};

/* What goes into a record's arrays, gathered while a look is taken. Zero-initialised: nothing. */
struct pg_look {
    struct buf holes;
    size_t hole_count;
    wall_time since; /* of the last hole */
    struct buf late;
    size_t late_count;
    uint64_t ordinal; /* of the first late row */
};

void pg_look_clear(struct pg_look *look);
void pg_look_free(struct pg_look *look);
void pg_look_hole(struct pg_look *look, int64_t first, int64_t last, wall_time since);
void pg_look_late(struct pg_look *look, int64_t id, uint64_t ordinal);

/* Appends a record; its `holes`, `since`, `ordinal` and `late` are those of the look. */
void pg_record_put(struct buf *out, const struct pg_record *record, const struct pg_look *look);

/* Records to be gone through again after a crash. Zero-initialised: none. */
struct pg_journal {
    struct mp_doc doc; /* an array of records */
    struct buf bytes;  /* that the doc points into */
    size_t at;
};

/* Takes a copy of the records, which are one behind the other. False when they cannot all be read,
 * or when one is missing among those above `number`; there are none then. */
bool pg_journal_load(struct pg_journal *journal, struct str records, uint64_t number);
void pg_journal_free(struct pg_journal *journal);

/* The next record whose number is above `number` and that begins at `position` or above; false:
 * none. It stays the next one until pg_journal_advance. */
bool pg_journal_next(struct pg_journal *journal, uint64_t number, int64_t position,
                     struct pg_record *out);
void pg_journal_advance(struct pg_journal *journal);

/* Is the id in one of the record's holes? */
bool pg_record_misses(const struct pg_record *record, int64_t id);

/* The i-th hole of the record; false when there is none. */
bool pg_record_hole(const struct pg_record *record, size_t i, int64_t *first, int64_t *last);

#endif
