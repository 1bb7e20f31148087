/* SPDX-License-Identifier: Apache-2.0 */
/* A message of JetStream as an event. */
#ifndef INGESTOR_SOURCE_NATS_NATS_EVENT_H
#define INGESTOR_SOURCE_NATS_NATS_EVENT_H

#include "ingestor/source/message/message.h"
#include "ingestor/source/nats/nats_feed.h"

/* One thread's. */
struct nats_events {
    const struct config_nats *nats; /* borrowed */
    struct message_reader *reader;  /* of messages; owned */
    struct buf header;              /* scratch */
    struct unusable_log unusable;   /* messages that were passed over, as far as the log has told */
};

/* config: borrowed, and outlives it. */
void nats_events_init(struct nats_events *events, const struct config_source *source);
void nats_events_free(struct nats_events *events);

/* Appends the message as an event with that ordinal, or passes it over. */
void nats_events_add(struct nats_events *events, const struct nats_message *message,
                     uint64_t ordinal, wall_time now, struct batch *batch);

#endif
