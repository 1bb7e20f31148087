/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ws/control.h"

#include <string.h>

#include "gateway/stream/records.h"
#include "gateway/stream/streams_state.h"
#include "gateway/ws/side.h"

/* Seconds in which the client has to take the close frame and answer it. */
#define CLOSING_S 5

/* The numbers of control frames, in the order in which they are sent. */
enum { CONTROL_PING = 1, CONTROL_PONG, CONTROL_CLOSE };

/* ---- Asking for control frames ---- */

/* Takes a live stream off its log, so that a control frame can go between messages. */
static void leave_log(struct stream *stream)
{
    if (stream->mode == STREAM_LIVE) {
        stream_fall_out(stream);
    }
}

static void keep_text(struct ws_side *side, struct str text)
{
    side->text_len = text.len < sizeof side->text ? text.len : sizeof side->text;
    memcpy(side->text, text.p, side->text_len);
}

void ws_control_ping(struct stream *stream)
{
    stream->ping = true;
    stream->pinged = true;
    leave_log(stream);
}

void ws_control_pong(struct stream *stream, struct str payload)
{
    struct ws_side *side = ws_side_need(stream);
    side->pong = true;
    side->pong_last = stream->mode == STREAM_CATCH_UP;
    keep_text(side, payload);
    leave_log(stream);
}

void ws_control_close(struct ws_turn *turn, enum ws_code code, struct str reason)
{
    struct stream *stream = turn->stream;
    struct ws_side *side = ws_side_need(stream);
    if (side->closing != WS_OPEN) {
        return;
    }
    side->closing = WS_CLOSE_WANTED;
    side->code = code;
    side->pong = false;
    keep_text(side, reason);
    stream->ping = false;
    stream_pause(turn->s, stream, false); /* nothing but the close frame is left to be said */
    stream->ends_s = stream_seconds(turn->now) + CLOSING_S;
    leave_log(stream);
}

void ws_control_refuse(struct ws_turn *turn, enum ws_code code, const char *reason)
{
    struct streams_counters *counters = &turn->s->counters;
    counters->ws_protocol_errors += code == WS_CODE_PROTOCOL || code == WS_CODE_UNSUPPORTED;
    counters->ws_bad_data += code == WS_CODE_BAD_DATA;
    counters->ws_too_big += code == WS_CODE_TOO_BIG;
    counters->ws_no_room += code == WS_CODE_TRY_LATER;
    ws_control_close(turn, code, str_of(reason));
}

/* ---- The hooks that a catch-up calls ---- */

enum transport_order ws_control_order(const struct stream *stream)
{
    const struct ws_side *side = ws_side_get(stream);
    if (side == NULL) {
        return TRANSPORT_CONTROL_FIRST;
    }
    if (side->closing != WS_OPEN) {
        return side->closing == WS_CLOSE_WANTED ? TRANSPORT_CONTROL_ONLY : TRANSPORT_OVER;
    }
    return side->pong && side->pong_last ? TRANSPORT_CONTROL_LAST : TRANSPORT_CONTROL_FIRST;
}

unsigned ws_control_append(const struct stream *stream, unsigned after, struct buf *out)
{
    const struct ws_side *side = ws_side_get(stream);
    if (after < CONTROL_PING && stream->ping) {
        ws_frame_append(out, WS_PING, STR(""));
        return CONTROL_PING;
    }
    if (after < CONTROL_PONG && side != NULL && side->pong) {
        ws_frame_append(out, WS_PONG, (struct str){side->text, side->text_len});
        return CONTROL_PONG;
    }
    if (after < CONTROL_CLOSE && side != NULL && side->closing == WS_CLOSE_WANTED) {
        ws_frame_append_close(out, side->code, (struct str){side->text, side->text_len});
        return CONTROL_CLOSE;
    }
    return 0;
}

void ws_control_given(struct stream *stream, unsigned control)
{
    if (control == CONTROL_PING) {
        stream->ping = false;
    } else if (control == CONTROL_PONG) {
        ws_side_get(stream)->pong = false;
        ws_side_drop_if_empty(stream);
    } else if (control == CONTROL_CLOSE) {
        ws_side_get(stream)->closing = WS_CLOSE_SENT;
    }
}
