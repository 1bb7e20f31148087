/* SPDX-License-Identifier: Apache-2.0 */
/* Where a stream that was set back is gone on from. */
#ifndef INGESTOR_SOURCE_NATS_NATS_YOUNGER_H
#define INGESTOR_SOURCE_NATS_NATS_YOUNGER_H

#include "ingestor/source/nats/nats_feed.h"

/* The sequence of the first message that is younger than the anchor's, whose sequence another
 * message has now. first: of the stream. STATUS_IO. */
int nats_find_younger(struct nats_client *client, const struct nats_anchor *anchor, uint64_t first,
                      uint64_t *out, struct error *err);

#endif
