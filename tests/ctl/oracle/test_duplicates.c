/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle's own reading of `source.dedupe`, as docs/sources.md has it. */
#include "ctl/oracle/duplicates.h"

#include <stdio.h>

#include "tests/unit.h"

#define START_US INT64_C(1795411920000000)
#define ROWS_MAX 16

struct given {
    const char *name; /* NULL: none */
    int64_t at_s;
    uint64_t ordinal;
    uint64_t stream;
    int64_t offset;
};

/* One letter a row: `1` counts, `0` is a duplicate, and `?` behind it when that is doubtful. */
static void expect(const struct given *given, size_t count, bool sure, const char *wanted)
{
    static const char text[] = "source: {uri: \"sqlite:x.db\", dedupe: payload.event_id}\n";
    struct config *config;
    struct error err = {{0}};
    char marks[2 * ROWS_MAX + 1] = {0};
    uint64_t ordinals[ROWS_MAX];
    assert_int_equal(config_parse(text, sizeof text - 1, "x", &config, &err), STATUS_OK);
    struct oracle_rows *rows = oracle_rows_create(config);
    for (size_t i = 0; i < count; i++) {
        char payload[64];
        snprintf(payload, sizeof payload, "{\"event_id\":\"%s\"}",
                 given[i].name != NULL ? given[i].name : "");
        const struct event event = {.id = {.number = (int64_t)i + 1},
                                    .timestamp = {START_US + given[i].at_s * US_PER_S},
                                    .event_type = STR("x"),
                                    .payload = given[i].name != NULL ? str_of(payload) : STR_NULL};
        oracle_rows_add(rows, &event);
        oracle_rows_set_place(rows, given[i].stream, given[i].offset);
        ordinals[i] = given[i].ordinal;
    }
    struct oracle_duplicates found = oracle_duplicates_find(rows, ordinals, sure);
    for (size_t i = 0; i < count; i++) {
        strcat(marks, found.left_out[i] ? "0" : "1");
        strcat(marks, found.doubtful[i] ? "?" : "");
        assert_int_equal(found.named[i], given[i].name != NULL && given[i].name[0] != '\0');
    }
    assert_string_equal(marks, wanted);
    oracle_duplicates_free(&found);
    oracle_rows_destroy(&rows);
    config_destroy(&config);
}

#define EXPECT(rows, sure, wanted) expect(rows, sizeof(rows) / sizeof *(rows), sure, wanted)

static void test_the_first_counts(void **state)
{
    (void)state;
    static const struct given rows[] = {{"a", 0, 1, 0, 0},  {"b", 0, 2, 0, 0},  {"a", 9, 3, 0, 0},
                                        {NULL, 0, 4, 0, 0}, {NULL, 0, 5, 0, 0}, {"", 0, 6, 0, 0},
                                        {"", 0, 7, 0, 0},   {"a", -9, 8, 0, 0}};
    EXPECT(rows, true, "11011110");
}

static void test_the_window(void **state)
{
    (void)state;
    static const struct given far[] = {
        {"a", 0, 1, 0, 0}, {"a", 3600, 2, 0, 0}, {"a", 3601, 3, 0, 0}};
    EXPECT(far, true, "101");
    static const struct given passed[] = {{"a", 0, 1, 0, 0},    {"b", 9000, 2, 0, 0},
                                          {"a", 0, 3, 0, 0},    {"c", 9000, 4, 0, 0},
                                          {"d", 9000, 5, 0, 0}, {"a", 0, 6, 0, 0}};
    EXPECT(passed, true, "110111");
}

static void test_rows_that_the_log_has_count(void **state)
{
    (void)state;
    /* The second was committed before the first. */
    static const struct given late[] = {{"a", 0, 0, 0, 0}, {"a", 1, 12, 0, 0}, {"b", 1, 13, 0, 0}};
    EXPECT(late, false, "0?11");
    static const struct given old[] = {{"a", 0, 0, 0, 0}, {"a", 1, 0, 0, 0}, {"b", 1, 0, 0, 0}};
    EXPECT(old, false, "1?0?1");
}

static void test_what_is_not_delivered_yet_comes_last(void **state)
{
    (void)state;
    static const struct given rows[] = {
        {"a", 0, UINT64_MAX, 0, 0}, {"a", 1, 7, 0, 0}, {"b", 2, UINT64_MAX, 0, 0}};
    EXPECT(rows, false, "0?11");
}

static void test_streams_are_merged_by_time(void **state)
{
    (void)state;
    /* In the second stream `a` came first; and a time that goes back leaves a stream in order. */
    static const struct given rows[] = {
        {"a", 10, 0, 1, 1}, {"c", 5, 0, 1, 2}, {"a", 8, 0, 2, 1}, {"b", 11, 0, 2, 2}};
    EXPECT(rows, false, "0?11?1");
    static const struct given back[] = {{"a", 10, 0, 1, 1}, {"a", 5, 0, 1, 2}};
    EXPECT(back, false, "1?0?");
    /* Rows come in the order of their ids as texts: 10 before 9. */
    static const struct given texts[] = {{"a", 0, 0, 1, 10}, {"a", 0, 0, 1, 9}};
    EXPECT(texts, false, "0?1?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_counts),
        cmocka_unit_test(test_the_window),
        cmocka_unit_test(test_rows_that_the_log_has_count),
        cmocka_unit_test(test_what_is_not_delivered_yet_comes_last),
        cmocka_unit_test(test_streams_are_merged_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
