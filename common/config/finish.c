/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/finish.h"

#include <assert.h>

#include "common/config/network.h"
#include "common/config/sections/section.h"
#include "common/config/source_kinds.h"
#include "common/wire/lane.h"

/* `checkpoint: auto`: where the state lies follows from the kind of source. */
static void resolve_checkpoint(struct config_reader *r)
{
    const struct config_source *source = &r->config->source;
    struct config_ingestor *ingestor = &r->config->ingestor;
    if (ingestor->checkpoint != CHECKPOINT_NONE || !r->config->has_source) {
        return;
    }
    ingestor->checkpoint = config_source_kind(source->kind)->checkpoint;
    if (ingestor->checkpoint == CHECKPOINT_FILE) {
        assert(source->path != NULL);
        ingestor->checkpoint_path = arena_printf(r->memory, "%s.tilewire", source->path);
    }
}

static uint64_t first_bits(unsigned count)
{
    return count == LANES_MAX ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

/* Who reads some partitions alone has another state for another number of them, which would be of
 * other partitions. */
static void resolve_partitions(struct config_reader *r)
{
    struct config_ingestor *ingestor = &r->config->ingestor;
    ingestor->own_lanes = ingestor->own_partitions << ingestor->lanes;
    if (ingestor->checkpoint_path != NULL) {
        ingestor->checkpoint_path =
            arena_printf(r->memory, "%s.partitions-%llx-of-%u", ingestor->checkpoint_path,
                         (unsigned long long)ingestor->own_partitions, ingestor->partitions);
    }
}

/* An ingestor owns all lanes unless the file says otherwise. Ingestors that share the lanes each
 * keep a checkpoint of their own. */
static void resolve_lanes(struct config_reader *r)
{
    struct config_ingestor *ingestor = &r->config->ingestor;
    const uint64_t all = first_bits(ingestor->lanes + ingestor->partitions);
    if (ingestor->own_partitions != 0) {
        resolve_partitions(r);
        return;
    }
    if (ingestor->own_lanes == 0) {
        ingestor->own_lanes = all;
        ingestor->own_partitions = first_bits(ingestor->partitions);
    }
    if (ingestor->checkpoint_path != NULL && ingestor->own_lanes != all) {
        ingestor->checkpoint_path =
            arena_printf(r->memory, "%s.lanes-%llx", ingestor->checkpoint_path,
                         (unsigned long long)ingestor->own_lanes);
    }
}

/* Who reads some partitions alone folds partitioned families, and nothing else. */
static int check_partitioned(struct config_reader *r, const struct yaml_node *root)
{
    const struct config *config = r->config;
    bool any = config->ingestor.own_partitions == 0 || !config->has_source;
    for (size_t i = 0; i < config->tile_count && !any; i++) {
        any = config->tiles[i].partition;
    }
    return any ? STATUS_OK
               : config_fail(r, yaml_get(yaml_get(root, "ingestor"), "own_partitions"), NULL,
                             "ingestor.own_partitions: no tile has `partition: true`, so this "
                             "ingestor would have nothing to do");
}

int config_finish(struct config_reader *r, const struct yaml_node *root)
{
    const struct config_ingestor *ingestor = &r->config->ingestor;
    struct config_cache *cache = &r->config->cache;
    if (check_partitioned(r, root) != STATUS_OK) {
        return STATUS_INVALID;
    }
    resolve_checkpoint(r);
    resolve_lanes(r);
    config_default_upstreams(r, &cache->upstreams, ingestor->publish, ingestor->query,
                             CONFIG_CLIENT_INGESTOR);
    config_default_upstreams(r, &r->config->gateway.upstreams, cache->publish, cache->query,
                             CONFIG_CLIENT_CACHE);
    for (size_t i = 0; i < r->config->gateway.push.count; i++) {
        r->config->gateway.push.list[i].server.role = CONFIG_CLIENT_INGESTOR;
    }
    int status = config_check_network(r, root);
    status = status == STATUS_OK ? config_check_auth(r, root) : status;
    return status == STATUS_OK ? config_check_alerts(r, root) : status;
}
