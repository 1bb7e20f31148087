/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of duplicates of sources that are configured no more: it stays in the store for as
 * long as tiles that counted them do, for these go on from there when they come back.
 *
 * Beside the records of such a source (dedupe_one.h) there is one that says since when: the item 2
 * of the member that has its record, microseconds since 1970.
 *
 * Pure.
 */
#ifndef INGESTOR_DEDUPE_DEDUPE_RETIRED_H
#define INGESTOR_DEDUPE_DEDUPE_RETIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/time/clock.h"
#include "common/config/config.h"
#include "common/state/changes.h"

/* One source; its name is not known. */
struct dedupe_gone {
    uint64_t member; /* that has its record */
    wall_time at;    /* since when it is configured no more */
    bool recorded;   /* The store knows since when. */
};

/* Zeroed memory knows of none. There are at most as many as the store has. */
struct dedupe_retired {
    struct dedupe_gone *list; /* in the order of their members; owned */
    size_t count;             /* how many there are */
};

void dedupe_retired_free(struct dedupe_retired *retired);

/* Finds those of the saved state. Of those that have come back the store need not know any more
 * that they were gone. */
void dedupe_retired_load(struct dedupe_retired *retired, const struct config *config,
                         const struct state_changes *saved, wall_time now,
                         struct state_changes *out);

/* Appends what has changed since the last call. Those whose time is over leave the store. */
void dedupe_retired_save(struct dedupe_retired *retired, wall_time now, struct state_changes *out);

#endif
