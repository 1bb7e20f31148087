/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv): the same on every machine, so it may be
 * stored and sent. Not against those who choose the bytes.
 */
#ifndef COMMON_BASE_FNV_H
#define COMMON_BASE_FNV_H

#include <stdint.h>

#include "common/base/str.h"

#define FNV_BEGIN UINT64_C(14695981039346656037)

/* Goes on with more bytes; the first time from FNV_BEGIN. */
static inline uint64_t fnv1a(uint64_t hash, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ (unsigned char)bytes.p[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

#endif
