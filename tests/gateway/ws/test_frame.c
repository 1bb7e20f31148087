/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "gateway/ws/frame.h"

/* The payload of the one text frame that was written behind what stood there. */
static struct str payload_of(const struct buf *out, size_t before)
{
    const unsigned char *p = (const unsigned char *)out->data + before;
    assert_int_equal(p[0], 0x80 | WS_TEXT);
    size_t head = 2;
    size_t len = p[1];
    if (len >= 126) {
        const size_t bytes = len == 126 ? 2 : 8;
        len = 0;
        for (size_t i = 0; i < bytes; i++) {
            len = len << 8 | p[2 + i];
        }
        assert_true(len > (bytes == 2 ? 125 : 65535)); /* written in the shortest way */
        head += bytes;
    }
    assert_int_equal(before + head + len, out->len);
    return (struct str){(const char *)p + head, len};
}

static void expect(struct message message, const char *payload)
{
    struct buf out = {0};
    buf_append_text(&out, "before");
    ws_frame_append_message(&out, &message);
    assert_memory_equal(out.data, "before", 6);
    assert_str(payload_of(&out, 6), payload);
    buf_free(&out);
}

static void a_message_is_one_object(void **state)
{
    (void)state;
    expect((struct message){STR("1k-3f9"), STR("tile"), STR("{\"key\":\"a\"}")},
           "{\"event\":\"tile\",\"id\":\"1k-3f9\",\"key\":\"a\"}");
    expect((struct message){STR_NULL, STR("heartbeat"), STR("{\"now\":\"x\"}")},
           "{\"event\":\"heartbeat\",\"now\":\"x\"}");
    expect((struct message){STR("9"), STR("a\"b"), STR("{\"id\":9}")},
           "{\"event\":\"a\\\"b\",\"id\":\"9\",\"id\":9}"); /* who does not want that gives no id */
}

static void what_has_no_members_gets_no_comma(void **state)
{
    (void)state;
    expect((struct message){STR(""), STR("reset"), STR("{}")}, "{\"event\":\"reset\"}");
    expect((struct message){STR("1"), STR("reset"), STR("{}")},
           "{\"event\":\"reset\",\"id\":\"1\"}");
}

/* Around the lengths at which headers grow. */
static void headers_fit_their_payload(void **state)
{
    (void)state;
    static const size_t lengths[] = {40, 125, 126, 127, 65535, 65536, 65537, 200000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct buf json = {0};
        struct buf out = {0};
        buf_append_text(&json, "{\"pad\":\"");
        const size_t rest = lengths[i] - strlen("{\"event\":\"tile\",\"pad\":\"\"}");
        memset(buf_reserve(&json, rest), 'x', rest);
        json.len += rest;
        buf_append_text(&json, "\"}");
        const struct message message = {STR_NULL, STR("tile"), buf_str(&json)};
        ws_frame_append_message(&out, &message);
        const struct str payload = payload_of(&out, 0);
        assert_int_equal(payload.len, lengths[i]);
        assert_memory_equal(payload.p, "{\"event\":\"tile\",\"pad\":\"xx", 24);
        assert_memory_equal(payload.p + payload.len - 3, "x\"}", 3);
        buf_free(&json);
        buf_free(&out);
    }
}

static void a_reason_is_cut_between_two_characters(void **state)
{
    (void)state;
    char reason[200];
    struct buf out = {0};
    memset(reason, 'x', sizeof reason);
    memcpy(reason + 122, "\xc3\xa4", 2); /* the first byte would fit */
    ws_frame_append_close(&out, WS_CODE_POLICY, (struct str){reason, sizeof reason});
    assert_memory_equal(out.data, "\x88\x7c\x03\xf0", 4);
    assert_int_equal(out.len, 2 + 2 + 122);
    buf_clear(&out);
    ws_frame_append_close(&out, WS_CODE_NONE, STR("not sent"));
    assert_int_equal(out.len, 2);
    assert_memory_equal(out.data, "\x88\0", 2);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_one_object),
        cmocka_unit_test(what_has_no_members_gets_no_comma),
        cmocka_unit_test(headers_fit_their_payload),
        cmocka_unit_test(a_reason_is_cut_between_two_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
