/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader: a thread that owns the source and the state's store, so that a slow database never
 * holds up heartbeats and answers. It reads only while the lease is valid.
 *
 *   main thread                     reader's thread
 *        ◄── READER_LEADER ──────── has the lease, and read the state
 *   reader_begin(state) ──────────► opens the source there
 *        ◄── READER_BATCH ───────── reads
 *   reader_credit() ──────────────► may send one more batch (READER_BATCHES at first)
 *   reader_wake() ────────────────► reads, if it sleeps
 *   reader_save(changes) ─────────► stores them
 *        ◄── READER_SAVED ─────────
 *        ◄── READER_DOWN, _UP ───── the source fails, or works again
 *        ◄── READER_LOST ────────── the lease is lost: fall silent
 *        ◄── READER_OTHER_PAST ──── the database went back: begin again from what it holds
 *        ◄── READER_REFUSED ─────── instead of READER_LEADER: a newer version wrote the state
 *
 * All calls are the main thread's.
 */
#ifndef INGESTOR_READER_READER_H
#define INGESTOR_READER_READER_H

#include <stdbool.h>

#include "ingestor/reader/reader_message.h"
#include "ingestor/reader/reader_parts.h"

struct reader;

/* Starts the thread. The parts are copied. */
struct reader *reader_create(const struct reader_parts *parts);

/* Ends the thread and waits for it: within the time that one call of the source takes. */
void reader_destroy(struct reader **reader);

/* The pipe's ZeroMQ socket, for polling. */
void *reader_socket(const struct reader *reader);

/* The next message, without waiting; false when there is none. */
bool reader_receive(struct reader *reader, struct reader_message *out);

/* After READER_LEADER: opens the source at a state (STR_NULL: at the start of the table). epoch is
 * for the origin of a new numbering. */
void reader_begin(struct reader *reader, struct str state, uint64_t epoch);

/* A batch was dealt with: one more may come. */
void reader_credit(struct reader *reader);

/* How far the source is behind, and when that was known; as reader_lag_get. */
void reader_lag(const struct reader *reader, struct lag *out, mono_time *known_at);

/* Rows were written just now: reads them at once. */
void reader_wake(struct reader *reader);

/* The changes are borrowed, and must not change until READER_SAVED, READER_SAVE_FAILED or
 * READER_STATE_LOST has come; one at a time. record: number of the last journal record that is in
 * them. */
void reader_save(struct reader *reader, struct state_changes *changes, uint64_t record);

#endif
