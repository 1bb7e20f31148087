/* SPDX-License-Identifier: Apache-2.0 */
#include "common/net/zap.h"

#include "tests/unit.h"

static const char key[ZAP_KEY_BYTES] = "0123456789abcdef0123456789abcdef";

static void fill(struct str frames[ZAP_REQUEST_FRAMES])
{
    frames[0] = STR("1.0");
    frames[1] = STR("17");
    frames[2] = STR("query");
    frames[3] = STR("10.0.0.1");
    frames[4] = STR("");
    frames[5] = STR("CURVE");
    frames[6] = (struct str){key, sizeof key};
}

static void test_request_and_reply(void **state)
{
    (void)state;
    struct str frames[ZAP_REQUEST_FRAMES];
    struct str reply[ZAP_REPLY_FRAMES];
    struct zap_request request;
    fill(frames);
    assert_true(zap_read(frames, ZAP_REQUEST_FRAMES, &request));
    assert_str(request.domain, "query");
    assert_str(request.address, "10.0.0.1");
    assert_ptr_equal(request.key, key);
    zap_reply(&request, "web", reply);
    assert_str(reply[0], "1.0");
    assert_str(reply[1], "17");
    assert_str(reply[2], "200");
    assert_str(reply[4], "web");
    zap_reply(&request, NULL, reply);
    assert_str(reply[1], "17");
    assert_str(reply[2], "400");
    assert_str(reply[4], "");
    frames[3] = STR("::ffff:10.0.0.2");
    assert_true(zap_read(frames, ZAP_REQUEST_FRAMES, &request));
    assert_str(request.address, "10.0.0.2");
}

static void test_what_is_no_request(void **state)
{
    (void)state;
    struct str frames[ZAP_REQUEST_FRAMES];
    struct zap_request request;
    fill(frames);
    assert_false(zap_read(frames, ZAP_REQUEST_FRAMES - 1, &request));
    frames[0] = STR("2.0");
    assert_false(zap_read(frames, ZAP_REQUEST_FRAMES, &request));
    fill(frames);
    frames[5] = STR("PLAIN");
    assert_false(zap_read(frames, ZAP_REQUEST_FRAMES, &request));
    fill(frames);
    frames[6].len = ZAP_KEY_BYTES - 1;
    assert_false(zap_read(frames, ZAP_REQUEST_FRAMES, &request));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_reply),
        cmocka_unit_test(test_what_is_no_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
