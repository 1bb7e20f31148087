/* SPDX-License-Identifier: Apache-2.0 */
/* The database's connection, and what tells of writes to it: the same for both ways to read a table
 * of it. */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_DATABASE_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_DATABASE_H

#include "ingestor/source/sqlite/sqlite_state.h"

/* Opens the configured file, and begins to watch it. STATUS_IO. */
int sqlite_database_open(struct sqlite_source *s, struct error *err);

/* When the file was made, in ns since 1970; 0: its file system does not know. An inode that was
 * given to another file shows by it, and a device that only has another number, as after a reboot,
 * does not. */
int64_t sqlite_database_born(const char *path);

/* STATUS_IO when the file is another one than s->identity, or its log was replaced. */
int sqlite_database_check(struct sqlite_source *s, struct error *err);

/* source_ops.wait; *over: the time is over, and what no notification tells of is to be looked for.
 */
int sqlite_database_wait(struct sqlite_source *s, int wake_fd, int timeout_ms, bool *woken,
                         bool *over, struct error *err);

#endif
