/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/lag.h"

#include <stdio.h>

#include "common/base/error.h"
#include "tests/unit.h"

static void test_the_furthest_behind_come_first(void **state)
{
    (void)state;
    struct lag lag = {0};
    lag_add(&lag, STR("a"), 0);
    lag_add(&lag, STR("b"), 7);
    lag_add(&lag, STR("c"), 9);
    lag_add(&lag, STR("d"), 7);
    assert_true(lag.known);
    assert_int_equal(lag.messages, 23);
    assert_int_equal(lag.behind, 3);
    assert_int_equal(lag.count, 4);
    const char *const expected[] = {"c", "b", "d", "a"};
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(lag.worst[i].name, expected[i]);
    }
}

static void test_names_are_bounded_and_the_sum_is_of_all(void **state)
{
    (void)state;
    struct lag lag = {0};
    char name[24];
    for (int i = 1; i <= 1000; i++) {
        const int len = snprintf(name, sizeof name, "t-%d", i);
        lag_add(&lag, (struct str){name, (size_t)len}, (uint64_t)((i * 3) % 1001));
    }
    assert_int_equal(lag.count, LAG_NAMES_MAX);
    assert_int_equal(lag.messages, 500500);
    assert_int_equal(lag.behind, 1000);
    for (unsigned i = 0; i < LAG_NAMES_MAX; i++) {
        assert_int_equal(lag.worst[i].messages, 1000 - i);
    }
    char longest[400];
    memset(longest, 'x', sizeof longest);
    lag_add(&lag, (struct str){longest, sizeof longest}, UINT32_MAX);
    assert_int_equal(strlen(lag.worst[0].name), LAG_NAME_MAX);
}

static void test_it_is_the_same_after_the_wire(void **state)
{
    (void)state;
    struct lag lag = {0};
    struct lag back;
    struct buf bytes = {0};
    struct mp_doc doc;
    lag_add(&lag, STR("orders-3"), 5);
    lag_add(&lag, STR("orders-1"), 0);
    lag.missing = 2;
    lag_put(&bytes, &lag);
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, bytes.data, bytes.len), STATUS_OK);
    lag_read(&doc.root, &back);
    assert_memory_equal(&back.worst[0].messages, &lag.worst[0].messages, sizeof(uint64_t));
    assert_string_equal(back.worst[0].name, "orders-3");
    assert_string_equal(back.worst[1].name, "orders-1");
    assert_int_equal(back.messages, 5);
    assert_int_equal(back.behind, 1);
    assert_int_equal(back.missing, 2);
    assert_true(back.known);
    lag_read(mp_get(&doc.root, "p"), &back);
    assert_false(back.known);
    lag_read(NULL, &back);
    assert_false(back.known);
    mp_doc_free(&doc);
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_furthest_behind_come_first),
        cmocka_unit_test(test_names_are_bounded_and_the_sum_is_of_all),
        cmocka_unit_test(test_it_is_the_same_after_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
