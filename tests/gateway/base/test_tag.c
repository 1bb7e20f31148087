/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "gateway/base/tag.h"
#include "gateway/stream/streams.h"

static void a_tag_gives_back_what_it_was_made_of(void **state)
{
    int on_stack = 0;
    int *on_heap = test_malloc(sizeof *on_heap);
    (void)state;
    assert_int_equal(tag_kind(tag_of(TAG_HTTP)), TAG_HTTP);
    assert_int_equal(tag_kind(tag_of(TAG_LINK)), TAG_LINK);
    assert_int_equal(tag_kind(tag_of_owner(TAG_WAITING, &on_stack)), TAG_WAITING);
    assert_ptr_equal(tag_owner(tag_of_owner(TAG_WAITING, &on_stack)), &on_stack);
    assert_ptr_equal(tag_owner(tag_of_owner(TAG_WAITING, on_heap)), on_heap);
    test_free(on_heap);
}

static void every_tag_of_a_stream_is_of_that_kind(void **state)
{
    (void)state;
    assert_int_equal(tag_of(TAG_STREAM), STREAMS_EPOLL_TAG);
    assert_int_equal(tag_kind(STREAMS_EPOLL_TAG | 0), TAG_STREAM);
    assert_int_equal(tag_kind(STREAMS_EPOLL_TAG | UINT32_MAX), TAG_STREAM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_gives_back_what_it_was_made_of),
        cmocka_unit_test(every_tag_of_a_stream_is_of_that_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
