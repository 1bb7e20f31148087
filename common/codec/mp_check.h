/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks bytes from outside before anything is made of them: whether they are one well-formed
 * MessagePack value that Tilewire can hold. A check allocates nothing, reads each byte at most
 * once, and recurses at most MP_MAX_DEPTH deep.
 *
 * A value is refused when
 *   - the bytes end before it does,
 *   - containers nest deeper than MP_MAX_DEPTH,
 *   - it holds an ext type, which JSON has nothing for, or the byte 0xc1, which is never used.
 *
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * Pure; any thread may call these.
 */
#ifndef COMMON_CODEC_MP_CHECK_H
#define COMMON_CODEC_MP_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* How many arrays and maps may stand within each other. */
#define MP_MAX_DEPTH 16

/* Returns the length in bytes of the well-formed value that the data begins with, or 0 when there
 * is none. More may follow the value. */
size_t mp_length(const void *data, size_t len);

/* True when the data is exactly one well-formed value of len bytes. */
bool mp_valid(const void *data, size_t len);

#endif
