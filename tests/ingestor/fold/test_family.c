/* SPDX-License-Identifier: Apache-2.0 */
/* A definition with group_by: members come, idle, and give way to others. */
#include "tests/ingestor/fold/fold_unit.h"

static void test_families(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t,
                   "  - {key: a, type: count, group_by: payload.r, idle: 10s, max_groups: 2}\n");
    flush(&t);
    assert_int_equal(t.outputs, 0);
    fold_now(&t, "x", NULL, "{\"r\":\"eu west/1\"}");
    fold_now(&t, "x", NULL, "{\"r\":7}");
    fold_now(&t, "x", NULL, "{}");
    fold_now(&t, "x", NULL, "{\"r\":\"one too many\"}");
    assert_int_equal(fold_counters(t.fold)->groups_refused, 1);
    assert_string_equal(data_of(&t, "a/eu%20west%2F1"), "{\"value\":1}");
    assert_string_equal(data_of(&t, "a/7"), "{\"value\":1}");
    pass_ms(&t, 5000);
    fold_now(&t, "x", NULL, "{\"r\":7}");
    pass_ms(&t, 5000);
    flush(&t);
    assert_int_equal(t.removed, 1); /* idle */
    fold_now(&t, "x", NULL, "{\"r\":\"eu west/1\"}");
    assert_string_equal(data_of(&t, "a/eu%20west%2F1"),
                        "{\"value\":2}"); /* nothing was forgotten */
    pass_ms(&t, 60000);
    flush(&t);
    fold_now(&t, "x", NULL, "{\"r\":\"new\"}"); /* an idle one gives way */
    assert_string_equal(data_of(&t, "a/new"), "{\"value\":1}");
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
