/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "common/base/error.h"
#include "ingestor/publish/published_tile.h"

static void put_series(struct buf *out, const char *name, size_t count)
{
    mp_put_text(out, name);
    mp_put_array(out, count);
    for (size_t i = 0; i < count; i++) {
        mp_put_uint(out, UINT32_MAX);
    }
}

static void the_largest_members_of_data_are_left_out_until_it_fits(void **state)
{
    (void)state;
    struct buf value = {0};
    struct buf cut = {0};
    struct mp_doc whole;
    struct mp_doc rest;
    mp_doc_init(&whole);
    mp_doc_init(&rest);
    mp_put_map(&value, 2);
    mp_put_text(&value, "data");
    mp_put_map(&value, 4);
    mp_put_text(&value, "total");
    mp_put_uint(&value, 42);
    put_series(&value, "large", 10000);
    put_series(&value, "small", 10);
    put_series(&value, "larger", 20000);
    mp_put_text(&value, "title");
    mp_put_text(&value, "Title");
    assert_int_equal(mp_parse(&whole, value.data, value.len), STATUS_OK);
    static const struct {
        size_t max;
        size_t left; /* members of data */
    } cases[] = {{1 << 20, 4}, {80000, 3}, {20000, 2}, {60, 1}, {1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&cut);
        published_tile_put(&cut, &whole.root, cases[i].max);
        assert_int_equal(mp_parse(&rest, cut.data, cut.len), STATUS_OK);
        const mp_value *data = mp_get(&rest.root, "data");
        assert_true(mp_is_map(data));
        assert_int_equal(mp_count(data), cases[i].left);
        assert_int_equal(mp_count(mp_get(&rest.root, "truncated")), 4 - cases[i].left);
        assert_int_equal(mp_get(data, "total") != NULL, cases[i].left != 0);
        assert_non_null(mp_get(&rest.root, "title"));
    }
    mp_doc_free(&whole);
    mp_doc_free(&rest);
    buf_free(&value);
    buf_free(&cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_members_of_data_are_left_out_until_it_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
