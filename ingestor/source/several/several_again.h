/* SPDX-License-Identifier: Apache-2.0 */
/* What an earlier life delivered: for the event log, and in the same order once more. Private to
 * the folder. */
#ifndef INGESTOR_SOURCE_SEVERAL_SEVERAL_AGAIN_H
#define INGESTOR_SOURCE_SEVERAL_SEVERAL_AGAIN_H

#include "ingestor/source/several/several_source.h"

/* Takes from the journal what is not in the state. False when records are missing. */
bool several_again_open(struct several_source *s, struct str journal);

/* The newest rows of all children that were delivered up to the state, for the event log. It begins
 * behind the last row of a child that cannot tell. Waits for children until s->patience. */
void several_again_history(struct several_source *s, struct batch **out);

/* The rows that an earlier life delivered behind the state, in its order, and what their batches
 * have beyond these. When a child that is needed is down the order cannot be kept: ordinals begin a
 * new numbering, and *out is NULL. */
void several_again_plan(struct several_source *s, struct batch **out);

#endif
