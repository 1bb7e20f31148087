/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catching up: a stream that is not live is a number, its watermark: the change of the last tile,
 * or the ordinal of the last event, that its client was given. What it gets next is the newest
 * value of the next tile that changed after that, until there is none left and it goes live.
 */
#ifndef GATEWAY_STREAM_CATCH_UP_H
#define GATEWAY_STREAM_CATCH_UP_H

#include <stdbool.h>

#include "common/base/time/clock.h"

struct stream;
struct streams;

/* Goes on with one send(), or finds that nothing is left to say: then the stream is live, or, if
 * its transport closes it, shut. False when the connection is gone. */
bool stream_catch_up(struct streams *s, struct stream *stream, mono_time now);

/*
 * The stream's selection is about to grow: a catch-up over all tiles begins, which passes over
 * those that the client has. If one for the same reason is under way, what it has given since is
 * not remembered: the client gets that twice, which does no harm.
 */
void stream_widen(struct streams *s, struct stream *stream);

#endif
