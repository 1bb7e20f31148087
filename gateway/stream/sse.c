/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/sse.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "gateway/stream/fanout.h"
#include "gateway/stream/records.h"
#include "gateway/stream/render/render.h"
#include "gateway/stream/streams_state.h"

#define INPUT_READ_BYTES ((size_t)64 * 1024)
#define INPUT_READS_MAX 4 /* a client that sends more than that at once is cut */

static void begin(struct streams *s, struct stream *stream, const struct stream_request *request,
                  mono_time now)
{
    (void)now;
    if (channel_has_events(request->kind)) {
        stream->watermark = request->after_ordinal;
    } else if (request->cursor != NULL) {
        stream->known = known_by_cursor(request->cursor, store_forgotten(s->store));
    } else {
        stream->unknown_until = store_last_change(s->store);
    }
}

/* What a client sends all the same is thrown away (MSG_TRUNC copies nothing), but who sends without
 * end is cut. False: the connection is over. */
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

static void ready(struct streams *s, struct stream *stream, uint32_t events, mono_time now)
{
    bool alive = (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) == 0;
    if (alive && (events & EPOLLIN) != 0) {
        alive = drain_input(stream);
    }
    if (!alive) {
        stream_lost(s, stream);
    } else if ((events & EPOLLOUT) != 0) {
        stream->blocked = false;
        stream_push(s, stream, now);
    }
}

static void append_farewell(struct buf *out, enum transport_farewell why, unsigned retry_ms)
{
    if (why == TRANSPORT_AGED) {
        return; /* It comes back as it pleases, with all that it was told. */
    }
    if (why == TRANSPORT_EXPIRED) {
        const struct message message = render_expired_token();
        message_append_sse(out, &message);
    }
    buf_printf(out, "retry: %u\n", retry_ms); /* without an empty line, it is no event */
}

const struct transport sse_transport = {
    .append = message_append_sse,
    .begin = begin,
    .ready = ready,
    .append_farewell = append_farewell,
};
