/* SPDX-License-Identifier: Apache-2.0 */
/* An upstream for test_link.c and test_cache.c: one lane, real sockets, in the test's own thread.
 */
#ifndef TESTS_COMMON_NET_FAKE_UPSTREAM_H
#define TESTS_COMMON_NET_FAKE_UPSTREAM_H

#include <stdio.h>
#include <zmq.h>

#include "common/net/server.h"
#include "common/net/sockets.h"
#include "tests/unit.h"

struct upstream_server {
    char publish[64];
    char query_address[64];
    char instance[16];
    void *pub;
    struct server *server;
    struct store *store;
    struct eventlog *events;
    struct query query;
    uint64_t epoch;
    uint64_t seq;
};

static void describe(void *arg, struct query_state *out)
{
    const struct upstream_server *up = arg;
    out->role = "ingestor";
    out->instance = up->instance;
    out->serving = true;
    out->lanes = 1;
    out->lanes_owned = 1;
    out->last[0] = (struct version){up->epoch, up->seq};
    out->position = "1";
    out->as_of = clock_wall();
}

static void open_upstream(struct upstream_server *up, const struct config *config, uint64_t epoch)
{
    struct error err = {{0}};
    up->epoch = epoch;
    up->seq = 0;
    snprintf(up->instance, sizeof up->instance, "run-%d", (int)epoch);
    up->store = store_create(1000000, NULL);
    up->events = eventlog_create(10, SIZE_MAX, NULL);
    up->query =
        (struct query){.store = up->store, .events = up->events, .state = describe, .arg = up};
    query_init(&up->query);
    up->pub = socket_bind(ZMQ_PUB, up->publish, config, &err);
    if (up->pub == NULL ||
        server_create(up->query_address, config, &up->query, &up->server, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
}

static void close_upstream(struct upstream_server *up)
{
    if (up->pub != NULL) {
        socket_close(&up->pub);
        server_destroy(&up->server);
        query_free(&up->query);
        store_destroy(&up->store);
        eventlog_destroy(&up->events);
    }
}

static void send_frames(struct upstream_server *up, struct buf out[WIRE_FRAMES])
{
    struct str frames[WIRE_FRAMES];
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        frames[i] = buf_str(&out[i]);
    }
    assert_true(socket_send(up->pub, frames, WIRE_FRAMES));
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&out[i]);
    }
}

/* A keyframe of the tile, whose value is its sequence. silent: a message that was lost. */
static void publish(struct upstream_server *up, const char *key, int64_t ttl_ms, bool silent)
{
    struct buf value = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    mp_put_map(&value, 1);
    mp_put_text(&value, "v");
    mp_put_uint(&value, ++up->seq);
    assert_int_equal(mp_parse(&doc, value.data, value.len), STATUS_OK);
    const struct wire_tile tile = {.key = str_of(key),
                                   .keyframe = true,
                                   .version = {up->epoch, up->seq},
                                   .value = &doc.root,
                                   .ttl_ms = ttl_ms,
                                   .grace_ms = ttl_ms,
                                   .position = STR("1"),
                                   .as_of = clock_wall()};
    assert_int_equal(store_apply(up->store, &tile, 0, clock_wall(), 0, clock_mono()), STATUS_OK);
    if (!silent) {
        struct buf out[WIRE_FRAMES] = {{0}};
        wire_encode_tile(out, 0, tile.version, clock_wall(), &tile);
        send_frames(up, out);
    }
    mp_doc_free(&doc);
    buf_free(&value);
}

static void send_heartbeat(struct upstream_server *up)
{
    const struct wire_heartbeat heartbeat = {
        .position = STR("1"), .as_of = clock_wall(), .caught_up = true};
    struct buf out[WIRE_FRAMES] = {{0}};
    wire_encode_heartbeat(out, 0, (struct version){up->epoch, up->seq}, clock_wall(), &heartbeat);
    send_frames(up, out);
}

#endif
