/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/fold_plan.h"

#include "common/base/xalloc.h"

void plans_init(struct plans *plans, const struct config *config, const bool *folded)
{
    *plans = (struct plans){.config = config, .folded = folded};
}

void plans_finish(struct plans *plans)
{
    struct plan *plan;
    struct plan *next;
    HASH_ITER(by_type, plans->table, plan, next)
    {
        HASH_DELETE(by_type, plans->table, plan);
        free(plan->entries);
        free(plan);
    }
}

/* What the type says about the tile; false: events of that type never concern it. */
static bool examine(const struct config *config, const struct tile_config *tile, struct str type,
                    struct candidate *out)
{
    *out = (struct candidate){.state = STATE_CLOSED};
    if (tile->metric != NULL) {
        return str_is(type, config->source.metric_event);
    }
    switch (tile->type) {
    case TILE_SLA_RISK:
        out->opens = match_admits_type(&tile->opens, type);
        out->closes = match_admits_type(&tile->closes, type);
        return out->opens || out->closes;
    case TILE_BACKLOG:
        for (size_t i = 0; i < tile->rule_count; i++) {
            if (pattern_fits(&tile->rules[i].event_type, type)) {
                out->state = tile->rules[i].state;
                return true;
            }
        }
        return false;
    case TILE_COUNT:
    case TILE_TREND:
    case TILE_GAUGE:
        break;
    }
    return match_admits_type(&tile->match, type);
}

static struct plan *make(struct plans *plans, struct str type)
{
    const struct config *config = plans->config;
    if (HASH_CNT(by_type, plans->table) >= PLANS_MAX) {
        plans_finish(plans);
        plans->table = NULL;
    }
    struct plan *plan = x_calloc(1, sizeof *plan + type.len + 1);
    memcpy(plan->type, type.p, type.len);
    plan->type_len = type.len;
    plan->entries = x_calloc(config->tile_count + 1, sizeof *plan->entries);
    for (size_t i = 0; i < config->tile_count; i++) {
        struct candidate candidate;
        if (plans->folded[i] && examine(config, &config->tiles[i], type, &candidate)) {
            plan->entries[plan->count++] = (struct plan_entry){i, candidate};
        }
    }
    plan->entries = x_reallocarray(plan->entries, plan->count + 1, sizeof *plan->entries);
    HASH_ADD_KEYPTR(by_type, plans->table, plan->type, plan->type_len, plan);
    return plan;
}

const struct plan *plan_for(struct plans *plans, struct str event_type)
{
    struct plan *plan;
    HASH_FIND(by_type, plans->table, event_type.p, event_type.len, plan);
    return plan != NULL ? plan : make(plans, event_type);
}
