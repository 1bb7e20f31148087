/* SPDX-License-Identifier: Apache-2.0 */
/* The past of a table that is read by a cursor: between two states of the reading, each row that
 * was delivered between them comes once, and no other. */
#include "ingestor/source/cursor/cursor_past.h"

#include "tests/ingestor/source/cursor/cursor_world.h"

#define STATES_MAX 64

/* A state that the reading had, and the last ordinal then. */
struct moment_of {
    struct buf state; /* empty: before the first row */
    uint64_t last;
};

struct history {
    struct world w;
    struct moment_of states[STATES_MAX];
    size_t count;
    int64_t ago_us; /* how long before now the table's own present is */
};

static void history_init(struct history *h, const char *late_window, unsigned seed)
{
    *h = (struct history){.ago_us = 3000 * US_PER_S, .count = 1};
    world_init(&h->w, late_window, seed);
}

static void history_free(struct history *h)
{
    for (size_t i = 0; i < h->count; i++) {
        buf_free(&h->states[i].state);
    }
    world_free(&h->w);
}

static void note_state(struct history *h)
{
    if (h->count < STATES_MAX && h->w.state.len != 0) {
        struct moment_of *m = &h->states[h->count++];
        struct cursor_state loaded = {.config = NULL};
        buf_append_str(&m->state, buf_str(&h->w.state));
        assert_true(cursor_state_load(&loaded, buf_str(&m->state)));
        m->last = loaded.position.ordinal; /* after a crash it may be less than h->w.last */
        cursor_state_free(&loaded);
    }
}

/* Reads until all is delivered, and does not wait for the next thorough look. */
static void settle_at_once(struct history *h)
{
    for (int tries = 0; !all_delivered(&h->w); tries++) {
        assert_true(tries < 3000);
        h->w.cursor.thorough.due_at = (mono_time){0};
        (void)take_batch(&h->w, 1 + (size_t)rand_r(&h->w.seed) % 9);
    }
}

/* ---- Reading the past ---- */

struct past_run {
    struct cursor cursor;
    struct cursor_past past;
    struct buf done;
    bool has_done;
};

static void open_past(struct history *h, struct past_run *run, size_t from, size_t to)
{
    const struct cursor_db db = {.arg = &h->w, .scan = scan, .find = find, .fill = fill};
    struct error err;
    assert_int_equal(cursor_past_open(&run->past, &run->cursor, h->w.config, &db,
                                      buf_str(&h->states[from].state),
                                      buf_str(&h->states[to].state),
                                      run->has_done ? buf_str(&run->done) : STR_NULL, &err),
                     STATUS_OK);
}

static void close_past(struct past_run *run)
{
    cursor_past_close(&run->past);
    cursor_close(&run->cursor);
}

static void take_step(struct history *h);

/* Goes on with the table while it reads, if `live`; and now and then opens it again. */
static void read_past(struct history *h, size_t from, size_t to, bool live)
{
    struct past_run run = {.has_done = false};
    double progress = 0;
    bool more = true;
    for (size_t i = 0; i < h->w.count; i++) {
        h->w.rows[i].past = 0;
    }
    open_past(h, &run, from, to);
    while (more) {
        const size_t max_rows = 1 + (size_t)rand_r(&h->w.seed) % 40;
        struct batch *batch;
        struct error err;
        assert_int_equal(cursor_past_read(&run.past, max_rows, &batch, &err), STATUS_OK);
        assert_true(batch->history && batch->count <= max_rows);
        assert_true(batch->progress >= progress && batch->progress <= 1);
        progress = batch->progress;
        for (size_t i = 0; i < batch->count; i++) {
            row_of(&h->w, batch->events[i].id.text)->past++;
        }
        buf_clear(&run.done);
        buf_append_str(&run.done, batch->state);
        run.has_done = true;
        more = batch->more;
        batch_destroy(&batch);
        if (live) {
            take_step(h);
        }
        if (more && rand_r(&h->w.seed) % 4 == 0) {
            close_past(&run);
            open_past(h, &run, from, to);
        }
    }
    assert_true(progress == 1);
    close_past(&run);
    buf_free(&run.done);
}

static void check_past(const struct history *h, size_t from, size_t to)
{
    for (size_t i = 0; i < h->w.count; i++) {
        const struct world_row *row = &h->w.rows[i];
        const bool between =
            row->delivered > h->states[from].last && row->delivered <= h->states[to].last;
        if (!row->deleted || row->past > 1) { /* one that goes meanwhile comes or does not */
            assert_int_equal(row->past, between ? 1 : 0);
        }
    }
}

/* ---- Tests ---- */

static void take_step(struct history *h)
{
    struct world *w = &h->w;
    switch (rand_r(&w->seed) % 12) {
    case 0:
    case 1: /* late; those before it are delivered, as their late window would be over */
        (void)commit(w, h->ago_us + rand_r(&w->seed) % 250 * US_PER_S);
        break;
    case 2:
        settle_at_once(h);
        h->ago_us -= h->ago_us > 60 * US_PER_S ? rand_r(&w->seed) % 40 * US_PER_S : 0;
        (void)commit(w, h->ago_us);
        break;
    case 3:
        if (rand_r(&w->seed) % 8 == 0) {
            (void)commit(w, -(rand_r(&w->seed) % 50 + 10) * US_PER_S); /* of the future */
        }
        break;
    case 4:
        if (w->count != 0 && rand_r(&w->seed) % 3 == 0) {
            w->rows[(size_t)rand_r(&w->seed) % w->count].deleted = true;
        }
        break;
    case 5:
        save(w);
        break;
    case 6:
        if (rand_r(&w->seed) % 6 == 0) {
            crash(w);
        }
        break;
    case 7:
    case 8:
        (void)commit(w, h->ago_us);
        break;
    default:
        cursor_woken(&w->cursor);
        (void)take_batch(w, 1 + (size_t)rand_r(&w->seed) % 5);
        break;
    }
}

static void test_random_histories(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct history h;
        history_init(&h, "5m", seed);
        (void)commit(&h.w, h.ago_us + 300 * US_PER_S);
        settle_at_once(&h);
        save(&h.w);
        for (int step = 0; step < 600; step++) {
            take_step(&h);
            if (step % 12 == 0 && h.w.state.len != 0) {
                note_state(&h);
            }
        }
        assert_true(h.w.cursor.state.marks.floor != 0);
        for (size_t from = 0; from < h.count; from += 1 + (size_t)rand_r(&h.w.seed) % 6) {
            for (size_t to = from + (from == 0); to < h.count; to += 7) {
                read_past(&h, from, to, false);
                check_past(&h, from, to);
            }
        }
        history_free(&h);
    }
}

/* What a new tile is made of: the past, and meanwhile what is delivered live. */
static void test_each_row_comes_by_the_past_or_live(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct history h;
        history_init(&h, "5m", seed);
        (void)commit(&h.w, h.ago_us + 300 * US_PER_S);
        settle_at_once(&h);
        save(&h.w);
        for (int step = 0; step < 300; step++) {
            take_step(&h);
        }
        h.count = 1;
        note_state(&h);
        read_past(&h, 0, 1, true);
        settle_at_once(&h);
        check_past(&h, 0, 1);
        for (size_t i = 0; i < h.w.count; i++) {
            const struct world_row *row = &h.w.rows[i];
            const bool live = row->delivered > h.states[1].last;
            assert_true(row->deleted || row->past + (live ? 1 : 0) == 1);
        }
        history_free(&h);
    }
}

/* The late window is another one when the place of a tile that was away is read. */
static void test_another_late_window_changes_no_place(void **state)
{
    (void)state;
    struct history h;
    history_init(&h, "5m", 3);
    (void)commit(&h.w, 400 * US_PER_S);
    for (int i = 0; i < 10; i++) {
        (void)commit(&h.w, (100 - i) * US_PER_S);
        settle_at_once(&h);
    }
    note_state(&h);
    (void)commit(&h.w, 200 * US_PER_S); /* late, and delivered between the two */
    settle_at_once(&h);
    note_state(&h);
    ((struct config *)h.w.config)->source.late_window_ms = 1000;
    read_past(&h, 1, 2, false);
    check_past(&h, 1, 2);
    history_free(&h);
}

static void test_rows_too_late_for_anybody_are_the_pasts_alone(void **state)
{
    (void)state;
    struct history h;
    history_init(&h, "10s", 3);
    for (int i = 0; i < 100; i++) {
        (void)commit(&h.w, (200 - i) * US_PER_S);
        settle_at_once(&h);
    }
    save(&h.w);
    crash(&h.w); /* so that the next state is a whole one, with its floor */
    (void)commit(&h.w, 0);
    settle_at_once(&h);
    note_state(&h);
    char id[40];
    memcpy(id, commit(&h.w, 150 * US_PER_S).p, sizeof id); /* before the floor */
    read_past(&h, 0, 1, false);
    assert_int_equal(row_of(&h.w, str_of(id))->past, 1);
    h.w.cursor.thorough.due_at = (mono_time){0};
    (void)take_batch(&h.w, 10);
    assert_int_equal(row_of(&h.w, str_of(id))->delivered, 0); /* see docs/sources.md */
    history_free(&h);
}

static void test_places_of_others_are_refused(void **state)
{
    (void)state;
    struct history h;
    struct past_run run = {.has_done = false};
    struct buf other = {0};
    struct error err;
    history_init(&h, "5m", 3);
    (void)commit(&h.w, 0);
    settle_at_once(&h);
    const struct cursor_db db = {.arg = &h.w, .scan = scan, .find = find, .fill = fill};
    mp_put_array(&other, 2);
    mp_put_int(&other, 3);
    mp_put_int(&other, 1);
    const struct str good = buf_str(&h.w.state);
    const struct str bad = buf_str(&other);
    const struct str cases[][3] = {
        {bad, good, STR_NULL}, {STR_NULL, bad, STR_NULL}, {STR_NULL, good, bad}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(cursor_past_open(&run.past, &run.cursor, h.w.config, &db, cases[i][0],
                                          cases[i][1], cases[i][2], &err),
                         STATUS_INVALID);
        close_past(&run);
    }
    buf_free(&other);
    history_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_each_row_comes_by_the_past_or_live),
        cmocka_unit_test(test_another_late_window_changes_no_place),
        cmocka_unit_test(test_rows_too_late_for_anybody_are_the_pasts_alone),
        cmocka_unit_test(test_places_of_others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
