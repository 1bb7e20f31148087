/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/change_order.h"

#include "tests/unit.h"

#define THINGS 300

/* What has changed since any moment is what a plain list of the last changes says. */
static void test_random_changes(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    struct change_order order = {0};
    uint64_t changes[THINGS] = {0}; /* 0: it is not there */
    assert_null(change_order_next(&order, 0));
    for (int round = 0; round < 20000; round++) {
        uint64_t *change = &changes[(unsigned)rand_r(&seed) % THINGS];
        if (*change != 0 && rand_r(&seed) % 4 == 0) {
            change_order_leave(&order, *change, change);
            *change = 0;
        } else {
            *change = change_order_append(&order, *change, change);
            assert_true(*change == order.last);
        }
        if (round % 500 != 0) {
            continue;
        }
        const uint64_t after = (uint64_t)rand_r(&seed) % (order.last + 1);
        size_t wanted = 0;
        for (size_t i = 0; i < THINGS; i++) {
            wanted += changes[i] > after;
        }
        uint64_t last = after;
        for (const uint64_t *next; (next = change_order_next(&order, last)) != NULL; wanted--) {
            assert_true(*next > last);
            last = *next;
        }
        assert_int_equal(wanted, 0);
        assert_true(order.count <= 2 * THINGS + 128); /* holes are closed up */
    }
    change_order_free(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
