/* SPDX-License-Identifier: Apache-2.0 */
/* A tile of each type, random rows for them, and a comparison of two folds. */
#ifndef TESTS_INGESTOR_FOLD_FOLD_RANDOM_H
#define TESTS_INGESTOR_FOLD_FOLD_RANDOM_H

#include "common/codec/mp_patch.h"
#include "tests/ingestor/fold/fold_unit.h"

static const char all_types[] =
    "  - {key: ever, type: count}\n"
    "  - {key: window, type: count, window: 60s}\n"
    "  - {key: trend, type: trend, match: {event_type: made}, step: 1s, length: 60, aggregate: "
    "avg, "
    "value: payload.v}\n"
    "  - {key: last, type: trend, metric: m, step: 5s, length: 20, aggregate: last}\n"
    "  - {key: today, type: count, window: today}\n"
    "  - {key: weeks, type: trend, match: {event_type: made}, step: 1w, length: 3, aggregate: sum, "
    "value: payload.v}\n"
    "  - {key: sum, type: number, aggregate: sum, value: payload.v, window: 20s}\n"
    "  - {key: least, type: number, aggregate: min, value: payload.v, window: 10s}\n"
    "  - {key: average, type: number, metric: m, aggregate: avg, window: this_month}\n"
    "  - {key: latest, type: number, aggregate: last, value: payload.v}\n"
    "  - {key: ratio, type: ratio, match: {event_type: done}, of: {payload.team: [a, b]}, window: "
    "15s}\n"
    "  - {key: share, type: percentile, value: payload.v, window: 15s}\n"
    "  - {key: medians, type: trend, metric: m, step: 5s, length: 3, aggregate: p50}\n"
    "  - {key: time, type: duration, opens: {event_type: made}, closes: {event_type: done}, item: "
    "target_id, window: 15s}\n"
    "  - {key: seen, type: presence, match: {event_type: [made, done]}, item: target_id, late: "
    "4s, missing: 11s, forget: 25s, steady: 13s}\n"
    "  - {key: different, type: distinct, item: target_id, window: 15s}\n"
    "  - {key: most, type: top, item: target_id, rows: 4, window: 15s}\n"
    "  - {key: sums, type: top, item: payload.team, aggregate: sum, value: payload.v}\n"
    "  - {key: pace, type: rate, match: {event_type: made}, per: minute, window: 12s}\n"
    "  - {key: grown, type: rate, value: payload.v, item: payload.team, window: 12s}\n"
    "  - {key: flow, type: rate, metric: m, window: 5s}\n"
    "  - {key: hours, type: heatmap, aggregate: avg, value: payload.v, window: 7d}\n"
    "  - {key: ofdays, type: heatmap, match: {event_type: made}}\n"
    "  - {key: gauge, type: gauge, metric: m}\n"
    "  - {key: sla, type: sla_risk, opens: {event_type: made}, closes: {event_type: done}, item: "
    "target_id, within: 30s, at_risk: 10s}\n"
    "  - {key: paused, type: sla_risk, opens: {event_type: made}, closes: {event_type: done}, "
    "item: "
    "target_id, within: 30s, pauses: {event_type: taken}, resumes: {event_type: metrics.updated}}\n"
    "  - {key: kept, type: sla_risk, opens: {event_type: made}, closes: {event_type: done}, item: "
    "target_id, within: 30s, pauses: {payload.team: a}, resumes: {payload.team: b}, reopen: "
    "keep}\n"
    "  - {key: backlog, type: backlog, item: target_id, breakdown: payload.team, states: {made: "
    "open, taken: busy, done: null}}\n"
    "  - {key: newest, type: latest, match: {event_type: [made, done]}, show: [target_id, "
    "payload.v, payload.none], rows: 4}\n"
    "  - {key: family, type: count, group_by: payload.team, window: 30s}\n";

static const char *const all_keys[] = {
    "ever",    "window", "trend",  "last",   "today", "weeks",   "sum",  "least",
    "average", "latest", "ratio",  "share",  "time",  "medians", "seen", "different",
    "most",    "sums",   "pace",   "grown",  "flow",  "gauge",   "sla",  "backlog",
    "newest",  "hours",  "ofdays", "paused", "kept",  "family/a"};

static inline void fold_random(struct fold_test *t, unsigned *seed)
{
    static const char *const types[] = {"made", "taken", "done", "metrics.updated"};
    char target[16];
    char payload[96];
    snprintf(target, sizeof target, "i%d", rand_r(seed) % 20);
    snprintf(payload, sizeof payload, "{\"v\":%d.%d,\"team\":\"%c\",\"metric\":\"m\",\"value\":%d}",
             rand_r(seed) % 50, rand_r(seed) % 1000, "abc"[rand_r(seed) % 3], rand_r(seed) % 100);
    const int64_t now_ms = (t->now.wall.us - START_US) / US_PER_MS;
    fold_at(t, t->next_id++, now_ms + rand_r(seed) % 6000 - 5000, types[rand_r(seed) % 4], target,
            payload);
}

/* JSON to MessagePack; the caller frees both. */
static inline void parse_data(const char *json, struct buf *bytes, struct mp_doc *doc)
{
    struct json_value *value;
    assert_int_equal(json_parse(str_of(json), SIZE_MAX, &value), STATUS_OK);
    json_to_mp(bytes, value);
    json_free(value);
    mp_doc_init(doc);
    assert_int_equal(mp_parse(doc, bytes->data, bytes->len), STATUS_OK);
}

/* Both show the same in each tile; members of maps may be in another order. */
static inline void assert_same(struct fold_test *a, struct fold_test *b)
{
    for (size_t i = 0; i < sizeof all_keys / sizeof *all_keys; i++) {
        struct buf x = {0};
        struct buf y = {0};
        struct mp_doc dx;
        struct mp_doc dy;
        parse_data(data_of(a, all_keys[i]), &x, &dx);
        parse_data(data_of(b, all_keys[i]), &y, &dy);
        if (!mp_equal(&dx.root, &dy.root, 0)) {
            fail_msg("%s: %s\n%s", all_keys[i], a->json, b->json);
        }
        mp_doc_free(&dx);
        mp_doc_free(&dy);
        buf_free(&x);
        buf_free(&y);
    }
}

#endif
