/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query.h"

#include "common/base/error.h"
#include "common/replica/answer.h"
#include "common/replica/query_request.h"
#include "common/replica/query_types.h"
#include "common/store/store_list.h"

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
    const struct answer_error error = {str_of(code), str_of(message)};
    answer_put_error(reply, &error);
}

/* Where the server stands, as pings and pages tell it. */
static struct answer_standing standing_of(const struct query *query,
                                          const struct query_state *state)
{
    struct answer_standing standing = {.instance = str_of(state->instance),
                                       .lanes = state->lanes,
                                       .lanes_owned = state->lanes_owned,
                                       .position = str_of(state->position),
                                       .as_of = state->as_of,
                                       .origin = eventlog_origin(query->events),
                                       .ordinal = eventlog_last(query->events),
                                       .continues = state->continues,
                                       .accounted = state->accounted};
    standing.confirmed = state->confirmed < standing.ordinal ? state->confirmed : standing.ordinal;
    memcpy(standing.versions, state->last, sizeof standing.versions);
    return standing;
}

/* Appends a tile, or the tombstone of one. with_value: false for a list. */
static void put_tile(struct buf *out, const struct tile *tile, mono_time now, bool with_value)
{
    const int64_t age_us = now.us - tile->refreshed_at.us;
    const struct answer_tile answer = {
        .key = {tile->key, tile->key_len},
        .lane = tile->lane,
        .version = tile->version,
        .removed = tile->value == NULL,
        .expired = tile->expired,
        .value.bytes = with_value && tile->value != NULL ? blob_str(tile->value) : STR_NULL,
        .ttl_ms = tile->ttl_ms,
        .grace_ms = tile->grace_ms,
        .position = str_of(tile->position),
        .as_of = tile->as_of,
        .tally = tile->tally,
        .published_at = tile->published_at,
        .age_ms = age_us > 0 ? age_us / US_PER_MS : 0,
        .stale = tile->stale};
    answer_put_tile(out, &answer);
}

static void put_event(struct buf *out, const struct eventlog_entry *entry)
{
    const struct answer_event event = {.ordinal = entry->ordinal,
                                       .arrival = entry->arrival,
                                       .published_at = entry->published_at,
                                       .fields.bytes = blob_str(entry->fields)};
    answer_put_event(out, &event);
}

/* ---- The operations ---- */

/* A request that is being answered. Each operation appends a whole reply and returns NULL, or
 * returns what is wrong with the request, and what it has appended is dropped. */
struct request {
    struct query *query;
    struct str bytes; /* all of it */
    const struct query_state *state;
    const mp_value *map; /* the members */
    mono_time now;
    struct buf *reply;
    const char **code; /* what kind of error it is, if it is one; bad_request at first */
};

static const char *op_ping(const struct request *r)
{
    const struct answer_ping ping = {.standing = standing_of(r->query, r->state),
                                     .role = str_of(r->state->role),
                                     .version = STR(TILEWIRE_VERSION),
                                     .serving = r->state->serving,
                                     .tiles = store_count(r->query->store)};
    answer_put_ping(r->reply, &ping);
    return NULL;
}

static const char *op_stats(const struct request *r)
{
    struct buf pairs = {0};
    struct buf map = {0};
    const size_t count = r->query->stats != NULL ? r->query->stats(r->query->arg, &pairs) : 0;
    mp_put_map(&map, count);
    buf_append_str(&map, buf_str(&pairs));
    const struct answer_stats stats = {.role = str_of(r->state->role),
                                       .serving = r->state->serving,
                                       .reason = str_of(r->state->serving ? "" : r->state->reason),
                                       .stats.bytes = buf_str(&map)};
    answer_put_stats(r->reply, &stats);
    buf_free(&pairs);
    buf_free(&map);
    return NULL;
}

static const char *op_get(const struct request *r)
{
    const mp_value *keys = mp_get(r->map, QUERY_ARG_KEYS);
    struct str key;
    const bool one = mp_as_str(mp_get(r->map, QUERY_ARG_KEY), &key);
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
        put_error(r->reply, ANSWER_NOT_FOUND, "there is no tile with that key, or it has expired");
    } else {
        answer_put_found(r->reply, i, buf_str(&tiles), found);
    }
    buf_free(&tiles);
    return NULL;
}

/* A page of a list that is being written. */
struct listing {
    struct buf *out;
    mono_time now;
    struct answer_array array;
    bool more;
};

static bool list_one(void *arg, const struct tile *tile)
{
    struct listing *listing = arg;
    if (listing->array.count == QUERY_PAGE_MAX || listing->out->len > QUERY_REPLY_BYTES) {
        listing->more = true;
        return false;
    }
    put_tile(listing->out, tile, listing->now, false);
    listing->array.count++;
    return true;
}

static const char *op_list(const struct request *r)
{
    struct str prefix = STR("");
    struct str after = STR_NULL;
    const mp_value *given = mp_get(r->map, QUERY_ARG_PREFIX);
    if (given != NULL && !mp_as_str(given, &prefix)) {
        return "`prefix` is a text";
    }
    given = mp_get(r->map, QUERY_ARG_AFTER);
    if (given != NULL && !mp_as_str(given, &after)) {
        return "`after` is the last key of the page before";
    }
    struct listing listing = {.out = r->reply, .now = r->now};
    listing.array = answer_begin_list(r->reply);
    store_list_page(r->query->store, prefix, after, QUERY_PAGE_MAX + 1, list_one, &listing);
    answer_end_list(r->reply, listing.array, listing.more);
    return NULL;
}

/* Reads a number above 0; what is above max is max. */
static bool read_bound(const struct request *r, const char *name, uint64_t otherwise, uint64_t max,
                       uint64_t *out)
{
    const mp_value *given = mp_get(r->map, name);
    *out = otherwise;
    if (given == NULL) {
        return true;
    }
    if (!mp_as_uint(given, out) || *out == 0) {
        return false;
    }
    *out = *out < max ? *out : max;
    return true;
}

/* Where a page ends that the asker wants. */
struct page_bounds {
    uint64_t limit; /* entries */
    uint64_t bytes; /* of the entries; the last one may reach beyond */
};

static bool page_bounds(const struct request *r, struct page_bounds *out)
{
    return read_bound(r, QUERY_ARG_LIMIT, QUERY_PAGE_MAX, QUERY_PAGE_MAX, &out->limit) &&
           read_bound(r, QUERY_ARG_BYTES, QUERY_REPLY_BYTES, QUERY_BYTES_MAX, &out->bytes);
}

static bool page_is_full(const struct request *r, struct answer_array array,
                         struct page_bounds bounds)
{
    return array.count >= bounds.limit || r->reply->len - array.at >= bounds.bytes;
}

/*
 * Appends a page of tiles in the order of changes. A tile that changes between two pages comes
 * again in a later one, and one that is removed comes as a tombstone. So an asker that has read all
 * pages has the state that the server had when it gave the last one, and its versions say which
 * that is.
 */
static const char *op_snapshot(const struct request *r)
{
    uint64_t after = 0;
    uint64_t began = 0;
    struct page_bounds bounds;
    const uint64_t forgotten = store_forgotten(r->query->store);
    const mp_value *given = mp_get(r->map, QUERY_ARG_AFTER);
    const mp_value *first = mp_get(r->map, QUERY_ARG_BEGAN);
    if ((given != NULL && !mp_as_uint(given, &after)) ||
        (first != NULL && !mp_as_uint(first, &began)) || !page_bounds(r, &bounds)) {
        return "`after` is the `next` of the page before, `began` the `forgotten` of the first "
               "page, `limit` and `bytes` numbers above 0";
    }
    /* What was forgotten when the asker began it never had. */
    const bool restart = after != 0 && after < forgotten && began < forgotten;
    if (restart) {
        after = 0; /* tombstones that the asker has not seen are forgotten */
    }
    const struct answer_standing standing = standing_of(r->query, r->state);
    struct answer_array array = answer_begin_snapshot(r->reply, &standing, forgotten, restart);
    const struct tile *tile;
    while ((tile = store_next(r->query->store, after)) != NULL && !page_is_full(r, array, bounds)) {
        after = tile->change;
        put_tile(r->reply, tile, r->now, true);
        array.count++;
    }
    answer_end_page(r->reply, array, after, tile != NULL);
    return NULL;
}

/* The ordinal right below the newest `wanted` events of those types, or as far down as the search
 * may go. */
static uint64_t before_newest(const struct eventlog *events, struct query_types *types,
                              uint64_t wanted)
{
    size_t i = eventlog_count(events);
    while (i > 0 && wanted > 0 && query_types_go_on(types)) {
        wanted -= query_types_want(types, eventlog_at(events, --i));
    }
    return i > 0 ? eventlog_at(events, i - 1)->ordinal : 0;
}

/* Sets *after to the ordinal that a page of events begins after: that of the request, that of the
 * event whose id the request has, or that below the newest. STATUS_NOT_FOUND: the event with that
 * id is not here. STATUS_INVALID: the request is wrong. */
static int events_start(const struct request *r, struct query_types *types, uint64_t limit,
                        uint64_t *after)
{
    const struct eventlog *events = r->query->events;
    const mp_value *ordinal = mp_get(r->map, QUERY_ARG_AFTER);
    const mp_value *id = mp_get(r->map, QUERY_ARG_AFTER_ID);
    const mp_value *newest = mp_get(r->map, QUERY_ARG_NEWEST);
    struct event_id wanted_id;
    if (ordinal != NULL) {
        return mp_as_uint(ordinal, after) ? STATUS_OK : STATUS_INVALID;
    }
    if (id == NULL) {
        uint64_t wanted = limit;
        const bool ok = newest == NULL || mp_as_uint(newest, &wanted);
        *after = before_newest(events, types, wanted);
        return ok ? STATUS_OK : STATUS_INVALID;
    }
    if (!event_id_read(id, &wanted_id)) {
        return STATUS_INVALID;
    }
    return eventlog_resume(events, wanted_id, after) ? STATUS_OK : STATUS_NOT_FOUND;
}

/* Appends a page of the events behind `after`. */
static void put_events(const struct request *r, struct query_types *types, uint64_t after,
                       struct page_bounds bounds)
{
    const struct eventlog *events = r->query->events;
    const struct answer_standing standing = standing_of(r->query, r->state);
    struct answer_array array = answer_begin_events(r->reply, &standing, eventlog_floor(events),
                                                    eventlog_generation(events));
    const size_t count = eventlog_count(events);
    size_t i = eventlog_index_after(events, after);
    query_types_begin(types);
    for (; i < count && !page_is_full(r, array, bounds) && query_types_go_on(types); i++) {
        const struct eventlog_entry *entry = eventlog_at(events, i);
        after = entry->ordinal;
        if (query_types_want(types, entry)) {
            put_event(r->reply, entry);
            array.count++;
        }
    }
    answer_end_page(r->reply, array, after, i < count);
}

static const char *op_events(const struct request *r)
{
    struct page_bounds bounds;
    uint64_t after = 0;
    struct query_types types;
    if (!page_bounds(r, &bounds) || !query_types_init(&types, mp_get(r->map, QUERY_ARG_TYPES))) {
        return "`limit` and `bytes` are numbers above 0, `types` an array of at most 256 texts of "
               "at most 4096 bytes in all";
    }
    const char *wrong = NULL;
    const int start = events_start(r, &types, bounds.limit, &after);
    if (start == STATUS_OK) {
        put_events(r, &types, after, bounds);
    } else if (start == STATUS_NOT_FOUND) {
        put_error(r->reply, ANSWER_NOT_FOUND,
                  "the event with that id is not among those kept here; ask without `after_id`");
    } else {
        wrong = "`after` is the ordinal of an event, `after_id` the id of one, `newest` a number";
    }
    query_types_free(&types);
    return wrong;
}

/* While the ingestor is still building tiles it takes events, too. */
static const char *op_push(const struct request *r)
{
    if (r->query->push == NULL) {
        *r->code = ANSWER_UNKNOWN_OP;
        return "no events can be pushed to this program: ask an ingestor whose source.uri is "
               "push:FILE";
    }
    return r->query->push(r->query->arg, r->bytes, r->code);
}

static const char *op_alerts(const struct request *r)
{
    if (r->query->alerts == NULL) {
        *r->code = ANSWER_UNKNOWN_OP;
        return "this program knows no alerts: ask an ingestor";
    }
    return r->query->alerts(r->query->arg, r->map, r->reply, r->code);
}

static const struct {
    const char *name;
    const char *(*answer)(const struct request *r);
    bool always; /* it is answered while the server is not serving, too */
} ops[] = {
    {QUERY_OP_PING, op_ping, true},          {QUERY_OP_STATS, op_stats, true},
    {QUERY_OP_GET, op_get, false},           {QUERY_OP_LIST, op_list, false},
    {QUERY_OP_SNAPSHOT, op_snapshot, false}, {QUERY_OP_EVENTS, op_events, false},
    {QUERY_OP_ALERTS, op_alerts, true},      {QUERY_OP_SILENCE, op_alerts, true},
};

/* Answers the request, or returns what is wrong with it. */
static const char *dispatch(const struct request *r)
{
    struct str name;
    if (!mp_as_str(mp_get(r->map, QUERY_ARG_OP), &name)) {
        return "a request is a MessagePack map with `op`, one of ping, get, list, snapshot, "
               "events, stats, push, alerts, silence";
    }
    if (str_is(name, QUERY_OP_PUSH)) {
        return op_push(r);
    }
    if (r->bytes.len > QUERY_REQUEST_MAX) {
        return "a request is at most 65536 bytes of MessagePack";
    }
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!str_is(name, ops[i].name)) {
            continue;
        }
        if (!ops[i].always && !r->state->serving) {
            *r->code = ANSWER_UNAVAILABLE;
            return r->state->reason;
        }
        return ops[i].answer(r);
    }
    *r->code = ANSWER_UNKNOWN_OP;
    return "`op` is one of ping, get, list, snapshot, events, stats, push, alerts, silence";
}

void query_answer(struct query *query, struct str request, mono_time now, struct buf *reply)
{
    struct query_state state = {.confirmed = UINT64_MAX};
    query->state(query->arg, &state);
    const size_t start = reply->len;
    const char *code = ANSWER_BAD_REQUEST;
    const size_t max = query->push != NULL ? QUERY_PUSH_MAX : QUERY_REQUEST_MAX;
    const char *wrong = query->push != NULL
                            ? "a request is at most 65536 bytes of MessagePack, one that pushes "
                              "events a mebibyte"
                            : "a request is at most 65536 bytes of MessagePack";
    if (request.len <= max && mp_parse(&query->doc, request.p, request.len) == STATUS_OK) {
        const struct request r = {query, request, &state, &query->doc.root, now, reply, &code};
        wrong = dispatch(&r);
    }
    query->answered++;
    if (wrong != NULL) {
        query->refused++;
        reply->len = start;
        put_error(reply, code, wrong);
    }
}
