/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle over several sources: each is read by itself into rows of its own, and then the rows
 * are put together, in the order of the sources' names, which is that of the ids NAME-ID. A source
 * that cannot be read has no rows: nothing is known of its tiles, and all is of the others.
 */
#ifndef CTL_ORACLE_SEVERAL_H
#define CTL_ORACLE_SEVERAL_H

#include "ctl/oracle/source.h"

/* Opens all entries of `sources`; config outlives what is opened. open_one opens config->source.
 * One that cannot be opened is tried once more when all rows are read anew. The caller closes it
 * with oracle_source_close. Its load fails only when none of them can be read. */
struct oracle_source *oracle_several_open(const struct config *config, oracle_open_fn *open_one);

#endif
