/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/error.h"
#include "common/replica/answer.h"
#include "common/replica/history.h"
#include "common/replica/lanes.h"
#include "common/replica/replica.h"
#include "common/replica/replica_sync.h"
#include "common/replica/upstreams.h"

/* Copies a text and ends it with a NUL. Returns false, and leaves out alone, when it does not fit.
 */
static bool copy_text(struct str text, char *out, size_t size)
{
    if (text.p == NULL || text.len >= size) {
        return false;
    }
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return true;
}

/* Takes over the number of lanes that the living upstreams say. A lane that no longer exists is
 * forgotten; those of its tiles that no other lane has taken over expire. */
static void count_lanes(struct replica *r, mono_time now)
{
    const unsigned lanes = upstreams_lanes(r, now);
    if (lanes == 0) {
        return;
    }
    for (unsigned i = lanes; i < r->lane_count; i++) {
        lanes_forget(r, &r->lanes[i]);
        r->lanes[i] = (struct replica_lane){0};
    }
    r->lane_count = lanes;
}

/* A number that is another one when any of the versions is. */
static uint64_t sum_up(const struct answer_standing *standing)
{
    uint64_t sum = standing->lanes_owned;
    for (unsigned i = 0; i < standing->lanes; i++) {
        if ((standing->lanes_owned >> i & 1) != 0) {
            sum = sum * 31 + standing->versions[i].epoch;
            sum = sum * 31 + standing->versions[i].seq;
        }
    }
    return sum;
}

/* Heartbeats move as_of, everything else a version. */
static void note_progress(struct replica_upstream *u, const struct answer_ping *answer,
                          mono_time now)
{
    const uint64_t published = sum_up(&answer->standing);
    if (u->answered && answer->serving && answer->standing.lanes_owned != 0 &&
        (published != u->published || answer->standing.as_of.us > u->as_of.us)) {
        u->moved_at = now;
    }
    u->published = published;
    u->as_of = answer->standing.as_of;
}

static void on_ping(struct replica *r, unsigned upstream, const mp_value *map, mono_time now)
{
    struct replica_upstream *u = &r->upstreams[upstream];
    struct answer_ping answer;
    char instance[sizeof u->instance];
    if (!answer_read_ping(map, &answer) ||
        !copy_text(answer.standing.instance, instance, sizeof instance)) {
        r->counters.malformed++;
        return;
    }
    const bool restarted = strcmp(u->instance, instance) != 0;
    memcpy(u->instance, instance, sizeof instance);
    note_progress(u, &answer, now);
    u->answered = true;
    u->answered_at = now;
    u->serving = answer.serving;
    u->lanes = answer.standing.lanes;
    u->lanes_owned = answer.standing.lanes_owned;
    count_lanes(r, now);
    if (restarted && r->sync.step != REPLICA_SYNC_IDLE && upstream == r->sync.upstream &&
        strcmp(r->sync.instance, instance) != 0) {
        replica_sync_abandon(r, now); /* what the one before was asked will not be answered */
    }
}

/* ---- Snapshots ---- */

static void apply_entry(struct replica *r, const mp_value *entry, mono_time now)
{
    struct answer_tile answer;
    if (!answer_read_tile(entry, &answer)) {
        r->counters.malformed++;
        return;
    }
    const struct wire_tile tile = {.key = answer.key,
                                   .keyframe = true,
                                   .removed = answer.removed,
                                   .expired = answer.expired,
                                   .version = answer.version,
                                   .value = answer.value.parsed,
                                   .ttl_ms = answer.ttl_ms,
                                   .grace_ms = answer.grace_ms,
                                   .position = answer.position,
                                   .as_of = answer.as_of,
                                   .tally = answer.tally};
    /* store_apply drops an older copy than the one here, so that it refreshes nothing. */
    if (store_apply(r->store, &tile, answer.lane, answer.published_at, answer.age_ms, now) ==
        STATUS_FULL) {
        r->counters.refused++;
    }
    /*
     * What is marked survives the sweep in finish_lane. A tombstone marks nothing, for at S the
     * server has no such tile; but a tile that time alone removed there is kept, since it expires
     * here by itself, and a refresh may be on its way.
     */
    const struct tile *here = store_get(r->store, tile.key);
    if (!tile.removed ||
        (tile.expired && here != NULL && version_compare(here->version, tile.version) <= 0)) {
        store_mark(r->store, tile.key, r->sync.mark);
    }
}

/* All pages of a snapshot must come from one run of the server: that which gave the first. */
static bool same_server(const struct replica *r, const struct answer_standing *standing)
{
    return str_is(standing->instance, r->sync.instance);
}

/* True when the lane needs a snapshot, and this one brings it to where it stands or further. */
static bool lane_gains(const struct replica *r, unsigned index)
{
    const struct replica_lane *lane = &r->lanes[index];
    return (r->sync.lanes_owned >> index & 1) != 0 && !replica_lane_whole(lane) &&
           version_compare(r->sync.reached[index], lane->last) >= 0;
}

/* Brings a lane to S: what the server did not have at S goes. */
static void finish_lane(struct replica *r, unsigned index, const struct answer_standing *standing,
                        mono_time now)
{
    struct replica_lane *lane = &r->lanes[index];
    (void)store_sweep(r->store, index, r->sync.mark, r->sync.reached[index]);
    lanes_jump(r, lane, r->sync.reached[index], now);
    if (lane->position[0] == '\0') {
        (void)copy_text(standing->position, lane->position, sizeof lane->position);
        lane->as_of = standing->as_of;
    }
}

/* The last page is here: each lane that gains by the snapshot jumps to S. */
static void sync_finish(struct replica *r, const struct answer_standing *standing, mono_time now)
{
    bool whole = true;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        if (lane_gains(r, i)) {
            finish_lane(r, i, standing, now);
        }
        whole = whole && ((r->sync.wanted >> i & 1) == 0 || replica_lane_whole(&r->lanes[i]));
    }
    r->counters.snapshots++;
    lanes_note_ready(r);
    if (!whole) {
        replica_sync_abandon(r, now); /* the server lags: ask again */
        return;
    }
    r->sync.step = REPLICA_SYNC_IDLE;
    r->sync.next = 0;
    r->sync.failures = 0;
    r->sync.retry_at = now;
}

static void on_tiles(struct replica *r, const mp_value *map, mono_time now)
{
    struct answer_snapshot page;
    if (!answer_read_snapshot(map, &page)) {
        replica_sync_abandon(r, now);
        return;
    }
    const struct answer_standing *standing = &page.standing;
    if (r->sync.next == 0) {
        (void)copy_text(standing->instance, r->sync.instance, sizeof r->sync.instance);
        r->sync.forgotten = page.forgotten;
    }
    if (!same_server(r, standing) || page.restart || (page.more && page.next <= r->sync.next)) {
        replica_sync_abandon(r, now);
        return;
    }
    r->sync.next = page.next;
    r->sync.lanes_owned = standing->lanes_owned;
    r->sync.continues = standing->continues;
    r->sync.accounted = standing->accounted;
    memcpy(r->sync.reached, standing->versions, sizeof r->sync.reached);
    for (size_t i = 0; i < mp_count(page.tiles); i++) {
        apply_entry(r, mp_at(page.tiles, i), now);
    }
    if (page.more) {
        replica_sync_ask_tiles(r, now);
    } else if (lane_gains(r, 0)) { /* events are lane 0's */
        replica_sync_begin_events(r, now);
    } else {
        sync_finish(r, standing, now);
    }
}

/* ---- Events ---- */

/* Takes an event of a page: compares it with what is held, or appends it. False when it is of
 * another history. */
static bool take_event(struct replica *r, const mp_value *entry, uint64_t origin)
{
    struct answer_event event;
    if (!answer_read_event(entry, &event)) {
        r->counters.malformed++;
        return true;
    }
    const enum history history =
        history_judge(r, event.ordinal, event.fields.parsed, &r->sync.confirmed);
    if (history != HISTORY_NEXT) {
        return history == HISTORY_KNOWN;
    }
    struct buf bytes = {0};
    mp_put_value(&bytes, event.fields.parsed);
    (void)eventlog_append(r->events, origin, event.ordinal, event.id, buf_str(&bytes),
                          event.arrival, event.published_at);
    r->sync.confirmed = event.ordinal;
    r->counters.events++;
    buf_free(&bytes);
    return true;
}

static bool take_events(struct replica *r, const struct answer_events *page)
{
    bool same = true;
    for (size_t i = 0; i < mp_count(page->events) && same; i++) {
        same = take_event(r, mp_at(page->events, i), page->standing.origin);
    }
    return same;
}

/*
 * Empties the log when the server numbers its events anew, or no longer has the one that follows on
 * those held here: readers are told to start over. Until the log is filled again lane 0 is out of
 * sync, so that no delta puts a single event into it. Returns true when the page is of no use,
 * since it was asked for by what was held before; the right one has been asked for then.
 */
static bool start_over(struct replica *r, const struct answer_events *page, mono_time now)
{
    const uint64_t origin = page->standing.origin;
    const uint64_t held = eventlog_last(r->events);
    /* What would be compared has left the server's log, and others came since. */
    const bool unknown =
        r->sync.confirmed < held && held == page->floor && page->standing.ordinal != page->floor;
    if (origin == eventlog_origin(r->events) && !unknown && (held >= page->floor || held == 0)) {
        return false;
    }
    r->counters.event_resets += held != 0;
    r->lanes[0].synced = false;
    eventlog_reset(r->events, origin);
    r->confirmed = 0;
    r->sync.confirmed = 0;
    if (held != 0) {
        replica_sync_begin_events(r, now);
    }
    return held != 0;
}

/* True when the server's log is as far as its tiles were at S, in the same epoch: in the next one
 * it may be of another history. A server that is filling its own log anew has gaps in it, and says
 * that it does not have lane 0. */
static bool log_is_whole(const struct replica *r, const struct answer_standing *standing)
{
    return (standing->lanes_owned & 1) != 0 &&
           standing->versions[0].epoch == r->sync.reached[0].epoch &&
           standing->versions[0].seq >= r->sync.reached[0].seq;
}

/* True when the server emptied its log between two pages. What the earlier ones had was perhaps of
 * another history, which the server did not know of yet. */
static bool log_was_emptied(struct replica *r, const struct answer_events *page)
{
    const bool emptied = r->sync.paged && page->generation != r->sync.generation;
    r->sync.paged = true;
    r->sync.generation = page->generation;
    return emptied;
}

/* The ordinal right below the first event of the page, or the server's last if the page is empty.
 */
static uint64_t ordinal_before(const struct answer_events *page)
{
    for (size_t i = 0; i < mp_count(page->events); i++) {
        struct answer_event event;
        if (answer_read_event(mp_at(page->events, i), &event)) {
            return event.ordinal - 1;
        }
    }
    return page->standing.ordinal;
}

/* Takes over what a page confirmed, as far as it is confirmed at the server. In a new epoch that
 * waits for the last page: live messages may still be those of the old one. */
static void note_confirmed(struct replica *r, const struct answer_events *page)
{
    const struct answer_standing *standing = &page->standing;
    uint64_t confirmed = r->sync.confirmed;
    if (standing->confirmed < standing->ordinal && standing->confirmed < confirmed) {
        confirmed = standing->confirmed > r->sync.vouched ? standing->confirmed : r->sync.vouched;
    }
    if (!page->more) {
        r->continues = r->sync.continues;
        r->accounted = r->sync.accounted;
    }
    if (r->sync.new_epoch ? !page->more : confirmed > r->confirmed) {
        r->confirmed = confirmed;
    }
}

/* Takes a page that follows on what is held. */
static void take_page(struct replica *r, const struct answer_events *page, mono_time now)
{
    if (eventlog_last(r->events) == 0) {
        eventlog_skip_to(r->events, ordinal_before(page));
        r->sync.confirmed = eventlog_last(r->events);
    } else if (page->floor == eventlog_last(r->events)) {
        r->sync.confirmed = page->floor; /* nothing can be compared, and nothing came since */
    }
    if (!take_events(r, page)) {
        lanes_drop_events(r, now);
        replica_sync_begin_events(r, now);
        return;
    }
    note_confirmed(r, page);
    const uint64_t next = page->next != 0 ? page->next : eventlog_last(r->events);
    if (!page->more) {
        sync_finish(r, &page->standing, now);
    } else if (next <= r->sync.asked_after) {
        replica_sync_abandon(r, now); /* a server that gives nothing and says there is more */
    } else {
        replica_sync_ask_events(r, next, now);
    }
}

static void on_events(struct replica *r, const mp_value *map, mono_time now)
{
    struct answer_events page;
    if (!answer_read_events(map, &page) || !same_server(r, &page.standing) ||
        !log_is_whole(r, &page.standing)) {
        replica_sync_abandon(r, now);
    } else if (start_over(r, &page, now)) {
        return;
    } else if (log_was_emptied(r, &page) ||
               (r->sync.asked_newest && eventlog_last(r->events) != 0)) {
        /* What is held is compared with the log as it is now; or the first event came meanwhile,
         * and the page has the newest events, but those that follow on it are needed. */
        replica_sync_begin_events(r, now);
    } else {
        take_page(r, &page, now);
    }
}

void replica_reply(struct replica *r, unsigned upstream, uint32_t tag, struct str reply,
                   mono_time now)
{
    if (upstream >= r->upstream_count || mp_parse(&r->reply, reply.p, reply.len) != STATUS_OK) {
        r->counters.malformed++;
        return;
    }
    const mp_value *map = &r->reply.root;
    const bool awaited = r->sync.step != REPLICA_SYNC_IDLE && upstream == r->sync.upstream;
    const struct replica_ping *ping = upstreams_find_ping(r, upstream, tag);
    if (ping != NULL) {
        /* Answers come in the order of the requests. */
        r->sync.overtaken = r->sync.overtaken || (awaited && (int32_t)(tag - r->sync.tag) > 0);
        pace_note_ping(&r->upstreams[upstream].pace, now.us - ping->sent_at.us);
        on_ping(r, upstream, map, now);
        return;
    }
    if (!awaited || tag != r->sync.tag) {
        return; /* an answer that came after its time */
    }
    pace_note_page(&r->upstreams[upstream].pace, reply.len, now.us - r->sync.asked_at.us);
    struct answer_error error;
    if (answer_read_error(map, &error)) {
        replica_sync_abandon(r, now);
    } else if (r->sync.step == REPLICA_SYNC_TILES) {
        on_tiles(r, map, now);
    } else {
        on_events(r, map, now);
    }
}
