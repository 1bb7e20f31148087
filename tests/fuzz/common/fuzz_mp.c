/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack: what is well-formed is the same after it was written and read again, and is JSON
 * when it is written as that. Input: values, of which the first two are also merged. */
#include "common/base/error.h"
#include "common/codec/json.h"
#include "common/codec/mp_patch.h"
#include "tests/fuzz/fuzz.h"

static void check_json(const mp_value *value)
{
    struct buf text = {0};
    json_write_value(&text, value);
    struct json_value *json;
    const int status = json_parse(buf_str(&text), text.len, &json);
    /* What JSON can say, but jansson cannot hold. */
    const bool nul = memmem(text.data, text.len, "\\u0000", 6) != NULL;
    FUZZ_CHECK(status == STATUS_OK || nul);
    json_free(json);
    buf_free(&text);
}

static void check_written(const mp_value *value)
{
    struct buf once = {0};
    struct buf twice = {0};
    struct mp_doc again;
    mp_put_value(&once, value);
    mp_doc_init(&again);
    FUZZ_CHECK(mp_parse(&again, once.data, once.len) == STATUS_OK);
    mp_put_value(&twice, &again.root);
    fuzz_check_same(&once, &twice);
    mp_doc_free(&again);
    buf_free(&twice);
    buf_free(&once);
}

/* No promise is made of the patch between two values of others, but that it is a value. */
static void check_patch(const mp_value *from, const mp_value *to)
{
    struct buf bytes = {0};
    if (mp_diff(&bytes, from, to)) {
        FUZZ_CHECK(mp_valid(bytes.data, bytes.len));
    }
    buf_clear(&bytes);
    mp_merge(&bytes, from, to);
    FUZZ_CHECK(mp_valid(bytes.data, bytes.len));
    buf_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    FUZZ_CHECK(mp_length(data, len) <= len);
    FUZZ_CHECK(mp_valid(data, len) == (len != 0 && mp_length(data, len) == len));
    struct str input = fuzz_text(data, len);
    struct mp_doc docs[2];
    for (int i = 0; i < 2; i++) {
        const struct str value = fuzz_take_value(&input);
        mp_doc_init(&docs[i]);
        FUZZ_CHECK((mp_parse(&docs[i], value.p, value.len) == STATUS_OK) == (value.len != 0));
        if (value.len != 0) {
            fuzz_took();
        }
        check_written(&docs[i].root);
        check_json(&docs[i].root);
    }
    check_patch(&docs[0].root, &docs[1].root);
    mp_doc_free(&docs[1]);
    mp_doc_free(&docs[0]);
    return 0;
}
