/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which places the newest rows were delivered, so that after a restart each gets the ordinal
 * again that it had. Rows that came in the order of their ids have id + offset, where the offset
 * grew with each late row; those that came late are listed.
 *
 *   delivered   id   100 101 103 102 104 105        102 came late, when 103 was the newest
 *          ordinal   100 101 103 104 105 106
 *
 *   segments   from id 0: +0    above id 103: +1
 *   lates      102 → 104
 *
 * Pure. Bounded: what only rows before the newest `keep` need is forgotten. `keep` counts rows, not
 * ordinals, because those have gaps of any size.
 */
#ifndef INGESTOR_SOURCE_POSTGRES_ORDER_H
#define INGESTOR_SOURCE_POSTGRES_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"

struct order_segment {
    int64_t above;   /* The segment holds for ids greater than this one, up to the next segment. */
    uint64_t offset; /* What is added to such an id to get its ordinal. */
};

struct order_late {
    int64_t id;         /* of the row */
    uint64_t ordinal;   /* with which it was delivered */
    uint64_t delivered; /* how many rows had been delivered, this one included */
};

/* Zero-initialised: no row ever came late. */
struct order {
    struct order_segment *segments; /* ascending in both */
    size_t segment_count;           /* how many there are */
    struct order_late *lates;       /* ascending by ordinal */
    size_t late_count;              /* how many there are */
    uint64_t delivered;             /* rows in all; whoever delivers one counts it here */
    uint64_t forgotten;             /* places up to this ordinal are not certain any more */
};

void order_free(struct order *order);

/* The row counted last came late and got that ordinal; rows above `position` have the offset from
 * now on. */
void order_late(struct order *order, int64_t id, uint64_t ordinal, int64_t position,
                uint64_t offset);

/* Forgets what only rows before the newest `keep` need. `forgotten` grows then. */
void order_forget(struct order *order, uint64_t keep);

/* The ordinal that the row had. It is certain only if it is above `forgotten`. */
uint64_t order_of(const struct order *order, int64_t id);

/* Appends the order as an array of MessagePack. */
void order_save(const struct order *order, struct buf *out);

/* Loads what order_save wrote into an order that is all zero. False when the value is nothing that
 * order_save writes; the order is then only good for order_free. */
bool order_load(struct order *order, const mp_value *value);

#endif
