/* SPDX-License-Identifier: Apache-2.0 */
/* Of several sources only those lack rows, or lose them, whose rows were put off. */
#include "ingestor/fold/put_off.h"

#include "ingestor/fold/fold_build.h"
#include "ingestor/fold/fold_put_off.h"
#include "ingestor/fold/waiting.h"
#include "tests/ingestor/fold/fold_saved.h"

#define MORE 100 /* rows than may wait */
#define AHEAD_MS 100000

static const char tiles[] = "tiles:\n"
                            "  - {key: shop, type: count, source: shop}\n"
                            "  - {key: desk, type: count, source: desk}\n"
                            "  - {key: both, type: count}\n";
static const char two[] = "sources:\n"
                          "  - {name: shop, uri: \"sqlite:x.db\"}\n"
                          "  - {name: desk, uri: \"sqlite:y.db\"}\n";
static const char turned[] = "sources:\n"
                             "  - {name: desk, uri: \"sqlite:y.db\"}\n"
                             "  - {name: shop, uri: \"sqlite:x.db\"}\n";

static void init(struct fold_test *t, const char *sources)
{
    struct buf text = {0};
    struct error err = {{0}};
    *t = (struct fold_test){.now = {{START_US}, {1000000000}}, .next_id = 1};
    buf_printf(&text, "%s%s", sources, tiles);
    if (config_parse(text.data, text.len, "test.yaml", &t->config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    buf_free(&text);
    t->fold = fold_create(t->config, UINT64_MAX);
}

static struct event row(unsigned source, int i)
{
    return (struct event){.id = {.number = i + 1 + (int)source * 1000000},
                          .ordinal = (uint64_t)i + 1,
                          .source = source,
                          .timestamp = {START_US + AHEAD_MS * US_PER_MS + i},
                          .event_type = STR("a")};
}

/* Fills the room with rows of the first source; so many of the second one come behind them. */
static void deliver(struct fold_test *t, int of_second)
{
    for (int i = 0; i < WAITING_ROWS_MAX; i++) {
        const struct event event = row(0, i);
        fold_event(t->fold, &event, t->now);
    }
    for (int i = 0; i < of_second; i++) {
        const struct event event = row(1, WAITING_ROWS_MAX + i);
        fold_event(t->fold, &event, t->now);
    }
}

static uint64_t end(struct fold_test *t, uint64_t *missing)
{
    uint64_t sources;
    *missing = fold_put_off_end(t->fold, &sources, t->now);
    return sources;
}

/* Whether the tile says that it lacks rows, as those do that are built. */
struct said {
    const char *key;
    bool building;
    double progress;
};

static void look(void *arg, const struct fold_output *output)
{
    struct said *said = arg;
    struct mp_doc doc;
    mp_doc_init(&doc);
    if (str_is(output->key, said->key)) {
        assert_int_equal(mp_parse(&doc, output->value.p, output->value.len), STATUS_OK);
        const mp_value *building = mp_get(&doc.root, "building");
        said->building = building != NULL;
        (void)mp_as_number(mp_get(building, "progress"), &said->progress);
    }
    mp_doc_free(&doc);
}

static struct said said_of(struct fold_test *t, const char *key)
{
    struct said said = {.key = key};
    fold_advance(t->fold, t->now);
    fold_republish(t->fold);
    fold_flush(t->fold, t->now, look, &said);
    return said;
}

static void test_tiles_say_that_they_lack_rows_until_all_are_read(void **state)
{
    (void)state;
    struct fold_test t;
    uint64_t missing;
    init(&t, two);
    deliver(&t, MORE);
    assert_false(said_of(&t, "desk").building);
    pass_ms(&t, 2 * AHEAD_MS);
    assert_true(said_of(&t, "desk").building);
    assert_true(said_of(&t, "both").building);
    assert_false(said_of(&t, "shop").building);
    assert_int_equal(fold_put_off_rows(t.fold), MORE);
    assert_true(fold_put_off_begin(t.fold, STR("end"), t.now));
    fold_put_off_progress(t.fold, STR("half"), 0.5, t.now);
    assert_true(said_of(&t, "desk").building);
    assert_int_equal(said_of(&t, "desk").progress * 1000, 500);
    for (int i = 0; i < MORE; i++) {
        const struct event event = row(1, WAITING_ROWS_MAX + i);
        fold_put_off_event(t.fold, &event, t.now);
    }
    assert_int_equal(end(&t, &missing), 0);
    assert_int_equal(missing, 0);
    assert_false(said_of(&t, "desk").building);
    assert_int_equal(fold_put_off_rows(t.fold), 0);
    fold_test_free(&t);
}

static void test_who_misses_rows_is_the_source_they_were_of(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test restored;
    struct state_changes saved = {0};
    uint64_t missing;
    init(&t, two);
    init(&restored, turned); /* in another order, so that the places are others */
    deliver(&t, MORE);
    (void)save_into(&t, &saved);
    (void)load_from(&restored, &saved);
    pass_ms(&t, 2 * AHEAD_MS);
    assert_true(fold_put_off_begin(t.fold, STR("end"), t.now));
    assert_int_equal(end(&t, &missing), 1 << 1);
    assert_int_equal(missing, MORE);
    pass_ms(&restored, 2 * AHEAD_MS);
    assert_true(fold_put_off_begin(restored.fold, STR("end"), restored.now));
    assert_int_equal(end(&restored, &missing), 1 << 0);
    assert_int_equal(missing, MORE);
    state_changes_free(&saved);
    fold_test_free(&t);
    fold_test_free(&restored);
}

/* What is read of the new table has come, or comes, by the reader of all tiles. */
static void test_a_table_that_begins_anew_meanwhile(void **state)
{
    (void)state;
    struct fold_test t;
    uint64_t missing;
    init(&t, two);
    deliver(&t, MORE);
    t.now.wall.us = row(1, WAITING_ROWS_MAX + MORE / 2).timestamp.us;
    pass_ms(&t, 0);
    assert_true(fold_put_off_begin(t.fold, STR("end"), t.now));
    fold_sources_anew(t.fold, 1 << 1);
    for (int i = 0; i < MORE; i++) {
        const struct event event = row(1, WAITING_ROWS_MAX + i);
        fold_put_off_event(t.fold, &event, t.now);
    }
    assert_int_equal(fold_waiting(t.fold), 0);
    assert_int_equal(end(&t, &missing), 0);
    assert_int_equal(missing, 0);
    fold_test_free(&t);
}

/* An older version saved one number: nobody knows whose rows they are. */
static void test_a_count_of_an_older_version(void **state)
{
    (void)state;
    struct fold_test t;
    struct waiting waiting = {0};
    struct buf saved = {0};
    struct mp_doc doc;
    init(&t, two);
    mp_doc_init(&doc);
    mp_put_array(&saved, 2);
    mp_put_int(&saved, START_US);
    mp_put_uint(&saved, 7);
    assert_int_equal(mp_parse(&doc, saved.data, saved.len), STATUS_OK);
    assert_true(waiting_load_put_off(&waiting, t.config, &doc.root));
    assert_true(waiting.full);
    assert_int_equal(put_off_counts_total(&waiting.put_off), 7);
    assert_int_equal(put_off_counts_sources(&waiting.put_off), PUT_OFF_UNKNOWN);
    mp_doc_free(&doc);
    buf_free(&saved);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles_say_that_they_lack_rows_until_all_are_read),
        cmocka_unit_test(test_who_misses_rows_is_the_source_they_were_of),
        cmocka_unit_test(test_a_table_that_begins_anew_meanwhile),
        cmocka_unit_test(test_a_count_of_an_older_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
