/* SPDX-License-Identifier: Apache-2.0 */
/* Taking events that are pushed (`op: push`), when source.uri is push:FILE. */
#ifndef INGESTOR_INGESTOR_PUSH_H
#define INGESTOR_INGESTOR_PUSH_H

#include "ingestor/ingestor_state.h"

/* Starts the writer, if the source is of that kind; then ingestor->pushing.writer is set, and the
 * query server may be given ingestor_push_take. */
void ingestor_push_begin(struct ingestor *ingestor);

/* The `push` of struct query; arg: the ingestor. Only the leader takes events. */
const char *ingestor_push_take(void *arg, struct str request, const char **code);

/* Answers what the writer has stored, and has it read. */
void ingestor_push_answer(struct ingestor *ingestor);

/* The tiles are saved up to saving.saved_pushed: what is older than source.keep may go. */
void ingestor_push_saved(struct ingestor *ingestor);

/* Appends its metrics and returns how many. */
size_t ingestor_push_stats(const struct ingestor *ingestor, struct buf *out);

#endif
