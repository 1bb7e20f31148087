/* SPDX-License-Identifier: Apache-2.0 */
/* The one way to a stream's socket. */
#ifndef GATEWAY_STREAM_SEND_H
#define GATEWAY_STREAM_SEND_H

#include <sys/types.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"

struct stream;
struct streams;

/* Calls send() once, and enters into the stream's record what became of it. Returns how many bytes
 * were taken; -1 when the connection is gone. */
ssize_t stream_send(struct streams *s, struct stream *stream, struct str bytes, mono_time now);

#endif
