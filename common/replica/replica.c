/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/replica.h"

#include <assert.h>
#include <stdio.h>

#include "common/base/error.h"
#include "common/replica/history.h"
#include "common/replica/lanes.h"
#include "common/replica/replica_state.h"
#include "common/replica/replica_sync.h"
#include "common/replica/upstreams.h"

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
        pace_init(&r->upstreams[i].pace);
    }
    mp_doc_init(&r->body);
    mp_doc_init(&r->reply);
    mp_doc_init(&r->held);
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
    mp_doc_free(&r->held);
    free(r);
    *replica = NULL;
}

/* ---- Messages ---- */

static void on_heartbeat(struct replica *r, const struct wire_header *header,
                         const struct str frames[WIRE_FRAMES], mono_time now)
{
    struct replica_lane *lane = &r->lanes[header->lane];
    struct wire_heartbeat heartbeat;
    if (wire_decode_heartbeat(header, &r->body, frames[2], &heartbeat) != STATUS_OK) {
        r->counters.malformed++;
        return;
    }
    const int order = version_compare(header->version, lane->last);
    if (lane->synced && order == 0 && header->lane == 0 &&
        heartbeat.origin != eventlog_origin(r->events)) {
        /* The events are numbered anew, and the first of them were not published: a snapshot
         * brings them. */
        lanes_lose_sync(r, lane, now);
    } else if (replica_lane_whole(lane) && order == 0 && header->lane == 0 && heartbeat.caught_up &&
               history_is_doubtful(r)) {
        lanes_drop_events(r, now); /* the table has lost rows that were delivered */
    } else if (lane->synced && order == 0) {
        snprintf(lane->position, sizeof lane->position, "%.*s", (int)heartbeat.position.len,
                 heartbeat.position.p);
        lane->as_of = heartbeat.as_of;
        if (header->lane == 0) {
            r->clocks = heartbeat.clocks;
            lag_read(heartbeat.lag_map, &r->lag);
            sources_up_read(heartbeat.sources_map, &r->sources);
        }
        if (r->ops.accepted != NULL) {
            r->ops.accepted(r->ops.accepted_arg, frames);
        }
    } else if (order > 0) {
        lanes_note_gap(r, lane, now); /* something was published that has not come */
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
    struct replica_lane *lane = &r->lanes[header.lane];
    if (header.version.epoch < lane->announced.epoch) {
        r->counters.outdated++;
        return;
    }
    lane->heard = true;
    lane->heard_at = now;
    if (version_compare(header.version, lane->announced) > 0) {
        lane->announced = header.version;
    }
    if (header.kind == WIRE_HEARTBEAT) {
        on_heartbeat(r, &header, frames, now);
    } else if (version_compare(header.version, lane->last) <= 0) {
        r->counters.duplicates++;
    } else if (lane->synced && lanes_follows(header.version, lane->last)) {
        lanes_apply(r, &header, frames, now);
        lanes_note_ready(r);
    } else {
        lanes_keep(r, lane, header.version, frames, now);
    }
}

void replica_arriving(struct replica *r, unsigned upstream, mono_time now)
{
    r->upstreams[upstream].arriving_at = now;
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
    } else if (!lanes_all_whole(r)) {
        why = "deltas were missed, and the snapshot that closes the gap is not complete yet";
    }
    for (unsigned i = 0; i < r->lane_count && why == NULL; i++) {
        if (!r->lanes[i].heard ||
            replica_time_passed(r->lanes[i].heard_at, REPLICA_SILENT_MS, now)) {
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
    out->confirmed = r->confirmed;
    out->continues = r->continues;
    out->accounted = r->accounted;
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

const struct wire_clocks *replica_clocks(const struct replica *r)
{
    return &r->clocks;
}

const struct lag *replica_lag(const struct replica *r)
{
    return &r->lag;
}

const struct sources_up *replica_sources(const struct replica *r)
{
    return &r->sources;
}

uint64_t replica_moved(const struct replica *r)
{
    return store_moved(r->store);
}

const struct replica_counters *replica_counters(const struct replica *r)
{
    return &r->counters;
}

bool replica_events_whole(const struct replica *r)
{
    return r->lanes[0].synced;
}

bool replica_upstream_alive(const struct replica *r, unsigned upstream, mono_time now)
{
    return upstreams_alive(r, upstream, now);
}

mono_time replica_upstream_moved_at(const struct replica *replica, unsigned upstream)
{
    return replica->upstreams[upstream].moved_at;
}
