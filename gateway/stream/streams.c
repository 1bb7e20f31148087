/* SPDX-License-Identifier: Apache-2.0 */
/* The stream engine: how streams and channels come and go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utlist.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "gateway/stream/streams_state.h"

#define INPUT_READ_BYTES (64 * 1024)
#define INPUT_READS_MAX 4 /* a client that sends more than that at once is cut */

struct streams *streams_create(const struct streams_config *config, struct store *store,
                               struct eventlog *events, int epoll,
                               void (*closed)(void *arg, const struct ip *address), void *arg)
{
    struct streams *s = x_calloc(1, sizeof *s);
    s->config = *config;
    s->store = store;
    s->events = events;
    s->epoll = epoll;
    s->closed = closed;
    s->arg = arg;
    s->first_free = NO_STREAM;
    s->channels = x_calloc(config->max_channels, sizeof(struct channel *));
    s->events_generation = eventlog_generation(events);
    s->ws_parser = ws_parser_create();
    s->input = (struct streams_input){WS_MESSAGE_MAX, 20, 100};
    s->random = (uint64_t)(uintptr_t)s ^ (uint64_t)clock_mono().us;
    return s;
}

/* xorshift64: spreads retries, no more. */
static uint32_t random_below(struct streams *s, uint32_t limit)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return limit != 0 ? (uint32_t)(s->random >> 32) % limit : 0;
}

/* ---- Channels ---- */

static struct channel *find_channel(const struct streams *s, enum channel_kind kind,
                                    const struct selection *selection)
{
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        if (channel->kind == kind && strcmp(channel->selection.text, selection->text) == 0) {
            return channel;
        }
    }
    return NULL;
}

struct channel *channel_for(struct streams *s, enum channel_kind kind, struct selection *selection)
{
    struct channel *channel = find_channel(s, kind, selection);
    if (channel != NULL) {
        return channel;
    }
    if (s->channel_count == s->config.max_channels) {
        return NULL;
    }
    const uint64_t mark =
        channel_has_events(kind) ? eventlog_last(s->events) : store_last_change(s->store);
    channel = channel_create(kind, selection, s->config.ring_max, mark);
    if (channel != NULL) {
        s->channels[s->channel_count++] = channel;
    }
    return channel;
}

static void remove_channel(struct streams *s, struct channel *channel)
{
    if (channel->pending) {
        DL_DELETE(s->work, channel);
    }
    for (size_t i = 0; i < s->channel_count; i++) {
        if (s->channels[i] == channel) {
            s->channels[i] = s->channels[--s->channel_count];
            break;
        }
    }
    channel_destroy(&channel);
}

void channel_schedule(struct streams *s, struct channel *channel)
{
    if (channel->pending) {
        channel->again = channel->again || channel->pass != 0;
    } else {
        channel->pending = true;
        channel->again = false;
        channel->pass = 0;
        DL_APPEND(s->work, channel);
    }
}

/* ---- Life of a stream ---- */

void streams_set_can_resume(struct streams *s,
                            bool (*can_resume)(void *arg, const struct cursor *cursor))
{
    s->can_resume = can_resume;
}

static uint32_t index_of(const struct streams *s, const struct stream *stream)
{
    return (uint32_t)(stream - s->table);
}

static uint32_t take_record(struct streams *s)
{
    if (s->first_free != NO_STREAM) {
        const uint32_t index = s->first_free;
        s->first_free = s->table[index].slot;
        return index;
    }
    if (s->table_count == s->table_cap) {
        s->table_cap = s->table_cap != 0 ? s->table_cap * 2 : 64;
        s->table = x_reallocarray(s->table, s->table_cap, sizeof *s->table);
    }
    return s->table_count++;
}

static void leave_channel(struct streams *s, struct stream *stream)
{
    struct channel *channel = stream->channel;
    const uint32_t moved = channel_leave(channel, stream->slot);
    s->table[moved].slot = stream->slot;
    if (channel->stream_count == 0) {
        remove_channel(s, channel);
    } else if (stream->slot < channel->pass) {
        channel->again = true; /* the one that was moved there may not have had its turn */
    }
}

void stream_move(struct streams *s, struct stream *stream, struct channel *channel)
{
    if (stream->mode == MODE_LIVE) {
        stream_fall_out(stream);
    }
    if (channel != stream->channel) {
        leave_channel(s, stream);
        stream->channel = channel;
        channel_join(channel, index_of(s, stream), &stream->slot);
    }
}

void stream_end(struct streams *s, struct stream *stream)
{
    leave_channel(s, stream);
    ws_stream_free(stream);
    s->counters.ws_ended += stream->websocket;
    s->closed(s->arg, &stream->address);
    close(stream->fd);
    blob_unref(&stream->unfinished);
    free(stream->resume);
    *stream = (struct stream){.fd = -1, .mode = MODE_FREE, .slot = s->first_free};
    s->first_free = index_of(s, stream);
    s->count--;
}

void stream_lost(struct streams *s, struct stream *stream)
{
    /* The error is the kernel's until somebody is told of it; send() may have been. */
    int error = stream->timed_out ? ETIMEDOUT : 0;
    socklen_t len = sizeof error;
    if (error == 0) {
        (void)getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    }
    if (error == ETIMEDOUT || error == EHOSTUNREACH) {
        s->counters.vanished++;
    } else {
        s->counters.closed++;
    }
    stream_end(s, stream);
}

void streams_measure(struct streams *streams, struct latency *latency)
{
    streams->latency = latency;
}

void streams_destroy(struct streams **streams)
{
    struct streams *s = *streams;
    if (s == NULL) {
        return;
    }
    for (uint32_t i = 0; i < s->table_count; i++) {
        if (s->table[i].mode != MODE_FREE) {
            stream_end(s, &s->table[i]);
        }
    }
    buf_free(&s->gather);
    buf_free(&s->frame);
    buf_free(&s->ws_frame);
    ws_parser_destroy(&s->ws_parser);
    free(s->table);
    free(s->channels);
    free(s->pieces);
    free(s);
    *streams = NULL;
}

/* ---- Coming and going ---- */

/* What was said to the stream so far is nothing, or what its request says it has. */
static void begin_walk(struct streams *s, struct stream *stream,
                       const struct stream_request *request, mono_time now)
{
    const uint32_t age_s = (uint32_t)(s->config.max_age_ms / 1000);
    stream->mode = MODE_WALK;
    stream->reset = request->reset;
    stream->address = request->address;
    stream->progress_s = whole_seconds(now);
    stream->ends_s =
        age_s != 0 ? whole_seconds(now) + age_s - random_below(s, age_s / 5 + 1) : UINT32_MAX;
    if (channel_is_websocket(request->kind)) {
        ws_stream_begin(s, stream, now);
    } else if (channel_has_events(request->kind)) {
        stream->mark = request->after_ordinal;
    } else if (request->cursor != NULL) {
        stream->resume = x_memdup(request->cursor, sizeof *request->cursor);
    } else {
        stream->unknown_until = store_last_change(s->store);
    }
}

void streams_set_input(struct streams *s, struct streams_input input)
{
    s->input = input;
}

void streams_set_max(struct streams *s, size_t max_streams)
{
    s->config.max_streams = max_streams;
}

bool streams_has_room(const struct streams *s, const struct stream_request *request)
{
    return s->count < s->config.max_streams &&
           (s->channel_count < s->config.max_channels ||
            find_channel(s, request->kind, &request->selection) != NULL);
}

int streams_attach(struct streams *s, int fd, struct stream_request *request, struct str head,
                   mono_time now)
{
    struct channel *channel = s->count < s->config.max_streams
                                  ? channel_for(s, request->kind, &request->selection)
                                  : NULL;
    selection_free(&request->selection);
    if (channel == NULL) {
        s->counters.refused++;
        close(fd);
        return STATUS_FULL;
    }
    const uint32_t index = take_record(s);
    struct stream *stream = &s->table[index];
    *stream = (struct stream){.fd = fd, .channel = channel};
    channel_join(channel, index, &stream->slot);
    s->count++;
    s->counters.opened++;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET,
                                .data.u64 = STREAMS_EPOLL_TAG | index};
    begin_walk(s, stream, request, now);
    stream->unfinished = blob_new(head); /* goes out with the first values, in one send() */
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        stream_end(s, stream);
        return STATUS_IO;
    }
    stream_push(s, stream, now);
    return STATUS_OK;
}

/* Clients of SSE have nothing to say; what they send all the same is thrown away (MSG_TRUNC copies
 * nothing), but who sends without end is cut. False: the connection is over. */
static bool drain_input(struct stream *stream)
{
    for (int i = 0; i < INPUT_READS_MAX; i++) {
        const ssize_t got = recv(stream->fd, NULL, INPUT_READ_BYTES, MSG_DONTWAIT | MSG_TRUNC);
        if (got <= 0) {
            stream->timed_out = got < 0 && errno == ETIMEDOUT;
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        }
    }
    return false;
}

void streams_ready(struct streams *s, uint64_t data, uint32_t events, mono_time now)
{
    const uint32_t index = (uint32_t)(data & ~STREAMS_EPOLL_TAG);
    if (index >= s->table_count || s->table[index].mode == MODE_FREE) {
        return; /* it ended while the event was on its way */
    }
    struct stream *stream = &s->table[index];
    if (stream->websocket) {
        ws_stream_ready(s, stream, events, now);
        return;
    }
    bool alive = (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) == 0;
    if (alive && (events & EPOLLIN) != 0) {
        alive = drain_input(stream);
    }
    if (alive && (events & EPOLLOUT) != 0) {
        stream->blocked = false;
        stream_push(s, stream, now);
        return;
    }
    if (!alive) {
        stream_lost(s, stream);
    }
}

void streams_sweep(struct streams *s, mono_time now)
{
    const uint32_t now_s = whole_seconds(now);
    const uint32_t stalled_s = (uint32_t)((s->config.stalled_ms + 999) / 1000);
    for (uint32_t i = 0; i < s->table_count; i++) {
        struct stream *stream = &s->table[i];
        if (stream->mode == MODE_FREE) {
            continue;
        }
        if (stream->websocket && ws_stream_sweep(s, stream, now)) {
            continue;
        }
        if (stream->blocked && now_s - stream->progress_s > stalled_s) {
            s->counters.cut++;
            stream_end(s, stream);
        } else if (now_s >= stream->ends_s && !stream->blocked && !stream_has_more(stream)) {
            s->counters.aged++;
            stream_end(s, stream);
        }
    }
}

size_t streams_drain(struct streams *s, size_t max, unsigned spread_ms)
{
    for (uint32_t i = 0; i < s->table_count && max != 0; i++) {
        struct stream *stream = &s->table[i];
        if (stream->mode == MODE_FREE) {
            continue;
        }
        if (!stream->blocked && stream->unfinished == NULL && !ws_stream_closing(stream) &&
            (stream->mode == MODE_WALK ||
             (stream->mode == MODE_LIVE &&
              channel_at_boundary(stream->channel, stream->position)))) {
            buf_clear(&s->frame);
            if (stream->websocket) {
                ws_stream_append_farewell(&s->frame);
            } else {
                buf_printf(&s->frame, "retry: %u\n\n", 250 + random_below(s, spread_ms));
            }
            (void)stream_give(s, stream, buf_str(&s->frame), clock_mono());
        }
        shutdown(stream->fd, SHUT_WR);
        stream_end(s, stream);
        max--;
    }
    return s->count;
}

size_t streams_count(const struct streams *s)
{
    return s->count;
}

size_t streams_channels(const struct streams *s)
{
    return s->channel_count;
}

const struct streams_counters *streams_counters(const struct streams *s)
{
    return &s->counters;
}
