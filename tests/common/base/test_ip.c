/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/ip.h"

#include "tests/unit.h"

static struct ip ip(const char *text)
{
    struct ip result;
    assert_true(ip_parse(str_of(text), &result));
    return result;
}

static bool contains(const char *range, const char *address)
{
    struct ip_range parsed;
    assert_true(ip_range_parse(str_of(range), &parsed));
    const struct ip a = ip(address);
    return ip_range_contains(&parsed, &a);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1", "10.1.2.3", "::1", "fd00::12", "::"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct ip address = ip(texts[i]);
        char text[IP_TEXT_SIZE];
        assert_string_equal(ip_format(&address, text), texts[i]);
    }
    const struct ip mapped = ip("::ffff:10.0.0.1");
    char text[IP_TEXT_SIZE];
    assert_string_equal(ip_format(&mapped, text), "10.0.0.1");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",      "localhost", "1.2.3",    "1.2.3.4.5",
                                        "[::1]", "::1%1",     "1.2.3.4 ", "1.2.3.400"};
    struct ip address;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(ip_parse(str_of(wrong[i]), &address));
    }
    assert_false(ip_parse(STR_NULL, &address));
    assert_false(ip_parse(STR("1.2.3.4\0"), &address));
    static const char *const wrong_ranges[] = {"10.0.0.0/33", "10.0.0.1/8",   "10.0.0.0/",
                                               "10.0.0.0/x",  "::/129",       "/8",
                                               "fd00::1/64",  "10.0.0.0/0008"};
    struct ip_range range;
    for (size_t i = 0; i < sizeof wrong_ranges / sizeof wrong_ranges[0]; i++) {
        assert_false(ip_range_parse(str_of(wrong_ranges[i]), &range));
    }
}

static void test_ranges(void **state)
{
    (void)state;
    assert_true(contains("10.0.0.0/8", "10.255.0.1"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0"));
    assert_true(contains("192.168.4.0/22", "192.168.7.255"));
    assert_false(contains("192.168.4.0/22", "192.168.8.0"));
    assert_true(contains("0.0.0.0/0", "1.2.3.4"));
    assert_false(contains("0.0.0.0/0", "::1"));
    assert_true(contains("::/0", "1.2.3.4"));
    assert_true(contains("fd00::/8", "fdff::1"));
    assert_false(contains("fd00::/8", "fe00::1"));
    assert_true(contains("10.0.0.1", "10.0.0.1"));
    assert_true(contains("10.0.0.1", "::ffff:10.0.0.1"));
    assert_false(contains("10.0.0.1", "10.0.0.2"));
}

static void test_kinds(void **state)
{
    (void)state;
    const struct ip loopbacks[] = {ip("127.0.0.1"), ip("127.8.0.1"), ip("::1")};
    const struct ip others[] = {ip("10.0.0.1"), ip("::2"), ip("0.0.0.0"), ip("::")};
    for (size_t i = 0; i < 3; i++) {
        assert_true(ip_is_loopback(&loopbacks[i]));
        assert_false(ip_is_any(&loopbacks[i]));
    }
    for (size_t i = 0; i < 4; i++) {
        assert_false(ip_is_loopback(&others[i]));
        assert_int_equal(ip_is_any(&others[i]), i >= 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
