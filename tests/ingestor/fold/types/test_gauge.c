/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles that a metric feeds: gauge, and count with a metric. */
#include "tests/ingestor/fold/fold_unit.h"

static void test_a_metric(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: c, type: count, metric: q}\n"
                       "  - {key: g, type: gauge, metric: q, unit: jobs}\n"
                       "  - {key: l, type: gauge, metric: q, labels: {host: \"db-*\"}}\n");
    assert_string_equal(data_of(&t, "c"), "{}");
    assert_string_equal(data_of(&t, "g"), "{\"unit\":\"jobs\"}");
    pass_ms(&t, 40);
    fold_at(&t, 1, 10, "metrics.updated", NULL, "{\"metric\":\"q\",\"value\":7.5}");
    fold_at(&t, 2, 30, "metrics.updated", NULL,
            "{\"metric\":\"q\",\"value\":3,\"labels\":{\"host\":\"db-1\"}}");
    fold_at(&t, 3, 20, "metrics.updated", NULL,
            "{\"metric\":\"q\",\"value\":99}"); /* an older one */
    fold_at(&t, 4, 40, "metrics.updated", NULL, "{\"metric\":\"other\",\"value\":1}");
    fold_at(&t, 5, 40, "metrics.updated", NULL, "{\"metric\":\"q\",\"value\":\"many\"}");
    assert_string_equal(data_of(&t, "c"), "{\"value\":3}");
    assert_string_equal(data_of(&t, "g"), "{\"value\":3,\"min\":3,\"max\":99,\"unit\":\"jobs\"}");
    assert_string_equal(data_of(&t, "l"), "{\"value\":3,\"min\":3,\"max\":3}");
    assert_true(fold_counters(t.fold)->bad_fields >= 1);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
