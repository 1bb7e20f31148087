/* SPDX-License-Identifier: Apache-2.0 */
/* A row of one source as a row of all: its id says which one it is of. Pure. */
#ifndef INGESTOR_SOURCE_SEVERAL_SEVERAL_EVENT_H
#define INGESTOR_SOURCE_SEVERAL_SEVERAL_EVENT_H

#include "ingestor/source/batch.h"

/* Adds the row of that entry of `sources` to a batch for rows of all, with that ordinal. */
struct event *several_event_add(const struct config *config, size_t source,
                                const struct event *event, uint64_t ordinal, struct batch *batch);

#endif
