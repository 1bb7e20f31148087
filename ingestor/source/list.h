/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the sources, which NAME/source_NAME.c and, for `source.cursor`, NAME/NAME_cursor.c
 * define; sources.c makes one table of each. Only databases can be read by a cursor. */
#ifndef INGESTOR_SOURCE_LIST_H
#define INGESTOR_SOURCE_LIST_H

#include "common/config/source_built.h"
#include "ingestor/source/source.h"

#define SOURCE_DECLARE(value, name) extern const struct source_ops source_##name;
SOURCE_BUILT_LIST(SOURCE_DECLARE)
#undef SOURCE_DECLARE

extern const struct source_ops source_sqlite_cursor;
extern const struct source_ops source_postgres_cursor;

#endif
