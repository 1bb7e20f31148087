#include "common/replica.h"

#include <assert.h>
#include <stdio.h>

#include "common/error.h"
#include "common/pending.h"

struct lane {
    bool synced;
    struct version last;      /* applied without a gap; meaningful once it was in sync */
    struct version announced; /* the highest heard of */
    struct pending pending;
    bool gap;
    mono_time gap_since;
    mono_time heard_at;
    bool heard;
    char position[STORE_POSITION_MAX];
    wall_time as_of;
};

struct upstream_state {
    bool answered; /* ever */
    mono_time answered_at;
    mono_time pinged_at;
    bool serving;
    unsigned lanes;
    uint64_t lanes_owned;
    uint32_t ping_tag;
};

/* A walk through an upstream's snapshot, then its events. At most one is under way. */
enum sync_step { SYNC_IDLE, SYNC_TILES, SYNC_EVENTS };

struct sync {
    enum sync_step step;
    unsigned upstream;
    uint32_t tag;
    mono_time asked_at;
    uint32_t mark;
    uint64_t next;
    char instance[64];
    uint64_t lanes_owned;         /* by the server, in all pages */
    struct version s1[LANES_MAX]; /* versions in the last page of tiles */
    mono_time retry_at;           /* no new one before this */
    unsigned failures;            /* in a row */
};

struct replica {
    struct store *store;
    struct eventlog *events;
    struct replica_ops ops;
    unsigned upstream_count;
    size_t events_max;
    unsigned lane_count; /* 0: not known yet */
    struct lane lanes[LANES_MAX];
    struct upstream_state upstreams[REPLICA_UPSTREAMS_MAX];
    struct sync sync;
    uint32_t next_tag;
    bool ready;
    size_t pending_count;
    size_t pending_bytes;
    struct replica_counters counters;
    struct mp_doc body;
    struct mp_doc reply;
};

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

static bool passed(mono_time since, int64_t ms, mono_time now)
{
    return now.us - since.us >= ms * US_PER_MS;
}

bool replica_upstream_alive(const struct replica *r, unsigned upstream, mono_time now)
{
    const struct upstream_state *u = &r->upstreams[upstream];
    return u->answered && !passed(u->answered_at, REPLICA_DEAD_MS, now);
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

static void apply_event(struct replica *r, const struct wire_header *header, struct str body)
{
    struct wire_event event;
    if (wire_decode_event(header, &r->body, body, &event) != STATUS_OK) {
        r->counters.malformed++;
        return;
    }
    if (event.origin != eventlog_origin(r->events)) {
        r->counters.event_resets++;
    }
    struct buf fields = {0};
    mp_put_value(&fields, event.fields);
    if (eventlog_append(r->events, event.origin, event.ordinal, event.id, buf_str(&fields),
                        event.arrival, header->published_at) != NULL) {
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
        apply_event(r, header, frames[2]);
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

/* Applies what waits and now follows; drops what is behind. Says whether the gap is closed. */
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
    lane->gap = version_compare(lane->announced, lane->last) > 0 && lane->gap;
}

/* Everything that waits is given up: the snapshot that comes is newer. */
static void overflow(struct replica *r, mono_time now)
{
    r->counters.overflows++;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        struct lane *lane = &r->lanes[i];
        if (lane->pending.count != 0) {
            pending_clear(&lane->pending);
            lose_sync(r, lane, now);
            lane->synced = false;
        }
    }
    r->pending_count = 0;
    r->pending_bytes = 0;
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
        overflow(r, now);
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
    if (lane->synced && header->lane == 0 && beat.origin != eventlog_origin(r->events)) {
        /* The events' numbering began anew, and its first events were not sent: fetch them. */
        lose_sync(r, lane, now);
        lane->synced = false;
    } else if (lane->synced && version_compare(header->version, lane->last) == 0) {
        snprintf(lane->position, sizeof lane->position, "%.*s", (int)beat.position.len,
                 beat.position.p);
        lane->as_of = beat.as_of;
        if (r->ops.accepted != NULL) {
            r->ops.accepted(r->ops.accepted_arg, frames);
        }
    } else if (version_compare(header->version, lane->last) > 0) {
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
            r->counters.healed += !lane->gap;
        }
    } else {
        wait_for_gap(r, lane, header.version, frames, now);
    }
}

/* ---- Queries ---- */

static uint32_t send_query(struct replica *r, unsigned upstream, struct buf *request)
{
    const uint32_t tag = ++r->next_tag;
    r->ops.send(r->ops.send_arg, upstream, tag, buf_str(request));
    buf_free(request);
    return tag;
}

static void ping(struct replica *r, unsigned upstream, mono_time now)
{
    struct buf request = {0};
    mp_put_map(&request, 1);
    mp_put_text(&request, "op");
    mp_put_text(&request, "ping");
    r->upstreams[upstream].pinged_at = now;
    r->upstreams[upstream].ping_tag = send_query(r, upstream, &request);
}

static void ask_tiles(struct replica *r, mono_time now)
{
    struct buf request = {0};
    mp_put_map(&request, 2);
    mp_put_text(&request, "op");
    mp_put_text(&request, "snapshot");
    mp_put_text(&request, "after");
    mp_put_uint(&request, r->sync.next);
    r->sync.asked_at = now;
    r->sync.tag = send_query(r, r->sync.upstream, &request);
}

static void ask_events(struct replica *r, mono_time now)
{
    const uint64_t last = eventlog_last(r->events);
    struct buf request = {0};
    mp_put_map(&request, 2);
    mp_put_text(&request, "op");
    mp_put_text(&request, "events");
    mp_put_text(&request, last != 0 ? "after" : "newest");
    mp_put_uint(&request, last != 0 ? last : r->events_max);
    r->sync.step = SYNC_EVENTS;
    r->sync.asked_at = now;
    r->sync.tag = send_query(r, r->sync.upstream, &request);
}

/* A failed or useless snapshot: try again soon, later and later while it goes on failing. */
static void sync_abandon(struct replica *r, mono_time now)
{
    const unsigned doublings = r->sync.failures < 5 ? r->sync.failures : 5;
    r->sync.failures++;
    r->sync.step = SYNC_IDLE;
    r->sync.retry_at = mono_add_ms(now, INT64_C(20) << doublings);
    r->counters.retries++;
}

static bool copy_text(const mp_value *value, char *out, size_t size)
{
    struct str text;
    if (!mp_as_str(value, &text) || text.len >= size) {
        return false;
    }
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return true;
}

static bool read_version(const mp_value *value, struct version *out)
{
    return mp_count(value) == 2 && mp_as_uint(mp_at(value, 0), &out->epoch) &&
           mp_as_uint(mp_at(value, 1), &out->seq);
}

/* What a reply says of its server: number of lanes, those it owns, and their versions. */
static bool read_lanes(const mp_value *map, unsigned *lanes, uint64_t *owned,
                       struct version versions[LANES_MAX])
{
    uint64_t count;
    const mp_value *list = mp_get(map, "versions");
    if (!mp_as_uint(mp_get(map, "lanes"), &count) || count > LANES_MAX || !mp_is_map(list)) {
        return false;
    }
    *lanes = (unsigned)count;
    *owned = 0;
    for (unsigned lane = 0; lane < count; lane++) {
        char name[16];
        snprintf(name, sizeof name, "%u", lane);
        const mp_value *version = mp_get(list, name);
        if (version != NULL) {
            if (!read_version(version, &versions[lane])) {
                return false;
            }
            *owned |= UINT64_C(1) << lane;
        }
    }
    return true;
}

static void on_ping(struct replica *r, unsigned upstream, const mp_value *map, mono_time now)
{
    struct upstream_state *u = &r->upstreams[upstream];
    struct version versions[LANES_MAX] = {{0}};
    unsigned lanes;
    if (!mp_as_bool(mp_get(map, "serving"), &u->serving) ||
        !read_lanes(map, &lanes, &u->lanes_owned, versions)) {
        r->counters.malformed++;
        return;
    }
    u->answered = true;
    u->answered_at = now;
    u->lanes = lanes;
    if (u->serving && lanes > r->lane_count) {
        r->lane_count = lanes;
    }
}

/* ---- Snapshots ---- */

static bool read_tile(const mp_value *entry, struct wire_tile *tile, unsigned *lane,
                      wall_time *published_at, int64_t *age_ms)
{
    uint64_t number;
    *tile = (struct wire_tile){.keyframe = true};
    if (!mp_as_str(mp_get(entry, "k"), &tile->key) || !wire_key_valid(tile->key) ||
        !mp_as_uint(mp_get(entry, "l"), &number) || number >= LANES_MAX ||
        !read_version(mp_get(entry, "v"), &tile->version)) {
        return false;
    }
    *lane = (unsigned)number;
    tile->value = mp_get(entry, "p");
    *age_ms = 0;
    if (tile->value == NULL) {
        tile->removed = true;
        return true;
    }
    return mp_is_map(tile->value) && mp_as_int(mp_get(entry, "t"), &tile->ttl_ms) &&
           tile->ttl_ms > 0 && mp_as_int(mp_get(entry, "g"), &tile->grace_ms) &&
           tile->grace_ms >= 0 && mp_as_str(mp_get(entry, "s"), &tile->position) &&
           mp_as_int(mp_get(entry, "w"), &tile->as_of.us) &&
           mp_as_int(mp_get(entry, "u"), &published_at->us) &&
           mp_as_int(mp_get(entry, "age"), age_ms) && *age_ms >= 0;
}

static void apply_entry(struct replica *r, const mp_value *entry, mono_time now)
{
    struct wire_tile tile;
    unsigned lane;
    wall_time published_at = {0};
    int64_t age_ms;
    if (!read_tile(entry, &tile, &lane, &published_at, &age_ms)) {
        r->counters.malformed++;
        return;
    }
    /* An older copy than the one here refreshes nothing; store_apply sees to that. */
    if (store_apply(r->store, &tile, lane, published_at, age_ms, now) == STATUS_FULL) {
        r->counters.refused++;
    }
    store_mark(r->store, tile.key, r->sync.mark);
}

/* A page belongs to the walk only if it comes from the same run of the server. */
static bool same_server(struct replica *r, const mp_value *map, bool first_page)
{
    char instance[sizeof r->sync.instance];
    if (!copy_text(mp_get(map, "instance"), instance, sizeof instance)) {
        return false;
    }
    if (first_page) {
        memcpy(r->sync.instance, instance, sizeof instance);
    }
    return strcmp(r->sync.instance, instance) == 0;
}

static void on_tiles(struct replica *r, const mp_value *map, mono_time now)
{
    unsigned lanes;
    bool more = false;
    bool restart = false;
    const mp_value *tiles = mp_get(map, "tiles");
    if (!same_server(r, map, r->sync.next == 0) ||
        !read_lanes(map, &lanes, &r->sync.lanes_owned, r->sync.s1) || !mp_is_array(tiles) ||
        !mp_as_uint(mp_get(map, "next"), &r->sync.next) ||
        !mp_as_bool(mp_get(map, "more"), &more) || !mp_as_bool(mp_get(map, "restart"), &restart) ||
        restart) {
        sync_abandon(r, now);
        return;
    }
    for (size_t i = 0; i < mp_count(tiles); i++) {
        apply_entry(r, mp_at(tiles, i), now);
    }
    if (more) {
        ask_tiles(r, now);
    } else {
        ask_events(r, now);
    }
}

/* Does the state at S1, with what waits, make the lane whole? */
static bool closes_gap(const struct lane *lane, struct version s1)
{
    if (version_compare(s1, lane->last) < 0 || s1.epoch < lane->announced.epoch) {
        return false;
    }
    const struct pending_message *next = lane->pending.first;
    while (next != NULL && version_compare(next->version, s1) <= 0) {
        next = next->next;
    }
    return next == NULL || follows(next->version, s1);
}

static void finish_lane(struct replica *r, unsigned index, mono_time now)
{
    struct lane *lane = &r->lanes[index];
    const struct version s1 = r->sync.s1[index];
    if (!closes_gap(lane, s1)) {
        lane->gap = true; /* the server lags: ask again */
        return;
    }
    store_sweep(r->store, index, r->sync.mark, s1);
    lane->last = s1;
    if (version_compare(s1, lane->announced) > 0) {
        lane->announced = s1;
    }
    lane->synced = true;
    lane->gap = false;
    drain(r, lane, now);
}

static bool all_synced(const struct replica *r)
{
    for (unsigned i = 0; i < r->lane_count; i++) {
        if (!r->lanes[i].synced || r->lanes[i].gap) {
            return false;
        }
    }
    return r->lane_count != 0;
}

static void sync_finish(struct replica *r, const mp_value *map, mono_time now)
{
    bool whole = true;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        struct lane *lane = &r->lanes[i];
        if ((r->sync.lanes_owned >> i & 1) == 0) {
            continue;
        }
        finish_lane(r, i, now);
        whole = whole && lane->synced && !lane->gap;
        if (lane->position[0] == '\0') {
            (void)copy_text(mp_get(map, "position"), lane->position, sizeof lane->position);
            (void)mp_as_int(mp_get(map, "as_of"), &lane->as_of.us);
        }
    }
    r->counters.snapshots++;
    if (!whole) {
        sync_abandon(r, now);
        return;
    }
    r->sync.step = SYNC_IDLE;
    r->sync.failures = 0;
    r->sync.retry_at = now;
    r->ready = r->ready || all_synced(r);
}

static void append_events(struct replica *r, const mp_value *list, uint64_t origin)
{
    for (size_t i = 0; i < mp_count(list); i++) {
        const mp_value *entry = mp_at(list, i);
        const mp_value *fields = mp_get(entry, "e");
        uint64_t ordinal;
        int64_t id;
        struct str type;
        wall_time arrival = {0};
        wall_time published_at = {0};
        if (!mp_as_uint(mp_get(entry, "n"), &ordinal) || !mp_as_int(mp_get(fields, "id"), &id) ||
            !mp_as_str(mp_get(fields, "event_type"), &type)) {
            r->counters.malformed++;
            continue;
        }
        (void)mp_as_int(mp_get(entry, "a"), &arrival.us);
        (void)mp_as_int(mp_get(entry, "u"), &published_at.us);
        struct buf bytes = {0};
        mp_put_value(&bytes, fields);
        if (eventlog_append(r->events, origin, ordinal, id, buf_str(&bytes), arrival,
                            published_at) != NULL) {
            r->counters.events++;
        }
        buf_free(&bytes);
    }
}

static void on_events(struct replica *r, const mp_value *map, mono_time now)
{
    uint64_t origin;
    uint64_t floor;
    uint64_t last;
    bool more = false;
    const mp_value *list = mp_get(map, "events");
    if (!same_server(r, map, false) || !mp_as_uint(mp_get(map, "origin"), &origin) ||
        !mp_as_uint(mp_get(map, "floor"), &floor) || !mp_as_uint(mp_get(map, "ordinal"), &last) ||
        !mp_as_bool(mp_get(map, "more"), &more) || !mp_is_array(list)) {
        sync_abandon(r, now);
        return;
    }
    if ((r->sync.lanes_owned & 1) == 0) { /* events are lane 0's */
        sync_finish(r, map, now);
        return;
    }
    const uint64_t held = eventlog_last(r->events);
    const bool lost = held != 0 && held < floor;
    if (origin != eventlog_origin(r->events) || lost) {
        /* Another numbering, or events that nobody has any more: readers are told to start over. */
        r->counters.event_resets += held != 0;
        eventlog_reset(r->events, origin);
        if (held != 0) {
            ask_events(r, now);
            return;
        }
    }
    if (eventlog_last(r->events) == 0) {
        const mp_value *first = mp_at(list, 0);
        uint64_t ordinal = last + 1;
        (void)mp_as_uint(mp_get(first, "n"), &ordinal);
        eventlog_skip_to(r->events, ordinal - 1);
    }
    append_events(r, list, origin);
    if (more) {
        ask_events(r, now);
    } else {
        sync_finish(r, map, now);
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
    if (tag == r->upstreams[upstream].ping_tag) {
        on_ping(r, upstream, map, now);
        return;
    }
    if (r->sync.step == SYNC_IDLE || upstream != r->sync.upstream || tag != r->sync.tag) {
        return; /* an answer that came after its time */
    }
    if (mp_get(map, "error") != NULL) {
        sync_abandon(r, now);
    } else if (r->sync.step == SYNC_TILES) {
        on_tiles(r, map, now);
    } else {
        on_events(r, map, now);
    }
}

/* ---- Time ---- */

/* Lanes that need a snapshot now. */
static uint64_t lanes_wanted(const struct replica *r, mono_time now)
{
    unsigned alive = 0;
    for (unsigned i = 0; i < r->upstream_count; i++) {
        alive += replica_upstream_alive(r, i, now);
    }
    uint64_t wanted = 0;
    for (unsigned i = 0; i < r->lane_count; i++) {
        const struct lane *lane = &r->lanes[i];
        const bool waited = alive < 2 || passed(lane->gap_since, REPLICA_GAP_WAIT_MS, now);
        if (!lane->synced || (lane->gap && waited)) {
            wanted |= UINT64_C(1) << i;
        }
    }
    return wanted;
}

/* The next living upstream after the one asked last that serves one of the lanes. */
static bool choose_upstream(const struct replica *r, uint64_t wanted, mono_time now,
                            unsigned *chosen)
{
    for (unsigned i = 0; i < r->upstream_count; i++) {
        const unsigned candidate =
            (r->sync.upstream + i + (r->sync.failures != 0 ? 1 : 0)) % r->upstream_count;
        const struct upstream_state *u = &r->upstreams[candidate];
        if (replica_upstream_alive(r, candidate, now) && u->serving &&
            (u->lanes_owned & wanted) != 0) {
            *chosen = candidate;
            return true;
        }
    }
    return false;
}

static void sync_begin(struct replica *r, unsigned upstream, mono_time now)
{
    r->sync.step = SYNC_TILES;
    r->sync.upstream = upstream;
    r->sync.mark++;
    r->sync.next = 0;
    ask_tiles(r, now);
}

void replica_tick(struct replica *r, mono_time now)
{
    for (unsigned i = 0; i < r->upstream_count; i++) {
        if (passed(r->upstreams[i].pinged_at, REPLICA_PING_MS, now)) {
            ping(r, i, now);
        }
    }
    if (r->sync.step != SYNC_IDLE) {
        if (passed(r->sync.asked_at, REPLICA_QUERY_TIMEOUT_MS, now) ||
            !replica_upstream_alive(r, r->sync.upstream, now)) {
            sync_abandon(r, now);
        }
        return;
    }
    const uint64_t wanted = lanes_wanted(r, now);
    unsigned upstream;
    if (wanted != 0 && now.us >= r->sync.retry_at.us &&
        choose_upstream(r, wanted, now, &upstream)) {
        sync_begin(r, upstream, now);
    }
}

int replica_wait_ms(const struct replica *r, mono_time now)
{
    int wait = REPLICA_PING_MS;
    for (unsigned i = 0; i < r->upstream_count; i++) {
        wait = mono_ms_until(now, mono_add_ms(r->upstreams[i].pinged_at, REPLICA_PING_MS), wait);
    }
    if (r->sync.step != SYNC_IDLE) {
        return mono_ms_until(now, mono_add_ms(r->sync.asked_at, REPLICA_QUERY_TIMEOUT_MS), wait);
    }
    for (unsigned i = 0; i < r->lane_count; i++) {
        const struct lane *lane = &r->lanes[i];
        if (!lane->synced) {
            wait = mono_ms_until(now, r->sync.retry_at, wait < 20 ? wait : 20);
        } else if (lane->gap) {
            const mono_time due = mono_add_ms(lane->gap_since, REPLICA_GAP_WAIT_MS);
            wait = mono_ms_until(now, due.us > r->sync.retry_at.us ? due : r->sync.retry_at, wait);
            wait = wait < 20 ? wait : 20;
        }
    }
    return wait;
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
              "that the "
              "configuration says";
    } else if (!all_synced(r)) {
        why = "deltas were missed, and the snapshot that closes the gap is under way";
    }
    for (unsigned i = 0; i < r->lane_count && why == NULL; i++) {
        if (!r->lanes[i].heard || passed(r->lanes[i].heard_at, REPLICA_SILENT_MS, now)) {
            why = "no beat from upstream for some seconds: the ingestor or the way to it is down";
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
