/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/frames.h"

#include "gateway/stream/render/render.h"
#include "gateway/stream/streams_state.h"

struct str frames_make(struct streams *s, enum channel_kind kind, const struct message *message,
                       struct buf *out)
{
    buf_clear(out);
    streams_transport(s, kind)->append(out, message);
    return buf_str(out);
}

struct blob *frames_tile(struct streams *s, enum channel_kind kind, const struct tile *tile)
{
    struct rendering *rendering = render_tile(tile, (struct lens){0});
    if (!channel_is_websocket(kind)) {
        return rendering->frame;
    }
    if (rendering->ws_frame == NULL) {
        const struct message message = render_tile_message(tile, rendering);
        rendering->ws_frame = blob_new(frames_make(s, kind, &message, &s->frame));
    }
    return rendering->ws_frame;
}

struct str frames_id(struct streams *s, const struct selection *selection, const struct tile *tile)
{
    const struct rendered_tile *rendered = tile->cache;
    buf_clear(&s->id);
    buf_append_text(&s->id, rendered->cursor);
    buf_append_text(&s->id, selection_mark(selection));
    return buf_str(&s->id);
}

struct message frames_seen(struct streams *s, const struct selection *selection,
                           const struct tile *tile)
{
    const struct lens lens = selection_lens(selection, (struct str){tile->key, tile->key_len});
    struct message message = render_tile_message(tile, render_tile(tile, lens));
    message.id = frames_id(s, selection, tile);
    return message;
}

struct message frames_event(enum channel_kind kind, struct eventlog_entry *entry, struct lens lens)
{
    struct message message = render_event(entry, lens);
    if (kind == CHANNEL_MESSAGES) {
        message.event = STR_NULL;
    } else if (kind == CHANNEL_WS_EVENTS) {
        message.id = STR_NULL; /* it is a member of the JSON, and no member may come twice */
    }
    return message;
}
