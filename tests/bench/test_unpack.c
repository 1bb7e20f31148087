/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "tests/bench/unpack.h"

struct text {
    char bytes[1 << 20];
    size_t len;
};

static void collect(void *arg, const char *bytes, size_t len)
{
    struct text *text = arg;
    assert_true(len <= sizeof text->bytes - text->len);
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

/* Appends the bytes as a chunk. */
static void put_chunk(struct text *answer, const char *bytes, size_t len)
{
    char head[32];
    collect(answer, head, (size_t)snprintf(head, sizeof head, "%zx\r\n", len));
    collect(answer, bytes, len);
    collect(answer, "\r\n", 2);
}

/* However the bytes are cut. */
static void a_stream_comes_out(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct text *answer = calloc(1, sizeof *answer);
    struct text *expected = calloc(1, sizeof *expected);
    struct text *got = calloc(1, sizeof *got);
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 3, Z_DEFLATED, MAX_WBITS + 16, 6, Z_DEFAULT_STRATEGY), Z_OK);
    collect(answer, head, strlen(head));
    for (int i = 0; i < 300; i++) {
        char message[4096];
        char packed[8192];
        const int len = snprintf(message, sizeof message, "id: %d\ndata: {\"pad\":\"%0*d\"}\n\n", i,
                                 i * 7 + 1, i);
        collect(expected, message, (size_t)len);
        z.next_in = (Bytef *)message;
        z.avail_in = (uInt)len;
        z.next_out = (Bytef *)packed;
        z.avail_out = sizeof packed;
        assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
        put_chunk(answer, packed, sizeof packed - z.avail_out);
    }
    (void)deflateEnd(&z);
    static const size_t steps[] = {1, 2, 7, 1000, 1 << 20};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        struct unpacker *unpacker = unpack_begin();
        got->len = 0;
        for (size_t at = 0; at < answer->len; at += steps[k]) {
            const size_t left = answer->len - at;
            assert_true(unpack(unpacker, answer->bytes + at, left < steps[k] ? left : steps[k],
                               collect, got));
        }
        assert_int_equal(got->len, expected->len);
        assert_memory_equal(got->bytes, expected->bytes, got->len);
        unpack_end(&unpacker);
    }
    free(answer);
    free(expected);
    free(got);
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    struct text *got = calloc(1, sizeof *got);
    static const char *const wrong[] = {"HTTP/1.1 200 OK\r\n\r\nid: 1\n",
                                        "HTTP/1.1 200 OK\r\n\r\n3\r\nabc\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct unpacker *unpacker = unpack_begin();
        assert_false(unpack(unpacker, wrong[i], strlen(wrong[i]), collect, got));
        unpack_end(&unpacker);
    }
    assert_int_equal(got->len, 0);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_comes_out),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
