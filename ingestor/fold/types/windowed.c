/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/fold/types/windowed.h"

#include "ingestor/fold/types/window.h"

void windowed_finish(void *state)
{
    window_finish(state);
}

bool windowed_apply(void *state, const struct tile_config *config, int meaning, struct row *row,
                    struct number value, wall_time now)
{
    (void)config;
    (void)meaning;
    const bool moved = window_advance(state, now);
    return window_add(state, row->event, value) || moved;
}

bool windowed_advance(void *state, const struct tile_config *config, wall_time now)
{
    (void)config;
    return window_advance(state, now);
}

wall_time windowed_next(const void *state, const struct tile_config *config)
{
    (void)config;
    return window_next(state);
}

void windowed_save(const void *state, const struct tile_config *config, struct buf *out)
{
    (void)config;
    window_save(state, out);
}

bool windowed_load(void *state, const struct tile_config *config, const mp_value *value)
{
    (void)config;
    return window_load(state, value);
}
