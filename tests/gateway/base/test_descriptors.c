/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "gateway/base/descriptors.h"

static void both_kinds_get_their_share(void **state)
{
    (void)state;
    const struct descriptors tight = descriptors_share(20000, 20000);
    assert_int_equal(tight.streams, 14952);
    assert_int_equal(tight.streams + tight.connections + DESCRIPTORS_SPARE, 20000);
    const struct descriptors ample = descriptors_share(100000, 20000);
    assert_int_equal(ample.streams, 20000);
    assert_int_equal(ample.streams + ample.connections + DESCRIPTORS_SPARE, 100000);
}

static void odd_limits_do_no_harm(void **state)
{
    (void)state;
    const struct descriptors few = descriptors_share(10, 20000);
    assert_int_equal(few.streams, 144);
    assert_int_equal(few.connections, 48);
    const struct descriptors unlimited = descriptors_share(SIZE_MAX, 1);
    assert_int_equal(unlimited.streams, 1);
    assert_true(unlimited.connections <= 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_get_their_share),
        cmocka_unit_test(odd_limits_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
