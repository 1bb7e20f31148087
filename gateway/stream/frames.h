/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tiles and events as frames of a channel's kind and coding. */
#ifndef GATEWAY_STREAM_FRAMES_H
#define GATEWAY_STREAM_FRAMES_H

#include "common/base/blob.h"
#include "common/store/eventlog.h"
#include "common/store/store.h"
#include "gateway/base/lens.h"
#include "gateway/stream/channel.h"
#include "gateway/stream/render/message.h"

struct streams;

/* Appends the message as a frame of the channel's kind and coding. */
void frames_append(struct streams *s, const struct channel *channel, const struct message *message,
                   struct buf *out);

/* Appends what the channel's bodies begin with, and the first bytes of one: none where empty. */
void frames_append_begin(struct streams *s, const struct channel *channel, struct str preface,
                         struct buf *out);

/* Appends the last bytes of a body, none where empty, and what ends it. */
void frames_append_end(struct streams *s, const struct channel *channel, struct str last,
                       struct buf *out);

/* Packs what a catch-up gathered into one frame of a channel of CODING_GZIP; the caller's. *made:
 * whether that was work. */
struct blob *frames_pack(struct streams *s, struct str gathered, bool *made);

/* Makes the message such a frame in `out`, whose content it replaces. */
struct str frames_make(struct streams *s, const struct channel *channel,
                       const struct message *message, struct buf *out);

/* The whole tile as such a frame, which is made once for each change and kept with the tile. NULL:
 * frames of this coding are not kept. For selections without a view; borrowed. */
struct blob *frames_tile(struct streams *s, const struct channel *channel, const struct tile *tile);

/* The id of messages of the tile, with the selection's mark. Borrowed until the next call. */
struct str frames_id(struct streams *s, const struct selection *selection, const struct tile *tile);

/* What a client of the selection sees of the tile, as a message. Borrowed from the tile until it is
 * seen by another one, and its id as frames_id. */
struct message frames_seen(struct streams *s, const struct selection *selection,
                           const struct tile *tile);

/* What the lens shows of the event as a message. Borrowed from the entry until another lens is
 * asked for. */
struct message frames_event(enum channel_kind kind, struct eventlog_entry *entry, struct lens lens);

#endif
