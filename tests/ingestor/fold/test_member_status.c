/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles with conditions have a status, which is published at once, without a row, and kept. */
#include "ingestor/fold/member_status.h"

#include "tests/ingestor/fold/fold_saved.h"

/* What the last output of a tile said. */
struct heard {
    const char *key;
    char status[16];
    char since[WALL_TEXT_SIZE];
    char pending[96];
    size_t outputs; /* of that tile */
};

static void copy_text(char *out, size_t size, const mp_value *value)
{
    struct str text = STR("");
    (void)mp_as_str(value, &text);
    snprintf(out, size, "%.*s", (int)text.len, text.p);
}

static void hear(void *arg, const struct fold_output *output)
{
    struct heard *heard = arg;
    struct mp_doc doc;
    struct buf json = {0};
    if (!str_is(output->key, heard->key) || output->removed) {
        return;
    }
    heard->outputs++;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, output->value.p, output->value.len), STATUS_OK);
    copy_text(heard->status, sizeof heard->status, mp_get(&doc.root, "status"));
    copy_text(heard->since, sizeof heard->since, mp_get(&doc.root, "status_since"));
    if (mp_get(&doc.root, "status_pending") != NULL) {
        json_write_value(&json, mp_get(&doc.root, "status_pending"));
    }
    snprintf(heard->pending, sizeof heard->pending, "%s", buf_cstr(&json));
    buf_free(&json);
    mp_doc_free(&doc);
}

/* What is published of the tile now, if anything. */
static struct heard publish(struct fold_test *t, const char *key)
{
    struct heard heard = {.key = key};
    fold_advance(t->fold, t->now);
    fold_flush(t->fold, t->now, hear, &heard);
    return heard;
}

static void test_a_status_is_published_whatever_the_interval(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: n, type: count, critical: \"> 2\", refresh: {min_interval: 1h},"
                       " ttl: 4h}\n");
    assert_string_equal(publish(&t, "n").status, "ok");
    pass_ms(&t, 1000);
    fold_now(&t, "a", NULL, NULL);
    assert_int_equal(publish(&t, "n").outputs, 0);
    fold_now(&t, "a", NULL, NULL);
    fold_now(&t, "a", NULL, NULL);
    const struct heard heard = publish(&t, "n");
    assert_string_equal(heard.status, "critical");
    assert_string_equal(heard.since, "2026-11-23T05:32:01.000Z");
    assert_int_equal(publish(&t, "n").outputs, 0);
    fold_test_free(&t);
}

static void test_a_tile_without_conditions_has_no_status(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: n, type: count}\n");
    assert_string_equal(publish(&t, "n").status, "");
    fold_test_free(&t);
}

static void test_time_alone_changes_a_status(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: n, type: count, critical: nothing for 10m, ttl: 1d}\n");
    fold_now(&t, "a", NULL, NULL);
    assert_string_equal(publish(&t, "n").status, "ok");
    assert_int_equal(fold_wait_us(t.fold, t.now), 600 * US_PER_S);
    t.now.wall.us += 600 * US_PER_S;
    t.now.mono.us += 600 * US_PER_S;
    assert_string_equal(publish(&t, "n").status, "critical");
    pass_ms(&t, 1000);
    fold_now(&t, "a", NULL, NULL);
    assert_string_not_equal(publish(&t, "n").pending, "");
    pass_ms(&t, 30000);
    assert_string_equal(publish(&t, "n").status, "ok");
    fold_test_free(&t);
}

static void test_a_window_that_empties_is_a_status(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: n, type: count, window: 10m, critical: \"< 1\", ttl: 1d}\n");
    fold_now(&t, "a", NULL, NULL);
    /* It was critical for no time at all: nobody had looked. */
    assert_string_equal(publish(&t, "n").status, "ok");
    pass_ms(&t, 599000);
    assert_string_equal(publish(&t, "n").status, "");
    pass_ms(&t, 3000);
    assert_string_equal(publish(&t, "n").status, "critical");
    fold_test_free(&t);
}

static void test_a_trend_looks_at_its_last_complete_bucket(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: n, type: trend, step: 10s, length: 3, warn: \"> 1\", ttl: 1d,"
                       " clear_after: 0}\n");
    assert_string_equal(publish(&t, "n").status, "ok");
    fold_now(&t, "a", NULL, NULL);
    fold_now(&t, "a", NULL, NULL);
    pass_ms(&t, 200);
    assert_string_equal(publish(&t, "n").status, "ok");
    assert_int_equal(fold_wait_us(t.fold, t.now), 9800 * US_PER_MS);
    pass_ms(&t, 9800);
    const struct heard heard = publish(&t, "n");
    assert_string_equal(heard.status, "warn");
    assert_string_equal(heard.since, "2026-11-23T05:32:10.000Z");
    pass_ms(&t, 10000);
    assert_string_equal(publish(&t, "n").status, "ok");
    fold_test_free(&t);
}

static void test_figures_have_names(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(
        &t,
        "  - {key: sla, type: sla_risk, opens: {event_type: o}, closes: {event_type: c}, item: "
        "target_id, within: 1m, at_risk: 30s, warn: at_risk, critical: breached, clear_after: 0}\n"
        "  - {key: backlog, type: backlog, item: target_id, states: {o: open, b: blocked, c: "
        "null}, warn: \">= 1\", critical: \"blocked > 0\", clear_after: 0}\n");
    assert_string_equal(publish(&t, "sla").status, "ok");
    fold_now(&t, "o", "x", NULL);
    fold_advance(t.fold, t.now);
    assert_string_equal(publish(&t, "backlog").status, "warn");
    pass_ms(&t, 30000);
    assert_string_equal(publish(&t, "sla").status, "warn");
    pass_ms(&t, 30000);
    assert_string_equal(publish(&t, "sla").status, "critical");
    fold_now(&t, "b", "x", NULL);
    assert_string_equal(publish(&t, "backlog").status, "critical");
    fold_now(&t, "c", "x", NULL);
    assert_string_equal(publish(&t, "sla").status, "ok");
    fold_test_free(&t);
}

static void test_each_member_of_a_family_has_its_own(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: n, type: count, group_by: target_id, critical: \"> 1\"}\n");
    fold_now(&t, "a", "x", NULL);
    fold_now(&t, "a", "y", NULL);
    fold_now(&t, "a", "y", NULL);
    fold_advance(t.fold, t.now);
    assert_string_equal(publish(&t, "n/x").status, "ok");
    fold_republish(t.fold);
    assert_string_equal(publish(&t, "n/y").status, "critical");
    fold_test_free(&t);
}

static void test_a_status_outlives_a_restart(void **state)
{
    (void)state;
    static const char tiles[] = "  - {key: n, type: count, critical: \"> 0\", for: 20s}\n";
    struct fold_test t;
    struct fold_test u;
    struct state_changes saved = {0};
    fold_test_init(&t, tiles);
    (void)publish(&t, "n");
    pass_ms(&t, 1000);
    fold_now(&t, "a", NULL, NULL);
    assert_string_equal(publish(&t, "n").status, "ok");
    (void)save_into(&t, &saved);
    fold_test_init(&u, tiles);
    u.now = t.now;
    u.now.wall.us += 30 * US_PER_S;
    (void)load_from(&u, &saved);
    const struct heard heard = publish(&u, "n");
    assert_string_equal(heard.status, "critical");
    assert_string_equal(heard.since, "2026-11-23T05:32:21.000Z");
    state_changes_free(&saved);
    fold_test_free(&t);
    fold_test_free(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_status_is_published_whatever_the_interval),
        cmocka_unit_test(test_a_tile_without_conditions_has_no_status),
        cmocka_unit_test(test_time_alone_changes_a_status),
        cmocka_unit_test(test_a_window_that_empties_is_a_status),
        cmocka_unit_test(test_a_trend_looks_at_its_last_complete_bucket),
        cmocka_unit_test(test_figures_have_names),
        cmocka_unit_test(test_each_member_of_a_family_has_its_own),
        cmocka_unit_test(test_a_status_outlives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
