/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a user's own, counted over all entries of `sources`. */
#include <string.h>

#include "common/config/sections/section.h"

int config_add_extras(struct config_reader *r, const struct yaml_node *at,
                      const struct config_source *source)
{
    struct config_source *all = &r->config->source;
    for (size_t i = 0; i < source->extra_count; i++) {
        size_t same = 0;
        while (same < all->extra_count &&
               strcmp(all->extras[same].field, source->extras[i].field) != 0) {
            same++;
        }
        if (same == CONFIG_EXTRAS_MAX) {
            return config_fail(r, at, NULL, "sources: at most %d columns may be added in all",
                               CONFIG_EXTRAS_MAX);
        }
        if (same == all->extra_count) {
            all->extras[all->extra_count++] = source->extras[i];
        }
    }
    return STATUS_OK;
}
