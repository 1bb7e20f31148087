/* SPDX-License-Identifier: Apache-2.0 */
/* How a definition says that its tile is seen. */
#include "common/config/types/tile_display.h"

#include "tests/common/config/tile_unit.h"

static void test_tiles_know_their_place_and_how_they_are_seen(void **state)
{
    (void)state;
    struct config *config =
        parse_ok("tiles:\n- {key: b, type: trend, step: 10s, annotations: deploy.*}\n"
                 "- {key: a, type: count, group: Support, unit: EUR, format: currency, decimals: "
                 "0, link: https://x.example/a, item_link: \"http://x.example/{id}\"}\n");
    const struct tile_display *plain = &config->tiles[0].display;
    const struct tile_display *display = &config->tiles[1].display;
    assert_int_equal(plain->order, 0);
    assert_null(plain->group);
    assert_string_equal(plain->annotations, "deploy.*");
    assert_null(display->annotations);
    assert_int_equal(plain->format, TILE_FORMAT_NUMBER);
    assert_false(plain->has_decimals);
    assert_int_equal(display->order, 1);
    assert_string_equal(display->group, "Support");
    assert_string_equal(tile_format_name(display->format), "currency");
    assert_string_equal(config->tiles[1].unit, "EUR");
    assert_true(display->has_decimals);
    assert_int_equal(display->decimals, 0);
    assert_string_equal(display->link, "https://x.example/a");
    assert_string_equal(display->item_link, "http://x.example/{id}");
    config_destroy(&config);
}

#define ADDRESS                                                                                    \
    "expected an address of at most 2048 bytes, such as https://tickets.example/{id}, but found "

static void test_what_nobody_could_see_is_refused(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {TILE "type: count, link: \"javascript:alert(1)\"}]",
         "1:37: tile \"t\": link: " ADDRESS "\"javascript:alert(1)\""},
        {TILE "type: count, item_link: \"https://\"}]",
         "1:42: tile \"t\": item_link: " ADDRESS "\"https://\""},
        {TILE "type: count, link: [a]}]", "1:37: tile \"t\": link: " ADDRESS "a list"},
        {TILE "type: count, format: currency, unit: euro}]",
         "1:39: tile \"t\": format: currency needs to know which one: write its three letters, "
         "such as unit: EUR"},
        {TILE "type: count, format: currency}]",
         "1:39: tile \"t\": format: currency needs to know which one: write its three letters, "
         "such as unit: EUR"},
    };
    REFUSED(refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles_know_their_place_and_how_they_are_seen),
        cmocka_unit_test(test_what_nobody_could_see_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
