/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/history.h"

#include <stdio.h>

#include "common/base/error.h"
#include "common/replica/lanes.h"
#include "common/replica/replica.h"
#include "tests/unit.h"

/* A replica that is asked by hand. */
struct scene {
    struct store *store;
    struct eventlog *events;
    struct replica *replica;
    uint64_t confirmed;
};

static bool send_nothing(void *arg, unsigned upstream, uint32_t tag, struct str request)
{
    (void)arg, (void)upstream, (void)tag, (void)request;
    return false;
}

static struct buf row(int64_t id, const char *timestamp, const char *summary)
{
    struct buf out = {0};
    mp_put_map(&out, 4);
    mp_put_text(&out, "id");
    mp_put_int(&out, id);
    mp_put_text(&out, "timestamp");
    mp_put_text(&out, timestamp);
    mp_put_text(&out, "event_type");
    mp_put_text(&out, "order.created");
    mp_put_text(&out, "summary");
    mp_put_text(&out, summary);
    return out;
}

/* Holds the events 1 to `count`, but none with an ordinal that is a multiple of 10. */
static void begin(struct scene *scene, uint64_t count, size_t capacity)
{
    *scene = (struct scene){0};
    scene->store = store_create(10, NULL);
    scene->events = eventlog_create(capacity, SIZE_MAX, NULL);
    const struct replica_ops ops = {send_nothing, NULL, NULL, NULL};
    scene->replica = replica_create(1, capacity, scene->store, scene->events, &ops);
    for (uint64_t i = 1; i <= count; i++) {
        if (i % 10 != 0) {
            struct buf fields = row((int64_t)i, "noon", "as it was");
            eventlog_append(scene->events, 0, i, event_id_of_number((int64_t)i), buf_str(&fields),
                            (wall_time){0}, (wall_time){0});
            buf_free(&fields);
        }
    }
}

static void finish(struct scene *scene)
{
    replica_destroy(&scene->replica);
    store_destroy(&scene->store);
    eventlog_destroy(&scene->events);
}

static enum history judge(struct scene *scene, uint64_t ordinal, int64_t id, const char *timestamp)
{
    struct buf fields = row(id, timestamp, "perhaps updated");
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, fields.data, fields.len), STATUS_OK);
    const enum history history =
        history_judge(scene->replica, ordinal, &doc.root, &scene->confirmed);
    mp_doc_free(&doc);
    buf_free(&fields);
    return history;
}

static void test_what_is_told_again_confirms_what_is_held(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 25, 100);
    assert_int_equal(judge(&scene, 24, 24, "noon"), HISTORY_KNOWN);
    assert_int_equal(scene.confirmed, 24);
    assert_int_equal(judge(&scene, 9, 9, "noon"), HISTORY_KNOWN);
    assert_int_equal(scene.confirmed, 24);
    assert_int_equal(judge(&scene, 25, 25, "noon"), HISTORY_KNOWN);
    assert_int_equal(judge(&scene, 26, 26, "noon"), HISTORY_NEXT);
    assert_int_equal(scene.confirmed, 25);
    finish(&scene);
}

static void test_another_row_in_its_place_is_another_history(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 25, 100);
    assert_int_equal(judge(&scene, 24, 24, "later"), HISTORY_OTHER);
    assert_int_equal(judge(&scene, 24, 23, "noon"), HISTORY_OTHER);
    assert_int_equal(judge(&scene, 20, 20, "noon"), HISTORY_OTHER); /* none was there */
    assert_int_equal(scene.confirmed, 0);
    finish(&scene);
}

static void test_nothing_follows_on_what_is_not_confirmed(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 25, 100);
    scene.confirmed = 24;
    assert_int_equal(judge(&scene, 33, 33, "noon"), HISTORY_OTHER);
    scene.confirmed = 25;
    assert_int_equal(judge(&scene, 33, 33, "noon"), HISTORY_NEXT);
    finish(&scene);
}

static void test_what_has_left_cannot_be_compared(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 25, 5); /* 21 to 25 are here */
    assert_int_equal(judge(&scene, 3, 77, "later"), HISTORY_KNOWN);
    assert_int_equal(scene.confirmed, 3);
    finish(&scene);
}

static void test_only_what_is_doubtful_is_asked_for_again(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 0, 1000);
    assert_int_equal(history_ask_after(scene.replica, true), 0);
    finish(&scene);
    begin(&scene, 59, 1000);
    scene.replica->confirmed = 59;
    assert_false(history_is_doubtful(scene.replica));
    assert_int_equal(history_ask_after(scene.replica, false), 59);
    assert_int_equal(history_ask_after(scene.replica, true), 0); /* the first is 1 */
    scene.replica->confirmed = 58;
    assert_true(history_is_doubtful(scene.replica));
    assert_int_equal(history_ask_after(scene.replica, false), 0);
    finish(&scene);
    begin(&scene, 500, 1000);
    assert_int_equal(history_ask_after(scene.replica, true), 388); /* 389 to 499 are 100 */
    finish(&scene);
}

static void test_what_is_dropped_is_counted_and_told(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 25, 100);
    const uint32_t generation = eventlog_generation(scene.events);
    scene.replica->lanes[0].synced = true;
    scene.replica->confirmed = 25;
    lanes_drop_events(scene.replica, (mono_time){1});
    assert_int_equal(eventlog_count(scene.events), 0);
    assert_int_equal(eventlog_generation(scene.events), generation + 1);
    assert_int_equal(replica_counters(scene.replica)->event_resets, 1);
    assert_false(replica_events_whole(scene.replica));
    assert_int_equal(scene.replica->confirmed, 0);
    finish(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told_again_confirms_what_is_held),
        cmocka_unit_test(test_another_row_in_its_place_is_another_history),
        cmocka_unit_test(test_nothing_follows_on_what_is_not_confirmed),
        cmocka_unit_test(test_what_has_left_cannot_be_compared),
        cmocka_unit_test(test_only_what_is_doubtful_is_asked_for_again),
        cmocka_unit_test(test_what_is_dropped_is_counted_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
