/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader says, and what follows from it. Both return -1 if the loop has to end, else 0. */
#ifndef INGESTOR_INGESTOR_READER_H
#define INGESTOR_INGESTOR_READER_H

#include "ingestor/ingestor_state.h"

/* Takes over what the message holds. */
int ingestor_handle(struct ingestor *ingestor, struct reader_message *message);

/* The lease is lost: this life of the ingestor is over. Always -1. */
int ingestor_stand_down(struct ingestor *ingestor, const struct error *why);

#endif
