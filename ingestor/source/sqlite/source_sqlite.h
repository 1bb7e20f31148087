/* SPDX-License-Identifier: Apache-2.0 */
/* The source that reads a table of SQLite. */
#ifndef INGESTOR_SOURCE_SQLITE_SOURCE_SQLITE_H
#define INGESTOR_SOURCE_SQLITE_SOURCE_SQLITE_H

#include "ingestor/source/source.h"

extern const struct source_ops source_sqlite;

#endif
