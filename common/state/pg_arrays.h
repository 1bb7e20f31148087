/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays as parameters of PostgreSQL's statements, in its binary form (array_send in
 * src/backend/utils/adt/arrayfuncs.c): the number of dimensions, whether there are NULLs, the
 * elements' type, the length, the first index, and each element behind its own length. All numbers
 * are 4 bytes, big-endian.
 */
#ifndef COMMON_STATE_PG_ARRAYS_H
#define COMMON_STATE_PG_ARRAYS_H

#include <stdint.h>

#include "common/base/buf.h"

#define PG_TYPE_BYTEA 17 /* OIDs, of pg_type.dat */
#define PG_TYPE_INT8 20

/* Begins an array of `count` elements of that type in an empty buffer. */
void pg_array_begin(struct buf *out, uint32_t type, size_t count);

/* Adds one; there must be `count` in the end. */
void pg_array_add_int8(struct buf *out, uint64_t value);
void pg_array_add_bytea(struct buf *out, struct str value);

#endif
