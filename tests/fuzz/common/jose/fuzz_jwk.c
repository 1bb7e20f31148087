/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of JSON: one that is read is the same key after it was written and read again, and a public
 * one holds no secret. Input: the key. */
#include "common/base/error.h"
#include "common/jose/jwk.h"
#include "tests/fuzz/fuzz.h"

static void check_written(const struct jwk *key)
{
    struct buf text = {0};
    struct buf thumbprints[2] = {0};
    struct json_value *json;
    struct jwk *again;
    jwk_write(key, false, &text);
    FUZZ_CHECK(json_parse_strict(buf_str(&text), SIZE_MAX, &json) == STATUS_OK);
    FUZZ_CHECK(json_at(json, STR("d")) == NULL);
    FUZZ_CHECK(jwk_read_public(json, &again, NULL) == STATUS_OK && jwk_alg(again) == jwk_alg(key));
    jwk_write_thumbprint(key, &thumbprints[0]);
    jwk_write_thumbprint(again, &thumbprints[1]);
    fuzz_check_same(&thumbprints[0], &thumbprints[1]);
    FUZZ_CHECK(!jwk_verify(again, STR("text"), STR("no signature")));
    buf_free(&thumbprints[1]);
    buf_free(&thumbprints[0]);
    jwk_destroy(&again);
    json_free(json);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct json_value *json;
    struct jwk *key = NULL;
    if (json_parse_strict(fuzz_text(data, len), len, &json) != STATUS_OK) {
        return 0;
    }
    if (jwk_read_public(json, &key, NULL) == STATUS_OK) {
        fuzz_took();
        check_written(key);
        jwk_destroy(&key);
    }
    FUZZ_CHECK(key == NULL);
    if (jwk_read_private(json, &key, NULL) == STATUS_OK) {
        fuzz_took();
        check_written(key);
        jwk_destroy(&key);
    }
    json_free(json);
    return 0;
}
