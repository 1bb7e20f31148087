/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stream/send.h"

#include <errno.h>
#include <sys/socket.h>

#include "gateway/stream/streams_state.h"

ssize_t stream_send(struct streams *s, struct stream *stream, struct str bytes, mono_time now)
{
    const ssize_t sent = send(stream->fd, bytes.p, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    s->counters.sends++;
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        stream->timed_out = errno == ETIMEDOUT || errno == EHOSTUNREACH;
        return -1;
    }
    const size_t taken = sent > 0 ? (size_t)sent : 0;
    if (taken != 0) {
        stream->progress_s = stream_seconds(now);
        s->counters.bytes += taken;
    }
    if (taken < bytes.len) {
        if (!stream->blocked) {
            stream->progress_s = stream_seconds(now); /* from here on it is waited for */
        }
        stream->blocked = true;
        stream->slow = true;
        s->counters.blocked++;
    }
    return (ssize_t)taken;
}
