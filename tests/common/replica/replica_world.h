/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for test_replica.c: up to two ingestors (each with its lanes), two caches and a
 * gateway, with simulated time, and links that delay, drop, double and reorder messages and are cut
 * for a while. All of it follows from one seed. This is the world and its links; what runs in it is
 * in replica_nodes.h. Only included by that test.
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
#define HEARTBEAT_MS 1000

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
    mono_time heartbeat_at;
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
    uint64_t history; /* in which the table got it: see lose_rows */
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
    bool
        quiet; /* tiles are never refreshed, and live long: only heartbeats tell of what was lost */
    bool calm; /* the end: nothing goes wrong any more */
    struct node nodes[NODES];
    struct wire_link links[NODES][NODES];
    struct heap flights;
    int64_t launched;
    uint64_t last_epoch;
    uint64_t origin;
    struct row rows[HISTORY_MAX];
    size_t row_count;
    size_t told;      /* how many of them the ingestor has delivered */
    size_t saved_max; /* no checkpoint goes beyond so many: those behind came after a loss */
    uint64_t history;
    uint64_t continues;   /* an epoch since which no row was lost; 0: nobody knows */
    uint64_t whole_since; /* the first epoch since the last loss */
    struct truth tiles[KEYS];
    /* A stream of raw events at the gateway. */
    uint32_t seen_generation;
    uint64_t seen;
    bool seen_lost;              /* the last that it was given is not in the table any more */
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
    out->continues = node->world->continues;
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

#endif
