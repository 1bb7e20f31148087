/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tile type is to the fold: how a row changes it, how time changes it, how it looks. A new
 * type is a file with one of these, and a line in fold_type.c.
 *
 * State is memory of `size` bytes that the fold allocates, zeroed, and frees after finish.
 */
#ifndef INGESTOR_FOLD_FOLD_TYPE_H
#define INGESTOR_FOLD_FOLD_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/codec/mp.h"
#include "common/config/tiles.h"
#include "ingestor/fold/row.h"

/* What the event's type alone says about a tile; worked out once for each type (see fold_plan.h).
 */
struct candidate {
    bool opens;  /* sla: the type admits `opens` */
    bool closes; /* sla: the type admits `closes` */
    int state;   /* backlog: what the first rule that fits says */
};

struct fold_type {
    size_t size;
    void (*init)(void *state, const struct tile_config *config, wall_time now);
    void (*finish)(void *state);

    /* Is the row for this tile? What it means is worked out here and handed to apply, so that a row
     * that is not for a family makes no member. */
    bool (*concerns)(const struct tile_config *config, const struct candidate *candidate,
                     struct row *row, double *value);

    /* Takes in a row that concerns it. Returns whether the value may have changed. */
    bool (*apply)(void *state, const struct tile_config *config, const struct candidate *candidate,
                  struct row *row, double value, wall_time now);

    /* Lets time pass. Returns whether the value may have changed. NULL: time changes nothing. */
    bool (*advance)(void *state, const struct tile_config *config, wall_time now);
    /* When advance has something to do. NULL as advance. */
    wall_time (*next)(const void *state, const struct tile_config *config);

    /* Appends the map that is the tile's `data`. */
    void (*write)(const void *state, const struct tile_config *config, struct buf *out);

    /* The state as one MessagePack value, and back into a state just initialised. */
    void (*save)(const void *state, const struct tile_config *config, struct buf *out);
    bool (*load)(void *state, const struct tile_config *config, const mp_value *value);
};

const struct fold_type *fold_type_of(enum tile_type type);

extern const struct fold_type fold_count;
extern const struct fold_type fold_trend;
extern const struct fold_type fold_sla;
extern const struct fold_type fold_backlog;
extern const struct fold_type fold_gauge;

/* concerns of the types that a `match` or a `metric` feeds: value is the metric's, or that of the
 * configured field, or 0. */
bool concerns_match_or_metric(const struct tile_config *config, const struct candidate *candidate,
                              struct row *row, double *value);

/* Width of a count's window slots in µs, and how many there are: docs/tiles.md. */
int64_t count_slot_us(const struct tile_config *config);
uint32_t count_slots(const struct tile_config *config);

/* Appends a moment as text. */
void put_time(struct buf *out, int64_t us);

#endif
