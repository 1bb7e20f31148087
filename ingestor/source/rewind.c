/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/rewind.h"

#include "common/program/log.h"

enum rewind rewind_seen(struct rewind_watch *watch, int64_t position, int64_t newest, bool replaced,
                        bool waited_for)
{
    const int64_t below = position == watch->position ? watch->below : 0;
    watch->below = newest < position ? newest : 0;
    watch->position = position;
    if (below != 0 && newest > below && newest <= position && !waited_for) {
        return REWIND_ANEW; /* rows came at ids that were read before */
    }
    if (newest >= position) {
        return REWIND_NONE;
    }
    if (replaced || newest <= position / 2) {
        return REWIND_ANEW;
    }
    return below == 0 ? REWIND_SHORTER : REWIND_NONE;
}

void rewind_log(enum rewind rewind, const char *table, int64_t position, int64_t newest)
{
    if (rewind == REWIND_SHORTER) {
        log_warn("the newest rows of table %s are gone (newest is %lld, %lld was read): they stay "
                 "in the tiles, unless ids up to there come once more",
                 table, (long long)newest, (long long)position);
    } else if (rewind == REWIND_ANEW) {
        log_warn("the ids of table %s begin anew (newest is %lld, %lld was read): all tiles are "
                 "built again from it",
                 table, (long long)newest, (long long)position);
    } else if (rewind == REWIND_OTHER) {
        log_warn("table %s is another one than before: all tiles are built again from it", table);
    }
}
