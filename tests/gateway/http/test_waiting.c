/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "gateway/http/waiting.h"

/* What was woken, in order: "c0" for waiter 0 by a change, "t1" for waiter 1 by time, "d…" drain.
 */
struct seen {
    char text[128];
    struct waiting_item waiters[8];
};

static void on_wake(void *arg, struct waiting_item *waiter, enum waiting_end reason)
{
    struct seen *seen = arg;
    char *end = seen->text + strlen(seen->text);
    assert_false(waiter->waits);
    snprintf(end, sizeof seen->text - (size_t)(end - seen->text), "%c%d", "ctd"[reason],
             (int)(waiter - seen->waiters));
}

static void add(struct waiting *waiting, struct seen *seen, int i, enum waiting_for what,
                const char *patterns, int64_t end_us)
{
    struct selection selection;
    assert_int_equal(selection_parse(&selection, patterns), 0);
    waiting_add(waiting, &seen->waiters[i], what, &selection, (mono_time){end_us});
    assert_null(selection.text); /* taken over */
}

static void append_event(struct eventlog *log, uint64_t origin, uint64_t ordinal, const char *type)
{
    struct buf fields = {0};
    mp_put_map(&fields, 1);
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, type);
    assert_non_null(eventlog_append(log, origin, ordinal, event_id_of_number((int64_t)ordinal),
                                    buf_str(&fields), (wall_time){0}, (wall_time){0}));
    buf_free(&fields);
}

static void a_change_wakes_those_who_selected_it(void **state)
{
    (void)state;
    struct seen seen = {.text = ""};
    struct waiting *waiting = waiting_create(8, on_wake, &seen);
    add(waiting, &seen, 0, WAITING_FOR_TILES, "orders.*", 100);
    add(waiting, &seen, 1, WAITING_FOR_TILES, "*", 100);
    add(waiting, &seen, 2, WAITING_FOR_TILES, "tickets.sla", 100);
    add(waiting, &seen, 3, WAITING_FOR_EVENTS, "*", 100);
    waiting_tile(waiting, STR("orders.open"), (struct name_number){0, 0});
    assert_string_equal(seen.text, "c0c1");
    waiting_tile(waiting, STR("orders.open"), (struct name_number){0, 0});
    assert_string_equal(seen.text, "c0c1"); /* once */
    assert_int_equal(waiting_count(waiting), 2);
    waiting_tile(waiting, STR("tickets.sla"), (struct name_number){1, 0});
    assert_string_equal(seen.text, "c0c1c2");
    assert_int_equal(waiting_counters(waiting)->begun, 4);
    assert_int_equal(waiting_counters(waiting)->changed, 3);
    waiting_remove(waiting, &seen.waiters[3]);
    waiting_remove(waiting, &seen.waiters[3]); /* does no harm */
    waiting_destroy(&waiting);
    assert_null(waiting);
}

static void who_resumes_waits_for_one_event(void **state)
{
    (void)state;
    struct seen seen = {.text = ""};
    struct waiting *waiting = waiting_create(8, on_wake, &seen);
    struct eventlog *log = eventlog_create(4, SIZE_MAX, NULL);
    append_event(log, 1, 1, "a");
    waiting_events(waiting, log);
    waiting_add_resume(waiting, &seen.waiters[0], event_id_of_number(3), (mono_time){100});
    waiting_add_resume(waiting, &seen.waiters[1], event_id_of_number(9), (mono_time){50});
    waiting_add_resume(waiting, &seen.waiters[2], event_id_of_number(9), (mono_time){100});
    append_event(log, 1, 2, "a");
    waiting_events(waiting, log);
    assert_string_equal(seen.text, "");
    append_event(log, 1, 3, "a");
    append_event(log, 1, 4, "a");
    waiting_events(waiting, log);
    assert_string_equal(seen.text, "c0");
    waiting_expire(waiting, (mono_time){60});
    assert_string_equal(seen.text, "c0t1");
    append_event(log, 2, 1, "a"); /* another origin: the one waited for may never come */
    waiting_events(waiting, log);
    assert_string_equal(seen.text, "c0t1c2");
    assert_int_equal(waiting_counters(waiting)->ahead, 3);
    assert_int_equal(waiting_counters(waiting)->begun, 3);
    eventlog_destroy(&log);
    waiting_destroy(&waiting);
}

static void who_says_the_order_waits_for_the_event(void **state)
{
    (void)state;
    struct seen seen = {.text = ""};
    struct waiting *waiting = waiting_create(8, on_wake, &seen);
    struct eventlog *log = eventlog_create(4, SIZE_MAX, NULL);
    waiting_events(waiting, log);
    waiting_add_resume(waiting, &seen.waiters[0], event_id_of_text(STR("2~77")), (mono_time){100});
    append_event(log, 0, 1, "a");
    waiting_events(waiting, log);
    assert_string_equal(seen.text, "");
    append_event(log, 0, 2, "a");
    waiting_events(waiting, log);
    assert_string_equal(seen.text, "c0");
    eventlog_destroy(&log);
    waiting_destroy(&waiting);
}

static void events_wake_each_once(void **state)
{
    (void)state;
    struct seen seen = {.text = ""};
    struct waiting *waiting = waiting_create(8, on_wake, &seen);
    struct eventlog *log = eventlog_create(4, SIZE_MAX, NULL);
    append_event(log, 1, 1, "order.created");
    waiting_events(waiting, log);
    add(waiting, &seen, 0, WAITING_FOR_EVENTS, "order.*", 100);
    add(waiting, &seen, 1, WAITING_FOR_EVENTS, "ticket", 100);
    waiting_events(waiting, log);
    assert_string_equal(seen.text, ""); /* what came before they did is nothing new */
    append_event(log, 1, 2, "other");
    append_event(log, 1, 3, "order.shipped");
    append_event(log, 1, 4, "order.shipped");
    waiting_events(waiting, log);
    assert_string_equal(seen.text, "c0");
    for (uint64_t i = 5; i < 12; i++) { /* more than the log holds: who knows what was missed */
        append_event(log, 1, i, "other");
    }
    waiting_events(waiting, log);
    assert_string_equal(seen.text, "c0c1");
    add(waiting, &seen, 2, WAITING_FOR_EVENTS, "ticket", 100);
    append_event(log, 2, 1, "other"); /* another numbering */
    waiting_events(waiting, log);
    assert_string_equal(seen.text, "c0c1c2");
    eventlog_destroy(&log);
    waiting_destroy(&waiting);
}

static void time_ends_each_wait(void **state)
{
    (void)state;
    struct seen seen = {.text = ""};
    struct waiting *waiting = waiting_create(8, on_wake, &seen);
    assert_int_equal(waiting_next(waiting).us, MONO_NEVER.us);
    add(waiting, &seen, 0, WAITING_FOR_TILES, "*", 300);
    add(waiting, &seen, 1, WAITING_FOR_EVENTS, "*", 100);
    add(waiting, &seen, 2, WAITING_FOR_TILES, "*", 200);
    assert_int_equal(waiting_next(waiting).us, 100);
    waiting_expire(waiting, (mono_time){99});
    assert_string_equal(seen.text, "");
    waiting_expire(waiting, (mono_time){200});
    assert_string_equal(seen.text, "t1t2");
    assert_int_equal(waiting_counters(waiting)->over, 2);
    assert_int_equal(waiting_next(waiting).us, 300);
    assert_int_equal(waiting_drain(waiting, 5), 0);
    assert_string_equal(seen.text, "t1t2d0");
    waiting_destroy(&waiting);
}

static void draining_goes_step_by_step(void **state)
{
    (void)state;
    struct seen seen = {.text = ""};
    struct waiting *waiting = waiting_create(4, on_wake, &seen);
    for (int i = 0; i < 4; i++) {
        assert_false(waiting_full(waiting));
        add(waiting, &seen, i, i % 2 == 0 ? WAITING_FOR_TILES : WAITING_FOR_EVENTS, "a,b", 100 + i);
    }
    assert_true(waiting_full(waiting));
    assert_int_equal(waiting_drain(waiting, 1), 3);
    assert_false(waiting_full(waiting));
    assert_int_equal(waiting_drain(waiting, 2), 1);
    assert_string_equal(seen.text, "d0d1d2");
    assert_int_equal(waiting_drain(waiting, SIZE_MAX), 0);
    waiting_destroy(&waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_wakes_those_who_selected_it),
        cmocka_unit_test(who_resumes_waits_for_one_event),
        cmocka_unit_test(who_says_the_order_waits_for_the_event),
        cmocka_unit_test(events_wake_each_once),
        cmocka_unit_test(time_ends_each_wait),
        cmocka_unit_test(draining_goes_step_by_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
