/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which order an ingestor delivered the rows, as far as its event log, or a cache's copy of it,
 * tells. A position of a tile is a place in that order, so it says which rows are in the tile:
 *
 *   ordinals   … ≤ floor │  15    16    18    19    21 │
 *   ids        … any     │  12    13    11    14    10 │  15: there, but not delivered yet
 *                        └──── known one by one ───────┘
 *
 * A tile at position 18 has 12, 13 and 11, and all rows that were delivered up to the floor. When
 * the log was read first, the greatest id in it was `newest`: 14. A row that is in the table and
 * not here was not delivered yet if its id is above that. Else it was delivered up to the floor; or
 * it has been committed late, and is not in the log for a moment.
 *
 * Ids that are texts (source.cursor) say nothing of order, and times little, for a row may come
 * late. A row of those that is not here was not delivered yet, if it was not in the table either
 * when that was read first behind the log: what was delivered up to the floor was.
 *
 *   the log, read first      floor │15 16 17 18 …
 *   rows, read behind that    ████████████████████▌           ▌ read again: ████ came since
 *
 * Before the table was read so, a row was not delivered yet if it is younger than the first events.
 *
 * Where they are of streams (orders-3-1042), a stream is delivered in the order of its offsets. A
 * row that is not here was not delivered yet, if one is here that stands before it in its stream.
 *
 * Ids of `sources` are texts NAME-ID, and all of this goes for each source by itself. Where the ids
 * are numbers that commit in any order (PostgreSQL), a row that is not here was not delivered yet
 * if its number is above all that were when the log was read first.
 *
 * What was read once is kept, also when the server's log has dropped it since.
 */
#ifndef CTL_VERIFY_ORDER_H
#define CTL_VERIFY_ORDER_H

#include "ctl/oracle/rows.h"
#include "ctl/peer/peer.h"
#include "ctl/verify/there.h"

#define ORDER_NOT_DELIVERED UINT64_MAX

struct order;

/* A position as a number; what is none is 0. */
uint64_t order_number(struct str position);

/* texts: ids are texts. config, which is borrowed, says whether they are of several sources; NULL:
 * they are not. */
struct order *order_create(bool texts, const struct config *config);
void order_destroy(struct order **order);

/* Brings the order up to date. When the numbering has begun anew, when the server has emptied its
 * log since (its generation is another one), or when the log has dropped what was not read yet,
 * what was known is forgotten, and the floor is another one. newest_id is the greatest id that was
 * in the table when verifying began: rows up to it have to be delivered by now. Fails as peer_ask
 * does, and with STATUS_INVALID when a page cannot be read. */
int order_read(struct order *order, struct peer *peer, int64_t newest_id, struct error *err);

/* Of source.cursor: these rows are all that are in the table, which was read behind the log. Only
 * the first of them since the order was forgotten last are taken. */
void order_note_there(struct order *order, const struct there *there);
bool order_knows_there(const struct order *order);

/* How often it was forgotten: two moments of it can only be compared when this is the same. */
unsigned order_generation(const struct order *order);

uint64_t order_floor(const struct order *order);

/* A row of the oracle's. */
struct order_row {
    int64_t key;         /* oracle_row_key */
    wall_time timestamp; /* of the row */
    uint64_t stream;     /* oracle_row_stream */
    int64_t offset;      /* oracle_row_offset */
    unsigned source;     /* oracle_row_source */
    bool any_order;      /* Rows of its stream are not delivered in the order of their offsets. */
};

/* Ordinal of a row that is in the table; 0 when it is some ordinal up to the floor. */
uint64_t order_of(const struct order *order, const struct order_row *row);

/* True for a row of a stream that is not here, though one from behind it in its stream is, or
 * something behind the newest event was read: so it was read, it may be, and not delivered. With
 * source.dedupe it is a duplicate then, maybe of a row that is gone. */
bool order_has_passed(const struct order *order, const struct order_row *row);

/* False when another row was delivered with that id than the one that is in the table: one with
 * another type, or with a timestamp of another millisecond, which is as much as events tell. */
bool order_is_of(const struct order *order, int64_t key, wall_time timestamp,
                 struct str event_type);

/* How many rows were delivered with ordinals above `after` and up to `last`. after is not below the
 * floor. */
size_t order_count(const struct order *order, uint64_t after, uint64_t last);

#endif
