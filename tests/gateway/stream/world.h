/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store, an event log and the stream engine without a network: streams are socket pairs, and the
 * client's end is read by the test.
 */
#ifndef TESTS_GATEWAY_STREAM_WORLD_H
#define TESTS_GATEWAY_STREAM_WORLD_H

#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/codec/mp.h"
#include "gateway/base/view.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/sse.h"
#include "gateway/stream/streams.h"
#include "gateway/ws/session.h"

#define WORLD_EPOCH 7
#define WORLD_HEAD "HEAD\n\n" /* of each answer */

struct world {
    struct store *store;
    struct eventlog *events;
    struct streams *streams;
    int epoll;
    uint64_t seq;     /* of lane 0 */
    uint64_t ordinal; /* of the last event */
    uint64_t origin;
    size_t closed; /* streams that ended */
    mono_time now;
};

static inline void world_on_change(void *arg, const struct tile *tile, enum store_change change,
                                   const mp_value *patch, struct version base)
{
    struct world *w = arg;
    const struct rendered_tile *before = tile->cache;
    const struct cursor cursor = {.lanes = 1, .at = {{WORLD_EPOCH, w->seq}}};
    struct buf text = {0};
    if (change == STORE_REFRESHED && before != NULL) {
        buf_append_text(&text, before->cursor);
    } else {
        cursor_append(&text, &cursor);
    }
    store_set_cache(w->store, tile, render_tile_new(tile, change, buf_cstr(&text)));
    buf_free(&text);
    if (w->streams != NULL) {
        feed_tile(w->streams, tile, change, patch, base);
    }
}

static inline void world_on_closed(void *arg, const struct ip *address)
{
    (void)address;
    ((struct world *)arg)->closed++;
}

static inline void world_init_with(struct world *w, size_t ring_max, size_t events_max,
                                   size_t max_channels)
{
    *w = (struct world){.epoll = epoll_create1(EPOLL_CLOEXEC), .now = {1000000000}};
    const struct store_listener listener = {world_on_change, render_tile_free, w};
    const struct streams_config config = {.max_streams = 64,
                                          .max_channels = max_channels,
                                          .ring_max = ring_max,
                                          .stalled_ms = 30000,
                                          .sse = &sse_transport,
                                          .websocket = &ws_transport};
    w->store = store_create(1000, &listener);
    w->events = eventlog_create(events_max, SIZE_MAX, render_event_free);
    w->streams = streams_create(&config, w->store, w->events, w->epoll, world_on_closed, w);
}

static inline void world_init(struct world *w, size_t ring_max, size_t events_max)
{
    world_init_with(w, ring_max, events_max, 8);
}

static inline void world_finish(struct world *w)
{
    streams_destroy(&w->streams);
    store_destroy(&w->store);
    eventlog_destroy(&w->events);
    close(w->epoll);
}

/* {"type":"count","title":"T","refresh":{},"data":{"value":value,"pad":"xxx…"}} */
static inline void world_value(struct buf *out, int64_t value, size_t pad)
{
    char *text = malloc(pad + 1);
    memset(text, 'x', pad);
    text[pad] = '\0';
    mp_put_map(out, 2);
    mp_put_text(out, "type");
    mp_put_text(out, "count");
    mp_put_text(out, "data");
    mp_put_map(out, 2);
    mp_put_text(out, "value");
    mp_put_int(out, value);
    mp_put_text(out, "pad");
    mp_put_text(out, text);
    free(text);
}

static inline int world_apply(struct world *w, struct wire_tile *delta, struct str value)
{
    struct mp_doc doc;
    mp_doc_init(&doc);
    if (!delta->removed) {
        assert_int_equal(mp_parse(&doc, value.p, value.len), STATUS_OK);
        delta->value = &doc.root;
    }
    delta->version = (struct version){WORLD_EPOCH, ++w->seq};
    delta->ttl_ms = 60000;
    delta->grace_ms = 60000;
    delta->position = STR("1");
    const int status = store_apply(w->store, delta, 0, (wall_time){1700000000000000}, 0, w->now);
    mp_doc_free(&doc);
    return status;
}

/* A keyframe. */
static inline void world_set(struct world *w, const char *key, int64_t value, size_t pad)
{
    struct buf text = {0};
    struct wire_tile delta = {.key = str_of(key), .keyframe = true};
    world_value(&text, value, pad);
    assert_int_equal(world_apply(w, &delta, buf_str(&text)), STATUS_OK);
    buf_free(&text);
}

/* A patch of {"data":{"value":value}} on what is there. */
static inline void world_patch(struct world *w, const char *key, int64_t value)
{
    struct buf text = {0};
    const struct tile *tile = store_get(w->store, str_of(key));
    struct wire_tile delta = {.key = str_of(key), .base = tile->version};
    mp_put_map(&text, 1);
    mp_put_text(&text, "data");
    mp_put_map(&text, 1);
    mp_put_text(&text, "value");
    mp_put_int(&text, value);
    assert_int_equal(world_apply(w, &delta, buf_str(&text)), STATUS_OK);
    buf_free(&text);
}

static inline void world_remove(struct world *w, const char *key)
{
    struct wire_tile delta = {.key = str_of(key), .keyframe = true, .removed = true};
    assert_int_equal(world_apply(w, &delta, STR("")), STATUS_OK);
}

/* One of the things that can happen to a tile; what: of a hundred, pad: of a usual value. */
static inline void world_change(struct world *w, const char *key, int64_t value, unsigned what,
                                size_t pad)
{
    const bool there = store_get(w->store, str_of(key)) != NULL;
    if (there && what < 50) {
        world_patch(w, key, value);
    } else if (there && what < 62) {
        world_remove(w, key);
    } else {
        world_set(w, key, value, what == 99 ? 6000 : pad);
    }
}

static inline void world_event(struct world *w, int64_t id, const char *type)
{
    struct buf fields = {0};
    mp_put_map(&fields, 3);
    mp_put_text(&fields, "id");
    mp_put_int(&fields, id);
    mp_put_text(&fields, "timestamp");
    mp_put_text(&fields, "2026-11-23T05:12:01.220Z");
    mp_put_text(&fields, "event_type");
    mp_put_text(&fields, type);
    w->seq++;
    assert_non_null(eventlog_append(w->events, w->origin, ++w->ordinal, event_id_of_number(id),
                                    buf_str(&fields), (wall_time){0}, (wall_time){0}));
    buf_free(&fields);
}

/* A new stream of a client who may see that; returns the client's end, non-blocking. sndbuf: 0, or
 * bytes of the kernel's buffer (which doubles it and has a floor of its own). */
static inline int world_open_as(struct world *w, struct stream_request *request,
                                const char *selection, int sndbuf, const struct view *view)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    if (sndbuf != 0) {
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf);
    }
    assert_int_equal(selection_parse(&request->selection, selection), STATUS_OK);
    request->view = view;
    assert_true(selection_narrow(&request->selection, view,
                                 channel_has_events(request->kind) ? VIEW_EVENTS : VIEW_TILES));
    assert_int_equal(streams_attach(w->streams, pair[0], request, STR(WORLD_HEAD), w->now),
                     STATUS_OK);
    return pair[1];
}

static inline int world_open(struct world *w, struct stream_request *request, const char *selection,
                             int sndbuf)
{
    return world_open_as(w, request, selection, sndbuf, view_everything());
}

/* One turn of the loop. */
static inline void world_turn(struct world *w, unsigned budget)
{
    struct epoll_event ready[64];
    const int count = epoll_wait(w->epoll, ready, 64, 0);
    for (int i = 0; i < count; i++) {
        streams_ready(w->streams, ready[i].data.u64, ready[i].events, w->now);
    }
    feed_events(w->streams);
    (void)fanout_run(w->streams, budget, w->now);
}

/* Appends what is there to be read, at most max bytes; false when the stream has ended. */
static inline bool world_read(int client, struct buf *out, size_t max)
{
    char bytes[4096];
    while (max != 0) {
        const ssize_t got = recv(client, bytes, max < sizeof bytes ? max : sizeof bytes, 0);
        if (got <= 0) {
            return got < 0 && errno == EAGAIN;
        }
        buf_append(out, bytes, (size_t)got);
        max -= (size_t)got;
    }
    return true;
}

/* Turns and reads until nothing comes any more. */
static inline void world_settle(struct world *w, int client, struct buf *out)
{
    for (size_t before = SIZE_MAX; before != out->len;) {
        before = out->len;
        world_turn(w, 1000);
        (void)world_read(client, out, SIZE_MAX);
        world_turn(w, 1000);
        (void)world_read(client, out, SIZE_MAX);
    }
}

static inline size_t occurrences(const struct buf *text, const char *what)
{
    size_t count = 0;
    const char *p = text->data;
    const char *end = text->data + text->len;
    while (p != NULL && (p = memmem(p, (size_t)(end - p), what, strlen(what))) != NULL) {
        count++;
        p++;
    }
    return count;
}

#endif
