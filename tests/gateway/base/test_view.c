/* SPDX-License-Identifier: Apache-2.0 */
/* What the one view there is shows: everything, and it leaves a selection as it was asked for. */
#include "gateway/base/view.h"

#include "common/base/error.h"
#include "tests/unit.h"

static void test_everything_shows_each_tile_and_event(void **state)
{
    (void)state;
    const struct view *view = view_everything();
    assert_true(view_shows(view, VIEW_TILES, STR("orders.open")));
    assert_true(view_shows(view, VIEW_EVENTS, STR("order.created")));
    assert_true(view_shows(view, VIEW_TILES, STR("")));
}

static void test_everything_leaves_a_selection_as_it_is(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "*", "a.*,b", "orders.open"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct selection asked;
        struct selection narrowed;
        assert_int_equal(selection_parse(&asked, texts[i]), STATUS_OK);
        assert_int_equal(selection_parse(&narrowed, texts[i]), STATUS_OK);
        assert_true(view_narrow(view_everything(), VIEW_TILES, &narrowed));
        assert_true(view_narrow(view_everything(), VIEW_EVENTS, &narrowed));
        assert_string_equal(narrowed.text, asked.text);
        assert_int_equal(narrowed.count, asked.count);
        selection_free(&asked);
        selection_free(&narrowed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_shows_each_tile_and_event),
        cmocka_unit_test(test_everything_leaves_a_selection_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
