/* SPDX-License-Identifier: Apache-2.0 */
/* Of states whose records are written here by hand: tests/integration/test_state.py tries those
 * that an ingestor writes. */
#include "ctl/state/records.h"

#include "common/codec/mp.h"
#include "common/state/table.h"
#include "tests/unit.h"

#define ID(t, m, i) ((struct state_id){t, m, i})

static const struct config_source source = {
    .kind = SOURCE_SQLITE, .table = "events", .columns[EVENT_ID].name = "id"};

static void put_place(struct state_changes *out, int64_t format, const char *saved,
                      const char *scheme, uint64_t table)
{
    struct buf *value = state_put_begin(out, ID(0, 0, STATE_PLACE));
    mp_put_array(value, 9);
    mp_put_int(value, format);
    mp_put_uint(value, 1);
    mp_put_uint(value, 2);
    mp_put_uint(value, 3);
    mp_put_bin(value, str_of(saved));
    mp_put_int(value, 0);
    mp_put_text(value, scheme);
    mp_put_uint(value, table);
    mp_put_uint(value, 4);
    state_put_end(out);
}

static void put_tile(struct state_changes *out, uint64_t number, int64_t format, const char *key,
                     const char *position, bool retired)
{
    struct buf *value = state_put_begin(out, ID(number, 0, 0));
    mp_put_array(value, retired ? 8 : 6);
    mp_put_int(value, format);
    mp_put_text(value, key);
    mp_put_uint(value, 99);
    if (position != NULL) {
        mp_put_text(value, position);
    } else {
        mp_put_nil(value);
    }
    mp_put_int(value, 1000);
    mp_put_bool(value, position != NULL);
    if (retired) {
        mp_put_int(value, 2000);
        mp_put_bin(value, STR("place"));
    }
    state_put_end(out);
}

static void test_each_tile_is_told_with_the_size_of_its_records(void **state)
{
    (void)state;
    struct state_changes records = {0};
    struct record_tiles tiles;
    put_place(&records, 2, "saved", "sqlite", state_table(&source));
    put_tile(&records, 3, 1, "all", "11", false);
    const size_t own = records.list[1].len;
    state_put(&records, ID(3, 1, 0), STR("member"));
    state_put(&records, ID(3, 1, 1), STR("item"));
    put_tile(&records, 5, 1, "gone", NULL, true);
    assert_int_equal(records_read_tiles(&records, &tiles, NULL), STATUS_OK);
    assert_int_equal(tiles.count, 2);
    assert_string_equal(tiles.list[0].key, "all");
    assert_int_equal(tiles.list[0].number, 3);
    assert_int_equal(tiles.list[0].records, 3);
    assert_int_equal(tiles.list[0].bytes, own + 10);
    assert_string_equal(tiles.list[0].position, "11");
    assert_int_equal(tiles.list[0].since.us, 1000);
    assert_true(tiles.list[0].complete && !tiles.list[0].retired);
    assert_string_equal(tiles.list[1].key, "gone");
    assert_null(tiles.list[1].position);
    assert_true(tiles.list[1].retired && !tiles.list[1].complete);
    assert_int_equal(tiles.list[1].retired_at.us, 2000);
    records_free_tiles(&tiles);
    state_changes_free(&records);
}

static void test_damaged_tiles_have_no_key(void **state)
{
    (void)state;
    struct state_changes records = {0};
    struct record_tiles tiles;
    put_place(&records, 2, "saved", "sqlite", 0);
    put_tile(&records, 1, 1, "cut", "1", false);
    state_put(&records, ID(1, 1, 0), STR("member"));
    state_gone(&records, STATE_TILE_GONE, ID(1, 0, 0));
    state_put(&records, ID(2, 0, 0), STR("\xc1"));
    state_put(&records, ID(3, 1, 0), STR("no record of the tile itself"));
    state_gone(&records, STATE_TILE_GONE, ID(4, 0, 0));
    put_tile(&records, 5, 1, "whole", "1", false);
    assert_int_equal(records_read_tiles(&records, &tiles, NULL), STATUS_OK);
    assert_int_equal(tiles.count, 5);
    for (size_t i = 0; i < 4; i++) {
        assert_null(tiles.list[i].key);
        assert_int_equal(tiles.list[i].number, i + 1);
    }
    assert_string_equal(tiles.list[4].key, "whole");
    records_free_tiles(&tiles);
    state_changes_free(&records);
}

static void assert_refused(const struct state_changes *records, int wanted, const char *said)
{
    struct record_tiles tiles;
    struct error err = {{0}};
    assert_int_equal(records_read_tiles(records, &tiles, &err), wanted);
    if (strstr(err.text, said) == NULL) {
        fail_msg("%s", err.text);
    }
}

static void test_other_versions_are_told_apart(void **state)
{
    (void)state;
    struct state_changes records = {0};
    assert_refused(&records, STATUS_INVALID, "where the source stood");
    put_place(&records, 3, "saved", "sqlite", 0);
    assert_refused(&records, STATUS_NEWER, "newer version");
    state_changes_clear(&records);
    put_place(&records, 1, "saved", "sqlite", 0);
    assert_refused(&records, STATUS_INVALID, "cannot be read");
    state_changes_clear(&records);
    put_place(&records, 2, "saved", "sqlite", 0);
    put_tile(&records, 1, 3, "newer", "1", false);
    assert_refused(&records, STATUS_NEWER, "newer version");
    state_changes_clear(&records);
    state_put(&records, ID(0, 0, STATE_LEGACY), STR("all in one"));
    assert_refused(&records, STATUS_INVALID, "start an ingestor");
    state_changes_free(&records);
}

static int check_place(const char *saved, const char *scheme, uint64_t table)
{
    struct state_changes records = {0};
    struct error err;
    put_place(&records, 2, saved, scheme, table);
    const struct config config = {.source = source};
    const int status = records_check_place(&records, &config, &err);
    state_changes_free(&records);
    return status;
}

static void test_only_the_place_in_the_same_table_will_do(void **state)
{
    (void)state;
    const uint64_t table = state_table(&source);
    assert_int_equal(check_place("saved", "sqlite", table), STATUS_OK);
    assert_int_equal(check_place("saved", "sqlite", 0), STATUS_OK); /* nobody noted which */
    assert_int_equal(check_place("saved", "sqlite", table + 1), STATUS_INVALID);
    assert_int_equal(check_place("saved", "postgresql", table), STATUS_INVALID);
    assert_int_equal(check_place("", "sqlite", table), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_tile_is_told_with_the_size_of_its_records),
        cmocka_unit_test(test_damaged_tiles_have_no_key),
        cmocka_unit_test(test_other_versions_are_told_apart),
        cmocka_unit_test(test_only_the_place_in_the_same_table_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
