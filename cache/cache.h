/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache: a replica of all tiles and of the last events, with expiry, that hands the deltas on
 * as they came and answers queries, so that gateways can use it as they would use the ingestor.
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "common/config/config.h"
#include "common/program/program.h"

struct cache;

/* Binds and connects. config is borrowed. */
int cache_create(const struct program *program, struct cache **out, struct error *err);
void cache_destroy(struct cache **cache);

/* Runs until SIGTERM or SIGINT. */
int cache_run(struct cache *cache);

#endif
