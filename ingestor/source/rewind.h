/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out that the table has gone back in time: it was emptied, restored from a backup, or its
 * ids began anew. Ids only grow, so it shows when rows come at ids at or below the position, unless
 * those were missing and are waited for.
 *
 *   polls       newest   position
 *               104      104
 *                90      104       shorter: the newest rows may have been deleted, and what was
 *                                  read once stays a fact
 *                92      104       anew: rows come at ids that were read before
 *                50      104       anew: that half of the rows were deleted from the end is less
 *                                  likely than that the table was emptied
 *
 * Pure, but for the logging.
 */
#ifndef INGESTOR_SOURCE_REWIND_H
#define INGESTOR_SOURCE_REWIND_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised: nothing seen yet. */
struct rewind_watch {
    int64_t below;    /* the newest id at the last poll, if it was below the position; else 0 */
    int64_t position; /* at that poll: with another position the two cannot be compared */
};

enum rewind {
    REWIND_NONE,
    REWIND_SHORTER, /* the newest rows are gone; said once */
    REWIND_ANEW,    /* the table has gone back in time */
    REWIND_OTHER,   /* it is another table, by its anchor; rewind_seen never says so */
};

/* A poll found `newest` as the greatest id (0: there is no row). replaced: the table is in another
 * file than before. waited_for: newest is one of the ids that are missing. */
enum rewind rewind_seen(struct rewind_watch *watch, int64_t position, int64_t newest, bool replaced,
                        bool waited_for);

/* Logs it, if it is worth a line. */
void rewind_log(enum rewind rewind, const char *table, int64_t position, int64_t newest);

#endif
