/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journal records of the PostgreSQL source: what of the order of delivery a later poll of the table
 * could not tell. A record describes one poll, as it was delivered:
 *
 *   [number, before, after, fence, since, [first, last, first, last, …], ordinal, [id, …], ceiling]
 *
 * The rows in (before, after] came first, but for those in the holes first..last; then the late
 * rows, with the ordinals from `ordinal` on.
 *
 *   ids       5  7  …  10 │ 11 [12 13] 14 15 16 [17] 18 19 20 │       before = 10, after = 20
 *             └late┘   before              └ holes ┘          after   late = 5, 7
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_PG_JOURNAL_H
#define INGESTOR_SOURCE_POSTGRES_PG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"

struct pg_record {
    uint64_t number;       /* one more than that of the record before */
    int64_t before;        /* position before the poll */
    int64_t after;         /* position after it */
    uint64_t fence;        /* of the holes */
    wall_time since;       /* when the last of the holes began */
    const mp_value *holes; /* array of first, last; ascending */
    uint64_t ordinal;      /* of the first late row; 0: there is none */
    const mp_value *late;  /* array of ids, in the order of delivery */
    uint64_t ceiling;      /* no ordinal above it is used before the next record is on disk */
};

/* What goes into a record's arrays, gathered while a poll's rows are delivered. Zero-initialised:
 * nothing. */
struct pg_draft {
    struct buf holes;  /* first and last of each, encoded */
    size_t hole_count; /* how many there are */
    wall_time since;   /* when the last hole began */
    struct buf late;   /* ids, encoded */
    size_t late_count; /* how many there are */
    uint64_t ordinal;  /* of the first late row */
};

void pg_draft_clear(struct pg_draft *draft);
void pg_draft_free(struct pg_draft *draft);
void pg_draft_hole(struct pg_draft *draft, int64_t first, int64_t last, wall_time since);
void pg_draft_late(struct pg_draft *draft, int64_t id, uint64_t ordinal);

/* Appends a record; its `holes`, `since`, `ordinal` and `late` are those of the draft. */
void pg_record_put(struct buf *out, const struct pg_record *record, const struct pg_draft *draft);

/* Records to be gone through again after a crash. Zero-initialised: none. */
struct pg_journal {
    struct mp_doc doc; /* an array of records */
    struct buf bytes;  /* what the doc points into */
    size_t at;         /* index of the next record */
};

/* Takes a copy of the records, which lie one behind the other. False when they cannot all be read,
 * or when one is missing among those above `number`: the journal is empty then. */
bool pg_journal_load(struct pg_journal *journal, struct str records, uint64_t number);
void pg_journal_free(struct pg_journal *journal);

/* The next record whose number is above `number` and that begins at `position` or above; false:
 * none. It stays the next one until pg_journal_advance. */
bool pg_journal_next(struct pg_journal *journal, uint64_t number, int64_t position,
                     struct pg_record *out);
void pg_journal_advance(struct pg_journal *journal);

/* True when the id is in one of the record's holes. */
bool pg_record_misses(const struct pg_record *record, int64_t id);

/* The i-th hole of the record; false when there is none. */
bool pg_record_hole(const struct pg_record *record, size_t i, int64_t *first, int64_t *last);

#endif
