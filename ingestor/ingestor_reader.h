/* SPDX-License-Identifier: Apache-2.0 */
/* Handles the reader's messages on the main thread. Both functions return -1 if the loop has to
 * end, else 0. */
#ifndef INGESTOR_INGESTOR_READER_H
#define INGESTOR_INGESTOR_READER_H

#include "ingestor/ingestor_state.h"

/* Handles a message, and takes over what it holds. */
int ingestor_handle(struct ingestor *ingestor, struct reader_message *message);

/* Ends this life of the ingestor, because the lease is lost. Always returns -1. */
int ingestor_stand_down(struct ingestor *ingestor, const struct error *why);

#endif
