/* SPDX-License-Identifier: Apache-2.0 */
/* What rows that are gone can explain: one line a case. */
#include "ctl/verify/gone.h"

#include "tests/ctl/verify/gone_unit.h"

/* Of three rows one is left, unless it is said otherwise. */
struct explained {
    bool explained;
    const char *key;
    const char *left;
    const char *got;
    uint64_t rows; /* of the tile; 0: 3 */
};

static const struct explained explained[] = {
    {true, "ever", "{\"value\":1}", "{\"value\":3}", 0},
    {false, "ever", "{\"value\":1}", "{\"value\":2}", 0}, /* It counts not all of its rows. */
    {false, "ever", "{\"value\":1}", "{\"value\":4}", 0},
    {false, "ever", "{\"value\":1}", "{}", 0},
    {true, "window", "{\"value\":1}", "{\"value\":2}", 0},
    {true, "window", "{\"value\":1}", "{\"value\":3}", 0},
    {false, "window", "{\"value\":1}", "{\"value\":0}", 0},
    {false, "window", "{\"value\":1}", "{\"value\":4}", 0}, /* More than are gone. */
    {true, "today", "{\"value\":1}", "{\"value\":2}", 0},
    {false, "today", "{\"value\":1}", "{\"value\":4}", 0},
    {true, "sum", "{\"value\":1}", "{\"value\":-2}", 0},
    {true, "most", "{\"value\":1}", "{\"value\":2}", 0},
    {false, "most", "{\"value\":1}", "{\"value\":0}", 0},
    {false, "most", "{\"value\":1}", "{}", 0},
    {true, "ratio", "{\"value\":100,\"part\":1,\"whole\":1}",
     "{\"value\":66.666666666666671,\"part\":2,\"whole\":3}", 0},
    {true, "ratio", "{\"value\":0,\"part\":0,\"whole\":1}", "{\"value\":0,\"part\":0,\"whole\":3}",
     0},
    {false, "ratio", "{\"value\":100,\"part\":1,\"whole\":1}",
     "{\"value\":66,\"part\":2,\"whole\":3}", 0},
    {false, "ratio", "{\"value\":100,\"part\":1,\"whole\":1}",
     "{\"value\":0,\"part\":0,\"whole\":3}", 0},
    {false, "ratio", "{\"value\":100,\"part\":1,\"whole\":1}",
     "{\"value\":50,\"part\":2,\"whole\":4}", 0},
    {false, "ratio", "{\"part\":0,\"whole\":0}", "{\"value\":0,\"part\":0,\"whole\":0}", 0},
    {false, "ratio", "{\"value\":100,\"part\":1,\"whole\":1}",
     "{\"value\":100,\"part\":1,\"whole\":1}", 0},
    {true, "errors", "{\"value\":100,\"part\":1,\"whole\":1}",
     "{\"value\":100,\"part\":1,\"whole\":1}", 0},
    {true, "share", "{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":1}",
     "{\"p50\":2,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":3}", 0},
    {false, "share", "{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":1}",
     "{\"p50\":5,\"p90\":2,\"p95\":5,\"p99\":5,\"count\":3}", 0},
    {false, "share", "{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":1}", "{\"count\":3}", 0},
    {false, "share", "{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":1}",
     "{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":2}", 0},
    {false, "share", "{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":1}", "{\"count\":0}", 0},
    {true, "shares", "{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":1}",
     "{\"p50\":4,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":2}", 0},
    {true, "medians", "{\"points\":{\"1795410000000\":3}}", "{\"points\":{\"1795410000000\":2}}",
     0},
    {false, "medians", "{\"points\":{\"1795410000000\":3}}", "{\"points\":{}}", 0},
    {true, "different", DIFFERENT(1, false), DIFFERENT(3, false), 0},
    {false, "different", DIFFERENT(1, false), DIFFERENT(4, false), 0},
    {false, "different", DIFFERENT(1, false), DIFFERENT(1100, true), 0},
    {true, "busy", HOURS("\"0\":1", 1), HOURS("\"0\":2,\"23\":1", 2), 0},
    {false, "busy", HOURS("\"0\":1", 1), HOURS("\"0\":2,\"23\":2", 2), 0},
    {false, "busy", HOURS("\"0\":1", 1), HOURS("\"0\":2", 1), 0},
    {false, "busy", HOURS("\"0\":2", 2), HOURS("\"0\":1", 1), 0},
    {false, "busy", HOURS("\"0\":2", 2), "{\"cells\":{}}", 0},
    {true, "busy", "{\"cells\":{}}", HOURS("\"0\":2", 2), 0},
    {true, "highs", HOURS("\"0\":2", 2), HOURS("\"0\":5", 5), 0},
    {false, "highs", HOURS("\"0\":2", 2), HOURS("\"0\":1", 1), 0},
    {true, "top", TOP("\"a\":1", 0, 1, 1), TOP("\"a\":1,\"b\":2", 0, 2, 2), 0},
    {true, "top", TOP("\"a\":1", 0, 1, 1), TOP("\"a\":1,\"b\":1", 1, 1, 3), 0},
    {false, "top", TOP("\"a\":1", 0, 1, 1), TOP("\"a\":1,\"b\":3", 0, 3, 2), 0},
    {false, "top", TOP("\"a\":1", 0, 1, 1), TOP("\"a\":1,\"b\":1", 0, 1, 2), 0},
    {false, "top", TOP("\"a\":1", 0, 1, 1), TOP("\"b\":3", 0, 3, 1), 0},
    {false, "top", TOP("\"a\":1", 0, 1, 1), TOP("\"a\":1,\"b\":2", 0, 1, 2), 0},
    {false, "top", TOP("\"a\":1", 0, 1, 1), TOP("\"a\":3", 0, 3, 3), 0},
    {false, "top", TOP("\"a\":1", 0, 1, 1), TOP_NEAR("\"a\":1,\"b\":1", 1, 1), 0},
    {true, "top", TOP("\"a\":998,\"b\":3", 997, 998, 990), TOP_NEAR("\"a\":999,\"b\":3", 998, 999),
     2000},
    {false, "top", TOP("\"a\":998,\"b\":3", 997, 998, 990), TOP_NEAR("\"a\":999,\"b\":3", 997, 999),
     2000},
    {true, "tops", TOP("\"a\":1", 0, 1, 1), TOP("\"a\":1,\"b\":1", 0, 1, 2), 0},
    {false, "tops", TOP("\"a\":1", 0, 1, 1), TOP("\"a\":1,\"b\":3", 0, 3, 2), 0},
    {true, "sales", TOP("\"a\":5", 0, 5, 1), TOP("\"b\":7,\"a\":-1", 0, 7, 2), 0},
    {false, "sales", TOP("\"a\":5", 0, 5, 1), TOP("\"b\":7,\"a\":-1", 0, 8, 2), 0},
    {true, "pace", "{\"value\":2,\"count\":1}", "{\"value\":6,\"count\":3}", 0},
    {false, "pace", "{\"value\":2,\"count\":1}", "{\"value\":5,\"count\":3}", 0},
    {false, "pace", "{\"value\":2,\"count\":1}", "{\"value\":0,\"count\":0}", 0},
    {false, "pace", "{\"value\":2,\"count\":1}", "{\"value\":8,\"count\":4}", 0},
    {true, "grown", "{\"series\":1}", "{\"series\":2,\"increase\":60,\"value\":2}", 0},
    {false, "grown", "{\"series\":1}", "{\"series\":2,\"increase\":60,\"value\":3}", 0},
    {false, "grown", "{\"series\":1}", "{\"series\":2,\"increase\":60}", 0},
    {false, "grown", "{\"series\":1}", "{\"series\":0}", 0},
    {false, "grown", "{\"series\":1}", "{\"series\":4}", 0},
    {true, "time", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"avg\":5,\"p50\":5,\"p95\":5,\"count\":1,\"running\":1,\"oldest_at\":\"x\"}", 0},
    {true, "time", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"count\":0,\"running\":3,\"oldest_at\":\"x\"}", 0},
    {false, "time", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"avg\":5,\"p50\":5,\"p95\":5,\"count\":1,\"running\":2,\"oldest_at\":\"x\"}", 0},
    {false, "time", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"avg\":5,\"p50\":6,\"p95\":5,\"count\":1,\"running\":0}", 0},
    {false, "time", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"count\":1,\"running\":0}", 0},
    {false, "time", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"count\":0,\"running\":4,\"oldest_at\":\"x\"}", 0},
    {true, "seen", "{\"up\":1,\"late\":1,\"missing\":1}",
     "{\"up\":2,\"late\":1,\"missing\":0,\"worst\":[{}]}", 0},
    {false, "seen", "{\"up\":1,\"late\":1,\"missing\":1}", "{\"up\":9,\"late\":1}", 0},
    {false, "seen", "{\"up\":0,\"late\":0,\"missing\":1}",
     "{\"up\":0,\"late\":0,\"missing\":1,\"worst\":[{},{},{}]}", 0},
    {true, "latest", "{\"value\":1}", "{\"value\":7}", 0},
    {false, "latest", "{\"value\":1}", "{}", 0},
    {true, "gauge", "{\"value\":5,\"min\":5,\"max\":5}", "{\"value\":4,\"min\":2,\"max\":9}", 0},
    {true, "gauge", "{}", "{\"value\":4,\"min\":2,\"max\":9}", 0},
    {false, "gauge", "{\"value\":5,\"min\":5,\"max\":5}", "{\"value\":6,\"min\":6,\"max\":9}", 0},
    {false, "gauge", "{\"value\":5,\"min\":5,\"max\":5}", "{\"value\":4,\"min\":2,\"max\":4}", 0},
    {false, "gauge", "{\"value\":5,\"min\":5,\"max\":5}", "{\"value\":1,\"min\":2,\"max\":9}", 0},
    {true, "counts", "{\"points\":{\"3600000\":1}}", "{\"points\":{\"0\":1,\"3600000\":2}}", 0},
    {false, "counts", "{\"points\":{\"3600000\":1}}", "{\"points\":{\"0\":2,\"3600000\":2}}", 0},
    {false, "counts", "{\"points\":{\"3600000\":1}}", "{\"points\":{\"0\":2}}", 0},
    {false, "counts", "{\"points\":{\"3600000\":1}}", "{\"points\":{\"7\":1,\"3600000\":1}}", 0},
    {true, "sums", "{\"points\":{\"0\":1.5}}", "{\"points\":{\"0\":-7}}", 0},
    {true, "avgs", "{\"points\":{\"0\":1.5}}", "{\"points\":{\"0\":-7}}", 0},
    {true, "mins", "{\"points\":{\"0\":1.5}}", "{\"points\":{\"0\":1}}", 0},
    {false, "mins", "{\"points\":{\"0\":1.5}}", "{\"points\":{\"0\":2}}", 0},
    {true, "maxs", "{\"points\":{\"0\":1.5}}", "{\"points\":{\"0\":2}}", 0},
    {false, "maxs", "{\"points\":{\"0\":1.5}}", "{\"points\":{\"0\":1}}", 0},
    {true, "lasts", "{\"points\":{\"0\":1.5}}", "{\"points\":{\"0\":1}}", 0},
    {false, "lasts", "{\"points\":{\"0\":1.5}}", "{\"points\":{}}", 0},
    {true, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}", 0},
    {true, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}},\"2\":{\"at\":\"09:02\","
     "\"fields\":{\"f\":\"b\"}}}}",
     0},
    {true, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}},\"1\":{\"at\":\"09:01\","
     "\"fields\":{\"f\":\"a\"}}}}",
     0},
    {false, "newest", "{\"rows\":{\"1\":{\"at\":\"09:01\",\"fields\":{\"f\":\"a\"}}}}",
     "{\"rows\":{\"4\":{\"at\":\"09:04\",\"fields\":{\"f\":\"d\"}},\"3\":{\"at\":\"09:03\","
     "\"fields\":{\"f\":\"c\"}},\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     0},
    {false, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"x\"}}}}", 0},
    {false, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{}}", 0},
    {false, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}},\"1\":{\"at\":\"09:01\","
     "\"fields\":{\"f\":\"a\"}}}}",
     0},
    {true, "newest",
     "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}},\"1\":{\"at\":\"09:01\","
     "\"fields\":{\"f\":\"a\"}}}}",
     "{\"rows\":{\"4\":{\"at\":\"09:04\",\"fields\":{\"f\":\"d\"}},\"3\":{\"at\":\"09:03\","
     "\"fields\":{\"f\":\"c\"}},\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     0},
    {true, "sla", "{\"ok\":1,\"at_risk\":0,\"breached\":0}",
     "{\"ok\":1,\"at_risk\":1,\"breached\":1}", 0},
    {true, "sla", "{\"ok\":1,\"at_risk\":0,\"breached\":0}",
     "{\"ok\":0,\"at_risk\":0,\"breached\":0}", 0},
    {false, "sla", "{\"ok\":1,\"at_risk\":0,\"breached\":0}",
     "{\"ok\":4,\"at_risk\":0,\"breached\":0}", 0},
    {false, "sla", "{\"ok\":1,\"at_risk\":0,\"breached\":0,\"paused\":0}",
     "{\"ok\":1,\"at_risk\":0,\"breached\":0,\"paused\":4}", 0},
    {true, "backlog", "{\"total\":1,\"buckets\":{\"open\":1,\"busy\":0},\"oldest_at\":\"x\"}",
     "{\"total\":3,\"buckets\":{\"open\":1,\"busy\":2},\"breakdown\":{\"\":{\"open\":1,\"busy\":2}}"
     ",\"oldest_at\":"
     "\"y\"}",
     0},
    {true, "backlog", "{\"total\":1,\"buckets\":{\"open\":1,\"busy\":0},\"oldest_at\":\"x\"}",
     "{\"total\":0,\"buckets\":{\"open\":0,\"busy\":0},\"breakdown\":{}}", 0},
    {false, "backlog", "{\"total\":1,\"buckets\":{\"open\":1,\"busy\":0},\"oldest_at\":\"x\"}",
     "{\"total\":2,\"buckets\":{\"open\":1,\"busy\":0},\"oldest_at\":\"y\"}", 0},
    {false, "backlog", "{\"total\":1,\"buckets\":{\"open\":1,\"busy\":0},\"oldest_at\":\"x\"}",
     "{\"total\":4,\"buckets\":{\"open\":1,\"busy\":3},\"oldest_at\":\"y\"}", 9},
    {false, "backlog", "{\"total\":0,\"buckets\":{\"open\":0,\"busy\":0}}",
     "{\"total\":1,\"buckets\":{\"open\":1,\"busy\":0},\"breakdown\":{\"p\":{\"open\":2}},\"oldest_"
     "at\":\"y\"}",
     0},
};

static void test_what_rows_that_are_gone_explain(void **state)
{
    const struct config *config = *state;
    for (size_t i = 0; i < sizeof explained / sizeof *explained; i++) {
        const struct explained *e = &explained[i];
        const uint64_t rows = e->rows != 0 ? e->rows : 3;
        struct value left;
        struct value got;
        make_value(&left, e->left);
        make_value(&got, e->got);
        const struct gone_state gone = {.tile = config_tile(config, str_of(e->key)),
                                        .left = &left.doc.root,
                                        .got = &got.doc.root,
                                        .rows_left = e->rows != 0 ? e->rows - 2 : 1,
                                        .tally = {.known = true, .rows = rows}};
        if (gone_explains(&gone) != e->explained) {
            fail_msg("case %zu: %s: %s of %s", i, e->key, e->got, e->left);
        }
        free_value(&left);
        free_value(&got);
    }
}

static void test_any_number_of_rows_may_be_gone_when_there_is_no_tally(void **state)
{
    const struct config *config = *state;
    struct value left;
    struct value got;
    make_value(&left, "{\"value\":1}");
    make_value(&got, "{\"value\":1000}");
    struct gone_state gone = {.tile = config_tile(config, STR("ever")),
                              .left = &left.doc.root,
                              .got = &got.doc.root,
                              .rows_left = 1};
    assert_true(gone_explains(&gone));
    gone.left = &got.doc.root;
    gone.got = &left.doc.root;
    assert_false(gone_explains(&gone));
    free_value(&left);
    free_value(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_rows_that_are_gone_explain),
        cmocka_unit_test(test_any_number_of_rows_may_be_gone_when_there_is_no_tally),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
