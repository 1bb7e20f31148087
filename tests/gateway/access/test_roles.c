/* SPDX-License-Identifier: Apache-2.0 */
/* What the members of groups may see, as the configuration says it. */
#include "gateway/access/roles.h"

#include "gateway/base/lens.h"
#include "tests/unit.h"

static const char text[] = "gateway:\n"
                           "  auth: jwt\n"
                           "  jwt: {issuers: [{issuer: a, audience: b, jwks: c}]}\n"
                           "  roles:\n"
                           "    ops: {}\n"
                           "    support: {tiles: [\"tickets.*\"], events: [\"ticket.*\"],\n"
                           "              fields: [summary]}\n"
                           "    shop: {tiles: [orders.open], events: []}\n"
                           "    \"*\": {tiles: [status], events: []}\n";

static struct roles *roles_of(const char *yaml)
{
    struct config *config = NULL;
    struct error err = {{0}};
    if (config_parse(yaml, strlen(yaml), "t.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    struct roles *roles = roles_create(&config->gateway);
    config_destroy(&config); /* nothing of it is kept */
    return roles;
}

static bool tile(const struct view *view, const char *key)
{
    return view_shows(view, VIEW_TILES, str_of(key));
}

static void test_a_member_sees_what_the_group_and_everybody_may_see(void **state)
{
    (void)state;
    struct roles *roles = roles_of(text);
    const struct str support[] = {STR("support")};
    const struct view *view = roles_view(roles, support, 1);
    assert_true(tile(view, "tickets.sla") && tile(view, "status"));
    assert_false(tile(view, "orders.open"));
    assert_true(view_shows(view, VIEW_EVENTS, STR("ticket.opened")));
    const struct lens lens = lens_of(view, VIEW_EVENTS, STR("ticket.opened"));
    assert_true(lens_shows(lens, STR("summary")) && !lens_shows(lens, STR("actor_id")));
    view_release(&view);
    roles_destroy(&roles);
}

static void test_who_is_in_several_groups_sees_what_any_of_them_does(void **state)
{
    (void)state;
    struct roles *roles = roles_of(text);
    const struct str groups[] = {STR("shop"), STR("no such group"), STR("support")};
    const struct view *view = roles_view(roles, groups, 3);
    assert_true(tile(view, "tickets.sla") && tile(view, "status") && tile(view, "orders.open"));
    assert_false(tile(view, "orders.all"));
    const struct str all[] = {STR("support"), STR("ops")};
    const struct view *everything = roles_view(roles, all, 2);
    assert_true(view_equal(everything, view_everything()));
    view_release(&view);
    view_release(&everything);
    roles_destroy(&roles);
}

static void test_who_is_in_no_group_sees_what_everybody_may_see(void **state)
{
    (void)state;
    struct roles *roles = roles_of(text);
    const struct view *view = roles_view(roles, NULL, 0);
    assert_true(tile(view, "status") && !tile(view, "tickets.sla"));
    view_release(&view);
    roles_destroy(&roles);
    roles = roles_of("gateway: {auth: jwt, jwt: {issuers: [{issuer: a, audience: b, jwks: c}]},\n"
                     " roles: {ops: {}}}\n");
    view = roles_view(roles, NULL, 0);
    assert_false(tile(view, "status"));
    assert_int_equal(view_text(view, VIEW_EVENTS).len, 0);
    view_release(&view);
    roles_destroy(&roles);
    assert_null(roles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_sees_what_the_group_and_everybody_may_see),
        cmocka_unit_test(test_who_is_in_several_groups_sees_what_any_of_them_does),
        cmocka_unit_test(test_who_is_in_no_group_sees_what_everybody_may_see),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
