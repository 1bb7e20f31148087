/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_plan.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/xalloc.h"
#include "ingestor/fold/types/types.h"

void fold_plans_init(struct fold_plans *plans, const struct config *config, const bool *folded)
{
    *plans = (struct fold_plans){.config = config, .folded = folded};
}

void fold_plans_finish(struct fold_plans *plans)
{
    struct fold_plan *plan;
    struct fold_plan *next;
    HASH_ITER(by_type, plans->table, plan, next)
    {
        HASH_DELETE(by_type, plans->table, plan);
        free(plan->entries);
        free(plan);
    }
    memset(plans->recent, 0, sizeof plans->recent);
}

/* True when events of that type may concern the tile. */
static bool examine(const struct config *config, const struct tile_config *tile,
                    struct str event_type, int *meaning)
{
    return fold_type_of(tile->type)
        ->examine(tile,
                  tile->source != NULL ? tile->source->metric_event : config->source.metric_event,
                  event_type, meaning);
}

static struct fold_plan *make_plan(struct fold_plans *plans, struct str event_type)
{
    const struct config *config = plans->config;
    if (HASH_CNT(by_type, plans->table) >= FOLD_PLANS_MAX) {
        fold_plans_finish(plans);
        plans->table = NULL;
    }
    struct fold_plan *plan = x_calloc(1, sizeof *plan + event_type.len + 1);
    memcpy(plan->type, event_type.p, event_type.len);
    plan->type_len = event_type.len;
    plan->entries = x_calloc(config->tile_count + 1, sizeof *plan->entries);
    for (size_t i = 0; i < config->tile_count; i++) {
        int meaning;
        if (plans->folded[i] && examine(config, &config->tiles[i], event_type, &meaning)) {
            plan->entries[plan->count++] = (struct fold_plan_entry){i, meaning};
        }
    }
    plan->entries = x_reallocarray(plan->entries, plan->count + 1, sizeof *plan->entries);
    HASH_ADD_KEYPTR(by_type, plans->table, plan->type, plan->type_len, plan);
    return plan;
}

/* Where a type's plan is among the recent ones. Types that share a place take turns there, and are
 * found in the table then. */
static size_t place_of(struct str type)
{
    size_t place = type.len;
    if (type.len >= 2) {
        place += (size_t)(unsigned char)type.p[type.len - 1] * 5 +
                 (size_t)(unsigned char)type.p[type.len - 2] * 3 +
                 (size_t)(unsigned char)type.p[type.len / 2];
    }
    return place % FOLD_PLANS_RECENT;
}

const struct fold_plan *fold_plan_for(struct fold_plans *plans, struct str event_type)
{
    const size_t place = place_of(event_type);
    struct fold_plan *plan = plans->recent[place];
    if (plan != NULL && plan->type_len == event_type.len &&
        memcmp(plan->type, event_type.p, event_type.len) == 0) {
        return plan;
    }
    HASH_FIND(by_type, plans->table, event_type.p, event_type.len, plan);
    plan = plan != NULL ? plan : make_plan(plans, event_type);
    plans->recent[place] = plan;
    return plan;
}
