/* SPDX-License-Identifier: Apache-2.0 */
/* Which renderings are kept for those who may not see all fields. */
#include "gateway/stream/render/narrowed.h"

#include "tests/gateway/base/view_unit.h"

static void test_those_made_last_are_kept_and_the_oldest_is_freed(void **state)
{
    (void)state;
    static const char *const fields[] = {"a", "b", "c", "d", "e"};
    struct narrowed *list = NULL;
    size_t dropped = 0;
    for (size_t i = 0; i < NARROWED_MAX + 1; i++) {
        const struct view *view = view_of("*", "*", fields[i]);
        const struct lens lens = lens_of(view, VIEW_TILES, STR("x"));
        assert_null(narrowed_find(list, lens));
        struct rendering *rendering = narrowed_add(&list, lens, &dropped);
        assert_null(rendering->frame);
        rendering->frame = blob_new(STR("12345"));
        assert_int_equal(dropped != 0, i == NARROWED_MAX);
        view_release(&view); /* the list has it */
    }
    assert_int_equal(dropped, sizeof(struct narrowed) + sizeof(struct blob) + 5);
    for (size_t i = 0; i < NARROWED_MAX + 1; i++) {
        const struct view *equal = view_of("y", "", fields[i]);
        const struct rendering *found = narrowed_find(list, lens_of(equal, VIEW_TILES, STR("y")));
        assert_int_equal(found != NULL, i != 0);
        view_release(&equal);
    }
    narrowed_free(&list);
    assert_null(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_made_last_are_kept_and_the_oldest_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
