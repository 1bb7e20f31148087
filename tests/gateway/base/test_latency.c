/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/base/latency.h"

#include "tests/gateway/stream/world.h"

#define NOON INT64_C(1795500000000000)

static struct moment at(int64_t us)
{
    return (struct moment){{NOON + us}, {5000000 + us}};
}

static void each_stage_has_its_share(void **state)
{
    (void)state;
    struct latency l = {0};
    const struct latency_times times = {{NOON}, {NOON + 2000}, {NOON + 2300}};
    const struct latency_stamp stamp = latency_received(&l, LATENCY_EVENT, &times, at(3000));
    assert_int_equal(l.stages[LATENCY_EVENT][LATENCY_STAGE_SOURCE].sum_us, 2000);
    assert_int_equal(l.stages[LATENCY_EVENT][LATENCY_STAGE_INGESTOR].sum_us, 300);
    assert_int_equal(l.stages[LATENCY_EVENT][LATENCY_STAGE_TRANSPORT].sum_us, 700);
    assert_int_equal(histogram_count(&l.stages[LATENCY_EVENT][LATENCY_STAGE_GATEWAY]), 0);
    latency_written(&l, LATENCY_EVENT, &stamp, at(3050).mono);
    latency_written(&l, LATENCY_EVENT, &stamp, at(3060).mono); /* another channel */
    assert_int_equal(l.stages[LATENCY_EVENT][LATENCY_STAGE_GATEWAY].sum_us, 50 + 60);
    assert_int_equal(l.deliveries[LATENCY_EVENT][LATENCY_SINCE_SOURCE].sum_us, 3050 + 3060);
    assert_int_equal(l.deliveries[LATENCY_EVENT][LATENCY_SINCE_ARRIVAL].sum_us, 1050 + 1060);
    assert_int_equal(histogram_count(&l.stages[LATENCY_TILE][LATENCY_STAGE_SOURCE]), 0);
}

static void what_is_unknown_is_not_measured(void **state)
{
    (void)state;
    struct latency l = {0};
    const struct latency_times times = {.arrival = {NOON}, .published = {NOON + 10}};
    const struct latency_stamp stamp = latency_received(&l, LATENCY_TILE, &times, at(20));
    const struct latency_stamp none = {0};
    latency_written(&l, LATENCY_TILE, &stamp, at(25).mono);
    latency_written(&l, LATENCY_TILE, &none, at(30).mono);
    assert_int_equal(histogram_count(&l.stages[LATENCY_TILE][LATENCY_STAGE_SOURCE]), 0);
    assert_int_equal(histogram_count(&l.deliveries[LATENCY_TILE][LATENCY_SINCE_SOURCE]), 0);
    assert_int_equal(histogram_count(&l.stages[LATENCY_TILE][LATENCY_STAGE_GATEWAY]), 1);
    assert_int_equal(l.deliveries[LATENCY_TILE][LATENCY_SINCE_ARRIVAL].sum_us, 25);
}

/* A clock that is ahead; a row that was imported with its old timestamp; the ends of time. */
static void absurd_times_are_clamped_and_counted(void **state)
{
    (void)state;
    struct latency l = {0};
    const int64_t year = INT64_C(365) * 86400 * US_PER_S;
    const struct latency_times ahead = {{NOON + 500}, {NOON}, {NOON + 100}};
    const struct latency_times old = {{NOON - year}, {NOON}, {NOON + 100}};
    const struct latency_times wild = {{WIRE_TIME_MAX_US}, {-WIRE_TIME_MAX_US}, {NOON}};
    struct latency_stamp stamp = latency_received(&l, LATENCY_EVENT, &ahead, at(50));
    assert_int_equal(l.negative[LATENCY_EVENT][LATENCY_STAGE_SOURCE], 1);
    assert_int_equal(l.negative[LATENCY_EVENT][LATENCY_STAGE_INGESTOR], 0);
    assert_int_equal(l.negative[LATENCY_EVENT][LATENCY_STAGE_TRANSPORT], 1);
    assert_int_equal(l.stages[LATENCY_EVENT][LATENCY_STAGE_SOURCE].sum_us, 0);
    assert_int_equal(stamp.age_us[LATENCY_SINCE_SOURCE], 0);
    stamp = latency_received(&l, LATENCY_EVENT, &old, at(200));
    latency_written(&l, LATENCY_EVENT, &stamp, at(300).mono);
    assert_int_equal(l.over_hour[LATENCY_EVENT][LATENCY_STAGE_SOURCE], 1);
    assert_int_equal(l.stages[LATENCY_EVENT][LATENCY_STAGE_SOURCE].sum_us, LATENCY_MAX_US);
    assert_int_equal(l.deliveries[LATENCY_EVENT][LATENCY_SINCE_SOURCE].sum_us, LATENCY_MAX_US);
    assert_int_equal(l.deliveries[LATENCY_EVENT][LATENCY_SINCE_ARRIVAL].sum_us, 300);
    (void)latency_received(&l, LATENCY_EVENT, &wild, at(0));
    assert_int_equal(l.negative[LATENCY_EVENT][LATENCY_STAGE_SOURCE], 2);
    assert_int_equal(l.over_hour[LATENCY_EVENT][LATENCY_STAGE_INGESTOR], 1);
    struct buf out = {0};
    latency_put(&l, &out);
    assert_int_equal(
        occurrences(&out, "clamped_total{kind=\"event\",stage=\"source\",why=\"negative\"} 2\n"),
        1);
    assert_int_equal(
        occurrences(&out, "clamped_total{kind=\"event\",stage=\"source\",why=\"over_hour\"} 1\n"),
        1);
    buf_free(&out);
}

/* ---- What the stream engine enters ---- */

static void set_with_times(struct world *w, int64_t value, int64_t arrival)
{
    struct buf text = {0};
    struct wire_tile delta = {.key = STR("a"),
                              .keyframe = true,
                              .arrival = {arrival},
                              .source = {arrival - (arrival != 0) * 400}};
    world_value(&text, value, 1);
    assert_int_equal(world_apply(w, &delta, buf_str(&text)), STATUS_OK);
    buf_free(&text);
}

static uint64_t count_of(const struct latency *l, enum latency_kind kind, enum latency_stage stage)
{
    return histogram_count(&l->stages[kind][stage]);
}

static void news_are_measured_when_they_are_written(void **state)
{
    (void)state;
    struct world w;
    struct latency l = {0};
    struct buf got = {0};
    world_init(&w, 65536, 16);
    streams_measure(w.streams, &l);
    const int64_t arrival = clock_wall().us;
    set_with_times(&w, 1, arrival); /* nobody looks */
    assert_int_equal(count_of(&l, LATENCY_TILE, LATENCY_STAGE_SOURCE), 1);
    assert_int_equal(l.stages[LATENCY_TILE][LATENCY_STAGE_SOURCE].sum_us, 400);
    struct stream_request request = {.kind = CHANNEL_TILES};
    const int one = world_open(&w, &request, NULL, 0);
    const int two = world_open(&w, &request, NULL, 0);
    world_settle(&w, one, &got);
    world_settle(&w, two, &got);
    assert_int_equal(count_of(&l, LATENCY_TILE, LATENCY_STAGE_GATEWAY),
                     0); /* first values are no news */

    set_with_times(&w, 2, arrival + 1);
    assert_int_equal(count_of(&l, LATENCY_TILE, LATENCY_STAGE_GATEWAY), 0); /* not written yet */
    world_settle(&w, one, &got);
    assert_int_equal(count_of(&l, LATENCY_TILE, LATENCY_STAGE_GATEWAY),
                     1); /* once, not once a stream */
    assert_int_equal(histogram_count(&l.deliveries[LATENCY_TILE][LATENCY_SINCE_SOURCE]), 1);

    set_with_times(&w, 3, 0); /* time alone changed it */
    set_with_times(&w, 4, arrival + 1);
    feed_heartbeat(w.streams, clock_wall(), clock_wall(), "0");
    world_settle(&w, one, &got);
    assert_int_equal(count_of(&l, LATENCY_TILE, LATENCY_STAGE_SOURCE), 2);
    assert_int_equal(count_of(&l, LATENCY_TILE, LATENCY_STAGE_GATEWAY), 1);
    buf_free(&got);
    close(one);
    close(two);
    world_finish(&w);
}

/* Overload is when it matters: what the log lost before all had it counts, too. */
static void what_leaves_the_log_unsent_is_measured(void **state)
{
    (void)state;
    struct world w;
    struct latency l = {0};
    struct buf got = {0};
    world_init(&w, 4096, 16);
    streams_measure(w.streams, &l);
    struct stream_request request = {.kind = CHANNEL_TILES};
    const int client = world_open(&w, &request, NULL, 0);
    world_settle(&w, client, &got);
    const int64_t arrival = clock_wall().us;
    for (int i = 1; i <= 100; i++) {
        set_with_times(&w, i, arrival + i);
    }
    assert_true(count_of(&l, LATENCY_TILE, LATENCY_STAGE_GATEWAY) > 0);
    assert_true(streams_counters(w.streams)->conflated > 0);
    world_settle(&w, client, &got);
    assert_int_equal(count_of(&l, LATENCY_TILE, LATENCY_STAGE_GATEWAY), 100);
    buf_free(&got);
    close(client);
    world_finish(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_stage_has_its_share),
        cmocka_unit_test(what_is_unknown_is_not_measured),
        cmocka_unit_test(absurd_times_are_clamped_and_counted),
        cmocka_unit_test(news_are_measured_when_they_are_written),
        cmocka_unit_test(what_leaves_the_log_unsent_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
