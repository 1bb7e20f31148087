/* SPDX-License-Identifier: Apache-2.0 */
/* Of several sources each knows its own events. */
#include "ingestor/dedupe/dedupe.h"

#include <stdio.h>

#include "ingestor/source/batch.h"
#include "tests/unit.h"

#define START_US INT64_C(1795411920000000)
#define PAYLOAD ", dedupe: payload.event_id"
#define SHOP "{name: shop, uri: 'sqlite:a.db'" PAYLOAD "}"
#define DESK "{name: desk, uri: 'sqlite:b.db'" PAYLOAD ", dedupe_window: 1m}"
#define PLAIN "{name: plain, uri: 'sqlite:c.db'}"

static struct config *configure_several(const char *list)
{
    char text[400];
    struct config *config;
    struct error err = {{0}};
    snprintf(text, sizeof text, "sources: [%s]\n", list);
    if (config_parse(text, strlen(text), "test.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    return config;
}

/* Rows that the source of the next event has delivered with it; 0: not looked at. */
static uint64_t delivered;

/* True when an event of that source, which has come so late, counts. */
static bool one_counts(struct dedupe *d, unsigned source, int64_t id, int64_t at_s)
{
    struct batch *batch = batch_create(0);
    struct event *event = batch_event(batch);
    event->id.number = id;
    event->ordinal = (uint64_t)id;
    event->source = source;
    event->timestamp.us = START_US + at_s * US_PER_S;
    event->event_type = batch_text(batch, STR("x"));
    event->payload = batch_text(batch, STR("{\"event_id\":\"a\"}"));
    batch_finish(batch, STR(""), STR(""));
    batch->delivered_of[source] = delivered;
    dedupe_new(d, batch);
    const bool counts = batch->count == 1;
    batch_destroy(&batch);
    return counts;
}

static void test_each_source_knows_its_own_events(void **state)
{
    (void)state;
    struct config *config = configure_several(SHOP ", " DESK ", " PLAIN);
    struct dedupe *d = dedupe_create(config);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(one_counts(d, i, 1, 0));
    }
    assert_false(one_counts(d, 0, 2, 0));
    assert_false(one_counts(d, 1, 2, 0));
    assert_true(one_counts(d, 2, 2, 0));
    assert_false(one_counts(d, 0, 3, 90));
    assert_true(one_counts(d, 1, 3, 90)); /* its window is over */
    assert_int_equal(dedupe_counters(d).duplicates, 3);
    dedupe_clear(d, 1);
    assert_true(one_counts(d, 0, 4, 90));
    assert_false(one_counts(d, 1, 4, 90)); /* the first after a quiet time, and again at once */
    dedupe_destroy(&d);
    config_destroy(&config);
}

static void test_what_a_source_knows_stays_its_own_in_another_list(void **state)
{
    (void)state;
    struct config *config = configure_several(SHOP ", " PLAIN);
    struct config *other = configure_several(DESK ", " SHOP);
    struct dedupe *d = dedupe_create(config);
    struct state_changes saved = {0};
    struct state_changes gone = {0};
    struct error err = {{0}};
    assert_true(one_counts(d, 0, 1, 0));
    dedupe_save(d, (wall_time){0}, &saved);
    state_changes_settle(&saved);
    dedupe_destroy(&d);
    d = dedupe_create(other);
    assert_int_equal(dedupe_load(d, &saved, 0, &err), STATUS_NOT_FOUND); /* that of desk is new */
    assert_int_equal(dedupe_load(d, &saved, 2, &err), STATUS_NOT_FOUND);
    assert_int_equal(dedupe_load(d, &saved, 1, &err), STATUS_OK); /* and so are its events */
    dedupe_destroy(&d);
    config_destroy(&other);
    other = configure_several(PLAIN ", " SHOP);
    d = dedupe_create(other);
    assert_int_equal(dedupe_load(d, &saved, 0, &err), STATUS_OK);
    assert_false(one_counts(d, 1, 2, 0));
    dedupe_remove(d, other, &saved, (wall_time){0}, &gone);
    assert_int_equal(gone.count, 0);
    dedupe_destroy(&d);
    state_changes_free(&saved);
    state_changes_free(&gone);
    config_destroy(&other);
    config_destroy(&config);
}

/* One that the state of the sources has forgotten is read from its first row again. */
static void test_nothing_is_known_before_the_first_row_of_a_source(void **state)
{
    (void)state;
    struct config *config = configure_several(SHOP ", " DESK);
    struct dedupe *d = dedupe_create(config);
    delivered = 1;
    assert_true(one_counts(d, 0, 1, 0));
    assert_true(one_counts(d, 0, 1, 0)); /* the same row, and the first one again */
    delivered = 2;
    assert_false(one_counts(d, 0, 2, 0));
    delivered = 0;
    dedupe_destroy(&d);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_source_knows_its_own_events),
        cmocka_unit_test(test_what_a_source_knows_stays_its_own_in_another_list),
        cmocka_unit_test(test_nothing_is_known_before_the_first_row_of_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
