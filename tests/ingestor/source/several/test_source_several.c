/* SPDX-License-Identifier: Apache-2.0 */
/* Three files of SQLite as one source, with their threads: whatever is written, saved and lost in a
 * crash, each row is delivered once, at the same place in every life. */
#include "ingestor/source/several/source_several.h"

#include <sqlite3.h>
#include <stdio.h>

#include "common/codec/mp.h"
#include "ingestor/source/several/several_state.h"
#include "tests/unit.h"

#define SOURCES 3
#define ROWS_MAX 4096 /* ordinals of a history */
#define ID_SIZE 16
#define TURN_MS 20
#define PATIENCE_MS 120000 /* A machine may be slow. */
#define EPOCH 77

static char folder[] = "/tmp/tilewire-several-XXXXXX";
static const char *const names[SOURCES] = {"shop", "desk", "bus"};

struct life {
    struct config *config;
    sqlite3 *db[SOURCES];
    struct source *source;             /* NULL: it is not open */
    struct buf state;                  /* behind the last batch */
    struct buf journal;                /* of all lives */
    struct buf saved;                  /* what the next life is opened with */
    uint64_t saved_to;                 /* the ordinal that it goes up to */
    char delivered[ROWS_MAX][ID_SIZE]; /* by ordinal; empty: none */
    bool again[ROWS_MAX];              /* in this life */
    uint64_t last;                     /* ordinal, in this life */
    size_t written;                    /* rows */
    size_t count;                      /* that were delivered */
    uint64_t origin;                   /* of the ordinals; 0: not known */
    uint64_t delivered_of[SOURCES];    /* as the last batch said */
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

static void begin(struct life *life)
{
    char path[100];
    struct buf yaml = {0};
    struct error err = {{0}};
    *life = (struct life){.saved_to = 0};
    buf_append_text(&yaml, "sources:\n");
    for (size_t i = 0; i < SOURCES; i++) {
        (void)snprintf(path, sizeof path, "%s/%s.db", folder, names[i]);
        (void)remove(path);
        assert_int_equal(sqlite3_open(path, &life->db[i]), SQLITE_OK);
        sqlite3_busy_timeout(life->db[i], 60000);
        run_sql(
            life->db[i],
            "PRAGMA journal_mode=WAL; CREATE TABLE events (id INTEGER PRIMARY KEY, timestamp TEXT, "
            "event_type TEXT, actor_id, target_id, summary, payload)");
        buf_printf(&yaml, "  - {name: %s, uri: 'sqlite:%s.db', poll_interval: 10ms}\n", names[i],
                   names[i]);
    }
    buf_append_text(&yaml, "tiles:\n  - {key: all, type: count}\n");
    (void)snprintf(path, sizeof path, "%s/t.yaml", folder);
    assert_int_equal(config_parse(yaml.data, yaml.len, path, &life->config, &err), STATUS_OK);
    buf_free(&yaml);
}

static void end(struct life *life)
{
    if (life->source != NULL) {
        life->source->ops->close(life->source);
    }
    for (size_t i = 0; i < SOURCES; i++) {
        sqlite3_close(life->db[i]);
    }
    config_destroy(&life->config);
    buf_free(&life->state);
    buf_free(&life->journal);
    buf_free(&life->saved);
}

static void open_source(struct life *life)
{
    struct error err = {{0}};
    const struct str state = life->saved.len != 0 ? buf_str(&life->saved) : STR_NULL;
    const struct str journal = life->journal.len != 0 ? buf_str(&life->journal) : STR("");
    assert_int_equal(source_several.open(life->config, state, journal, EPOCH, &life->source, &err),
                     STATUS_OK);
    source_several_wait_for(life->source, PATIENCE_MS);
    life->last = 0;
    memset(life->again, 0, sizeof life->again);
}

static void write_rows(struct life *life, uint64_t *seed)
{
    const size_t source = next_random(seed) % SOURCES;
    for (uint64_t left = 1 + next_random(seed) % 6; left > 0; left--) {
        run_sql(life->db[source], "INSERT INTO events (timestamp, event_type) VALUES "
                                  "('2026-11-27T10:00:00Z', 'order.created')");
        life->written++;
    }
}

/* ---- What comes ---- */

static void take_event(struct life *life, const struct event *event)
{
    char id[ID_SIZE];
    assert_true(event->ordinal > life->last && event->ordinal < ROWS_MAX);
    (void)snprintf(id, sizeof id, "%.*s", (int)event->id.text.len, event->id.text.p);
    assert_int_equal(strncmp(id, names[event->source], strlen(names[event->source])), 0);
    if (life->delivered[event->ordinal][0] == '\0') {
        memcpy(life->delivered[event->ordinal], id, sizeof id);
        life->count++;
    }
    assert_string_equal(life->delivered[event->ordinal], id);
    life->again[event->ordinal] = true;
    life->last = event->ordinal;
}

static void take_batch(struct life *life, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        take_event(life, &batch->events[i]);
    }
    assert_int_equal(batch->restarted, 0);
    assert_int_equal(batch->anew_of, 0);
    assert_true(life->origin == 0 || life->origin == batch->origin);
    life->origin = batch->origin;
    memcpy(life->delivered_of, batch->delivered_of, sizeof life->delivered_of);
    buf_append_str(&life->journal, batch->journal);
    if (batch->history) {
        return;
    }
    if (!batch->state_appends) {
        buf_clear(&life->state);
    }
    buf_append_str(&life->state, batch->state);
}

/* Reads once; true when there was a batch. */
static bool read_once(struct life *life)
{
    struct batch *batch = NULL;
    struct error err = {{0}};
    bool woken;
    assert_int_equal(life->source->ops->read(life->source, 100, &batch, &err), STATUS_OK);
    if (batch == NULL) {
        assert_int_equal(life->source->ops->wait(life->source, -1, TURN_MS, &woken, &err),
                         STATUS_OK);
        return false;
    }
    take_batch(life, batch);
    batch_destroy(&batch);
    return true;
}

static bool all_again(const struct life *life)
{
    for (size_t i = life->saved_to + 1; i < ROWS_MAX; i++) {
        if (life->delivered[i][0] != '\0' && !life->again[i]) {
            return false;
        }
    }
    return true;
}

/* Reads until each row has come, those behind the saved state in this life, too. */
static void drain(struct life *life)
{
    while (life->count < life->written || !all_again(life)) {
        (void)read_once(life);
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < SOURCES; i++) {
        sum += life->delivered_of[i];
    }
    assert_int_equal(life->count, life->written);
    assert_int_equal(sum, life->written);
}

static void save(struct life *life)
{
    if (life->state.len != 0) {
        buf_clear(&life->saved);
        buf_append_str(&life->saved, buf_str(&life->state));
        life->saved_to = life->last > life->saved_to ? life->last : life->saved_to;
    }
}

static void crash(struct life *life)
{
    life->source->ops->close(life->source);
    life->source = NULL;
    buf_clear(&life->state);
    open_source(life);
}

static void live(struct life *life, uint64_t seed)
{
    open_source(life);
    while (!read_once(life)) {
    }
    save(life);
    for (int step = 0; step < 60; step++) {
        const uint64_t what = next_random(&seed) % 8;
        if (what < 4) {
            write_rows(life, &seed);
        } else if (what < 6) {
            (void)read_once(life);
        } else if (what == 6 && all_again(life)) {
            save(life);
        } else if (what == 7) {
            crash(life);
        }
    }
    drain(life);
}

static void test_rows_keep_their_places_in_every_life(void **unused)
{
    (void)unused;
    for (uint64_t round = 1; round <= 10; round++) {
        struct life *life = malloc(sizeof *life);
        assert_non_null(life);
        begin(life);
        live(life, round * 0x9e3779b97f4a7c15U);
        end(life);
        free(life);
    }
}

/* ---- The past ---- */

/* Rows that lie between the two states, some of which are read in a second attempt. */
static size_t read_past(struct life *life, struct str from, struct str to)
{
    struct source *past;
    struct error err = {{0}};
    struct buf done = {0};
    size_t rows = 0;
    for (bool more = true; more;) {
        const struct str at = done.len != 0 ? buf_str(&done) : STR_NULL;
        struct batch *batch = NULL;
        assert_int_equal(source_several.open_past(life->config, from, to, at, &past, &err),
                         STATUS_OK);
        assert_int_equal(past->ops->read(past, 3, &batch, &err), STATUS_OK);
        assert_true(batch->history);
        for (size_t i = 0; i < batch->count; i++) {
            const struct event *event = &batch->events[i];
            assert_memory_equal(event->id.text.p, names[event->source],
                                strlen(names[event->source]));
        }
        rows += batch->count;
        more = batch->more;
        buf_clear(&done);
        buf_append_str(&done, batch->state);
        batch_destroy(&batch);
        past->ops->close(past);
    }
    buf_free(&done);
    return rows;
}

static void test_the_past_has_the_rows_between_two_states(void **unused)
{
    (void)unused;
    uint64_t seed = 5;
    struct life *life = malloc(sizeof *life);
    struct buf before = {0};
    assert_non_null(life);
    begin(life);
    open_source(life);
    for (int i = 0; i < 8; i++) {
        write_rows(life, &seed);
    }
    drain(life);
    const size_t first = life->written;
    buf_append_str(&before, buf_str(&life->state));
    assert_int_equal(read_past(life, STR_NULL, buf_str(&before)), first);
    for (int i = 0; i < 8; i++) {
        write_rows(life, &seed);
    }
    drain(life);
    assert_int_equal(read_past(life, buf_str(&before), buf_str(&life->state)),
                     life->written - first);
    assert_int_equal(read_past(life, STR_NULL, buf_str(&life->state)), life->written);
    buf_free(&before);
    end(life);
    free(life);
}

/* ---- One that is away, or begins anew ---- */

static void test_one_that_is_away_is_missing_and_the_others_go_on(void **unused)
{
    (void)unused;
    char path[100];
    char away[110];
    size_t which = 0;
    struct error why = {{0}};
    struct life *life = malloc(sizeof *life);
    assert_non_null(life);
    begin(life);
    (void)snprintf(path, sizeof path, "%s/desk.db", folder);
    (void)snprintf(away, sizeof away, "%s.away", path);
    assert_int_equal(rename(path, away), 0);
    open_source(life);
    run_sql(life->db[0], "INSERT INTO events (timestamp, event_type) VALUES "
                         "('2026-11-27T10:00:00Z', 'order.created')");
    life->written = 1;
    drain(life);
    while (!life->source->ops->trouble(life->source, &which, &why)) {
        (void)read_once(life);
    }
    assert_int_equal(which, 1);
    assert_non_null(strstr(why.text, "desk.db"));
    while (life->source->ops->missing(life->source) != 2) {
        (void)read_once(life);
    }
    assert_false(life->source->ops->trouble(life->source, &which, &why));
    assert_int_equal(rename(away, path), 0);
    run_sql(life->db[1], "INSERT INTO events (timestamp, event_type) VALUES "
                         "('2026-11-27T10:00:00Z', 'order.created')");
    life->written = 2;
    drain(life);
    while (life->source->ops->missing(life->source) != 0) {
        (void)read_once(life);
    }
    end(life);
    free(life);
}

static void test_a_table_that_begins_anew_is_told_of_its_source_alone(void **unused)
{
    (void)unused;
    uint64_t seed = 9;
    struct error err = {{0}};
    struct batch *batch = NULL;
    struct life *life = malloc(sizeof *life);
    assert_non_null(life);
    begin(life);
    open_source(life);
    for (int i = 0; i < 20; i++) {
        write_rows(life, &seed);
    }
    drain(life);
    run_sql(life->db[2],
            "BEGIN; DELETE FROM events; INSERT INTO events (timestamp, event_type) VALUES "
            "('2026-11-27T11:00:00Z', 'order.created'); COMMIT");
    bool woken;
    while (batch == NULL || batch->anew_of == 0) {
        batch_destroy(&batch);
        assert_int_equal(life->source->ops->wait(life->source, -1, TURN_MS, &woken, &err),
                         STATUS_OK);
        assert_int_equal(life->source->ops->read(life->source, 100, &batch, &err), STATUS_OK);
    }
    assert_int_equal(batch->anew_of, 4);
    assert_int_equal(batch->restarted, 0);
    assert_int_equal(batch->count, 1);
    assert_true(batch->origin > life->origin && batch->ordinal > life->last);
    assert_int_equal(batch->delivered_of[0], life->delivered_of[0]);
    assert_int_equal(batch->delivered_of[2], 1);
    batch_destroy(&batch);
    end(life);
    free(life);
}

/* Of a source that is configured; what another one had saved means nothing to anybody. */
static void test_a_state_of_a_newer_version_is_found_in_each_source(void **unused)
{
    (void)unused;
    uint64_t seed = 3;
    struct life *life = malloc(sizeof *life);
    struct several_state state = {.keep = 100};
    struct buf newer = {0};
    struct buf saved = {0};
    assert_non_null(life);
    begin(life);
    open_source(life);
    write_rows(life, &seed);
    drain(life);
    assert_false(source_several.part_is_newer(life->config, buf_str(&life->state)));
    assert_true(several_state_load(&state, buf_str(&life->state)));
    mp_put_array(&newer, 1);
    mp_put_int(&newer, 1000);
    buf_free(&state.places[1].state);
    buf_append_str(&state.places[1].state, buf_str(&newer));
    several_state_save(&state, &saved);
    assert_false(source_several.state_is_newer(buf_str(&saved)));
    assert_true(source_several.part_is_newer(life->config, buf_str(&saved)));
    (void)snprintf(state.places[1].name, sizeof state.places[1].name, "other");
    buf_clear(&saved);
    several_state_save(&state, &saved);
    assert_false(source_several.part_is_newer(life->config, buf_str(&saved)));
    assert_false(source_several.part_is_newer(life->config, STR("\xc1")));
    several_state_free(&state);
    buf_free(&newer);
    buf_free(&saved);
    end(life);
    free(life);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char path[100];
    (void)state;
    for (size_t i = 0; i < SOURCES; i++) {
        (void)snprintf(path, sizeof path, "%s/%s.db", folder, names[i]);
        (void)remove(path);
    }
    (void)remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_keep_their_places_in_every_life),
        cmocka_unit_test(test_the_past_has_the_rows_between_two_states),
        cmocka_unit_test(test_one_that_is_away_is_missing_and_the_others_go_on),
        cmocka_unit_test(test_a_table_that_begins_anew_is_told_of_its_source_alone),
        cmocka_unit_test(test_a_state_of_a_newer_version_is_found_in_each_source),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
