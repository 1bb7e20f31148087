/* SPDX-License-Identifier: Apache-2.0 */
/* The source that reads a table of PostgreSQL. */
#ifndef INGESTOR_SOURCE_POSTGRES_SOURCE_POSTGRES_H
#define INGESTOR_SOURCE_POSTGRES_SOURCE_POSTGRES_H

#include "ingestor/source/source.h"

extern const struct source_ops source_postgres;

#endif
