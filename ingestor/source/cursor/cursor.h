/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a table whose ids do not grow, by `source.cursor`: in the order of a column of times and,
 * of equal ones, of the ids. A database gives rows (cursor_row.h), and what is delivered, in which
 * order, is decided here, the same for all databases.
 *
 *            floor             position           now
 *   rows  ─────┼───────────────────┼───────────────┼──────────►
 *      finished│   late window     │  next rows    │ of the future
 *              │ looked at again   │               │
 *
 * A poll reads the rows behind the position. A row that is committed late lies before it, so the
 * late window is looked at again: its last seconds at each poll, all of it at each poll_interval,
 * and both less often when a look takes long. Ids that were delivered are known (cursor_set.h), so
 * each counts once. Rows of the future are delivered when a look finds them; the position stays
 * before them, for others come in between.
 *
 * What was delivered cannot be told from the table later on, so each batch is journaled.
 */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingestor/source/cursor/cursor_deliver.h"

/* state, journal and epoch as source_ops.open is given them; identity: of the table as it is now.
 * STATUS_IO: only cursor_close is to be called then. */
int cursor_open(struct cursor *cursor, const struct config *config, const struct cursor_db *db,
                struct str state, struct str journal, uint64_t epoch, struct str identity,
                struct error *err);
void cursor_close(struct cursor *cursor);

/* source_ops.read */
int cursor_read(struct cursor *cursor, size_t max_rows, struct batch **out, struct error *err);

/* Something was written, or may have been. */
void cursor_woken(struct cursor *cursor);

/* The time in which a look that something asked for is due; at most timeout_ms. */
int cursor_wait_ms(const struct cursor *cursor, int timeout_ms);

/* True when such a look is due now. */
bool cursor_due(const struct cursor *cursor);

/* source_ops.renumber */
uint64_t cursor_renumber(struct cursor *cursor);

#endif
