/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the head, the chunks and the compression off an answer that comes in pieces. */
#ifndef BENCH_UNPACK_H
#define BENCH_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

struct unpacker;

struct unpacker *unpack_begin(void);
void unpack_end(struct unpacker **unpacker);

/* Calls `take` with what the bytes say. False: that is no answer in chunks of gzip. */
bool unpack(struct unpacker *unpacker, const char *data, size_t len,
            void (*take)(void *arg, const char *text, size_t len), void *arg);

#endif
