/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tiles and events as frames of a channel's kind. */
#ifndef GATEWAY_STREAM_FRAMES_H
#define GATEWAY_STREAM_FRAMES_H

#include "common/base/blob.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/base/lens.h"
#include "gateway/stream/channel.h"
#include "gateway/stream/message.h"

struct streams;

/* Makes the message a frame in `out`, whose content it replaces. */
struct str frames_make(struct streams *s, enum channel_kind kind, const struct message *message,
                       struct buf *out);

/* What the lens shows of the tile as a frame, which is made once for each change, transport and
 * lens, and kept with the tile. Borrowed until another lens is asked for. */
struct blob *frames_tile(struct streams *s, enum channel_kind kind, const struct tile *tile,
                         struct lens lens);

/* What the lens shows of the event as a message. Borrowed from the entry, as frames_tile. */
struct message frames_event(enum channel_kind kind, struct eventlog_entry *entry, struct lens lens);

#endif
