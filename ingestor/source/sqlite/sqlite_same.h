/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether it is still the same table: it may have been emptied, restored from a backup, replaced by
 * another file, or ids may have been given out again. docs/sources.md says what is concluded from
 * what.
 */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_SAME_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_SAME_H

#include "ingestor/source/sqlite/sqlite_state.h"

/* Compares what stands at the newest ids with what was read there, and starts over when it is
 * something else. newest: the id of the last row that was read above the position, or 0. Called
 * after reading: what happened before the rows were read shows, and what happens later does no
 * harm. */
int sqlite_same_check(struct sqlite_source *s, int64_t newest, struct error *err);

/* The same, and whether the file is still the one that the position belongs to. */
int sqlite_same_check_file(struct sqlite_source *s, struct error *err);

/* The greatest id that AUTOINCREMENT ever gave, which a deletion does not take back; -1: unknown.
 */
int sqlite_same_sequence(struct sqlite_source *s, int64_t *out, struct error *err);

#endif
