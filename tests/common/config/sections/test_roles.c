/* SPDX-License-Identifier: Apache-2.0 */
/* The section `gateway.roles`: what is read, and what is refused. */
#include "tests/common/config/config_unit.h"

#define AUTH "gateway: {auth: jwt, jwt: {issuers: [{issuer: a, audience: b, jwks: c}]}, "

static void test_a_role_has_lists_that_may_be_missing_or_empty(void **state)
{
    (void)state;
    struct config *config = parse_ok("gateway:\n"
                                     "  auth: jwt\n"
                                     "  jwt: {issuers: [{issuer: a, audience: b, jwks: c}]}\n"
                                     "  roles:\n"
                                     "    support: {tiles: [\"tickets.*\", open], events: [],\n"
                                     "              fields: [summary, \"two words\"]}\n"
                                     "    ops: {}\n"
                                     "    \"*\":\n");
    const struct config_gateway *gateway = &config->gateway;
    assert_int_equal(gateway->role_count, 3);
    const struct config_role *support = &gateway->roles[0];
    assert_string_equal(support->group, "support");
    assert_true(support->tiles.given && support->tiles.count == 2);
    assert_string_equal(support->tiles.items[1].p, "open");
    assert_true(support->events.given && support->events.count == 0);
    assert_string_equal(support->fields.items[1].p, "two words");
    assert_string_equal(gateway->roles[1].group, "ops");
    assert_false(gateway->roles[1].tiles.given || gateway->roles[1].fields.given);
    assert_string_equal(gateway->roles[2].group, "*");
    config_destroy(&config);
    config = parse_ok("gateway: {}\n");
    assert_int_equal(config->gateway.role_count, 0);
    config_destroy(&config);
}

static void test_what_is_no_role_is_refused(void **state)
{
    (void)state;
    const struct refusal refusals[] = {
        {"gateway: {roles: [ops]}",
         "1:18: gateway.roles: expected a map of 1 to 64 groups, such as support: {tiles: "
         "[\"tickets.*\"]}, but found a list"},
        {"gateway: {roles: {ops: [a]}}",
         "1:24: gateway.roles.ops: expected a map of keys and values, but found a list"},
        {"gateway: {roles: {ops: {tile: [a]}}}",
         "1:25: gateway.roles.ops: unknown key \"tile\"; did you mean \"tiles\"?"},
        {"gateway: {roles: {ops: {tiles: a}}}",
         "1:32: gateway.roles.ops.tiles: expected a list of patterns; without the key everything "
         "may be seen, and with [] nothing, but found \"a\""},
        {"gateway: {roles: {ops: {tiles: [a, b c]}}}",
         "1:36: gateway.roles.ops.tiles: expected a name, in which * stands for any characters, "
         "without spaces, commas and quotes, but found \"b c\""},
        {"gateway: {roles: {ops: {fields: ['a,b']}}}",
         "1:34: gateway.roles.ops.fields: expected a field such as summary or "
         "payload.customer.*, without commas and quotes, but found \"a,b\""},
        {"gateway: {roles: {ops: {}}}",
         "1:18: gateway.roles: nobody is asked who they are, so everybody would see everything: "
         "set `gateway.auth`, or leave the roles out"},
        {"gateway: {roles: {'': {}}}",
         "1:19: gateway.roles: expected a group's name of 1 to 256 bytes"},
    };
    REFUSED(refusals);
}

/* Somebody may be in all groups. */
static void test_all_roles_together_are_bounded(void **state)
{
    (void)state;
    char *text = calloc(1, (size_t)CONFIG_ROLE_PATTERNS_MAX * 8);
    char *end = stpcpy(text, AUTH "roles: {a: {events: [], fields: [], tiles: [x");
    for (size_t i = 0; i < CONFIG_ROLE_PATTERNS_MAX - 4; i++) {
        end = stpcpy(end, ", x");
    }
    stpcpy(end, "]}, b: {events: []}}}");
    struct config *config = parse_ok(text); /* two of them are those that b does not give */
    config_destroy(&config);
    stpcpy(end, ", x, x]}, b: {events: []}}}");
    struct error err = {{0}};
    assert_int_equal(config_parse(text, strlen(text), CONFIG_NAME, &config, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "but found 1025, of 1025: say the same with fewer by `*`"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_role_has_lists_that_may_be_missing_or_empty),
        cmocka_unit_test(test_what_is_no_role_is_refused),
        cmocka_unit_test(test_all_roles_together_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
