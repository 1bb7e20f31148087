/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include <zlib.h>

#include "common/base/buf.h"
#include "gateway/http/encoding.h"

static bool gzip_wanted(const char *line, const char *second)
{
    struct encoding_weights accepted = ENCODING_NOTHING;
    encoding_take_line(&accepted, str_of(line));
    if (second != NULL) {
        encoding_take_line(&accepted, str_of(second));
    }
    return encoding_wants_gzip(&accepted);
}

static void weights_are_honoured(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool gzip;
    } cases[] = {
        {"", false},
        {"gzip", true},
        {"x-gzip", true},
        {"GZip;Q=0.5", true},
        {"gzip, deflate, br", true},
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", true},
        {"deflate , \t gzip ; q=0.001", true},
        {"gzip;q=0", false},
        {"gzip;q=0.0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=1.000", true},
        {"identity", false},
        {"br", false},
        {"*", true},
        {"*;q=0", false},
        {"gzip;q=0, *", false},
        {"*;q=0, gzip", true},
        {"identity;q=1, gzip;q=0.5", false},
        {"identity;q=0.5, gzip;q=1", true},
        {"identity;q=0", false},
        {"gzipped", false},
        {"gzip;level=9;q=0", false},
        {"gzip;q=nonsense", true},
        {",,;;q=0,", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (gzip_wanted(cases[i].line, NULL) != cases[i].gzip) {
            fail_msg("Accept-Encoding: %s", cases[i].line);
        }
    }
    assert_true(gzip_wanted("br", "gzip"));
    assert_false(gzip_wanted("gzip;q=0", "*"));
}

static void bytes_come_back(const struct buf *text)
{
    struct blob *packed = encoding_gzip(buf_str(text));
    char *out = malloc(text->len + 1);
    z_stream z = {.next_in = (Bytef *)packed->data,
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_honoured),
        cmocka_unit_test(what_is_packed_can_be_unpacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
