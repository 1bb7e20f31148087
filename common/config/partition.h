/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who folds what. `lanes` share the tiles out by their keys, and who owns some of them reads all
 * rows. Behind them are `partitions` lanes more, for families whose group is the message's key
 * (`partition: true`): partition p of a topic is on the p mod `partitions`-th of them, and who owns
 * some of these reads the partitions that are on them, and nothing else.
 *
 *   lanes: 2, partitions: 4      lane  0      1    │   2        3        4        5
 *                                tiles by their key│ p = 0,4… p = 1,5… p = 2,6… p = 3,7…
 *
 * An ingestor sends all its members on the first lane of its own partitions: whose they are is
 * known by the ingestor, and not by the key.
 *
 * Pure.
 */
#ifndef COMMON_CONFIG_PARTITION_H
#define COMMON_CONFIG_PARTITION_H

#include "common/config/config.h"

/* All lanes of the deployment: 1 to LANES_MAX. */
unsigned partition_lane_count(const struct config *config);

/* True when members of the tile's family are shared out by partitions. */
bool partition_has(const struct config *config, const struct tile_config *tile);

/* True when the ingestor reads all partitions, because it owns other lanes, too. */
bool partition_reads_all(const struct config *config);

/* True when the ingestor reads that partition of a topic. */
bool partition_is_read(const struct config *config, int32_t number);

/* The lane of what the ingestor makes of a definition, if it owns that lane. */
unsigned partition_lane_of_tile(const struct config *config, const struct tile_config *tile);

/* The lane that members of partitioned families are on whose messages are in a topic's partition.
 */
unsigned partition_lane(const struct config *config, int32_t number);

#endif
