/* SPDX-License-Identifier: Apache-2.0 */
/* Where in headers credentials are. */
#include "gateway/auth/credentials.h"

#include "common/base/error.h"
#include "gateway/auth/groups.h"
#include "tests/unit.h"

static void test_bearer_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *token; /* NULL: another scheme */
    } cases[] = {
        {"Bearer abc", "abc"},      {"bearer  abc ", "abc"},
        {" BEARER a.b.c", "a.b.c"}, {"Bearer", NULL},
        {"Bearer ", NULL},          {"Basic abc", NULL},
        {"Bearerabc def", NULL},    {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str token = STR_NULL;
        assert_int_equal(credentials_bearer(str_of(cases[i].text), &token), cases[i].token != NULL);
        assert_true(cases[i].token == NULL ? token.p == NULL : str_is(token, cases[i].token));
    }
}

static void test_the_cookie_is_found_among_others(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t count;
        const char *token;
    } cases[] = {
        {"__Host-tilewire=abc", 1, "abc"},
        {"a=b; __Host-tilewire=a.b.c; d=e", 1, "a.b.c"},
        {"a=b;__Host-tilewire=;d=e", 1, ""},
        {"__Host-tilewire=a; __Host-tilewire=b", 2, "b"},
        {"__host-tilewire=a; x__Host-tilewire=b; __Host-tilewire2=c; tilewire=d", 0, NULL},
        {"__Host-tilewire", 0, NULL},
        {"a=__Host-tilewire=b", 0, NULL},
        {";;;", 0, NULL},
        {"", 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str token = STR_NULL;
        assert_int_equal(credentials_cookie(str_of(cases[i].line), &token), cases[i].count);
        assert_true(cases[i].token == NULL ? token.p == NULL : str_is(token, cases[i].token));
    }
}

static void test_groups_come_from_names_and_from_json(void **state)
{
    (void)state;
    struct groups groups = {0};
    struct json_value *json = NULL;
    groups_add_names(&groups, STR(" ops, ,support team ,,x"));
    assert_int_equal(groups.count, 3);
    assert_str(groups.list[1], "support team");
    groups_add_names(&groups, STR(""));
    assert_int_equal(json_parse(STR("[\"a\",1,null,[\"b\"],\"c,d\"]"), 100, &json), STATUS_OK);
    groups_add_json(&groups, json);
    assert_int_equal(groups.count, 5);
    assert_str(groups.list[4], "c,d");
    groups_add_json(&groups, NULL);
    assert_int_equal(groups.count, 5);
    json_free(json);
    groups_free(&groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bearer_tokens),
        cmocka_unit_test(test_the_cookie_is_found_among_others),
        cmocka_unit_test(test_groups_come_from_names_and_from_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
