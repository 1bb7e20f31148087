/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named numbers, as the query `stats` gives them to people and scripts. Programs list their
 * counters in an array of struct metric when they are asked; nothing is registered or kept.
 */
#ifndef COMMON_PROGRAM_METRICS_H
#define COMMON_PROGRAM_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

struct metric {
    const char *name; /* snake_case, constant */
    uint64_t value;   /* at the moment of asking */
};

/* Appends each as a pair of MessagePack values, its name and its value, into a map that the caller
 * has opened. Returns count, to be added to the map's. */
size_t metrics_put(struct buf *out, const struct metric *metrics, size_t count);

/* The same for one number that may be below 0. Returns 1. */
size_t metrics_put_signed(struct buf *out, const char *name, int64_t value);

#endif
