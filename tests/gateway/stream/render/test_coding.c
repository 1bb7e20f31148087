/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/gateway/stream/decode.h"

static void bodies_are_what_the_standard_says(void **state)
{
    (void)state;
    struct buf out = {0};
    coding_append_begin(&out, CODING_NONE);
    coding_append(&out, CODING_NONE, STR("a\n\n"), NULL);
    coding_append_end(&out, CODING_NONE);
    assert_string_equal(buf_cstr(&out), "a\n\n");
    buf_clear(&out);
    coding_append_begin(&out, CODING_CHUNKED);
    coding_append(&out, CODING_CHUNKED, STR("data: abcdefgh\n\n"), NULL);
    coding_append(&out, CODING_CHUNKED, STR("x"), NULL);
    coding_append_end(&out, CODING_CHUNKED);
    assert_string_equal(buf_cstr(&out), "10\r\ndata: abcdefgh\n\n\r\n1\r\nx\r\n0\r\n\r\n");
    buf_free(&out);
}

/* The head of a chunk has as many digits as its length needs, wherever that is found out. */
static void chunks_of_any_length_come_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 15, 16, 255, 256, 4095, 4096, 65535, 65536, 1 << 20};
    struct deflater *deflater = deflate_create();
    struct decoder decoder;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buf text = {0};
        struct buf chunk = {0};
        for (size_t k = 0; k < lengths[i]; k++) {
            buf_append_char(&text, (char)('a' + k % 23));
        }
        buf_append_text(&chunk, "before");
        const size_t begun = coding_begin_chunk(&chunk);
        buf_append_str(&chunk, buf_str(&text));
        const size_t head_at = coding_end_chunk(&chunk, begun);
        assert_memory_equal(chunk.data, "before", 6);
        struct buf got = {0};
        decoder_begin(&decoder, CODING_CHUNKED);
        decode(&decoder, (struct str){chunk.data + head_at, chunk.len - head_at}, &got);
        buf_clear(&chunk);
        coding_append(&chunk, CODING_CHUNKED, buf_str(&text), NULL);
        decode(&decoder, buf_str(&chunk), &got);
        decoder_finish(&decoder);
        buf_clear(&chunk);
        coding_append_begin(&chunk, CODING_GZIP);
        coding_append(&chunk, CODING_GZIP, buf_str(&text), deflater);
        decoder_begin(&decoder, CODING_GZIP);
        decode(&decoder, buf_str(&chunk), &got);
        decoder_finish(&decoder);
        assert_int_equal(got.len, 3 * text.len);
        for (size_t k = 0; k < 3; k++) {
            assert_memory_equal(got.data + k * text.len, text.data, text.len);
        }
        buf_free(&text);
        buf_free(&chunk);
        buf_free(&got);
    }
    deflate_destroy(&deflater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_what_the_standard_says),
        cmocka_unit_test(chunks_of_any_length_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
