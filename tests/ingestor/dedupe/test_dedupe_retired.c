/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a source that is configured no more stays for a day. */
#include "ingestor/dedupe/dedupe_retired.h"

#include <stdio.h>

#include "ingestor/dedupe/dedupe.h"
#include "tests/unit.h"

#define DAY_S 86400
#define SHOP "{name: shop, uri: 'sqlite:a.db', dedupe: payload.id}"
#define DESK "{name: desk, uri: 'sqlite:b.db', dedupe: payload.id}"

static const wall_time start = {INT64_C(1795411920000000)};

static wall_time after(int64_t s)
{
    return (wall_time){start.us + s * US_PER_S};
}

/* What an ingestor with these sources makes of the store: it starts at one time, and saves at the
 * other. */
static void live(const char *sources, struct state_changes *store, int64_t start_s, int64_t save_s)
{
    char text[200];
    struct config *config;
    struct error err = {{0}};
    snprintf(text, sizeof text, "sources: [%s]\n", sources);
    if (config_parse(text, strlen(text), "test.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    struct dedupe *d = dedupe_create(config);
    struct state_changes changes = {0};
    dedupe_remove(d, config, store, after(start_s), &changes);
    (void)dedupe_load(d, store, 0, &err);
    dedupe_save(d, after(save_s), &changes);
    state_changes_append(store, &changes);
    state_changes_settle(store);
    state_changes_free(&changes);
    dedupe_destroy(&d);
    config_destroy(&config);
}

/* Records, besides that of a source that is always there. */
static size_t left(const struct state_changes *store)
{
    size_t count = 0;
    for (size_t i = 0; i < store->count; i++) {
        count += store->list[i].kind == STATE_PUT;
    }
    assert_true(count > 0);
    return count - 1;
}

/* The two others that a source has which knows events. */
static void put_parts(struct state_changes *store)
{
    for (size_t i = 0; i < store->count; i++) {
        assert_int_not_equal(dedupe_one_member(store->list[i].id.member), 0);
    }
    const uint64_t member = store->list[0].id.member;
    for (uint64_t i = 1; i < DEDUPE_MEMBERS; i++) {
        for (uint64_t part = 1; part <= 3; part++) {
            state_put(store, (struct state_id){.member = member + i, .item = part}, STR("x"));
        }
    }
}

static void test_a_source_that_is_gone_is_forgotten_after_a_day(void **state)
{
    (void)state;
    struct state_changes store = {0};
    live(SHOP, &store, 0, 0);
    put_parts(&store);
    live(DESK, &store, 0, 0);
    assert_int_equal(left(&store), 1 + 6 + 1); /* and since when */
    live(DESK, &store, DAY_S / 2, DAY_S);
    assert_int_equal(left(&store), 1 + 6 + 1);
    live(DESK, &store, DAY_S - 1, DAY_S + 1);
    assert_int_equal(left(&store), 0);
    state_changes_free(&store);
}

static void test_one_that_comes_back_begins_its_day_anew(void **state)
{
    (void)state;
    struct state_changes store = {0};
    live(SHOP ", " DESK, &store, 0, 0);
    live(DESK, &store, 0, 0);
    assert_int_equal(left(&store), 2);
    live(SHOP ", " DESK, &store, 2 * DAY_S, 2 * DAY_S); /* nobody has saved meanwhile */
    assert_int_equal(left(&store), 1);
    live(DESK, &store, 2 * DAY_S, 3 * DAY_S);
    assert_int_equal(left(&store), 2);
    live(DESK, &store, 3 * DAY_S, 3 * DAY_S + 1);
    assert_int_equal(left(&store), 0);
    state_changes_free(&store);
}

static void test_records_of_the_one_source_are_of_none_of_several(void **state)
{
    (void)state;
    const struct config_source one = {.name = NULL};
    const struct dedupe_records records = dedupe_one_records(&one);
    assert_int_equal(dedupe_one_member(records.whole.member), 0);
    assert_int_equal(dedupe_one_member(records.known), 0);
    assert_int_equal(dedupe_one_member(records.dropped), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_source_that_is_gone_is_forgotten_after_a_day),
        cmocka_unit_test(test_one_that_comes_back_begins_its_day_anew),
        cmocka_unit_test(test_records_of_the_one_source_are_of_none_of_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
