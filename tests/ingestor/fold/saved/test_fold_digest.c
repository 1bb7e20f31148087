/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/saved/fold_digest.h"

#include "tests/ingestor/fold/fold_unit.h"

/* The digest of a tile in a file whose source has these keys. */
static uint64_t digest_with(const char *source_keys, const char *tile)
{
    struct buf text = {0};
    struct config *config;
    struct error err;
    buf_printf(&text, "source: {uri: \"sqlite:x.db\"%s}\ntiles:\n  - %s\n", source_keys, tile);
    if (config_parse(text.data, text.len, "x", &config, &err) != STATUS_OK) {
        fail_msg("%s", err.text);
    }
    const uint64_t digest = fold_digest(config, &config->tiles[0]);
    config_destroy(&config);
    buf_free(&text);
    return digest;
}

static void assert_covers(const char *tile, const char *source_keys, bool covers)
{
    const bool same = digest_with("", tile) == digest_with(source_keys, tile);
    if (same == covers) {
        fail_msg("%s with %s", tile, source_keys);
    }
}

static void test_a_digest_covers_what_the_tile_reads_and_nothing_else(void **state)
{
    (void)state;
    static const char *const plain = "{key: a, type: count}";
    static const char *const matching = "{key: a, type: count, match: {actor_id: x}}";
    static const char *const family = "{key: a, type: count, group_by: target_id}";
    static const char *const metric = "{key: a, type: gauge, metric: m}";
    static const char *const backlog =
        "{key: a, type: backlog, item: payload.id, states: {x: open, "
        "y: null}, breakdown: shop}";
    static const char *const actor = ", columns: {actor_id: other, shop: shop}";
    static const char *const target = ", columns: {target_id: other, shop: shop}";
    static const char *const payload = ", columns: {payload: other, shop: shop}";
    static const char *const time = ", columns: {timestamp: other, shop: shop}";
    static const char *const event = ", metric_event: other";
    const char *const tiles[] = {plain, matching, family, metric};
    for (size_t i = 0; i < 4; i++) {
        assert_covers(tiles[i], actor, tiles[i] == matching);
        assert_covers(tiles[i], target, tiles[i] == family);
        assert_covers(tiles[i], payload, tiles[i] == metric);
        assert_covers(tiles[i], event, tiles[i] == metric);
        assert_covers(tiles[i], time, true);
        assert_covers(tiles[i], ", poll_interval: 1s, late_window: 1m", false);
    }
    const char *const same = ", columns: {shop: shop}";
    assert_int_equal(digest_with(same, backlog), digest_with(actor, backlog));
    assert_int_not_equal(digest_with(same, backlog), digest_with(payload, backlog));
    assert_int_not_equal(digest_with(same, backlog),
                         digest_with(", columns: {shop: branch}", backlog));
}

/* In UTC it is that of programs that knew no zones, so that their checkpoints stay good. */
static void test_a_digest_covers_local_time(void **state)
{
    (void)state;
    static const char *const tile = "{key: a, type: count, window: 60s}";
    const uint64_t utc = digest_with("", tile);
    assert_int_equal(digest_with(", time_zone: UTC", tile), utc);
    assert_int_equal(digest_with(", week_starts: sunday", tile), utc);
    const uint64_t berlin = digest_with(", time_zone: Europe/Berlin", tile);
    assert_int_not_equal(berlin, utc);
    assert_int_not_equal(berlin, digest_with(", time_zone: Europe/Paris", tile));
    assert_int_equal(berlin, digest_with(", time_zone: Europe/Berlin, week_starts: sunday", tile));
    static const char *const day = "{key: b, type: trend, step: 24h, length: 7}";
    static const char *const period = "{key: b, type: trend, step: 1d, length: 7}";
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

/* It is compared with one that an earlier program saved. */
static void test_a_digest_is_the_same_for_ever(void **state)
{
    (void)state;
    struct fold_test t;
    fold_test_init(&t, "  - {key: a, type: count, window: 60s}\n"
                       "  - {key: b, type: trend, step: 1d, length: 7}\n");
    assert_int_equal(fold_digest_of_definition(&t.config->tiles[0]), UINT64_C(789014236407183315));
    assert_int_equal(fold_digest_of_definition(&t.config->tiles[1]), UINT64_C(2661283230087279269));
    assert_int_equal(fold_digest(t.config, &t.config->tiles[0]), UINT64_C(0x14c1a209dca5887d));
    fold_test_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_digest_covers_what_the_tile_reads_and_nothing_else),
        cmocka_unit_test(test_a_digest_covers_local_time),
        cmocka_unit_test(test_a_digest_is_the_same_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
