/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of rows that were put off (fold_put_off.h). How many there are is counted for each
 * source, so that tiles of the others stay complete when some of them are gone. */
#ifndef INGESTOR_FOLD_PUT_OFF_H
#define INGESTOR_FOLD_PUT_OFF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/time/clock.h"
#include "common/codec/mp.h"
#include "common/config/config.h"
#include "common/store/event.h"

/* The bit, in a set of sources, of those that are configured no more: only tiles of all sources
 * have their rows. */
#define PUT_OFF_UNKNOWN (UINT64_C(1) << 63)

/* Zeroed memory counts none. */
struct put_off_counts {
    uint64_t of[CONFIG_SOURCES_MAX]; /* by the places in `sources`; the one `source` is the first */
    uint64_t unknown;                /* of sources that are configured no more */
};

/* What was put off, when its time has come. Zeroed memory: nothing was. */
struct put_off {
    bool reading;                  /* it is being read again */
    wall_time from;                /* reading: the moment that it begins with */
    uint64_t sources;              /* reading: bit i: rows of the i-th are taken */
    struct put_off_counts missing; /* reading: so many were put off, and have not come */
    struct buf to;                 /* reading: the state of the source up to which it goes */
    struct buf done;               /* reading: the state of the last batch; empty: none has come */
    int permille;                  /* reading: how much has come, as was last told */
    uint64_t lacking;              /* bit i: tiles of the i-th lack rows whose time has come */
    bool unsaved;                  /* all this but `to` is other than what was saved */
    bool to_unsaved;               /* the same of `to` */
};

/* The count that the event's source has. */
uint64_t *put_off_counts_of(struct put_off_counts *counts, const struct event *event);

/* Forgets those of these sources, bit i for the i-th. */
void put_off_counts_drop(struct put_off_counts *counts, uint64_t sources);

uint64_t put_off_counts_total(const struct put_off_counts *counts);

/* The sources that have any. */
uint64_t put_off_counts_sources(const struct put_off_counts *counts);

/* All sources that are configured. */
uint64_t put_off_counts_all(const struct config *config);

/* Appends [[name, count], …], of `sources` and of those that have any. The one `source`, and all
 * that are configured no more, have an empty name. */
void put_off_counts_save(const struct put_off_counts *counts, uint64_t sources,
                         const struct config *config, struct buf *out);

/* Loads what put_off_counts_save wrote; *sources is whom it names, as far as they are configured.
 * False when the value is no such thing. */
bool put_off_counts_load(struct put_off_counts *counts, uint64_t *sources,
                         const struct config *config, const mp_value *value);

#endif
