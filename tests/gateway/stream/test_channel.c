/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "common/base/error.h"
#include "gateway/stream/channel.h"

static struct channel *channel_of(size_t ring_max)
{
    struct selection everything;
    assert_int_equal(selection_parse(&everything, NULL), STATUS_OK);
    struct channel *channel = channel_create(CHANNEL_TILES, CODING_NONE, &everything, ring_max, 5);
    assert_non_null(channel);
    assert_null(everything.text);                    /* it was taken over */
    assert_int_equal(channel_log_bytes(channel), 0); /* no frame, no log */
    assert_true(channel_at_boundary(channel, 0));
    assert_int_equal(channel_crowded(channel, 1, SIZE_MAX), 0);
    return channel;
}

static void tells_frames_and_watermarks(void **state)
{
    (void)state;
    struct channel *channel = channel_of(4096);
    uint64_t before;
    struct frame_end end = channel_frame_at(channel, 0, &before);
    assert_int_equal(end.position, 0);
    assert_int_equal(before, 5);

    channel_append(channel, STR("12345"), 10);
    channel_append(channel, STR("678"), 12);
    end = channel_frame_at(channel, 4, &before);
    assert_int_equal(end.position, 5);
    assert_int_equal(end.watermark, 10);
    assert_int_equal(before, 5);
    end = channel_frame_at(channel, 5, &before);
    assert_int_equal(end.position, 8);
    assert_int_equal(end.watermark, 12);
    assert_int_equal(before, 10);
    end = channel_frame_at(channel, 8, &before);
    assert_int_equal(end.position, 8);
    assert_int_equal(before, 12);
    assert_true(channel_at_boundary(channel, 0));
    assert_false(channel_at_boundary(channel, 4));
    assert_true(channel_at_boundary(channel, 5));
    assert_true(channel_at_boundary(channel, 8));

    channel_drop(channel, 5);
    assert_int_equal(channel->ring.tail, 5);
    assert_int_equal(channel->watermark, 10);
    assert_true(channel_at_boundary(channel, 5));
    channel_forget(channel, 20);
    assert_int_equal(channel->ring.tail, 8);
    (void)channel_frame_at(channel, 8, &before);
    assert_int_equal(before, 20);
    channel_destroy(&channel);
    assert_null(channel);
}

static void makes_room_frame_by_frame(void **state)
{
    (void)state;
    struct channel *channel = channel_of(4096);
    const size_t size = 4096;
    char bytes[1000];
    memset(bytes, 'x', sizeof bytes);
    const struct str frame = {bytes, sizeof bytes};
    for (uint64_t watermark = 6; watermark < 206; watermark++) {
        const uint64_t until = channel_crowded(channel, frame.len, SIZE_MAX);
        assert_true(until != UINT64_MAX);
        if (until != 0) {
            assert_int_equal(until % 1000, 0); /* the end of a frame */
            assert_true(until > channel->ring.tail && until <= channel->ring.head);
            channel_drop(channel, until);
            assert_int_equal(channel->ring.tail, until);
        }
        channel_append(channel, frame, watermark);
        assert_true(channel->ring.head - channel->ring.tail <= size);
    }
    uint64_t before;
    assert_int_equal(channel_frame_at(channel, channel->ring.head - 1, &before).watermark, 205);
    assert_int_equal(before, 204);
    assert_true(channel_crowded(channel, size + 1, SIZE_MAX) == UINT64_MAX);
    channel_destroy(&channel);
}

static void grows_up_to_its_bound(void **state)
{
    (void)state;
    struct channel *channel = channel_of(1 << 20);
    assert_int_equal(channel->ring.size, 256);
    char bytes[1000];
    memset(bytes, 'x', sizeof bytes);
    uint64_t appended = 0;
    while (channel_crowded(channel, sizeof bytes, SIZE_MAX) == 0) {
        channel_append(channel, (struct str){bytes, sizeof bytes}, ++appended);
    }
    assert_int_equal(channel->ring.size, 1 << 20);
    assert_int_equal(appended, (1 << 20) / 1000);
    channel_destroy(&channel);
}

/* The positions go on, as its streams stand there. */
static void a_small_log_is_given_back_with_its_memory(void **state)
{
    (void)state;
    struct channel *channel = channel_of(1 << 20);
    for (uint64_t watermark = 6; watermark < 400; watermark++) {
        assert_int_equal(channel_crowded(channel, 100, SIZE_MAX), 0);
        const uint64_t at = channel->ring.head;
        char bytes[100];
        memset(bytes, (int)('a' + watermark % 26), sizeof bytes);
        channel_append(channel, (struct str){bytes, sizeof bytes}, watermark);
        const struct str got = ring_from(&channel->ring, at);
        assert_int_equal(got.len, sizeof bytes);
        assert_memory_equal(got.p, bytes, sizeof bytes);
        assert_in_range(channel_log_bytes(channel), 256, 512);
        channel_give_back(channel);
        assert_int_equal(channel_log_bytes(channel), 0);
        uint64_t before;
        assert_int_equal(channel_frame_at(channel, channel->ring.head, &before).position, at + 100);
        assert_int_equal(before, watermark);
        assert_true(channel_at_boundary(channel, at + 100));
    }
    channel_destroy(&channel);
}

static void a_large_log_is_given_back_when_little_of_it_was_used(void **state)
{
    (void)state;
    struct channel *channel = channel_of(1 << 20);
    char bytes[1000];
    memset(bytes, 'x', sizeof bytes);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(channel_crowded(channel, sizeof bytes, SIZE_MAX), 0);
        channel_append(channel, (struct str){bytes, sizeof bytes}, i);
    }
    const size_t size = channel->ring.size;
    assert_int_equal(size, 128 * 1024);
    channel_give_back(channel);
    assert_int_equal(channel->ring.size, size); /* the next burst finds it */
    assert_int_equal(channel->ring.tail, channel->ring.head);
    assert_int_equal(channel_crowded(channel, sizeof bytes, SIZE_MAX), 0);
    channel_append(channel, (struct str){bytes, sizeof bytes}, 100);
    channel_give_back(channel);
    assert_int_equal(channel_log_bytes(channel), 0);
    channel_destroy(&channel);
}

static void a_log_grows_by_what_is_to_spare(void **state)
{
    (void)state;
    struct channel *channel = channel_of(1 << 20);
    char bytes[200];
    memset(bytes, 'x', sizeof bytes);
    const struct str frame = {bytes, sizeof bytes};
    channel_append(channel, frame, 6);
    assert_int_equal(channel_crowded(channel, frame.len, 255), 200); /* one has to leave */
    assert_int_equal(channel->ring.size, 256);
    assert_int_equal(channel_crowded(channel, frame.len, 256), 0);
    assert_int_equal(channel->ring.size, 512);
    channel_give_back(channel);
    assert_true(channel_crowded(channel, frame.len, 255) == UINT64_MAX);
    assert_int_equal(channel_log_bytes(channel), 0);
    channel_destroy(&channel);
}

static void streams_leave_in_any_order(void **state)
{
    (void)state;
    struct channel *channel = channel_of(4096);
    uint32_t slots[20];
    for (uint32_t i = 0; i < 20; i++) {
        channel_join(channel, 100 + i, &slots[i]);
        assert_int_equal(slots[i], i);
    }
    assert_int_equal(channel_leave(channel, 3), 119); /* the last moves in */
    assert_int_equal(channel->streams[3], 119);
    assert_int_equal(channel->stream_count, 19);
    assert_int_equal(channel_leave(channel, 18), 118); /* the last itself */
    assert_int_equal(channel->stream_count, 18);
    channel_destroy(&channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_frames_and_watermarks),
        cmocka_unit_test(makes_room_frame_by_frame),
        cmocka_unit_test(grows_up_to_its_bound),
        cmocka_unit_test(a_small_log_is_given_back_with_its_memory),
        cmocka_unit_test(a_large_log_is_given_back_when_little_of_it_was_used),
        cmocka_unit_test(a_log_grows_by_what_is_to_spare),
        cmocka_unit_test(streams_leave_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
