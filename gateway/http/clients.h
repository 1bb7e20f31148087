/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits by client, which is a subject where one is known, and else an address: token buckets limit
 * requests and new streams, and a count limits the streams open at once. Limits apply to the first
 * 64 bits of an IPv6 address, because one client usually owns all addresses of such a network.
 *
 * A bucket holds up to `burst` tokens and gains `per_second` of them; each request takes one. What
 * a request costs differs by a factor of a thousand, so there is a bucket of work, too: it holds a
 * second's worth, is asked before, and charged afterwards with what it was. So it may be in debt,
 * which the client waits for. Work is counted in steps and not measured, so that a busy machine
 * does not make clients pay more. An
 * entry whose buckets are full again and which has no stream is forgotten, so memory is bounded by
 * the rate of new addresses. There are at most CLIENTS_MAX entries; beyond that, all strangers
 * share one.
 *
 * Pure. One thread.
 */
#ifndef GATEWAY_HTTP_CLIENTS_H
#define GATEWAY_HTTP_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/ip.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"

#define CLIENTS_MAX 100000

/* A step is about 20 ns at most, see common/base/match/patterns.h. */
#define CLIENTS_STEPS_PER_MS 50000

struct clients;

/* Stands for a subject, who is charged in place of its address: a multicast address, which no
 * client has. Who chooses names cannot choose that of another. */
struct ip clients_of_subject(struct str issuer, struct str subject);

/* limits: borrowed, and read each time, so they may change. */
struct clients *clients_create(const struct config_gateway_limits *limits);
void clients_destroy(struct clients **clients);

/* True when this address may make a request now. If not, *retry_s says in how many seconds it may
 * (at least 1). */
bool clients_request(struct clients *clients, const struct ip *address, mono_time now,
                     unsigned *retry_s);

/* True when this address is not in debt. If it is, *retry_s says in how many seconds it is not (at
 * least 1). */
bool clients_may_work(struct clients *clients, const struct ip *address, mono_time now,
                      unsigned *retry_s);

/* Charges the address for work. False when it is in debt now. */
bool clients_charge(struct clients *clients, const struct ip *address, uint64_t steps,
                    mono_time now);

enum clients_verdict {
    CLIENTS_ADMITTED,
    CLIENTS_TOO_FAST, /* It opens too many in too short a time; *retry_s says how long to wait. */
    CLIENTS_TOO_MANY, /* It has as many open as it may. */
};

/* Says if this address may open a stream. An admitted one counts as open until
 * clients_stream_closed. */
enum clients_verdict clients_stream(struct clients *clients, const struct ip *address,
                                    mono_time now, unsigned *retry_s);

/* True when a request of this address may wait, while so many more may: an address has fewer that
 * wait than that, as with channels. It counts as an open stream then, until clients_let_go. */
bool clients_hold(struct clients *clients, const struct ip *address, size_t unused, mono_time now);

/* Notes that a request of this address no longer waits. */
void clients_let_go(struct clients *clients, const struct ip *address);

/* True when this address may have one more channel while so many are unused: a client gets another
 * as long as it has fewer than that. So one has at most half of all, N that want more have their
 * N+1st part each, and as much stays unused for others. */
bool clients_may_add_channel(struct clients *clients, const struct ip *address, size_t unused);

/* Notes that this address, which has a stream, has a channel more, or one less, that counts as so
 * many. */
void clients_channel(struct clients *clients, const struct ip *address, size_t units, bool more);

/* Notes that a stream of this address is over. */
void clients_stream_closed(struct clients *clients, const struct ip *address);

/* Forgets addresses of which there is nothing to remember; call it every few seconds. */
void clients_sweep(struct clients *clients, mono_time now);

/* How many addresses are remembered. */
size_t clients_count(const struct clients *clients);

#endif
