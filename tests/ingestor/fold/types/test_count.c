/* SPDX-License-Identifier: Apache-2.0 */
/* count by example, as docs/tiles.md says. */
#include "tests/ingestor/fold/fold_unit.h"

static void test_count_ever(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(
        &t, "  - {key: a, type: count, match: {event_type: \"order.*\", payload.n: [1, x]}}\n");
    assert_string_equal(data_of(&t, "a"), "{\"value\":0}");
    fold_now(&t, "order.created", NULL, "{\"n\":1}");
    fold_now(&t, "order.shipped", NULL, "{\"n\":\"x\"}");
    fold_now(&t, "order.created", NULL, "{\"n\":2}");
    fold_now(&t, "order.created", NULL, "not json");
    fold_now(&t, "orders", NULL, "{\"n\":1}");
    assert_string_equal(data_of(&t, "a"), "{\"value\":2}");
    assert_int_equal(fold_counters(t.fold)->bad_payloads, 1);
    fold_test_free(&t);
}

/* 30 s make 300 slots of 100 ms. */
static void test_count_in_a_window(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count, window: 30s}\n");
    fold_at(&t, 1, 0, "x", NULL, NULL);
    fold_at(&t, 2, 50, "x", NULL, NULL);     /* not yet, though in the slot of now */
    fold_at(&t, 3, -29900, "x", NULL, NULL); /* in the oldest slot that still counts */
    fold_at(&t, 4, -29901, "x", NULL, NULL); /* one too old */
    fold_at(&t, 5, 250, "x", NULL, NULL);    /* not yet */
    assert_string_equal(data_of(&t, "a"), "{\"value\":2,\"window_ms\":30000}");
    assert_int_equal(fold_wait_us(t.fold, t.now), 50 * US_PER_MS);
    pass_ms(&t, 50);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    assert_int_equal(fold_wait_us(t.fold, t.now), 50 * US_PER_MS);
    pass_ms(&t, 50);
    assert_string_equal(data_of(&t, "a"), "{\"value\":2,\"window_ms\":30000}");
    pass_ms(&t, 149);
    assert_string_equal(data_of(&t, "a"), "{\"value\":2,\"window_ms\":30000}");
    pass_ms(&t, 1);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    pass_ms(&t, 29650);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    pass_ms(&t, 100);
    assert_string_equal(data_of(&t, "a"), "{\"value\":1,\"window_ms\":30000}");
    pass_ms(&t, 200);
    assert_string_equal(data_of(&t, "a"), "{\"value\":0,\"window_ms\":30000}");
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_ever),
        cmocka_unit_test(test_count_in_a_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
