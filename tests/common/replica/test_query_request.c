/* SPDX-License-Identifier: Apache-2.0 */
#include "common/replica/query_request.h"

#include "tests/common/replica/paper.h"

static void test_the_bytes_of_requests_are_those_of_the_protocol(void **state)
{
    struct paper *paper = *state;
    struct query_request request;
    query_request_begin(&request, QUERY_OP_GET);
    struct buf *value = query_request_member(&request, QUERY_ARG_KEYS);
    mp_put_array(value, 1);
    mp_put_text(value, "a");
    query_request_finish(&request, &paper->bytes);
    assert_bytes(paper, STR("\x82\xa2op\xa3get\xa4keys\x91\xa1"
                            "a"));
    buf_clear(&paper->bytes);
    query_request_begin(&request, QUERY_OP_LIST);
    query_request_text(&request, QUERY_ARG_PREFIX, STR("b"));
    query_request_uint(&request, QUERY_ARG_LIMIT, 5);
    query_request_finish(&request, &paper->bytes);
    assert_bytes(paper, STR("\x83\xa2op\xa4list\xa6prefix\xa1"
                            "b\xa5limit\x05"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_bytes_of_requests_are_those_of_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
