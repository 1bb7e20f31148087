/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/message.h"

static void append_field(struct buf *out, struct str name, struct str value)
{
    if (value.p != NULL) {
        buf_append_str(out, name);
        buf_append_str(out, value);
        buf_append_char(out, '\n');
    }
}

void message_begin_sse(struct buf *out, struct str id, struct str event)
{
    append_field(out, STR("id: "), id);
    append_field(out, STR("event: "), event);
    buf_append_str(out, STR("data: "));
}

void message_end_sse(struct buf *out)
{
    buf_append_str(out, STR("\n\n"));
}

void message_append_sse(struct buf *out, const struct message *message)
{
    message_begin_sse(out, message->id, message->event);
    buf_append_str(out, message->json);
    message_end_sse(out);
}
