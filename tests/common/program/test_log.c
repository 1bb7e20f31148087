/* SPDX-License-Identifier: Apache-2.0 */
#include "common/program/log.h"

#include "common/base/error.h"
#include "tests/unit.h"

static void test_words_name_levels(void **state)
{
    (void)state;
    static const char *const words[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        enum log_level level = LOG_LEVEL_ERROR;
        assert_int_equal(log_level_parse(words[i], &level), STATUS_OK);
        assert_int_equal(level, i);
    }
    enum log_level level = LOG_LEVEL_WARN;
    assert_int_equal(log_level_parse("loud", &level), STATUS_INVALID);
    assert_int_equal(log_level_parse("", &level), STATUS_INVALID);
    assert_int_equal(level, LOG_LEVEL_WARN);
}

static void test_words_name_formats(void **state)
{
    (void)state;
    enum log_format format = LOG_FORMAT_TEXT;
    assert_int_equal(log_format_parse("json", &format), STATUS_OK);
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_int_equal(log_format_parse("JSON", &format), STATUS_INVALID);
    assert_int_equal(format, LOG_FORMAT_JSON);
    assert_int_equal(log_format_parse("text", &format), STATUS_OK);
    assert_int_equal(format, LOG_FORMAT_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_name_levels),
        cmocka_unit_test(test_words_name_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
