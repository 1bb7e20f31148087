/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a message of a bus becomes an event: by the places that `source.fields` names, or those that
 * the format has (common/config/message_place.h, docs/messages.md). All buses come by here, so that
 * the same message means the same on each of them.
 *
 * Pure. A reader belongs to one thread.
 */
#ifndef INGESTOR_SOURCE_MESSAGE_MESSAGE_H
#define INGESTOR_SOURCE_MESSAGE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "ingestor/source/batch.h"
#include "ingestor/source/message/raw_message.h"
#include "ingestor/source/unusable.h"

struct message_reader;

/* config: borrowed, and outlives the reader. */
struct message_reader *message_reader_create(const struct config_source *source);
void message_reader_destroy(struct message_reader **reader);

enum message_verdict {
    MESSAGE_USABLE,
    MESSAGE_UNUSABLE, /* *why says why; the event is to be dropped */
    MESSAGE_NOTHING,  /* It deletes a key, or is a heartbeat: it says nothing about a tile. */
};

/* Fills the batch's last event, all but its id, ordinal and arrival. */
enum message_verdict message_fill(struct message_reader *reader, const struct message *message,
                                  struct batch *batch, struct event *event, enum unusable *why);

#endif
