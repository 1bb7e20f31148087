/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/cursor/cursor_keys.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

void cursor_keys_add(struct cursor_keys *keys, const struct cursor_key *key, uint64_t number)
{
    if (keys->count == keys->cap) {
        keys->cap = keys->cap != 0 ? 2 * keys->cap : 16;
        keys->list = x_reallocarray(keys->list, keys->cap, sizeof *keys->list);
        keys->numbers = x_reallocarray(keys->numbers, keys->cap, sizeof *keys->numbers);
    }
    keys->list[keys->count] = *key;
    keys->numbers[keys->count++] = number;
}

void cursor_keys_free(struct cursor_keys *keys)
{
    free(keys->list);
    free(keys->numbers);
    *keys = (struct cursor_keys){0};
}
