/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands/check.h"

#include "common/config/config.h"

int cmd_check(const char *file, FILE *out, FILE *err)
{
    struct config *config = NULL;
    struct error error = {{0}};
    if (config_load(file, &config, &error) != STATUS_OK) {
        fprintf(err, "%s\n", error.text);
        return 2;
    }
    fprintf(out, "%s: ok, %zu tile%s%s\n", file, config->tile_count,
            config->tile_count == 1 ? "" : "s",
            config->has_source ? "" : ", no source (enough for a cache or a gateway)");
    config_destroy(&config);
    return 0;
}
