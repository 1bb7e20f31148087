/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "gateway/api/ws.h"

/* The example of RFC 6455, 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void a_key_is_answered_as_the_rfc_has_it(void **state)
{
    struct buf accept = {0};
    (void)state;
    api_ws_append_accept(&accept, STR(KEY));
    assert_str(buf_str(&accept), ACCEPT);
    buf_free(&accept);
}

static void a_key_is_16_bytes_in_base64(void **state)
{
    (void)state;
    assert_true(api_ws_key_valid(STR(KEY)));
    assert_true(api_ws_key_valid(STR("AAAAAAAAAAAAAAAAAAAAAA==")));
    assert_false(api_ws_key_valid(STR("")));
    assert_false(api_ws_key_valid(STR("AAAAAAAAAAAAAAAAAAAA==")));       /* 15 bytes */
    assert_false(api_ws_key_valid(STR("AAAAAAAAAAAAAAAAAAAAAAAAAA=="))); /* 18 */
    assert_false(api_ws_key_valid(STR("AAAAAAAAAAAAAAAAAAAAAB=="))); /* bits that stand for none */
    assert_false(api_ws_key_valid(STR("AAAAAAAAAAA-AAAAAAAAAA=="))); /* of another alphabet */
    assert_false(api_ws_key_valid(STR("AAAAAAAAAAAAAAAAAAAAAAA=")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_answered_as_the_rfc_has_it),
        cmocka_unit_test(a_key_is_16_bytes_in_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
