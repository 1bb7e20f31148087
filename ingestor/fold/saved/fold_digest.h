/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of what a tile's state depends on. When one changes, a saved state means something else.
 * Title, unit, refresh and TTL do not count. A key that a new tile type adds to the configuration
 * has to be added in fold_digest.c. */
#ifndef INGESTOR_FOLD_SAVED_FOLD_DIGEST_H
#define INGESTOR_FOLD_SAVED_FOLD_DIGEST_H

#include <stdint.h>

#include "common/config/config.h"

/* Of the tile's definition, and of what it uses of the source's: the names of the columns that it
 * reads, and the type of the events that carry metrics. */
uint64_t fold_digest(const struct config *config, const struct tile_config *tile);

/* Of the definition alone, which is what checkpoints of versions before 0.2 know. */
uint64_t fold_digest_of_definition(const struct tile_config *tile);

#endif
