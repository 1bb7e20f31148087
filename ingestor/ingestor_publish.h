/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out, and when. */
#ifndef INGESTOR_INGESTOR_PUBLISH_H
#define INGESTOR_INGESTOR_PUBLISH_H

#include "ingestor/ingestor_state.h"

/* The callback of publisher_create; arg: the ingestor. */
void ingestor_send(void *arg, const struct str frames[WIRE_FRAMES]);

/* True when tiles are true, and ours to publish. */
bool ingestor_may_publish(const struct ingestor *ingestor);

/* Publishes what changed and is due. */
void ingestor_flush(struct ingestor *ingestor, struct moment now);

/* All tiles are up to date: publishes them, and from now on each change. */
void ingestor_go_live(struct ingestor *ingestor, struct moment now);

/* Publishes what is due. Returns when something is due next, µs from now. */
int64_t ingestor_publish_due(struct ingestor *ingestor);

#endif
