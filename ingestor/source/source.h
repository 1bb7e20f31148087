/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source: the user's events table, read in delivery order. One small vtable; source_sqlite.c and
 * source_postgres.c implement it, and sources.c lists them. A source is used by one thread (the
 * reader's), and its calls may block.
 *
 * Delivery order is the order in which read() hands out rows. It must survive a crash: a source
 * that is opened again with the state that came with a batch delivers after it exactly what it
 * delivered, or would have delivered, after it the first time, with the same ordinals.
 */
#ifndef INGESTOR_SOURCE_SOURCE_H
#define INGESTOR_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"
#include "common/store/event.h"
#include "common/wire/lag.h"
#include "ingestor/source/database_clock.h"

/* Rows and where the source stands after them. Owned by whoever holds it; batch_destroy frees it.
 */
struct batch {
    struct event *events; /* their strings point into this batch's memory */
    size_t count;         /* how many there are */
    struct str state;     /* opaque: give it to source_open to continue after this batch */
    bool state_appends;   /* it is to be appended to the state of the batch before */
    uint64_t ordinal;     /* of the last row delivered, in this batch or before; 0 if none ever */
    uint64_t origin;      /* numbering that the ordinals belong to (docs/protocol.md) */
    bool restarted; /* the table was replaced or started over: forget everything folded before; the
                       batch's rows are the first of the new table */
    bool history; /* rows that were delivered before the state that the source was opened with: the
                     newest ones, for the event log alone. They come first of all. */
    bool more;    /* there was more to read at once: the source is catching up */
    bool older_gone; /* the first batch of a table that is read from its start: rows before these
                        are known to have been there, and to be gone */
    uint64_t older_gone_of; /* of several sources: the same of the i-th, as bit i */
    uint64_t anew_of; /* of several sources: bit i: the table of the i-th was replaced or started
                         over; its rows in this batch are the first of the new one */
    uint64_t
        delivered_of[CONFIG_SOURCES_MAX]; /* of several sources: rows that each delivered ever */
    double progress;    /* of source_ops.open_past: how much of the past has been read, 0 to 1 */
    uint64_t unusable;  /* rows passed over in this batch */
    uint64_t pushed;    /* of several sources: id of the last pushed event delivered; 0: none */
    uint64_t record;    /* number of the last journal record that is in the state; 0: none */
    struct str journal; /* empty: none. Else it must be on disk before the batch is handed on: what
                           of the order of delivery a later read could not tell from the table */
    uint64_t pending_ids;    /* ids that are missing and may still come */
    wall_time pending_since; /* the longest of them; WALL_NEVER when there is none */
    uint64_t given_up;       /* ranges of ids too many to wait for, since the source was opened */
    struct database_clock database_clock; /* of a server, as last measured */
    bool runs_on;       /* the database cannot have lost rows since the state that the source was
                           opened with was saved */
    uint64_t accounted; /* rows up to this ordinal that the table lacked when the source was opened
                           had been deleted, and not lost with the database; 0: nobody knows */
    struct batch *prev; /* in the list of whoever holds it */
    struct batch *next; /* in the list of whoever holds it */
    /* what follows is private to the source */
    struct batch_memory *memory;
};
void batch_destroy(struct batch **batch);

/* Of which sources rows are known to be gone before their first ones; the one `source` is the
 * first. */
static inline uint64_t batch_gone(const struct batch *batch)
{
    return batch->older_gone_of | (uint64_t)batch->older_gone;
}

struct source;
struct state_store_ops;
struct lease_store_ops;

/* Where an ingestor keeps what outlives it. The two go together: who lost the lease is fenced off
 * from the state by the lease's number. */
struct source_stores {
    const struct state_store_ops *state; /* how the state is stored */
    const struct lease_store_ops *lease; /* how the lease is held */
};

struct source_ops {
    const char *scheme;          /* of the uri: "sqlite" */
    bool journals;               /* its batches have something to be journaled */
    struct source_stores stores; /* unless the configuration puts them into files */

    /* Connects, and checks that table and columns are there; a missing one is reported by name,
     * with what to do. state is that of the last batch folded, or STR_NULL to read from the start.
     * journal: all that batches asked to have journaled, oldest first; what is in the state already
     * does no harm. STR_NULL: some of it is lost. */
    int (*open)(const struct config *config, struct str state, struct str journal, uint64_t epoch,
                struct source **out, struct error *err);
    void (*close)(struct source *source); /* Closes the connection, and frees the source. */

    /* Opens a source that reads, beside another that goes on, the rows that were delivered up to
     * the state `to` and not yet at the state `from` (STR_NULL: none was), and that are still
     * there. Their order does not matter, and their batches say `history`; the last one has no
     * `more`, and read is not called after it. done: the state of the last of these batches that
     * was handed on, to go on behind it; STR_NULL: from the start. wait is not called. */
    int (*open_past)(const struct config *config, struct str from, struct str to, struct str done,
                     struct source **out, struct error *err);

    /* True when a newer version of Tilewire wrote the state: it is not given to open then, nor
     * written over. */
    bool (*state_is_newer)(struct str state);

    /* The same of what it has of the single sources that the configuration names. NULL: there is
     * but one source. */
    bool (*part_is_newer)(const struct config *config, struct str state);

    /* The next rows, at most max_rows; *out is NULL when there is nothing new (but the first call
     * after open always gives a batch, for its origin, and so does the one after a batch of history
     * or with `more`: it was promised). STATUS_IO: the connection is lost; close it and open again
     * (with backoff). */
    int (*read)(struct source *source, size_t max_rows, struct batch **out, struct error *err);

    /* Sleeps until something may have been written since the last read began (*woken is set then),
     * wake_fd is readable, or timeout_ms is over. */
    int (*wait)(struct source *source, int wake_fd, int timeout_ms, bool *woken, struct error *err);

    /* Tells how far the source is behind in each of its streams, by what is known without asking
     * anybody; nothing where nothing is. NULL: nothing is. */
    void (*lag)(struct source *source, struct lag *out);

    /* Which entries of `sources` cannot be read, or have not come to their first end yet: bit i is
     * set for the i-th. NULL: there is but one source. */
    uint64_t (*missing)(struct source *source);

    /* True, once for each reason, when an entry of `sources` could not be read: *which is its
     * place, and *why the reason. NULL where missing is. */
    bool (*trouble)(struct source *source, size_t *which, struct error *why);

    /* The journal cannot be written, so that after a crash the order of delivery would be another
     * one: from now on the ordinals belong to a new origin, which is returned. NULL: the source
     * journals nothing. */
    uint64_t (*renumber)(struct source *source);
};

struct source {
    const struct source_ops *ops; /* what the source can do; it never changes */
    bool other_past; /* The database may have lost rows since the state that the source was opened
                        with. What the database holds itself, its state say, is as old as its
                        rows, and can be gone on from. */
};

/* An origin that was never used before: later than `before`, and than those of all earlier times.
 */
uint64_t source_new_origin(uint64_t before);

/* For state_is_newer: true when the state, a MessagePack array that begins with the number of its
 * format, has a number above that one. */
bool source_state_is_newer(struct str state, int64_t format);

#endif
