/* SPDX-License-Identifier: Apache-2.0 */
/* Which tokens are accepted: those that an issuer has signed for us, for now, and no others. */
#include "gateway/auth/token.h"

#include "tests/gateway/auth/auth_unit.h"

static const wall_time now = {INT64_C(500) * 1000000};

/* What is wrong with the token; "" when it is good. */
static const char *judge_text(struct str text, const struct keyring *keyring, wall_time at,
                              int64_t leeway_us)
{
    static struct error err;
    struct token token;
    err = (struct error){{0}};
    if (token_check(text, keyring, at, leeway_us, &token, &err) == STATUS_OK) {
        json_free(token.claims);
        assert_string_equal(err.text, "");
    } else {
        assert_null(token.claims);
        assert_string_not_equal(err.text, "");
    }
    return err.text;
}

static const char *judge(const struct keyring *keyring, const struct jwk *key, const char *header,
                         const char *claims)
{
    char *token = sign(key, header, claims);
    const char *verdict = judge_text(str_of(token), keyring, now, 0);
    free(token);
    return verdict;
}

static void test_a_good_token_says_who_it_is(void **state)
{
    (void)state;
    struct scene scene;
    struct token token;
    scene_begin(&scene);
    struct keyring *keyring = scene_keyring(&scene);
    char *text = sign(scene.keys[0], EDDSA_HEADER,
                      "{\"iss\":\"https://a\",\"aud\":[\"other\",\"tilewire\"],\"exp\":1000.5,"
                      "\"nbf\":500,\"sub\":\"ad\xc3\xa4\",\"tilewire\":{},\"groups\":[]}");
    assert_int_equal(token_check(str_of(text), keyring, now, 0, &token, NULL), STATUS_OK);
    assert_str(token.subject, "ad\xc3\xa4");
    assert_string_equal(token.issuer->issuer, "https://a");
    assert_int_equal(token.expires.us, 1000500000);
    assert_true(json_is_map(token.view));
    assert_true(json_is_list(token.groups));
    json_free(token.claims);
    free(text);
    keyring_destroy(&keyring);
    scene_end(&scene);
}

static void test_each_issuer_has_its_own_keys(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    struct keyring *keyring = scene_keyring(&scene);
    static const char of_b[] = "{\"iss\":\"https://b\",\"aud\":\"tilewire\",\"exp\":1000}";
    static const char es256[] = "{\"alg\":\"ES256\",\"kid\":\"k\"}";
    assert_string_equal(judge(keyring, scene.keys[1], es256, of_b), "");
    /* Both call their key "k": a signature of one is none of the other's. */
    assert_string_equal(judge(keyring, scene.keys[1], es256, GOOD_CLAIMS),
                        "its algorithm is not that of its key");
    assert_string_equal(judge(keyring, scene.keys[0], EDDSA_HEADER, of_b),
                        "its algorithm is not that of its key");
    assert_string_equal(judge(keyring, scene.keys[0], es256, of_b), "its signature is wrong");
    keyring_destroy(&keyring);
    scene_end(&scene);
}

static void test_headers_that_are_refused(void **state)
{
    (void)state;
    static const char alg[] = "its algorithm is none of EdDSA, ES256 and RS256";
    static const char kid[] = "it does not name its key (kid)";
    static const char none[] = "it is no token (JWT)";
    static const char typ[] = "its type (typ) is that of something else";
    static const struct {
        const char *header;
        const char *verdict;
    } cases[] = {
        {EDDSA_HEADER, ""},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"JWT\",\"x\":[1,{}]}", ""},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"at+jwt\"}", ""},
        {"{\"alg\":\"none\",\"kid\":\"k\"}", alg},
        {"{\"alg\":\"NONE\",\"kid\":\"k\"}", alg},
        {"{\"alg\":\"\",\"kid\":\"k\"}", alg},
        {"{\"alg\":\"HS256\",\"kid\":\"k\"}", alg},
        {"{\"alg\":\"RS512\",\"kid\":\"k\"}", alg},
        {"{\"alg\":\"eddsa\",\"kid\":\"k\"}", alg},
        {"{\"alg\":[\"EdDSA\"],\"kid\":\"k\"}", alg},
        {"{\"kid\":\"k\"}", alg},
        {"{\"alg\":\"RS256\",\"kid\":\"k\"}", "its algorithm is not that of its key"},
        {"{\"alg\":\"EdDSA\"}", kid},
        {"{\"alg\":\"EdDSA\",\"kid\":1}", kid},
        {"{\"alg\":\"EdDSA\",\"kid\":\"\"}", "its issuer has no such key (kid)"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"kk\"}", "its issuer has no such key (kid)"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"crit\":[\"exp\"],\"exp\":1}",
         "it asks for extensions (crit), and there are none"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"logout+jwt\"}", typ},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":null}", typ},
        {"{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\",\"kid\":\"k\"}", none},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\"", none},
        {"[\"EdDSA\"]", none},
        {"", none},
    };
    struct scene scene;
    scene_begin(&scene);
    struct keyring *keyring = scene_keyring(&scene);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *verdict = judge(keyring, scene.keys[0], cases[i].header, GOOD_CLAIMS);
        if (strcmp(verdict, cases[i].verdict) != 0) {
            fail_msg("%s: %s", cases[i].header, verdict);
        }
    }
    keyring_destroy(&keyring);
    scene_end(&scene);
}

#define CLAIMS(rest) "{\"iss\":\"https://a\",\"aud\":\"tilewire\",\"sub\":\"ada\"," rest "}"

static void test_claims_that_are_refused(void **state)
{
    (void)state;
    static const char iss[] = "its issuer (iss) is none that is accepted here";
    static const char aud[] = "it is for somebody else (aud)";
    static const char exp[] = "it does not say until when it is good (exp)";
    static const struct {
        const char *claims;
        const char *verdict;
    } cases[] = {
        {CLAIMS("\"exp\":501"), ""},
        {CLAIMS("\"exp\":501,\"nbf\":500"), ""},
        {CLAIMS("\"exp\":500"), "it has expired (exp)"},
        {CLAIMS("\"exp\":0"), "it has expired (exp)"},
        {CLAIMS("\"exp\":-1"), exp},
        {CLAIMS("\"exp\":1e300"), exp},
        {CLAIMS("\"exp\":99999999999999999999999"), exp},
        {CLAIMS("\"exp\":\"1000\""), exp},
        {CLAIMS("\"exp\":null"), exp},
        {CLAIMS("\"iat\":1"), exp},
        {CLAIMS("\"exp\":1000,\"nbf\":501"), "it is not good yet (nbf)"},
        {CLAIMS("\"exp\":1000,\"nbf\":\"x\""), "its beginning (nbf) is no time"},
        {"{\"iss\":\"https://a\",\"exp\":1000}", aud},
        {"{\"iss\":\"https://a\",\"exp\":1000,\"aud\":\"tilewires\"}", aud},
        {"{\"iss\":\"https://a\",\"exp\":1000,\"aud\":[]}", aud},
        {"{\"iss\":\"https://a\",\"exp\":1000,\"aud\":[[\"tilewire\"]]}", aud},
        {"{\"iss\":\"https://a\",\"exp\":1000,\"aud\":{\"tilewire\":1}}", aud},
        {"{\"aud\":\"tilewire\",\"exp\":1000}", iss},
        {"{\"iss\":\"https://a/\",\"aud\":\"tilewire\",\"exp\":1000}", iss},
        {"{\"iss\":\"\",\"aud\":\"tilewire\",\"exp\":1000}", iss},
        {"{\"iss\":[\"https://a\"],\"aud\":\"tilewire\",\"exp\":1000}", iss},
        {"{\"iss\":\"https://a\",\"aud\":\"tilewire\",\"exp\":1000,\"sub\":7}",
         "who it is about (sub) is no text of at most 255 bytes"},
        {CLAIMS("\"exp\":1000,\"exp\":2000"), "it is no token (JWT)"},
        {CLAIMS("\"exp\":1000,\"x\":{\"a\":1,\"a\":2}"), "it is no token (JWT)"},
        {CLAIMS("\"exp\":1000,\"x\":\"\\u0000\""), "it is no token (JWT)"},
        {"\"https://a\"", "it is no token (JWT)"},
    };
    struct scene scene;
    scene_begin(&scene);
    struct keyring *keyring = scene_keyring(&scene);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *verdict = judge(keyring, scene.keys[0], EDDSA_HEADER, cases[i].claims);
        if (strcmp(verdict, cases[i].verdict) != 0) {
            fail_msg("%s: %s", cases[i].claims, verdict);
        }
    }
    keyring_destroy(&keyring);
    scene_end(&scene);
}

static void test_clocks_may_differ_by_the_leeway(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    struct keyring *keyring = scene_keyring(&scene);
    char *token = sign(scene.keys[0], EDDSA_HEADER, CLAIMS("\"exp\":1000,\"nbf\":500"));
    const struct {
        int64_t at_us;
        const char *verdict;
    } cases[] = {
        {497999999, "it is not good yet (nbf)"},
        {498000000, ""},
        {1001999999, ""},
        {1002000000, "it has expired (exp)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(
            judge_text(str_of(token), keyring, (wall_time){cases[i].at_us}, 2000000),
            cases[i].verdict);
    }
    free(token);
    keyring_destroy(&keyring);
    scene_end(&scene);
}

/* Every text that differs from a good token in one character, or ends early, is refused. */
static void test_a_changed_token_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    struct keyring *keyring = scene_keyring(&scene);
    char *token = sign(scene.keys[0], EDDSA_HEADER, GOOD_CLAIMS);
    const size_t len = strlen(token);
    assert_string_equal(judge_text(str_of(token), keyring, now, 0), "");
    for (size_t i = 0; i < len; i++) {
        const char was = token[i];
        const char others[] = {was == 'A' ? 'B' : 'A', '.', '=', ' ', '\n', '\0', '\xff'};
        assert_string_not_equal(judge_text((struct str){token, i}, keyring, now, 0), "");
        for (size_t k = 0; k < sizeof others; k++) {
            token[i] = others[k];
            if (others[k] != was &&
                judge_text((struct str){token, len}, keyring, now, 0)[0] == '\0') {
                fail_msg("character %zu as %02x", i, (unsigned)(unsigned char)others[k]);
            }
        }
        token[i] = was;
    }
    free(token);
    keyring_destroy(&keyring);
    scene_end(&scene);
}

static void test_what_is_no_token_at_all(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    struct keyring *keyring = scene_keyring(&scene);
    static const char *const texts[] = {"",      ".",        "..",          "...",
                                        "a.b.c", "e30.e30.", "e30.e30.e30", "e30.e30.e30.e30.e30"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_string_not_equal(judge_text(str_of(texts[i]), keyring, now, 0), "");
    }
    struct buf large = {0};
    while (large.len <= TOKEN_MAX) {
        buf_append_text(&large, "e30.");
    }
    assert_string_equal(judge_text(buf_str(&large), keyring, now, 0),
                        "it has more than 8192 bytes");
    assert_string_equal(judge_text(STR_NULL, keyring, now, 0), "it has more than 8192 bytes");
    buf_free(&large);
    keyring_destroy(&keyring);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_token_says_who_it_is),
        cmocka_unit_test(test_each_issuer_has_its_own_keys),
        cmocka_unit_test(test_headers_that_are_refused),
        cmocka_unit_test(test_claims_that_are_refused),
        cmocka_unit_test(test_clocks_may_differ_by_the_leeway),
        cmocka_unit_test(test_a_changed_token_is_refused),
        cmocka_unit_test(test_what_is_no_token_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
