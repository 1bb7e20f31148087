/* SPDX-License-Identifier: Apache-2.0 */
/* Rows from the future that are too many to wait are read again, and each counts once. */
#include "ingestor/fold/fold_put_off.h"

#include "ingestor/fold/fold_build.h"
#include "ingestor/fold/waiting.h"
#include "tests/ingestor/fold/fold_saved.h"

#define MORE 100 /* rows than may wait */
#define ALL (WAITING_ROWS_MAX + MORE)
#define AHEAD_MS 100000

static const char one[] = "  - {key: a, type: count, match: {event_type: a}}\n";
static const char both[] = "  - {key: a, type: count, match: {event_type: a}}\n"
                           "  - {key: b, type: count}\n";

/* The i-th row: rows come in another order than that of their timestamps. */
static struct event row(int i)
{
    return (struct event){.id = {.number = i + 1},
                          .ordinal = (uint64_t)i + 1,
                          .timestamp = {START_US + (AHEAD_MS + (i * 7919) % ALL) * US_PER_MS},
                          .event_type = STR("a")};
}

static void deliver(struct fold_test *t)
{
    for (int i = 0; i < ALL; i++) {
        const struct event event = row(i);
        fold_event(t->fold, &event, t->now);
    }
}

static void read_again(struct fold_test *t, int first, int last)
{
    for (int i = first; i < last; i++) {
        const struct event event = row(i);
        fold_put_off_event(t->fold, &event, t->now);
    }
}

static bool begin(struct fold_test *t)
{
    return fold_put_off_begin(t->fold, STR("end"), t->now);
}

static uint64_t end(struct fold_test *t)
{
    uint64_t sources;
    return fold_put_off_end(t->fold, &sources, t->now);
}

static void test_each_counts_once(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, one);
    deliver(&t);
    assert_int_equal(fold_waiting(t.fold), WAITING_ROWS_MAX);
    assert_int_equal(fold_counters(t.fold)->future_dropped, MORE);
    assert_false(fold_put_off_due(t.fold, t.now.wall));
    assert_int_equal(fold_put_off_wait_us(t.fold, t.now.wall),
                     (AHEAD_MS + WAITING_ROWS_MAX) * US_PER_MS);
    pass_ms(&t, AHEAD_MS + WAITING_ROWS_MAX - 1);
    assert_string_equal(data_of(&t, "a"), "{\"value\":65536}");
    assert_false(begin(&t));
    pass_ms(&t, 1);
    assert_int_equal(fold_put_off_wait_us(t.fold, t.now.wall), INT64_MAX);
    assert_true(begin(&t));
    assert_non_null(fold_put_off_reading(t.fold));
    read_again(&t, 0, ALL);
    assert_int_equal(end(&t), 0);
    assert_string_equal(data_of(&t, "a"), "{\"value\":65537}"); /* one is due, the others wait */
    assert_int_equal(fold_waiting(t.fold), MORE - 1);
    pass_ms(&t, MORE);
    assert_string_equal(data_of(&t, "a"), "{\"value\":65636}");
    assert_false(fold_put_off_due(t.fold, t.now.wall));
    fold_test_free(&t);
}

/* It is read again with the others, for until then nobody could tell that it was counted. */
static void test_a_row_that_comes_between_is_put_off_too(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, one);
    deliver(&t);
    t.now.wall.us += (AHEAD_MS + ALL) * US_PER_MS;
    const struct event late = {
        .id = {.number = ALL + 1}, .timestamp = {t.now.wall.us}, .event_type = STR("a")};
    fold_event(t.fold, &late, t.now);
    pass_ms(&t, 0);
    assert_string_equal(data_of(&t, "a"), "{\"value\":65536}");
    assert_true(begin(&t));
    fold_event(t.fold, &late, t.now); /* another one, which comes meanwhile */
    fold_put_off_event(t.fold, &late, t.now);
    read_again(&t, 0, ALL);
    assert_int_equal(end(&t), 0);
    assert_string_equal(data_of(&t, "a"), "{\"value\":65638}");
    fold_test_free(&t);
}

static void test_rows_that_are_gone_are_missed(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, one);
    deliver(&t);
    pass_ms(&t, AHEAD_MS + ALL);
    assert_true(begin(&t));
    assert_int_equal(end(&t), MORE);
    assert_string_equal(data_of(&t, "a"), "{\"value\":65536}");
    fold_test_free(&t);
}

static void test_what_is_put_off_survives_a_checkpoint(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test restored;
    struct state_changes saved = {0};
    fold_test_init(&t, one);
    fold_test_init(&restored, one);
    deliver(&t);
    (void)save_into(&t, &saved);
    (void)load_from(&restored, &saved);
    pass_ms(&restored, AHEAD_MS + ALL);
    assert_string_equal(data_of(&restored, "a"), "{\"value\":65536}");
    assert_true(begin(&restored));
    read_again(&restored, 0, ALL);
    assert_int_equal(end(&restored), 0);
    assert_string_equal(data_of(&restored, "a"), "{\"value\":65636}");
    (void)save_into(&restored, &saved);
    fold_test_free(&t);
    fold_test_init(&t, one);
    t.now = restored.now;
    (void)load_from(&t, &saved);
    assert_false(fold_put_off_due(t.fold, t.now.wall)); /* that is over, and saved, too */
    assert_string_equal(data_of(&t, "a"), "{\"value\":65636}");
    state_changes_free(&saved);
    fold_test_free(&t);
    fold_test_free(&restored);
}

/* Halfway through the fold is saved, with how far it is. */
static void test_another_life_goes_on_with_the_reading(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test restored;
    struct state_changes saved = {0};
    fold_test_init(&t, one);
    fold_test_init(&restored, one);
    deliver(&t);
    pass_ms(&t, AHEAD_MS + ALL);
    assert_true(begin(&t));
    (void)save_into(&t, &saved);
    read_again(&t, 0, ALL / 2);
    fold_put_off_progress(t.fold, STR("half"), 0.5, t.now);
    (void)save_into(&t, &saved);
    restored.now = t.now;
    (void)load_from(&restored, &saved);
    const struct put_off *reading = fold_put_off_reading(restored.fold);
    assert_non_null(reading);
    assert_true(str_is(buf_str(&reading->to), "end"));
    assert_true(str_is(buf_str(&reading->done), "half"));
    const uint64_t missing = fold_put_off_rows(restored.fold);
    assert_in_range(missing, 1, MORE - 1);
    assert_false(fold_put_off_due(restored.fold, restored.now.wall));
    read_again(&restored, ALL / 2, ALL);
    assert_int_equal(end(&restored), 0);
    assert_string_equal(data_of(&restored, "a"), "{\"value\":65636}");
    (void)save_into(&restored, &saved);
    fold_test_free(&t);
    fold_test_init(&t, one);
    (void)load_from(&t, &saved);
    assert_null(fold_put_off_reading(t.fold));
    state_changes_free(&saved);
    fold_test_free(&t);
    fold_test_free(&restored);
}

/* It reads the rows that are put off itself, as far as their time has come. */
static void test_a_tile_that_is_built_meanwhile(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test with_b;
    struct state_changes saved = {0};
    struct str from;
    fold_test_init(&t, one);
    fold_test_init(&with_b, both);
    deliver(&t);
    (void)save_into(&t, &saved);
    (void)load_from(&with_b, &saved);
    assert_true(fold_build_next(with_b.fold, with_b.now, &from));
    for (int i = 0; i < ALL; i++) {
        const struct event event = row(i);
        with_b.now.wall.us = START_US + (i < ALL / 2 ? 0 : (AHEAD_MS + ALL) * US_PER_MS);
        fold_build_event(with_b.fold, &event, with_b.now);
    }
    fold_build_end(with_b.fold, 0, with_b.now);
    pass_ms(&with_b, 0);
    assert_non_null(strstr(data_of(&with_b, "b"), "\"value\":65536"));
    assert_true(begin(&with_b));
    read_again(&with_b, 0, ALL);
    assert_int_equal(end(&with_b), 0);
    assert_non_null(strstr(data_of(&with_b, "a"), "\"value\":65636"));
    assert_non_null(strstr(data_of(&with_b, "b"), "\"value\":65636"));
    state_changes_free(&saved);
    fold_test_free(&t);
    fold_test_free(&with_b);
}

/* Rows of moments that tiles have come to already could not be told from those in them. */
static void test_a_clock_that_was_set_back_puts_nothing_off(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, one);
    pass_ms(&t, AHEAD_MS + ALL);
    t.now.wall.us = START_US;
    deliver(&t);
    assert_int_equal(fold_counters(t.fold)->future_dropped, 0);
    assert_int_equal(fold_waiting(t.fold), WAITING_ROWS_MAX);
    assert_string_equal(data_of(&t, "a"), "{\"value\":100}");
    pass_ms(&t, AHEAD_MS + ALL);
    assert_string_equal(data_of(&t, "a"), "{\"value\":65636}");
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_counts_once),
        cmocka_unit_test(test_a_row_that_comes_between_is_put_off_too),
        cmocka_unit_test(test_rows_that_are_gone_are_missed),
        cmocka_unit_test(test_what_is_put_off_survives_a_checkpoint),
        cmocka_unit_test(test_another_life_goes_on_with_the_reading),
        cmocka_unit_test(test_a_tile_that_is_built_meanwhile),
        cmocka_unit_test(test_a_clock_that_was_set_back_puts_nothing_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
