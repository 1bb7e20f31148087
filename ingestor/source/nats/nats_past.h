/* SPDX-License-Identifier: Apache-2.0 */
/* Reading messages again for tiles that are added. */
#ifndef INGESTOR_SOURCE_NATS_NATS_PAST_H
#define INGESTOR_SOURCE_NATS_NATS_PAST_H

#include "ingestor/source/source.h"

/* source_ops.open_past */
int nats_past_open(const struct config *config, struct str from, struct str to, struct str done,
                   struct source **out, struct error *err);

#endif
