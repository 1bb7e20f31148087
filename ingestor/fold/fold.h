/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold: events in, tiles out. This is where a row becomes a tile.
 *
 *   source ─ event ─► fold_event ─► the tiles that match ─┐
 *   time ───────────► fold_advance ─► windows, deadlines ─┴─► changed ─ fold_flush ─► publisher
 *
 * Pure: no clock, no sockets, no files. What a tile shows is a function of the set of rows folded
 * and of the time; rows may come in any order. docs/tiles.md defines each type.
 */
#ifndef INGESTOR_FOLD_FOLD_H
#define INGESTOR_FOLD_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/str.h"
#include "common/config/config.h"
#include "common/store/event.h"

struct fold;

/* Each only grows. */
struct fold_counters {
    uint64_t events;       /* rows folded */
    uint64_t bad_payloads; /* rows whose payload was needed and is no JSON */
    uint64_t bad_fields;   /* a field that a tile needs is there but unusable (a metric's value that
                              is text…) */
    uint64_t groups_refused; /* rows passed over because a family has max_groups members */
    uint64_t items_refused;  /* rows passed over because a tile has its maximum of items */
    uint64_t future_dropped; /* rows passed over because they lie too far in the future */
};

/* What fold_flush hands out: one tile to publish. Valid during the call only. */
struct fold_output {
    struct str key;
    const struct tile_config *config; /* ttl, grace, refresh, … */
    bool removed;                     /* the tile is gone (an idle member of a family) */
    bool keyframe;     /* publish it whole: nothing has been published for a third of its TTL,
                          or it is new, or fold_republish was called */
    struct str value;  /* the whole value in MessagePack: {type, title, refresh, data, group?} */
    wall_time arrival; /* of the newest event in it since the last output; {0} if none */
    wall_time source;  /* that event's timestamp */
};

/* Folds those of config's tiles whose lane is in the set: bit i of lanes_owned stands for lane i.
 * config is borrowed and must outlive the fold. */
struct fold *fold_create(const struct config *config, uint64_t lanes_owned);
void fold_destroy(struct fold **fold);

/* Folds one row; its strings are copied where they are kept. */
void fold_event(struct fold *fold, const struct event *event, struct moment now);

/* Lets time pass up to now: windows slide, deadlines pass, idle groups end. */
void fold_advance(struct fold *fold, struct moment now);

/* Microseconds from now until fold_advance or fold_flush has something to do; 0 when it has;
 * INT64_MAX when never. */
int64_t fold_wait_us(const struct fold *fold, struct moment now);

/* Hands out each tile that changed and may be published by its refresh policy, and those whose
 * keyframe is due. */
void fold_flush(struct fold *fold, struct moment now,
                void (*publish)(void *arg, const struct fold_output *output), void *arg);

/* All tiles are to be handed out whole at the next flush, whatever their policy. */
void fold_republish(struct fold *fold);

const struct fold_counters *fold_counters(const struct fold *fold);

/* The state as MessagePack, for a checkpoint; and back, into a fold just created. Tiles whose
 * definition changed since (each carries a digest of its own) are not loaded: *rebuild is then set,
 * and the caller must fold the whole table again into a fresh fold. STATUS_INVALID when data is no
 * such state. */
void fold_save(const struct fold *fold, struct buf *out);
int fold_load(struct fold *fold, struct str data, bool *rebuild, struct error *err);

#endif
