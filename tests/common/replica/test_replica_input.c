/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/replica.h"

#include <stdio.h>
#include <time.h>

#include "common/base/error.h"
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

/* ---- Tests ---- */

static void test_join(void **state)
{
    (void)state;
    struct scene scene;
    const char *reason = NULL;
    begin(&scene, 1, 10);
    assert_false(replica_fresh(scene.replica, scene.now, &reason));
    assert_non_null(reason);
    assert_false(replica_upstream_alive(scene.replica, 0, scene.now));
    hear_tile(&scene, 1, 11, 0); /* waits for the snapshot */
    assert_int_equal(store_count(scene.store), 0);
    answer_ping(&scene, 0, "one");
    answer_snapshot(&scene, 1, 10);
    assert_int_equal(store_count(scene.store), 1);
    assert_int_equal(scene.accepted, 1);
    assert_true(replica_fresh(scene.replica, scene.now, &reason));
    hear_heartbeat(&scene, 1, 11);
    assert_int_equal(scene.accepted, 2);
    struct query_state standing_now = {0};
    replica_standing(scene.replica, scene.now, &standing_now);
    assert_string_equal(standing_now.position, "9");
    assert_int_equal(standing_now.last[0].seq, 11);
    finish(&scene);
}

static void test_a_server_that_lags_is_asked_again(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 1, 10);
    answer_ping(&scene, 0, "one");
    hear_tile(&scene, 1, 15, 0);
    answer_snapshot(&scene, 1, 10);
    assert_false(replica_fresh(scene.replica, scene.now, NULL));
    assert_int_equal(counters(&scene)->retries, 1);
    pass(&scene, 20);
    answer_snapshot(&scene, 1, 14);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_duplicates_and_the_past_are_dropped(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 10);
    hear_tile(&scene, 1, 11, 0);
    hear_tile(&scene, 1, 11, 0);
    assert_int_equal(counters(&scene)->duplicates, 1);
    hear_heartbeat(&scene, 2, 0); /* the ingestor was restarted */
    hear_tile(&scene, 1, 12, 11);
    assert_int_equal(counters(&scene)->outdated, 1);
    assert_int_equal(store_count(scene.store), 1); /* served until the new state is here */
    pass(&scene, 0);
    answer_snapshot(&scene, 2, 0);
    assert_int_equal(store_count(scene.store), 0);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_another_upstream_may_close_a_gap(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 2, 10);
    hear_tile(&scene, 1, 13, 0);
    hear_tile(&scene, 1, 12, 0);
    pass(&scene, REPLICA_GAP_WAIT_MS - 1);
    assert_int_equal(scene.asked, 2);
    hear_tile(&scene, 1, 11, 0);
    assert_int_equal(counters(&scene)->healed, 1);
    assert_int_equal(scene.accepted, 3);
    hear_tile(&scene, 1, 15, 0);
    pass(&scene, REPLICA_GAP_WAIT_MS); /* nobody did */
    assert_int_equal(scene.asked, 3);
    finish(&scene);
}

static void test_a_beat_tells_of_what_was_lost(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 10);
    hear_heartbeat(&scene, 1, 12);
    pass(&scene, 0); /* there is no other upstream to wait for */
    assert_int_equal(scene.asked, 3);
    answer_snapshot(&scene, 1, 11); /* behind what the heartbeat told */
    assert_false(replica_fresh(scene.replica, scene.now, NULL));
    pass(&scene, 20);
    answer_snapshot(&scene, 1, 12);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_a_base_that_is_not_here(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 10);
    hear_tile(&scene, 1, 11, 7);
    assert_int_equal(counters(&scene)->mismatches, 1);
    pass(&scene, 0);
    assert_int_equal(scene.asked, 3);
    finish(&scene);
}

static void test_a_full_store_is_no_reason_to_ask(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 0);
    hear_tile(&scene, 1, 11, 0);
    hear_tile(&scene, 1, 12, 11);
    pass(&scene, 0);
    assert_int_equal(counters(&scene)->refused, 2);
    assert_int_equal(scene.asked, 2);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_what_waits_is_bounded(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 1, 10);
    for (uint64_t i = 0; i <= REPLICA_PENDING_MAX; i++) {
        hear_tile(&scene, 1, 12 + i, 0);
    }
    assert_int_equal(counters(&scene)->overflows, 1);
    pass(&scene, 0);
    answer_snapshot(&scene, 1, 12 + REPLICA_PENDING_MAX);
    assert_true(replica_fresh(scene.replica, scene.now, NULL));
    finish(&scene);
}

static void test_a_restarted_server_is_not_waited_for(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 1, 10);
    answer_ping(&scene, 0, "one");
    assert_int_equal(scene.asked, 1);
    pass(&scene, REPLICA_PING_MS);
    answer_ping(&scene, 0, "two");
    pass(&scene, 20);
    assert_int_equal(scene.asked, 2);
    answer_asked(&scene, "two", 1, 10);
    answer_asked(&scene, "one", 1, 10); /* events of the old one do not belong to it */
    assert_false(replica_ready(scene.replica));
    finish(&scene);
}

static void test_it_sleeps_while_nobody_can_be_asked(void **state)
{
    (void)state;
    struct scene scene;
    begin_synced(&scene, 2, 10);
    hear_heartbeat(&scene, 1, 50);
    pass(&scene, 5000); /* both are dead now */
    assert_false(replica_upstream_alive(scene.replica, 0, scene.now));
    assert_int_equal(scene.asked, 2);
    assert_true(replica_wait_ms(scene.replica, scene.now) >= REPLICA_PING_MS - 1);
    scene.connected = false;
    pass(&scene, REPLICA_PING_MS);
    assert_true(replica_wait_ms(scene.replica, scene.now) >= REPLICA_RECONNECT_MS - 1);
    finish(&scene);
}

/* Bytes that were changed on the way do no harm, whatever they say afterwards. */
static void mutate(struct buf *bytes)
{
    for (int left = rand() % 3; left > 0 && bytes->len != 0; left--) {
        bytes->data[(size_t)rand() % bytes->len] = (char)rand();
    }
    if (rand() % 10 == 0) {
        bytes->len = bytes->len != 0 ? (size_t)rand() % bytes->len : 0;
    }
}

static struct buf some_page(void)
{
    struct buf out = standing(6, "one", 1, 10);
    mp_put_text(&out, "serving");
    mp_put_bool(&out, true);
    mp_put_text(&out, "more");
    mp_put_bool(&out, rand() % 2 == 0);
    mp_put_text(&out, "next");
    mp_put_uint(&out, (uint64_t)rand());
    mp_put_text(&out, "restart");
    mp_put_bool(&out, false);
    mp_put_text(&out, "tiles");
    mp_put_array(&out, 1);
    buf_append_str(&out, STR("\x8a\xa1k\xa1x\xa1l\x00\xa1v\x92\x01\x05\xa1p\x81\xa1v\x01\xa1t"
                             "\xcd\xea\x60\xa1g\x0a\xa1s\xa1"
                             "7\xa1w\x05\xa1u\x05\xa3"
                             "age\x05"));
    mp_put_text(&out, "floor");
    mp_put_uint(&out, 0);
    return out;
}

static void test_mutated_input(void **state)
{
    (void)state;
    struct scene whole; /* without a change the page is one */
    begin(&whole, 1, 10);
    answer_ping(&whole, 0, "one");
    struct buf well_formed = some_page();
    reply(&whole, 0, whole.last.tag, &well_formed);
    assert_int_equal(store_count(whole.store), 1);
    finish(&whole);
    const unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (int run = 0; run < 300; run++) {
        struct scene scene;
        begin(&scene, 1, 10);
        answer_ping(&scene, 0, "one");
        for (uint64_t i = 1; i < 60; i++) {
            struct buf out[WIRE_FRAMES] = {{0}};
            encode_tile(out, 1, i, i > 1 ? i - 1 : 0, "a");
            mutate(&out[rand() % WIRE_FRAMES]);
            hear(&scene, out);
            struct buf page = some_page();
            mutate(&page);
            reply(&scene, 0, rand() % 2 == 0 ? scene.ping_tags[0] : scene.last.tag, &page);
            pass(&scene, rand() % 300);
            store_expire(scene.store, scene.now);
            assert_true(replica_wait_ms(scene.replica, scene.now) >= 0);
        }
        finish(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_a_server_that_lags_is_asked_again),
        cmocka_unit_test(test_duplicates_and_the_past_are_dropped),
        cmocka_unit_test(test_another_upstream_may_close_a_gap),
        cmocka_unit_test(test_a_beat_tells_of_what_was_lost),
        cmocka_unit_test(test_a_base_that_is_not_here),
        cmocka_unit_test(test_a_full_store_is_no_reason_to_ask),
        cmocka_unit_test(test_what_waits_is_bounded),
        cmocka_unit_test(test_a_restarted_server_is_not_waited_for),
        cmocka_unit_test(test_it_sleeps_while_nobody_can_be_asked),
        cmocka_unit_test(test_mutated_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
