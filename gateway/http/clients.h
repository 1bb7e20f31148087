/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits by client address: requests and new streams by token buckets, streams open at once. Of
 * IPv6 the first 64 bits count, for a client has all addresses of such a network.
 *
 * A bucket holds `burst` tokens and gains `per_second` of them; each request takes one. Entries
 * that are full again and have no stream are forgotten, so memory is bounded by the rate of new
 * addresses: at most CLIENTS_MAX, beyond which strangers share one entry.
 */
#ifndef GATEWAY_HTTP_CLIENTS_H
#define GATEWAY_HTTP_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/clock.h"
#include "common/base/ip.h"
#include "common/config/config.h"

#define CLIENTS_MAX 100000

struct clients;

struct clients *clients_create(const struct gateway_limits *limits);
void clients_destroy(struct clients **clients);

/* May this address make a request now? If not, *retry_s is when it may (at least 1). */
bool clients_request(struct clients *clients, const struct ip *address, mono_time now,
                     unsigned *retry_s);

enum clients_verdict { CLIENTS_ADMITTED, CLIENTS_TOO_FAST, CLIENTS_TOO_MANY };

/* May it open a stream? If so it counts as open until clients_stream_closed. */
enum clients_verdict clients_stream(struct clients *clients, const struct ip *address,
                                    mono_time now, unsigned *retry_s);

/* May a request wait? If so it counts as an open stream, until clients_stream_closed. */
bool clients_hold(struct clients *clients, const struct ip *address, mono_time now);
void clients_stream_closed(struct clients *clients, const struct ip *address);

/* Forgets whom there is nothing to remember of; call it every few seconds. */
void clients_sweep(struct clients *clients, mono_time now);

size_t clients_count(const struct clients *clients);

#endif
