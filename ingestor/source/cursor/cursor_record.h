/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one batch delivered, in its order; it is the batch's record in the journal, and the piece
 * that it adds to the state:
 *
 *   [number, ordinal, position, [id, …], [id, time, key, …], [id, time, key, …], [id, …]]
 *            the last   after     in order   late              ahead               passed
 *            one before
 *
 * Each of the first three kinds got the next ordinal. `passed` were ahead, and were delivered
 * before. Where all ids in order are empty, the rows lay so far behind that they are never met
 * again, and the position is the floor.
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_RECORD_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "ingestor/source/cursor/cursor_row.h"

enum cursor_kind { CURSOR_IN_ORDER, CURSOR_LATE, CURSOR_AHEAD, CURSOR_PASSED, CURSOR_KINDS };

/* A record that is being made. Zero-initialised: empty. */
struct cursor_draft {
    struct buf lists[CURSOR_KINDS]; /* the items of each list, encoded */
    size_t counts[CURSOR_KINDS];    /* of items */
};

/* Adds a row; kinds come in the order of the enum, but for those that are passed. key: NULL unless
 * it is late or ahead. */
void cursor_draft_add(struct cursor_draft *draft, enum cursor_kind kind, struct str id,
                      const struct cursor_key *key);
/* Adds a row in order whose id is empty. */
void cursor_draft_add_settled(struct cursor_draft *draft);
bool cursor_draft_empty(const struct cursor_draft *draft);
void cursor_draft_clear(struct cursor_draft *draft);
void cursor_draft_free(struct cursor_draft *draft);

/* Appends the record. position: encoded. */
void cursor_draft_put(const struct cursor_draft *draft, uint64_t number, uint64_t ordinal,
                      struct str position, struct buf *out);

/* A record as it was read. Borrows. */
struct cursor_record {
    uint64_t number;          /* of the record; they grow */
    uint64_t ordinal;         /* of the last row that was delivered with it */
    const mp_value *position; /* the mark of the position; within the record's document */
    const mp_value
        *lists[CURSOR_KINDS]; /* by cursor_kind: the rows delivered; within the record's document */
};

/* False when the value is no record. */
bool cursor_record_read(const mp_value *value, struct cursor_record *out);

/* The i-th row of a list; false when there is none. *key is set for those that are late or ahead.
 */
bool cursor_record_at(const struct cursor_record *record, enum cursor_kind kind, size_t i,
                      struct str *id, struct cursor_key *key);

/* True when its rows are never met again. */
bool cursor_record_is_settled(const struct cursor_record *record);

/* Which ordinal the i-th row of a list got; not for those that are passed. */
uint64_t cursor_record_ordinal(const struct cursor_record *record, enum cursor_kind kind, size_t i);

/* The ordinal of the last one. */
uint64_t cursor_record_last(const struct cursor_record *record);

#endif
