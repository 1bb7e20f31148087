/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures, against the examples of the RFCs, and against what is broken on purpose. */
#include "common/jose/jwk.h"

#include <stdio.h>

#include "common/jose/base64url.h"
#include "tests/unit.h"

/* RFC 8037, A: Ed25519. */
#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define ED_D "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
static const char ed_text[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
static const char ed_signature[] =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/* RFC 7515, A.3: ECDSA over P-256. */
#define EC_XY                                                                                      \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                       \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC_D "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
static const char ec_text[] = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQo"
                              "gImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
static const char ec_signature[] =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/* RFC 7515, A.2: RSA. */
#define RSA_NE                                                                                     \
    "\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"                \
    "4qPCJrcS2mJPMEzP"                                                                             \
    "1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"              \
    "bSf63kpaSHSXnd"                                                                               \
    "S5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"         \
    "I5IhlJH7a"                                                                                    \
    "GhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\""
static const char rsa_text[] = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQ"
                               "ogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
static const char rsa_signature[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5ju"
    "jGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07"
    "Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipU"
    "TI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

static int read_text(const char *text, bool secret, struct jwk **out, struct error *err)
{
    struct json_value *root = NULL;
    assert_int_equal(json_parse(str_of(text), 65536, &root), STATUS_OK);
    const int status = secret ? jwk_read_private(root, out, err) : jwk_read_public(root, out, err);
    json_free(root);
    return status;
}

static struct jwk *read_ok(const char *text, bool secret)
{
    struct jwk *key = NULL;
    struct error err = {{0}};
    if (read_text(text, secret, &key, &err) != STATUS_OK) {
        fail_msg("%s: %s", err.text, text);
    }
    return key;
}

static bool verify(const struct jwk *key, const char *text, const char *signature)
{
    struct buf bytes = {0};
    assert_true(base64url_read(&bytes, str_of(signature)));
    const bool good = jwk_verify(key, str_of(text), buf_str(&bytes));
    buf_free(&bytes);
    return good;
}

static const struct {
    const char *key;
    enum jose_alg alg;
    const char *text;
    const char *signature;
} examples[] = {
    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\"}", JOSE_EDDSA, ed_text, ed_signature},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_XY "}", JOSE_ES256, ec_text, ec_signature},
    {"{\"kty\":\"RSA\"," RSA_NE "}", JOSE_RS256, rsa_text, rsa_signature},
};
#define EXAMPLES (sizeof examples / sizeof *examples)

static void test_the_examples_of_the_rfcs(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct jwk *key = read_ok(examples[i].key, false);
        assert_int_equal(jwk_alg(key), examples[i].alg);
        assert_true(verify(key, examples[i].text, examples[i].signature));
        jwk_destroy(&key);
    }
}

/* One bit of it, its end, all of it, that of another kind of key: nothing of it counts. */
static void test_no_other_signature_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct jwk *key = read_ok(examples[i].key, false);
        const struct str text = str_of(examples[i].text);
        struct buf signature = {0};
        assert_true(base64url_read(&signature, str_of(examples[i].signature)));
        for (size_t bit = 0; bit < signature.len * 8; bit += 7) {
            signature.data[bit / 8] ^= (char)(1 << bit % 8);
            assert_false(jwk_verify(key, text, buf_str(&signature)));
            signature.data[bit / 8] ^= (char)(1 << bit % 8);
        }
        assert_true(jwk_verify(key, text, buf_str(&signature)));
        assert_false(jwk_verify(key, (struct str){text.p, text.len - 1}, buf_str(&signature)));
        for (size_t len = 0; len < signature.len; len += 5) {
            assert_false(jwk_verify(key, text, (struct str){signature.data, len}));
        }
        buf_append(&signature, "", 1);
        assert_false(jwk_verify(key, text, buf_str(&signature)));
        memset(signature.data, 0, signature.len);
        assert_false(jwk_verify(key, text, (struct str){signature.data, signature.len - 1}));
        assert_false(jwk_verify(key, text, STR("")));
        buf_free(&signature);
        assert_false(verify(key, text.p, examples[(i + 1) % EXAMPLES].signature));
        jwk_destroy(&key);
    }
}

/* RFC 8037, A.4: Ed25519 has one signature of a text. */
static void test_signing_as_the_rfc_does(void **state)
{
    (void)state;
    struct jwk *key = read_ok(
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"" ED_D "\",\"x\":\"" ED_X "\"}", true);
    struct buf signature = {0};
    struct buf text = {0};
    assert_int_equal(jwk_sign(key, str_of(ed_text), &signature, NULL), STATUS_OK);
    base64url_append(&text, buf_str(&signature));
    assert_str(buf_str(&text), ed_signature);
    buf_clear(&text);
    jwk_write_thumbprint(key, &text); /* RFC 8037, A.3 */
    assert_str(buf_str(&text), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    buf_free(&text);
    buf_free(&signature);
    jwk_destroy(&key);
}

static void test_a_private_key_of_the_rfc_signs(void **state)
{
    (void)state;
    struct jwk *key =
        read_ok("{\"kty\":\"EC\",\"crv\":\"P-256\"," EC_XY ",\"d\":\"" EC_D "\"}", true);
    struct buf signature = {0};
    assert_int_equal(jwk_sign(key, STR("text"), &signature, NULL), STATUS_OK);
    assert_int_equal(signature.len, 64);
    assert_true(jwk_verify(key, STR("text"), buf_str(&signature)));
    buf_free(&signature);
    jwk_destroy(&key);
}

/* What is made is written, read again, signs, and is checked with its public half. Often enough
 * that numbers with zeros in front come about. */
static void test_new_keys_survive_their_files(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        const enum jose_alg alg = round == 0       ? JOSE_RS256
                                  : round % 2 == 0 ? JOSE_EDDSA
                                                   : JOSE_ES256;
        struct jwk *made = NULL;
        struct buf text = {0};
        struct buf signature = {0};
        assert_int_equal(jwk_generate(alg, &made, NULL), STATUS_OK);
        jwk_write(made, true, &text);
        struct jwk *pair = read_ok(buf_cstr(&text), true);
        assert_int_equal(jwk_sign(pair, STR("a.b"), &signature, NULL), STATUS_OK);
        buf_clear(&text);
        jwk_write(made, false, &text);
        assert_null(strstr(buf_cstr(&text), "\"d\""));
        struct jwk *public = read_ok(buf_cstr(&text), false);
        assert_true(jwk_verify(public, STR("a.b"), buf_str(&signature)));
        assert_false(jwk_verify(public, STR("a.c"), buf_str(&signature)));
        jwk_destroy(&public);
        jwk_destroy(&pair);
        jwk_destroy(&made);
        buf_free(&text);
        buf_free(&signature);
    }
}

static void test_keys_for_something_else_are_told_apart(void **state)
{
    (void)state;
    static const char *const others[] = {
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" ED_X "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\",\"use\":\"enc\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\",\"alg\":\"ES256\"}",
        "{\"kty\":\"RSA\"," RSA_NE ",\"alg\":\"RS512\"}",
        "{\"kty\":\"RSA\"," RSA_NE ",\"key_ops\":[\"encrypt\"]}",
        "{}",
        "[]",
        "\"key\"",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct jwk *key = NULL;
        struct error err = {{0}};
        if (read_text(others[i], false, &key, &err) != STATUS_NOT_FOUND) {
            fail_msg("%s", others[i]);
        }
        assert_null(key);
    }
    struct jwk *fine = read_ok("{\"kty\":\"RSA\"," RSA_NE
                               ",\"use\":\"sig\",\"alg\":\"RS256\",\"key_ops\":[\"x\",\"verify\"]}",
                               false);
    jwk_destroy(&fine);
}

static void test_bad_keys_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } bad[] = {
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", "`x` of the OKP key is not what it has to be"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "A\"}",
         "`x` of the OKP key is not what it has to be"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
         "7TyWQHOg7hcvPapiMlrwIaaPcHURp\"}",
         "`x` of the OKP key is not what it has to be"}, /* bits that belong to no byte */
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":12}",
         "`x` of the OKP key is not what it has to be"},
        {"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}",
         "`n` of the RSA key is not what it has to be"},
        {"{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtV\","
         "\"e\":"
         "\"AQAB\"}",
         "an RSA key has 2048 to 8192 bits here, not 360"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"" ED_D "\",\"x\":\"" ED_X "\"}",
         "it holds the private key (`d`), which nobody but the issuer may have"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct jwk *key = NULL;
        struct error err = {{0}};
        assert_int_equal(read_text(bad[i].text, false, &key, &err), STATUS_INVALID);
        assert_null(key);
        assert_string_equal(err.text, bad[i].message);
    }
}

static void test_base64url_is_written_in_one_way(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "A", "AB", "AAB", "AA==", "AA=", "A+", "A/", "A A", "AA\n", "é"};
    struct buf bytes = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (base64url_read(&bytes, str_of(wrong[i]))) {
            fail_msg("%s", wrong[i]);
        }
        assert_int_equal(bytes.len, 0);
    }
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int c = 0; c < 256; c++) {
        const char four[4] = {'A', (char)c, 'A', 'A'};
        const bool digit = c != 0 && strchr(digits, c) != NULL;
        buf_clear(&bytes);
        if (base64url_read(&bytes, (struct str){four, 4}) != digit) {
            fail_msg("byte %d", c);
        }
    }
    buf_clear(&bytes);
    assert_false(base64url_read(&bytes, STR_NULL));
    assert_true(base64url_read(&bytes, STR("")));
    assert_true(base64url_read(&bytes, STR("-_8")));
    assert_int_equal(bytes.len, 2);
    assert_memory_equal(bytes.data, "\xfb\xff", 2);
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_the_rfcs),
        cmocka_unit_test(test_no_other_signature_counts),
        cmocka_unit_test(test_signing_as_the_rfc_does),
        cmocka_unit_test(test_a_private_key_of_the_rfc_signs),
        cmocka_unit_test(test_new_keys_survive_their_files),
        cmocka_unit_test(test_keys_for_something_else_are_told_apart),
        cmocka_unit_test(test_bad_keys_are_refused),
        cmocka_unit_test(test_base64url_is_written_in_one_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
