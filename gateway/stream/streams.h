/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream engine: sockets that were detached from the HTTP server, and what each has been sent.
 *
 *               first values, or the log ran away from the stream
 *   attach ─► CATCH-UP ◄──────────────────────────────────────────── LIVE
 *               │  next tile by change number,      what the channel's │
 *               │  next event by ordinal            log has behind the │
 *               │                                   stream's position, │
 *               └──────────── nothing is left ────► in one send() ─────┘
 *
 * In a catch-up a stream is a number, its watermark: the change of the last tile, or the ordinal of
 * the last event, that it was given; what it gets next is the newest value of the next tile that
 * changed after it. So a slow client is conflated, never queued. Of what a socket did not take, the
 * frame in which it stopped is kept, by reference; all behind it is forgotten and made anew.
 *
 * A stream that accepts nothing for stalled_ms is cut. Nothing is allocated per message and stream.
 *
 * The rooms, each using only those below it (one thread). feed.h and fanout.h are a part of this
 * interface:
 *
 *   streams            the engine; streams that come and go
 *   sse, gateway/ws    the transports: what a client may send, and what is said besides messages
 *   feed, fanout       changes into the channels' logs; logs to sockets
 *   catch_up           what a stream gets that is not in step with its channel's log
 *   frames, render     tiles and events as messages, and as frames
 *   records, channels  a stream's record; finding, making and scheduling channels
 *   send, known        the one way to a socket; what a client has already
 *   streams_state      what these share
 *   channel, ring      one log, and the streams that share it
 */
#ifndef GATEWAY_STREAM_STREAMS_H
#define GATEWAY_STREAM_STREAMS_H

#include "common/base/time/clock.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/stream/fanout.h"
#include "gateway/stream/feed.h"
#include "gateway/stream/types.h"

struct streams;

/* With this bit in data.u64, an event of epoll is that of a stream. */
#define STREAMS_EPOLL_TAG (UINT64_C(1) << 63)

/* Copies config; its transports, the store, the event log and epoll (where sockets are registered)
 * have to outlive the engine. closed: called for each stream that ends, with the address that it
 * came from. */
struct streams *streams_create(const struct streams_config *config, struct store *store,
                               struct eventlog *events, int epoll,
                               void (*closed)(void *arg, const struct ip *address), void *arg);

/* Ends all streams, closes their sockets, and frees the engine. */
void streams_destroy(struct streams **streams);

/* Enters into latency, from now on, how old news is; borrowed. NULL: nothing is measured. */
void streams_measure(struct streams *streams, struct latency *latency);

/* Sets what WebSockets ask: can_resume is true when a client of tiles can go on from that cursor;
 * arg is that of streams_create. Without it no client can. */
void streams_set_can_resume(struct streams *streams,
                            bool (*can_resume)(void *arg, const struct cursor *cursor));

/* Sets who is told what streams cost; copied. Without it nobody is. */
void streams_set_accounts(struct streams *streams, const struct streams_accounts *accounts);

/* Sets what clients may send. At first a message may have 16 KiB, and frames come 20 a second in
 * bursts of 100. */
void streams_set_input(struct streams *streams, struct streams_input input);

/* Sets the greatest number of streams. Those that are open stay open. */
void streams_set_max(struct streams *streams, size_t max_streams);

/* Whether streams_attach would find room for the stream. */
enum streams_room streams_room(const struct streams *streams, const struct stream_request *request);

/* Begins a stream. Takes the socket over in any case, and the request's selection; the rest of the
 * request is borrowed. head: what is sent before all else, copied. STATUS_FULL: there are too many
 * streams or channels; STATUS_IO: the socket could not be watched. In both cases it is closed. */
int streams_attach(struct streams *streams, int fd, struct stream_request *request, struct str head,
                   mono_time now);

/* Deals with what epoll says about a stream; data: the event's data.u64. */
void streams_ready(struct streams *streams, uint64_t data, uint32_t events, mono_time now);

/* Cuts what is stalled or too old, and ends what has expired, within two seconds; call it about
 * every second. */
void streams_sweep(struct streams *streams, mono_time now);

/* Lets the streams go on whose clients are no longer in debt; call it every STREAMS_RESUME_MS as
 * long as some are paused. */
#define STREAMS_RESUME_MS 50
void streams_resume(struct streams *streams);
size_t streams_paused(const struct streams *streams);

/* Ends at most max streams, each told to come back after a jittered time. Returns how many are
 * left. */
size_t streams_drain(struct streams *streams, size_t max, unsigned spread_ms);

/* How many streams are open. */
size_t streams_count(const struct streams *streams);

/* How many channels these have. */
size_t streams_channels(const struct streams *streams);

/* The memory of all their logs, in bytes, which falls to nothing when all is quiet. */
size_t streams_log_bytes(const struct streams *streams);

/* The memory of what is kept of who wants which names, in bytes. */
size_t streams_index_bytes(const struct streams *streams);

/* The memory of compressed blocks that are kept for streams to come, in bytes. */
size_t streams_packed_bytes(const struct streams *streams);

/* Borrowed from the engine. */
const struct streams_counters *streams_counters(const struct streams *streams);

#endif
