/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/frames.h"

#include "gateway/stream/render.h"
#include "gateway/stream/streams_state.h"

struct str frames_make(struct streams *s, enum channel_kind kind, const struct message *message)
{
    buf_clear(&s->frame);
    streams_transport(s, kind)->append(&s->frame, message);
    return buf_str(&s->frame);
}

struct blob *frames_tile(struct streams *s, enum channel_kind kind, const struct tile *tile)
{
    struct rendered_tile *rendered = render_tile(tile);
    if (!channel_is_websocket(kind)) {
        return rendered->frame;
    }
    if (rendered->ws_frame == NULL) {
        const struct message message = render_tile_message(rendered);
        rendered->ws_frame = blob_new(frames_make(s, kind, &message));
    }
    return rendered->ws_frame;
}

struct message frames_event(enum channel_kind kind, struct eventlog_entry *entry)
{
    struct message message = *render_event(entry);
    if (kind == CHANNEL_MESSAGES) {
        message.event = STR_NULL;
    } else if (kind == CHANNEL_WS_EVENTS) {
        message.id = STR_NULL; /* it is a member of the JSON, and no member may come twice */
    }
    return message;
}
