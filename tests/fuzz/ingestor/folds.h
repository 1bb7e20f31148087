/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets of the fold share: a tile of each type, and all that a fold shows. */
#ifndef TESTS_FUZZ_INGESTOR_FOLDS_H
#define TESTS_FUZZ_INGESTOR_FOLDS_H

#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "common/codec/mp_patch.h"
#include "common/program/log.h"
#include "ingestor/fold/fold.h"
#include "tests/fuzz/fuzz.h"

#define SHOWN_MAX 512
#define START_US INT64_C(1795411920000000) /* 2026-11-23T05:32:00Z: a whole minute */

static const char folds_config[] =
    "source: {uri: \"sqlite:x.db\", time_zone: Europe/Berlin}\n"
    "tiles:\n"
    "  - {key: ever, type: count}\n"
    "  - {key: window, type: count, match: {event_type: \"order.*\"}, window: 60s}\n"
    "  - {key: today, type: count, match: {payload.amount: [100, \"x*\", true]}, window: today}\n"
    "  - {key: sum, type: trend, match: {event_type: order.created}, step: 1s, length: 60,\n"
    "     aggregate: sum, value: payload.amount}\n"
    "  - {key: avg, type: trend, metric: cpu.load, step: 1w, length: 3, aggregate: avg}\n"
    "  - {key: last, type: trend, metric: cpu.load, step: 5s, length: 20, aggregate: last}\n"
    "  - {key: gauge, type: gauge, metric: cpu.load, labels: {host: db-1}, unit: jobs}\n"
    "  - {key: sla, type: sla_risk, opens: {event_type: ticket.opened},\n"
    "     closes: {event_type: ticket.resolved}, item: target_id, due: payload.due_at,\n"
    "     at_risk: 30s}\n"
    "  - {key: backlog, type: backlog, item: target_id, breakdown: payload.team,\n"
    "     states: {work_created: open, work_claimed: busy, work_done: null}}\n"
    "  - {key: family, type: count, group_by: payload.team, window: 30s}\n"
    "  - {key: people, type: trend, group_by: actor_id, step: 10s, length: 10, aggregate: max,\n"
    "     value: payload.amount}\n"
    "  - {key: newest, type: latest, show: [event_type, actor_id, payload.amount], rows: 3}\n"
    "  - {key: ratio, type: ratio, match: {event_type: order.created}, of: {payload.amount:\n"
    "     {gt: 5}}, window: 10s}\n"
    "  - {key: share, type: percentile, value: payload.amount, window: 10s}\n"
    "  - {key: time, type: duration, opens: {event_type: work_created}, closes: {event_type:\n"
    "     work_done}, item: target_id, window: 10s}\n"
    "  - {key: who, type: distinct, item: actor_id, window: 10s}\n"
    "  - {key: seen, type: presence, item: target_id, late: 2s, missing: 10s, steady: 5s}\n"
    "  - {key: most, type: top, item: actor_id, window: 10s, rows: 2}\n"
    "  - {key: sums, type: top, item: payload.team, aggregate: sum, value: payload.amount}\n"
    "  - {key: pace, type: rate, match: {event_type: \"order.*\"}, window: 10s}\n"
    "  - {key: grown, type: rate, value: payload.amount, item: actor_id, window: 10s}\n"
    "  - {key: hours, type: heatmap, aggregate: sum, value: payload.amount, window: 14d}\n"
    "  - {key: busy, type: heatmap}\n";

/* The configuration, which lives as long as the program. What is logged of inputs is not of
 * interest, so nothing is but errors. */
static inline const struct config *folds_configured(void)
{
    static struct config *config;
    if (config == NULL) {
        log_init("fuzz", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
        FUZZ_CHECK(config_parse(folds_config, sizeof folds_config - 1, "t.yaml", &config, NULL) ==
                   STATUS_OK);
    }
    return config;
}

static inline struct fold *folds_create(void)
{
    return fold_create(folds_configured(), UINT64_MAX);
}

static inline struct moment folds_moment(int64_t after_s)
{
    return (struct moment){{START_US + after_s * US_PER_S}, {(1000 + after_s) * US_PER_S}};
}

/* All that a fold shows: keys and values, sorted by key. */
struct shown {
    struct {
        struct buf key;
        struct buf value;
    } list[SHOWN_MAX];
    size_t count;
};

/* A merge patch could not set a member that is nil. */
static inline void check_no_nil(const mp_value *value)
{
    if (mp_is_map(value)) {
        for (uint32_t i = 0; i < value->via.map.size; i++) {
            FUZZ_CHECK(!mp_is_nil(&value->via.map.ptr[i].val));
            check_no_nil(&value->via.map.ptr[i].val);
        }
    }
}

static inline void shown_add(void *arg, const struct fold_output *output)
{
    struct shown *shown = arg;
    if (!output->removed && shown->count < SHOWN_MAX) {
        FUZZ_CHECK(output->keyframe);
        buf_append_str(&shown->list[shown->count].key, output->key);
        buf_append_str(&shown->list[shown->count++].value, output->value);
    }
}

static inline int shown_compare(const void *a, const void *b)
{
    const struct str x = buf_str(a); /* the first member */
    const struct str y = buf_str(b);
    const int order = memcmp(x.p, y.p, x.len < y.len ? x.len : y.len);
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

/* The caller hides it. */
static inline struct shown *shown_of(struct fold *fold, struct moment now)
{
    struct shown *shown = x_calloc(1, sizeof *shown);
    fold_advance(fold, now);
    fold_republish(fold);
    fold_flush(fold, now, shown_add, shown);
    qsort(shown->list, shown->count, sizeof *shown->list, shown_compare);
    return shown;
}

static inline void shown_hide(struct shown *shown)
{
    for (size_t i = 0; i < shown->count; i++) {
        buf_free(&shown->list[i].key);
        buf_free(&shown->list[i].value);
    }
    free(shown);
}

/* Ends the program unless both values are of tiles with the same data. */
static inline void check_same_data(const struct buf *x, const struct buf *y)
{
    static struct mp_doc docs[2]; /* kept, for they are many */
    if (docs[0].zone.chunk_size == 0) {
        mp_doc_init(&docs[0]);
        mp_doc_init(&docs[1]);
    }
    FUZZ_CHECK(mp_parse(&docs[0], x->data, x->len) == STATUS_OK && mp_is_map(&docs[0].root));
    check_no_nil(&docs[0].root);
    if (!str_equal(buf_str(x), buf_str(y))) { /* Members of maps may be in another order. */
        FUZZ_CHECK(mp_parse(&docs[1], y->data, y->len) == STATUS_OK);
        FUZZ_CHECK(mp_equal(mp_get(&docs[0].root, "data"), mp_get(&docs[1].root, "data"), 0));
    }
}

/* Ends the program unless both folds show the same data at that moment. */
static inline void folds_check_same(struct fold *a, struct fold *b, struct moment now)
{
    struct shown *x = shown_of(a, now);
    struct shown *y = shown_of(b, now);
    FUZZ_CHECK(x->count == y->count);
    for (size_t i = 0; i < x->count; i++) {
        fuzz_check_same(&x->list[i].key, &y->list[i].key);
        check_same_data(&x->list[i].value, &y->list[i].value);
    }
    shown_hide(y);
    shown_hide(x);
}

/* Appends all of the fold's state to an empty list, as a store would give it back. */
static inline void folds_save(struct fold *fold, struct moment now, struct state_changes *out)
{
    size_t kept = 0;
    fold_unsave_all(fold);
    fold_save(fold, now.wall, out);
    state_changes_settle(out);
    for (size_t i = 0; i < out->count; i++) {
        if (out->list[i].kind == STATE_PUT) {
            out->list[kept++] = out->list[i];
        }
    }
    out->count = kept;
}

/* A fold that was loaded from the state; NULL when it cannot be. *how is filled. */
static inline struct fold *folds_load(const struct state_changes *saved, struct moment now,
                                      struct fold_load *how)
{
    struct fold *fold = folds_create();
    *how = (struct fold_load){.place = STR("place"), .now = now.wall, .reached = now.wall};
    if (fold_load(fold, saved, how, NULL) != STATUS_OK) {
        fold_destroy(&fold);
    }
    return fold;
}

#endif
