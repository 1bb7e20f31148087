/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the oracle needs of a source: all rows of the events table, read with plain SQL in pages and
 * with none of the ingestor's reading code. Each kind of source is one file of ctl/oracle/sources/;
 * sources.h opens the one that the configuration names.
 */
#ifndef CTL_ORACLE_SOURCE_H
#define CTL_ORACLE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/config/source_built.h"
#include "ctl/oracle/rows.h"

#define ORACLE_PAGE_ROWS 20000 /* rows read at once, so that writers never wait for long */

/* A kind's file embeds this as the first member of its own struct. */
struct oracle_source {
    int64_t newest;       /* greatest id in the table when it was last read; 0 when it is empty */
    uint64_t unusable;    /* rows passed over, by the rules of docs/sources.md */
    struct error warning; /* why the rows may not be all there are; empty: nothing says so */
    bool position_is_id; /* True when the position of a row is its id, whenever it was committed. */
    bool texts;          /* Ids are texts (source.cursor): `newest` is how many rows there are. */

    /* Called between two pages, as often as there are some; NULL: nothing is. The caller's. */
    void (*between)(void *arg);
    void *arg; /* of between */

    /* Reads what has come since the last load, or everything. STATUS_IO. */
    int (*load)(struct oracle_source *source, struct oracle_rows *rows, struct error *err);
    void (*rewind)(struct oracle_source *source); /* the next load reads all rows */

    /* Of several: see oracle_source_unread. NULL where a load fails instead. */
    const char *(*unread)(const struct oracle_source *source, const struct tile_config *tile);
    void (*close)(struct oracle_source *source); /* Ends the connection, and frees the source. */
};

/*
 * How a kind is opened. The configuration has a source of that kind, and outlives what is opened;
 * the caller closes it with oracle_source_close. STATUS_NOT_FOUND: the table or a column that is
 * needed is missing; STATUS_IO and what the kind's connection fails with: the database cannot be
 * read. *out is set only when it succeeds.
 */
typedef int oracle_open_fn(const struct config *config, struct oracle_source **out,
                           struct error *err);

/* oracle_NAME_open of each kind that is built, which sources/NAME.c defines. */
#define ORACLE_SOURCE_DECLARE(value, name) extern oracle_open_fn oracle_##name##_open;
SOURCE_BUILT_LIST(ORACLE_SOURCE_DECLARE)
#undef ORACLE_SOURCE_DECLARE

#endif
