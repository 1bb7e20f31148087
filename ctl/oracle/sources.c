/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/sources.h"

#include <assert.h>
#include <stdbool.h>

#define OPENER_OF(value, name)                                                                     \
    case value:                                                                                    \
        return oracle_##name##_open;

static oracle_open_fn *opener(enum source_kind kind)
{
    switch (kind) {
        SOURCE_KIND_LIST(OPENER_OF)
    }
    assert(false && "the configuration knows no other kind");
    return NULL;
}

int oracle_source_open(const struct config *config, struct oracle_source **out, struct error *err)
{
    return opener(config->source.kind)(config, out, err);
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
