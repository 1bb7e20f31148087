/* SPDX-License-Identifier: Apache-2.0 */
/* A status follows its conditions: late, with a margin, and without flapping. */
#include "ingestor/fold/trouble.h"

#include "common/codec/json.h"
#include "tests/unit.h"

#define BEGIN_US INT64_C(1795411920000000) /* 2026-11-23T05:32:00Z */

/* A figure, its conditions, and what is seen of them. */
struct trial {
    struct tile_limit warn;
    struct tile_limit critical;
    struct tile_thresholds thresholds;
    struct trouble trouble;
    bool known;
    double value;
    int64_t latest_ms;
    int64_t now_ms;
    struct buf json;
};

static bool value_of(void *arg, const struct tile_limit *limit, double *out)
{
    const struct trial *t = arg;
    (void)limit;
    *out = t->value;
    return t->known;
}

/* warn above 10, critical above 100. */
static struct trial *trial_new(int64_t for_ms, int64_t clear_ms, double margin)
{
    struct trial *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->known = true;
    t->warn = (struct tile_limit){.kind = TILE_LIMIT_ABOVE, .figure = "value", .number = 10};
    t->critical = (struct tile_limit){.kind = TILE_LIMIT_ABOVE, .figure = "value", .number = 100};
    t->thresholds = (struct tile_thresholds){
        .any = true, .for_ms = for_ms, .clear_ms = clear_ms, .margin = margin};
    t->thresholds.levels[TILE_WARN] = (struct tile_limits){&t->warn, 1};
    t->thresholds.levels[TILE_CRITICAL] = (struct tile_limits){&t->critical, 1};
    return t;
}

static void trial_free(struct trial *t)
{
    buf_free(&t->json);
    free(t);
}

static enum trouble_change look(struct trial *t)
{
    const struct trouble_view view = {
        value_of, t, {BEGIN_US + t->latest_ms * US_PER_MS}, WALL_NEVER};
    return trouble_update(&t->trouble, &t->thresholds, &view,
                          (wall_time){BEGIN_US + t->now_ms * US_PER_MS});
}

/* The members that the tile shows, as JSON, after the figure became that at a moment. */
static const char *shown(struct trial *t, int64_t at_ms, double value)
{
    struct buf members = {0};
    struct buf map = {0};
    struct mp_doc doc;
    t->now_ms = at_ms;
    t->value = value;
    (void)look(t);
    mp_put_map(&map, trouble_write(&t->trouble, &t->thresholds, &members));
    buf_append_str(&map, buf_str(&members));
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, map.data, map.len), STATUS_OK);
    buf_clear(&t->json);
    json_write_value(&t->json, &doc.root);
    mp_doc_free(&doc);
    buf_free(&members);
    buf_free(&map);
    return buf_cstr(&t->json);
}

#define AT(seconds) "2026-11-23T05:32:" seconds ".000Z"
#define IS(name, seconds) "{\"status\":\"" name "\",\"status_since\":\"" AT(seconds) "\"}"
#define WAITS(name, seconds, what)                                                                 \
    "{\"status\":\"" name "\",\"status_since\":\"" AT(seconds) "\",\"status_pending\":{" what "}}"
#define LEVEL(name, seconds) "\"" name "\":\"" AT(seconds) "\""

static void test_a_status_changes_at_once_without_for(void **state)
{
    (void)state;
    struct trial *t = trial_new(0, 0, 0);
    assert_string_equal(shown(t, 0, 10), IS("ok", "00"));
    assert_string_equal(shown(t, 1000, 11), IS("warn", "01"));
    assert_string_equal(shown(t, 2000, 101), IS("critical", "02"));
    assert_string_equal(shown(t, 3000, 100), IS("warn", "03"));
    assert_string_equal(shown(t, 4000, 0), IS("ok", "04"));
    trial_free(t);
}

static void test_a_condition_has_to_hold_for_a_while_without_a_break(void **state)
{
    (void)state;
    struct trial *t = trial_new(10000, 0, 0);
    assert_string_equal(shown(t, 0, 0), IS("ok", "00"));
    assert_string_equal(shown(t, 1000, 50), WAITS("ok", "00", LEVEL("warn", "01")));
    assert_string_equal(shown(t, 5000, 0), IS("ok", "00"));
    assert_string_equal(shown(t, 6000, 50), WAITS("ok", "00", LEVEL("warn", "06")));
    assert_int_equal(t->trouble.next_us, BEGIN_US + 16 * US_PER_S);
    assert_string_equal(shown(t, 8000, 101),
                        WAITS("ok", "00", LEVEL("warn", "06") "," LEVEL("critical", "08")));
    assert_string_equal(shown(t, 15999, 101),
                        WAITS("ok", "00", LEVEL("warn", "06") "," LEVEL("critical", "08")));
    assert_string_equal(shown(t, 16000, 101), WAITS("warn", "16", LEVEL("critical", "08")));
    /* It was looked at late: the status is since when it had to be. */
    assert_string_equal(shown(t, 30000, 101), IS("critical", "18"));
    trial_free(t);
}

static void test_what_swings_is_in_trouble_until_it_is_quiet(void **state)
{
    (void)state;
    struct trial *t = trial_new(0, 10000, 0);
    assert_string_equal(shown(t, 0, 50), IS("warn", "00"));
    for (int64_t s = 1; s < 30; s += 2) {
        (void)shown(t, s * 1000, 0);
        assert_string_equal(shown(t, (s + 1) * 1000, 50), IS("warn", "00"));
    }
    assert_string_equal(shown(t, 31000, 0), WAITS("warn", "00", LEVEL("warn", "31")));
    assert_string_equal(shown(t, 41000, 0), IS("ok", "41"));
    trial_free(t);
}

static void test_a_margin_makes_the_way_back_longer(void **state)
{
    (void)state;
    struct trial *t = trial_new(0, 0, 3);
    assert_string_equal(shown(t, 0, 9), IS("ok", "00"));
    assert_string_equal(shown(t, 1000, 10.5), IS("warn", "01"));
    assert_string_equal(shown(t, 2000, 7.5), IS("warn", "01"));
    assert_string_equal(shown(t, 3000, 7), IS("ok", "03"));
    assert_string_equal(shown(t, 4000, 9), IS("ok", "03"));
    trial_free(t);
}

static void test_a_figure_that_is_missing_fits_nothing(void **state)
{
    (void)state;
    struct trial *t = trial_new(0, 0, 0);
    t->known = false;
    t->warn.kind = TILE_LIMIT_BELOW;
    assert_string_equal(shown(t, 0, 0), IS("ok", "00"));
    t->known = true;
    assert_string_equal(shown(t, 1000, 0), IS("warn", "01"));
    trial_free(t);
}

static void test_nothing_for_a_while_needs_no_row(void **state)
{
    (void)state;
    struct trial *t = trial_new(0, 0, 0);
    t->critical = (struct tile_limit){.kind = TILE_LIMIT_NOTHING, .nothing_ms = 5000};
    t->latest_ms = 1000;
    assert_string_equal(shown(t, 1000, 0), IS("ok", "01"));
    assert_int_equal(t->trouble.next_us, BEGIN_US + 6 * US_PER_S);
    assert_string_equal(shown(t, 5999, 0), IS("ok", "01"));
    assert_string_equal(shown(t, 6000, 0), IS("critical", "06"));
    assert_int_equal(t->trouble.next_us, INT64_MAX);
    t->latest_ms = 7000;
    assert_string_equal(shown(t, 7000, 0), IS("ok", "07"));
    trial_free(t);
}

static void test_a_clock_that_is_set_back_makes_no_time_of_the_future(void **state)
{
    (void)state;
    struct trial *t = trial_new(10000, 0, 0);
    assert_string_equal(shown(t, 0, 0), IS("ok", "00"));
    assert_string_equal(shown(t, 20000, 50), WAITS("ok", "00", LEVEL("warn", "20")));
    assert_string_equal(shown(t, 5000, 50), WAITS("ok", "00", LEVEL("warn", "05")));
    trial_free(t);
}

static void test_what_is_saved_is_loaded(void **state)
{
    (void)state;
    struct trial *t = trial_new(10000, 0, 0);
    struct buf saved = {0};
    struct mp_doc doc;
    (void)shown(t, 0, 50);
    (void)shown(t, 10000, 50);
    (void)shown(t, 12000, 101);
    trouble_save(&t->trouble, &saved);
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, saved.data, saved.len), STATUS_OK);
    t->trouble = trouble_load(&doc.root);
    assert_string_equal(shown(t, 13000, 101), WAITS("warn", "10", LEVEL("critical", "12")));
    assert_string_equal(shown(t, 22000, 101), IS("critical", "22"));
    t->trouble = trouble_load(NULL);
    assert_false(t->trouble.known);
    mp_doc_free(&doc);
    buf_free(&saved);
    trial_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_status_changes_at_once_without_for),
        cmocka_unit_test(test_a_condition_has_to_hold_for_a_while_without_a_break),
        cmocka_unit_test(test_what_swings_is_in_trouble_until_it_is_quiet),
        cmocka_unit_test(test_a_margin_makes_the_way_back_longer),
        cmocka_unit_test(test_a_figure_that_is_missing_fits_nothing),
        cmocka_unit_test(test_nothing_for_a_while_needs_no_row),
        cmocka_unit_test(test_a_clock_that_is_set_back_makes_no_time_of_the_future),
        cmocka_unit_test(test_what_is_saved_is_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
