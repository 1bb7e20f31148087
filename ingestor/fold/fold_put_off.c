/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_put_off.h"

#include "ingestor/fold/fold_rows.h"

bool fold_put_off_due(const struct fold *fold, wall_time now)
{
    return !fold->put_off_reading && waiting_puts_off(&fold->waiting, now);
}

int64_t fold_put_off_wait_us(const struct fold *fold, wall_time now)
{
    const struct waiting *waiting = &fold->waiting;
    return waiting->full && waiting->put_off_from.us > now.us ? waiting->put_off_from.us - now.us
                                                              : INT64_MAX;
}

bool fold_put_off_begin(struct fold *fold, struct moment now)
{
    if (!fold_put_off_due(fold, now.wall)) {
        return false;
    }
    fold_due(fold, now); /* these make room */
    fold->put_off_reading = true;
    fold->put_off_from = fold->waiting.put_off_from;
    fold->put_off_missing = fold->waiting.put_off;
    fold->waiting.full = false;
    fold->waiting_unsaved = true;
    return true;
}

bool fold_put_off_reading(const struct fold *fold)
{
    return fold != NULL && fold->put_off_reading;
}

void fold_put_off_event(struct fold *fold, const struct event *event, struct moment now)
{
    if (event->timestamp.us < fold->put_off_from.us ||
        fold_plan_for(&fold->plans, event->event_type)->count == 0) {
        return; /* It was not put off: only rows that some tile wants are. */
    }
    fold_reach(fold, now.wall);
    fold->put_off_missing -= fold->put_off_missing != 0;
    if (event->timestamp.us > now.wall.us || waiting_puts_off(&fold->waiting, event->timestamp)) {
        fold_wait_for(fold, event, now);
        return;
    }
    struct event past = *event;
    past.arrival = (wall_time){0}; /* it is no news */
    fold_row(fold, &past, FOLD_ROW_PUT_OFF, now);
}

uint64_t fold_put_off_end(struct fold *fold)
{
    fold->put_off_reading = false;
    return fold->put_off_missing;
}
