/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/render/message.h"

#include <string.h>

#define HEAD_TEXT "id: \nevent: \ndata: " /* what there is at most around an id and a name */
#define END_TEXT "\n\n"

static char *put(char *p, struct str text)
{
    memcpy(p, text.p, text.len);
    return p + text.len;
}

static char *put_field(char *p, struct str name, struct str value)
{
    if (value.p == NULL) {
        return p;
    }
    p = put(put(p, name), value);
    *p++ = '\n';
    return p;
}

/* Makes room for the head and for more bytes, once: this is done for each event of a catch-up. */
static char *put_head(struct buf *out, struct str id, struct str event, size_t more)
{
    char *p = buf_reserve(out, strlen(HEAD_TEXT) + id.len + event.len + more);
    p = put_field(p, STR("id: "), id);
    p = put_field(p, STR("event: "), event);
    return put(p, STR("data: "));
}

void message_begin_sse(struct buf *out, struct str id, struct str event)
{
    out->len = (size_t)(put_head(out, id, event, 0) - out->data);
}

void message_end_sse(struct buf *out)
{
    buf_append_str(out, STR(END_TEXT));
}

void message_append_sse(struct buf *out, const struct message *message)
{
    char *p = put_head(out, message->id, message->event, message->json.len + strlen(END_TEXT));
    p = put(put(p, message->json), STR(END_TEXT));
    out->len = (size_t)(p - out->data);
}
