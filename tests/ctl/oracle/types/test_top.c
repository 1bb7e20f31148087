/* SPDX-License-Identifier: Apache-2.0 */
/* Which approximate data of a `top` the oracle allows: 1,100 groups, of which g0 has 30 rows, g1
 * has 20 and the others have one each. */
#include "common/codec/json.h"
#include "ctl/oracle/oracle.h"
#include "tests/unit.h"

#define GROUPS 1100
#define ROWS (GROUPS + 29 + 19)
#define START_US INT64_C(1795411920000000) /* 2026-11-23T05:32:00Z */

static const char text[] = "source: {uri: \"sqlite:x.db\"}\n"
                           "tiles:\n"
                           "  - {key: t, type: top, item: target_id, rows: 2}\n";

#define DATA(aggregate, top, other, largest, error, more)                                          \
    "{\"aggregate\":\"" aggregate "\",\"top\":{" top "},\"other\":" #other                         \
    ",\"largest\":" #largest ",\"error\":" #error ",\"approximate\":true" more "}"

static const struct {
    bool allowed;
    const char *data;
} cases[] = {
    {true, DATA("count", "\"g0\":30,\"g1\":20", 1098, 30, 1, "")},
    {true, DATA("count", "\"g0\":31,\"g1\":20", 1097, 31, 1, "")},
    {true, DATA("count", "\"g0\":30,\"g1\":20", 1098, 30, 0, "")},
    {false, DATA("count", "\"g0\":31,\"g1\":20", 1097, 31, 0, "")}, /* off by more than it says */
    {false, DATA("count", "\"g0\":32,\"g1\":20", 1096, 32, 1, "")},
    {false, DATA("count", "\"g0\":30,\"g1\":20", 1098, 30, 2, "")}, /* more than the error may be */
    {false, DATA("count", "\"g0\":31,\"g1\":20", 1098, 31, 1, "")}, /* one row too many */
    {false, DATA("count", "\"g0\":30,\"g7\":1", 1117, 30, 1, "")},  /* g1 is missing */
    {false, DATA("count", "\"g0\":30,\"h1\":1", 1117, 30, 1, "")},  /* no such group */
    {false, DATA("count", "\"g0\":30", 1118, 30, 1, "")},
    {false, DATA("count", "\"g0\":30,\"g1\":20", 1098, 20, 1, "")},
    {false, DATA("sum", "\"g0\":30,\"g1\":20", 1098, 30, 1, "")},
    {false, DATA("count", "\"g0\":30,\"g1\":20", 1098, 30, 1, ",\"groups\":1100")},
    {false, DATA("count", "\"g0\":30,\"g1\":20", 1098, 30, 1, ",\"x\":1")},
    {false, "{\"aggregate\":\"count\",\"top\":{\"g0\":30,\"g1\":20},\"other\":1098,\"largest\":30,"
            "\"groups\":1100,\"approximate\":false}"}, /* it is not asked of what is exact */
    {false, "{\"approximate\":true}"},
};

static void add_row(struct oracle_rows *rows, int64_t id, int group)
{
    char name[16];
    snprintf(name, sizeof name, "g%d", group);
    const struct event event = {.id = {.number = id},
                                .timestamp = {START_US},
                                .event_type = STR("seen"),
                                .target_id = str_of(name)};
    oracle_rows_add(rows, &event);
}

static bool allows(const struct oracle_members *members, const char *data, uint64_t last)
{
    static uint64_t ordinals[ROWS];
    struct json_value *json;
    struct buf bytes = {0};
    struct mp_doc doc;
    for (size_t i = 0; i < ROWS; i++) {
        ordinals[i] = i + 1;
    }
    assert_int_equal(json_parse(str_of(data), SIZE_MAX, &json), STATUS_OK);
    json_to_mp(&bytes, json);
    json_free(json);
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, bytes.data, bytes.len), STATUS_OK);
    const struct oracle_cut cut = {.ordinals = ordinals, .last = last, .at = {START_US}};
    const bool allowed = oracle_tile_allows(members, &members->list[0], &cut, &doc.root);
    mp_doc_free(&doc);
    buf_free(&bytes);
    return allowed;
}

static void test_what_is_allowed_and_what_is_not(void **state)
{
    (void)state;
    struct config *config;
    struct error err = {{0}};
    struct oracle_members members;
    assert_int_equal(config_parse(text, sizeof text - 1, "x", &config, &err), STATUS_OK);
    struct oracle_rows *rows = oracle_rows_create(config);
    for (int i = 0; i < ROWS; i++) {
        add_row(rows, i + 1, i < 30 ? 0 : i < 50 ? 1 : i - 48);
    }
    oracle_select(rows, &config->tiles[0], &members);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (allows(&members, cases[i].data, ROWS) != cases[i].allowed) {
            fail_msg("case %zu: %s", i, cases[i].data);
        }
    }
    /* Of 50 rows of two groups nothing is approximate. */
    assert_false(allows(&members, DATA("count", "\"g0\":30,\"g1\":20", 0, 30, 0, ""), 50));
    oracle_members_free(&members);
    oracle_rows_destroy(&rows);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_allowed_and_what_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
