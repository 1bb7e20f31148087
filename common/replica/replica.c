/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/replica.h"

#include <assert.h>
#include <stdio.h>

#include "common/base/error.h"
#include "common/replica/replica_state.h"

struct replica *replica_create(unsigned upstreams, size_t events_max, struct store *store,
                               struct eventlog *events, const struct replica_ops *ops)
{
    assert(upstreams >= 1 && upstreams <= REPLICA_UPSTREAMS_MAX);
    struct replica *r = x_calloc(1, sizeof *r);
    r->store = store;
    r->events = events;
    r->ops = *ops;
    r->upstream_count = upstreams;
    r->events_max = events_max;
    for (unsigned i = 0; i < upstreams; i++) {
        r->upstreams[i].pinged_at = (mono_time){INT64_MIN / 2};
    }
    mp_doc_init(&r->body);
    mp_doc_init(&r->reply);
    return r;
}

void replica_destroy(struct replica **replica)
{
    struct replica *r = *replica;
    if (r == NULL) {
        return;
    }
    for (unsigned i = 0; i < LANES_MAX; i++) {
        pending_clear(&r->lanes[i].pending);
    }
    mp_doc_free(&r->body);
    mp_doc_free(&r->reply);
    free(r);
    *replica = NULL;
}

bool replica_upstream_alive(const struct replica *r, unsigned upstream, mono_time now)
{
    const struct upstream_state *u = &r->upstreams[upstream];
    return u->answered && !time_passed(u->answered_at, REPLICA_DEAD_MS, now);
}

/* ---- Applying ---- */

static void lose_sync(struct replica *r, struct lane *lane, mono_time now)
{
    if (!lane->gap) {
        lane->gap = true;
        lane->gap_since = now;
        r->counters.gaps += lane->synced;
    }
}

static void apply_tile(struct replica *r, struct lane *lane, const struct wire_header *header,
                       struct str body, mono_time now)
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
    default: /* its base is not here, though the sequence has no gap: take the whole state again */
        r->counters.mismatches++;
        lose_sync(r, lane, now);
        lane->synced = false;
        break;
    }
}

static void apply_event(struct replica *r, struct lane *lane, const struct wire_header *header,
                        struct str body, mono_time now)
{
    struct wire_event event;
    if (wire_decode_event(header, &r->body, body, &event) != STATUS_OK) {
        r->counters.malformed++;
        return;
    }
    if (event.origin != eventlog_origin(r->events)) {
        /* The numbering began anew; what came before this one in it was perhaps not published. */
        lose_sync(r, lane, now);
        lane->synced = false;
        return;
    }
    struct buf fields = {0};
    mp_put_value(&fields, event.fields);
    struct eventlog_entry *entry =
        eventlog_append(r->events, event.origin, event.ordinal, event.id, buf_str(&fields),
                        event.arrival, header->published_at);
    if (entry != NULL) {
        entry->timestamp = event.timestamp;
        r->counters.events++;
    }
    buf_free(&fields);
}

/* The next message of the lane's sequence. */
static void apply(struct replica *r, const struct wire_header *header,
                  const struct str frames[WIRE_FRAMES], mono_time now)
{
    struct lane *lane = &r->lanes[header->lane];
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

static bool follows(struct version version, struct version last)
{
    return version.epoch == last.epoch && version.seq == last.seq + 1;
}

static void drop_first_pending(struct replica *r, struct lane *lane)
{
    r->pending_count--;
    r->pending_bytes -= lane->pending.bytes;
    pending_drop_first(&lane->pending);
    r->pending_bytes += lane->pending.bytes;
}

/* Applies what waits and now follows; drops what is behind. Says in lane->gap whether all that was
 * heard of is here. */
static void drain(struct replica *r, struct lane *lane, mono_time now)
{
    struct pending_message *first;
    while ((first = lane->pending.first) != NULL) {
        const int order = version_compare(first->version, lane->last);
        if (order > 0 && !follows(first->version, lane->last)) {
            return;
        }
        if (order > 0) {
            const struct str frames[WIRE_FRAMES] = {
                blob_str(first->frames[0]), blob_str(first->frames[1]), blob_str(first->frames[2])};
            struct wire_header header;
            const int decoded = wire_decode_header(frames[0], frames[1], &header);
            assert(decoded == STATUS_OK); /* it was decoded when it came */
            (void)decoded;
            apply(r, &header, frames, now);
        }
        drop_first_pending(r, lane);
        if (!lane->synced) {
            return; /* a mismatch */
        }
    }
    lane->gap = lane->gap && version_compare(lane->announced, lane->last) > 0;
}

void replica_lane_jump(struct replica *r, struct lane *lane, struct version s1, mono_time now)
{
    lane->last = s1;
    if (version_compare(s1, lane->announced) > 0) {
        lane->announced = s1;
    }
    lane->synced = true;
    lane->gap = true;
    drain(r, lane, now);
}

void replica_lane_forget(struct replica *r, struct lane *lane)
{
    r->pending_count -= lane->pending.count;
    r->pending_bytes -= lane->pending.bytes;
    pending_clear(&lane->pending);
}

/* Everything that waits is given up: the snapshot that comes is newer. */
static void overflow(struct replica *r)
{
    r->counters.overflows++;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        replica_lane_forget(r, &r->lanes[i]); /* they had a gap, and still have it */
    }
}

static void wait_for_gap(struct replica *r, struct lane *lane, struct version version,
                         const struct str frames[WIRE_FRAMES], mono_time now)
{
    const size_t before = lane->pending.bytes;
    if (!pending_insert(&lane->pending, version, frames)) {
        r->counters.duplicates++;
        return;
    }
    r->pending_count++;
    r->pending_bytes += lane->pending.bytes - before;
    lose_sync(r, lane, now);
    if (r->pending_count > REPLICA_PENDING_MAX || r->pending_bytes > REPLICA_PENDING_BYTES) {
        overflow(r);
    }
}

/* ---- Messages ---- */

static void on_beat(struct replica *r, const struct wire_header *header,
                    const struct str frames[WIRE_FRAMES], mono_time now)
{
    struct lane *lane = &r->lanes[header->lane];
    struct wire_beat beat;
    if (wire_decode_beat(header, &r->body, frames[2], &beat) != STATUS_OK) {
        r->counters.malformed++;
        return;
    }
    const int order = version_compare(header->version, lane->last);
    if (lane->synced && order == 0 && header->lane == 0 &&
        beat.origin != eventlog_origin(r->events)) {
        /* The events' numbering began anew, and its first events were not sent: fetch them. */
        lose_sync(r, lane, now);
        lane->synced = false;
    } else if (lane->synced && order == 0) {
        snprintf(lane->position, sizeof lane->position, "%.*s", (int)beat.position.len,
                 beat.position.p);
        lane->as_of = beat.as_of;
        if (r->ops.accepted != NULL) {
            r->ops.accepted(r->ops.accepted_arg, frames);
        }
    } else if (order > 0) {
        lose_sync(r, lane, now); /* something was published that has not come */
    }
}

void replica_message(struct replica *r, const struct str frames[WIRE_FRAMES], mono_time now)
{
    struct wire_header header;
    if (wire_decode_header(frames[0], frames[1], &header) != STATUS_OK ||
        frames[2].len > WIRE_BODY_MAX) {
        r->counters.malformed++;
        return;
    }
    struct lane *lane = &r->lanes[header.lane];
    if (header.version.epoch < lane->announced.epoch) {
        r->counters.outdated++;
        return;
    }
    lane->heard = true;
    lane->heard_at = now;
    if (version_compare(header.version, lane->announced) > 0) {
        lane->announced = header.version;
    }
    if (header.kind == WIRE_BEAT) {
        on_beat(r, &header, frames, now);
    } else if (version_compare(header.version, lane->last) <= 0) {
        r->counters.duplicates++;
    } else if (lane->synced && follows(header.version, lane->last)) {
        apply(r, &header, frames, now);
        if (lane->gap && lane->synced) {
            drain(r, lane, now);
            r->counters.healed += lane_whole(lane);
        }
        replica_note_ready(r);
    } else {
        wait_for_gap(r, lane, header.version, frames, now);
    }
}

/* ---- Time ---- */

void replica_tick(struct replica *r, mono_time now)
{
    replica_sync_tick(r, now);
}

int replica_wait_ms(const struct replica *r, mono_time now)
{
    return mono_ms_until(now, replica_sync_due(r, now), REPLICA_PING_MS);
}

/* ---- Standing ---- */

static bool all_whole(const struct replica *r)
{
    for (unsigned i = 0; i < r->lane_count; i++) {
        if (!lane_whole(&r->lanes[i])) {
            return false;
        }
    }
    return r->lane_count != 0;
}

void replica_note_ready(struct replica *r)
{
    r->ready = r->ready || all_whole(r);
}

bool replica_ready(const struct replica *r)
{
    return r->ready;
}

bool replica_fresh(const struct replica *r, mono_time now, const char **reason)
{
    const char *why = NULL;
    if (!r->ready) {
        why = "no snapshot from an upstream yet: look whether one is running, at the addresses "
              "that the configuration says";
    } else if (!all_whole(r)) {
        why = "deltas were missed, and the snapshot that closes the gap is not complete yet";
    }
    for (unsigned i = 0; i < r->lane_count && why == NULL; i++) {
        if (!r->lanes[i].heard || time_passed(r->lanes[i].heard_at, REPLICA_SILENT_MS, now)) {
            why = "no beat from upstream for some seconds: the ingestor, its database or the way "
                  "to it is down";
        }
    }
    if (reason != NULL && why != NULL) {
        *reason = why;
    }
    return why == NULL;
}

void replica_standing(const struct replica *r, mono_time now, struct query_state *out)
{
    out->serving = r->ready;
    (void)replica_fresh(r, now, &out->reason);
    out->lanes = r->lane_count;
    out->lanes_owned = 0;
    out->position = r->lanes[0].position;
    out->as_of = r->lanes[0].as_of;
    for (unsigned i = 0; i < r->lane_count; i++) {
        out->last[i] = r->lanes[i].last;
        out->lanes_owned |= (uint64_t)r->lanes[i].synced << i;
    }
}

void replica_cursor(const struct replica *r, struct cursor *out)
{
    out->lanes = r->lane_count;
    for (unsigned i = 0; i < r->lane_count; i++) {
        out->at[i] = r->lanes[i].last;
    }
}

const struct replica_counters *replica_counters(const struct replica *r)
{
    return &r->counters;
}
