/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes what changed, when it is due and only while the lease is held. */
#ifndef INGESTOR_INGESTOR_PUBLISH_H
#define INGESTOR_INGESTOR_PUBLISH_H

#include "ingestor/ingestor_state.h"

/* Sends a message: the callback of publisher_create; arg: the ingestor. */
void ingestor_send(void *arg, const struct str frames[WIRE_FRAMES]);

/* True when the tiles are true, and this ingestor may publish them. */
bool ingestor_may_publish(const struct ingestor *ingestor);

/* Which of several sources are read, and have come to their end once; none with the one `source`.
 */
struct sources_up ingestor_sources_up(const struct ingestor *ingestor);

/* Publishes what changed and is due. */
void ingestor_flush(struct ingestor *ingestor, struct moment now);

/* Publishes all tiles whole, and takes back what is not among them any more: that only while no
 * source is missing, whose tiles are left as they are. */
void ingestor_publish_all(struct ingestor *ingestor, struct moment now);

/* Publishes all tiles, which are up to date, and from now on each change. */
void ingestor_go_live(struct ingestor *ingestor, struct moment now);

/* Publishes what is due. Returns in how many µs something is due next. */
int64_t ingestor_publish_due(struct ingestor *ingestor);

#endif
