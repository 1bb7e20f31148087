/* SPDX-License-Identifier: Apache-2.0 */
/* Which groups have most: exactly, and by counters that are taken over. */
#include "ingestor/fold/types/ranking.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "tests/unit.h"

#define SHOWN 20

static void add(struct ranking *ranking, int group, double value)
{
    char name[16];
    const int len = snprintf(name, sizeof name, "g%05d", group);
    ranking_add(ranking, (struct str){name, (size_t)len}, number_of_real(value));
}

static int group_of(struct str name)
{
    char text[16] = "";
    memcpy(text, name.p, name.len);
    return atoi(text + 1);
}

static void assert_same(const struct ranking *a, const struct ranking *b)
{
    struct ranking_group x[SHOWN];
    struct ranking_group y[SHOWN];
    struct number rest_x;
    struct number rest_y;
    const size_t count = ranking_best(a, SHOWN, x, &rest_x);
    assert_int_equal(ranking_best(b, SHOWN, y, &rest_y), count);
    assert_true(number_equal(rest_x, rest_y));
    assert_int_equal(ranking_count(a), ranking_count(b));
    assert_true(ranking_error(a) == ranking_error(b));
    for (size_t i = 0; i < count; i++) {
        assert_true(str_equal(x[i].name, y[i].name) && number_equal(x[i].value, y[i].value));
    }
}

/* Numbers whose sum has no rounding, so that the model's is right. */
static double random_value(unsigned *seed)
{
    return (rand_r(seed) % 2000 - 300) / 4.0;
}

static void test_few_groups_are_exact_in_any_order(void **state)
{
    (void)state;
    for (int sums = 0; sums < 2; sums++) {
        struct ranking *forth = ranking_create(sums);
        struct ranking *back = ranking_create(sums);
        static double model[RANKING_EXACT_MAX];
        memset(model, 0, sizeof model);
        double total = 0;
        unsigned seed = 7;
        static int groups[20000];
        static double values[20000];
        for (int i = 0; i < 20000; i++) {
            groups[i] = i < RANKING_EXACT_MAX ? i : rand_r(&seed) % RANKING_EXACT_MAX;
            values[i] = random_value(&seed);
            model[groups[i]] += sums ? values[i] : 1;
            total += sums ? values[i] : 1;
            add(forth, groups[i], values[i]);
        }
        for (int i = 19999; i >= 0; i--) {
            add(back, groups[i], values[i]);
        }
        assert_same(forth, back);
        assert_false(ranking_approximates(forth));
        assert_true(ranking_error(forth) == 0);
        struct ranking_group best[SHOWN];
        struct number other;
        assert_int_equal(ranking_best(forth, SHOWN, best, &other), SHOWN);
        for (int i = 0; i < SHOWN; i++) {
            const int group = group_of(best[i].name);
            assert_true(best[i].value.value == model[group]);
            total -= model[group];
            model[group] = -DBL_MAX; /* shown */
        }
        for (int i = 0; i < RANKING_EXACT_MAX; i++) {
            assert_true(model[i] <= best[SHOWN - 1].value.value);
        }
        assert_true(other.value == total);
        ranking_destroy(&forth);
        ranking_destroy(&back);
    }
}

/* Groups of which few are large and thousands small, in parts that are added up, as in a window.
 * What is said of each is off by the error at most, which is not larger than it may be, and none
 * that is not said is larger by more. */
static void check_many(bool sums, unsigned seed)
{
    enum { GROUPS = 6000, ROWS = 30000, PARTS = 5 };
    static double model[GROUPS];
    memset(model, 0, sizeof model);
    double total = 0;
    double weight = 0;
    struct ranking *all = ranking_create(sums);
    for (int part = 0; part < PARTS; part++) {
        struct ranking *one = ranking_create(sums);
        const int groups = part == 0 ? 300 : GROUPS; /* The first is exact. */
        for (int i = 0; i < ROWS; i++) {
            const double place = (double)rand_r(&seed) / RAND_MAX;
            const int group = (int)((groups - 1) * place * place * place * place);
            const double value = random_value(&seed);
            model[group] += sums ? value : 1;
            total += sums ? value : 1;
            weight += sums ? fabs(value) : 1;
            add(one, group, value);
        }
        assert_int_equal(ranking_approximates(one), part != 0);
        ranking_add_all(all, one);
        ranking_destroy(&one);
    }
    struct ranking_group best[SHOWN];
    struct number other;
    const double error = ranking_error(all);
    assert_true(ranking_approximates(all) && error > 0 && error <= weight / RANKING_EXACT_MAX);
    assert_int_equal(ranking_best(all, SHOWN, best, &other), SHOWN);
    const double least = best[SHOWN - 1].value.value;
    for (int i = 0; i < SHOWN; i++) {
        const int group = group_of(best[i].name);
        assert_true(fabs(best[i].value.value - model[group]) <= error);
        total -= best[i].value.value;
        model[group] = -DBL_MAX;
    }
    assert_true(other.value == total);
    for (int i = 0; i < GROUPS; i++) {
        assert_true(model[i] <= least + error);
    }
    ranking_destroy(&all);
}

static void test_many_groups_are_within_the_error(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 10; seed++) {
        check_many(false, seed);
        check_many(true, seed);
    }
}

static void test_one_group_more_than_are_exact(void **state)
{
    (void)state;
    struct ranking *ranking = ranking_create(false);
    struct ranking_group best[3];
    struct number other;
    for (int i = 0; i < RANKING_EXACT_MAX; i++) {
        add(ranking, i, 0);
        add(ranking, i, 0);
    }
    add(ranking, 7, 0);
    assert_false(ranking_approximates(ranking));
    add(ranking, 5000, 0);
    assert_true(ranking_approximates(ranking));
    assert_true(ranking_error(ranking) == 2);
    assert_int_equal(ranking_best(ranking, 3, best, &other), 3);
    assert_true(str_is(best[0].name, "g00007") && str_is(best[1].name, "g05000"));
    assert_true(best[1].value.value == 3); /* 2 of them are another group's */
    assert_true(other.value == 2.0 * (RANKING_EXACT_MAX - 3));
    ranking_destroy(&ranking);
}

static void test_sums_that_no_double_holds(void **state)
{
    (void)state;
    struct ranking *part = ranking_create(true);
    struct ranking *ranking = ranking_create(true);
    struct ranking_group best[2];
    struct number other;
    add(part, 1, 1e300);
    add(part, 1, 0.5);
    add(part, 1, -1e300);
    add(part, 2, DBL_MAX);
    add(part, 2, DBL_MAX);
    add(part, 3, -DBL_MAX);
    add(part, 3, -DBL_MAX);
    add(part, 3, -1);
    ranking_add_all(ranking, part);
    ranking_add_all(ranking, part);
    assert_int_equal(ranking_best(ranking, 2, best, &other), 2);
    assert_true(best[0].value.value == DBL_MAX);
    assert_true(best[1].value.value == 1);
    assert_true(other.value == -DBL_MAX);
    ranking_destroy(&part);
    ranking_destroy(&ranking);
}

static void test_long_names_are_cut(void **state)
{
    (void)state;
    char name[RANKING_GROUP_MAX + 8];
    struct ranking *ranking = ranking_create(false);
    struct ranking_group best[2];
    struct number other;
    memset(name, 'x', sizeof name);
    memcpy(name + RANKING_GROUP_MAX - 1, "\xc3\xa4", 2); /* ä lies across the end */
    ranking_add(ranking, (struct str){name, sizeof name}, number_of_real(0));
    ranking_add(ranking, (struct str){name, sizeof name - 1}, number_of_real(0));
    ranking_add(ranking, STR(""), number_of_real(0));
    assert_int_equal(ranking_best(ranking, 2, best, &other), 2);
    assert_int_equal(best[0].name.len, RANKING_GROUP_MAX - 1);
    assert_true(best[0].value.value == 2);
    assert_int_equal(best[1].name.len, 0);
    ranking_destroy(&ranking);
}

static struct ranking *again(const struct ranking *ranking)
{
    struct buf saved = {0};
    struct mp_doc doc;
    ranking_save(ranking, &saved);
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, saved.data, saved.len), STATUS_OK);
    struct ranking *loaded = ranking_load(&doc.root);
    assert_non_null(loaded);
    mp_doc_free(&doc);
    buf_free(&saved);
    return loaded;
}

static void test_what_is_saved_goes_on(void **state)
{
    (void)state;
    for (int groups = 100; groups <= 4000; groups += 3900) {
        for (int sums = 0; sums < 2; sums++) {
            struct ranking *ranking = ranking_create(sums);
            unsigned seed = 3;
            for (int i = 0; i < 10000; i++) {
                add(ranking, rand_r(&seed) % groups, i % 50 == 0 ? 1e200 : random_value(&seed));
            }
            struct ranking *loaded = again(ranking);
            assert_same(ranking, loaded);
            for (int i = 0; i < 10000; i++) {
                const int group = rand_r(&seed) % groups;
                const double value = random_value(&seed);
                add(ranking, group, value);
                add(loaded, group, value);
            }
            assert_same(ranking, loaded);
            ranking_destroy(&ranking);
            ranking_destroy(&loaded);
        }
    }
}

static void test_what_is_damaged_is_not_loaded(void **state)
{
    (void)state;
    static const char *const damaged[] = {"1",
                                          "[]",
                                          "[false]",
                                          "[true,[\"a\",1,0]]",
                                          "[false,[\"a\",1]]",
                                          "[false,[1,1,0]]",
                                          "[false,[\"a\",0,0]]",
                                          "[false,[\"a\",1.5,0]]",
                                          "[false,[\"a\",1,2]]",
                                          "[false,[\"a\",1,-1]]",
                                          "[false,[\"a\",1,0],[\"a\",1,0]]",
                                          "[1,[\"a\",1,0]]",
                                          "[false,[\"a\",1,0],[\"b\",1,0,5]]",
                                          "[false,[\"a\",-1,0,5]]",
                                          "[false,[\"a\",1,0,\"x\"]]",
                                          "[false,\"a\"]"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct json_value *json;
        struct buf bytes = {0};
        struct mp_doc doc;
        assert_int_equal(json_parse(str_of(damaged[i]), SIZE_MAX, &json), STATUS_OK);
        json_to_mp(&bytes, json);
        json_free(json);
        mp_doc_init(&doc);
        assert_int_equal(mp_parse(&doc, bytes.data, bytes.len), STATUS_OK);
        struct ranking *ranking = ranking_load(&doc.root);
        if (ranking != NULL) {
            fail_msg("%s was loaded", damaged[i]);
        }
        mp_doc_free(&doc);
        buf_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_groups_are_exact_in_any_order),
        cmocka_unit_test(test_many_groups_are_within_the_error),
        cmocka_unit_test(test_one_group_more_than_are_exact),
        cmocka_unit_test(test_sums_that_no_double_holds),
        cmocka_unit_test(test_long_names_are_cut),
        cmocka_unit_test(test_what_is_saved_goes_on),
        cmocka_unit_test(test_what_is_damaged_is_not_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
