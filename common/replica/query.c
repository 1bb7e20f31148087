/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query.h"

#include <stdio.h>

#include "common/base/error.h"

void query_init(struct query *query)
{
    mp_doc_init(&query->doc);
    query->answered = 0;
    query->refused = 0;
}

void query_free(struct query *query)
{
    mp_doc_free(&query->doc);
}

static void put_error(struct buf *reply, const char *code, const char *message)
{
    mp_put_map(reply, 1);
    mp_put_text(reply, "error");
    mp_put_map(reply, 2);
    mp_put_text(reply, "code");
    mp_put_text(reply, code);
    mp_put_text(reply, "message");
    mp_put_text(reply, message);
}

static void put_version(struct buf *out, struct version version)
{
    mp_put_array(out, 2);
    mp_put_uint(out, version.epoch);
    mp_put_uint(out, version.seq);
}

/* {lane: [epoch, seq], …} of the lanes that are here. Keys are text, so that JSON can hold it. */
static void put_lanes(struct buf *out, const struct query_state *state)
{
    struct mp_open_map map = mp_open_map(out);
    for (unsigned lane = 0; lane < state->lanes; lane++) {
        if ((state->lanes_owned >> lane & 1) != 0) {
            char name[16];
            const int len = snprintf(name, sizeof name, "%u", lane);
            mp_put_str(out, (struct str){name, (size_t)len});
            put_version(out, state->last[lane]);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

/* What each page of a snapshot and each ping say about where the server stands. Seven pairs. */
#define STANDING_PAIRS 7
static void put_standing(const struct query *query, const struct query_state *state,
                         struct buf *out)
{
    mp_put_text(out, "instance");
    mp_put_text(out, state->instance);
    mp_put_text(out, "lanes");
    mp_put_uint(out, state->lanes);
    mp_put_text(out, "versions");
    put_lanes(out, state);
    mp_put_text(out, "position");
    mp_put_text(out, state->position);
    mp_put_text(out, "as_of");
    mp_put_int(out, state->as_of.us);
    mp_put_text(out, "origin");
    mp_put_uint(out, eventlog_origin(query->events));
    mp_put_text(out, "ordinal");
    mp_put_uint(out, eventlog_last(query->events));
}

/* A removed tile, so that a copy made before forgets it. */
static void put_tombstone(struct buf *out, const struct tile *tile)
{
    mp_put_map(out, 4);
    mp_put_text(out, "k");
    mp_put_str(out, (struct str){tile->key, tile->key_len});
    mp_put_text(out, "l");
    mp_put_uint(out, tile->lane);
    mp_put_text(out, "v");
    put_version(out, tile->version);
    mp_put_text(out, "expired");
    mp_put_bool(out, tile->expired);
}

/* A tile as snapshot, get and list give it: the members of a keyframe's body, with its version and
 * age. */
static void put_tile(struct buf *out, const struct tile *tile, mono_time now, bool with_value)
{
    mp_put_map(out, with_value ? 11 : 10);
    mp_put_text(out, "k");
    mp_put_str(out, (struct str){tile->key, tile->key_len});
    mp_put_text(out, "l");
    mp_put_uint(out, tile->lane);
    mp_put_text(out, "v");
    put_version(out, tile->version);
    if (with_value) {
        mp_put_text(out, "p");
        buf_append_str(out, blob_str(tile->value));
    }
    mp_put_text(out, "t");
    mp_put_int(out, tile->ttl_ms);
    mp_put_text(out, "g");
    mp_put_int(out, tile->grace_ms);
    mp_put_text(out, "s");
    mp_put_text(out, tile->position);
    mp_put_text(out, "w");
    mp_put_int(out, tile->as_of.us);
    mp_put_text(out, "u");
    mp_put_int(out, tile->published_at.us);
    mp_put_text(out, "age");
    const int64_t age_us = now.us - tile->refreshed_at.us;
    mp_put_int(out, age_us > 0 ? age_us / US_PER_MS : 0);
    mp_put_text(out, "stale");
    mp_put_bool(out, tile->stale);
}

static void put_event(struct buf *out, const struct eventlog_entry *entry)
{
    mp_put_map(out, 4);
    mp_put_text(out, "n");
    mp_put_uint(out, entry->ordinal);
    mp_put_text(out, "a");
    mp_put_int(out, entry->arrival.us);
    mp_put_text(out, "u");
    mp_put_int(out, entry->published_at.us);
    mp_put_text(out, "e");
    buf_append_str(out, blob_str(entry->fields));
}

/* An array whose length is known only at the end. */
static size_t open_array(struct buf *out)
{
    buf_append(out, "\xdd\0\0\0\0", 5);
    return out->len;
}

static void close_array(struct buf *out, size_t at, size_t count)
{
    for (size_t i = 0; i < 4; i++) {
        out->data[at - 4 + i] = (char)(unsigned char)(count >> (24 - 8 * i));
    }
}

/* ---- The operations: each appends a whole reply, or returns what is wrong with the request ----
 */

struct request {
    struct query *query;
    const struct query_state *state;
    const mp_value *map;
    mono_time now;
    struct buf *reply;
};

static const char *op_ping(const struct request *r)
{
    mp_put_map(r->reply, 4 + STANDING_PAIRS);
    mp_put_text(r->reply, "role");
    mp_put_text(r->reply, r->state->role);
    mp_put_text(r->reply, "version");
    mp_put_text(r->reply, TILEWIRE_VERSION);
    mp_put_text(r->reply, "serving");
    mp_put_bool(r->reply, r->state->serving);
    mp_put_text(r->reply, "tiles");
    mp_put_uint(r->reply, store_count(r->query->store));
    put_standing(r->query, r->state, r->reply);
    return NULL;
}

static const char *op_stats(const struct request *r)
{
    struct buf pairs = {0};
    const size_t count = r->query->stats != NULL ? r->query->stats(r->query->arg, &pairs) : 0;
    mp_put_map(r->reply, 4);
    mp_put_text(r->reply, "role");
    mp_put_text(r->reply, r->state->role);
    mp_put_text(r->reply, "serving");
    mp_put_bool(r->reply, r->state->serving);
    mp_put_text(r->reply, "reason");
    mp_put_text(r->reply, r->state->serving ? "" : r->state->reason);
    mp_put_text(r->reply, "stats");
    mp_put_map(r->reply, count);
    buf_append_str(r->reply, buf_str(&pairs));
    buf_free(&pairs);
    return NULL;
}

static const char *op_get(const struct request *r)
{
    const mp_value *keys = mp_get(r->map, "keys");
    struct str key;
    const bool one = mp_as_str(mp_get(r->map, "key"), &key);
    if (!one && (!mp_is_array(keys) || mp_count(keys) > QUERY_KEYS_MAX)) {
        return "get wants `key`, a text, or `keys`, an array of at most 1000 texts";
    }
    const size_t asked = one ? 1 : mp_count(keys);
    struct buf tiles = {0};
    size_t found = 0;
    size_t i = 0;
    for (; i < asked && tiles.len < QUERY_REPLY_BYTES; i++) {
        if (!one && !mp_as_str(mp_at(keys, i), &key)) {
            buf_free(&tiles);
            return "a key is a text";
        }
        const struct tile *tile = store_get(r->query->store, key);
        if (tile != NULL) {
            put_tile(&tiles, tile, r->now, true);
            found++;
        }
    }
    if (one && found == 0) {
        put_error(r->reply, "not_found", "there is no tile with that key, or it has expired");
    } else {
        mp_put_map(r->reply, 2);
        mp_put_text(r->reply, "answered"); /* of the keys, from the first on; the rest: ask again */
        mp_put_uint(r->reply, i);
        mp_put_text(r->reply, "tiles");
        mp_put_array(r->reply, found);
        buf_append_str(r->reply, buf_str(&tiles));
    }
    buf_free(&tiles);
    return NULL;
}

struct listing {
    struct buf *out;
    mono_time now;
    struct str after;
    size_t count;
    bool more;
};

static bool list_one(void *arg, const struct tile *tile)
{
    struct listing *listing = arg;
    if (listing->after.p != NULL && strcmp(tile->key, listing->after.p) <= 0) {
        return true;
    }
    if (listing->count == QUERY_PAGE_MAX || listing->out->len > QUERY_REPLY_BYTES) {
        listing->more = true;
        return false;
    }
    put_tile(listing->out, tile, listing->now, false);
    listing->count++;
    return true;
}

static const char *op_list(const struct request *r)
{
    struct str prefix = STR("");
    struct str after = STR_NULL;
    const mp_value *given = mp_get(r->map, "prefix");
    if (given != NULL && !mp_as_str(given, &prefix)) {
        return "`prefix` is a text";
    }
    given = mp_get(r->map, "after");
    if (given != NULL && !mp_as_str(given, &after)) {
        return "`after` is the last key of the page before";
    }
    char *after_text = after.p != NULL ? x_strndup(after.p, after.len) : NULL;
    struct listing listing = {.out = r->reply, .now = r->now, .after = {after_text, after.len}};
    mp_put_map(r->reply, 2);
    mp_put_text(r->reply, "tiles");
    const size_t array = open_array(r->reply);
    store_list(r->query->store, prefix, list_one, &listing);
    close_array(r->reply, array, listing.count);
    mp_put_text(r->reply, "more");
    mp_put_bool(r->reply, listing.more);
    free(after_text);
    return NULL;
}

static bool page_limit(const struct request *r, uint64_t *out)
{
    *out = QUERY_PAGE_MAX;
    const mp_value *limit = mp_get(r->map, "limit");
    if (limit == NULL) {
        return true;
    }
    if (!mp_as_uint(limit, out) || *out == 0) {
        return false;
    }
    *out = *out < QUERY_PAGE_MAX ? *out : QUERY_PAGE_MAX;
    return true;
}

/*
 * A page of tiles in the order of changes. A tile that changes between two pages comes again in a
 * later one, and one that is removed comes as a tombstone: who has walked to the end has the state
 * that the server has at the last page, whose versions say which that is.
 */
static const char *op_snapshot(const struct request *r)
{
    uint64_t after = 0;
    uint64_t limit;
    const mp_value *given = mp_get(r->map, "after");
    if ((given != NULL && !mp_as_uint(given, &after)) || !page_limit(r, &limit)) {
        return "`after` is the `next` of the page before, `limit` a number above 0";
    }
    const bool restart = after != 0 && after < store_forgotten(r->query->store);
    if (restart) {
        after = 0; /* removals that the asker has not seen are forgotten */
    }
    mp_put_map(r->reply, 4 + STANDING_PAIRS);
    put_standing(r->query, r->state, r->reply);
    mp_put_text(r->reply, "restart");
    mp_put_bool(r->reply, restart);
    mp_put_text(r->reply, "tiles");
    const size_t array = open_array(r->reply);
    const size_t start = r->reply->len;
    size_t count = 0;
    const struct tile *tile;
    while ((tile = store_next(r->query->store, after)) != NULL && count < limit &&
           r->reply->len - start < QUERY_REPLY_BYTES) {
        after = tile->change;
        if (tile->value != NULL) {
            put_tile(r->reply, tile, r->now, true);
        } else {
            put_tombstone(r->reply, tile);
        }
        count++;
    }
    close_array(r->reply, array, count);
    mp_put_text(r->reply, "next");
    mp_put_uint(r->reply, after);
    mp_put_text(r->reply, "more");
    mp_put_bool(r->reply, tile != NULL);
    return NULL;
}

static bool wants_type(const mp_value *types, struct str type)
{
    for (size_t i = 0; i < mp_count(types); i++) {
        struct str pattern;
        if (mp_as_str(mp_at(types, i), &pattern) && str_glob(pattern, type)) {
            return true;
        }
    }
    return types == NULL;
}

/* The ordinal after which the newest `wanted` events of those types are. */
static uint64_t before_newest(const struct eventlog *events, const mp_value *types, uint64_t wanted)
{
    size_t i = eventlog_count(events);
    while (i > 0 && wanted > 0) {
        wanted -= wants_type(types, eventlog_at(events, --i)->event_type);
    }
    return i > 0 ? eventlog_at(events, i - 1)->ordinal : 0;
}

/* Where a page of events begins: after an ordinal, after the event with an id, or the newest
 * `limit`. STATUS_NOT_FOUND when that event is not here. */
static int events_start(const struct request *r, const mp_value *types, uint64_t limit,
                        uint64_t *after)
{
    const struct eventlog *events = r->query->events;
    const mp_value *ordinal = mp_get(r->map, "after");
    const mp_value *id = mp_get(r->map, "after_id");
    const mp_value *newest = mp_get(r->map, "newest");
    int64_t number;
    if (ordinal != NULL) {
        return mp_as_uint(ordinal, after) ? STATUS_OK : STATUS_INVALID;
    }
    if (id == NULL) {
        uint64_t wanted = limit;
        const bool ok = newest == NULL || mp_as_uint(newest, &wanted);
        *after = before_newest(events, types, wanted);
        return ok ? STATUS_OK : STATUS_INVALID;
    }
    if (!mp_as_int(id, &number)) {
        return STATUS_INVALID;
    }
    return eventlog_resume(events, number, after) ? STATUS_OK : STATUS_NOT_FOUND;
}

static const char *op_events(const struct request *r)
{
    uint64_t limit;
    uint64_t after = 0;
    const mp_value *types = mp_get(r->map, "types");
    if (!page_limit(r, &limit) || (types != NULL && !mp_is_array(types))) {
        return "`limit` is a number above 0, `types` an array of texts";
    }
    const int start = events_start(r, types, limit, &after);
    if (start == STATUS_NOT_FOUND) {
        put_error(r->reply, "not_found",
                  "the event with that id is not among those kept here; ask without `after_id`");
        return NULL;
    }
    if (start != STATUS_OK) {
        return "`after` is the ordinal of an event, `after_id` the id of one, `newest` a number";
    }
    mp_put_map(r->reply, 4 + STANDING_PAIRS);
    put_standing(r->query, r->state, r->reply);
    mp_put_text(r->reply, "floor");
    mp_put_uint(r->reply, eventlog_floor(r->query->events));
    mp_put_text(r->reply, "events");
    const size_t array = open_array(r->reply);
    const size_t begin = r->reply->len;
    size_t count = 0;
    const struct eventlog_entry *entry;
    while ((entry = eventlog_after(r->query->events, after)) != NULL && count < limit &&
           r->reply->len - begin < QUERY_REPLY_BYTES) {
        after = entry->ordinal;
        if (wants_type(types, entry->event_type)) {
            put_event(r->reply, entry);
            count++;
        }
    }
    close_array(r->reply, array, count);
    mp_put_text(r->reply, "next");
    mp_put_uint(r->reply, after);
    mp_put_text(r->reply, "more");
    mp_put_bool(r->reply, entry != NULL);
    return NULL;
}

static const struct {
    const char *name;
    const char *(*answer)(const struct request *r);
    bool always; /* also while not serving */
} ops[] = {
    {"ping", op_ping, true},  {"stats", op_stats, true},        {"get", op_get, false},
    {"list", op_list, false}, {"snapshot", op_snapshot, false}, {"events", op_events, false},
};

static const char *dispatch(const struct request *r, const char **code)
{
    struct str name;
    *code = "bad_request";
    if (!mp_as_str(mp_get(r->map, "op"), &name)) {
        return "a request is a MessagePack map with `op`, one of ping, get, list, snapshot, "
               "events, stats";
    }
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!str_is(name, ops[i].name)) {
            continue;
        }
        if (!ops[i].always && !r->state->serving) {
            *code = "unavailable";
            return r->state->reason;
        }
        return ops[i].answer(r);
    }
    *code = "unknown_op";
    return "`op` is one of ping, get, list, snapshot, events, stats";
}

void query_answer(struct query *query, struct str request, mono_time now, struct buf *reply)
{
    struct query_state state = {0};
    query->state(query->arg, &state);
    const size_t start = reply->len;
    const char *code = "bad_request";
    const char *wrong = "a request is at most 65536 bytes of MessagePack";
    if (request.len <= QUERY_REQUEST_MAX &&
        mp_parse(&query->doc, request.p, request.len) == STATUS_OK) {
        const struct request r = {query, &state, &query->doc.root, now, reply};
        wrong = dispatch(&r, &code);
    }
    query->answered++;
    if (wrong != NULL) {
        query->refused++;
        reply->len = start;
        put_error(reply, code, wrong);
    }
}
