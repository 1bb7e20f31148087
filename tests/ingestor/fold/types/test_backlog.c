/* SPDX-License-Identifier: Apache-2.0 */
/* backlog by example, as docs/tiles.md says. */
#include "tests/ingestor/fold/fold_unit.h"

#define BACKLOG                                                                                    \
    "  - {key: a, type: backlog, item: target_id, states: {made: open, taken: busy, done: "        \
    "null}%s}\n"

static void test_backlog(void **state)
{
    (void)state;
    struct fold_test t;
    char tiles[256];
    snprintf(tiles, sizeof tiles, BACKLOG, "");
    fold_test_init(&t, tiles);
    assert_string_equal(data_of(&t, "a"), "{\"total\":0,\"buckets\":{\"open\":0,\"busy\":0}}");
    pass_ms(&t, 6000);
    fold_at(&t, 1, 1000, "made", "i", NULL);
    fold_at(&t, 2, 2000, "made", "k", NULL);
    fold_at(&t, 4, 4000, "taken", "i", NULL);
    fold_at(&t, 3, 3000, "made", "i", NULL); /* came late: it is taken already */
    fold_at(&t, 5, 5000, "made", NULL, NULL);
    assert_string_equal(data_of(&t, "a"),
                        "{\"total\":2,\"buckets\":{\"open\":1,\"busy\":1},\"oldest_at\":\"2026-11-"
                        "23T05:32:01.000Z\"}");
    fold_at(&t, 6, 6000, "done", "i", NULL);
    fold_at(&t, 7, 500, "taken", "k", NULL);  /* an earlier row of k: it began before */
    fold_at(&t, 8, 5500, "taken", "i", NULL); /* does not revive what is done */
    assert_string_equal(data_of(&t, "a"),
                        "{\"total\":1,\"buckets\":{\"open\":1,\"busy\":0},\"oldest_at\":\"2026-11-"
                        "23T05:32:00.500Z\"}");
    fold_test_free(&t);
}

static void test_backlog_breakdown(void **state)
{
    (void)state;
    struct fold_test t;
    char tiles[256];
    snprintf(tiles, sizeof tiles, BACKLOG, ", breakdown: payload.team");
    fold_test_init(&t, tiles);
    pass_ms(&t, 5000);
    fold_at(&t, 1, 1000, "made", "i", "{\"team\":\"x\"}");
    fold_at(&t, 2, 2000, "taken", "i", NULL); /* keeps the team */
    fold_at(&t, 3, 3000, "made", "k", "{\"team\":\"y\"}");
    fold_at(&t, 4, 4000, "made", "l", NULL);
    fold_at(&t, 5, 5000, "taken", "k", "{\"team\":\"x\"}");
    const char *json = data_of(&t, "a");
    assert_non_null(strstr(json, "\"x\":{\"busy\":2}"));
    assert_non_null(strstr(json, "\"\":{\"open\":1}"));
    assert_null(strstr(json, "\"y\""));
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_backlog_breakdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
