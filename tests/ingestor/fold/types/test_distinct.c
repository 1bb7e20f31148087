/* SPDX-License-Identifier: Apache-2.0 */
/* distinct: how many different values a field has, exactly or as an estimate. */
#include "common/base/xalloc.h"
#include "ingestor/fold/types/census.h"
#include "tests/ingestor/fold/fold_saved.h"
#include "tests/ingestor/fold/fold_unit.h"

static uint64_t hash_of(const char *prefix, int i)
{
    char text[32];
    const int len = snprintf(text, sizeof text, "%s%d", prefix, i);
    return census_hash((struct str){text, (size_t)len});
}

/* Values from first to last, or from last to first. */
static struct census *census_of(int first, int last)
{
    struct census *census = NULL;
    const int step = first <= last ? 1 : -1;
    for (int i = first; i != last + step; i += step) {
        census_add(&census, hash_of("value-", i));
        census_add(&census, hash_of("value-", i));
    }
    return census;
}

static void assert_same(const struct census *a, const struct census *b)
{
    struct buf left = {0};
    struct buf right = {0};
    census_save(a, &left);
    census_save(b, &right);
    assert_int_equal(left.len, right.len);
    assert_memory_equal(left.data, right.data, left.len);
    buf_free(&left);
    buf_free(&right);
}

static void test_few_are_exact_and_many_are_near(void **state)
{
    (void)state;
    assert_int_equal(census_count(NULL), 0);
    assert_false(census_estimates(NULL));
    for (int count = 1; count <= 300000; count = count * 4 / 3 + 1) {
        struct census *census = census_of(1, count);
        const double error = (double)census_count(census) / count - 1;
        assert_int_equal(census_estimates(census), count > CENSUS_EXACT_MAX);
        assert_true(count > CENSUS_EXACT_MAX ? error < 0.046 && error > -0.046 : error == 0);
        free(census);
    }
}

/* The standard error that the documentation states, of 200 estimates of different values each. */
static void test_the_standard_error_is_as_stated(void **state)
{
    (void)state;
    double squares = 0;
    double errors = 0;
    for (int round = 0; round < 200; round++) {
        struct census *census = census_of(20000 * round, 20000 * round + 9999);
        const double error = (double)census_count(census) / 10000 - 1;
        squares += error * error;
        errors += error;
        free(census);
    }
    assert_true(squares / 200 < 0.0135 * 0.0135 && squares / 200 > 0.007 * 0.007);
    assert_true(errors / 200 < 0.003 && errors / 200 > -0.003);
}

static void test_the_order_and_the_parts_do_not_matter(void **state)
{
    (void)state;
    static const int sizes[][2] = {{10, 20}, {600, 1024}, {600, 1025}, {3, 5000}, {4000, 9000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct census *whole = census_of(1, sizes[i][1]);
        struct census *back = census_of(sizes[i][1], 1);
        struct census *low = census_of(1, sizes[i][0] + 2);
        struct census *high = census_of(sizes[i][0], sizes[i][1]);
        struct census *both = NULL;
        assert_same(whole, back);
        census_add_all(&both, high);
        census_add_all(&both, NULL);
        census_add_all(&both, low);
        assert_same(whole, both);
        census_add_all(&low, high);
        assert_same(whole, low);
        free(whole);
        free(back);
        free(low);
        free(high);
        free(both);
    }
}

static void test_the_hash_stays_what_it_is(void **state)
{
    (void)state;
    /* It is in saved states. */
    assert_int_equal(census_hash(str_of("")), UINT64_C(8437669077406501));
    assert_int_equal(census_hash(str_of("ann")), UINT64_C(3903921084236446));
}

static void test_values_of_a_window(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: d, type: distinct, match: {event_type: seen}, item: target_id, "
                       "window: 10s, unit: users}\n");
    assert_string_equal(data_of(&t, "d"),
                        "{\"value\":0,\"estimate\":false,\"unit\":\"users\",\"window_ms\":10000}");
    fold_now(&t, "seen", "a", NULL);
    fold_now(&t, "seen", "b", NULL);
    fold_now(&t, "other", "c", NULL);
    fold_now(&t, "seen", NULL, NULL);
    pass_ms(&t, 5000);
    fold_now(&t, "seen", "a", NULL);
    fold_at(&t, 90, -2000, "seen", "late", NULL);
    assert_non_null(strstr(data_of(&t, "d"), "\"value\":3,"));
    pass_ms(&t, 3100);
    assert_non_null(strstr(data_of(&t, "d"), "\"value\":2,"));
    pass_ms(&t, 2000);
    assert_non_null(strstr(data_of(&t, "d"), "\"value\":1,"));
    pass_ms(&t, 5000);
    assert_non_null(strstr(data_of(&t, "d"), "\"value\":0,"));
    fold_test_free(&t);
}

static void test_texts_and_numbers_that_read_alike_are_one(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: d, type: distinct, item: payload.v}\n");
    fold_now(&t, "seen", NULL, "{\"v\":5}");
    fold_now(&t, "seen", NULL, "{\"v\":\"5\"}");
    fold_now(&t, "seen", NULL, "{\"v\":\"X\"}");
    fold_now(&t, "seen", NULL, "{\"v\":\"x\"}");
    fold_now(&t, "seen", NULL, "{\"v\":null}");
    fold_now(&t, "seen", NULL, "{\"v\":[5]}");
    fold_at(&t, 90, -2 * (START_US / US_PER_MS), "seen", NULL, "{\"v\":true}"); /* before 1970 */
    assert_string_equal(data_of(&t, "d"), "{\"value\":4,\"estimate\":false}");
    fold_test_free(&t);
}

static void fold_ids(struct fold_test *t, int first, int count)
{
    char id[16];
    for (int i = first; i < first + count; i++) {
        snprintf(id, sizeof id, "i%d", i);
        fold_now(t, "seen", id, NULL);
    }
}

static void test_an_estimate_is_exact_again_when_values_leave(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: d, type: distinct, item: target_id, window: 10s}\n");
    fold_ids(&t, 0, 1000);
    pass_ms(&t, 5000);
    fold_ids(&t, 990, 34);
    assert_non_null(strstr(data_of(&t, "d"), "\"value\":1024,\"estimate\":false,"));
    fold_ids(&t, 2000, 1);
    assert_non_null(strstr(data_of(&t, "d"), "\"estimate\":true,"));
    pass_ms(&t, 5100);
    assert_non_null(strstr(data_of(&t, "d"), "\"value\":35,\"estimate\":false,"));
    fold_test_free(&t);
}

static void test_what_is_saved_goes_on(void **state)
{
    (void)state;
    static const char text[] = "  - {key: d, type: distinct, item: target_id}\n"
                               "  - {key: few, type: distinct, item: event_type, window: 1h}\n";
    struct fold_test t;
    struct fold_test again;
    struct state_changes store = {0};
    fold_test_init(&t, text);
    fold_test_init(&again, text);
    fold_ids(&t, 0, 1500);
    (void)save_into(&t, &store);
    (void)load_from(&again, &store);
    fold_ids(&t, 1000, 1000);
    fold_ids(&again, 1000, 1000);
    char *whole = x_strdup(data_of(&t, "d"));
    assert_non_null(strstr(whole, "\"estimate\":true"));
    assert_string_equal(data_of(&again, "d"), whole);
    assert_non_null(strstr(data_of(&again, "few"), "\"value\":1,\"estimate\":false,"));
    free(whole);
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_are_exact_and_many_are_near),
        cmocka_unit_test(test_the_standard_error_is_as_stated),
        cmocka_unit_test(test_the_order_and_the_parts_do_not_matter),
        cmocka_unit_test(test_the_hash_stays_what_it_is),
        cmocka_unit_test(test_values_of_a_window),
        cmocka_unit_test(test_texts_and_numbers_that_read_alike_are_one),
        cmocka_unit_test(test_an_estimate_is_exact_again_when_values_leave),
        cmocka_unit_test(test_what_is_saved_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
