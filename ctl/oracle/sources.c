/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/sources.h"

#include <assert.h>

#include "ctl/oracle/named.h"
#include "ctl/oracle/several.h"

#define OPENER_OF(value, name) [value] = oracle_##name##_open,
static oracle_open_fn *const openers[SOURCE_KINDS] = {SOURCE_BUILT_LIST(OPENER_OF)};

static int open_one(const struct config *config, struct oracle_source **out, struct error *err)
{
    assert(openers[config->source.kind] != NULL && "config_need_source was asked");
    return openers[config->source.kind](config, out, err);
}

int oracle_source_open(const struct config *config, struct oracle_source **out, struct error *err)
{
    if (oracle_has_names(config)) {
        *out = oracle_several_open(config, open_one);
        return STATUS_OK;
    }
    return open_one(config, out, err);
}

const char *oracle_source_unread(const struct oracle_source *source, const struct tile_config *tile)
{
    return source != NULL && source->unread != NULL ? source->unread(source, tile) : NULL;
}

void oracle_source_close(struct oracle_source **source)
{
    if (*source != NULL) {
        (*source)->close(*source);
        *source = NULL;
    }
}

int oracle_source_load(struct oracle_source *source, struct oracle_rows *rows, struct error *err)
{
    return source->load(source, rows, err);
}

int oracle_source_load_anew(struct oracle_source *source, struct oracle_rows *rows,
                            struct error *err)
{
    oracle_rows_clear(rows);
    source->newest = 0;
    source->unusable = 0;
    source->rewind(source);
    return source->load(source, rows, err);
}
