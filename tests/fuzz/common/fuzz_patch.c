/* SPDX-License-Identifier: Apache-2.0 */
/* Merge patches: the difference between two tiles leads from one to the other, and applied twice it
 * does no harm. Input: two lines of JSON. */
#include "common/base/error.h"
#include "common/codec/json.h"
#include "common/codec/mp_patch.h"
#include "tests/fuzz/fuzz.h"

/* A tile's value, as a payload makes it. False when the text is no JSON. */
static bool read_tile(struct str text, struct mp_doc *doc, struct buf *bytes)
{
    struct json_value *json;
    mp_doc_init(doc);
    const bool read = json_parse_usable(text, text.len, &json) == STATUS_OK;
    if (read) {
        json_to_mp(bytes, json);
        FUZZ_CHECK(mp_parse(doc, bytes->data, bytes->len) == STATUS_OK);
    }
    json_free(json);
    return read;
}

static void check_leads_to(const mp_value *from, const mp_value *patch, const mp_value *to)
{
    struct buf bytes = {0};
    struct mp_doc result;
    mp_doc_init(&result);
    mp_merge(&bytes, from, patch);
    FUZZ_CHECK(mp_parse(&result, bytes.data, bytes.len) == STATUS_OK);
    FUZZ_CHECK(mp_equal(&result.root, to, 0));
    mp_doc_free(&result);
    buf_free(&bytes);
}

static void check_diff(const mp_value *from, const mp_value *to)
{
    struct buf bytes = {0};
    struct mp_doc patch;
    mp_doc_init(&patch);
    const bool differ = mp_diff(&bytes, from, to);
    FUZZ_CHECK(differ == !mp_equal(from, to, 0));
    if (differ) {
        fuzz_took();
        FUZZ_CHECK(mp_parse(&patch, bytes.data, bytes.len) == STATUS_OK);
        check_leads_to(from, &patch.root, to);
        check_leads_to(to, &patch.root, to);
    }
    mp_doc_free(&patch);
    buf_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str input = fuzz_text(data, len);
    struct mp_doc docs[2];
    struct buf bytes[2] = {0};
    const bool first = read_tile(fuzz_take_line(&input), &docs[0], &bytes[0]);
    if (read_tile(fuzz_take_line(&input), &docs[1], &bytes[1]) && first) {
        check_diff(&docs[0].root, &docs[1].root);
        check_diff(&docs[1].root, &docs[0].root);
    }
    for (int i = 0; i < 2; i++) {
        mp_doc_free(&docs[i]);
        buf_free(&bytes[i]);
    }
    return 0;
}
