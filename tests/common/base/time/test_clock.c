/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/time/clock.h"

#include <math.h>

#include "tests/unit.h"

static int64_t parsed(const char *text)
{
    wall_time t = {-1};
    assert_true(wall_parse(text, strlen(text), NULL, &t));
    return t.us;
}

static void test_reads_what_tables_hold(void **state)
{
    (void)state;
    const int64_t at = INT64_C(1795411921220000); /* 2026-11-23T05:32:01.220Z, by date(1) */
    assert_int_equal(parsed("2026-11-23T05:32:01.220Z"), at);
    assert_int_equal(parsed("2026-11-23 05:32:01.22"), at);
    assert_int_equal(parsed(" 2026-11-23 06:32:01.22+01 "), at);
    assert_int_equal(parsed("2026-11-23T00:02:01.220000-0530"), at);
    assert_int_equal(parsed("2026-11-23T11:02:01,2200009+05:30"), at);
    assert_int_equal(parsed("2026-11-23 05:32Z"), at - 1220000);
    assert_int_equal(parsed("2026-11-23"), at - 1220000 - (5 * 3600 + 32 * 60) * US_PER_S);
    assert_int_equal(parsed("1795411921.22"), at);
    assert_int_equal(parsed("1795411921220"), at);
    assert_int_equal(parsed("1795411921220000"), at);
    assert_int_equal(parsed("1795411921220000000"), at);
    assert_int_equal(parsed("0"), 0);
    assert_int_equal(parsed("-1.5"), -1500000);
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("2024-02-29"), INT64_C(1709164800) * US_PER_S);
}

static void test_refuses_what_is_no_moment(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "now",
        "2026-13-01",
        "2026-02-30",
        "2026-11-23T",
        "2026-11-23T24:01",
        "2026-11-23 05:60",
        "2026-11-23 5:00",
        "2026-11-23 05:00+24",
        "1e9",
        "12.",
        "99999999999999999999",
        "2026-11-23T05:12:01.Z",
        "-",
        "0x10",
        "2025-02-29",
        "2026-11-23 05:00:00 Europe/Berlin",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        wall_time t = {42};
        assert_false(wall_parse(wrong[i], strlen(wrong[i]), NULL, &t));
        assert_int_equal(t.us, 42);
    }
}

/* A small t between date and time is read in the general way only. */
static void expect_the_same_in_general(const char *text, size_t len)
{
    char general[40];
    wall_time usual_time = {42};
    wall_time general_time = {42};
    memcpy(general, text, len);
    general[10] = 't';
    const bool read = wall_parse(text, len, NULL, &usual_time);
    if (read != wall_parse(general, len, NULL, &general_time) || usual_time.us != general_time.us) {
        fail_msg("%.*s is %lld, and %lld in general", (int)len, text, (long long)usual_time.us,
                 (long long)general_time.us);
    }
}

static void test_the_usual_form_is_read_as_in_general(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "2026-11-23T05:32:01.220Z",       "2024-02-29 23:59:59",
        "0000-01-01T00:00:00.1234567+01", "2026-12-31T24:00:00Z",
        "1999-10-09 08:07:06.5 -05:30",   "9999-12-31T23:59:60Z",
    };
    static const char others[] = "0123456789.,:-+TZ /\0\x80";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const size_t len = strlen(texts[i]);
        for (size_t at = 0; at < len; at++) {
            for (size_t other = 0; at != 10 && other < sizeof others; other++) {
                char text[40];
                memcpy(text, texts[i], len);
                text[at] = others[other];
                expect_the_same_in_general(text, len);
            }
            expect_the_same_in_general(texts[i], at > 11 ? at : len);
        }
    }
}

static void test_numbers_tell_their_unit(void **state)
{
    (void)state;
    wall_time t;
    assert_true(wall_from_number(1795411921.25, NULL, &t));
    assert_int_equal(t.us, INT64_C(1795411921250000));
    assert_true(wall_from_number(1795411921250.0, NULL, &t));
    assert_int_equal(t.us, INT64_C(1795411921250000));
    assert_false(wall_from_number((double)NAN, NULL, &t));
    assert_false(wall_from_number(1e300, NULL, &t));
    assert_true(wall_from_integer(INT64_MIN, NULL, &t));
}

static void test_writes_rfc3339(void **state)
{
    (void)state;
    char text[WALL_TEXT_SIZE];
    assert_string_equal(wall_format((wall_time){INT64_C(1795411921220999)}, text),
                        "2026-11-23T05:32:01.220Z");
    assert_string_equal(wall_format((wall_time){-1}, text), "1969-12-31T23:59:59.999Z");
    assert_string_equal(wall_format((wall_time){INT64_MAX}, text), "9999-12-31T23:59:59.999Z");
    assert_string_equal(wall_format((wall_time){INT64_MIN}, text), "0000-01-01T00:00:00.000Z");
}

static void test_each_day_survives_the_round_trip(void **state)
{
    (void)state;
    for (int64_t day = -200000; day < 200000; day += 7) {
        char text[WALL_TEXT_SIZE];
        wall_time back;
        const wall_time t = {day * 86400 * US_PER_S + 43210 * US_PER_MS};
        wall_format(t, text);
        assert_true(wall_parse(text, strlen(text), NULL, &back));
        assert_int_equal(back.us, t.us);
    }
}

static void test_waiting_rounds_up(void **state)
{
    (void)state;
    const mono_time now = {1000000};
    assert_int_equal(mono_ms_until(now, (mono_time){1000000}, 50), 0);
    assert_int_equal(mono_ms_until(now, (mono_time){1000001}, 50), 1);
    assert_int_equal(mono_ms_until(now, (mono_time){9000000}, 50), 50);
    assert_int_equal(mono_ms_until(now, MONO_NEVER, 50), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_tables_hold),
        cmocka_unit_test(test_refuses_what_is_no_moment),
        cmocka_unit_test(test_the_usual_form_is_read_as_in_general),
        cmocka_unit_test(test_numbers_tell_their_unit),
        cmocka_unit_test(test_writes_rfc3339),
        cmocka_unit_test(test_each_day_survives_the_round_trip),
        cmocka_unit_test(test_waiting_rounds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
