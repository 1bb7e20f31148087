/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of the fold: what is saved goes on elsewhere, and what is damaged is refused. */
#include <time.h>

#include "tests/ingestor/fold/fold_random.h"

#include "common/base/xalloc.h"
#include "ingestor/fold/fold_digest.h"

static void test_a_saved_fold_goes_on_as_if_nothing_had_happened(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    struct fold_test kept;
    fold_test_init(&kept, all_types);
    for (int round = 0; round < 30; round++) {
        struct fold_test restored;
        struct buf saved = {0};
        bool rebuild;
        fold_test_init(&restored, all_types);
        fold_save(kept.fold, &saved);
        assert_int_equal(fold_load(restored.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
        assert_false(rebuild);
        restored.now = kept.now;
        restored.next_id = kept.next_id;
        unsigned twin = seed;
        for (int i = 0; i < 40; i++) {
            fold_random(&kept, &seed);
            fold_random(&restored, &twin);
            pass_ms(&kept, 137);
            pass_ms(&restored, 137);
        }
        assert_same(&kept, &restored);
        buf_free(&saved);
        fold_test_free(&restored);
    }
    fold_test_free(&kept);
}

/* The configuration of one tile in a file whose source has these keys; and its digest. */
static uint64_t digest_with(const char *source_keys, const char *tile)
{
    struct buf text = {0};
    struct config *config;
    buf_printf(&text, "source: {uri: \"sqlite:x.db\"%s}\ntiles:\n  - %s\n", source_keys, tile);
    assert_int_equal(config_parse(text.data, text.len, "x", &config, NULL), STATUS_OK);
    const uint64_t digest = fold_digest(&config->tiles[0]);
    config_destroy(&config);
    buf_free(&text);
    return digest;
}

/* In UTC it is that of programs that knew no zones, so that their checkpoints stay good. */
static void test_a_digest_covers_local_time(void **state)
{
    (void)state;
    static const char *const tile = "{key: a, type: count, window: 60s}";
    const uint64_t utc = digest_with("", tile);
    assert_int_equal(utc, UINT64_C(789014236407183315));
    assert_int_equal(digest_with(", time_zone: UTC", tile), utc);
    assert_int_equal(digest_with(", week_starts: sunday", tile), utc);
    const uint64_t berlin = digest_with(", time_zone: Europe/Berlin", tile);
    assert_int_not_equal(berlin, utc);
    assert_int_not_equal(berlin, digest_with(", time_zone: Europe/Paris", tile));
    assert_int_equal(berlin, digest_with(", time_zone: Europe/Berlin, week_starts: sunday", tile));
    static const char *const day = "{key: b, type: trend, step: 24h, length: 7}";
    static const char *const period = "{key: b, type: trend, step: 1d, length: 7}";
    assert_int_equal(digest_with("", day), UINT64_C(2661283230087279269));
    assert_int_equal(digest_with("", period), digest_with("", day));
    assert_int_not_equal(digest_with(", time_zone: Europe/Berlin", period),
                         digest_with(", time_zone: Europe/Berlin", day));
    static const char *const weekly[] = {"{key: c, type: trend, step: 1w, length: 7}",
                                         "{key: c, type: count, window: this_week}",
                                         "{key: c, type: trend, step: 7d, length: 7}"};
    for (int i = 0; i < 3; i++) {
        const bool same =
            digest_with("", weekly[i]) == digest_with(", week_starts: sunday", weekly[i]);
        assert_int_equal(same, i == 2);
    }
    assert_int_not_equal(digest_with("", weekly[0]), digest_with("", weekly[2]));
    assert_int_not_equal(digest_with("", weekly[1]), digest_with("", "{key: c, type: count}"));
    assert_int_not_equal(digest_with("", "{key: c, type: count, window: today}"),
                         digest_with("", "{key: c, type: count, window: this_month}"));
}

static void test_a_changed_definition_wants_a_rebuild(void **state)
{
    (void)state;
    struct fold_test old;
    struct fold_test same;
    struct fold_test changed;
    struct fold_test more;
    struct buf saved = {0};
    bool rebuild;
    fold_test_init(&old, "  - {key: a, type: count, window: 60s}\n");
    fold_test_init(&same, "  - {key: a, title: Another, type: count, window: 60s, ttl: 5m}\n");
    fold_test_init(&changed, "  - {key: a, type: count, window: 61s}\n");
    fold_test_init(&more, "  - {key: a, type: count, window: 60s}\n  - {key: b, type: count}\n");
    fold_save(old.fold, &saved);
    assert_int_equal(fold_load(same.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_false(rebuild);
    assert_int_equal(fold_load(changed.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_true(rebuild);
    assert_int_equal(fold_load(more.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_true(rebuild);
    buf_free(&saved);
    fold_test_free(&old);
    fold_test_free(&same);
    fold_test_free(&changed);
    fold_test_free(&more);
}

/* The tally of the tile "a" as it is handed out now. */
static struct tally tally_of(struct fold_test *t)
{
    (void)data_of(t, "a");
    return t->tally;
}

static void test_the_tally_of_a_tile_is_kept(void **state)
{
    (void)state;
    struct fold_test t;
    struct fold_test restored;
    struct buf saved = {0};
    bool rebuild;
    const char *tiles = "  - {key: a, type: count, window: 60s, match: {event_type: x}}\n";
    fold_test_init(&t, tiles);
    fold_test_init(&restored, tiles);
    const struct tally none = {.known = true};
    struct tally tally = tally_of(&t);
    assert_true(tally_equal(&tally, &none));
    fold_at(&t, 1, -100000, "x", NULL, NULL); /* before the window: in the tile all the same */
    fold_at(&t, 2, 0, "x", NULL, NULL);
    fold_at(&t, 3, 0, "y", NULL, NULL);    /* of another type */
    fold_at(&t, 4, 5000, "x", NULL, NULL); /* from the future */
    struct tally expected = {.known = true};
    tally_add(&expected, tally_of_row(2, (wall_time){START_US}, STR("x")));
    tally_add(&expected, tally_of_row(1, (wall_time){START_US - 100 * US_PER_S}, STR("x")));
    tally = tally_of(&t);
    assert_true(tally_equal(&tally, &expected));
    fold_save(t.fold, &saved);
    assert_int_equal(fold_load(restored.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    restored.now = t.now;
    pass_ms(&restored, 5000);
    tally_add(&expected, tally_of_row(4, (wall_time){START_US + 5 * US_PER_S}, STR("x")));
    tally = tally_of(&restored);
    assert_true(tally_equal(&tally, &expected));
    buf_free(&saved);
    fold_test_free(&t);
    fold_test_free(&restored);
}

static void test_a_state_without_a_tally_is_taken_over(void **state)
{
    (void)state;
    struct fold_test t;
    struct buf saved = {0};
    bool rebuild;
    fold_test_init(&t, "  - {key: a, type: count}\n");
    fold_now(&t, "x", NULL, NULL);
    fold_save(t.fold, &saved);
    const size_t tally_bytes = 1 + 1 + 9; /* [1, digest] at the end */
    const char members[] = "\x92\x01\x91\x97";
    assert_memory_equal(saved.data, members, sizeof members - 1);
    saved.data[3] = (char)0x96;
    saved.len -= tally_bytes;
    struct fold_test restored;
    fold_test_init(&restored, "  - {key: a, type: count}\n");
    assert_int_equal(fold_load(restored.fold, buf_str(&saved), &rebuild, NULL), STATUS_OK);
    assert_false(rebuild);
    assert_string_equal(data_of(&restored, "a"), "{\"value\":1}");
    fold_now(&restored, "x", NULL, NULL);
    assert_false(tally_of(&restored).known);
    buf_free(&saved);
    fold_test_free(&t);
    fold_test_free(&restored);
}

static void test_a_damaged_state_is_refused(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    struct fold_test t;
    struct buf saved = {0};
    fold_test_init(&t, all_types);
    for (int i = 0; i < 100; i++) {
        fold_random(&t, &seed);
    }
    fold_save(t.fold, &saved);
    for (int round = 0; round < 2000; round++) {
        struct fold_test other;
        bool rebuild;
        fold_test_init(&other, all_types);
        char *copy = x_memdup(saved.data, saved.len);
        copy[(size_t)rand_r(&seed) % saved.len] = (char)rand_r(&seed);
        const size_t len = rand_r(&seed) % 4 == 0 ? (size_t)rand_r(&seed) % saved.len : saved.len;
        if (fold_load(other.fold, (struct str){copy, len}, &rebuild, NULL) == STATUS_OK) {
            pass_ms(&other, 1000);
            flush(&other);
        }
        free(copy);
        fold_test_free(&other);
    }
    buf_free(&saved);
    fold_test_free(&t);
}

static void test_a_state_of_a_newer_version_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    struct fold_test t;
    struct buf saved = {0};
    bool rebuild;
    fold_test_init(&t, all_types);
    fold_save(t.fold, &saved);
    assert_int_equal(saved.data[1], 1); /* [format, …] */
    saved.data[1] = 3;
    assert_int_equal(fold_load(t.fold, buf_str(&saved), &rebuild, NULL), STATUS_NEWER);
    saved.data[1] = 0;
    assert_int_equal(fold_load(t.fold, buf_str(&saved), &rebuild, NULL), STATUS_INVALID);
    buf_free(&saved);
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_saved_fold_goes_on_as_if_nothing_had_happened),
        cmocka_unit_test(test_a_digest_covers_local_time),
        cmocka_unit_test(test_a_changed_definition_wants_a_rebuild),
        cmocka_unit_test(test_the_tally_of_a_tile_is_kept),
        cmocka_unit_test(test_a_state_without_a_tally_is_taken_over),
        cmocka_unit_test(test_a_damaged_state_is_refused),
        cmocka_unit_test(test_a_state_of_a_newer_version_is_told_from_a_damaged_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
