/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FNV-1a with 64 bits (Fowler, Noll and Vo; draft-eastlake-fnv). It is the same on every machine,
 * so that a hash may be stored and sent. It does not withstand those who choose the bytes:
 * collisions are easily made.
 */
#ifndef COMMON_BASE_FNV_H
#define COMMON_BASE_FNV_H

#include <stdint.h>

#include "common/base/str.h"

#define FNV_BEGIN UINT64_C(14695981039346656037)

/* Hashes more bytes into `hash`, which is FNV_BEGIN for the first. */
static inline uint64_t fnv1a(uint64_t hash, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ (unsigned char)bytes.p[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

#endif
