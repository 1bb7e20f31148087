/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of channels: logs that are there while somebody lacks what is in them, and what a
 * channel counts. */
#include "tests/gateway/stream/world.h"

#include "gateway/stream/streams_state.h"

static int open_tiles(struct world *w, const char *keys, int sndbuf)
{
    struct stream_request request = {.kind = CHANNEL_TILES};
    return world_open(w, &request, keys, sndbuf);
}

static void a_log_that_all_have_is_given_back(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    const int one = open_tiles(&w, "a", 0);
    const int two = open_tiles(&w, "a", 0);
    world_settle(&w, one, &got);
    for (int i = 1; i <= 100; i++) {
        world_set(&w, "a", i, 300);
        assert_in_range(streams_log_bytes(w.streams), 512, 2048);
        world_turn(&w, 1000);
        assert_int_equal(streams_log_bytes(w.streams), 0);
    }
    (void)world_read(one, &got, SIZE_MAX);
    assert_int_equal(occurrences(&got, "event: tile"), 100);
    buf_clear(&got);
    (void)world_read(two, &got, SIZE_MAX);
    assert_int_equal(occurrences(&got, "event: tile"), 100);
    assert_int_equal(streams_counters(w.streams)->conflated, 0);
    buf_free(&got);
    close(one);
    close(two);
    world_finish(&w);
}

static void a_log_stays_for_who_lacks_something(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    const int slow = open_tiles(&w, "a", 1);
    const int fast = open_tiles(&w, "a", 0);
    world_settle(&w, slow, &got);
    const uint64_t before = streams_counters(w.streams)->blocked;
    int changes = 0;
    while (streams_counters(w.streams)->blocked == before) {
        world_set(&w, "a", ++changes, 1000);
        world_turn(&w, 1000);
    }
    assert_true(streams_log_bytes(w.streams) >= 1000);
    world_settle(&w, slow, &got); /* it reads, and gets the rest of the log */
    world_set(&w, "a", ++changes, 1000);
    world_settle(&w, slow, &got);
    assert_int_equal(streams_log_bytes(w.streams), 0);
    assert_int_equal(occurrences(&got, "event: tile"), changes);
    assert_int_equal(streams_counters(w.streams)->conflated, 0);
    buf_free(&got);
    close(slow);
    close(fast);
    world_finish(&w);
}

/* Who finds no room in a log gets what is newest. */
static void all_logs_together_are_bounded(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    w.streams->logs_max = 4096;
    const int client = open_tiles(&w, "a", 1);
    const int other = open_tiles(&w, "b", 1);
    world_settle(&w, client, &got);
    for (int i = 1; i <= 200; i++) {
        world_set(&w, "a", i, 1000);
        world_set(&w, "b", i, 1000);
        world_turn(&w, 1000);
        assert_in_range(streams_log_bytes(w.streams), 0, 4096 + 1024); /* and the frames' ends */
    }
    assert_true(streams_counters(w.streams)->unlogged != 0);
    world_settle(&w, client, &got);
    assert_int_equal(occurrences(&got, "\"value\":200,"), 1);
    buf_clear(&got);
    world_settle(&w, other, &got);
    assert_int_equal(occurrences(&got, "\"value\":200,"), 1);
    buf_free(&got);
    close(client);
    close(other);
    world_finish(&w);
    assert_null(w.streams);
}

static void a_log_goes_with_its_channel(void **state)
{
    (void)state;
    struct world w;
    struct buf got = {0};
    world_init(&w, 65536, 16);
    const int client = open_tiles(&w, "a", 0);
    world_settle(&w, client, &got);
    world_set(&w, "a", 1, 1000);
    assert_true(streams_log_bytes(w.streams) >= 1000);
    close(client);
    world_turn(&w, 1000);
    assert_int_equal(streams_channels(w.streams), 0);
    assert_int_equal(streams_log_bytes(w.streams), 0);
    assert_int_equal(w.streams->channel_units, 0);
    buf_free(&got);
    world_finish(&w);
}

/* "k000,k001,…" */
static void put_keys(struct buf *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        buf_printf(out, "%sk%03u", i != 0 ? "," : "", i);
    }
}

static void a_long_selection_counts_as_several(void **state)
{
    (void)state;
    struct world w;
    struct buf keys = {0};
    struct stream_request request = {.kind = CHANNEL_TILES, .view = view_everything()};
    world_init_with(&w, 65536, 16, 40);
    const int one = open_tiles(&w, "a", 0);
    const int everything = open_tiles(&w, NULL, 0);
    assert_int_equal(w.streams->channel_units, 2);
    put_keys(&keys, 250);
    assert_int_equal(selection_parse(&request.selection, buf_cstr(&keys)), STATUS_OK);
    const size_t units = channel_quiet_bytes(&request.selection) / STREAMS_CHANNEL_BYTES + 1;
    assert_in_range(units, 20, 30); /* each key is in three tables */
    assert_int_equal(streams_room(w.streams, &request), STREAMS_ROOM);
    const int many = open_tiles(&w, buf_cstr(&keys), 0);
    assert_int_equal(w.streams->channel_units, 2 + units);
    assert_int_equal(streams_room(w.streams, &request), STREAMS_ROOM); /* it shares that one */
    selection_free(&request.selection);
    put_keys(&keys, 1);
    assert_int_equal(selection_parse(&request.selection, buf_cstr(&keys)), STATUS_OK);
    assert_int_equal(streams_room(w.streams, &request), STREAMS_FULL);
    selection_free(&request.selection);
    close(many);
    world_turn(&w, 1000);
    assert_int_equal(w.streams->channel_units, 2);
    buf_free(&keys);
    close(one);
    close(everything);
    world_finish(&w);
}

static void a_channel_of_one_key_takes_less_than_a_unit(void **state)
{
    (void)state;
    struct selection selection;
    assert_int_equal(selection_parse(&selection, "orders.by_customer/customer-12345"), STATUS_OK);
    assert_in_range(channel_quiet_bytes(&selection), 300, 700);
    selection_free(&selection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_all_have_is_given_back),
        cmocka_unit_test(a_log_stays_for_who_lacks_something),
        cmocka_unit_test(all_logs_together_are_bounded),
        cmocka_unit_test(a_log_goes_with_its_channel),
        cmocka_unit_test(a_long_selection_counts_as_several),
        cmocka_unit_test(a_channel_of_one_key_takes_less_than_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
