/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows the conditions of a `match` admit: one line a case. */
#include "ingestor/fold/match.h"

#include "tests/ingestor/fold/fold_unit.h"

struct match_case {
    bool fits;
    const char *match;   /* as the file has it */
    const char *column;  /* target_id of the row; NULL: none */
    const char *payload; /* of the row */
};

#define TIME "\"2026-11-23T05:00:00Z\""

static const struct match_case cases[] = {
    {true, "{payload.v: {gt: 5}}", NULL, "{\"v\":5.5}"},
    {false, "{payload.v: {gt: 5}}", NULL, "{\"v\":5}"},
    {true, "{payload.v: {gte: 5}}", NULL, "{\"v\":\"5.00\"}"},
    {false, "{payload.v: {gte: 5}}", NULL, "{\"v\":\"many\"}"},
    {false, "{payload.v: {gte: 5}}", NULL, "{\"v\":true}"},
    {false, "{payload.v: {lt: 5}}", NULL, "{}"},
    {false, "{payload.v: {lt: 5}}", NULL, NULL},
    {true, "{payload.v: {gt: 9007199254740992}}", NULL, "{\"v\":9007199254740993}"},
    {false, "{payload.v: {gt: 9007199254740993}}", NULL, "{\"v\":9007199254740993}"},
    {true, "{payload.v: {gte: 1, lt: 2}}", NULL, "{\"v\":1}"},
    {false, "{payload.v: {gte: 1, lt: 2}}", NULL, "{\"v\":2}"},
    {true, "{payload.v: {between: [1, 2]}}", NULL, "{\"v\":2}"},
    {false, "{payload.v: {between: [1, 2]}}", NULL, "{\"v\":2.1}"},
    {true, "{target_id: {gte: 5}}", "5.00", NULL},
    {false, "{target_id: {gt: 5}}", "5.00", NULL},
    {true, "{target_id: {gt: b}}", "ba", NULL},
    {false, "{target_id: {gt: ba}}", "b", NULL},
    {true, "{payload.v: {lt: " TIME "}}", NULL, "{\"v\":\"2026-11-23T05:59:59+01:00\"}"},
    {false, "{payload.v: {lt: " TIME "}}", NULL, "{\"v\":\"2026-11-23T06:00:00+01:00\"}"},
    {true, "{payload.v: {lte: " TIME "}}", NULL, "{\"v\":1795410000}"},
    {false, "{payload.v: {lte: " TIME "}}", NULL, "{\"v\":1795410001}"},
    {false, "{payload.v: {lte: " TIME "}}", NULL, "{\"v\":\"soon\"}"},
    {true, "{target_id: {in: 5}}", "5.00", NULL},
    {false, "{target_id: 5}", "5.00", NULL},
    {true, "{target_id: {in: true}}", "t", NULL},
    {true, "{target_id: {in: true}}", "1", NULL},
    {true, "{target_id: {in: [7, false]}}", "false", NULL},
    {false, "{target_id: {in: true}}", "f", NULL},
    {true, "{payload.v: {in: true}}", NULL, "{\"v\":true}"},
    {false, "{payload.v: {in: true}}", NULL, "{\"v\":\"true\"}"},
    {true, "{payload.v: {in: [a, \"b*\"]}}", NULL, "{\"v\":\"bc\"}"},
    {false, "{payload.v: {not: [a, \"b*\"]}}", NULL, "{\"v\":\"bc\"}"},
    {true, "{payload.v: {not: [a, \"b*\"]}}", NULL, "{\"v\":7}"},
    {false, "{payload.v: {not: a}}", NULL, "{}"},
    {false, "{payload.v: {not: a}}", NULL, "{\"v\":null}"},
    {false, "{payload.v: {not: a}}", NULL, "{\"v\":[1]}"},
    {false, "{target_id: {not: a}}", NULL, NULL},
    {true, "{payload.v: {exists: true}}", NULL, "{\"v\":{\"w\":1}}"},
    {false, "{payload.v: {exists: true}}", NULL, "{\"v\":null}"},
    {true, "{payload.v: {exists: false}}", NULL, "{\"v\":null}"},
    {true, "{payload.v: {absent: true}}", NULL, NULL},
    {true, "{payload.v: {absent: true}}", NULL, "{\"v\":\"\\ud83d\"}"},
    {true, "{payload.v: {absent: true}}", NULL, "no JSON"},
    {true, "{target_id: {absent: true}}", NULL, NULL},
    {false, "{target_id: {absent: true}}", "a", NULL},
    {true, "{any: [{payload.v: 1}, {target_id: a}]}", "a", "{\"v\":2}"},
    {false, "{any: [{payload.v: 1}, {target_id: a}]}", "b", "{\"v\":2}"},
    {true, "{any: [{event_type: other}, {event_type: made, payload.v: 2}]}", NULL, "{\"v\":2}"},
    {false, "{any: [{event_type: other}, {event_type: made, payload.v: 1}]}", NULL, "{\"v\":2}"},
    {true, "{all: [{payload.v: {gt: 1}}, {any: [{payload.v: 2}, {payload.v: 3}]}]}", NULL,
     "{\"v\":2}"},
    {false, "{all: [{payload.v: {gt: 2}}, {any: [{payload.v: 2}, {payload.v: 3}]}]}", NULL,
     "{\"v\":2}"},
    {true, "{event_type: {not: other}}", NULL, NULL},
    {false, "{event_type: {not: [other, made]}}", NULL, NULL},
    {true, "{event_type: {gte: m, lt: n}}", NULL, NULL},
};

static void test_what_each_condition_admits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct match_case *c = &cases[i];
        char tile[256];
        struct fold_test t;
        snprintf(tile, sizeof tile, "  - {key: t, type: count, match: %s}\n", c->match);
        fold_test_init(&t, tile);
        fold_now(&t, "made", c->column, c->payload);
        if (strcmp(data_of(&t, "t"), c->fits ? "{\"value\":1}" : "{\"value\":0}") != 0) {
            fail_msg("case %zu: %s: %s, %s", i, c->match, c->column, c->payload);
        }
        fold_test_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_each_condition_admits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
