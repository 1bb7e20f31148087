/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles of each type, and values of them, for the tests of what rows that are gone can explain. */
#ifndef TESTS_CTL_VERIFY_GONE_UNIT_H
#define TESTS_CTL_VERIFY_GONE_UNIT_H

#include "common/base/buf.h"
#include "common/codec/json.h"
#include "common/config/config.h"
#include "tests/unit.h"

#define NOW_US INT64_C(1795411920000000) /* 2026-11-23T05:32:00Z */
/* Of a top: the groups as JSON, the others, the largest and how many there are. */
#define TOP(groups_, other_, largest_, count_)                                                     \
    "{\"aggregate\":\"count\",\"top\":{" groups_ "},\"other\":" #other_ ",\"largest\":" #largest_  \
    ",\"groups\":" #count_ ",\"approximate\":false}"
#define TOP_NEAR(groups_, other_, largest_)                                                        \
    "{\"aggregate\":\"count\",\"top\":{" groups_ "},\"other\":" #other_ ",\"largest\":" #largest_  \
    ",\"error\":1,\"approximate\":true}"
/* Of a heatmap: the hours of Monday as JSON, and the largest. */
#define HOURS(hours_, largest_)                                                                    \
    "{\"aggregate\":\"count\",\"cells\":{\"monday\":{" hours_ "}},\"largest\":" #largest_ "}"
#define DIFFERENT(value, estimate) "{\"value\":" #value ",\"estimate\":" #estimate "}"

static const char gone_tiles[] =
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
    "  - {key: seen, type: presence, item: target_id, late: 1m}\n"
    "  - {key: different, type: distinct, item: actor_id}\n"
    "  - {key: people, type: distinct, item: actor_id, window: 30s}\n"
    "  - {key: top, type: top, item: actor_id, rows: 2}\n"
    "  - {key: tops, type: top, item: actor_id, rows: 2, window: 30s}\n"
    "  - {key: sales, type: top, item: actor_id, rows: 2, aggregate: sum, value: payload.v}\n"
    "  - {key: pace, type: rate, per: minute, window: 30s}\n"
    "  - {key: grown, type: rate, value: payload.v, window: 30s}\n"
    "  - {key: busy, type: heatmap}\n"
    "  - {key: hours, type: heatmap, window: 14d}\n"
    "  - {key: highs, type: heatmap, window: 7d, aggregate: max, value: payload.v}\n"
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
static inline void make_value(struct value *value, const char *data)
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

static inline void free_value(struct value *value)
{
    mp_doc_free(&value->doc);
    buf_free(&value->bytes);
}

static inline int setup(void **state)
{
    struct config *config;
    struct error err = {{0}};
    if (config_parse(gone_tiles, sizeof gone_tiles - 1, "x", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    *state = config;
    return 0;
}

static inline int teardown(void **state)
{
    struct config *config = *state;
    config_destroy(&config);
    return 0;
}

#endif
