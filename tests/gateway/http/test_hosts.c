/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/hosts.h"

#include "tests/unit.h"

static const char *const names[] = {"tiles.example.org", "10.0.0.5", "[fd00::5]"};

static bool has(const struct hosts *hosts, const char *host)
{
    return hosts_have(hosts, str_of(host));
}

static void test_what_a_host_may_be(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "",      "localhost",  "localhost:", "a.example:8080", "127.0.0.1:1",
        "[::1]", "[::1]:8080", "x_y",        "a%2db",          "[::ffff:10.0.0.1]"};
    static const char *const invalid[] = {"a b",     "a/b",       "a@b",    ":80",    "a:b",
                                          "a:80:90", "[::1",      "[::1]x", "::1",    "[1.2.3.4]",
                                          "[]",      "[a]:80",    "a,b c",  "\x80",   "a\"b",
                                          "[::1]8",  "http://ab", "a:80 ",  "[::1]]", "a\\b"};
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
        if (!host_valid(str_of(valid[i]))) {
            fail_msg("%s is valid", valid[i]);
        }
    }
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
        if (host_valid(str_of(invalid[i]))) {
            fail_msg("%s is invalid", invalid[i]);
        }
    }
    assert_false(host_valid((struct str){"a\0b", 3}));
}

static void test_names_are_the_gateways_on_any_port(void **state)
{
    (void)state;
    const struct hosts hosts = {.names = names, .count = 3};
    assert_true(has(&hosts, "tiles.example.org"));
    assert_true(has(&hosts, "Tiles.Example.ORG:8443"));
    assert_true(has(&hosts, "tiles.example.org.:80"));
    assert_true(has(&hosts, "10.0.0.5:8080"));
    assert_true(has(&hosts, "[fd00:0:0::5]:8080"));
    assert_false(has(&hosts, "example.org"));
    assert_false(has(&hosts, "x.tiles.example.org"));
    assert_false(has(&hosts, "tiles.example.org.attacker.example"));
    assert_false(has(&hosts, "tiles.example.org..:80"));
    assert_false(has(&hosts, "10.0.0.6"));
    assert_false(has(&hosts, "localhost"));
    assert_false(has(&hosts, "127.0.0.1"));
    assert_false(has(&hosts, ""));
    assert_false(has(&hosts, "."));
}

static void test_names_of_the_loopback(void **state)
{
    (void)state;
    const struct hosts hosts = {.loopback = true};
    assert_true(has(&hosts, "localhost"));
    assert_true(has(&hosts, "LocalHost:8080"));
    assert_true(has(&hosts, "127.0.0.1:8080"));
    assert_true(has(&hosts, "127.8.9.1"));
    assert_true(has(&hosts, "[::1]"));
    assert_true(has(&hosts, "[0:0:0:0:0:0:0:1]:99"));
    assert_false(has(&hosts, "attacker.example:8080"));
    assert_false(has(&hosts, "localhost.attacker.example"));
    assert_false(has(&hosts, "127.0.0.1.attacker.example"));
    assert_false(has(&hosts, "127.0.0"));
    assert_false(has(&hosts, "0.0.0.0"));
    assert_false(has(&hosts, "[::2]"));
    assert_false(has(&hosts, "::1"));
    assert_false(has(&hosts, ""));
}

static void test_every_name(void **state)
{
    (void)state;
    const struct hosts hosts = {.any = true};
    assert_true(has(&hosts, "attacker.example"));
    assert_true(has(&hosts, ""));
}

static void test_the_host_of_a_target(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        size_t len;
        const char *host; /* NULL: only a path */
    } cases[] = {
        {"/api/tiles", 0, NULL},
        {"*", 0, NULL},
        {"http://localhost/api/tiles", 16, "localhost"},
        {"HTTP://localhost:8080/", 21, "localhost:8080"},
        {"https://a.example?x", 17, "a.example"},
        {"http://[::1]:80", 15, "[::1]:80"},
        {"http:///api", 7, ""},
        {"http:/api", 0, NULL},
        {"ftp://a/b", 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str host = STR_NULL;
        assert_int_equal(host_of_target(cases[i].target, &host), cases[i].len);
        assert_true(str_equal(host, str_of(cases[i].host)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_host_may_be),
        cmocka_unit_test(test_names_are_the_gateways_on_any_port),
        cmocka_unit_test(test_names_of_the_loopback),
        cmocka_unit_test(test_every_name),
        cmocka_unit_test(test_the_host_of_a_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
