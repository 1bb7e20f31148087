/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold: events in, tiles out. This is where a row becomes a tile.
 *
 *   source ─ event ─► fold_event ─► the tiles that match ─┐
 *   time ───────────► fold_advance ─► windows, deadlines ─┴─► changed ─ fold_flush ─► publisher
 *
 * A row from the future is kept until its time has come (waiting.h).
 *
 * Pure: no clock, no sockets, no files. What a tile shows is a function of the set of rows that
 * were ever folded into it and of the time; rows may come in any order, and may be gone since.
 * docs/tiles.md defines each type. A fold belongs to one thread.
 */
#ifndef INGESTOR_FOLD_FOLD_H
#define INGESTOR_FOLD_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/str.h"
#include "common/base/time/clock.h"
#include "common/config/config.h"
#include "common/store/event.h"
#include "common/wire/tally.h"
#include "ingestor/fold/fold_build.h" /* fold_build_… and */
#include "ingestor/fold/fold_counters.h"
#include "ingestor/fold/saved/fold_save.h" /* fold_save and fold_load, beside what follows */

struct fold;

/* What fold_flush hands out: one tile to publish. Valid during the call only. */
struct fold_output {
    struct str key;                   /* the tile's key; borrowed until the next output */
    const struct tile_config *config; /* the tile's definition, with its ttl, grace and refresh */

    /* True when the tile is gone: it is an idle member of a family. value is then empty. */
    bool removed;

    /* True when the tile is to be published whole: it is new, or fold_republish was called, or
     * nothing of it has been published for a third of its TTL. */
    bool keyframe;

    /* The whole value in MessagePack: {type, title, refresh, data, group?}. */
    struct str value;

    /* Whether the tile is in trouble, as its value says: its level, -1 when all is well. */
    bool has_status;        /* False: it has no conditions, is being built, or is gone. */
    int level;              /* enum tile_level */
    wall_time status_since; /* since when */

    wall_time arrival;  /* of the newest event in it since the last output; {0} if none */
    wall_time source;   /* that event's timestamp; means nothing when arrival is {0} */
    struct tally tally; /* of all rows in it */
};

/* Folds those of config's tiles whose lane is in the set: bit i of lanes_owned stands for lane i.
 * config is borrowed and must outlive the fold. The caller ends the fold with fold_destroy, which
 * takes NULL, too. */
struct fold *fold_create(const struct config *config, uint64_t lanes_owned);
void fold_destroy(struct fold **fold);

/* One of several sources is read for the first time, beginning with this row: the tiles that count
 * it begin with it, unless they have an earlier one. */
void fold_source_begins(struct fold *fold, const struct event *event, struct moment now);

/* Folds one row; its strings are copied where they are kept. */
void fold_event(struct fold *fold, const struct event *event, struct moment now);

/* Lets time pass up to now: rows that waited are folded, windows slide, deadlines pass, idle
 * members are hidden. */
void fold_advance(struct fold *fold, struct moment now);

/* Microseconds from now until fold_advance or fold_flush has something to do; 0 when one has;
 * INT64_MAX when never. */
int64_t fold_wait_us(const struct fold *fold, struct moment now);

/* Hands out each tile that changed and may be published by its refresh policy, and those whose
 * keyframe is due. */
void fold_flush(struct fold *fold, struct moment now,
                void (*publish)(void *arg, const struct fold_output *output), void *arg);

/* All tiles are to be handed out whole at the next flush, whatever their policy. */
void fold_republish(struct fold *fold);

/* Rows from the future that wait for their time. */
size_t fold_waiting(const struct fold *fold);

/* Borrowed from the fold. */
const struct fold_counters *fold_counters(const struct fold *fold);

#endif
