/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state's records in one SQLite database. state_file.c decides which database that is, and
 * state_export.c writes and reads exports with it.
 *
 *   state    (tile, member, item) → value, sealed (changes.h)
 *   journal  number → record
 *   holder   the number of the lease that wrote last; smaller ones may write no more
 *
 * PRAGMA application_id says that the file is one of these, and user_version in which form. The
 * database is in WAL mode, so a reader never waits for a writer, even one that is stopped.
 */
#ifndef COMMON_STATE_STATE_SQLITE_H
#define COMMON_STATE_STATE_SQLITE_H

#include <stdbool.h>

#include "common/state/state_store.h"

#define STATE_SQLITE_VERSION 1

struct state_sqlite;

enum state_sqlite_mode {
    STATE_SQLITE_READ,   /* the file must be there, and is shown as it was at one moment */
    STATE_SQLITE_WRITE,  /* as well, and is written to */
    STATE_SQLITE_CREATE, /* the file must not be there; it is made, for its owner alone to read */
    STATE_SQLITE_COPY,   /* as well, and no fsync is waited for before state_sqlite_settle */
};

/* On success *out is the caller's to close. STATUS_NOT_FOUND: there is no such file;
 * STATUS_INVALID: it is damaged, or no state of Tilewire; STATUS_NEWER: a newer version wrote it;
 * STATUS_IO. */
int state_sqlite_open(const char *path, enum state_sqlite_mode mode, struct state_sqlite **out,
                      struct error *err);
void state_sqlite_close(struct state_sqlite *state);

/* From now on only changes with that number are taken: a transaction begins, which keeps all others
 * from writing, and ends with the first changes; so the disk need not be waited for. STATUS_AGAIN:
 * somebody is in the middle of writing, and was still after some tenths of a second;
 * STATUS_INVALID, STATUS_IO. */
int state_sqlite_hold(struct state_sqlite *state, uint64_t number, struct error *err);

/* What is read from now on is what the state holds now, whatever others make of it meanwhile; it
 * can not be written any more. STATUS_INVALID, STATUS_IO. */
int state_sqlite_pin(struct state_sqlite *state, struct error *err);

/* As in struct state_store_ops. confirm, which may be NULL, is asked right before a change becomes
 * final. STATUS_INVALID: the database is damaged, and good for nothing but to be closed. */
int state_sqlite_load(struct state_sqlite *state, struct state_changes *out, struct error *err);
int state_sqlite_save(struct state_sqlite *state, const struct state_fence *fence,
                      const struct state_changes *changes, uint64_t record, struct error *err);
int state_sqlite_append(struct state_sqlite *state, const struct state_fence *fence,
                        uint64_t number, struct str record, struct error *err);
int state_sqlite_journal(struct state_sqlite *state, struct state_changes *out, struct error *err);

/* Copies all records and the journal into an empty state that is held (state_sqlite_hold): as part
 * of its next changes. */
int state_sqlite_copy(struct state_sqlite *from, struct state_sqlite *to, struct error *err);

/* Waits until all that was committed to a STATE_SQLITE_COPY is on disk, but for its entry in the
 * folder: a single fsync. From now on each commit waits, too. STATUS_IO: it may have lost
 * something, and is good for nothing but to be closed. */
int state_sqlite_settle(struct state_sqlite *state, struct error *err);

/* Bytes of the database and of its log. */
uint64_t state_sqlite_size(const struct state_sqlite *state);

/* Removes the database of that path, and the files that SQLite keeps beside it. */
void state_sqlite_remove(const char *path);

#endif
