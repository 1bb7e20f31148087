/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#define ZLIB_CONST /* its input is const */
#include <zlib.h>

#include "gateway/base/deflate.h"

static void bytes_come_back(const struct buf *text)
{
    struct blob *packed = deflate_gzip(buf_str(text));
    char *out = malloc(text->len + 1);
    z_stream z = {.next_in = (const Bytef *)packed->data,
                  .avail_in = packed->len,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)text->len + 1};
    assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END); /* with its checksum */
    assert_int_equal(z.total_out, text->len);
    assert_int_equal(z.avail_in, 0);
    assert_memory_equal(out, buf_str(text).p, text->len);
    inflateEnd(&z);
    free(out);
    blob_unref(&packed);
}

static void what_is_packed_can_be_unpacked(void **state)
{
    (void)state;
    struct buf text = {0};
    uint32_t random = 1;
    bytes_come_back(&text);
    for (int i = 0; i < 300000; i++) { /* compresses badly */
        random = random * 1664525 + 1013904223;
        buf_append_char(&text, (char)(random >> 24));
    }
    bytes_come_back(&text);
    for (int i = 0; i < 20000; i++) {
        buf_printf(&text, "{\"key\":\"orders.%d\",\"value\":%d},", i, i * 7);
    }
    bytes_come_back(&text);
    buf_free(&text);
}

/* Unpacks what a client has of a stream by now, and compares it. */
static void reads(struct str packed, const char *expected)
{
    char out[4096];
    z_stream z = {.next_in = (const Bytef *)packed.p,
                  .avail_in = (uInt)packed.len,
                  .next_out = (Bytef *)out,
                  .avail_out = sizeof out};
    assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK); /* and not the end */
    assert_int_equal(z.total_out, strlen(expected));
    assert_memory_equal(out, expected, z.total_out);
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
}

/* Each block is what it is whatever was made before it, and says all of itself. */
static void blocks_follow_one_another_in_any_order(void **state)
{
    (void)state;
    struct deflater *deflater = deflate_create();
    struct buf a = {0};
    struct buf b = {0};
    struct buf again = {0};
    struct buf stream = {0};
    deflate_append(deflater, STR("data: the same, the same\n\n"), &a);
    deflate_append(deflater, STR("data: the same, and more\n\n"), &b);
    deflate_append(deflater, STR("data: the same, the same\n\n"), &again);
    assert_int_equal(a.len, again.len);
    assert_memory_equal(a.data, again.data, a.len);
    buf_append_str(&stream, DEFLATE_HEAD);
    assert_int_equal(stream.len, 10);
    buf_append_str(&stream, buf_str(&b));
    reads(buf_str(&stream), "data: the same, and more\n\n");
    buf_append_str(&stream, buf_str(&a));
    buf_append_str(&stream, buf_str(&b));
    reads(buf_str(&stream), "data: the same, and more\n\ndata: the same, the same\n\n"
                            "data: the same, and more\n\n");
    buf_free(&a);
    buf_free(&b);
    buf_free(&again);
    buf_free(&stream);
    deflate_destroy(&deflater);
    deflater = deflate_create(); /* one that made nothing */
    deflate_destroy(&deflater);
    assert_null(deflater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_can_be_unpacked),
        cmocka_unit_test(blocks_follow_one_another_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
