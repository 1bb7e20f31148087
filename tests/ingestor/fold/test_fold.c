/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for all tile types. */

#include "tests/ingestor/fold/fold_random.h"

/* What a tile shows depends on the set of rows folded and on the time, not on the order in which
 * they came. */
static void test_any_order_gives_the_same(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    for (int round = 0; round < 40; round++) {
        struct fold_test straight;
        struct fold_test shuffled;
        fold_test_init(&straight, all_types);
        fold_test_init(&shuffled, all_types);
        unsigned seeds[200];
        int order[200];
        for (int i = 0; i < 200; i++) {
            seeds[i] = (unsigned)rand_r(&seed);
            order[i] = i;
        }
        for (int i = 199; i > 0; i--) {
            const int k = rand_r(&seed) % (i + 1);
            const int swap = order[i];
            order[i] = order[k];
            order[k] = swap;
        }
        for (int i = 0; i < 200; i++) {
            unsigned a = seeds[i];
            unsigned b = seeds[order[i]];
            straight.next_id = i + 1;
            shuffled.next_id = order[i] + 1;
            fold_random(&straight, &a);
            fold_random(&shuffled, &b);
        }
        pass_ms(&straight, 2000);
        pass_ms(&shuffled, 2000);
        assert_same(&straight, &shuffled);
        fold_test_free(&straight);
        fold_test_free(&shuffled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
