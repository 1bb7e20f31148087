/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where reading of several sources stands: the state of each, and in which order rows of different
 * sources were delivered.
 *
 *   shop   … 40 41 │ 42 43           a run: what shop delivered behind 41, up to 43; then
 *   desk   … 90 │ 91 93              what desk delivered behind 90, up to 93; then …
 *
 * Within a source the order is its own, by its ordinals; between them it is that in which batches
 * came, which nobody can tell later on. So each batch is journaled as a record of its runs, and the
 * newest runs are kept as long as the event log holds their rows. A run takes as many ordinals as
 * its source's did: gaps stay gaps, so that the ordinal of a row follows from that of its source,
 * whichever other rows are gone later.
 *
 *   state   [format, "several", origin, record, ordinal,
 *            [[name, table, origin, ordinal, delivered, read_once, state, again], …],
 *            [[place, from, to, ordinal, count], …]]
 *
 *   change  [place, origin, ordinal, delivered, read_once, appends, state, record, run, again]
 *
 *   record  [number, [[name, origin, from, to, ordinal, count], …], [[name, journal], …]]
 *
 * Behind a whole state there are changes, one a batch, so that a batch costs what it has. `state`
 * is what its source's own is from then on, or has at its end when it `appends`; run is [from, to,
 * ordinal, count], or nil when the source stands where it stood. Who wrote no `again` yet meant
 * false.
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_SEVERAL_SEVERAL_STATE_H
#define INGESTOR_SOURCE_SEVERAL_SEVERAL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "common/config/config.h"

/* Sources that are known, with those that are not configured any more: what is read of one that
 * comes back goes on. Beyond, the one that went first is forgotten (several_room.h). */
#define SEVERAL_PLACES_MAX 64
#define SEVERAL_RUNS_MAX ((size_t)5000) /* Beyond, the event log begins later after a restart. */

/* One source. */
struct several_place {
    char name[CONFIG_SOURCE_NAME_MAX + 1]; /* as configured; NUL-terminated */
    uint64_t table;                        /* which one it reads (state_table) */
    struct buf state;                      /* its own; empty: nothing was read of it */
    uint64_t origin;                       /* its own numbering */
    uint64_t ordinal;                      /* in that numbering, of the last row */
    uint64_t delivered;                    /* rows, of this table */
    bool read_once;                        /* It has come to its end, of this table. */
    bool again; /* Until it comes to its end, its rows may have been delivered before, in an order
                   that nobody knows any more. */
};

/* Rows that stand one behind the other in the order of a source, and in that of delivery. */
struct several_run {
    size_t place;     /* index of the source */
    uint64_t from;    /* the source's ordinal before its first row */
    uint64_t to;      /* that of its last row */
    uint64_t ordinal; /* in the order of delivery, before the first row */
    uint64_t count;   /* rows that came */
};

struct several_state {
    struct several_place places[SEVERAL_PLACES_MAX]; /* those that went first stand first */
    size_t count;                                    /* how many there are */
    struct several_run *runs;                        /* the newest, in the order of delivery */
    size_t run_count;                                /* how many there are */
    uint64_t keep;                                   /* rows that runs are kept for */
    uint64_t origin;                                 /* that ordinals belong to */
    uint64_t ordinal;                                /* of the last row */
    uint64_t record;                                 /* number of the last one; 0: none */
};

void several_state_free(struct several_state *state);

/* The index of a source, which is added when it is not known: several_make_room has been
 * called for the configuration that it is of. One of that name that reads another table now begins
 * anew. */
size_t several_state_place(struct several_state *state, const char *name, uint64_t table);

/* What is known of a source that reads that table; NULL: nothing is. */
const struct several_place *several_state_known(const struct several_state *state, const char *name,
                                                uint64_t table);

/* True when something was read of a source of that name. */
bool several_state_begun(const struct several_state *state, const char *name);

/* The table of a source was replaced or started over: nothing was read of it, and ordinals begin a
 * new numbering. */
void several_state_anew(struct several_state *state, size_t place);

/* What a source has delivered next. */
struct several_news {
    uint64_t origin; /* of its ordinals */
    uint64_t first;  /* the ordinal of its first row; 0: no row came */
    uint64_t to;     /* that it stands at now */
    uint64_t count;  /* rows */
};

/* The source has delivered that: returns its run, which is part of the state from then on. When the
 * source has numbered anew, so does the state. */
struct several_run several_state_advance(struct several_state *state, size_t place,
                                         const struct several_news *news);

/* Ordinals begin a new numbering. Returns its origin. */
uint64_t several_state_renumber(struct several_state *state);

/* The order is not known in which rows behind the state were delivered: ordinals begin a new
 * numbering, and each source delivers `again`. */
void several_state_lose_order(struct several_state *state);

/* The place in the order of delivery of a row of the run. */
static inline uint64_t several_ordinal(const struct several_run *run, uint64_t ordinal)
{
    return run->ordinal + (ordinal - run->from);
}

/* The same of a row of any run; 0 when none has it. */
uint64_t several_state_find(const struct several_state *state, size_t place, uint64_t ordinal);

/* The last place in the order of delivery that a row of that source before `ordinal` may have; 0
 * when there is none that is known. */
uint64_t several_state_before(const struct several_state *state, size_t place, uint64_t ordinal);

/* ---- The saved form ---- */

void several_state_save(const struct several_state *state, struct buf *out);

/* Appends the change that a batch of a source makes, which several_state_advance has taken over
 * already, and brings the source's own state there. appends: it is appended to it. run: that of the
 * batch; NULL: there is none. */
struct several_change {
    size_t place;                  /* the source */
    const struct several_run *run; /* that of the batch */
    struct str state;              /* of the source, from then on */
    bool appends;                  /* It stands behind what the source's was. */
};
void several_state_change(struct several_state *state, const struct several_change *change,
                          struct buf *out);

/* Loads a state, with the changes behind it, into one that is empty but for `keep`. False when it
 * is none. */
bool several_state_load(struct several_state *state, struct str saved);

/* source_ops.state_is_newer */
bool several_state_is_newer(struct str saved);

/* The state that a source had at that state of all; STR_NULL: none. It is appended to `out`. */
struct str several_state_of(struct str saved, const char *name, struct buf *out);

/* ---- Records ---- */

/* Appends the record of runs, the number of which is that of the state, and of what the source of
 * the first one has to have journaled; empty: nothing. */
void several_record_put(const struct several_state *state, const struct several_run *runs,
                        size_t count, struct str journal, struct buf *out);

/* Its number alone; 0 when the value is no record. */
uint64_t several_record_number(const mp_value *value);

/* The runs of a record, by indices of the state's; those of sources that are not known are left
 * out. Appends them to `runs` as struct several_run. False when it is no record. */
bool several_record_runs(const struct several_state *state, const mp_value *value,
                         struct buf *runs);

/* What a source had journaled, of all records of the journal, is appended to `out`. */
void several_record_journal(struct str journal, const char *name, struct buf *out);

#endif
