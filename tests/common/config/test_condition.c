/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in tests of a condition, and what is said about it. */
#include "common/config/condition.h"

#include "tests/common/config/tile_unit.h"

static void test_conditions_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: count, match: {payload.a: {}}}]",
         "1:50: tile \"t\": match.payload.a: expected a test such as {gt: 5}"},
        {TILE "type: count, match: {payload.a: {gr: 5}}}]",
         "1:51: tile \"t\": match.payload.a: \"gr\" is no test of a field; known are gt, gte, lt, "
         "lte, "
         "between, in, not, exists or absent"},
        {TILE "type: count, match: {payload.a: {gt: true}}}]",
         "1:55: tile \"t\": match.payload.a.gt: true and false have no order: expected a number, a "
         "time or a text"},
        {TILE "type: count, match: {payload.a: {between: 5}}}]",
         "1:60: tile \"t\": match.payload.a.between: expected the least and the greatest, such as "
         "[5, 10], but found \"5\""},
        {TILE "type: count, match: {payload.a: {between: [5, a]}}}]",
         "1:60: tile \"t\": match.payload.a.between: expected two numbers, two times or two texts"},
        {TILE "type: count, match: {payload.a: {between: [6, 5]}}}]",
         "1:60: tile \"t\": match.payload.a.between: the least comes first: 6 is above 5"},
        {TILE "type: count, match: {payload.a: {exists: 5}}}]",
         "1:59: tile \"t\": match.payload.a.exists: expected true or false, but found \"5\""},
        {TILE "type: count, match: {payload.a: {not: {gt: 5}}}}]",
         "1:56: tile \"t\": match.payload.a.not: expected a text (`*` stands for anything), a "
         "number, true or false, but found a map"},
        {TILE "type: count, match: {any: [a]}}]",
         "1:45: tile \"t\": match.any: expected a map such as {event_type: order.created}, but "
         "found \"a\""},
        {TILE "type: count, match: {any: [{}]}}]",
         "1:45: tile \"t\": match.any: expected at least one condition"},
    };
    REFUSED(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
