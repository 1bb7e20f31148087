/* SPDX-License-Identifier: Apache-2.0 */
/* Each tile type by example, as docs/tiles.md says; refresh policies, families, checkpoints. */
#include "tests/ingestor/fold/fold_unit.h"

#include <time.h>

#include "common/base/xalloc.h"
#include "common/codec/mp_patch.h"

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
    fold_at(&t, 2, 50, "x", NULL, NULL);
    fold_at(&t, 3, -29900, "x", NULL, NULL); /* in the oldest slot that still counts */
    fold_at(&t, 4, -29901, "x", NULL, NULL); /* one too old */
    fold_at(&t, 5, 250, "x", NULL, NULL);    /* not yet */
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    assert_int_equal(fold_wait_us(t.fold, t.now), 100 * US_PER_MS);
    pass_ms(&t, 100);
    assert_string_equal(data_of(&t, "a"), "{\"value\":2,\"window_ms\":30000}");
    pass_ms(&t, 100);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    pass_ms(&t, 29700);
    assert_string_equal(data_of(&t, "a"), "{\"value\":3,\"window_ms\":30000}");
    pass_ms(&t, 100);
    assert_string_equal(data_of(&t, "a"), "{\"value\":1,\"window_ms\":30000}");
    pass_ms(&t, 200);
    assert_string_equal(data_of(&t, "a"), "{\"value\":0,\"window_ms\":30000}");
    fold_test_free(&t);
}

static void test_a_metric(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: c, type: count, metric: q}\n"
                       "  - {key: g, type: gauge, metric: q, unit: jobs}\n"
                       "  - {key: l, type: gauge, metric: q, labels: {host: \"db-*\"}}\n");
    assert_string_equal(data_of(&t, "c"), "{}");
    assert_string_equal(data_of(&t, "g"), "{\"unit\":\"jobs\"}");
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

static void trend_with(const char *aggregate, const char *expected)
{
    struct fold_test t;
    char tiles[256];
    snprintf(tiles, sizeof tiles,
             "  - {key: a, type: trend, match: {event_type: x}, step: 10s, length: 3, aggregate: "
             "%s%s}\n",
             aggregate, strcmp(aggregate, "count") != 0 ? ", value: payload.v" : "");
    fold_test_init(&t, tiles);
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
                      "\"1795411900000\":1.5,\"1795411920000\":3.66666666666667}}");
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

#define SLA                                                                                        \
    "  - {key: a, type: sla_risk, opens: {event_type: open}, closes: {event_type: close}, item: "  \
    "target_id, "

static void test_sla_deadlines_pass(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SLA "within: 60s, at_risk: 20s}\n");
    assert_string_equal(data_of(&t, "a"), "{\"ok\":0,\"at_risk\":0,\"breached\":0,\"worst\":[]}");
    fold_at(&t, 1, 0, "open", "i", NULL);
    assert_string_equal(data_of(&t, "a"),
                        "{\"ok\":1,\"at_risk\":0,\"breached\":0,\"next_breach_at\":\"2026-11-23T05:"
                        "33:00.000Z\",\"worst\":[{\"id\":\"i\",\"due_at\":\"2026-11-23T05:33:00."
                        "000Z\"}]}");
    assert_int_equal(fold_wait_us(t.fold, t.now), 20 * US_PER_S); /* a keyframe is due before */
    pass_ms(&t, 39999);
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":1,"));
    pass_ms(&t, 1);
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":0,\"at_risk\":1,"));
    pass_ms(&t, 20000);
    assert_string_equal(data_of(&t, "a"),
                        "{\"ok\":0,\"at_risk\":0,\"breached\":1,\"worst\":[{\"id\":\"i\",\"due_"
                        "at\":\"2026-11-23T05:33:00.000Z\"}]}");
    fold_now(&t, "close", "i", NULL);
    assert_string_equal(data_of(&t, "a"), "{\"ok\":0,\"at_risk\":0,\"breached\":0,\"worst\":[]}");
    fold_test_free(&t);
}

static void test_sla_order_of_rows_does_not_matter(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SLA "due: payload.due}\n");
    fold_at(&t, 2, 20, "close", "i", NULL);
    fold_at(&t, 1, 10, "open", "i",
            "{\"due\":\"2026-11-23T06:00:00Z\"}"); /* late: closed already */
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":0,"));
    fold_at(&t, 4, 40, "open", "i", "{\"due\":1795413600}");               /* again; in seconds */
    fold_at(&t, 3, 30, "open", "i", "{\"due\":\"2026-11-23T05:00:00Z\"}"); /* an earlier word */
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":0,\"at_risk\":1,\"breached\":0"));
    fold_at(&t, 5, 50, "open", "n", NULL); /* without a deadline: never at risk, never listed */
    assert_non_null(strstr(data_of(&t, "a"), "\"ok\":1,\"at_risk\":1"));
    assert_null(strstr(t.json, "\"n\""));
    fold_test_free(&t);
}

static void test_sla_lists_the_worst_five(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SLA "due: payload.due}\n");
    for (int i = 0; i < 20; i++) {
        char id[8];
        snprintf(id, sizeof id, "i%02d", 19 - i);
        /* All due at one moment: told apart by the row that opened them. */
        fold_at(&t, i + 1, i, "open", id, "{\"due\":\"2026-11-23T07:00:00Z\"}");
    }
    fold_at(&t, 30, 30, "open", "late", "{\"due\":\"2026-11-23T05:00:00Z\"}");
    const char *worst = strstr(data_of(&t, "a"), "\"worst\"");
    assert_non_null(worst);
    const char *at = worst;
    static const char *const expected[] = {"late", "i19", "i18", "i17", "i16"};
    for (size_t i = 0; i < 5; i++) {
        at = strstr(at, expected[i]);
        assert_non_null(at);
    }
    assert_null(strstr(worst, "i15"));
    fold_test_free(&t);
}

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

/* ---- Refresh ---- */

static void test_leading_edge_then_one_per_interval(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count, refresh: {min_interval: 100ms}}\n");
    flush(&t);
    assert_int_equal(t.outputs, 1); /* a tile is there from the start */
    pass_ms(&t, 1000);
    fold_now(&t, "x", NULL, NULL);
    assert_int_equal(fold_wait_us(t.fold, t.now), 0);
    flush(&t);
    assert_int_equal(t.outputs, 1);
    assert_string_equal(t.json, "{\"value\":1}");
    for (int i = 0; i < 9; i++) {
        pass_ms(&t, 10);
        fold_now(&t, "x", NULL, NULL);
        flush(&t);
        assert_int_equal(t.outputs, 0);
    }
    assert_int_equal(fold_wait_us(t.fold, t.now), 10 * US_PER_MS);
    pass_ms(&t, 10);
    flush(&t); /* the trailing edge: nothing is swallowed */
    assert_int_equal(t.outputs, 1);
    assert_string_equal(t.json, "{\"value\":10}");
    fold_test_free(&t);
}

static void test_interval_policy_keeps_to_its_beat(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t,
                   "  - {key: a, type: count, refresh: {policy: interval, min_interval: 1s}}\n");
    flush(&t);
    pass_ms(&t, 300);
    fold_now(&t, "x", NULL, NULL);
    flush(&t);
    assert_int_equal(t.outputs, 0);
    assert_int_equal(fold_wait_us(t.fold, t.now), 700 * US_PER_MS);
    pass_ms(&t, 700);
    flush(&t);
    assert_string_equal(t.json, "{\"value\":1}");
    fold_test_free(&t);
}

static void test_quiet_tiles_get_keyframes(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count, ttl: 30s}\n");
    flush(&t);
    pass_ms(&t, 9999);
    flush(&t);
    assert_int_equal(t.outputs, 0);
    pass_ms(&t, 1);
    flush(&t);
    assert_int_equal(t.outputs, 1);
    assert_int_equal(t.keyframes, 1);
    fold_test_free(&t);
}

/* ---- Families ---- */

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

/* ---- Checkpoints ---- */

static const char all_types[] =
    "  - {key: ever, type: count}\n"
    "  - {key: window, type: count, window: 60s}\n"
    "  - {key: trend, type: trend, match: {event_type: made}, step: 1s, length: 60, aggregate: "
    "avg, "
    "value: payload.v}\n"
    "  - {key: last, type: trend, metric: m, step: 5s, length: 20, aggregate: last}\n"
    "  - {key: gauge, type: gauge, metric: m}\n"
    "  - {key: sla, type: sla_risk, opens: {event_type: made}, closes: {event_type: done}, item: "
    "target_id, within: 30s, at_risk: 10s}\n"
    "  - {key: backlog, type: backlog, item: target_id, breakdown: payload.team, states: {made: "
    "open, taken: busy, done: null}}\n"
    "  - {key: family, type: count, group_by: payload.team, window: 30s}\n";

static const char *const all_keys[] = {"ever",  "window", "trend",   "last",
                                       "gauge", "sla",    "backlog", "family/a"};

static void fold_random(struct fold_test *t, unsigned *seed)
{
    static const char *const types[] = {"made", "taken", "done", "metrics.updated"};
    char target[16];
    char payload[96];
    snprintf(target, sizeof target, "i%d", rand_r(seed) % 20);
    snprintf(payload, sizeof payload, "{\"v\":%d.25,\"team\":\"%c\",\"metric\":\"m\",\"value\":%d}",
             rand_r(seed) % 50, "abc"[rand_r(seed) % 3], rand_r(seed) % 100);
    const int64_t now_ms = (t->now.wall.us - START_US) / US_PER_MS;
    fold_at(t, t->next_id++, now_ms + rand_r(seed) % 6000 - 5000, types[rand_r(seed) % 4], target,
            payload);
}

/* JSON to MessagePack; the caller frees both. */
static void parse_data(const char *json, struct buf *bytes, struct mp_doc *doc)
{
    struct json_value *value;
    assert_int_equal(json_parse(str_of(json), SIZE_MAX, &value), STATUS_OK);
    json_to_mp(bytes, value);
    json_free(value);
    mp_doc_init(doc);
    assert_int_equal(mp_parse(doc, bytes->data, bytes->len), STATUS_OK);
}

/* Both show the same in each tile; members of maps may be in another order. */
static void assert_same(struct fold_test *a, struct fold_test *b)
{
    for (size_t i = 0; i < sizeof all_keys / sizeof *all_keys; i++) {
        struct buf x = {0};
        struct buf y = {0};
        struct mp_doc dx;
        struct mp_doc dy;
        parse_data(data_of(a, all_keys[i]), &x, &dx);
        parse_data(data_of(b, all_keys[i]), &y, &dy);
        if (!mp_equal(&dx.root, &dy.root, 1e-12)) {
            fail_msg("%s: %s\n%s", all_keys[i], a->json, b->json);
        }
        mp_doc_free(&dx);
        mp_doc_free(&dy);
        buf_free(&x);
        buf_free(&y);
    }
}

static void test_a_saved_fold_goes_on_as_if_nothing_had_happened(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    struct fold_test kept;
    fold_test_init(&kept, all_types);
    for (int round = 0; round < 30; round++) {
        struct fold_test restored;
        struct buf saved = {0};
        bool rebuild;
        fold_test_init(&restored, all_types);
        fold_save(kept.fold, &saved);
        assert_int_equal(fold_load(restored.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
        assert_false(rebuild);
        restored.now = kept.now;
        restored.next_id = kept.next_id;
        unsigned twin = seed;
        for (int i = 0; i < 40; i++) {
            fold_random(&kept, &seed);
            fold_random(&restored, &twin);
            pass_ms(&kept, 137);
            pass_ms(&restored, 137);
        }
        assert_same(&kept, &restored);
        buf_free(&saved);
        fold_test_free(&restored);
    }
    fold_test_free(&kept);
}

static void test_a_changed_definition_wants_a_rebuild(void **state)
{
    (void)state;
    struct fold_test old;
    struct fold_test same;
    struct fold_test changed;
    struct fold_test more;
    struct buf saved = {0};
    bool rebuild;
    fold_test_init(&old, "  - {key: a, type: count, window: 60s}\n");
    fold_test_init(&same, "  - {key: a, title: Another, type: count, window: 60s, ttl: 5m}\n");
    fold_test_init(&changed, "  - {key: a, type: count, window: 61s}\n");
    fold_test_init(&more, "  - {key: a, type: count, window: 60s}\n  - {key: b, type: count}\n");
    fold_save(old.fold, &saved);
    assert_int_equal(fold_load(same.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_false(rebuild);
    assert_int_equal(fold_load(changed.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_true(rebuild);
    assert_int_equal(fold_load(more.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_true(rebuild);
    buf_free(&saved);
    fold_test_free(&old);
    fold_test_free(&same);
    fold_test_free(&changed);
    fold_test_free(&more);
}

static void test_a_damaged_state_is_refused(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    struct fold_test t;
    struct buf saved = {0};
    fold_test_init(&t, all_types);
    for (int i = 0; i < 100; i++) {
        fold_random(&t, &seed);
    }
    fold_save(t.fold, &saved);
    for (int round = 0; round < 2000; round++) {
        struct fold_test other;
        bool rebuild;
        fold_test_init(&other, all_types);
        char *copy = x_memdup(saved.data, saved.len);
        copy[(size_t)rand_r(&seed) % saved.len] = (char)rand_r(&seed);
        const size_t len = rand_r(&seed) % 4 == 0 ? (size_t)rand_r(&seed) % saved.len : saved.len;
        if (fold_load(other.fold, (struct str){copy, len}, &rebuild, NULL) == STATUS_OK) {
            pass_ms(&other, 1000);
            flush(&other);
        }
        free(copy);
        fold_test_free(&other);
    }
    buf_free(&saved);
    fold_test_free(&t);
}

/* What a tile shows depends on the set of rows and on the time, not on the order in which they
 * came. */
static void test_any_order_gives_the_same(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (int round = 0; round < 40; round++) {
        struct fold_test straight;
        struct fold_test shuffled;
        fold_test_init(&straight, all_types);
        fold_test_init(&shuffled, all_types);
        unsigned seeds[200];
        int order[200];
        for (int i = 0; i < 200; i++) {
            seeds[i] = (unsigned)rand_r(&seed);
            order[i] = i;
        }
        for (int i = 199; i > 0; i--) {
            const int k = rand_r(&seed) % (i + 1);
            const int swap = order[i];
            order[i] = order[k];
            order[k] = swap;
        }
        for (int i = 0; i < 200; i++) {
            unsigned a = seeds[i];
            unsigned b = seeds[order[i]];
            straight.next_id = i + 1;
            shuffled.next_id = order[i] + 1;
            fold_random(&straight, &a);
            fold_random(&shuffled, &b);
        }
        pass_ms(&straight, 2000);
        pass_ms(&shuffled, 2000);
        assert_same(&straight, &shuffled);
        fold_test_free(&straight);
        fold_test_free(&shuffled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_ever),
        cmocka_unit_test(test_count_in_a_window),
        cmocka_unit_test(test_a_metric),
        cmocka_unit_test(test_trend),
        cmocka_unit_test(test_a_trend_slides),
        cmocka_unit_test(test_sla_deadlines_pass),
        cmocka_unit_test(test_sla_order_of_rows_does_not_matter),
        cmocka_unit_test(test_sla_lists_the_worst_five),
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_backlog_breakdown),
        cmocka_unit_test(test_leading_edge_then_one_per_interval),
        cmocka_unit_test(test_interval_policy_keeps_to_its_beat),
        cmocka_unit_test(test_quiet_tiles_get_keyframes),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_a_saved_fold_goes_on_as_if_nothing_had_happened),
        cmocka_unit_test(test_a_changed_definition_wants_a_rebuild),
        cmocka_unit_test(test_a_damaged_state_is_refused),
        cmocka_unit_test(test_any_order_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
