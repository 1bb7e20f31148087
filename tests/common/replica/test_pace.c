/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/pace.h"

#include "common/base/time/clock.h"
#include "tests/unit.h"

/* A way of so many bytes a second, which takes so long there and back. Returns the length of the
 * last of so many pages. */
static size_t ask(struct pace *pace, int64_t rate, int64_t trip_ms, int pages)
{
    pace_note_ping(pace, trip_ms * US_PER_MS);
    for (int i = 0; i < pages; i++) {
        const int64_t us = (int64_t)pace->bytes * US_PER_S / rate;
        pace_note_page(pace, pace->bytes, trip_ms * US_PER_MS + us);
    }
    return pace->bytes;
}

static void test_pages_over_a_narrow_way_take_the_time_they_may(void **state)
{
    (void)state;
    static const int64_t rates[] = {2000, 8000, 125000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct pace pace;
        pace_init(&pace);
        const size_t bytes = ask(&pace, rates[i], 50, 4);
        assert_in_range(bytes, rates[i] * PACE_PAGE_MS / 1000 - 1, rates[i] * PACE_PAGE_MS / 1000);
    }
}

static void test_pages_over_a_long_way_grow_all_the_same(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace);
    assert_int_equal(ask(&pace, 100000000, 2000, 2), PACE_MAX_BYTES);
}

static void test_bounds(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace);
    assert_int_equal(ask(&pace, 10, 50, 10), PACE_MIN_BYTES);
    pace_note_page(&pace, 1 << 20, INT64_MAX); /* one large tile */
    assert_int_equal(pace.bytes, PACE_MIN_BYTES);
    pace_note_page(&pace, PACE_MIN_BYTES, 0);
    assert_int_equal(pace.bytes, 4 * PACE_MIN_BYTES); /* a step at a time */
    for (int i = 0; i < 20; i++) {
        pace_note_page(&pace, pace.bytes, 0);
    }
    assert_int_equal(pace.bytes, PACE_MAX_BYTES);
    for (int i = 0; i < 20; i++) {
        pace_note_timeout(&pace);
    }
    assert_int_equal(pace.bytes, PACE_MIN_BYTES);
}

static void test_a_short_page_says_nothing_of_a_quick_way(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace);
    pace_note_page(&pace, 100, 1000);
    assert_int_equal(pace.bytes, PACE_FIRST_BYTES);
}

static void test_one_pause_cuts_no_page_to_nothing(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace);
    pace_note_page(&pace, 100, 60 * US_PER_S);
    assert_int_equal(pace.bytes, PACE_FIRST_BYTES / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_over_a_narrow_way_take_the_time_they_may),
        cmocka_unit_test(test_pages_over_a_long_way_grow_all_the_same),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_a_short_page_says_nothing_of_a_quick_way),
        cmocka_unit_test(test_one_pause_cuts_no_page_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
