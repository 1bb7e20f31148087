/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/pg_rewind.h"

#define FIRST_NORMAL_XID 3 /* those below it are older than all others */

enum rewind pg_rewind_seen(struct pg_rewind *watch, int64_t position, int64_t newest,
                           bool waited_for)
{
    const bool was_shorter = watch->shorter && watch->position == position;
    const int64_t before = watch->newest;
    watch->newest = newest;
    watch->position = position;
    watch->shorter = newest < position;
    if (was_shorter && newest > before && newest <= position && !waited_for) {
        return REWIND_ANEW; /* rows came at ids that were read before */
    }
    return watch->shorter && !was_shorter ? REWIND_SHORTER : REWIND_NONE;
}

void pg_rewind_log(struct pg_rewind *watch, enum rewind rewind, const char *table, int64_t position,
                   int64_t newest)
{
    const bool empty = rewind == REWIND_SHORTER && newest == 0;
    if (!empty || !watch->told_empty) {
        rewind_log(rewind, table, position, newest);
    }
    watch->told_empty = watch->told_empty || empty;
}

bool pg_rewind_is_older(uint32_t row_xmin, uint64_t snapshot_xmax)
{
    if (snapshot_xmax == 0) {
        return false;
    }
    /* Transaction ids go round: of two, the older is the one that is less than half of them back.
     */
    return row_xmin < FIRST_NORMAL_XID || (int32_t)(row_xmin - (uint32_t)snapshot_xmax) < 0;
}
