/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of payloads: what is read of it is the same after it went through MessagePack and was
 * written and read again. Input: the text. */
#include "common/base/error.h"
#include "common/codec/json.h"
#include "common/codec/mp_patch.h"
#include "tests/fuzz/fuzz.h"

/* Reads the text as a payload; false when it is none. */
static bool read_payload(struct str text, struct mp_doc *doc, struct buf *bytes)
{
    struct json_value *json;
    const int status = json_parse_usable(text, text.len, &json);
    FUZZ_CHECK((status == STATUS_OK) == (json != NULL));
    mp_doc_init(doc);
    if (status == STATUS_OK) {
        json_to_mp(bytes, json);
        FUZZ_CHECK(mp_parse(doc, bytes->data, bytes->len) == STATUS_OK);
    }
    json_free(json);
    return status == STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct str text = fuzz_text(data, len);
    struct json_value *strict;
    struct mp_doc doc;
    struct buf bytes = {0};
    const bool json = json_parse(text, len, &strict) == STATUS_OK;
    const bool usable = read_payload(text, &doc, &bytes);
    FUZZ_CHECK(usable || !json); /* What is JSON is usable, too. */
    if (usable) {
        struct buf written = {0};
        struct buf bytes_again = {0};
        struct mp_doc again;
        fuzz_took();
        json_write_value(&written, &doc.root);
        FUZZ_CHECK(read_payload(buf_str(&written), &again, &bytes_again));
        FUZZ_CHECK(mp_equal(&doc.root, &again.root, 0));
        mp_doc_free(&again);
        buf_free(&bytes_again);
        buf_free(&written);
    }
    mp_doc_free(&doc);
    buf_free(&bytes);
    json_free(strict);
    return 0;
}
