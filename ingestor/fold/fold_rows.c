/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_rows.h"

#include <stdlib.h>

#include "common/config/config.h"
#include "common/program/log.h"
#include "ingestor/fold/family.h"
#include "ingestor/fold/member.h"
#include "ingestor/fold/member_status.h"

/* Takes a row that concerns the member into it. */
static void apply(struct fold *fold, struct member *member, int meaning, struct row *row,
                  struct number value, struct moment now)
{
    const struct family *family = member->family;
    const struct event *event = row->event;
    tally_add(&member->tally, row->tally);
    const bool changed =
        family->type->apply(member->state, family->config, meaning, row, value, now.wall);
    if (event->timestamp.us > member->latest.us) {
        member->latest = event->timestamp;
    }
    member_touch(member);
    if (member->hidden && !member_is_idle(member, now.wall)) {
        member_show(fold, member, now.mono);
    }
    member_status_mark(member);
    if (changed && !member->hidden) {
        if (event->arrival.us != 0) {
            member->arrival = event->arrival;
            member->source = event->timestamp;
        }
        member_mark_dirty(fold, member, now.mono);
    }
    member_schedule_wake(fold, member);
}

/* True when a row of that kind is for the family. */
static bool takes(const struct family *family, enum fold_row_kind kind)
{
    switch (kind) {
    case FOLD_ROW_PAST:
        return family->build == BUILD_READING;
    case FOLD_ROW_LACKING:
        return family->build == BUILD_NONE ||
               (family->build == BUILD_READING && family->build_from != NULL);
    case FOLD_ROW_PUT_OFF:
        return family->build == BUILD_NONE;
    case FOLD_ROW_NEW:
        break;
    }
    return family->build != BUILD_WAITING;
}

void fold_row(struct fold *fold, const struct event *event, enum fold_row_kind kind,
              struct moment now)
{
    const struct fold_plan *plan = fold_plan_for(&fold->plans, event->event_type);
    struct row row = row_of(event, kind == FOLD_ROW_PAST ? &fold->build_counters : &fold->counters);
    for (size_t i = 0; i < plan->count; i++) {
        const struct fold_plan_entry *entry = &plan->entries[i];
        struct family *family = &fold->families[entry->tile];
        struct number value;
        if (!takes(family, kind) || !family_counts(family, UINT64_C(1) << (event->source & 63)) ||
            !family->type->concerns(family->config, entry->meaning, &row, &value)) {
            continue;
        }
        struct member *member = family->single;
        if (member == NULL) {
            member = family_member_for(fold, family, &row, now);
        }
        if (member != NULL) {
            apply(fold, member, entry->meaning, &row, value, now);
        }
    }
    row_finish(&row);
}

static void count_put_off(struct fold *fold, size_t rows)
{
    fold->counters.future_dropped += rows;
    if (!fold->waiting_full_logged) {
        fold->waiting_full_logged = true;
        log_warn("%zu rows wait because their timestamps are in the future; those further ahead "
                 "are not kept, but read again when their time comes. Is the clock right, here "
                 "and where the rows are written?",
                 waiting_count(&fold->waiting));
    }
}

void fold_waiting_trim(struct fold *fold, struct moment now)
{
    struct waiting_row *row;
    while ((row = waiting_surplus(&fold->waiting)) != NULL) {
        const wall_time at = row->event.timestamp;
        if (at.us > fold->reached.us) {
            const size_t rows = waiting_put_off(&fold->waiting, at) + 1;
            ++*put_off_counts_of(&fold->waiting.put_off, &row->event);
            count_put_off(fold, rows);
        } else {
            /* The clock was set back. Rows of that moment were folded before, so it is too late to
             * put such rows off: they could not be told from those. */
            now.wall = at;
            fold_row(fold, &row->event, row->lacking ? FOLD_ROW_LACKING : FOLD_ROW_NEW, now);
        }
        free(row);
    }
}

void fold_wait_for(struct fold *fold, const struct event *event, struct moment now)
{
    const struct fold_plan *plan = fold_plan_for(&fold->plans, event->event_type);
    if (plan->count == 0) {
        return;
    }
    fold->waiting_unsaved = true;
    if (waiting_puts_off(&fold->waiting, event->timestamp)) {
        ++*put_off_counts_of(&fold->waiting.put_off, event);
        count_put_off(fold, 1);
        return;
    }
    waiting_add(&fold->waiting, event);
    fold_waiting_trim(fold, now);
}

void fold_due(struct fold *fold, struct moment now)
{
    struct waiting_row *due;
    fold_reach(fold, now.wall);
    while ((due = waiting_take(&fold->waiting, now.wall)) != NULL) {
        if (due->event.arrival.us != 0) {
            due->event.arrival = due->event.timestamp;
        }
        fold_row(fold, &due->event, due->lacking ? FOLD_ROW_LACKING : FOLD_ROW_NEW, now);
        fold->waiting_unsaved = true;
        free(due);
    }
}
