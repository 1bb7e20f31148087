/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/partition.h"

#include "common/wire/lane.h"

unsigned partition_lane_count(const struct config *config)
{
    return config->ingestor.lanes + config->ingestor.partitions;
}

bool partition_has(const struct config *config, const struct tile_config *tile)
{
    return tile->partition && config->ingestor.partitions != 0;
}

/* Which of `partitions` it is. Kafka's partitions are numbered from 0. */
static unsigned index_of(const struct config *config, int32_t number)
{
    return (unsigned)number % config->ingestor.partitions;
}

bool partition_reads_all(const struct config *config)
{
    const struct config_ingestor *ingestor = &config->ingestor;
    const uint64_t others = (UINT64_C(1) << (ingestor->lanes - 1) << 1) - 1;
    return ingestor->partitions == 0 || (ingestor->own_lanes & others) != 0;
}

bool partition_is_read(const struct config *config, int32_t number)
{
    return partition_reads_all(config) ||
           (config->ingestor.own_partitions >> index_of(config, number) & 1) != 0;
}

unsigned partition_lane(const struct config *config, int32_t number)
{
    return config->ingestor.lanes + index_of(config, number);
}

unsigned partition_lane_of_tile(const struct config *config, const struct tile_config *tile)
{
    const struct config_ingestor *ingestor = &config->ingestor;
    if (!partition_has(config, tile)) {
        return lane_of_key(str_of(tile->key), ingestor->lanes);
    }
    unsigned first = 0;
    while (first + 1 < ingestor->partitions && (ingestor->own_partitions >> first & 1) == 0) {
        first++;
    }
    return ingestor->lanes + first;
}
