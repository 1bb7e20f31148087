/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ingestor: reads the events table, folds rows into tiles, publishes what changes, answers
 * queries, and saves a state from which it goes on after a crash as if nothing had happened.
 */
#ifndef INGESTOR_INGESTOR_H
#define INGESTOR_INGESTOR_H

#include "common/base/error.h"
#include "common/program/program.h"

enum ingestor_end {
    INGESTOR_STOPPED, /* SIGTERM or SIGINT */
    INGESTOR_REFUSED, /* the state is a newer version's, and was left as it is */
    INGESTOR_AGAIN, /* start again from scratch: the configuration changed, or the lease is lost */
};

struct ingestor;

/* Binds, and starts the reader. program is borrowed. STATUS_INVALID: there is no source of the
 * configured kind; STATUS_IO: an address cannot be bound. *out is NULL then. */
int ingestor_create(struct program *program, struct ingestor **out, struct error *err);
void ingestor_destroy(struct ingestor **ingestor);

/* Runs until a signal ends it, or this life is over. */
enum ingestor_end ingestor_run(struct ingestor *ingestor);

#endif
