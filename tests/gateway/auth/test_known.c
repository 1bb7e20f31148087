/* SPDX-License-Identifier: Apache-2.0 */
/* What was checked before is remembered for as long as it is good, within a bound. */
#include "gateway/auth/known.h"

#include <stdio.h>

#include "tests/unit.h"

static const wall_time now = {1000};

struct digest {
    uint8_t bytes[KNOWN_DIGEST_SIZE];
};

static struct digest digest_of(uint32_t number)
{
    struct digest digest = {{0}};
    memcpy(digest.bytes, &number, sizeof number);
    return digest;
}

static void add(struct known *known, uint32_t number, int64_t until_us)
{
    char subject[16];
    const struct digest digest = digest_of(number);
    snprintf(subject, sizeof subject, "%u", number);
    struct identity *identity = identity_create(str_of(subject), STR("i"), view_everything(),
                                                (wall_time){until_us}, (wall_time){until_us});
    known_add(known, digest.bytes, identity);
    identity_release(&identity);
}

static const char *find(struct known *known, uint32_t number, wall_time at)
{
    const struct digest digest = digest_of(number);
    const struct identity *identity = known_find(known, digest.bytes, at);
    return identity != NULL ? identity->subject : "";
}

static void test_it_is_found_until_it_is_not_good_any_more(void **state)
{
    (void)state;
    struct known *known = known_create(10000);
    add(known, 1, 2000);
    add(known, 2, INT64_MAX);
    assert_string_equal(find(known, 1, now), "1");
    assert_string_equal(find(known, 3, now), "");
    assert_string_equal(find(known, 1, (wall_time){1999}), "1");
    assert_string_equal(find(known, 1, (wall_time){2000}), "");
    assert_int_equal(known_count(known), 1);
    add(known, 1, 2000);
    known_expire(known, (wall_time){2000});
    assert_int_equal(known_count(known), 1);
    assert_string_equal(find(known, 2, (wall_time){2000}), "2");
    known_destroy(&known);
}

static void test_those_that_nobody_uses_leave(void **state)
{
    (void)state;
    struct known *known = known_create(4096);
    for (uint32_t i = 0; i < 1000; i++) {
        add(known, i, INT64_MAX);
        assert_true(known_bytes(known) <= 4096);
        assert_string_equal(find(known, 0, now), "0"); /* used all the time */
    }
    assert_true(known_count(known) > 5 && known_count(known) < 100);
    assert_string_equal(find(known, 999, now), "999");
    assert_string_equal(find(known, 1, now), "");
    known_clear(known);
    assert_int_equal(known_count(known), 0);
    assert_int_equal(known_bytes(known), 0);
    assert_string_equal(find(known, 0, now), "");
    known_destroy(&known);
}

static void test_a_request_may_hold_what_was_forgotten(void **state)
{
    (void)state;
    struct known *known = known_create(4096);
    const struct digest digest = digest_of(7);
    add(known, 7, INT64_MAX);
    struct identity *held = identity_retain(known_find(known, digest.bytes, now));
    known_destroy(&known);
    assert_string_equal(held->subject, "7");
    identity_release(&held);
    assert_null(held);
}

/* What goes on for a token ends at `exp`; what began within the leeway after it, with the leeway.
 */
static void test_when_streams_end(void **state)
{
    (void)state;
    struct identity *identity =
        identity_create(STR("a"), STR("i"), view_everything(), (wall_time){100}, (wall_time){150});
    assert_int_equal(identity_ends(identity, (wall_time){99}).us, 100);
    assert_int_equal(identity_ends(identity, (wall_time){100}).us, 150);
    identity_release(&identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_found_until_it_is_not_good_any_more),
        cmocka_unit_test(test_those_that_nobody_uses_leave),
        cmocka_unit_test(test_a_request_may_hold_what_was_forgotten),
        cmocka_unit_test(test_when_streams_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
