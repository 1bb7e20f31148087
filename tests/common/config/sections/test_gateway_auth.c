/* SPDX-License-Identifier: Apache-2.0 */
/* Who a gateway's clients are, as the configuration says it, and where it may listen. */
#include <stdio.h>

#include "tests/common/config/config_unit.h"

#define JWT "jwt: {issuers: [{issuer: i, audience: a, jwks: k}]}"
#define OPEN(address)                                                                              \
    "gateway.listen: other machines can reach " address                                            \
    ", and everybody there could read everything: ask them who they are (`gateway.auth: jwt` or "  \
    "`proxy`), or listen on 127.0.0.1, or permit it with `insecure: true`"

#define PROXY                                                                                      \
    "gateway: {listen: '*:80', auth: proxy, proxy: {secret_file: s}, trusted_proxies: [10.0.0.1]}"

static void test_what_others_can_reach_asks_who_they_are(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"gateway: {listen: '*:80'}", "1:19: " OPEN("*:80")},
        {"gateway: {listen: '0.0.0.0:80'}", "1:19: " OPEN("0.0.0.0:80")},
        {"gateway: {auth: none, listen: '10.0.0.1:80'}", "1:31: " OPEN("10.0.0.1:80")},
        {"insecure: false\ngateway: {listen: '[::]:80'}", "2:19: " OPEN("[::]:80")},
    };
    REFUSED(refusals);
    static const char *const fine[] = {
        "gateway: {listen: '*:80'}\ninsecure: true",
        "gateway: {listen: '127.0.0.1:80'}",
        "gateway: {listen: '127.9.9.9:80'}",
        "gateway: {listen: '[::1]:80'}",
        "gateway: {listen: '*:80', auth: jwt, jwt: {issuers: [{issuer: i, audience: a, jwks: k}]}}",
        PROXY,
    };
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        struct config *config = parse_ok(fine[i]);
        config_destroy(&config);
    }
}

static void test_an_address_of_the_command_line_is_held_to_the_same(void **state)
{
    (void)state;
    struct config_listen_address listen;
    struct error err = {{0}};
    struct config *config = parse_ok("gateway:\n");
    assert_int_equal(config_parse_listen("*:80", &listen, &err), STATUS_OK);
    assert_int_equal(config_check_listen(config, &listen, &err), STATUS_INVALID);
    assert_string_equal(err.text, &OPEN("*:80")[strlen("gateway.listen: ")]);
    assert_int_equal(config_parse_listen("127.0.0.1:80", &listen, &err), STATUS_OK);
    assert_int_equal(config_check_listen(config, &listen, &err), STATUS_OK);
    config_destroy(&config);
}

static void test_a_socket_is_local(void **state)
{
    (void)state;
    struct config_listen_address listen;
    struct error err = {{0}};
    struct config *config =
        parse_ok("gateway: {listen: unix:/run/a.sock, auth: proxy, proxy: {secret_file: s}}");
    assert_string_equal(config->gateway.listen.text, "unix:/run/a.sock");
    assert_string_equal(config->gateway.listen.path, "/run/a.sock");
    assert_true(config_listen_is_local(&config->gateway.listen));
    assert_int_equal(config->gateway.socket_mode, 0660);
    config_destroy(&config);
    config = parse_ok("gateway: {listen: unix:/a, admin_listen: unix:/b, socket_mode: 0600}");
    assert_string_equal(config->gateway.admin_listen.path, "/b");
    assert_int_equal(config->gateway.socket_mode, 0600);
    config_destroy(&config);
    config = parse_ok("gateway:\n");
    assert_null(config->gateway.listen.path);
    config_destroy(&config);
    static const char *const texts[] = {"unix:", "unix:a", "unix:@a", "unix:./a"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(config_parse_listen(texts[i], &listen, &err), STATUS_INVALID);
        assert_non_null(strstr(err.text, "begins with a slash"));
    }
    char longest[5 + 108 + 1] = "unix:/";
    memset(longest + 6, 'a', 106);
    assert_int_equal(config_parse_listen(longest, &listen, &err), STATUS_OK);
    longest[5 + 107] = 'a';
    assert_int_equal(config_parse_listen(longest, &listen, &err), STATUS_INVALID);
}

static void test_each_kind_needs_what_it_rests_on(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {"gateway: {auth: basic}",
         "1:17: gateway.auth: \"basic\" is not known: expected none, proxy or jwt"},
        {"gateway: {socket_mode: 0777}", "1:24: gateway.socket_mode: expected 0600 (its owner may "
                                         "connect), 0660 (its group, too) or "
                                         "0666 (everybody on this machine), but found \"0777\""},
        {"gateway: {auth: jwt}", "1:17: gateway.auth: jwt needs to know whose tokens to accept: "
                                 "add `jwt: {issuers: [{issuer: …, audience: …, jwks: FILE}]}`"},
        {"gateway: {auth: proxy, trusted_proxies: [127.0.0.1]}",
         "1:17: gateway.auth: proxy needs a secret that only the proxy has: add `proxy: "
         "{secret_file: FILE}`"},
        {"gateway: {auth: proxy, proxy: {secret_file: s}}",
         "1:17: gateway.auth: proxy needs the address of the proxy: add `trusted_proxies: "
         "[127.0.0.1]`, or let it come by a socket with `listen: unix:/PATH`"},
        {"gateway: {jwt: {issuers: [{issuer: i, jwks: k}]}}",
         "1:27: gateway.jwt.issuers: an issuer needs its name, an audience and a file of keys: "
         "{issuer: …, audience: …, jwks: …}"},
        {"gateway: {jwt: {issuers: [{issuer: i, audience: a, jwks: k}, {issuer: i, audience: b, "
         "jwks: l}]}}",
         "1:62: gateway.jwt.issuers: i is there twice"},
        {"gateway: {proxy: {user_header: 'X User'}}",
         "1:32: gateway.proxy.user_header: expected the name of a header, but found \"X User\""},
    };
    REFUSED(refusals);
}

static void test_the_dashboard_links_to_addresses_only(void **state)
{
    (void)state;
    static const char *const wrong[] = {"javascript:alert(1)", "//evil.example", "login",
                                        "data:text/html,x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[128];
        char expected[256];
        snprintf(text, sizeof text, "gateway: {sign_in_url: '%s'}", wrong[i]);
        snprintf(expected, sizeof expected,
                 "1:24: gateway.sign_in_url: expected an address such as "
                 "https://login.example.org/start, or a path such as /oauth2/start, but found "
                 "\"%s\"",
                 wrong[i]);
        const struct refusal refusals[] = {{text, expected}};
        REFUSED(refusals);
    }
    struct config *config = parse_ok("gateway: {sign_in_url: '/oauth2/start?rd={return}'}");
    assert_string_equal(config->gateway.sign_in_url, "/oauth2/start?rd={return}");
    config_destroy(&config);
}

static void test_a_base_path_can_be_written_in_one_way_only(void **state)
{
    (void)state;
    static const char *const wrong[] = {"/a/",    "a/b",  "/a//b", "/../a", "/a/.b",
                                        "/a%20b", "/a?b", "//a",   "/a b"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[128];
        char expected[256];
        snprintf(text, sizeof text, "gateway: {base_path: '%s'}", wrong[i]);
        snprintf(expected, sizeof expected,
                 "1:22: gateway.base_path: expected a path without a slash at its end, such as "
                 "/tilewire, of letters, digits and - _ ~ ., but found \"%s\"",
                 wrong[i]);
        const struct refusal refusals[] = {{text, expected}};
        REFUSED(refusals);
    }
    struct config *config = parse_ok("gateway: {base_path: /ops/tile-wire_2.x~}");
    assert_string_equal(config->gateway.base_path, "/ops/tile-wire_2.x~");
    config_destroy(&config);
}

static void test_what_is_said_of_clients_is_read(void **state)
{
    (void)state;
    struct config *config =
        parse_ok("gateway:\n"
                 "  auth: jwt\n"
                 "  jwt:\n"
                 "    leeway: 2s\n"
                 "    issuers:\n"
                 "      - {issuer: 'https://a', audience: one, jwks: /k/a}\n"
                 "      - {issuer: 'https://b', audience: two, jwks: /k/b, groups_claim: roles}\n");
    const struct config_gateway *gateway = &config->gateway;
    assert_int_equal(gateway->auth, CONFIG_AUTH_JWT);
    assert_int_equal(gateway->jwt.leeway_ms, 2000);
    assert_int_equal(gateway->jwt.issuer_count, 2);
    assert_string_equal(gateway->jwt.issuers[0].groups_claim, "groups");
    assert_string_equal(gateway->jwt.issuers[1].issuer, "https://b");
    assert_string_equal(gateway->jwt.issuers[1].audience, "two");
    assert_string_equal(gateway->jwt.issuers[1].jwks, "/k/b");
    assert_string_equal(gateway->jwt.issuers[1].groups_claim, "roles");
    assert_string_equal(gateway->proxy.user_header, "X-Forwarded-User");
    assert_string_equal(gateway->proxy.groups_header, "X-Forwarded-Groups");
    assert_string_equal(gateway->proxy.secret_header, "X-Tilewire-Secret");
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_others_can_reach_asks_who_they_are),
        cmocka_unit_test(test_an_address_of_the_command_line_is_held_to_the_same),
        cmocka_unit_test(test_a_socket_is_local),
        cmocka_unit_test(test_each_kind_needs_what_it_rests_on),
        cmocka_unit_test(test_the_dashboard_links_to_addresses_only),
        cmocka_unit_test(test_a_base_path_can_be_written_in_one_way_only),
        cmocka_unit_test(test_what_is_said_of_clients_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
