/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the table gone back in time: been emptied, restored from a backup, or have its ids begun
 * anew? Ids only grow, so rows that come at ids at or below the position tell, unless they were
 * missing and waited for. That the newest rows are gone does not: they may have been deleted, and
 * what was read once stays a fact.
 *
 * Pure, but for the logging.
 */
#ifndef INGESTOR_SOURCE_REWIND_H
#define INGESTOR_SOURCE_REWIND_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised: nothing seen yet. */
struct rewind_watch {
    int64_t below;    /* the newest id when it was last seen below the position; 0: it was not */
    int64_t position; /* of that time: with another one the two cannot be compared */
};

enum rewind {
    REWIND_NONE,
    REWIND_SHORTER, /* the newest rows are gone; said once */
    REWIND_ANEW,
    REWIND_OTHER, /* not seen by this: the file was replaced, and the anchor does not hold */
};

/* A look found `newest` as the greatest id (0: no row). replaced: the file or table is not the one
 * that it was. waited_for: newest is one of the ids that are missing. */
enum rewind rewind_seen(struct rewind_watch *watch, int64_t position, int64_t newest, bool replaced,
                        bool waited_for);

/* Logs what was seen of the table. */
void rewind_log(enum rewind rewind, const char *table, int64_t position, int64_t newest);

#endif
