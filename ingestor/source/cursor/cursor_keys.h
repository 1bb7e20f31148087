/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are looked for together, each with a number that its row is known by. Pure. */
#ifndef INGESTOR_SOURCE_CURSOR_CURSOR_KEYS_H
#define INGESTOR_SOURCE_CURSOR_CURSOR_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "ingestor/source/cursor/cursor_row.h"

/* Zero-initialised: none. */
struct cursor_keys {
    struct cursor_key *list; /* their texts are the caller's */
    uint64_t *numbers;       /* one a key, whose meaning is the caller's */
    size_t count;            /* how many keys there are */
    size_t cap;              /* how many there is memory for */
};

void cursor_keys_add(struct cursor_keys *keys, const struct cursor_key *key, uint64_t number);
void cursor_keys_free(struct cursor_keys *keys);

#endif
