/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/lane.h"

#include <stdio.h>

#include "tests/unit.h"

static void test_a_family_shares_a_lane(void **state)
{
    (void)state;
    bool used[8] = {false};
    for (int i = 0; i < 200; i++) {
        char family[32];
        char member[32];
        snprintf(family, sizeof family, "tile.%d", i);
        snprintf(member, sizeof member, "tile.%d/eu%%20west", i);
        const unsigned lane = lane_of_key(str_of(family), 8);
        assert_int_equal(lane, lane_of_key(str_of(member), 8));
        used[lane] = true;
    }
    for (int i = 0; i < 8; i++) {
        assert_true(used[i]);
    }
    assert_int_equal(lane_of_key(str_of("x"), 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_family_shares_a_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
