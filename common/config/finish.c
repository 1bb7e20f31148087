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

/* An ingestor owns all lanes unless the file says otherwise. Ingestors that share the lanes each
 * keep a checkpoint of their own. */
static void resolve_lanes(struct config_reader *r)
{
    struct config_ingestor *ingestor = &r->config->ingestor;
    const uint64_t all =
        ingestor->lanes == LANES_MAX ? UINT64_MAX : (UINT64_C(1) << ingestor->lanes) - 1;
    if (ingestor->own_lanes == 0) {
        ingestor->own_lanes = all;
    }
    if (ingestor->checkpoint_path != NULL && ingestor->own_lanes != all) {
        ingestor->checkpoint_path =
            arena_printf(r->memory, "%s.lanes-%llx", ingestor->checkpoint_path,
                         (unsigned long long)ingestor->own_lanes);
    }
}

int config_finish(struct config_reader *r, const struct yaml_node *root)
{
    const struct config_ingestor *ingestor = &r->config->ingestor;
    struct config_cache *cache = &r->config->cache;
    resolve_checkpoint(r);
    resolve_lanes(r);
    config_default_upstreams(r, &cache->upstreams, ingestor->publish, ingestor->query,
                             CONFIG_CLIENT_INGESTOR);
    config_default_upstreams(r, &r->config->gateway.upstreams, cache->publish, cache->query,
                             CONFIG_CLIENT_CACHE);
    for (size_t i = 0; i < r->config->gateway.push.count; i++) {
        r->config->gateway.push.list[i].server.role = CONFIG_CLIENT_INGESTOR;
    }
    const int status = config_check_network(r, root);
    return status == STATUS_OK ? config_check_auth(r, root) : status;
}
