/* SPDX-License-Identifier: Apache-2.0 */
/* The stream engine's way in: what changes is encoded once and put into the channels' logs. */
#ifndef GATEWAY_STREAM_FEED_H
#define GATEWAY_STREAM_FEED_H

#include "common/base/time/clock.h"
#include "common/store/store.h"

struct streams;

/* Puts a tile's change into the channels' logs. The store's listener calls it, after the tile's
 * rendering was made; tile, patch and base are borrowed for the call. */
void feed_tile(struct streams *streams, const struct tile *tile, enum store_change change,
               const mp_value *patch, struct version base);

/* Puts new events of the log into the channels' logs, and tells streams when the numbering began
 * anew. */
void feed_events(struct streams *streams);

/* Puts a heartbeat into the logs of all channels. now: the gateway's clock; as_of: when the tiles
 * were last known to be true; page: which edition of the dashboard is served. */
void feed_heartbeat(struct streams *streams, wall_time now, wall_time as_of, const char *page);

#endif
