/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that reads rows of the past once more, for tiles that lack them, beside the reader,
 * which goes on with what is new. It has a connection of its own, and opens it again, after a
 * pause, when that fails.
 *
 *   main thread                   this thread
 *        ◄── PAST_BATCH ───────── reads
 *   past_credit() ──────────────► may send one more batch (PAST_BATCHES at first)
 *        ◄── PAST_DOWN ────────── the source cannot be read; it is tried again
 *        ◄── PAST_REFUSED ─────── the states do not fit the source: there will be no batch
 *
 * The last batch has no `more`. All calls are the main thread's.
 */
#ifndef INGESTOR_READER_PAST_H
#define INGESTOR_READER_PAST_H

#include <stdbool.h>

#include "common/config/config.h"
#include "ingestor/source/source.h"

#define PAST_BATCHES 2 /* under way at once */

enum past_kind {
    PAST_BATCH,
    PAST_DOWN,
    PAST_REFUSED,
    PAST_STOPPED, /* the last one; only past_destroy sees it */
};

struct past_message {
    enum past_kind kind; /* what the message tells */
    struct batch *batch; /* PAST_BATCH: the receiver's to destroy. Else NULL. */
    struct error error;  /* PAST_DOWN, PAST_REFUSED */
};

struct past;

/* Starts the thread, for the rows between the two states, behind the batch of which `done` is the
 * state (source_ops.open_past). Empty ones are none. config and source are borrowed; the states are
 * copied. */
struct past *past_create(const struct config *config, const struct source_ops *source,
                         struct str from, struct str to, struct str done);

/* Ends the thread and waits for it: within the time that one call of the source takes. */
void past_destroy(struct past **past);

/* The pipe's ZeroMQ socket, for polling. */
void *past_socket(const struct past *past);

/* The next message, without waiting; false when there is none. */
bool past_receive(struct past *past, struct past_message *out);

/* A batch was dealt with: one more may come. */
void past_credit(struct past *past);

#endif
