/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/file/values.h"

#include "tests/unit.h"

static int64_t duration(const char *text)
{
    int64_t ms = -1;
    return config_duration_parse(str_of(text), &ms) ? ms : -1;
}

static void test_durations(void **state)
{
    (void)state;
    assert_int_equal(duration("250ms"), 250);
    assert_int_equal(duration("2s"), 2000);
    assert_int_equal(duration("1.5s"), 1500);
    assert_int_equal(duration("0.001s"), 1);
    assert_int_equal(duration("5m"), 300000);
    assert_int_equal(duration("1h"), 3600000);
    assert_int_equal(duration("7d"), INT64_C(604800000));
    assert_int_equal(duration("0"), 0);
    assert_int_equal(duration("0s"), 0);
    assert_int_equal(duration("36600d"), INT64_C(36600) * 86400000);
    static const char *const wrong[] = {"",
                                        "s",
                                        "5",
                                        "5x",
                                        "-1s",
                                        "1 s",
                                        "1s ",
                                        "1.s",
                                        ".5s",
                                        "1.5",
                                        "1e3s",
                                        "36601d",
                                        "1h30m",
                                        "0.5ms",
                                        "0.0001s",
                                        "1S",
                                        "1min",
                                        "99999999999999999999s",
                                        "1.0000000000s",
                                        "9999999999999999d"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(duration(wrong[i]), -1);
    }
}

static void test_durations_as_text(void **state)
{
    (void)state;
    char text[CONFIG_VALUE_TEXT_SIZE];
    assert_string_equal(config_duration_format(0, text), "0");
    assert_string_equal(config_duration_format(1, text), "1ms");
    assert_string_equal(config_duration_format(1500, text), "1500ms");
    assert_string_equal(config_duration_format(90000, text), "90s");
    assert_string_equal(config_duration_format(3600000, text), "1h");
    assert_string_equal(config_duration_format(172800000, text), "2d");
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {
        {"0", 0},
        {"4096", 4096},
        {"64KiB", 65536},
        {"1MiB", 1048576},
        {"2GiB", INT64_C(2) << 30},
        {"64KB", -1},
        {"-1", -1},
        {"", -1},
        {"KiB", -1},
        {"1.5KiB", -1},
        {"99999999999999999GiB", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t bytes = -1;
        assert_int_equal(config_size_parse(str_of(cases[i].text), &bytes), cases[i].bytes >= 0);
        assert_int_equal(bytes, cases[i].bytes);
    }
    char text[CONFIG_VALUE_TEXT_SIZE];
    assert_string_equal(config_size_format(65536, text), "64KiB");
    assert_string_equal(config_size_format(1000, text), "1000");
}

static void test_whole_numbers(void **state)
{
    (void)state;
    int64_t number = 0;
    assert_true(config_whole_number_parse(STR("-12"), &number));
    assert_int_equal(number, -12);
    assert_false(config_whole_number_parse(STR("1.0"), &number));
    assert_false(config_whole_number_parse(STR("-"), &number));
    assert_false(config_whole_number_parse(STR(""), &number));
    assert_false(config_whole_number_parse(STR_NULL, &number));
    assert_false(config_whole_number_parse(STR("1234567890123456789"), &number));
    assert_int_equal(number, -12);
}

static void test_endpoints(void **state)
{
    (void)state;
    struct config_endpoint e;
    assert_null(config_endpoint_parse(STR("tcp://127.0.0.1:7401"), &e));
    assert_true(e.numeric && !e.wildcard && !e.ipc && e.port == 7401 && ip_is_loopback(&e.ip));
    assert_null(config_endpoint_parse(STR("tcp://[::1]:1"), &e));
    assert_true(e.numeric && ip_is_loopback(&e.ip));
    assert_str(e.host, "::1");
    assert_null(config_endpoint_parse(STR("tcp://*:65535"), &e));
    assert_true(e.wildcard && !e.numeric);
    assert_null(config_endpoint_parse(STR("tcp://cache-1.example.org:7411"), &e));
    assert_false(e.numeric);
    assert_str(e.host, "cache-1.example.org");
    assert_null(config_endpoint_parse(STR("ipc:///run/tilewire/deltas"), &e));
    assert_true(e.ipc);
}

static void test_wrong_endpoints(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:0",
        "udp://x:1",
        "tcp://a:65536",
        "tcp://a:x",
        "tcp://:1",
        "tcp://::1:7401",
        "tcp://[x]:1",
        "tcp://[1.2.3.4]:1",
        "tcp://a b:1",
        "ipc://relative",
        "ipc:///",
        "127.0.0.1:1",
        "tcp://[*]:1",
        "tcp://a/b:1",
    };
    struct config_endpoint e;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_non_null(config_endpoint_parse(str_of(wrong[i]), &e));
    }
}

static void test_curve_keys(void **state)
{
    (void)state;
    assert_true(config_curve_key_valid(STR("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7")));
    assert_false(config_curve_key_valid(STR("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf")));
    assert_false(config_curve_key_valid(STR("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\"")));
    assert_false(config_curve_key_valid(STR("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\0")));
    assert_false(config_curve_key_valid(STR_NULL));
}

static void test_edit_distance(void **state)
{
    (void)state;
    assert_int_equal(config_edit_distance(STR("kitten"), STR("sitting"), 9), 3);
    assert_int_equal(config_edit_distance(STR("tpye"), STR("type"), 9), 1);
    assert_int_equal(config_edit_distance(STR("TYPE"), STR("type"), 9), 0);
    assert_int_equal(config_edit_distance(STR(""), STR("abc"), 9), 3);
    assert_int_equal(config_edit_distance(STR("abcdef"), STR("x"), 2), 3);
    assert_true(config_similar(STR("intervall"), STR("interval")));
    assert_true(config_similar(STR("ttl"), STR("tl")));
    assert_false(config_similar(STR("idle"), STR("unit")));
    assert_false(config_similar(STR("a"), STR("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),  cmocka_unit_test(test_durations_as_text),
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_endpoints),  cmocka_unit_test(test_wrong_endpoints),
        cmocka_unit_test(test_curve_keys), cmocka_unit_test(test_edit_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
