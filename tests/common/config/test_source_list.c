/* SPDX-License-Identifier: Apache-2.0 */
/* `sources`: several of them, and tiles that choose one. */
#include <string.h>

#include "tests/common/config/config_unit.h"

#define TWO                                                                                        \
    "sources:\n"                                                                                   \
    "  - {name: shop, uri: 'sqlite:a.db', columns: {region: region}}\n"                            \
    "  - {name: desk-2, uri: 'sqlite:b.db', columns: {team: t, region: r, summary: null}}\n"

static void test_each_has_its_keys_and_its_number(void **state)
{
    (void)state;
    struct config *config = parse_ok(TWO);
    assert_true(config->has_source && config_has_sources(config));
    assert_int_equal(config->source_count, 2);
    assert_string_equal(config->sources[0].name, "shop");
    assert_string_equal(config->sources[1].name, "desk-2");
    assert_string_equal(config->sources[1].path, "/etc/tilewire/b.db");
    assert_string_equal(config->sources[1].table, "events");
    assert_int_equal(config->sources[1].number, 1);
    assert_int_equal(config->sources[1].poll_interval_ms, 2000);
    assert_null(config->sources[1].columns[EVENT_SUMMARY].name);
    config_destroy(&config);
}

/* Fields that the user added are counted over all of them, and the state is where the first one
 * would have it. */
static void test_one_stands_for_all(void **state)
{
    (void)state;
    struct config *config = parse_ok(TWO);
    assert_string_equal(config->source.path, "/etc/tilewire/a.db");
    assert_string_equal(config->ingestor.checkpoint_path, "/etc/tilewire/a.db.tilewire");
    assert_int_equal(config->source.extra_count, 2);
    assert_string_equal(config->source.extras[0].field, "region");
    assert_string_equal(config->source.extras[1].field, "team");
    assert_string_equal(config->source.columns[EVENT_SUMMARY].name, "summary");
    assert_int_equal(config->sources[0].extra_count, 1);
    assert_string_equal(config->sources[1].extras[0].field, "team");
    config_destroy(&config);
}

static void test_source_is_a_list_of_one_without_a_name(void **state)
{
    (void)state;
    struct config *config = parse_ok("source: {uri: 'sqlite:a.db'}\n");
    assert_int_equal(config->source_count, 1);
    assert_ptr_equal(config->sources, &config->source);
    assert_null(config->source.name);
    assert_false(config_has_sources(config));
    config_destroy(&config);
    config = parse_ok("cache: {}\n");
    assert_int_equal(config->source_count, 0);
    assert_false(config_has_sources(config));
    config_destroy(&config);
}

static void test_a_tile_chooses_one(void **state)
{
    (void)state;
    struct config *config = parse_ok(TWO "tiles:\n"
                                         "  - {key: a, type: count, match: {team: x}}\n"
                                         "  - {match: {team: x}, source: desk-2, key: b, "
                                         "type: count}\n");
    assert_null(config->tiles[0].source);
    assert_ptr_equal(config->tiles[1].source, &config->sources[1]);
    assert_ptr_equal(config->tiles[1].local, &config->sources[1].local);
    assert_int_equal(config->tiles[1].match.all[0].field.extra, 1);
    config_destroy(&config);
}

static void test_refusals(void **state)
{
    (void)state;
#define TILE "tiles: [{key: t, type: count, "
    static const struct refusal refusals[] = {
        {"sources:\n", "1:1: sources: expected a list, but found nothing"},
        {"ingestor: {checkpoint: 'file:b.db'}\nsources: [{name: a, uri: 'sqlite:a.db'}, {name: b, "
         "uri: 'sqlite:b.db'}]\n",
         "1:24: ingestor.checkpoint: that is the database's own file"},
        {"sources: [{uri: 'sqlite:a.db'}]\n",
         "1:11: sources: each needs a name, by which tiles choose it: write name: orders"},
        {"sources: [{name: a b, uri: 'sqlite:a.db'}]\n",
         "1:18: source \"a b\".name: expected 1 to 32 letters, digits, - and _ (orders), but found "
         "\"a b\""},
        {"sources: [{name: a, uri: 'sqlite:a.db'}, {name: a, uri: 'sqlite:b.db'}]\n",
         "1:49: sources: the name \"a\" is taken already"},
        {"sources: [{name: a, uri: 'sqlite:a.db'}, {name: a-b, uri: 'sqlite:b.db'}]\n",
         "1:49: sources: ids of events begin with the name and a dash, so that they could not be "
         "told from those of \"a\"; choose another name"},
        {"sources: [{name: a, uri: 'push:a.db'}, {name: b, uri: 'push:b.db'}]\n",
         "1:55: sources: only one of them can keep pushed events, for it is not said which one an "
         "event is pushed to"},
        {"source: {uri: 'sqlite:a.db', name: a}\n",
         "1:30: source.name: only entries of `sources` have names; leave it out"},
        {"source: {uri: 'sqlite:a.db'}\nsources: [{name: a, uri: 'sqlite:b.db'}]\n",
         "2:1: sources: the file has `source` already; write that as an entry of `sources`, with a "
         "name"},
        {"source: {uri: 'sqlite:a.db'}\n" TILE "source: a}]\n",
         "2:39: tile \"t\": source: only entries of `sources` have names to choose by; leave it "
         "out"},
        {TWO TILE "source: shopp}]\n",
         "4:39: tile \"t\": source: \"shopp\" is not known; did you mean \"shop\"?"},
        {TWO TILE "source: shop, match: {team: x}}]\n",
         "4:53: tile \"t\": match: \"team\" is no field of an event, nor a column added under "
         "source.columns; known are event_type, actor_id, target_id, summary, region or "
         "payload.NAME"},
        {TWO TILE "source: desk-2, match: {summary: x}}]\n",
         "4:55: tile \"t\": match: source.columns says that there is no summary"},
        {"sources: [{name: a, uri: 'sqlite:a.db'}, {name: b, uri: 'sqlite:b.db', "
         "time_zone: Europe/Berlin}]\n" TILE "window: today}]\n",
         "2:9: tile \"t\": the sources have different time_zone or week_starts, so a tile of all "
         "of them has no day; choose one with `source`, or write the same in all"},
    };
    REFUSED(refusals);
#undef TILE
}

static void test_several_can_be_read(void **state)
{
    (void)state;
    struct error err = {{0}};
    struct config *config = parse_ok(TWO);
    assert_int_equal(config_need_source(config, &err), STATUS_OK);
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_keys_and_its_number),
        cmocka_unit_test(test_one_stands_for_all),
        cmocka_unit_test(test_source_is_a_list_of_one_without_a_name),
        cmocka_unit_test(test_a_tile_chooses_one),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_several_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
