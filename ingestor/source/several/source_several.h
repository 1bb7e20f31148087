/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGESTOR_SOURCE_SEVERAL_SOURCE_SEVERAL_H
#define INGESTOR_SOURCE_SEVERAL_SOURCE_SEVERAL_H

#include "ingestor/source/source.h"

/* All entries of `sources` as one source. */
extern const struct source_ops source_several;

/* Bit i: the state that was saved has nothing of the i-th source, of which no row was ever
 * delivered then. */
uint64_t source_several_unknown(const struct config *config, struct str saved);

/* At the start one that says nothing for so long is not waited for any more; 5 s, but for tests. */
void source_several_wait_for(struct source *source, int64_t patience_ms);

#endif
