/* SPDX-License-Identifier: Apache-2.0 */
/* The rows between two states, read beside the source that goes on (open_past in source.h). */
#ifndef INGESTOR_SOURCE_SQLITE_SQLITE_PAST_H
#define INGESTOR_SOURCE_SQLITE_SQLITE_PAST_H

#include "ingestor/source/sqlite/sqlite_state.h"

int sqlite_past_open(const struct config *config, struct str from, struct str to, struct str done,
                     struct source **out, struct error *err);

#endif
