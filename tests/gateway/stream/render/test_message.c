/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit.h"

#include "gateway/stream/render/message.h"

static void expect(struct message message, const char *frame)
{
    struct buf out = {0};
    message_append_sse(&out, &message);
    assert_str(buf_str(&out), frame);
    buf_free(&out);
}

static void a_message_is_a_frame_of_sse(void **state)
{
    (void)state;
    expect((struct message){STR("1k-3f9"), STR("tile"), STR("{\"key\":\"a\"}")},
           "id: 1k-3f9\nevent: tile\ndata: {\"key\":\"a\"}\n\n");
    expect((struct message){STR_NULL, STR("heartbeat"), STR("{}")},
           "event: heartbeat\ndata: {}\n\n");
    expect((struct message){STR("42"), STR_NULL, STR("{}")}, "id: 42\ndata: {}\n\n");
}

/* To EventSource an id that is not there, and an empty one, are two things. */
static void an_empty_id_is_forgotten(void **state)
{
    (void)state;
    expect((struct message){STR(""), STR("reset"), STR("{}")}, "id: \nevent: reset\ndata: {}\n\n");
}

static void json_may_be_written_in_place(void **state)
{
    (void)state;
    struct buf out = {0};
    message_begin_sse(&out, STR("7-1"), STR("tile"));
    assert_str(buf_str(&out), "id: 7-1\nevent: tile\ndata: ");
    buf_append_text(&out, "{}");
    message_end_sse(&out);
    assert_str(buf_str(&out), "id: 7-1\nevent: tile\ndata: {}\n\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_a_frame_of_sse),
        cmocka_unit_test(an_empty_id_is_forgotten),
        cmocka_unit_test(json_may_be_written_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
