/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of events where there are several `sources`: NAME-ID, of which the source says ID. */
#ifndef CTL_ORACLE_NAMED_H
#define CTL_ORACLE_NAMED_H

#include "common/config/config.h"

/* True where ids are NAME-ID: with several sources. */
static inline bool oracle_has_names(const struct config *config)
{
    return config_has_sources(config);
}

/* What stands for NAME-ID in a tally, and by what the row is found in a log of events. */
int64_t oracle_named_key(const char *name, struct str id);

/* The digest of one of the source's streams: of the one whose digest that is among its own, or of
 * its numbers (0). Never 0. */
uint64_t oracle_named_stream(const char *name, uint64_t stream);

/* Takes an id apart: the number of its source, and ID. Without `sources` that is 0, and all of it;
 * SIZE_MAX: it is of none. */
size_t oracle_named_source(const struct config *config, struct str id, struct str *rest);

#endif
