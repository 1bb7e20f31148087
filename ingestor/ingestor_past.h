/* SPDX-License-Identifier: Apache-2.0 */
/* What batches say of the life before this one. */
#ifndef INGESTOR_INGESTOR_PAST_H
#define INGESTOR_INGESTOR_PAST_H

#include "ingestor/ingestor_state.h"

/* Takes over what the first batch of this life says of the time since what it goes on from was
 * saved, and marks events that an earlier life may have delivered in another order. */
void ingestor_note_past(struct ingestor *ingestor, struct batch *batch);

#endif
