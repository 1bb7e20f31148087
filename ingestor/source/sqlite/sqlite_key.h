/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of a key, of any type, as bytes: the type, and what it holds: i and r the digits or the
 * bytes of a number, t a text, b a blob. SQLite compares values of one type with each other, and
 * types in that order.
 */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_KEY_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_KEY_H

#include <sqlite3.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/base/time/clock.h"

/* Appends the value of a column of the row in hand; NULL: nothing. */
void sqlite_key_put(struct buf *out, sqlite3_stmt *row, int column);

/* Binds such a value. It has to stay as it is until the statement is reset. */
void sqlite_key_bind(sqlite3_stmt *statement, int index, struct str value);

/* The moment that such a value stands for; false when it stands for none. */
bool sqlite_key_time(struct str value, const struct zone *zone, wall_time *out);

/* The value of an id as events have it: of a blob, the digits of its bytes; empty when it is none.
 * Valid as long as both are as they are. */
struct str sqlite_key_id(struct str value, struct buf *scratch);

#endif
