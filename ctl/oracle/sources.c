/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/sources.h"

#include <assert.h>
#include <stdbool.h>

/* One line a kind. -Wswitch-enum makes a kind without its line an error. */
static oracle_open_fn *opener(enum source_kind kind)
{
    switch (kind) {
    case SOURCE_SQLITE:
        return oracle_sqlite_open;
    case SOURCE_POSTGRESQL:
        return oracle_postgres_open;
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
