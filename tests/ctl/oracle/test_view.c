/* SPDX-License-Identifier: Apache-2.0 */
/* That the oracle's reading is the gateway's, too, is in tests/integration/test_verify_http.py. */
#include "ctl/oracle/view.h"

#include <sodium.h>

#include "common/base/xalloc.h"
#include "common/codec/json.h"
#include "tests/unit.h"

static const char no_roles[] = "source: {uri: \"sqlite:x.db\"}\n";
static const char with_roles[] =
    "source: {uri: \"sqlite:x.db\"}\n"
    "gateway:\n"
    "  auth: jwt\n"
    "  jwt: {issuers: [{issuer: \"https://a.example\", audience: a, jwks: "
    "a.jwks}]}\n"
    "  roles:\n"
    "    support: {tiles: [\"tickets.*\"], fields: [data.worst.id]}\n"
    "    shop: {tiles: [\"orders.*\", tickets.open]}\n"
    "    \"*\": {tiles: [status], events: []}\n";

struct seen {
    struct config *config;
    struct oracle_view *view;
};

/* NULL claims: there is no token. */
static struct seen see(const char *yaml, const char *claims)
{
    struct seen seen = {0};
    char token[2048] = "e30.";
    struct error err;
    assert_int_equal(config_parse(yaml, strlen(yaml), "test", &seen.config, &err), STATUS_OK);
    if (claims != NULL) {
        sodium_bin2base64(token + 4, sizeof token - 8, (const unsigned char *)claims,
                          strlen(claims), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        strcat(token, ".AA");
    }
    assert_int_equal(oracle_view_create(seen.config, claims != NULL ? str_of(token) : STR_NULL,
                                        &seen.view, &err),
                     STATUS_OK);
    return seen;
}

static void forget(struct seen *seen)
{
    oracle_view_destroy(&seen->view);
    config_destroy(&seen->config);
}

static void assert_shows(const char *yaml, const char *claims, const char *key, bool shown)
{
    struct seen seen = see(yaml, claims);
    assert_int_equal(oracle_view_shows(seen.view, key), shown);
    forget(&seen);
}

static void test_which_tiles(void **state)
{
    (void)state;
    assert_shows(no_roles, NULL, "a", true);
    assert_shows(no_roles, "{}", "a", true);
    assert_shows(no_roles, "{\"tilewire\":{}}", "a", true);
    assert_shows(no_roles, "{\"tilewire\":{\"tiles\":[]}}", "a", false);
    assert_shows(no_roles, "{\"tilewire\":{\"events\":[]}}", "a", true);
    assert_shows(no_roles, "{\"tilewire\":{\"tiles\":[\"a.*\",\"b\"]}}", "a.c/d", true);
    assert_shows(no_roles, "{\"tilewire\":{\"tiles\":[\"a.*\",\"b\"]}}", "ab", false);
    assert_shows(with_roles, "{}", "status", true);
    assert_shows(with_roles, "{}", "tickets.open", false);
    assert_shows(with_roles, "{\"groups\":[\"support\"]}", "tickets.sla", true);
    assert_shows(with_roles, "{\"groups\":[\"support\",7]}", "status", true);
    assert_shows(with_roles, "{\"groups\":\"shop\"}", "orders.ever", true);
    assert_shows(with_roles, "{\"groups\":[\"shop\"],\"tilewire\":{\"tiles\":[]}}", "orders.ever",
                 false);
}

static void assert_tile(const char *yaml, const char *claims, const char *key, const char *tile,
                        const char *expected)
{
    struct seen seen = see(yaml, claims);
    struct json_value *root;
    struct buf value = {0};
    struct buf out = {0};
    struct buf json = {0};
    struct mp_doc doc;
    mp_doc_init(&doc);
    assert_int_equal(json_parse(str_of(tile), strlen(tile), &root), STATUS_OK);
    json_to_mp(&value, root);
    assert_int_equal(mp_parse(&doc, value.data, value.len), STATUS_OK);
    oracle_view_tile(seen.view, key, &doc.root, &out);
    assert_int_equal(mp_parse(&doc, out.data, out.len), STATUS_OK);
    json_write_value(&json, &doc.root);
    assert_string_equal(buf_cstr(&json), expected);
    buf_free(&value);
    buf_free(&out);
    buf_free(&json);
    mp_doc_free(&doc);
    json_free(root);
    forget(&seen);
}

static void test_which_fields(void **state)
{
    (void)state;
    static const char tile[] =
        "{\"title\":\"T\",\"data\":{\"ok\":1,\"worst\":[{\"id\":\"a\",\"due_at\":2},"
        "{\"id\":\"b\"}],\"note\":{\"x\":{\"y\":3},\"z\":4}},\"truncated\":"
        "[\"points\",\"worst\",\"note\"]}";
    assert_tile(no_roles, "{}", "t", tile, tile);
    assert_tile(no_roles, "{\"tilewire\":{\"fields\":[]}}", "t", tile,
                "{\"title\":\"T\",\"data\":{\"ok\":1},\"truncated\":[\"points\"]}");
    assert_tile(no_roles, "{\"tilewire\":{\"fields\":[\"data.worst.due_at\",\"summary\"]}}", "t",
                tile,
                "{\"title\":\"T\",\"data\":{\"ok\":1,\"worst\":[{\"due_at\":2},{}]},\"truncated\":"
                "[\"points\",\"worst\"]}");
    assert_tile(no_roles, "{\"tilewire\":{\"fields\":[\"data.*.y\"]}}", "t", tile,
                "{\"title\":\"T\",\"data\":{\"ok\":1,\"worst\":[{},{}],\"note\":{\"x\":{\"y\":3}}},"
                "\"truncated\":[\"points\",\"worst\",\"note\"]}");
    /* Fields are those of the groups that show the tile. */
    assert_tile(with_roles, "{\"groups\":[\"support\",\"shop\"]}", "tickets.open", tile, tile);
    assert_tile(with_roles, "{\"groups\":[\"support\",\"shop\"]}", "tickets.sla", tile,
                "{\"title\":\"T\",\"data\":{\"ok\":1,\"worst\":[{\"id\":\"a\"},{\"id\":\"b\"}]},"
                "\"truncated\":[\"points\",\"worst\"]}");
}

static void test_what_is_no_token(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           "a",       "a.b",       "e30.e30",
        "e30.???.AA", "e30..AA", "e30.e3.AA", "e30.eyJhIjoxLCJhIjoyfQ.AA"};
    struct config *config;
    struct error err;
    assert_int_equal(config_parse(no_roles, sizeof no_roles - 1, "test", &config, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct oracle_view *view;
        assert_int_equal(oracle_view_create(config, str_of(texts[i]), &view, &err), STATUS_INVALID);
        assert_null(view);
    }
    config_destroy(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_tiles),
        cmocka_unit_test(test_which_fields),
        cmocka_unit_test(test_what_is_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
