/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lease/lease_grant.h"

#include "tests/unit.h"

static void test_epochs_grow_whatever_the_clock_says(void **state)
{
    (void)state;
    assert_true(lease_epoch_after(0) > UINT64_C(1700000000000));
    assert_true(lease_epoch_after(UINT64_C(1) << 60) == (UINT64_C(1) << 60) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epochs_grow_whatever_the_clock_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
