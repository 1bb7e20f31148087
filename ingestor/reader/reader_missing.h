/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGESTOR_READER_READER_MISSING_H
#define INGESTOR_READER_READER_MISSING_H

#include "ingestor/source/source.h"

/* Tells the main thread when other ones of several sources cannot be read than *told says, which is
 * set. What has gone missing is told before the rows that follow, and what is missing no more after
 * them, lest tiles be shown that lack rows. It also tells why one cannot be read, once for each
 * reason. source: NULL: it is not open. */
void reader_missing_tell(struct source *source, uint64_t *told, void *socket, bool rows_follow);

#endif
