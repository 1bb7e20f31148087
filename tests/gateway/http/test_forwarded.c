/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "gateway/http/forwarded.h"

/* Who it is, with 10.0.0.0/8 and fd00::/8 trusted, and maybe sockets that are files. */
static const char *client_of(bool sockets, const char *peer, const char *x_forwarded_for,
                             const char *forwarded)
{
    static char text[IP_TEXT_SIZE];
    struct ip_range ranges[2];
    struct ip ip;
    assert_true(ip_range_parse(STR("10.0.0.0/8"), &ranges[0]));
    assert_true(ip_range_parse(STR("fd00::/8"), &ranges[1]));
    assert_true(ip_parse(str_of(peer), &ip));
    ip = forwarded_client(ip, str_of(x_forwarded_for), str_of(forwarded),
                          (struct forwarded_proxies){ranges, 2, sockets});
    return ip_format(&ip, text);
}

static const char *client(const char *peer, const char *x_forwarded_for, const char *forwarded)
{
    return client_of(false, peer, x_forwarded_for, forwarded);
}

static void who_comes_by_a_socket_is_a_proxy(void **state)
{
    (void)state;
    assert_string_equal(client_of(true, "::", "198.51.100.1", ""), "198.51.100.1");
    assert_string_equal(client_of(true, "::", "1.1.1.1, 10.0.0.7", ""), "1.1.1.1");
    assert_string_equal(client_of(true, "::", "", ""), "::");
    assert_string_equal(client_of(true, "::", "1.1.1.1, unknown", ""), "::");
    assert_string_equal(client_of(false, "::", "198.51.100.1", ""), "::");
    /* Nobody else is, whatever a header says. */
    assert_string_equal(client_of(true, "192.0.2.9", "1.1.1.1", ""), "192.0.2.9");
    assert_string_equal(client_of(true, "0.0.0.0", "1.1.1.1", ""), "0.0.0.0");
    assert_string_equal(client_of(true, "10.0.0.1", "1.1.1.1, ::", ""), "10.0.0.1");
    assert_string_equal(client_of(true, "10.0.0.1", "1.1.1.1, 0.0.0.0", ""), "10.0.0.1");
}

static void strangers_are_not_believed(void **state)
{
    (void)state;
    assert_string_equal(client("192.0.2.9", "198.51.100.1", ""), "192.0.2.9");
    assert_string_equal(client("192.0.2.9", "", "for=198.51.100.1"), "192.0.2.9");
    assert_string_equal(client("10.0.0.1", "", ""), "10.0.0.1");
}

static void trusted_proxies_are_followed_back(void **state)
{
    (void)state;
    assert_string_equal(client("10.0.0.1", "198.51.100.1", ""), "198.51.100.1");
    assert_string_equal(client("10.0.0.1", "1.1.1.1, 198.51.100.1 , 10.2.3.4", ""), "198.51.100.1");
    assert_string_equal(client("10.0.0.1", "10.9.9.9,10.8.8.8", ""), "10.9.9.9");
    assert_string_equal(client("fd00::1", "2001:db8::7", ""), "2001:db8::7");
    assert_string_equal(client("10.0.0.1", "", "for=198.51.100.1;proto=https;by=10.0.0.1"),
                        "198.51.100.1");
    assert_string_equal(
        client("10.0.0.1", "", "for=1.1.1.1, proto=http;For=\"[2001:db8::7]:4711\""),
        "2001:db8::7");
}

static void what_cannot_be_read_ends_the_search(void **state)
{
    (void)state;
    assert_string_equal(client("10.0.0.1", "1.1.1.1, unknown", ""), "10.0.0.1");
    assert_string_equal(client("10.0.0.1", "1.1.1.1, unknown, 10.2.2.2", ""), "10.2.2.2");
    assert_string_equal(client("10.0.0.1", "", "for=1.1.1.1, for=_hidden"), "10.0.0.1");
    assert_string_equal(client("10.0.0.1", "", "for=1.1.1.1, proto=http"), "10.0.0.1");
    assert_string_equal(client("10.0.0.1", ",", ""), "10.0.0.1");
    assert_string_equal(client("10.0.0.1", "", ";;=,for="), "10.0.0.1");
}

/* The proxy writes one header, the client has written the other. */
static void contradictions_count_as_nothing(void **state)
{
    (void)state;
    assert_string_equal(client("10.0.0.1", "198.51.100.1", "for=1.1.1.1"), "10.0.0.1");
    assert_string_equal(client("10.0.0.1", "198.51.100.1", "for=198.51.100.1"), "198.51.100.1");
}

static void nodes_come_in_many_forms(void **state)
{
    (void)state;
    static const char *const good[] = {"192.0.2.1",      "192.0.2.1:80",       "\"192.0.2.1:80\"",
                                       "[2001:db8::1]",  "[2001:db8::1]:4711", "\"[2001:db8::1]\"",
                                       " 2001:db8::1 \t"};
    static const char *const bad[] = {
        "",        "\"",     "[",          "[]",          "[::1",
        "[::1]x",  "[::1]:", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:123456",
        "name:80", "\"\""};
    struct ip ip;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(forwarded_parse_node(str_of(good[i]), &ip));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(forwarded_parse_node(str_of(bad[i]), &ip));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_by_a_socket_is_a_proxy),
        cmocka_unit_test(strangers_are_not_believed),
        cmocka_unit_test(trusted_proxies_are_followed_back),
        cmocka_unit_test(what_cannot_be_read_ends_the_search),
        cmocka_unit_test(contradictions_count_as_nothing),
        cmocka_unit_test(nodes_come_in_many_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
