/* SPDX-License-Identifier: Apache-2.0 */
/* Saves what has changed when that is due, and deals with what came of it. */
#ifndef INGESTOR_INGESTOR_SAVE_H
#define INGESTOR_INGESTOR_SAVE_H

#include "ingestor/ingestor_state.h"

/* Hands the reader what has changed since it was stored; nothing may be under way. */
void ingestor_save(struct ingestor *ingestor);

/* The same if it is due, and if nothing is under way. */
void ingestor_save_if_due(struct ingestor *ingestor);

/* Notes what came of it: READER_SAVED, READER_SAVE_FAILED or READER_STATE_LOST. */
void ingestor_saved(struct ingestor *ingestor, const struct reader_message *message);

/* Saves a last time, so that the next start has nothing to catch up, and gives the lease back
 * meanwhile. Takes up to 5 s. Nothing may be published from then on. */
void ingestor_save_at_end(struct ingestor *ingestor);

#endif
