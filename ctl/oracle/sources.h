/* SPDX-License-Identifier: Apache-2.0 */
/* Which kind of source the oracle reads, and how: one line a kind in sources.c. */
#ifndef CTL_ORACLE_SOURCES_H
#define CTL_ORACLE_SOURCES_H

#include "ctl/oracle/source.h"

/* Opens the source that the configuration names, or all of `sources`; see oracle_open_fn for the
 * rest. Of several, what cannot be opened shows when it is read. */
int oracle_source_open(const struct config *config, struct oracle_source **out, struct error *err);

/* Why the tile's rows, or some of them, could not be read when rows were loaded last: a clause that
 * names the source. NULL: they were. source may be NULL. */
const char *oracle_source_unread(const struct oracle_source *source,
                                 const struct tile_config *tile);

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
