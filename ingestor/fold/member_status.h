/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of a member (trouble.h): what its conditions look at, and when they are looked at.
 *
 *   a row, or time, changes it ─► member_status_mark ─► it wakes at once ─► member_status_update
 *   time alone may change the status ─────────────────► it wakes then ─────┘
 */
#ifndef INGESTOR_FOLD_MEMBER_STATUS_H
#define INGESTOR_FOLD_MEMBER_STATUS_H

#include "ingestor/fold/fold_state.h"

/* True when the member has a status: its definition has conditions, somebody sees it, and all its
 * rows have been folded. */
static inline bool member_has_status(const struct member *member)
{
    return member->family->config->thresholds.any && !member->hidden &&
           member->family->build == BUILD_NONE;
}

/* What the conditions look at may have changed. The caller schedules the member's waking. Inline,
 * because most tiles have no conditions. */
static inline void member_status_mark(struct member *member)
{
    member->status_unsure = member->family->config->thresholds.any;
}

/* Brings the status of a member whose time has passed up to now. It has to be published when that
 * changes something, and at once when the status is another. */
enum trouble_change member_status_update(struct fold *fold, struct member *member, wall_time now);

/* When member_status_update has to be called next; INT64_MAX: never. */
static inline int64_t member_status_wake(const struct member *member)
{
    if (!member_has_status(member)) {
        return INT64_MAX;
    }
    return member->status_unsure ? MEMBER_AT_ONCE_US : member->status.next_us;
}

/* Appends what the tile shows of its status; returns the number of members appended. */
size_t member_status_write(const struct member *member, struct buf *out);

#endif
