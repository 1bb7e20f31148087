/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec/mp.h"

#include <math.h>

#include "tests/common/codec/mp_unit.h"

static void test_numbers(void **state)
{
    (void)state;
    struct buf out = {0};
    mp_put_array(&out, 6);
    mp_put_number(&out, 12.0);
    mp_put_number(&out, 12.3);
    mp_put_number(&out, -0.5);
    mp_put_number(&out, (double)INFINITY);
    mp_put_int(&out, INT64_MIN);
    mp_put_uint(&out, UINT64_MAX);
    assert_json(&out, "[12,12.3,-0.5,null,-9223372036854775808,18446744073709551615]");
    buf_free(&out);
}

static void test_text_is_made_utf8(void **state)
{
    (void)state;
    struct buf out = {0};
    mp_put_str(&out, (struct str){"a\xff\xc3\xa9\xed\xa0\x80", 7});
    assert_json(&out, "\"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_text_is_made_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
