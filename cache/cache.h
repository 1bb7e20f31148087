/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache: a replica of all tiles and of the last events, with expiry, that hands the deltas on
 * as they came and answers queries, so that gateways can use it as they would use the ingestor.
 *
 *     upstreams ══deltas══► link ═► store, events ══deltas══► XPUB ═► subscribers
 *                                        ▲
 *                                        └── query ◄─► server (ROUTER) ◄─► askers
 *
 * One thread has all of it, and runs its loop.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "common/config/config.h"
#include "common/program/program.h"

struct cache;

/* Binds and connects. The program, with its configuration, is borrowed. STATUS_IO: an address
 * cannot be used, *out is NULL, and err says why. */
int cache_create(const struct program *program, struct cache **out, struct error *err);

/* Clears the pointer. A cache that is NULL is fine. */
void cache_destroy(struct cache **cache);

/* Runs until SIGTERM or SIGINT. Returns STATUS_OK. */
int cache_run(struct cache *cache);

#endif
