/* SPDX-License-Identifier: Apache-2.0 */
/* How far the source is behind, as the reader's thread last knew it, for the main thread to look
 * at. It is not told through the pipe, where a main thread that was busy would find many of them.
 */
#ifndef INGESTOR_READER_READER_LAG_H
#define INGESTOR_READER_READER_LAG_H

#include "common/base/time/clock.h"
#include "common/wire/lag.h"
#include "ingestor/source/source.h"

struct reader_lag;

struct reader_lag *reader_lag_create(void);
void reader_lag_destroy(struct reader_lag **lag);

/* The reader's thread: asks the source, now and then. When it fails (NULL), what was known last
 * stays known. */
void reader_lag_measure(struct reader_lag *lag, struct source *source);

/* Any thread. *at: when it was known to be so. */
void reader_lag_get(struct reader_lag *lag, struct lag *out, mono_time *at);

#endif
