/* SPDX-License-Identifier: Apache-2.0 */
/* A digest of what a tile's definition means for its state. When it changes, a saved state means
 * something else, and the table must be folded anew. Title, unit, refresh and TTL do not count. A
 * key that a new tile type adds to the configuration has to be added here. */
#ifndef INGESTOR_FOLD_FOLD_DIGEST_H
#define INGESTOR_FOLD_FOLD_DIGEST_H

#include <stdint.h>

#include "common/config/tiles.h"

uint64_t fold_digest(const struct tile_config *config);

#endif
