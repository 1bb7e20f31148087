/* SPDX-License-Identifier: Apache-2.0 */
/* Streams in step with their channels, and what they share. */
#include "tests/gateway/stream/world.h"

#include "gateway/stream/channel.h"
#include "gateway/stream/streams_state.h"

#define SMALL 4096 /* the smallest log and socket buffer */

static struct stream_request tiles_request(void)
{
    return (struct stream_request){.kind = CHANNEL_TILES};
}

/* ---- What one in step gets ---- */

static void first_values_then_each_change(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    world_set(&w, "a", 1, 1);
    world_set(&w, "gone", 2, 1);
    world_set(&w, "b", 3, 1);
    world_remove(&w, "gone");
    struct stream_request request = tiles_request();
    const int client = world_open(&w, &request, NULL, 0);
    world_settle(&w, client, &got);
    assert_memory_equal(got.data, "HEAD\n\nid: 7-1\nevent: tile\n", 26);
    assert_int_equal(occurrences(&got, "event: tile"), 2);
    assert_int_equal(occurrences(&got, "expired"), 0);       /* it never knew that one */
    assert_int_equal(streams_counters(w.streams)->sends, 1); /* head and values together */

    buf_clear(&got);
    world_set(&w, "a", 4, 1);
    world_patch(&w, "b", 5);
    world_remove(&w, "a");
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "event: tile"), 2);
    assert_int_equal(occurrences(&got, "event: expired\ndata: {\"key\":\"a\"}\n\n"), 1);
    assert_int_equal(occurrences(&got, "\"value\":5"), 1);
    buf_free(&got);
    close(client);
    world_turn(&w, 10);
    assert_int_equal(w.closed, 1);
    assert_int_equal(streams_count(w.streams), 0);
    assert_int_equal(streams_channels(w.streams), 0);
    world_finish(&w);
}

static void each_gets_what_it_selected(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    struct stream_request request = tiles_request();
    const int one = world_open(&w, &request, "a.*", 0);
    const int other = world_open(&w, &request, "b", 0);
    assert_int_equal(streams_channels(w.streams), 2);
    world_set(&w, "a.x", 1, 1);
    world_set(&w, "b", 2, 1);
    world_set(&w, "c", 3, 1);
    world_settle(&w, one, &got);
    assert_int_equal(occurrences(&got, "event: tile"), 1);
    assert_int_equal(occurrences(&got, "\"a.x\""), 1);
    buf_clear(&got);
    world_settle(&w, other, &got);
    assert_int_equal(occurrences(&got, "event: tile"), 1);
    assert_int_equal(occurrences(&got, "\"b\""), 1);
    buf_free(&got);
    close(one);
    close(other);
    world_finish(&w);
}

/* A thousand changes while nobody had his turn go out in one send(). */
static void batches_grow_by_themselves(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 1 << 20, 16);
    struct stream_request request = tiles_request();
    const int client = world_open(&w, &request, NULL, 0);
    world_settle(&w, client, &got);
    const uint64_t sends = streams_counters(w.streams)->sends;
    for (int i = 0; i < 300; i++) {
        world_set(&w, "a", i, 1);
    }
    world_turn(&w, 100);
    assert_int_equal(streams_counters(w.streams)->sends - sends, 1);
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "event: tile"), 300);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

/* ---- Fairness, limits, the end ---- */

/* A channel that is never done does not keep the others waiting. */
static void channels_take_turns(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    int busy[8];
    world_init(&w, 1 << 20, 16);
    struct stream_request request = tiles_request();
    for (size_t i = 0; i < 8; i++) {
        busy[i] = world_open(&w, &request, "busy", 0);
    }
    const int other = world_open(&w, &request, "other", 0);
    world_settle(&w, other, &got);
    for (int i = 0; i < 8; i++) {
        world_set(&w, "busy", i, 1);
        world_turn(&w, 3); /* less than a pass: the next change comes before it is over */
        if (i == 0) {
            world_set(&w, "other", i, 1);
        }
    }
    assert_true(world_read(other, &got, SIZE_MAX));
    assert_int_equal(occurrences(&got, "event: tile"), 1);
    for (size_t i = 0; i < 8; i++) {
        close(busy[i]);
    }
    close(other);
    buf_free(&got);
    world_finish(&w);
}

static void who_accepts_nothing_is_cut(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, SMALL, 16);
    struct stream_request request = tiles_request();
    const int stalled = world_open(&w, &request, NULL, SMALL);
    const int idle = world_open(&w, &request, "nothing", 0);
    world_set(&w, "a", 1, 200000);
    world_turn(&w, 100);
    w.now.us += 29000000;
    streams_sweep(w.streams, w.now);
    assert_int_equal(streams_count(w.streams), 2);
    assert_true(world_read(stalled, &got, 10000)); /* it lives */
    world_turn(&w, 100);
    w.now.us += 29000000;
    streams_sweep(w.streams, w.now);
    assert_int_equal(streams_count(w.streams), 2);
    w.now.us += 3000000;
    streams_sweep(w.streams, w.now);
    assert_int_equal(streams_count(w.streams), 1); /* the idle one owes nothing */
    assert_int_equal(streams_counters(w.streams)->cut, 1);
    assert_int_equal(w.closed, 1);
    buf_free(&got);
    close(stalled);
    close(idle);
    world_finish(&w);
}

static void room_is_bounded(void **state)
{
    (void)state;
    struct world w;
    int clients[64];
    size_t count = 0;
    world_init(&w, SMALL, 16);
    struct stream_request request = tiles_request();
    for (; count < 8; count++) {
        char key[2] = {(char)('a' + count), '\0'};
        clients[count] = world_open(&w, &request, key, 0);
    }
    assert_int_equal(selection_parse(&request.selection, "i"), STATUS_OK);
    assert_int_equal(streams_room(w.streams, &request), STREAMS_FULL); /* no ninth channel */
    selection_free(&request.selection);
    assert_int_equal(selection_parse(&request.selection, "a"), STATUS_OK);
    assert_int_equal(streams_room(w.streams, &request), STREAMS_ROOM);
    selection_free(&request.selection);
    for (; count < 64; count++) {
        clients[count] = world_open(&w, &request, "a", 0);
    }
    assert_int_equal(selection_parse(&request.selection, "a"), STATUS_OK);
    assert_int_equal(streams_room(w.streams, &request), STREAMS_FULL);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(streams_attach(w.streams, pair[0], &request, STR("HEAD"), w.now), STATUS_FULL);
    char byte;
    assert_int_equal(recv(pair[1], &byte, 1, 0), 0); /* closed, and nothing was sent */
    close(pair[1]);
    assert_int_equal(streams_counters(w.streams)->refused, 1);
    for (size_t i = 0; i < count; i++) {
        close(clients[i]);
    }
    world_finish(&w);
}

static void draining_says_when_to_come_back(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    int clients[10];
    world_init(&w, SMALL, 16);
    struct stream_request request = tiles_request();
    for (size_t i = 0; i < 10; i++) {
        clients[i] = world_open(&w, &request, NULL, 0);
    }
    world_turn(&w, 100);
    assert_int_equal(streams_drain(w.streams, 4, 3000), 6);
    assert_int_equal(streams_drain(w.streams, 100, 3000), 0);
    assert_int_equal(w.closed, 10);
    for (size_t i = 0; i < 10; i++) {
        buf_clear(&got);
        assert_false(world_read(clients[i], &got, SIZE_MAX));
        assert_memory_equal(got.data, "HEAD\n\nretry: ", 13);
        assert_memory_equal(got.data + got.len - 1, "\n", 1);
        assert_int_equal(occurrences(&got, "\n\n"), 1);
        close(clients[i]);
    }
    buf_free(&got);
    world_finish(&w);
}

/* It ends in the second in which the credentials do, not before; those without an end stay. */
static void who_expires_is_told_and_ended(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, SMALL, 16);
    world_set(&w, "a", 1, 1);
    struct stream_request request = tiles_request();
    const int stays = world_open(&w, &request, NULL, 0);
    request.expires = MONO_NEVER;
    const int stays_too = world_open(&w, &request, NULL, 0);
    request.expires = (mono_time){(int64_t)9000000000000000000};
    const int for_ages = world_open(&w, &request, NULL, 0);
    request.expires = mono_add_ms(w.now, 10001);
    const int client = world_open(&w, &request, NULL, 0);
    world_settle(&w, client, &got);
    w.now = mono_add_ms(w.now, 9999);
    streams_sweep(w.streams, w.now);
    assert_int_equal(streams_count(w.streams), 4);
    buf_clear(&got);
    w.now = mono_add_ms(w.now, 1001);
    streams_sweep(w.streams, w.now);
    assert_false(world_read(client, &got, SIZE_MAX));
    assert_int_equal(occurrences(&got, "event: expired-token\ndata: {}\n\nretry: "), 1);
    assert_int_equal(occurrences(&got, "id: "), 0);
    assert_int_equal(streams_counters(w.streams)->expired, 1);
    assert_int_equal(streams_count(w.streams), 3);
    buf_free(&got);
    close(client);
    close(stays);
    close(stays_too);
    close(for_ages);
    world_finish(&w);
}

/* Who takes nothing cannot be told, and is ended all the same: it must not stay by being slow. */
static void who_expires_while_it_is_slow_is_ended(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, SMALL, 16);
    for (char key[2] = "a"; key[0] <= 'z'; key[0]++) {
        world_set(&w, key, 1, 2000);
    }
    struct stream_request request = tiles_request();
    request.expires = mono_add_ms(w.now, 1000);
    const int client = world_open(&w, &request, NULL, SMALL);
    world_turn(&w, 1000);
    w.now = mono_add_ms(w.now, 2000);
    streams_sweep(w.streams, w.now);
    assert_int_equal(streams_count(w.streams), 0);
    assert_false(world_read(client, &got, SIZE_MAX));
    assert_int_equal(occurrences(&got, "expired-token"), 0);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

static void heartbeats_reach_all(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, SMALL, 16);
    struct stream_request request = tiles_request();
    const int client = world_open(&w, &request, NULL, 0);
    world_turn(&w, 10);
    feed_heartbeat(w.streams, (wall_time){1}, (wall_time){0}, "0");
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "event: heartbeat\n"), 1);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

/* Of a tile or a type of events that comes again a bit is asked, however many patterns there are.
 */
static void patterns_are_asked_once_about_each_tile_and_type(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 65536, 16);
    struct stream_request tiles = tiles_request();
    struct stream_request events = {.kind = CHANNEL_EVENTS};
    const int clients[] = {world_open(&w, &tiles, "*a*b*c*,*a*c*b*", 0),
                           world_open(&w, &events, "*a*b*c*,*a*c*b*", 0)};
    const struct channel *const *channels = (const struct channel *const *)w.streams->channels;
    uint64_t first[2] = {0};
    for (int64_t round = 0; round < 50; round++) {
        world_set(&w, "a-b", round, 1);
        world_event(&w, round + 1, "a-c");
        feed_events(w.streams);
        for (size_t i = 0; i < 2; i++) {
            const uint64_t steps = selection_steps(&channels[i]->selection);
            assert_true(steps != 0);
            first[i] = round == 0 ? steps : first[i];
            assert_int_equal(steps, first[i]);
        }
    }
    world_set(&w, "a-b-2", 1, 1);
    assert_true(selection_steps(&channels[0]->selection) > first[0]);
    close(clients[0]);
    close(clients[1]);
    world_finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_values_then_each_change),
        cmocka_unit_test(each_gets_what_it_selected),
        cmocka_unit_test(patterns_are_asked_once_about_each_tile_and_type),
        cmocka_unit_test(batches_grow_by_themselves),
        cmocka_unit_test(who_accepts_nothing_is_cut),
        cmocka_unit_test(channels_take_turns),
        cmocka_unit_test(room_is_bounded),
        cmocka_unit_test(draining_says_when_to_come_back),
        cmocka_unit_test(who_expires_is_told_and_ended),
        cmocka_unit_test(who_expires_while_it_is_slow_is_ended),
        cmocka_unit_test(heartbeats_reach_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
