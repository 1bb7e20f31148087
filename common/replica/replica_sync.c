/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/replica_sync.h"

#include "common/replica/history.h"
#include "common/replica/query_request.h"
#include "common/replica/upstreams.h"

/* The pause after a failure: 20 ms, then 40 ms, and so on to 640 ms. */
#define RETRY_FIRST_MS INT64_C(20)
#define RETRY_DOUBLINGS_MAX 5

/* ---- Queries ---- */

/* Sends the request and frees it. Returns its tag, or 0 when nobody is connected there. */
static uint32_t send_query(struct replica *r, unsigned upstream, struct query_request *request)
{
    struct buf bytes = {0};
    query_request_finish(request, &bytes);
    r->next_tag += r->next_tag == UINT32_MAX ? 2 : 1; /* never 0 */
    const bool sent = r->ops.send(r->ops.send_arg, upstream, r->next_tag, buf_str(&bytes));
    buf_free(&bytes);
    return sent ? r->next_tag : 0;
}

static void ping(struct replica *r, unsigned upstream, mono_time now)
{
    struct replica_upstream *u = &r->upstreams[upstream];
    struct query_request request;
    query_request_begin(&request, QUERY_OP_PING);
    const uint32_t tag = send_query(r, upstream, &request);
    if (tag == 0) {
        /* As if the last ping were so old that the next one is due after REPLICA_RECONNECT_MS. */
        u->pinged_at = mono_add_ms(now, REPLICA_RECONNECT_MS - REPLICA_PING_MS);
        return;
    }
    u->pinged_at = now;
    upstreams_note_ping(r, upstream, tag, now);
}

/* Goes on later, with the page that did not come if the same run of the upstream is asked then. */
static void stall(struct replica *r, mono_time now)
{
    const unsigned doublings =
        r->sync.failures < RETRY_DOUBLINGS_MAX ? r->sync.failures : RETRY_DOUBLINGS_MAX;
    r->sync.failures++;
    r->sync.step = REPLICA_SYNC_IDLE;
    r->sync.retry_at = mono_add_ms(now, RETRY_FIRST_MS << doublings);
    r->counters.retries++;
}

void replica_sync_abandon(struct replica *r, mono_time now)
{
    stall(r, now);
    r->sync.next = 0;
}

static void ask(struct replica *r, enum replica_sync_step step, struct query_request *request,
                mono_time now)
{
    r->sync.step = step;
    r->sync.asked_at = now;
    r->sync.overtaken = false;
    query_request_uint(request, QUERY_ARG_BYTES, r->upstreams[r->sync.upstream].pace.bytes);
    r->sync.tag = send_query(r, r->sync.upstream, request);
    if (r->sync.tag == 0) {
        stall(r, now);
    }
}

void replica_sync_ask_tiles(struct replica *r, mono_time now)
{
    struct query_request request;
    query_request_begin(&request, QUERY_OP_SNAPSHOT);
    query_request_uint(&request, QUERY_ARG_AFTER, r->sync.next);
    if (r->sync.next != 0) {
        query_request_uint(&request, QUERY_ARG_BEGAN, r->sync.forgotten);
    }
    ask(r, REPLICA_SYNC_TILES, &request, now);
}

static void ask_events(struct replica *r, const char *argument, uint64_t number, mono_time now)
{
    struct query_request request;
    query_request_begin(&request, QUERY_OP_EVENTS);
    query_request_uint(&request, argument, number);
    ask(r, REPLICA_SYNC_EVENTS, &request, now);
}

void replica_sync_ask_events(struct replica *r, uint64_t after, mono_time now)
{
    r->sync.asked_newest = false;
    r->sync.asked_after = after;
    ask_events(r, QUERY_ARG_AFTER, after, now);
}

void replica_sync_begin_events(struct replica *r, mono_time now)
{
    r->sync.new_epoch = r->lanes[0].last.epoch != r->sync.reached[0].epoch;
    r->sync.vouched = r->sync.new_epoch ? history_vouched(r) : r->confirmed;
    r->sync.confirmed = r->sync.vouched;
    r->sync.paged = false;
    if (eventlog_last(r->events) != 0) {
        replica_sync_ask_events(r, history_ask_after(r, r->sync.new_epoch), now);
    } else {
        r->sync.asked_newest = true;
        r->sync.asked_after = 0;
        ask_events(r, QUERY_ARG_NEWEST, r->events_max, now);
    }
}

/* ---- Time ---- */

/* When a lane needs a snapshot; MONO_NEVER: it needs none. While another upstream lives, its copies
 * may close a gap within REPLICA_GAP_WAIT_MS. */
static mono_time lane_due(const struct replica *r, unsigned index, mono_time now)
{
    const struct replica_lane *lane = &r->lanes[index];
    if (replica_lane_whole(lane)) {
        return MONO_NEVER;
    }
    const bool may_heal = lane->synced && upstreams_serving(r, index, now) >= 2;
    return may_heal ? mono_add_ms(lane->gap_since, REPLICA_GAP_WAIT_MS) : now;
}

/* The lanes that need a snapshot now; bit i: lane i. */
static uint64_t lanes_wanted(const struct replica *r, mono_time now)
{
    uint64_t wanted = 0;
    for (unsigned i = 0; i < r->lane_count; i++) {
        if (lane_due(r, i, now).us <= now.us) {
            wanted |= UINT64_C(1) << i;
        }
    }
    return wanted;
}

static void sync_begin(struct replica *r, unsigned upstream, uint64_t wanted, mono_time now)
{
    const struct replica_upstream *u = &r->upstreams[upstream];
    const bool goes_on = r->sync.next != 0 && r->sync.upstream == upstream &&
                         strcmp(r->sync.instance, u->instance) == 0;
    r->sync.upstream = upstream;
    r->sync.wanted = wanted & u->lanes_owned;
    if (!goes_on) {
        r->sync.instance[0] = '\0';
        r->sync.mark++;
        r->sync.next = 0;
    }
    replica_sync_ask_tiles(r, now);
}

static mono_time later(mono_time a, mono_time b)
{
    return a.us > b.us ? a : b;
}

/* When the page that was asked for is given up. A page of which bytes still come is on its way, but
 * what comes after a later request was answered is none of it. */
static mono_time page_due(const struct replica *r)
{
    const mono_time arriving_at = r->upstreams[r->sync.upstream].arriving_at;
    const mono_time since =
        r->sync.overtaken ? r->sync.asked_at : later(r->sync.asked_at, arriving_at);
    return mono_add_ms(since, REPLICA_QUERY_TIMEOUT_MS);
}

void replica_sync_tick(struct replica *r, mono_time now)
{
    for (unsigned i = 0; i < r->upstream_count; i++) {
        if (replica_time_passed(r->upstreams[i].pinged_at, REPLICA_PING_MS, now)) {
            ping(r, i, now);
        }
    }
    if (r->sync.step != REPLICA_SYNC_IDLE) {
        if (page_due(r).us <= now.us || !upstreams_alive(r, r->sync.upstream, now)) {
            pace_note_timeout(&r->upstreams[r->sync.upstream].pace);
            stall(r, now);
        }
        return;
    }
    const uint64_t wanted = lanes_wanted(r, now);
    unsigned upstream;
    if (wanted != 0 && now.us >= r->sync.retry_at.us &&
        upstreams_choose(r, wanted, now, &upstream)) {
        sync_begin(r, upstream, wanted, now);
    }
}

static mono_time earlier(mono_time a, mono_time b)
{
    return a.us < b.us ? a : b;
}

mono_time replica_sync_due(const struct replica *r, mono_time now)
{
    mono_time due = MONO_NEVER;
    for (unsigned i = 0; i < r->upstream_count; i++) {
        due = earlier(due, mono_add_ms(r->upstreams[i].pinged_at, REPLICA_PING_MS));
    }
    if (r->sync.step != REPLICA_SYNC_IDLE) {
        return earlier(due, page_due(r));
    }
    unsigned upstream;
    for (unsigned i = 0; i < r->lane_count; i++) {
        const mono_time at = lane_due(r, i, now);
        /* While nobody can be asked, only the answer to a ping changes anything. */
        if (at.us != MONO_NEVER.us && upstreams_choose(r, UINT64_C(1) << i, now, &upstream)) {
            due = earlier(due, at.us > r->sync.retry_at.us ? at : r->sync.retry_at);
        }
    }
    return due;
}
