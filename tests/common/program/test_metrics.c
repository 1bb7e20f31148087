/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/metrics.h"

#include "common/base/error.h"
#include "common/codec/mp.h"
#include "tests/unit.h"

static void test_metrics_are_members_of_a_map(void **state)
{
    (void)state;
    const struct metric metrics[] = {{"rows_read", 12}, {"bytes_sent", UINT64_MAX}};
    struct buf out = {0};
    struct mp_open_map map = mp_open_map(&out);
    map.count += metrics_put(&out, metrics, 2);
    mp_close_map(&out, map);

    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, out.data, out.len), STATUS_OK);
    assert_int_equal(mp_count(&doc.root), 2);
    uint64_t number;
    assert_true(mp_as_uint(mp_get(&doc.root, "rows_read"), &number));
    assert_int_equal(number, 12);
    assert_true(mp_as_uint(mp_get(&doc.root, "bytes_sent"), &number));
    assert_true(number == UINT64_MAX);
    mp_doc_free(&doc);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_are_members_of_a_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
