/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ws/subscription.h"

#include <stdlib.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "gateway/stream/catch_up.h"
#include "gateway/stream/channels.h"
#include "gateway/stream/records.h"
#include "gateway/stream/resume.h"
#include "gateway/stream/streams_state.h"
#include "gateway/ws/side.h"

/* Seconds for the event to come that a client goes on after, where this gateway is behind another.
 */
#define RESUME_WAIT_S 5

void ws_subscription_refuse(struct ws_turn *turn, const char *reason)
{
    turn->s->counters.ws_bad_requests++;
    ws_control_refuse(turn, WS_CODE_POLICY, reason);
}

/* Moves the stream into the channel of the selection, which it takes over. False: there is no room
 * for another channel. */
static bool enter_channel(struct ws_turn *turn, enum channel_kind kind, struct selection *selection)
{
    struct stream *stream = turn->stream;
    struct channel *channel = channels_get(turn->s, kind, CODING_NONE, stream->channel->view,
                                           selection, &stream->address, stream->channel);
    selection_free(selection);
    if (channel == NULL) {
        ws_control_refuse(turn, WS_CODE_TRY_LATER,
                          "This gateway, or your address on it, has as many different "
                          "subscriptions as it may; try again.");
        return false;
    }
    stream_move(turn->s, stream, channel);
    return true;
}

/* ---- Unsubscribing ---- */

static void become_idle(struct ws_turn *turn)
{
    struct stream *stream = turn->stream;
    struct selection nothing;
    selection_none(&nothing);
    if (enter_channel(turn, CHANNEL_WS_IDLE, &nothing)) {
        known_free(&stream->known);
        stream->reset = false;
        stream->watermark = store_last_change(turn->s->store);
    }
}

static void unsubscribe(struct ws_turn *turn, struct str patterns)
{
    struct stream *stream = turn->stream;
    struct selection selection;
    if (stream->channel->kind == CHANNEL_WS_IDLE) {
        return;
    }
    const int status = ws_selection_remove(&stream->channel->selection, patterns, &selection);
    if (known_is_selection(stream->known)) {
        known_free(&stream->known); /* The client no longer hears of what it gave up. */
    }
    stream->unsubscribed = true;
    if (status == STATUS_OK) {
        (void)enter_channel(turn, stream->channel->kind, &selection);
    } else {
        become_idle(turn);
    }
}

/* ---- Where a first subscription begins ---- */

static void begin_tiles(struct ws_turn *turn, struct str cursor_text)
{
    struct streams *s = turn->s;
    struct stream *stream = turn->stream;
    const struct channel *channel = stream->channel;
    struct cursor cursor;
    stream->watermark = 0;
    stream->unknown_until = stream->unsubscribed ? 0 : store_last_change(s->store);
    if (cursor_text.len == 0) {
        return;
    }
    if (selection_continues(&channel->selection, channel->view, VIEW_TILES, &cursor_text) &&
        cursor_parse(cursor_text, &cursor) && s->can_resume != NULL &&
        s->can_resume(s->arg, &cursor)) {
        stream->known = known_by_cursor(&cursor, store_forgotten(s->store));
        stream->unknown_until = 0;
    } else {
        stream->reset = true;
    }
}

static void begin_events(struct ws_turn *turn, struct str cursor)
{
    struct streams *s = turn->s;
    struct stream *stream = turn->stream;
    stream->watermark = eventlog_last(s->events);
    if (cursor.len != 0) {
        struct event_id id;
        stream->reset = !eventlog_read_id(s->events, cursor, &id) ||
                        !resume_after(s->events, stream->channel->view, id, &stream->watermark);
    }
}

/* ---- Subscribing ---- */

static enum channel_kind kind_wanted(const struct stream *stream, const struct ws_request *request)
{
    const enum channel_kind had = stream->channel->kind;
    if (had == CHANNEL_WS_EVENTS || (had == CHANNEL_WS_IDLE && request->topic == WS_TOPIC_EVENTS)) {
        return CHANNEL_WS_EVENTS;
    }
    if (request->form == WS_FORM_ANY) {
        return had == CHANNEL_WS_IDLE ? CHANNEL_WS_TILES : had;
    }
    return request->form == WS_FORM_PATCH ? CHANNEL_WS_PATCHES : CHANNEL_WS_TILES;
}

/* Narrows the selection to what the client may see. False: it may see nothing of the patterns that
 * it asks for. A request without patterns passes. */
static bool narrow(const struct ws_turn *turn, enum channel_kind kind, struct str patterns,
                   struct selection *selection)
{
    const struct view *view = turn->stream->channel->view;
    const enum view_kind what = channel_has_events(kind) ? VIEW_EVENTS : VIEW_TILES;
    struct selection asked;
    if (ws_selection_add(NULL, patterns, &asked) == STATUS_OK) {
        const bool visible = selection_narrow(&asked, view, what);
        selection_free(&asked);
        if (!visible) {
            return false;
        }
    }
    return selection_narrow(selection, view, what);
}

/* Makes the selection that the stream would have. False: it is refused, or nothing was asked for.
 */
static bool select_wanted(struct ws_turn *turn, struct ws_request *request, enum channel_kind kind,
                          struct selection *selection)
{
    const struct channel *channel = turn->stream->channel;
    const bool idle = channel->kind == CHANNEL_WS_IDLE;
    const struct str patterns = buf_str(&request->subscribe);
    if (!idle && request->topic != WS_TOPIC_ANY &&
        (request->topic == WS_TOPIC_EVENTS) != (channel->kind == CHANNEL_WS_EVENTS)) {
        ws_subscription_refuse(
            turn, "A connection carries tiles or events: open another for the others.");
        return false;
    }
    const int status = ws_selection_add(idle ? NULL : &channel->selection, patterns, selection);
    if (status == STATUS_INVALID) {
        ws_subscription_refuse(
            turn, "A pattern has characters that no name has, or they are more than 256.");
    }
    if (status != STATUS_OK) {
        return false;
    }
    if (!narrow(turn, kind, patterns, selection)) {
        selection_free(selection);
        ws_subscription_refuse(turn, "Nothing that you may see has such a name.");
        return false;
    }
    return true;
}

static void subscribe(struct ws_turn *turn, struct ws_request *request)
{
    struct stream *stream = turn->stream;
    const bool idle = stream->channel->kind == CHANNEL_WS_IDLE;
    const enum channel_kind kind = kind_wanted(stream, request);
    struct selection selection;
    if (!select_wanted(turn, request, kind, &selection)) {
        return;
    }
    stream->anew = !idle || stream->unsubscribed;
    if (!idle && kind != CHANNEL_WS_EVENTS) {
        stream_widen(turn->s, stream);
    }
    if (enter_channel(turn, kind, &selection) && idle) {
        if (kind == CHANNEL_WS_EVENTS) {
            begin_events(turn, buf_str(&request->cursor));
        } else {
            begin_tiles(turn, buf_str(&request->cursor));
        }
    }
}

/* ---- Waiting for the event to go on after ---- */

/* True when the request's cursor is that of an event that has not come here yet, but may; or that
 * is hidden, for how long the answer takes may not tell the two apart. */
static bool is_ahead(const struct ws_turn *turn, const struct ws_request *request)
{
    const struct eventlog *events = turn->s->events;
    const struct view *view = turn->stream->channel->view;
    uint64_t place;
    struct event_id id;
    return request->cursor.len != 0 && eventlog_read_id(events, buf_str(&request->cursor), &id) &&
           !resume_after(events, view, id, &place) && eventlog_may_come(events, id);
}

/* Keeps the request, which it takes over, until the event has come. */
static void begin_waiting(struct ws_turn *turn, struct ws_request *request)
{
    struct ws_side *side = ws_side_need(turn->stream);
    side->waits = x_memdup(request, sizeof *request);
    side->waits_until_s = stream_seconds(turn->now) + RESUME_WAIT_S;
    *request = (struct ws_request){0};
}

/* Subscribes with the cursor as things are: `reset` comes if the event has not. */
static void end_waiting(struct ws_turn *turn)
{
    struct ws_side *side = ws_side_get(turn->stream);
    if (side != NULL && side->waits != NULL) {
        struct ws_request *request = side->waits;
        side->waits = NULL;
        subscribe(turn, request);
        ws_request_free(request);
        free(request);
        ws_side_drop_if_empty(turn->stream);
    }
}

bool ws_subscription_waits(const struct stream *stream)
{
    const struct ws_side *side = ws_side_get(stream);
    return side != NULL && side->waits != NULL;
}

bool ws_subscription_sweep(struct ws_turn *turn)
{
    const struct ws_side *side = ws_side_get(turn->stream);
    if (is_ahead(turn, side->waits) && stream_seconds(turn->now) < side->waits_until_s) {
        return false;
    }
    end_waiting(turn);
    return true;
}

void ws_subscription_change(struct ws_turn *turn, struct ws_request *request)
{
    end_waiting(turn);
    if (request->unsubscribes) {
        unsubscribe(turn, buf_str(&request->unsubscribe));
    }
    if (request->subscribes && !ws_side_closing(turn->stream)) {
        const bool first = turn->stream->channel->kind == CHANNEL_WS_IDLE;
        if (first && request->topic == WS_TOPIC_EVENTS && is_ahead(turn, request)) {
            begin_waiting(turn, request);
        } else {
            subscribe(turn, request);
        }
    }
}
