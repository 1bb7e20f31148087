/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what comes. */
#ifndef INGESTOR_SOURCE_REDIS_REDIS_LIVE_H
#define INGESTOR_SOURCE_REDIS_REDIS_LIVE_H

#include "ingestor/source/redis/redis_source.h"

/* source_ops.read, once what was before is done. */
int redis_live_read(struct redis_source *s, size_t max_rows, struct batch **out, struct error *err);

/* source_ops.wait */
int redis_live_wait(struct redis_source *s, int wake_fd, int timeout_ms, bool *woken,
                    struct error *err);

#endif
