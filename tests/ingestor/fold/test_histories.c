/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories of the fold's state: rows that are late or from the future, and rows that are
 * deleted after they were delivered; saves that fail and go with the next; a store that turns out
 * to be damaged; crashes, which lose all since the last save that was stored; tiles that are taken
 * out, changed and changed back, and builds between rows that are new.
 *
 * Beside them a model notes which rows each tile has to know. Each tile must then show what a fold
 * of exactly these rows shows, made anew.
 */
#include "common/base/xalloc.h"
#include "ingestor/fold/fold_reload.h"
#include "tests/ingestor/fold/fold_history.h"
#include "tests/ingestor/fold/fold_shown.h"

#define STEPS 900
#define HISTORIES 40

/* ---- Builds ---- */

static void build_begin(struct history *h)
{
    struct str from;
    if (h->building || !fold_build_next(h->t.fold, moment_of(h), &from)) {
        return;
    }
    let_due(h);
    char *text = x_strndup(from.p, from.len);
    h->building = true;
    h->began = h->t.now.wall;
    h->past_at = from.len != 0 ? strtoull(text, NULL, 10) : 0;
    h->past_end = h->now.delivered;
    free(text);
    for (size_t k = 0; k < KEYS; k++) {
        for (size_t v = 0; v < VARIANTS; v++) {
            struct believed *b = &h->now.tiles[k][v];
            if (b->phase != PHASE_WAITING || (b->kept ? b->place : 0) != h->past_at ||
                b->kept != (from.len != 0)) {
                continue;
            }
            b->phase = PHASE_READING;
            for (size_t i = 0; i < h->past_end; i++) {
                b->knows[i] = b->knows[i] || h->now.waits[i];
            }
        }
    }
}

static void build_end(struct history *h)
{
    fold_build_end(h->t.fold, 0, moment_of(h));
    h->building = false;
    for (size_t k = 0; k < KEYS; k++) {
        for (size_t v = 0; v < VARIANTS; v++) {
            struct believed *b = &h->now.tiles[k][v];
            if (b->phase == PHASE_READING) {
                b->phase = PHASE_NONE;
                b->kept = false;
                b->lost = false;
            }
        }
    }
}

static void build_some(struct history *h)
{
    if (!h->building) {
        return;
    }
    for (int n = chance(h, 80); n >= 0 && h->past_at < h->past_end; n--) {
        const size_t i = h->past_at++;
        if (h->rows[i].deleted) {
            continue;
        }
        const struct event event = event_of(&h->rows[i], i);
        fold_build_event(h->t.fold, &event, moment_of(h));
        if (event.timestamp.us > later(h->now.reached, h->t.now.wall).us) {
            await(h, i);
        }
        for (size_t k = 0; k < KEYS; k++) {
            for (size_t v = 0; v < VARIANTS; v++) {
                struct believed *b = &h->now.tiles[k][v];
                b->knows[i] = b->knows[i] || b->phase == PHASE_READING;
            }
        }
    }
    if (h->past_at >= h->past_end) {
        build_end(h);
    }
}

/* ---- Saves and crashes ---- */

static void save_begin(struct history *h)
{
    char place[PLACE_SIZE];
    if (h->under_way) {
        return;
    }
    if (chance(h, 15) == 0) { /* too much could not be stored */
        fold_unsave(h->t.fold, &h->changes);
    }
    fold_save(h->t.fold, h->t.now.wall, &h->changes);
    place_text(h, h->now.delivered, place);
    state_put(&h->changes, (struct state_id){.item = STATE_PLACE}, str_of(place));
    note_saving(h);
    h->under_way = true;
}

static void save_end(struct history *h)
{
    if (!h->under_way) {
        return;
    }
    h->under_way = false;
    switch (chance(h, 8)) {
    case 0:
    case 1:
    case 2:
        break; /* it failed */
    case 3:
        if (chance(h, 6) == 0) { /* and the store is damaged */
            state_changes_clear(&h->store);
            state_changes_clear(&h->changes);
            fold_unsave_all(h->t.fold);
            memset(&h->stored, 0, sizeof h->stored);
            for (size_t k = 0; k < KEYS; k++) {
                for (size_t v = 0; v < VARIANTS; v++) {
                    struct believed *b = &h->now.tiles[k][v];
                    b->kept = b->kept && b->phase != PHASE_GONE;
                    b->lost = true;
                }
            }
            break;
        }
        __attribute__((fallthrough));
    default:
        state_changes_append(&h->store, &h->changes);
        store_settle(&h->store);
        state_changes_clear(&h->changes);
        h->stored = h->saving;
    }
}

static void end(struct history *h)
{
    fold_test_free(&h->t);
    h->t.json = NULL;
    for (size_t i = 0; i < h->config_count; i++) {
        config_destroy(&h->configs[i]);
    }
    h->config_count = 0;
}

/* With the tiles that were chosen. */
static void start_with(struct history *h)
{
    const struct moment now = h->t.now;
    end(h);
    fold_begin(&h->t, h->variants);
    h->t.now = now;
    h->t.now.mono.us += US_PER_S;
    state_changes_clear(&h->changes);
    h->building = false;
    h->under_way = false;
    if (!h->stored.any) {
        begin_anew(h);
        return;
    }
    char place[PLACE_SIZE];
    place_text(h, h->stored.delivered, place);
    struct fold_load how = {
        .place = str_of(place), .now = h->t.now.wall, .reached = h->stored.reached};
    assert_int_equal(fold_load(h->t.fold, &h->store, &how, NULL), STATUS_OK);
    assert_int_equal(how.damaged, 0);
    take_over(h);
}

static void crash(struct history *h)
{
    if (chance(h, 3) == 0) {
        h->t.now.wall.us += chance(h, 4000) * US_PER_MS;
    }
    choose(h);
    start_with(h);
}

/* SIGHUP: other tiles, while all goes on; or what a start does, where the store has to be read. */
static void reload(struct history *h)
{
    char place[PLACE_SIZE];
    struct buf text = {0};
    struct config *config = NULL;
    if (h->config_count == CONFIGS_MAX) {
        return;
    }
    choose(h);
    buf_append_text(&text, "source: {uri: \"sqlite:x.db\"}\ntiles:\n");
    append_tiles(&text, h->variants);
    assert_int_equal(config_parse(text.data, text.len, "test.yaml", &config, NULL), STATUS_OK);
    buf_free(&text);
    if (fold_has_retired(h->t.fold, config)) {
        config_destroy(&config);
        start_with(h);
        return;
    }
    place_text(h, h->now.delivered, place);
    h->configs[h->config_count++] = h->t.config;
    h->t.config = config;
    pass(h, 0);
    (void)fold_reload(&h->t.fold, config, str_of(place), h->t.now, take_output, &h->t);
    for (size_t k = 0; k < KEYS; k++) {
        for (int v = 0; v < VARIANTS; v++) {
            struct believed *b = &h->now.tiles[k][v];
            if (h->variants[k] == v && b->phase == PHASE_GONE) {
                await_build(b);
            } else if (h->variants[k] != v && b->phase != PHASE_GONE) {
                retire(h, b);
            }
        }
    }
}

/* ---- Rows ---- */

static void write_row(struct history *h)
{
    if (h->count == ROWS_MAX) {
        return;
    }
    struct row *row = &h->rows[h->count++];
    const int ahead = chance(h, 12) == 0 ? 6000 : 0;
    row->timestamp =
        (wall_time){h->t.now.wall.us + (chance(h, 30000) * (ahead != 0 ? 1 : -1)) * US_PER_MS / 3};
    row->type = chance(h, 5);
    row->deleted = false;
    snprintf(row->target, sizeof row->target, "i%d", chance(h, 12));
    snprintf(row->payload, sizeof row->payload,
             "{\"v\":%d.%d,\"team\":\"%c\",\"metric\":\"m\",\"value\":%d}", chance(h, 50),
             chance(h, 1000), "abcde"[chance(h, 5)], chance(h, 100));
}

/* Deletes rows whose time has come; but none that a build still wants and that came before anybody
 * asked for it, for such a row is only in the table. */
static void retain(struct history *h)
{
    const wall_time before = h->building ? h->began : h->t.now.wall;
    for (size_t i = 0; i < h->count; i++) {
        if (h->rows[i].timestamp.us <= before.us && i < h->now.delivered &&
            i < h->stored.delivered && chance(h, 4) == 0) {
            h->rows[i].deleted = true;
        }
    }
}

/* ---- Judging ---- */

/* The tile shows what a fold of the rows that it has to know shows. */
static void judge_tile(struct history *h, size_t k, const struct shown *all, size_t *judged)
{
    int variants[KEYS] = {-1, -1, -1, -1, -1, -1, -1, -1};
    struct fold_test twin;
    struct shown shown;
    variants[k] = h->variants[k];
    fold_begin(&twin, variants);
    twin.now = h->t.now;
    for (size_t i = 0; i < h->now.delivered; i++) {
        if (h->now.tiles[k][variants[k]].knows[i]) {
            const struct event event = event_of(&h->rows[i], i);
            fold_event(twin.fold, &event, twin.now);
        }
    }
    show_all(&twin, &shown);
    for (size_t i = 0; i < shown.count; i++) {
        const char *want = shown.lines[i].data;
        const size_t len = (size_t)(strchr(want, ' ') - want) + 1;
        const char *got = "nothing";
        for (size_t n = 0; n < all->count; n++) {
            got = strncmp(all->lines[n].data, want, len) == 0 ? all->lines[n].data : got;
        }
        if (strchr(got, '{') == NULL || !same_line(got, want)) {
            fail_msg("%s: shows %s\nand not %s", definitions[k][variants[k]], got, want);
        }
        ++*judged;
    }
    hide_all(&shown);
    fold_test_free(&twin);
}

static void judge(struct history *h)
{
    struct shown all;
    size_t judged = 0;
    while (h->building || fold_builds(h->t.fold) != 0) {
        build_begin(h);
        build_some(h);
    }
    const int64_t behind_us = h->reached.us - h->t.now.wall.us;
    pass(h, behind_us > 0 ? behind_us / US_PER_MS + 1 : 0);
    show_all(&h->t, &all);
    let_due(h);
    for (size_t k = 0; k < KEYS; k++) {
        if (h->variants[k] >= 0) {
            assert_int_equal(h->now.tiles[k][h->variants[k]].phase, PHASE_NONE);
            judge_tile(h, k, &all, &judged);
        }
    }
    assert_int_equal(judged, all.count);
    hide_all(&all);
}

static void step(struct history *h)
{
    switch (chance(h, 20)) {
    case 0:
        retain(h);
        break;
    case 1:
    case 2:
        save_begin(h);
        break;
    case 3:
    case 4:
        save_end(h);
        break;
    case 5:
        if (chance(h, 2) == 0) {
            crash(h);
        } else if (chance(h, 2) == 0) {
            reload(h);
        }
        break;
    case 6:
        build_begin(h);
        break;
    case 7:
    case 8:
        build_some(h);
        break;
    case 9:
        pass(h, chance(h, 3000));
        if (chance(h, 10) == 0) {
            h->now.reached = later(h->now.reached, h->t.now.wall);
            h->reached = later(h->reached, h->t.now.wall);
            h->t.now.wall.us -= chance(h, 5000) * US_PER_MS; /* the clock is set back */
        }
        break;
    case 10:
        if (chance(h, 4) == 0) {
            judge(h);
        }
        break;
    default:
        for (int n = chance(h, 5); n >= 0; n--) {
            write_row(h);
        }
        if (chance(h, 3) != 0) {
            deliver_new(h);
        }
    }
}

static void live_through(unsigned seed)
{
    struct history *h = x_calloc(1, sizeof *h);
    h->seed = seed;
    h->long_places = seed % 2 == 1;
    print_message("seed %u\n", seed);
    h->t.now = (struct moment){{START_US}, {1000000000}};
    choose(h);
    start_with(h);
    for (int i = 0; i < STEPS; i++) {
        step(h);
    }
    deliver_new(h);
    judge(h);
    crash(h);
    deliver_new(h);
    judge(h);
    end(h);
    state_changes_free(&h->changes);
    state_changes_free(&h->store);
    free(h);
}

static void test_every_tile_is_the_fold_of_the_rows_that_it_was_given(void **state)
{
    (void)state;
    const unsigned first = seed_of_run();
    const unsigned runs = runs_of_run(HISTORIES);
    for (unsigned seed = first; seed < first + runs; seed++) {
        live_through(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tile_is_the_fold_of_the_rows_that_it_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
