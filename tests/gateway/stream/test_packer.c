/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/gateway/stream/decode.h"

#include "gateway/stream/packer.h"

/* Packs the text, and holds what comes out against it. Returns whether it was compressed now. */
static bool pack(struct packer *packer, struct deflater *deflater, struct str text)
{
    struct decoder decoder;
    struct buf got = {0};
    bool made;
    struct blob *chunk = packer_pack(packer, text, deflater, &made);
    decoder_begin(&decoder, CODING_GZIP);
    struct buf body = {0};
    coding_append_begin(&body, CODING_GZIP);
    buf_append_str(&body, blob_str(chunk));
    decode(&decoder, buf_str(&body), &got);
    assert_true(str_equal(buf_str(&got), text));
    buf_free(&body);
    decoder_finish(&decoder);
    buf_free(&got);
    blob_unref(&chunk);
    return made;
}

static void what_many_gather_is_compressed_once(void **state)
{
    (void)state;
    struct packer *packer = packer_create();
    struct deflater *deflater = deflate_create();
    char text[4000];
    memset(text, 'x', sizeof text);
    assert_int_equal(packer_bytes(packer), 0);
    assert_true(pack(packer, deflater, (struct str){text, sizeof text}));
    assert_false(pack(packer, deflater, (struct str){text, sizeof text}));
    assert_in_range(packer_bytes(packer), sizeof text, sizeof text + 200);
    text[2000] = 'y'; /* what tells its place is the same, but it is another one */
    assert_true(pack(packer, deflater, (struct str){text, sizeof text}));
    assert_false(pack(packer, deflater, (struct str){text, sizeof text}));
    text[2000] = 'x';
    assert_true(pack(packer, deflater, (struct str){text, sizeof text}));
    assert_in_range(packer_bytes(packer), sizeof text, sizeof text + 200);
    assert_true(pack(packer, deflater, STR("a")));
    packer_destroy(&packer);
    deflate_destroy(&deflater);
}

static void what_is_kept_is_bounded(void **state)
{
    (void)state;
    struct packer *packer = packer_create();
    struct deflater *deflater = deflate_create();
    struct buf text = {0};
    uint32_t random = 1;
    for (size_t i = 0; i < PACKER_TEXT_MAX; i++) { /* compresses badly */
        random = random * 1664525 + 1013904223;
        buf_append_char(&text, (char)(random >> 24));
    }
    for (int i = 0; i < 500; i++) {
        text.data[0] = (char)i;
        text.data[1] = (char)(i >> 8);
        assert_true(pack(packer, deflater, buf_str(&text)));
    }
    assert_in_range(packer_bytes(packer), 30 * PACKER_TEXT_MAX,
                    PACKER_KEPT * 2 * PACKER_TEXT_MAX + PACKER_KEPT * 128);
    const size_t before = packer_bytes(packer);
    buf_append_char(&text, 'z'); /* too large to be kept */
    assert_true(pack(packer, deflater, buf_str(&text)));
    assert_true(pack(packer, deflater, buf_str(&text)));
    assert_int_equal(packer_bytes(packer), before);
    buf_free(&text);
    packer_destroy(&packer);
    deflate_destroy(&deflater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_many_gather_is_compressed_once),
        cmocka_unit_test(what_is_kept_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
