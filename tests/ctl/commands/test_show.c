/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/show.h"

#include <math.h>

#include "tests/unit.h"

/* Frees what was packed. */
static void shows(struct buf *packed, const char *expected)
{
    struct buf out = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(mp_parse(&doc, packed->data, packed->len), 0);
    show_number(&out, &doc.root);
    assert_string_equal(buf_cstr(&out), expected);
    mp_doc_free(&doc);
    buf_free(&out);
    buf_free(packed);
}

static void real_shows(double number, const char *expected)
{
    struct buf packed = {0};
    mp_put_number(&packed, number);
    shows(&packed, expected);
}

static void test_whole_numbers_are_exact(void **state)
{
    (void)state;
    struct buf packed = {0};
    mp_put_int(&packed, INT64_C(9007199254740993));
    shows(&packed, "9007199254740993");
    mp_put_int(&packed, INT64_MIN);
    shows(&packed, "-9223372036854775808");
    mp_put_uint(&packed, UINT64_MAX);
    shows(&packed, "18446744073709551615");
    real_shows(0, "0");
    real_shows(-3, "-3");
    real_shows(0x1p53, "9007199254740992");
    real_shows(123456789, "123456789");
}

static void test_six_digits_are_enough_for_the_others(void **state)
{
    (void)state;
    struct buf packed = {0};
    real_shows(3.5, "3.5");
    real_shows(1.0 / 3, "0.333333");
    real_shows(0.1 + 0.2, "0.3");
    real_shows(1234567.25, "1234567.25");
    real_shows(-1e300, "-1e+300");
    mp_put_nil(&packed);
    shows(&packed, "–");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers_are_exact),
        cmocka_unit_test(test_six_digits_are_enough_for_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
