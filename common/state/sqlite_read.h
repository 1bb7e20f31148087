/* SPDX-License-Identifier: Apache-2.0 */
/* What a database of state_sqlite.h holds; `path` is its file's name, for errors. */
#ifndef COMMON_STATE_SQLITE_READ_H
#define COMMON_STATE_SQLITE_READ_H

#include <sqlite3.h>

#include "common/state/state_store.h"

/* What SQLite said last, as an error: STATUS_AGAIN (somebody else has a lock), STATUS_INVALID (the
 * database is damaged) or STATUS_IO. */
int sqlite_read_error(sqlite3 *db, const char *path, const char *doing, struct error *err);

/* As state_sqlite_load and state_sqlite_journal. */
int sqlite_read_state(sqlite3 *db, const char *path, struct state_changes *out, struct error *err);
int sqlite_read_journal(sqlite3 *db, const char *path, struct state_changes *out,
                        struct error *err);

#endif
