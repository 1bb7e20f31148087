/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/frames.h"

#include "gateway/stream/packer.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/streams_state.h"

static struct deflater *deflater_of(struct streams *s, enum coding coding)
{
    if (coding == CODING_GZIP && s->deflater == NULL) {
        s->deflater = deflate_create();
    }
    return s->deflater;
}

void frames_append(struct streams *s, const struct channel *channel, const struct message *message,
                   struct buf *out)
{
    const struct transport *transport = streams_transport(s, channel->kind);
    if (channel->coding == CODING_NONE) {
        transport->append(out, message);
        return;
    }
    buf_clear(&s->plain);
    transport->append(&s->plain, message);
    coding_append(out, channel->coding, buf_str(&s->plain), deflater_of(s, channel->coding));
}

static void append_bytes(struct streams *s, const struct channel *channel, struct str bytes,
                         struct buf *out)
{
    if (bytes.len != 0) {
        coding_append(out, channel->coding, bytes, deflater_of(s, channel->coding));
    }
}

void frames_append_begin(struct streams *s, const struct channel *channel, struct str preface,
                         struct buf *out)
{
    coding_append_begin(out, channel->coding);
    append_bytes(s, channel, preface, out);
}

void frames_append_end(struct streams *s, const struct channel *channel, struct str last,
                       struct buf *out)
{
    append_bytes(s, channel, last, out);
    coding_append_end(out, channel->coding);
}

struct blob *frames_pack(struct streams *s, struct str gathered, bool *made)
{
    return packer_pack(s->packer, gathered, deflater_of(s, CODING_GZIP), made);
}

struct str frames_make(struct streams *s, const struct channel *channel,
                       const struct message *message, struct buf *out)
{
    buf_clear(out);
    frames_append(s, channel, message, out);
    return buf_str(out);
}

struct blob *frames_tile(struct streams *s, const struct channel *channel, const struct tile *tile)
{
    const bool websocket = channel_is_websocket(channel->kind);
    if (!websocket && channel->coding != CODING_CHUNKED) {
        return NULL;
    }
    struct rendering *rendering = render_tile(tile, (struct lens){0});
    if (!websocket) {
        return rendering->frame;
    }
    if (rendering->ws_frame == NULL) {
        const struct message message = render_tile_message(tile, rendering);
        rendering->ws_frame = blob_new(frames_make(s, channel, &message, &s->frame));
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
