/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "common/base/error.h"
#include "common/replica/replica_state.h"

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

/* As many lanes as the living upstreams say. One that is gone is forgotten; tiles that no other
 * lane has taken over expire. */
static void count_lanes(struct replica *r, mono_time now)
{
    unsigned lanes = 0;
    for (unsigned i = 0; i < r->upstream_count; i++) {
        const struct upstream_state *u = &r->upstreams[i];
        if (u->serving && u->lanes > lanes && replica_upstream_alive(r, i, now)) {
            lanes = u->lanes;
        }
    }
    if (lanes == 0) {
        return;
    }
    for (unsigned i = lanes; i < r->lane_count; i++) {
        replica_lane_forget(r, &r->lanes[i]);
        r->lanes[i] = (struct lane){0};
    }
    r->lane_count = lanes;
}

static bool is_ping(const struct upstream_state *u, uint32_t tag)
{
    for (size_t i = 0; i < PINGS_KEPT; i++) {
        if (u->ping_tags[i] == tag && tag != 0) {
            return true;
        }
    }
    return false;
}

static void on_ping(struct replica *r, unsigned upstream, const mp_value *map, mono_time now)
{
    struct upstream_state *u = &r->upstreams[upstream];
    struct version versions[LANES_MAX] = {{0}};
    unsigned lanes;
    char instance[sizeof u->instance];
    if (!mp_as_bool(mp_get(map, "serving"), &u->serving) ||
        !copy_text(mp_get(map, "instance"), instance, sizeof instance) ||
        !read_lanes(map, &lanes, &u->lanes_owned, versions)) {
        r->counters.malformed++;
        return;
    }
    const bool restarted = strcmp(u->instance, instance) != 0;
    memcpy(u->instance, instance, sizeof instance);
    u->answered = true;
    u->answered_at = now;
    u->lanes = lanes;
    count_lanes(r, now);
    if (restarted && r->sync.step != SYNC_IDLE && upstream == r->sync.upstream &&
        strcmp(r->sync.instance, instance) != 0) {
        replica_sync_abandon(r, now); /* what the one before was asked will not be answered */
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
        (void)mp_as_bool(mp_get(entry, "expired"), &tile->expired);
        return true;
    }
    return mp_is_map(tile->value) && wire_read_ms(mp_get(entry, "t"), &tile->ttl_ms) &&
           tile->ttl_ms > 0 && wire_read_ms(mp_get(entry, "g"), &tile->grace_ms) &&
           mp_as_str(mp_get(entry, "s"), &tile->position) &&
           wire_read_time(mp_get(entry, "w"), &tile->as_of) &&
           wire_read_time(mp_get(entry, "u"), published_at) &&
           wire_read_ms(mp_get(entry, "age"), age_ms);
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
    /* A removal older than the tile here does not save it from the sweep: at S1 the server has
     * none. One that time removed there will go here by its own time. */
    const struct tile *here = store_get(r->store, tile.key);
    if (!tile.removed ||
        (tile.expired && here != NULL && version_compare(here->version, tile.version) <= 0)) {
        store_mark(r->store, tile.key, r->sync.mark);
    }
}

/* A page belongs to the walk only if it comes from the run of the server that it began with. */
static bool same_server(const struct replica *r, const mp_value *map)
{
    struct str instance;
    return mp_as_str(mp_get(map, "instance"), &instance) && str_is(instance, r->sync.instance);
}

/* Is S1 news to that lane, and does it need any? */
static bool lane_gains(const struct replica *r, unsigned index)
{
    const struct lane *lane = &r->lanes[index];
    return (r->sync.lanes_owned >> index & 1) != 0 && !lane_whole(lane) &&
           version_compare(r->sync.s1[index], lane->last) >= 0;
}

static void finish_lane(struct replica *r, unsigned index, const mp_value *map, mono_time now)
{
    struct lane *lane = &r->lanes[index];
    (void)store_sweep(r->store, index, r->sync.mark, r->sync.s1[index]);
    replica_lane_jump(r, lane, r->sync.s1[index], now);
    if (lane->position[0] == '\0') {
        (void)copy_text(mp_get(map, "position"), lane->position, sizeof lane->position);
        (void)wire_read_time(mp_get(map, "as_of"), &lane->as_of);
    }
}

static void sync_finish(struct replica *r, const mp_value *map, mono_time now)
{
    bool whole = true;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        if (lane_gains(r, i)) {
            finish_lane(r, i, map, now);
        }
        whole = whole && ((r->sync.wanted >> i & 1) == 0 || lane_whole(&r->lanes[i]));
    }
    r->counters.snapshots++;
    replica_note_ready(r);
    if (!whole) {
        replica_sync_abandon(r, now); /* the server lags: ask again */
        return;
    }
    r->sync.step = SYNC_IDLE;
    r->sync.failures = 0;
    r->sync.retry_at = now;
}

static void on_tiles(struct replica *r, const mp_value *map, mono_time now)
{
    unsigned lanes;
    bool more = false;
    bool restart = false;
    const uint64_t before = r->sync.next;
    const mp_value *tiles = mp_get(map, "tiles");
    if (before == 0) {
        (void)copy_text(mp_get(map, "instance"), r->sync.instance, sizeof r->sync.instance);
    }
    if (!same_server(r, map) || !read_lanes(map, &lanes, &r->sync.lanes_owned, r->sync.s1) ||
        !mp_is_array(tiles) || !mp_as_uint(mp_get(map, "next"), &r->sync.next) ||
        !mp_as_bool(mp_get(map, "more"), &more) || !mp_as_bool(mp_get(map, "restart"), &restart) ||
        restart || (more && r->sync.next <= before)) {
        replica_sync_abandon(r, now);
        return;
    }
    for (size_t i = 0; i < mp_count(tiles); i++) {
        apply_entry(r, mp_at(tiles, i), now);
    }
    if (more) {
        replica_ask_tiles(r, now);
    } else if (lane_gains(r, 0)) { /* events are lane 0's */
        replica_ask_events(r, now);
    } else {
        sync_finish(r, map, now);
    }
}

/* ---- Events ---- */

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
        (void)wire_read_time(mp_get(entry, "a"), &arrival);
        (void)wire_read_time(mp_get(entry, "u"), &published_at);
        struct buf bytes = {0};
        mp_put_value(&bytes, fields);
        if (eventlog_append(r->events, origin, ordinal, id, buf_str(&bytes), arrival,
                            published_at) != NULL) {
            r->counters.events++;
        }
        buf_free(&bytes);
    }
}

/* Another numbering, or events that nobody has any more: readers are told to start over. Until the
 * log is filled again, no delta may put a single event into it. Says whether the page is of no use,
 * since it was asked for by what was held before. */
static bool start_over(struct replica *r, uint64_t origin, uint64_t floor, mono_time now)
{
    const uint64_t held = eventlog_last(r->events);
    if (origin == eventlog_origin(r->events) && (held >= floor || held == 0)) {
        return false;
    }
    r->counters.event_resets += held != 0;
    r->lanes[0].synced = false;
    eventlog_reset(r->events, origin);
    if (held != 0) {
        replica_ask_events(r, now);
    }
    return held != 0;
}

/* Is the server's log as far as its tiles were at S1? It may be filling it anew. */
static bool log_is_whole(const struct replica *r, const mp_value *map)
{
    struct version versions[LANES_MAX] = {{0}};
    unsigned lanes;
    uint64_t owned;
    return read_lanes(map, &lanes, &owned, versions) && (owned & 1) != 0 &&
           version_compare(versions[0], r->sync.s1[0]) >= 0;
}

static void on_events(struct replica *r, const mp_value *map, mono_time now)
{
    uint64_t origin;
    uint64_t floor;
    uint64_t last;
    bool more = false;
    const mp_value *list = mp_get(map, "events");
    if (!same_server(r, map) || !mp_as_uint(mp_get(map, "origin"), &origin) ||
        !mp_as_uint(mp_get(map, "floor"), &floor) || !mp_as_uint(mp_get(map, "ordinal"), &last) ||
        !mp_as_bool(mp_get(map, "more"), &more) || !mp_is_array(list) || !log_is_whole(r, map)) {
        replica_sync_abandon(r, now);
        return;
    }
    if (start_over(r, origin, floor, now)) {
        return;
    }
    if (r->sync.asked_after == 0 && eventlog_last(r->events) != 0) {
        replica_ask_events(r,
                           now); /* the first came meanwhile: no longer the newest, but all since */
        return;
    }
    if (eventlog_last(r->events) == 0) {
        uint64_t first = last + 1;
        (void)mp_as_uint(mp_get(mp_at(list, 0), "n"), &first);
        eventlog_skip_to(r->events, first - 1);
    }
    const uint64_t before = eventlog_last(r->events);
    append_events(r, list, origin);
    if (!more) {
        sync_finish(r, map, now);
    } else if (eventlog_last(r->events) == before) {
        replica_sync_abandon(r, now); /* a server that gives nothing and says there is more */
    } else {
        replica_ask_events(r, now);
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
    if (is_ping(&r->upstreams[upstream], tag)) {
        on_ping(r, upstream, map, now);
        return;
    }
    if (r->sync.step == SYNC_IDLE || upstream != r->sync.upstream || tag != r->sync.tag) {
        return; /* an answer that came after its time */
    }
    if (mp_get(map, "error") != NULL) {
        replica_sync_abandon(r, now);
    } else if (r->sync.step == SYNC_TILES) {
        on_tiles(r, map, now);
    } else {
        on_events(r, map, now);
    }
}
