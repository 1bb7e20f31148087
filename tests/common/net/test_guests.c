/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/guests.h"

#include "tests/unit.h"

#define BOTH (CONFIG_MAY_SUBSCRIBE | CONFIG_MAY_QUERY)

static struct config_client list[] = {
    {.name = "web", .key = "w", .role = CONFIG_CLIENT_GATEWAY, .may = BOTH},
    {.name = "asker", .key = "a", .role = CONFIG_CLIENT_READER, .may = CONFIG_MAY_QUERY},
    {.name = "ingestor", .key = "i", .role = CONFIG_CLIENT_INGESTOR, .may = 0},
    {.name = "pusher", .key = "p", .role = CONFIG_CLIENT_READER, .may = BOTH | CONFIG_MAY_PUSH},
};

static enum guests_verdict admit(struct guests *guests, const char *key, unsigned right)
{
    const char *name = NULL;
    const enum guests_verdict verdict = guests_admit(guests, key, right, &name);
    assert_int_equal(name == NULL, verdict == GUESTS_UNKNOWN);
    return verdict;
}

static void test_each_may_do_what_is_written(void **state)
{
    (void)state;
    struct guests guests = {NULL};
    assert_int_equal(admit(&guests, "w", CONFIG_MAY_QUERY), GUESTS_UNKNOWN);
    assert_false(guests_set(&guests, &(struct config_clients){list, 4}, NULL));
    assert_int_equal(admit(&guests, "w", CONFIG_MAY_SUBSCRIBE), GUESTS_WELCOME);
    assert_int_equal(admit(&guests, "w", CONFIG_MAY_QUERY), GUESTS_WELCOME);
    assert_int_equal(admit(&guests, "a", CONFIG_MAY_QUERY), GUESTS_WELCOME);
    assert_int_equal(admit(&guests, "a", CONFIG_MAY_SUBSCRIBE), GUESTS_NOT_ALLOWED);
    assert_int_equal(admit(&guests, "i", CONFIG_MAY_QUERY), GUESTS_NOT_ALLOWED);
    assert_int_equal(admit(&guests, "x", CONFIG_MAY_QUERY), GUESTS_UNKNOWN);
    assert_int_equal(admit(&guests, "w", 0), GUESTS_NOT_ALLOWED); /* an unknown domain */
    assert_false(guests_may(&guests, "w", CONFIG_MAY_PUSH));
    assert_true(guests_may(&guests, "p", CONFIG_MAY_PUSH));
    assert_false(guests_may(&guests, "x", CONFIG_MAY_PUSH));
    assert_false(guests_may(&guests, "", CONFIG_MAY_PUSH));
    guests_free(&guests);
}

static void test_ones_own_pair_alone(void **state)
{
    (void)state;
    struct guests guests = {NULL};
    assert_false(guests_set(&guests, &(struct config_clients){NULL, 0}, "own"));
    assert_int_equal(admit(&guests, "own", BOTH), GUESTS_WELCOME);
    assert_true(guests_may(&guests, "own", CONFIG_MAY_PUSH));
    assert_int_equal(admit(&guests, "w", CONFIG_MAY_QUERY), GUESTS_UNKNOWN);
    guests_free(&guests);
}

/* Connections have to be ended only when one of them could be of somebody who lost something. */
static void test_who_loses_a_right_that_he_used(void **state)
{
    (void)state;
    struct guests guests = {NULL};
    (void)guests_set(&guests, &(struct config_clients){list, 3}, NULL);
    assert_false(guests_set(&guests, &(struct config_clients){list, 1}, NULL)); /* was not here */
    (void)admit(&guests, "w", CONFIG_MAY_QUERY);
    assert_false(guests_set(&guests, &(struct config_clients){list, 3}, NULL));
    struct config_client less = list[0];
    less.may = CONFIG_MAY_QUERY;
    assert_false(guests_set(&guests, &(struct config_clients){&less, 1}, NULL)); /* not used */
    assert_int_equal(admit(&guests, "w", CONFIG_MAY_SUBSCRIBE), GUESTS_NOT_ALLOWED);
    assert_true(guests_set(&guests, &(struct config_clients){NULL, 0}, NULL));
    assert_false(guests_set(&guests, &(struct config_clients){NULL, 0}, NULL)); /* told once */
    guests_free(&guests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_may_do_what_is_written),
        cmocka_unit_test(test_ones_own_pair_alone),
        cmocka_unit_test(test_who_loses_a_right_that_he_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
