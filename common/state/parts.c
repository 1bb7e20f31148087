/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/parts.h"

#include <stdlib.h>

#include "common/base/xalloc.h"

#define CHANGE_BYTES 64 /* that a change takes beside its value, at most */

void state_parts_order(struct state_changes *settled)
{
    struct state_change *ordered = x_calloc(settled->count + 1, sizeof *ordered);
    size_t count = 0;
    for (int puts = 0; puts < 2; puts++) {
        for (size_t i = 0; i < settled->count; i++) {
            if ((settled->list[i].kind == STATE_PUT) == (puts == 1)) {
                ordered[count++] = settled->list[i];
            }
        }
    }
    free(settled->list);
    settled->list = ordered;
    settled->cap = settled->count + 1;
}

size_t state_parts_end(const struct state_changes *ordered, size_t from, size_t max_bytes)
{
    size_t bytes = 0;
    size_t end = from;
    while (end < ordered->count) {
        bytes += CHANGE_BYTES + ordered->list[end].len;
        if (bytes > max_bytes && end > from) {
            break;
        }
        end++;
    }
    return end;
}
