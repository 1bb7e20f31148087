/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ws/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/base/xalloc.h"
#include "gateway/stream/streams_state.h"

#define READ_BYTES (16 * 1024)
#define READS_MAX 16    /* at once; a client that sends more than that is cut */
#define SILENCE_S 30    /* of a client, then it is sent a ping */
#define ANSWER_S 30     /* in which it has to answer with anything */
#define RESUME_WAIT_S 5 /* for the event to go on after, where this gateway is behind another */
#define CLOSING_S 5     /* in which a close frame has to be taken and answered */

/* ---- The side record ---- */

static struct ws_side *side_of(struct stream *stream)
{
    if (stream->ws == NULL) {
        stream->ws = x_calloc(1, sizeof *stream->ws);
    }
    return stream->ws;
}

static void drop_waiting(struct ws_side *side)
{
    if (side->waits != NULL) {
        ws_request_free(side->waits);
        free(side->waits);
        side->waits = NULL;
    }
}

void ws_stream_free(struct stream *stream)
{
    if (stream->ws != NULL) {
        ws_partial_free(&stream->ws->partial);
        selection_free(&stream->ws->held);
        drop_waiting(stream->ws);
        free(stream->ws);
        stream->ws = NULL;
    }
}

static void drop_if_empty(struct stream *stream)
{
    const struct ws_side *side = stream->ws;
    if (side != NULL && ws_partial_empty(&side->partial) && !side->holds && !side->pong &&
        side->waits == NULL && side->closing == WS_OPEN) {
        ws_stream_free(stream);
    }
}

/* ---- Control frames ---- */

bool ws_stream_closing(const struct stream *stream)
{
    return stream->ws != NULL && stream->ws->closing != WS_OPEN;
}

bool ws_stream_pong_last(const struct stream *stream)
{
    return stream->ws != NULL && stream->ws->pong && stream->ws->pong_last;
}

/* Something is to be sent between the frames of the log. */
static void interrupt(struct stream *stream)
{
    if (stream->mode == MODE_LIVE) {
        stream_fall_out(stream);
    }
}

static void begin_close(struct stream *stream, enum ws_code code, struct str reason, mono_time now)
{
    struct ws_side *side = side_of(stream);
    if (side->closing != WS_OPEN) {
        return;
    }
    side->closing = WS_CLOSE_WANTED;
    side->code = code;
    side->pong = false;
    side->text_len = reason.len < sizeof side->text ? reason.len : sizeof side->text;
    memcpy(side->text, reason.p, side->text_len);
    stream->ping = false;
    stream->ends_s = whole_seconds(now) + CLOSING_S;
    interrupt(stream);
}

bool ws_stream_closed(const struct stream *stream)
{
    return stream->ws != NULL && stream->ws->closing == WS_CLOSE_SAID;
}

bool ws_stream_control(const struct stream *stream, enum ws_control control, struct buf *out)
{
    const struct ws_side *side = stream->ws;
    const struct str text =
        side != NULL ? (struct str){side->text, side->text_len} : (struct str){0};
    if (control == WS_CONTROL_PING && stream->ping) {
        ws_frame_append(out, WS_PING, STR(""));
        return true;
    }
    if (control == WS_CONTROL_PONG && side != NULL && side->pong) {
        ws_frame_append(out, WS_PONG, text);
        return true;
    }
    if (control == WS_CONTROL_CLOSE && side != NULL && side->closing == WS_CLOSE_WANTED) {
        ws_frame_append_close(out, side->code, text);
        return true;
    }
    return false;
}

void ws_stream_said(struct stream *stream, enum ws_control control)
{
    if (control == WS_CONTROL_PING) {
        stream->ping = false;
    } else if (control == WS_CONTROL_PONG) {
        stream->ws->pong = false;
        drop_if_empty(stream);
    } else if (control == WS_CONTROL_CLOSE) {
        stream->ws->closing = WS_CLOSE_SAID;
    }
}

void ws_stream_shut(struct stream *stream)
{
    stream->mode = MODE_CLOSED;
    shutdown(stream->fd, SHUT_WR);
}

void ws_stream_append_farewell(struct buf *out)
{
    ws_frame_append_close(out, WS_CODE_GOING_AWAY, STR("This gateway stops; come back."));
}

/* ---- What the client has ---- */

bool ws_stream_knows(const struct stream *stream, struct str key)
{
    return stream->ws != NULL && stream->ws->holds && selection_matches(&stream->ws->held, key);
}

bool ws_stream_has(const struct stream *stream, const struct tile *tile)
{
    return stream->ws != NULL && stream->ws->holds && tile->change <= stream->ws->held_until &&
           ws_stream_knows(stream, (struct str){tile->key, tile->key_len});
}

bool ws_stream_outdated(const struct stream *stream, uint64_t forgotten)
{
    return stream->ws != NULL && stream->ws->holds && stream->ws->held_until < forgotten;
}

void ws_stream_forget_held(struct stream *stream)
{
    if (stream->ws != NULL) {
        selection_free(&stream->ws->held);
        stream->ws->holds = false;
        drop_if_empty(stream);
    }
}

/*
 * A walk over all tiles begins anew, for there are new ones among the selected; those that the
 * client has it passes over. Of a walk under way that was begun for the same reason what it has
 * given since is not remembered: the client gets that twice, which does no harm.
 */
static void hold(struct streams *s, struct stream *stream)
{
    if (stream->mode == MODE_LIVE) {
        stream_fall_out(stream);
        stream->unknown_until = store_last_change(s->store);
    }
    if (stream->unsubscribed) {
        stream->unknown_until = 0;
    }
    struct ws_side *side = side_of(stream);
    if (stream->reset) {
        ws_stream_forget_held(stream); /* it is about to forget them, too */
    } else if (!side->holds &&
               selection_parse(&side->held, stream->channel->selection.text) == STATUS_OK) {
        side->holds = true;
        side->held_until = stream->mark;
    }
    free(stream->resume);
    stream->resume = NULL;
    stream->mark = 0;
}

/* ---- Subscriptions ---- */

struct turn {
    struct streams *s;
    struct stream *stream;
    mono_time now;
};

static void refuse(struct turn *turn, enum ws_code code, const char *reason)
{
    struct streams_counters *counters = &turn->s->counters;
    counters->ws_protocol_errors += code == WS_CODE_PROTOCOL || code == WS_CODE_UNSUPPORTED;
    counters->ws_bad_data += code == WS_CODE_BAD_DATA;
    counters->ws_too_big += code == WS_CODE_TOO_BIG;
    counters->ws_no_room += code == WS_CODE_TRY_LATER;
    begin_close(turn->stream, code, str_of(reason), turn->now);
}

static void refuse_request(struct turn *turn, const char *reason)
{
    turn->s->counters.ws_bad_requests++;
    refuse(turn, WS_CODE_POLICY, reason);
}

/* Takes the selection over. False: there is no room for another channel. */
static bool enter(struct turn *turn, enum channel_kind kind, struct selection *selection)
{
    struct channel *channel = channel_for(turn->s, kind, selection);
    selection_free(selection);
    if (channel == NULL) {
        refuse(turn, WS_CODE_TRY_LATER,
               "This gateway has as many different subscriptions as it may; try again.");
        return false;
    }
    stream_move(turn->s, turn->stream, channel);
    return true;
}

static void become_idle(struct turn *turn)
{
    struct stream *stream = turn->stream;
    struct selection nothing;
    ws_idle_selection(&nothing);
    if (enter(turn, CHANNEL_WS_IDLE, &nothing)) {
        free(stream->resume);
        stream->resume = NULL;
        stream->reset = false;
        stream->mark = store_last_change(turn->s->store);
    }
}

static void unsubscribe(struct turn *turn, struct str patterns)
{
    struct stream *stream = turn->stream;
    struct selection selection;
    if (stream->channel->kind == CHANNEL_WS_IDLE) {
        return;
    }
    const int status = ws_selection_remove(&stream->channel->selection, patterns, &selection);
    ws_stream_forget_held(stream);
    stream->unsubscribed = true;
    if (status == STATUS_OK) {
        (void)enter(turn, stream->channel->kind, &selection);
    } else {
        become_idle(turn);
    }
}

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

static void begin_tiles(struct turn *turn, struct str cursor_text)
{
    struct streams *s = turn->s;
    struct stream *stream = turn->stream;
    struct cursor cursor;
    stream->mark = 0;
    stream->unknown_until = stream->unsubscribed ? 0 : store_last_change(s->store);
    if (cursor_text.len == 0) {
        return;
    }
    if (cursor_parse(cursor_text, &cursor) && s->can_resume != NULL &&
        s->can_resume(s->arg, &cursor)) {
        stream->resume = x_memdup(&cursor, sizeof cursor);
        stream->unknown_until = 0;
    } else {
        stream->reset = true;
    }
}

/* The event's id; -1: it is none. */
static int64_t event_id(struct buf *cursor)
{
    char *end;
    errno = 0;
    const long long id = strtoll(buf_cstr(cursor), &end, 10);
    return *end == '\0' && errno == 0 && id >= 0 ? id : -1;
}

static void begin_events(struct turn *turn, struct buf *cursor)
{
    struct streams *s = turn->s;
    struct stream *stream = turn->stream;
    stream->mark = eventlog_last(s->events);
    if (cursor->len != 0) {
        stream->reset = !eventlog_resume(s->events, event_id(cursor), &stream->mark);
    }
}

/* Is the cursor that of an event that has not come here yet? */
static bool ahead(const struct turn *turn, struct ws_request *request)
{
    const struct eventlog *events = turn->s->events;
    const int64_t id = request->cursor.len != 0 ? event_id(&request->cursor) : -1;
    return id >= 0 && eventlog_find(events, id) == NULL && eventlog_may_come(events, id);
}

/* Takes the request over, until the event has come. */
static void wait_to_resume(struct turn *turn, struct ws_request *request)
{
    struct ws_side *side = side_of(turn->stream);
    side->waits = x_memdup(request, sizeof *request);
    side->waits_until_s = whole_seconds(turn->now) + RESUME_WAIT_S;
    *request = (struct ws_request){0};
}

static void subscribe(struct turn *turn, struct ws_request *request)
{
    struct stream *stream = turn->stream;
    const enum channel_kind had = stream->channel->kind;
    const bool idle = had == CHANNEL_WS_IDLE;
    const enum channel_kind kind = kind_wanted(stream, request);
    struct selection selection;
    if (!idle && request->topic != WS_TOPIC_ANY &&
        (request->topic == WS_TOPIC_EVENTS) != (had == CHANNEL_WS_EVENTS)) {
        refuse_request(turn, "A connection carries tiles or events: open another for the others.");
        return;
    }
    const int status = ws_selection_add(idle ? NULL : &stream->channel->selection,
                                        buf_str(&request->subscribe), &selection);
    if (status == STATUS_INVALID) {
        refuse_request(turn,
                       "A pattern has characters that no name has, or they are more than 256.");
    }
    if (status != STATUS_OK) {
        return; /* or nothing was asked for */
    }
    if (!idle && kind != CHANNEL_WS_EVENTS) {
        hold(turn->s, stream);
    }
    if (enter(turn, kind, &selection) && idle) {
        if (kind == CHANNEL_WS_EVENTS) {
            begin_events(turn, &request->cursor);
        } else {
            begin_tiles(turn, buf_str(&request->cursor));
        }
    }
}

/* Subscribes with the cursor as things are: `reset` comes if the event has not. */
static void end_waiting(struct turn *turn)
{
    if (turn->stream->ws != NULL && turn->stream->ws->waits != NULL) {
        struct ws_request *request = turn->stream->ws->waits;
        turn->stream->ws->waits = NULL;
        subscribe(turn, request);
        ws_request_free(request);
        free(request);
        drop_if_empty(turn->stream);
    }
}

/* ---- What the client sends ---- */

/* Each frame keeps it busy for a while; who is ahead of the clock by more than a burst is too fast.
 * Milliseconds that wrap round: the pongs that each client sends keep the two close together. */
static bool on_frame(void *arg)
{
    struct turn *turn = arg;
    const uint32_t now_ms = (uint32_t)(turn->now.us / US_PER_MS);
    uint32_t *busy_ms = &turn->stream->busy_until_ms;
    if ((int32_t)(*busy_ms - now_ms) < 0) {
        *busy_ms = now_ms;
    }
    const uint32_t each_ms = 1000 / turn->s->input.frames_per_second;
    *busy_ms += each_ms;
    if (*busy_ms - now_ms > turn->s->input.frames_burst * each_ms) {
        turn->s->counters.ws_too_fast++;
        refuse(turn, WS_CODE_POLICY, "Too many messages; slow down.");
        return false;
    }
    return true;
}

static bool on_message(void *arg, struct str text)
{
    struct turn *turn = arg;
    struct ws_request request;
    struct error err = {{0}};
    turn->s->counters.ws_messages++;
    if (ws_request_parse(text, &request, &err) != STATUS_OK) {
        refuse_request(turn, err.text);
        return false;
    }
    end_waiting(turn);
    if (request.unsubscribes) {
        unsubscribe(turn, buf_str(&request.unsubscribe));
    }
    if (request.subscribes && !ws_stream_closing(turn->stream)) {
        const bool first = turn->stream->channel->kind == CHANNEL_WS_IDLE;
        if (first && request.topic == WS_TOPIC_EVENTS && ahead(turn, &request)) {
            wait_to_resume(turn, &request);
        } else {
            subscribe(turn, &request);
        }
    }
    ws_request_free(&request);
    return !ws_stream_closing(turn->stream);
}

static bool on_ping(void *arg, struct str payload)
{
    struct turn *turn = arg;
    struct ws_side *side = side_of(turn->stream);
    side->pong = true;
    side->pong_last = turn->stream->mode == MODE_WALK;
    side->text_len = payload.len;
    memcpy(side->text, payload.p, payload.len);
    interrupt(turn->stream);
    return true;
}

static bool on_close(void *arg, enum ws_code code)
{
    struct turn *turn = arg;
    begin_close(turn->stream, code, STR(""), turn->now);
    return false;
}

static void on_wrong(void *arg, enum ws_code code, const char *reason)
{
    refuse(arg, code, reason);
}

static void take_bytes(struct turn *turn, struct str bytes)
{
    const struct ws_handler handler = {on_frame, on_message, on_ping, on_close, on_wrong, turn};
    struct stream *stream = turn->stream;
    /* The side record may come and go while a message is dealt with. */
    struct ws_partial partial = {0};
    if (stream->ws != NULL) {
        partial = stream->ws->partial;
        stream->ws->partial = (struct ws_partial){0};
    }
    ws_input(turn->s->ws_parser, &partial, bytes, turn->s->input.message_bytes, &handler);
    if (ws_partial_empty(&partial) || ws_stream_closing(stream)) {
        ws_partial_free(&partial);
    } else {
        side_of(stream)->partial = partial;
    }
    drop_if_empty(stream);
}

/* False: the connection is over. */
static bool take_input(struct turn *turn)
{
    struct stream *stream = turn->stream;
    char bytes[READ_BYTES];
    for (int i = 0; i < READS_MAX; i++) {
        const ssize_t got = recv(stream->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0) {
            stream->timed_out = got < 0 && errno == ETIMEDOUT;
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        }
        stream->heard_s = whole_seconds(turn->now);
        stream->pinged = false;
        if (!ws_stream_closing(stream)) {
            take_bytes(turn, (struct str){bytes, (size_t)got});
        }
    }
    turn->s->counters.ws_too_fast++;
    return false;
}

/* ---- Life ---- */

void ws_stream_begin(struct streams *s, struct stream *stream, mono_time now)
{
    stream->websocket = true;
    stream->mark = store_last_change(s->store);
    stream->heard_s = whole_seconds(now);
    stream->busy_until_ms = (uint32_t)(now.us / US_PER_MS);
    s->counters.ws_opened++;
}

void ws_stream_ready(struct streams *s, struct stream *stream, uint32_t events, mono_time now)
{
    struct turn turn = {s, stream, now};
    bool alive = (events & (EPOLLERR | EPOLLHUP)) == 0;
    if (alive && (events & (EPOLLIN | EPOLLRDHUP)) != 0) {
        alive = take_input(&turn);
    }
    if (!alive) {
        stream_lost(s, stream);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        stream->blocked = false;
    }
    stream_push(s, stream, now);
}

bool ws_stream_sweep(struct streams *s, struct stream *stream, mono_time now)
{
    const uint32_t now_s = whole_seconds(now);
    const uint32_t silent_s = now_s - stream->heard_s;
    if (ws_stream_closing(stream)) {
        if (now_s >= stream->ends_s) {
            s->counters.closed++;
            stream_end(s, stream);
        }
        return true;
    }
    if (stream->ws != NULL && stream->ws->waits != NULL) {
        struct turn turn = {s, stream, now};
        if (!ahead(&turn, stream->ws->waits) || now_s >= stream->ws->waits_until_s) {
            end_waiting(&turn);
            stream_push(s, stream, now);
        }
        return true;
    }
    if (silent_s >= SILENCE_S + ANSWER_S) {
        s->counters.ws_unanswered++;
        stream_end(s, stream);
        return true;
    }
    if (now_s >= stream->ends_s && !stream->blocked && !stream_has_more(stream)) {
        s->counters.aged++;
        begin_close(stream, WS_CODE_GOING_AWAY, STR("It is time to connect anew."), now);
    } else if (silent_s >= SILENCE_S && !stream->pinged) {
        s->counters.ws_pings++;
        stream->ping = true;
        stream->pinged = true;
        interrupt(stream);
    } else {
        return false;
    }
    stream_push(s, stream, now);
    return true;
}
