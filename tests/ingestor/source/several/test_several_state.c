/* SPDX-License-Identifier: Apache-2.0 */
/* Random histories of three sources beside a model: whatever is saved, journaled and lost in a
 * crash, each row keeps its place in the order of delivery. */
#include "ingestor/source/several/several_state.h"

#include <stdio.h>
#include <string.h>

#include "common/codec/mp_check.h"
#include "tests/unit.h"

#define SOURCES 3
#define ROWS_MAX 4096

/* What was delivered: the place of each row of each source. */
struct model {
    uint64_t placed[SOURCES][ROWS_MAX]; /* by the source's ordinal; 0: none */
    uint64_t at[SOURCES];
    struct buf own[SOURCES]; /* what each source's own state is */
};

static const char *const names[SOURCES] = {"shop", "desk", "bus"};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void begin(struct several_state *state)
{
    *state = (struct several_state){.origin = 1, .keep = ROWS_MAX * SOURCES};
    for (size_t i = 0; i < SOURCES; i++) {
        assert_int_equal(several_state_place(state, names[i], 7), i);
    }
}

/* A batch brings the source's own state as a whole, or what stands behind it. */
static void change(struct several_state *state, struct model *model, uint64_t *seed,
                   const struct several_run *run, struct buf *changes)
{
    char text[24];
    snprintf(text, sizeof text, "%u", (unsigned)next_random(seed));
    const bool appends = next_random(seed) % 4 != 0;
    if (!appends) {
        buf_clear(&model->own[run->place]);
    }
    buf_append_text(&model->own[run->place], text);
    state->places[run->place].read_once = next_random(seed) % 2 == 0;
    const struct several_change own = {run->place, run, str_of(text), appends};
    several_state_change(state, &own, changes);
}

/* Delivers some rows of a source, with gaps in its ordinals; appends the record, and the change. */
static void deliver(struct several_state *state, struct model *model, uint64_t *seed,
                    struct buf *journal, struct buf *changes)
{
    const size_t place = next_random(seed) % SOURCES;
    const uint64_t first = model->at[place] + 1 + next_random(seed) % 3;
    const uint64_t to = first + next_random(seed) % 5;
    const struct several_news news = {9, first, to, to - first + 1};
    const uint64_t origin = state->origin;
    const struct several_run run = several_state_advance(state, place, &news);
    assert_int_equal(state->origin, origin);
    for (uint64_t row = first; row <= to; row++) {
        model->placed[place][row] = several_ordinal(&run, row);
    }
    model->at[place] = to;
    state->record++;
    several_record_put(state, &run, 1, STR("own"), journal);
    change(state, model, seed, &run, changes);
}

/* The state is saved as a whole, or what changed is appended. */
static void save(const struct several_state *state, uint64_t *seed, struct buf *saved,
                 struct buf *changes)
{
    struct several_state loaded = {.keep = ROWS_MAX * SOURCES};
    struct buf whole = {0};
    struct buf again = {0};
    several_state_save(state, &whole);
    if (next_random(seed) % 8 == 0) {
        buf_clear(saved);
        buf_append_str(saved, buf_str(&whole));
    } else {
        buf_append_str(saved, buf_str(changes));
    }
    buf_clear(changes);
    assert_true(several_state_load(&loaded, buf_str(saved)));
    several_state_save(&loaded, &again);
    assert_true(str_equal(buf_str(&again), buf_str(&whole)));
    several_state_free(&loaded);
    buf_free(&whole);
    buf_free(&again);
}

static void check_places(const struct several_state *state, const struct model *model)
{
    for (size_t place = 0; place < SOURCES; place++) {
        for (uint64_t row = 1; row <= model->at[place]; row++) {
            if (model->placed[place][row] != 0) {
                assert_int_equal(several_state_find(state, place, row), model->placed[place][row]);
            }
        }
    }
}

/* A new life: the state that was saved, and the records behind it. */
static void crash(struct several_state *state, struct str saved, struct str journal)
{
    several_state_free(state);
    state->keep = ROWS_MAX * SOURCES;
    assert_true(several_state_load(state, saved));
    struct mp_doc doc;
    mp_doc_init(&doc);
    for (size_t len; (len = mp_length(journal.p, journal.len)) != 0;) {
        struct buf runs = {0};
        assert_int_equal(mp_parse(&doc, journal.p, len), STATUS_OK);
        if (several_record_number(&doc.root) > state->record) {
            assert_int_equal(several_record_number(&doc.root), state->record + 1);
            assert_true(several_record_runs(state, &doc.root, &runs));
            const struct several_run *run = (const struct several_run *)(const void *)runs.data;
            assert_int_equal(runs.len, sizeof *run);
            assert_int_equal(run->ordinal, state->ordinal);
            const struct several_news news = {9, run->from + 1, run->to, run->count};
            (void)several_state_advance(state, run->place, &news);
            state->record++;
        }
        buf_free(&runs);
        journal = (struct str){journal.p + len, journal.len - len};
    }
    mp_doc_free(&doc);
}

/* After a crash the sources bring again what they brought behind the state, and it is whole. */
static void bring_own(struct several_state *state, const struct model *model, struct buf *saved,
                      struct buf *changes)
{
    for (size_t i = 0; i < SOURCES; i++) {
        buf_clear(&state->places[i].state);
        buf_append_str(&state->places[i].state, buf_str(&model->own[i]));
    }
    buf_clear(saved);
    buf_clear(changes);
    several_state_save(state, saved);
}

static void test_rows_keep_their_places_after_any_crash(void **unused)
{
    (void)unused;
    for (uint64_t round = 1; round <= 200; round++) {
        uint64_t seed = round * 0x9e3779b97f4a7c15U;
        struct several_state state;
        struct model model = {0};
        struct buf saved = {0};
        struct buf journal = {0};
        struct buf changes = {0};
        begin(&state);
        several_state_save(&state, &saved);
        for (int step = 0; step < 200; step++) {
            deliver(&state, &model, &seed, &journal, &changes);
            if (next_random(&seed) % 8 == 0) {
                save(&state, &seed, &saved, &changes);
            }
            if (next_random(&seed) % 16 == 0) {
                crash(&state, buf_str(&saved), buf_str(&journal));
                check_places(&state, &model);
                bring_own(&state, &model, &saved, &changes);
            }
        }
        check_places(&state, &model);
        several_state_free(&state);
        for (size_t i = 0; i < SOURCES; i++) {
            buf_free(&model.own[i]);
        }
        buf_free(&saved);
        buf_free(&journal);
        buf_free(&changes);
    }
}

static void test_a_source_that_numbers_anew_begins_a_new_numbering(void **unused)
{
    (void)unused;
    struct several_state state;
    begin(&state);
    (void)several_state_advance(&state, 0, &(struct several_news){9, 100, 105, 3});
    assert_int_equal(state.ordinal, 6); /* what was before its first row takes no place */
    (void)several_state_advance(&state, 1, &(struct several_news){4, 1, 2, 2});
    assert_int_equal(state.origin, 1);
    (void)several_state_advance(&state, 0, &(struct several_news){10, 1, 3, 3});
    assert_int_not_equal(state.origin, 1);
    assert_int_equal(state.ordinal, 11);
    assert_int_equal(several_state_find(&state, 0, 1), 9);
    assert_int_equal(several_state_find(&state, 1, 1), 0); /* of the numbering before */
    several_state_free(&state);
}

/* The event log may begin only where no row of a source is missing that cannot tell it again. */
/* Who goes on from the state has to know which rows may come again, until their source has come to
 * its end. */
static void test_a_lost_order_is_saved(void **unused)
{
    (void)unused;
    struct several_state state;
    struct several_state loaded = {0};
    struct buf saved = {0};
    struct several_run run;
    begin(&state);
    run = several_state_advance(&state, 0, &(struct several_news){4, 1, 2, 2});
    several_state_lose_order(&state);
    assert_int_equal(state.run_count, 0);
    several_state_save(&state, &saved);
    state.places[1].again = false;
    run = several_state_advance(&state, 1, &(struct several_news){4, 1, 2, 2});
    several_state_change(&state, &(struct several_change){1, &run, STR("s"), false}, &saved);
    assert_true(several_state_load(&loaded, buf_str(&saved)));
    assert_true(loaded.places[0].again);
    assert_false(loaded.places[1].again);
    assert_int_equal(loaded.origin, state.origin);
    several_state_anew(&loaded, 0);
    assert_false(loaded.places[0].again);
    several_state_free(&state);
    several_state_free(&loaded);
    buf_free(&saved);
}

static void test_what_may_be_missing_before_a_row(void **unused)
{
    (void)unused;
    struct several_state state;
    begin(&state);
    (void)several_state_advance(&state, 0, &(struct several_news){9, 1, 4, 4}); /* 1 to 4 */
    (void)several_state_advance(&state, 1, &(struct several_news){4, 1, 2, 2}); /* 5, 6 */
    (void)several_state_advance(&state, 0, &(struct several_news){9, 5, 6, 2}); /* 7, 8 */
    assert_int_equal(several_state_before(&state, 0, 1), 0);
    assert_int_equal(several_state_before(&state, 0, 3), 2);
    assert_int_equal(several_state_before(&state, 0, 5), 4);
    assert_int_equal(several_state_before(&state, 0, UINT64_MAX), 8);
    assert_int_equal(several_state_before(&state, 1, UINT64_MAX), 6);
    assert_int_equal(several_state_before(&state, 2, UINT64_MAX), 0);
    several_state_free(&state);
}

static void test_another_table_begins_anew_and_the_others_stay(void **unused)
{
    (void)unused;
    struct several_state state;
    struct buf saved = {0};
    struct buf own = {0};
    begin(&state);
    buf_append_str(&state.places[0].state, STR("a"));
    buf_append_str(&state.places[1].state, STR("b"));
    several_state_save(&state, &saved);
    assert_int_equal(several_state_place(&state, "shop", 8), 0);
    assert_int_equal(several_state_place(&state, "new", 7), 3);
    assert_int_equal(state.places[0].state.len, 0);
    assert_int_equal(state.places[1].state.len, 1);
    assert_true(str_is(several_state_of(buf_str(&saved), "desk", &own), "b"));
    assert_null(several_state_of(buf_str(&saved), "bus", &own).p);
    assert_null(several_state_of(buf_str(&saved), "unknown", &own).p);
    several_state_free(&state);
    buf_free(&saved);
    buf_free(&own);
}

static void test_what_a_source_had_journaled_is_its_own(void **unused)
{
    (void)unused;
    struct several_state state;
    struct buf journal = {0};
    struct buf own = {0};
    begin(&state);
    for (size_t i = 0; i < SOURCES; i++) {
        const struct several_run run =
            several_state_advance(&state, i, &(struct several_news){9, 1, 2, 2});
        state.record++;
        several_record_put(&state, &run, 1, i == 1 ? STR("xyz") : STR(""), &journal);
    }
    several_record_journal(buf_str(&journal), "desk", &own);
    assert_true(str_is(buf_str(&own), "xyz"));
    buf_clear(&own);
    several_record_journal(buf_str(&journal), "shop", &own);
    assert_int_equal(own.len, 0);
    several_state_free(&state);
    buf_free(&journal);
    buf_free(&own);
}

static void test_what_is_no_state_is_refused(void **unused)
{
    (void)unused;
    struct several_state state = {0};
    assert_false(several_state_load(&state, STR("")));
    assert_false(several_state_load(&state, STR("\x93\x01\xa6sqlite\x01")));
    several_state_free(&state);
    struct buf newer = {0};
    mp_put_array(&newer, 1);
    mp_put_int(&newer, 2);
    assert_true(several_state_is_newer(buf_str(&newer)));
    mp_put_nil(&newer); /* a change behind it */
    assert_true(several_state_is_newer(buf_str(&newer)));
    buf_free(&newer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_keep_their_places_after_any_crash),
        cmocka_unit_test(test_a_source_that_numbers_anew_begins_a_new_numbering),
        cmocka_unit_test(test_a_lost_order_is_saved),
        cmocka_unit_test(test_what_may_be_missing_before_a_row),
        cmocka_unit_test(test_another_table_begins_anew_and_the_others_stay),
        cmocka_unit_test(test_what_a_source_had_journaled_is_its_own),
        cmocka_unit_test(test_what_is_no_state_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
