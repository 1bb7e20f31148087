/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/number.h"

#include "common/base/error.h"
#include "tests/unit.h"

static void shows(struct number number, int64_t expected)
{
    struct buf out = {0};
    struct mp_doc doc;
    int64_t integer;
    struct number again;
    if (number.rest == 0) {
        assert_true((int64_t)number.value == expected); /* it is a double */
        return;
    }
    mp_doc_init(&doc);
    number_put(&out, number);
    assert_int_equal(mp_parse(&doc, out.data, out.len), STATUS_OK);
    assert_true(mp_as_int(&doc.root, &integer));
    assert_true(integer == expected);
    assert_true(number_get(&doc.root, &again));
    assert_true(number_equal(number, again));
    mp_doc_free(&doc);
    buf_free(&out);
}

static void test_integers_are_exact(void **state)
{
    (void)state;
    shows(number_of_int(0), 0);
    shows(number_of_int(INT64_MAX), INT64_MAX);
    assert_int_equal(number_of_int(9007199254740993).rest, 1);
    shows(number_of_int(INT64_MIN + 1), INT64_MIN + 1);
    for (int64_t i = -2000; i <= 2000; i++) {
        shows(number_of_int(9007199254740992 + i), 9007199254740992 + i);
        shows(number_of_int(-(INT64_MAX - 5000) + i), -(INT64_MAX - 5000) + i);
        if (i < 0) {
            shows(number_of_int(INT64_MAX + i), INT64_MAX + i);
        }
    }
    assert_true(number_equal(number_of_int(INT64_MIN), number_of_real(-0x1p63)));
}

static void test_order(void **state)
{
    (void)state;
    for (int64_t i = INT64_MAX - 3000; i < INT64_MAX; i++) {
        assert_true(number_less(number_of_int(i), number_of_int(i + 1)));
        assert_false(number_less(number_of_int(i + 1), number_of_int(i)));
        assert_true(number_less(number_of_int(-i - 1), number_of_int(-i)));
        assert_true(number_less(number_of_int(i), number_of_real(0x1p63)));
    }
    assert_true(number_less(number_of_real(9007199254740992.0), number_of_int(9007199254740993)));
    assert_true(number_less(number_of_int(9007199254740993), number_of_real(9007199254740994.0)));
    assert_true(number_equal(number_of_real(9007199254740992.0), number_of_int(9007199254740992)));
}

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1", 1},
                {"+5", 5},
                {"-2", -2},
                {"007", 7},
                {"1.5", 1.5},
                {".5", .5},
                {"5.", 5},
                {"1e2", 100},
                {"1E-2", 0.01},
                {"1.e+2", 100},
                {"-0", 0},
                {"-.5e1", -5},
                {"1e-999", 0},
                {"0000", 0},
                {"1e308", 1e308},
                {"0e999", 0},
                {"18446744073709551616", 0x1p64}};
    static const char *const bad[] = {
        "",      "0x10", "Infinity", "-inf",  "NaN",   "nan(1)", "1e5 ", " 5",  "-",       "+",
        ".",     "-.",   "1e",       "1e+",   "e5",    ".e5",    "1_0",  "1,5", "--1",     "+-1",
        "1.2.3", "0b1",  "1e999",    "0x1p3", "1e5.0", "5f",     "\t5",  "5\n", "\xd9\xa1"};
    struct number number;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!number_of_text(str_of(good[i].text), &number) || number.value != good[i].value) {
            fail_msg("%s", good[i].text);
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (number_of_text(str_of(bad[i]), &number)) {
            fail_msg("%s is taken for a number", bad[i]);
        }
    }
    assert_false(number_of_text(STR_NULL, &number));
    assert_false(number_of_text(STR("1\0"), &number));
    assert_true(number_of_text(STR("9007199254740993"), &number) && number.rest == 1);
    assert_true(number_of_text(STR("-9223372036854775808"), &number) && number.rest == 0);
    char digits[NUMBER_TEXT_MAX + 1];
    memset(digits, '0', sizeof digits);
    digits[NUMBER_TEXT_MAX - 1] = '7';
    assert_true(number_of_text((struct str){digits, NUMBER_TEXT_MAX}, &number));
    assert_true(number.value == 7);
    assert_false(number_of_text((struct str){digits, NUMBER_TEXT_MAX + 1}, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_are_exact),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
