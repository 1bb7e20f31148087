/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sequence of each lane of a replica: what is applied, what waits, and where a gap is.
 *
 *            last            pending (ahead of a gap, sorted)
 *   ─applied──┤  . . .  [104][105][108]
 *             101        when 102 and 103 have come, 102 to 105 are applied, and 108 waits on
 *
 * Part of the replica: only its files include this. The three states of a lane are drawn in
 * replica_state.h.
 */
#ifndef COMMON_REPLICA_LANES_H
#define COMMON_REPLICA_LANES_H

#include "common/replica/replica_state.h"

/* True when the version is the one right behind `last`. */
bool lanes_follows(struct version version, struct version last);

/* Something is missing: the lane has a gap from now on, if it had none. */
void lanes_note_gap(struct replica *r, struct replica_lane *lane, mono_time now);

/* What is here is broken: the lane takes part in nothing until a snapshot has made it whole. */
void lanes_lose_sync(struct replica *r, struct replica_lane *lane, mono_time now);

/* The events that are held are of another history (history.h): they go, and lane 0 is out of sync
 * until a snapshot has brought what there is instead. */
void lanes_drop_events(struct replica *r, mono_time now);

/* Applies the message that is next in its lane, and what waits and now follows on it. */
void lanes_apply(struct replica *r, const struct wire_header *header,
                 const struct str frames[WIRE_FRAMES], mono_time now);

/* Keeps a copy of a message that is ahead of a gap until it follows. */
void lanes_keep(struct replica *r, struct replica_lane *lane, struct version version,
                const struct str frames[WIRE_FRAMES], mono_time now);

/* A snapshot brought the lane to the version `reached`, which is at least `last`: applies what
 * waits and follows. The lane is whole then, or still has a gap. */
void lanes_jump(struct replica *r, struct replica_lane *lane, struct version reached,
                mono_time now);

/* Drops what waits in the lane. */
void lanes_forget(struct replica *r, struct replica_lane *lane);

/* True when the lanes are known and all of them are whole. */
bool lanes_all_whole(const struct replica *r);

/* To be called after anything that may have made a lane whole: sets `ready` when all are. */
void lanes_note_ready(struct replica *r);

#endif
