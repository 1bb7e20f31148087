/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tile of the fold: when it wakes, when it is handed out, and what becomes of an idle one.
 *
 * When it is handed out, with min_interval = 4:
 *
 *   time        0   .   .   .   4   .   .   .   8   .   .   .  12
 *   rows            r   r   r                           r
 *   on_event        ▲               ▲                   ▲           1 and 11 at once, 5 because
 *                                                                   4 have passed since 1
 *   interval                    ▲                               ▲   at multiples of 4
 *
 * A tile without group_by that does not change is handed out as a keyframe when a third of its TTL
 * has passed since the last time; members of families are gone round for that (refresh.h). One that
 * has changed waits no longer than that either, even if its min_interval is longer.
 *
 * What becomes of a member of a family (family.c frees):
 *
 *             no row for idle_ms               the family is full, and
 *                                              no other is idle longer
 *     shown ────────────────────────► hidden ──────────────────────────► freed
 *       ▲                               │
 *       └───────────────────────────────┘
 *           a row younger than idle_ms
 *
 * One that becomes hidden is handed out once more, as removed. From then on nobody sees it, but
 * rows still go into its state; so it is right at once when it is shown again.
 */
#ifndef INGESTOR_FOLD_MEMBER_H
#define INGESTOR_FOLD_MEMBER_H

#include <utlist.h>

#include "ingestor/fold/fold_state.h"

/* A new member of the family, due for publishing at once. group is copied; STR_NULL makes the
 * family's single member. The fold owns it. */
struct member *member_create(struct fold *fold, struct family *family, struct str group,
                             struct moment now);

/* Takes the member out of its family and the heaps, and frees it. */
void member_free(struct fold *fold, struct member *member);

/* Puts the member where it belongs in the heap of that clock, or takes it out; to be called after
 * each change of what decides that. A later time to wake is only noted by member_reschedule_wake,
 * which is called when it wakes: rows put that time off much more often than it comes. */
void member_schedule_publish(struct fold *fold, struct member *member, mono_time now);
void member_schedule_wake(struct fold *fold, struct member *member);
void member_reschedule_wake(struct fold *fold, struct member *member);

/* What the member shows may have changed. Inline, because most rows find it marked already. */
static inline void member_mark_dirty(struct fold *fold, struct member *member, mono_time now)
{
    if (!member->dirty) {
        member->dirty = true;
        member_schedule_publish(fold, member, now);
    }
}

/* The member has changed, and has to be saved. Inline, because most rows find it noted already. */
static inline void member_touch(struct member *member)
{
    if (!member->unsaved) {
        member->unsaved = true;
        DL_APPEND(member->family->unsaved, member);
    }
}

/* True when the member is of a family, and has had no row for idle_ms. */
bool member_is_idle(const struct member *member, wall_time now);

/* Hides the member: it is handed out once more, as removed, if it was ever published. */
void member_hide(struct fold *fold, struct member *member, mono_time now);
/* Shows a hidden member again: it is handed out as a keyframe. */
void member_show(struct fold *fold, struct member *member, mono_time now);

#endif
