/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles and events in the form that the streams of a kind of channel get. */
#ifndef GATEWAY_STREAM_FRAMES_H
#define GATEWAY_STREAM_FRAMES_H

#include "common/base/blob.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/stream/channel.h"
#include "gateway/stream/message.h"

struct streams;

/* The message as a frame. Borrowed until the next one is made. */
struct str frames_make(struct streams *s, enum channel_kind kind, const struct message *message);

/* The whole tile as a frame: made once for each change and transport, and kept with the tile.
 * Borrowed. */
struct blob *frames_tile(struct streams *s, enum channel_kind kind, const struct tile *tile);

/* The event as a message. Borrowed from the entry. */
struct message frames_event(enum channel_kind kind, struct eventlog_entry *entry);

#endif
