/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/lanes.h"

#include <assert.h>

#include "common/base/error.h"
#include "common/replica/history.h"

/* ---- Gaps ---- */

void lanes_note_gap(struct replica *r, struct replica_lane *lane, mono_time now)
{
    if (!lane->gap) {
        lane->gap = true;
        lane->gap_since = now;
        r->counters.gaps += lane->synced;
    }
}

void lanes_lose_sync(struct replica *r, struct replica_lane *lane, mono_time now)
{
    lanes_note_gap(r, lane, now);
    lane->synced = false;
}

void lanes_drop_events(struct replica *r, mono_time now)
{
    r->counters.event_resets++;
    eventlog_reset(r->events, eventlog_origin(r->events));
    r->confirmed = 0;
    lanes_lose_sync(r, &r->lanes[0], now);
}

/* ---- Applying ---- */

static void apply_tile(struct replica *r, struct replica_lane *lane,
                       const struct wire_header *header, struct str body, mono_time now)
{
    struct wire_tile tile;
    if (wire_decode_tile(header, &r->body, body, &tile) != STATUS_OK) {
        r->counters.malformed++;
        return;
    }
    switch (store_apply(r->store, &tile, header->lane, header->published_at, 0, now)) {
    case STATUS_OK:
        r->counters.deltas++;
        break;
    case STATUS_FULL:
        r->counters.refused++;
        break;
    default: /* the tile's base is not here, though the lane has no gap: the copy is broken */
        r->counters.mismatches++;
        lanes_lose_sync(r, lane, now);
        break;
    }
}

static void apply_event(struct replica *r, struct replica_lane *lane,
                        const struct wire_header *header, struct str body, mono_time now)
{
    struct wire_event event;
    if (wire_decode_event(header, &r->body, body, &event) != STATUS_OK) {
        r->counters.malformed++;
        return;
    }
    if (event.origin != eventlog_origin(r->events)) {
        /* The events are numbered anew, and those before this one were perhaps not published. */
        lanes_lose_sync(r, lane, now);
        return;
    }
    const enum history history = history_judge(r, event.ordinal, event.fields, &r->confirmed);
    if (history != HISTORY_NEXT) {
        if (history == HISTORY_OTHER) {
            lanes_drop_events(r, now);
        }
        return;
    }
    struct buf fields = {0};
    mp_put_value(&fields, event.fields);
    struct eventlog_entry *entry =
        eventlog_append(r->events, event.origin, event.ordinal, event.id, buf_str(&fields),
                        event.arrival, header->published_at);
    if (entry != NULL) {
        entry->timestamp = event.timestamp;
        r->confirmed = event.ordinal;
        r->counters.events++;
    }
    buf_free(&fields);
}

/* Applies the message that is next in its lane. */
static void apply_one(struct replica *r, const struct wire_header *header,
                      const struct str frames[WIRE_FRAMES], mono_time now)
{
    struct replica_lane *lane = &r->lanes[header->lane];
    lane->last = header->version;
    if (header->kind == WIRE_TILE) {
        apply_tile(r, lane, header, frames[2], now);
    } else {
        apply_event(r, lane, header, frames[2], now);
    }
    if (r->ops.accepted != NULL) {
        r->ops.accepted(r->ops.accepted_arg, frames);
    }
}

bool lanes_follows(struct version version, struct version last)
{
    return version.epoch == last.epoch && version.seq == last.seq + 1;
}

static void drop_first_pending(struct replica *r, struct replica_lane *lane)
{
    r->pending_count--;
    r->pending_bytes -= lane->pending.bytes;
    pending_drop_first(&lane->pending);
    r->pending_bytes += lane->pending.bytes;
}

/*
 * Goes through what waits, in order: drops what is behind, applies what follows, and stops at the
 * first message that is still ahead of a gap. Clears lane->gap when all that was announced is here.
 *
 *     last = 101, pending [101][102][103][105]:  drop 101, apply 102 and 103, stop before 105
 */
static void drain(struct replica *r, struct replica_lane *lane, mono_time now)
{
    struct pending_message *first;
    while ((first = lane->pending.first) != NULL) {
        const int order = version_compare(first->version, lane->last);
        if (order > 0 && !lanes_follows(first->version, lane->last)) {
            return;
        }
        if (order > 0) {
            const struct str frames[WIRE_FRAMES] = {
                blob_str(first->frames[0]), blob_str(first->frames[1]), blob_str(first->frames[2])};
            struct wire_header header;
            const int decoded = wire_decode_header(frames[0], frames[1], &header);
            assert(decoded == STATUS_OK); /* it was decoded when it came */
            (void)decoded;
            apply_one(r, &header, frames, now);
        }
        drop_first_pending(r, lane);
        if (!lane->synced) {
            return; /* the message could not be applied: see lanes_lose_sync */
        }
    }
    lane->gap = lane->gap && version_compare(lane->announced, lane->last) > 0;
}

void lanes_apply(struct replica *r, const struct wire_header *header,
                 const struct str frames[WIRE_FRAMES], mono_time now)
{
    struct replica_lane *lane = &r->lanes[header->lane];
    apply_one(r, header, frames, now);
    if (lane->gap && lane->synced) {
        drain(r, lane, now);
        r->counters.healed += replica_lane_whole(lane);
    }
}

void lanes_jump(struct replica *r, struct replica_lane *lane, struct version reached, mono_time now)
{
    lane->last = reached;
    if (version_compare(reached, lane->announced) > 0) {
        lane->announced = reached;
    }
    lane->synced = true;
    lane->gap = true;
    drain(r, lane, now);
}

void lanes_forget(struct replica *r, struct replica_lane *lane)
{
    r->pending_count -= lane->pending.count;
    r->pending_bytes -= lane->pending.bytes;
    pending_clear(&lane->pending);
}

/* Drops all that waits, in all lanes: the snapshots that close their gaps are newer. */
static void overflow(struct replica *r)
{
    r->counters.overflows++;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        lanes_forget(r, &r->lanes[i]); /* a lane where something waited keeps its gap */
    }
}

void lanes_keep(struct replica *r, struct replica_lane *lane, struct version version,
                const struct str frames[WIRE_FRAMES], mono_time now)
{
    const size_t before = lane->pending.bytes;
    if (!pending_insert(&lane->pending, version, frames)) {
        r->counters.duplicates++;
        return;
    }
    r->pending_count++;
    r->pending_bytes += lane->pending.bytes - before;
    lanes_note_gap(r, lane, now);
    if (r->pending_count > REPLICA_PENDING_MAX || r->pending_bytes > REPLICA_PENDING_BYTES) {
        overflow(r);
    }
}

/* ---- All lanes ---- */

bool lanes_all_whole(const struct replica *r)
{
    for (unsigned i = 0; i < r->lane_count; i++) {
        if (!replica_lane_whole(&r->lanes[i])) {
            return false;
        }
    }
    return r->lane_count != 0;
}

void lanes_note_ready(struct replica *r)
{
    r->ready = r->ready || lanes_all_whole(r);
}
