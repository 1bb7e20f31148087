/* SPDX-License-Identifier: Apache-2.0 */
/* What rows that came must make: one line a case. */
#include "ctl/verify/gone_change.h"

#include "tests/ctl/verify/gone_unit.h"

/* One row came, before or after the first look's moment. */
struct followed {
    bool right;
    bool earlier; /* the row is earlier than that moment */
    const char *key;
    const char *before;
    const char *came;
    const char *after;
};

static const struct followed followed[] = {
    {true, false, "ever", "{\"value\":7}", "{\"value\":1}", "{\"value\":8}"},
    {false, false, "ever", "{\"value\":7}", "{\"value\":1}", "{\"value\":7}"},
    {false, false, "ever", "{\"value\":7}", "{\"value\":1}", "{\"value\":9}"},
    {true, false, "window", "{\"value\":7}", "{\"value\":1}", "{\"value\":1}"},
    {true, false, "window", "{\"value\":7}", "{\"value\":1}", "{\"value\":8}"},
    {false, false, "window", "{\"value\":7}", "{\"value\":1}", "{\"value\":0}"},
    {false, false, "window", "{\"value\":7}", "{\"value\":1}", "{\"value\":9}"},
    {true, false, "today", "{\"value\":7}", "{\"value\":1}", "{\"value\":1}"},
    {true, false, "sum", "{\"value\":7}", "{\"value\":-1}", "{\"value\":6}"},
    {false, false, "sum", "{\"value\":7}", "{\"value\":-1}", "{\"value\":7}"},
    {true, false, "most", "{\"value\":7}", "{\"value\":1}", "{\"value\":1}"},
    {true, false, "most", "{\"value\":7}", "{\"value\":9}", "{\"value\":9}"},
    {false, false, "most", "{\"value\":7}", "{\"value\":9}", "{\"value\":8}"},
    {false, false, "most", "{\"value\":7}", "{\"value\":1}", "{\"value\":8}"},
    {false, false, "most", "{}", "{\"value\":1}", "{}"},
    {true, false, "ratio", "{\"value\":50,\"part\":1,\"whole\":2}",
     "{\"value\":100,\"part\":1,\"whole\":1}",
     "{\"value\":66.666666666666671,\"part\":2,\"whole\":3}"},
    {false, false, "ratio", "{\"value\":50,\"part\":1,\"whole\":2}",
     "{\"value\":100,\"part\":1,\"whole\":1}", "{\"value\":50,\"part\":1,\"whole\":2}"},
    {false, false, "ratio", "{\"value\":50,\"part\":1,\"whole\":2}",
     "{\"value\":100,\"part\":1,\"whole\":1}", "{\"value\":66,\"part\":2,\"whole\":3}"},
    {true, false, "errors", "{\"value\":50,\"part\":1,\"whole\":2}",
     "{\"value\":100,\"part\":1,\"whole\":1}", "{\"value\":100,\"part\":1,\"whole\":1}"},
    {false, false, "errors", "{\"value\":50,\"part\":1,\"whole\":2}", "{\"part\":0,\"whole\":0}",
     "{\"value\":0,\"part\":0,\"whole\":0}"},
    {true, false, "errors", "{\"value\":50,\"part\":1,\"whole\":2}", "{\"part\":0,\"whole\":0}",
     "{\"part\":0,\"whole\":0}"},
    {true, false, "share", "{\"p50\":2,\"p90\":5,\"p95\":6,\"p99\":7,\"count\":3}",
     "{\"p50\":4,\"p90\":4,\"p95\":4,\"p99\":4,\"count\":1}",
     "{\"p50\":3,\"p90\":4,\"p95\":5,\"p99\":6,\"count\":4}"},
    {false, false, "share", "{\"p50\":2,\"p90\":5,\"p95\":6,\"p99\":7,\"count\":3}",
     "{\"p50\":4,\"p90\":4,\"p95\":4,\"p99\":4,\"count\":1}",
     "{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":6,\"count\":4}"},
    {false, false, "share", "{\"p50\":2,\"p90\":5,\"p95\":6,\"p99\":7,\"count\":3}",
     "{\"p50\":4,\"p90\":4,\"p95\":4,\"p99\":4,\"count\":1}",
     "{\"p50\":3,\"p90\":4,\"p95\":5,\"p99\":6,\"count\":3}"},
    {true, false, "share", "{\"count\":0}", "{\"p50\":4,\"p90\":4,\"p95\":4,\"p99\":4,\"count\":1}",
     "{\"p50\":4,\"p90\":4,\"p95\":4,\"p99\":4,\"count\":1}"},
    {false, false, "share", "{\"count\":0}",
     "{\"p50\":4,\"p90\":4,\"p95\":4,\"p99\":4,\"count\":1}",
     "{\"p50\":5,\"p90\":5,\"p95\":5,\"p99\":5,\"count\":1}"},
    {true, false, "shares", "{\"p50\":2,\"p90\":5,\"p95\":6,\"p99\":7,\"count\":3}",
     "{\"p50\":4,\"p90\":4,\"p95\":4,\"p99\":4,\"count\":1}",
     "{\"p50\":4,\"p90\":4,\"p95\":4,\"p99\":4,\"count\":1}"},
    {false, false, "shares", "{\"p50\":2,\"p90\":5,\"p95\":6,\"p99\":7,\"count\":3}",
     "{\"p50\":4,\"p90\":4,\"p95\":4,\"p99\":4,\"count\":1}", "{\"count\":0}"},
    {true, false, "busy", HOURS("\"0\":1", 1), HOURS("\"0\":2,\"1\":1", 2),
     HOURS("\"0\":3,\"1\":1", 3)},
    {false, false, "busy", HOURS("\"0\":1", 1), HOURS("\"0\":2", 2), HOURS("\"0\":2", 2)},
    {false, false, "busy", HOURS("\"0\":1", 1), HOURS("\"0\":2", 2), HOURS("\"0\":3", 2)},
    {true, false, "hours", HOURS("\"0\":1", 1), HOURS("\"0\":2", 2), HOURS("\"0\":2", 2)},
    {false, false, "hours", HOURS("\"0\":1", 1), HOURS("\"0\":2", 2), HOURS("\"0\":1", 1)},
    {true, false, "highs", HOURS("\"0\":9", 9), HOURS("\"0\":2", 2), HOURS("\"0\":2", 2)},
    {false, false, "highs", HOURS("\"0\":9", 9), HOURS("\"0\":2", 2), HOURS("\"0\":1", 1)},
    {true, false, "different", DIFFERENT(2, false), DIFFERENT(1, false), DIFFERENT(3, false)},
    {false, false, "different", DIFFERENT(2, false), DIFFERENT(1, false), DIFFERENT(4, false)},
    {false, false, "different", DIFFERENT(2, false), DIFFERENT(1, false), DIFFERENT(1, false)},
    {false, false, "different", DIFFERENT(1100, true), DIFFERENT(1, false), DIFFERENT(900, false)},
    {true, false, "people", DIFFERENT(1100, true), DIFFERENT(1, false), DIFFERENT(900, false)},
    {true, false, "different", DIFFERENT(1024, false), DIFFERENT(1, false), DIFFERENT(1030, true)},
    {true, false, "top", TOP("\"a\":2,\"b\":1", 0, 2, 2), TOP("\"b\":2", 0, 2, 1),
     TOP("\"b\":3,\"a\":2", 0, 3, 2)},
    {false, false, "top", TOP("\"a\":2,\"b\":1", 0, 2, 2), TOP("\"b\":2", 0, 2, 1),
     TOP("\"a\":3,\"b\":2", 0, 3, 2)},
    {false, false, "top", TOP("\"a\":2,\"b\":1", 0, 2, 2), TOP("\"b\":2", 0, 2, 1),
     TOP("\"b\":3,\"a\":1", 0, 3, 2)},
    {true, false, "top", TOP("\"a\":9,\"b\":5", 5, 9, 4), TOP("\"c\":3", 0, 3, 1),
     TOP("\"a\":9,\"c\":8", 5, 9, 4)},
    {false, false, "top", TOP("\"a\":9,\"b\":5", 5, 9, 4), TOP("\"c\":3", 0, 3, 1),
     TOP("\"a\":9,\"c\":9", 4, 9, 4)},
    {true, false, "tops", TOP("\"a\":9,\"b\":5", 5, 9, 4), TOP("\"c\":3", 0, 3, 1),
     TOP("\"c\":3", 0, 3, 1)},
    {false, false, "tops", TOP("\"a\":9,\"b\":5", 5, 9, 4), TOP("\"c\":3", 0, 3, 1),
     TOP("\"c\":2", 0, 2, 1)},
    {true, false, "sales", TOP("\"a\":9,\"b\":-5", 0, 9, 2), TOP("\"b\":1", 0, 1, 1),
     TOP("\"a\":9,\"b\":-4", 0, 9, 2)},
    {false, false, "sales", TOP("\"a\":9,\"b\":-5", 0, 9, 2), TOP("\"b\":1", 0, 1, 1),
     TOP("\"a\":9,\"b\":-3", 0, 9, 2)},
    {true, false, "top", TOP_NEAR("\"a\":9,\"b\":5", 5, 9), TOP("\"c\":3", 0, 3, 1),
     TOP_NEAR("\"a\":9,\"c\":9", 4, 9)},
    {false, false, "top", TOP_NEAR("\"a\":9,\"b\":5", 5, 9), TOP("\"c\":3", 0, 3, 1),
     TOP_NEAR("\"a\":9,\"c\":9", 5, 9)},
    {false, false, "top", TOP_NEAR("\"a\":9,\"b\":5", 5, 9), TOP("\"c\":3", 0, 3, 1),
     TOP("\"a\":9,\"c\":9", 4, 9, 4)},
    {true, false, "pace", "{\"value\":6,\"count\":3}", "{\"value\":2,\"count\":1}",
     "{\"value\":4,\"count\":2}"},
    {false, false, "pace", "{\"value\":6,\"count\":3}", "{\"value\":2,\"count\":1}",
     "{\"value\":10,\"count\":5}"},
    {false, false, "pace", "{\"value\":6,\"count\":3}", "{\"value\":2,\"count\":1}",
     "{\"value\":0,\"count\":0}"},
    {true, false, "grown", "{\"series\":1}", "{\"series\":1}",
     "{\"series\":1,\"increase\":30,\"value\":1}"},
    {false, false, "grown", "{\"series\":1}", "{\"series\":1}", "{\"series\":3}"},
    {true, false, "time",
     "{\"avg\":5,\"p50\":5,\"p95\":5,\"count\":1,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"avg\":5,\"p50\":5,\"p95\":5,\"count\":1,\"running\":2,\"oldest_at\":\"x\"}"},
    {true, false, "time",
     "{\"avg\":5,\"p50\":5,\"p95\":5,\"count\":1,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"count\":0,\"running\":0}", "{\"avg\":5,\"p50\":5,\"p95\":6,\"count\":2,\"running\":0}"},
    {true, false, "time",
     "{\"avg\":5,\"p50\":5,\"p95\":5,\"count\":9,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"count\":0,\"running\":0}", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}"},
    {false, false, "time", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"count\":0,\"running\":0}",
     "{\"avg\":5,\"p50\":5,\"p95\":5,\"count\":9,\"running\":1,\"oldest_at\":\"x\"}"},
    {false, false, "time", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"count\":0,\"running\":0}", "{\"count\":0,\"running\":9,\"oldest_at\":\"x\"}"},
    {false, false, "time", "{\"count\":0,\"running\":1,\"oldest_at\":\"x\"}",
     "{\"count\":0,\"running\":0}", "{\"count\":1,\"running\":1,\"oldest_at\":\"x\"}"},
    {true, false, "seen", "{\"up\":3,\"late\":1,\"missing\":1}",
     "{\"up\":1,\"late\":0,\"missing\":0}", "{\"up\":0,\"late\":3,\"missing\":2}"},
    {true, false, "seen", "{\"up\":3,\"late\":1,\"missing\":1}",
     "{\"up\":1,\"late\":0,\"missing\":0}", "{\"up\":5,\"late\":0,\"missing\":0}"},
    {false, false, "seen", "{\"up\":3,\"late\":1,\"missing\":1}",
     "{\"up\":1,\"late\":0,\"missing\":0}", "{\"up\":9,\"late\":9,\"missing\":0}"},
    {true, false, "latest", "{\"value\":7}", "{\"value\":3}", "{\"value\":3}"},
    {false, false, "latest", "{\"value\":7}", "{\"value\":3}", "{\"value\":7}"},
    {true, true, "latest", "{\"value\":7}", "{\"value\":3}", "{\"value\":7}"},
    {true, false, "latest", "{\"value\":7}", "{}", "{\"value\":7}"},
    {false, false, "latest", "{\"value\":7}", "{}", "{\"value\":8}"},
    {true, false, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}},\"2\":{\"at\":\"09:02\","
     "\"fields\":{\"f\":\"b\"}}}}"},
    {true, false, "newest",
     "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}},\"1\":{\"at\":\"09:01\","
     "\"fields\":{\"f\":\"a\"}}}}",
     "{\"rows\":{\"4\":{\"at\":\"09:04\",\"fields\":{\"f\":\"d\"}},\"3\":{\"at\":\"09:03\","
     "\"fields\":{\"f\":\"c\"}}}}",
     "{\"rows\":{\"4\":{\"at\":\"09:04\",\"fields\":{\"f\":\"d\"}},\"3\":{\"at\":\"09:03\","
     "\"fields\":{\"f\":\"c\"}},\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}"},
    {false, false, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}}}}",
     "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}"},
    {false, false, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}}}}"},
    {false, false, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}}}}",
     "{\"rows\":{\"4\":{\"at\":\"09:04\",\"fields\":{\"f\":\"d\"}},\"3\":{\"at\":\"09:03\","
     "\"fields\":{\"f\":\"c\"}},\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}"},
    {false, false, "newest", "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}}}}",
     "{\"rows\":{\"3\":{\"at\":\"09:03\",\"fields\":{\"f\":\"c\"}},\"2\":{\"at\":\"09:02\","
     "\"fields\":{\"f\":\"x\"}}}}"},
    {false, false, "newest",
     "{\"rows\":{\"2\":{\"at\":\"09:02\",\"fields\":{\"f\":\"b\"}},\"1\":{\"at\":\"09:01\","
     "\"fields\":{\"f\":\"a\"}}}}",
     "{\"rows\":{\"4\":{\"at\":\"09:04\",\"fields\":{\"f\":\"d\"}},\"3\":{\"at\":\"09:03\","
     "\"fields\":{\"f\":\"c\"}}}}",
     "{\"rows\":{\"4\":{\"at\":\"09:04\",\"fields\":{\"f\":\"d\"}},\"3\":{\"at\":\"09:03\","
     "\"fields\":{\"f\":\"c\"}},\"1\":{\"at\":\"09:01\",\"fields\":{\"f\":\"a\"}}}}"},
    {true, false, "gauge", "{\"value\":7,\"min\":1,\"max\":8}", "{\"value\":9,\"min\":9,\"max\":9}",
     "{\"value\":9,\"min\":1,\"max\":9}"},
    {false, false, "gauge", "{\"value\":7,\"min\":1,\"max\":8}",
     "{\"value\":9,\"min\":9,\"max\":9}", "{\"value\":9,\"min\":1,\"max\":8}"},
    {false, false, "gauge", "{\"value\":7,\"min\":1,\"max\":8}",
     "{\"value\":9,\"min\":9,\"max\":9}", "{\"value\":9,\"min\":2,\"max\":9}"},
    {true, false, "counts", "{\"points\":{\"0\":4,\"3600000\":2}}", "{\"points\":{\"3600000\":1}}",
     "{\"points\":{\"0\":4,\"3600000\":3}}"},
    {false, false, "counts", "{\"points\":{\"0\":4,\"3600000\":2}}", "{\"points\":{\"3600000\":1}}",
     "{\"points\":{\"0\":5,\"3600000\":3}}"},
    {false, false, "counts", "{\"points\":{\"0\":4}}", "{\"points\":{\"3600000\":1}}",
     "{\"points\":{\"0\":4}}"},
    {true, false, "sums", "{\"points\":{\"0\":4.5}}", "{\"points\":{\"0\":-4.5}}",
     "{\"points\":{\"0\":0}}"},
    {false, false, "sums", "{\"points\":{\"0\":4.5}}", "{\"points\":{\"0\":1}}",
     "{\"points\":{\"0\":5}}"},
    {true, false, "avgs", "{\"points\":{\"0\":4}}", "{\"points\":{\"0\":2}}",
     "{\"points\":{\"0\":3.5}}"},
    {false, false, "avgs", "{\"points\":{\"0\":4}}", "{\"points\":{\"0\":2}}",
     "{\"points\":{\"0\":4.5}}"},
    {true, false, "mins", "{\"points\":{\"0\":4}}", "{\"points\":{\"0\":2}}",
     "{\"points\":{\"0\":2}}"},
    {false, false, "mins", "{\"points\":{\"0\":4}}", "{\"points\":{\"0\":2}}",
     "{\"points\":{\"0\":4}}"},
    {true, false, "maxs", "{\"points\":{\"0\":4}}", "{\"points\":{\"0\":2}}",
     "{\"points\":{\"0\":4}}"},
    {false, false, "maxs", "{\"points\":{\"0\":4}}", "{\"points\":{\"0\":2}}",
     "{\"points\":{\"0\":2}}"},
    {true, false, "lasts", "{\"points\":{\"0\":4}}", "{\"points\":{\"0\":2}}",
     "{\"points\":{\"0\":4}}"},
    {true, false, "lasts", "{\"points\":{\"0\":4}}", "{\"points\":{\"0\":2}}",
     "{\"points\":{\"0\":2}}"},
    {false, false, "lasts", "{\"points\":{\"0\":4}}", "{\"points\":{\"0\":2}}",
     "{\"points\":{\"0\":3}}"},
    {false, false, "lasts", "{\"points\":{}}", "{\"points\":{\"0\":2}}", "{\"points\":{\"0\":3}}"},
    {true, false, "sla", "{\"ok\":5,\"at_risk\":1,\"breached\":1}", "{\"ok\":1}",
     "{\"ok\":4,\"at_risk\":2,\"breached\":2}"},
    {false, false, "sla", "{\"ok\":5,\"at_risk\":1,\"breached\":1}", "{\"ok\":1}",
     "{\"ok\":7,\"at_risk\":1,\"breached\":1}"},
    {false, false, "sla", "{\"ok\":3,\"at_risk\":1,\"breached\":4}", "{\"ok\":1}",
     "{\"ok\":3,\"at_risk\":3,\"breached\":2}"},
    {true, false, "backlog", "{\"total\":5,\"buckets\":{\"open\":3,\"busy\":2}}",
     "{\"total\":1,\"buckets\":{\"open\":0,\"busy\":1}}",
     "{\"total\":5,\"buckets\":{\"open\":2,\"busy\":3}}"},
    {false, false, "backlog", "{\"total\":5,\"buckets\":{\"open\":3,\"busy\":2}}",
     "{\"total\":1,\"buckets\":{\"open\":0,\"busy\":1}}",
     "{\"total\":6,\"buckets\":{\"open\":4,\"busy\":2}}"},
    {false, false, "backlog", "{\"total\":5,\"buckets\":{\"open\":3,\"busy\":2}}",
     "{\"total\":1,\"buckets\":{\"open\":0,\"busy\":1}}",
     "{\"total\":3,\"buckets\":{\"open\":1,\"busy\":2}}"},
};

static void test_what_rows_that_came_make(void **state)
{
    const struct config *config = *state;
    for (size_t i = 0; i < sizeof followed / sizeof *followed; i++) {
        const struct followed *f = &followed[i];
        struct value before;
        struct value came;
        struct value after;
        make_value(&before, f->before);
        make_value(&came, f->came);
        make_value(&after, f->after);
        const struct gone_change change = {.tile = config_tile(config, str_of(f->key)),
                                           .before = &before.doc.root,
                                           .came = &came.doc.root,
                                           .after = &after.doc.root,
                                           .rows = 1,
                                           .before_at = {4000 * US_PER_S},
                                           .after_at = {5000 * US_PER_S},
                                           .latest = {(f->earlier ? 3900 : 4100) * US_PER_S}};
        if (gone_change_is_right(&change) != f->right) {
            fail_msg("case %zu: %s: %s, then %s, makes %s", i, f->key, f->before, f->came,
                     f->after);
        }
        free_value(&before);
        free_value(&came);
        free_value(&after);
    }
}

static void test_a_bucket_that_has_slid_out_may_be_missing(void **state)
{
    const struct config *config = *state;
    struct value before;
    struct value none;
    make_value(&before, "{\"points\":{\"0\":4}}");
    make_value(&none, "{\"points\":{}}");
    struct gone_change change = {.tile = config_tile(config, STR("counts")),
                                 .before = &before.doc.root,
                                 .came = &none.doc.root,
                                 .after = &none.doc.root,
                                 .before_at = {3 * 3600 * US_PER_S - 1},
                                 .after_at = {3 * 3600 * US_PER_S}};
    assert_true(gone_change_is_right(&change));
    change.after_at.us--;
    assert_false(gone_change_is_right(&change));
    free_value(&before);
    free_value(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_rows_that_came_make),
        cmocka_unit_test(test_a_bucket_that_has_slid_out_may_be_missing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
