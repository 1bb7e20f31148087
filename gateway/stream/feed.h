/* SPDX-License-Identifier: Apache-2.0 */
/* The stream engine's way in: what changes is encoded once and put into the channels' logs. */
#ifndef GATEWAY_STREAM_FEED_H
#define GATEWAY_STREAM_FEED_H

#include "common/base/clock.h"
#include "common/store/store.h"

struct streams;

/* A tile changed: called from the store's listener, after its rendering was made. */
void streams_tile(struct streams *streams, const struct tile *tile, enum store_change change,
                  const mp_value *patch, struct version base);

/* Takes up events that the log has and streams were not given yet, and a restart of its numbering.
 */
void streams_events(struct streams *streams);

void streams_heartbeat(struct streams *streams, wall_time now, wall_time as_of);

#endif
