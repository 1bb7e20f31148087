/* SPDX-License-Identifier: Apache-2.0 */
/* Which kind of source the oracle reads, and how: one line a kind in sources.c. */
#ifndef CTL_ORACLE_SOURCES_H
#define CTL_ORACLE_SOURCES_H

#include "ctl/oracle/source.h"

/* Opens the source that the configuration names; see oracle_open_fn for the rest. */
int oracle_source_open(const struct config *config, struct oracle_source **out, struct error *err);

/* Closes what is not NULL, and sets it to NULL. */
void oracle_source_close(struct oracle_source **source);

/* Brings rows up to date with the table: adds what is new. When rows have appeared among older ones
 * (PostgreSQL commits ids out of order), or have gone from among them, the newest pages are read
 * again, or all if that does not do. When it fails (STATUS_IO, or what the kind's connection says),
 * what was added stays, and the next call goes on behind it. */
int oracle_source_load(struct oracle_source *source, struct oracle_rows *rows, struct error *err);

/* Reads all rows anew, so that rows that have gone since they were read are gone here, too. Fails
 * as oracle_source_load does. */
int oracle_source_load_anew(struct oracle_source *source, struct oracle_rows *rows,
                            struct error *err);

#endif
