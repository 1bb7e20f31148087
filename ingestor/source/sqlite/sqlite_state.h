/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the SQLite source share, and its saved form. From the ground: sqlite_wake.c
 * (what tells of writes), sqlite_turn.c
 * (when to read), sqlite_state.c, sqlite_table.c (the statements), sqlite_rows.c (rows
 * become events), sqlite_same.c (whether it is still the same table), source_sqlite.c (what is
 * delivered). Used by the reader's thread only.
 */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_STATE_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_STATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/config/config.h"
#include "ingestor/source/anchor.h"
#include "ingestor/source/anchors.h"
#include "ingestor/source/rewind.h"
#include "ingestor/source/source.h"
#include "ingestor/source/sqlite/sqlite_turn.h"
#include "ingestor/source/sqlite/sqlite_wake.h"
#include "ingestor/source/unusable.h"

struct sqlite_source {
    struct source base;          /* first: a struct source is one of these */
    const struct config *config; /* borrowed */
    sqlite3 *db;                 /* the connection; owned */
    sqlite3_stmt *select;        /* rows after a position */
    sqlite3_stmt *tail;          /* the newest row up to a position: id, timestamp and type */
    sqlite3_stmt *least;         /* the least id */
    sqlite3_stmt *bad_ids;       /* how many rows have an id that cannot be used */
    sqlite3_stmt *sequence;  /* the greatest id that was ever given; NULL: without AUTOINCREMENT */
    struct sqlite_wake wake; /* tells of writes, by inotify */
    struct sqlite_turn turn; /* when it is our turn to read, so that writers are not kept out */
    struct unusable_log unusable; /* rows that were passed over, as far as the log has told */

    /* Where delivery stands. */
    int64_t position;    /* id of the last row that was read, or passed by */
    double fraction;     /* the last id that was read, if it was no whole number; else 0 */
    int64_t history_end; /* rows up to this one are read again as history; 0: none are */
    uint64_t origin;     /* that the ordinals belong to */

    /* By what the table is known again. */
    struct stat identity;       /* of the file that the position belongs to */
    int64_t born;               /* when that file was made, in ns; 0: not known */
    struct anchor anchor;       /* a row in it */
    struct anchors anchors;     /* the newest rows */
    struct rewind_watch rewind; /* what tells that the table has gone back in time */
    int64_t given; /* The greatest id that had been given out when the source was opened; -1:
                      unknown. */
    bool emptied;  /* Rows are deleted once they were read, and it was said. */
    uint64_t columns_read; /* A bit for each field of an event whose column was there. */

    /* What the next batch has to tell. */
    uint64_t bad_ids_seen; /* rows whose ids cannot be used, as last counted */
    uint64_t bad_ids_new;  /* those of them that no batch has told of yet */
    bool caught_up;    /* The last poll came to the end of the table. Until one has, each poll gives
                          a batch, even if it is empty. */
    bool started_over; /* The file was replaced, or its ids begin anew. */
};

/* Appends the state after the batch under way: [format, position, origin, device, inode, anchor,
 * anchors, columns_read, bad_ids_seen, born]. Those of older programs end sooner, the first ones
 * with the anchor. */
void sqlite_state_save(const struct sqlite_source *s, struct buf *out);

/* Takes a saved state over. False when it is not one of ours: what *s says then is of no use. */
bool sqlite_state_load(struct sqlite_source *s, struct str state);

/* The table is another one: reads it from the start, under a new origin. */
void sqlite_state_start_over(struct sqlite_source *s);

/* Where reading goes on once history is over. */
int64_t sqlite_state_position(const struct sqlite_source *s);

/* source_ops.state_is_newer */
bool sqlite_state_is_newer(struct str state);

#endif
