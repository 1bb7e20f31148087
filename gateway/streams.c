#include "gateway/streams.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "common/xalloc.h"
#include "gateway/render.h"

#define NO_STREAM UINT32_MAX
#define GATHER_BYTES (64 * 1024) /* of a walk, for one send() */

enum stream_mode { MODE_FREE, MODE_LIVE, MODE_WALK };

/* At most 128 bytes: tens of thousands of these are what a gateway is made of. */
struct stream {
    int fd;
    uint32_t slot; /* in its channel's streams; MODE_FREE: the next free one */
    enum stream_mode mode : 8;
    bool blocked : 1;    /* the socket is full: epoll tells when it is not */
    bool fresh : 1;      /* its first walk: the client knows nothing yet */
    bool slow : 1;       /* it was full before */
    bool reset : 1;      /* to be told `reset` before all else */
    uint32_t progress_s; /* when it last accepted something; monotonic seconds */
    uint32_t ends_s;     /* when it is too old */
    struct channel *channel;
    uint64_t position;       /* MODE_LIVE: in the channel's log */
    uint64_t mark;           /* MODE_WALK: given up to this */
    struct blob *unfinished; /* a frame sent in part; goes out before all else */
    uint32_t unfinished_at;
    struct cursor
        *resume; /* MODE_WALK: the client has what is not newer than this; NULL: nothing */
    struct ip address;
};
_Static_assert(sizeof(struct stream) <= 128, "a stream's record has grown too large");

struct streams {
    struct streams_config config;
    struct store *store;
    struct eventlog *events;
    int epoll;
    void (*closed)(void *arg, const struct ip *address);
    void *arg;
    struct stream *table;
    uint32_t table_count; /* used so far */
    uint32_t table_cap;
    uint32_t first_free;
    size_t count;
    struct channel **channels;
    size_t channel_count;
    struct channel **work; /* channels with `pending` */
    size_t work_count;
    uint64_t events_seen; /* ordinal */
    uint32_t events_generation;
    struct buf gather; /* scratch of walks */
    struct buf frame;  /* scratch of frames */
    uint64_t random;
    struct streams_counters counters;
};

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
    s->work = x_calloc(config->max_channels, sizeof(struct channel *));
    s->events_generation = eventlog_generation(events);
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

static struct channel *channel_for(struct streams *s, enum channel_kind kind,
                                   struct selection *selection)
{
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        if (channel->kind == kind && strcmp(channel->selection.text, selection->text) == 0) {
            return channel;
        }
    }
    if (s->channel_count == s->config.max_channels) {
        return NULL;
    }
    const uint64_t mark =
        channel_has_events(kind) ? eventlog_last(s->events) : store_last_change(s->store);
    struct channel *channel = channel_create(kind, selection, s->config.ring_max, mark);
    if (channel != NULL) {
        s->channels[s->channel_count++] = channel;
    }
    return channel;
}

static void remove_channel(struct streams *s, struct channel *channel)
{
    for (size_t i = 0; i < s->work_count; i++) {
        if (s->work[i] == channel) {
            s->work[i] = s->work[--s->work_count];
            break;
        }
    }
    for (size_t i = 0; i < s->channel_count; i++) {
        if (s->channels[i] == channel) {
            s->channels[i] = s->channels[--s->channel_count];
            break;
        }
    }
    channel_destroy(&channel);
}

/* The channel's streams are gone through once more, after the pass that may be under way. */
static void schedule(struct streams *s, struct channel *channel)
{
    if (channel->pending) {
        channel->again = channel->again || channel->pass != 0;
    } else {
        channel->pending = true;
        channel->again = false;
        channel->pass = 0;
        s->work[s->work_count++] = channel;
    }
}

/* ---- Life of a stream ---- */

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

static void end(struct streams *s, struct stream *stream)
{
    struct channel *channel = stream->channel;
    const uint32_t moved = channel_leave(channel, stream->slot);
    s->table[moved].slot = stream->slot;
    if (channel->stream_count == 0) {
        remove_channel(s, channel);
    } else if (stream->slot < channel->pass) {
        channel->pass = stream->slot; /* the one that was moved may not have had its turn */
    }
    s->closed(s->arg, &stream->address);
    close(stream->fd);
    blob_unref(&stream->unfinished);
    free(stream->resume);
    *stream = (struct stream){.fd = -1, .mode = MODE_FREE, .slot = s->first_free};
    s->first_free = index_of(s, stream);
    s->count--;
}

void streams_destroy(struct streams **streams)
{
    struct streams *s = *streams;
    if (s == NULL) {
        return;
    }
    for (uint32_t i = 0; i < s->table_count; i++) {
        if (s->table[i].mode != MODE_FREE) {
            end(s, &s->table[i]);
        }
    }
    buf_free(&s->gather);
    buf_free(&s->frame);
    free(s->table);
    free(s->channels);
    free(s->work);
    free(s);
    *streams = NULL;
}

static uint32_t seconds(mono_time t)
{
    return (uint32_t)(t.us / US_PER_S);
}

/* ---- Sending ---- */

/* Returns how much was taken; -1 when the connection is gone. */
static ssize_t give(struct streams *s, struct stream *stream, struct str bytes, mono_time now)
{
    const ssize_t sent = send(stream->fd, bytes.p, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    s->counters.sends++;
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return -1;
    }
    const size_t taken = sent > 0 ? (size_t)sent : 0;
    if (taken != 0) {
        stream->progress_s = seconds(now);
        s->counters.bytes += taken;
    }
    if (taken < bytes.len) {
        if (!stream->blocked) {
            stream->progress_s = seconds(now); /* from here on it is waited for */
        }
        stream->blocked = true;
        stream->slow = true;
        s->counters.blocked++;
    }
    return (ssize_t)taken;
}

static bool finish_frame(struct streams *s, struct stream *stream, mono_time now)
{
    const struct blob *blob = stream->unfinished;
    const struct str rest = {blob->data + stream->unfinished_at, blob->len - stream->unfinished_at};
    const ssize_t taken = give(s, stream, rest, now);
    if (taken < 0) {
        return false;
    }
    stream->unfinished_at += (uint32_t)taken;
    if ((size_t)taken == rest.len) {
        blob_unref(&stream->unfinished);
    }
    return true;
}

/* Everything that the log has for it. */
static bool send_live(struct streams *s, struct stream *stream, mono_time now)
{
    const struct str bytes = ring_from(&stream->channel->ring, stream->position);
    if (bytes.len == 0) {
        return true;
    }
    const ssize_t taken = give(s, stream, bytes, now);
    if (taken < 0) {
        return false;
    }
    stream->position += (uint64_t)taken;
    return true;
}

/* ---- Walks ---- */

/* Does a resuming client have this already? */
static bool client_has(const struct stream *stream, const struct tile *tile)
{
    return stream->resume != NULL && tile->lane < stream->resume->lanes && !tile->stale &&
           version_compare(tile->version, stream->resume->at[tile->lane]) <= 0;
}

/* The next frame of a walk over tiles, with a reference for the caller; NULL at the end. */
static struct blob *next_tile_frame(struct streams *s, struct stream *stream)
{
    const struct tile *tile;
    while ((tile = store_next(s->store, stream->mark)) != NULL) {
        stream->mark = tile->change;
        const struct str key = {tile->key, tile->key_len};
        if (client_has(stream, tile) || !selection_matches(&stream->channel->selection, key)) {
            continue;
        }
        if (tile->value != NULL) {
            return blob_ref(render_tile(tile)->frame);
        }
        if (!stream->fresh) {
            const struct rendered_tile *rendered = tile->cache;
            buf_clear(&s->frame);
            render_expired(&s->frame, rendered->cursor, key);
            return blob_new(buf_str(&s->frame));
        }
    }
    return NULL;
}

/* The event as the channel's streams get it. Borrowed until the next frame is made. */
static struct str event_frame(struct streams *s, const struct channel *channel,
                              struct eventlog_entry *entry)
{
    const struct blob *frame = render_event(entry);
    if (channel->kind == CHANNEL_EVENTS) {
        return blob_str(frame);
    }
    buf_clear(&s->frame);
    render_message(&s->frame, entry->id, event_json(frame));
    return buf_str(&s->frame);
}

static struct blob *next_event_frame(struct streams *s, struct stream *stream)
{
    struct eventlog_entry *entry;
    while ((entry = eventlog_after(s->events, stream->mark)) != NULL &&
           entry->ordinal <= s->events_seen) {
        stream->mark = entry->ordinal;
        if (selection_matches(&stream->channel->selection, entry->event_type)) {
            return stream->channel->kind == CHANNEL_EVENTS
                       ? blob_ref(render_event(entry))
                       : blob_new(event_frame(s, stream->channel, entry));
        }
    }
    return NULL;
}

static struct blob *next_frame(struct streams *s, struct stream *stream)
{
    if (stream->reset) {
        stream->reset = false;
        s->counters.resets++;
        buf_clear(&s->frame);
        render_reset(&s->frame);
        return blob_new(buf_str(&s->frame));
    }
    return channel_has_events(stream->channel->kind) ? next_event_frame(s, stream)
                                                     : next_tile_frame(s, stream);
}

static void go_live(struct stream *stream)
{
    stream->mode = MODE_LIVE;
    stream->slow = false;
    stream->fresh = false;
    stream->position = stream->channel->ring.head;
    free(stream->resume);
    stream->resume = NULL;
}

/* Removals that were forgotten, events that have left the log: what the client holds cannot be
 * continued. */
static void check_continuity(struct streams *s, struct stream *stream)
{
    const bool events = channel_has_events(stream->channel->kind);
    if (events && stream->mark < eventlog_floor(s->events)) {
        stream->reset = true;
        stream->mark = s->events_seen;
    } else if (!events && stream->mark != 0 && stream->mark < store_forgotten(s->store)) {
        stream->reset = true;
        stream->mark = 0;
    }
}

/*
 * Gathers frames and sends them at once: up to GATHER_BYTES to a socket that has taken all so far,
 * but one by one to one that was full just now. So what is left over, and must be kept, is at most
 * GATHER_BYTES once, and of a slow client one frame.
 */
static bool send_walk(struct streams *s, struct stream *stream, mono_time now)
{
    const size_t limit = stream->slow ? 1 : GATHER_BYTES;
    check_continuity(s, stream);
    buf_clear(&s->gather);
    struct blob *frame;
    while (s->gather.len < limit && (frame = next_frame(s, stream)) != NULL) {
        buf_append(&s->gather, frame->data, frame->len);
        s->counters.deliveries++;
        blob_unref(&frame);
    }
    if (s->gather.len == 0) {
        go_live(stream);
        return true;
    }
    const ssize_t taken = give(s, stream, buf_str(&s->gather), now);
    if (taken >= 0 && (size_t)taken < s->gather.len) {
        /* What did not go out of the gathered frames is kept as one unfinished piece. */
        stream->unfinished =
            blob_new((struct str){s->gather.data + taken, s->gather.len - (size_t)taken});
        stream->unfinished_at = 0;
    }
    return taken >= 0;
}

/* One send(). False when the connection is gone. */
static bool advance(struct streams *s, struct stream *stream, mono_time now)
{
    if (stream->unfinished != NULL) {
        return finish_frame(s, stream, now);
    }
    return stream->mode == MODE_WALK ? send_walk(s, stream, now) : send_live(s, stream, now);
}

static bool has_more(const struct stream *stream)
{
    return stream->unfinished != NULL || stream->mode == MODE_WALK ||
           stream->position < stream->channel->ring.head;
}

/* Sends what there is, within reason; the rest has its turn with the others. */
static void push(struct streams *s, struct stream *stream, mono_time now)
{
    for (int i = 0; i < 4 && !stream->blocked && has_more(stream); i++) {
        if (!advance(s, stream, now)) {
            s->counters.closed++;
            end(s, stream);
            return;
        }
    }
    if (!stream->blocked && has_more(stream)) {
        schedule(s, stream->channel);
    }
}

bool streams_run(struct streams *s, unsigned budget, mono_time now)
{
    while (s->work_count != 0 && budget != 0) {
        struct channel *channel = s->work[0];
        if (channel->pass >= channel->stream_count && channel->again) {
            channel->again = false;
            channel->pass = 0;
            continue;
        }
        if (channel->pass >= channel->stream_count) {
            channel->pending = false;
            s->work[0] = s->work[--s->work_count];
            continue;
        }
        struct stream *stream = &s->table[channel->streams[channel->pass++]];
        for (bool gone = false; !gone && !stream->blocked && has_more(stream) && budget != 0;) {
            budget--;
            gone = !advance(s, stream, now);
            if (gone) {
                s->counters.closed++;
                end(s, stream); /* may remove the channel */
            }
        }
        if (budget == 0 && s->work_count != 0 && s->work[0] == channel && channel->pass != 0) {
            channel->pass--; /* it may not have got all */
        }
    }
    return s->work_count != 0;
}

/* ---- Frames into logs ---- */

/* The log runs away from streams that stand before the position: each goes on as a walk, after the
 * frame it is in. */
static void leave_behind(struct streams *s, struct channel *channel, uint64_t position)
{
    uint64_t slowest = UINT64_MAX;
    for (size_t i = 0; i < channel->stream_count; i++) {
        struct stream *stream = &s->table[channel->streams[i]];
        if (stream->mode != MODE_LIVE) {
            continue;
        }
        if (stream->position >= position) {
            slowest = stream->position < slowest ? stream->position : slowest;
            continue;
        }
        uint64_t mark_before;
        const struct frame_end frame = channel_frame_at(channel, stream->position, &mark_before);
        const bool inside = !channel_at_boundary(channel, stream->position);
        if (inside) {
            const struct str rest = ring_from(&channel->ring, stream->position);
            stream->unfinished =
                blob_new((struct str){rest.p, (size_t)(frame.position - stream->position)});
            stream->unfinished_at = 0;
        }
        stream->mark = inside ? frame.mark : mark_before;
        stream->mode = MODE_WALK;
        s->counters.conflated++;
    }
    channel->slowest = slowest;
}

static void append(struct streams *s, struct channel *channel, struct str frame, uint64_t mark)
{
    const uint64_t until = channel_crowded(channel, frame.len);
    if (until != 0) {
        const uint64_t dropped = until == UINT64_MAX ? channel->ring.head : until;
        if (channel->slowest < dropped) {
            leave_behind(s, channel, dropped);
        }
        channel_drop(channel, dropped);
        if (until == UINT64_MAX) {
            /* It fits no log: all streams fetch it as a walk. */
            leave_behind(s, channel, channel->ring.head + 1);
            schedule(s, channel);
            return;
        }
    }
    channel_append(channel, frame, mark);
    s->counters.frames++;
    s->counters.deliveries += channel->stream_count;
    schedule(s, channel);
}

static void tile_frame(struct streams *s, const struct channel *channel, const struct tile *tile,
                       enum store_change change, const mp_value *patch, struct version base)
{
    const struct rendered_tile *rendered = tile->cache;
    buf_clear(&s->frame);
    if (change == STORE_REMOVED) {
        render_expired(&s->frame, rendered->cursor, (struct str){tile->key, tile->key_len});
    } else if (channel->kind == CHANNEL_PATCHES && patch != NULL) {
        render_patch(&s->frame, rendered->cursor, tile, patch, base);
    }
}

void streams_tile(struct streams *s, const struct tile *tile, enum store_change change,
                  const mp_value *patch, struct version base)
{
    if (change == STORE_REFRESHED) {
        return;
    }
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        if (channel_has_events(channel->kind) ||
            !selection_matches(&channel->selection, (struct str){tile->key, tile->key_len})) {
            continue;
        }
        tile_frame(s, channel, tile, change, patch, base);
        const struct str frame =
            s->frame.len != 0 ? buf_str(&s->frame) : blob_str(render_tile(tile)->frame);
        append(s, channel, frame, tile->change);
    }
}

/* The numbering began anew, or events were lost: all that streams were given is history. */
static void reset_events(struct streams *s)
{
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        if (!channel_has_events(channel->kind)) {
            continue;
        }
        for (size_t k = 0; k < channel->stream_count; k++) {
            struct stream *stream = &s->table[channel->streams[k]];
            if (stream->mode == MODE_WALK) {
                stream->reset = true;
                stream->mark = s->events_seen;
            }
        }
        buf_clear(&s->frame);
        render_reset(&s->frame);
        append(s, channel, buf_str(&s->frame), s->events_seen);
        s->counters.resets += channel->stream_count;
    }
}

void streams_events(struct streams *s)
{
    if (eventlog_generation(s->events) != s->events_generation) {
        s->events_generation = eventlog_generation(s->events);
        s->events_seen =
            eventlog_last(s->events); /* what the new log begins with is history, too */
        reset_events(s);
        return;
    }
    struct eventlog_entry *entry;
    while ((entry = eventlog_after(s->events, s->events_seen)) != NULL) {
        s->events_seen = entry->ordinal;
        for (size_t i = 0; i < s->channel_count; i++) {
            struct channel *channel = s->channels[i];
            if (channel_has_events(channel->kind) &&
                selection_matches(&channel->selection, entry->event_type)) {
                append(s, channel, event_frame(s, channel, entry), entry->ordinal);
            }
        }
    }
    s->events_seen = eventlog_last(s->events);
}

void streams_heartbeat(struct streams *s, wall_time now, wall_time as_of)
{
    struct buf frame = {0};
    render_heartbeat(&frame, now, as_of);
    for (size_t i = 0; i < s->channel_count; i++) {
        struct channel *channel = s->channels[i];
        const uint64_t mark =
            channel_has_events(channel->kind) ? s->events_seen : store_last_change(s->store);
        append(s, channel, buf_str(&frame), mark);
    }
    buf_free(&frame);
}

/* ---- Coming and going ---- */

static bool fill(struct streams *s, struct stream *stream, struct stream_request *request,
                 struct str head, mono_time now)
{
    struct channel *channel = stream->channel;
    stream->mode = MODE_WALK;
    stream->reset = request->reset;
    stream->address = request->address;
    stream->progress_s = seconds(now);
    const uint32_t age_s = (uint32_t)(s->config.max_age_ms / 1000);
    stream->ends_s =
        age_s != 0 ? seconds(now) + age_s - random_below(s, age_s / 5 + 1) : UINT32_MAX;
    if (channel_has_events(channel->kind)) {
        stream->mark = request->after_ordinal;
    } else if (request->cursor != NULL) {
        stream->resume = x_memdup(request->cursor, sizeof *request->cursor);
    } else {
        stream->fresh = true;
    }
    /* A new socket's buffer is empty: the head always fits, or the connection is gone. */
    return give(s, stream, head, now) == (ssize_t)head.len;
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
    if (!fill(s, stream, request, head, now) ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        stream->mode = MODE_LIVE;
        end(s, stream);
        return STATUS_IO;
    }
    push(s, stream, now);
    return STATUS_OK;
}

/* Clients of SSE have nothing to say; what they send all the same is thrown away. False: the
 * connection is gone. */
static bool drain_input(const struct stream *stream)
{
    char bytes[512];
    ssize_t got;
    while ((got = recv(stream->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

void streams_ready(struct streams *s, uint64_t data, uint32_t events, mono_time now)
{
    const uint32_t index = (uint32_t)(data & ~STREAMS_EPOLL_TAG);
    if (index >= s->table_count || s->table[index].mode == MODE_FREE) {
        return; /* it ended while the event was on its way */
    }
    struct stream *stream = &s->table[index];
    bool alive = (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) == 0;
    if (alive && (events & EPOLLIN) != 0) {
        alive = drain_input(stream);
    }
    if (alive && (events & EPOLLOUT) != 0) {
        stream->blocked = false;
        push(s, stream, now);
        return;
    }
    if (!alive) {
        s->counters.closed++;
        end(s, stream);
    }
}

void streams_sweep(struct streams *s, mono_time now)
{
    const uint32_t now_s = seconds(now);
    const uint32_t stalled_s = (uint32_t)((s->config.stalled_ms + 999) / 1000);
    for (uint32_t i = 0; i < s->table_count; i++) {
        struct stream *stream = &s->table[i];
        if (stream->mode == MODE_FREE) {
            continue;
        }
        if (stream->blocked && now_s - stream->progress_s > stalled_s) {
            s->counters.cut++;
            end(s, stream);
        } else if (now_s >= stream->ends_s && !stream->blocked && !has_more(stream)) {
            s->counters.aged++;
            end(s, stream);
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
        if (!stream->blocked && stream->unfinished == NULL &&
            (stream->mode == MODE_WALK || channel_at_boundary(stream->channel, stream->position))) {
            char text[48];
            const int len =
                snprintf(text, sizeof text, "retry: %u\n\n", 250 + random_below(s, spread_ms));
            (void)give(s, stream, (struct str){text, (size_t)len}, clock_mono());
        }
        shutdown(stream->fd, SHUT_WR);
        end(s, stream);
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
