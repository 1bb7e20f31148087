/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan for an event type: the tiles that an event of that type may concern, and what the type
 * means to each of them. It is worked out when the type is first seen, so that a row costs one
 * look-up, and not a comparison with each tile.
 *
 *   "ticket.opened"   ─► tickets.sla (it may open an item), tickets.opened, all
 *   "metrics.updated" ─► queue.depth, cpu.max, all
 */
#ifndef INGESTOR_FOLD_FOLD_PLAN_H
#define INGESTOR_FOLD_FOLD_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/table.h"

#include "common/base/str.h"
#include "common/config/config.h"

/* Event types that are remembered. When there are more, all are forgotten and worked out anew. */
#define FOLD_PLANS_MAX 4096

/* Plans that are found without hashing the type. */
#define FOLD_PLANS_RECENT 64

struct fold_plan_entry {
    size_t tile; /* index into config's tiles */
    int meaning; /* what the tile's type made of the event type: `examine` in types/type.h */
};

struct fold_plan {
    struct fold_plan_entry *entries; /* in the order of the configuration */
    size_t count;                    /* how many entries there are */
    UT_hash_handle by_type;          /* links the plans by `type` */
    size_t type_len;                 /* the bytes of `type` */
    char type[];                     /* the type of event; NUL-terminated */
};

struct fold_plans {
    const struct config *config; /* borrowed */
    const bool *folded; /* borrowed: for each of config's tiles, true when this ingestor folds it */
    struct fold_plan *table;                     /* uthash by type */
    struct fold_plan *recent[FOLD_PLANS_RECENT]; /* the last of those types that look alike: the
                                                    table's, or NULL */
};

/* Both pointers are borrowed and must outlive the plans. */
void fold_plans_init(struct fold_plans *plans, const struct config *config, const bool *folded);
void fold_plans_finish(struct fold_plans *plans);

/* The plan for events of that type, made when it is not known. Valid until the next call. */
const struct fold_plan *fold_plan_for(struct fold_plans *plans, struct str event_type);

#endif
