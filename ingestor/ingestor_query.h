/* SPDX-License-Identifier: Apache-2.0 */
/* Fills in what the query server tells about the ingestor; both functions are callbacks of struct
 * query. arg: the ingestor. */
#ifndef INGESTOR_INGESTOR_QUERY_H
#define INGESTOR_INGESTOR_QUERY_H

#include "ingestor/ingestor_state.h"

void ingestor_describe(void *arg, struct query_state *out);
size_t ingestor_stats(void *arg, struct buf *out);

#endif
