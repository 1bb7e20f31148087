/* SPDX-License-Identifier: Apache-2.0 */
/* One replica that is fed by hand: what it hears, and what it is answered. Only included by
 * test_replica_input.c. */
#ifndef TESTS_COMMON_REPLICA_REPLICA_SCENE_H
#define TESTS_COMMON_REPLICA_REPLICA_SCENE_H

#include <stdio.h>

#include "common/base/error.h"
#include "common/replica/answer.h"
#include "common/replica/replica.h"
#include "tests/unit.h"

/* One replica, fed by hand; what it asks is kept. */
struct scene {
    struct store *store;
    struct eventlog *events;
    struct replica *replica;
    mono_time now;
    unsigned upstreams;
    bool connected;
    size_t asked;
    struct {
        unsigned upstream;
        uint32_t tag;
        char op[16];
        uint64_t after;
        uint64_t bytes;
    } last;
    uint32_t ping_tags[2];
    size_t accepted;
};

static bool send_query(void *arg, unsigned upstream, uint32_t tag, struct str request)
{
    struct scene *scene = arg;
    struct mp_doc doc;
    struct str op = STR("");
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, request.p, request.len), STATUS_OK);
    assert_true(mp_as_str(mp_get(&doc.root, "op"), &op));
    if (str_is(op, "ping")) {
        scene->ping_tags[upstream] = tag;
    } else if (scene->connected) {
        scene->asked++;
        scene->last.upstream = upstream;
        scene->last.tag = tag;
        snprintf(scene->last.op, sizeof scene->last.op, "%.*s", (int)op.len, op.p);
        scene->last.after = 0;
        (void)mp_as_uint(mp_get(&doc.root, "after"), &scene->last.after);
        assert_true(mp_as_uint(mp_get(&doc.root, "bytes"), &scene->last.bytes));
    }
    mp_doc_free(&doc);
    return scene->connected;
}

static void on_accepted(void *arg, const struct str frames[WIRE_FRAMES])
{
    (void)frames;
    ((struct scene *)arg)->accepted++;
}

static void begin(struct scene *scene, unsigned upstreams, size_t max_tiles)
{
    *scene = (struct scene){.upstreams = upstreams, .connected = true};
    scene->now.us = US_PER_S;
    scene->store = store_create(max_tiles, NULL);
    scene->events = eventlog_create(10, SIZE_MAX, NULL);
    const struct replica_ops ops = {send_query, scene, on_accepted, scene};
    scene->replica = replica_create(upstreams, 10, scene->store, scene->events, &ops);
    replica_tick(scene->replica, scene->now);
}

static void finish(struct scene *scene)
{
    replica_destroy(&scene->replica);
    assert_null(scene->replica);
    store_destroy(&scene->store);
    eventlog_destroy(&scene->events);
}

static void pass(struct scene *scene, int64_t ms)
{
    scene->now = mono_add_ms(scene->now, ms);
    replica_tick(scene->replica, scene->now);
}

/* ---- Messages ---- */

static void encode_tile(struct buf out[WIRE_FRAMES], uint64_t epoch, uint64_t seq, uint64_t base,
                        const char *key)
{
    static const char value[] = "\x81\xa1v\x01";
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, value, sizeof value - 1), STATUS_OK);
    const struct wire_tile tile = {.key = str_of(key),
                                   .keyframe = base == 0,
                                   .base = {epoch, base},
                                   .version = {epoch, seq},
                                   .value = &doc.root,
                                   .ttl_ms = 60000,
                                   .position = STR("1")};
    wire_encode_tile(out, 0, tile.version, (wall_time){1}, &tile);
    mp_doc_free(&doc);
}

static void hear(struct scene *scene, struct buf out[WIRE_FRAMES])
{
    const struct str frames[WIRE_FRAMES] = {buf_str(&out[0]), buf_str(&out[1]), buf_str(&out[2])};
    replica_message(scene->replica, frames, scene->now);
    for (size_t i = 0; i < WIRE_FRAMES; i++) {
        buf_free(&out[i]);
    }
}

static void hear_tile(struct scene *scene, uint64_t epoch, uint64_t seq, uint64_t base)
{
    struct buf out[WIRE_FRAMES] = {{0}};
    encode_tile(out, epoch, seq, base, "a");
    hear(scene, out);
}

static void hear_heartbeat(struct scene *scene, uint64_t epoch, uint64_t seq)
{
    const struct wire_heartbeat heartbeat = {.position = STR("9"), .as_of = {5}, .caught_up = true};
    struct buf out[WIRE_FRAMES] = {{0}};
    wire_encode_heartbeat(out, 0, (struct version){epoch, seq}, (wall_time){1}, &heartbeat);
    hear(scene, out);
}

/* ---- Replies ---- */

/* The standing of a server of one lane at that version, in a map that has `more` further pairs. */
static struct buf standing(size_t more, const char *instance, uint64_t epoch, uint64_t seq)
{
    struct buf out = {0};
    mp_put_map(&out, 5 + more);
    mp_put_text(&out, "instance");
    mp_put_text(&out, instance);
    mp_put_text(&out, "lanes");
    mp_put_uint(&out, 1);
    mp_put_text(&out, "versions");
    mp_put_map(&out, 1);
    mp_put_text(&out, "0");
    mp_put_array(&out, 2);
    mp_put_uint(&out, epoch);
    mp_put_uint(&out, seq);
    mp_put_text(&out, "origin");
    mp_put_uint(&out, 0);
    mp_put_text(&out, "ordinal");
    mp_put_uint(&out, 0);
    return out;
}

static void reply(struct scene *scene, unsigned upstream, uint32_t tag, struct buf *bytes)
{
    replica_reply(scene->replica, upstream, tag, buf_str(bytes), scene->now);
    buf_free(bytes);
}

static void answer_ping(struct scene *scene, unsigned upstream, const char *instance)
{
    struct buf out = standing(1, instance, 1, 1);
    mp_put_text(&out, "serving");
    mp_put_bool(&out, true);
    reply(scene, upstream, scene->ping_tags[upstream], &out);
    replica_tick(scene->replica, scene->now);
}

/* An empty page of tiles, behind which others are. */
static void answer_with_more(struct scene *scene, uint64_t next)
{
    const struct answer_standing standing = {
        .instance = STR("one"), .lanes = 1, .lanes_owned = 1, .versions = {{1, 10}}};
    struct buf out = {0};
    const struct answer_array array = answer_begin_snapshot(&out, &standing, 0, false);
    assert_string_equal(scene->last.op, "snapshot");
    answer_end_page(&out, array, next, true);
    reply(scene, scene->last.upstream, scene->last.tag, &out);
}

/* An empty last page of tiles, or of events, as was asked. */
static void answer_asked(struct scene *scene, const char *instance, uint64_t epoch, uint64_t seq)
{
    const bool tiles = strcmp(scene->last.op, "snapshot") == 0;
    struct buf out = standing(tiles ? 4 : 3, instance, epoch, seq);
    mp_put_text(&out, "more");
    mp_put_bool(&out, false);
    if (tiles) {
        mp_put_text(&out, "tiles");
        mp_put_array(&out, 0);
        mp_put_text(&out, "next");
        mp_put_uint(&out, 0);
        mp_put_text(&out, "restart");
        mp_put_bool(&out, false);
    } else {
        mp_put_text(&out, "floor");
        mp_put_uint(&out, 0);
        mp_put_text(&out, "events");
        mp_put_array(&out, 0);
    }
    reply(scene, scene->last.upstream, scene->last.tag, &out);
}

static void answer_snapshot(struct scene *scene, uint64_t epoch, uint64_t seq)
{
    assert_string_equal(scene->last.op, "snapshot");
    answer_asked(scene, "one", epoch, seq);
    if (strcmp(scene->last.op, "events") == 0) {
        answer_asked(scene, "one", epoch, seq);
    }
}

/* A page of events of a server that has four, of which two are confirmed in its epoch. */
static void answer_events(struct scene *scene, uint64_t generation, uint64_t first, uint64_t last,
                          const char *timestamp)
{
    const struct answer_standing standing = {.instance = STR("one"),
                                             .lanes = 1,
                                             .lanes_owned = 1,
                                             .versions = {{1, 10}},
                                             .ordinal = 4,
                                             .confirmed = 2};
    struct buf out = {0};
    struct answer_array array = answer_begin_events(&out, &standing, 0, generation);
    for (; first <= last; first++, array.count++) {
        struct buf fields = {0};
        mp_put_map(&fields, 3);
        mp_put_text(&fields, "id");
        mp_put_uint(&fields, first);
        mp_put_text(&fields, "event_type");
        mp_put_text(&fields, "order.created");
        mp_put_text(&fields, "timestamp");
        mp_put_text(&fields, first > 2 ? timestamp : "kept");
        const struct answer_event event = {.ordinal = first, .fields.bytes = buf_str(&fields)};
        answer_put_event(&out, &event);
        buf_free(&fields);
    }
    answer_end_page(&out, array, last, last < 4);
    reply(scene, scene->last.upstream, scene->last.tag, &out);
}

/* In sync at (1, 10). */
static void begin_synced(struct scene *scene, unsigned upstreams, size_t max_tiles)
{
    begin(scene, upstreams, max_tiles);
    for (unsigned i = 0; i < upstreams; i++) {
        answer_ping(scene, i, "one");
    }
    answer_snapshot(scene, 1, 10);
    assert_true(replica_ready(scene->replica));
    assert_int_equal(scene->asked, 2);
}

static const struct replica_counters *counters(const struct scene *scene)
{
    return replica_counters(scene->replica);
}

#endif
