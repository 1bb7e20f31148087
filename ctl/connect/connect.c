/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connect/connect.h"

#include "ctl/connect/alerts.h"
#include "ctl/connect/gateway.h"
#include "ctl/connect/programs.h"
#include "ctl/connect/source.h"
#include "ctl/connect/state.h"

static connect_source_fn *const sources[SOURCE_KINDS] = {
#define CONNECT_SOURCE_ROW(value, name) [value] = connect_##name,
    SOURCE_BUILT_LIST(CONNECT_SOURCE_ROW)
#undef CONNECT_SOURCE_ROW
};

/* Tries each source, as if it were the only one, and names it if it has a name. */
static void try_sources(const struct config *config, struct findings *out)
{
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];
        const size_t before = out->count;
        struct config one = *config;
        one.source = *source;
        if (sources[source->kind] != NULL) {
            sources[source->kind](&one, out);
        }
        if (source->name != NULL) {
            findings_name(out, before, source->name);
        }
    }
}

void connect_try(const struct ctl *ctl, struct findings *out)
{
    const struct config *config = ctl->config;
    if (!config->has_source) {
        finding_add(out, FINDING_OK, CONNECT_SOURCE,
                    "the file has none, which is enough for a cache or a gateway");
    } else {
        try_sources(config, out);
        connect_try_state(config, out);
        connect_try_alerts(config, out);
    }
    connect_try_programs(ctl, out);
    connect_try_gateway(config, out);
}
