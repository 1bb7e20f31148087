/* SPDX-License-Identifier: Apache-2.0 */
/* Which tiles an event of a type may concern, and what the type means to them. */
#include <stdio.h>

#include "common/base/buf.h"
#include "ingestor/fold/fold_plan.h"
#include "tests/unit.h"

static struct config *config_of(const char *tiles)
{
    struct buf text = {0};
    struct config *config;
    struct error err = {{0}};
    buf_printf(&text, "source: {uri: \"sqlite:x.db\"}\ntiles:\n%s", tiles);
    if (config_parse(text.data, text.len, "test.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    buf_free(&text);
    return config;
}

static void each_type_says_which_events_may_concern_it(void **state)
{
    (void)state;
    struct config *config = config_of(
        "  - {key: all, type: count}\n"
        "  - {key: made, type: trend, match: {event_type: \"item.*\"}, step: 1s, length: 9, "
        "aggregate: count}\n"
        "  - {key: depth, type: gauge, metric: depth}\n"
        "  - {key: sla, type: sla_risk, opens: {event_type: item.made}, closes: {event_type: "
        "item.done}, item: target_id, within: 30s}\n"
        "  - {key: backlog, type: backlog, item: target_id, states: {item.made: open, item.done: "
        "null}}\n");
    static const struct {
        const char *event_type;
        size_t tiles[4];
        size_t count;
    } cases[] = {
        {"item.made", {0, 1, 3, 4}, 4},
        {"item.done", {0, 1, 3, 4}, 4},
        {"item.moved", {0, 1}, 2},
        {"metrics.updated", {0, 2}, 2},
        {"other", {0}, 1},
    };
    const bool folded[] = {true, true, true, true, true};
    struct fold_plans plans;
    fold_plans_init(&plans, config, folded);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fold_plan *plan = fold_plan_for(&plans, str_of(cases[i].event_type));
        assert_int_equal(plan->count, cases[i].count);
        for (size_t k = 0; k < plan->count; k++) {
            assert_int_equal(plan->entries[k].tile, cases[i].tiles[k]);
        }
    }
    const struct fold_plan *made = fold_plan_for(&plans, STR("item.made"));
    const struct fold_plan *again = fold_plan_for(&plans, STR("item.made"));
    assert_ptr_equal(made, again);
    fold_plans_finish(&plans);
    config_destroy(&config);
}

static void tiles_that_others_fold_are_left_out(void **state)
{
    (void)state;
    struct config *config = config_of("  - {key: a, type: count}\n  - {key: b, type: count}\n");
    const bool folded[] = {false, true};
    struct fold_plans plans;
    fold_plans_init(&plans, config, folded);
    const struct fold_plan *plan = fold_plan_for(&plans, STR("x"));
    assert_int_equal(plan->count, 1);
    assert_int_equal(plan->entries[0].tile, 1);
    fold_plans_finish(&plans);
    config_destroy(&config);
}

static void many_event_types_are_forgotten_and_worked_out_anew(void **state)
{
    (void)state;
    struct config *config = config_of("  - {key: a, type: count, match: {event_type: \"t1*\"}}\n");
    const bool folded[] = {true};
    struct fold_plans plans;
    fold_plans_init(&plans, config, folded);
    for (int i = 0; i < 3 * FOLD_PLANS_MAX; i++) {
        char type[16];
        snprintf(type, sizeof type, "t%d", i);
        assert_int_equal(fold_plan_for(&plans, str_of(type))->count, type[1] == '1');
        snprintf(type, sizeof type, "t%d", i / 2); /* an older one, perhaps forgotten */
        assert_string_equal(fold_plan_for(&plans, str_of(type))->type, type);
        assert_true(HASH_CNT(by_type, plans.table) <= FOLD_PLANS_MAX);
    }
    fold_plans_finish(&plans);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_says_which_events_may_concern_it),
        cmocka_unit_test(tiles_that_others_fold_are_left_out),
        cmocka_unit_test(many_event_types_are_forgotten_and_worked_out_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
