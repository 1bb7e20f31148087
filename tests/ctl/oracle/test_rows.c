/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/rows.h"

#include "common/wire/tally.h"
#include "tests/unit.h"

static void test_rows_that_are_arranged_keep_all_that_is_theirs(void **state)
{
    (void)state;
    static const char yaml[] = "source: {uri: \"sqlite:x.db\"}\n"
                               "tiles: [{key: n, type: count, match: {actor_id: ada}}]\n";
    static const char *const types[] = {"c", "a", "b"};
    static const char *const ids[] = {"x", "y", "z"};
    static const size_t order[] = {1, 2, 0};
    struct config *config;
    struct error err;
    assert_int_equal(config_parse(yaml, strlen(yaml), "t.yaml", &config, &err), STATUS_OK);
    struct oracle_rows *rows = oracle_rows_create(config);
    for (size_t i = 0; i < 3; i++) {
        const struct event event = {.id = {.number = (int64_t)i * 5 + 1},
                                    .timestamp = {(int64_t)i},
                                    .event_type = str_of(types[i])};
        oracle_rows_add(rows, &event);
        oracle_rows_set_text(rows, str_of(ids[i]));
        oracle_rows_set_place(rows, i + 200, (int64_t)i + 300);
    }
    oracle_rows_arrange(rows, order);
    const size_t type = oracle_field(rows, &oracle_field_type);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(oracle_row_id(rows, i), i + 1);
        assert_int_equal(oracle_row_us(rows, i), order[i]);
        assert_int_equal(oracle_row_key(rows, i),
                         tally_id(event_id_of_text(str_of(ids[order[i]]))));
        assert_int_equal(oracle_row_stream(rows, i), order[i] + 200);
        assert_int_equal(oracle_row_offset(rows, i), order[i] + 300);
        assert_str(oracle_value(rows, oracle_cell(rows, i, type))->text, types[order[i]]);
    }
    oracle_rows_clear(rows);
    oracle_rows_arrange(rows, order); /* of none */
    oracle_rows_destroy(&rows);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_that_are_arranged_keep_all_that_is_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
