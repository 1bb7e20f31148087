/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/fnv.h"

#include "tests/unit.h"

/* Test vectors of draft-eastlake-fnv. */
static void test_known_values(void **state)
{
    (void)state;
    assert_true(fnv1a(FNV_BEGIN, STR("")) == UINT64_C(0xcbf29ce484222325));
    assert_true(fnv1a(FNV_BEGIN, STR("a")) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(fnv1a(FNV_BEGIN, STR("foobar")) == UINT64_C(0x85944171f73967e8));
    assert_true(fnv1a(fnv1a(FNV_BEGIN, STR("foo")), STR("bar")) == fnv1a(FNV_BEGIN, STR("foobar")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
