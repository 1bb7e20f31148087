/* SPDX-License-Identifier: Apache-2.0 */
/* presence: when each item was last heard of, and whether it is so steadily. */
#include "ingestor/fold/types/items.h"
#include "tests/ingestor/fold/fold_saved.h"
#include "tests/ingestor/fold/fold_unit.h"

#define SEEN "  - {key: p, type: presence, match: {event_type: beat}, item: target_id, late: 10s"

static void test_an_item_turns_as_time_passes(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SEEN ", missing: 30s, forget: 1m}\n");
    assert_string_equal(data_of(&t, "p"), "{\"up\":0,\"late\":0,\"missing\":0,\"worst\":[]}");
    fold_now(&t, "beat", "a", NULL);
    fold_now(&t, "other", "b", NULL);
    fold_now(&t, "beat", NULL, NULL);
    assert_string_equal(data_of(&t, "p"), "{\"up\":1,\"late\":0,\"missing\":0,\"worst\":[]}");
    pass_ms(&t, 9999);
    assert_non_null(strstr(data_of(&t, "p"), "{\"up\":1,"));
    pass_ms(&t, 1);
    assert_string_equal(data_of(&t, "p"),
                        "{\"up\":0,\"late\":1,\"missing\":0,\"worst\":[{\"id\":\"a\",\"state\":"
                        "\"late\",\"seen_at\":\"2026-11-23T05:32:00.000Z\"}]}");
    pass_ms(&t, 20000);
    assert_non_null(strstr(data_of(&t, "p"), "{\"up\":0,\"late\":0,\"missing\":1,\"worst\":"
                                             "[{\"id\":\"a\",\"state\":\"missing\","));
    pass_ms(&t, 29999);
    assert_non_null(strstr(data_of(&t, "p"), "\"missing\":1,"));
    pass_ms(&t, 1);
    assert_string_equal(data_of(&t, "p"), "{\"up\":0,\"late\":0,\"missing\":0,\"worst\":[]}");
    fold_now(&t, "beat", "a", NULL); /* without steady it is up at once */
    assert_non_null(strstr(data_of(&t, "p"), "{\"up\":1,"));
    fold_test_free(&t);
}

static void test_what_flaps_stays_late(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SEEN ", missing: 30s, steady: 20s}\n");
    fold_now(&t, "beat", "a", NULL);
    assert_non_null(strstr(data_of(&t, "p"), "{\"up\":1,")); /* it never was away */
    for (int i = 0; i < 5; i++) {
        pass_ms(&t, 12000);
        assert_non_null(strstr(data_of(&t, "p"), "\"state\":\"late\""));
        fold_now(&t, "beat", "a", NULL);
        assert_non_null(strstr(data_of(&t, "p"), "{\"up\":0,\"late\":1,"));
        assert_non_null(strstr(data_of(&t, "p"), "\"state\":\"returning\""));
        pass_ms(&t, 5000);
        fold_now(&t, "beat", "a", NULL);
    }
    pass_ms(&t, 9000);
    fold_now(&t, "beat", "a", NULL);
    pass_ms(&t, 5999);
    assert_non_null(strstr(data_of(&t, "p"), "{\"up\":0,\"late\":1,"));
    pass_ms(&t, 1); /* no row comes: 5 + 9 + 6 s behind its return */
    assert_string_equal(data_of(&t, "p"), "{\"up\":1,\"late\":0,\"missing\":0,\"worst\":[]}");
    fold_test_free(&t);
}

static void test_a_row_that_was_held_up_fills_the_gap(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SEEN ", steady: 1m}\n");
    fold_now(&t, "beat", "a", NULL);
    pass_ms(&t, 15000);
    fold_at(&t, 2, 15000, "beat", "a", NULL);
    assert_non_null(strstr(data_of(&t, "p"), "\"state\":\"returning\""));
    fold_at(&t, 3, 7000, "beat", "a", NULL);
    assert_string_equal(data_of(&t, "p"), "{\"up\":1,\"late\":0,\"missing\":0,\"worst\":[]}");
    fold_test_free(&t);
}

static void test_the_worst_come_first(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, SEEN ", missing: 30s, steady: 1m}\n");
    pass_ms(&t, 100000);
    static const struct {
        const char *id;
        int64_t at_ms;
    } rows[] = {{"up", 95000}, {"r2", 50000}, {"r2", 96000}, {"r1", 10000}, {"r1", 94000},
                {"l", 89000},  {"m2", 50000}, {"m1", 50000}, {"m0", 40000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fold_at(&t, (int64_t)i + 1, rows[i].at_ms, "beat", rows[i].id, NULL);
    }
    const char *data = data_of(&t, "p");
    static const char *const order[] = {"m0", "m1", "m2", "\"l\"", "r1"};
    const char *at = data;
    assert_non_null(strstr(data, "{\"up\":1,\"late\":3,\"missing\":3,"));
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
    }
    assert_null(strstr(data, "r2")); /* there are five */
    fold_test_free(&t);
}

/* ---- Beside a model ---- */

#define ROWS 60

static int by_time(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* What the item is at that moment, by all its rows: u, r, l, m or -. */
static char model(int64_t *rows, size_t count, int64_t now)
{
    qsort(rows, count, sizeof *rows, by_time);
    size_t first = count - 1;
    while (first > 0 && rows[first] - rows[first - 1] < 10000) {
        first--;
    }
    const int64_t silent = now - rows[count - 1];
    return silent >= 90000                                       ? '-'
           : silent >= 30000                                     ? 'm'
           : silent >= 10000                                     ? 'l'
           : rows[first] != rows[0] && now - rows[first] < 35000 ? 'r'
                                                                 : 'u';
}

static char shown(struct fold_test *t)
{
    const char *data = data_of(t, "p");
    return strstr(data, "\"returning\"") != NULL   ? 'r'
           : strstr(data, "\"late\":1") != NULL    ? 'l'
           : strstr(data, "\"missing\":1") != NULL ? 'm'
           : strstr(data, "\"up\":1") != NULL      ? 'u'
                                                   : '-';
}

/* Rows up to two minutes late, so that gaps are filled which were forgotten already. */
static void test_in_whatever_order_rows_come(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 300; round++) {
        struct fold_test t;
        int64_t rows[ROWS];
        int64_t now = 130000;
        fold_test_init(&t, SEEN ", missing: 30s, forget: 90s, steady: 35s}\n");
        pass_ms(&t, now);
        for (size_t count = 0; count < ROWS;) {
            seed = seed * 1103515245U + 12345U;
            const int64_t step = (seed >> 16) % 16000;
            pass_ms(&t, step);
            now += step;
            seed = seed * 1103515245U + 12345U;
            const bool late = (seed >> 16) % 3 == 0;
            seed = seed * 1103515245U + 12345U;
            rows[count] = now - (late ? (int64_t)((seed >> 16) % 120000) : 0);
            fold_at(&t, (int64_t)count + 1, rows[count], "beat", "a", NULL);
            count++;
            assert_int_equal(shown(&t), model(rows, count, now));
        }
        fold_test_free(&t);
    }
}

static void test_what_is_saved_goes_on(void **state)
{
    (void)state;
    static const char text[] = SEEN ", missing: 30s, forget: 1m, steady: 20s}\n";
    struct fold_test t;
    struct fold_test again;
    struct state_changes store = {0};
    fold_test_init(&t, text);
    fold_test_init(&again, text);
    pass_ms(&t, 100000);
    fold_at(&t, 1, 99000, "beat", "up", NULL);
    fold_at(&t, 2, 60000, "beat", "back", NULL);
    fold_at(&t, 3, 95000, "beat", "back", NULL);
    fold_at(&t, 4, 20000, "beat", "forgotten", NULL);
    (void)save_into(&t, &store);
    (void)load_from(&again, &store);
    pass_ms(&again, 100000);
    assert_string_equal(data_of(&again, "p"),
                        "{\"up\":1,\"late\":1,\"missing\":0,\"worst\":[{\"id\":\"back\",\"state\":"
                        "\"returning\",\"seen_at\":\"2026-11-23T05:33:35.000Z\"}]}");
    fold_at(&again, 5, 69000, "beat", "back", NULL);
    fold_at(&again, 6, 78000, "beat", "back", NULL);
    fold_at(&again, 7, 87000, "beat", "back", NULL); /* now it never was away */
    fold_at(&again, 8, 99000, "beat", "forgotten", NULL);
    assert_non_null(strstr(data_of(&again, "p"), "{\"up\":2,\"late\":1,\"missing\":0,\"worst\":"
                                                 "[{\"id\":\"forgotten\","));
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&again);
}

static void test_only_so_many_are_remembered(void **state)
{
    (void)state;
    struct fold_test t;
    char id[16];
    fold_test_init(&t, SEEN ", missing: 30s, forget: 1m, steady: 20s}\n");
    for (int i = 0; i < ITEMS_CLOSED_MAX + 10; i++) {
        snprintf(id, sizeof id, "i%d", i);
        fold_now(&t, "beat", id, NULL);
    }
    assert_non_null(strstr(data_of(&t, "p"), "{\"up\":100010,"));
    pass_ms(&t, 100000);
    assert_non_null(strstr(data_of(&t, "p"), "{\"up\":0,\"late\":0,\"missing\":0,"));
    size_t back = 0;
    for (int i = 0; i < ITEMS_CLOSED_MAX + 10; i++) {
        snprintf(id, sizeof id, "i%d", i);
        fold_now(&t, "beat", id, NULL);
    }
    /* Those that were forgotten for good are new, and up; the others were away. */
    back = (size_t)strtoul(strstr(data_of(&t, "p"), "\"late\":") + 7, NULL, 10);
    assert_int_equal(back, ITEMS_CLOSED_MAX);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_item_turns_as_time_passes),
        cmocka_unit_test(test_what_flaps_stays_late),
        cmocka_unit_test(test_a_row_that_was_held_up_fills_the_gap),
        cmocka_unit_test(test_the_worst_come_first),
        cmocka_unit_test(test_in_whatever_order_rows_come),
        cmocka_unit_test(test_what_is_saved_goes_on),
        cmocka_unit_test(test_only_so_many_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
