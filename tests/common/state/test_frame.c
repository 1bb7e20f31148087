/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/frame.h"

#include "common/base/xalloc.h"
#include "tests/unit.h"

static void test_what_is_framed_comes_back(void **state)
{
    (void)state;
    static const enum frame_format formats[] = {FRAME_CHECKPOINT, FRAME_POINTER};
    for (size_t i = 0; i < 2; i++) {
        struct buf framed = {0};
        enum frame_format format;
        struct str bytes;
        frame_wrap(&framed, formats[i], STR("some bytes"));
        assert_int_equal(frame_unwrap(buf_str(&framed), &format, &bytes, NULL), STATUS_OK);
        assert_int_equal(format, formats[i]);
        assert_true(str_is(bytes, "some bytes"));
        buf_free(&framed);
    }
}

static void test_each_changed_or_missing_byte_is_noticed(void **state)
{
    (void)state;
    struct buf framed = {0};
    enum frame_format format;
    struct str bytes;
    struct error err;
    frame_wrap(&framed, FRAME_POINTER, STR("12"));
    for (size_t i = 0; i < framed.len; i++) {
        char *copy = x_memdup(framed.data, framed.len);
        copy[i] ^= 0x40;
        assert_int_equal(frame_unwrap((struct str){copy, framed.len}, &format, &bytes, &err),
                         i == 8 ? STATUS_NEWER : STATUS_INVALID);
        free(copy);
        assert_int_equal(frame_unwrap((struct str){framed.data, i}, &format, &bytes, &err),
                         STATUS_INVALID);
    }
    buf_free(&framed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_framed_comes_back),
        cmocka_unit_test(test_each_changed_or_missing_byte_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
