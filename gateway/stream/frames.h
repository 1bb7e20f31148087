/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tiles and events as frames of a channel's kind. */
#ifndef GATEWAY_STREAM_FRAMES_H
#define GATEWAY_STREAM_FRAMES_H

#include "common/base/blob.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/stream/channel.h"
#include "gateway/stream/message.h"

struct streams;

/* Makes the message a frame, which is borrowed until the next one is made. */
struct str frames_make(struct streams *s, enum channel_kind kind, const struct message *message);

/* The whole tile as a frame, which is made once for each change and transport and kept with the
 * tile. Borrowed. */
struct blob *frames_tile(struct streams *s, enum channel_kind kind, const struct tile *tile);

/* The event as a message. Borrowed from the entry. */
struct message frames_event(enum channel_kind kind, struct eventlog_entry *entry);

#endif
