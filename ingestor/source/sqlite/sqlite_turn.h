/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking turns with writers of a database in rollback-journal mode. There a reader keeps a writer
 * from committing, and an application without a busy timeout takes that for an error. A writer
 * reserves the file first and needs it for itself later, so a reader that makes way as soon as the
 * file is reserved disturbs nobody.
 *
 *   writer   reserve ── write the journal ── sync ── exclusive: commit ── release
 *   reader      ▲ make way                                                   ▲ read
 *
 * In WAL mode nobody waits for anybody, and nobody reserves.
 */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_TURN_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_TURN_H

#include <sqlite3.h>
#include <stdbool.h>

#define SQLITE_TURN_ROWS                                                                           \
    64 /* rows read between two looks whether a writer has come: some 20 us                        \
        */

/* Zero-initialised. */
struct sqlite_turn {
    bool gave_up; /* The writer takes too long: it is not waited for until it has come to an end. */
};

/* Sleeps while a writer has the file reserved, at most a quarter of a second. */
void sqlite_turn_await(struct sqlite_turn *turn, sqlite3 *db);

/* True when a writer has come, and reading had better stop. */
bool sqlite_turn_is_over(const struct sqlite_turn *turn, sqlite3 *db);

#endif
