/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows a tile was made of, in 16 bytes: how many they are, and a digest of them that does not
 * depend on their order. Who has rows can tell whether they are exactly those: `tilewire verify`
 * learns so that a row is gone from the table, or is not in the tile. A row has a place in it by
 * its id, its timestamp and its type, so that another row that gets the same id is told from it.
 *
 * The digest is the sum of one number for each row. It withstands accidents, and not those who
 * choose their rows.
 *
 * Pure.
 */
#ifndef COMMON_WIRE_TALLY_H
#define COMMON_WIRE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/wire/event_id.h"

/* Zeroed memory is not known; {.known = true} has no rows. */
struct tally {
    bool known;      /* False: it was not counted, and the rest means nothing. */
    uint64_t rows;   /* how many */
    uint64_t digest; /* the sum of what tally_of_row gives for each, modulo 2^64 */
};

/* What stands for an id in a tally: the number, or a digest of the text. */
int64_t tally_id(struct event_id id);

/* What one row adds to the digest. */
uint64_t tally_of_row(int64_t id, wall_time timestamp, struct str event_type);

/* Adds a row to a tally that is known; to another it adds nothing. Inline, because each row does it
 * once for each of its tiles. */
static inline void tally_add(struct tally *tally, uint64_t of_row)
{
    tally->rows++;
    tally->digest += of_row;
}

/* True when both are known, and of the same rows. */
bool tally_equal(const struct tally *a, const struct tally *b);

/* Appends [rows, digest], or nil when it is not known. */
void tally_put(struct buf *out, const struct tally *tally);

/* What tally_put wrote; not known when the value is anything else, or NULL. */
struct tally tally_read(const mp_value *value);

#endif
