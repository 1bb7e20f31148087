/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/ws/session.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/base/error.h"
#include "gateway/stream/fanout.h"
#include "gateway/stream/records.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/streams_state.h"
#include "gateway/ws/control.h"
#include "gateway/ws/side.h"
#include "gateway/ws/subscription.h"

#define READ_BYTES (16 << 10) /* The bytes of one read. */
#define READS_MAX 16          /* Reads in one turn; a client that sends more is cut. */
#define MESSAGE_STEPS 2000    /* The work of a change of subscription, whatever it says; and of */
#define BYTE_STEPS 2          /* each byte of what it says. */
#define SILENCE_S 30          /* Seconds of silence before a ping. */
#define ANSWER_S 30           /* Seconds in which a ping has to be answered. */

/* ---- What the client sends ---- */

/* Each frame keeps the client busy for a while; who is ahead of the clock by more than a burst is
 * too fast. These are milliseconds that wrap round: the pongs that each client sends keep the two
 * close together. */
static bool on_frame(void *arg)
{
    struct ws_turn *turn = arg;
    const uint32_t now_ms = (uint32_t)(turn->now.us / US_PER_MS);
    uint32_t *busy_ms = &turn->stream->busy_until_ms;
    if ((int32_t)(*busy_ms - now_ms) < 0) {
        *busy_ms = now_ms;
    }
    const uint32_t each_ms = 1000 / turn->s->input.frames_per_second;
    *busy_ms += each_ms;
    if (*busy_ms - now_ms > turn->s->input.frames_burst * each_ms) {
        turn->s->counters.ws_too_fast++;
        ws_control_refuse(turn, WS_CODE_POLICY, "Too many messages; slow down.");
        return false;
    }
    return true;
}

/* Charges for the message. False: the client is in debt, and told to come back. */
static bool charge_message(struct ws_turn *turn, struct str text)
{
    if (stream_charge(turn->s, turn->stream, MESSAGE_STEPS + text.len * BYTE_STEPS)) {
        return true;
    }
    turn->s->counters.ws_in_debt++;
    ws_control_close(turn, WS_CODE_TRY_LATER,
                     STR("As much was asked for as may be in a second; try again later."));
    return false;
}

static bool on_message(void *arg, struct str text)
{
    struct ws_turn *turn = arg;
    struct ws_request request;
    struct error err = {{0}};
    turn->s->counters.ws_messages++;
    if (!charge_message(turn, text)) {
        return false;
    }
    if (ws_request_parse(text, &request, &err) != STATUS_OK) {
        ws_subscription_refuse(turn, err.text);
        return false;
    }
    ws_subscription_change(turn, &request);
    ws_request_free(&request);
    return !ws_side_closing(turn->stream);
}

static bool on_ping(void *arg, struct str payload)
{
    struct ws_turn *turn = arg;
    ws_control_pong(turn->stream, payload);
    return true;
}

static bool on_close(void *arg, enum ws_code code)
{
    ws_control_close(arg, code, STR(""));
    return false;
}

static void on_wrong(void *arg, enum ws_code code, const char *reason)
{
    ws_control_refuse(arg, code, reason);
}

static void take_bytes(struct ws_turn *turn, struct str bytes)
{
    const struct ws_handler handler = {on_frame, on_message, on_ping, on_close, on_wrong, turn};
    struct stream *stream = turn->stream;
    /* The side record may come and go while a message is dealt with. */
    struct ws_partial partial = {0};
    struct ws_side *side = ws_side_get(stream);
    if (side != NULL) {
        partial = side->partial;
        side->partial = (struct ws_partial){0};
    }
    ws_input(turn->s->ws_state, &partial, bytes, turn->s->input.message_bytes, &handler);
    if (ws_partial_empty(&partial) || ws_side_closing(stream)) {
        ws_partial_free(&partial);
    } else {
        ws_side_need(stream)->partial = partial;
    }
    ws_side_drop_if_empty(stream);
}

/* Reads what the client sent. False: the connection is over. */
static bool take_input(struct ws_turn *turn)
{
    struct stream *stream = turn->stream;
    char bytes[READ_BYTES];
    for (int i = 0; i < READS_MAX; i++) {
        const ssize_t got = recv(stream->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0) {
            stream->timed_out = got < 0 && errno == ETIMEDOUT;
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        }
        stream->heard_s = stream_seconds(turn->now);
        stream->pinged = false;
        if (!ws_side_closing(stream)) {
            take_bytes(turn, (struct str){bytes, (size_t)got});
        }
    }
    turn->s->counters.ws_too_fast++;
    return false;
}

/* ---- Life: the hooks of struct transport ---- */

static void *create_parser(void)
{
    return ws_parser_create();
}

static void destroy_parser(void *state)
{
    struct ws_parser *parser = state;
    ws_parser_destroy(&parser);
}

/* A stream begins without a subscription: nothing that changed so far is for it. */
static void begin(struct streams *s, struct stream *stream, const struct stream_request *request,
                  mono_time now)
{
    (void)request;
    stream->watermark = store_last_change(s->store);
    stream->heard_s = stream_seconds(now);
    stream->busy_until_ms = (uint32_t)(now.us / US_PER_MS);
    s->counters.ws_opened++;
}

static void end(struct streams *s, struct stream *stream)
{
    ws_side_free(stream);
    s->counters.ws_ended++;
}

static void ready(struct streams *s, struct stream *stream, uint32_t events, mono_time now)
{
    struct ws_turn turn = {s, stream, now};
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

/* Ends a stream whose client did not take and answer the close frame in time. */
static void sweep_closing(struct streams *s, struct stream *stream, mono_time now)
{
    if (stream_seconds(now) >= stream->ends_s) {
        s->counters.closed++;
        stream_end(s, stream);
    }
}

static bool sweep(struct streams *s, struct stream *stream, mono_time now)
{
    struct ws_turn turn = {s, stream, now};
    const uint32_t now_s = stream_seconds(now);
    const uint32_t silent_s = now_s - stream->heard_s;
    if (ws_side_closing(stream)) {
        sweep_closing(s, stream, now);
        return true;
    }
    if (ws_subscription_waits(stream)) {
        if (ws_subscription_sweep(&turn)) {
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
        ws_control_close(&turn, WS_CODE_GOING_AWAY, STR("It is time to connect anew."));
    } else if (silent_s >= SILENCE_S && !stream->pinged) {
        s->counters.ws_pings++;
        ws_control_ping(stream);
    } else {
        return false;
    }
    stream_push(s, stream, now);
    return true;
}

static void append_farewell(struct buf *out, enum transport_farewell why, unsigned retry_ms)
{
    (void)retry_ms; /* A close frame has no place for it. */
    if (why == TRANSPORT_EXPIRED) {
        const struct message message = render_expired_token();
        ws_frame_append_message(out, &message);
        ws_frame_append_close(out, WS_CODE_UNAUTHORIZED, STR("Come back with a new token."));
        return;
    }
    ws_frame_append_close(out, WS_CODE_GOING_AWAY, STR("This gateway stops; come back."));
}

const struct transport ws_transport = {
    .create = create_parser,
    .destroy = destroy_parser,
    .append = ws_frame_append_message,
    .begin = begin,
    .end = end,
    .ready = ready,
    .sweep = sweep,
    .append_farewell = append_farewell,
    .order = ws_control_order,
    .append_control = ws_control_append,
    .control_given = ws_control_given,
};
