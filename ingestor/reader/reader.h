/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader: a thread that owns the source and the checkpoints, so that a slow database never
 * holds up beats and answers. It reads only while the lease is valid.
 *
 *   main thread                     reader's thread
 *        ◄── READER_LEADER ──────── has the lease, and read the checkpoint
 *   reader_begin(state) ──────────► opens the source there
 *        ◄── READER_BATCH ───────── reads
 *   reader_credit() ──────────────► may send one more batch (READER_BATCHES at first)
 *   reader_save(bytes) ───────────► writes a checkpoint
 *        ◄── READER_SAVED ─────────
 *        ◄── READER_DOWN, _UP ───── the source fails, or works again
 *        ◄── READER_LOST ────────── the lease is lost: fall silent
 */
#ifndef INGESTOR_READER_READER_H
#define INGESTOR_READER_READER_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/config/config.h"
#include "ingestor/lease/lease.h"
#include "ingestor/source/source.h"

#define READER_BATCHES 3 /* batches under way at once */
#define READER_ROWS 4000 /* rows of a batch */

enum reader_kind {
    READER_STANDBY, /* another ingestor has the lease; text says which */
    READER_LEADER,  /* bytes: the checkpoint, NULL if there is none; text: why it cannot be used, or
                       empty; epoch */
    READER_UP,      /* the source is read, or again */
    READER_DOWN,    /* the source cannot be read; text says why. It is tried again. */
    READER_BATCH,
    READER_SAVED,
    READER_SAVE_FAILED, /* text */
    READER_LOST,        /* text */
    READER_STOPPED,     /* the last one; only reader_destroy sees it */
};

struct reader_message {
    enum reader_kind kind;
    struct batch *batch; /* READER_BATCH: the receiver's to destroy */
    char *bytes;         /* READER_LEADER: the receiver's to free */
    size_t len;
    uint64_t epoch;     /* READER_LEADER: that came with the lease */
    struct error error; /* text */
};

struct reader;

/* Starts the thread. Both are borrowed. */
struct reader *reader_create(const struct config *config, struct lease *lease);

/* Ends the thread and waits for it: within the time that one call of the source takes. */
void reader_destroy(struct reader **reader);

/* The pipe's ZeroMQ socket, for polling. */
void *reader_socket(const struct reader *reader);

/* The next message, without waiting; false when there is none. */
bool reader_receive(struct reader *reader, struct reader_message *out);

/* Opens the source at a state (STR_NULL: at the start of the table). epoch is for the origin of a
 * new numbering. Any batch still under way from before is to be told by its generation: the reader
 * discards them. */
void reader_begin(struct reader *reader, struct str state, uint64_t epoch);

void reader_credit(struct reader *reader);

/* Copies bytes. record: number of the last journal record that is in it. One at a time: wait for
 * READER_SAVED or READER_SAVE_FAILED. */
void reader_save(struct reader *reader, struct str bytes, uint64_t record);

#endif
