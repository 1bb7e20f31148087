/* SPDX-License-Identifier: Apache-2.0 */
/* The channels that an engine has: finding, making and removing them, and whose turn it is. */
#ifndef GATEWAY_STREAM_CHANNELS_H
#define GATEWAY_STREAM_CHANNELS_H

#include "gateway/stream/channel.h"
#include "gateway/stream/types.h"

struct ip;
struct streams;
struct view;

/* Finds the channel of that kind, coding and selection whose clients may see the same; NULL: there
 * is none. */
struct channel *channels_find(const struct streams *s, enum channel_kind kind, enum coding coding,
                              const struct view *view, const struct selection *selection);

/* Whether the client may have a new channel of that selection. left: the channel that it gives up
 * for it, or NULL. */
enum streams_room channels_room(const struct streams *s, const struct selection *selection,
                                const struct ip *client, const struct channel *left);

/* Finds such a channel or makes one. NULL: there is no room for the client. A new channel takes the
 * selection over; otherwise it stays the caller's. */
struct channel *channels_get(struct streams *s, enum channel_kind kind, enum coding coding,
                             const struct view *view, struct selection *selection,
                             const struct ip *client, const struct channel *left);

/* Frees a channel that no stream is in any more. */
void channels_remove(struct streams *s, struct channel *channel);

/* Gives the memory of the channel's log back, which all of its streams have; see channel.h. */
void channels_give_back(struct streams *s, struct channel *channel);

/* Schedules one more pass over the channel's streams, after the one that may be under way. */
void channels_schedule(struct streams *s, struct channel *channel);

/* Enters how long the channel's frames up to the position took, each once: by now all of its
 * streams have them that can take any. */
void channels_written(struct streams *s, struct channel *channel, uint64_t position);

#endif
