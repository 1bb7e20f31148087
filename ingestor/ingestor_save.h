/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: when one is written, and what came of it. */
#ifndef INGESTOR_INGESTOR_SAVE_H
#define INGESTOR_INGESTOR_SAVE_H

#include "ingestor/ingestor_state.h"

/* Hands the reader a checkpoint of how things stand; none is under way. */
void ingestor_save(struct ingestor *ingestor);

void ingestor_save_if_due(struct ingestor *ingestor);

/* The reader says what came of the checkpoint; error says why it failed. */
void ingestor_saved(struct ingestor *ingestor, const struct error *error, bool failed);

/* A last checkpoint, so that the next start has nothing to catch up. Takes up to 5 s. */
void ingestor_save_at_end(struct ingestor *ingestor);

#endif
