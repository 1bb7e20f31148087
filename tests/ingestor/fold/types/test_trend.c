/* SPDX-License-Identifier: Apache-2.0 */
/* trend by example, as docs/tiles.md says. */
#include "tests/ingestor/fold/fold_unit.h"

static void trend_with(const char *aggregate, const char *expected)
{
    struct fold_test t;
    char tiles[256];
    snprintf(tiles, sizeof tiles,
             "  - {key: a, type: trend, match: {event_type: x}, step: 10s, length: 3, aggregate: "
             "%s%s}\n",
             aggregate, strcmp(aggregate, "count") != 0 ? ", value: payload.v" : "");
    fold_test_init(&t, tiles);
    pass_ms(&t, 9999);
    fold_at(&t, 1, 5000, "x", NULL, "{\"v\":2}");
    fold_at(&t, 3, 9999, "x", NULL, "{\"v\":\"5\"}");
    fold_at(&t, 2, 9999, "x", NULL, "{\"v\":4}"); /* the same moment, an earlier id */
    fold_at(&t, 4, -20000, "x", NULL, "{\"v\":1.5}");
    fold_at(&t, 5, -20001, "x", NULL, "{\"v\":1000}"); /* too old */
    fold_at(&t, 6, 10000, "x", NULL, "{\"v\":1000}");  /* of the next bucket */
    assert_string_equal(data_of(&t, "a"), expected);
    fold_test_free(&t);
}

static void test_trend(void **state)
{
    (void)state;
    trend_with("count", "{\"step_ms\":10000,\"aggregate\":\"count\",\"points\":{"
                        "\"1795411900000\":1,\"1795411920000\":3}}");
    trend_with("sum", "{\"step_ms\":10000,\"aggregate\":\"sum\",\"points\":{"
                      "\"1795411900000\":1.5,\"1795411920000\":11}}");
    trend_with("min", "{\"step_ms\":10000,\"aggregate\":\"min\",\"points\":{"
                      "\"1795411900000\":1.5,\"1795411920000\":2}}");
    trend_with("max", "{\"step_ms\":10000,\"aggregate\":\"max\",\"points\":{"
                      "\"1795411900000\":1.5,\"1795411920000\":5}}");
    trend_with("last", "{\"step_ms\":10000,\"aggregate\":\"last\",\"points\":{"
                       "\"1795411900000\":1.5,\"1795411920000\":5}}");
    trend_with("avg", "{\"step_ms\":10000,\"aggregate\":\"avg\",\"points\":{"
                      "\"1795411900000\":1.5,\"1795411920000\":3.6666666666666665}}");
}

static void test_a_trend_slides(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: trend, step: 10s, length: 2, aggregate: count}\n");
    fold_at(&t, 1, 0, "x", NULL, NULL);
    fold_at(&t, 2, 10000, "x", NULL, NULL);
    pass_ms(&t, 10000);
    assert_string_equal(data_of(&t, "a"), "{\"step_ms\":10000,\"aggregate\":\"count\",\"points\":{"
                                          "\"1795411920000\":1,\"1795411930000\":1}}");
    pass_ms(&t, 10000);
    assert_string_equal(data_of(&t, "a"), "{\"step_ms\":10000,\"aggregate\":\"count\",\"points\":{"
                                          "\"1795411930000\":1}}");
    pass_ms(&t, 3600 * 1000);
    assert_string_equal(data_of(&t, "a"),
                        "{\"step_ms\":10000,\"aggregate\":\"count\",\"points\":{}}");
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trend),
        cmocka_unit_test(test_a_trend_slides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
