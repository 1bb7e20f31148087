/* SPDX-License-Identifier: Apache-2.0 */
/* heatmap: what there is in each hour of each day of the week. */
#include "common/base/xalloc.h"
#include "tests/ingestor/fold/fold_saved.h"
#include "tests/ingestor/fold/fold_unit.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define WEEK_MS (7 * DAY_MS)

/* So many ms from the start, which is Monday 2026-11-23 at 5:32 UTC. */
static void at(struct fold_test *t, int64_t ms, const char *payload)
{
    fold_at(t, t->next_id++, ms, "seen", "a", payload);
}

static bool shows(struct fold_test *t, const char *key, const char *part)
{
    const char *data = data_of(t, key);
    const bool found = strstr(data, part) != NULL;
    if (!found) {
        print_message("%s is %s\n", key, data);
    }
    return found;
}

static void test_rows_go_to_the_hour_of_their_day(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: h, type: heatmap, match: {event_type: seen}, unit: rows}\n");
    assert_string_equal(data_of(&t, "h"),
                        "{\"aggregate\":\"count\",\"time_zone\":\"UTC\",\"week_starts\":\"monday\","
                        "\"cells\":{},\"unit\":\"rows\"}");
    at(&t, 0, NULL);
    at(&t, -32 * 60000, NULL);     /* 5:00 */
    at(&t, -32 * 60000 - 1, NULL); /* 4:59 */
    at(&t, -DAY_MS, NULL);         /* Sunday */
    at(&t, -5 * WEEK_MS, NULL);
    assert_string_equal(data_of(&t, "h"),
                        "{\"aggregate\":\"count\",\"time_zone\":\"UTC\",\"week_starts\":\"monday\","
                        "\"cells\":{\"monday\":{\"4\":1,\"5\":3},\"sunday\":{\"5\":1}},"
                        "\"largest\":3,\"unit\":\"rows\"}");
    fold_test_free(&t);
}

static void test_what_is_made_of_values(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t,
                   "  - {key: sum, type: heatmap, aggregate: sum, value: payload.v}\n"
                   "  - {key: avg, type: heatmap, aggregate: avg, value: payload.v}\n"
                   "  - {key: min, type: heatmap, aggregate: min, value: payload.v, window: 7d}\n"
                   "  - {key: max, type: heatmap, aggregate: max, value: payload.v}\n");
    at(&t, 0, "{\"v\":-3}");
    at(&t, -1000, "{\"v\":0.5}");
    at(&t, -2000, "{\"v\":\"none\"}"); /* no number */
    assert_true(shows(&t, "sum", "\"cells\":{\"monday\":{\"5\":-2.5}},\"largest\":-2.5"));
    assert_true(shows(&t, "avg", "{\"5\":-1.25}"));
    assert_true(shows(&t, "min", "{\"5\":-3}},\"largest\":-3,\"window_ms\":604800000"));
    assert_true(shows(&t, "max", "{\"5\":0.5}"));
    at(&t, -DAY_MS, "{\"v\":1e308}");
    at(&t, -DAY_MS, "{\"v\":1e308}"); /* too large a sum */
    assert_true(shows(&t, "sum", "\"cells\":{\"monday\":{\"5\":-2.5}},\"largest\":-2.5"));
    fold_test_free(&t);
}

static void test_each_hour_has_the_same_number_of_weeks(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: h, type: heatmap, window: 14d}\n");
    for (int week = 0; week < 5; week++) { /* Monday at 5, and Tuesday at 5 and at 6 */
        at(&t, -week * WEEK_MS, NULL);
        at(&t, DAY_MS - (week + 1) * WEEK_MS, NULL);
        at(&t, DAY_MS + HOUR_MS - (week + 1) * WEEK_MS, NULL);
    }
    assert_true(shows(&t, "h", "\"cells\":{\"monday\":{\"5\":2},\"tuesday\":{\"5\":2,\"6\":2}}"));
    pass_ms(&t, DAY_MS - 32 * 60000 - 1); /* Tuesday, just before 5 */
    assert_true(shows(&t, "h", "\"cells\":{\"monday\":{\"5\":2},\"tuesday\":{\"5\":2,\"6\":2}}"));
    pass_ms(&t, 1);
    assert_true(shows(&t, "h", "\"cells\":{\"monday\":{\"5\":2},\"tuesday\":{\"5\":1,\"6\":2}}"));
    at(&t, DAY_MS - 31 * 60000, NULL); /* is of the future yet */
    assert_true(shows(&t, "h", "\"tuesday\":{\"5\":1,\"6\":2}"));
    pass_ms(&t, 60000);
    assert_true(shows(&t, "h", "\"tuesday\":{\"5\":2,\"6\":2}"));
    at(&t, DAY_MS - 2 * WEEK_MS, NULL); /* late, and too old for an hour that has come */
    assert_true(shows(&t, "h", "\"tuesday\":{\"5\":2,\"6\":2}"));
    at(&t, DAY_MS + HOUR_MS - 2 * WEEK_MS, NULL); /* and not for one that has not */
    assert_true(shows(&t, "h", "\"tuesday\":{\"5\":2,\"6\":3}"));
    pass_ms(&t, 3 * WEEK_MS);
    assert_true(shows(&t, "h", "\"cells\":{},\"window_ms\":1209600000}"));
    fold_test_free(&t);
}

static void test_the_clock_of_the_zone_says_which_hour_it_is(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init_in(&t, ", time_zone: Europe/Berlin, week_starts: sunday",
                      "  - {key: h, type: heatmap}\n"
                      "  - {key: w, type: heatmap, window: 35d}\n");
    const int64_t back = -(29 * DAY_MS + 4 * HOUR_MS + 32 * 60000); /* 1:00 UTC of 25 October */
    at(&t, back - 1, NULL);                                         /* 2:59 in summer */
    at(&t, back, NULL);                                             /* 2:00 in winter */
    at(&t, 0, NULL);                                                /* Monday at 6:32 */
    assert_true(shows(&t, "h",
                      "\"time_zone\":\"Europe/Berlin\",\"week_starts\":\"sunday\","
                      "\"cells\":{\"sunday\":{\"2\":2},\"monday\":{\"6\":1}}"));
    assert_true(shows(&t, "w", "\"cells\":{\"sunday\":{\"2\":2},\"monday\":{\"6\":1}}"));
    fold_test_free(&t);

    fold_test_init_in(&t, ", time_zone: Asia/Kathmandu", "  - {key: h, type: heatmap}\n");
    at(&t, -18 * 60000, NULL); /* 5:14 is 10:59 */
    at(&t, -17 * 60000, NULL);
    assert_true(shows(&t, "h", "\"cells\":{\"monday\":{\"10\":1,\"11\":1}}"));
    fold_test_free(&t);
}

static void test_it_is_kept(void **state)
{
    (void)state;
    static const char text[] =
        "  - {key: h, type: heatmap, window: 14d}\n"
        "  - {key: s, type: heatmap, aggregate: sum, value: payload.v, window: 7d}\n"
        "  - {key: ever, type: heatmap, aggregate: avg, value: payload.v}\n";
    struct fold_test t;
    struct fold_test back;
    struct state_changes store = {0};
    fold_test_init(&t, text);
    for (int i = 0; i < 400; i++) {
        at(&t, -i * HOUR_MS, i % 2 != 0 ? "{\"v\":0.1}" : "{\"v\":1e17}");
    }
    save_into(&t, &store);
    fold_test_init(&back, text);
    back.now = t.now;
    (void)load_from(&back, &store);
    static const char *const keys[] = {"h", "s", "ever"};
    for (int later = 0; later < 3; later++) { /* another hour, and another week */
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            fold_republish(t.fold);
            fold_republish(back.fold);
            char *want = x_strdup(data_of(&t, keys[i]));
            assert_string_equal(data_of(&back, keys[i]), want);
            free(want);
        }
        pass_ms(&t, later == 0 ? HOUR_MS : WEEK_MS);
        pass_ms(&back, later == 0 ? HOUR_MS : WEEK_MS);
    }
    fold_test_free(&t);
    fold_test_free(&back);
    state_changes_free(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_go_to_the_hour_of_their_day),
        cmocka_unit_test(test_what_is_made_of_values),
        cmocka_unit_test(test_each_hour_has_the_same_number_of_weeks),
        cmocka_unit_test(test_the_clock_of_the_zone_says_which_hour_it_is),
        cmocka_unit_test(test_it_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
