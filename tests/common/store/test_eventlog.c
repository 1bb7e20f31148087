/* SPDX-License-Identifier: Apache-2.0 */
#include "common/store/eventlog.h"

#include "tests/unit.h"

static struct eventlog_entry *append(struct eventlog *log, uint64_t origin, uint64_t ordinal,
                                     int64_t id, const char *type)
{
    struct buf fields = {0};
    mp_put_map(&fields, 2);
    mp_put_text(&fields, "id");
    mp_put_int(&fields, id);
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, type);
    struct eventlog_entry *entry =
        eventlog_append(log, origin, ordinal, event_id_of_number(id), buf_str(&fields),
                        (wall_time){1}, (wall_time){2});
    buf_free(&fields);
    return entry;
}

static void test_order_is_that_of_delivery(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(10, SIZE_MAX, NULL);
    assert_int_equal(eventlog_last(log), 0);
    assert_null(eventlog_after(log, 0));
    assert_str(append(log, 0, 5, 5, "a.b")->event_type, "a.b");
    assert_non_null(append(log, 0, 6, 6, "x"));
    assert_non_null(append(log, 0, 9, 9, "x"));
    assert_non_null(append(log, 0, 10, 7, "late"));
    assert_null(append(log, 0, 10, 10, "x")); /* a duplicate */
    assert_null(append(log, 0, 6, 6, "x"));
    assert_int_equal(eventlog_count(log), 4);
    assert_int_equal(eventlog_last(log), 10);
    assert_int_equal(eventlog_after(log, 0)->ordinal, 5);
    assert_int_equal(eventlog_after(log, 6)->ordinal, 9);
    assert_int_equal(eventlog_after(log, 7)->ordinal, 9);
    assert_null(eventlog_after(log, 10));
    assert_int_equal(eventlog_find(log, event_id_of_number(7))->ordinal,
                     10); /* all after the late one is new */
    assert_null(eventlog_find(log, event_id_of_number(8)));
    eventlog_destroy(&log);
    assert_null(log);
    eventlog_destroy(&log);
}

static void test_events_of_one_type_have_one_number(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(2, SIZE_MAX, NULL);
    const struct name_number a = append(log, 0, 1, 1, "a")->type;
    const struct name_number b = append(log, 0, 2, 2, "b")->type;
    assert_int_not_equal(a.place, b.place);
    assert_int_equal(append(log, 0, 3, 3, "b")->type.place, b.place); /* the one of type a leaves */
    const struct name_number c = append(log, 0, 4, 4, "c")->type;
    assert_true(c.place != a.place || c.use != a.use);
    assert_int_equal(eventlog_at(log, 0)->type.place, b.place);
    assert_int_equal(eventlog_at(log, 0)->type.use, b.use);
    eventlog_destroy(&log);
}

static void test_types_count_among_the_bytes(void **state)
{
    (void)state;
    struct eventlog *alike = eventlog_create(100, SIZE_MAX, NULL);
    struct eventlog *different = eventlog_create(100, SIZE_MAX, NULL);
    for (uint64_t n = 1; n <= 50; n++) {
        const char type[] = {'t', (char)('0' + n), '\0'};
        append(alike, 0, n, (int64_t)n, "t0");
        append(different, 0, n, (int64_t)n, type);
    }
    assert_true(eventlog_bytes(different) > eventlog_bytes(alike) + 49 * sizeof(void *));
    eventlog_reset(different, 0);
    assert_int_equal(eventlog_bytes(different), 0);
    eventlog_destroy(&alike);
    eventlog_destroy(&different);
}

static void test_the_log_is_looked_through_by_index(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(4, SIZE_MAX, NULL);
    for (uint64_t n = 1; n <= 6; n++) {
        append(log, 0, 10 * n, (int64_t)n, "x"); /* the ring is wrapped */
    }
    assert_int_equal(eventlog_index_after(log, 0), 0);
    assert_int_equal(eventlog_index_after(log, 40), 2);
    assert_int_equal(eventlog_index_after(log, 45), 2);
    assert_int_equal(eventlog_index_after(log, 60), eventlog_count(log));
    for (size_t i = 0; i < eventlog_count(log); i++) {
        assert_int_equal(eventlog_at(log, i)->ordinal, 30 + 10 * i);
    }
    eventlog_destroy(&log);
}

static void test_the_oldest_leave_when_bytes_run_out(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(1000, 8192, free);
    for (uint64_t n = 1; n <= 100; n++) {
        struct eventlog_entry *entry = append(log, 0, n, (int64_t)n, "x");
        assert_true(eventlog_bytes(log) <= 8192);
        assert_true(eventlog_count(log) > 1 || n == 1);
        eventlog_set_cache(entry, malloc(500), 500); /* a rendering counts, too */
    }
    assert_true(eventlog_count(log) < 20);
    assert_int_equal(eventlog_floor(log) + eventlog_count(log), 100);
    struct buf large = {0};
    mp_put_map(&large, 1);
    mp_put_text(&large, "event_type");
    char text[20000];
    memset(text, 'x', sizeof text);
    mp_put_str(&large, (struct str){text, sizeof text});
    (void)eventlog_append(log, 0, 101, event_id_of_number(101), buf_str(&large), (wall_time){1},
                          (wall_time){2});
    assert_int_equal(eventlog_count(log), 1); /* the newest one is always here */
    (void)append(log, 0, 102, 102, "x");
    assert_int_equal(eventlog_count(log), 1);
    eventlog_reset(log, 1);
    assert_int_equal(eventlog_bytes(log), 0);
    buf_free(&large);
    eventlog_destroy(&log);
}

static void test_the_oldest_leave(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(3, SIZE_MAX, NULL);
    for (uint64_t n = 1; n <= 5; n++) {
        (void)append(log, 0, n, (int64_t)n, "x");
    }
    assert_int_equal(eventlog_count(log), 3);
    assert_int_equal(eventlog_floor(log), 2); /* who stands at 1 has missed 2 */
    assert_null(eventlog_find(log, event_id_of_number(2)));
    assert_int_equal(eventlog_at(log, 0)->id.number, 3);
    assert_int_equal(eventlog_at(log, 2)->id.number, 5);
    assert_int_equal(eventlog_after(log, 0)->id.number, 3);
    eventlog_destroy(&log);
}

static void append_again(struct eventlog *log, uint64_t ordinal, int64_t id, bool redelivered)
{
    struct buf fields = {0};
    mp_put_map(&fields, redelivered ? 2 : 1);
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, "x");
    if (redelivered) {
        mp_put_text(&fields, "redelivered");
        mp_put_uint(&fields, 9);
    }
    assert_non_null(eventlog_append(log, 9, ordinal, event_id_of_number(id), buf_str(&fields),
                                    (wall_time){0}, (wall_time){0}));
    buf_free(&fields);
}

/* False: nobody can say where a reader goes on that hands back this text. */
static bool goes_on(const struct eventlog *log, const char *text, uint64_t *after)
{
    struct event_id id;
    return eventlog_read_id(log, str_of(text), &id) && eventlog_resume(log, id, after);
}

/* By its id alone it may have been seen in the order before, with others behind it and before it.
 */
static void test_of_an_event_that_came_again_the_order_tells_where_to_resume(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(10, SIZE_MAX, NULL);
    uint64_t after = 0;
    append_again(log, 1, 7, true);
    append_again(log, 2, 5, true);
    append_again(log, 3, 8, false);
    assert_false(goes_on(log, "7", &after));
    assert_false(goes_on(log, "5", &after));
    assert_true(goes_on(log, "7~9", &after));
    assert_int_equal(after, 1);
    assert_true(goes_on(log, "5~9", &after));
    assert_int_equal(after, 2);
    assert_true(goes_on(log, "8", &after));
    assert_int_equal(after, 3);
    assert_false(goes_on(log, "5~8", &after)); /* that was another order */
    assert_false(goes_on(log, "8~9", &after));
    assert_false(goes_on(log, "6~9", &after));
    assert_false(goes_on(log, "7~", &after));
    assert_false(goes_on(log, "x~9", &after));
    eventlog_destroy(&log);
}

static void test_where_to_resume(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(2, SIZE_MAX, NULL);
    uint64_t after = 9;
    assert_true(
        eventlog_resume(log, event_id_of_number(0), &after)); /* none seen, and there was none */
    assert_int_equal(after, 0);
    (void)append(log, 0, 1, 7, "x");
    (void)append(log, 0, 2, 8, "x");
    assert_true(eventlog_resume(log, event_id_of_number(0), &after));
    assert_int_equal(after, 0);
    assert_true(eventlog_resume(log, event_id_of_number(7), &after));
    assert_int_equal(after, 1);
    (void)append(log, 0, 3, 9, "x");
    assert_false(eventlog_resume(log, event_id_of_number(0), &after)); /* some have left */
    assert_false(eventlog_resume(log, event_id_of_number(7), &after));
    assert_false(eventlog_resume(log, event_id_of_number(10), &after));
    eventlog_destroy(&log);
}

static void test_an_id_that_occurs_twice(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(3, SIZE_MAX, NULL);
    (void)append(log, 0, 1, 7, "x");
    (void)append(log, 0, 2, 7, "x");
    assert_int_equal(eventlog_find(log, event_id_of_number(7))->ordinal, 2);
    (void)append(log, 0, 3, 8, "x");
    (void)append(log, 0, 4, 9, "x"); /* the first 7 leaves */
    assert_int_equal(eventlog_find(log, event_id_of_number(7))->ordinal, 2);
    (void)append(log, 0, 5, 10, "x");
    assert_null(eventlog_find(log, event_id_of_number(7)));
    eventlog_destroy(&log);
}

static void test_another_origin_begins_anew(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(3, SIZE_MAX, NULL);
    (void)append(log, 0, 100, 100, "x");
    const uint32_t generation = eventlog_generation(log);
    assert_non_null(append(log, 77, 1, 1, "x"));
    assert_int_equal(eventlog_origin(log), 77);
    assert_int_equal(eventlog_generation(log), generation + 1);
    assert_int_equal(eventlog_count(log), 1);
    assert_int_equal(eventlog_floor(log), 0);
    assert_null(eventlog_find(log, event_id_of_number(100)));
    eventlog_destroy(&log);
}

static void append_text(struct eventlog *log, uint64_t ordinal, const char *id)
{
    struct buf fields = {0};
    mp_put_map(&fields, 2);
    mp_put_text(&fields, "id");
    mp_put_text(&fields, id);
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, "x");
    assert_non_null(eventlog_append(log, 0, ordinal, event_id_of_text(str_of(id)), buf_str(&fields),
                                    (wall_time){1}, (wall_time){2}));
    buf_free(&fields);
}

static bool resume(const struct eventlog *log, const char *text, uint64_t *after)
{
    struct event_id id;
    return eventlog_read_id(log, str_of(text), &id) && eventlog_resume(log, id, after);
}

static void test_ids_that_are_texts(void **state)
{
    (void)state;
    uint64_t after = 0;
    struct event_id id;
    struct eventlog *log = eventlog_create(3, SIZE_MAX, NULL);
    assert_true(resume(log, "0", &after));
    assert_true(eventlog_read_id(log, STR("b"), &id)); /* they may come to be texts */
    assert_true(eventlog_may_come(log, id));
    append_text(log, 1, "b");
    append_text(log, 2, "ABCDEFGH"); /* the bytes of a number, too */
    append_text(log, 3, "42");
    assert_true(resume(log, "b", &after) && after == 1);
    assert_true(resume(log, "42", &after) && after == 3);
    assert_true(resume(log, "0", &after) && after == 0);
    assert_false(resume(log, "c", &after));
    assert_null(eventlog_find(log, event_id_of_number(0x4847464544434241)));
    assert_null(eventlog_find(log, event_id_of_number(42)));
    assert_true(eventlog_read_id(log, STR("b~9"), &id)); /* an id like any other */
    assert_false(eventlog_read_id(log, STR("two\nlines"), &id));
    append_text(log, 4, "b"); /* the first b leaves */
    assert_true(resume(log, "b", &after) && after == 4);
    assert_false(resume(log, "0", &after));
    (void)append(log, 9, 1, 7, "x"); /* another origin, whose ids are numbers */
    assert_false(eventlog_read_id(log, STR("b"), &id));
    assert_true(resume(log, "7", &after) && after == 1);
    eventlog_destroy(&log);
}

static void test_skipping(void **state)
{
    (void)state;
    struct eventlog *log = eventlog_create(5, SIZE_MAX, NULL);
    eventlog_skip_to(log, 40);
    assert_int_equal(eventlog_last(log), 40);
    assert_int_equal(eventlog_floor(log), 40);
    assert_null(append(log, 0, 40, 40, "x"));
    (void)append(log, 0, 41, 41, "x");
    (void)append(log, 0, 42, 42, "x");
    eventlog_skip_to(log, 41);
    assert_int_equal(eventlog_count(log), 1);
    assert_int_equal(eventlog_floor(log), 41);
    assert_int_equal(eventlog_last(log), 42);
    eventlog_skip_to(log, 7); /* never back */
    assert_int_equal(eventlog_floor(log), 41);
    eventlog_destroy(&log);
}

static void free_cache(void *cache)
{
    ++*(int *)cache;
}

static void test_encodings_are_freed(void **state)
{
    (void)state;
    int freed = 0;
    struct eventlog *log = eventlog_create(1, SIZE_MAX, free_cache);
    append(log, 0, 1, 1, "x")->cache = &freed;
    append(log, 0, 2, 2, "x")->cache = &freed;
    assert_int_equal(freed, 1);
    eventlog_reset(log, 0);
    assert_int_equal(freed, 2);
    append(log, 0, 1, 1, "x")->cache = &freed;
    eventlog_destroy(&log);
    assert_int_equal(freed, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_that_of_delivery),
        cmocka_unit_test(test_events_of_one_type_have_one_number),
        cmocka_unit_test(test_types_count_among_the_bytes),
        cmocka_unit_test(test_the_log_is_looked_through_by_index),
        cmocka_unit_test(test_the_oldest_leave),
        cmocka_unit_test(test_the_oldest_leave_when_bytes_run_out),
        cmocka_unit_test(test_where_to_resume),
        cmocka_unit_test(test_of_an_event_that_came_again_the_order_tells_where_to_resume),
        cmocka_unit_test(test_an_id_that_occurs_twice),
        cmocka_unit_test(test_another_origin_begins_anew),
        cmocka_unit_test(test_ids_that_are_texts),
        cmocka_unit_test(test_skipping),
        cmocka_unit_test(test_encodings_are_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
