/* SPDX-License-Identifier: Apache-2.0 */
/* What the tile types have in common whose state is a struct window and nothing else: number,
 * percentile, distinct, top and trend. Each is the member of struct fold_type with its name. */
#ifndef INGESTOR_FOLD_TYPES_WINDOWED_H
#define INGESTOR_FOLD_TYPES_WINDOWED_H

#include "ingestor/fold/types/type.h"

void windowed_finish(void *state);
bool windowed_apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                    struct number value, wall_time now);
bool windowed_advance(void *state, const struct tile_config *config, wall_time now);
wall_time windowed_next(const void *state, const struct tile_config *config);
void windowed_save(const void *state, const struct tile_config *config, struct buf *out);
bool windowed_load(void *state, const struct tile_config *config, const mp_value *value);

#endif
