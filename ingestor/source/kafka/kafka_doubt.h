/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noticing that a topic was made anew while it was read.
 *
 *   topic         deleted   made anew, with as many messages as were read
 *   librdkafka       └ fetch fails   asks for the leader   fetches on at the same offset
 *   here                                  └ all are in doubt     └ is what was read still there?
 *
 * Kafka's protocol tells topics of one name apart, but librdkafka 2.0.2 does not: it goes on in the
 * new one, and what stands before that offset would never be read. It asks for leaders when a fetch
 * failed, within 250 ms, and fetches 500 ms after. So before a message is delivered that came after
 * such a question, the last message that was read of its partition is looked at again.
 */
#ifndef INGESTOR_SOURCE_KAFKA_KAFKA_DOUBT_H
#define INGESTOR_SOURCE_KAFKA_KAFKA_DOUBT_H

#include "ingestor/source/kafka/kafka_known.h"
#include "ingestor/source/kafka/kafka_source.h"

/* Settles the doubts about the partitions of the messages that wait. To be called when some were
 * taken from the queue, with all anchors made. STATUS_IO: they are another topic's, or nobody
 * answers; the source has to be opened again, which finds out what it is now. */
int kafka_doubt_settle(struct kafka_source *s, struct error *err);

/* kafka_known_look, while partitions are consumed. */
int kafka_doubt_look(struct kafka_source *s, struct kafka_known *list, size_t count,
                     struct error *err);

/* Closes the client that looks. */
void kafka_doubt_free(struct kafka_source *s);

#endif
