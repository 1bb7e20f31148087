/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row that was read, by which a table is known again after its file was replaced: a copy with
 * all its rows has that row too, another table has another row with that id, or none.
 *
 * Pure.
 */
#ifndef INGESTOR_SOURCE_ANCHOR_H
#define INGESTOR_SOURCE_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/codec/mp.h"
#include "ingestor/source/source.h"

/* Zero-initialised: no row was read yet. */
struct anchor {
    int64_t id;      /* of the row; 0: there is none */
    uint64_t digest; /* of timestamp and type: what is updated least */
};

uint64_t anchor_digest(wall_time timestamp, struct str event_type);

/* The anchor that an event makes; the batch is not finished yet. */
struct anchor anchor_of(const struct batch *batch, const struct event *event);

/* Makes the batch's last event the anchor, if it has any. The batch is not finished yet. */
void anchor_drop(struct anchor *anchor, const struct batch *batch);

/* True when the batch begins with the anchor's row, or there is no anchor. batch: what lies at the
 * anchor's id now; not finished. */
bool anchor_holds(const struct anchor *anchor, const struct batch *batch);

/* As an array of two: id and digest. */
void anchor_save(const struct anchor *anchor, struct buf *out);

/* Loads what anchor_save wrote. False when the value is nothing of the kind; the anchor is not to
 * be used then. */
bool anchor_load(struct anchor *anchor, const mp_value *value);

#endif
