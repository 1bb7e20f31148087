/* SPDX-License-Identifier: Apache-2.0 */
/* A stream's record: taken when the stream begins, moved between channels, and given back. */
#ifndef GATEWAY_STREAM_RECORDS_H
#define GATEWAY_STREAM_RECORDS_H

#include <stdint.h>

struct channel;
struct ip;
struct stream;
struct streams;

/* Takes a record for a client's stream of that channel on that socket, which the stream owns from
 * then on. The pointer is valid until the next record is taken. */
struct stream *stream_take(struct streams *s, struct channel *channel, int fd,
                           const struct ip *client);

/* The place of the record in the table; it stays there until the stream ends. */
uint32_t stream_index(const struct streams *s, const struct stream *stream);

/* Makes a live stream go on as a catch-up, after the frame that it is in. */
void stream_fall_out(struct stream *stream);

/* Makes the stream go on in another channel, as a catch-up from its watermark. */
void stream_move(struct streams *s, struct stream *stream, struct channel *channel);

/* Closes the socket and forgets the stream, and its channel, too, if it was the last one there. */
void stream_end(struct streams *s, struct stream *stream);

/* Ends a stream whose connection is over: its client closed it, or vanished. */
void stream_lost(struct streams *s, struct stream *stream);

#endif
