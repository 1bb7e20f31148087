/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that are not in step: those that resume, and those that are slow. */
#include "tests/gateway/stream/world.h"

#define SMALL 4096 /* the smallest log and socket buffer */

static struct stream_request tiles_request(void)
{
    return (struct stream_request){.kind = CHANNEL_TILES};
}

/* ---- Resuming ---- */

static void a_cursor_brings_only_what_is_newer(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    world_set(&w, "old", 1, 1);
    world_set(&w, "gone", 1, 1);
    world_set(&w, "stale", 1, 1);
    const struct cursor cursor = {.lanes = 1, .at = {{WORLD_EPOCH, w.seq}}};
    w.now.us += 61000000;
    store_expire(w.store, w.now);
    world_set(&w, "old", 1, 1); /* fresh again; newer than the cursor */
    world_set(&w, "new", 2, 1);
    world_remove(&w, "gone");
    struct stream_request request = tiles_request();
    request.cursor = &cursor;
    const int client = world_open(&w, &request, NULL, 0);
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "\"key\":\"old\""), 1);
    assert_int_equal(occurrences(&got, "\"key\":\"new\""), 1);
    assert_int_equal(occurrences(&got, "event: expired\ndata: {\"key\":\"gone\"}"), 1);
    assert_int_equal(occurrences(&got, "\"key\":\"stale\""),
                     1); /* its version is old, its flag new */
    assert_int_equal(occurrences(&got, "reset"), 0);
    const struct cursor latest = {.lanes = 1, .at = {{WORLD_EPOCH, w.seq}}};
    request.cursor = &latest;
    buf_clear(&got);
    const int again = world_open(&w, &request, "new,old", 0);
    world_settle(&w, again, &got);
    assert_str(buf_str(&got), "HEAD\n\n");
    buf_free(&got);
    close(client);
    close(again);
    world_finish(&w);
}

/* A tile whose TTL ran out has no newer version: who resumes must hear of it all the same. */
static void an_expired_tile_is_not_kept_by_who_resumes(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    world_set(&w, "ghost", 1, 1);
    const struct cursor cursor = {.lanes = 1, .at = {{WORLD_EPOCH, w.seq}}};
    w.now.us += 61000000;
    store_expire(w.store, w.now);
    w.now.us += 61000000;
    store_expire(w.store, w.now);
    assert_int_equal(store_count(w.store), 0);
    struct stream_request request = tiles_request();
    request.cursor = &cursor;
    const int client = world_open(&w, &request, NULL, 0);
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "event: expired\ndata: {\"key\":\"ghost\"}"), 1);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

static void events_go_on_after_an_id(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    world_event(&w, 5, "x");
    world_event(&w, 9, "x");
    world_event(&w, 7, "x"); /* came late: its place is behind 9 */
    feed_events(w.streams);
    struct stream_request request = {.kind = CHANNEL_EVENTS, .after_ordinal = 2};
    const int client = world_open(&w, &request, NULL, 0);
    world_event(&w, 10, "y");
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "id: "), 2);
    assert_memory_equal(got.data, "HEAD\n\nid: 7\nevent: x\n", 21);
    assert_int_equal(occurrences(&got, "id: 10\nevent: y\n"), 1);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

/* ---- Slow ones ---- */

static void a_slow_client_gets_the_newest_values(void **state)
{
    (void)state;
    struct world w;
    struct buf slow = {0};
    struct buf quick = {0};
    world_init(&w, SMALL, 16);
    struct stream_request request = tiles_request();
    const int stalled = world_open(&w, &request, NULL, SMALL);
    const int healthy = world_open(&w, &request, NULL, 0);
    for (int i = 1; i <= 500; i++) {
        world_set(&w, i % 2 != 0 ? "a" : "b", i, 100);
        world_turn(&w, 100);
        assert_true(world_read(healthy, &quick, SIZE_MAX));
    }
    assert_int_equal(occurrences(&quick, "event: tile"), 500); /* it did not notice */
    assert_true(streams_counters(w.streams)->conflated >= 1);
    world_settle(&w, stalled, &slow);
    const size_t frames = occurrences(&slow, "event: tile");
    assert_true(frames < 400);
    assert_int_equal(frames, occurrences(&slow, "}\n\n")); /* none is torn */
    assert_int_equal(occurrences(&slow, "\"value\":499,"), 1);
    assert_int_equal(occurrences(&slow, "\"value\":500,"), 1);
    world_set(&w, "a", 501, 10);
    buf_clear(&slow);
    world_settle(&w, stalled, &slow);
    assert_int_equal(occurrences(&slow, "event: tile"), 1); /* in step again */
    buf_free(&slow);
    buf_free(&quick);
    close(stalled);
    close(healthy);
    world_finish(&w);
}

/* All streams fall out of the log, one comes back: the log must not run away from it unnoticed. */
static void a_log_without_live_streams_is_joined_again(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, SMALL, 16);
    struct stream_request request = tiles_request();
    const int client = world_open(&w, &request, NULL, SMALL);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 300; i++) {
            world_set(&w, "a", round * 1000 + i, 100);
            world_turn(&w, 100);
        }
        buf_clear(&got);
        world_settle(&w, client, &got);
        char newest[32];
        snprintf(newest, sizeof newest, "\"value\":%d,", round * 1000 + 299);
        assert_int_equal(occurrences(&got, newest), 1);
    }
    assert_true(streams_counters(w.streams)->conflated >= 5);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

/* During its first catch-up a client was given a tile that then goes: it must hear of that. */
static void a_removal_during_the_first_catch_up_is_told(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, SMALL, 16);
    world_set(&w, "before", 1, 1);
    world_remove(&w, "before");
    world_set(&w, "given", 2, 1);
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        world_set(&w, key, i, 1000);
    }
    struct stream_request request = tiles_request();
    const int client = world_open(&w, &request, NULL, SMALL);
    (void)world_read(client, &got, 1000);
    assert_int_equal(occurrences(&got, "\"key\":\"given\""), 1);
    world_remove(&w, "given");
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "event: expired\ndata: {\"key\":\"given\"}"), 1);
    assert_int_equal(occurrences(&got, "event: expired"), 1);
    assert_int_equal(occurrences(&got, "event: tile"), 201);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

static void a_frame_larger_than_the_log_gets_through(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, SMALL, 16);
    struct stream_request request = tiles_request();
    const int slow = world_open(&w, &request, NULL, SMALL);
    const int quick = world_open(&w, &request, NULL, 0);
    world_set(&w, "large", 1, 100000);
    world_set(&w, "small", 2, 1);
    world_settle(&w, quick, &got);
    assert_int_equal(occurrences(&got, "event: tile"), 2);
    assert_true(got.len > 100000);
    buf_clear(&got);
    world_settle(&w, slow, &got);
    assert_int_equal(occurrences(&got, "event: tile"), 2);
    assert_true(got.len > 100000);
    buf_free(&got);
    close(slow);
    close(quick);
    world_finish(&w);
}

static void events_that_left_the_log_are_a_reset(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, SMALL, 8);
    struct stream_request request = {.kind = CHANNEL_EVENTS};
    const int client = world_open(&w, &request, NULL, SMALL);
    for (int i = 1; i <= 500; i++) {
        world_event(&w, i, "x");
        world_turn(&w, 100);
    }
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "event: reset\ndata: {}\n\n"), 1);
    assert_int_equal(streams_counters(w.streams)->resets, 1);
    const size_t before = occurrences(&got, "id: ");
    assert_true(before < 400);
    buf_clear(&got);
    world_event(&w, 501, "x");
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "id: 501\n"), 1);
    assert_int_equal(occurrences(&got, "id: "), 1);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

/* The numbering began anew, with smaller numbers: watermarks of the old one must not hide new
 * events. */
static void a_new_numbering_is_a_reset_for_all(void **state)
{
    (void)state;
    struct world w;
    struct buf slow = {0};
    struct buf quick = {0};
    world_init(&w, SMALL, 400);
    struct stream_request request = {.kind = CHANNEL_EVENTS};
    const int stalled = world_open(&w, &request, NULL, SMALL);
    const int healthy = world_open(&w, &request, NULL, 0);
    for (int i = 1; i <= 300; i++) {
        world_event(&w, i, "x");
        world_turn(&w, 100);
        (void)world_read(healthy, &quick, SIZE_MAX);
    }
    w.origin = 99;
    w.ordinal = 0;
    eventlog_reset(w.events, w.origin);
    world_turn(&w, 100);
    for (int i = 1; i <= 50; i++) {
        world_event(&w, 90000 + i, "x");
        world_turn(&w, 100);
        (void)world_read(healthy, &quick, SIZE_MAX);
    }
    world_settle(&w, stalled, &slow);
    world_settle(&w, healthy, &quick);
    assert_int_equal(occurrences(&quick, "event: reset"), 1);
    assert_int_equal(occurrences(&quick, "id: "), 350);
    assert_int_equal(occurrences(&slow, "event: reset"), 1);
    assert_int_equal(occurrences(&slow, "id: 9001"), 10); /* 90010 to 90019 */
    assert_int_equal(occurrences(&slow, "id: 900"), 50);
    buf_free(&slow);
    buf_free(&quick);
    close(stalled);
    close(healthy);
    world_finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_brings_only_what_is_newer),
        cmocka_unit_test(an_expired_tile_is_not_kept_by_who_resumes),
        cmocka_unit_test(events_go_on_after_an_id),
        cmocka_unit_test(a_slow_client_gets_the_newest_values),
        cmocka_unit_test(a_log_without_live_streams_is_joined_again),
        cmocka_unit_test(a_removal_during_the_first_catch_up_is_told),
        cmocka_unit_test(a_frame_larger_than_the_log_gets_through),
        cmocka_unit_test(events_that_left_the_log_are_a_reset),
        cmocka_unit_test(a_new_numbering_is_a_reset_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
