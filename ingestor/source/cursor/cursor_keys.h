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
    uint64_t *numbers;
    size_t count;
    size_t cap;
};

void cursor_keys_add(struct cursor_keys *keys, const struct cursor_key *key, uint64_t number);
void cursor_keys_free(struct cursor_keys *keys);

#endif
