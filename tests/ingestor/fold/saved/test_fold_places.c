/* SPDX-License-Identifier: Apache-2.0 */
/* Where retired tiles stood, when that is long: by source.cursor it holds the ids of the window. */
#include "ingestor/fold/saved/fold_places.h"

#include "ingestor/fold/fold_build.h"
#include "ingestor/fold/fold_reload.h"
#include "ingestor/fold/saved/fold_records.h"
#include "tests/ingestor/fold/fold_saved.h"

#define PLACE_BYTES 4900000 /* of 100,000 UUIDs */
#define AWAY 20

static const char alone[] = "  - {key: stays, type: count}\n";

/* The tile that stays, and `count` others. */
static struct buf some(size_t count)
{
    struct buf tiles = {0};
    buf_append_text(&tiles, alone);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&tiles, "  - {key: t%zu, type: count}\n", i);
    }
    return tiles;
}

static struct buf long_place(size_t bytes, char first)
{
    struct buf place = {0};
    for (size_t i = 0; i < bytes; i++) {
        const char c = i == 0 ? first : (char)i;
        buf_append(&place, &c, 1);
    }
    return place;
}

/* What the store has of places, and of all, in bytes. */
static size_t count_places(const struct state_changes *store, size_t *bytes)
{
    size_t count = 0;
    *bytes = 0;
    for (size_t i = 0; i < store->count; i++) {
        const struct state_id id = store->list[i].id;
        count += id.tile == 0 && id.member == STATE_RETIRED_PLACES;
        *bytes += store->list[i].len;
    }
    return count;
}

/* A fold with these tiles that goes on from the store, at that place. Returns how many are damaged.
 */
static size_t start(struct fold_test *t, const char *tiles, struct str place,
                    struct state_changes *store)
{
    const struct moment before = t->now;
    const bool begun = t->fold != NULL;
    if (begun) {
        fold_test_free(t);
    }
    fold_test_init(t, tiles);
    if (begun) {
        t->now = before;
    }
    struct fold_load how = {.place = place, .now = t->now.wall};
    assert_int_equal(fold_load(t->fold, store, &how, NULL), STATUS_OK);
    (void)save_into(t, store);
    return how.damaged;
}

/* All tiles of `some(AWAY)` counted one row, and went, at that place. */
static void begin(struct fold_test *t, struct str place, struct state_changes *store)
{
    struct buf all = some(AWAY);
    *t = (struct fold_test){0};
    fold_test_init(t, all.data);
    fold_now(t, "x", NULL, NULL);
    (void)save_into(t, store);
    assert_int_equal(start(t, alone, place, store), 0);
    buf_free(&all);
}

static void build(struct fold_test *t, struct str place)
{
    struct str from;
    assert_true(fold_build_next(t->fold, t->now, &from));
    assert_true(str_equal(from, place));
    fold_build_end(t->fold, 0, t->now);
    assert_false(fold_build_next(t->fold, t->now, &from));
}

static void test_tiles_that_go_together_share_one_place(void **state)
{
    (void)state;
    struct fold_test t;
    struct state_changes store = {0};
    struct buf place = long_place(PLACE_BYTES, 'a');
    struct buf five = some(5);
    struct buf all = some(AWAY);
    size_t bytes;
    begin(&t, buf_str(&place), &store);
    assert_int_equal(count_places(&store, &bytes), 1);
    assert_true(bytes < PLACE_BYTES + 10000);
    assert_int_equal(start(&t, five.data, STR("later"), &store), 0);
    assert_int_equal(count_places(&store, &bytes), 1);
    build(&t, buf_str(&place));
    (void)save_into(&t, &store);
    assert_int_equal(count_places(&store, &bytes), 1); /* the others need it */
    assert_string_equal(data_of(&t, "t4"), "{\"value\":1}");
    assert_int_equal(start(&t, all.data, STR("later"), &store), 0);
    assert_int_equal(count_places(&store, &bytes), 1); /* they are not built yet */
    assert_int_equal(start(&t, all.data, STR("later"), &store), 0);
    build(&t, buf_str(&place));
    (void)save_into(&t, &store);
    assert_int_equal(count_places(&store, &bytes), 0);
    assert_true(bytes < 10000);
    assert_string_equal(data_of(&t, "t19"), "{\"value\":1}");
    buf_free(&all);
    buf_free(&five);
    buf_free(&place);
    state_changes_free(&store);
    fold_test_free(&t);
}

static void test_tiles_that_go_one_after_another_have_each_its_own(void **state)
{
    (void)state;
    struct fold_test t = {0};
    struct state_changes store = {0};
    struct buf first = long_place(20000, 'a');
    struct buf second = long_place(20000, 'b');
    struct buf two = some(2);
    struct buf one = some(1);
    struct str from;
    size_t bytes;
    fold_test_init(&t, two.data);
    (void)save_into(&t, &store);
    (void)start(&t, one.data, buf_str(&first), &store);
    (void)start(&t, alone, buf_str(&second), &store);
    assert_int_equal(count_places(&store, &bytes), 2);
    (void)start(&t, two.data, STR("later"), &store);
    assert_true(fold_build_next(t.fold, t.now, &from));
    assert_true(str_equal(from, buf_str(&second)));
    fold_build_end(t.fold, 0, t.now);
    assert_true(fold_build_next(t.fold, t.now, &from));
    assert_true(str_equal(from, buf_str(&first)));
    fold_build_end(t.fold, 0, t.now);
    (void)save_into(&t, &store);
    assert_int_equal(count_places(&store, &bytes), 0);
    buf_free(&one);
    buf_free(&two);
    buf_free(&second);
    buf_free(&first);
    state_changes_free(&store);
    fold_test_free(&t);
}

/* By SIGHUP, without a restart between. */
static void test_a_tile_that_comes_back_and_goes_again_keeps_its_place(void **state)
{
    (void)state;
    struct fold_test t;
    struct state_changes store = {0};
    struct buf place = long_place(20000, 'a');
    struct buf all = some(AWAY);
    size_t bytes;
    begin(&t, buf_str(&place), &store);
    (void)start(&t, all.data, STR("later"), &store);
    struct config *without = t.config;
    t.config = NULL;
    buf_clear(&all);
    buf_printf(&all, "source: {uri: \"sqlite:x.db\"}\ntiles:\n%s", alone);
    assert_int_equal(config_parse(all.data, all.len, "test.yaml", &t.config, NULL), STATUS_OK);
    (void)fold_reload(&t.fold, t.config, STR("later"), t.now, take_output, &t);
    config_destroy(&without);
    (void)save_into(&t, &store);
    assert_int_equal(count_places(&store, &bytes), 1);
    buf_free(&all);
    all = some(AWAY);
    assert_int_equal(start(&t, all.data, STR("later"), &store), 0);
    build(&t, buf_str(&place));
    (void)save_into(&t, &store);
    assert_int_equal(count_places(&store, &bytes), 0);
    buf_free(&all);
    buf_free(&place);
    state_changes_free(&store);
    fold_test_free(&t);
}

static void test_after_a_day_the_place_goes_with_its_tiles(void **state)
{
    (void)state;
    struct fold_test t;
    struct state_changes store = {0};
    struct buf place = long_place(20000, 'a');
    size_t bytes;
    begin(&t, buf_str(&place), &store);
    pass_ms(&t, INT64_C(86401) * 1000);
    (void)save_into(&t, &store);
    assert_int_equal(count_places(&store, &bytes), 0);
    for (size_t i = 0; i < store.count; i++) {
        assert_true(store.list[i].id.tile <= 1);
    }
    buf_free(&place);
    state_changes_free(&store);
    fold_test_free(&t);
}

/* Writes each place into the tile's own record, as versions before did, and takes its record away.
 * Returns how many tiles that were. */
static size_t as_before(struct state_changes *store, struct str place)
{
    struct state_changes old = {0};
    size_t changed = 0;
    for (size_t i = 0; i < store->count; i++) {
        const struct state_change *c = &store->list[i];
        struct fold_record record;
        struct mp_doc doc;
        mp_doc_init(&doc);
        if (c->id.tile != 0 && c->id.member == 0) {
            assert_int_equal(mp_parse(&doc, state_value(store, c).p, state_value(store, c).len),
                             STATUS_OK);
            assert_int_equal(fold_record_get(&doc.root, &record), STATUS_OK);
            changed += record.place_number != 0;
            record.place = record.place_number != 0 ? place : record.place;
            record.place_number = 0;
            fold_record_put(&record, c->id.tile, &old);
        } else if (c->id.member != STATE_RETIRED_PLACES || c->id.tile != 0) {
            state_put(&old, c->id, state_value(store, c));
        }
        mp_doc_free(&doc);
    }
    state_changes_free(store);
    *store = old;
    return changed;
}

static void test_the_state_of_a_version_before_is_taken_over(void **state)
{
    (void)state;
    struct fold_test t;
    struct state_changes store = {0};
    struct buf place = long_place(20000, 'a');
    struct buf all = some(AWAY);
    size_t bytes;
    begin(&t, buf_str(&place), &store);
    assert_int_equal(as_before(&store, buf_str(&place)), AWAY);
    assert_int_equal(count_places(&store, &bytes), 0);
    assert_true(bytes > (size_t)AWAY * 20000);
    assert_int_equal(start(&t, alone, STR("later"), &store), 0);
    assert_int_equal(count_places(&store, &bytes), 1);
    assert_true(bytes < 30000);
    assert_int_equal(as_before(&store, buf_str(&place)), AWAY);
    assert_int_equal(start(&t, all.data, STR("later"), &store), 0); /* all come back at once */
    build(&t, buf_str(&place));
    assert_string_equal(data_of(&t, "t19"), "{\"value\":1}");
    (void)save_into(&t, &store);
    assert_int_equal(count_places(&store, &bytes), 0);
    buf_free(&all);
    buf_free(&place);
    state_changes_free(&store);
    fold_test_free(&t);
}

/* A short one stands where versions before look for it. */
static void test_a_version_before_reads_a_short_place(void **state)
{
    (void)state;
    struct fold_test t;
    struct state_changes store = {0};
    size_t bytes;
    begin(&t, STR("1042"), &store);
    assert_int_equal(count_places(&store, &bytes), 0);
    for (size_t i = 0; i < store.count; i++) {
        const struct state_change *c = &store.list[i];
        if (c->id.tile != 0 && c->id.member == 0) {
            assert_int_equal(state_value(&store, c).p[1], 1); /* the format */
        }
    }
    state_changes_free(&store);
    fold_test_free(&t);
}

static void test_a_damaged_place_costs_the_tiles_that_stood_there(void **state)
{
    (void)state;
    struct fold_test t;
    struct state_changes store = {0};
    struct buf place = long_place(20000, 'a');
    struct buf all = some(AWAY);
    struct str from;
    size_t bytes;
    begin(&t, buf_str(&place), &store);
    for (size_t i = 0; i < store.count; i++) {
        if (store.list[i].id.tile == 0 && store.list[i].id.member == STATE_RETIRED_PLACES) {
            store.list[i].kind = STATE_ITEM_GONE; /* as a store tells it */
        }
    }
    assert_int_equal(start(&t, all.data, STR("later"), &store), AWAY);
    assert_int_equal(count_places(&store, &bytes), 0);
    assert_string_equal(data_of(&t, "stays"), "{\"value\":1}");
    assert_int_equal(fold_builds(t.fold), AWAY);
    assert_true(fold_build_next(t.fold, t.now, &from));
    assert_int_equal(from.len, 0);
    buf_free(&all);
    buf_free(&place);
    state_changes_free(&store);
    fold_test_free(&t);
}

static void test_a_damaged_tile_takes_its_place_from_no_other(void **state)
{
    (void)state;
    struct fold_test t;
    struct state_changes store = {0};
    struct buf place = long_place(20000, 'a');
    struct buf all = some(AWAY);
    size_t bytes;
    begin(&t, buf_str(&place), &store);
    for (size_t i = 0; i < store.count; i++) {
        if (store.list[i].id.tile == 2 && store.list[i].id.member != 0) {
            store.list[i].len = 1;
        }
    }
    assert_int_equal(start(&t, all.data, STR("later"), &store), 1);
    assert_int_equal(count_places(&store, &bytes), 1);
    assert_int_equal(fold_builds(t.fold), AWAY);
    assert_int_equal(start(&t, all.data, STR("later"), &store), 0);
    assert_string_equal(data_of(&t, "t19"), "{\"value\":1}");
    buf_free(&all);
    buf_free(&place);
    state_changes_free(&store);
    fold_test_free(&t);
}

/* `tilewire state drop` takes the tiles away, and knows nothing of places. */
static void test_a_place_that_no_tile_has_goes(void **state)
{
    (void)state;
    struct fold_test t;
    struct state_changes store = {0};
    struct buf place = long_place(20000, 'a');
    size_t bytes;
    begin(&t, buf_str(&place), &store);
    for (uint64_t tile = 2; tile <= AWAY + 1; tile++) {
        state_gone(&store, STATE_TILE_GONE, (struct state_id){.tile = tile});
    }
    store_settle(&store);
    assert_int_equal(count_places(&store, &bytes), 1);
    assert_int_equal(start(&t, alone, STR("later"), &store), 0);
    assert_int_equal(count_places(&store, &bytes), 0);
    buf_free(&place);
    state_changes_free(&store);
    fold_test_free(&t);
}

static void test_what_the_places_take_is_bounded(void **state)
{
    (void)state;
    struct fold_test t = {0};
    struct state_changes store = {0};
    struct buf first = long_place(PLACES_BYTES_MAX / 2 + 1, 'a');
    struct buf second = long_place(PLACES_BYTES_MAX / 2 + 1, 'b');
    struct buf two = some(2);
    struct buf one = some(1);
    struct str from;
    size_t bytes;
    fold_test_init(&t, two.data);
    (void)save_into(&t, &store);
    (void)start(&t, one.data, buf_str(&first), &store);
    assert_int_equal(fold_counters(t.fold)->retired_dropped, 0);
    (void)start(&t, alone, buf_str(&second), &store);
    assert_int_equal(fold_counters(t.fold)->retired_dropped, 1);
    assert_int_equal(count_places(&store, &bytes), 1);
    (void)start(&t, two.data, STR("later"), &store);
    assert_int_equal(fold_builds(t.fold), 2);
    assert_true(fold_build_next(t.fold, t.now, &from));
    assert_int_equal(from.len, 0); /* t0, from the first row on */
    fold_build_end(t.fold, 0, t.now);
    build(&t, buf_str(&first)); /* t1, from where it was */
    buf_free(&one);
    buf_free(&two);
    buf_free(&second);
    buf_free(&first);
    state_changes_free(&store);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles_that_go_together_share_one_place),
        cmocka_unit_test(test_tiles_that_go_one_after_another_have_each_its_own),
        cmocka_unit_test(test_a_tile_that_comes_back_and_goes_again_keeps_its_place),
        cmocka_unit_test(test_after_a_day_the_place_goes_with_its_tiles),
        cmocka_unit_test(test_the_state_of_a_version_before_is_taken_over),
        cmocka_unit_test(test_a_version_before_reads_a_short_place),
        cmocka_unit_test(test_a_damaged_place_costs_the_tiles_that_stood_there),
        cmocka_unit_test(test_a_damaged_tile_takes_its_place_from_no_other),
        cmocka_unit_test(test_a_place_that_no_tile_has_goes),
        cmocka_unit_test(test_what_the_places_take_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
