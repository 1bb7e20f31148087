/* SPDX-License-Identifier: Apache-2.0 */
/* Writes checkpoints when they are due, and deals with what came of them. */
#ifndef INGESTOR_INGESTOR_SAVE_H
#define INGESTOR_INGESTOR_SAVE_H

#include "ingestor/ingestor_state.h"

/* Hands the reader a checkpoint of how things stand; none may be under way. */
void ingestor_save(struct ingestor *ingestor);

/* Saves a checkpoint if one is due and none is under way. */
void ingestor_save_if_due(struct ingestor *ingestor);

/* Notes what came of the checkpoint, as the reader says; error says why it failed. */
void ingestor_saved(struct ingestor *ingestor, const struct error *error, bool failed);

/* Saves a last checkpoint, so that the next start has nothing to catch up, and gives the lease back
 * meanwhile. Takes up to 5 s. Nothing may be published from then on. */
void ingestor_save_at_end(struct ingestor *ingestor);

#endif
