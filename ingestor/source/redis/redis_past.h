/* SPDX-License-Identifier: Apache-2.0 */
/* source_ops.open_past: reading the past again, for tiles that are new. */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_PAST_H
#define INGESTOR_SOURCE_REDIS_REDIS_PAST_H

#include "ingestor/source/source.h"

int redis_past_open(const struct config *config, struct str from, struct str to, struct str done,
                    struct source **out, struct error *err);

#endif
