/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of pushed events: an SQLite database that is Tilewire's own. Whoever opens it first
 * makes it, for its owner alone (0600), with these tables:
 *
 *     events   what was pushed; ids only grow, and none is given out twice
 *     pushes   one row for each Idempotency-Key: which events it stands for
 *
 * The source reads it (source_push.c), and ingestor/push writes it. Pure but for the file.
 */
#ifndef INGESTOR_SOURCE_PUSH_PUSH_FILE_H
#define INGESTOR_SOURCE_PUSH_PUSH_FILE_H

#include <sqlite3.h>

#include "common/base/error.h"

/* Opens the file for writing, and makes it and its tables if they are not there. What is committed
 * is on disk then. The caller closes *out. STATUS_INVALID: it is another program's;
 * STATUS_NEWER: it is a newer Tilewire's; STATUS_IO, STATUS_FULL: it cannot be made or read. */
int push_file_open(const char *path, sqlite3 **out, struct error *err);

/* Fills err with what the database says, and returns STATUS_FULL when there is no room on the disk,
 * else STATUS_IO. */
int push_file_error(sqlite3 *db, const char *path, const char *doing, struct error *err);

#endif
