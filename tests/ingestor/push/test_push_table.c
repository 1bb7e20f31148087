/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/push/push_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit.h"

#define HOUR_US (INT64_C(3600) * 1000000)
#define NOW ((wall_time){1000 * 24 * HOUR_US})

/* A table in a folder of its own. */
struct world {
    char folder[64];
    char path[80];
    struct push_table *table;
    struct buf events;
    struct mp_doc doc;
};

static void begin(struct world *w)
{
    struct error err;
    *w = (struct world){.folder = "/tmp/tilewire-push-XXXXXX"};
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/pushed.db", w->folder);
    assert_int_equal(push_table_open(w->path, &w->table, &err), STATUS_OK);
    mp_doc_init(&w->doc);
    mp_put_array(&w->events, 1);
    mp_put_map(&w->events, 1);
    mp_put_text(&w->events, "event_type");
    mp_put_text(&w->events, "deploy");
    assert_int_equal(mp_parse(&w->doc, w->events.data, w->events.len), STATUS_OK);
}

static void end(struct world *w)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    push_table_close(&w->table);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s%s", w->path, suffixes[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(w->folder), 0);
    mp_doc_free(&w->doc);
    buf_free(&w->events);
}

/* Pushes one event with a key for each of these numbers. Returns how many of them were known. */
static unsigned push(struct world *w, unsigned from, unsigned to, wall_time now)
{
    struct error err;
    unsigned known = 0;
    assert_int_equal(push_table_begin(w->table, &err), STATUS_OK);
    for (unsigned i = from; i < to; i++) {
        char key[16];
        struct push_outcome outcome;
        snprintf(key, sizeof key, "k%u", i);
        const struct push_wish wish = {str_of(key), &w->doc.root};
        assert_int_equal(push_table_add(w->table, &wish, now, &outcome, &err), STATUS_OK);
        known += outcome.repeated;
    }
    assert_int_equal(push_table_commit(w->table, &err), STATUS_OK);
    return known;
}

static struct push_swept sweep(struct world *w, wall_time before, int64_t last,
                               wall_time keys_before, unsigned max)
{
    struct error err;
    struct push_swept swept;
    assert_int_equal(push_table_sweep(w->table, before, last, keys_before, max, &swept, &err),
                     STATUS_OK);
    return swept;
}

static wall_time hours_later(int hours)
{
    return (wall_time){NOW.us + hours * HOUR_US};
}

static void test_what_came_before_goes_and_nothing_else(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    push(&w, 0, 10, NOW);
    push(&w, 10, 20, hours_later(1));
    assert_int_equal(sweep(&w, NOW, 100, NOW, 100).events, 0);
    assert_int_equal(push(&w, 0, 20, hours_later(2)), 20);
    struct push_swept swept = sweep(&w, hours_later(1), 7, hours_later(1), 100);
    assert_int_equal(swept.events, 7); /* the tiles of the others are not saved */
    assert_false(swept.more);
    assert_int_equal(push(&w, 10, 20, hours_later(2)), 10);
    assert_int_equal(push(&w, 0, 10, hours_later(2)), 0);
    end(&w);
}

/* Who pushes 100 a second with a key each leaves as many to be deleted; a tenth of that were. */
static void test_keys_that_are_too_many_for_once_are_told(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    push(&w, 0, 25, NOW);
    for (unsigned i = 0; i < 3; i++) {
        const struct push_swept swept = sweep(&w, NOW, 0, hours_later(1), 10);
        assert_int_equal(swept.events, 0);
        assert_int_equal(swept.more, i < 2);
    }
    assert_int_equal(push(&w, 0, 25, NOW), 0);
    end(&w);
}

static void test_events_that_are_too_many_for_once_are_told(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    push(&w, 0, 15, NOW);
    struct push_swept swept = sweep(&w, hours_later(1), 100, NOW, 10);
    assert_int_equal(swept.events, 10);
    assert_true(swept.more);
    swept = sweep(&w, hours_later(1), 100, NOW, 10);
    assert_int_equal(swept.events, 5);
    assert_false(swept.more);
    assert_int_equal(push(&w, 0, 15, NOW), 15); /* their keys are known without them */
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_came_before_goes_and_nothing_else),
        cmocka_unit_test(test_keys_that_are_too_many_for_once_are_told),
        cmocka_unit_test(test_events_that_are_too_many_for_once_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
