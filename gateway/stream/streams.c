/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/streams.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/xalloc.h"
#include "gateway/stream/channels.h"
#include "gateway/stream/frames.h"
#include "gateway/stream/packer.h"
#include "gateway/stream/records.h"
#include "gateway/stream/send.h"
#include "gateway/stream/streams_state.h"

#define INPUT_MESSAGE_BYTES ((size_t)16 * 1024)
#define INPUT_FRAMES_PER_SECOND 20
#define INPUT_FRAMES_BURST 100
#define RETRY_MIN_MS 250       /* before a client comes back whose stream was ended */
#define EXPIRED_SPREAD_MS 2000 /* so that those who signed in together do not come together */

/* ---- The engine ---- */

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
    s->first_free = STREAM_NONE;
    s->logs_max =
        config->ring_max < SIZE_MAX / STREAMS_LOGS ? config->ring_max * STREAMS_LOGS : SIZE_MAX;
    s->channels = x_calloc(config->max_channels + STREAMS_RESERVED, sizeof(struct channel *));
    for (size_t i = 0; i < VIEW_KINDS; i++) {
        s->indexes[i] = channel_index_create(CHANNEL_INDEX_KEPT_BYTES);
    }
    s->events_generation = eventlog_generation(events);
    s->input =
        (struct streams_input){INPUT_MESSAGE_BYTES, INPUT_FRAMES_PER_SECOND, INPUT_FRAMES_BURST};
    s->random = (uint64_t)(uintptr_t)s ^ (uint64_t)clock_mono().us;
    s->packer = packer_create();
    if (config->websocket->create != NULL) {
        s->ws_state = config->websocket->create();
    }
    return s;
}

void streams_destroy(struct streams **streams)
{
    struct streams *s = *streams;
    if (s == NULL) {
        return;
    }
    for (uint32_t i = 0; i < s->table_count; i++) {
        if (s->table[i].mode != STREAM_FREE) {
            stream_end(s, &s->table[i]);
        }
    }
    if (s->config.websocket->destroy != NULL) {
        s->config.websocket->destroy(s->ws_state);
    }
    packer_destroy(&s->packer);
    deflate_destroy(&s->deflater);
    buf_free(&s->gather);
    buf_free(&s->plain);
    buf_free(&s->frame);
    buf_free(&s->json);
    buf_free(&s->narrow_frame);
    buf_free(&s->narrow_json);
    buf_free(&s->id);
    free(s->table);
    free(s->channels);
    buckets_finish(&s->by_selection);
    for (size_t i = 0; i < VIEW_KINDS; i++) {
        channel_index_destroy(&s->indexes[i]);
    }
    free(s->pieces);
    free(s->named);
    free(s);
    *streams = NULL;
}

/* xorshift64: spreads retries, no more. */
static uint32_t random_below(struct streams *s, uint32_t limit)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return limit != 0 ? (uint32_t)(s->random >> 32) % limit : 0;
}

void streams_measure(struct streams *s, struct latency *latency)
{
    s->latency = latency;
}

void streams_set_can_resume(struct streams *s,
                            bool (*can_resume)(void *arg, const struct cursor *cursor))
{
    s->can_resume = can_resume;
}

void streams_set_accounts(struct streams *s, const struct streams_accounts *accounts)
{
    s->accounts = *accounts;
}

void streams_set_input(struct streams *s, struct streams_input input)
{
    s->input = input;
}

void streams_set_max(struct streams *s, size_t max_streams)
{
    s->config.max_streams = max_streams;
}

/* ---- Coming ---- */

enum streams_room streams_room(const struct streams *s, const struct stream_request *request)
{
    if (s->count >= s->config.max_streams) {
        return STREAMS_FULL;
    }
    return channels_find(s, request->kind, request->coding, request->view, &request->selection) !=
                   NULL
               ? STREAMS_ROOM
               : channels_room(s, &request->selection, &request->address, NULL);
}

/* The first whole second at which the client's credentials have ended; UINT32_MAX for none. */
static uint32_t expiry_of(const struct stream_request *request)
{
    const int64_t us = request->expires.us;
    const int64_t seconds = us / US_PER_S + (us % US_PER_S != 0);
    return us == 0 || seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

static void begin(struct streams *s, struct stream *stream, const struct stream_request *request,
                  mono_time now)
{
    const uint32_t age_s = (uint32_t)(s->config.max_age_ms / 1000);
    stream->reset = request->reset;
    stream->progress_s = stream_seconds(now);
    stream->ends_s =
        age_s != 0 ? stream_seconds(now) + age_s - random_below(s, age_s / 5 + 1) : UINT32_MAX;
    stream->expires_s = expiry_of(request);
    streams_transport(s, request->kind)->begin(s, stream, request, now);
}

int streams_attach(struct streams *s, int fd, struct stream_request *request, struct str head,
                   mono_time now)
{
    struct channel *channel = s->count < s->config.max_streams
                                  ? channels_get(s, request->kind, request->coding, request->view,
                                                 &request->selection, &request->address, NULL)
                                  : NULL;
    selection_free(&request->selection);
    if (channel == NULL) {
        s->counters.refused++;
        close(fd);
        return STATUS_FULL;
    }
    struct stream *stream = stream_take(s, channel, fd, &request->address);
    s->counters.opened++;
    begin(s, stream, request, now);
    buf_clear(&s->frame);
    buf_append_str(&s->frame, head);
    frames_append_begin(s, channel, request->preface, &s->frame);
    stream->unfinished =
        blob_new(buf_str(&s->frame)); /* goes out with the first values, in one send() */
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET,
                                .data.u64 = STREAMS_EPOLL_TAG | stream_index(s, stream)};
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        stream_end(s, stream);
        return STATUS_IO;
    }
    stream_push(s, stream, now);
    return STATUS_OK;
}

/* ---- Staying ---- */

void streams_ready(struct streams *s, uint64_t data, uint32_t events, mono_time now)
{
    const uint32_t index = (uint32_t)(data & ~STREAMS_EPOLL_TAG);
    if (index >= s->table_count || s->table[index].mode == STREAM_FREE) {
        return; /* it ended while the event was on its way */
    }
    struct stream *stream = &s->table[index];
    streams_transport(s, stream->channel->kind)->ready(s, stream, events, now);
}

/* True when the client would understand a farewell now: nothing is half-way, and it has not been
 * told already that the connection closes. */
static bool can_say_farewell(const struct streams *s, const struct stream *stream)
{
    if (stream->blocked || stream->unfinished != NULL ||
        transport_closes(stream_order(s, stream))) {
        return false;
    }
    return stream->mode == STREAM_CATCH_UP ||
           (stream->mode == STREAM_LIVE && channel_at_boundary(stream->channel, stream->position));
}

/* Ends a stream from this side, and says why if that can be said now. */
static void dismiss(struct streams *s, struct stream *stream, enum transport_farewell why,
                    unsigned spread_ms, mono_time now)
{
    if (can_say_farewell(s, stream)) {
        struct buf *text = &s->plain;
        buf_clear(text);
        buf_clear(&s->frame);
        streams_transport(s, stream->channel->kind)
            ->append_farewell(text, why, RETRY_MIN_MS + random_below(s, spread_ms));
        frames_append_end(s, stream->channel, buf_str(text), &s->frame);
        (void)stream_send(s, stream, buf_str(&s->frame), now);
    }
    shutdown(stream->fd, SHUT_WR);
    stream_end(s, stream);
}

void streams_sweep(struct streams *s, mono_time now)
{
    const uint32_t now_s = stream_seconds(now);
    const uint32_t stalled_s = (uint32_t)((s->config.stalled_ms + 999) / 1000);
    for (uint32_t i = 0; i < s->table_count; i++) {
        struct stream *stream = &s->table[i];
        if (stream->mode == STREAM_FREE) {
            continue;
        }
        if (now_s >= stream->expires_s) {
            s->counters.expired++;
            dismiss(s, stream, TRANSPORT_EXPIRED, EXPIRED_SPREAD_MS, now);
            continue;
        }
        const struct transport *transport = streams_transport(s, stream->channel->kind);
        if (transport->sweep != NULL && transport->sweep(s, stream, now)) {
            continue;
        }
        if (stream->blocked && now_s - stream->progress_s > stalled_s) {
            s->counters.cut++;
            stream_end(s, stream);
        } else if (now_s >= stream->ends_s && !stream->blocked && !stream_has_more(stream)) {
            s->counters.aged++;
            dismiss(s, stream, TRANSPORT_AGED, 0, now);
        }
    }
}

/* Each time another one is the first, for the first ones may use up what their client has. */
void streams_resume(struct streams *s)
{
    const uint32_t begin = s->table_count != 0 ? ++s->resumed_at % s->table_count : 0;
    for (uint32_t i = 0; i < s->table_count && s->paused != 0; i++) {
        struct stream *stream = &s->table[(begin + i) % s->table_count];
        if (stream->mode != STREAM_FREE && stream->paused && stream_charge(s, stream, 0)) {
            stream_pause(s, stream, false);
            channels_schedule(s, stream->channel);
        }
    }
}

size_t streams_paused(const struct streams *s)
{
    return s->paused;
}

/* ---- Going ---- */

size_t streams_drain(struct streams *s, size_t max, unsigned spread_ms)
{
    for (uint32_t i = 0; i < s->table_count && max != 0; i++) {
        struct stream *stream = &s->table[i];
        if (stream->mode == STREAM_FREE) {
            continue;
        }
        dismiss(s, stream, TRANSPORT_STOPS, spread_ms, clock_mono());
        max--;
    }
    return s->count;
}

/* ---- Figures ---- */

size_t streams_count(const struct streams *s)
{
    return s->count;
}

size_t streams_channels(const struct streams *s)
{
    return s->channel_count;
}

size_t streams_log_bytes(const struct streams *s)
{
    return s->log_bytes;
}

size_t streams_index_bytes(const struct streams *s)
{
    size_t bytes = 0;
    for (size_t i = 0; i < VIEW_KINDS; i++) {
        bytes += channel_index_bytes(s->indexes[i]);
    }
    return bytes;
}

size_t streams_packed_bytes(const struct streams *s)
{
    return packer_bytes(s->packer);
}

const struct streams_counters *streams_counters(const struct streams *s)
{
    return &s->counters;
}
