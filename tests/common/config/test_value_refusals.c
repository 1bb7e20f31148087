/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in the definitions of tiles that show values of many rows: of which, by which, and
 * how fast. */
#include "common/config/tiles.h"

#include "tests/common/config/tile_unit.h"

static void test_distincts_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: distinct}]",
         "1:9: tile \"t\": a tile of type distinct needs item, such as item: actor_id"},
        {TILE "type: distinct, item: actor_id, metric: m}]",
         "1:50: tile \"t\": metric: a tile of type distinct has no such key (it belongs to count, "
         "trend, gauge, number, percentile, rate, heatmap)"},
        {TILE "type: distinct, item: actor_id, warn: \"> 1\", margin: 2}]",
         "1:71: tile \"t\": margin: it reaches below 0, where the number never is, so warn would "
         "never end: make it less than the threshold"},
    };
    REFUSED(refusals);
}

static void test_heatmaps_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: heatmap, aggregate: sum}]",
         "1:44: tile \"t\": aggregate: sum needs numbers: name their field (value: payload.amount) "
         "or a metric"},
        {TILE "type: heatmap, value: payload.v}]",
         "1:9: tile \"t\": a heatmap of values needs aggregate: sum, avg, min or max"},
        {TILE "type: heatmap, value: payload.v, metric: m, aggregate: sum}]",
         "1:33: tile \"t\": value: does not go with metric: the metric's value is what counts"},
        {TILE "type: heatmap, aggregate: last, value: payload.v}]",
         "1:44: tile \"t\": aggregate: \"last\" is not known: expected count, sum, avg, min or "
         "max"},
        {TILE "type: heatmap, window: 8d}]", "1:41: tile \"t\": window: expected whole weeks, such "
                                             "as 7d or 28d, since each hour of the "
                                             "week has to come equally often"},
        {TILE "type: heatmap, window: today}]",
         "1:41: tile \"t\": window: expected a duration such as 250ms, 2s, 5m, 1h or 7d, but found "
         "\"today\""},
        {TILE "type: heatmap, window: 378d}]",
         "1:41: tile \"t\": window: expected 7d to 371d, but found \"378d\""},
        {TILE "type: heatmap, warn: \"> 1\", margin: 2}]",
         "1:54: tile \"t\": margin: it reaches below 0, where the number never is, so warn would "
         "never end: make it less than the threshold"},
    };
    REFUSED(refusals);
}

static void test_tops_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: top}]",
         "1:9: tile \"t\": a tile of type top needs item, such as item: payload.customer"},
        {TILE "type: top, item: actor_id, rows: 101}]",
         "1:51: tile \"t\": rows: expected 1 to 100, but found \"101\""},
        {TILE "type: top, item: actor_id, aggregate: max}]",
         "1:56: tile \"t\": aggregate: \"max\" is not known: expected count or sum"},
        {TILE "type: top, item: actor_id, aggregate: sum}]",
         "1:9: tile \"t\": a tile of type top needs value, such as value: payload.amount, since "
         "the aggregate is a sum"},
        {TILE "type: top, item: actor_id, value: payload.v}]",
         "1:52: tile \"t\": value: a top that counts events needs none: write aggregate: sum, or "
         "leave it out"},
        {TILE "type: top, item: actor_id, metric: m}]",
         "1:45: tile \"t\": metric: a tile of type top has no such key (it belongs to count, "
         "trend, gauge, number, percentile, rate, heatmap)"},
        {TILE "type: top, item: actor_id, warn: \"> 1\", margin: 2}]",
         "1:66: tile \"t\": margin: it reaches below 0, where the number never is, so warn would "
         "never end: make it less than the threshold"},
        {TILE "type: top, item: actor_id, warn: \"value > 1\"}]",
         "1:51: tile \"t\": warn: a tile of type top has no \"value\" to compare; it has largest, "
         "other or groups"},
    };
    REFUSED(refusals);
}

static void test_rates_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: rate}]",
         "1:9: tile \"t\": a tile of type rate needs window, such as window: 5m"},
        {TILE "type: rate, window: today}]", "1:38: tile \"t\": window: expected a duration such "
                                             "as 250ms, 2s, 5m, 1h or 7d, but found \"today\""},
        {TILE "type: rate, window: 5m, per: day}]",
         "1:47: tile \"t\": per: \"day\" is not known: expected second, minute or hour"},
        {TILE "type: rate, window: 5m, item: actor_id}]",
         "1:48: tile \"t\": item: it tells counters apart, and events are counted here: leave it "
         "out, or name the counter's value or metric"},
        {TILE "type: rate, window: 5m, metric: m, value: payload.v}]",
         "1:53: tile \"t\": value: does not go with metric: the metric's value is what counts"},
        {TILE "type: rate, window: 5m, warn: \"> 1\", margin: 2}]",
         "1:63: tile \"t\": margin: it reaches below 0, where the number never is, so warn would "
         "never end: make it less than the threshold"},
    };
    REFUSED(refusals);
}

static void test_percentiles_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: percentile}]",
         "1:9: tile \"t\": a tile of type percentile needs value, such as value: payload.ms (or "
         "metric: queue.depth)"},
        {TILE "type: percentile, metric: m, value: payload.a}]",
         "1:47: tile \"t\": value: does not go with metric: the metric's value is what counts"},
        {TILE "type: number, aggregate: p95, value: payload.a}]",
         "1:43: tile \"t\": aggregate: \"p95\" is not known: expected sum, avg, min, max or last"},
    };
    REFUSED(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distincts_refused),   cmocka_unit_test(test_heatmaps_refused),
        cmocka_unit_test(test_tops_refused),        cmocka_unit_test(test_rates_refused),
        cmocka_unit_test(test_percentiles_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
