/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging tiles of random histories: rows are delivered in any order, tiles are made of those up to
 * a position, and then rows go. Whatever goes, a tile that was made rightly is never wrong; and one
 * that was made wrongly is, if its rows are all there.
 */
#include "ctl/verify/judge.h"

#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "tests/unit.h"

#define START_US INT64_C(1795411920000000) /* 2026-11-23T05:32:00Z */
#define ROWS 60

static const char text[] =
    "source: {uri: \"sqlite:x.db\"}\n"
    "tiles:\n"
    "  - {key: ever, type: count, match: {event_type: a}}\n"
    "  - {key: window, type: count, window: 10m}\n"
    "  - {key: latest, type: count, metric: m}\n"
    "  - {key: gauge, type: gauge, metric: m}\n"
    "  - {key: counts, type: trend, step: 10m, length: 5, aggregate: count}\n"
    "  - {key: sums, type: trend, step: 10m, length: 5, aggregate: sum, metric: m}\n"
    "  - {key: avgs, type: trend, step: 10m, length: 5, aggregate: avg, metric: m}\n"
    "  - {key: mins, type: trend, step: 10m, length: 5, aggregate: min, metric: m}\n"
    "  - {key: maxs, type: trend, step: 10m, length: 5, aggregate: max, metric: m}\n"
    "  - {key: lasts, type: trend, step: 10m, length: 5, aggregate: last, metric: m}\n"
    "  - {key: sla, type: sla_risk, opens: {event_type: a}, closes: {event_type: b}, item: "
    "target_id, "
    "within: 20m, at_risk: 5m}\n"
    "  - {key: backlog, type: backlog, item: target_id, breakdown: actor_id, states: {a: open, b: "
    "busy, c: null}}\n"
    "  - {key: by, type: count, group_by: target_id, idle: 1d}\n";

struct history {
    struct config *config;
    unsigned seed;

    /* All rows, and those that are there: the rows, and the ordinal of each. */
    struct oracle_rows *all;
    uint64_t all_ordinals[ROWS];
    struct oracle_rows *there;
    uint64_t there_ordinals[ROWS];
    bool replaced[ROWS];

    struct order *order;
    struct delivery delivery;
    struct judge *judge;
};

static unsigned below(struct history *h, unsigned bound)
{
    return (unsigned)rand_r(&h->seed) % bound;
}

/* An event with that id, any other: its texts are static or in `payload`. */
static struct event any_event(struct history *h, int64_t id, char payload[64])
{
    static const char *const types[] = {"a", "b", "c", "metrics.updated"};
    static const char *const names[] = {"x", "y", "z"};
    snprintf(payload, 64, "{\"metric\":\"m\",\"value\":%d}", (int)below(h, 20) - 10);
    return (struct event){.id = {.number = id},
                          .timestamp = {START_US + (int64_t)below(h, 3600) * US_PER_S},
                          .event_type = str_of(types[below(h, 4)]),
                          .actor_id = str_of(names[below(h, 3)]),
                          .target_id = str_of(names[below(h, 3)]),
                          .payload = str_of(payload)};
}

/* Makes rows with any ordinals, and lets some go: each with a probability of `gone` percent. Those
 * that were delivered up to the floor are not told apart. */
static void make_history(struct history *h, unsigned gone, uint64_t floor)
{
    size_t there = 0;
    h->all = oracle_rows_create(h->config);
    h->there = oracle_rows_create(h->config);
    for (size_t i = 0; i < ROWS; i++) {
        h->all_ordinals[i] = i + 1;
    }
    for (size_t i = ROWS; i > 1; i--) {
        const size_t other = below(h, (unsigned)i);
        const uint64_t ordinal = h->all_ordinals[i - 1];
        h->all_ordinals[i - 1] = h->all_ordinals[other];
        h->all_ordinals[other] = ordinal;
    }
    for (size_t i = 0; i < ROWS; i++) {
        char payload[64];
        const struct event event = any_event(h, (int64_t)i + 1, payload);
        oracle_rows_add(h->all, &event);
        if (below(h, 100) >= gone) {
            oracle_rows_add(h->there, &event);
            h->there_ordinals[there++] = h->all_ordinals[i] <= floor ? 0 : h->all_ordinals[i];
        }
    }
    h->delivery = (struct delivery){.ordinals = h->there_ordinals,
                                    .replaced = h->replaced,
                                    .order = h->order,
                                    .sure = true,
                                    .floor = floor,
                                    .target = floor};
}

static void forget_history(struct history *h)
{
    oracle_rows_destroy(&h->all);
    oracle_rows_destroy(&h->there);
}

/* The tile with that key as it is made of all rows but the one with the ordinal `without`; false
 * when there is none. */
static bool serve(struct history *h, const char *key, uint64_t position, int64_t at_us,
                  uint64_t without, struct served_tile *tile)
{
    struct oracle_members members;
    const size_t family = strcspn(key, "/");
    const struct tile_config *config = config_tile(h->config, (struct str){key, family});
    uint64_t ordinals[ROWS];
    bool shown = false;
    for (size_t i = 0; i < ROWS; i++) {
        ordinals[i] = h->all_ordinals[i] == without ? UINT64_MAX : h->all_ordinals[i];
    }
    const struct oracle_cut cut = {.ordinals = ordinals, .last = position, .at = {at_us}};
    *tile = (struct served_tile){.as_of = {at_us}};
    snprintf(tile->position, sizeof tile->position, "%llu", (unsigned long long)position);
    oracle_select(h->all, config, &members);
    for (size_t i = 0; i < members.count; i++) {
        if (strcmp(members.list[i].key, key) == 0) {
            shown = oracle_tile(&members, &members.list[i], &cut, &tile->value);
            tile->tally = oracle_tally(&members, &members.list[i], &cut, NULL);
        }
    }
    oracle_members_free(&members);
    tile->key = x_strdup(key);
    return shown;
}

/* Judges it by the rows that are there. The caller frees what comes out. */
static struct judged judge(struct history *h, const struct served_tile *tile,
                           struct judge_sample *look)
{
    struct oracle_members members;
    const struct str family = {tile->key, strcspn(tile->key, "/")};
    const bool in_family = tile->key[family.len] != '\0';
    struct oracle_member without_rows = {.key = tile->key};
    const struct oracle_member *member = &without_rows;
    struct judged judged = {0};
    if (in_family) {
        without_rows.group = str_of(tile->key + family.len + 1);
    }
    oracle_select(h->there, config_tile(h->config, family), &members);
    for (size_t i = 0; i < members.count; i++) {
        member = strcmp(members.list[i].key, tile->key) == 0 ? &members.list[i] : member;
    }
    const struct judge_case judge_case = {.members = &members,
                                          .member = member,
                                          .tile = tile,
                                          .delivery = &h->delivery,
                                          .began = tile->as_of,
                                          .snapshot_at = tile->as_of,
                                          .patience_ms = 5000,
                                          .sample = look};
    judge_tile(h->judge, &judge_case, &judged);
    oracle_members_free(&members);
    return judged;
}

static const char *const keys[] = {"ever", "window", "latest", "gauge", "counts",  "sums", "avgs",
                                   "mins", "maxs",   "lasts",  "sla",   "backlog", "by/x", "by/y"};
#define KEYS (sizeof keys / sizeof *keys)

static void test_what_was_made_rightly_is_never_wrong(void **state)
{
    struct history *h = *state;
    size_t counts[VERDICT_BUILDING + 1] = {0};
    for (int round = 0; round < 400; round++) {
        const uint64_t floor = below(h, 30);
        const uint64_t positions[] = {floor + below(h, 15), floor + 15 + below(h, 15)};
        const int64_t at_us = START_US + (int64_t)below(h, 3600) * US_PER_S;
        make_history(h, below(h, 2) * below(h, 100), floor);
        for (size_t i = 0; i < KEYS; i++) {
            struct judge_sample sample = {0};
            for (int k = 0; k < 2; k++) {
                struct served_tile tile;
                if (serve(h, keys[i], positions[k], at_us + k * 5 * 60 * US_PER_S, 0, &tile)) {
                    struct judged judged = judge(h, &tile, &sample);
                    counts[judged.verdict]++;
                    if (judged.verdict != VERDICT_EQUAL && judged.verdict != VERDICT_UNPROVABLE) {
                        fail_msg("%s is %s: %s", keys[i], verdict_name(judged.verdict),
                                 judged.reason);
                    }
                    judge_free_judged(&judged);
                }
                served_tile_free(&tile);
            }
            buf_free(&sample.value);
        }
        forget_history(h);
    }
    assert_true(counts[VERDICT_EQUAL] > 1000 && counts[VERDICT_UNPROVABLE] > 1000);
}

static void test_what_is_equal_when_all_rows_are_there_is_equal(void **state)
{
    struct history *h = *state;
    for (int round = 0; round < 50; round++) {
        make_history(h, 0, below(h, 30));
        for (size_t i = 0; i < KEYS; i++) {
            struct judge_sample sample = {0};
            struct served_tile tile;
            if (serve(h, keys[i], 30 + below(h, 30), START_US + 1800 * US_PER_S, 0, &tile)) {
                struct judged judged = judge(h, &tile, &sample);
                assert_int_equal(judged.verdict, VERDICT_EQUAL);
                judge_free_judged(&judged);
            }
            served_tile_free(&tile);
        }
        forget_history(h);
    }
}

/* Whether the row that it was made without is in what it shows or not. */
static void test_a_tile_that_lacks_a_row_that_is_there_is_wrong(void **state)
{
    struct history *h = *state;
    size_t lacking = 0;
    for (int round = 0; round < 100; round++) {
        make_history(h, 0, below(h, 30));
        const uint64_t without = 1 + below(h, 40);
        for (size_t i = 0; i < KEYS; i++) {
            struct judge_sample sample = {0};
            struct served_tile tile = {0};
            struct served_tile whole = {0};
            const int64_t at_us = START_US + 3600 * US_PER_S;
            if (serve(h, keys[i], 50, at_us, without, &tile) &&
                serve(h, keys[i], 50, at_us, 0, &whole)) {
                struct judged judged = judge(h, &tile, &sample);
                const bool in_it = tile.tally.rows < whole.tally.rows;
                assert_int_equal(judged.verdict, in_it ? VERDICT_LACKS : VERDICT_EQUAL);
                lacking += in_it;
                judge_free_judged(&judged);
            }
            served_tile_free(&whole);
            served_tile_free(&tile);
        }
        forget_history(h);
    }
    assert_true(lacking > 100);
}

/* Of these tiles all rows are there, though those of others are gone; and what they show is what
 * they showed before. */
static void test_a_wrong_value_is_wrong_though_others_rows_are_gone(void **state)
{
    struct history *h = *state;
    size_t wrong = 0;
    for (int round = 0; round < 300; round++) {
        make_history(h, below(h, 30), 5);
        for (size_t i = 0; i < KEYS; i++) {
            struct judge_sample sample = {0};
            struct served_tile tile = {0};
            struct served_tile other = {0};
            const int64_t at_us = START_US + 1800 * US_PER_S;
            if (serve(h, keys[i], 30, at_us, 0, &tile) && serve(h, keys[i], 15, at_us, 0, &other)) {
                struct judged right = judge(h, &tile, &sample);
                const bool whole = right.rows_left == tile.tally.rows;
                const bool differs = !str_equal(buf_str(&tile.value), buf_str(&other.value));
                other.tally = tile.tally;
                memcpy(other.position, tile.position, sizeof tile.position);
                struct judged judged = judge(h, &other, &sample);
                if (whole && differs) {
                    assert_int_equal(judged.verdict, VERDICT_DIFFERS);
                    wrong++;
                }
                judge_free_judged(&right);
                judge_free_judged(&judged);
            }
            served_tile_free(&tile);
            served_tile_free(&other);
            buf_free(&sample.value);
        }
        forget_history(h);
    }
    assert_true(wrong > 100);
}

/* A tile with a member of its own: since, complete, building. */
static void add_member(struct served_tile *tile, const char *name, const char *json)
{
    struct mp_doc doc;
    struct json_value *value;
    struct buf out = {0};
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, tile->value.data, tile->value.len), STATUS_OK);
    assert_int_equal(json_parse(str_of(json), 1000, &value), STATUS_OK);
    mp_put_map(&out, mp_count(&doc.root) + 1);
    for (size_t i = 0; i < mp_count(&doc.root); i++) {
        mp_put_value(&out, &doc.root.via.map.ptr[i].key);
        mp_put_value(&out, &doc.root.via.map.ptr[i].val);
    }
    mp_put_text(&out, name);
    json_to_mp(&out, value);
    json_free(value);
    mp_doc_free(&doc);
    buf_free(&tile->value);
    tile->value = out;
}

static enum verdict verdict_on(struct history *h, const struct served_tile *tile)
{
    struct judge_sample sample = {0};
    struct judged judged = judge(h, tile, &sample);
    const enum verdict verdict = judged.verdict;
    judge_free_judged(&judged);
    buf_free(&sample.value);
    return verdict;
}

static void test_a_tile_is_compared_with_rows_since_the_first_that_it_could_know(void **state)
{
    struct history *h = *state;
    struct served_tile tile;
    make_history(h, 0, 60);
    /* It was built when the first 20 rows had gone; an old partition with them is there again. */
    for (size_t i = 0; i < 20; i++) {
        h->all_ordinals[i] = UINT64_MAX;
    }
    assert_true(serve(h, "window", 60, START_US + 1800 * US_PER_S, 0, &tile));
    assert_int_equal(verdict_on(h, &tile), VERDICT_LACKS);
    add_member(&tile, "since", "{\"position\":\"21\",\"time\":\"2026-11-23T05:32:00.000Z\"}");
    add_member(&tile, "complete", "false");
    assert_int_equal(verdict_on(h, &tile), VERDICT_EQUAL);
    served_tile_free(&tile);
    forget_history(h);
}

static void test_a_tile_that_is_being_built_is_unprovable(void **state)
{
    struct history *h = *state;
    struct served_tile tile;
    make_history(h, 0, 0);
    assert_true(serve(h, "ever", 60, START_US + 1800 * US_PER_S, 0, &tile));
    assert_int_equal(verdict_on(h, &tile), VERDICT_EQUAL);
    add_member(&tile, "building", "{\"position\":\"7\"}");
    assert_int_equal(verdict_on(h, &tile), VERDICT_BUILDING);
    served_tile_free(&tile);
    forget_history(h);
}

static void test_rows_with_ids_of_others_are_lacking(void **state)
{
    struct history *h = *state;
    struct served_tile tile;
    make_history(h, 30, 10);
    assert_true(serve(h, "window", 60, START_US + 3600 * US_PER_S, 0, &tile));
    const enum verdict before = verdict_on(h, &tile);
    assert_true(before == VERDICT_UNPROVABLE || before == VERDICT_EQUAL);
    h->replaced[0] = true;
    assert_int_equal(verdict_on(h, &tile), VERDICT_LACKS);
    h->replaced[0] = false;
    served_tile_free(&tile);
    forget_history(h);
}

static void test_a_lane_whose_order_is_not_known_is_judged_when_all_rows_are_there(void **state)
{
    struct history *h = *state;
    struct served_tile tile;
    make_history(h, 0, 0);
    assert_true(serve(h, "ever", 60, START_US + 3600 * US_PER_S, 0, &tile));
    h->delivery.sure = false;
    for (size_t i = 0; i < ROWS; i++) {
        h->there_ordinals[i] = ROWS - h->there_ordinals[i] + 1000; /* the order of another */
    }
    assert_int_equal(verdict_on(h, &tile), VERDICT_EQUAL);
    served_tile_free(&tile);
    assert_true(serve(h, "ever", 40, START_US + 3600 * US_PER_S, 0, &tile));
    assert_int_equal(verdict_on(h, &tile), VERDICT_UNPROVABLE);
    served_tile_free(&tile);
    forget_history(h);
}

/* A value that has changed and is again as it was is not published anew. */
static void test_what_is_again_as_it_was_is_equal(void **state)
{
    struct history *h = *state;
    static const char *const payloads[] = {"{\"metric\":\"m\",\"value\":16}",
                                           "{\"metric\":\"m\",\"value\":78}",
                                           "{\"metric\":\"m\",\"value\":16}"};
    for (size_t rows = 1; rows <= 3; rows++) {
        struct served_tile tile;
        struct judge_sample sample = {0};
        struct oracle_members members;
        struct judged judged = {0};
        h->all = oracle_rows_create(h->config);
        for (size_t i = 0; i < rows; i++) {
            const struct event event = {.id = {.number = (int64_t)i + 1},
                                        .timestamp = {START_US + (int64_t)i * 10 * US_PER_S},
                                        .event_type = STR("metrics.updated"),
                                        .payload = str_of(payloads[i])};
            oracle_rows_add(h->all, &event);
        }
        for (size_t i = 0; i < ROWS; i++) {
            h->all_ordinals[i] = i + 1;
        }
        const struct delivery delivery = {.ordinals = h->all_ordinals,
                                          .replaced = h->replaced,
                                          .order = h->order,
                                          .sure = true,
                                          .target = rows < 2 ? rows : 2};
        oracle_select(h->all, config_tile(h->config, STR("latest")), &members);
        const struct oracle_cut first = {
            .ordinals = h->all_ordinals, .last = 1, .at = {START_US + 5 * US_PER_S}};
        tile = (struct served_tile){.as_of = first.at, .position = "1"};
        assert_true(oracle_tile(&members, &members.list[0], &first, &tile.value));
        tile.tally = oracle_tally(&members, &members.list[0], &first, NULL);
        const struct judge_case judge_case = {.members = &members,
                                              .member = &members.list[0],
                                              .tile = &tile,
                                              .delivery = &delivery,
                                              .began = {START_US + 12 * US_PER_S},
                                              .snapshot_at = {START_US + 30 * US_PER_S},
                                              .patience_ms = 5000,
                                              .sample = &sample};
        judge_tile(h->judge, &judge_case, &judged);
        assert_int_equal(judged.verdict, rows == 2 ? VERDICT_BEHIND : VERDICT_EQUAL);
        judge_free_judged(&judged);
        buf_free(&tile.value);
        oracle_members_free(&members);
        oracle_rows_destroy(&h->all);
    }
}

static int setup(void **state)
{
    struct history *h = x_calloc(1, sizeof *h);
    struct error err = {{0}};
    if (config_parse(text, sizeof text - 1, "x", &h->config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    h->seed = seed_of_run();
    h->order = order_create(false, NULL);
    h->judge = judge_create();
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct history *h = *state;
    order_destroy(&h->order);
    judge_destroy(&h->judge);
    config_destroy(&h->config);
    free(h);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_made_rightly_is_never_wrong),
        cmocka_unit_test(test_what_is_equal_when_all_rows_are_there_is_equal),
        cmocka_unit_test(test_a_tile_that_lacks_a_row_that_is_there_is_wrong),
        cmocka_unit_test(test_a_wrong_value_is_wrong_though_others_rows_are_gone),
        cmocka_unit_test(test_a_tile_is_compared_with_rows_since_the_first_that_it_could_know),
        cmocka_unit_test(test_a_tile_that_is_being_built_is_unprovable),
        cmocka_unit_test(test_rows_with_ids_of_others_are_lacking),
        cmocka_unit_test(test_what_is_again_as_it_was_is_equal),
        cmocka_unit_test(test_a_lane_whose_order_is_not_known_is_judged_when_all_rows_are_there),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
