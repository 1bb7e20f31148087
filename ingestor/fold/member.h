/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tile of the fold: when it wakes, when it is handed out, and what becomes of an idle one.
 *
 * Handing out, with min_interval = 4:
 *
 *   time       0   .   .   .   4   .   .   .   8   .   .   .  12   .   .   .
 *   rows           r       r   r           r           r
 *   on_event       ▲               ▲               ▲               the first at once, later ones
 *                                                                  4 after the last handing out
 *   interval                   ▲               ▲               ▲   at multiples of 4 alone
 *
 * A tile that has not changed is handed out as a keyframe a third of its TTL after the last time.
 *
 * A member of a family that has had no row for idle_ms:
 *
 *                    no row for idle_ms
 *         shown ─────────────────────────────► hidden: handed out once more, as removed; then its
 *           ▲                                    │     state is kept, but nobody sees it
 *           └────────────────────────────────────┤
 *            a row younger than idle_ms: whole   │
 *                                                └───► freed, when the family is full and this
 *                                                      member has been idle longest (family.c)
 */
#ifndef INGESTOR_FOLD_MEMBER_H
#define INGESTOR_FOLD_MEMBER_H

#include "ingestor/fold/fold_state.h"

/* A new member of the family, due for publishing at once. group is copied; STR_NULL makes the
 * family's single member. The fold owns it. */
struct member *member_create(struct fold *fold, struct family *family, struct str group,
                             struct moment now);

/* Takes the member out of its family and the heaps, and frees it. */
void member_free(struct fold *fold, struct member *member);

/* Puts the member where it belongs in the heap of that clock, or takes it out; to be called after
 * each change of what decides that. */
void member_schedule_publish(struct fold *fold, struct member *member, mono_time now);
void member_schedule_wake(struct fold *fold, struct member *member);

/* What the member shows may have changed. Inline, because most rows find it marked already. */
static inline void member_mark_dirty(struct fold *fold, struct member *member, mono_time now)
{
    if (!member->dirty) {
        member->dirty = true;
        member_schedule_publish(fold, member, now);
    }
}

/* True when the member is of a family, and has had no row for idle_ms. */
bool member_is_idle(const struct member *member, wall_time now);

void member_hide(struct fold *fold, struct member *member, mono_time now);
void member_show(struct fold *fold, struct member *member, mono_time now);

#endif
