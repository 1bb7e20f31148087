/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lease/lease_watch.h"

#include "tests/unit.h"

#define SECOND(s) ((boot_time){(s)*US_PER_S})

static void test_what_a_standby_sees(void **state)
{
    (void)state;
    struct lease_watch watch = {0};
    assert_true(lease_watch_expired(&watch, 0, 0, SECOND(100))); /* there is no lease */
    assert_false(lease_watch_expired(&watch, 1, 7, SECOND(100)));
    assert_false(lease_watch_expired(&watch, 1, 7, SECOND(101)));
    assert_false(lease_watch_expired(&watch, 1, 7, SECOND(102)));
    assert_true(lease_watch_expired(&watch, 1, 7, boot_add_ms(SECOND(102), 500)));
    assert_false(lease_watch_expired(&watch, 1, 8, SECOND(103))); /* it renewed */
    assert_false(lease_watch_expired(&watch, 2, 8, SECOND(104))); /* it is another one */
    assert_false(lease_watch_expired(&watch, 2, 8, SECOND(106))); /* it did not look in between */
    assert_false(lease_watch_expired(&watch, 2, 8, SECOND(107)));
    lease_watch_forget(&watch); /* the database was down: it could not renew */
    assert_false(lease_watch_expired(&watch, 2, 8, SECOND(108)));
    assert_false(lease_watch_expired(&watch, 2, 8, SECOND(3600)));
    assert_false(lease_watch_expired(&watch, 2, 8, SECOND(3601)));
    assert_true(lease_watch_expired(&watch, 2, 8, SECOND(3602)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_standby_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
