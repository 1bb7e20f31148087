/* SPDX-License-Identifier: Apache-2.0 */
/* What of the saved state is of no single tile. */
#include "ingestor/snapshot.h"

#include "ingestor/source/list.h"
#include "tests/ingestor/fold/fold_saved.h"

/* Saves a fold with one tile and such a place, and loads both into another. */
static int go_on(const struct snapshot *written, struct snapshot *read, struct snapshot_load *how)
{
    struct fold_test saved;
    struct fold_test loaded;
    struct state_changes changes = {0};
    fold_test_init(&saved, "  - {key: a, type: count}\n");
    fold_test_init(&loaded, "  - {key: a, type: count}\n");
    fold_now(&saved, "x", NULL, NULL);
    (void)save_into(&saved, &changes);
    snapshot_put(written, &(struct snapshot_pieces){0}, &changes);
    state_changes_settle(&changes); /* as a store gives it back */
    const int status = snapshot_load(read, &changes, how, loaded.fold, NULL);
    if (status == STATUS_OK) {
        assert_string_equal(data_of(&loaded, "a"), "{\"value\":1}");
    }
    snapshot_free(read); /* its source was in the changes */
    state_changes_free(&changes);
    fold_test_free(&saved);
    fold_test_free(&loaded);
    return status;
}

static struct snapshot_load load_at(int64_t now_us)
{
    return (struct snapshot_load){.source = &source_sqlite, .table = 5, .now = {now_us}};
}

static const struct snapshot good = {.epoch = 7,
                                     .ordinal = 8,
                                     .origin = 9,
                                     .source = {"source", 6},
                                     .scheme = {"sqlite", 6},
                                     .table = 5,
                                     .delivered = 1,
                                     .again = {3, 4},
                                     .as_of = {START_US}};

static void test_the_place_is_kept(void **state)
{
    (void)state;
    struct snapshot read;
    struct snapshot_load how = load_at(START_US);
    assert_int_equal(go_on(&good, &read, &how), STATUS_OK);
    assert_int_equal(read.epoch, 7);
    assert_int_equal(read.ordinal, 8);
    assert_int_equal(read.origin, 9);
    assert_int_equal(read.delivered, 1);
    assert_int_equal(read.again.first, 3);
    assert_int_equal(read.again.last, 4);
    assert_int_equal(how.loaded, 1);
    assert_false(how.was_ahead);
}

static void test_a_clock_that_was_ahead_is_noticed(void **state)
{
    (void)state;
    struct snapshot read;
    struct snapshot written = good;
    struct snapshot_load how = load_at(START_US - 61 * US_PER_S);
    assert_int_equal(go_on(&written, &read, &how), STATUS_OK); /* a count forgets nothing */
    assert_true(how.was_ahead);
    written.as_of = WALL_NEVER; /* rows are missing */
    how = load_at(START_US);
    assert_int_equal(go_on(&written, &read, &how), STATUS_INVALID);
    assert_int_equal(read.epoch, 7); /* it counts even so */
}

static void test_a_place_in_another_table_is_none(void **state)
{
    (void)state;
    struct snapshot read;
    struct snapshot written = good;
    struct snapshot_load how = load_at(START_US);
    written.table = 6;
    assert_int_equal(go_on(&written, &read, &how), STATUS_INVALID);
    written = good;
    written.scheme = STR("postgresql");
    assert_int_equal(go_on(&written, &read, &how), STATUS_INVALID);
    written = good;
    written.source = STR(""); /* saved before any row was read */
    assert_int_equal(go_on(&written, &read, &how), STATUS_INVALID);
}

/* ---- A source's state in pieces ---- */

/* What a store holds, to which a list of changes is added: as a store does, by its numbers. */
struct store {
    struct state_changes records;
    struct snapshot_pieces pieces;
    size_t put; /* bytes of values of the last save */
};

static void save_state(struct store *s, struct str state)
{
    struct snapshot written = good;
    struct state_changes changes = {0};
    written.source = state;
    snapshot_put(&written, &s->pieces, &changes);
    s->put = changes.values.len;
    state_changes_append(&s->records, &changes);
    state_changes_settle(&s->records);
    state_changes_free(&changes);
}

/* Loads what the store holds, without fold; the state has to be that one, unless it is refused. */
static int load_state(const struct store *s, struct str state, struct snapshot_pieces *pieces)
{
    struct fold_test loaded;
    struct snapshot read;
    struct snapshot_load how = load_at(START_US);
    fold_test_init(&loaded, "  - {key: a, type: count}\n");
    const int status = snapshot_load(&read, &s->records, &how, loaded.fold, NULL);
    if (status == STATUS_OK) {
        assert_true(str_equal(read.source, state));
        *pieces = read.pieces;
    }
    snapshot_free(&read);
    fold_test_free(&loaded);
    return status;
}

static size_t stored_pieces(const struct store *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->records.count; i++) {
        count += s->records.list[i].kind == STATE_PUT && s->records.list[i].id.item >= STATE_PIECE;
    }
    return count;
}

static void grow(struct buf *state, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        buf_append_char(state, (char)(state->len * 7 % 251));
    }
}

static void test_a_save_writes_what_was_appended(void **state)
{
    (void)state;
    struct store s = {.put = 0};
    struct buf source = {0};
    struct snapshot_pieces pieces;
    grow(&source, SNAPSHOT_TAIL_MAX);
    save_state(&s, buf_str(&source));
    assert_int_equal(stored_pieces(&s), 0);
    grow(&source, 3000000);
    save_state(&s, buf_str(&source));
    assert_true(s.put > 3000000);
    for (int i = 0; i < 200; i++) {
        grow(&source, 1000);
        save_state(&s, buf_str(&source));
        assert_true(s.put < SNAPSHOT_TAIL_MAX + 2000);
        assert_int_equal(load_state(&s, buf_str(&source), &pieces), STATUS_OK);
        if (i % 50 == 20) {
            s.pieces = pieces; /* as after a start */
        }
    }
    assert_in_range(stored_pieces(&s), 5, 20);
    snapshot_pieces_anew(&s.pieces); /* it is not known what is stored */
    save_state(&s, buf_str(&source));
    assert_int_equal(load_state(&s, buf_str(&source), &pieces), STATUS_OK);
    assert_int_equal(stored_pieces(&s), 1);
    buf_clear(&source);
    grow(&source, 10);
    snapshot_pieces_anew(&s.pieces); /* another state */
    save_state(&s, buf_str(&source));
    assert_int_equal(load_state(&s, buf_str(&source), &pieces), STATUS_OK);
    assert_int_equal(stored_pieces(&s), 0);
    state_changes_free(&s.records);
    buf_free(&source);
}

static void test_a_piece_that_is_missing_is_noticed(void **state)
{
    (void)state;
    struct store s = {.put = 0};
    struct buf source = {0};
    struct snapshot_pieces pieces;
    for (int i = 0; i < 3; i++) {
        grow(&source, SNAPSHOT_TAIL_MAX + 1);
        save_state(&s, buf_str(&source));
    }
    assert_int_equal(load_state(&s, buf_str(&source), &pieces), STATUS_OK);
    state_gone(&s.records, STATE_ITEM_GONE, (struct state_id){.item = STATE_PIECE + 1});
    state_changes_settle(&s.records);
    struct store without = {.put = 0};
    for (size_t i = 0; i < s.records.count; i++) {
        const struct state_change *change = &s.records.list[i];
        if (change->kind == STATE_PUT) {
            state_put(&without.records, change->id, state_value(&s.records, change));
        }
    }
    assert_int_equal(load_state(&without, buf_str(&source), &pieces), STATUS_INVALID);
    state_changes_free(&without.records);
    state_changes_free(&s.records);
    buf_free(&source);
}

/* Formats of two sources are numbers of their own: only a source's own one can be newer. */
static void test_only_a_state_of_the_same_source_can_be_newer(void **state)
{
    (void)state;
    struct buf newer = {0};
    mp_put_array(&newer, 1);
    mp_put_int(&newer, 1000);
    for (int i = 0; i < 2; i++) {
        struct snapshot read;
        struct snapshot written = good;
        struct snapshot_load how = load_at(START_US);
        written.source = buf_str(&newer);
        written.scheme = i == 0 ? STR("sqlite") : STR("postgresql");
        assert_int_equal(go_on(&written, &read, &how), i == 0 ? STATUS_NEWER : STATUS_INVALID);
    }
    buf_free(&newer);
}

static bool is_newer_part(const struct config *config, struct str state)
{
    (void)config;
    return str_is(state, "newer");
}

static void test_a_state_with_a_newer_part_is_newer(void **state)
{
    (void)state;
    struct source_ops several = source_sqlite;
    several.part_is_newer = is_newer_part;
    for (int i = 0; i < 2; i++) {
        struct snapshot read;
        struct snapshot written = good;
        struct snapshot_load how = load_at(START_US);
        how.source = &several;
        written.source = i == 0 ? STR("newer") : STR("older");
        assert_int_equal(go_on(&written, &read, &how), i == 0 ? STATUS_NEWER : STATUS_OK);
    }
}

/* What versions before 0.2 wrote: six parts at first, then eight. */
static void test_a_checkpoint_in_one_piece_is_taken_over(void **state)
{
    (void)state;
    for (int parts = 6; parts <= 8; parts += 2) {
        struct fold_test t;
        struct buf bytes = {0};
        struct buf fold = {0};
        struct state_changes saved = {0};
        struct snapshot read;
        struct snapshot_load how = load_at(START_US);
        fold_test_init(&t, "  - {key: a, type: count}\n");
        mp_put_array(&fold, 2);
        mp_put_int(&fold, 1);
        mp_put_array(&fold, 0);
        mp_put_array(&bytes, (size_t)parts);
        for (int i = 1; i <= 4; i++) {
            mp_put_int(&bytes, i);
        }
        mp_put_bin(&bytes, STR("source"));
        mp_put_bin(&bytes, buf_str(&fold));
        if (parts == 8) {
            mp_put_int(&bytes, START_US);
            mp_put_text(&bytes, "sqlite");
        }
        state_put(&saved, (struct state_id){.item = STATE_LEGACY}, buf_str(&bytes));
        assert_int_equal(snapshot_load(&read, &saved, &how, t.fold, NULL), STATUS_OK);
        assert_true(how.legacy);
        assert_int_equal(read.ordinal, 3);
        assert_int_equal(fold_builds(t.fold), 1); /* the tile is not in it */
        state_changes_free(&saved);
        buf_free(&fold);
        buf_free(&bytes);
        fold_test_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_place_is_kept),
        cmocka_unit_test(test_a_clock_that_was_ahead_is_noticed),
        cmocka_unit_test(test_a_place_in_another_table_is_none),
        cmocka_unit_test(test_a_save_writes_what_was_appended),
        cmocka_unit_test(test_a_piece_that_is_missing_is_noticed),
        cmocka_unit_test(test_only_a_state_of_the_same_source_can_be_newer),
        cmocka_unit_test(test_a_state_with_a_newer_part_is_newer),
        cmocka_unit_test(test_a_checkpoint_in_one_piece_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
