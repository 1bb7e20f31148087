/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for test_replica.c: up to two ingestors (each with its lanes), two caches and a
 * gateway, with simulated time, and links that delay, drop, double and reorder messages and are cut
 * for a while. All of it follows from one seed. Only included by that test.
 *
 *   INGESTOR_A ─┬─► CACHE_A ─┬─► GATEWAY      or   INGESTOR_A ─┬─► GATEWAY
 *   INGESTOR_B ─┘   CACHE_B ─┘                     INGESTOR_B ─┘
 */
#ifndef TESTS_COMMON_REPLICA_REPLICA_WORLD_H
#define TESTS_COMMON_REPLICA_REPLICA_WORLD_H

#include <stdio.h>

#include "common/base/error.h"
#include "common/base/heap.h"
#include "common/codec/mp_patch.h"
#include "common/replica/query.h"
#include "common/replica/replica.h"
#include "common/store/store.h"
#include "tests/unit.h"

enum { INGESTOR_A, INGESTOR_B, CACHE_A, CACHE_B, GATEWAY, NODES };
#define KEYS 12
#define MEMBERS 4
#define HISTORY_MAX 4096
#define TTL_MS 2000
#define GRACE_MS 1000
#define REFRESH_MS 700
#define QUIET_TTL_MS 600000
#define BEAT_MS 1000

enum flight_kind { FLIGHT_MESSAGE, FLIGHT_REQUEST, FLIGHT_REPLY };

/* Something on its way. */
struct flight {
    struct heap_item due;
    enum flight_kind kind;
    int from;
    int to;
    uint32_t to_life; /* lost when the receiver has been restarted meanwhile */
    uint32_t tag;
    struct buf frames[WIRE_FRAMES]; /* requests and replies: the first */
};

struct world;

struct node {
    struct world *world;
    int index;
    bool present;
    bool up;
    uint32_t life; /* counts its starts */
    mono_time down_until;
    char instance[32];
    struct store *store;
    struct eventlog *events;
    struct query query;
    struct replica *replica; /* NULL: an ingestor */
    int upstreams[2];
    unsigned upstream_count;
    uint64_t lanes_owned; /* an ingestor's */
    uint64_t epoch;
    uint64_t seq[LANES_MAX];
    mono_time beat_at;
    mono_time refresh_at;
    unsigned idle_wakeups; /* in a row, at one moment */
};

struct wire_link {
    mono_time cut_until;       /* for deltas */
    mono_time query_cut_until; /* for queries, both ways */
    bool half_open;            /* what is sent while it is cut vanishes without a failure */
    mono_time last_arrival;    /* keeps the order */
};

/* A row, and a tile as the table makes it: what must be everywhere in the end. */
struct row {
    uint64_t ordinal;
    int64_t id;
};

struct truth {
    bool live;
    int64_t value;
    int64_t members[MEMBERS]; /* 0: not there */
};

struct world {
    uint64_t random;
    mono_time now;
    unsigned lanes;
    bool harsh; /* links also double and reorder */
    bool quiet; /* tiles are never refreshed, and live long: only beats tell of what was lost */
    bool calm;  /* the end: nothing goes wrong any more */
    struct node nodes[NODES];
    struct wire_link links[NODES][NODES];
    struct heap flights;
    int64_t launched;
    uint64_t last_epoch;
    uint64_t origin;
    struct row rows[HISTORY_MAX];
    size_t row_count;
    struct truth tiles[KEYS];
    /* A stream of raw events at the gateway. */
    uint32_t seen_generation;
    uint64_t seen;
    struct replica_counters sum; /* of all replicas that were */
};

/* SplitMix64. */
static uint64_t chance(struct world *w, uint64_t bound)
{
    uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % bound;
}

static wall_time world_wall(const struct world *w)
{
    return (wall_time){w->now.us + INT64_C(1700000000000000)};
}

/* ---- Links ---- */

static void launch(struct world *w, struct flight *flight, mono_time arrival)
{
    flight->due.index = HEAP_NONE;
    flight->due.tie = ++w->launched;
    flight->to_life = w->nodes[flight->to].life;
    heap_set(&w->flights, &flight->due, arrival.us);
}

static struct flight *flight_new(enum flight_kind kind, int from, int to, const struct str *frames,
                                 size_t count)
{
    struct flight *flight = x_calloc(1, sizeof *flight);
    flight->kind = kind;
    flight->from = from;
    flight->to = to;
    for (size_t i = 0; i < count; i++) {
        buf_append_str(&flight->frames[i], frames[i]);
    }
    return flight;
}

static void flight_free(struct flight *flight)
{
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&flight->frames[i]);
    }
    free(flight);
}

static void send_message(struct world *w, int from, int to, const struct str frames[WIRE_FRAMES])
{
    struct wire_link *link = &w->links[from][to];
    if (!w->nodes[to].up || w->now.us < link->cut_until.us ||
        (w->harsh && !w->calm && chance(w, 50) == 0)) {
        return;
    }
    mono_time arrival = mono_add_us(w->now, 100 + (int64_t)chance(w, 5000));
    const bool astray = w->harsh && !w->calm && chance(w, 20) == 0;
    if (!astray) {
        if (arrival.us < link->last_arrival.us) {
            arrival = link->last_arrival;
        }
        link->last_arrival = arrival;
    }
    launch(w, flight_new(FLIGHT_MESSAGE, from, to, frames, WIRE_FRAMES), arrival);
    if (astray) {
        launch(w, flight_new(FLIGHT_MESSAGE, from, to, frames, WIRE_FRAMES),
               mono_add_ms(arrival, (int64_t)chance(w, 400)));
    }
}

static void publish(struct node *node, const struct str frames[WIRE_FRAMES])
{
    for (int to = 0; to < NODES; to++) {
        const struct node *other = &node->world->nodes[to];
        for (unsigned i = 0; other->present && i < other->upstream_count; i++) {
            if (other->upstreams[i] == node->index) {
                send_message(node->world, node->index, to, frames);
            }
        }
    }
}

static bool query_cut(struct world *w, int server, int asker)
{
    return w->now.us < w->links[server][asker].query_cut_until.us;
}

static bool send_query(void *arg, unsigned upstream, uint32_t tag, struct str request)
{
    struct node *node = arg;
    struct world *w = node->world;
    const int server = node->upstreams[upstream];
    if (!w->nodes[server].up || query_cut(w, server, node->index)) {
        return w->links[server][node->index].half_open;
    }
    struct flight *flight = flight_new(FLIGHT_REQUEST, node->index, server, &request, 1);
    flight->tag = tag;
    launch(w, flight, mono_add_us(w->now, 100 + (int64_t)chance(w, 3000)));
    return true;
}

static void forward(void *arg, const struct str frames[WIRE_FRAMES])
{
    publish(arg, frames);
}

/* ---- Servers ---- */

static void describe(void *arg, struct query_state *out)
{
    struct node *node = arg;
    out->role = "test";
    out->instance = node->instance;
    out->reason = "not in sync";
    if (node->replica != NULL) {
        replica_standing(node->replica, node->world->now, out);
        return;
    }
    out->serving = true;
    out->lanes = node->world->lanes;
    out->lanes_owned = node->lanes_owned;
    out->position = "1";
    out->as_of = world_wall(node->world);
    for (unsigned lane = 0; lane < out->lanes; lane++) {
        out->last[lane] = (struct version){node->epoch, node->seq[lane]};
    }
}

/* The same request with small pages, so that the world changes between them. */
static void with_limit(struct world *w, struct str request, struct buf *out)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, request.p, request.len), STATUS_OK);
    mp_put_map(out, mp_count(&doc.root) + 1);
    for (uint32_t i = 0; i < doc.root.via.map.size; i++) {
        mp_put_value(out, &doc.root.via.map.ptr[i].key);
        mp_put_value(out, &doc.root.via.map.ptr[i].val);
    }
    mp_put_text(out, "limit");
    mp_put_uint(out, 1 + chance(w, 8));
    mp_doc_free(&doc);
}

static void answer(struct world *w, const struct flight *asked)
{
    struct node *server = &w->nodes[asked->to];
    struct buf request = {0};
    struct buf reply = {0};
    with_limit(w, buf_str(&asked->frames[0]), &request);
    query_answer(&server->query, buf_str(&request), w->now, &reply);
    const struct str bytes = buf_str(&reply);
    if (!query_cut(w, asked->to, asked->from)) {
        struct flight *flight = flight_new(FLIGHT_REPLY, asked->to, asked->from, &bytes, 1);
        flight->tag = asked->tag;
        const bool slow = !w->calm && chance(w, 40) == 0;
        launch(w, flight, mono_add_us(w->now, 100 + (int64_t)chance(w, slow ? 4000000 : 3000)));
    }
    buf_free(&request);
    buf_free(&reply);
}

/* ---- Ingestors ---- */

static void key_name(int key, char out[24])
{
    snprintf(out, 24, "tile.%d", key);
}

static void tile_value(const struct world *w, int key, struct version version, struct buf *out)
{
    const struct truth *truth = &w->tiles[key];
    struct mp_open_map map = mp_open_map(out);
    mp_put_text(out, "epoch");
    mp_put_uint(out, version.epoch);
    mp_put_text(out, "seq");
    mp_put_uint(out, version.seq);
    mp_put_text(out, "value");
    mp_put_int(out, truth->value);
    map.count = 3;
    for (int i = 0; i < MEMBERS; i++) {
        if (truth->members[i] != 0) {
            char name[16];
            snprintf(name, sizeof name, "m%d", i);
            mp_put_text(out, name);
            mp_put_int(out, truth->members[i]);
            map.count++;
        }
    }
    mp_close_map(out, map);
}

static struct node *owner_of(struct world *w, int key)
{
    const unsigned lane = (unsigned)key % w->lanes;
    return &w->nodes[(w->nodes[INGESTOR_A].lanes_owned >> lane & 1) != 0 ? INGESTOR_A : INGESTOR_B];
}

static void publish_delta(struct node *node, struct wire_tile *delta, unsigned lane,
                          struct version message)
{
    struct world *w = node->world;
    struct buf out[WIRE_FRAMES] = {{0}};
    wire_encode_tile(out, lane, message, world_wall(w), delta);
    assert_int_equal(store_apply(node->store, delta, lane, world_wall(w), 0, w->now), STATUS_OK);
    const struct str frames[WIRE_FRAMES] = {buf_str(&out[0]), buf_str(&out[1]), buf_str(&out[2])};
    publish(node, frames);
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&out[i]);
    }
}

enum how { AS_PATCH, AS_KEYFRAME, AS_REFRESH, AS_REMOVAL };

static void publish_tile(struct world *w, int key, enum how how)
{
    struct node *node = owner_of(w, key);
    const unsigned lane = (unsigned)key % w->lanes;
    char name[24];
    key_name(key, name);
    const struct tile *before = store_get(node->store, str_of(name));
    if (!node->up || (before == NULL && (how == AS_REFRESH || how == AS_REMOVAL))) {
        return;
    }
    const struct version message = {node->epoch, ++node->seq[lane]};
    struct wire_tile delta = {.key = str_of(name),
                              .version = message,
                              .ttl_ms = w->quiet ? QUIET_TTL_MS : TTL_MS,
                              .grace_ms = GRACE_MS,
                              .position = STR("1"),
                              .as_of = world_wall(w),
                              .keyframe = how != AS_PATCH || before == NULL,
                              .removed = how == AS_REMOVAL};
    struct buf value = {0};
    struct buf patch = {0};
    struct mp_doc docs[2];
    mp_doc_init(&docs[0]);
    mp_doc_init(&docs[1]);
    if (how == AS_REFRESH) {
        delta.version = before->version;
        buf_append_str(&value, blob_str(before->value));
    } else {
        tile_value(w, key, message, &value);
    }
    assert_int_equal(mp_parse(&docs[0], value.data, value.len), STATUS_OK);
    delta.value = delta.removed ? NULL : &docs[0].root;
    if (!delta.keyframe) {
        delta.base = before->version;
        assert_int_equal(mp_parse(&docs[1], before->value->data, before->value->len), STATUS_OK);
        assert_true(mp_diff(&patch, &docs[1].root, &docs[0].root));
        assert_int_equal(mp_parse(&docs[1], patch.data, patch.len), STATUS_OK);
        delta.value = &docs[1].root;
    }
    publish_delta(node, &delta, lane, message);
    mp_doc_free(&docs[0]);
    mp_doc_free(&docs[1]);
    buf_free(&value);
    buf_free(&patch);
}

/* silent: only into its log, as history. */
static void deliver_row(struct node *node, const struct row *row, bool silent)
{
    struct world *w = node->world;
    struct buf fields = {0};
    mp_put_map(&fields, 2);
    mp_put_text(&fields, "id");
    mp_put_int(&fields, row->id);
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, "test.happened");
    if (eventlog_append(node->events, w->origin, row->ordinal, row->id, buf_str(&fields),
                        world_wall(w), world_wall(w)) != NULL &&
        !silent) {
        struct buf out[WIRE_FRAMES] = {{0}};
        const struct version version = {node->epoch, ++node->seq[0]};
        wire_encode_event(out, version, world_wall(w), row->ordinal, w->origin, world_wall(w),
                          STR("test.happened"), buf_str(&fields));
        const struct str frames[WIRE_FRAMES] = {buf_str(&out[0]), buf_str(&out[1]),
                                                buf_str(&out[2])};
        publish(node, frames);
        for (size_t i = 0; i < WIRE_FRAMES; i++) {
            buf_free(&out[i]);
        }
    }
    buf_free(&fields);
}

static void beat(struct node *node)
{
    struct world *w = node->world;
    const struct wire_beat beat = {STR("1"), world_wall(w), w->origin, eventlog_last(node->events)};
    for (unsigned lane = 0; lane < w->lanes; lane++) {
        if ((node->lanes_owned >> lane & 1) == 0) {
            continue;
        }
        struct buf out[WIRE_FRAMES] = {{0}};
        wire_encode_beat(out, lane, (struct version){node->epoch, node->seq[lane]}, world_wall(w),
                         &beat);
        const struct str frames[WIRE_FRAMES] = {buf_str(&out[0]), buf_str(&out[1]),
                                                buf_str(&out[2])};
        publish(node, frames);
        for (size_t i = 0; i < WIRE_FRAMES; i++) {
            buf_free(&out[i]);
        }
    }
}

static void republish(struct node *node)
{
    struct world *w = node->world;
    for (int key = 0; key < KEYS; key++) {
        if (owner_of(w, key) == node && w->tiles[key].live) {
            publish_tile(w, key, AS_KEYFRAME);
        }
    }
}

/* An ingestor goes on from a checkpoint that may be some rows old: those it delivers again. Its
 * configuration may have changed: then it no longer makes some tiles. */
static void start_ingestor(struct node *node)
{
    struct world *w = node->world;
    for (int key = 0; key < KEYS; key++) {
        if (owner_of(w, key) == node && chance(w, 8) == 0) {
            w->tiles[key].live = false;
        }
    }
    node->epoch = ++w->last_epoch;
    memset(node->seq, 0, sizeof node->seq);
    node->beat_at = w->now;
    node->refresh_at = mono_add_ms(w->now, REFRESH_MS);
    const size_t behind = chance(w, 12);
    const size_t done = behind < w->row_count ? w->row_count - behind : 0;
    eventlog_reset(node->events, w->origin);
    const size_t kept = 25;
    const size_t first = done > kept ? done - kept : 0;
    if (first != 0) {
        eventlog_skip_to(node->events, w->rows[first - 1].ordinal);
    }
    for (size_t i = first; i < done; i++) {
        deliver_row(node, &w->rows[i], true);
    }
    republish(node);
    if (node->index == INGESTOR_A) {
        for (size_t i = done; i < w->row_count; i++) {
            deliver_row(node, &w->rows[i], false);
        }
    }
}

/* ---- Nodes ---- */

static void add_counters(struct replica_counters *sum, const struct replica_counters *more)
{
    const uint64_t *from = (const uint64_t *)more;
    uint64_t *to = (uint64_t *)sum;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) {
        to[i] += from[i];
    }
}

static void stop(struct node *node)
{
    if (!node->up) {
        return;
    }
    node->up = false;
    if (node->replica != NULL) {
        add_counters(&node->world->sum, replica_counters(node->replica));
    }
    replica_destroy(&node->replica);
    query_free(&node->query);
    store_destroy(&node->store);
    eventlog_destroy(&node->events);
}

static void start(struct node *node)
{
    node->up = true;
    node->life++;
    snprintf(node->instance, sizeof node->instance, "%d-%u", node->index, node->life);
    node->store = store_create(SIZE_MAX, NULL);
    node->events = eventlog_create(30, NULL);
    node->query = (struct query){
        .store = node->store, .events = node->events, .state = describe, .arg = node};
    query_init(&node->query);
    if (node->upstream_count != 0) {
        const struct replica_ops ops = {send_query, node, forward, node};
        node->replica = replica_create(node->upstream_count, 20, node->store, node->events, &ops);
    } else {
        start_ingestor(node);
    }
    if (node->index == GATEWAY) {
        node->world->seen_generation = eventlog_generation(node->events);
        node->world->seen = 0;
    }
}

#endif
