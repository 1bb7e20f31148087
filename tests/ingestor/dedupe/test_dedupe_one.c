/* SPDX-License-Identifier: Apache-2.0 */
/* Which events count: by example, and random histories against a model, in any batches and with
 * crashes in between. */
#include "ingestor/dedupe/dedupe.h"

#include <stdio.h>
#include <stdlib.h>

#include "ingestor/source/batch.h"
#include "tests/unit.h"

#define START_US INT64_C(1795411920000000)
#define HOUR_S 3600

/* A row: the id is its place. */
struct given {
    const char *name; /* NULL: none */
    int64_t at_s;
};

static struct config *configure(const char *keys)
{
    char text[300];
    struct config *config;
    struct error err = {{0}};
    snprintf(text, sizeof text, "source: {uri: \"sqlite:x.db\"%s}\n", keys);
    if (config_parse(text, strlen(text), "test.yaml", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    return config;
}

static void add_row(struct batch *batch, int64_t id, const struct given *given)
{
    char payload[64];
    struct event *event = batch_event(batch);
    event->id.number = id;
    event->ordinal = (uint64_t)id;
    event->timestamp.us = START_US + given->at_s * US_PER_S;
    event->event_type = batch_text(batch, STR("x"));
    if (given->name != NULL) {
        snprintf(payload, sizeof payload, "{\"event_id\":%s}", given->name);
        event->payload = batch_text(batch, str_of(payload));
    }
}

static struct batch *batch_of(const struct given *rows, size_t from, size_t count)
{
    struct batch *batch = batch_create(0);
    for (size_t i = 0; i < count; i++) {
        add_row(batch, (int64_t)(from + i + 1), &rows[from + i]);
    }
    batch_finish(batch, STR(""), STR(""));
    return batch;
}

/* Marks the rows that are left. */
static void note(const struct batch *batch, char *marks)
{
    for (size_t i = 0; i < batch->count; i++) {
        marks[batch->events[i].id.number - 1] = '1';
    }
}

static void expect(struct dedupe *d, const struct given *rows, size_t count, const char *wanted)
{
    char marks[100] = {0};
    memset(marks, '0', count);
    struct batch *batch = batch_of(rows, 0, count);
    dedupe_new(d, batch);
    note(batch, marks);
    assert_string_equal(marks, wanted);
    batch_destroy(&batch);
}

static void expect_of(const char *keys, const struct given *rows, size_t count, const char *wanted)
{
    struct config *config = configure(keys);
    struct dedupe *d = dedupe_create(config);
    expect(d, rows, count, wanted);
    dedupe_destroy(&d);
    config_destroy(&config);
}

#define PAYLOAD ", dedupe: payload.event_id"
#define EXPECT(keys, rows, wanted) expect_of(keys, rows, sizeof(rows) / sizeof *(rows), wanted)

static void test_one_id_counts_once(void **state)
{
    (void)state;
    static const struct given rows[] = {{"\"a\"", 0}, {"\"b\"", 1}, {"\"a\"", 2},
                                        {"\"a\"", 3}, {"\"c\"", 4}, {"\"b\"", -5}};
    EXPECT(PAYLOAD, rows, "110010");
}

static void test_an_event_without_a_name_counts_as_itself(void **state)
{
    (void)state;
    static const struct given rows[] = {
        {NULL, 0},      {NULL, 0},      {"\"\"", 0}, {"\"\"", 0},   {"null", 0},  {"null", 0},
        {"[\"a\"]", 0}, {"[\"a\"]", 0}, {"{}", 0},   {"{}", 0},     {"7", 0},     {"7", 0},
        {"\"7\"", 0},   {"true", 0},    {"true", 0}, {"broken", 0}, {"broken", 0}};
    EXPECT(PAYLOAD, rows, "11111111111001011");
}

static void test_the_window_is_one_of_event_time(void **state)
{
    (void)state;
    static const struct given rows[] = {{"\"a\"", 0},          {"\"a\"", HOUR_S},
                                        {"\"a\"", HOUR_S + 1}, {"\"a\"", 2 * HOUR_S},
                                        {"\"a\"", 0},          {"\"b\"", 2 * HOUR_S}};
    EXPECT(PAYLOAD, rows, "101011"); /* the fifth is too far from the third */
    static const struct given short_rows[] = {{"\"a\"", 0}, {"\"a\"", 5}, {"\"a\"", 6}};
    EXPECT(PAYLOAD ", dedupe_window: 5s", short_rows, "101");
}

static void test_what_the_stream_has_left_behind_is_forgotten(void **state)
{
    (void)state;
    static const struct given rows[] = {{"\"a\"", 0},          {"\"b\"", 2 * HOUR_S},
                                        {"\"a\"", 0}, /* one event alone moves nothing */
                                        {"\"c\"", 2 * HOUR_S}, {"\"d\"", 2 * HOUR_S},
                                        {"\"a\"", 0}};
    EXPECT(PAYLOAD, rows, "110111");
}

static void test_a_wild_timestamp_costs_nothing(void **state)
{
    (void)state;
    static const struct given rows[] = {{"\"a\"", 0},
                                        {"\"wild\"", INT64_C(200) * 365 * 24 * HOUR_S},
                                        {"\"a\"", 1},
                                        {"\"wild\"", INT64_C(-1700) * 365 * 24 * HOUR_S},
                                        {"\"a\"", 2}};
    EXPECT(PAYLOAD, rows, "11010");
}

static void test_columns_may_be_the_name(void **state)
{
    (void)state;
    struct config *config = configure(", dedupe: key, columns: {key: idem}");
    struct dedupe *d = dedupe_create(config);
    struct batch *batch = batch_create(1);
    for (int i = 0; i < 3; i++) {
        add_row(batch, i + 1, &(struct given){NULL, 0});
        struct event_extra *extra = batch_extras(batch, &batch->events[i]);
        extra[0] = (struct event_extra){"key", batch_text(batch, i == 1 ? STR("y") : STR("x"))};
    }
    batch_finish(batch, STR(""), STR(""));
    dedupe_new(d, batch);
    assert_int_equal(batch->count, 2);
    assert_int_equal(batch->events[1].id.number, 2);
    assert_str(batch->events[1].extras[0].value, "y");
    batch_destroy(&batch);
    dedupe_destroy(&d);
    config_destroy(&config);
}

static void test_without_dedupe_nothing_is_done(void **state)
{
    (void)state;
    struct config *config = configure("");
    struct dedupe *d = dedupe_create(config);
    static const struct given rows[] = {{"\"a\"", 0}, {"\"a\"", 0}};
    struct state_changes changes = {0};
    assert_null(d);
    expect(d, rows, 2, "11");
    dedupe_save(d, (wall_time){0}, &changes);
    assert_int_equal(changes.count, 0);
    assert_int_equal(dedupe_load(d, &changes, 0, NULL), STATUS_OK);
    assert_int_equal(dedupe_counters(d).duplicates, 0);
    config_destroy(&config);
}

static void test_memory_is_bounded_and_the_cut_is_counted(void **state)
{
    (void)state;
    struct config *config = configure(PAYLOAD ", dedupe_memory: 1MiB");
    struct dedupe *d = dedupe_create(config);
    char name[24];
    for (int i = 0; i < 40000; i++) {
        snprintf(name, sizeof name, "%d", i);
        const struct given row = {name, 0};
        struct batch *batch = batch_of(&row, 0, 1);
        dedupe_new(d, batch);
        assert_int_equal(batch->count, 1);
        batch_destroy(&batch);
    }
    const struct dedupe_counters counters = dedupe_counters(d);
    assert_int_equal(counters.known, (1 << 20) / 64);
    assert_int_equal(counters.cut, 40000 - (1 << 20) / 64);
    static const struct given rows[] = {{"39999", 0}, {"0", 0}};
    expect(d, rows, 2, "01");
    dedupe_destroy(&d);
    config_destroy(&config);
}

/* ---- The state ---- */

static int load_as(const char *keys, const struct state_changes *saved)
{
    struct config *config = configure(keys);
    struct dedupe *d = dedupe_create(config);
    struct error err;
    const int status = dedupe_load(d, saved, 0, &err);
    dedupe_destroy(&d);
    config_destroy(&config);
    return status;
}

static void test_another_dedupe_has_another_state(void **state)
{
    (void)state;
    struct config *config = configure(PAYLOAD);
    struct dedupe *d = dedupe_create(config);
    static const struct given rows[] = {{"\"a\"", 0}};
    struct state_changes saved = {0};
    struct state_changes none = {0};
    expect(d, rows, 1, "1");
    dedupe_save(d, (wall_time){0}, &saved);
    state_changes_settle(&saved);
    assert_int_equal(load_as(PAYLOAD, &saved), STATUS_OK);
    assert_int_equal(load_as(PAYLOAD ", dedupe_memory: 2MiB", &saved), STATUS_OK);
    assert_int_equal(load_as(PAYLOAD ", dedupe_window: 2h", &saved), STATUS_NOT_FOUND);
    assert_int_equal(load_as(", dedupe: payload.id", &saved), STATUS_NOT_FOUND);
    assert_int_equal(load_as(PAYLOAD ", columns: {payload: body}", &saved), STATUS_NOT_FOUND);
    assert_int_equal(load_as(PAYLOAD, &none), STATUS_NOT_FOUND);
    struct config *without = configure("");
    dedupe_remove(d, config, &saved, (wall_time){0}, &none);
    assert_int_equal(none.count, 0);
    dedupe_remove(NULL, without, &saved, (wall_time){0}, &none);
    config_destroy(&without);
    assert_int_equal(none.count, saved.count);
    for (size_t i = 0; i < none.count; i++) {
        assert_int_equal(none.list[i].kind, STATE_ITEM_GONE);
    }
    state_changes_free(&none);
    for (size_t i = 0; i < saved.count; i++) {
        if (saved.list[i].id.member == STATE_DEDUPE_KNOWN) {
            saved.list[i].len = 1;
        }
    }
    assert_int_equal(load_as(PAYLOAD, &saved), STATUS_INVALID);
    state_changes_free(&saved);
    dedupe_destroy(&d);
    config_destroy(&config);
}

/* ---- Random histories ---- */

#define ROWS 400
#define NAMES 60

struct history {
    struct given rows[ROWS];
    char names[NAMES][8];
    char wanted[ROWS + 1];
};

/* Another reading of the rule: all that counted so far is looked through. */
static void model(struct history *h, int64_t window_s)
{
    int64_t reached_s[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        const int64_t both_s =
            i != 0 && h->rows[i - 1].at_s < h->rows[i].at_s ? h->rows[i - 1].at_s : h->rows[i].at_s;
        reached_s[i] = i != 0 && reached_s[i - 1] > both_s ? reached_s[i - 1] : both_s;
        h->wanted[i] = '1';
        for (size_t k = i; k > 0; k--) {
            if (h->wanted[k - 1] == '1' && h->rows[k - 1].name == h->rows[i].name) {
                const bool near = llabs(h->rows[k - 1].at_s - h->rows[i].at_s) <= window_s;
                const bool had_come = h->rows[k - 1].at_s + window_s >= reached_s[i] ||
                                      reached_s[k - 1] + window_s >= reached_s[i];
                h->wanted[i] = near && had_come ? '0' : '1';
                break;
            }
        }
    }
    h->wanted[ROWS] = '\0';
}

static void make_history(struct history *h)
{
    int64_t at_s = 0;
    for (int i = 0; i < NAMES; i++) {
        snprintf(h->names[i], sizeof h->names[i], "%d", i);
    }
    for (size_t i = 0; i < ROWS; i++) {
        at_s += random() % 30;
        const int64_t wild_s = random() % 40 == 0 ? (random() % 2000 - 1000) * 1000 : 0;
        h->rows[i] = (struct given){h->names[random() % NAMES], at_s - random() % 60 + wild_s};
    }
}

static void take_list(struct state_changes *store, struct state_changes *changes)
{
    struct state_changes left = {0};
    state_changes_append(store, changes);
    state_changes_settle(store);
    for (size_t i = 0; i < store->count; i++) {
        if (store->list[i].kind == STATE_PUT) {
            state_put(&left, store->list[i].id, state_value(store, &store->list[i]));
        }
    }
    state_changes_free(store);
    state_changes_free(changes);
    *store = left;
}

/* In random batches, saved now and then; after a crash what was not saved is delivered again. */
static void deliver(struct dedupe **d, const struct config *config, const struct history *h,
                    char *marks)
{
    struct state_changes store = {0};
    struct state_changes changes = {0};
    size_t saved_at = 0;
    size_t at = 0;
    struct error err;
    dedupe_save(*d, (wall_time){0}, &changes);
    take_list(&store, &changes);
    while (at < ROWS) {
        size_t count = 1 + (size_t)random() % 40;
        count = count < ROWS - at ? count : ROWS - at;
        struct batch *batch = batch_of(h->rows, at, count);
        memset(marks + at, '0', count);
        dedupe_new(*d, batch);
        note(batch, marks);
        batch_destroy(&batch);
        at += count;
        if (random() % 3 == 0) {
            dedupe_save(*d, (wall_time){0}, &changes);
            take_list(&store, &changes);
            saved_at = at;
        }
        if (random() % 8 == 0) {
            dedupe_destroy(d);
            *d = dedupe_create(config);
            assert_int_equal(dedupe_load(*d, &store, 0, &err), STATUS_OK);
            at = saved_at;
        }
    }
    state_changes_free(&store);
}

/* A tile that is built later reads the rows from the last to the first, or from one in the middle
 * on. */
static void expect_past(struct dedupe *d, const struct history *h)
{
    char marks[ROWS + 1] = {0};
    const bool whole = random() % 2 == 0;
    const size_t from = whole ? 0 : (size_t)random() % ROWS;
    memset(marks, '0', ROWS);
    if (whole) {
        dedupe_past_begin(d);
    }
    for (size_t at = ROWS; at > from; at--) {
        struct batch *batch = batch_of(h->rows, at - 1, 1);
        dedupe_past(d, batch);
        note(batch, marks);
        batch_destroy(&batch);
    }
    dedupe_past_end(d);
    assert_string_equal(marks + from, h->wanted + from);
}

static void test_random_histories(void **state)
{
    (void)state;
    static struct history h;
    struct config *config = configure(PAYLOAD ", dedupe_window: 10m");
    size_t duplicates = 0;
    for (unsigned seed = 1; seed <= 150; seed++) {
        char marks[ROWS + 1] = {0};
        struct dedupe *d = dedupe_create(config);
        srandom(seed);
        make_history(&h);
        model(&h, 600);
        deliver(&d, config, &h, marks);
        assert_string_equal(marks, h.wanted);
        expect_past(d, &h);
        for (size_t i = 0; i < ROWS; i++) {
            duplicates += marks[i] == '0';
        }
        dedupe_destroy(&d);
    }
    assert_in_range(duplicates, 150 * ROWS / 10, 150 * ROWS * 9 / 10); /* both kinds there were */
    config_destroy(&config);
}

static void test_rows_dropped_too_long_ago_are_decided_anew(void **state)
{
    (void)state;
    struct config *config = configure(PAYLOAD ", dedupe_memory: 1MiB");
    struct dedupe *d = dedupe_create(config);
    struct given rows[1000];
    size_t past = 0;
    for (size_t i = 0; i < 1000; i++) {
        rows[i] = (struct given){"\"a\"", 0};
    }
    for (size_t at = 0; at < 8000; at += 1000) { /* 1 MiB remembers 5,461 dropped rows */
        struct batch *batch = batch_create(0);
        for (size_t i = 0; i < 1000; i++) {
            add_row(batch, (int64_t)(at + i + 1), &rows[i]);
        }
        batch_finish(batch, STR(""), STR(""));
        dedupe_new(d, batch);
        assert_int_equal(batch->count, at == 0);
        batch_destroy(&batch);
    }
    dedupe_past_begin(d);
    for (size_t at = 0; at < 8000; at++) {
        struct batch *batch = batch_create(0);
        add_row(batch, (int64_t)at + 1, &rows[0]);
        batch_finish(batch, STR(""), STR(""));
        dedupe_past(d, batch);
        past += batch->count;
        batch_destroy(&batch);
    }
    assert_int_equal(past, 1);
    dedupe_destroy(&d);
    config_destroy(&config);
}

static void test_a_table_that_begins_anew_has_new_events(void **state)
{
    (void)state;
    struct config *config = configure(PAYLOAD);
    struct dedupe *d = dedupe_create(config);
    static const struct given rows[] = {{"\"a\"", 0}, {"\"a\"", 0}};
    expect(d, rows, 2, "10");
    dedupe_clear(d, 1);
    expect(d, rows, 2, "10");
    assert_int_equal(dedupe_counters(d).duplicates, 2);
    dedupe_destroy(&d);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_id_counts_once),
        cmocka_unit_test(test_an_event_without_a_name_counts_as_itself),
        cmocka_unit_test(test_the_window_is_one_of_event_time),
        cmocka_unit_test(test_what_the_stream_has_left_behind_is_forgotten),
        cmocka_unit_test(test_a_wild_timestamp_costs_nothing),
        cmocka_unit_test(test_columns_may_be_the_name),
        cmocka_unit_test(test_without_dedupe_nothing_is_done),
        cmocka_unit_test(test_memory_is_bounded_and_the_cut_is_counted),
        cmocka_unit_test(test_another_dedupe_has_another_state),
        cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_rows_dropped_too_long_ago_are_decided_anew),
        cmocka_unit_test(test_a_table_that_begins_anew_has_new_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
