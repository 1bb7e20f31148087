/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/sources_up.h"

#include <string.h>

#include "common/base/error.h"
#include "tests/unit.h"

static void test_they_are_the_same_when_they_are_read_again(void **state)
{
    (void)state;
    struct sources_up sources = {.count = 0};
    struct sources_up back;
    struct buf bytes = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    sources_up_add(&sources, STR("shop"), true);
    sources_up_add(&sources, STR("desk"), false);
    sources_up_put(&bytes, &sources);
    assert_int_equal(mp_parse(&doc, bytes.data, bytes.len), STATUS_OK);
    sources_up_read(&doc.root, &back);
    assert_int_equal(back.count, 2);
    assert_string_equal(back.list[0].name, "shop");
    assert_string_equal(back.list[1].name, "desk");
    assert_true(back.list[0].up && !back.list[1].up);
    sources_up_read(NULL, &back);
    assert_int_equal(back.count, 0);
    mp_doc_free(&doc);
    buf_free(&bytes);
}

static void test_there_is_a_bound_and_long_names_are_cut(void **state)
{
    (void)state;
    struct sources_up sources = {.count = 0};
    char longest[SOURCES_UP_NAME_MAX + 9];
    memset(longest, 'x', sizeof longest);
    for (int i = 0; i < SOURCES_UP_MAX + 3; i++) {
        sources_up_add(&sources, (struct str){longest, sizeof longest}, true);
    }
    assert_int_equal(sources.count, SOURCES_UP_MAX);
    assert_int_equal(strlen(sources.list[0].name), SOURCES_UP_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_are_the_same_when_they_are_read_again),
        cmocka_unit_test(test_there_is_a_bound_and_long_names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
