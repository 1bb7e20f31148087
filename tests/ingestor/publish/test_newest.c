/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "ingestor/publish/newest.h"
#include "ingestor/source/batch.h"

static struct batch *batch_of(size_t events, uint64_t ordinal)
{
    struct batch *batch = batch_create(0);
    for (size_t i = 0; i < events; i++) {
        batch_event(batch)->ordinal = ordinal - events + 1 + i;
    }
    batch->ordinal = ordinal;
    batch_finish(batch, STR(""), STR(""));
    return batch;
}

static void what_is_wanted_is_kept_and_little_more(void **state)
{
    (void)state;
    struct newest newest = {0};
    uint64_t ordinal = 0;
    for (size_t i = 0; i < 1000; i++) {
        const size_t events = i * 7 % 11; /* empty ones, too */
        ordinal += events;
        newest_add(&newest, batch_of(events, ordinal), 25, SIZE_MAX);
        assert_true(newest.events >= (ordinal < 25 ? ordinal : 25));
        assert_true(newest.events < 25 + 11);
        assert_int_equal(newest.floor + newest.events, ordinal);
        assert_true(newest.batches->count == 0 ||
                    newest.batches->events[0].ordinal == newest.floor + 1);
    }
    newest_clear(&newest);
    assert_null(newest.batches);
    assert_int_equal(newest.events, 0);
    assert_int_equal(newest.floor, 0);
}

static void nothing_is_let_go_before_there_is_more_than_wanted(void **state)
{
    (void)state;
    struct newest newest = {0};
    newest_add(&newest, batch_of(4000, 4000), 1, SIZE_MAX);
    assert_int_equal(newest.floor, 0);
    newest_add(&newest, batch_of(0, 4000), 1, SIZE_MAX);
    assert_int_equal(newest.events, 4000);
    newest_add(&newest, batch_of(1, 4001), 1, SIZE_MAX);
    assert_int_equal(newest.events, 1);
    assert_int_equal(newest.floor, 4000);
    newest_clear(&newest);
}

static void batches_are_let_go_of_when_they_take_too_much(void **state)
{
    (void)state;
    struct newest newest = {0};
    for (uint64_t i = 1; i <= 20; i++) {
        struct batch *batch = batch_create(0);
        char text[10000];
        memset(text, 'x', sizeof text);
        batch_event(batch)->summary = batch_text(batch, (struct str){text, sizeof text});
        batch->ordinal = i;
        batch_finish(batch, STR(""), STR(""));
        newest_add(&newest, batch, 1000, 100000);
        assert_true(newest.bytes <= 100000);
        assert_int_equal(newest.floor + newest.events, i);
    }
    assert_true(newest.events >= 4);
    newest_add(&newest, batch_of(1, 21), 1000, 10); /* The newest one stays, whatever it takes. */
    assert_int_equal(newest.events, 1);
    newest_clear(&newest);
    assert_int_equal(newest.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted_is_kept_and_little_more),
        cmocka_unit_test(batches_are_let_go_of_when_they_take_too_much),
        cmocka_unit_test(nothing_is_let_go_before_there_is_more_than_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
