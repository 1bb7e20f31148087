/* SPDX-License-Identifier: Apache-2.0 */
/* What rows that are gone can explain, and what rows that came must make: one line a case. */
#include "ctl/verify/gone.h"

#include "common/base/buf.h"
#include "common/codec/json.h"
#include "common/config/config.h"
#include "ctl/verify/gone_change.h"
#include "tests/unit.h"

#define NOW_US INT64_C(1795411920000000) /* 2026-11-23T05:32:00Z */

static const char text[] =
    "source: {uri: \"sqlite:x.db\"}\n"
    "tiles:\n"
    "  - {key: ever, type: count}\n"
    "  - {key: window, type: count, window: 30s}\n"
    "  - {key: latest, type: count, metric: m}\n"
    "  - {key: today, type: count, window: today}\n"
    "  - {key: sum, type: number, aggregate: sum, value: payload.v}\n"
    "  - {key: most, type: number, aggregate: max, value: payload.v, window: 30s}\n"
    "  - {key: share, type: percentile, value: payload.v}\n"
    "  - {key: shares, type: percentile, value: payload.v, window: 30s}\n"
    "  - {key: medians, type: trend, step: 1h, length: 3, aggregate: p50, value: payload.v}\n"
    "  - {key: time, type: duration, opens: {event_type: a}, closes: {event_type: b}, item: "
    "target_id, window: 30s}\n"
    "  - {key: ratio, type: ratio, match: {event_type: a}}\n"
    "  - {key: errors, type: ratio, match: {event_type: a}, window: 30s}\n"
    "  - {key: gauge, type: gauge, metric: m}\n"
    "  - {key: counts, type: trend, step: 1h, length: 3, aggregate: count}\n"
    "  - {key: sums, type: trend, step: 1h, length: 3, aggregate: sum, value: payload.v}\n"
    "  - {key: avgs, type: trend, step: 1h, length: 3, aggregate: avg, value: payload.v}\n"
    "  - {key: mins, type: trend, step: 1h, length: 3, aggregate: min, value: payload.v}\n"
    "  - {key: maxs, type: trend, step: 1h, length: 3, aggregate: max, value: payload.v}\n"
    "  - {key: lasts, type: trend, step: 1h, length: 3, aggregate: last, value: payload.v}\n"
    "  - {key: newest, type: latest, show: [summary], rows: 3}\n"
    "  - {key: sla, type: sla_risk, opens: {event_type: a}, closes: {event_type: b}, item: "
    "target_id, "
    "within: 1h}\n"
    "  - {key: backlog, type: backlog, item: target_id, breakdown: actor_id, states: {a: open, b: "
    "busy, c: null}}\n";

/* A whole value. */
struct value {
    struct buf bytes; /* the document borrows from them */
    struct mp_doc doc;
};

/* Makes one with that data, as JSON. */
static void make_value(struct value *value, const char *data)
{
    struct json_value *json;
    struct buf *out = &value->bytes;
    *value = (struct value){0};
    mp_doc_init(&value->doc);
    assert_int_equal(json_parse(str_of(data), 1 << 20, &json), STATUS_OK);
    mp_put_map(out, 2);
    mp_put_text(out, "type");
    mp_put_text(out, "x");
    mp_put_text(out, "data");
    json_to_mp(out, json);
    json_free(json);
    assert_int_equal(mp_parse(&value->doc, out->data, out->len), STATUS_OK);
}

static void free_value(struct value *value)
{
    mp_doc_free(&value->doc);
    buf_free(&value->bytes);
}

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

static int setup(void **state)
{
    struct config *config;
    struct error err = {{0}};
    if (config_parse(text, sizeof text - 1, "x", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    *state = config;
    return 0;
}

static int teardown(void **state)
{
    struct config *config = *state;
    config_destroy(&config);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_rows_that_are_gone_explain),
        cmocka_unit_test(test_any_number_of_rows_may_be_gone_when_there_is_no_tally),
        cmocka_unit_test(test_what_rows_that_came_make),
        cmocka_unit_test(test_a_bucket_that_has_slid_out_may_be_missing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
