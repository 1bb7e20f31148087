/* SPDX-License-Identifier: Apache-2.0 */
/* top: the largest groups of a window, and what all others have together. */
#include "common/base/xalloc.h"
#include "common/codec/mp_patch.h"
#include "ingestor/fold/types/ranking.h"
#include "tests/ingestor/fold/fold_saved.h"
#include "tests/ingestor/fold/fold_unit.h"

static void test_groups_of_a_window(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: t, type: top, match: {event_type: seen}, item: target_id, rows: "
                       "2, window: 10s, unit: rows}\n");
    assert_string_equal(data_of(&t, "t"),
                        "{\"aggregate\":\"count\",\"top\":{},\"other\":0,\"approximate\":false,"
                        "\"groups\":0,\"unit\":\"rows\",\"window_ms\":10000}");
    fold_now(&t, "seen", "a", NULL);
    fold_now(&t, "seen", "b", NULL);
    fold_now(&t, "seen", "b", NULL);
    fold_now(&t, "other", "c", NULL);
    fold_now(&t, "seen", NULL, NULL);
    pass_ms(&t, 5000);
    fold_now(&t, "seen", "c", NULL);
    fold_at(&t, 90, -2000, "seen", "late", NULL);
    assert_string_equal(
        data_of(&t, "t"),
        "{\"aggregate\":\"count\",\"top\":{\"b\":2,\"a\":1},\"other\":2,\"approximate\":false,"
        "\"largest\":2,\"groups\":4,\"unit\":\"rows\",\"window_ms\":10000}");
    pass_ms(&t, 3100);
    assert_non_null(strstr(data_of(&t, "t"), "\"top\":{\"b\":2,\"a\":1},\"other\":1,"));
    pass_ms(&t, 2000);
    assert_non_null(strstr(data_of(&t, "t"), "\"top\":{\"c\":1},\"other\":0,"));
    pass_ms(&t, 5000);
    assert_non_null(strstr(data_of(&t, "t"), "\"top\":{},\"other\":0,"));
    fold_test_free(&t);
}

static void test_sums_of_a_field(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: t, type: top, item: payload.shop, aggregate: sum, value: "
                       "payload.v, rows: 2}\n");
    fold_now(&t, "sale", NULL, "{\"shop\":\"x\",\"v\":0.1}");
    fold_now(&t, "sale", NULL, "{\"shop\":\"x\",\"v\":0.2}");
    fold_now(&t, "sale", NULL, "{\"shop\":\"y\",\"v\":\"7\"}");
    fold_now(&t, "sale", NULL, "{\"shop\":\"z\",\"v\":-3}");
    fold_now(&t, "sale", NULL, "{\"shop\":5,\"v\":-1}");
    fold_now(&t, "sale", NULL, "{\"shop\":\"5\",\"v\":0.75}");
    fold_now(&t, "sale", NULL, "{\"shop\":\"y\",\"v\":\"none\"}");
    fold_now(&t, "sale", NULL, "{\"v\":1000}");
    assert_string_equal(
        data_of(&t, "t"),
        "{\"aggregate\":\"sum\",\"top\":{\"y\":7,\"x\":0.30000000000000004},\"other\":-3.25,"
        "\"approximate\":false,\"largest\":7,\"groups\":4}");
    fold_test_free(&t);
}

static void fold_groups(struct fold_test *t, int first, int count)
{
    char id[16];
    for (int i = first; i < first + count; i++) {
        snprintf(id, sizeof id, "i%d", i);
        fold_now(t, "seen", id, NULL);
    }
}

static void test_it_is_exact_again_when_groups_leave(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: t, type: top, item: target_id, rows: 1, window: 10s}\n");
    fold_groups(&t, 0, 1);
    fold_groups(&t, 0, RANKING_EXACT_MAX);
    assert_non_null(strstr(data_of(&t, "t"), "\"top\":{\"i0\":2},\"other\":1023,\"approximate\":"
                                             "false,\"largest\":2,\"groups\":1024,"));
    pass_ms(&t, 5000); /* Another slot, which is exact, too: as many as there are. */
    fold_groups(&t, 5000, 2);
    assert_non_null(
        strstr(data_of(&t, "t"), "\"approximate\":false,\"largest\":2,\"groups\":1026"));
    fold_at(&t, 99999, 0, "seen", "late", NULL);
    assert_non_null(strstr(data_of(&t, "t"), "\"other\":1026,\"approximate\":true,\"largest\":2,"
                                             "\"error\":1,"));
    pass_ms(&t, 5100);
    assert_non_null(strstr(data_of(&t, "t"), "\"top\":{\"i5000\":1},\"other\":1,\"approximate\":"
                                             "false,\"largest\":1,\"groups\":2,"));
    fold_test_free(&t);
}

static void test_what_is_saved_goes_on(void **state)
{
    (void)state;
    static const char text[] = "  - {key: many, type: top, item: target_id, rows: 5}\n"
                               "  - {key: few, type: top, item: event_type, window: 1h}\n";
    struct fold_test t;
    struct fold_test again;
    struct state_changes store = {0};
    fold_test_init(&t, text);
    fold_test_init(&again, text);
    fold_groups(&t, 0, 1500);
    fold_groups(&t, 700, 20);
    (void)save_into(&t, &store);
    (void)load_from(&again, &store);
    fold_groups(&t, 710, 1000);
    fold_groups(&again, 710, 1000);
    char *whole = x_strdup(data_of(&t, "many"));
    assert_non_null(strstr(whole, "\"approximate\":true"));
    assert_string_equal(data_of(&again, "many"), whole);
    assert_non_null(strstr(data_of(&again, "few"), "\"top\":{\"seen\":2520},\"other\":0,"));
    free(whole);
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&again);
}

/* The state of a tile that counted is none of one that sums up: its digest is another, too. */
static void test_another_aggregate_begins_anew(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test other;
    struct state_changes store = {0};
    fold_test_init(&t, "  - {key: t, type: top, item: target_id}\n");
    fold_test_init(&other, "  - {key: t, type: top, item: target_id, aggregate: sum, value: "
                           "payload.v}\n");
    fold_groups(&t, 0, 3);
    (void)save_into(&t, &store);
    (void)load_from(&other, &store);
    assert_non_null(strstr(data_of(&other, "t"), "\"groups\":0"));
    state_changes_free(&store);
    fold_test_free(&t);
    fold_test_free(&other);
}

/* A patch has the group that has changed, and not the others. */
static void test_a_row_is_a_small_patch(void **state)
{
    (void)state;
    struct fold_test t;
    struct mp_doc docs[2];
    struct buf values[2] = {{0}, {0}};
    struct buf patch = {0};
    fold_test_init(&t, "  - {key: t, type: top, item: target_id, rows: 50}\n");
    fold_groups(&t, 0, 50);
    for (size_t i = 0; i < 2; i++) {
        struct json_value *json;
        assert_int_equal(json_parse(str_of(data_of(&t, "t")), SIZE_MAX, &json), STATUS_OK);
        json_to_mp(&values[i], json);
        json_free(json);
        mp_doc_init(&docs[i]);
        assert_int_equal(mp_parse(&docs[i], values[i].data, values[i].len), STATUS_OK);
        fold_groups(&t, 7, 1);
    }
    assert_true(mp_count(mp_get(&docs[0].root, "top")) == 50);
    mp_diff(&patch, &docs[0].root, &docs[1].root);
    assert_true(patch.len < 30);
    for (size_t i = 0; i < 2; i++) {
        mp_doc_free(&docs[i]);
        buf_free(&values[i]);
    }
    buf_free(&patch);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_of_a_window),
        cmocka_unit_test(test_sums_of_a_field),
        cmocka_unit_test(test_it_is_exact_again_when_groups_leave),
        cmocka_unit_test(test_what_is_saved_goes_on),
        cmocka_unit_test(test_another_aggregate_begins_anew),
        cmocka_unit_test(test_a_row_is_a_small_patch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
