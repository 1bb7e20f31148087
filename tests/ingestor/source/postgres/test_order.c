/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/postgres/order.h"

#include "tests/unit.h"

static void test_nothing_late_means_ids(void **state)
{
    (void)state;
    struct order order = {0};
    assert_int_equal(order_of(&order, 42), 42);
    order_free(&order);
}

/* 101, 103, then 102 late, then 104: the places 101, 103, 104, 105. */
static void test_a_late_row_moves_what_follows(void **state)
{
    (void)state;
    struct order order = {0};
    order_late(&order, 102, 104, 103, 1);
    assert_int_equal(order_of(&order, 101), 101);
    assert_int_equal(order_of(&order, 103), 103);
    assert_int_equal(order_of(&order, 102), 104);
    assert_int_equal(order_of(&order, 104), 105);
    order_free(&order);
}

/* What is kept gives each of the newest rows its place, through saving and forgetting, and across
 * gaps in the ids. */
static void test_random_deliveries(void **state)
{
    (void)state;
    unsigned seed = seed_of_run();
    for (int round = 0; round < 100; round++) {
        enum { IDS = 400, KEPT = 100 };
        uint64_t truth[IDS + 1] = {0};
        uint64_t places[IDS];
        size_t delivered = 0;
        struct order order = {0};
        int64_t waiting[IDS];
        size_t waiting_count = 0;
        uint64_t offset = 0;
        uint64_t last = 0;
        for (int64_t id = 1; id <= IDS; id++) {
            if (rand_r(&seed) % 5 == 0 && id != IDS) {
                waiting[waiting_count++] = id;
                continue;
            }
            truth[id] = last = (uint64_t)id + offset;
            places[delivered++] = last;
            order.delivered++;
            while (waiting_count != 0 && rand_r(&seed) % 4 == 0) {
                const size_t i = (size_t)rand_r(&seed) % waiting_count;
                last += rand_r(&seed) % 8 == 0 ? 1000U : 1U;
                truth[waiting[i]] = last;
                places[delivered++] = last;
                order.delivered++;
                offset = last - (uint64_t)id;
                order_late(&order, waiting[i], last, id, offset);
                waiting[i] = waiting[--waiting_count];
            }
            order_forget(&order, KEPT);
        }
        struct buf bytes = {0};
        struct mp_doc doc;
        struct order back = {0};
        order_save(&order, &bytes);
        mp_doc_init(&doc);
        assert_int_equal(mp_parse(&doc, bytes.data, bytes.len), 0);
        assert_true(order_load(&back, &doc.root));
        const uint64_t oldest = delivered > KEPT ? places[delivered - KEPT] : 1;
        assert_true(back.forgotten < oldest);
        for (int64_t id = 1; id <= IDS; id++) {
            if (truth[id] >= oldest) {
                assert_int_equal(order_of(&back, id), truth[id]);
            }
        }
        assert_true(order.late_count <= KEPT);
        mp_doc_free(&doc);
        buf_free(&bytes);
        order_free(&back);
        order_free(&order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_late_means_ids),
        cmocka_unit_test(test_a_late_row_moves_what_follows),
        cmocka_unit_test(test_random_deliveries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
