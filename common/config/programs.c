/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of the ingestor and the cache, the keys, and the defaults that follow from other
 * sections. */
#include <string.h>

#include "common/config/network.h"
#include "common/config/values.h"
#include "common/wire/lane.h"

#define EVENTS_MAX 1000000 /* raw events that a process keeps */
#define TILES_MAX 10000000 /* tiles that a process holds */

/* ---- ingestor ---- */

static void checkpoint_by_source(struct config_reader *r)
{
    struct config *config = r->config;
    if (!config->has_source) {
        config->ingestor.checkpoint = CHECKPOINT_NONE;
    } else if (config->source.kind == SOURCE_POSTGRESQL) {
        config->ingestor.checkpoint = CHECKPOINT_POSTGRESQL;
    } else {
        config->ingestor.checkpoint = CHECKPOINT_FILE;
        config->ingestor.checkpoint_path =
            arena_printf(r->memory, "%s.tilewire", config->source.path);
    }
}

static int read_checkpoint(struct config_reader *r, const struct config_key *key,
                           const struct yaml_node *value, void *target)
{
    struct config_ingestor *ingestor = target;
    const struct config *config = r->config;
    static const char expected[] = "auto, postgresql or file:PATH";
    struct str text;
    const int status = config_scalar(r, value, key->name, expected, &text);
    if (status != STATUS_OK) {
        return status;
    }
    if (str_is(text, "auto")) {
        checkpoint_by_source(r);
        return STATUS_OK;
    }
    if (str_is(text, "postgresql")) {
        if (config->has_source && config->source.kind != SOURCE_POSTGRESQL) {
            return config_fail(r, value, key->name,
                               "postgresql is only possible when the source is PostgreSQL too");
        }
        ingestor->checkpoint = CHECKPOINT_POSTGRESQL;
        return STATUS_OK;
    }
    const char *path = text.p + strlen("file:");
    if (strncmp(text.p, "file:", strlen("file:")) != 0 || *path == '\0') {
        return config_expected(r, value, key->name, expected);
    }
    ingestor->checkpoint = CHECKPOINT_FILE;
    ingestor->checkpoint_path =
        arena_printf(r->memory, "%.*s%s", *path == '/' ? 0 : (int)r->folder.len, r->folder.p, path);
    if (config->source.path != NULL &&
        strcmp(config->source.path, ingestor->checkpoint_path) == 0) {
        return config_fail(r, value, key->name, "that is the database's own file");
    }
    return STATUS_OK;
}

static int read_own_lanes(struct config_reader *r, const struct config_key *key,
                          const struct yaml_node *value, void *target)
{
    struct config_ingestor *ingestor = target;
    const int status = config_expect_list(r, value, key->name, LANES_MAX);
    if (status != STATUS_OK) {
        return status;
    }
    for (const struct yaml_node *node = value->first; node != NULL; node = node->next) {
        int64_t lane = -1;
        if (node->kind != YAML_SCALAR || !whole_number_parse(node->text, &lane) || lane < 0 ||
            lane >= LANES_MAX) {
            return config_expected(r, node, key->name, "a lane's number, from 0");
        }
        if ((ingestor->own_lanes >> lane & 1) != 0) {
            return config_fail(r, node, key->name, "lane %d is named twice", (int)lane);
        }
        ingestor->own_lanes |= UINT64_C(1) << lane;
    }
    return STATUS_OK;
}

static const struct config_key ingestor_keys[] = {
    BIND_KEY("publish", struct config_ingestor, publish),
    BIND_KEY("query", struct config_ingestor, query),
    WHOLE_KEY("lanes", struct config_ingestor, lanes, 1, LANES_MAX),
    SECTION_KEY("own_lanes", read_own_lanes),
    WHOLE_KEY("events", struct config_ingestor, events, 1, EVENTS_MAX),
    SECTION_KEY("checkpoint", read_checkpoint),
    DURATION_KEY("checkpoint_interval", struct config_ingestor, checkpoint_interval_ms, 10,
                 MS_PER_HOUR),
};

int read_ingestor(struct config_reader *r, const struct config_key *key,
                  const struct yaml_node *value, void *target)
{
    struct config *config = target;
    struct config_ingestor *ingestor = &config->ingestor;
    const int status =
        read_section(r, key->name, value, ingestor_keys, COUNT_OF(ingestor_keys), ingestor);
    if (status == STATUS_OK && ingestor->lanes < LANES_MAX &&
        ingestor->own_lanes >> ingestor->lanes != 0) {
        return config_fail(r, yaml_get(value, "own_lanes"), NULL,
                           "ingestor.own_lanes: lanes count from 0, and there are %u (`lanes`)",
                           ingestor->lanes);
    }
    return status;
}

/* ---- cache ---- */

static const struct config_key cache_limit_keys[] = {
    WHOLE_KEY("tiles", struct config_cache, limits.tiles, 1, TILES_MAX),
};

static int read_cache_limits(struct config_reader *r, const struct config_key *key,
                             const struct yaml_node *value, void *target)
{
    return read_section(r, key->name, value, cache_limit_keys, COUNT_OF(cache_limit_keys), target);
}

static const struct config_key cache_keys[] = {
    CUSTOM_KEY("upstreams", read_upstreams, struct config_cache, upstreams),
    BIND_KEY("publish", struct config_cache, publish),
    BIND_KEY("query", struct config_cache, query),
    WHOLE_KEY("events", struct config_cache, events, 1, EVENTS_MAX),
    SECTION_KEY("limits", read_cache_limits),
};

int read_cache(struct config_reader *r, const struct config_key *key, const struct yaml_node *value,
               void *target)
{
    struct config *config = target;
    return read_section(r, key->name, value, cache_keys, COUNT_OF(cache_keys), &config->cache);
}

/* ---- curve ---- */

static const struct config_key curve_keys[] = {
    PATH_KEY("public_key_file", struct config_curve, public_key_file),
    PATH_KEY("secret_key_file", struct config_curve, secret_key_file),
    CUSTOM_KEY("server_key", read_curve_key, struct config_curve, server_key),
};

int read_curve(struct config_reader *r, const struct config_key *key, const struct yaml_node *value,
               void *target)
{
    struct config *config = target;
    const int status =
        read_section(r, key->name, value, curve_keys, COUNT_OF(curve_keys), &config->curve);
    if (status == STATUS_OK && config->curve.public_key_file == NULL) {
        return config_fail(r, value, NULL,
                           "curve: public_key_file is missing: name the file that holds the "
                           "public key");
    }
    config->curve.enabled = true;
    return status;
}

/* ---- all ---- */

void config_programs_defaults(struct config_reader *r)
{
    struct config *config = r->config;
    config->ingestor = (struct config_ingestor){
        .publish = "tcp://127.0.0.1:7401",
        .query = "tcp://127.0.0.1:7402",
        .lanes = 1,
        .events = 10000,
        .checkpoint_interval_ms = MS_PER_SECOND,
    };
    config->cache = (struct config_cache){
        .publish = "tcp://127.0.0.1:7411",
        .query = "tcp://127.0.0.1:7412",
        .events = 10000,
        .limits.tiles = 100000,
    };
}

static uint64_t all_lanes(const struct config_ingestor *ingestor)
{
    return ingestor->lanes == LANES_MAX ? UINT64_MAX : (UINT64_C(1) << ingestor->lanes) - 1;
}

int config_programs_finish(struct config_reader *r, const struct yaml_node *root)
{
    struct config_ingestor *ingestor = &r->config->ingestor;
    struct config_cache *cache = &r->config->cache;
    if (ingestor->own_lanes == 0) {
        ingestor->own_lanes = all_lanes(ingestor);
    }
    if (ingestor->checkpoint == CHECKPOINT_NONE) {
        checkpoint_by_source(r);
    }
    if (ingestor->checkpoint_path != NULL && ingestor->own_lanes != all_lanes(ingestor)) {
        /* Ingestors that share the lanes each keep a checkpoint of their own. */
        ingestor->checkpoint_path =
            arena_printf(r->memory, "%s.lanes-%llx", ingestor->checkpoint_path,
                         (unsigned long long)ingestor->own_lanes);
    }
    upstreams_default(r, &cache->upstreams, ingestor->publish, ingestor->query);
    upstreams_default(r, &r->config->gateway.upstreams, cache->publish, cache->query);
    return config_network_check(r, root);
}
