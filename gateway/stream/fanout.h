/* SPDX-License-Identifier: Apache-2.0 */
/* Sends what the logs hold: in passes over a channel's streams, or in a single stream's turn. */
#ifndef GATEWAY_STREAM_FANOUT_H
#define GATEWAY_STREAM_FANOUT_H

#include <stdbool.h>

#include "common/base/time/clock.h"

struct stream;
struct streams;

/* Calls send() at most budget times. True when there is more to do at once. */
bool fanout_run(struct streams *streams, unsigned budget, mono_time now);

/* Sends to that stream what there is, within reason; the rest has its turn with the others. The
 * stream may end. */
void stream_push(struct streams *s, struct stream *stream, mono_time now);

/* True when there is something that the stream was not sent yet. */
bool stream_has_more(const struct stream *stream);

#endif
