/* SPDX-License-Identifier: Apache-2.0 */
/* Named numbers, as `stats` gives them to people and scripts. */
#ifndef COMMON_PROGRAM_METRICS_H
#define COMMON_PROGRAM_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

struct metric {
    const char *name; /* snake_case */
    uint64_t value;
};

/* Appends each as a pair of MessagePack values and returns count. */
size_t metrics_put(struct buf *out, const struct metric *metrics, size_t count);

#endif
